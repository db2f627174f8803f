//! The only caller of the real time, so that tests can replace it.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// Tells the time: the system's, or one that a test sets.
#[derive(Clone, Debug, Default)]
pub struct Clock {
    fixed_nanos: Option<Arc<AtomicI64>>,
}

impl Clock {
    /// The system's time.
    pub fn system() -> Clock {
        Clock::default()
    }

    /// A time that stands still at `nanos` since 1970 until [`Clock::advance`] moves it.
    pub fn fixed(nanos: i64) -> Clock {
        Clock { fixed_nanos: Some(Arc::new(AtomicI64::new(nanos))) }
    }

    /// Moves a fixed clock forward; the system's clock ignores it.
    pub fn advance(&self, nanos: i64) {
        if let Some(fixed) = &self.fixed_nanos {
            fixed.fetch_add(nanos, Ordering::SeqCst);
        }
    }

    /// Nanoseconds since 1970-01-01 00:00 UTC.
    pub fn now_nanos(&self) -> i64 {
        match &self.fixed_nanos {
            Some(fixed) => fixed.load(Ordering::SeqCst),
            None => SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .map_or(0, |since| i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)),
        }
    }
}
