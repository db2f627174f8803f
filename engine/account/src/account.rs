//! The account: one log, and the newest version of everything that this process knows of it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use firn_storage::format::{FORMAT, v1};
use firn_storage::{ObjectAccess, Snapshot};
use firn_types::clock::Clock;
use firn_types::{Error, ErrorCode, ObjectId, QueryId, Result};

use crate::catalog::{Catalog, Layer, Moment};
use crate::txn::{
    CHECKPOINT_COMMITS, Conflict, ConflictKind, Log, Mark, Operation, Past, SequenceBlocks,
    SessionSpace, TimePoint, Timeline, Transaction, conflict, first_operations,
};

/// How often a commit that lost the race for its number tries the next one.
const COMMIT_ATTEMPTS_MAX: usize = 1000;
/// Time without a look at the log after which commits may have been swept away unseen.
const STALE_NANOS: i64 = 3_600_000_000_000;

/// An open account. Cloning shares it; many sessions of a process use one, many processes may have the
/// same account open.
#[derive(Clone, Debug)]
pub struct Account {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    access: ObjectAccess,
    clock: Clock,
    log: Log,
    state: Mutex<State>,
    /// Commits of this process queue here instead of racing for numbers.
    turn: Mutex<()>,
    past: Mutex<Past>,
    sequences: Mutex<SequenceBlocks>,
    /// Open transactions of this process. None begins while it is locked.
    open: Mutex<usize>,
}

/// Counts a transaction as open until it is dropped.
#[derive(Debug)]
pub(crate) struct OpenTransaction {
    shared: Arc<Shared>,
}

impl Drop for OpenTransaction {
    fn drop(&mut self) {
        *self.shared.open() -= 1;
    }
}

impl Shared {
    fn open(&self) -> MutexGuard<'_, usize> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is known of the log.
#[derive(Debug)]
struct State {
    catalog: Catalog,
    timeline: Timeline,
    /// When the log was last looked at.
    looked_nanos: i64,
}

/// Whether a commit may be made on a newer version than the one that it was thought for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rebase {
    /// When nothing conflicts.
    Always,
    /// It depends on everything.
    Never,
}

impl Account {
    /// Opens an account, or makes a new one: database FIRN with schema PUBLIC, warehouse COMPUTE_WH, the
    /// system roles and a user.
    ///
    /// # Errors
    /// `Storage` when it cannot be read or written, `CorruptFile` when it is no account or of a newer
    /// format.
    pub fn open(access: ObjectAccess, clock: Clock) -> Result<Account> {
        let log = Log::new(access.clone());
        let (catalog, timeline) = load(&log)?;
        let state = State { catalog, timeline, looked_nanos: clock.now_nanos() };
        let account = Account {
            shared: Arc::new(Shared {
                access,
                clock,
                log,
                state: Mutex::new(state),
                turn: Mutex::default(),
                past: Mutex::default(),
                sequences: Mutex::default(),
                open: Mutex::default(),
            }),
        };
        account.refresh()?;
        if account.catalog().version() == 0 {
            account.make()?;
        }
        Ok(account)
    }

    /// Where the account's files are.
    pub fn access(&self) -> &ObjectAccess {
        &self.shared.access
    }

    /// The clock that commits are stamped by.
    pub fn clock(&self) -> &Clock {
        &self.shared.clock
    }

    /// The newest version that this process knows.
    pub fn catalog(&self) -> Catalog {
        self.state().catalog.clone()
    }

    /// The newest version that this process knows, with a session's own objects above it.
    pub fn catalog_for(&self, space: &SessionSpace) -> Catalog {
        self.state().catalog.with_session(space.layer())
    }

    /// Learns of other processes' commits.
    ///
    /// # Errors
    /// `Storage` when the log cannot be read.
    pub fn refresh(&self) -> Result<()> {
        let mut state = self.state();
        let now = self.shared.clock.now_nanos();
        let idle = now.saturating_sub(state.looked_nanos) > STALE_NANOS;
        state.looked_nanos = now;
        if idle {
            let newest = self.shared.log.checkpoints()?.pop();
            if newest.is_some_and(|newest| newest > state.catalog.version()) {
                (state.catalog, state.timeline) = load(&self.shared.log)?;
            }
        }
        let log = &self.shared.log;
        let mut next: Vec<v1::Commit> =
            log.commit(state.catalog.version() + 1)?.into_iter().collect();
        while !next.is_empty() {
            for commit in next {
                let mut catalog = state.catalog.clone();
                let mark = log.perform(&mut catalog, commit)?;
                state.timeline.add(mark);
                state.catalog = catalog;
            }
            next = log.commits(state.catalog.version() + 1)?;
        }
        Ok(())
    }

    /// Begins a transaction on the newest version.
    pub fn begin(&self, space: &Arc<SessionSpace>) -> Transaction {
        Transaction::new(self.clone(), Arc::clone(space))
    }

