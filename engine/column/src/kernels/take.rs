//! Picking rows: from one column, and from several batches at once.
//!
//! Taking, filtering and slicing one column are methods of [`Column`]; here is what needs more than one:
//! gathering rows of many batches, as a sort or a join does at its end, and blending two columns.

use std::sync::Arc;

use arrow::array::{
    Array as _, ArrayRef, BooleanArray, Decimal128Array, Float64Array, Int32Array, Int64Array,
    PrimitiveArray, UInt32Array,
};
use arrow::buffer::NullBuffer;
use arrow::compute;
use arrow::datatypes::ArrowPrimitiveType;
use firn_types::{Error, Result};

use crate::column::widest_of;
use crate::{Array, Batch, Column};

/// A row of one of several batches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RowOf {
    /// Which batch.
    pub batch: u32,
    /// Which of its rows.
    pub row: u32,
}

/// The given rows of several batches with the same columns, in the given order.
///
/// # Errors
/// An internal error when there is no batch, or their columns differ in form.
pub fn gather(batches: &[Batch], rows: &[RowOf]) -> Result<Batch> {
    let first = batches.first().ok_or_else(|| Error::internal("gather from no batch"))?;
    let columns = (0..first.columns().len()).map(|position| {
        let parts: Vec<&Column> = batches.iter().map(|batch| batch.column(position)).collect();
        gather_column(&parts, rows)
    });
    Ok(Batch::new(columns.collect::<Result<_>>()?, rows.len()))
}

/// The given rows of several columns, in the given order. Integers of different widths meet at the
/// widest; dictionaries over the same values stay one.
///
/// # Errors
/// An internal error when there is no column, or their forms differ.
pub fn gather_column(columns: &[&Column], rows: &[RowOf]) -> Result<Column> {
    if let Some(codes) = shared_codes(columns) {
        let Some(Column::Dictionary { values, .. }) = columns.first() else {
            return Err(Error::internal("gather from no column"));
        };
        let codes = gather_primitive(&codes, rows);
        return Ok(Column::Dictionary { codes, values: Arc::clone(values) });
    }
    let widest = widest_of(columns)?;
    let arrays: Vec<Array> = columns.iter().map(|column| column.in_form(widest).flat()).collect();
    macro_rules! parts {
        ($variant:ident) => {
            arrays.iter().filter_map(|a| if let Array::$variant(a) = a { Some(a) } else { None })
        };
    }
    Ok(Column::Flat(match &arrays[0] {
        Array::I32(_) => {
            let parts: Vec<&Int32Array> = parts!(I32).collect();
            Array::I32(gather_primitive(&parts, rows))
        }
        Array::I64(_) => {
            let parts: Vec<&Int64Array> = parts!(I64).collect();
            Array::I64(gather_primitive(&parts, rows))
        }
        Array::I128(_) => {
            let parts: Vec<&Decimal128Array> = parts!(I128).collect();
            Array::I128(gather_primitive(&parts, rows)).canonical()
        }
        Array::F64(_) => {
            let parts: Vec<&Float64Array> = parts!(F64).collect();
            Array::F64(gather_primitive(&parts, rows))
        }
        Array::Bool(_) | Array::Text(_) | Array::Bytes(_) => interleave(&arrays, rows)?,
    }))
}

/// The codes of dictionaries that all share their values.
fn shared_codes<'a>(columns: &[&'a Column]) -> Option<Vec<&'a UInt32Array>> {
    let Some(Column::Dictionary { values: first, .. }) = columns.first() else { return None };
    let codes = columns.iter().map(|column| match column {
        Column::Dictionary { codes, values } if Arc::ptr_eq(values, first) => Some(codes),
        _ => None,
    });
    codes.collect()
}

fn gather_primitive<T: ArrowPrimitiveType>(
    parts: &[&PrimitiveArray<T>],
    rows: &[RowOf],
) -> PrimitiveArray<T> {
    let slices: Vec<&[T::Native]> = parts.iter().map(|part| part.values().as_ref()).collect();
    let values: Vec<T::Native> =
        rows.iter().map(|of| slices[of.batch as usize][of.row as usize]).collect();
    let any_null = parts.iter().any(|part| part.null_count() > 0);
    let valid = |of: &RowOf| parts[of.batch as usize].is_valid(of.row as usize);
    let nulls = any_null.then(|| rows.iter().map(valid).collect::<NullBuffer>());
    PrimitiveArray::new(values.into(), nulls)
}

