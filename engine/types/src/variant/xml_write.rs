//! Values to XML.

use super::json_write::{JsonWriter, ScalarText, write_float};
use super::value::Item;
use super::view::{Fields, Variant};
use crate::number_text::write_decimal;

/// Writes elements, and other values in Snowflake's own.
#[derive(Clone, Copy)]
pub struct XmlWriter<'a> {
    texts: &'a dyn ScalarText,
    indent: usize,
}

/// Whether an object is an element, as [`super::xml_read`] makes them.
pub fn is_element(fields: &Fields<'_>) -> bool {
    let name = fields.get("@").map(Variant::item);
    matches!(name, Some(Item::Text(name)) if !name.is_empty()) && fields.get("$").is_some()
}

impl<'a> XmlWriter<'a> {
    /// A writer of texts without blanks.
    pub fn compact(texts: &'a dyn ScalarText) -> XmlWriter<'a> {
        XmlWriter { texts, indent: 0 }
    }

    /// A writer of one element per line, indented by so many blanks per level; compact for 0.
    pub fn pretty(texts: &'a dyn ScalarText, indent: usize) -> XmlWriter<'a> {
        XmlWriter { texts, indent }
    }

    /// Appends an element's text, and says so; FALSE for what is none.
    pub fn write_element(&self, value: Variant<'_>, out: &mut String) -> bool {
        match value.item() {
            Item::Object(fields) if is_element(&fields) => {
                self.element(&fields, 0, out);
                true
            }
            _ => false,
        }
    }

    /// Appends any value: an element as it is, others with their types.
    pub fn write(&self, value: Variant<'_>, out: &mut String) {
        if !self.write_element(value, out) {
            self.typed("SnowflakeData", value, out);
        }
    }

    fn element(&self, fields: &Fields<'_>, depth: usize, out: &mut String) {
        let name = match fields.get("@").map(Variant::item) {
            Some(Item::Text(name)) => name,
            _ => return,
        };
        out.push('<');
        out.push_str(name);
        for (key, value) in fields.iter() {
            if let Some(attribute) = key.strip_prefix('@').filter(|name| !name.is_empty()) {
                out.push(' ');
                out.push_str(attribute);
                out.push_str("=\"");
                self.scalar(value, out);
                out.push('"');
            }
        }
        out.push('>');
        let content = fields.get("$");
        let nodes: Vec<Variant<'_>> = match content.map(Variant::item) {
            Some(Item::Array(nodes)) => nodes.iter().collect(),
            _ => content.into_iter().collect(),
        };
        let inner = |node: &Variant<'_>| matches!(node.item(), Item::Object(f) if is_element(&f));
        let lines = self.indent > 0 && nodes.iter().any(inner);
        for node in nodes {
            if lines {
                self.new_line(depth + 1, out);
            }
            match node.item() {
                Item::Object(fields) if is_element(&fields) => {
                    self.element(&fields, depth + 1, out)
                }
                _ => self.scalar(node, out),
            }
        }
        if lines {
            self.new_line(depth, out);
        }
        out.push_str("</");
        out.push_str(name);
        out.push('>');
    }

    fn new_line(&self, depth: usize, out: &mut String) {
        out.push('\n');
        out.extend(std::iter::repeat_n(' ', self.indent * depth));
    }

    /// A value in an element that says its type.
    fn typed(&self, name: &str, value: Variant<'_>, out: &mut String) {
        let item = value.item();
        out.push_str(&format!("<{name} type=\"{}\">", item.type_name()));
        match item {
            Item::Object(fields) => {
                fields.iter().for_each(|(key, value)| self.typed(key, value, out));
            }
            Item::Array(elements) => {
                elements.iter().for_each(|element| self.typed("e", element, out));
            }
            Item::Null | Item::Undefined => {}
            _ => self.scalar(value, out),
        }
        out.push_str(&format!("</{name}>"));
    }

    fn scalar(&self, value: Variant<'_>, out: &mut String) {
        match value.item() {
            Item::Text(text) => escape(text, out),
            Item::Number(number) => write_decimal(out, number.unscaled, number.scale),
            Item::Float(number) => write_float(number, out),
            Item::Boolean(flag) => out.push_str(if flag { "true" } else { "false" }),
            Item::Object(_) | Item::Array(_) => {
                escape(&JsonWriter::compact(self.texts).text(value), out);
            }
            Item::Null | Item::Undefined => {}
            other => self.texts.write(&other, out),
        }
    }
}

impl std::fmt::Debug for XmlWriter<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "XmlWriter {{ indent: {} }}", self.indent)
    }
}

fn escape(text: &str, out: &mut String) {
    for character in text.chars() {
        match character {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            other => out.push(other),
        }
    }
}
