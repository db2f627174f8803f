//! Gathering the statistics of a column from batches.

use std::cmp::Ordering;
use std::sync::Arc;

use arrow::array::{
    Array as _, BooleanArray, GenericByteViewArray, MAX_INLINE_VIEW_LEN, PrimitiveArray,
    UInt32Array,
};
use arrow::compute;
use arrow::datatypes::{ArrowNativeType, ArrowNumericType, ByteViewType};
use firn_column::{Array, Column};
use firn_types::value::TimestampTz;
use firn_types::{ColumnPath, Decimal, SqlType, Value};

use super::{BOUND_BYTES_MAX, ColumnStatistics, DistinctSketch};

/// Above these bits, a view whose bytes are swapped has the value's first four bytes.
const FIRST_BITS: u32 = 96;

/// Statistics of a column while its batches come by.
#[derive(Clone, Debug)]
pub(crate) struct Gathering {
    sql_type: SqlType,
    /// Least and greatest integer, of columns that are held as integers.
    pub(crate) integers: Option<(i128, i128)>,
    /// Whether all integers are whole thousands.
    pub(crate) thousands: bool,
    floats: Option<(f64, f64)>,
    booleans: Option<(bool, bool)>,
    bytes: Option<(Vec<u8>, Vec<u8>)>,
    null_count: u64,
    /// Bytes of all texts and other values of varying length.
    pub(crate) value_bytes: u64,
    /// Rows seen.
    pub(crate) rows: u64,
    pub(crate) distinct: DistinctSketch,
    /// The dictionary of the last batches, which mostly share one.
    dictionary: Option<SharedDictionary>,
}

/// A dictionary with what neighboring batches use of it: its values are looked at once.
#[derive(Clone, Debug)]
struct SharedDictionary {
    values: Arc<Array>,
    used: Vec<bool>,
    /// Rows that refer to it.
    rows: u64,
}

impl Gathering {
    pub(crate) fn new(sql_type: SqlType) -> Gathering {
        Gathering {
            sql_type,
            integers: None,
            thousands: true,
            floats: None,
            booleans: None,
            bytes: None,
            null_count: 0,
            value_bytes: 0,
            rows: 0,
            distinct: DistinctSketch::new(),
            dictionary: None,
        }
    }

    /// Adds a batch's column. What dictionaries hold counts after [`Gathering::settle`].
    pub(crate) fn add(&mut self, column: &Column) {
        self.rows += column.len() as u64;
        self.null_count += column.null_count() as u64;
        match column {
            Column::Flat(array) => self.value_bytes += self.add_array(array),
            Column::Constant { value, rows } => {
                self.value_bytes += self.add_array(value) * *rows as u64;
            }
            Column::Dictionary { codes, values } => {
                let shared = |last: &SharedDictionary| Arc::ptr_eq(&last.values, values);
                if !self.dictionary.as_ref().is_some_and(shared) {
                    self.settle();
                }
                let new = || SharedDictionary {
                    values: Arc::clone(values),
                    used: vec![false; values.len()],
                    rows: 0,
                };
                self.dictionary.get_or_insert_with(new).mark(codes);
            }
        }
    }

    /// Adds what is used of the last dictionary.
    pub(crate) fn settle(&mut self) {
        let Some(SharedDictionary { values, used, rows }) = self.dictionary.take() else { return };
        let Ok(used) = compute::filter(values.as_arrow(), &BooleanArray::from(used)) else {
            return;
        };
        let Ok(used) = Array::from_arrow(&used) else { return };
        let average = self.add_array(&used) / (used.len().max(1) as u64);
        self.value_bytes += average * rows;
    }

