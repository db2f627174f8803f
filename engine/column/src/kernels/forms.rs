//! Runs a kernel over columns of any form, once per distinct value where the form allows.
//!
//! A dictionary may hold values that no row uses. A kernel that fails on the dictionary is therefore run
//! again on the rows themselves, so that only values that occur can make it fail.

use std::sync::Arc;

use arrow::array::{Array as _, BooleanArray, PrimitiveArray, UInt32Array};
use arrow::buffer::{BooleanBuffer, NullBuffer};
use arrow::datatypes::ArrowPrimitiveType;
use firn_types::Result;

use crate::{Array, Column, PhysicalType};

/// One operand of a kernel of two: an array, or an array of one value that stands for every row.
#[derive(Clone, Copy, Debug)]
pub struct Side<'a> {
    /// The values.
    pub array: &'a Array,
    /// Whether the one value stands for every row.
    pub repeats: bool,
}

/// The values of one operand of a kernel of two.
#[derive(Clone, Copy, Debug)]
pub enum Operand<'a, T> {
    /// One per row.
    Many(&'a [T]),
    /// The same for every row.
    One(T),
}

impl<T: Copy> Operand<'_, T> {
    /// The value of a row.
    #[inline]
    pub fn at(&self, row: usize) -> T {
        match self {
            Operand::Many(values) => values[row],
            Operand::One(value) => *value,
        }
    }
}

impl<'a> Side<'a> {
    /// One value per row.
    pub fn many(array: &'a Array) -> Side<'a> {
        Side { array, repeats: false }
    }

    /// One value for every row.
    pub fn one(array: &'a Array) -> Side<'a> {
        Side { array, repeats: true }
    }

    /// The values of a primitive array that this side holds.
    pub(crate) fn operand<T: ArrowPrimitiveType>(
        self,
        array: &'a PrimitiveArray<T>,
    ) -> Operand<'a, T::Native> {
        if self.repeats { Operand::One(array.value(0)) } else { Operand::Many(array.values()) }
    }

    /// Which rows are not NULL; a repeated value never is when a kernel of [`zip`] sees it.
    pub fn nulls(self) -> Option<&'a NullBuffer> {
        if self.repeats { None } else { self.array.nulls() }
    }
}

/// The rows that are NULL in neither operand.
pub fn nulls_of_both(left: Side<'_>, right: Side<'_>) -> Option<NullBuffer> {
    NullBuffer::union(left.nulls(), right.nulls())
}

/// The number of rows of two operands of one kernel.
pub fn rows_of(left: Side<'_>, right: Side<'_>) -> usize {
    if left.repeats { right.array.len() } else { left.array.len() }
}

/// `kernel` on every value: once for a constant, once per value of a dictionary. The kernel gives one
/// value for each, and NULL for NULL.
///
/// # Errors
/// The kernel's, for values that occur in the column.
pub fn map(column: &Column, kernel: impl Fn(&Array) -> Result<Array>) -> Result<Column> {
    match column {
        Column::Flat(array) => Ok(Column::Flat(kernel(array)?)),
        Column::Constant { value, rows } => {
            Ok(Column::Constant { value: kernel(value)?, rows: *rows })
        }
        Column::Dictionary { codes, values } => {
            if values.len() <= codes.len()
                && let Ok(answers) = kernel(values)
            {
                return Ok(Column::from_codes(codes.clone(), Arc::new(answers)));
            }
            Ok(Column::Flat(kernel(&column.flat())?))
        }
    }
}

/// `kernel` on every pair of values of two columns of equal length: once for two constants, once per
/// value for a dictionary beside a constant. NULL beside anything gives NULL; constants that the kernel
/// sees as repeated are not NULL.
///
/// # Errors
/// The kernel's, for values that occur in the columns.
pub fn zip(
    left: &Column,
    right: &Column,
    kernel: impl Fn(Side<'_>, Side<'_>) -> Result<Array>,
) -> Result<Column> {
    let rows = left.len();
    match (left, right) {
        (Column::Constant { value: l, .. }, Column::Constant { value: r, .. }) => {
            Ok(Column::Constant { value: kernel(Side::many(l), Side::many(r))?, rows })
        }
        (Column::Constant { value: l, .. }, other) if l.is_null(0) => {
            let value = kernel(Side::many(l), Side::many(&Array::nulls_of(other.physical(), 1)))?;
            Ok(Column::Constant { value, rows })
        }
        (other, Column::Constant { value: r, .. }) if r.is_null(0) => {
            let value = kernel(Side::many(&Array::nulls_of(other.physical(), 1)), Side::many(r))?;
            Ok(Column::Constant { value, rows })
        }
        (Column::Constant { value: l, .. }, other) => {
            map(other, |array| kernel(Side::one(l), Side::many(array)))
        }
        (other, Column::Constant { value: r, .. }) => {
            map(other, |array| kernel(Side::many(array), Side::one(r)))
        }
        (l, r) => Ok(Column::Flat(kernel(Side::many(&l.flat()), Side::many(&r.flat()))?)),
    }
}

/// `function` of every pair of values.
#[inline]
pub(crate) fn pairs<L: Copy, R: Copy, O>(
    left: Operand<'_, L>,
    right: Operand<'_, R>,
    mut function: impl FnMut(L, R) -> O,
) -> Vec<O> {
    match (left, right) {
        (Operand::Many(l), Operand::Many(r)) => {
            l.iter().zip(r).map(|(&l, &r)| function(l, r)).collect()
        }
        (Operand::Many(l), Operand::One(r)) => l.iter().map(|&l| function(l, r)).collect(),
        (Operand::One(l), Operand::Many(r)) => r.iter().map(|&r| function(l, r)).collect(),
        (Operand::One(l), Operand::One(r)) => vec![function(l, r)],
    }
}

/// The answers of a dictionary's values, for its rows. Texts stay a dictionary.
pub fn by_code(codes: &UInt32Array, answers: &Arc<Array>) -> Column {
    match answers.as_ref() {
        Array::Bool(flags) if flags.null_count() == 0 => {
            // What lies under a NULL code is arbitrary.
            let (table, codes_of) = (flags.values(), codes.values());
            let flags = BooleanBuffer::collect_bool(codes.len(), |row| {
                let code = codes_of[row] as usize;
                code < table.len() && table.value(code)
            });
            Column::Flat(Array::Bool(BooleanArray::new(flags, codes.nulls().cloned())))
        }
        all => {
            let keeps = all.null_count() == 0
                && matches!(all.physical(), PhysicalType::Text | PhysicalType::Bytes);
            let column = Column::Dictionary { codes: codes.clone(), values: Arc::clone(answers) };
            if keeps { column } else { Column::Flat(column.flat()) }
        }
    }
}

/// The column as an array or a constant.
pub fn without_dictionary(column: &Column) -> Column {
    match column {
        Column::Dictionary { .. } => Column::Flat(column.flat()),
        other => other.clone(),
    }
}
