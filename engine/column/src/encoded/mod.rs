//! A column as memory keeps it: integers and codes in as few bits as their values need, texts that repeat
//! once.
//!
//! Operators see none of this. They are given plain columns of some rows, which are widened while they are
//! in the processor's cache; memory and its bandwidth only know the narrow form.

mod packed;
#[cfg(test)]
mod tests;

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{
    Array as _, Decimal128Array, Int32Array, Int64Array, MAX_INLINE_VIEW_LEN, StringArray,
    StringBuilder, StringViewArray, UInt32Array,
};
use arrow::buffer::{BooleanBuffer, Buffer, NullBuffer};

use crate::array::arrow_type;
use crate::row_key::repeated_texts;
use crate::{Array, Column, PhysicalType};
use packed::{Integer, Packed, Pick};

/// Texts are copied when more than one part in so many of their bytes is of no use.
const SLACK_SHARE: usize = 4;

/// A column to keep. Cloning shares the values.
#[derive(Clone, Debug)]
pub struct EncodedColumn {
    rows: usize,
    form: Form,
    /// Which rows of packed values are not NULL; none when all are.
    nulls: Option<NullBuffer>,
}

#[derive(Clone, Debug)]
enum Form {
    /// Integers that are given in the width that they came in.
    Integers(Arc<Packed>, PhysicalType),
    /// A dictionary.
    Codes(Arc<Packed>, Arc<Array>),
    /// Texts one after the other, with their NULLs: an end for each takes a quarter of a view.
    Texts(StringArray),
    /// What gains nothing, with its NULLs.
    Whole(Column),
}

/// Which integers pass: those from `low` to `high`, or the others.
#[derive(Clone, Copy, Debug)]
pub struct IntegerTest {
    /// The least of the range.
    pub low: i128,
    /// The greatest of the range.
    pub high: i128,
    /// Whether those outside of the range pass.
    pub outside: bool,
}

impl EncodedColumn {
    /// The column, as narrow as it goes.
    pub fn of(column: &Column) -> EncodedColumn {
        let Column::Flat(Array::Text(texts)) = column else { return EncodedColumn::packed(column) };
        let Some((codes, values)) = repeated_texts(texts) else {
            return match end_to_end(texts) {
                Some(texts) => {
                    EncodedColumn { rows: texts.len(), form: Form::Texts(texts), nulls: None }
                }
                None => EncodedColumn::whole(&Column::Flat(Array::Text(without_slack(texts)))),
            };
        };
        let nulls = column.nulls().filter(|nulls| nulls.null_count() > 0);
        let codes = Packed::of(&codes, nulls.as_ref());
        let form = Form::Codes(Arc::new(codes), Arc::new(values));
        EncodedColumn { rows: column.len(), form, nulls }
    }

    /// The column, its integers and codes as narrow as they go. Texts are not looked at, which is for what
    /// is written more often than read.
    pub fn packed(column: &Column) -> EncodedColumn {
        let nulls = column.nulls().filter(|nulls| nulls.null_count() > 0);
        let form = match column {
            Column::Flat(Array::I32(a)) => integers(a.values(), nulls.as_ref(), PhysicalType::I32),
            Column::Flat(Array::I64(a)) => integers(a.values(), nulls.as_ref(), PhysicalType::I64),
            Column::Flat(Array::I128(a)) => {
                integers(a.values(), nulls.as_ref(), PhysicalType::I128)
            }
            Column::Dictionary { codes, values } => {
                let codes = Packed::of(codes.values(), nulls.as_ref());
                Some(Form::Codes(Arc::new(codes), Arc::clone(values)))
            }
            _ => None,
        };
        match form {
            Some(form) => EncodedColumn { rows: column.len(), form, nulls },
            None => EncodedColumn::whole(column),
        }
    }

    /// The column as it stands: for what is not kept.
    pub fn whole(column: &Column) -> EncodedColumn {
        EncodedColumn { rows: column.len(), form: Form::Whole(column.clone()), nulls: None }
    }

