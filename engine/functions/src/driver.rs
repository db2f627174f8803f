//! Loops over columns, so that a function's file holds only what it does with one row.
//!
//! A kernel made by [`null_propagating`] sees arguments that stand as arrays or are constant: the driver
//! evaluates all-constant calls once, evaluates once per distinct value when the only argument that
//! varies is a dictionary, and answers NULL where an argument is NULL. The kernel then reads its
//! arguments with [`texts`], [`ints`], [`floats`] and [`bools`] and answers through [`Rows`].

use std::sync::Arc;

use arrow::array::{
    Array as _, BinaryViewArray, BinaryViewBuilder, BooleanArray, Decimal128Array, Float64Array,
    Int32Array, Int64Array, StringViewArray, StringViewBuilder,
};
use arrow::buffer::{BooleanBuffer, NullBuffer};
use firn_column::kernels::forms::{by_code, without_dictionary};
use firn_column::{Array, Column, PhysicalType};
use firn_types::limits::VALUE_BYTES_MAX;
use firn_types::{Error, ErrorCode, Result};

use super::scalar::{Call, Kernel, NullRule};
use super::text_buffer::TextBuffer;

/// The rows that a kernel answers.
pub(crate) struct Rows<'a> {
    /// How many.
    pub(crate) count: usize,
    /// Which of them have all arguments; none when all have.
    pub(crate) nulls: Option<NullBuffer>,
    /// The circumstances of the call.
    pub(crate) call: &'a Call<'a>,
}

