//! Waiting for a statement: Ctrl-C cancels it, what takes longer shows how far it is, and the rows of large
//! results are printed as they come.

use std::cell::RefCell;
use std::io::{self, IsTerminal, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use firn_engine::{Failure, Next, SoFar, Statement};

use crate::output::Output;
use crate::render::{Facts, Format, Head, RowSource, Style, TakeRow, heads_of, render, take_rows};
use crate::shell::{Answer, Shell};

/// How often the keyboard is looked at and the progress drawn.
const TICK: Duration = Duration::from_millis(50);

/// Faster statements show no progress.
const PATIENCE: Duration = Duration::from_secs(1);

/// Terminal columns that stay free, so that the `^C` that a terminal prints does not begin a new line.
const FREE: usize = 3;

/// Columns between the brackets of the bar.
const BAR: usize = 20;

/// Rows that are waited for before the first is printed, so that a statement that fails early prints none.
pub(crate) const ROWS_FIRST: u64 = 1 << 16;

/// A statement that is waited for.
pub(crate) trait Pending {
    /// How it ends.
    type End;
    /// How it has ended; none when it runs longer than `patience`.
    fn ended_within(&self, patience: Duration) -> Option<Self::End>;
    /// Ends it.
    fn cancel(&self);
    /// What it has done so far.
    fn so_far(&self) -> SoFar;
    /// Rows that are there to be shown before it ends.
    fn rows_so_far(&self) -> u64 {
        0
    }
}

impl Pending for Statement {
    type End = Answer;

    fn ended_within(&self, patience: Duration) -> Option<Answer> {
        self.result_within(patience)
    }

    fn cancel(&self) {
        self.monitor().cancel.cancel();
    }

    fn so_far(&self) -> SoFar {
        self.monitor().progress.so_far()
    }

    fn rows_so_far(&self) -> u64 {
        Statement::rows_so_far(self)
    }
}

/// Waits until a statement has ended, or, if it `streams`, has so many rows that printing may begin.
pub(crate) fn wait<P: Pending>(shell: &Shell, statement: &P, streams: bool) -> Option<P::End> {
    let bar = shell.interactive() && shell.options.is_true("progress_bar");
    let wanted = bar && io::stderr().is_terminal();
    let room = shell.width.unwrap_or(80).saturating_sub(FREE);
    let mut drawn = false;
    let start = Instant::now();
    let ended = loop {
        if let Some(result) = statement.ended_within(TICK) {
            break Some(result);
        }
        if was_set(shell.interrupted.as_deref()) {
            statement.cancel();
        }
        if streams && statement.rows_so_far() >= ROWS_FIRST {
            break None;
        }
        if wanted && start.elapsed() > PATIENCE {
            drawn = true;
            let line = line(start.elapsed(), statement.so_far());
            draw(&line.chars().take(room).collect::<String>());
        }
    };
    if drawn {
        draw("");
    }
    ended
}

/// Whether Ctrl-C was pressed since the last time.
fn was_set(interrupted: Option<&AtomicBool>) -> bool {
    interrupted.is_some_and(|flag| flag.swap(false, Ordering::Relaxed))
}

/// Prints the rows of a statement that still runs, as they come, and waits for its end. Ctrl-C cancels it, and
/// so does output that cannot be written.
///
/// # Errors
/// When the output cannot be written.
pub(crate) fn stream(
    statement: Statement,
    interrupted: Option<Arc<AtomicBool>>,
    (format, style): (Format, Style),
    output: &mut Output,
) -> io::Result<Answer> {
    let heads = match statement.fields() {
        Ok(fields) => heads_of(&fields),
        Err(failure) => return Ok(Err(failure)),
    };
    let (statement, failure) = (RefCell::new(statement), RefCell::default());
    let rows = StreamedRows { heads, statement, failure, interrupted };
    let facts = Facts { query_id: "", row_count: 0, elapsed_s: 0.0 };
    let printed = render(format, &rows, style, facts, output);
    let statement = rows.statement.into_inner();
    if printed.is_err() {
        statement.monitor().cancel.cancel();
    }
    printed.map(|()| match rows.failure.into_inner() {
        Some(failure) => Err(failure),
        None => statement.result(),
    })
}

/// The rows of a statement that still runs; they can be gone through once.
struct StreamedRows {
    heads: Vec<Head>,
    statement: RefCell<Statement>,
    /// Why there are no more rows, when there should be.
    failure: RefCell<Option<Failure>>,
    interrupted: Option<Arc<AtomicBool>>,
}

impl RowSource for StreamedRows {
    fn heads(&self) -> &[Head] {
        &self.heads
    }

    fn for_each_row(&self, take: &mut TakeRow<'_>) -> io::Result<()> {
        let mut statement = self.statement.borrow_mut();
        loop {
            match statement.next_within(TICK) {
                Ok(Next::Batch(batch)) => take_rows(take, |f| statement.print(&batch, f))?,
                Ok(Next::End) => return Ok(()),
                Ok(Next::NotYet) => {}
                Err(failure) => {
                    *self.failure.borrow_mut() = Some(failure);
                    return Ok(());
                }
            }
            if was_set(self.interrupted.as_deref()) {
                statement.monitor().cancel.cancel();
            }
        }
    }
}

/// Writes a line over the one that the cursor is in.
fn draw(line: &str) {
    let mut terminal = io::stderr().lock();
    // Progress that cannot be shown is no reason to fail.
    let _ = write!(terminal, "\r\x1b[2K{line}").and_then(|()| terminal.flush());
}

/// `⠙ 00:00:03 [====>               ] 1,200,000 rows, 3.5 MB of 20.0 MB, 2 of 12 files`; nothing of what
/// there is none of.
fn line(elapsed: Duration, so_far: SoFar) -> String {
    const FRAMES: [char; 10] = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];
    let frame = FRAMES[(elapsed.as_millis() / 100 % 10) as usize];
    let seconds = elapsed.as_secs();
    let (minutes, hours) = (seconds / 60 % 60, seconds / 3600);
    let mut line = format!("{frame} {hours:02}:{minutes:02}:{:02}", seconds % 60);
    let mut parts = Vec::new();
    if so_far.rows > 0 {
        parts.push(format!("{} rows", grouped(so_far.rows)));
    }
    if so_far.bytes_total > 0 {
        let (bytes, total) = (so_far.bytes.min(so_far.bytes_total), so_far.bytes_total);
        let done = u128::from(bytes) * BAR as u128 / u128::from(total);
        let arrow = "=".repeat(done as usize) + ">";
        line.push_str(&format!(" [{arrow:<BAR$.BAR$}]"));
        parts.push(format!("{} of {}", sized(bytes), sized(total)));
    }
    if so_far.files_total > 0 {
        let noun = if so_far.files_total == 1 { "file" } else { "files" };
        parts.push(format!("{} of {} {noun}", grouped(so_far.files), grouped(so_far.files_total)));
    }
    if !parts.is_empty() {
        line.push_str(&format!(" {}", parts.join(", ")));
    }
    line
}

