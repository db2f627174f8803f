//! One column of a batch: an array as it stands, one value repeated, or codes into a dictionary.

use std::sync::Arc;

use arrow::array::{
    Array as _, BinaryViewArray, BinaryViewBuilder, BooleanArray, Decimal128Array, Float64Array,
    Int32Array, Int64Array, StringViewArray, StringViewBuilder, UInt32Array,
};
use arrow::buffer::NullBuffer;
use arrow::compute::{self, FilterBuilder, FilterPredicate};
use firn_types::value::TimestampTz;
use firn_types::{Decimal, Error, Result, SqlType, Value};

use crate::row_key::one_dictionary;
use crate::{Array, PhysicalType};

/// One column of a batch. Cloning shares the buffers.
#[derive(Clone, Debug)]
pub enum Column {
    /// An array as it stands.
    Flat(Array),
    /// One value, `rows` times.
    Constant {
        /// An array of exactly one value.
        value: Array,
        /// How often.
        rows: usize,
    },
    /// Codes into a small array of values.
    Dictionary {
        /// Position in `values`, or NULL.
        codes: UInt32Array,
        /// The values, none of them NULL, not necessarily all different.
        values: Arc<Array>,
    },
}

impl From<Array> for Column {
    fn from(array: Array) -> Column {
        Column::Flat(array)
    }
}

impl Column {
    /// The number of rows.
    pub fn len(&self) -> usize {
        match self {
            Column::Flat(array) => array.len(),
            Column::Constant { rows, .. } => *rows,
            Column::Dictionary { codes, .. } => codes.len(),
        }
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The physical form of the values.
    pub fn physical(&self) -> PhysicalType {
        match self {
            Column::Flat(array) | Column::Constant { value: array, .. } => array.physical(),
            Column::Dictionary { values, .. } => values.physical(),
        }
    }

    /// Whether the value of `row` is NULL.
    pub fn is_null(&self, row: usize) -> bool {
        match self {
            Column::Flat(array) => array.is_null(row),
            Column::Constant { value, .. } => value.is_null(0),
            Column::Dictionary { codes, .. } => codes.is_null(row),
        }
    }

    /// The number of NULLs.
    pub fn null_count(&self) -> usize {
        match self {
            Column::Flat(array) => array.null_count(),
            Column::Constant { value, rows } if value.is_null(0) => *rows,
            Column::Constant { .. } => 0,
            Column::Dictionary { codes, .. } => codes.null_count(),
        }
    }

    /// Which rows are not NULL; none when no row is NULL.
    pub fn nulls(&self) -> Option<NullBuffer> {
        match self {
            Column::Flat(array) => array.nulls().cloned(),
            Column::Constant { value, rows } if value.is_null(0) => {
                Some(NullBuffer::new_null(*rows))
            }
            Column::Constant { .. } => None,
            Column::Dictionary { codes, .. } => codes.nulls().cloned(),
        }
    }

    /// `rows` NULLs of the type.
    pub fn nulls_of(sql_type: SqlType, rows: usize) -> Column {
        Column::Constant { value: Array::nulls_of(narrow_start(sql_type), 1), rows }
    }

    /// `value`, `rows` times.
    ///
    /// # Errors
    /// An internal error when the value is not of the type.
    pub fn constant(value: &Value, sql_type: SqlType, rows: usize) -> Result<Column> {
        let array = array_of(sql_type, std::iter::once(value))?;
        Ok(Column::Constant { value: array, rows })
    }

    /// A column of these values, all of the type (a number's scale is the type's) or NULL.
    ///
    /// # Errors
    /// An internal error when a value is not of the type.
    pub fn from_values<'a>(
        sql_type: SqlType,
        values: impl IntoIterator<Item = &'a Value>,
    ) -> Result<Column> {
        Ok(Column::Flat(array_of(sql_type, values)?))
    }

