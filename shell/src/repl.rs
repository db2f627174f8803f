//! The interactive shell: read, run, print.

use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use firn_engine::blot_secrets;
use rustyline::error::ReadlineError;
use rustyline::history::FileHistory;
use rustyline::{CompletionType, Config, Editor};
use signal_hook::consts::SIGINT;

use crate::config::user_file;
use crate::line_helper::{LineHelper, is_farewell};
use crate::shell::{Outcome, Shell};
use crate::statement_reader::{Item, StatementReader};

type LineEditor = Editor<LineHelper, FileHistory>;

/// Reads statements from the terminal until the user leaves; the outcome is `Failed` when
/// `exit_on_error` ended it.
///
/// # Errors
/// When the terminal cannot be read or written.
pub(crate) fn run(shell: &mut Shell) -> io::Result<Outcome> {
    let interrupted = Arc::new(AtomicBool::new(false));
    // While a line is edited, Ctrl-C is a key; while a statement runs, it sets the flag.
    signal_hook::flag::register(SIGINT, Arc::clone(&interrupted))?;
    shell.interrupted = Some(interrupted);
    let (mut editor, history) = editor().map_err(io::Error::other)?;
    greet(shell)?;
    let outcome = read_and_run(shell, &mut editor);
    if let Some(path) = history {
        // A history that cannot be written is no reason to complain on leaving.
        let _ = editor.save_history(&path);
    }
    if shell.options.is_true("friendly") {
        shell.output.line("Goodbye!", false)?;
    }
    shell.output.flush()?;
    outcome
}

/// The editor with its history, and where the history is kept.
fn editor() -> rustyline::Result<(LineEditor, Option<PathBuf>)> {
    let config = Config::builder()
        .max_history_size(10_000)?
        .history_ignore_space(true)
        .completion_type(CompletionType::List)
        .build();
    let mut editor = LineEditor::with_default(config)?;
    editor.set_helper(Some(LineHelper::default()));
    let history = user_file("XDG_STATE_HOME", ".local/state", "history");
    if let Some(path) = &history {
        if let Some(folder) = path.parent() {
            let _ = fs::create_dir_all(folder);
        }
        let _ = editor.load_history(path);
    }
    Ok((editor, history))
}

fn greet(shell: &mut Shell) -> io::Result<()> {
    if shell.options.is_true("friendly") {
        shell.output.line(&format!("* firn * v{}", env!("CARGO_PKG_VERSION")), false)?;
        shell.output.line("Type SQL statements or !help", false)?;
        shell.output.flush()?;
    }
    Ok(())
}

fn read_and_run(shell: &mut Shell, editor: &mut LineEditor) -> io::Result<Outcome> {
    loop {
        prepare(shell, editor);
        let text = match editor.readline(&prompt(shell)) {
            Ok(text) => text,
            Err(ReadlineError::Interrupted) => continue,
            Err(ReadlineError::Eof) => return Ok(Outcome::Quit),
            Err(error) => return Err(io::Error::other(error)),
        };
        if text.trim().is_empty() {
            continue;
        }
        if is_farewell(&text) {
            return Ok(Outcome::Quit);
        }
        let items = items(&text);
        for item in &items {
            // It goes to a file: what is recalled has no secrets.
            let _ = editor.add_history_entry(blot_secrets(&item.typed()).as_ref());
        }
        match run_items(shell, &items)? {
            Outcome::Quit => return Ok(Outcome::Quit),
            Outcome::Failed if shell.exits_on_error() => return Ok(Outcome::Failed),
            Outcome::Failed | Outcome::Canceled | Outcome::Fine => {}
        }
    }
}

/// What was typed, in its parts: whoever pastes a script wants its statements back one by one.
fn items(text: &str) -> Vec<Item> {
    let mut reader = StatementReader::default();
    let mut items: Vec<_> = text.lines().flat_map(|line| reader.line(line)).collect();
    items.extend(reader.end());
    items
}

/// Runs what was typed, up to the first error.
fn run_items(shell: &mut Shell, items: &[Item]) -> io::Result<Outcome> {
    for item in items {
        match shell.run(item, None)? {
            Outcome::Fine => {}
            outcome => return Ok(outcome),
        }
    }
    Ok(Outcome::Fine)
}

/// Tells the editor and the renderer what holds now.
fn prepare(shell: &mut Shell, editor: &mut LineEditor) {
    shell.width = editor.dimensions().map(|(columns, _)| usize::from(columns));
    let color = shell.options.is_true_or("color", std::env::var_os("NO_COLOR").is_none());
    let completes = shell.options.is_true("auto_completion");
    let completer = completes.then(|| shell.link.names());
    if let Some(helper) = editor.helper_mut() {
        (helper.completer, helper.color) = (completer, color);
    }
}

/// The prompt with its `[..]` parts filled in.
fn prompt(shell: &Shell) -> String {
    let in_use = shell.link.in_use();
    let parts = [
        ("[user]", Some(in_use.user), "(no user)"),
        ("[warehouse]", in_use.warehouse, "(no warehouse)"),
        ("[database]", in_use.database, "(no database)"),
        ("[schema]", in_use.schema, "(no schema)"),
    ];
    let mut text = shell.options.text("prompt_format").to_string();
    for (name, value, missing) in parts {
        text = text.replace(name, value.as_deref().unwrap_or(missing));
    }
    text
}
