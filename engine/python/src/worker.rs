//! One process with an interpreter in it.
//!
//! It runs with an empty environment and input, apart from the user's own settings and packages, in a group of
//! processes of its own, which is killed with it. It answers one frame after the other; while it does, the statement's
//! cancel flag is looked at, and a process that is no longer waited for is killed.

use std::fmt;
use std::io::{ErrorKind, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::Arc;

use firn_functions::{ForeignFunction, ForeignReturns};
use firn_types::{Cancel, Error, ErrorCode, Result, SqlType};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, Signal, kill_process_group};
use tempfile::TempDir;

use crate::encode::kind_of;
use crate::frame::Frame;

/// Megabytes that a process may take.
const MEMORY_MEGABYTES: usize = 1024;
/// How long a process is waited for before the cancel flag is looked at.
const PATIENCE: Timespec = Timespec { tv_sec: 0, tv_nsec: 20_000_000 };
/// Bytes that are read at once.
const READ_BYTES: usize = 256 << 10;
/// Bytes that an answer may have, on top of what a batch of rows may.
const ANSWER_BYTES_MAX: usize = 1 << 30;

/// Reads the program that answers from the pipe, and runs it: so it is not among the arguments, which all see.
const BOOT: &str = "import os, struct\n\
    size = struct.unpack('=I', os.read(0, 4))[0]\n\
    text = b''\n\
    while len(text) < size: text += os.read(0, size - len(text)) or exit(1)\n\
    exec(compile(text, '<firn>', 'exec'))";
/// That program; its parts are one.
const PROGRAM: &[&str] = &[
    include_str!("worker/wire.py"),
    include_str!("worker/frames.py"),
    include_str!("worker/function.py"),
    include_str!("worker/table.py"),
    include_str!("worker/aggregate.py"),
    include_str!("worker/column.py"),
    include_str!("worker/snowpark.py"),
    include_str!("worker/main.py"),
];
/// What an interpreter needs of firn's environment to find its own parts.
const ENVIRONMENT: &[&str] = &["PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "SYSTEMROOT"];
/// What else it finds there: one thread a process, since there is a process for each of firn's threads, and the
/// clock of a server.
const SETTINGS: &[(&str, &str)] = &[
    ("LANG", "C.UTF-8"),
    ("TZ", "UTC"),
    ("OMP_NUM_THREADS", "1"),
    ("OPENBLAS_NUM_THREADS", "1"),
    ("MKL_NUM_THREADS", "1"),
];

/// What a function's process is to do with its rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Task {
    /// A value for each row.
    Scalar,
    /// A value for each group of rows.
    Aggregate,
    /// Rows for the rows of partitions.
    Table,
    /// A call, which may run statements.
    Procedure,
}

impl Task {
    fn letter(self) -> u8 {
        match self {
            Task::Scalar => b's',
            Task::Aggregate => b'a',
            Task::Table => b't',
            Task::Procedure => b'p',
        }
    }
}

/// A process.
pub(crate) struct Worker {
    child: Child,
    input: ChildStdin,
    output: ChildStdout,
    imports: Option<Arc<TempDir>>,
    /// Whether it was waited for, so that its number may be another process's.
    is_gone: bool,
    /// How errors say whose code it is.
    of: String,
}

impl fmt::Debug for Worker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Worker({}{})", self.child.id(), self.of)
    }
}

/// A command that runs an interpreter apart from what is around it.
pub(crate) fn command(program: &Path) -> Command {
    let mut command = Command::new(program);
    command.args(["-I", "-B"]).env_clear().current_dir(std::env::temp_dir());
    command.envs(SETTINGS.iter().copied());
    for name in ENVIRONMENT {
        command.envs(std::env::var_os(name).map(|value| (name, value)));
    }
    command.process_group(0).stderr(Stdio::null());
    command
}

impl Worker {
    /// Starts a process without a function.
    ///
    /// # Errors
    /// `PythonExecution` when the program cannot be started; `Canceled`, `StatementTimeout`.
    pub(crate) fn start(
        program: &Path,
        imports: Option<Arc<TempDir>>,
        cancel: &Cancel,
    ) -> Result<Worker> {
        let failed = |error: std::io::Error| {
            let text = format!("the interpreter {} cannot be started: {error}", program.display());
            Error::new(ErrorCode::PythonExecution, format!("Python Interpreter Error:\n{text}"))
        };
        let mut command = command(program);
        command.args(["-c", BOOT]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().map_err(failed)?;
        let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(Error::internal("a process without pipes"));
        };
        rustix::io::ioctl_fionbio(&input, true).map_err(|error| failed(error.into()))?;
        rustix::io::ioctl_fionbio(&output, true).map_err(|error| failed(error.into()))?;
        let of = String::new();
        let mut worker = Worker { child, input, output, imports, is_gone: false, of };
        let text = PROGRAM.concat();
        let mut program = (text.len() as u32).to_ne_bytes().to_vec();
        program.extend(text.bytes());
        worker.send(&program, cancel)?;
        Ok(worker)
    }

    /// Whether it knows no files of a statement.
    pub(crate) fn has_no_imports(&self) -> bool {
        self.imports.is_none()
    }

