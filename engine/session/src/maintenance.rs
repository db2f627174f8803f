//! Keeping tables in few files, sorted ones: compaction and reclustering, as jobs of the engine's housekeeping.
//!
//! Small inserts leave small micro-partitions, and deletes leave some of which little is live; inserts into a
//! table with CLUSTER BY leave micro-partitions that overlap on the key. Who commits notes the tables that may
//! have such; the jobs rewrite them, a bounded piece after the other. The rows and their ids stay as they are, so
//! nobody sees a difference but for the files: a statement that has read the old ones finds its rows in the
//! new ones when it commits, by their ids, and what it has deleted meanwhile is left out of the new ones.
//! Nothing waits for it in a warehouse.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};

use firn_account::catalog::{NOBODY, Table};
use firn_account::txn::Vacuumed;
use firn_account::{Account, Transaction};
use firn_execute::dml;
use firn_expression::Expr;
use firn_service::{CheckpointJob, GoOn, Job, Progress, Service, VacuumJob};
use firn_storage::Partition;
use firn_storage::snapshot::compact::{is_small, next_compaction};
use firn_types::{ErrorCode, ObjectId, Result};

use crate::archive::{Archive, HistoryJob};
use crate::clustering;
use crate::command::dml::keys_of;
use crate::engine::{EngineOptions, Shared};
use crate::lifecycle::StatementContext;
use crate::session::SessionOptions;
use crate::session_state::{SessionHome, SessionState};

/// The number of the session in which the jobs work; no user's has it.
const SESSION: u64 = 0;
/// Micro-partitions that may lie above each other: two, and in a table of 64 and more one more for each time that
/// there are eight times as many. Less would rewrite much of a large table for each insert.
const DEPTH_MAX: usize = 2;
const DEPTH_GROWTH: usize = 8;
/// Micro-partitions that are sorted together at most.
const SORTED_TOGETHER_MAX: usize = 8;

/// The housekeeping of an engine.
#[derive(Debug)]
pub(crate) struct Maintenance {
    compaction: Arc<RewriteJob>,
    reclustering: Arc<RewriteJob>,
    vacuum: Arc<VacuumJob>,
    service: Service,
}

impl Maintenance {
    /// What is to be done for an account.
    pub(crate) fn new(
        account: &Account,
        options: &EngineOptions,
        archive: &Arc<Archive>,
    ) -> Maintenance {
        let compaction = Arc::new(RewriteJob::new(Rewriting::Compaction));
        let reclustering = Arc::new(RewriteJob::new(Rewriting::Reclustering));
        let vacuum = Arc::new(VacuumJob::new(account));
        let jobs: Vec<Arc<dyn Job>> = vec![
            Arc::clone(&compaction) as _,
            Arc::clone(&reclustering) as _,
            Arc::new(CheckpointJob::new(account)),
            Arc::clone(&vacuum) as _,
            Arc::new(HistoryJob::new(archive)),
        ];
        let service = Service::new(jobs, options.clock.clone(), options.housekeeping);
        Maintenance { compaction, reclustering, vacuum, service }
    }

    /// Says whose tables are kept.
    pub(crate) fn belongs_to(&self, engine: &Arc<Shared>) {
        for job in [&self.compaction, &self.reclustering] {
            // An engine is made once.
            let _ = job.engine.set(Arc::downgrade(engine));
        }
    }

    /// Vacuums now, and tells what was done; nothing when another process is at it.
    ///
    /// # Errors
    /// `Storage`.
    pub(crate) fn vacuum_now(&self, go_on: &GoOn<'_>) -> Result<Option<Vacuumed>> {
        self.service.run_now(self.vacuum.name(), go_on)?;
        Ok(self.vacuum.last())
    }

    /// The jobs, to be looked at and run.
    pub(crate) fn service(&self) -> &Service {
        &self.service
    }
}

/// Looks for work after a statement has committed changes to these tables.
pub(crate) fn after_commit(running: &StatementContext, tables: &BTreeSet<ObjectId>) {
    let shared = &running.session.shared;
    let maintenance = shared.maintenance();
    let catalog = shared.account.catalog();
    for table in tables.iter().filter_map(|table| catalog.table(*table)) {
        let rows = &table.snapshot;
        let target_rows = shared.partition_rows() as u64;
        // Where the list was not read yet, the job reads it, and looks.
        let in_pieces = !rows.is_read()
            || rows.partitions().is_ok_and(|all| next_compaction(all, target_rows).is_some());
        if in_pieces {
            maintenance.compaction.waiting().insert(table.id());
        }
        if !table.cluster_by.is_empty() && !table.recluster_suspended {
            maintenance.reclustering.waiting().insert(table.id());
        }
    }
    maintenance.service.wake();
}

