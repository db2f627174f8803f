//! The account: one log, and the newest version of everything that this process knows of it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use firn_storage::{ObjectAccess, Snapshot};
use firn_types::clock::Clock;
use firn_types::{Error, ErrorCode, ObjectId, Result};

use crate::catalog::{Catalog, Object};
use crate::txn::{
    CHECKPOINT_COMMITS, CommitHeader, Found, HistoricalCatalogs, LastCheckpoint, Log, Logged,
    Opened, READ_AHEAD, RowLock, RowLocks, SequenceBlocks, SessionSpace, TimePoint, Timeline,
    Transaction, TransactionNumber, first_operations, nothing_at, recover,
};

/// Time without a look at the log after which commits may have been swept away unseen.
pub(crate) const STALE_NANOS: i64 = 3_600_000_000_000;
/// Time after which the lists that nobody has read yet are taken from the newest checkpoint again: the files
/// that an older one refers to may be deleted.
const UNREAD_NANOS: i64 = 12 * 3_600_000_000_000;
/// How often it is tried to take them in one go.
const RENEWAL_ATTEMPTS: usize = 16;

/// An open account. Cloning shares it; many sessions of a process use one, many processes may have the
/// same account open.
#[derive(Clone, Debug)]
pub struct Account {
    pub(crate) shared: Arc<Shared>,
}

#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) access: ObjectAccess,
    pub(crate) clock: Clock,
    pub(crate) log: Log,
    /// The newest version that is known. Readers take it and go.
    pub(crate) catalog: RwLock<Catalog>,
    /// When its commits were made. Who adds to it replaces the catalog while holding it.
    pub(crate) timeline: Mutex<Timeline>,
    /// Held while a checkpoint is written.
    pub(crate) last_checkpoint: Mutex<LastCheckpoint>,
    /// Held while the log is read: one of a process's sessions does it for all.
    pub(crate) looking: Mutex<Looking>,
    /// How often somebody began to read the log.
    pub(crate) looks: AtomicU64,
    /// Commits of this process queue here instead of racing for numbers.
    pub(crate) turn: Mutex<()>,
    pub(crate) historical: Mutex<HistoricalCatalogs>,
    pub(crate) sequences: Mutex<SequenceBlocks>,
    /// What the open transactions of this process hold.
    pub(crate) row_locks: RowLocks,
}

/// The last look at the log.
#[derive(Debug)]
pub(crate) struct Looking {
    /// Its number; all that was committed before it began is known.
    number: u64,
    /// When it was.
    pub(crate) nanos: i64,
    /// When a checkpoint was last read.
    opened_nanos: i64,
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
        let nanos = clock.now_nanos();
        let Opened { catalog, timeline, last } = recover(&log)?;
        let account = Account {
            shared: Arc::new(Shared {
                access,
                clock,
                log,
                catalog: RwLock::new(catalog),
                timeline: Mutex::new(timeline),
                last_checkpoint: Mutex::new(last),
                looking: Mutex::new(Looking { number: 0, nanos, opened_nanos: nanos }),
                looks: AtomicU64::new(0),
                turn: Mutex::default(),
                historical: Mutex::default(),
                sequences: Mutex::default(),
                row_locks: RowLocks::default(),
            }),
        };
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
        self.shared.catalog.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The newest version that this process knows, with a session's own objects above it.
    pub fn catalog_for(&self, space: &SessionSpace) -> Catalog {
        self.catalog().with_session(space.overlay())
    }

    /// Learns of what other processes have committed before this call.
    ///
    /// # Errors
    /// `Storage` when the log cannot be read, `CorruptFile` when it is damaged.
    pub fn refresh(&self) -> Result<()> {
        let before = self.shared.looks.load(Ordering::SeqCst);
        let mut looking = lock(&self.shared.looking);
        if looking.number > before {
            // Another session began to look after this call and is done.
            return Ok(());
        }
        let number = self.shared.looks.fetch_add(1, Ordering::SeqCst) + 1;
        let now = self.shared.clock.now_nanos();
        let since = |nanos: i64| now.saturating_sub(nanos);
        if since(looking.opened_nanos) > UNREAD_NANOS && self.renew_lists()? {
            looking.opened_nanos = now;
        }
        match since(looking.nanos) > STALE_NANOS {
            true => self.catch_up()?,
            false => self.read_on()?,
        }
        looking.number = number;
        looking.nanos = now;
        Ok(())
    }

    /// Takes lists that nobody has read from the newest checkpoint and the log behind it; false
    /// when commits came too fast for that.
    fn renew_lists(&self) -> Result<bool> {
        if self.catalog().all().all(Object::is_read) {
            return Ok(true);
        }
        let log = &self.shared.log;
        let mut opened = recover(log)?.catalog;
        for _ in 0..RENEWAL_ATTEMPTS {
            if self.take_lists(&opened) {
                return Ok(true);
            }
            match self.catalog().version() < opened.version() {
                true => self.read_on()?,
                false => log.follow(&mut opened, |_, _| {})?,
            }
        }
        Ok(false)
    }

