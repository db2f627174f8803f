//! The logins of a process, for LOGIN_HISTORY.

use std::collections::VecDeque;

use firn_storage::format::v1::LoginRecord;
use parking_lot::Mutex;

/// Logins that are kept.
const EVENTS_MAX: usize = 10_000;

/// The newest logins.
#[derive(Debug, Default)]
pub(crate) struct Logins {
    events: Mutex<VecDeque<LoginRecord>>,
}

impl Logins {
    /// Notes a login; answers it with the number that it got.
    pub(super) fn add(&self, mut event: LoginRecord) -> LoginRecord {
        let mut events = self.events.lock();
        let last = events.back().map_or(0, |last| last.id);
        // Numbers go on from process to process, as the time does.
        event.id = (last + 1).max(event.nanos.unsigned_abs());
        events.push_back(event.clone());
        if events.len() > EVENTS_MAX {
            events.pop_front();
        }
        event
    }

    /// The logins, the newest first.
    pub(crate) fn newest_first(&self) -> Vec<LoginRecord> {
        self.events.lock().iter().rev().cloned().collect()
    }

    /// When a user has last logged in.
    pub(crate) fn last_success(&self, user: &str) -> Option<i64> {
        let events = self.events.lock();
        let own = |event: &&LoginRecord| event.user == user && event.error.is_none();
        events.iter().rev().find(own).map(|event| event.nanos)
    }
}