/// A kernel that answers NULL for a row with a NULL argument, and otherwise by `body`.
pub(crate) fn null_propagating(
    body: impl Fn(&Rows<'_>, &[Column]) -> Result<Array> + Send + Sync + 'static,
) -> Kernel {
    Kernel::propagating(move |call, columns| drive(call, columns, NullRule::Propagate, &body))
}

/// A kernel whose `body` looks at NULL arguments itself; [`Rows::nulls`] is none.
pub(crate) fn null_aware(
    body: impl Fn(&Rows<'_>, &[Column]) -> Result<Array> + Send + Sync + 'static,
) -> Kernel {
    Kernel::aware(move |call, columns| drive(call, columns, NullRule::Aware, &body))
}

type Body<'a> = &'a dyn Fn(&Rows<'_>, &[Column]) -> Result<Array>;

fn drive(call: &Call<'_>, columns: &[Column], rule: NullRule, body: Body<'_>) -> Result<Column> {
    let propagates = rule == NullRule::Propagate;
    let is_null = |column: &Column| column.as_constant().is_some_and(|value| value.is_null(0));
    if call.rows == 0 || (propagates && columns.iter().any(is_null)) {
        return Ok(Column::nulls_of(call.returns, call.rows));
    }
    if columns.iter().all(|column| column.as_constant().is_some()) {
        let value = body(&Rows { count: 1, nulls: None, call }, columns)?;
        return Ok(Column::Constant { value, rows: call.rows });
    }
    if let Some(answer) = per_distinct_value(call, columns, rule, body) {
        return Ok(answer);
    }
    let columns: Vec<Column> = columns.iter().map(without_dictionary).collect();
    let mut nulls = None;
    if propagates {
        for column in &columns {
            nulls = NullBuffer::union(nulls.as_ref(), column.nulls().as_ref());
        }
    }
    Ok(Column::Flat(body(&Rows { count: call.rows, nulls, call }, &columns)?))
}

/// Evaluates a dictionary's values instead of its rows, when nothing else varies. `None` also when the
/// body fails, since it may have failed for a value that no row has.
fn per_distinct_value(
    call: &Call<'_>,
    columns: &[Column],
    rule: NullRule,
    body: Body<'_>,
) -> Option<Column> {
    let mut varying = columns.iter().filter(|column| column.as_constant().is_none());
    let Some(Column::Dictionary { codes, values }) = varying.next() else { return None };
    if varying.next().is_some() || values.len() > call.rows || values.is_empty() {
        return None;
    }
    if rule == NullRule::Aware && codes.null_count() > 0 {
        return None;
    }
    let count = values.len();
    let distinct: Vec<Column> = columns
        .iter()
        .map(|column| match column.as_constant() {
            Some(value) => Column::Constant { value: value.clone(), rows: count },
            None => Column::Flat(values.as_ref().clone()),
        })
        .collect();
    let answers = body(&Rows { count, nulls: None, call }, &distinct).ok()?;
    Some(by_code(codes, &Arc::new(answers)))
}

impl Rows<'_> {
    /// Whether the row has a NULL argument.
    pub(crate) fn is_null(&self, row: usize) -> bool {
        self.nulls.as_ref().is_some_and(|nulls| nulls.is_null(row))
    }

    /// The answers of `f`, which is not asked about rows with a NULL argument.
    pub(crate) fn map<T: Output>(
        &self,
        mut f: impl FnMut(usize) -> Result<Option<T>>,
    ) -> Result<Array> {
        let mut values = vec![T::default(); self.count];
        let mut present: Option<Vec<bool>> = None;
        for (row, value) in values.iter_mut().enumerate() {
            if self.is_null(row) {
                continue;
            }
            match f(row)? {
                Some(answer) => *value = answer,
                None => present.get_or_insert_with(|| vec![true; self.count])[row] = false,
            }
        }
        let present = present.map(NullBuffer::from);
        Ok(T::array(values, NullBuffer::union(self.nulls.as_ref(), present.as_ref())))
    }

    /// The answers of a test that cannot fail. It is asked about every row, whatever its arguments.
    pub(crate) fn test(&self, f: impl FnMut(usize) -> bool) -> Array {
        let flags = BooleanBuffer::collect_bool(self.count, f);
        Array::Bool(BooleanArray::new(flags, self.nulls.clone()))
    }

    /// The texts that `f` writes; FALSE from it means NULL.
    ///
    /// # Errors
    /// Those of `f`, a text that is too large, too much for one batch, a canceled statement.
    pub(crate) fn text(
        &self,
        mut f: impl FnMut(usize, &mut TextBuffer) -> Result<bool>,
    ) -> Result<Array> {
        let mut builder = StringViewBuilder::with_capacity(self.count);
        let mut text = TextBuffer::default();
        let mut made = Made::new(self);
        for row in 0..self.count {
            text.clear();
            if self.is_null(row) || !f(row, &mut text)? {
                builder.append_null();
            } else {
                made.add(text.len())?;
                builder.append_value(text.as_str());
            }
        }
        Ok(Array::Text(builder.finish()))
    }

    /// The texts that `f` gives, mostly parts of an argument.
    pub(crate) fn slices<'t>(
        &self,
        mut f: impl FnMut(usize) -> Result<Option<&'t str>>,
    ) -> Result<Array> {
        let mut builder = StringViewBuilder::with_capacity(self.count);
        for row in 0..self.count {
            if self.is_null(row) {
                builder.append_null();
            } else {
                builder.append_option(f(row)?);
            }
        }
        Ok(Array::Text(builder.finish()))
    }

    /// The bytes that `f` writes; FALSE from it means NULL.
    ///
    /// # Errors
    /// As [`Rows::text`].
    pub(crate) fn bytes(
        &self,
        mut f: impl FnMut(usize, &mut Vec<u8>) -> Result<bool>,
    ) -> Result<Array> {
        let mut builder = BinaryViewBuilder::with_capacity(self.count);
        let mut bytes = Vec::new();
        let mut made = Made::new(self);
        for row in 0..self.count {
            bytes.clear();
            if self.is_null(row) || !f(row, &mut bytes)? {
                builder.append_null();
            } else {
                made.add(bytes.len())?;
                builder.append_value(&bytes);
            }
        }
        Ok(Array::Bytes(builder.finish()))
    }
}

/// Counts what a function makes for a batch.
struct Made<'r> {
    rows: &'r Rows<'r>,
    bytes: usize,
    /// The bytes at which the statement was last looked at.
    looked_at: usize,
}

impl<'r> Made<'r> {
    /// Bytes after which it is asked again whether the statement is to end.
    const STEP: usize = 4 << 20;

