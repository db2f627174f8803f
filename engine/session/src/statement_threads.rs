//! The threads that statements run on: one that has ended its statement waits for the next, since starting a
//! thread takes longer than many a statement.

use std::io;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// Stack of a statement's thread, in bytes: as large as a main thread's.
const STACK_BYTES: usize = 8 << 20;
/// Threads that wait for a statement, at most.
const IDLE_MAX: usize = 64;
/// How long a thread waits for its next statement.
const PATIENCE: Duration = Duration::from_secs(10);

/// What a thread does; it catches its own panics.
type Task = Box<dyn FnOnce() + Send>;

/// Threads that run statements, as many as there are statements at once.
#[derive(Clone, Debug, Default)]
pub(crate) struct StatementThreads {
    idle: Arc<Mutex<Vec<Idle>>>,
}

/// A thread that waits.
#[derive(Debug)]
struct Idle {
    thread: thread::ThreadId,
    next: SyncSender<Task>,
}

impl StatementThreads {
    /// Runs a task on a thread of its own: the one that has begun to wait last, or a new one.
    ///
    /// # Errors
    /// When the system gives no thread; the task is then dropped.
    pub(crate) fn run(&self, mut task: Task) -> io::Result<()> {
        while let Some(idle) = self.take_idle() {
            match idle.next.try_send(task) {
                Ok(()) => return Ok(()),
                // It has just given up waiting.
                Err(refused) => task = refused_task(refused),
            }
        }
        let threads = self.clone();
        let thread = thread::Builder::new().name("statement".to_string()).stack_size(STACK_BYTES);
        thread.spawn(move || threads.work(task)).map(drop)
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Idle>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take_idle(&self) -> Option<Idle> {
        self.idle().pop()
    }

    /// A thread's life: one task after the other, until none has come for a while.
    fn work(&self, first: Task) {
        let (sender, receiver) = sync_channel::<Task>(1);
        let mut task = first;
        loop {
            task();
            {
                let mut idle = self.idle();
                if idle.len() >= IDLE_MAX {
                    return;
                }
                idle.push(Idle { thread: thread::current().id(), next: sender.clone() });
            }
            match self.next(&receiver) {
                Some(next) => task = next,
                None => return,
            }
        }
    }

    fn next(&self, receiver: &Receiver<Task>) -> Option<Task> {
        // To be woken takes longer than many a statement: the next one often comes at once.
        if let Some(task) = shortly(|| receiver.try_recv().ok()) {
            return Some(task);
        }
        match receiver.recv_timeout(PATIENCE) {
            Ok(task) => Some(task),
            Err(RecvTimeoutError::Disconnected) => None,
            Err(RecvTimeoutError::Timeout) => {
                let mut idle = self.idle();
                let own = thread::current().id();
                match idle.iter().position(|idle| idle.thread == own) {
                    Some(position) => {
                        idle.remove(position);
                        None
                    }
                    // Somebody has chosen this thread at this moment.
                    None => {
                        drop(idle);
                        receiver.recv_timeout(PATIENCE).ok()
                    }
                }
            }
        }
    }
}

/// How long a thread looks again and again for what it waits for before it sleeps.
const ATTENTION: Duration = Duration::from_micros(100);

/// What `look` finds within a moment in which the thread does not sleep; others that have work go first.
pub(crate) fn shortly<T>(look: impl Fn() -> Option<T>) -> Option<T> {
    let start = Instant::now();
    loop {
        if let Some(found) = look() {
            return Some(found);
        }
        if start.elapsed() > ATTENTION {
            return None;
        }
        thread::yield_now();
    }
}

fn refused_task(refused: std::sync::mpsc::TrySendError<Task>) -> Task {
    match refused {
        std::sync::mpsc::TrySendError::Full(task)
        | std::sync::mpsc::TrySendError::Disconnected(task) => task,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::sync::mpsc::channel;

    use super::*;

    #[test]
    fn a_thread_is_used_again_and_tasks_do_not_wait_for_one_another() -> io::Result<()> {
        let threads = StatementThreads::default();
        let (told, ids) = channel();
        let mut seen = HashSet::new();
        for _ in 0..20 {
            let told = told.clone();
            threads.run(Box::new(move || {
                let _ = told.send(thread::current().id());
            }))?;
            seen.extend(ids.recv());
            // It says so a moment before it waits.
            while threads.idle().is_empty() {
                thread::yield_now();
            }
        }
        assert_eq!(seen.len(), 1);
        let (go, gate) = sync_channel::<()>(0);
        let waiting = told.clone();
        threads.run(Box::new(move || {
            let _ = gate.recv();
            let _ = waiting.send(thread::current().id());
        }))?;
        threads.run(Box::new(move || {
            let _ = told.send(thread::current().id());
        }))?;
        assert!(ids.recv().is_ok_and(|id| !seen.contains(&id)));
        drop(go);
        assert!(ids.recv().is_ok_and(|id| seen.contains(&id)));
        Ok(())
    }
}
