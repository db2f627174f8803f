//! How a file format writes dates, times, timestamps and BINARY.

use firn_types::text_format::TextSettings;

use super::OptionSet;

/// A format's own pictures; AUTO stands for the session's.
#[derive(Clone, Debug, PartialEq)]
pub struct Pictures {
    /// The picture of dates, or AUTO.
    pub date: String,
    /// The picture of times, or AUTO.
    pub time: String,
    /// The picture of timestamps, or AUTO.
    pub timestamp: String,
    /// How BINARY is written: HEX, BASE64 or UTF8.
    pub binary: String,
}

impl Pictures {
    pub(super) fn of(options: &OptionSet) -> Pictures {
        let picture = |name| options.text(name).unwrap_or_else(|| "AUTO".to_owned());
        Pictures {
            date: picture("DATE_FORMAT"),
            time: picture("TIME_FORMAT"),
            timestamp: picture("TIMESTAMP_FORMAT"),
            binary: options.text("BINARY_FORMAT").unwrap_or_else(|| "HEX".to_owned()),
        }
    }

    /// The session's text settings with the format's own over them, for reading.
    pub fn input_settings(&self, session: &TextSettings) -> TextSettings {
        let mut settings = session.clone();
        replace(&mut settings.date_input, &self.date);
        replace(&mut settings.time_input, &self.time);
        replace(&mut settings.timestamp_input, &self.timestamp);
        self.binary.clone_into(&mut settings.binary_input);
        settings
    }

    /// The session's text settings with the format's own over them, for writing.
    pub fn output_settings(&self, session: &TextSettings) -> TextSettings {
        let mut settings = session.clone();
        replace(&mut settings.date_output, &self.date);
        replace(&mut settings.time_output, &self.time);
        for setting in [
            &mut settings.timestamp_output,
            &mut settings.timestamp_ntz_output,
            &mut settings.timestamp_ltz_output,
            &mut settings.timestamp_tz_output,
        ] {
            replace(setting, &self.timestamp);
        }
        self.binary.clone_into(&mut settings.binary_output);
        settings
    }
}

/// Puts a picture in place of the session's, unless it is AUTO.
fn replace(setting: &mut String, own: &str) {
    if !own.eq_ignore_ascii_case("AUTO") {
        own.clone_into(setting);
    }
}
