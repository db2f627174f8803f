//! The history that outlives the process: statements and logins in files of the account, beside its log.
//!
//! What has ended waits in memory until there is a batch of it, or time has passed; a job of the housekeeping
//! writes it, so that no statement waits for that. A process that is killed takes what waits with it. Files are
//! named by the times of what is in them, are never changed, and are put together and at last deleted by the same
//! job.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use firn_account::Account;
use firn_service::{GoOn, Job, Progress};
use firn_storage::format::v1::{
    AlertRun, History, LoginRecord, RanStatement, RefreshRun, StatementEnd, TaskRun,
};
use firn_storage::format::{FORMAT, from_bytes, to_bytes};
use firn_storage::path;
use firn_types::{ErrorCode, Result};
use parking_lot::Mutex;

use crate::access::access_bytes;
use crate::history::QueryRecord;

/// Statements and logins that are written at once, and after which time those that wait are.
const BATCH: usize = 1_000;
const BATCH_BYTES: usize = 4 << 20;
const WAIT_NANOS: i64 = 10_000_000_000;
/// What waits at most, while it cannot be written.
const WAITING_MAX: usize = 20_000;
/// Characters of a statement's text that are kept.
const TEXT_MAX: usize = 100_000;
/// How long files are kept: 365 days.
const KEPT_NANOS: i64 = 365 * 86_400_000_000_000;
/// Files from which they are put together, and bytes of what is.
const FILES_MAX: usize = 64;
const TOGETHER_BYTES: u64 = 8 << 20;
/// Bytes of statements that are read at once.
const READ_BYTES: usize = 64 << 20;

/// The history of an account.
#[derive(Debug)]
pub(crate) struct Archive {
    account: Account,
    /// Whether there is anybody who would read it later.
    lasting: bool,
    waiting: Mutex<Waiting>,
}

/// What is not written yet.
#[derive(Debug, Default)]
struct Waiting {
    statements: Vec<Arc<QueryRecord>>,
    logins: Vec<LoginRecord>,
    tasks: Vec<TaskRun>,
    alerts: Vec<AlertRun>,
    refreshes: Vec<RefreshRun>,
    bytes: usize,
    /// When the first of it came: nanoseconds since 1970 UTC.
    since_nanos: i64,
}

impl Waiting {
    fn len(&self) -> usize {
        let runs = self.tasks.len() + self.alerts.len() + self.refreshes.len();
        self.statements.len() + self.logins.len() + runs
    }

    fn note(&mut self, bytes: usize, now_nanos: i64) -> bool {
        if self.len() == 1 {
            self.since_nanos = now_nanos;
        }
        self.bytes += bytes;
        self.is_due(now_nanos)
    }

    fn is_due(&self, now_nanos: i64) -> bool {
        self.len() >= BATCH
            || self.bytes >= BATCH_BYTES
            || self.len() > 0 && now_nanos.saturating_sub(self.since_nanos) >= WAIT_NANOS
    }
}

impl Archive {
    /// The history of an account.
    pub(crate) fn new(account: &Account) -> Archive {
        let lasting = account.access().is_lasting();
        Archive { account: account.clone(), lasting, waiting: Mutex::default() }
    }

    /// Lets an event of so many bytes wait; tells whether it is time to write.
    fn add(&self, bytes: usize, now_nanos: i64, push: impl FnOnce(&mut Waiting)) -> bool {
        if !self.lasting {
            return false;
        }
        let mut waiting = self.waiting.lock();
        push(&mut waiting);
        waiting.note(bytes, now_nanos)
    }

    /// Notes a statement that has ended; tells whether it is time to write.
    pub(crate) fn add_statement(&self, record: &Arc<QueryRecord>, now_nanos: i64) -> bool {
        self.add(record.bytes(), now_nanos, |to| to.statements.push(Arc::clone(record)))
    }

    /// Notes a login; tells whether it is time to write.
    pub(crate) fn add_login(&self, login: LoginRecord, now_nanos: i64) -> bool {
        self.add(0, now_nanos, |to| to.logins.push(login))
    }

