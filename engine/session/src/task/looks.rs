//! When what follows files looks for them again.

use std::collections::HashMap;
use std::sync::Arc;

use firn_types::{ObjectId, Result};
use parking_lot::Mutex;

use crate::engine::Shared;

/// How long one rests between two looks, at least, and as a multiple of what a look takes, so that listing a large
/// stage does not take all of a machine's time.
const REST_NANOS: i64 = 1_000_000_000;
const REST_PER_LOOK: i64 = 20;
/// How long one rests after an error.
const REST_AFTER_ERROR_NANOS: i64 = 10_000_000_000;

/// When each pipe and directory table of the process looks again, and what it met when it last did.
#[derive(Debug, Default)]
pub(crate) struct Looks(Mutex<HashMap<ObjectId, Look>>);

/// See [`Looks`].
#[derive(Clone, Debug)]
struct Look {
    next_nanos: i64,
    error: Option<String>,
}

impl Looks {
    /// What the last look met.
    pub(crate) fn error(&self, id: ObjectId) -> Option<String> {
        self.0.lock().get(&id).and_then(|look| look.error.clone())
    }

    /// Whether the time has come.
    pub(crate) fn is_due(&self, id: ObjectId, now_nanos: i64) -> bool {
        self.0.lock().get(&id).is_none_or(|look| look.next_nanos <= now_nanos)
    }

    /// Looks, and notes when to do so again.
    ///
    /// # Errors
    /// As the look.
    pub(crate) fn looking<T>(
        &self,
        shared: &Arc<Shared>,
        id: ObjectId,
        look: impl FnOnce() -> Result<T>,
    ) -> Result<T> {
        let clock = shared.account.clock();
        let started = clock.now_nanos();
        let outcome = look();
        let now = clock.now_nanos();
        let rest = match &outcome {
            Ok(_) => now.saturating_sub(started).saturating_mul(REST_PER_LOOK).max(REST_NANOS),
            Err(_) => REST_AFTER_ERROR_NANOS,
        };
        let error = outcome.as_ref().err().map(|error| error.detail().to_string());
        match shared.account.catalog().is_live(id) {
            true => {
                let look = Look { next_nanos: now.saturating_add(rest), error };
                self.0.lock().insert(id, look);
            }
            false => _ = self.0.lock().remove(&id),
        }
        outcome
    }
}
