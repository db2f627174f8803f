//! Functions and procedures with bodies in Python, run by interpreters in processes of their own.
//!
//! Reading order: an [`Interpreter`] is the program that is there, with its packages and the processes that wait for
//! the next statement; a `worker` is one process, which answers one frame with another; `encode` and `decode` are SQL's
//! values on their way there and back; `scalar` calls a function for every row of a batch, `table` a table function for
//! the rows of partitions, `aggregate` one for groups of rows, `procedure` one whose code runs statements. [`Python`] holds the
//! workers of one statement. What runs in the process stands in the folder `worker`.
//!
//! A process is apart from firn's memory, files and environment, but has the rights of the user who runs firn: who
//! may make functions in Python may do on this machine what that user may. So an interpreter can be switched off.

mod aggregate;
mod decode;
mod encode;
mod frame;
mod interpreter;
mod packages;
mod procedure;
mod scalar;
mod table;
mod worker;

use std::collections::HashMap;
use std::fmt;
use std::path::Path;
use std::sync::Arc;

use firn_column::Column;
use firn_functions::{Call, ForeignFunction, ForeignProcessor, ForeignSession};
use firn_types::{Cancel, Error, ErrorCode, Result, SqlType, Value};
use parking_lot::Mutex;
use tempfile::TempDir;

pub use interpreter::{Interpreter, InterpreterChoice};
pub use procedure::Given;

use worker::{Task, Worker};

/// Puts the files that IMPORTS names into a folder.
pub type Importer = dyn Fn(&ForeignFunction, &Path) -> Result<()> + Send + Sync;

/// Runs the Python of one statement. Each thread that calls a function does so in a process of its own, whose
/// global variables stay from row to row; the processes end with the statement, or wait for the session's next one.
pub struct Python {
    interpreter: Arc<Interpreter>,
    session: u64,
    cancel: Cancel,
    importer: Box<Importer>,
    idle: Mutex<HashMap<Arc<ForeignFunction>, Vec<Worker>>>,
    imports: Mutex<HashMap<Arc<ForeignFunction>, Arc<TempDir>>>,
}

impl fmt::Debug for Python {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Python").field("interpreter", &self.interpreter).finish_non_exhaustive()
    }
}

impl Python {
    /// For a statement of a session, which ends as `cancel` says.
    pub fn new(
        interpreter: &Arc<Interpreter>,
        session: u64,
        cancel: Cancel,
        importer: Box<Importer>,
    ) -> Python {
        let interpreter = Arc::clone(interpreter);
        let (idle, imports) = (Mutex::default(), Mutex::default());
        Python { interpreter, session, cancel, importer, idle, imports }
    }

    /// The values of a function for every row of a batch.
    ///
    /// # Errors
    /// `PythonExecution` for what the code throws, a process that ends or takes too much memory, and when there is
    /// no interpreter; those of casts, of values that are not of the function's type; `OutOfMemory` for more of them
    /// than a batch may have; `Canceled`, `StatementTimeout`.
    pub fn call(
        &self,
        function: &Arc<ForeignFunction>,
        call: &Call<'_>,
        arguments: &[Column],
    ) -> Result<Column> {
        let task = if function.aggregate { Task::Aggregate } else { Task::Scalar };
        let mut worker = self.worker(function, task)?;
        let column = match task {
            Task::Aggregate => {
                aggregate::call(&mut worker, &self.cancel, (function, call), arguments)?
            }
            _ => scalar::call(&mut worker, &self.cancel, (function, call), arguments)?,
        };
        // One in which a call has failed is left behind.
        self.idle.lock().entry(Arc::clone(function)).or_default().push(worker);
        Ok(column)
    }

    /// What runs a table function.
    ///
    /// # Errors
    /// As [`Python::call`], of code that does not run.
    pub fn table(&self, function: &Arc<ForeignFunction>) -> Result<Box<dyn ForeignProcessor>> {
        let worker = self.worker(function, Task::Table)?;
        Ok(Box::new(table::Table::new(worker, &self.cancel, function)?))
    }

    /// What a procedure gives, whose statements run in a session.
    ///
    /// # Errors
    /// As [`Python::call`].
    pub fn call_procedure(
        &self,
        procedure: &Arc<ForeignFunction>,
        arguments: &[(Value, SqlType)],
        session: &dyn ForeignSession,
    ) -> Result<Given> {
        let mut worker = self.worker(procedure, Task::Procedure)?;
        let given = procedure::call(&mut worker, &self.cancel, procedure, arguments, session)?;
        self.idle.lock().entry(Arc::clone(procedure)).or_default().push(worker);
        Ok(given)
    }

    /// A process with a function in it.
    fn worker(&self, function: &Arc<ForeignFunction>, task: Task) -> Result<Worker> {
        let idle = self.idle.lock().get_mut(function).and_then(Vec::pop);
        if let Some(worker) = idle {
            return Ok(worker);
        }
        let imports = self.imports_of(function)?;
        let waiting = self.interpreter.take(self.session, function);
        let mut worker = match waiting.filter(|_| imports.is_none()) {
            Some(worker) => worker,
            None => Worker::start(&self.interpreter.program()?, imports, &self.cancel)?,
        };
        worker.define(function, task, &self.cancel)?;
        Ok(worker)
    }

    /// The folder with what the function imports; none when it imports nothing.
    fn imports_of(&self, function: &Arc<ForeignFunction>) -> Result<Option<Arc<TempDir>>> {
        if function.code.handler.as_ref().is_none_or(|handler| handler.imports.is_empty()) {
            return Ok(None);
        }
        let mut folders = self.imports.lock();
        if let Some(folder) = folders.get(function) {
            return Ok(Some(Arc::clone(folder)));
        }
        let folder = TempDir::with_prefix("firn-python-").map_err(|error| {
            Error::new(ErrorCode::Storage, format!("A folder for imports cannot be made: {error}"))
        })?;
        (self.importer)(function, folder.path())?;
        let folder = Arc::new(folder);
        folders.insert(Arc::clone(function), Arc::clone(&folder));
        Ok(Some(folder))
    }
}

impl Drop for Python {
    fn drop(&mut self) {
        // What has imported files has those of this statement.
        for (function, workers) in self.idle.get_mut().drain() {
            for worker in workers.into_iter().filter(Worker::has_no_imports) {
                self.interpreter.keep(self.session, &function, worker);
            }
        }
    }
}

#[cfg(test)]
mod tests;
