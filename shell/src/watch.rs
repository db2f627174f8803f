//! Running a statement while a person watches: Ctrl-C cancels it, and what takes longer shows
//! how far it is.

use std::io::{self, IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use firn_engine::{Failure, SoFar, StatementResult};

use crate::shell::Shell;

/// How often the keyboard is looked at and the progress drawn.
const TICK: Duration = Duration::from_millis(50);

/// Faster statements show no progress.
const PATIENCE: Duration = Duration::from_secs(1);

/// Terminal columns that stay free, so that the `^C` that a terminal prints does not begin a new line.
const FREE: usize = 3;

/// Columns between the brackets of the bar.
const BAR: usize = 20;

/// Stack of the thread that runs the statement, in bytes: as large as a main thread's.
const STACK_BYTES: usize = 8 << 20;

/// Runs a statement on a thread of its own, and watches it from this one.
///
/// When the system gives no thread, the statement runs here and cannot be canceled.
pub(crate) fn execute(
    shell: &mut Shell,
    sql: &str,
    interrupted: &AtomicBool,
) -> Result<StatementResult, Failure> {
    interrupted.store(false, Ordering::Relaxed);
    let watch = shell.session.watch();
    let wanted = shell.options.is_true("progress_bar") && io::stderr().is_terminal();
    let room = shell.width.unwrap_or(80).saturating_sub(FREE);
    let mut drawn = false;
    let session = &mut shell.session;
    let (sender, receiver) = mpsc::channel();
    let outcome = thread::scope(|scope| {
        let work = thread::Builder::new().stack_size(STACK_BYTES);
        let work = work.spawn_scoped(scope, || {
            let result = session.execute(sql);
            // The receiver waits until it has the result.
            let _ = sender.send(result);
        });
        if work.is_err() {
            return None;
        }
        let start = Instant::now();
        loop {
            match receiver.recv_timeout(TICK) {
                Ok(result) => return Some(result),
                Err(RecvTimeoutError::Disconnected) => return None,
                Err(RecvTimeoutError::Timeout) => {}
            }
            if interrupted.swap(false, Ordering::Relaxed) {
                watch.cancel.cancel();
            }
            if wanted && start.elapsed() > PATIENCE {
                drawn = true;
                let line = line(start.elapsed(), watch.progress.so_far());
                draw(&line.chars().take(room).collect::<String>());
            }
        }
    });
    if drawn {
        draw("");
    }
    match outcome {
        Some(result) => result,
        None => shell.session.execute(sql),
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
