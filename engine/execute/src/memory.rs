//! The warehouse's memory budget: operators reserve what they hold, and spill when they get no more.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use firn_column::{Batch, Column};
use firn_types::{Error, ErrorCode, Result};

/// How many bytes all operators of all statements of a warehouse may hold together.
#[derive(Debug)]
pub struct MemoryBudget {
    limit_bytes: usize,
    used_bytes: AtomicUsize,
}

impl MemoryBudget {
    /// A budget of so many bytes.
    pub fn new(limit_bytes: usize) -> Arc<MemoryBudget> {
        Arc::new(MemoryBudget { limit_bytes, used_bytes: AtomicUsize::new(0) })
    }

    /// A budget that is never used up.
    pub fn unlimited() -> Arc<MemoryBudget> {
        MemoryBudget::new(usize::MAX)
    }

    /// How many bytes may be held.
    pub fn limit_bytes(&self) -> usize {
        self.limit_bytes
    }

    /// How many bytes are held.
    pub fn used_bytes(&self) -> usize {
        self.used_bytes.load(Ordering::Relaxed)
    }

    /// What an operator may hold even if nothing is left, since spilling less than that does not pay.
    pub(crate) fn working_set_bytes(&self) -> usize {
        (self.limit_bytes / 16).min(1 << 20)
    }

    /// What an operator may hold even if nothing is left that can spill nothing: what others hold meanwhile may go to
    /// disk.
    pub(crate) fn unspilled_bytes(&self) -> usize {
        (self.limit_bytes / 2).max(4 << 20)
    }

    /// An account of nothing yet.
    pub fn reservation(self: &Arc<Self>) -> Reservation {
        Reservation { budget: Arc::clone(self), bytes: 0 }
    }
}

/// What one holder has reserved; given back when dropped.
#[derive(Debug)]
pub struct Reservation {
    budget: Arc<MemoryBudget>,
    bytes: usize,
}

impl Reservation {
    /// How many bytes are reserved.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Reserves `bytes` more; false, and nothing reserved, when the budget does not have them.
    #[must_use]
    pub fn try_grow(&mut self, bytes: usize) -> bool {
        let limit = self.budget.limit_bytes;
        let grown = |used: usize| used.checked_add(bytes).filter(|used| *used <= limit);
        let used = &self.budget.used_bytes;
        let granted = used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, grown).is_ok();
        if granted {
            self.bytes += bytes;
        }
        granted
    }

    /// Makes the reservation `bytes` large; false, and nothing changed, when the budget does not have
    /// them.
    #[must_use]
    pub fn try_resize(&mut self, bytes: usize) -> bool {
        if bytes > self.bytes {
            return self.try_grow(bytes - self.bytes);
        }
        self.shrink(self.bytes - bytes);
        true
    }

    /// Reserves `bytes` more for something that cannot spill.
    ///
    /// # Errors
    /// `OutOfMemory`, with what was to be held.
    pub fn grow(&mut self, bytes: usize, what: &str) -> Result<()> {
        if self.try_grow(bytes) {
            return Ok(());
        }
        let limit = self.budget.limit_bytes;
        Err(Error::new(
            ErrorCode::OutOfMemory,
            format!("{what} needs more memory than the warehouse has ({limit} bytes)."),
        ))
    }

    /// Reserves `bytes` more even if the budget does not have them: for a working set without which an
    /// operator could not go on.
    pub fn force(&mut self, bytes: usize) {
        self.budget.used_bytes.fetch_add(bytes, Ordering::Relaxed);
        self.bytes += bytes;
    }

    /// Gives `bytes` back.
    pub fn shrink(&mut self, bytes: usize) {
        let bytes = bytes.min(self.bytes);
        self.bytes -= bytes;
        self.budget.used_bytes.fetch_sub(bytes, Ordering::Relaxed);
    }

    /// Takes over what another has reserved of the same budget.
    pub fn absorb(&mut self, mut other: Reservation) {
        self.bytes += std::mem::take(&mut other.bytes);
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.shrink(self.bytes);
    }
}

/// About how many bytes the rows of a batch are worth. Unlike the memory of its buffers, which slices of
/// one large batch share, it adds up.
pub(crate) fn bytes_of(batch: &Batch) -> usize {
    batch.columns().iter().map(bytes_of_column).sum()
}

/// About how many bytes a column takes, as [`bytes_of`].
pub(crate) fn bytes_of_column(column: &Column) -> usize {
    match column {
        Column::Flat(array) => array.needed_bytes(),
        Column::Constant { value, .. } => value.needed_bytes(),
        Column::Dictionary { codes, values } => {
            codes.len() * 4 + if values.len() <= codes.len() { values.needed_bytes() } else { 0 }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reservation_never_exceeds_the_budget_and_gives_back() {
        let budget = MemoryBudget::new(100);
        let mut first = budget.reservation();
        assert!(first.try_grow(80));
        let mut second = budget.reservation();
        assert!(!second.try_grow(30));
        assert!(second.grow(30, "A test").is_err());
        assert!(first.try_resize(10));
        assert!(second.try_grow(90));
        drop(first);
        assert_eq!(budget.used_bytes(), 90);
        drop(second);
        assert_eq!(budget.used_bytes(), 0);
    }
}