    /// Counts a transaction as open.
    pub(crate) fn opened(&self) -> OpenTransaction {
        *self.shared.open() += 1;
        OpenTransaction { shared: Arc::clone(&self.shared) }
    }

    /// Does what no other transaction of this process may stand beside; false, and nothing is done, when
    /// there is one beside the caller's.
    pub(crate) fn while_alone(&self, work: impl FnOnce() -> Result<()>) -> Result<bool> {
        let open = self.shared.open();
        match *open {
            0 | 1 => work().map(|()| true),
            _ => Ok(false),
        }
    }

    /// Everything as it was.
    ///
    /// # Errors
    /// `TimeTravelUnavailable` before the oldest version kept, `StatementNotFound` for a statement that
    /// committed nothing or is too old.
    pub fn catalog_at(&self, point: &TimePoint) -> Result<Catalog> {
        let newest = self.catalog();
        let version = self.version_at(point)?;
        let version = version.ok_or_else(|| {
            let detail = "Time travel data is not available. The requested time is beyond the \
                          allowed time travel period.";
            Error::new(ErrorCode::TimeTravelUnavailable, detail)
        })?;
        if version == newest.version() {
            return Ok(newest);
        }
        self.past().catalog(&self.shared.log, version)
    }

    /// When a moment was: its time, or when its statement committed; nanoseconds since 1970 UTC.
    ///
    /// # Errors
    /// `StatementNotFound` for a statement that committed nothing or is too old.
    pub fn time_of(&self, point: &TimePoint) -> Result<Option<i64>> {
        match point {
            TimePoint::At(nanos) | TimePoint::Before(nanos) => Ok(Some(*nanos)),
            point => {
                let version = self.version_at(point)?;
                Ok(version.and_then(|version| self.state().timeline.time_of(version)))
            }
        }
    }

    /// The version at a moment; none when it is older than all that is kept.
    pub(crate) fn version_at(&self, point: &TimePoint) -> Result<Option<u64>> {
        self.state().timeline.find(&self.shared.log, point)
    }

    /// The rows of a table as they were; a session's own table has no past.
    ///
    /// # Errors
    /// `TimeTravelUnavailable` outside the table's retention time or before it was created,
    /// `StatementNotFound` for a statement that committed nothing or is too old.
    pub fn snapshot_at(&self, table: ObjectId, point: &TimePoint) -> Result<Arc<Snapshot>> {
        let newest = self.catalog();
        let Some(object) = newest.object(table) else { return Err(no_past("")) };
        let name = object.name();
        let since = newest
            .retained_since(object, self.shared.clock.now_nanos())
            .max(object.header().created_nanos);
        let version = self.version_at(point)?;
        let version = version.ok_or_else(|| no_past(name))?;
        let asked_nanos = match point {
            TimePoint::At(nanos) | TimePoint::Before(nanos) => Some(*nanos),
            _ => self.state().timeline.time_of(version),
        };
        let is_newest = version == newest.version();
        if !is_newest && asked_nanos.is_none_or(|nanos| nanos < since) {
            return Err(no_past(name));
        }
        let catalog = match is_newest {
            true => newest.clone(),
            false => self.past().catalog(&self.shared.log, version)?,
        };
        match catalog.rows_of(table) {
            Ok(rows) => Ok(Arc::clone(rows)),
            Err(_) => Err(no_past(name)),
        }
    }

    /// Makes operations on top of `base` durable and visible; returns the catalog that has them.
    pub(crate) fn commit(
        &self,
        base: &Catalog,
        operations: &[Operation],
        statements: &[QueryId],
    ) -> Result<Catalog> {
        self.commit_on(base, operations, statements, Rebase::Always)?.ok_or_else(|| {
            Error::new(
                ErrorCode::LockTimeout,
                "The account is changed by too many processes at once. Run the statement again.",
            )
        })
    }

    /// As [`Account::commit`]; none when others were faster every time.
    pub(crate) fn commit_on(
        &self,
        base: &Catalog,
        operations: &[Operation],
        statements: &[QueryId],
        rebase: Rebase,
    ) -> Result<Option<Catalog>> {
        let changes = self.shared.log.changes_of(operations)?;
        let mut commit = v1::Commit {
            format: FORMAT,
            version: 0,
            time_nanos: 0,
            statements: statements.iter().map(|id| id.0.clone()).collect(),
            nonce: uuid::Uuid::new_v4().to_string(),
            changes,
        };
        let _turn = self.shared.turn.lock().unwrap_or_else(PoisonError::into_inner);
        for _ in 0..COMMIT_ATTEMPTS_MAX {
            let mut next = self.rebased(base, operations)?;
            if rebase == Rebase::Never && next.version() != base.version() {
                return Ok(None);
            }
            let moment = self.next_moment(next.version());
            for operation in operations {
                next.perform(operation, moment)?;
            }
            commit.version = moment.version;
            commit.time_nanos = moment.nanos;
            if self.shared.log.create(&commit)? {
                next.set_version(moment.version);
                self.install(&next, moment, operations, commit.statements);
                self.checkpoint_if_due(moment.version);
                return Ok(Some(next));
            }
            self.refresh()?;
        }
        Ok(None)
    }

