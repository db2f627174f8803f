//! Housekeeping: named jobs that run beside statements and never in one.
//!
//! A [`Service`] belongs to an open account. Who commits wakes it ([`Service::wake`]); its one thread then runs
//! every [`Job`] that has something to do, a piece at a time, so that no job keeps another one waiting for
//! long. The thread begins with the first work and ends with the service, after at most
//! [`LAST_WORK`]: whatever a job leaves undone, the next process finds.
//!
//! What only one process should do at a time it does under a [`Claim`].

mod claim;
mod jobs;
mod service;

pub use claim::Claim;
pub use jobs::{CheckpointJob, VacuumJob};
pub use service::{GoOn, Housekeeping, Job, JobReport, LAST_WORK, Progress, Service};