    /// Takes lists that nobody has read from the same version as it was opened anew; false when
    /// that is not the newest one.
    fn take_lists(&self, opened: &Catalog) -> bool {
        let _timeline = lock(&self.shared.timeline);
        let mut catalog = self.catalog();
        if catalog.version() != opened.version() {
            return false;
        }
        let unread: Vec<Object> =
            catalog.all().filter(|object| !object.is_read()).cloned().collect();
        for object in unread {
            if let Some(renewed) = opened.object(object.id()) {
                catalog.overlay_mut(false).overwrite(object.with_lists_of(renewed));
            }
        }
        self.replace(catalog);
        true
    }

    /// Reads the commits that follow, which are all there.
    fn read_on(&self) -> Result<()> {
        let log = &self.shared.log;
        let mut next = log.commit(self.catalog().version() + 1)?.into_iter().collect();
        while !Vec::is_empty(&next) {
            for commit in next {
                self.advance_to(commit)?;
            }
            let version = self.catalog().version() + 1;
            next = log.commits(version..version + READ_AHEAD)?;
        }
        Ok(())
    }

    /// Reads on after so long a time that commits may be gone already.
    fn catch_up(&self) -> Result<()> {
        let log = &self.shared.log;
        let known = self.catalog();
        let newest = log.checkpoints()?.pop();
        if newest.is_some_and(|newest| newest > known.version()) {
            let opened = recover(log)?;
            let mut last = lock(&self.shared.last_checkpoint);
            let mut timeline = lock(&self.shared.timeline);
            if opened.catalog.version() > self.catalog().version() {
                (*timeline, *last) = (opened.timeline, opened.last);
                self.replace(opened.catalog);
            }
            return Ok(());
        }
        let mut next = known;
        log.follow(&mut next, |catalog, header| self.install(catalog, header))
    }

    /// Performs a commit, unless it is known already.
    fn advance_to(&self, commit: Logged) -> Result<()> {
        let mut catalog = self.catalog();
        if commit.commit.version == catalog.version() + 1 {
            let header = self.shared.log.perform(&mut catalog, commit)?;
            self.install(&catalog, header);
        }
        Ok(())
    }

    /// Makes a version the newest one, when it follows on that.
    pub(crate) fn install(&self, catalog: &Catalog, header: CommitHeader) {
        let mut timeline = lock(&self.shared.timeline);
        if self.catalog().version() + 1 == catalog.version() {
            timeline.add(header);
            self.replace(catalog.clone());
        }
    }

    fn replace(&self, catalog: Catalog) {
        *self.shared.catalog.write().unwrap_or_else(PoisonError::into_inner) = catalog;
    }

    /// Begins a transaction on the newest version.
    pub fn begin(&self, space: &Arc<SessionSpace>) -> Transaction {
        Transaction::new(self.clone(), Arc::clone(space))
    }

    /// What the open transactions of this process hold.
    pub(crate) fn row_locks(&self) -> &RowLocks {
        &self.shared.row_locks
    }

    /// The rows that open transactions of this process hold, and that others wait for.
    pub fn locks(&self) -> Vec<RowLock> {
        self.row_locks().list()
    }

    /// Sees to it that rows which others than `number` hold are known by the files that they lie in now.
    ///
    /// # Errors
    /// `Storage` when the ids of rows cannot be read.
    pub(crate) fn update_row_locks(&self, number: TransactionNumber) -> Result<()> {
        for outdated in self.row_locks().outdated(number, self.catalog().version()) {
            let rewrites = lock(&self.shared.timeline).rewrites_after(outdated.version);
            if rewrites.is_some_and(|rewrites| rewrites.is_empty()) {
                continue;
            }
            match self.rebased(&outdated.base, &outdated.operations) {
                Ok((newest, moved)) => {
                    let moved = moved.unwrap_or_default();
                    self.row_locks().add_places(&outdated, &moved, newest.version());
                }
                // It has lost already.
                Err(error) if error.code() == ErrorCode::LockTimeout => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
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
        self.past_catalog(version)
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
                Ok(version.and_then(|version| self.time_of_version(version)))
            }
        }
    }

    /// The version at a moment; none when it is older than all that is kept.
    pub(crate) fn version_at(&self, point: &TimePoint) -> Result<Option<u64>> {
        loop {
            let older = match lock(&self.shared.timeline).find(point) {
                Found::Version(version) => return Ok(Some(version)),
                Found::Older(checkpoint) => checkpoint,
                Found::Nothing => return nothing_at(point),
            };
            // Read without the lock: whoever is faster adds it.
            let headers = self.shared.log.headers_of(older)?;
            lock(&self.shared.timeline).add_older(older, headers);
        }
    }

    /// When a version was committed, where that is known.
    fn time_of_version(&self, version: u64) -> Option<i64> {
        lock(&self.shared.timeline).time_of(version)
    }

