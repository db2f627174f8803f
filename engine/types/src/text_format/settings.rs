//! The session's text parameters, as written and compiled.

use std::ops::Deref;

use super::auto::parse_auto;
use super::{Moment, MomentKind, Picture};

/// The session parameters that govern how values become texts and back. Formats are as the user wrote
/// them, `AUTO` included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextSettings {
    /// DATE_INPUT_FORMAT.
    pub date_input: String,
    /// DATE_OUTPUT_FORMAT.
    pub date_output: String,
    /// TIME_INPUT_FORMAT.
    pub time_input: String,
    /// TIME_OUTPUT_FORMAT.
    pub time_output: String,
    /// TIMESTAMP_INPUT_FORMAT.
    pub timestamp_input: String,
    /// TIMESTAMP_OUTPUT_FORMAT.
    pub timestamp_output: String,
    /// TIMESTAMP_NTZ_OUTPUT_FORMAT; empty for TIMESTAMP_OUTPUT_FORMAT.
    pub timestamp_ntz_output: String,
    /// TIMESTAMP_LTZ_OUTPUT_FORMAT; empty for TIMESTAMP_OUTPUT_FORMAT.
    pub timestamp_ltz_output: String,
    /// TIMESTAMP_TZ_OUTPUT_FORMAT; empty for TIMESTAMP_OUTPUT_FORMAT.
    pub timestamp_tz_output: String,
    /// BINARY_INPUT_FORMAT.
    pub binary_input: String,
    /// BINARY_OUTPUT_FORMAT.
    pub binary_output: String,
    /// TWO_DIGIT_CENTURY_START.
    pub two_digit_century_start: u16,
    /// JSON_INDENT.
    pub json_indent: u8,
}

impl Default for TextSettings {
    fn default() -> TextSettings {
        let auto = || "AUTO".to_string();
        TextSettings {
            date_input: auto(),
            date_output: "YYYY-MM-DD".to_string(),
            time_input: auto(),
            time_output: "HH24:MI:SS".to_string(),
            timestamp_input: auto(),
            timestamp_output: "YYYY-MM-DD HH24:MI:SS.FF3 TZHTZM".to_string(),
            timestamp_ntz_output: "YYYY-MM-DD HH24:MI:SS.FF3".to_string(),
            timestamp_ltz_output: String::new(),
            timestamp_tz_output: String::new(),
            binary_input: "HEX".to_string(),
            binary_output: "HEX".to_string(),
            two_digit_century_start: 1970,
            json_indent: 2,
        }
    }
}

/// The compiled text parameters; the parameters themselves are reached through it as well.
#[derive(Clone, Debug)]
pub struct TextFormats {
    settings: TextSettings,
    /// How texts are read as DATE.
    pub date_in: InputFormat,
    /// How texts are read as TIME.
    pub time_in: InputFormat,
    /// How texts are read as the three timestamps.
    pub timestamp_in: InputFormat,
    /// How a DATE is printed.
    pub date_out: Picture,
    /// How a TIME is printed.
    pub time_out: Picture,
    /// How a TIMESTAMP_NTZ is printed.
    pub timestamp_ntz_out: Picture,
    /// How a TIMESTAMP_LTZ is printed.
    pub timestamp_ltz_out: Picture,
    /// How a TIMESTAMP_TZ is printed.
    pub timestamp_tz_out: Picture,
    /// How texts are read as BINARY.
    pub binary_in: BinaryFormat,
    /// How a BINARY is printed.
    pub binary_out: BinaryFormat,
}

impl TextFormats {
    /// Compiles the parameters.
    pub fn new(settings: TextSettings) -> TextFormats {
        let output = |own: &str| match own {
            "" => Picture::compile(&settings.timestamp_output),
            own => Picture::compile(own),
        };
        TextFormats {
            date_in: InputFormat::compile(&settings.date_input),
            time_in: InputFormat::compile(&settings.time_input),
            timestamp_in: InputFormat::compile(&settings.timestamp_input),
            date_out: Picture::compile(&settings.date_output),
            time_out: Picture::compile(&settings.time_output),
            timestamp_ntz_out: output(&settings.timestamp_ntz_output),
            timestamp_ltz_out: output(&settings.timestamp_ltz_output),
            timestamp_tz_out: output(&settings.timestamp_tz_output),
            binary_in: BinaryFormat::parse(&settings.binary_input).unwrap_or_default(),
            binary_out: BinaryFormat::parse(&settings.binary_output).unwrap_or_default(),
            settings,
        }
    }
}

impl Default for TextFormats {
    fn default() -> TextFormats {
        TextFormats::new(TextSettings::default())
    }
}

impl Deref for TextFormats {
    type Target = TextSettings;

    fn deref(&self) -> &TextSettings {
        &self.settings
    }
}

/// How a text is read as a date, time or timestamp.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InputFormat {
    /// By its looks.
    Auto,
    /// By a picture.
    Picture(Picture),
}

impl InputFormat {
    /// `AUTO` in any case (an empty text too), or a picture.
    pub fn compile(text: &str) -> InputFormat {
        match text.is_empty() || text.eq_ignore_ascii_case("AUTO") {
            true => InputFormat::Auto,
            false => InputFormat::Picture(Picture::compile(text)),
        }
    }

    /// What the text says; `None` where it is not of the format.
    #[inline]
    pub fn parse(&self, text: &str, kind: MomentKind, century_start: u16) -> Option<Moment> {
        match self {
            InputFormat::Auto => parse_auto(text, kind),
            InputFormat::Picture(picture) => {
                picture.parse(text, century_start).map(Moment::Reading)
            }
        }
    }
}

/// How bytes are written as text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BinaryFormat {
    /// Two hexadecimal digits each.
    #[default]
    Hex,
    /// Base 64.
    Base64,
    /// As the text that they are.
    Utf8,
}

impl BinaryFormat {
    /// The format of this name, in any case.
    pub fn parse(name: &str) -> Option<BinaryFormat> {
        match name.to_ascii_uppercase().as_str() {
            "HEX" => Some(BinaryFormat::Hex),
            "BASE64" => Some(BinaryFormat::Base64),
            "UTF8" | "UTF-8" => Some(BinaryFormat::Utf8),
            _ => None,
        }
    }
}
