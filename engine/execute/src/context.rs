//! What operators may use while a statement runs.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use firn_column::Batch;
use firn_functions::FunctionContext;
use firn_plan::{StageScan, VirtualSource};
use firn_storage::{ColumnCache, ObjectAccess, WriterOptions};
use firn_types::{Error, Monitor, Result};

use crate::memory::MemoryBudget;
use crate::operator::Source;
use crate::profile::{OperatorId, Profile};
use crate::spill::SpillFolder;
use crate::spool::Spool;
use crate::worker_pool::WorkerPool;

/// What the operators of one statement share. Made once per statement.
pub struct QueryContext {
    /// What functions may know.
    pub functions: Arc<FunctionContext>,
    /// How others follow the statement, and end it.
    pub monitor: Monitor,
    /// The engine's memory.
    pub memory: Arc<MemoryBudget>,
    /// The engine's threads.
    pub pool: Arc<WorkerPool>,
    /// What each operator did.
    pub profile: Arc<Profile>,
    /// What becomes of a plan's rows, as the profile names it: `Result`, `Insert`.
    pub purpose: &'static str,
    /// The account's files and what is cached of them; none for statements without stored tables.
    pub storage: Option<Storage>,
    /// Where operators put what does not fit into memory.
    pub spill: SpillFolder,
    /// The session's own tables.
    pub tables: Arc<dyn VirtualTables>,
    /// Staged files.
    pub stages: Arc<dyn StageFiles>,
    /// Rows that are handed to an operator at once, at most: for tests, which see with very few of them
    /// whether answers depend on where batches end.
    pub batch_rows_max: usize,
    /// Rows at which a micro-partition is cut.
    pub partition_rows: usize,
}

/// How stored tables are read.
#[derive(Clone, Debug)]
pub struct Storage {
    /// The account's files.
    pub access: ObjectAccess,
    /// What the warehouse keeps of them in memory.
    pub cache: Arc<ColumnCache>,
}

/// Rows that a session makes: INFORMATION_SCHEMA, functions over the session, earlier results.
pub trait VirtualTables: Send + Sync {
    /// All rows, with all columns of the source.
    ///
    /// # Errors
    /// When there is no such source, or it may not be read.
    fn scan(&self, source: &VirtualSource) -> Result<VirtualRows>;
}

/// The rows of a table that a session makes.
#[derive(Clone, Debug)]
pub enum VirtualRows {
    /// Rows that were made for this one reader.
    Batches(Vec<Batch>),
    /// Rows that are kept, all of them.
    Spool(Arc<Spool>),
}

/// Reads staged files for queries.
pub trait StageFiles: Send + Sync {
    /// A source of the scan's columns, which is operator `id` in the profile; a morsel is a file or a part of one.
    ///
    /// # Errors
    /// When the stage or a file cannot be opened.
    fn open(&self, scan: &StageScan, id: OperatorId) -> Result<Arc<dyn Source>>;
}

/// A session without tables and stages of its own.
#[derive(Debug)]
pub struct Nothing;

impl VirtualTables for Nothing {
    fn scan(&self, _: &VirtualSource) -> Result<VirtualRows> {
        Err(Error::not_supported("tables of the session here"))
    }
}

impl StageFiles for Nothing {
    fn open(&self, _: &StageScan, _: OperatorId) -> Result<Arc<dyn Source>> {
        Err(Error::not_supported("staged files here"))
    }
}

impl QueryContext {
    /// A context of these threads and this memory, with everything else at its plainest.
    pub fn new(pool: Arc<WorkerPool>, memory: Arc<MemoryBudget>) -> QueryContext {
        QueryContext {
            functions: Arc::default(),
            monitor: Monitor::default(),
            memory,
            pool,
            profile: Arc::default(),
            purpose: "Result",
            storage: None,
            spill: SpillFolder::new(std::env::temp_dir()),
            tables: Arc::new(Nothing),
            stages: Arc::new(Nothing),
            batch_rows_max: usize::MAX,
            partition_rows: WriterOptions::default().target_rows,
        }
    }

    /// How stored tables are read.
    ///
    /// # Errors
    /// An internal error for a statement that has none.
    pub fn stored(&self) -> Result<&Storage> {
        self.storage.as_ref().ok_or_else(|| Error::internal("a statement without storage"))
    }

    /// How many workers a pipeline may have.
    pub fn threads(&self) -> usize {
        self.pool.threads()
    }

    /// Looks whether the statement is to end.
    ///
    /// # Errors
    /// `Canceled` when it is.
    pub fn check(&self) -> Result<()> {
        self.monitor.cancel.check()
    }

    /// Does `work` for every number below `count`, on all threads; stops at the first error.
    ///
    /// # Errors
    /// The first error of `work`, or `Canceled`.
    pub fn for_each(
        &self,
        count: usize,
        work: impl Fn(usize) -> Result<()> + Send + Sync,
    ) -> Result<()> {
        if count <= 1 || self.threads() == 1 {
            return (0..count).try_for_each(|index| self.check().and_then(|()| work(index)));
        }
        let next = AtomicUsize::new(0);
        let error = Mutex::new(None);
        let worker = || {
            loop {
                let index = next.fetch_add(1, Ordering::Relaxed);
                if index >= count {
                    return;
                }
                if let Err(failure) = self.check().and_then(|()| work(index)) {
                    next.store(count, Ordering::Relaxed);
                    lock(&error).get_or_insert(failure);
                }
            }
        };
        self.pool.on_each(self.threads().min(count), worker);
        let failure = lock(&error).take();
        failure.map_or(Ok(()), Err)
    }

    /// The answers of `work` for every number below `count`, computed on all threads.
    ///
    /// # Errors
    /// As [`QueryContext::for_each`].
    pub fn map<T: Send>(
        &self,
        count: usize,
        work: impl Fn(usize) -> Result<T> + Send + Sync,
    ) -> Result<Vec<T>> {
        let answers: Vec<Mutex<Option<T>>> = (0..count).map(|_| Mutex::new(None)).collect();
        self.for_each(count, |index| {
            *lock(&answers[index]) = Some(work(index)?);
            Ok(())
        })?;
        Ok(answers.into_iter().filter_map(|answer| take(answer)).collect())
    }
}

/// The value inside; a panic of another holder does not matter, since it ends the statement anyway.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

fn take<T>(mutex: Mutex<Option<T>>) -> Option<T> {
    mutex.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner())
}