    /// Gives it the function that it is to run: its code runs anew.
    ///
    /// # Errors
    /// `PythonExecution` for what the code throws, and for a handler that is not there.
    pub(crate) fn define(
        &mut self,
        function: &ForeignFunction,
        task: Task,
        cancel: &Cancel,
    ) -> Result<()> {
        let columns = match &function.returns {
            ForeignReturns::Value(sql_type) => vec![(String::new(), *sql_type)],
            ForeignReturns::Table(columns) => columns.clone(),
        };
        let Some(handler) = &function.code.handler else {
            return Err(Error::internal("Python without a handler"));
        };
        self.of = format!(" in function {} with handler {}", function.name, handler.name);
        let mut frame = Frame::new(b'F');
        frame.number(MEMORY_MEGABYTES)?;
        frame.byte(task.letter());
        frame.text(&function.name)?;
        frame.text(&handler.name)?;
        let folder = self.imports.as_ref().map(|folder| folder.path().to_string_lossy());
        frame.text(folder.as_deref().unwrap_or_default())?;
        frame.byte(u8::from(!function.code.body.is_empty()));
        if !function.code.body.is_empty() {
            frame.text(&function.code.body)?;
        }
        put_columns(&mut frame, &function.parameters)?;
        put_columns(&mut frame, &columns)?;
        frame.byte(u8::from(matches!(function.returns, ForeignReturns::Table(_))));
        self.ask(frame, cancel)?;
        Ok(())
    }

    /// The answer to a frame.
    ///
    /// # Errors
    /// `PythonExecution` for what the code throws, and when the process has ended; `OutOfMemory` for an answer that is
    /// too large; `Canceled`, `StatementTimeout`. The process is of no use afterwards.
    pub(crate) fn ask(&mut self, frame: Frame, cancel: &Cancel) -> Result<Vec<u8>> {
        let answer = self.exchange(frame, cancel)?;
        if answer[0] == b'R' { Ok(answer) } else { Err(crate::frame::broken()) }
    }

    /// The answer to a frame, or what the process asks for in order to answer.
    ///
    /// # Errors
    /// As [`Worker::ask`].
    pub(crate) fn exchange(&mut self, frame: Frame, cancel: &Cancel) -> Result<Vec<u8>> {
        self.send(&frame.finish()?, cancel)?;
        let mut head = Vec::with_capacity(4);
        self.receive(&mut head, 4, cancel)?;
        let length: [u8; 4] = head.as_slice().try_into().map_err(|_| crate::frame::broken())?;
        let length = u32::from_ne_bytes(length) as usize;
        if length > ANSWER_BYTES_MAX {
            let text = "a function in Python makes too much of one batch of rows";
            return Err(Error::new(ErrorCode::OutOfMemory, text));
        }
        let mut content = Vec::new();
        self.receive(&mut content, length, cancel)?;
        match content.first() {
            Some(b'R' | b'Q') => Ok(content),
            Some(b'E') => Err(self.failed(&String::from_utf8_lossy(&content[1..]))),
            Some(b'M') => Err(self.failed(&format!(
                "MemoryError: Function available memory exhausted: a process may take {MEMORY_MEGABYTES} MB"
            ))),
            _ => Err(crate::frame::broken()),
        }
    }

    /// The error of what the function's code did.
    fn failed(&self, text: &str) -> Error {
        let text = format!("Python Interpreter Error:\n{text}\n{}", self.of);
        Error::new(ErrorCode::PythonExecution, text)
    }

    /// Sends bytes, as the process takes them.
    fn send(&mut self, mut bytes: &[u8], cancel: &Cancel) -> Result<()> {
        while !bytes.is_empty() {
            match self.input.write(bytes) {
                Ok(count) => bytes = &bytes[count..],
                Err(error) if is_passing(&error) => {
                    wait(&self.input, PollFlags::OUT, cancel)?;
                }
                Err(_) => return Err(self.ended()),
            }
        }
        Ok(())
    }

    /// Appends as many bytes as are wanted.
    fn receive(&mut self, to: &mut Vec<u8>, wanted: usize, cancel: &Cancel) -> Result<()> {
        while to.len() < wanted {
            let start = to.len();
            // Room for what is there, not for what was promised.
            to.resize(wanted.min(start + READ_BYTES), 0);
            let read = self.output.read(&mut to[start..]);
            to.truncate(start + read.as_ref().copied().unwrap_or(0));
            match read {
                Ok(0) => return Err(self.ended()),
                Ok(_) => {}
                Err(error) if is_passing(&error) => wait(&self.output, PollFlags::IN, cancel)?,
                Err(_) => return Err(self.ended()),
            }
        }
        Ok(())
    }

    /// The error of a process that has ended by itself.
    fn ended(&mut self) -> Error {
        let told = |status: ExitStatus| match (status.code(), status.signal()) {
            (Some(code), _) => format!("exit code {code}"),
            (None, Some(signal)) => format!("signal {signal}"),
            _ => "no status".to_string(),
        };
        let status = self.end().map_or_else(|error| error.to_string(), told);
        self.failed(&format!("The process of the function has ended with {status}"))
    }

    /// Kills the process and what it has started, and waits for it.
    fn end(&mut self) -> std::io::Result<ExitStatus> {
        // One that has ended by itself, and what it has started, is still known by its number, until somebody waits
        // for it.
        let group = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        if let Some(group) = group.filter(|_| !self.is_gone) {
            let _ = kill_process_group(group, Signal::KILL);
        }
        self.is_gone = true;
        self.child.wait()
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        let _ = self.end();
    }
}

fn put_columns(frame: &mut Frame, columns: &[(String, SqlType)]) -> Result<()> {
    frame.number(columns.len())?;
    for (name, sql_type) in columns {
        frame.text(name)?;
        frame.byte(kind_of(*sql_type));
    }
    Ok(())
}

fn is_passing(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted)
}

/// Waits a moment for a pipe.
fn wait(pipe: &impl AsFd, what: PollFlags, cancel: &Cancel) -> Result<()> {
    cancel.check()?;
    // What goes wrong here, reading or writing tells.
    let _ = poll(&mut [PollFd::new(pipe, what)], Some(&PATIENCE));
    Ok(())
}
