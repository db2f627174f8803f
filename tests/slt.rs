//! Runs every file of `slt/` under each configuration, and every example of the functions' manual.
//!
//! One named test per file and configuration: `cargo test --test slt -- memory::join` runs those of one
//! folder. See README.md for how a file is written.

use std::fs;
use std::path::Path;

use firn_engine::Cell;
use firn_functions::registry::{self, Function};
use firn_tests::{
    CONFIGURATIONS, Configuration, EngineUnderTest, files_below, python, skips, written_cell,
};
use libtest_mimic::{Arguments, Failed, Trial};
use sqllogictest::Runner;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments = Arguments::from_args();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    // Paths of staged files in the tests are relative to this folder.
    std::env::set_current_dir(root)?;
    let mut trials = Vec::new();
    for file in files_below(&root.join("slt"), "slt")? {
        let text = fs::read_to_string(&file)?;
        let name = file.strip_prefix(root.join("slt"))?.with_extension("");
        let name = name.to_string_lossy().replace(std::path::MAIN_SEPARATOR, "/");
        for configuration in CONFIGURATIONS {
            let (text, file) = (text.clone(), file.to_string_lossy().into_owned());
            let ignored = skips(&text, configuration) || !python::has_what_it_needs(&text);
            let run = move || run_file(&text, &file, *configuration);
            let trial = Trial::test(format!("{}::{name}", configuration.name), run);
            trials.push(trial.with_ignored_flag(ignored));
        }
    }
    trials.extend(examples());
    libtest_mimic::run(&arguments, trials).exit();
}

fn run_file(text: &str, file: &str, configuration: Configuration) -> Result<(), Failed> {
    let engine = EngineUnderTest::new(configuration)?;
    let mut runner = Runner::new(|| {
        let connection = engine.connect();
        async { Ok(connection.expect("a session starts")) }
    });
    runner.with_normalizer(trimmed);
    runner.run_script_with_name(text, file).map_err(|error| error.display(false).to_string().into())
}

/// Only the blanks at a line's end do not count.
#[allow(clippy::ptr_arg, reason = "the runner's type asks for it")]
fn trimmed(line: &String) -> String {
    line.trim_end().to_string()
}

/// A test per documented function.
fn examples() -> Vec<Trial> {
    let mut names: Vec<&str> = registry::names().collect();
    names.sort_unstable();
    let functions = names.into_iter().filter_map(|name| {
        let function = registry::find(name)?;
        // Aliases share their function's entry.
        (function.name() == name).then_some((name, function))
    });
    functions
        .map(|(name, function)| {
            Trial::test(format!("example::{name}"), move || run_examples(function))
        })
        .collect()
}

fn run_examples(function: Function) -> Result<(), Failed> {
    let documentation = match function {
        Function::Scalar(function) => function.documentation,
        Function::Aggregate(function) => function.documentation,
        Function::Window(function) => function.documentation,
        Function::Table(function) => function.documentation,
    };
    let mut session = EngineUnderTest::new(CONFIGURATIONS[0])?.connect()?;
    let mut wrong = String::new();
    for example in documentation.examples {
        let sql = format!("SELECT {}", example.sql);
        let answer = match session.execute(&sql) {
            Ok(result) => match result.cells()?.first().and_then(|row| row.first()) {
                Some(cell) => as_in_manual(cell),
                None => "no row".to_string(),
            },
            Err(failure) => failure.to_string(),
        };
        let expected: String = example.answer.lines().map(str::trim).collect();
        if answer != expected {
            wrong.push_str(&format!("{sql}\n  expected {expected}\n  got      {answer}\n"));
        }
    }
    if wrong.is_empty() { Ok(()) } else { Err(wrong.into()) }
}

/// The manual shows what a person sees: booleans as SnowSQL prints them, and an empty text as nothing.
fn as_in_manual(cell: &Cell) -> String {
    match cell {
        Cell::Boolean(true) => "True".to_string(),
        Cell::Boolean(false) => "False".to_string(),
        Cell::Text(text) if text.is_empty() => String::new(),
        cell => written_cell(cell),
    }
}
