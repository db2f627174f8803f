//! How large the numbers of an array can be, found in one cheap pass.

use crate::Array;
use crate::kernels::forms::Operand;

/// The least `b` such that every value lies in `-2^b .. 2^b`, the lower end included. The values under
/// NULLs count too.
pub(crate) fn bits(array: &Array) -> u32 {
    match array {
        Array::I32(a) => i64_bits(Operand::Many(&[fold_i32(a.values())])),
        Array::I64(a) => i64_bits(Operand::Many(a.values())),
        Array::I128(a) => i128_bits(a.values()),
        _ => 128,
    }
}

fn fold_i32(values: &[i32]) -> i64 {
    i64::from(values.iter().fold(0, |all, &v| all | (v ^ (v >> 31))))
}

/// As [`bits`] for 64-bit values.
pub(crate) fn i64_bits(values: Operand<'_, i64>) -> u32 {
    let all = match values {
        Operand::Many(values) => values.iter().fold(0, |all, &v| all | (v ^ (v >> 63))),
        Operand::One(value) => value ^ (value >> 63),
    };
    64 - all.leading_zeros()
}

fn i128_bits(values: &[i128]) -> u32 {
    128 - values.iter().fold(0, |all, &v| all | (v ^ (v >> 127))).leading_zeros()
}