    /// The values at these codes: a dictionary, or an array where one of the values is NULL. Every code is
    /// a position in `values`.
    pub fn from_codes(codes: UInt32Array, values: Arc<Array>) -> Column {
        let column = Column::Dictionary { codes, values };
        match &column {
            Column::Dictionary { values, .. } if values.null_count() > 0 => {
                Column::Flat(column.flat())
            }
            _ => column,
        }
    }

    /// The value of `row` as SQL sees it. For single values only: operators work on arrays.
    pub fn value(&self, row: usize, sql_type: SqlType) -> Value {
        match self {
            Column::Flat(array) => value_of(array, row, sql_type),
            Column::Constant { value, .. } => value_of(value, 0, sql_type),
            Column::Dictionary { codes, .. } if codes.is_null(row) => Value::Null,
            Column::Dictionary { codes, values } => {
                value_of(values, codes.value(row) as usize, sql_type)
            }
        }
    }

    /// The one value of a constant column as an array of length one.
    pub fn as_constant(&self) -> Option<&Array> {
        match self {
            Column::Constant { value, .. } => Some(value),
            _ => None,
        }
    }

    /// The values as one array.
    pub fn flat(&self) -> Array {
        match self {
            Column::Flat(array) => array.clone(),
            Column::Constant { value, rows } => {
                take_array(value, &UInt32Array::from_value(0, *rows))
            }
            Column::Dictionary { codes, values } if values.is_empty() => {
                Array::nulls_of(values.physical(), codes.len())
            }
            Column::Dictionary { codes, values } => take_array(values, codes),
        }
    }

    /// The same column, flat if it is a dictionary of more values than rows: for what is done once per value.
    pub fn dense(&self) -> Column {
        match self {
            Column::Dictionary { codes, values } if values.len() > codes.len() => {
                Column::Flat(self.flat())
            }
            other => other.clone(),
        }
    }

    /// Rows `offset..offset + len`, sharing the buffers.
    pub fn slice(&self, offset: usize, len: usize) -> Column {
        match self {
            Column::Flat(array) => Column::Flat(array.slice(offset, len)),
            Column::Constant { value, .. } => Column::Constant { value: value.clone(), rows: len },
            Column::Dictionary { codes, values } => {
                Column::Dictionary { codes: codes.slice(offset, len), values: Arc::clone(values) }
            }
        }
    }

    /// The rows at `indices`, in that order; a NULL index gives NULL. Every index is in range.
    pub fn take(&self, indices: &UInt32Array) -> Column {
        match self {
            Column::Flat(array) => Column::Flat(take_array(array, indices)),
            Column::Constant { value, .. } if indices.null_count() == 0 => {
                Column::Constant { value: value.clone(), rows: indices.len() }
            }
            Column::Constant { value, .. } => {
                let zeros = indices.unary(|_| 0);
                Column::Flat(take_array(value, &zeros))
            }
            Column::Dictionary { codes, values } => {
                let codes = take_array_u32(codes, indices);
                Column::Dictionary { codes, values: Arc::clone(values) }
            }
        }
    }

    /// The rows for which `keep` is TRUE.
    pub fn filter(&self, keep: &BooleanArray) -> Column {
        self.filtered(&FilterBuilder::new(keep).build())
    }

    /// The rows that a filter keeps.
    pub(crate) fn filtered(&self, keep: &FilterPredicate) -> Column {
        let filtered = |array: &dyn arrow::array::Array| match keep.filter(array) {
            Ok(array) => array,
            Err(error) => unreachable!("filter of equal lengths: {error}"),
        };
        match self {
            Column::Flat(array) => Column::Flat(Array::wrap(&filtered(array.as_arrow()))),
            Column::Constant { value, .. } => {
                Column::Constant { value: value.clone(), rows: keep.count() }
            }
            Column::Dictionary { codes, values } => {
                let codes = filtered(codes).as_any().downcast_ref().cloned();
                let codes = codes.unwrap_or_else(|| UInt32Array::new_null(0));
                Column::Dictionary { codes, values: Arc::clone(values) }
            }
        }
    }

