//! The logins of a process, for LOGIN_HISTORY.

use std::collections::VecDeque;

use parking_lot::Mutex;

use super::ClientFacts;

/// Logins that are kept.
const EVENTS_MAX: usize = 10_000;

/// One login, or one that was refused.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct LoginEvent {
    /// Its number.
    pub(crate) id: u64,
    /// When: nanoseconds since 1970 UTC.
    pub(crate) nanos: i64,
    /// The user, or the name that nobody has.
    pub(crate) user: String,
    /// The address that it came from.
    pub(crate) from: String,
    /// What the client says of itself.
    pub(crate) client: ClientFacts,
    /// What was shown: `PASSWORD`.
    pub(crate) factor: &'static str,
    /// Why it was refused: the number of the error, and the reason.
    pub(crate) error: Option<(i32, &'static str)>,
}

/// The newest logins.
#[derive(Debug, Default)]
pub(crate) struct Logins {
    events: Mutex<VecDeque<LoginEvent>>,
}

impl Logins {
    /// Notes a login, and gives it a number.
    pub(super) fn add(&self, mut event: LoginEvent) {
        let mut events = self.events.lock();
        let last = events.back().map_or(0, |last| last.id);
        // Numbers go on from process to process, as the time does.
        event.id = (last + 1).max(event.nanos.unsigned_abs());
        events.push_back(event);
        if events.len() > EVENTS_MAX {
            events.pop_front();
        }
    }

    /// The logins, the newest first.
    pub(crate) fn newest_first(&self) -> Vec<LoginEvent> {
        self.events.lock().iter().rev().cloned().collect()
    }

    /// When a user has last logged in.
    pub(crate) fn last_success(&self, user: &str) -> Option<i64> {
        let events = self.events.lock();
        let own = |event: &&LoginEvent| event.user == user && event.error.is_none();
        events.iter().rev().find(own).map(|event| event.nanos)
    }
}
