//! Collecting integers whose width is not known beforehand, and reading those of any width.

use arrow::array::{Decimal128Array, Int32Array, Int64Array};
use arrow::buffer::NullBuffer;
use firn_column::{Array, PhysicalType};

/// Integers of 64 bits until one needs more.
#[derive(Debug)]
pub(crate) enum Integers {
    /// All fit 64 bits so far.
    EncodedColumn(Vec<i64>),
    /// One did not.
    Wide(Vec<i128>),
}

impl Integers {
    /// An empty collection.
    pub(crate) fn with_capacity(capacity: usize) -> Integers {
        Integers::EncodedColumn(Vec::with_capacity(capacity))
    }

    /// Adds a value.
    #[inline]
    pub(crate) fn push(&mut self, value: i128) {
        match (&mut *self, i64::try_from(value)) {
            (Integers::EncodedColumn(values), Ok(narrow)) => values.push(narrow),
            (Integers::EncodedColumn(values), Err(_)) => {
                let mut wide: Vec<i128> = Vec::with_capacity(values.capacity());
                wide.extend(values.iter().map(|&v| i128::from(v)));
                wide.push(value);
                *self = Integers::Wide(wide);
            }
            (Integers::Wide(values), _) => values.push(value),
        }
    }

    /// The values in 64 or 128 bits.
    pub(crate) fn finish(self, nulls: Option<NullBuffer>) -> Array {
        match self {
            Integers::EncodedColumn(values) => Array::I64(Int64Array::new(values.into(), nulls)),
            Integers::Wide(values) => wide_array(values, nulls),
        }
    }

    /// The values in the narrowest width that holds them all.
    pub(crate) fn finish_narrowest(self, nulls: Option<NullBuffer>) -> Array {
        match self {
            Integers::EncodedColumn(values) => {
                let (low, high) = range(&values);
                if PhysicalType::narrowest(low.into(), high.into()) == PhysicalType::I32 {
                    let narrow: Vec<i32> = values.iter().map(|&v| v as i32).collect();
                    return Array::I32(Int32Array::new(narrow.into(), nulls));
                }
                Array::I64(Int64Array::new(values.into(), nulls))
            }
            Integers::Wide(values) => wide_array(values, nulls),
        }
    }
}

fn range(values: &[i64]) -> (i64, i64) {
    values.iter().fold((0, 0), |(low, high), &v| (v.min(low), v.max(high)))
}

/// 128-bit integers as an array.
pub(crate) fn wide_array(values: Vec<i128>, nulls: Option<NullBuffer>) -> Array {
    Array::I128(Decimal128Array::new(values.into(), nulls))
}