    /// Adds values; returns the bytes of those of varying length.
    fn add_array(&mut self, array: &Array) -> u64 {
        match array {
            Array::Bool(a) => {
                for value in a.iter().flatten() {
                    let (low, high) = self.booleans.unwrap_or((value, value));
                    self.booleans = Some((low & value, high | value));
                    self.distinct.add_i64(i64::from(value));
                }
                0
            }
            Array::I32(a) => self.add_integers(a, i64::from),
            Array::I64(a) => self.add_integers(a, |value| value),
            Array::I128(a) => {
                if let Some((low, high)) = bounds(a) {
                    self.widen(low, high);
                }
                for value in a.iter().flatten() {
                    self.thousands &= value % 1000 == 0;
                    self.distinct.add_integer(value);
                }
                0
            }
            Array::F64(a) => {
                a.iter().flatten().for_each(|value| self.add_float(value));
                0
            }
            Array::Text(a) => self.add_views(a),
            Array::Bytes(a) if self.sql_type.is_semi_structured() => {
                a.iter().flatten().map(|value| value.len() as u64).sum()
            }
            Array::Bytes(a) => self.add_views(a),
        }
    }

    fn add_integers<T>(
        &mut self,
        array: &PrimitiveArray<T>,
        as_i64: impl Fn(T::Native) -> i64,
    ) -> u64
    where
        T: ArrowNumericType,
        T::Native: Into<i128>,
    {
        if let Some((low, high)) = bounds(array) {
            self.widen(low, high);
        }
        // Nobody asks it of numbers and dates.
        if matches!(
            self.sql_type,
            SqlType::Time { .. } | SqlType::TimestampNtz { .. } | SqlType::TimestampLtz { .. }
        ) {
            self.thousands =
                self.thousands && array.iter().flatten().all(|value| as_i64(value) % 1000 == 0);
        }
        match array.null_count() {
            0 => self.distinct.add_all(array.values().iter().map(|value| as_i64(*value))),
            _ => self.distinct.add_all(array.iter().flatten().map(as_i64)),
        }
        0
    }

    fn widen(&mut self, low: i128, high: i128) {
        let (least, greatest) = self.integers.unwrap_or((low, high));
        self.integers = Some((least.min(low), greatest.max(high)));
    }

    /// NaN is the greatest FLOAT; the two zeros are one value, and all NaN are.
    fn add_float(&mut self, value: f64) {
        let value = if value.is_nan() { f64::NAN } else { value + 0.0 };
        let (low, high) = self.floats.unwrap_or((value, value));
        let low = if low.is_nan() || value < low { value } else { low };
        let high = if value.is_nan() || value > high { value } else { high };
        self.floats = Some((low, high));
        self.distinct.add_i64(value.to_bits().cast_signed());
    }

    fn add_views<T: ByteViewType>(&mut self, array: &GenericByteViewArray<T>) -> u64 {
        let mut total = 0;
        let mut bounds: Option<(Seen<'_>, Seen<'_>)> = None;
        let mut previous = None;
        for (row, view) in array.views().iter().enumerate() {
            if array.is_null(row) {
                continue;
            }
            total += u64::from(*view as u32);
            // Runs of one value are common, and one comparison tells.
            if previous == Some(*view) {
                continue;
            }
            previous = Some(*view);
            let seen = Seen { view: *view, bytes: array.value(row).as_ref() };
            self.distinct.add_bytes(seen.bytes);
            let (low, high) = bounds.get_or_insert((seen, seen));
            if seen.compare(low).is_lt() {
                *low = seen;
            } else if seen.compare(high).is_gt() {
                *high = seen;
            }
        }
        if let Some((low, high)) = bounds {
            self.widen_bytes(low.bytes, high.bytes);
        }
        total
    }

    fn widen_bytes(&mut self, low: &[u8], high: &[u8]) {
        match &mut self.bytes {
            None => self.bytes = Some((low.to_vec(), high.to_vec())),
            Some((least, greatest)) => {
                if low < least.as_slice() {
                    *least = low.to_vec();
                }
                if high > greatest.as_slice() {
                    *greatest = high.to_vec();
                }
            }
        }
    }