    /// Notes a run of a task that has ended; tells whether it is time to write.
    pub(crate) fn add_task(&self, run: TaskRun, now_nanos: i64) -> bool {
        self.add(run.text.len(), now_nanos, |to| to.tasks.push(run))
    }

    /// The newest runs of tasks since a time, as far as they are written; the newest first, each once.
    ///
    /// # Errors
    /// As [`Archive::statements`].
    pub(crate) fn tasks(
        &self,
        since_nanos: i64,
        limit: usize,
        wants: impl Fn(&TaskRun) -> bool,
    ) -> Result<Vec<TaskRun>> {
        let take = |history: History| history.tasks.into_iter().filter(&wants).collect();
        let ended = |run: &TaskRun| run.ended_nanos;
        let mut found = self.newest(since_nanos, limit, take, ended, |run| run.text.len())?;
        found.dedup_by(|a, b| a == b);
        Ok(found)
    }

    /// Notes a run of an alert that has ended; tells whether it is time to write.
    pub(crate) fn add_alert(&self, run: AlertRun, now_nanos: i64) -> bool {
        self.add(text_bytes(&run), now_nanos, |to| to.alerts.push(run))
    }

    /// The newest runs of alerts since a time, as far as they are written; the newest first, each once.
    ///
    /// # Errors
    /// As [`Archive::statements`].
    pub(crate) fn alerts(
        &self,
        since_nanos: i64,
        limit: usize,
        wants: impl Fn(&AlertRun) -> bool,
    ) -> Result<Vec<AlertRun>> {
        let take = |history: History| history.alerts.into_iter().filter(&wants).collect();
        let ended = |run: &AlertRun| run.ended_nanos;
        let mut found = self.newest(since_nanos, limit, take, ended, text_bytes)?;
        found.dedup_by(|a, b| a == b);
        Ok(found)
    }

    /// Notes a refresh of a dynamic table; tells whether it is time to write.
    pub(crate) fn add_refresh(&self, run: RefreshRun, now_nanos: i64) -> bool {
        self.add(0, now_nanos, |to| to.refreshes.push(run))
    }

    /// The newest refreshes since a time, as far as they are written; the newest first, each once.
    ///
    /// # Errors
    /// As [`Archive::statements`].
    pub(crate) fn refreshes(
        &self,
        since_nanos: i64,
        limit: usize,
        wants: impl Fn(&RefreshRun) -> bool,
    ) -> Result<Vec<RefreshRun>> {
        let take = |history: History| history.refreshes.into_iter().filter(&wants).collect();
        let ended = |run: &RefreshRun| run.ended_nanos;
        let mut found = self.newest(since_nanos, limit, take, ended, |_| 0)?;
        found.dedup_by(|a, b| a == b);
        Ok(found)
    }

    /// Writes what waits.
    ///
    /// # Errors
    /// `Storage`; it waits on, as far as there is room.
    fn write(&self) -> Result<u64> {
        let mut batch = std::mem::take(&mut *self.waiting.lock());
        if batch.len() == 0 {
            return Ok(0);
        }
        let history = History {
            format: FORMAT,
            statements: batch.statements.iter().map(|record| ran(record)).collect(),
            logins: batch.logins.clone(),
            tasks: batch.tasks.clone(),
            alerts: batch.alerts.clone(),
            refreshes: batch.refreshes.clone(),
        };
        let outcome = self.put(&history);
        if outcome.is_err() {
            let mut waiting = self.waiting.lock();
            wait_on(&mut batch.statements, &mut waiting.statements);
            wait_on(&mut batch.logins, &mut waiting.logins);
            wait_on(&mut batch.tasks, &mut waiting.tasks);
            wait_on(&mut batch.alerts, &mut waiting.alerts);
            wait_on(&mut batch.refreshes, &mut waiting.refreshes);
            *waiting = batch;
        }
        outcome.map(|()| {
            let runs = history.tasks.len() + history.alerts.len() + history.refreshes.len();
            (history.statements.len() + history.logins.len() + runs) as u64
        })
    }