    /// The number of rows.
    pub fn len(&self) -> usize {
        self.rows
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// The number of values of a dictionary.
    pub fn dictionary_len(&self) -> Option<usize> {
        match &self.form {
            Form::Codes(_, values) => Some(values.len()),
            _ => None,
        }
    }

    /// About how many bytes of memory it holds.
    pub fn memory_bytes(&self) -> usize {
        let nulls = self.nulls.as_ref().map_or(0, |nulls| nulls.buffer().capacity());
        nulls
            + match &self.form {
                Form::Integers(packed, _) => packed.memory_bytes(),
                Form::Codes(packed, values) => {
                    packed.memory_bytes() + values.as_arrow().get_buffer_memory_size()
                }
                Form::Texts(texts) => texts.get_buffer_memory_size(),
                Form::Whole(column) => column.memory_bytes(),
            }
    }

    /// Rows `offset..offset + len`.
    pub fn slice(&self, offset: usize, len: usize) -> Column {
        self.widened(&Pick::Range(offset..offset + len))
    }

    /// The given rows, none of them NULL and each of them there; ascending ones are fastest.
    pub fn take(&self, rows: &UInt32Array) -> Column {
        self.widened(&Pick::List(rows))
    }

    /// Which of the rows hold an integer, as the array would have it, that passes the test; `None` for
    /// columns that are not packed integers.
    pub fn passing(&self, rows: &Range<usize>, test: &IntegerTest) -> Option<BooleanBuffer> {
        let Form::Integers(packed, _) = &self.form else { return None };
        let between = packed.between(rows, test.low, test.high);
        let found = if test.outside { !&between } else { between };
        Some(match &self.nulls {
            None => found,
            Some(nulls) => &found & nulls.slice(rows.start, rows.len()).inner(),
        })
    }

    fn widened(&self, rows: &Pick<'_>) -> Column {
        match &self.form {
            Form::Integers(packed, width) => {
                let nulls = self.nulls_of(rows);
                if let Some(value) = only_value(packed, *width, rows, nulls.as_ref()) {
                    return Column::Constant { value, rows: rows.len() };
                }
                Column::Flat(match width {
                    PhysicalType::I32 => {
                        Array::I32(Int32Array::new(packed.pick(rows).into(), nulls))
                    }
                    PhysicalType::I64 => {
                        Array::I64(Int64Array::new(packed.pick(rows).into(), nulls))
                    }
                    _ => wide(packed.pick(rows), nulls),
                })
            }
            Form::Codes(packed, values) => Column::Dictionary {
                codes: UInt32Array::new(packed.pick(rows).into(), self.nulls_of(rows)),
                values: Arc::clone(values),
            },
            Form::Texts(texts) => Column::Flat(Array::Text(match rows {
                Pick::Range(rows) => (&texts.slice(rows.start, rows.len())).into(),
                Pick::List(rows) => {
                    rows.values().iter().map(|&row| text_at(texts, row as usize)).collect()
                }
            })),
            Form::Whole(column) => match rows {
                Pick::Range(rows) => column.slice(rows.start, rows.len()),
                Pick::List(rows) => column.take(rows),
            },
        }
    }

    /// Which of the rows of packed values are not NULL; none when all are.
    fn nulls_of(&self, rows: &Pick<'_>) -> Option<NullBuffer> {
        let nulls = self.nulls.as_ref()?;
        let nulls = match rows {
            Pick::Range(rows) => nulls.slice(rows.start, rows.len()),
            Pick::List(rows) => {
                let valid = |at: usize| nulls.is_valid(rows.value(at) as usize);
                NullBuffer::new(BooleanBuffer::collect_bool(rows.len(), valid))
            }
        };
        Some(nulls).filter(|nulls| nulls.null_count() > 0)
    }
}

fn text_at(texts: &StringArray, row: usize) -> Option<&str> {
    texts.is_valid(row).then(|| texts.value(row))
}

/// The texts one after the other, if that takes less memory by an eighth. Short ones are better off in their
/// views, where they need not be put together again.
fn end_to_end(texts: &StringViewArray) -> Option<StringArray> {
    let bytes: usize = texts.lengths().map(|length| length as usize).sum();
    let held = texts.len() * size_of::<u128>() + texts.total_buffer_bytes_used();
    let are_short = bytes <= texts.len() * MAX_INLINE_VIEW_LEN as usize;
    if are_short || i32::try_from(bytes).is_err() || (bytes + texts.len() * 4) * 8 > held * 7 {
        return None;
    }
    let mut builder = StringBuilder::with_capacity(texts.len(), bytes);
    texts.iter().for_each(|text| builder.append_option(text));
    Some(builder.finish())
}

/// The texts without bytes that none of them refers to, if those are many: a text of up to 12 bytes stands in
/// its view, and what a file's page had of it is of no use.
fn without_slack(texts: &StringViewArray) -> StringViewArray {
    let held: usize = texts.data_buffers().iter().map(Buffer::capacity).sum();
    let used = texts.total_buffer_bytes_used();
    if held > used + used / SLACK_SHARE { texts.gc() } else { texts.clone() }
}

/// Integers, if they become smaller by an eighth: else they are not worth widening.
fn integers<T: Integer>(
    values: &[T],
    nulls: Option<&NullBuffer>,
    width: PhysicalType,
) -> Option<Form> {
    let packed = Packed::of(values, nulls);
    let pays = packed.memory_bytes() * 8 <= size_of_val(values) * 7;
    pays.then(|| Form::Integers(Arc::new(packed), width))
}

/// The one value, or NULL, of all the rows, as an array of length one.
fn only_value(
    packed: &Packed,
    width: PhysicalType,
    rows: &Pick<'_>,
    nulls: Option<&NullBuffer>,
) -> Option<Array> {
    let Pick::Range(range) = rows else { return None };
    match nulls {
        Some(nulls) if nulls.null_count() == range.len() => Some(Array::nulls_of(width, 1)),
        Some(_) => None,
        None => packed.only_value(range).map(|value| match width {
            PhysicalType::I32 => Array::I32(vec![value as i32].into()),
            PhysicalType::I64 => Array::I64(vec![value as i64].into()),
            _ => wide(vec![value], None),
        }),
    }
}

fn wide(values: Vec<i128>, nulls: Option<NullBuffer>) -> Array {
    let array = Decimal128Array::new(values.into(), nulls);
    Array::I128(array.with_data_type(arrow_type(PhysicalType::I128)))
}