/// What a job rewrites.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rewriting {
    /// Small and mostly deleted micro-partitions.
    Compaction,
    /// Large ones that overlap on the clustering key.
    Reclustering,
}

/// Rewrites micro-partitions; counts those that are gone.
#[derive(Debug)]
struct RewriteJob {
    rewriting: Rewriting,
    engine: OnceLock<Weak<Shared>>,
    /// The tables that may want it.
    waiting: Mutex<BTreeSet<ObjectId>>,
    /// Tables whose files overlapped so much after they were sorted as before: there is no memory to do better.
    stuck: Mutex<BTreeMap<ObjectId, usize>>,
}

/// What became of a piece of work.
enum Piece {
    /// There was nothing to do.
    Nothing,
    /// So many micro-partitions are gone.
    Done(u64),
    /// Others have rewritten the same ones.
    Late,
}

impl RewriteJob {
    fn new(rewriting: Rewriting) -> RewriteJob {
        RewriteJob {
            rewriting,
            engine: OnceLock::new(),
            waiting: Mutex::default(),
            stuck: Mutex::default(),
        }
    }

    fn waiting(&self) -> MutexGuard<'_, BTreeSet<ObjectId>> {
        lock(&self.waiting)
    }

    fn piece(&self, engine: Arc<Shared>, table: ObjectId) -> Result<Piece> {
        let account = engine.account.clone();
        let target_rows = engine.partition_rows() as u64;
        let Some(now) = account.catalog().table(table).map(Arc::clone) else {
            return Ok(Piece::Nothing);
        };
        let large = |partition: &&Arc<Partition>| !is_small(partition, target_rows);
        let is_done = match self.rewriting {
            Rewriting::Compaction => {
                next_compaction(now.snapshot.partitions()?, target_rows).is_none()
            }
            Rewriting::Reclustering => {
                now.cluster_by.is_empty()
                    || now.recluster_suspended
                    || now.snapshot.partitions()?.iter().filter(large).count() <= DEPTH_MAX
            }
        };
        if is_done {
            return Ok(Piece::Nothing);
        }
        let mut state = SessionState::start(engine, SESSION, &SessionOptions::default())?;
        state.role = NOBODY;
        let running = StatementContext::described(&Arc::new(SessionHome::new(state)), "");
        let transaction = account.begin(&running.session.space);
        let Some(table) = transaction.catalog().table(table).map(Arc::clone) else {
            return Ok(Piece::Nothing);
        };
        let keys = keys_of(&running, &table)?;
        match self.rewriting {
            Rewriting::Compaction => {
                let run = next_compaction(table.snapshot.partitions()?, target_rows);
                let Some(run) = run else { return Ok(Piece::Nothing) };
                rewrite(&running, transaction, &table, &run, &keys)
            }
            Rewriting::Reclustering => {
                let all: Vec<_> =
                    table.snapshot.partitions()?.iter().filter(large).cloned().collect();
                let known = lock(&self.stuck).get(&table.id()).copied();
                let sorting = Sorting { depth_min: depth_max(&all) + 1, known };
                let sorted = sort_piece(&running, transaction, (&table, all), &keys, sorting);
                let (piece, left) = match sorted {
                    // What statistics do not tell is no reason to sort.
                    Err(error) if error.code() == ErrorCode::UnsupportedFeature => {
                        (Piece::Nothing, None)
                    }
                    sorted => sorted?,
                };
                match left {
                    Some(left) => _ = lock(&self.stuck).insert(table.id(), left),
                    None => _ = lock(&self.stuck).remove(&table.id()),
                }
                Ok(piece)
            }
        }
    }
}

impl Job for RewriteJob {
    fn name(&self) -> &'static str {
        match self.rewriting {
            Rewriting::Compaction => "compaction",
            Rewriting::Reclustering => "reclustering",
        }
    }

    fn is_due(&self) -> bool {
        !self.waiting().is_empty()
    }

    fn run(&self, go_on: &GoOn<'_>) -> Result<Progress> {
        let tables = std::mem::take(&mut *self.waiting());
        let mut progress = Progress::default();
        let mut outcome = Ok(());
        for table in tables {
            let Some(engine) = self.engine.get().and_then(Weak::upgrade) else { break };
            let piece = match go_on() && outcome.is_ok() {
                true => self.piece(engine, table),
                false => Ok(Piece::Late),
            };
            match piece {
                Ok(Piece::Nothing) => {}
                Ok(Piece::Done(gone)) => {
                    progress.done += gone;
                    progress.more = true;
                    self.waiting().insert(table);
                }
                // The next commit, or a minute, brings the next try.
                Ok(Piece::Late) => _ = self.waiting().insert(table),
                Err(error) => outcome = Err(error),
            }
        }
        outcome.map(|()| progress)
    }
}

