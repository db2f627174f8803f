//! Options between statements, the catalog and this crate.

use firn_types::options::{NamedOption as Written, OptionValue as WrittenValue};
use firn_types::{Error, Result};
use serde_json::Value as Json;

use super::{NamedOption, OptionValue};

/// Options as a plan carries them, in this crate's form.
///
/// # Errors
/// For values that no option has, such as options within options.
pub fn from_plan(options: &[Written]) -> Result<Vec<NamedOption>> {
    options.iter().map(|option| Ok((option.name.clone(), value(&option.value)?))).collect()
}

fn value(written: &WrittenValue) -> Result<OptionValue> {
    Ok(match written {
        WrittenValue::Word(text) => OptionValue::Word(text.clone()),
        WrittenValue::Text(text) => OptionValue::Text(text.clone()),
        WrittenValue::Number(text) => match text.parse() {
            Ok(number) => OptionValue::Number(number),
            Err(_) => OptionValue::Word(text.clone()),
        },
        WrittenValue::Boolean(truth) => OptionValue::Boolean(*truth),
        WrittenValue::List(items) => {
            OptionValue::List(items.iter().map(value).collect::<Result<_>>()?)
        }
        WrittenValue::Stored(text) => stored_value(text),
        WrittenValue::Nested(_) => return Err(Error::not_supported("options within this option")),
    })
}

/// Options as the catalog keeps them: each value as JSON.
pub fn to_stored(options: &[NamedOption]) -> Vec<(String, String)> {
    let stored = |(name, value): &NamedOption| (name.clone(), json(value).to_string());
    options.iter().map(stored).collect()
}

fn json(value: &OptionValue) -> Json {
    match value {
        OptionValue::Word(text) | OptionValue::Text(text) => Json::from(text.as_str()),
        OptionValue::Number(number) => Json::from(*number),
        OptionValue::Boolean(truth) => Json::from(*truth),
        OptionValue::List(items) => Json::Array(items.iter().map(json).collect()),
    }
}

/// A value from the catalog; a text that is no JSON stands for itself.
fn stored_value(text: &str) -> OptionValue {
    fn of(json: Json) -> OptionValue {
        match json {
            Json::Bool(truth) => OptionValue::Boolean(truth),
            Json::Number(number) => OptionValue::Number(number.as_i64().unwrap_or(0)),
            Json::String(text) => OptionValue::Text(text),
            Json::Array(items) => OptionValue::List(items.into_iter().map(of).collect()),
            other => OptionValue::Word(other.to_string().to_uppercase()),
        }
    }
    serde_json::from_str(text).map_or_else(|_| OptionValue::Text(text.to_string()), of)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::FormatDefinition;

    #[test]
    fn a_format_survives_the_catalog() -> Result<()> {
        let text = |text: &str| OptionValue::Text(text.to_string());
        let given = vec![
            ("TYPE".to_string(), OptionValue::Word("CSV".to_string())),
            ("FIELD_DELIMITER".to_string(), text("|")),
            ("SKIP_HEADER".to_string(), OptionValue::Number(1)),
            ("NULL_IF".to_string(), OptionValue::List(vec![text("\\N"), text("a, b")])),
            ("TRIM_SPACE".to_string(), OptionValue::Boolean(true)),
        ];
        let format = FormatDefinition::parse(&given)?;
        let stored = to_stored(&format.pairs());
        let written: Vec<Written> = stored
            .into_iter()
            .map(|(name, value)| Written { name, value: WrittenValue::Stored(value) })
            .collect();
        assert_eq!(FormatDefinition::parse(&from_plan(&written)?)?, format);
        Ok(())
    }
}
