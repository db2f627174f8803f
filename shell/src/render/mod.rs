//! Results as text. One file per family of formats; each writes row by row, so a result of any size costs
//! no more than its own text.

mod delimited;
mod json;
mod markdown;
mod table;
mod vertical;

use std::borrow::Cow;
use std::fmt::Display;
use std::io::{self, Write};

use firn_engine::{Cell, Field, StatementResult};

pub(crate) use json::machine_error;

/// How results are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// A table for people.
    Psql,
    /// RFC 4180 with a header line; NULL is an empty field, an empty text is `""`.
    Csv,
    /// Tab-separated, with backslash escapes.
    Tsv,
    /// One array of objects.
    Json,
    /// One object per line.
    JsonLines,
    /// A table in Markdown.
    Markdown,
    /// One line per value.
    Vertical,
    /// One JSON object per statement, for programs.
    Machine,
}

impl Format {
    /// All names, as the options' table shows them.
    pub(crate) const NAMES: &str = "psql, csv, tsv, json, jsonl, markdown, vertical or machine";

    /// Whether rows are printed as they come: the others need to know all of them first.
    pub(crate) fn streams(self) -> bool {
        matches!(self, Format::Csv | Format::Tsv | Format::Json | Format::JsonLines)
    }

    /// The format of that name, in lower case.
    pub(crate) fn parse(name: &str) -> Option<Format> {
        Some(match name {
            "psql" => Format::Psql,
            "csv" => Format::Csv,
            "tsv" => Format::Tsv,
            "json" => Format::Json,
            "jsonl" => Format::JsonLines,
            "markdown" => Format::Markdown,
            "vertical" | "expanded" => Format::Vertical,
            "machine" => Format::Machine,
            _ => return None,
        })
    }
}

/// A column as renderers see it.
#[derive(Clone, Debug)]
pub(crate) struct Head {
    /// The name.
    pub(crate) name: String,
    /// The type as SQL writes it.
    pub(crate) type_name: String,
    /// Whether its values are numbers, which stand to the right.
    pub(crate) numeric: bool,
    /// Whether its values are JSON texts.
    pub(crate) semi_structured: bool,
    /// Whether people see another text than programs.
    dressed: Dressed,
}

/// What SnowSQL, which formats values itself, shows otherwise than the server prints it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Dressed {
    /// Nothing.
    No,
    /// A FLOAT has at most nine decimals, ten below one.
    Float,
    /// An offset of zero is `+0000`, where the server prints `Z`.
    Offset,
}

impl Head {
    /// A column of a type as SQL writes it.
    pub(crate) fn of(name: &str, type_name: &str) -> Head {
        let family = type_name.split('(').next().unwrap_or_default();
        Head {
            name: name.to_string(),
            type_name: type_name.to_string(),
            numeric: matches!(family, "NUMBER" | "FLOAT"),
            semi_structured: matches!(family, "VARIANT" | "OBJECT" | "ARRAY"),
            dressed: match family {
                "FLOAT" => Dressed::Float,
                "TIMESTAMP_LTZ" | "TIMESTAMP_TZ" => Dressed::Offset,
                _ => Dressed::No,
            },
        }
    }

    /// A column of texts.
    pub(crate) fn text(name: &str) -> Head {
        Head::of(name, "VARCHAR")
    }

    /// A cell of this column as SnowSQL shows it to people.
    fn shown<'a>(&self, cell: &'a Cell) -> Cow<'a, str> {
        let text = match cell {
            Cell::Null => "NULL",
            Cell::Boolean(true) => "True",
            Cell::Boolean(false) => "False",
            Cell::Text(text) => text,
        };
        match self.dressed {
            Dressed::Float => shorter_float(text).map_or(Cow::Borrowed(text), Cow::Owned),
            Dressed::Offset => match text.strip_suffix(" Z") {
                Some(clock) => Cow::Owned(format!("{clock} +0000")),
                None => Cow::Borrowed(text),
            },
            Dressed::No => Cow::Borrowed(text),
        }
    }
}

