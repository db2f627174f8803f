//! Waiting for several answers at once.

use firn_types::{Error, Result};

/// Does the same with all items, at most so many at once, each on a thread of its own: for work that mostly
/// waits for a network. The answers are in the order of the items.
///
/// # Errors
/// The first one that an item met; an internal error when a thread fails.
pub fn map_at_once<T: Sync, R: Send>(
    items: &[T],
    at_once: usize,
    work: impl Fn(&T) -> Result<R> + Sync,
) -> Result<Vec<R>> {
    let mut answers = Vec::with_capacity(items.len());
    for some in items.chunks(at_once.max(1)) {
        if let [one] = some {
            answers.push(work(one)?);
            continue;
        }
        let done: Vec<Result<R>> = std::thread::scope(|scope| {
            let threads: Vec<_> = some.iter().map(|item| scope.spawn(|| work(item))).collect();
            let failed = |_| Err(Error::internal("a thread that waits for an answer failed"));
            threads.into_iter().map(|thread| thread.join().unwrap_or_else(failed)).collect()
        });
        for answer in done {
            answers.push(answer?);
        }
    }
    Ok(answers)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn answers_keep_their_order_and_no_more_run_at_once_than_may() -> Result<()> {
        let (running, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let items: Vec<usize> = (0..20).collect();
        let answers = map_at_once(&items, 4, |item| {
            most.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            std::thread::yield_now();
            running.fetch_sub(1, Ordering::SeqCst);
            Ok(item * 2)
        })?;
        assert_eq!(answers, items.iter().map(|item| item * 2).collect::<Vec<_>>());
        assert!(most.into_inner() <= 4);
        let failed = map_at_once(&items, 4, |item| match item {
            7 => Err(Error::internal("seven")),
            item => Ok(*item),
        });
        assert!(failed.is_err_and(|error| error.detail().contains("seven")));
        Ok(())
    }
}
