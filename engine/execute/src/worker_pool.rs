//! The threads of an engine, which the workers of all statements take turns on.
//!
//! Jobs wait in one queue, first come first served. A worker of a pipeline that has had its time while
//! others wait goes to the queue's end, so that a short statement does not wait for the pipelines of a long
//! one. Whoever has jobs done waits for them outside of the pool: a thread of it that waited would take up
//! another statement's job meanwhile, and be late for its own.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use firn_types::{Error, Result};

use crate::context::lock;

/// How long a worker keeps its thread while others wait for one.
const SLICE: Duration = Duration::from_millis(4);

/// Threads with a queue of jobs.
#[derive(Debug)]
pub struct WorkerPool {
    threads: rayon::ThreadPool,
    /// Jobs that no thread has begun.
    waiting: AtomicUsize,
}

/// What became of a worker's turn.
pub(crate) enum Turn<W> {
    /// The worker has more to do.
    Over(W),
    /// There is nothing left to do.
    Done,
}

/// Says when a turn is over.
pub(crate) struct Slice<'p> {
    pool: &'p WorkerPool,
    start: Instant,
}

impl Slice<'_> {
    /// Whether it is time to make room for others.
    pub(crate) fn is_over(&self) -> bool {
        self.pool.waiting.load(Ordering::Relaxed) > 0 && self.start.elapsed() >= SLICE
    }
}

impl WorkerPool {
    /// Starts so many threads; 0 for one a processor.
    ///
    /// # Errors
    /// When the system gives no threads.
    pub fn start(threads: usize) -> Result<WorkerPool> {
        let threads = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .thread_name(|index| format!("worker-{index}"))
            .build()
            .map_err(|error| Error::internal(format!("cannot start workers: {error}")))?;
        Ok(WorkerPool { threads, waiting: AtomicUsize::new(0) })
    }

    /// How many threads there are.
    pub fn threads(&self) -> usize {
        self.threads.current_num_threads()
    }

    /// Does something on a thread of the pool, where it may use all of them.
    pub(crate) fn install<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        if rayon::current_thread_index().is_some() {
            return self.threads.install(work);
        }
        self.waiting.fetch_add(1, Ordering::Relaxed);
        self.threads.install(|| {
            self.waiting.fetch_sub(1, Ordering::Relaxed);
            work()
        })
    }

    /// Does `work` on so many threads at once.
    pub(crate) fn on_each(&self, count: usize, work: impl Fn() + Send + Sync) {
        let work = &work;
        self.threads.in_place_scope(|scope| {
            for _ in 0..count {
                self.waiting.fetch_add(1, Ordering::Relaxed);
                scope.spawn(move |_| {
                    self.waiting.fetch_sub(1, Ordering::Relaxed);
                    work();
                });
            }
        });
    }

    /// Gives `count` workers turns until each is done. The first turn of each starts without a worker.
    /// A panic in a turn goes on in the caller, when all are done; `stop` tells the others.
    ///
    /// Inside of the pool one worker does everything, on the caller's thread.
    pub(crate) fn take_turns<W: Send>(
        &self,
        count: usize,
        turn: impl Fn(Option<W>, &Slice<'_>) -> Turn<W> + Send + Sync,
        stop: impl Fn() + Send + Sync,
    ) {
        if rayon::current_thread_index().is_some() {
            let mut worker = None;
            let slice = Slice { pool: self, start: Instant::now() };
            while let Turn::Over(more) = turn(worker.take(), &slice) {
                worker = Some(more);
            }
            return;
        }
        let fault: Mutex<Option<Box<dyn Any + Send>>> = Mutex::new(None);
        let (sender, turns) = mpsc::channel();
        self.threads.in_place_scope(|scope| {
            let (turn, stop, fault) = (&turn, &stop, &fault);
            let spawn = |worker: Option<W>| {
                self.waiting.fetch_add(1, Ordering::Relaxed);
                let sender = sender.clone();
                scope.spawn(move |_| {
                    self.waiting.fetch_sub(1, Ordering::Relaxed);
                    let slice = Slice { pool: self, start: Instant::now() };
                    let taken = catch_unwind(AssertUnwindSafe(|| turn(worker, &slice)));
                    let taken = taken.unwrap_or_else(|panic| {
                        stop();
                        lock(fault).get_or_insert(panic);
                        Turn::Done
                    });
                    // The receiver waits until all are done.
                    let _ = sender.send(taken);
                });
            };
            (0..count).for_each(|_| spawn(None));
            let mut left = count;
            while left > 0 {
                match turns.recv() {
                    Ok(Turn::Over(worker)) => spawn(Some(worker)),
                    Ok(Turn::Done) | Err(_) => left -= 1,
                }
            }
        });
        if let Some(panic) = lock(&fault).take() {
            resume_unwind(panic);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::thread;

    use super::*;

    /// Keeps all threads busy in short steps until told to end.
    fn busy(pool: &WorkerPool, end: &AtomicUsize) {
        let step = |_: Option<()>, slice: &Slice<'_>| {
            while end.load(Ordering::Relaxed) == 0 {
                thread::sleep(Duration::from_micros(200));
                if slice.is_over() {
                    return Turn::Over(());
                }
            }
            Turn::Done
        };
        pool.take_turns(pool.threads(), step, || {});
    }

    #[test]
    fn short_work_does_not_wait_for_long_work() -> Result<()> {
        let pool = Arc::new(WorkerPool::start(2)?);
        let end = Arc::new(AtomicUsize::new(0));
        let long: Vec<_> = (0..3)
            .map(|_| {
                let (pool, end) = (Arc::clone(&pool), Arc::clone(&end));
                thread::spawn(move || busy(&pool, &end))
            })
            .collect();
        thread::sleep(Duration::from_millis(50));
        let done = AtomicUsize::new(0);
        for _ in 0..20 {
            let start = Instant::now();
            pool.on_each(2, || {
                done.fetch_add(1, Ordering::Relaxed);
            });
            // Three workers of each thread stand before it, at most, and the machine may be busy.
            assert!(start.elapsed() < Duration::from_secs(2));
        }
        assert_eq!(done.load(Ordering::Relaxed), 40);
        end.store(1, Ordering::Relaxed);
        assert!(long.into_iter().all(|thread| thread.join().is_ok()));
        Ok(())
    }

    #[test]
    fn a_panic_goes_on_in_the_caller_and_stops_the_others() -> Result<()> {
        let pool = WorkerPool::start(2)?;
        let end = AtomicUsize::new(0);
        let first = AtomicUsize::new(0);
        let turn = |_: Option<()>, _: &Slice<'_>| {
            assert!(first.fetch_add(1, Ordering::Relaxed) > 0, "made for a test");
            while end.load(Ordering::Relaxed) == 0 {
                thread::yield_now();
            }
            Turn::Done
        };
        let stop = || end.store(1, Ordering::Relaxed);
        let panic = catch_unwind(AssertUnwindSafe(|| pool.take_turns(2, turn, stop)));
        assert!(panic.is_err());
        pool.on_each(2, || {});
        Ok(())
    }
}
