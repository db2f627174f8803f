//! The scheduler of jobs.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use firn_types::clock::Clock;
use firn_types::{Error, Result};

/// How long the end of a service waits for work that has begun or is due.
pub const LAST_WORK: Duration = Duration::from_millis(100);
/// How often the jobs are asked whether time alone has made them due.
const INTERVAL: Duration = Duration::from_secs(60);

/// A piece of housekeeping.
pub trait Job: fmt::Debug + Send + Sync {
    /// What it is called where jobs are shown.
    fn name(&self) -> &'static str;

    /// Whether there is something to do. It is asked after each commit and must cost next to nothing.
    fn is_due(&self) -> bool;

    /// When time alone makes it due: nanoseconds since 1970 UTC; none for what commits make due.
    fn next_nanos(&self) -> Option<i64> {
        None
    }

    /// Which process has it for itself, by its mark, and until when; none when nobody does. This may ask the
    /// store.
    fn claimed(&self) -> Option<(String, i64)> {
        None
    }

    /// As [`Job::run`], when somebody asks for it: also what was done a short time ago.
    ///
    /// # Errors
    /// As [`Job::run`].
    fn run_asked(&self, go_on: &GoOn<'_>) -> Result<Progress> {
        self.run(go_on)
    }

    /// Whether there is something to do before the process ends, if there is time.
    fn is_owed(&self) -> bool {
        self.is_due()
    }

    /// Does a piece of the work: what has been done is durable, and the job stops soon when `go_on` says no.
    ///
    /// # Errors
    /// Any; the job is tried again when it is due again.
    fn run(&self, go_on: &GoOn<'_>) -> Result<Progress>;
}

/// Whether a job may go on with its piece.
pub type GoOn<'a> = dyn Fn() -> bool + 'a;

/// What a piece of work did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// How much was done, in what the job counts.
    pub done: u64,
    /// Whether there is more to do at once.
    pub more: bool,
}

/// When jobs run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Housekeeping {
    /// On a thread of their own.
    #[default]
    Background,
    /// In the statement that makes them due, before it ends: for tests, which want to see what they did.
    Inline,
}

/// What is known of a job, for those who look after the account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JobReport {
    /// The job's name.
    pub name: String,
    /// Whether it runs now.
    pub is_running: bool,
    /// Whether it has something to do.
    pub is_due: bool,
    /// Pieces of work that were run.
    pub runs: u64,
    /// Those of them that failed.
    pub failures: u64,
    /// How much was done in all, in what the job counts.
    pub done: u64,
    /// How much the last run did.
    pub last_done: u64,
    /// When time alone makes it due: nanoseconds since 1970 UTC; none for what commits make due.
    pub next_nanos: Option<i64>,
    /// When it last began: nanoseconds since 1970 UTC; 0 when it never did.
    pub started_nanos: i64,
    /// When it last ended: nanoseconds since 1970 UTC; 0 when it never did.
    pub ended_nanos: i64,
    /// What it last failed with; empty when the last run went well.
    pub error: String,
}

/// The jobs of an open account, and the thread that runs them.
#[derive(Debug)]
pub struct Service {
    shared: Arc<Shared>,
    thread: Mutex<Option<JoinHandle<()>>>,
    housekeeping: Housekeeping,
}

#[derive(Debug)]
struct Shared {
    jobs: Vec<Arc<dyn Job>>,
    reports: Mutex<Vec<JobReport>>,
    clock: Clock,
    /// Whether somebody has woken the thread, and whether it is at rest.
    state: Mutex<State>,
    changed: Condvar,
    /// The process is about to end: what is owed is due.
    ending: AtomicBool,
    /// No further piece is begun, and those that have begun stop.
    stopping: AtomicBool,
}

#[derive(Debug, Default)]
struct State {
    woken: bool,
    busy: bool,
}

