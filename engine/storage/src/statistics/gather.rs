//! Gathering the statistics of a column from batches.

use arrow::array::{ArrayAccessor, BooleanArray, UInt32Array};
use arrow::compute;
use arrow::datatypes::ArrowNativeType;
use firn_column::{Array, Column};
use firn_types::value::TimestampTz;
use firn_types::{Decimal, FieldId, SqlType, Value};

use super::{BOUND_BYTES_MAX, ColumnStatistics, DistinctSketch};

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
        }
    }

    /// Adds a batch's column.
    pub(crate) fn add(&mut self, column: &Column) {
        self.rows += column.len() as u64;
        self.null_count += column.null_count() as u64;
        match column {
            Column::Flat(array) => self.value_bytes += self.add_array(array),
            Column::Constant { value, rows } => {
                self.value_bytes += self.add_array(value) * *rows as u64;
            }
            Column::Dictionary { codes, values } => {
                let used = used_values(codes, values.len());
                let Ok(used) = compute::filter(values.as_arrow(), &used) else { return };
                let Ok(used) = Array::from_arrow(&used) else { return };
                let bytes = self.add_array(&used);
                let average = bytes / (used.len().max(1) as u64);
                self.value_bytes += average * codes.len() as u64;
            }
        }
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
            Array::I32(a) => self.add_small(a.iter().flatten().map(i64::from), bounds(a)),
            Array::I64(a) => self.add_small(a.iter().flatten(), bounds(a)),
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
            Array::Text(a) => self.add_bytes(
                a,
                compute::min_string_view(a)
                    .zip(compute::max_string_view(a))
                    .map(|(low, high)| (low.as_bytes(), high.as_bytes())),
            ),
            Array::Bytes(a) if self.sql_type.is_semi_structured() => {
                a.iter().flatten().map(|value| value.len() as u64).sum()
            }
            Array::Bytes(a) => {
                self.add_bytes(a, compute::min_binary_view(a).zip(compute::max_binary_view(a)))
            }
        }
    }

    fn add_small(
        &mut self,
        values: impl Iterator<Item = i64>,
        bounds: Option<(i128, i128)>,
    ) -> u64 {
        if let Some((low, high)) = bounds {
            self.widen(low, high);
        }
        let mut thousands = self.thousands;
        for value in values {
            thousands = thousands && value % 1000 == 0;
            self.distinct.add_i64(value);
        }
        self.thousands = thousands;
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

    fn add_bytes<'a, A, T>(&mut self, array: A, bounds: Option<(&[u8], &[u8])>) -> u64
    where
        A: ArrayAccessor<Item = &'a T>,
        T: AsRef<[u8]> + ?Sized + 'a,
    {
        let mut total = 0;
        for row in (0..array.len()).filter(|row| array.is_valid(*row)) {
            let value = array.value(row).as_ref();
            total += value.len() as u64;
            self.distinct.add_bytes(value);
        }
        if let Some((low, high)) = bounds {
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
        total
    }

    /// The statistics; bytes in the file are added by the writer.
    pub(crate) fn finish(self, field: FieldId) -> ColumnStatistics {
        let (min, max, exact) = match self.bounds() {
            Some((min, max, exact)) => (min, max, exact),
            None => (None, None, false),
        };
        ColumnStatistics {
            field,
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

fn bounds<T>(array: &arrow::array::PrimitiveArray<T>) -> Option<(i128, i128)>
where
    T: arrow::datatypes::ArrowNumericType,
    T::Native: ArrowNativeType + Into<i128>,
{
    Some((compute::min(array)?.into(), compute::max(array)?.into()))
}

/// Which values a dictionary's codes use.
fn used_values(codes: &UInt32Array, values: usize) -> BooleanArray {
    let mut used = vec![false; values];
    for code in codes.iter().flatten() {
        if let Some(used) = used.get_mut(code as usize) {
            *used = true;
        }
    }
    BooleanArray::from(used)
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
        gathering.finish(FieldId(1))
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
        let statistics = gathering.finish(FieldId(1));
        assert_eq!(
            (statistics.min.as_ref(), statistics.max),
            (Some(&Value::text("b")), statistics.min.clone())
        );
        assert_eq!((statistics.null_count, statistics.distinct.estimate()), (1, 1));
    }
}
