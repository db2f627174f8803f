//! `firn run-tasks`: runs the tasks that are due, and more as they come, until a time.

use std::io::{self, Write};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use firn_engine::Engine;

use crate::DEFAULT_ACCOUNT;
use crate::args::{RunTasksArgs, options_for_others};

/// How often due tasks are looked for.
const TICK: Duration = Duration::from_millis(500);

/// Runs due tasks: once, or until so many seconds from now have passed.
///
/// # Errors
/// A message when the account cannot be opened, read or written.
pub(crate) fn run_tasks(args: &RunTasksArgs) -> Result<(), String> {
    let account = args.account.as_deref().unwrap_or(DEFAULT_ACCOUNT);
    let options =
        options_for_others(args.memory, args.key_file.as_ref(), args.key.as_ref(), &args.allowed);
    let engine = Engine::open(account, options)
        .map_err(|error| format!("cannot open {account}: {error}"))?;
    let end = now().saturating_add(Duration::from_secs(args.seconds.unwrap_or(0)));
    let mut count = 0;
    loop {
        let ran = engine.run_due_tasks().map_err(|error| error.to_string())?;
        count += ran;
        // What a run has made due runs, too: a stream that it filled.
        if ran > 0 {
            continue;
        }
        if now() >= end {
            break;
        }
        std::thread::sleep(TICK);
    }
    // Nobody may be reading.
    let _ = writeln!(io::stdout(), "{count} graph(s) of tasks, refresh(es) and load(s) run");
    Ok(())
}

fn now() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}