    fn new(rows: &'r Rows<'r>) -> Made<'r> {
        Made { rows, bytes: 0, looked_at: 0 }
    }

    /// Notes a value of so many bytes.
    fn add(&mut self, bytes: usize) -> Result<()> {
        check_size(bytes)?;
        self.bytes += bytes;
        let most = self.rows.call.context.made_bytes_max;
        if self.bytes > most {
            let rows = self.rows.count;
            return Err(Error::new(
                ErrorCode::OutOfMemory,
                format!("a function makes more than {most} bytes of {rows} rows"),
            ));
        }
        if self.bytes - self.looked_at >= Self::STEP {
            self.looked_at = self.bytes;
            self.rows.call.context.host.check_canceled()?;
        }
        Ok(())
    }
}

/// Refuses a value above the largest size.
///
/// # Errors
/// `ValueTooLarge`.
pub(crate) fn check_size(bytes: usize) -> Result<()> {
    if bytes <= VALUE_BYTES_MAX {
        return Ok(());
    }
    Err(Error::new(
        ErrorCode::ValueTooLarge,
        format!(
            "Max LOB size ({VALUE_BYTES_MAX}) exceeded, actual size of parsed column is {bytes}"
        ),
    ))
}

/// A type of answers that is collected in a vector.
pub(crate) trait Output: Copy + Default {
    /// The answers as an array.
    fn array(values: Vec<Self>, nulls: Option<NullBuffer>) -> Array;
}

impl Output for bool {
    fn array(values: Vec<bool>, nulls: Option<NullBuffer>) -> Array {
        Array::Bool(BooleanArray::new(BooleanBuffer::from(values), nulls))
    }
}

impl Output for i32 {
    fn array(values: Vec<i32>, nulls: Option<NullBuffer>) -> Array {
        Array::I32(Int32Array::new(values.into(), nulls))
    }
}

impl Output for i64 {
    fn array(values: Vec<i64>, nulls: Option<NullBuffer>) -> Array {
        Array::I64(Int64Array::new(values.into(), nulls))
    }
}

impl Output for f64 {
    fn array(values: Vec<f64>, nulls: Option<NullBuffer>) -> Array {
        Array::F64(Float64Array::new(values.into(), nulls))
    }
}

impl Output for i128 {
    /// In the narrowest width that holds them all.
    fn array(values: Vec<i128>, nulls: Option<NullBuffer>) -> Array {
        let (low, high) = values.iter().fold((0, 0), |(low, high), &v| (v.min(low), v.max(high)));
        match PhysicalType::narrowest(low, high) {
            PhysicalType::I32 => i32::array(values.iter().map(|&v| v as i32).collect(), nulls),
            PhysicalType::I64 => i64::array(values.iter().map(|&v| v as i64).collect(), nulls),
            _ => Array::I128(Decimal128Array::new(values.into(), nulls)),
        }
    }
}

/// The array of a column without dictionary, and how far a row's value is from the last row's.
fn source(column: &Column) -> Result<(&Array, usize)> {
    match column {
        Column::Flat(array) => Ok((array, 1)),
        Column::Constant { value, .. } => Ok((value, 0)),
        Column::Dictionary { .. } => Err(Error::internal("a dictionary in a kernel")),
    }
}

fn wrong(array: &Array, wanted: &str) -> Error {
    Error::internal(format!("a kernel wants {wanted}, not {:?}", array.physical()))
}

macro_rules! reader {
    ($(#[$doc:meta])* $name:ident, $open:ident, $array:ty, $variant:ident, $value:ty) => {
        $(#[$doc])*
        #[derive(Clone, Copy)]
        pub(crate) struct $name<'a> {
            array: &'a $array,
            step: usize,
        }

        impl<'a> $name<'a> {
            /// The value of a row that is not NULL.
            #[inline]
            pub(crate) fn get(&self, row: usize) -> $value {
                self.array.value(row * self.step)
            }

            /// Whether the row is NULL.
            #[inline]
            pub(crate) fn is_null(&self, row: usize) -> bool {
                self.array.is_null(row * self.step)
            }
        }

        /// Reads a column of this form.
        ///
        /// # Errors
        /// An internal error when the column is of another form.
        pub(crate) fn $open(column: &Column) -> Result<$name<'_>> {
            match source(column)? {
                (Array::$variant(array), step) => Ok($name { array, step }),
                (other, _) => Err(wrong(other, stringify!($name))),
            }
        }
    };
}

