//! Membership in a set of constants: `x IN (1, 2, 3)`.

use arrow::array::{Array as _, BooleanArray};
use arrow::buffer::{BooleanBuffer, NullBuffer};
use arrow::datatypes::ByteViewType;
use firn_types::{Error, Result, SqlType, Value};
use hashbrown::HashSet;

use super::compare::{self, float_key, pack};
use super::forms::{self, Operand};
use crate::{Array, Column};

/// Widest range of integers that is kept as one bit each: 32 KiB, which stay in the nearest cache.
const BITMAP_RANGE_MAX: i128 = 1 << 18;

/// A set of constants of one type, ready to be asked about columns.
#[derive(Debug)]
pub struct InList {
    set: Set,
    has_null: bool,
    sql_type: SqlType,
}

#[derive(Debug)]
enum Set {
    /// Bit `i` is set when `low + i` is in the set.
    Bitmap {
        low: i128,
        bits: BooleanBuffer,
    },
    I64(HashSet<i64, foldhash::fast::FixedState>),
    I128(HashSet<i128, foldhash::fast::FixedState>),
    Bytes(HashSet<Box<[u8]>, foldhash::fast::FixedState>),
}

impl InList {
    /// The set of these constants, of the type or NULL.
    ///
    /// # Errors
    /// An internal error when a constant is not of the type.
    pub fn new(values: &[Value], sql_type: SqlType) -> Result<InList> {
        let has_null = values.iter().any(Value::is_null);
        let column = Column::from_values(sql_type, values.iter().filter(|v| !v.is_null()))?;
        let array = compare::comparable(&column, sql_type)?.flat();
        let set = match &array {
            Array::Bool(a) => integers(&a.iter().flatten().map(i128::from).collect::<Vec<_>>()),
            Array::F64(a) => {
                integers(&a.values().iter().map(|&v| i128::from(float_key(v))).collect::<Vec<_>>())
            }
            Array::Text(a) => Set::Bytes(a.iter().flatten().map(|v| v.as_bytes().into()).collect()),
            Array::Bytes(a) => Set::Bytes(a.iter().flatten().map(Into::into).collect()),
            other => integers(&(0..other.len()).map(|row| other.integer(row)).collect::<Vec<_>>()),
        };
        Ok(InList { set, has_null, sql_type })
    }

    /// Whether each value is in the set; NULL where the value is NULL, or where it is not in the set and
    /// the set holds NULL. A dictionary is asked about once per value.
    ///
    /// # Errors
    /// An internal error when the column is not of the set's type.
    pub fn contains(&self, column: &Column) -> Result<Column> {
        let column = compare::comparable(column, self.sql_type)?;
        forms::map(&column, |array| {
            let found = self.find(array)?;
            let mut nulls = array.nulls().cloned();
            if self.has_null {
                nulls = NullBuffer::union(nulls.as_ref(), Some(&NullBuffer::new(found.clone())));
            }
            Ok(Array::Bool(BooleanArray::new(found, nulls)))
        })
    }

    fn find(&self, array: &Array) -> Result<BooleanBuffer> {
        let rows = array.len();
        Ok(match (&self.set, array) {
            (Set::Bytes(set), Array::Text(a)) => find_bytes(set, a),
            (Set::Bytes(set), Array::Bytes(a)) => find_bytes(set, a),
            (Set::Bytes(_), other) => return Err(wrong_form(other)),
            (set, Array::I32(a)) => set.find(a.values(), i64::from),
            (set, Array::I64(a)) => set.find(a.values(), |v| v),
            (set, Array::F64(a)) => set.find(a.values(), float_key),
            (set, Array::I128(a)) => pack(Operand::Many(a.values()), |v| set.holds_wide(v)),
            (set, Array::Bool(a)) => {
                BooleanBuffer::collect_bool(rows, |row| set.holds(i64::from(a.value(row))))
            }
            (_, other) => return Err(wrong_form(other)),
        })
    }
}

fn wrong_form(array: &Array) -> Error {
    Error::internal(format!("IN over {:?}", array.physical()))
}

