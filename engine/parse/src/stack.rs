//! Room for deep recursion.
//!
//! Reading descends with the nesting of the text, and dropping a half-read chain of operators with its
//! length. Both are bounded by the text, which may be large; such texts are read on a thread with a stack
//! that fits.

use firn_types::{Error, Result};

/// Levels of nesting that any stack has room for.
const NESTING_PLAIN: usize = 8;
/// Lexemes whose longest chain any stack has room for.
const LEXEMES_PLAIN: usize = 1_500;
/// Bytes of stack for the deepest nesting that is allowed.
const STACK_BASE: usize = 256 << 20;
/// Bytes of stack for one more link in a chain.
const STACK_PER_LEXEME: usize = 512;

/// Runs `f`, on a thread of its own when the text is deep or long. Errors: those of `f`; no thread.
pub(super) fn with_room<T: Send>(
    nesting: usize,
    lexemes: usize,
    f: impl FnOnce() -> Result<T> + Send,
) -> Result<T> {
    if nesting <= NESTING_PLAIN && lexemes <= LEXEMES_PLAIN {
        return f();
    }
    let size = STACK_BASE + lexemes.saturating_mul(STACK_PER_LEXEME);
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(size).spawn_scoped(scope, f);
        let thread = thread.map_err(|error| Error::internal(format!("no thread: {error}")))?;
        thread.join().unwrap_or_else(|_| Err(Error::internal("the parser failed")))
    })
}