fn interleave(arrays: &[Array], rows: &[RowOf]) -> Result<Array> {
    let arrays: Vec<&dyn arrow::array::Array> = arrays.iter().map(Array::as_arrow).collect();
    let rows: Vec<(usize, usize)> =
        rows.iter().map(|of| (of.batch as usize, of.row as usize)).collect();
    let array = compute::interleave(&arrays, &rows).map_err(|e| Error::internal(e.to_string()))?;
    Ok(Array::from_arrow(&array)?.with_few_buffers())
}

/// `yes` where `mask` is TRUE, else `no`. All three have the same length.
///
/// # Errors
/// An internal error when the columns' forms differ.
pub fn blend(mask: &BooleanArray, yes: &Column, no: &Column) -> Result<Column> {
    match mask.true_count() {
        0 => return Ok(no.clone()),
        all if all == mask.len() => return Ok(yes.clone()),
        _ => {}
    }
    let widest = widest_of(&[yes, no])?;
    let side = |column: &Column| -> (ArrayRef, bool) {
        match column.in_form(widest) {
            Column::Constant { value, .. } => (value.to_arrow(), true),
            other => (other.flat().to_arrow(), false),
        }
    };
    let datum = |(array, constant): (ArrayRef, bool)| -> Box<dyn arrow::array::Datum> {
        if constant { Box::new(arrow::array::Scalar::new(array)) } else { Box::new(array) }
    };
    let (yes, no) = (datum(side(yes)), datum(side(no)));
    let array = compute::kernels::zip::zip(mask, yes.as_ref(), no.as_ref());
    let array = array.map_err(|e| Error::internal(e.to_string()))?;
    Ok(Column::Flat(Array::from_arrow(&array)?))
}

/// The positions of the rows that are TRUE.
pub fn true_rows(mask: &BooleanArray) -> UInt32Array {
    let truths = super::boolean::truths(mask);
    let mut rows = Vec::with_capacity(truths.count_set_bits());
    rows.extend(truths.set_indices_u32());
    UInt32Array::from(rows)
}

/// Values of some rows put back among `rows` rows: part `k`'s value `i` goes to row `places[k][i]`. A row
/// without a value is NULL; there must be at least one part.
///
/// # Errors
/// An internal error when the parts' forms differ.
pub fn scatter(parts: &[(&UInt32Array, &Column)], rows: usize) -> Result<Column> {
    let columns: Vec<&Column> = parts.iter().map(|(_, column)| *column).collect();
    let all = Column::concat(&columns)?;
    let mut sources = vec![u32::MAX; rows];
    let mut next = 0;
    for (places, _) in parts {
        for &place in places.values() {
            sources[place as usize] = next;
            next += 1;
        }
    }
    let missing = (next as usize) < rows;
    let nulls = missing.then(|| sources.iter().map(|&s| s != u32::MAX).collect::<NullBuffer>());
    let sources = sources.into_iter().map(|s| if s == u32::MAX { 0 } else { s }).collect();
    if all.is_empty() {
        return Ok(Column::Constant { value: Array::nulls_of(all.physical(), 1), rows });
    }
    Ok(all.take(&UInt32Array::new(sources, nulls)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use firn_types::{SqlType, Value};

    fn numbers(values: &[Option<i64>]) -> Column {
        Column::Flat(Array::I64(values.iter().copied().collect()))
    }

    #[test]
    fn rows_of_batches_with_different_widths_and_forms_meet_in_one_column() -> Result<()> {
        let narrow = Column::Flat(Array::I32(vec![Some(1), None].into()));
        let constant = Column::constant(&Value::integer(1_i128 << 80), SqlType::INTEGER, 2)?;
        let rows = [(1, 1), (0, 0), (0, 1)].map(|(batch, row)| RowOf { batch, row });
        let all = gather_column(&[&narrow, &constant], &rows)?;
        assert_eq!(all.value(0, SqlType::INTEGER), Value::integer(1_i128 << 80));
        assert_eq!(all.value(1, SqlType::INTEGER), Value::integer(1));
        assert!(all.is_null(2));
        Ok(())
    }

    #[test]
    fn scattered_parts_cover_their_rows_and_leave_null_elsewhere() -> Result<()> {
        let first = (UInt32Array::from(vec![3, 0]), numbers(&[Some(30), Some(0)]));
        let second = (UInt32Array::from(vec![1]), numbers(&[None]));
        let all = scatter(&[(&first.0, &first.1), (&second.0, &second.1)], 4)?;
        let values: Vec<Value> = (0..4).map(|row| all.value(row, SqlType::INTEGER)).collect();
        let expected = [Value::integer(0), Value::Null, Value::Null, Value::integer(30)];
        assert_eq!(values, expected);
        Ok(())
    }
}