impl Service {
    /// A service with these jobs, which does nothing before it is woken.
    pub fn new(jobs: Vec<Arc<dyn Job>>, clock: Clock, housekeeping: Housekeeping) -> Service {
        let name =
            |job: &Arc<dyn Job>| JobReport { name: job.name().to_string(), ..JobReport::default() };
        let reports = Mutex::new(jobs.iter().map(name).collect());
        let shared = Shared {
            jobs,
            reports,
            clock,
            state: Mutex::default(),
            changed: Condvar::new(),
            ending: AtomicBool::new(false),
            stopping: AtomicBool::new(false),
        };
        Service { shared: Arc::new(shared), thread: Mutex::default(), housekeeping }
    }

    /// Looks for work: something has happened after which a job may be due.
    pub fn wake(&self) {
        if self.shared.jobs.iter().any(|job| self.shared.wants(job)) {
            self.begin();
        }
    }

    fn begin(&self) {
        if self.housekeeping == Housekeeping::Inline {
            self.shared.work();
            return;
        }
        let mut thread = lock(&self.thread);
        if thread.is_none() {
            let shared = Arc::clone(&self.shared);
            let builder = std::thread::Builder::new().name("firn-service".to_string());
            // Without a thread the work waits for a process that gets one.
            *thread = builder.spawn(move || shared.serve()).ok();
        }
        lock(&self.shared.state).woken = true;
        self.shared.changed.notify_all();
    }

    /// Runs a job to its end now, on the caller's thread, whether it is due or not; tells how much was done.
    ///
    /// # Errors
    /// Those of the job; an error when there is none of this name.
    pub fn run_now(&self, name: &str, go_on: &GoOn<'_>) -> Result<u64> {
        let at = self.shared.jobs.iter().position(|job| job.name() == name);
        let at = at.ok_or_else(|| Error::internal(format!("no job is called '{name}'")))?;
        let mut done = 0;
        loop {
            let progress = self.shared.note_run(at, || self.shared.jobs[at].run_asked(go_on))?;
            done += progress.done;
            if !progress.more || !go_on() {
                return Ok(done);
            }
        }
    }

    /// What is known of the jobs, in their order.
    pub fn reports(&self) -> Vec<JobReport> {
        let mut reports = lock(&self.shared.reports).clone();
        for (report, job) in reports.iter_mut().zip(&self.shared.jobs) {
            report.is_due = job.is_due();
            report.next_nanos = job.next_nanos();
        }
        reports
    }

    /// Which process has a job for itself, by its mark, and until when; none when nobody does.
    pub fn claimed(&self, name: &str) -> Option<(String, i64)> {
        self.shared.jobs.iter().find(|job| job.name() == name)?.claimed()
    }

    /// Waits until nothing is due any more, at most so long; whether that is so.
    pub fn settle(&self, at_most: Duration) -> bool {
        let until = Instant::now() + at_most;
        let mut state = lock(&self.shared.state);
        while state.woken || state.busy {
            let Some(left) = until.checked_duration_since(Instant::now()) else { return false };
            let waited = self.shared.changed.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.shared.ending.store(true, Ordering::SeqCst);
        self.wake();
        let Some(thread) = lock(&self.thread).take() else { return };
        // A job may have held the last reference to what it works for, and so to this.
        let is_own = thread.thread().id() == std::thread::current().id();
        let settled = !is_own && self.settle(LAST_WORK);
        self.shared.stopping.store(true, Ordering::SeqCst);
        lock(&self.shared.state).woken = true;
        self.shared.changed.notify_all();
        // A thread that is still at work stops at its next step; nobody waits for it.
        if settled {
            let _ = thread.join();
        }
    }
}

impl Shared {
    /// Whether a job is to be run now.
    fn wants(&self, job: &Arc<dyn Job>) -> bool {
        job.is_due() || (self.ending.load(Ordering::SeqCst) && job.is_owed())
    }

    /// The thread's life.
    fn serve(&self) {
        loop {
            {
                let mut state = lock(&self.state);
                state.busy = false;
                self.changed.notify_all();
                if !state.woken {
                    let waited = self.changed.wait_timeout(state, INTERVAL);
                    state = waited.unwrap_or_else(PoisonError::into_inner).0;
                }
                state.woken = false;
                state.busy = true;
            }
            if self.stopping.load(Ordering::SeqCst) {
                return;
            }
            self.work();
        }
    }

