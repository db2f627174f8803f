//! The statements that ran, of the process and of each session.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use firn_execute::Profile;
use firn_loader::row_error::RowError;
use firn_storage::format::v1::Access;
use firn_types::{Cancel, ObjectId};

use crate::access::access_bytes;
use crate::session_state::SessionState;
use crate::statement::StatementState;

/// Statements that are kept; the history never shows more.
const STATEMENTS_MAX: usize = 10_000;
/// Bytes of statements that are kept, the newest aside.
const BYTES_MAX: usize = 64 << 20;
/// The newest statements, which keep their profiles and rejected rows.
const DETAILS_MAX: usize = 256;

/// One statement that runs or ran.
#[derive(Debug)]
pub(crate) struct QueryRecord {
    /// Its id.
    pub(crate) query_id: String,
    /// Its text, without the secrets in it.
    pub(crate) text: String,
    /// What it is, once it is parsed: `SELECT`.
    pub(crate) query_type: OnceLock<&'static str>,
    /// The session's number.
    pub(crate) session_id: u64,
    /// The user.
    pub(crate) user: String,
    /// Parameter QUERY_TAG.
    pub(crate) tag: String,
    /// Database, schema, warehouse and role in use.
    pub(crate) current: [Option<String>; 4],
    /// Ends it.
    pub(crate) cancel: Cancel,
    /// When it started: nanoseconds since 1970 UTC.
    pub(crate) start_nanos: i64,
    /// When its plan was ready, for statements with one.
    pub(crate) planned_nanos: OnceLock<i64>,
    /// How long it waited for a place in its warehouse, for statements that compute.
    pub(crate) queued_nanos: OnceLock<i64>,
    /// Nanoseconds for which it waited for the transactions of others.
    pub(crate) blocked_nanos: AtomicU64,
    /// How it ended; nothing while it runs.
    pub(crate) end: OnceLock<Outcome>,
    /// What it has read and changed.
    access: Mutex<Option<Box<Access>>>,
    /// What it takes in memory, but for its details; 0 when the process does not keep it any more.
    bytes: AtomicUsize,
    /// What is kept of the newest statements only.
    details: Mutex<Details>,
}

/// How a statement ended.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// When: nanoseconds since 1970 UTC.
    pub(crate) nanos: i64,
    /// Rows given or affected.
    pub(crate) rows: u64,
    /// Bytes read from storage.
    pub(crate) bytes_read: u64,
    /// What was wrong, when it failed: the code and the message.
    pub(crate) error: Option<(i32, String)>,
}

/// What is kept of the newest statements only.
#[derive(Clone, Debug, Default)]
pub(crate) struct Details {
    /// What its operators did.
    pub(crate) profile: Arc<Profile>,
    /// Counts of a statement that changes rows, as its result names them.
    pub(crate) counts: Vec<(String, u64)>,
    /// The table that it loaded, and the rows that it did not take.
    pub(crate) rejected: Option<(ObjectId, Arc<Vec<RowError>>)>,
}

impl QueryRecord {
    /// A statement that starts in a session.
    pub(crate) fn start(
        session: &SessionState,
        statement: &StatementState,
        start_nanos: i64,
    ) -> QueryRecord {
        let path = session.path.clone();
        let (warehouse, role) = (session.warehouse.clone(), Some(session.role_name()));
        let profile = Arc::clone(&statement.profile);
        let text = firn_parse::hide_secrets(&statement.sql).into_owned();
        QueryRecord {
            query_id: statement.query_id.0.clone(),
            bytes: AtomicUsize::new(size_of::<QueryRecord>() + text.len()),
            text,
            query_type: OnceLock::new(),
            session_id: session.id,
            user: session.user.clone(),
            tag: session.settings.text("QUERY_TAG").to_string(),
            current: [path.database, path.schema, warehouse, role],
            cancel: statement.monitor.cancel.clone(),
            start_nanos,
            planned_nanos: OnceLock::new(),
            queued_nanos: OnceLock::new(),
            blocked_nanos: AtomicU64::new(0),
            end: OnceLock::new(),
            access: Mutex::default(),
            details: Mutex::new(Details { profile, ..Details::default() }),
        }
    }

