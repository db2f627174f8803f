//! Processes that answer statements, a line each, until they are killed.

use std::io::{self, BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

use firn_engine::{Engine, EngineOptions, ObjectAccess, Session, SessionOptions};
use firn_tests::{FlakyStore, S3Server, written_row};
use object_store::ObjectStore;
use serde::{Deserialize, Serialize};

/// The variable of the environment that says where a process finds its account.
const PLACE: &str = "FIRN_LIST_APPEND";

/// Where an account is, as one process reaches it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Place {
    Folder { account: String },
    Bucket { endpoint: String, faults: u64, seed: u64 },
}

impl Place {
    /// That of a process which is to answer statements.
    pub(crate) fn of_this_process() -> Option<Place> {
        let text = std::env::var(PLACE).ok()?;
        Some(serde_json::from_str(&text).expect("a place"))
    }

    /// The same without faults.
    pub(crate) fn without_faults(&self) -> Place {
        let mut place = self.clone();
        if let Place::Bucket { faults, .. } = &mut place {
            *faults = 0;
        }
        place
    }

    /// The same with faults of a process's own.
    pub(crate) fn of_process(&self, number: u64) -> Place {
        let mut place = self.clone();
        if let Place::Bucket { seed, .. } = &mut place {
            *seed = *seed * 100 + number;
        }
        place
    }

    /// The same for the next process of that number.
    fn next(&mut self) {
        if let Place::Bucket { seed, .. } = self {
            *seed += 1_000_000;
        }
    }

    fn session(&self) -> Result<Session, String> {
        let options = EngineOptions { threads: Some(1), ..EngineOptions::default() };
        let engine = match self {
            Place::Folder { account } => Engine::open(account, options),
            Place::Bucket { endpoint, faults, seed } => {
                let store = S3Server::client(endpoint).map_err(|error| error.to_string())?;
                let store: Arc<dyn ObjectStore> = match faults {
                    0 => store,
                    faults => Arc::new(FlakyStore::by_chance(store, *faults, *seed)),
                };
                Engine::over(ObjectAccess::over(store, "s3://bucket"), options)
            }
        };
        let session = engine.and_then(|engine| engine.session(SessionOptions::default()));
        session.map_err(|error| error.to_string())
    }
}

/// What a statement came to.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Answer {
    /// Its rows, cells separated by `|`.
    Rows(Vec<String>),
    /// The number and text of its error.
    Failed(i32, String),
    /// The process was killed before it answered.
    Killed,
}

/// Answers the statements of standard input until it ends.
pub(crate) fn answer(place: &Place) {
    let mut session = match place.session() {
        Ok(session) => session,
        Err(error) => return say(&Answer::Failed(0, error)),
    };
    say(&Answer::Rows(Vec::new()));
    for sql in io::stdin().lock().lines().map_while(Result::ok) {
        say(&match session.execute(&sql) {
            Ok(result) => {
                let cells = result.cells().expect("printable");
                Answer::Rows(cells.iter().map(|row| written_row(row)).collect())
            }
            Err(failure) => Answer::Failed(failure.code.number(), failure.to_string()),
        });
    }
}

fn say(answer: &Answer) {
    let line = serde_json::to_string(answer).expect("plain data");
    // Nobody is left to hear it when this fails.
    let _ = writeln!(io::stdout(), "{line}");
}

/// A process from the side of the test.
#[derive(Debug)]
pub(crate) struct Process {
    child: Arc<Mutex<Child>>,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    /// Whether failures other than lost conflicts are to be expected.
    pub(crate) has_faults: bool,
}

impl Process {
    /// A new process, which has opened the account.
    ///
    /// # Errors
    /// When it cannot be started, or cannot open the account although nothing keeps it from that.
    pub(crate) fn start(place: &Place) -> Result<Process, String> {
        let mut process = Process::spawn(place).map_err(|error| error.to_string())?;
        match process.next_answer() {
            Answer::Failed(_, error) => Err(format!("the account does not open: {error}")),
            // A process that was killed meanwhile answers nothing later either.
            Answer::Rows(_) | Answer::Killed => Ok(process),
        }
    }

    fn spawn(place: &Place) -> io::Result<Process> {
        let mut child = Command::new(std::env::current_exe()?)
            .env(PLACE, serde_json::to_string(place)?)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(io::Error::other("no pipes"));
        };
        let has_faults = matches!(place, Place::Bucket { faults: 1.., .. });
        let child = Arc::new(Mutex::new(child));
        Ok(Process { child, input, output: BufReader::new(output), has_faults })
    }

    /// Runs a statement.
    pub(crate) fn ask(&mut self, sql: &str) -> Answer {
        match writeln!(self.input, "{sql}") {
            Ok(()) => self.next_answer(),
            Err(_) => Answer::Killed,
        }
    }

    fn next_answer(&mut self) -> Answer {
        let mut line = String::new();
        match self.output.read_line(&mut line) {
            // What was cut off in the middle of an answer is no answer.
            Ok(_) => serde_json::from_str(&line).unwrap_or(Answer::Killed),
            Err(_) => Answer::Killed,
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let mut child = lock(&self.child);
        let _ = child.kill();
        let _ = child.wait();
    }
}

/// The processes that may be killed, by number.
#[derive(Debug)]
pub(crate) struct Processes(Vec<Mutex<Option<Arc<Mutex<Child>>>>>);

impl Processes {
    /// Room for so many.
    pub(crate) fn new(count: usize) -> Processes {
        Processes((0..count).map(|_| Mutex::default()).collect())
    }

    /// Starts a process under a number. The account is opened again and again until that succeeds where the place has
    /// faults.
    pub(crate) fn start(&self, number: usize, place: &Place) -> Result<Process, String> {
        let mut place = place.clone();
        for _ in 0..20 {
            let mut process = Process::spawn(&place).map_err(|error| error.to_string())?;
            *lock(&self.0[number]) = Some(Arc::clone(&process.child));
            match process.next_answer() {
                Answer::Failed(_, error) if !process.has_faults => {
                    return Err(format!("the account does not open: {error}"));
                }
                Answer::Failed(..) => place.next(),
                Answer::Rows(_) | Answer::Killed => return Ok(process),
            }
        }
        Err("the account does not open in 20 attempts".to_string())
    }

    /// Kills the process of a number, wherever it is.
    pub(crate) fn kill(&self, number: usize) {
        if let Some(child) = &*lock(&self.0[number]) {
            // One that has ended by itself has nothing more to lose.
            let _ = lock(child).kill();
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