fn integers(values: &[i128]) -> Set {
    let (Some(&low), Some(&high)) = (values.iter().min(), values.iter().max()) else {
        return Set::I64(HashSet::default());
    };
    if high.saturating_sub(low) < BITMAP_RANGE_MAX {
        let mut bits = vec![false; (high - low) as usize + 1];
        values.iter().for_each(|value| bits[(value - low) as usize] = true);
        return Set::Bitmap { low, bits: bits.into() };
    }
    match values.iter().map(|&v| i64::try_from(v)).collect::<Result<HashSet<_, _>, _>>() {
        Ok(set) => Set::I64(set),
        Err(_) => Set::I128(values.iter().copied().collect()),
    }
}

impl Set {
    fn find<T: Copy>(&self, values: &[T], key: impl Fn(T) -> i64) -> BooleanBuffer {
        let values = Operand::Many(values);
        match self {
            Set::Bitmap { low, bits } => match i64::try_from(*low) {
                Ok(low) => pack(values, |v| {
                    let index = key(v).wrapping_sub(low) as u64 as usize;
                    index < bits.len() && bits.value(index)
                }),
                Err(_) => pack(values, |_| false),
            },
            other => pack(values, |v| other.holds(key(v))),
        }
    }

    fn holds(&self, value: i64) -> bool {
        match self {
            Set::I64(set) => set.contains(&value),
            other => other.holds_wide(i128::from(value)),
        }
    }

    fn holds_wide(&self, value: i128) -> bool {
        match self {
            Set::Bitmap { low, bits } => value
                .checked_sub(*low)
                .and_then(|index| usize::try_from(index).ok())
                .is_some_and(|index| index < bits.len() && bits.value(index)),
            Set::I64(set) => i64::try_from(value).is_ok_and(|value| set.contains(&value)),
            Set::I128(set) => set.contains(&value),
            Set::Bytes(_) => false,
        }
    }
}

fn find_bytes<T: ByteViewType>(
    set: &HashSet<Box<[u8]>, foldhash::fast::FixedState>,
    array: &arrow::array::GenericByteViewArray<T>,
) -> BooleanBuffer {
    BooleanBuffer::collect_bool(array.len(), |row| {
        set.contains(AsRef::<[u8]>::as_ref(array.value(row)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(list: &[Value], sql_type: SqlType, value: &Value) -> Result<Value> {
        let column = Column::from_values(sql_type, [value])?;
        Ok(InList::new(list, sql_type)?.contains(&column)?.value(0, SqlType::Boolean))
    }

    #[test]
    fn membership_knows_null_wide_numbers_and_texts() -> Result<()> {
        let number = |n: i128| Value::integer(n);
        let yes = Value::Boolean(true);
        let no = Value::Boolean(false);
        for list in
            [[number(1), number(7)], [number(1 << 50), number(7)], [number(1 << 90), number(7)]]
        {
            assert_eq!(ask(&list, SqlType::INTEGER, &number(7))?, yes);
            assert_eq!(ask(&list, SqlType::INTEGER, &list[0])?, yes);
            assert_eq!(ask(&list, SqlType::INTEGER, &number(8))?, no);
            assert_eq!(ask(&list, SqlType::INTEGER, &number((1 << 100) + 7))?, no);
            assert_eq!(ask(&list, SqlType::INTEGER, &Value::Null)?, Value::Null);
        }
        let list = [number(1), Value::Null];
        assert_eq!(ask(&list, SqlType::INTEGER, &number(1))?, yes);
        assert_eq!(ask(&list, SqlType::INTEGER, &number(2))?, Value::Null);
        let list = [Value::text("a text longer than a view"), Value::text("")];
        assert_eq!(ask(&list, SqlType::TEXT, &Value::text(""))?, yes);
        assert_eq!(ask(&list, SqlType::TEXT, &Value::text("a"))?, no);
        assert_eq!(ask(&[Value::Float(-0.0)], SqlType::Float, &Value::Float(0.0))?, yes);
        assert_eq!(ask(&[Value::Float(f64::NAN)], SqlType::Float, &Value::Float(f64::NAN))?, yes);
        Ok(())
    }
}