    /// The rows of all columns one after another; integers of different widths meet at the widest.
    ///
    /// # Errors
    /// An internal error when the forms differ otherwise, or there is no column.
    pub fn concat(columns: &[&Column]) -> Result<Column> {
        if let [only] = columns {
            return Ok((*only).clone());
        }
        if let Some(coded) = concat_dictionaries(columns).or_else(|| one_dictionary(columns)) {
            return Ok(coded);
        }
        let widest = widest_of(columns)?;
        let arrays: Vec<Array> =
            columns.iter().map(|column| column.in_form(widest).flat()).collect();
        let arrow: Vec<&dyn arrow::array::Array> = arrays.iter().map(Array::as_arrow).collect();
        let array = compute::concat(&arrow).map_err(|e| Error::internal(e.to_string()))?;
        Ok(Column::Flat(Array::from_arrow(&array)?.with_few_buffers()))
    }

    /// About how many bytes the values take when each is written by itself.
    pub fn flat_bytes(&self) -> usize {
        match self {
            Column::Flat(array) => array.needed_bytes(),
            Column::Constant { value, rows } => value.needed_bytes().saturating_mul(*rows),
            Column::Dictionary { codes, values } => {
                let average = values.needed_bytes() / values.len().max(1) + 1;
                average.saturating_mul(codes.len())
            }
        }
    }

    /// About how many bytes of memory the column holds.
    pub fn memory_bytes(&self) -> usize {
        match self {
            Column::Flat(array) => array.as_arrow().get_buffer_memory_size(),
            Column::Constant { value, .. } => value.as_arrow().get_buffer_memory_size(),
            Column::Dictionary { codes, values } => {
                codes.get_buffer_memory_size() + values.as_arrow().get_buffer_memory_size()
            }
        }
    }
}

/// The form in which the columns meet: the widest integer, or the one that they share. Constant NULLs
/// meet any form.
pub(crate) fn widest_of(columns: &[&Column]) -> Result<PhysicalType> {
    let valued = columns.iter().filter(|column| !is_null_constant(column));
    let widest = valued.clone().map(|column| column.physical()).max();
    let widest = widest.or_else(|| columns.first().map(|column| column.physical()));
    let widest = widest.ok_or_else(|| Error::internal("no column"))?;
    let meets = |form: PhysicalType| form == widest || (form.is_integer() && widest.is_integer());
    match valued.clone().find(|column| !meets(column.physical())) {
        Some(other) => {
            let other = other.physical();
            Err(Error::internal(format!("columns of forms {widest:?} and {other:?} in one")))
        }
        None => Ok(widest),
    }
}

fn is_null_constant(column: &Column) -> bool {
    column.as_constant().is_some_and(|value| value.is_null(0))
}

impl Column {
    /// The column in a form of [`widest_of`]. Constants stay constant.
    pub(crate) fn in_form(&self, form: PhysicalType) -> Column {
        match self {
            Column::Constant { value, rows } if value.is_null(0) => {
                Column::Constant { value: Array::nulls_of(form, 1), rows: *rows }
            }
            Column::Constant { value, rows } => {
                Column::Constant { value: value.widened(form).canonical(), rows: *rows }
            }
            other => Column::Flat(other.flat().widened(form).canonical()),
        }
    }
}

/// Dictionaries over the same values stay one.
fn concat_dictionaries(columns: &[&Column]) -> Option<Column> {
    let Some(Column::Dictionary { values: first, .. }) = columns.first() else { return None };
    let mut all: Vec<&dyn arrow::array::Array> = Vec::with_capacity(columns.len());
    for column in columns {
        match column {
            Column::Dictionary { codes, values } if Arc::ptr_eq(values, first) => all.push(codes),
            _ => return None,
        }
    }
    let codes = compute::concat(&all).ok()?.as_any().downcast_ref().cloned()?;
    Some(Column::Dictionary { codes, values: Arc::clone(first) })
}