    /// What it has read and changed.
    pub(crate) fn access(&self) -> MutexGuard<'_, Option<Box<Access>>> {
        lock(&self.access)
    }

    /// What it takes in memory, but for its details.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes.load(Ordering::Relaxed)
    }

    /// What is kept of the newest statements; empty for older ones.
    pub(crate) fn details(&self) -> MutexGuard<'_, Details> {
        lock(&self.details)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The newest statements of all sessions of the process.
#[derive(Debug, Default)]
pub(crate) struct Statements {
    log: Mutex<Log>,
}

#[derive(Debug, Default)]
struct Log {
    statements: VecDeque<Arc<QueryRecord>>,
    bytes: usize,
}

impl Log {
    /// Forgets the oldest statements, as far as there are too many.
    fn shrink(&mut self) {
        while self.statements.len() > 1
            && (self.statements.len() > STATEMENTS_MAX || self.bytes > BYTES_MAX)
        {
            let oldest = self.statements.pop_front();
            self.bytes -= oldest.map_or(0, |oldest| oldest.bytes.swap(0, Ordering::Relaxed));
        }
    }
}

impl Statements {
    /// Notes a statement that starts.
    pub(crate) fn add(&self, record: Arc<QueryRecord>) {
        let mut log = lock(&self.log);
        let Log { statements, bytes } = &mut *log;
        *bytes += record.bytes();
        statements.push_back(record);
        let old = statements.len().checked_sub(DETAILS_MAX + 1);
        if let Some(old) = old.and_then(|old| statements.get(old)) {
            *old.details() = Details::default();
        }
        log.shrink();
    }

    /// Notes that a statement has ended, and what it has read and changed is known.
    pub(crate) fn ended(&self, record: &QueryRecord) {
        let more = record.access().as_ref().map_or(0, |access| access_bytes(access));
        let mut log = lock(&self.log);
        if record.bytes() > 0 {
            record.bytes.fetch_add(more, Ordering::Relaxed);
            log.bytes += more;
            log.shrink();
        }
    }

    /// The statements, the newest first.
    pub(crate) fn newest_first(&self) -> Vec<Arc<QueryRecord>> {
        lock(&self.log).statements.iter().rev().cloned().collect()
    }

    /// Ends the statements of a session that still run; says how many.
    pub(crate) fn cancel_session(
        &self,
        session: u64,
        may_cancel: impl Fn(&QueryRecord) -> bool,
    ) -> usize {
        self.cancel_where(|record| record.session_id == session && may_cancel(record))
    }

    /// Ends the statements that run in a warehouse, but for one.
    pub(crate) fn cancel_warehouse(&self, name: &str, but: &QueryRecord) {
        self.cancel_where(|record| {
            record.current[2].as_deref() == Some(name) && record.query_id != but.query_id
        });
    }

    fn cancel_where(&self, of: impl Fn(&QueryRecord) -> bool) -> usize {
        let log = lock(&self.log);
        let running = log.statements.iter().filter(|record| record.end.get().is_none());
        running.filter(|record| of(record)).map(|record| record.cancel.cancel()).count()
    }

    /// The statement of this id.
    pub(crate) fn find(&self, query_id: &str) -> Option<Arc<QueryRecord>> {
        let log = lock(&self.log);
        log.statements.iter().rev().find(|record| record.query_id == query_id).cloned()
    }
}

/// The statements of one session.
#[derive(Debug, Default)]
pub(crate) struct History {
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    /// The newest statements, oldest first.
    ids: VecDeque<String>,
    /// How many statements are older than those.
    forgotten: usize,
}

impl History {
    /// Notes a statement that ended.
    pub(crate) fn add(&self, query_id: &str) {
        let mut kept = lock(&self.kept);
        kept.ids.push_back(query_id.to_string());
        if kept.ids.len() > STATEMENTS_MAX {
            kept.ids.pop_front();
            kept.forgotten += 1;
        }
    }

    /// The id of an earlier statement: -1 the last one, 1 the first one.
    pub(crate) fn query_id(&self, offset: i64) -> Option<String> {
        let kept = lock(&self.kept);
        let distance = usize::try_from(offset.unsigned_abs()).ok()?;
        let index = match (distance, offset < 0) {
            (0, _) => return None,
            (back, true) => kept.ids.len().checked_sub(back)?,
            (forward, false) => (forward - 1).checked_sub(kept.forgotten)?,
        };
        kept.ids.get(index).cloned()
    }
}
