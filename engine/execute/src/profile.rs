//! What each operator did: rows, time, bytes, partitions.

use std::sync::RwLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use firn_column::Batch;
use firn_plan::describe::Description;
use firn_types::Error;

/// The number of an operator in the profile of one statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OperatorId(pub usize);

/// What the operators of one statement did. Operators are numbered from the plan's root down.
#[derive(Debug, Default)]
pub struct Profile {
    operators: RwLock<Vec<std::sync::Arc<OperatorCounters>>>,
}

/// The counters of one operator, which all workers add to.
#[derive(Debug)]
pub struct OperatorCounters {
    /// What the operator is: `Filter`, `InnerJoin`.
    pub name: String,
    /// What it does: its tables, keys, conditions.
    pub description: Description,
    /// The operator that takes this one's rows.
    pub parent: Option<OperatorId>,
    /// Whether it works on data that is not shown as it is: nobody is told what it counts, or of which values its
    /// errors are.
    pub hidden: AtomicBool,
    /// Rows taken.
    pub rows_in: AtomicU64,
    /// Rows given.
    pub rows_out: AtomicU64,
    /// Nanoseconds, of all threads together, without the time of other operators.
    pub nanos: AtomicU64,
    /// Bytes read from storage.
    pub bytes_read: AtomicU64,
    /// Bytes written to disk because memory was used up: by the whole statement, at its root.
    pub bytes_spilled: AtomicU64,
    /// Micro-partitions of the table's version.
    pub partitions_total: AtomicU64,
    /// Micro-partitions left out by statistics.
    pub partitions_pruned: AtomicU64,
    /// Micro-partitions read.
    pub partitions_scanned: AtomicU64,
}

impl Profile {
    /// Adds an operator.
    pub fn add(
        &self,
        name: String,
        description: Description,
        parent: Option<OperatorId>,
    ) -> OperatorId {
        let mut operators = self.operators.write().unwrap_or_else(|e| e.into_inner());
        let zero = AtomicU64::default;
        operators.push(std::sync::Arc::new(OperatorCounters {
            name,
            description,
            parent,
            hidden: AtomicBool::default(),
            rows_in: zero(),
            rows_out: zero(),
            nanos: zero(),
            bytes_read: zero(),
            bytes_spilled: zero(),
            partitions_total: zero(),
            partitions_pruned: zero(),
            partitions_scanned: zero(),
        }));
        OperatorId(operators.len() - 1)
    }

    /// Adds an operator that counts by itself.
    pub fn add_counted(
        &self,
        name: &str,
        description: Description,
        parent: Option<OperatorId>,
    ) -> (OperatorId, Option<std::sync::Arc<OperatorCounters>>) {
        let id = self.add(name.to_string(), description, parent);
        (id, self.counters(id))
    }

    /// Hides what an operator does.
    pub fn hide(&self, id: OperatorId) {
        if let Some(counters) = self.counters(id) {
            counters.hidden.store(true, Ordering::Relaxed);
        }
    }

    /// An error of an operator: without the values that it is of, where those are hidden.
    pub fn error_of(&self, id: OperatorId, error: Error) -> Error {
        let hidden = self.counters(id).is_some_and(|c| c.hidden.load(Ordering::Relaxed));
        match hidden && error.code().is_about_data() {
            true => error.map_detail(|_| "An error about data that a policy protects".to_string()),
            false => error,
        }
    }

    /// The operators so far, by number.
    pub fn operators(&self) -> Vec<std::sync::Arc<OperatorCounters>> {
        self.operators.read().unwrap_or_else(|e| e.into_inner()).clone()
    }

    /// Bytes that all operators read from storage.
    pub fn bytes_read(&self) -> u64 {
        let operators = self.operators();
        operators.iter().map(|operator| operator.bytes_read.load(Ordering::Relaxed)).sum()
    }

    /// One operator's counters, if there is such an operator.
    pub fn counters(&self, id: OperatorId) -> Option<std::sync::Arc<OperatorCounters>> {
        self.operators.read().unwrap_or_else(|e| e.into_inner()).get(id.0).cloned()
    }
}

impl OperatorCounters {
    /// Adds to one of the counters.
    pub fn add(counter: &AtomicU64, amount: usize) {
        counter.fetch_add(amount as u64, Ordering::Relaxed);
    }
}

/// One worker's clock: the time between two switches belongs to the operator that was switched to.
/// What it measured is added to the profile when it is dropped.
pub(crate) struct Stopwatch<'a> {
    profile: &'a Profile,
    current: OperatorId,
    since: Instant,
    /// By operator.
    measured: Vec<Measured>,
    /// The operators of which something was measured since that was published: few of the many that a
    /// statement may have.
    touched: Vec<OperatorId>,
    published: Instant,
}

/// How old what others see of a running statement may be.
const PUBLISH_AFTER: Duration = Duration::from_millis(50);

#[derive(Clone, Default)]
struct Measured {
    touched: bool,
    nanos: u64,
    rows_in: u64,
    rows_out: u64,
}

impl<'a> Stopwatch<'a> {
    pub(crate) fn start(profile: &'a Profile, current: OperatorId) -> Stopwatch<'a> {
        let now = Instant::now();
        let (measured, touched) = (Vec::new(), Vec::new());
        Stopwatch { profile, current, since: now, measured, touched, published: now }
    }

    /// Adds what was measured to the profile, now and then, for those who watch the statement.
    pub(crate) fn publish_if_due(&mut self) {
        if self.since.duration_since(self.published) >= PUBLISH_AFTER {
            self.publish();
        }
    }

    fn publish(&mut self) {
        self.published = self.since;
        let operators = self.profile.operators.read().unwrap_or_else(|e| e.into_inner());
        for id in self.touched.drain(..) {
            let measured = std::mem::take(&mut self.measured[id.0]);
            let Some(counters) = operators.get(id.0) else { continue };
            counters.nanos.fetch_add(measured.nanos, Ordering::Relaxed);
            counters.rows_in.fetch_add(measured.rows_in, Ordering::Relaxed);
            counters.rows_out.fetch_add(measured.rows_out, Ordering::Relaxed);
        }
    }

    /// From now on the time belongs to nobody.
    pub(crate) fn rest(&mut self) {
        self.switch(self.current);
        self.publish_if_due();
    }

    /// From now on the time belongs to whom it belonged before the rest.
    pub(crate) fn wake(&mut self) {
        self.since = Instant::now();
    }

    /// Whose time it is.
    pub(crate) fn current(&self) -> OperatorId {
        self.current
    }

    /// From now on the time belongs to `next`.
    pub(crate) fn switch(&mut self, next: OperatorId) {
        let now = Instant::now();
        let nanos = now.duration_since(self.since).as_nanos() as u64;
        let current = self.current;
        self.measured(current).nanos += nanos;
        self.current = next;
        self.since = now;
    }

    pub(crate) fn count_in(&mut self, id: OperatorId, batch: &Batch) {
        self.measured(id).rows_in += batch.rows() as u64;
    }

    pub(crate) fn count_out(&mut self, id: OperatorId, batch: &Batch) {
        self.measured(id).rows_out += batch.rows() as u64;
    }

    fn measured(&mut self, id: OperatorId) -> &mut Measured {
        if self.measured.len() <= id.0 {
            self.measured.resize(id.0 + 1, Measured::default());
        }
        let measured = &mut self.measured[id.0];
        if !measured.touched {
            measured.touched = true;
            self.touched.push(id);
        }
        measured
    }
}

impl Drop for Stopwatch<'_> {
    fn drop(&mut self) {
        self.switch(self.current);
        self.publish();
    }
}
