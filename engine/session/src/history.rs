//! The statements that ran: those of the process for the history, those of a session with their results.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use firn_execute::Profile;
use firn_loader::row_error::RowError;
use firn_types::{Cancel, ObjectId};

use crate::result::StatementResult;
use crate::session::Session;

/// Statements that are kept; the history never shows more.
const STATEMENTS_MAX: usize = 10_000;
/// Bytes of the texts of statements that are kept, the newest aside.
const TEXT_BYTES_MAX: usize = 64 << 20;
/// The newest statements, which keep their profiles and rejected rows.
const DETAILS_MAX: usize = 256;
/// Results that are kept for RESULT_SCAN.
const RESULTS_MAX: usize = 64;
/// Bytes of results that are kept for RESULT_SCAN, the newest aside.
const RESULT_BYTES_MAX: usize = 256 << 20;

/// One statement that runs or ran.
#[derive(Debug)]
pub(crate) struct Ran {
    /// Its id.
    pub(crate) query_id: String,
    /// Its text.
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
    /// How it ended; nothing while it runs.
    pub(crate) end: OnceLock<Ended>,
    /// What is kept of the newest statements only.
    details: Mutex<Details>,
}

/// How a statement ended.
#[derive(Debug)]
pub(crate) struct Ended {
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

impl Ran {
    /// A statement that starts in a session, with the session's profile.
    pub(crate) fn start(session: &Session, query_id: &str, text: &str, start_nanos: i64) -> Ran {
        let path = session.path.clone();
        let (warehouse, role) = (session.warehouse.clone(), Some(session.role.clone()));
        let profile = Arc::clone(&session.profile);
        Ran {
            query_id: query_id.to_string(),
            text: text.to_string(),
            query_type: OnceLock::new(),
            session_id: session.id,
            user: session.user.clone(),
            tag: session.settings.text("QUERY_TAG").to_string(),
            current: [path.database, path.schema, warehouse, role],
            cancel: session.watch.cancel.clone(),
            start_nanos,
            planned_nanos: OnceLock::new(),
            end: OnceLock::new(),
            details: Mutex::new(Details { profile, ..Details::default() }),
        }
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
    statements: VecDeque<Arc<Ran>>,
    text_bytes: usize,
}

impl Statements {
    /// Notes a statement that starts.
    pub(crate) fn add(&self, ran: Arc<Ran>) {
        let mut log = lock(&self.log);
        let Log { statements, text_bytes } = &mut *log;
        *text_bytes += ran.text.len();
        statements.push_back(ran);
        let old = statements.len().checked_sub(DETAILS_MAX + 1);
        if let Some(old) = old.and_then(|old| statements.get(old)) {
            *old.details() = Details::default();
        }
        while statements.len() > 1
            && (statements.len() > STATEMENTS_MAX || *text_bytes > TEXT_BYTES_MAX)
        {
            *text_bytes -= statements.pop_front().map_or(0, |oldest| oldest.text.len());
        }
    }

    /// The statements, the newest first.
    pub(crate) fn newest_first(&self) -> Vec<Arc<Ran>> {
        lock(&self.log).statements.iter().rev().cloned().collect()
    }

    /// The statement of this id.
    pub(crate) fn find(&self, query_id: &str) -> Option<Arc<Ran>> {
        let log = lock(&self.log);
        log.statements.iter().rev().find(|ran| ran.query_id == query_id).cloned()
    }
}

/// The statements of one session, with the newest results.
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
    results: VecDeque<StatementResult>,
}

impl History {
    /// Notes a statement that ended, and keeps its result.
    pub(crate) fn add(&self, query_id: &str, result: Option<&StatementResult>) {
        let mut kept = lock(&self.kept);
        kept.ids.push_back(query_id.to_string());
        if kept.ids.len() > STATEMENTS_MAX {
            kept.ids.pop_front();
            kept.forgotten += 1;
        }
        let Some(result) = result else { return };
        kept.results.push_back(result.clone());
        let bytes = |result: &StatementResult| -> usize {
            result.batches.iter().map(firn_column::Batch::memory_bytes).sum()
        };
        let mut total: usize = kept.results.iter().map(bytes).sum();
        while kept.results.len() > 1
            && (kept.results.len() > RESULTS_MAX || total > RESULT_BYTES_MAX)
        {
            if let Some(oldest) = kept.results.pop_front() {
                total -= bytes(&oldest);
            }
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

    /// The kept result of a statement.
    pub(crate) fn result(&self, query_id: &str) -> Option<StatementResult> {
        let kept = lock(&self.kept);
        kept.results.iter().rev().find(|result| result.query_id == query_id).cloned()
    }
}
