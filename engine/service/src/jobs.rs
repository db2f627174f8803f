//! The jobs that an account needs, whoever uses it.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Mutex, PoisonError};

use firn_account::Account;
use firn_account::txn::Vacuumed;
use firn_types::Result;

use crate::claim::Claim;
use crate::service::{GoOn, Job, Progress};

const HOUR: i64 = 3_600_000_000_000;
/// Time from one vacuum of an account to the next.
const VACUUM_INTERVAL: i64 = HOUR;
/// How long a process has a vacuum for itself, if it does not say that it is done.
const VACUUM_CLAIM: i64 = HOUR / 6;
/// Files that nobody refers to are deleted when they are older: whoever wrote them has committed by then,
/// and no statement that began before they were given up reads them any more.
const GRACE: i64 = 24 * HOUR;

/// Writes a checkpoint when there are many commits since the last one.
#[derive(Debug)]
pub struct CheckpointJob {
    account: Account,
}

impl CheckpointJob {
    /// The checkpoints of an account.
    pub fn new(account: &Account) -> CheckpointJob {
        CheckpointJob { account: account.clone() }
    }
}

impl Job for CheckpointJob {
    fn name(&self) -> &'static str {
        "checkpoint"
    }

    fn is_due(&self) -> bool {
        self.account.is_checkpoint_due()
    }

    fn is_owed(&self) -> bool {
        self.account.is_checkpoint_owed()
    }

    fn run(&self, _: &GoOn<'_>) -> Result<Progress> {
        self.account.checkpoint()?;
        Ok(Progress { done: 1, more: false })
    }
}

/// Deletes what no version that can be opened reaches; counts files.
#[derive(Debug)]
pub struct VacuumJob {
    account: Account,
    /// When the last one ended, as far as this process knows.
    last_nanos: AtomicI64,
    /// What this process's last one did.
    last: Mutex<Option<Vacuumed>>,
}

impl VacuumJob {
    /// The vacuums of an account.
    pub fn new(account: &Account) -> VacuumJob {
        // An account that was made just now has nothing to clean up.
        VacuumJob {
            account: account.clone(),
            last_nanos: AtomicI64::new(account.created_nanos()),
            last: Mutex::default(),
        }
    }

    /// What this process's last one did; none when another process was at it.
    pub fn last(&self) -> Option<Vacuumed> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn note(&self, last: Option<Vacuumed>) {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = last;
    }

    fn now(&self) -> i64 {
        self.account.clock().now_nanos()
    }
}

impl Job for VacuumJob {
    fn name(&self) -> &'static str {
        "vacuum"
    }

    fn is_due(&self) -> bool {
        self.now().saturating_sub(self.last_nanos.load(Ordering::SeqCst)) >= VACUUM_INTERVAL
    }

    fn next_nanos(&self) -> Option<i64> {
        Some(self.last_nanos.load(Ordering::SeqCst).saturating_add(VACUUM_INTERVAL))
    }

    fn claimed(&self) -> Option<(String, i64)> {
        Claim::holder(self.account.access(), self.name(), self.now()).ok()?
    }

    fn run(&self, go_on: &GoOn<'_>) -> Result<Progress> {
        let last = self.account.vacuumed_nanos()?;
        if self.now().saturating_sub(last) < VACUUM_INTERVAL {
            self.last_nanos.store(last, Ordering::SeqCst);
            return Ok(Progress::default());
        }
        self.run_asked(go_on)
    }

    fn run_asked(&self, go_on: &GoOn<'_>) -> Result<Progress> {
        let now = self.now();
        self.note(None);
        let access = self.account.access();
        let Some(_claim) = Claim::take(access, self.name(), now, now + VACUUM_CLAIM)? else {
            // Another process is at it: this one asks again when that must be done.
            self.last_nanos.store(now - VACUUM_INTERVAL + VACUUM_CLAIM, Ordering::SeqCst);
            return Ok(Progress::default());
        };
        let done = self.account.vacuum(GRACE, go_on)?;
        if done.finished {
            self.last_nanos.store(now, Ordering::SeqCst);
        }
        let progress = Progress { done: done.files as u64, more: !done.finished };
        self.note(Some(done));
        Ok(progress)
    }
}