fn take_array(array: &Array, indices: &UInt32Array) -> Array {
    match compute::take(array.as_arrow(), indices, None) {
        Ok(taken) => Array::wrap(&taken),
        Err(error) => unreachable!("take within range: {error}"),
    }
}

fn take_array_u32(codes: &UInt32Array, indices: &UInt32Array) -> UInt32Array {
    let taken = compute::take(codes, indices, None).ok();
    let codes = taken.and_then(|taken| taken.as_any().downcast_ref().cloned());
    codes.unwrap_or_else(|| UInt32Array::new_null(indices.len()))
}

/// The form that a column of NULLs takes: the narrowest of the type's forms.
fn narrow_start(sql_type: SqlType) -> PhysicalType {
    match sql_type {
        SqlType::Number { .. } => PhysicalType::I32,
        SqlType::TimestampNtz { .. } | SqlType::TimestampLtz { .. } => PhysicalType::I64,
        other => PhysicalType::widest(other),
    }
}

fn value_of(array: &Array, row: usize, sql_type: SqlType) -> Value {
    if array.is_null(row) {
        return Value::Null;
    }
    match (array, sql_type) {
        (Array::Bool(a), _) => Value::Boolean(a.value(row)),
        (Array::F64(a), _) => Value::Float(a.value(row)),
        (Array::Text(a), _) => Value::text(a.value(row)),
        (Array::Bytes(a), t) if t.is_semi_structured() => Value::Variant(a.value(row).into()),
        (Array::Bytes(a), _) => Value::Binary(a.value(row).into()),
        (Array::I32(a), SqlType::Date) => Value::Date(a.value(row)),
        (_, SqlType::Date) => Value::Date(i32::try_from(array.integer(row)).unwrap_or(i32::MAX)),
        (_, SqlType::Time { .. }) => {
            Value::Time(i64::try_from(array.integer(row)).unwrap_or(i64::MAX))
        }
        (_, SqlType::TimestampNtz { .. } | SqlType::TimestampLtz { .. }) => {
            Value::Timestamp(array.integer(row))
        }
        (_, SqlType::TimestampTz { .. }) => {
            Value::TimestampTz(TimestampTz::unpacked(array.integer(row)))
        }
        (_, t) => Value::Number(Decimal { unscaled: array.integer(row), scale: t.scale() }),
    }
}

fn array_of<'a>(sql_type: SqlType, values: impl IntoIterator<Item = &'a Value>) -> Result<Array> {
    let wrong =
        |value: &Value| Error::internal(format!("value {value:?} in a column of type {sql_type}"));
    macro_rules! collect {
        ($array:ty, $pattern:pat $(if $guard:expr)? => $out:expr) => {{
            let items = values.into_iter().map(|value| match value {
                Value::Null => Ok(None),
                $pattern $(if $guard)? => Ok(Some($out)),
                other => Err(wrong(other)),
            });
            items.collect::<Result<$array>>()?
        }};
    }
    Ok(match sql_type {
        SqlType::Null | SqlType::Boolean => {
            Array::Bool(collect!(BooleanArray, Value::Boolean(b) => *b))
        }
        SqlType::Float => Array::F64(collect!(Float64Array, Value::Float(f) => *f)),
        SqlType::Date => Array::I32(collect!(Int32Array, Value::Date(d) => *d)),
        SqlType::Time { .. } => Array::I64(collect!(Int64Array, Value::Time(t) => *t)),
        SqlType::Number { scale, .. } => integers(collect!(Vec<Option<i128>>,
            Value::Number(Decimal { unscaled, scale: s }) if *s == scale => *unscaled)),
        SqlType::TimestampNtz { .. } | SqlType::TimestampLtz { .. } => {
            match integers(collect!(Vec<Option<i128>>, Value::Timestamp(t) => *t)) {
                Array::I32(a) => Array::I32(a).widened(PhysicalType::I64),
                wide => wide,
            }
        }
        SqlType::TimestampTz { .. } => {
            let packed = collect!(Vec<Option<i128>>, Value::TimestampTz(t) => t.packed());
            Array::I128(Decimal128Array::from(packed))
        }
        SqlType::Varchar { .. } => {
            let texts = collect!(Vec<Option<Arc<str>>>, Value::Text(t) => Arc::clone(t));
            let mut builder = StringViewBuilder::with_capacity(texts.len());
            texts.iter().for_each(|text| builder.append_option(text.as_deref()));
            let array: StringViewArray = builder.finish();
            Array::Text(array)
        }
        SqlType::Binary { .. }
        | SqlType::Variant
        | SqlType::Object
        | SqlType::Array
        | SqlType::Structured(_)
        | SqlType::Vector { .. } => {
            let bytes = collect!(Vec<Option<Arc<[u8]>>>,
                Value::Binary(b) | Value::Variant(b) => Arc::clone(b));
            let mut builder = BinaryViewBuilder::with_capacity(bytes.len());
            bytes.iter().for_each(|bytes| builder.append_option(bytes.as_deref()));
            let array: BinaryViewArray = builder.finish();
            Array::Bytes(array)
        }
    })
}

