//! The results of ended statements, which RESULT_SCAN and its kin ask for by the statement's id.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use firn_execute::spill::SpillFolder;
use firn_execute::{MemoryBudget, Spool, SpoolStore};

use crate::result::StatementResult;

/// How long a result is kept: 24 hours.
const KEPT_NANOS: i64 = 86_400_000_000_000;
/// How many results are kept.
const RESULTS_MAX: usize = 10_000;
/// Bytes on disk that all results take.
const DISK_BYTES_MAX: u64 = 64 << 30;

/// The results of the statements of one process: of any session, for a day, as far as there is room.
#[derive(Debug)]
pub(crate) struct Results {
    store: Arc<SpoolStore>,
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    by_id: HashMap<String, KeptResult>,
    /// When each was kept and its id, the oldest first.
    order: VecDeque<(i64, String)>,
}

#[derive(Debug)]
struct KeptResult {
    user: String,
    since_nanos: i64,
    result: StatementResult,
}

impl Results {
    /// No results yet; those to come share this memory, and lie below the folder when it is used up.
    pub(crate) fn new(memory: Arc<MemoryBudget>, folder: SpillFolder) -> Results {
        // One result may take what all may take: the older ones make room when it is complete.
        let store = Arc::new(SpoolStore::new(memory, folder, 2 * DISK_BYTES_MAX));
        Results { store, kept: Mutex::default() }
    }

    /// A place for the rows of a statement that begins.
    pub(crate) fn spool(&self) -> Arc<Spool> {
        self.store.spool()
    }

    /// Keeps the result of a statement of a user, at a time, and gives up what is too old or too much.
    pub(crate) fn keep(&self, user: &str, result: &StatementResult, now_nanos: i64) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let (user, id) = (user.to_string(), result.query_id.clone());
        kept.order.push_back((now_nanos, id.clone()));
        kept.by_id.insert(id, KeptResult { user, since_nanos: now_nanos, result: result.clone() });
        while let Some((since, _)) = kept.order.front()
            && (now_nanos.saturating_sub(*since) > KEPT_NANOS
                || kept.order.len() > RESULTS_MAX
                || kept.order.len() > 1 && self.store.disk_bytes() > DISK_BYTES_MAX)
        {
            if let Some((_, oldest)) = kept.order.pop_front() {
                kept.by_id.remove(&oldest);
            }
        }
    }

    /// The result of a statement of the user.
    pub(crate) fn of(&self, user: &str, query_id: &str, now_nanos: i64) -> Option<StatementResult> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let found = kept.by_id.get(query_id).filter(|kept| kept.user == user)?;
        // Nothing is given up while no statement ends.
        let age = now_nanos.saturating_sub(found.since_nanos);
        (age <= KEPT_NANOS).then(|| found.result.clone())
    }
}
