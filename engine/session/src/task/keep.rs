//! A claim that lasts as long as it is held, and not long after its process has died.

use std::sync::Arc;
use std::time::Duration;

use firn_account::Account;
use firn_service::Claim;
use firn_types::Result;
use parking_lot::{Condvar, Mutex};

/// How long a claim is good; another process takes over a graph from one that was killed after so long.
const LEASE: i64 = 30_000_000_000;
/// How often it is renewed.
const RENEWED_AFTER: Duration = Duration::from_secs(10);

/// A claim that is renewed until it is dropped.
#[derive(Debug)]
pub(crate) struct KeptClaim {
    ended: Arc<(Mutex<bool>, Condvar)>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl KeptClaim {
    /// Claims a job; none when somebody else has it.
    ///
    /// # Errors
    /// `Storage` when the claims cannot be read or written.
    pub(crate) fn take(account: &Account, job: &str) -> Result<Option<KeptClaim>> {
        let now = account.clock().now_nanos();
        let Some(mut claim) = Claim::take(account.access(), job, now, now + LEASE)? else {
            return Ok(None);
        };
        let ended: Arc<(Mutex<bool>, Condvar)> = Arc::default();
        let (shared, account) = (Arc::clone(&ended), account.clone());
        let renew = move || {
            let (has_ended, changed) = &*shared;
            let mut has_ended = has_ended.lock();
            while !*has_ended {
                changed.wait_for(&mut has_ended, RENEWED_AFTER);
                if !*has_ended {
                    // One that cannot be renewed runs out.
                    _ = claim.renew(account.clock().now_nanos() + LEASE);
                }
            }
            drop(claim);
        };
        let thread = std::thread::Builder::new().name("firn-claim".to_string()).spawn(renew);
        // Without the thread the claim is given back: another process has one.
        Ok(thread.ok().map(|thread| KeptClaim { ended, thread: Some(thread) }))
    }
}

impl Drop for KeptClaim {
    fn drop(&mut self) {
        *self.ended.0.lock() = true;
        self.ended.1.notify_all();
        if let Some(thread) = self.thread.take() {
            _ = thread.join();
        }
    }
}
