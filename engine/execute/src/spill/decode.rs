//! Bytes as a batch.

use std::sync::Arc;

use arrow::array::{
    ArrowPrimitiveType, BinaryViewArray, BinaryViewBuilder, BooleanArray, PrimitiveArray,
    StringViewArray, UInt32Array,
};
use arrow::buffer::{BooleanBuffer, Buffer, MutableBuffer, NullBuffer, ScalarBuffer};
use firn_column::{Array, Batch, Column, PhysicalType};
use firn_types::{Error, Result};

use super::encode::{CONSTANT, DICTIONARY, FLAT};

const PHYSICAL: [PhysicalType; 7] = [
    PhysicalType::Bool,
    PhysicalType::I32,
    PhysicalType::I64,
    PhysicalType::I128,
    PhysicalType::F64,
    PhysicalType::Text,
    PhysicalType::Bytes,
];

/// The tag of a physical form.
pub(super) fn tag(physical: PhysicalType) -> u8 {
    PHYSICAL.iter().position(|p| *p == physical).unwrap_or(0) as u8
}

/// The batch that these bytes stand for.
pub(super) fn decode(bytes: &[u8]) -> Result<Batch> {
    let mut input = Input { bytes };
    let rows = input.count()?;
    let columns = input.count()?;
    let columns = (0..columns).map(|_| input.column()).collect::<Result<Vec<_>>>()?;
    if columns.iter().any(|column| column.len() != rows) {
        return Err(torn());
    }
    Ok(Batch::new(columns, rows))
}

fn torn() -> Error {
    Error::internal("a spilled batch that does not read back")
}

struct Input<'a> {
    bytes: &'a [u8],
}

impl<'a> Input<'a> {
    fn take(&mut self, len: usize) -> Result<&'a [u8]> {
        let (taken, rest) = self.bytes.split_at_checked(len).ok_or_else(torn)?;
        self.bytes = rest;
        Ok(taken)
    }

    fn byte(&mut self) -> Result<u8> {
        Ok(self.take(1)?[0])
    }

    fn count(&mut self) -> Result<usize> {
        let bytes = self.take(8)?.try_into().map_err(|_| torn())?;
        usize::try_from(u64::from_le_bytes(bytes)).map_err(|_| torn())
    }

    fn column(&mut self) -> Result<Column> {
        match self.byte()? {
            FLAT => Ok(Column::Flat(self.array()?)),
            CONSTANT => Ok(Column::Constant { rows: self.count()?, value: self.array()? }),
            DICTIONARY => {
                let (len, nulls) = self.nulls()?;
                let codes: UInt32Array = self.primitive(len, nulls)?;
                Ok(Column::Dictionary { codes, values: Arc::new(self.array()?) })
            }
            _ => Err(torn()),
        }
    }

    fn nulls(&mut self) -> Result<(usize, Option<NullBuffer>)> {
        let len = self.count()?;
        let nulls = match self.byte()? {
            0 => None,
            _ => Some(NullBuffer::new(self.bits(len)?)),
        };
        Ok((len, nulls))
    }

    fn bits(&mut self, len: usize) -> Result<BooleanBuffer> {
        let bytes = self.take(len.div_ceil(8))?;
        Ok(BooleanBuffer::new(Buffer::from_slice_ref(bytes), 0, len))
    }

    fn array(&mut self) -> Result<Array> {
        let physical = *PHYSICAL.get(usize::from(self.byte()?)).ok_or_else(torn)?;
        let (len, nulls) = self.nulls()?;
        Ok(match physical {
            PhysicalType::Bool => Array::Bool(BooleanArray::new(self.bits(len)?, nulls)),
            PhysicalType::I32 => Array::I32(self.primitive(len, nulls)?),
            PhysicalType::I64 => Array::I64(self.primitive(len, nulls)?),
            PhysicalType::I128 => Array::I128(self.primitive(len, nulls)?),
            PhysicalType::F64 => Array::F64(self.primitive(len, nulls)?),
            PhysicalType::Text => Array::Text(self.text(len, nulls)?),
            PhysicalType::Bytes => Array::Bytes(self.views(len, nulls)?),
        })
    }

    fn primitive<T: ArrowPrimitiveType>(
        &mut self,
        len: usize,
        nulls: Option<NullBuffer>,
    ) -> Result<PrimitiveArray<T>> {
        let bytes = self.take(len * size_of::<T::Native>())?;
        // Arrow wants its buffers aligned, which bytes amid others are not.
        let mut aligned = MutableBuffer::with_capacity(bytes.len());
        aligned.extend_from_slice(bytes);
        let values = ScalarBuffer::new(aligned.into(), 0, len);
        PrimitiveArray::try_new(values, nulls).map_err(|_| torn())
    }

    fn text(&mut self, len: usize, nulls: Option<NullBuffer>) -> Result<StringViewArray> {
        self.views(len, nulls)?.to_string_view().map_err(|_| torn())
    }

    fn views(&mut self, len: usize, nulls: Option<NullBuffer>) -> Result<BinaryViewArray> {
        let lengths = self.take(len * 4)?;
        let length = |row: usize| {
            let bytes = lengths[row * 4..row * 4 + 4].try_into().unwrap_or([0; 4]);
            u32::from_le_bytes(bytes)
        };
        let total = (0..len).map(|row| length(row) as usize).sum();
        let block = self.take(total)?;
        let mut builder = BinaryViewBuilder::with_capacity(len);
        // Positions in a block are 32-bit numbers.
        let small = u32::try_from(total).is_ok();
        let number = small.then(|| builder.append_block(Buffer::from_slice_ref(block)));
        let mut start = 0;
        for row in 0..len {
            let end = start + length(row) as usize;
            if nulls.as_ref().is_some_and(|nulls| nulls.is_null(row)) {
                builder.append_null();
            } else if let Some(number) = number {
                builder.try_append_view(number, start as u32, length(row)).map_err(|_| torn())?;
            } else {
                builder.append_value(&block[start..end]);
            }
            start = end;
        }
        Ok(builder.finish())
    }
}