    /// The statistics; bytes in the file are added by the writer.
    pub(crate) fn finish(mut self, column: ColumnPath) -> ColumnStatistics {
        self.settle();
        let (min, max, exact) = match self.bounds() {
            Some((min, max, exact)) => (min, max, exact),
            None => (None, None, false),
        };
        ColumnStatistics {
            column,
            min,
            max,
            exact,
            null_count: self.null_count,
            distinct: self.distinct,
            bytes: 0,
        }
    }

    fn bounds(&self) -> Option<(Option<Value>, Option<Value>, bool)> {
        if let Some((low, high)) = self.integers {
            let value = |integer| integer_value(integer, self.sql_type);
            // Two TIMESTAMP_TZ may be the same instant: which of them MIN gives is not known.
            let exact = !matches!(self.sql_type, SqlType::TimestampTz { .. });
            return Some((Some(value(low)), Some(value(high)), exact));
        }
        if let Some((low, high)) = self.floats {
            return Some((Some(Value::Float(low)), Some(Value::Float(high)), true));
        }
        if let Some((low, high)) = self.booleans {
            return Some((Some(Value::Boolean(low)), Some(Value::Boolean(high)), true));
        }
        let (low, high) = self.bytes.as_ref()?;
        let exact = low.len() <= BOUND_BYTES_MAX && high.len() <= BOUND_BYTES_MAX;
        if matches!(self.sql_type, SqlType::Varchar { .. }) {
            let text = |bytes: Vec<u8>| String::from_utf8(bytes).ok().map(Value::text);
            return Some((text(lower(low, true)), upper(high, true).and_then(text), exact));
        }
        let binary = |bytes: Vec<u8>| Value::Binary(bytes.into());
        Some((Some(binary(lower(low, false))), upper(high, false).map(binary), exact))
    }
}

/// An integer of a column as the value that it stands for.
fn integer_value(integer: i128, sql_type: SqlType) -> Value {
    match sql_type {
        SqlType::Date => Value::Date(i32::try_from(integer).unwrap_or(i32::MAX)),
        SqlType::Time { .. } => Value::Time(i64::try_from(integer).unwrap_or(i64::MAX)),
        SqlType::TimestampNtz { .. } | SqlType::TimestampLtz { .. } => Value::Timestamp(integer),
        SqlType::TimestampTz { .. } => Value::TimestampTz(TimestampTz::unpacked(integer)),
        other => Value::Number(Decimal { unscaled: integer, scale: other.scale() }),
    }
}

/// The least and greatest integer; none without any.
pub(crate) fn integer_bounds(array: &Array) -> Option<(i128, i128)> {
    match array {
        Array::I32(a) => bounds(a),
        Array::I64(a) => bounds(a),
        Array::I128(a) => bounds(a),
        _ => None,
    }
}

fn bounds<T>(array: &arrow::array::PrimitiveArray<T>) -> Option<(i128, i128)>
where
    T: ArrowNumericType,
    T::Native: ArrowNativeType + Into<i128>,
{
    Some((compute::min(array)?.into(), compute::max(array)?.into()))
}

impl SharedDictionary {
    fn mark(&mut self, codes: &UInt32Array) {
        self.rows += codes.len() as u64;
        for code in codes.iter().flatten() {
            if let Some(used) = self.used.get_mut(code as usize) {
                *used = true;
            }
        }
    }
}

/// A value with its view, which has its length and, above it, the value itself or its first four bytes.
#[derive(Clone, Copy)]
struct Seen<'a> {
    view: u128,
    bytes: &'a [u8],
}

impl Seen<'_> {
    /// As the bytes compare; mostly the views tell.
    fn compare(&self, other: &Seen<'_>) -> Ordering {
        let inline = |view: u128| view as u32 <= MAX_INLINE_VIEW_LEN;
        let beyond = if inline(self.view) && inline(other.view) { 0 } else { FIRST_BITS };
        let first = |view: u128| (view >> 32).swap_bytes() >> beyond;
        first(self.view).cmp(&first(other.view)).then_with(|| self.bytes.cmp(other.bytes))
    }
}

