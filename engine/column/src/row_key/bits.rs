//! Which integers of a range occur, a bit for each: the quickest answer to whether a key is there at all.
//! In a wide range a bit stands for several neighbors, and the answer may be that a key may be there.
//!
//! A byte stands for eight keys or more, so that what a join knows of hundreds of thousands of keys stays in the
//! nearest caches while a scan asks for each of its rows.

use arrow::array::{Array as _, ArrowPrimitiveType, PrimitiveArray};
use arrow::buffer::BooleanBuffer;

use crate::{Array, Column, Selection};

/// Bits per key up to which they are worth their memory; with fewer, one stands for several neighbors.
const BITS_PER_KEY: u64 = 256;
/// Bits per key without which those that stand for several neighbors would nearly all be set.
const BITS_PER_KEY_MIN: u64 = 8;
/// Bits that may be had in any case: 1 MiB.
const BITS_FREE: u64 = 1 << 23;
/// Most bits: 16 MiB.
const BITS_MAX: u64 = 1 << 27;

/// Which integers of a range occur.
#[derive(Debug)]
pub struct KeyBits {
    low: i64,
    /// So many low bits of a key's distance from `low` are left out of account.
    shift: u32,
    /// Bits; the one behind the last is never set.
    span: u64,
    words: Vec<u64>,
}

impl KeyBits {
    /// The integers of a column, all of which lie within `range`, both ends included; none when the range
    /// is not one of 64 bits, or would give each key too few of them. NULLs do not occur.
    pub fn of(keys: &Column, (low, high): (i128, i128)) -> Option<KeyBits> {
        let (low, high) = (i64::try_from(low).ok()?, i64::try_from(high).ok()?);
        let allowed = (keys.len() as u64).saturating_mul(BITS_PER_KEY).clamp(BITS_FREE, BITS_MAX);
        let distance = high.wrapping_sub(low) as u64;
        let wanted = u64::BITS - (distance / allowed).leading_zeros();
        let shift = wanted.min(u64::BITS - 1);
        let span = (distance >> shift) + 1;
        if shift > 0 && keys.len() as u64 * BITS_PER_KEY_MIN > span {
            return None;
        }
        let mut bits = KeyBits { low, shift, span, words: vec![0; span as usize / 64 + 1] };
        match keys.flat() {
            Array::I32(values) => bits.add(&values, i64::from),
            Array::I64(values) => bits.add(&values, |value| value),
            Array::I128(values) => bits.add(&values, |value| value as i64),
            _ => return None,
        }
        Some(bits)
    }

    /// Whether a key whose bit is set surely occurs.
    pub fn is_exact(&self) -> bool {
        self.shift == 0
    }

    fn add<T: ArrowPrimitiveType>(
        &mut self,
        values: &PrimitiveArray<T>,
        integer: impl Fn(T::Native) -> i64,
    ) {
        for value in values.iter().flatten() {
            let at = self.place(integer(value));
            if at < self.span {
                self.words[at as usize / 64] |= 1 << (at % 64);
            }
        }
    }

    /// The bit of an integer; the one that is never set for those outside.
    #[inline]
    fn place(&self, value: i64) -> u64 {
        (value.wrapping_sub(self.low) as u64 >> self.shift).min(self.span)
    }

    #[inline]
    fn has(&self, value: i64) -> bool {
        let at = self.place(value);
        self.words[at as usize / 64] >> (at % 64) & 1 == 1
    }

    /// The rows of a selection whose key occurs, or may occur where the bits are not exact; NULL does not.
    pub fn narrow(&self, selection: Selection, keys: &Column) -> Selection {
        match keys.flat() {
            Array::I32(values) => self.narrow_by(selection, &values, i64::from),
            Array::I64(values) => self.narrow_by(selection, &values, |value| value),
            Array::I128(values) => self.narrow_by(selection, &values, |value| {
                // What no 64 bits hold lies outside, as do all numbers that are less than the least one.
                i64::try_from(value).unwrap_or(self.low.wrapping_sub(1))
            }),
            _ => selection,
        }
    }

