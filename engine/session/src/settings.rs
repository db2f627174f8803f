//! The session's parameters: checked when they are set, typed when they are read.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono_tz::Tz;
use firn_types::text_format::{TextFormats, TextSettings};
use firn_types::{Error, ErrorCode, Result, SqlType};

use crate::settings_table::{self, Kind, Parameter};

/// The parameters that the session has set, with what is compiled from all of them.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    set: BTreeMap<&'static str, String>,
    /// What the account has set when the session started.
    of_account: BTreeMap<&'static str, String>,
    /// What the user had set when the session started.
    of_user: BTreeMap<&'static str, String>,
    formats: Arc<TextFormats>,
    time_zone: Tz,
}

/// The value of a session parameter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ParameterValue {
    /// TRUE or FALSE.
    Boolean(bool),
    /// A whole number.
    Number(i64),
    /// Anything else.
    Text(String),
}

impl Default for Settings {
    fn default() -> Settings {
        let mut settings = Settings {
            set: BTreeMap::new(),
            of_account: BTreeMap::new(),
            of_user: BTreeMap::new(),
            formats: Arc::default(),
            time_zone: chrono_tz::America::Los_Angeles,
        };
        settings.compile();
        settings
    }
}

impl Settings {
    /// The settings of a new session in an account with these parameters. Others than the session's, and
    /// values that this version does not take, are passed over.
    pub(crate) fn new<'p>(account: impl Iterator<Item = (&'p str, &'p str)>) -> Settings {
        let mut settings = Settings::default();
        for (name, value) in account {
            if let Some(parameter) = settings_table::find(name)
                && let Ok(value) = checked(parameter, value)
            {
                settings.of_account.insert(parameter.name, value);
            }
        }
        settings.compile();
        settings
    }

    /// Takes the parameters among a user's properties before the account's.
    pub(crate) fn start_with(&mut self, properties: &[(String, String)]) {
        for (name, value) in properties {
            if let Some(parameter) = settings_table::find(name)
                && let Ok(value) = checked(parameter, value)
            {
                self.of_user.insert(parameter.name, value);
            }
        }
        self.compile();
    }

    /// Sets a parameter to a value as written.
    ///
    /// # Errors
    /// When there is no such parameter, or it does not take the value.
    pub(crate) fn set(&mut self, name: &str, value: &str) -> Result<()> {
        let parameter = parameter_or_err(name)?;
        let value = checked(parameter, value)?;
        self.set.insert(parameter.name, value);
        self.compile();
        Ok(())
    }

    /// Sets a parameter back to its default.
    ///
    /// # Errors
    /// When there is no such parameter.
    pub(crate) fn unset(&mut self, name: &str) -> Result<()> {
        self.set.remove(parameter_or_err(name)?.name);
        self.compile();
        Ok(())
    }

    /// Who has set it: `SESSION`, `USER`, `ACCOUNT` or nobody.
    pub(crate) fn level(&self, name: &str) -> &'static str {
        let levels =
            [(&self.set, "SESSION"), (&self.of_user, "USER"), (&self.of_account, "ACCOUNT")];
        levels.iter().find(|(set, _)| set.contains_key(name)).map_or("", |(_, level)| level)
    }

    /// The value as SHOW PARAMETERS prints it; empty for unknown names.
    pub(crate) fn text(&self, name: &str) -> &str {
        match [&self.set, &self.of_user, &self.of_account].iter().find_map(|set| set.get(name)) {
            Some(value) => value,
            None => settings_table::find(name).map_or("", |parameter| parameter.default),
        }
    }

    /// All parameters.
    pub(crate) fn typed(&self) -> Vec<(&'static str, ParameterValue)> {
        let all = settings_table::PARAMETERS.iter();
        all.map(|parameter| (parameter.name, self.value_of(parameter))).collect()
    }

    /// The value of a parameter; none for unknown names.
    pub(crate) fn typed_value(&self, name: &str) -> Option<ParameterValue> {
        settings_table::find(name).map(|parameter| self.value_of(parameter))
    }

    fn value_of(&self, parameter: &Parameter) -> ParameterValue {
        match parameter.kind {
            Kind::Boolean => ParameterValue::Boolean(self.is_true(parameter.name)),
            Kind::Number(..) => ParameterValue::Number(self.number(parameter.name)),
            _ => ParameterValue::Text(self.text(parameter.name).to_string()),
        }
    }

    /// A parameter that is TRUE or FALSE.
    pub(crate) fn is_true(&self, name: &str) -> bool {
        self.text(name).eq_ignore_ascii_case("true")
    }

    /// A parameter that is a number.
    pub(crate) fn number(&self, name: &str) -> i64 {
        self.text(name).parse().unwrap_or(0)
    }

    /// How values become texts and back.
    pub(crate) fn formats(&self) -> &Arc<TextFormats> {
        &self.formats
    }

    /// TIMEZONE.
    pub(crate) fn time_zone(&self) -> Tz {
        self.time_zone
    }

    /// TIMESTAMP_TYPE_MAPPING.
    pub(crate) fn timestamp_mapping(&self) -> SqlType {
        match self.text("TIMESTAMP_TYPE_MAPPING") {
            "TIMESTAMP_LTZ" => SqlType::TIMESTAMP_LTZ,
            "TIMESTAMP_TZ" => SqlType::TIMESTAMP_TZ,
            _ => SqlType::TIMESTAMP_NTZ,
        }
    }

    fn compile(&mut self) {
        let text = |name: &str| self.text(name).to_string();
        let settings = TextSettings {
            date_input: text("DATE_INPUT_FORMAT"),
            date_output: text("DATE_OUTPUT_FORMAT"),
            time_input: text("TIME_INPUT_FORMAT"),
            time_output: text("TIME_OUTPUT_FORMAT"),
            timestamp_input: text("TIMESTAMP_INPUT_FORMAT"),
            timestamp_output: text("TIMESTAMP_OUTPUT_FORMAT"),
            timestamp_ntz_output: text("TIMESTAMP_NTZ_OUTPUT_FORMAT"),
            timestamp_ltz_output: text("TIMESTAMP_LTZ_OUTPUT_FORMAT"),
            timestamp_tz_output: text("TIMESTAMP_TZ_OUTPUT_FORMAT"),
            binary_input: text("BINARY_INPUT_FORMAT"),
            binary_output: text("BINARY_OUTPUT_FORMAT"),
            two_digit_century_start: u16::try_from(self.number("TWO_DIGIT_CENTURY_START"))
                .unwrap_or(1970),
            json_indent: u8::try_from(self.number("JSON_INDENT")).unwrap_or(2),
        };
        self.time_zone = text("TIMEZONE").parse().unwrap_or(chrono_tz::UTC);
        self.formats = Arc::new(TextFormats::new(settings));
    }
}

