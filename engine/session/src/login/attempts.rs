//! Wrong passwords, counted by name, whether anybody has it or not.

use std::collections::HashMap;

use firn_account::catalog::UserLock;
use parking_lot::Mutex;

use super::policy::Lockout;

/// Names that are kept.
const NAMES_MAX: usize = 10_000;

/// The failed logins of a process.
#[derive(Debug, Default)]
pub(crate) struct Attempts {
    names: Mutex<HashMap<String, Failures>>,
    /// Held while a password is hashed, which takes 19 MiB.
    hashing: Mutex<()>,
}

#[derive(Clone, Copy, Debug)]
struct Failures {
    count: u32,
    last_nanos: i64,
}

impl Failures {
    /// Until when they lock the name.
    fn locked_until(self, lockout: Lockout) -> Option<i64> {
        (self.count >= lockout.failures).then(|| self.last_nanos.saturating_add(lockout.nanos))
    }
}

impl Attempts {
    /// Hashes while nobody else does.
    pub(crate) fn one_by_one<T>(&self, work: impl FnOnce() -> T) -> T {
        let _held = self.hashing.lock();
        work()
    }

    /// Until when a name is locked: by failures, or by what MINS_TO_UNLOCK says of the user, which forgives
    /// failures that were before.
    pub(crate) fn locked_until(
        &self,
        name: &str,
        lock: Option<UserLock>,
        lockout: Lockout,
        now_nanos: i64,
    ) -> Option<i64> {
        let failures = self.names.lock().get(name).copied();
        let counted = failures
            .filter(|failures| lock.is_none_or(|lock| failures.last_nanos > lock.set_nanos));
        let until = [
            counted.and_then(|failures| failures.locked_until(lockout)),
            lock.map(|lock| lock.until_nanos),
        ];
        until.into_iter().flatten().max().filter(|until| *until > now_nanos)
    }

    /// Counts a wrong password.
    pub(super) fn failed(&self, name: &str, lockout: Lockout, now_nanos: i64) {
        let mut names = self.names.lock();
        if names.len() >= NAMES_MAX && !names.contains_key(name) {
            let oldest = names.iter().min_by_key(|(_, failures)| failures.last_nanos);
            if let Some(oldest) = oldest.map(|(name, _)| name.clone()) {
                names.remove(&oldest);
            }
        }
        let failures =
            names.entry(name.to_string()).or_insert(Failures { count: 0, last_nanos: 0 });
        // A lock that has ended, however it did, leaves nothing behind.
        let begins_anew = failures.locked_until(lockout).is_some();
        failures.count = if begins_anew { 1 } else { failures.count + 1 };
        failures.last_nanos = now_nanos;
    }

    /// Forgets the failures of a name.
    pub(super) fn succeeded(&self, name: &str) {
        self.names.lock().remove(name);
    }
}
