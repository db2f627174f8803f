//! The values of one column, in one of seven physical forms over Arrow's arrays.

use std::sync::Arc;

use arrow::array::{
    Array as _, ArrayRef, BinaryViewArray, BooleanArray, Decimal128Array, Float64Array,
    GenericByteViewArray, Int32Array, Int64Array, MAX_INLINE_VIEW_LEN, MutableArrayData,
    StringViewArray, make_array, new_null_array,
};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{ArrowPrimitiveType, ByteViewType, DataType, Decimal128Type};
use firn_types::{Error, Result};

use crate::PhysicalType;

/// The values of one column with their nulls. Cloning shares the buffers.
#[derive(Clone, Debug)]
pub enum Array {
    /// One bit each.
    Bool(BooleanArray),
    /// 32-bit integers.
    I32(Int32Array),
    /// 64-bit integers.
    I64(Int64Array),
    /// 128-bit integers; Arrow's precision and scale are not used.
    I128(Decimal128Array),
    /// 64-bit floating-point numbers.
    F64(Float64Array),
    /// Texts.
    Text(StringViewArray),
    /// Bytes.
    Bytes(BinaryViewArray),
}

/// Does the same with whichever Arrow array is inside.
#[macro_export]
macro_rules! with_array {
    ($array:expr, $inner:ident => $body:expr) => {
        match $array {
            $crate::Array::Bool($inner) => $body,
            $crate::Array::I32($inner) => $body,
            $crate::Array::I64($inner) => $body,
            $crate::Array::I128($inner) => $body,
            $crate::Array::F64($inner) => $body,
            $crate::Array::Text($inner) => $body,
            $crate::Array::Bytes($inner) => $body,
        }
    };
}

/// Buffers of texts that an array may refer to before it is given one of its own.
const BUFFERS_MAX: usize = 8;
/// Bytes of which it does not matter who holds them.
const SMALL_BYTES: usize = 1 << 10;

impl Array {
    /// The number of values.
    pub fn len(&self) -> usize {
        with_array!(self, a => a.len())
    }

    /// Whether there is no value.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The same values in buffers of their own: a few texts must not keep the buffers of a whole batch alive.
    pub fn compacted(self) -> Array {
        match self {
            Array::Text(a) => Array::Text(a.gc()),
            Array::Bytes(a) => Array::Bytes(a.gc()),
            other => other,
        }
    }

    /// The same values, of texts from many buffers compacted. Putting arrays together lists the buffers of
    /// all; without this the lists would grow from operator to operator, and so would every batch's cost.
    pub fn with_few_buffers(self) -> Array {
        let buffers = match &self {
            Array::Text(a) => a.data_buffers().len(),
            Array::Bytes(a) => a.data_buffers().len(),
            _ => 0,
        };
        if buffers > BUFFERS_MAX { self.compacted() } else { self }
    }

    /// The same values without more memory than they need: a copy where their buffers hold more than twice
    /// as much, as those of a few rows of a large batch do. For what is kept for long.
    pub fn trimmed(self) -> Array {
        let enough = 2 * self.needed_bytes() + SMALL_BYTES;
        let holds_more = |array: &Array| array.as_arrow().get_buffer_memory_size() > enough;
        if !holds_more(&self) {
            return self;
        }
        // This drops buffers of texts, but not a large array that this is a part of.
        let array = self.compacted();
        if !holds_more(&array) {
            return array;
        }
        let data = array.as_arrow().to_data();
        let mut copy = MutableArrayData::new(vec![&data], false, array.len());
        match copy.try_extend(0, 0, array.len()) {
            Ok(()) => Array::wrap(&make_array(copy.freeze())),
            Err(_) => array,
        }
    }