    fn put(&self, history: &History) -> Result<()> {
        let ends = history.statements.iter().filter_map(|ran| ran.end.as_ref());
        let times = ends.map(|end| end.nanos).chain(history.logins.iter().map(|login| login.nanos));
        let times = times.chain(history.tasks.iter().map(|run| run.ended_nanos));
        let times = times.chain(history.alerts.iter().map(|run| run.ended_nanos));
        let times = times.chain(history.refreshes.iter().map(|run| run.ended_nanos));
        let (first, last) = times
            .fold((i64::MAX, 0), |(first, last), nanos| (first.min(nanos.max(0)), last.max(nanos)));
        let unique = uuid::Uuid::new_v4();
        let name = format!("{}/{first:020}-{last:020}-{unique}", path::HISTORY);
        self.account.access().put(&name, to_bytes(history)?)
    }

    /// The files, those with the newest events first, each with the time of its last event and its bytes.
    fn files(&self) -> Result<Vec<(String, i64, u64)>> {
        if !self.lasting {
            return Ok(Vec::new());
        }
        let listed = self.account.access().list(path::HISTORY)?.into_iter();
        let mut files: Vec<_> = listed
            .filter_map(|info| {
                let last = info.path.rsplit('/').next()?.split('-').nth(1)?.parse().ok()?;
                Some((info.path, last, info.size))
            })
            .collect();
        files.sort_by_key(|(_, last, _)| std::cmp::Reverse(*last));
        Ok(files)
    }

