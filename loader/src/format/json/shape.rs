//! The options that change values on their way in: STRIP_NULL_VALUES, NULL_IF, TRIM_SPACE.

use firn_types::Result;
use firn_types::variant::encode::Builder;
use firn_types::variant::value::Item;
use firn_types::variant::view::Variant;

use crate::options::JsonOptions;

/// What is done to each value.
#[derive(Clone, Debug)]
pub(super) struct Shape {
    strip_nulls: bool,
    trim: bool,
    null_if: Vec<String>,
}

impl Shape {
    /// The shape that the options ask for; none when values stay as they are.
    pub(super) fn new(options: &JsonOptions) -> Option<Shape> {
        let shape = Shape {
            strip_nulls: options.strip_null_values,
            trim: options.trim_space,
            null_if: options.null_if.clone(),
        };
        (shape.strip_nulls || shape.trim || !shape.null_if.is_empty()).then_some(shape)
    }

    /// Writes the changed value. The depth of values is bounded by their reader.
    pub(super) fn write(&self, value: Variant<'_>, out: &mut Builder) -> Result<()> {
        if let Some(fields) = value.as_object() {
            out.begin_object()?;
            for (key, member) in fields.iter() {
                if self.strip_nulls && self.becomes_null(member) {
                    continue;
                }
                out.key(key);
                self.write(member, out)?;
            }
            return out.end_object();
        }
        if let Some(elements) = value.as_array() {
            out.begin_array()?;
            for element in elements.iter() {
                self.write(element, out)?;
            }
            return out.end_array();
        }
        match value.item() {
            _ if self.becomes_null(value) => out.null(),
            Item::Text(text) => out.text(if self.trim { text.trim() } else { text }),
            _ => out.copy(value)?,
        }
        Ok(())
    }

    fn becomes_null(&self, value: Variant<'_>) -> bool {
        match value.item() {
            Item::Null => true,
            Item::Text(text) => {
                let text = if self.trim { text.trim() } else { text };
                self.null_if.iter().any(|null| null == text)
            }
            _ => false,
        }
    }
}