reader!(
    /// Texts of a column.
    Texts, texts, StringViewArray, Text, &'a str);
reader!(
    /// Bytes of a column.
    Blobs, blobs, BinaryViewArray, Bytes, &'a [u8]);
reader!(
    /// Floating-point numbers of a column.
    Floats, floats, Float64Array, F64, f64);
reader!(
    /// Truth values of a column.
    Bools, bools, BooleanArray, Bool, bool);

/// Integers of a column, whichever width.
#[derive(Clone, Copy)]
pub(crate) struct Ints<'a> {
    array: &'a Array,
    step: usize,
}

impl Ints<'_> {
    /// The value of a row that is not NULL, cut to what 64 bits hold: for counts and positions.
    #[inline]
    pub(crate) fn get(&self, row: usize) -> i64 {
        match self.array {
            Array::I32(a) => i64::from(a.value(row * self.step)),
            Array::I64(a) => a.value(row * self.step),
            other => {
                let wide = other.integer(row * self.step);
                i64::try_from(wide).unwrap_or(if wide < 0 { i64::MIN } else { i64::MAX })
            }
        }
    }

    /// The value of a row that is not NULL.
    #[inline]
    pub(crate) fn wide(&self, row: usize) -> i128 {
        self.array.integer(row * self.step)
    }

    /// Whether the row is NULL.
    #[inline]
    pub(crate) fn is_null(&self, row: usize) -> bool {
        self.array.is_null(row * self.step)
    }
}

/// Reads a column of integers.
///
/// # Errors
/// An internal error when the column is of another form.
pub(crate) fn ints(column: &Column) -> Result<Ints<'_>> {
    let (array, step) = source(column)?;
    if !array.physical().is_integer() {
        return Err(wrong(array, "integers"));
    }
    Ok(Ints { array, step })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::FunctionContext;
    use arrow::array::UInt32Array;
    use firn_types::{SqlType, Value};

    /// 12 divided by the argument; an error for 0, NULL for 5.
    fn divided(column: &Column) -> Result<Vec<Value>> {
        let kernel = null_propagating(|rows, columns| {
            let x = ints(&columns[0])?;
            rows.map(|at| match x.get(at) {
                0 => Err(Error::internal("zero")),
                5 => Ok(None),
                x => Ok(Some(12 / x)),
            })
        });
        let context = FunctionContext::default();
        let (rows, returns) = (column.len(), SqlType::INTEGER);
        let call = Call { rows, returns, arguments: &[returns], context: &context };
        let answers = kernel.run(&call, std::slice::from_ref(column))?;
        assert_eq!(answers.len(), rows);
        Ok((0..rows).map(|row| answers.value(row, returns)).collect())
    }

    fn dictionary(values: [i32; 3], codes: &[Option<u32>]) -> Column {
        let values = Arc::new(Array::I32(values.to_vec().into()));
        Column::Dictionary { codes: UInt32Array::from(codes.to_vec()), values }
    }

    #[test]
    fn all_forms_give_the_same_answers() -> Result<()> {
        let codes = [Some(0), None, Some(1), Some(2), Some(0)];
        let column = dictionary([3, 5, 6], &codes);
        let expected: Vec<Value> =
            [4, 0, 0, 2, 4].map(|v| if v == 0 { Value::Null } else { Value::integer(v) }).to_vec();
        assert_eq!(divided(&column)?, expected);
        assert_eq!(divided(&Column::Flat(column.flat()))?, expected);
        let constant = Column::constant(&Value::integer(3), SqlType::INTEGER, 2)?;
        assert_eq!(divided(&constant)?, [Value::integer(4), Value::integer(4)]);
        assert_eq!(divided(&Column::nulls_of(SqlType::INTEGER, 1))?, [Value::Null]);
        assert_eq!(divided(&constant.slice(0, 0))?, []);
        Ok(())
    }

    #[test]
    fn an_unused_value_of_a_dictionary_is_no_error() -> Result<()> {
        let codes = [Some(0), Some(2), Some(0)];
        let answers = divided(&dictionary([3, 0, 6], &codes))?;
        assert_eq!(answers, [4, 2, 4].map(Value::integer));
        assert!(divided(&dictionary([3, 0, 6], &[Some(1), Some(1), Some(1)])).is_err());
        Ok(())
    }
}