    /// Bytes that the values take in buffers of their own.
    pub fn needed_bytes(&self) -> usize {
        let rows = self.len();
        let nulls = if self.nulls().is_some() { rows.div_ceil(8) } else { 0 };
        nulls
            + match self {
                Array::Bool(_) => rows.div_ceil(8),
                Array::I32(_) => rows * 4,
                Array::I64(_) | Array::F64(_) => rows * 8,
                Array::I128(_) => rows * 16,
                Array::Text(a) => bytes_of_views(a),
                Array::Bytes(a) => bytes_of_views(a),
            }
    }

    /// Which values are not NULL; none when all are.
    pub fn nulls(&self) -> Option<&NullBuffer> {
        with_array!(self, a => a.nulls())
    }

    /// The number of NULLs.
    pub fn null_count(&self) -> usize {
        with_array!(self, a => a.null_count())
    }

    /// Whether value `row` is NULL.
    pub fn is_null(&self, row: usize) -> bool {
        with_array!(self, a => a.is_null(row))
    }

    /// The physical form.
    pub fn physical(&self) -> PhysicalType {
        match self {
            Array::Bool(_) => PhysicalType::Bool,
            Array::I32(_) => PhysicalType::I32,
            Array::I64(_) => PhysicalType::I64,
            Array::I128(_) => PhysicalType::I128,
            Array::F64(_) => PhysicalType::F64,
            Array::Text(_) => PhysicalType::Text,
            Array::Bytes(_) => PhysicalType::Bytes,
        }
    }

    /// `len` NULLs.
    pub fn nulls_of(physical: PhysicalType, len: usize) -> Array {
        Array::wrap(&new_null_array(&arrow_type(physical), len))
    }

    /// Values `offset..offset + len`, sharing the buffers.
    pub fn slice(&self, offset: usize, len: usize) -> Array {
        match self {
            Array::Bool(a) => Array::Bool(a.slice(offset, len)),
            Array::I32(a) => Array::I32(a.slice(offset, len)),
            Array::I64(a) => Array::I64(a.slice(offset, len)),
            Array::I128(a) => Array::I128(a.slice(offset, len)),
            Array::F64(a) => Array::F64(a.slice(offset, len)),
            Array::Text(a) => Array::Text(a.slice(offset, len)),
            Array::Bytes(a) => Array::Bytes(a.slice(offset, len)),
        }
    }

    /// The Arrow array, for Arrow's kernels.
    pub fn as_arrow(&self) -> &dyn arrow::array::Array {
        with_array!(self, a => a)
    }

    /// The Arrow array behind a shared pointer.
    pub fn to_arrow(&self) -> ArrayRef {
        with_array!(self, a => Arc::new(a.clone()))
    }

    /// An Arrow array of one of the seven physical forms.
    ///
    /// # Errors
    /// An internal error for any other Arrow type.
    pub fn from_arrow(array: &ArrayRef) -> Result<Array> {
        let any = array.as_any();
        macro_rules! downcast {
            ($($variant:ident: $type:ty),*) => {
                $(if let Some(a) = any.downcast_ref::<$type>() {
                    return Ok(Array::$variant(a.clone()));
                })*
            };
        }
        if let Some(a) = any.downcast_ref::<Decimal128Array>() {
            // One Arrow type for all, whatever precision and scale the array came with: Arrow's kernels
            // refuse to put arrays of different types together.
            return Ok(Array::I128(a.clone().with_data_type(Decimal128Type::DATA_TYPE)));
        }
        downcast!(Bool: BooleanArray, I32: Int32Array, I64: Int64Array, F64: Float64Array,
            Text: StringViewArray, Bytes: BinaryViewArray);
        Err(Error::internal(format!("no column form for Arrow's {}", array.data_type())))
    }

    /// As [`Array::from_arrow`], for arrays that an Arrow kernel made from one of ours: it keeps the
    /// type, so that this cannot fail.
    pub(crate) fn wrap(array: &ArrayRef) -> Array {
        match Array::from_arrow(array) {
            Ok(array) => array,
            Err(error) => unreachable!("{error}"),
        }
    }

