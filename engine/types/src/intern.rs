//! Values that are kept once for the process, so that a number stands for each of them.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, LazyLock};

use parking_lot::RwLock;

use crate::{Error, ErrorCode, Result};

/// Values by their numbers, from 0. They are never forgotten; so statements may name at most `max` of them. As many
/// again are left for stored ones, so that an account can be read whatever statements have named.
pub(crate) struct Interner<T> {
    max: usize,
    /// What the values are, for the error when there are too many.
    what: &'static str,
    known: LazyLock<RwLock<Known<T>>>,
}

struct Known<T> {
    values: Vec<Arc<T>>,
    numbers: HashMap<Arc<T>, u32>,
}

impl<T: Eq + Hash> Interner<T> {
    pub(crate) const fn new(what: &'static str, max: usize) -> Interner<T> {
        let empty = || RwLock::new(Known { values: Vec::new(), numbers: HashMap::new() });
        Interner { max, what, known: LazyLock::new(empty) }
    }

    /// The number of a value that a statement names.
    ///
    /// # Errors
    /// `OutOfMemory` when there are too many.
    pub(crate) fn number(&self, value: T) -> Result<u32> {
        self.number_below(self.max, value)
    }

    /// The number of a value that is stored.
    ///
    /// # Errors
    /// `OutOfMemory` when there are too many.
    pub(crate) fn stored_number(&self, value: T) -> Result<u32> {
        self.number_below(self.max.saturating_mul(2), value)
    }

    fn number_below(&self, max: usize, value: T) -> Result<u32> {
        if let Some(number) = self.known.read().numbers.get(&value) {
            return Ok(*number);
        }
        let mut known = self.known.write();
        if let Some(number) = known.numbers.get(&value) {
            return Ok(*number);
        }
        let count = known.values.len();
        let Some(number) = u32::try_from(count).ok().filter(|_| count < max) else {
            let text = format!("more than {max} {} are in use", self.what);
            return Err(Error::new(ErrorCode::OutOfMemory, text));
        };
        let value = Arc::new(value);
        known.values.push(Arc::clone(&value));
        known.numbers.insert(value, number);
        Ok(number)
    }

    /// The value of a number.
    pub(crate) fn value(&self, number: u32) -> Option<Arc<T>> {
        self.known.read().values.get(number as usize).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_has_one_number_and_there_are_so_many() {
        static NAMES: Interner<String> = Interner::new("names", 2);
        assert_eq!(NAMES.number("a".to_string()).ok(), Some(0));
        assert_eq!(NAMES.number("b".to_string()).ok(), Some(1));
        assert_eq!(NAMES.number("a".to_string()).ok(), Some(0));
        assert!(NAMES.number("c".to_string()).is_err());
        assert_eq!(NAMES.value(1).as_deref().map(String::as_str), Some("b"));
        assert!(NAMES.value(2).is_none());
        assert_eq!(NAMES.stored_number("c".to_string()).ok(), Some(2));
        assert_eq!(NAMES.number("c".to_string()).ok(), Some(2));
        assert_eq!(NAMES.stored_number("d".to_string()).ok(), Some(3));
        assert!(NAMES.stored_number("e".to_string()).is_err());
    }
}