    /// The rows of a table as they were; a session's own table has no past.
    ///
    /// # Errors
    /// `TimeTravelUnavailable` outside the table's retention time or before it was created,
    /// `StatementNotFound` for a statement that committed nothing or is too old.
    pub fn snapshot_at(&self, table: ObjectId, point: &TimePoint) -> Result<Arc<Snapshot>> {
        let newest = self.catalog();
        let Some(object) = newest.object(table) else { return Err(no_past_of_table("")) };
        let name = object.name();
        let since = newest
            .retained_since(object, self.shared.clock.now_nanos())
            .max(object.header().created_nanos);
        let version = self.version_at(point)?;
        let version = version.ok_or_else(|| no_past_of_table(name))?;
        let asked_nanos = match point {
            TimePoint::At(nanos) | TimePoint::Before(nanos) => Some(*nanos),
            _ => self.time_of_version(version),
        };
        let is_newest = version == newest.version();
        if !is_newest && asked_nanos.is_none_or(|nanos| nanos < since) {
            return Err(no_past_of_table(name));
        }
        let catalog = match is_newest {
            true => newest.clone(),
            false => self.past_catalog(version)?,
        };
        match catalog.rows_of(table) {
            Ok(rows) => Ok(Arc::clone(rows)),
            Err(_) => Err(no_past_of_table(name)),
        }
    }

    /// The versions of a table's rows after one version of the account up to another one, in order.
    ///
    /// # Errors
    /// `TimeTravelUnavailable` when one of them cannot be read any more; those of reading the log.
    pub fn rows_between(
        &self,
        table: ObjectId,
        (from, to): (u64, u64),
    ) -> Result<Vec<Arc<Snapshot>>> {
        let from = self.past_catalog(from)?;
        self.shared.log.rows_between(table, from, to)
    }

    /// The blocks of sequences' values that this process has reserved.
    pub(crate) fn sequences(&self) -> MutexGuard<'_, SequenceBlocks> {
        lock(&self.shared.sequences)
    }

    /// Whether there are so many commits since the last checkpoint that the next one should be written.
    pub fn is_checkpoint_due(&self) -> bool {
        let last = lock(&self.shared.timeline).checkpoint().unwrap_or(0);
        self.catalog().version() - last.min(self.catalog().version()) >= CHECKPOINT_COMMITS
    }

    /// Whether a checkpoint is worth its price when this process ends: in a bucket, where whoever opens the
    /// account next waits for each commit that is not in it.
    pub fn is_checkpoint_owed(&self) -> bool {
        let last = lock(&self.shared.timeline).checkpoint().unwrap_or(0);
        self.shared.access.is_remote() && self.catalog().version() > last
    }

    /// Writes a checkpoint of the newest version, so that opening is fast.
    ///
    /// # Errors
    /// `Storage` when it cannot be written.
    pub fn checkpoint(&self) -> Result<()> {
        let mut last = lock(&self.shared.last_checkpoint);
        let (catalog, headers, previous) = {
            let timeline = lock(&self.shared.timeline);
            let (headers, previous) = timeline.since_checkpoint();
            (self.catalog(), headers, previous)
        };
        if previous == Some(catalog.version()) {
            return Ok(());
        }
        self.shared.log.write_checkpoint(&catalog, &headers, previous, &mut last)?;
        lock(&self.shared.timeline).checkpointed(catalog.version());
        self.shared.log.note_newest_checkpoint(&last, catalog.version())
    }

    /// When the account was made: nanoseconds since 1970 UTC.
    pub fn created_nanos(&self) -> i64 {
        let catalog = self.catalog();
        catalog.all().next().map_or(0, |first| first.header().created_nanos)
    }

    /// The log, for those who clean it up.
    pub(crate) fn log(&self) -> &Log {
        &self.shared.log
    }

    /// Fills a new account, unless another process is faster.
    fn make(&self) -> Result<()> {
        let operations = first_operations(self.shared.clock.now_nanos());
        match self.commit(&self.catalog(), &operations, &[]) {
            Err(_) if self.catalog().version() > 0 => Ok(()),
            result => result.map(|_| ()),
        }
    }

    /// The catalog of an older version. The log is read without a lock: two who ask at once both read it.
    pub(crate) fn past_catalog(&self, version: u64) -> Result<Catalog> {
        let at_hand = {
            let mut historical = lock(&self.shared.historical);
            if let Some(catalog) = historical.find(version) {
                return Ok(catalog);
            }
            historical.before(version)
        };
        let catalog = self.shared.log.catalog_at(version, at_hand)?;
        lock(&self.shared.historical).add(&catalog);
        Ok(catalog)
    }
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The error of a time of which nothing is kept of something, such as `table T`.
pub fn no_past(what: &str) -> Error {
    let text = format!(
        "Time travel data is not available for {what}. The requested time is either beyond the allowed time travel \
         period or before the object creation time."
    );
    Error::new(ErrorCode::TimeTravelUnavailable, text)
}

fn no_past_of_table(table: &str) -> Error {
    no_past(&format!("table {table}"))
}