    /// The same integers in at least this width; other forms and wider integers stay as they are.
    pub fn widened(&self, to: PhysicalType) -> Array {
        match (self, to) {
            (Array::I32(a), PhysicalType::I64) => Array::I64(a.unary(i64::from)),
            (Array::I32(a), PhysicalType::I128) => Array::I128(a.unary(i128::from)),
            (Array::I64(a), PhysicalType::I128) => Array::I128(a.unary(i128::from)),
            _ => self.clone(),
        }
    }

    /// The same integers in this width, which the caller knows to hold them; other forms and narrower
    /// integers stay as they are.
    pub fn narrowed(self, to: PhysicalType) -> Array {
        match (&self, to) {
            (Array::I64(a), PhysicalType::I32) => Array::I32(a.unary(|value| value as i32)),
            (Array::I128(a), PhysicalType::I32) => Array::I32(a.unary(|value| value as i32)),
            (Array::I128(a), PhysicalType::I64) => Array::I64(a.unary(|value| value as i64)),
            _ => self,
        }
    }

    /// The same values under this crate's own Arrow type: 128-bit integers may carry any precision and
    /// scale, which Arrow's kernels would take for different types.
    pub fn canonical(self) -> Array {
        match self {
            Array::I128(a) if *a.data_type() != arrow_type(PhysicalType::I128) => {
                let (_, values, nulls) = a.into_parts();
                let array = Decimal128Array::new(values, nulls);
                Array::I128(array.with_data_type(arrow_type(PhysicalType::I128)))
            }
            other => other,
        }
    }

    /// The integer at `row`, whichever width; 0 for NULL and for other forms.
    pub fn integer(&self, row: usize) -> i128 {
        match self {
            Array::I32(a) => i128::from(a.value(row)),
            Array::I64(a) => i128::from(a.value(row)),
            Array::I128(a) => a.value(row),
            _ => 0,
        }
    }
}

/// Arrow's type of a physical form.
pub fn arrow_type(physical: PhysicalType) -> DataType {
    match physical {
        PhysicalType::Bool => DataType::Boolean,
        PhysicalType::I32 => DataType::Int32,
        PhysicalType::I64 => DataType::Int64,
        PhysicalType::I128 => Decimal128Type::DATA_TYPE,
        PhysicalType::F64 => DataType::Float64,
        PhysicalType::Text => DataType::Utf8View,
        PhysicalType::Bytes => DataType::BinaryView,
    }
}

/// A view holds short values itself; long ones stand in a buffer.
fn bytes_of_views<T: ByteViewType>(array: &GenericByteViewArray<T>) -> usize {
    if array.data_buffers().is_empty() {
        return array.len() * 16;
    }
    let long = array.lengths().filter(|length| *length > MAX_INLINE_VIEW_LEN);
    array.len() * 16 + long.map(|length| length as usize).sum::<usize>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trimmed_part_holds_no_more_than_it_needs() {
        let texts = |length: usize| -> Array {
            let texts = (0..100_000).map(|n| Some(format!("{n:0length$}")));
            Array::Text(texts.collect::<StringViewArray>())
        };
        let numbers = (0..100_000).map(|n| (n % 3 > 0).then_some(n));
        let arrays = [
            texts(6),
            texts(40),
            Array::I32(numbers.clone().collect()),
            Array::I64(numbers.clone().map(|n| n.map(i64::from)).collect()),
            Array::I128(numbers.clone().map(|n| n.map(i128::from)).collect()),
            Array::F64(numbers.clone().map(|n| n.map(f64::from)).collect()),
            Array::Bool(numbers.map(|n| n.map(|n| n % 2 == 0)).collect()),
        ];
        for array in arrays {
            let part = array.slice(50_001, 1_000);
            let trimmed = part.clone().trimmed();
            let bytes = trimmed.as_arrow().get_buffer_memory_size();
            assert!(bytes <= 60 * 1_000, "{bytes} bytes of {:?}", array.physical());
            assert_eq!(trimmed.as_arrow().to_data(), part.as_arrow().to_data());
        }
    }
}