fn parameter_or_err(name: &str) -> Result<&'static Parameter> {
    settings_table::find(name).ok_or_else(|| {
        let names = settings_table::PARAMETERS.iter().map(|parameter| parameter.name);
        let near = firn_account::catalog::names::nearest(name, names);
        let hint = near.map_or(String::new(), |near| format!("\nDid you mean {near}?"));
        let text = format!("invalid property '{name}' for 'SESSION'{hint}");
        Error::new(ErrorCode::InvalidParameterValue, text)
    })
}

/// The value of a session parameter in the form in which it is kept; none when the session has no such
/// parameter.
///
/// # Errors
/// When it does not take the value.
pub(crate) fn checked_value(name: &str, value: &str) -> Option<Result<String>> {
    settings_table::find(name).map(|parameter| checked(parameter, value))
}

/// The value in the form in which it is kept.
fn checked(parameter: &Parameter, value: &str) -> Result<String> {
    let invalid = || {
        let text = format!("invalid value [{value}] for parameter '{}'", parameter.name);
        Error::new(ErrorCode::InvalidParameterValue, text)
    };
    match parameter.kind {
        Kind::Text => Ok(value.to_string()),
        Kind::Boolean => match value.to_ascii_uppercase().as_str() {
            upper @ ("TRUE" | "FALSE") => Ok(upper.to_string()),
            _ => Err(invalid()),
        },
        Kind::Number(low, high) => match value.parse::<i64>() {
            Ok(number) if (low..=high).contains(&number) => Ok(number.to_string()),
            _ => Err(invalid()),
        },
        Kind::Word(words) => {
            let found = words.iter().find(|word| word.eq_ignore_ascii_case(value));
            found.map(ToString::to_string).ok_or_else(invalid)
        }
        Kind::Zone => {
            value.parse::<Tz>().map(|zone| zone.name().to_string()).map_err(|_| invalid())
        }
    }
}