/// How many of a table's micro-partitions may lie above each other.
fn depth_max(all: &[Arc<Partition>]) -> usize {
    let levels = all.len().checked_ilog(DEPTH_GROWTH).unwrap_or(0) as usize;
    DEPTH_MAX + levels.saturating_sub(1)
}

/// How far micro-partitions are sorted.
#[derive(Clone, Copy)]
struct Sorting {
    /// How many must lie above each other to be worth it.
    depth_min: usize,
    /// How much they overlapped when sorting them changed nothing.
    known: Option<usize>,
}

/// Sorts those of some micro-partitions together that overlap most. Also tells how much they overlap where that
/// has not become less.
fn sort_piece(
    running: &StatementContext,
    transaction: Transaction,
    (table, all): (&Arc<Table>, Vec<Arc<Partition>>),
    keys: &[Expr],
    sorting: Sorting,
) -> Result<(Piece, Option<usize>)> {
    let functions = running.function_context();
    let ranges = clustering::ranges(keys, table, &all, &functions)?;
    let before = clustering::total_overlap(&ranges);
    if sorting.known.is_some_and(|known| before <= known) {
        return Ok((Piece::Nothing, sorting.known));
    }
    let together = clustering::to_sort(&ranges, sorting.depth_min, SORTED_TOGETHER_MAX);
    let Some(together) = together else { return Ok((Piece::Nothing, None)) };
    let run: Vec<Arc<Partition>> = together.iter().map(|at| Arc::clone(&all[*at])).collect();
    let mut transaction = transaction;
    dml::compact(table, &run, keys, &running.unqueued_context(), &mut transaction)?;
    let after = transaction.catalog();
    let Some(after) = after.table(table.id()) else { return Ok((Piece::Nothing, None)) };
    let old: BTreeSet<&str> = all.iter().map(|partition| partition.id.0.as_str()).collect();
    let was: BTreeSet<&str> =
        table.snapshot.partitions()?.iter().map(|partition| partition.id.0.as_str()).collect();
    let counts = |partition: &&Arc<Partition>| {
        let id = partition.id.0.as_str();
        old.contains(id) || !was.contains(id)
    };
    let now: Vec<Arc<Partition>> =
        after.snapshot.partitions()?.iter().filter(counts).cloned().collect();
    let left = clustering::total_overlap(&clustering::ranges(keys, after, &now, &functions)?);
    if left >= before {
        // What was written is not committed, and so is nobody's.
        return Ok((Piece::Nothing, Some(before)));
    }
    Ok((commit(transaction, run.len())?, None))
}

/// Sorts a table's micro-partitions until none overlap, or no better order comes of it.
///
/// # Errors
/// When the statistics do not tell how they overlap; `Storage`; when the statement is canceled.
pub(crate) fn recluster(running: &StatementContext, table: ObjectId) -> Result<()> {
    let account = &running.session.shared.account;
    loop {
        running.monitor.cancel.check()?;
        let transaction = account.begin(&running.session.space);
        let Some(table) = transaction.catalog().table(table).map(Arc::clone) else {
            return Ok(());
        };
        let keys = keys_of(running, &table)?;
        let all = table.snapshot.partitions()?.iter().cloned().collect();
        let sorting = Sorting { depth_min: 2, known: None };
        if let Piece::Nothing = sort_piece(running, transaction, (&table, all), &keys, sorting)?.0 {
            return Ok(());
        }
        account.refresh()?;
    }
}

/// Writes micro-partitions anew, in the order of the keys.
fn rewrite(
    running: &StatementContext,
    mut transaction: Transaction,
    table: &Arc<Table>,
    run: &[Arc<Partition>],
    keys: &[Expr],
) -> Result<Piece> {
    dml::compact(table, run, keys, &running.unqueued_context(), &mut transaction)?;
    commit(transaction, run.len())
}

fn commit(transaction: Transaction, gone: usize) -> Result<Piece> {
    match transaction.commit_unnoted() {
        Ok(()) => Ok(Piece::Done(gone as u64)),
        Err(error) if error.code() == ErrorCode::LockTimeout => Ok(Piece::Late),
        Err(error) => Err(error),
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
