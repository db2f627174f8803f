//! A batch as bytes.

use arrow::array::{Array as _, ArrowPrimitiveType, PrimitiveArray};
use arrow::buffer::NullBuffer;
use firn_column::{Array, Batch, Column};

/// The tags of a column's form.
pub(super) const FLAT: u8 = 0;
pub(super) const CONSTANT: u8 = 1;
pub(super) const DICTIONARY: u8 = 2;

/// The bytes of a batch.
pub(super) fn encode(batch: &Batch) -> Vec<u8> {
    let mut out = Vec::new();
    put_count(&mut out, batch.rows());
    put_count(&mut out, batch.columns().len());
    for column in batch.columns() {
        put_column(&mut out, column);
    }
    out
}

fn put_count(out: &mut Vec<u8>, count: usize) {
    out.extend_from_slice(&(count as u64).to_le_bytes());
}

fn put_column(out: &mut Vec<u8>, column: &Column) {
    match column {
        Column::Constant { value, rows } => {
            out.push(CONSTANT);
            put_count(out, *rows);
            put_array(out, value);
        }
        // A dictionary that is larger than its batch is worth less than the values that it stands for.
        Column::Dictionary { codes, values } if values.len() <= codes.len() => {
            out.push(DICTIONARY);
            put_nulls(out, codes.nulls(), codes.len());
            put_primitive(out, codes);
            put_array(out, values);
        }
        other => {
            out.push(FLAT);
            put_array(out, &other.flat());
        }
    }
}

fn put_array(out: &mut Vec<u8>, array: &Array) {
    out.push(super::decode::tag(array.physical()));
    put_nulls(out, array.nulls(), array.len());
    match array {
        Array::Bool(a) => {
            let bits = a.values().sliced();
            out.extend_from_slice(&bits.as_slice()[..a.len().div_ceil(8)]);
        }
        Array::I32(a) => put_primitive(out, a),
        Array::I64(a) => put_primitive(out, a),
        Array::I128(a) => put_primitive(out, a),
        Array::F64(a) => put_primitive(out, a),
        Array::Text(a) => put_views(out, a.iter().map(|text| text.map(str::as_bytes))),
        Array::Bytes(a) => put_views(out, a.iter()),
    }
}

fn put_nulls(out: &mut Vec<u8>, nulls: Option<&NullBuffer>, len: usize) {
    put_count(out, len);
    out.push(u8::from(nulls.is_some()));
    if let Some(nulls) = nulls {
        let bits = nulls.inner().sliced();
        out.extend_from_slice(&bits.as_slice()[..len.div_ceil(8)]);
    }
}

fn put_primitive<T: ArrowPrimitiveType>(out: &mut Vec<u8>, array: &PrimitiveArray<T>) {
    out.extend_from_slice(array.values().inner().as_slice());
}

fn put_views<'a>(out: &mut Vec<u8>, values: impl Iterator<Item = Option<&'a [u8]>> + Clone) {
    for value in values.clone() {
        let length = value.map_or(0, <[u8]>::len) as u32;
        out.extend_from_slice(&length.to_le_bytes());
    }
    for value in values.flatten() {
        out.extend_from_slice(value);
    }
}
