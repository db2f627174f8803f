//! Answers of one bit per row, made 64 at a time.

use arrow::buffer::{BooleanBuffer, Buffer};

use super::Test;
use crate::Array;
use crate::kernels::forms::{Operand, Side, rows_of};

/// The answers of `test` as bits. A block of 64 answers is first computed as bytes, which the compiler
/// vectorizes, and then packed.
#[inline]
pub(crate) fn pack<T: Copy>(values: Operand<'_, T>, test: impl Fn(T) -> bool) -> BooleanBuffer {
    match values {
        Operand::Many(values) => {
            let mut words = Vec::with_capacity(values.len().div_ceil(64));
            for block in values.chunks(64) {
                let mut answers = [0_u8; 64];
                for (answer, &value) in answers.iter_mut().zip(block) {
                    *answer = u8::from(test(value));
                }
                words.push(word(&answers));
            }
            BooleanBuffer::new(Buffer::from_vec(words), 0, values.len())
        }
        Operand::One(value) if test(value) => BooleanBuffer::new_set(1),
        Operand::One(_) => BooleanBuffer::new_unset(1),
    }
}

/// As [`pack`], of the pairs of two columns.
#[inline]
pub(crate) fn pack_pairs<T: Copy, U: Copy>(
    left: Operand<'_, T>,
    right: Operand<'_, U>,
    test: impl Fn(T, U) -> bool,
) -> BooleanBuffer {
    match (left, right) {
        (Operand::Many(left), Operand::Many(right)) => {
            let mut words = Vec::with_capacity(left.len().div_ceil(64));
            for (left, right) in left.chunks(64).zip(right.chunks(64)) {
                let mut answers = [0_u8; 64];
                for ((answer, &l), &r) in answers.iter_mut().zip(left).zip(right) {
                    *answer = u8::from(test(l, r));
                }
                words.push(word(&answers));
            }
            BooleanBuffer::new(Buffer::from_vec(words), 0, left.len())
        }
        (left, Operand::One(r)) => pack(left, |l| test(l, r)),
        (Operand::One(l), right) => pack(right, |r| test(l, r)),
    }
}

/// Sixty-four bytes of 0 or 1 as the bits of a word, the first one lowest.
#[inline]
fn word(answers: &[u8; 64]) -> u64 {
    let mut word = 0;
    for (index, eight) in answers.as_chunks::<8>().0.iter().enumerate() {
        // The product moves byte k's lowest bit to bit 56 + k.
        let bits = u64::from_le_bytes(*eight).wrapping_mul(0x0102_0408_1020_4080) >> 56;
        word |= bits << (index * 8);
    }
    word
}

/// A test of values whose own order is SQL's.
pub(super) fn ordered<T: Copy + Ord>(
    test: Test,
    left: Operand<'_, T>,
    right: Operand<'_, T>,
) -> BooleanBuffer {
    match test {
        Test::Equal => pack_pairs(left, right, |l, r| l == r),
        Test::Less => pack_pairs(left, right, |l, r| l < r),
        Test::LessOrEqual => pack_pairs(left, right, |l, r| l <= r),
    }
}

/// An integer that orders as SQL orders floating-point numbers: -0 is 0, and NaN, of whichever sign, is
/// above infinity.
#[inline]
pub(crate) fn float_key(value: f64) -> i64 {
    let value = if value.is_nan() { f64::NAN } else { value + 0.0 };
    let bits = value.to_bits() as i64;
    bits ^ (((bits >> 63) as u64) >> 1) as i64
}

pub(super) fn floats(test: Test, left: Operand<'_, f64>, right: Operand<'_, f64>) -> BooleanBuffer {
    match test {
        Test::Equal => pack_pairs(left, right, |l, r| float_key(l) == float_key(r)),
        Test::Less => pack_pairs(left, right, |l, r| float_key(l) < float_key(r)),
        Test::LessOrEqual => pack_pairs(left, right, |l, r| float_key(l) <= float_key(r)),
    }
}

pub(super) fn booleans(test: Test, left: Side<'_>, right: Side<'_>) -> BooleanBuffer {
    let rows = rows_of(left, right);
    let values = |side: Side<'_>| match side.array {
        Array::Bool(a) if !side.repeats => a.values().clone(),
        Array::Bool(a) if a.value(0) => BooleanBuffer::new_set(rows),
        _ => BooleanBuffer::new_unset(rows),
    };
    let (left, right) = (values(left), values(right));
    match test {
        Test::Equal => !&(&left ^ &right),
        Test::Less => &!&left & &right,
        Test::LessOrEqual => &!&left | &right,
    }
}