/// The number with fewer decimals, when it has more of them than people see.
fn shorter_float(text: &str) -> Option<String> {
    let (whole, fraction) = text.split_once('.')?;
    let decimals = if whole.trim_start_matches('-') == "0" { 10 } else { 9 };
    // Numbers with an exponent are short as they are.
    if fraction.len() <= decimals || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let rounded = format!("{:.decimals$}", text.parse::<f64>().ok()?);
    // What would be nothing but zeros keeps its digits.
    let shorter = rounded.trim_end_matches('0').trim_end_matches('.');
    (shorter.parse() != Ok(0.0)).then(|| shorter.to_string())
}

/// Takes a row's cells.
pub(crate) type TakeRow<'a> = dyn FnMut(&[Cell]) -> io::Result<()> + 'a;

/// Rows that can be gone through more than once, unless they are streamed.
pub(crate) trait RowSource {
    /// The columns.
    fn heads(&self) -> &[Head];

    /// Calls `take` with every row's cells.
    ///
    /// # Errors
    /// When a value cannot be printed, and those of `take`, which end it.
    fn for_each_row(&self, take: &mut TakeRow<'_>) -> io::Result<()>;
}

/// A statement's result as rows.
pub(crate) struct ResultRows {
    heads: Vec<Head>,
    result: StatementResult,
}

impl ResultRows {
    /// The rows of a result.
    pub(crate) fn new(result: StatementResult) -> ResultRows {
        ResultRows { heads: heads_of(&result.fields), result }
    }
}

/// A result's columns as renderers see them.
pub(crate) fn heads_of(fields: &[Field]) -> Vec<Head> {
    fields.iter().map(|field| Head::of(&field.name, &field.sql_type.to_string())).collect()
}

impl RowSource for ResultRows {
    fn heads(&self) -> &[Head] {
        &self.heads
    }

    fn for_each_row(&self, take: &mut TakeRow<'_>) -> io::Result<()> {
        self.result.batches().try_for_each(|batch| {
            let batch = batch.map_err(unreadable)?;
            take_rows(take, |f| self.result.print(&batch, f))
        })
    }
}

/// Hands rows on that are printed all at once, until one is not taken.
///
/// # Errors
/// When they cannot be printed, and those of `take`.
pub(crate) fn take_rows<E: Display>(
    take: &mut TakeRow<'_>,
    print: impl FnOnce(&mut dyn FnMut(&[Cell])) -> Result<(), E>,
) -> io::Result<()> {
    let mut taken = Ok(());
    let printed = print(&mut |cells| {
        if taken.is_ok() {
            taken = take(cells);
        }
    });
    printed.map_err(unreadable)?;
    taken
}

fn unreadable(error: impl Display) -> io::Error {
    io::Error::other(error.to_string())
}

/// Rows that the shell itself makes.
#[derive(Debug)]
pub(crate) struct TextRows {
    heads: Vec<Head>,
    rows: Vec<Vec<Cell>>,
}

impl TextRows {
    /// No rows yet, of columns of these names.
    pub(crate) fn new(names: &[&str]) -> TextRows {
        TextRows { heads: names.iter().map(|name| Head::text(name)).collect(), rows: Vec::new() }
    }

    /// How many rows there are.
    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    /// Adds a row.
    pub(crate) fn push<const N: usize>(&mut self, cells: [&str; N]) {
        self.rows.push(cells.iter().map(|cell| Cell::Text((*cell).to_string())).collect());
    }
}

impl RowSource for TextRows {
    fn heads(&self) -> &[Head] {
        &self.heads
    }

