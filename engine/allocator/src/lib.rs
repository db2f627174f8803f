//! The memory allocator of the processes that run an engine: the binary and the benchmarks. Whoever calls
//! [`keep_freed_memory`] allocates with it.

use libmimalloc_sys::{mi_option_set_default, mi_option_t};
use mimalloc::MiMalloc;

// Engines allocate and free large buffers from many threads; the system's allocator is slow at that.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// `mi_option_purge_delay` of mimalloc.h, which the binding does not name.
const PURGE_DELAY: mi_option_t = 15;
/// How long freed memory is kept for what comes next.
const PURGE_DELAY_MS: std::ffi::c_long = 10_000;
/// An engine that may use less than this gives freed memory back at once.
const KEEPING_BYTES: usize = 256 << 20;

/// Gives freed memory back to the system only after ten seconds; at once where an engine may use little, which is what
/// `memory_bytes` says if somebody has said how much.
///
/// A statement frees what it held; the next one needs as much. Given back after a second, which is what mimalloc
/// does by itself, it has to be cleared again, and comes in small pages where it had been in huge ones. Beside little
/// memory, though, what is kept weighs more than what is held: operators that spill go through a lot of it in ten
/// seconds. What the environment says by `MIMALLOC_PURGE_DELAY` (in milliseconds) comes first. Call it before there
/// are threads.
pub fn keep_freed_memory(memory_bytes: Option<usize>) {
    let is_little = memory_bytes.is_some_and(|bytes| bytes < KEEPING_BYTES);
    let delay = if is_little { 0 } else { PURGE_DELAY_MS };
    // SAFETY: the option is there, and mimalloc takes a value of it at any time.
    #[expect(
        unsafe_code,
        reason = "mimalloc has no other interface; a fifth of the time of joins at stake"
    )]
    unsafe {
        mi_option_set_default(PURGE_DELAY, delay);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use libmimalloc_sys::mi_option_get;

    #[test]
    #[expect(unsafe_code, reason = "asks mimalloc")]
    fn the_option_is_the_delay() {
        // SAFETY: reads a number.
        let delay = || unsafe { mi_option_get(PURGE_DELAY) };
        // Its default, by which it can be told from its neighbors, unless the environment says otherwise.
        if std::env::var_os("MIMALLOC_PURGE_DELAY").is_none() {
            assert_eq!(delay(), 1_000);
            keep_freed_memory(None);
            assert_eq!(delay(), PURGE_DELAY_MS);
            keep_freed_memory(Some(64 << 20));
            assert_eq!(delay(), 0);
        }
    }
}
