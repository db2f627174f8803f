//! The interpreter that is there: where it is, what is installed in it, and the processes that wait.

use std::collections::VecDeque;
use std::env;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;

use firn_functions::ForeignFunction;
use firn_types::{Error, ErrorCode, Result};
use parking_lot::Mutex;

use crate::packages::{self, Installed};
use crate::worker::{Worker, command};

/// The variable of the environment that names an interpreter.
const VARIABLE: &str = "FIRN_PYTHON";
/// The program where it does not.
const PROGRAM: &str = "python3";
/// Processes that wait for next statements.
const WAITING_MAX: usize = 16;
/// Tells the version, and the packages with theirs.
const PROBE: &str = "import sys, importlib.metadata as m\n\
    print('%d.%d.%d' % sys.version_info[:3])\n\
    for d in m.distributions(): print(d.metadata['Name'], d.version)";

/// Which interpreter runs Python.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum InterpreterChoice {
    /// The one that `FIRN_PYTHON` names, or `python3` of the PATH.
    #[default]
    OfEnvironment,
    /// The one at a path.
    At(PathBuf),
    /// None: Python is refused.
    Off,
}

/// What runs Python for the sessions of an engine.
#[derive(Debug)]
pub struct Interpreter {
    choice: InterpreterChoice,
    program: Mutex<Option<PathBuf>>,
    installed: Mutex<Option<Arc<Installed>>>,
    waiting: Mutex<VecDeque<Waiting>>,
}

/// A process that waits for the next statement of a session with the function that it has run.
#[derive(Debug)]
struct Waiting {
    session: u64,
    function: Arc<ForeignFunction>,
    worker: Worker,
}

impl Interpreter {
    /// The one that is chosen; it is looked for when it is first needed.
    pub fn new(choice: InterpreterChoice) -> Interpreter {
        let (program, installed, waiting) = (Mutex::default(), Mutex::default(), Mutex::default());
        Interpreter { choice, program, installed, waiting }
    }

    /// Looks whether there is an interpreter of a version, such as `3.11`, or a later one, with packages, such as
    /// `numpy` or `pandas>=2,<3`.
    ///
    /// # Errors
    /// `PythonExecution` when there is none or it is switched off, `InvalidStatement` for a version or a package that
    /// it does not have.
    pub fn check(&self, version: &str, wanted: &[String]) -> Result<()> {
        let known = self.installed()?;
        if packages::check(&known, version, wanted).is_ok() {
            return Ok(());
        }
        // Packages may have come since.
        *self.installed.lock() = None;
        packages::check(&*self.installed()?, version, wanted)
    }

    /// Ends the processes that wait for a session which has ended.
    pub fn forget(&self, session: u64) {
        let mut waiting = self.waiting.lock();
        let all = std::mem::take(&mut *waiting);
        let (ended, others): (Vec<_>, Vec<_>) =
            all.into_iter().partition(|waiting| waiting.session == session);
        *waiting = others.into();
        drop(waiting);
        drop(ended);
    }

    /// A process that waits with a function.
    pub(crate) fn take(&self, session: u64, function: &Arc<ForeignFunction>) -> Option<Worker> {
        let mut waiting = self.waiting.lock();
        let place = waiting
            .iter()
            .position(|waiting| waiting.session == session && waiting.function == *function)?;
        waiting.remove(place).map(|waiting| waiting.worker)
    }

    /// Lets a process wait for the session's next statement; the oldest make room.
    pub(crate) fn keep(&self, session: u64, function: &Arc<ForeignFunction>, worker: Worker) {
        let function = Arc::clone(function);
        let mut waiting = self.waiting.lock();
        waiting.push_back(Waiting { session, function, worker });
        let oldest = if waiting.len() > WAITING_MAX { waiting.pop_front() } else { None };
        drop(waiting);
        drop(oldest);
    }

    /// The program.
    ///
    /// # Errors
    /// `PythonExecution` when there is none, or it is switched off.
    pub(crate) fn program(&self) -> Result<PathBuf> {
        let mut program = self.program.lock();
        if let Some(program) = &*program {
            return Ok(program.clone());
        }
        let found = self.find()?;
        *program = Some(found.clone());
        Ok(found)
    }

    fn find(&self) -> Result<PathBuf> {
        let (wanted, why) = match &self.choice {
            InterpreterChoice::Off => {
                return Err(Error::new(
                    ErrorCode::PythonExecution,
                    "Python is switched off here: whoever makes functions in Python may do on the server's \
                     machine what its user may. Who runs the server switches it on with the option --python.",
                ));
            }
            InterpreterChoice::At(path) => (path.clone(), "the option --python"),
            InterpreterChoice::OfEnvironment => match env::var_os(VARIABLE) {
                Some(path) => (path.into(), "the variable FIRN_PYTHON"),
                None => (PROGRAM.into(), ""),
            },
        };
        find_program(&wanted).ok_or_else(|| {
            let text = match why {
                "" => format!(
                    "There is no Python on this machine: no '{PROGRAM}' on the PATH. Install Python 3.8 or later, or \
                     name an interpreter with the variable FIRN_PYTHON."
                ),
                why => format!("There is no Python at '{}', which {why} names.", wanted.display()),
            };
            Error::new(ErrorCode::PythonExecution, text)
        })
    }

    fn installed(&self) -> Result<Arc<Installed>> {
        if let Some(known) = &*self.installed.lock() {
            return Ok(Arc::clone(known));
        }
        let program = self.program()?;
        let failed = |why: String| {
            let text = format!("The interpreter {} does not run: {why}", program.display());
            Error::new(ErrorCode::PythonExecution, text)
        };
        let mut command = command(&program);
        command.args(["-c", PROBE]).stdin(Stdio::null());
        let output = command.output().map_err(|error| failed(error.to_string()))?;
        let text = String::from_utf8_lossy(&output.stdout);
        let known = Installed::parse(&text)
            .filter(|_| output.status.success())
            .ok_or_else(|| failed(format!("it has ended with {}", output.status)))?;
        let known = Arc::new(known);
        *self.installed.lock() = Some(Arc::clone(&known));
        Ok(known)
    }
}

/// A program by its path, or by its name in one of the folders of PATH.
fn find_program(wanted: &Path) -> Option<PathBuf> {
    if wanted.components().count() > 1 {
        return wanted.is_file().then(|| wanted.to_path_buf());
    }
    let folders = env::var_os("PATH")?;
    env::split_paths(&folders).map(|folder| folder.join(wanted)).find(|path| path.is_file())
}