/// A number with commas between its thousands.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Bytes in a unit that keeps the number short.
fn sized(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["kB", "MB", "GB", "TB", "PB"];
    if bytes < 1000 {
        return format!("{bytes} B");
    }
    let mut size = bytes as f64 / 1000.0;
    let mut unit = 0;
    while size >= 999.95 && unit + 1 < UNITS.len() {
        size /= 1000.0;
        unit += 1;
    }
    format!("{size:.1} {}", UNITS[unit])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_tells_what_there_is() {
        let told = |seconds, so_far| line(Duration::from_secs(seconds), so_far);
        assert_eq!(told(3, SoFar::default()), "⠋ 00:00:03");
        let rows = SoFar { rows: 1_200_000, ..SoFar::default() };
        assert_eq!(told(3723, rows), "⠋ 01:02:03 1,200,000 rows");
        let all =
            SoFar { bytes: 5_000_000, bytes_total: 20_000_000, files: 2, files_total: 12, ..rows };
        assert_eq!(
            told(1, all),
            "⠋ 00:00:01 [=====>              ] 1,200,000 rows, 5.0 MB of 20.0 MB, 2 of 12 files"
        );
        let done = SoFar { bytes: 999, bytes_total: 999, ..SoFar::default() };
        assert_eq!(told(1, done), "⠋ 00:00:01 [====================] 999 B of 999 B");
        assert_eq!((sized(1_000), sized(999_960)), ("1.0 kB".to_string(), "1.0 MB".to_string()));
    }
}