    fn for_each_row(&self, take: &mut TakeRow<'_>) -> io::Result<()> {
        self.rows.iter().try_for_each(|row| take(row))
    }
}

/// What the options say about the form.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Style {
    /// Whether columns' names are printed.
    pub(crate) header: bool,
    /// Whether NULL is nothing in tsv.
    pub(crate) empty_for_null: bool,
    /// The terminal's width in columns, if tables must fit.
    pub(crate) width: Option<usize>,
}

/// What machine output says about a statement beside its rows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Facts<'a> {
    /// The statement's id.
    pub(crate) query_id: &'a str,
    /// The rows given or affected.
    pub(crate) row_count: u64,
    /// The time taken, in seconds.
    pub(crate) elapsed_s: f64,
}

/// Writes the rows in a format.
///
/// # Errors
/// When writing fails, or a value cannot be printed.
pub(crate) fn render(
    format: Format,
    rows: &dyn RowSource,
    style: Style,
    facts: Facts,
    out: &mut dyn Write,
) -> io::Result<()> {
    match format {
        Format::Psql => table::write(rows, style, out),
        Format::Csv => delimited::write_csv(rows, style, out),
        Format::Tsv => delimited::write_tsv(rows, style, out),
        Format::Json => json::write_array(rows, out),
        Format::JsonLines => json::write_lines(rows, out),
        Format::Markdown => markdown::write(rows, style, out),
        Format::Vertical => vertical::write(rows, out),
        Format::Machine => json::write_machine(rows, facts, out),
    }
}

/// Writes row by row until writing fails.
fn write_rows(
    rows: &dyn RowSource,
    out: &mut dyn Write,
    mut row: impl FnMut(&mut dyn Write, &[Cell]) -> io::Result<()>,
) -> io::Result<()> {
    rows.for_each_row(&mut |cells| row(out, cells))
}

/// A line of data as people see it: nothing in it moves the cursor or tells the terminal anything.
fn visible(line: &str) -> String {
    line.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// As [`visible`], of a text with lines.
pub(crate) fn visible_lines(text: &str) -> String {
    let shown = |c: char| if c.is_control() && c != '\n' { ' ' } else { c };
    text.replace("\r\n", "\n").chars().map(shown).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Renders rows of texts, where `NULL` stands for NULL; a name that begins with `#` is a number's.
    pub(super) fn check(format: Format, names: &[&str], cells: &[&[&str]], expect: &str) {
        check_style(
            format,
            Style { header: true, empty_for_null: false, width: None },
            names,
            cells,
            expect,
        );
    }

    pub(super) fn check_style(
        format: Format,
        style: Style,
        names: &[&str],
        cells: &[&[&str]],
        expect: &str,
    ) {
        let mut rows = TextRows::new(names);
        for head in &mut rows.heads {
            if let Some(name) = head.name.strip_prefix('#') {
                (head.name, head.numeric) = (name.to_string(), true);
            } else if let Some(name) = head.name.strip_prefix('{') {
                (head.name, head.semi_structured) = (name.to_string(), true);
            }
        }
        let cell = |text: &&str| match *text {
            "NULL" => Cell::Null,
            "True" => Cell::Boolean(true),
            text => Cell::Text(text.to_string()),
        };
        rows.rows = cells.iter().map(|row| row.iter().map(cell).collect()).collect();
        let facts = Facts { query_id: "id", row_count: cells.len() as u64, elapsed_s: 0.5 };
        let mut out = Vec::new();
        render(format, &rows, style, facts, &mut out).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), expect);
    }

    #[test]
    fn people_see_fewer_decimals_of_a_float() {
        let check = |text: &str, expect: Option<&str>| {
            assert_eq!(shorter_float(text).as_deref(), expect, "{text}");
        };
        check("12.566370614359172", Some("12.566370614"));
        check("-0.8390715290764524", Some("-0.8390715291"));
        check("0.9999999999999999", Some("1"));
        check("1.5", None);
        check("1.2345678901234567e+20", None);
        check("0.00000000000012", None);
    }
}
