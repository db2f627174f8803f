//! Scripts and pipes: statements run as soon as they are complete, and the first error ends the run.

use std::fs::File;
use std::io::{self, BufRead, BufReader};

use crate::shell::{Outcome, Shell};
use crate::statement_reader::{Item, StatementReader};

/// How deep `!source` may nest, so that a file that sources itself ends.
pub(crate) const SOURCE_DEPTH_MAX: usize = 16;

/// Runs a script; `-` is standard input.
///
/// # Errors
/// When the output cannot be written.
pub(crate) fn run_script(shell: &mut Shell, name: &str) -> io::Result<Outcome> {
    if name == "-" {
        return run_lines(shell, &mut io::stdin().lock(), None);
    }
    let path = name.strip_prefix("file://").unwrap_or(name);
    match File::open(path) {
        Ok(file) => run_lines(shell, &mut BufReader::new(file), Some(name)),
        Err(error) => {
            shell.complain(&format!("cannot read {name}: {error}"))?;
            Ok(Outcome::Failed)
        }
    }
}

/// Runs the statements in a text.
///
/// # Errors
/// When the output cannot be written.
pub(crate) fn run_text(shell: &mut Shell, text: &str) -> io::Result<Outcome> {
    run_lines(shell, &mut text.as_bytes(), None)
}

/// Runs what the lines hold. The outcome is `Failed` when the run has ended at an error.
///
/// # Errors
/// When the input cannot be read or the output cannot be written.
pub(crate) fn run_lines(
    shell: &mut Shell,
    input: &mut dyn BufRead,
    file: Option<&str>,
) -> io::Result<Outcome> {
    let mut reader = StatementReader::default();
    let mut line = Vec::new();
    loop {
        line.clear();
        let at_end = input.read_until(b'\n', &mut line)? == 0;
        let items = if at_end {
            reader.end()
        } else {
            // A byte that is no UTF-8 becomes a character that the parser refuses with its place.
            reader.line(&String::from_utf8_lossy(&line))
        };
        match run_items(shell, &items, file)? {
            Outcome::Fine if at_end => return Ok(Outcome::Fine),
            Outcome::Fine => {}
            outcome => return Ok(outcome),
        }
    }
}

fn run_items(shell: &mut Shell, items: &[Item], file: Option<&str>) -> io::Result<Outcome> {
    for item in items {
        match shell.run(item, file)? {
            Outcome::Fine => {}
            outcome @ (Outcome::Quit | Outcome::Canceled) => return Ok(outcome),
            Outcome::Failed => {
                if shell.exits_on_error()
                    || (file.is_some() && shell.options.is_true("stop_on_error"))
                {
                    return Ok(Outcome::Failed);
                }
            }
        }
    }
    Ok(Outcome::Fine)
}
