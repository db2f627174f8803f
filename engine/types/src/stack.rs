//! Room on the stack for what descends with a statement's nesting.
//!
//! Trees of joins, of operators and of views are as deep as the statement is long at most. A statement whose
//! text is short runs where it is; one whose trees may be deep gets a stack that fits.

/// Bytes of stack that every statement may use.
const BASE: usize = 512 << 10;
/// Bytes of stack for each byte of a statement's text: the shortest link of a chain, `+1`, takes a frame of
/// every function that goes through trees, one at a time.
const PER_TEXT_BYTE: usize = 16 << 10;
/// Bytes of the largest stack; only what is touched takes memory.
const MAX: usize = 256 << 20;

/// Does the work of a statement of so many bytes with enough stack; `usize::MAX` asks for the largest there is.
pub fn with_room<T>(text_bytes: usize, work: impl FnOnce() -> T) -> T {
    let needed = BASE.saturating_add(text_bytes.saturating_mul(PER_TEXT_BYTE)).min(MAX);
    stacker::maybe_grow(needed, needed, work)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn depth(levels: usize) -> usize {
        let frame = [levels; 64];
        if levels == 0 { 0 } else { 1 + depth(std::hint::black_box(frame)[63] - 1) }
    }

    #[test]
    fn a_long_text_has_room_where_the_thread_has_not() {
        let levels = 40_000;
        assert_eq!(with_room(20_000, || depth(levels)), levels);
    }
}