    /// Runs pieces of the jobs that are due, in turns, until none is or all that are have failed.
    fn work(&self) {
        let mut waits: Vec<bool> = vec![true; self.jobs.len()];
        while waits.contains(&true) {
            for (at, waits) in waits.iter_mut().enumerate() {
                if self.stopping.load(Ordering::SeqCst) {
                    return;
                }
                if !*waits || !self.wants(&self.jobs[at]) {
                    *waits = false;
                    continue;
                }
                let go_on = || !self.stopping.load(Ordering::SeqCst);
                // The report has the error; the next commit tries again.
                *waits = self.run(at, &go_on).is_ok_and(|progress| progress.more);
            }
        }
    }

    /// Runs a piece of a job, and notes it.
    fn run(&self, at: usize, go_on: &GoOn<'_>) -> Result<Progress> {
        self.note_run(at, || self.jobs[at].run(go_on))
    }

    fn note_run(&self, at: usize, run: impl FnOnce() -> Result<Progress>) -> Result<Progress> {
        self.note(at, |report| {
            report.is_running = true;
            report.started_nanos = self.clock.now_nanos();
        });
        let outcome = run();
        self.note(at, |report| {
            report.is_running = false;
            report.runs += 1;
            report.ended_nanos = self.clock.now_nanos();
            match &outcome {
                Ok(progress) => {
                    report.done += progress.done;
                    report.last_done = progress.done;
                    report.error.clear();
                }
                Err(error) => {
                    report.failures += 1;
                    report.error = error.to_string();
                }
            }
        });
        outcome
    }

    fn note(&self, at: usize, note: impl FnOnce(&mut JobReport)) {
        if let Some(report) = lock(&self.reports).get_mut(at) {
            note(report);
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicU64;

    use super::*;

    /// A job with so many pieces of work.
    #[derive(Debug)]
    struct Pieces {
        left: AtomicU64,
        fails: bool,
    }

    impl Job for Pieces {
        fn name(&self) -> &'static str {
            "pieces"
        }

        fn is_due(&self) -> bool {
            self.left.load(Ordering::SeqCst) > 0
        }

        fn run(&self, _: &GoOn<'_>) -> Result<Progress> {
            if self.fails {
                return Err(Error::internal("it cannot be done"));
            }
            let left = self.left.fetch_sub(1, Ordering::SeqCst) - 1;
            Ok(Progress { done: 1, more: left > 0 })
        }
    }

    fn service(left: u64, fails: bool, housekeeping: Housekeeping) -> Service {
        let job: Arc<dyn Job> = Arc::new(Pieces { left: AtomicU64::new(left), fails });
        Service::new(vec![job], Clock::system(), housekeeping)
    }

    #[test]
    fn what_is_due_is_done_to_its_end() {
        for housekeeping in [Housekeeping::Background, Housekeeping::Inline] {
            let service = service(5, false, housekeeping);
            service.wake();
            assert!(service.settle(Duration::from_secs(10)));
            let report = service.reports().remove(0);
            assert_eq!((report.runs, report.done, report.failures), (5, 5, 0));
            assert!(!report.is_due && !report.is_running && report.started_nanos > 0);
        }
    }

    #[test]
    fn what_fails_is_told_and_tried_again_when_somebody_wakes_it() {
        let service = service(1, true, Housekeeping::Background);
        for failures in 1..3 {
            service.wake();
            assert!(service.settle(Duration::from_secs(10)));
            let report = service.reports().remove(0);
            assert_eq!((report.failures, report.is_due), (failures, true));
            assert!(report.error.contains("it cannot be done"), "{}", report.error);
        }
    }

    #[test]
    fn a_job_can_be_run_at_once() {
        let service = service(3, false, Housekeeping::Background);
        assert_eq!(service.run_now("pieces", &|| true).ok(), Some(3));
        assert!(service.run_now("nothing", &|| true).is_err());
    }

    #[test]
    fn the_end_waits_for_what_is_due() {
        let job = Arc::new(Pieces { left: AtomicU64::new(100), fails: false });
        let service =
            Service::new(vec![Arc::clone(&job) as _], Clock::system(), Housekeeping::Background);
        service.wake();
        drop(service);
        assert!(!job.is_due());
    }
}
