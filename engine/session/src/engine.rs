//! An open account with what the sessions of one process share.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use firn_account::Account;
use firn_python::{Interpreter, InterpreterChoice};
use firn_service::{Housekeeping, Service};
use firn_storage::{ObjectAccess, WriterOptions};
use firn_types::Result;
use firn_types::clock::Clock;

use crate::archive::Archive;
use crate::at_rest::{self, KeySource};
use crate::compute::Compute;
use crate::history::Statements;
use crate::keys::{KeyRing, SecretKeys};
use crate::login::{Attempts, Logins};
use crate::maintenance::Maintenance;
use crate::reach::Reach;
use crate::result::StatementResult;
use crate::results::Results;
use crate::session::{Session, SessionOptions};
use crate::statement_threads::StatementThreads;
use crate::task::{self, Tasks};
use crate::tls;
use crate::warehouse::Warehouses;

/// How a process uses an account.
#[derive(Clone, Debug, Default)]
pub struct EngineOptions {
    /// Threads of all warehouses together; all of the machine's unless given.
    pub threads: Option<usize>,
    /// Bytes of memory of all warehouses together, cached columns and kept results included; half of the machine's unless given.
    pub memory_bytes: Option<usize>,
    /// Where operators spill to; the system's folder for temporary files unless given.
    pub spill_folder: Option<PathBuf>,
    /// Where the keys are under which secrets are sealed; an account in memory keeps them there, too.
    pub keys: SecretKeys,
    /// The key that the account's objects are sealed under, where they are.
    pub at_rest: Option<KeySource>,
    /// The clock; the system's unless given.
    pub clock: Clock,
    /// The names of optimizer rules that are left out, for tests. Those without which plans cannot be
    /// executed run nevertheless.
    pub rules_off: Vec<String>,
    /// What the statements of tasks reach by URLs, when they run by themselves: anybody may have made them.
    pub tasks_reach: Reach,
    /// What runs functions and procedures in Python, with the rights of this process.
    pub python: InterpreterChoice,
    /// Called with the text of every statement that begins to run, on its thread, for tests.
    pub on_statement: Option<fn(&str)>,
    /// When housekeeping is done; in the background unless tests want to see what it did.
    pub housekeeping: Housekeeping,
    /// Rows that operators get at once, at most, for tests.
    pub batch_rows_max: Option<usize>,
    /// Rows at which a micro-partition is cut, for tests.
    pub partition_rows: Option<usize>,
}

/// An open account. Cloning shares it.
#[derive(Clone, Debug)]
pub struct Engine {
    pub(crate) inner: Arc<Shared>,
}

/// What the sessions of one process share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) account: Account,
    pub(crate) options: EngineOptions,
    pub(crate) compute: Compute,
    pub(crate) statements: Statements,
    pub(crate) archive: Arc<Archive>,
    pub(crate) keys: Arc<KeyRing>,
    pub(crate) attempts: Attempts,
    pub(crate) logins: Logins,
    pub(crate) results: Results,
    pub(crate) warehouses: Warehouses,
    pub(crate) threads: StatementThreads,
    pub(crate) interpreter: Arc<Interpreter>,
    maintenance: Maintenance,
    pub(crate) tasks: Tasks,
    next_session: AtomicU64,
}

impl Engine {
    /// Opens the account at a folder, at a URL such as `s3://bucket/prefix`, or at `:memory:`, which
    /// leaves nothing behind; makes a new account where there is none.
    ///
    /// # Errors
    /// `Storage` when the place cannot be used, `CorruptFile` when it holds something else.
    pub fn open(location: &str, options: EngineOptions) -> Result<Engine> {
        tls::install_provider();
        let access = match location {
            ":memory:" => ObjectAccess::memory(),
            location => ObjectAccess::open(location)?,
        };
        Engine::over(access, options)
    }

    /// Opens the account in a store.
    ///
    /// # Errors
    /// As [`Engine::open`].
    pub fn over(access: ObjectAccess, options: EngineOptions) -> Result<Engine> {
        tls::install_provider();
        let access = at_rest::opened(access, options.at_rest.as_ref(), &options.clock)?;
        let keys = KeyRing::new(&options.keys, access.is_lasting())?;
        let account = Account::open(access, options.clock.clone())?;
        let archive = Arc::new(Archive::new(&account));
        let first = options.clock.now_nanos().unsigned_abs() / 1_000;
        let compute = Compute::start(&options)?;
        let results = Results::new(Arc::clone(&compute.results), compute.spill());
        let interpreter = Arc::new(Interpreter::new(options.python.clone()));
        let inner = Shared {
            interpreter,
            maintenance: Maintenance::new(&account, &options, &archive),
            archive,
            account,
            options,
            compute,
            statements: Statements::default(),
            keys: Arc::new(keys),
            attempts: Attempts::default(),
            logins: Logins::default(),
            results,
            warehouses: Warehouses::default(),
            threads: StatementThreads::default(),
            tasks: Tasks::default(),
            next_session: AtomicU64::new(first),
        };
        let engine = Engine { inner: Arc::new(inner) };
        engine.inner.maintenance.belongs_to(&engine.inner);
        Ok(engine)
    }

    /// The housekeeping of the account in this process, to be looked at and run.
    pub fn service(&self) -> &Service {
        self.inner.maintenance.service()
    }

    /// Runs tasks from now on when they are due, on threads of their own, until [`Engine::stop_tasks`].
    pub fn start_tasks(&self) {
        task::start(&self.inner);
    }

    /// Runs all tasks that are due now, and tells how many graphs were run.
    ///
    /// # Errors
    /// `Storage` when the account cannot be read or written.
    pub fn run_due_tasks(&self) -> Result<usize> {
        task::run_due(&self.inner)
    }

    /// When the next task is due by its schedule: nanoseconds since 1970 UTC; none when there is none.
    pub fn next_task_nanos(&self) -> Option<i64> {
        task::next_nanos(&task::seen(&self.inner.account.catalog()))
    }

    /// Waits for the tasks that EXECUTE TASK has begun in this process.
    pub fn finish_tasks(&self) {
        self.inner.tasks.finish();
    }

    /// Begins no more tasks, and waits for those that run.
    pub fn stop_tasks(&self) {
        self.inner.tasks.stop();
    }

    /// A new session.
    ///
    /// # Errors
    /// When the database, schema, warehouse or role it is to start with does not exist.
    pub fn session(&self, options: SessionOptions) -> Result<Session> {
        let id = self.inner.new_session_id();
        Session::start_on(Arc::clone(&self.inner), id, &options)
    }

    /// The result of a statement of a user that ended well within the last day; none when it is not kept any
    /// more.
    pub fn kept_result(&self, user: &str, query_id: &str) -> Option<StatementResult> {
        let now_nanos = self.inner.account.clock().now_nanos();
        self.inner.results.of(user, query_id, now_nanos)
    }
}

impl Shared {
    /// The number of a new session.
    pub(crate) fn new_session_id(&self) -> u64 {
        self.next_session.fetch_add(1, Ordering::Relaxed)
    }

    /// Rows at which a micro-partition is cut.
    pub(crate) fn partition_rows(&self) -> usize {
        let default = WriterOptions::default().target_rows;
        self.options.partition_rows.unwrap_or(default).max(1)
    }

    /// The housekeeping.
    pub(crate) fn maintenance(&self) -> &Maintenance {
        &self.maintenance
    }
}
