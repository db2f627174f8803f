//! The pages of `docs` that tables of the code are printed to: of functions and of error codes.
//!
//! `UPDATE_GOLDEN=1 cargo test -p firn-tests --test documentation` writes them anew.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use firn_engine::Cell;
use firn_functions::Example;
use firn_functions::registry::{self, Function};
use firn_tests::{CONFIGURATIONS, EngineUnderTest};
use firn_types::ErrorCode;
use firn_types::error::Phase;

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

/// Compares a page with what is to stand there, or writes it.
fn check(page: &str, expected: &str) -> Outcome<()> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs").join(page);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        return Ok(fs::write(path, expected)?);
    }
    let written = fs::read_to_string(&path).unwrap_or_default();
    if written != expected {
        let differs = written.lines().zip(expected.lines()).find(|(one, other)| one != other);
        return Err(format!("docs/{page} is not up to date: {differs:?}").into());
    }
    Ok(())
}

/// Of a built-in function: its chapter, its examples and its other names.
fn entry(function: Function) -> (&'static str, &'static [Example], &'static [&'static str]) {
    let (documentation, aliases) = match function {
        Function::Scalar(function) => (function.documentation, function.aliases),
        Function::Aggregate(function) => (function.documentation, function.aliases),
        Function::Window(function) => (function.documentation, function.aliases),
        Function::Table(function) => (function.documentation, [].as_slice()),
    };
    (documentation.category, documentation.examples, aliases)
}

/// A text in a cell of a table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

#[test]
fn functions() -> Outcome<()> {
    let mut connection = EngineUnderTest::new(CONFIGURATIONS[0])?.connect()?;
    let result = connection.execute("SHOW BUILTIN FUNCTIONS")?;
    let position = |name: &str| result.fields.iter().position(|field| field.name == name);
    let columns = ["name", "arguments", "description"].map(position);
    let mut chapters: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for row in result.cells()? {
        let texts = columns.map(|column| match column.and_then(|column| row.get(column)) {
            Some(Cell::Text(text)) => text.clone(),
            _ => String::new(),
        });
        let [name, arguments, description] = texts;
        let known = registry::find(&name);
        // Another name of a function stands beside its own.
        if known.is_some_and(|function| function.name() != name) {
            continue;
        }
        let (chapter, examples, aliases) =
            known.map_or(("Rewritten and about the account", [].as_slice(), [].as_slice()), entry);
        let arguments = arguments.split(" RETURN").next().unwrap_or_default().to_string();
        let also = match aliases {
            [] => String::new(),
            aliases => format!(" Also {}.", aliases.join(", ")),
        };
        let example = examples
            .first()
            .map_or(String::new(), |example| format!("`{}` is `{}`", example.sql, example.answer));
        let line = format!("| `{arguments}` | {}{also} | {} |", cell(&description), cell(&example));
        chapters.entry(chapter).or_default().push(line);
    }
    let count: usize = chapters.values().map(Vec::len).sum();
    let mut page = format!(
        "# Functions\n\n{count} functions, as `SHOW FUNCTIONS` lists them. Written by a test of the code's own \
         table; every example\nis run by another.\n"
    );
    for (chapter, lines) in chapters {
        write!(page, "\n## {chapter}\n\n| call | what it answers | example |\n|---|---|---|\n")?;
        lines.iter().try_for_each(|line| writeln!(page, "{line}"))?;
    }
    check("functions.md", &page)
}

#[test]
fn error_codes() -> Outcome<()> {
    let mut codes: Vec<ErrorCode> = ErrorCode::ALL.to_vec();
    codes.sort_by_key(|code| (code.number(), code.sqlstate()));
    let mut page = String::from(
        "# Error codes\n\nNumbers and SQLSTATEs are Snowflake's, where it has the error. Written by a test of \
         the code's own table.\n\n| number | SQLSTATE | when | what for |\n|--:|---|---|---|\n",
    );
    for code in codes {
        let when = match code.phase() {
            Phase::Syntax => "reading the text",
            Phase::Compilation => "compilation",
            Phase::Access => "access control",
            Phase::Execution => "execution",
        };
        let (number, state) = (code.number(), code.sqlstate());
        writeln!(page, "| {number:06} | {state} | {when} | {} |", cell(code.summary()))?;
    }
    check("error_codes.md", &page)
}
