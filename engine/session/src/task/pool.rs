//! The threads that run jobs.

use std::collections::VecDeque;
use std::sync::Arc;
use std::thread::JoinHandle;

use parking_lot::Mutex;

use super::Job;
use crate::engine::Shared;

/// Jobs that run at once in a process; further ones wait, the first one in front.
const THREADS_MAX: usize = 64;

/// The threads that run jobs. What is due again while others wait comes behind them, so that each has its turn.
#[derive(Debug, Default)]
pub(super) struct Pool(Mutex<Work>);

/// See [`Pool`].
#[derive(Debug, Default)]
struct Work {
    waiting: VecDeque<Job>,
    running: Vec<Job>,
    threads: Vec<JoinHandle<()>>,
}

impl Work {
    /// The first job that waits and does not run yet runs from now on.
    fn take(&mut self) -> Option<Job> {
        let next = self.waiting.iter().position(|job| !self.running.contains(job))?;
        let job = self.waiting.remove(next)?;
        self.running.push(job);
        Some(job)
    }
}

impl Pool {
    /// Lets a job wait for its turn, unless it waits already.
    fn add(&self, job: Job) {
        let mut work = self.0.lock();
        if !work.waiting.contains(&job) {
            work.waiting.push_back(job);
        }
    }

    /// Whether a job runs now.
    pub(super) fn runs(&self, job: Job) -> bool {
        self.0.lock().running.contains(&job)
    }

    /// The next job to run.
    fn next(&self) -> Option<Job> {
        self.0.lock().take()
    }

    fn ended(&self, job: Job) {
        self.0.lock().running.retain(|running| *running != job);
    }

    /// Waits for what runs, and what waits behind it.
    pub(super) fn finish(&self) {
        let threads = std::mem::take(&mut self.0.lock().threads);
        for thread in threads {
            // Whatever it met, it has noted.
            _ = thread.join();
        }
    }
}

/// Runs a job on another thread, as soon as there is one for it; again, when it runs at present.
pub(crate) fn spawn(shared: &Arc<Shared>, job: Job) {
    let pool = &shared.tasks.pool;
    pool.add(job);
    let mut work = pool.0.lock();
    work.threads.retain(|thread| !thread.is_finished());
    if work.running.len() >= THREADS_MAX {
        return;
    }
    let Some(first) = work.take() else { return };
    let engine = Arc::clone(shared);
    let thread = std::thread::Builder::new().name("firn-task".to_string());
    match thread.spawn(move || run_from(&engine, first)) {
        Ok(thread) => work.threads.push(thread),
        // Without a thread it waits for a process that looks for due tasks.
        Err(_) => work.running.retain(|running| *running != first),
    }
}

/// Runs a job, and those that wait behind it.
fn run_from(shared: &Arc<Shared>, first: Job) {
    let pool = &shared.tasks.pool;
    let mut next = Some(first);
    while let Some(job) = next {
        let running = Running { pool, job };
        // What goes wrong with a task or a table is in its history.
        _ = job.run(shared);
        drop(running);
        next = if shared.tasks.is_stopping() { None } else { pool.next() };
    }
}

/// A job while it runs, whatever becomes of it.
struct Running<'p> {
    pool: &'p Pool,
    job: Job,
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.pool.ended(self.job);
    }
}

#[cfg(test)]
mod tests {
    use firn_types::ObjectId;

    use super::*;

    #[test]
    fn each_has_its_turn_and_none_runs_twice_at_once() {
        let pool = Pool::default();
        let [first, second] = [1, 2].map(|id| Job::Pipe(ObjectId(id)));
        pool.add(first);
        pool.add(first);
        assert_eq!(pool.next(), Some(first));
        pool.add(first);
        pool.add(second);
        // What runs waits until it has ended.
        assert_eq!(pool.next(), Some(second));
        assert_eq!(pool.next(), None);
        pool.add(second);
        pool.ended(second);
        pool.ended(first);
        assert_eq!(pool.next(), Some(first));
        assert_eq!(pool.next(), Some(second));
        assert_eq!(pool.next(), None);
    }
}
