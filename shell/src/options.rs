//! The shell's options: one table that `-o`, the configuration file, `!set` and `!options` share.

use crate::render::Format;

/// One option as the table describes it.
#[derive(Debug)]
pub(crate) struct OptionEntry {
    /// The name.
    pub(crate) name: &'static str,
    kind: Kind,
    /// The value that holds unless another is set.
    default: &'static str,
    /// What it does.
    pub(crate) help: &'static str,
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    Boolean,
    /// TRUE, FALSE, or whatever fits the situation.
    BooleanOrAuto,
    OutputFormat,
    Text,
}

const fn entry(
    name: &'static str,
    kind: Kind,
    default: &'static str,
    help: &'static str,
) -> OptionEntry {
    OptionEntry { name, kind, default, help }
}

/// Every option, by name.
pub(crate) const OPTIONS: &[OptionEntry] = &[
    entry("auto_completion", Kind::Boolean, "true", "Complete keywords and names with Tab"),
    entry("color", Kind::BooleanOrAuto, "auto", "Color what is typed, and errors"),
    entry("echo", Kind::Boolean, "false", "Print each statement before its result"),
    entry("empty_for_null_in_tsv", Kind::Boolean, "false", "Print NULL as nothing in tsv"),
    entry(
        "exit_on_error",
        Kind::BooleanOrAuto,
        "auto",
        "Leave at the first error; auto: unless interactive",
    ),
    entry("friendly", Kind::Boolean, "true", "Greet and say goodbye"),
    entry("header", Kind::Boolean, "true", "Print the columns' names"),
    entry("output_file", Kind::Text, "", "Append results to this file as well"),
    entry("output_format", Kind::OutputFormat, "psql", Format::NAMES),
    entry(
        "progress_bar",
        Kind::Boolean,
        "true",
        "Show the progress of work that takes longer than a second",
    ),
    entry("prompt_format", Kind::Text, "[user]#[warehouse]@[database].[schema]>", "The prompt"),
    entry("quiet", Kind::Boolean, "false", "Print nothing but errors"),
    entry("results", Kind::Boolean, "true", "Print results"),
    entry("sfqid", Kind::Boolean, "false", "Print each statement's id"),
    entry("sfqid_in_error", Kind::Boolean, "false", "Print the id of failed statements"),
    entry("stop_on_error", Kind::Boolean, "false", "Leave a !source file at its first error"),
    entry(
        "timing",
        Kind::BooleanOrAuto,
        "auto",
        "Print the time; auto: with psql, markdown and vertical",
    ),
    entry(
        "timing_in_output_file",
        Kind::Boolean,
        "false",
        "Print the time to the output file as well",
    ),
    entry("variable_substitution", Kind::Boolean, "false", "Replace &name by the variable's value"),
    entry("wrap", Kind::Boolean, "true", "Fit tables to the terminal's width"),
];

/// The values of all options.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    values: Vec<String>,
}

impl Default for Options {
    fn default() -> Options {
        Options { values: OPTIONS.iter().map(|entry| entry.default.to_string()).collect() }
    }
}

impl Options {
    /// Sets an option; names and values in any case.
    ///
    /// # Errors
    /// A message when there is no such option, or it does not take the value.
    pub(crate) fn set(&mut self, name: &str, value: &str) -> Result<(), String> {
        let index = position(name).ok_or_else(|| format!("unknown option '{name}'"))?;
        let lower = value.to_ascii_lowercase();
        let fine = match OPTIONS[index].kind {
            Kind::Boolean => matches!(lower.as_str(), "true" | "false"),
            Kind::BooleanOrAuto => matches!(lower.as_str(), "true" | "false" | "auto"),
            Kind::OutputFormat => Format::parse(&lower).is_some(),
            Kind::Text => true,
        };
        if !fine {
            return Err(format!(
                "option {} does not take '{value}': {}",
                OPTIONS[index].name, OPTIONS[index].help
            ));
        }
        self.values[index] = match OPTIONS[index].kind {
            Kind::Text => value.to_string(),
            _ => lower,
        };
        Ok(())
    }

    /// The value as text; empty for unknown names.
    pub(crate) fn text(&self, name: &str) -> &str {
        position(name).map_or("", |index| &self.values[index])
    }

    /// Whether it is TRUE.
    pub(crate) fn is_true(&self, name: &str) -> bool {
        self.text(name) == "true"
    }

    /// Whether it is TRUE, or `auto` and `situation` holds.
    pub(crate) fn is_true_or(&self, name: &str, situation: bool) -> bool {
        match self.text(name) {
            "auto" => situation,
            text => text == "true",
        }
    }

    /// How results are printed.
    pub(crate) fn format(&self) -> Format {
        Format::parse(self.text("output_format")).unwrap_or(Format::Psql)
    }

    /// Whether the footer with rows and time is printed.
    pub(crate) fn timing(&self) -> bool {
        let for_people =
            matches!(self.format(), Format::Psql | Format::Markdown | Format::Vertical);
        self.is_true_or("timing", for_people)
    }
}

fn position(name: &str) -> Option<usize> {
    OPTIONS.iter().position(|entry| entry.name.eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_legal_and_names_sorted() {
        let mut options = Options::default();
        for entry in OPTIONS {
            assert_eq!(options.set(entry.name, entry.default), Ok(()), "{}", entry.name);
        }
        assert!(OPTIONS.is_sorted_by_key(|entry| entry.name));
    }

    #[test]
    fn unknown_names_and_values_are_refused() {
        let mut options = Options::default();
        assert_eq!(options.set("HEADER", "False"), Ok(()));
        assert!(!options.is_true("header"));
        assert_eq!(options.set("colour", "true"), Err("unknown option 'colour'".to_string()));
        assert!(options.set("output_format", "xml").is_err());
    }

    #[test]
    fn timing_is_for_people_unless_it_is_set() {
        let mut options = Options::default();
        assert!(options.timing());
        options.set("output_format", "csv").unwrap();
        assert!(!options.timing());
        options.set("timing", "true").unwrap();
        assert!(options.timing());
    }
}
