//! Warehouses: how many statements run in each at once. They own no threads and no memory; those are the
//! engine's.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use firn_types::{Cancel, Error, ErrorCode, Result};
use parking_lot::{Condvar, Mutex, MutexGuard};

/// How often a statement that waits looks whether it is canceled.
const PATIENCE: Duration = Duration::from_millis(50);

/// The queues of all warehouses, by name.
#[derive(Debug, Default)]
pub(crate) struct Warehouses {
    queues: Mutex<HashMap<String, Arc<Queue>>>,
}

/// The statements of one warehouse.
#[derive(Debug, Default)]
struct Queue {
    state: Mutex<State>,
    /// A statement has ended, or given up waiting.
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    running: usize,
    /// Those that wait, in the order in which they came.
    waiting: VecDeque<u64>,
    next: u64,
}

/// How many statements a warehouse runs, and how many wait.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Load {
    pub(crate) running: usize,
    pub(crate) queued: usize,
}

/// A statement's place among those that run; given back when dropped.
#[derive(Debug)]
pub(crate) struct Permit {
    queue: Arc<Queue>,
}

impl Queue {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }
}

/// The permit that a statement and those inside it have, while they have one.
#[derive(Debug, Default)]
pub(crate) struct HeldPermit {
    permit: Mutex<Option<Permit>>,
    /// Who gives it back for a while.
    turn: Mutex<()>,
}

impl HeldPermit {
    fn place(&self) -> MutexGuard<'_, Option<Permit>> {
        self.permit.lock()
    }

    /// Waits until nobody else gives it back for a while.
    pub(crate) fn turn(&self) -> MutexGuard<'_, ()> {
        self.turn.lock()
    }

    pub(crate) fn is_held(&self) -> bool {
        self.place().is_some()
    }

    pub(crate) fn take(&self, permit: Permit) {
        *self.place() = Some(permit);
    }

    /// Lets another statement run in its place.
    pub(crate) fn give_back(&self) {
        *self.place() = None;
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.queue.state().running -= 1;
        self.queue.changed.notify_all();
    }
}

impl Warehouses {
    fn queue(&self, name: &str) -> Arc<Queue> {
        let mut queues = self.queues.lock();
        Arc::clone(queues.entry(name.to_string()).or_default())
    }

    /// How busy a warehouse is.
    pub(crate) fn load(&self, name: &str) -> Load {
        let queue = self.queue(name);
        let state = queue.state();
        Load { running: state.running, queued: state.waiting.len() }
    }

    /// Waits for a place among the at most `limit` statements that run in a warehouse; no longer than
    /// `timeout_seconds`, unless that is 0.
    ///
    /// # Errors
    /// `StatementTimeout` after that time; `Canceled`.
    pub(crate) fn admit(
        &self,
        name: &str,
        limit: usize,
        timeout_seconds: u64,
        cancel: &Cancel,
    ) -> Result<Permit> {
        let queue = self.queue(name);
        let start = Instant::now();
        let mut state = queue.state();
        let ticket = state.next;
        state.next += 1;
        state.waiting.push_back(ticket);
        while state.waiting.front() != Some(&ticket) || state.running >= limit.max(1) {
            let late = timeout_seconds > 0 && start.elapsed().as_secs() >= timeout_seconds;
            if let Err(error) = if late { Err(queued(timeout_seconds)) } else { cancel.check() } {
                state.waiting.retain(|waiting| *waiting != ticket);
                queue.changed.notify_all();
                return Err(error);
            }
            queue.changed.wait_for(&mut state, PATIENCE);
        }
        state.waiting.pop_front();
        state.running += 1;
        // The next one may find a place, too.
        queue.changed.notify_all();
        drop(state);
        Ok(Permit { queue })
    }
}

fn queued(seconds: u64) -> Error {
    let text = format!(
        "Statement reached its statement or warehouse queued timeout of {seconds} second(s) and was \
         canceled."
    );
    Error::new(ErrorCode::StatementTimeout, text)
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    #[test]
    fn statements_get_their_places_in_the_order_in_which_they_came() -> Result<()> {
        let warehouses = Arc::new(Warehouses::default());
        let cancel = Cancel::default();
        let first = warehouses.admit("W", 1, 0, &cancel)?;
        let order = Arc::new(Mutex::new(Vec::new()));
        let mut waiting = Vec::new();
        for number in 0..3 {
            let (warehouses, order) = (Arc::clone(&warehouses), Arc::clone(&order));
            let before = warehouses.load("W").queued;
            let shared = Arc::clone(&warehouses);
            waiting.push(thread::spawn(move || {
                let permit = warehouses.admit("W", 1, 0, &Cancel::default());
                order.lock().push(number);
                permit.is_ok()
            }));
            while shared.load("W").queued == before {
                thread::yield_now();
            }
        }
        assert_eq!(warehouses.load("W"), Load { running: 1, queued: 3 });
        // Another warehouse is another queue.
        warehouses.admit("V", 1, 0, &cancel)?;
        drop(first);
        assert!(waiting.into_iter().all(|thread| thread.join().is_ok_and(|admitted| admitted)));
        assert_eq!(*order.lock(), [0, 1, 2]);
        assert_eq!(warehouses.load("W"), Load::default());
        Ok(())
    }

    #[test]
    fn who_waits_can_be_canceled_and_gives_up_in_time() -> Result<()> {
        let warehouses = Warehouses::default();
        let permit = warehouses.admit("W", 1, 0, &Cancel::default())?;
        let canceled = Cancel::default();
        canceled.cancel();
        let refused = |cancel: &Cancel, seconds| {
            warehouses.admit("W", 1, seconds, cancel).err().map(|error| error.code())
        };
        assert_eq!(refused(&canceled, 0), Some(ErrorCode::Canceled));
        assert_eq!(refused(&Cancel::default(), 1), Some(ErrorCode::StatementTimeout));
        drop(permit);
        assert!(warehouses.admit("W", 1, 0, &Cancel::default()).is_ok());
        Ok(())
    }
}