    /// The newest catalog, when the operations can be performed on it.
    pub(crate) fn rebased(&self, base: &Catalog, operations: &[Operation]) -> Result<Catalog> {
        let newest = self.catalog();
        if newest.version() == base.version() {
            return Ok(newest);
        }
        match conflict(base, operations, &newest) {
            None => Ok(newest),
            Some(conflict) => Err(self.lost(base, &newest, conflict)),
        }
    }

    /// The blocks of sequences' values that this process has reserved.
    pub(crate) fn sequences(&self) -> MutexGuard<'_, SequenceBlocks> {
        self.shared.sequences.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes over the catalog of an own commit, unless a refresh already read it.
    fn install(
        &self,
        next: &Catalog,
        moment: Moment,
        operations: &[Operation],
        statements: Vec<String>,
    ) {
        let mut state = self.state();
        if state.catalog.version() < moment.version {
            state.timeline.add(Mark {
                version: moment.version,
                time_nanos: moment.nanos,
                statements,
                changed: operations.iter().flat_map(Operation::changes).collect(),
            });
            state.catalog = next.clone();
        }
    }

    fn next_moment(&self, version: u64) -> Moment {
        let last = self.state().timeline.last_nanos();
        Moment { version: version + 1, nanos: self.shared.clock.now_nanos().max(last) }
    }

    fn lost(&self, base: &Catalog, newest: &Catalog, conflict: Conflict) -> Error {
        let object = newest.object(conflict.object).or_else(|| base.object(conflict.object));
        let word = object.map_or("Object", |object| object.kind().word());
        let catalog = if newest.object(conflict.object).is_some() { newest } else { base };
        let name = catalog.full_name(conflict.object);
        let what = match conflict.kind {
            ConflictKind::Rows => "the same rows were changed",
            ConflictKind::Definition => "it was altered or dropped",
            ConflictKind::Load => "the same file was loaded",
        };
        let winner = match self.state().timeline.changed_by(conflict.object, base.version()) {
            Some(statement) => format!("statement '{statement}'"),
            None => "another statement".to_string(),
        };
        Error::new(
            ErrorCode::LockTimeout,
            format!("{word} '{name}' was changed by {winner}, which committed first: {what}."),
        )
    }

    /// Writes a checkpoint now and then. One that fails is no harm: the next one is due soon.
    fn checkpoint_if_due(&self, version: u64) {
        if version.is_multiple_of(CHECKPOINT_COMMITS) {
            let _ = self.checkpoint();
        }
    }

    /// Writes a checkpoint of the newest version, so that opening is fast.
    ///
    /// # Errors
    /// `Storage` when it cannot be written.
    pub fn checkpoint(&self) -> Result<()> {
        let (catalog, marks, previous) = {
            let state = self.state();
            let (marks, previous) = state.timeline.since_checkpoint();
            (state.catalog.clone(), marks, previous)
        };
        if previous == Some(catalog.version()) {
            return Ok(());
        }
        self.shared.log.write_checkpoint(&catalog, &marks, previous)?;
        self.state().timeline.checkpointed(catalog.version());
        Ok(())
    }

    /// Fills a new account, unless another process is faster.
    fn make(&self) -> Result<()> {
        let operations = first_operations(self.shared.clock.now_nanos());
        match self.commit(&self.catalog(), &operations, &[]) {
            Err(_) if self.catalog().version() > 0 => Ok(()),
            result => result.map(|_| ()),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn past(&self) -> MutexGuard<'_, Past> {
        self.shared.past.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The newest checkpoint that can be read, with the commits up to it.
fn load(log: &Log) -> Result<(Catalog, Timeline)> {
    let mut checkpoints = log.checkpoints()?;
    while let Some(version) = checkpoints.pop() {
        let loaded = log.checkpoint(version).and_then(|checkpoint| {
            let timeline = Timeline::of(&checkpoint);
            Ok((log.catalog_of(checkpoint)?, timeline))
        });
        match loaded {
            // An older one, and the commits since, say the same.
            Err(_) if !checkpoints.is_empty() => {}
            result => return result,
        }
    }
    let empty = Catalog::new(0, Arc::new(Layer::default()), Arc::default());
    Ok((empty, Timeline::default()))
}

fn no_past(table: &str) -> Error {
    Error::new(
        ErrorCode::TimeTravelUnavailable,
        format!(
            "Time travel data is not available for table {table}. The requested time is either \
             beyond the allowed time travel period or before the object creation time."
        ),
    )
}