    /// A file; none when somebody has put it together with others meanwhile.
    fn read(&self, name: &str) -> Result<Option<History>> {
        match self.account.access().get(name) {
            Ok(bytes) => from_bytes(name, &bytes).map(Some),
            Err(error) if error.code() == ErrorCode::FileNotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The newest `limit` events of some kind that ended since a time, of all processes that have written; the newest
    /// first. `take` has the wanted ones of a file, `when` says when one ended and `bytes` what it takes.
    fn newest<T>(
        &self,
        since_nanos: i64,
        limit: usize,
        take: impl Fn(History) -> Vec<T>,
        when: impl Fn(&T) -> i64,
        bytes: impl Fn(&T) -> usize,
    ) -> Result<Vec<T>> {
        let mut found: Vec<T> = Vec::new();
        for (name, last, _) in self.files()? {
            let full = found.len() >= limit || found.iter().map(&bytes).sum::<usize>() > READ_BYTES;
            let oldest = found.last().map_or(i64::MIN, &when);
            if last < since_nanos || full && last < oldest {
                break;
            }
            let Some(history) = self.read(&name)? else { continue };
            found.extend(take(history).into_iter().filter(|event| when(event) >= since_nanos));
            found.sort_by_key(|event| std::cmp::Reverse(when(event)));
            found.truncate(limit);
        }
        Ok(found)
    }

    /// The newest statements that ended since a time, as far as they are written; the newest first, each once.
    ///
    /// # Errors
    /// `Storage`, or `CorruptFile` for a damaged file.
    pub(crate) fn statements(
        &self,
        since_nanos: i64,
        limit: usize,
        wants: impl Fn(&RanStatement) -> bool,
    ) -> Result<Vec<RanStatement>> {
        let ended = |ran: &RanStatement| ran.end.as_ref().map_or(0, |end| end.nanos);
        let take = |history: History| history.statements.into_iter().filter(&wants).collect();
        let access = |ran: &RanStatement| ran.access.as_deref().map_or(0, access_bytes);
        let bytes = |ran: &RanStatement| ran.text.len() + access(ran);
        let mut found = self.newest(since_nanos, limit, take, ended, bytes)?;
        let mut seen = HashSet::new();
        found.retain(|ran| seen.insert(ran.query_id.clone()));
        Ok(found)
    }

    /// The newest logins since a time, as far as they are written; the newest first, each once.
    ///
    /// # Errors
    /// As [`Archive::statements`].
    pub(crate) fn logins(
        &self,
        since_nanos: i64,
        limit: usize,
        wants: impl Fn(&LoginRecord) -> bool,
    ) -> Result<Vec<LoginRecord>> {
        let take = |history: History| history.logins.into_iter().filter(&wants).collect();
        let mut found = self.newest(since_nanos, limit, take, |login| login.nanos, |_| 0)?;
        found.dedup_by(|a, b| a == b);
        Ok(found)
    }

    /// Deletes the files whose time is over, and puts small ones together when there are many. Another process
    /// may do the same: what is then there twice is read once.
    fn tidy(&self, go_on: &GoOn<'_>) -> Result<()> {
        let access = self.account.access();
        let files = self.files()?;
        let before = self.account.clock().now_nanos().saturating_sub(KEPT_NANOS);
        let (kept, over): (Vec<_>, Vec<_>) =
            files.into_iter().partition(|(_, last, _)| *last >= before);
        for (name, ..) in over {
            access.delete(&name)?;
        }
        let small: Vec<_> =
            kept.into_iter().filter(|(.., bytes)| *bytes < TOGETHER_BYTES / 8).collect();
        if small.len() < FILES_MAX {
            return Ok(());
        }
        let (mut together, mut names, mut bytes) = (History::default(), Vec::new(), 0);
        for (name, _, size) in small {
            if !go_on() || bytes >= TOGETHER_BYTES {
                break;
            }
            if let Some(history) = self.read(&name)? {
                together.statements.extend(history.statements);
                together.logins.extend(history.logins);
                together.tasks.extend(history.tasks);
                together.alerts.extend(history.alerts);
                together.refreshes.extend(history.refreshes);
                bytes += size;
                names.push(name);
            }
        }
        together.format = FORMAT;
        self.put(&together)?;
        names.iter().try_for_each(|name| access.delete(name))
    }
}

/// Bytes of an alert's condition and action.
fn text_bytes(run: &AlertRun) -> usize {
    run.texts.iter().map(String::len).sum()
}

/// Puts what has come meanwhile behind what could not be written; the oldest goes where there is no room.
fn wait_on<T>(old: &mut Vec<T>, new: &mut Vec<T>) {
    old.append(new);
    let over = old.len().saturating_sub(WAITING_MAX);
    old.drain(..over);
}

/// A statement as it is kept.
pub(crate) fn ran(record: &QueryRecord) -> RanStatement {
    let end = record.end.get();
    RanStatement {
        query_id: record.query_id.clone(),
        text: match record.text.char_indices().nth(TEXT_MAX) {
            Some((at, _)) => record.text[..at].to_string(),
            None => record.text.clone(),
        },
        query_type: record.query_type.get().copied().unwrap_or("UNKNOWN").to_string(),
        session_id: record.session_id,
        user: record.user.clone(),
        tag: record.tag.clone(),
        current: record.current.clone(),
        start_nanos: record.start_nanos,
        planned_nanos: record.planned_nanos.get().copied(),
        queued_nanos: record.queued_nanos.get().copied().unwrap_or(0),
        blocked_nanos: record.blocked_nanos.load(Ordering::Relaxed),
        access: record.access().clone(),
        end: end.map(|end| StatementEnd {
            nanos: end.nanos,
            rows: end.rows,
            bytes_read: end.bytes_read,
            error: end.error.clone(),
        }),
    }
}

/// Writes the history, and looks after its files now and then.
#[derive(Debug)]
pub(crate) struct HistoryJob {
    archive: Arc<Archive>,
    tidied: Mutex<bool>,
}

impl HistoryJob {
    /// The job of an account's history.
    pub(crate) fn new(archive: &Arc<Archive>) -> HistoryJob {
        HistoryJob { archive: Arc::clone(archive), tidied: Mutex::default() }
    }
}

impl Job for HistoryJob {
    fn name(&self) -> &'static str {
        "history"
    }

    fn is_due(&self) -> bool {
        let now_nanos = self.archive.account.clock().now_nanos();
        self.archive.waiting.lock().is_due(now_nanos)
    }

    fn is_owed(&self) -> bool {
        self.archive.waiting.lock().len() > 0
    }

    fn run(&self, go_on: &GoOn<'_>) -> Result<Progress> {
        let is_first = !std::mem::replace(&mut *self.tidied.lock(), true);
        let done = self.archive.write()?;
        // Many short processes make as many files; one of sixteen looks after them.
        let is_chosen = uuid::Uuid::new_v4().as_bytes()[0] < 16;
        if is_first && (is_chosen || done >= BATCH as u64) {
            self.archive.tidy(go_on)?;
        }
        Ok(Progress { done, more: false })
    }
}