/// Bytes that are not more than the given ones, and short.
fn lower(bytes: &[u8], text: bool) -> Vec<u8> {
    bytes[..cut(bytes, text)].to_vec()
}

/// Bytes that are not less than the given ones, and short; none when there are none.
fn upper(bytes: &[u8], text: bool) -> Option<Vec<u8>> {
    let end = cut(bytes, text);
    if end == bytes.len() {
        return Some(bytes.to_vec());
    }
    let mut short = bytes[..end].to_vec();
    while let Some(last) = short.pop() {
        // In a text only an ASCII character can be raised without making it another text's part.
        let last_allowed = if text { 0x7e } else { 0xfe };
        if last <= last_allowed {
            short.push(last + 1);
            return Some(short);
        }
    }
    None
}

/// Where bytes are cut: at most the limit, and in a text between two characters.
fn cut(bytes: &[u8], text: bool) -> usize {
    if bytes.len() <= BOUND_BYTES_MAX {
        return bytes.len();
    }
    let continues = |at: usize| text && bytes[at] & 0xc0 == 0x80;
    (0..=BOUND_BYTES_MAX).rev().find(|at| !continues(*at)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gathered(sql_type: SqlType, values: &[Value]) -> ColumnStatistics {
        let mut gathering = Gathering::new(sql_type);
        gathering.add(&Column::from_values(sql_type, values).expect("of the type"));
        gathering.finish(firn_types::FieldId(1).into())
    }

    #[test]
    fn nan_is_the_greatest_and_nulls_are_counted() {
        let values = [Value::Float(2.0), Value::Null, Value::Float(f64::NAN), Value::Float(-1.0)];
        let statistics = gathered(SqlType::Float, &values);
        assert_eq!(statistics.min, Some(Value::Float(-1.0)));
        assert!(matches!(statistics.max, Some(Value::Float(max)) if max.is_nan()));
        assert_eq!((statistics.null_count, statistics.distinct.estimate()), (1, 3));
    }

    #[test]
    fn long_texts_are_bounded_by_short_ones() {
        let (a, z) = ("a".repeat(100), "ä".repeat(40) + "z");
        let statistics =
            gathered(SqlType::TEXT, &[Value::text(a.as_str()), Value::text(z.as_str())]);
        assert!(!statistics.exact);
        assert_eq!(statistics.min, Some(Value::text("a".repeat(64))));
        assert_eq!(statistics.max, None, "no ASCII character to raise");
        let statistics = gathered(SqlType::TEXT, &[Value::text(a.as_str())]);
        assert_eq!(statistics.max, Some(Value::text("a".repeat(63) + "b")));
    }

    #[test]
    fn bounds_of_short_and_long_texts_are_their_own() {
        let texts =
            ["abcd", "abcdz", "abcd\u{0}", "abcdaaaaaaaaaaaaaaaa", "abcdzzzzzzzzzzzzz", "abce"];
        for first in texts {
            for second in texts {
                let statistics =
                    gathered(SqlType::TEXT, &[Value::text(first), Value::text(second)]);
                assert_eq!(statistics.min, Some(Value::text(first.min(second))));
                assert_eq!(statistics.max, Some(Value::text(first.max(second))));
            }
        }
    }

    #[test]
    fn only_used_values_of_a_dictionary_count() {
        let values = Column::from_values(
            SqlType::TEXT,
            &[Value::text("a"), Value::text("b"), Value::text("c")],
        );
        let column = Column::Dictionary {
            codes: UInt32Array::from(vec![Some(1), None, Some(1)]),
            values: std::sync::Arc::new(values.expect("texts").flat()),
        };
        let mut gathering = Gathering::new(SqlType::TEXT);
        gathering.add(&column);
        let statistics = gathering.finish(firn_types::FieldId(1).into());
        assert_eq!(
            (statistics.min.as_ref(), statistics.max),
            (Some(&Value::text("b")), statistics.min.clone())
        );
        assert_eq!((statistics.null_count, statistics.distinct.estimate()), (1, 1));
    }
}
