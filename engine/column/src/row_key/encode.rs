//! Keys of any columns as bytes whose order is the rows' order.
//!
//! Every value begins with a byte that tells NULL from values: 0x00 for NULLs that come first, 0xFF for
//! those that come last, something between for values. Then
//!
//! | values | bytes |
//! |---|---|
//! | integers of any width | a byte for sign and length (0x80 + n, or 0x7F - n for negative ones), then the n bytes that are not just the sign, highest first |
//! | FLOAT | 0x01, then the eight bytes of an integer of the same order |
//! | texts and bytes | 0x01, the bytes with 0x00 written as 0x00 0xFF, then 0x00 0x00 |
//!
//! A descending value has all its bytes inverted.

use arrow::array::{Array as _, UInt32Array};
use firn_types::{Result, SqlType};

use super::fixed::KeyOrder;
use crate::kernels::compare::{comparable, float_key};
use crate::{Array, Column};

/// The keys of many rows, one after another.
#[derive(Clone, Debug)]
pub struct RowKeys {
    bytes: Vec<u8>,
    /// Where each key begins, and the end of the last.
    offsets: Vec<usize>,
}

impl Default for RowKeys {
    fn default() -> RowKeys {
        RowKeys { bytes: Vec::new(), offsets: vec![0] }
    }
}

impl RowKeys {
    /// The number of keys.
    pub fn len(&self) -> usize {
        self.offsets.len() - 1
    }

    /// Whether there is no key.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The key of a row.
    #[inline]
    pub fn key(&self, row: usize) -> &[u8] {
        &self.bytes[self.offsets[row]..self.offsets[row + 1]]
    }

    /// The first byte of a key, or 0: for loading it into the cache.
    #[inline]
    pub(crate) fn load(&self, row: usize) -> u64 {
        let first = self.offsets.get(row).and_then(|&offset| self.bytes.get(offset));
        first.map_or(0, |&byte| u64::from(byte))
    }

    /// Adds a key.
    pub fn push(&mut self, key: &[u8]) {
        self.bytes.extend_from_slice(key);
        self.offsets.push(self.bytes.len());
    }

    /// Eight bytes of every key as integers of the same order, when all keys are alike in the `common` bytes
    /// before; equal prefixes decide nothing.
    pub fn prefixes_after(&self, common: usize) -> Vec<u64> {
        let prefix = |row| {
            let key: &[u8] = self.key(row).get(common..).unwrap_or(&[]);
            let mut bytes = [0; 8];
            let length = key.len().min(8);
            bytes[..length].copy_from_slice(&key[..length]);
            u64::from_be_bytes(bytes)
        };
        (0..self.len()).map(prefix).collect()
    }

    /// Forgets all keys and keeps the memory.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.offsets.truncate(1);
    }

    /// About how many bytes of memory the keys hold.
    pub fn memory_bytes(&self) -> usize {
        self.bytes.capacity() + self.offsets.capacity() * size_of::<usize>()
    }
}

/// Encodes keys of certain types in a certain order.
#[derive(Clone, Debug)]
pub struct KeyEncoder {
    types: Vec<SqlType>,
    orders: Vec<KeyOrder>,
    ordered: bool,
}

/// A column of which single values are asked.
struct Source<'a> {
    array: Array,
    rows: Rows<'a>,
    order: KeyOrder,
    ordered: bool,
}

/// Where the value of a row stands in the array.
enum Rows<'a> {
    Same,
    First,
    Coded(&'a UInt32Array),
}

impl KeyEncoder {
    /// An encoder for columns of these types, each with its order.
    pub fn new(types: &[SqlType], orders: &[KeyOrder]) -> KeyEncoder {
        KeyEncoder { types: types.to_vec(), orders: orders.to_vec(), ordered: true }
    }

    /// An encoder of keys that are only compared for equality, which is cheaper.
    pub fn unordered(types: &[SqlType]) -> KeyEncoder {
        let orders = vec![KeyOrder::default(); types.len()];
        KeyEncoder { types: types.to_vec(), orders, ordered: false }
    }

