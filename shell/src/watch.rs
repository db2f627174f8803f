//! Running a statement while a person watches: Ctrl-C cancels it, and what takes longer shows its time.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use firn_engine::{Failure, StatementResult};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::shell::Shell;

/// How often the keyboard is looked at and the progress drawn.
const TICK: Duration = Duration::from_millis(50);

/// Faster statements show no progress.
const PATIENCE: Duration = Duration::from_secs(1);

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
    let cancel = shell.session.cancel_handle();
    let bar = shell.options.is_true("progress_bar").then(progress_bar);
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
                cancel.cancel();
            }
            if let Some(bar) = &bar
                && start.elapsed() > PATIENCE
            {
                bar.tick();
            }
        }
    });
    if let Some(bar) = bar {
        bar.finish_and_clear();
    }
    match outcome {
        Some(result) => result,
        None => shell.session.execute(sql),
    }
}

fn progress_bar() -> ProgressBar {
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
    match ProgressStyle::with_template("{spinner} {elapsed_precise} {msg}") {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}