    fn narrow_by<T: ArrowPrimitiveType>(
        &self,
        selection: Selection,
        values: &PrimitiveArray<T>,
        integer: impl Fn(T::Native) -> i64,
    ) -> Selection {
        let (numbers, nulls) = (values.values(), values.nulls());
        let valid = |row: usize| nulls.is_none_or(|nulls| nulls.is_valid(row));
        if let Selection::Rows(rows) = &selection {
            let has = |&&row: &&u32| {
                let row = row as usize;
                valid(row) && self.has(integer(numbers[row]))
            };
            return Selection::Rows(
                rows.values().iter().filter(has).copied().collect::<Vec<_>>().into(),
            );
        }
        let mut mask =
            BooleanBuffer::collect_bool(numbers.len(), |row| self.has(integer(numbers[row])));
        if let Some(nulls) = nulls {
            mask = &mask & nulls.inner();
        }
        selection.within(&mask)
    }
}

#[cfg(test)]
mod tests {
    use firn_types::{SqlType, Value};

    use super::*;

    fn integers(values: &[Option<i128>]) -> Column {
        let value = |value: &Option<i128>| value.map_or(Value::Null, Value::integer);
        let values: Vec<Value> = values.iter().map(value).collect();
        Column::from_values(SqlType::INTEGER, values.iter()).unwrap()
    }

    fn rows(selection: Selection, of: usize) -> Vec<u32> {
        selection.positions(of).values().to_vec()
    }

    #[test]
    fn finds_what_occurs_in_every_width() {
        let built = integers(&[Some(-3), None, Some(70), Some(5)]);
        let bits = KeyBits::of(&built, (-3, 70)).unwrap();
        let wide = i128::from(i64::MAX) + 10;
        for extra in [None, Some(1 << 40), Some(wide), Some(-wide)] {
            let asked = integers(&[Some(5), None, Some(-4), Some(71), Some(70), Some(0), extra]);
            assert_eq!(rows(bits.narrow(Selection::All, &asked), 7), [0, 4]);
            let some = Selection::Rows(vec![1_u32, 4, 6].into());
            assert_eq!(rows(bits.narrow(some, &asked), 7), [4]);
            let mask = Selection::Mask(BooleanBuffer::from(vec![
                true, true, true, true, false, false, true,
            ]));
            assert_eq!(rows(bits.narrow(mask, &asked), 7), [0]);
        }
    }

    #[test]
    fn leaves_out_what_is_not_near_in_a_wide_range() {
        for far in [1 << 30, i128::from(i64::MAX)] {
            let bits = KeyBits::of(&integers(&[Some(0), None, Some(far)]), (0, far)).unwrap();
            let asked =
                integers(&[Some(0), Some(far), Some(far / 2), None, Some(-1), Some(far + 5000)]);
            assert_eq!(rows(bits.narrow(Selection::All, &asked), 6)[..2], [0, 1]);
            assert!(!rows(bits.narrow(Selection::All, &asked), 6).contains(&2));
            assert!(!rows(bits.narrow(Selection::All, &asked), 6).contains(&4));
        }
        let all = (i128::from(i64::MIN), i128::from(i64::MAX));
        let bits = KeyBits::of(&integers(&[Some(all.0), Some(7), Some(all.1)]), all).unwrap();
        let asked = integers(&[Some(7), Some(all.1), Some(1 << 62), Some(all.0)]);
        assert_eq!(rows(bits.narrow(Selection::All, &asked), 4), [0, 1, 3]);
    }

    #[test]
    fn refuses_a_range_of_more_than_64_bits() {
        assert!(KeyBits::of(&integers(&[Some(0)]), (i128::MIN, i128::MAX)).is_none());
    }
}
