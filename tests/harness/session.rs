//! Sessions of tests: statements that must run, and the rows that they answer.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use firn_engine::{Engine, EngineOptions, Housekeeping, Session, SessionOptions};
use firn_types::clock::Clock;

use crate::written_row;

/// A process on the account in `folder` whose time is `clock`'s and which does its housekeeping at once.
///
/// # Panics
/// When the account cannot be opened.
pub fn process_at(folder: &Path, clock: &Clock, on_statement: Option<fn(&str)>) -> Engine {
    let options = EngineOptions {
        threads: Some(1),
        housekeeping: Housekeeping::Inline,
        clock: clock.clone(),
        on_statement,
        ..EngineOptions::default()
    };
    Engine::open(&folder.to_string_lossy(), options).expect("the account opens")
}

/// A session as the shell has it.
///
/// # Panics
/// When it is refused.
pub fn session(engine: &Engine) -> Session {
    engine.session(SessionOptions::default()).expect("a session")
}

/// Runs a statement.
///
/// # Panics
/// When it fails.
pub fn run(session: &mut Session, sql: &str) {
    session.execute(sql).unwrap_or_else(|failure| panic!("{sql}: {failure}"));
}

/// What a statement answers, a text for each row.
///
/// # Panics
/// When it fails.
pub fn rows(session: &mut Session, sql: &str) -> Vec<String> {
    try_rows(session, sql).unwrap_or_else(|(_, failure)| panic!("{sql}: {failure}"))
}

/// What a statement answers, whose rows come in no order.
///
/// # Panics
/// When it fails.
pub fn sorted_rows(session: &mut Session, sql: &str) -> Vec<String> {
    let mut rows = rows(session, sql);
    rows.sort();
    rows
}

/// What a statement answers.
///
/// # Errors
/// The number and the message of the error that it fails with.
pub fn try_rows(session: &mut Session, sql: &str) -> Result<Vec<String>, (i32, String)> {
    let result = session.execute(sql);
    let result = result.map_err(|failure| (failure.code.number(), failure.to_string()))?;
    Ok(result.cells().expect("printable").iter().map(|row| written_row(row)).collect())
}

/// Ends a process in the middle of a statement, if it is the one at which it `dies`, and only once: what it had in its
/// hands stays as it is, its claims too.
pub fn die_once(dies: &AtomicBool, is_last: bool) {
    if is_last && dies.swap(false, Ordering::SeqCst) {
        std::thread::park();
    }
}
