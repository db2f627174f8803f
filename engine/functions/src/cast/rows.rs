//! Loops over the rows of an array, with the failures noted.

use arrow::array::{Array as _, Float64Array, StringViewArray};
use arrow::buffer::NullBuffer;
use firn_column::Array;
use firn_types::{Error, Result, SqlType};

use super::Failures;

/// Converts the texts that are not NULL and hands a value for each row, NULLs included, to `push`.
/// Gives the nulls of the result.
pub(super) fn each_text<T: Default, E>(
    texts: &StringViewArray,
    failures: &mut Failures,
    parse: impl Fn(&str) -> Result<T, E>,
    error: impl Fn(&str, E) -> Error,
    mut push: impl FnMut(T),
) -> Result<Option<NullBuffer>> {
    let mut failed = Vec::new();
    let nulls = texts.nulls().filter(|nulls| nulls.null_count() > 0);
    for row in 0..texts.len() {
        if nulls.is_some_and(|nulls| nulls.is_null(row)) {
            push(T::default());
            continue;
        }
        let text = texts.value(row);
        push(match parse(text) {
            Ok(value) => value,
            Err(failure) => {
                failures.add(row, || error(text, failure))?;
                failed.push(row);
                T::default()
            }
        });
    }
    Ok(nulls_with(texts.nulls(), texts.len(), &failed))
}

/// As [`each_text`], for integers of any width.
pub(super) fn each_integer<T: Default>(
    array: &Array,
    failures: &mut Failures,
    convert: impl Fn(i128) -> Option<T>,
    error: impl Fn(i128) -> Error,
    push: impl FnMut(T),
) -> Result<Option<NullBuffer>> {
    each_row(array, failures, |row| array.integer(row), convert, error, push)
}

/// As [`each_text`], for floating-point numbers.
pub(super) fn each_float<T: Default>(
    array: &Array,
    floats: &Float64Array,
    failures: &mut Failures,
    convert: impl Fn(f64) -> Option<T>,
    error: impl Fn(f64) -> Error,
    push: impl FnMut(T),
) -> Result<Option<NullBuffer>> {
    each_row(array, failures, |row| floats.value(row), convert, error, push)
}

/// As [`each_text`], for what `source` reads from a row.
pub(super) fn each_row<S: Copy, T: Default>(
    array: &Array,
    failures: &mut Failures,
    source: impl Fn(usize) -> S,
    convert: impl Fn(S) -> Option<T>,
    error: impl Fn(S) -> Error,
    mut push: impl FnMut(T),
) -> Result<Option<NullBuffer>> {
    let mut failed = Vec::new();
    for row in 0..array.len() {
        if array.is_null(row) {
            push(T::default());
            continue;
        }
        let value = source(row);
        push(match convert(value) {
            Some(value) => value,
            None => {
                failures.add(row, || error(value))?;
                failed.push(row);
                T::default()
            }
        });
    }
    Ok(nulls_with(array.nulls(), array.len(), &failed))
}

/// The nulls of an array together with further rows that became NULL.
pub(super) fn nulls_with(
    nulls: Option<&NullBuffer>,
    rows: usize,
    failed: &[usize],
) -> Option<NullBuffer> {
    if failed.is_empty() {
        return nulls.cloned();
    }
    let mut present = vec![true; rows];
    failed.iter().for_each(|&row| present[row] = false);
    NullBuffer::union(nulls, Some(&NullBuffer::from(present)))
}

/// The error for a conversion that the table of coercions does not have.
pub(super) fn no_conversion(from: SqlType, to: &str) -> Error {
    Error::internal(format!("a cast from {from} to {to}"))
}
