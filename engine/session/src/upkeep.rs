//! Keeping tables in few files: compaction, as a job of the engine's housekeeping.
//!
//! Small inserts leave small micro-partitions, and deletes leave some of which little is live. Who commits
//! notes the tables that have such; the job rewrites one run of them after the other. The rows and their ids
//! stay as they are, so nobody sees a difference but for the files: a statement that has read the old ones
//! finds its rows in the new ones when it commits, by their ids, and what it has deleted meanwhile is left out of
//! the new ones. Nothing waits for it in a warehouse.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};

use firn_account::Account;
use firn_account::catalog::NOBODY;
use firn_execute::dml;
use firn_service::{CheckpointJob, GoOn, Job, Progress, Service, VacuumJob};
use firn_storage::compact::compactions;
use firn_storage::{Snapshot, WriterOptions};
use firn_types::{ErrorCode, ObjectId, Result};

use crate::command::dml::keys_of;
use crate::engine::{EngineOptions, Shared};
use crate::lifecycle::StatementContext;
use crate::session::SessionOptions;
use crate::session_state::{SessionHome, SessionState};

/// The number of the session in which the job works; no user's has it.
const SESSION: u64 = 0;

/// The housekeeping of an engine.
#[derive(Debug)]
pub(crate) struct Upkeep {
    compaction: Arc<CompactionJob>,
    service: Service,
}

impl Upkeep {
    /// What is to be done for an account.
    pub(crate) fn new(account: &Account, options: &EngineOptions) -> Upkeep {
        let compaction = Arc::new(CompactionJob::default());
        let jobs: Vec<Arc<dyn Job>> = vec![
            Arc::clone(&compaction) as _,
            Arc::new(CheckpointJob::new(account)),
            Arc::new(VacuumJob::new(account)),
        ];
        let service = Service::new(jobs, options.clock.clone(), options.housekeeping);
        Upkeep { compaction, service }
    }

    /// Says whose tables are compacted.
    pub(crate) fn belongs_to(&self, engine: &Arc<Shared>) {
        // An engine is made once.
        let _ = self.compaction.engine.set(Arc::downgrade(engine));
    }

    /// The jobs, to be looked at and run.
    pub(crate) fn service(&self) -> &Service {
        &self.service
    }
}

/// Looks for work after a statement has committed changes to these tables.
pub(crate) fn after_commit(running: &StatementContext, tables: &BTreeSet<ObjectId>) {
    let upkeep = running.session.shared.upkeep();
    let catalog = running.session.shared.account.catalog();
    let rows = |table: &&ObjectId| catalog.table(**table).map(|table| &table.snapshot);
    let in_pieces = |rows: &Arc<Snapshot>| match rows.is_read() {
        true => rows.partitions().is_ok_and(|all| !compactions(all, target_rows()).is_empty()),
        // The job reads the list, and looks.
        false => true,
    };
    let waiting = tables.iter().filter(|table| rows(table).is_some_and(in_pieces));
    upkeep.compaction.waiting().extend(waiting.copied());
    upkeep.service.wake();
}

fn target_rows() -> u64 {
    WriterOptions::default().target_rows as u64
}

/// Rewrites small and mostly deleted micro-partitions; counts those that are gone.
#[derive(Debug, Default)]
struct CompactionJob {
    engine: OnceLock<Weak<Shared>>,
    /// The tables that want it.
    waiting: Mutex<BTreeSet<ObjectId>>,
}

impl CompactionJob {
    fn waiting(&self) -> MutexGuard<'_, BTreeSet<ObjectId>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Job for CompactionJob {
    fn name(&self) -> &'static str {
        "compaction"
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
            let compacted = match go_on() && outcome.is_ok() {
                true => compact(engine, table),
                false => Ok(None),
            };
            match compacted {
                Ok(Some(gone)) => progress.done += gone,
                // Somebody is in the way: the next commit, or a minute, brings the next try.
                Ok(None) => _ = self.waiting().insert(table),
                Err(error) => outcome = Err(error),
            }
        }
        outcome.map(|()| progress)
    }
}

/// Rewrites the first run of a table's micro-partitions that deserves it; tells how many they were, and
/// nothing when another process rewrote the same ones.
fn compact(engine: Arc<Shared>, table: ObjectId) -> Result<Option<u64>> {
    let account = engine.account.clone();
    let mut state = SessionState::start(engine, SESSION, &SessionOptions::default())?;
    state.role = NOBODY;
    let home = Arc::new(SessionHome::new(state));
    let running = StatementContext::described(&home, "");
    let mut transaction = account.begin(&running.session.space);
    let Some(table) = transaction.catalog().table(table).map(Arc::clone) else {
        return Ok(Some(0));
    };
    let runs = compactions(table.snapshot.partitions()?, target_rows());
    let Some(run) = runs.into_iter().next() else {
        return Ok(Some(0));
    };
    let keys = keys_of(&running, &table)?;
    dml::compact(&table, &run, &keys, &running.unqueued_context(), &mut transaction)?;
    match transaction.commit_unnoted() {
        Ok(()) => Ok(Some(run.len() as u64)),
        Err(error) if error.code() == ErrorCode::LockTimeout => Ok(None),
        Err(error) => Err(error),
    }
}