/// The integers in the narrowest width that holds them all.
pub fn integers(values: Vec<Option<i128>>) -> Array {
    let low = values.iter().flatten().min().copied().unwrap_or(0);
    let high = values.iter().flatten().max().copied().unwrap_or(0);
    match PhysicalType::narrowest(low, high) {
        PhysicalType::I32 => Array::I32(values.iter().map(|v| v.map(|v| v as i32)).collect()),
        PhysicalType::I64 => Array::I64(values.iter().map(|v| v.map(|v| v as i64)).collect()),
        _ => Array::I128(Decimal128Array::from(values)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_take_the_narrowest_width_and_meet_at_the_widest() -> Result<()> {
        let number = |n: i128| Value::integer(n);
        let small = Column::from_values(SqlType::INTEGER, [&number(1), &Value::Null])?;
        let large = Column::from_values(SqlType::INTEGER, [&number(1 << 40)])?;
        assert_eq!(small.physical(), PhysicalType::I32);
        let both = Column::concat(&[&small, &large])?;
        assert_eq!(both.physical(), PhysicalType::I64);
        assert_eq!(both.value(2, SqlType::INTEGER), number(1 << 40));
        assert!(both.is_null(1));
        Ok(())
    }

    #[test]
    fn dictionaries_become_one_where_rows_are_many() -> Result<()> {
        let coded = |texts: &[&str], codes: &[Option<u32>]| -> Result<Column> {
            let texts: Vec<Value> = texts.iter().map(|text| Value::text(*text)).collect();
            let values = Arc::new(Column::from_values(SqlType::TEXT, &texts)?.flat());
            Ok(Column::Dictionary { codes: codes.iter().copied().collect(), values })
        };
        let codes: Vec<Option<u32>> = (0..24).map(|n| (n % 5 > 0).then_some(n % 2)).collect();
        let first = coded(&["red", "a color with a long name"], &codes)?;
        let second = coded(&["a color with a long name", "blue"], &codes)?;
        let parts = [&first, &second, &first];
        let all = Column::concat(&parts)?;
        let Column::Dictionary { values, .. } = &all else {
            return Err(Error::internal("no dictionary"));
        };
        assert_eq!(values.len(), 3);
        let rows = |column: &Column| -> Vec<Value> {
            (0..column.len()).map(|row| column.value(row, SqlType::TEXT)).collect()
        };
        assert_eq!(rows(&all), parts.map(rows).concat());
        let few = [&first.slice(0, 5), &second.slice(0, 5)];
        assert!(matches!(Column::concat(&few)?, Column::Flat(_)));
        Ok(())
    }
}