    /// Adds the keys of `rows` rows.
    ///
    /// # Errors
    /// For types without an order.
    pub fn encode(&self, columns: &[Column], rows: usize, keys: &mut RowKeys) -> Result<()> {
        let mut comparables = Vec::with_capacity(columns.len());
        for (column, &sql_type) in columns.iter().zip(&self.types) {
            comparables.push(comparable(column, sql_type)?);
        }
        let ordered = self.ordered;
        let sources: Vec<Source<'_>> = comparables
            .iter()
            .zip(&self.orders)
            .map(|(column, &order)| match column {
                Column::Flat(array) => {
                    Source { array: array.clone(), rows: Rows::Same, order, ordered }
                }
                Column::Constant { value, .. } => {
                    Source { array: value.clone(), rows: Rows::First, order, ordered }
                }
                Column::Dictionary { codes, values } => Source {
                    array: values.as_ref().clone(),
                    rows: Rows::Coded(codes),
                    order,
                    ordered,
                },
            })
            .collect();
        keys.offsets.reserve(rows);
        keys.bytes.reserve(rows * 8 * columns.len());
        for row in 0..rows {
            for source in &sources {
                source.encode(row, &mut keys.bytes);
            }
            keys.offsets.push(keys.bytes.len());
        }
        Ok(())
    }
}

impl Source<'_> {
    #[inline]
    fn encode(&self, row: usize, bytes: &mut Vec<u8>) {
        let place = match self.rows {
            Rows::Same => Some(row),
            Rows::First => Some(0),
            Rows::Coded(codes) => codes.is_valid(row).then(|| codes.value(row) as usize),
        };
        let Some(place) = place.filter(|&place| !self.array.is_null(place)) else {
            return bytes.push(if self.order.nulls_first { 0 } else { 0xFF });
        };
        let start = bytes.len();
        match &self.array {
            Array::Bool(a) => push_integer(i128::from(a.value(place)), bytes),
            Array::I32(a) => push_integer(i128::from(a.value(place)), bytes),
            Array::I64(a) => push_integer(i128::from(a.value(place)), bytes),
            Array::I128(a) => push_integer(a.value(place), bytes),
            Array::F64(a) => {
                bytes.push(1);
                let key = float_key(a.value(place)) ^ i64::MIN;
                bytes.extend_from_slice(&key.to_be_bytes());
            }
            Array::Text(a) => self.push_bytes(a.value(place).as_bytes(), bytes),
            Array::Bytes(a) => self.push_bytes(a.value(place), bytes),
        }
        if self.order.descending {
            bytes[start..].iter_mut().for_each(|byte| *byte = !*byte);
        }
    }

    #[inline]
    fn push_bytes(&self, value: &[u8], bytes: &mut Vec<u8>) {
        if self.ordered {
            return push_ordered(value, bytes);
        }
        bytes.push(1);
        bytes.extend_from_slice(&(value.len() as u32).to_le_bytes());
        bytes.extend_from_slice(value);
    }
}

#[inline]
fn push_integer(value: i128, bytes: &mut Vec<u8>) {
    let sign = value >> 127;
    if let Ok(value) = i64::try_from(value) {
        let magnitude = (value ^ sign as i64) as u64;
        let length = (64 - magnitude.leading_zeros()).div_ceil(8) as usize;
        bytes.push(tag(sign, length));
        bytes.extend_from_slice(&value.to_be_bytes()[8 - length..]);
    } else {
        let magnitude = (value ^ sign) as u128;
        let length = (128 - magnitude.leading_zeros()).div_ceil(8) as usize;
        bytes.push(tag(sign, length));
        bytes.extend_from_slice(&value.to_be_bytes()[16 - length..]);
    }
}

#[inline]
fn tag(sign: i128, length: usize) -> u8 {
    if sign < 0 { 0x7F - length as u8 } else { 0x80 + length as u8 }
}

fn push_ordered(value: &[u8], bytes: &mut Vec<u8>) {
    bytes.push(1);
    let mut rest = value;
    while let Some(zero) = memchr::memchr(0, rest) {
        bytes.extend_from_slice(&rest[..=zero]);
        bytes.push(0xFF);
        rest = &rest[zero + 1..];
    }
    bytes.extend_from_slice(rest);
    bytes.extend_from_slice(&[0, 0]);
}
