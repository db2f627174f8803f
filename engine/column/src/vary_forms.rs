//! Test mode: a batch in other forms that mean the same.
//!
//! Whatever is computed from a scrambled batch must equal what is computed from the plain one. Columns
//! become dictionaries with unused and repeated values, constants, slices of longer arrays; integers
//! become wider; arbitrary numbers lie under NULLs.

use std::sync::Arc;

use arrow::array::{Array as _, ArrowPrimitiveType, PrimitiveArray, UInt32Array};

use crate::row_key::hash::mix;
use crate::{Array, Batch, Column, PhysicalType};

/// The batch in forms that the seed chooses.
pub fn vary_forms(batch: &Batch, seed: u64) -> Batch {
    let columns = batch.columns().iter().enumerate();
    let columns = columns.map(|(position, column)| {
        let mut random = Random(mix(seed ^ ((position as u64) << 32)));
        scramble_column(column, &mut random)
    });
    Batch::new(columns.collect(), batch.rows())
}

struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        mix(self.0) % end
    }
}

fn scramble_column(column: &Column, random: &mut Random) -> Column {
    if column.is_empty() {
        return column.clone();
    }
    let mut array = column.flat();
    match random.below(4) {
        0 => array = array.widened(PhysicalType::I64),
        1 => array = array.widened(PhysicalType::I128),
        _ => {}
    }
    match random.below(4) {
        0 => dictionary(&array, random),
        1 => sliced(&Column::Flat(array), random),
        2 if column.as_constant().is_some() => {
            Column::Constant { value: array.slice(0, 1), rows: column.len() }
        }
        _ => Column::Flat(with_noise_under_nulls(&array, random)),
    }
}

/// A dictionary over the rows' own values, in another order, each row's once, and some of no row.
fn dictionary(array: &Array, random: &mut Random) -> Column {
    let valid: Vec<u32> =
        (0..array.len() as u32).filter(|&row| !array.is_null(row as usize)).collect();
    if valid.is_empty() {
        return Column::Flat(array.clone());
    }
    let mut order = valid.clone();
    for last in (1..order.len()).rev() {
        order.swap(last, random.below(last as u64 + 1) as usize);
    }
    let mut place = vec![0; array.len()];
    for (code, &row) in order.iter().enumerate() {
        place[row as usize] = code as u32;
    }
    // Repeated values that no row uses.
    order.extend(valid.iter().take(3));
    let codes: UInt32Array =
        (0..array.len()).map(|row| (!array.is_null(row)).then_some(place[row])).collect();
    let values = Column::Flat(array.clone()).take(&UInt32Array::from(order)).flat();
    Column::Dictionary { codes, values: Arc::new(values) }
}

/// The same rows as a slice of a longer column.
fn sliced(column: &Column, random: &mut Random) -> Column {
    let before = 1 + random.below(9) as usize;
    let padding = column.take(&UInt32Array::from(vec![0; before]));
    match Column::concat(&[&padding, column, &padding]) {
        Ok(longer) => longer.slice(before, column.len()),
        Err(_) => column.clone(),
    }
}

fn with_noise_under_nulls(array: &Array, random: &mut Random) -> Array {
    match array {
        Array::I32(a) => Array::I32(noisy(a, || random.below(1 << 40) as i32)),
        Array::I64(a) => Array::I64(noisy(a, || random.below(u64::MAX) as i64)),
        Array::I128(a) => Array::I128(noisy(a, || i128::from(random.below(u64::MAX)) << 62)),
        Array::F64(a) => Array::F64(noisy(a, || f64::NAN)),
        other => other.clone(),
    }
}

fn noisy<T: ArrowPrimitiveType>(
    array: &PrimitiveArray<T>,
    mut noise: impl FnMut() -> T::Native,
) -> PrimitiveArray<T> {
    let values = array.iter().map(|value| value.unwrap_or_else(&mut noise));
    PrimitiveArray::new(values.collect(), array.nulls().cloned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use firn_types::{Result, SqlType, Value};

    #[test]
    fn scrambled_columns_have_the_same_values() -> Result<()> {
        let number = |n: i128| Value::integer(n);
        let numbers = [number(1), Value::Null, number(-7), number(1)];
        let texts = ["x", "", "a text longer than a view", "x"].map(Value::text);
        let constant = Column::constant(&number(5), SqlType::INTEGER, 4)?;
        let columns = vec![
            Column::from_values(SqlType::INTEGER, &numbers)?,
            Column::from_values(SqlType::TEXT, &texts)?,
            constant,
        ];
        let plain = Batch::new(columns, 4);
        for seed in 0..100 {
            let scrambled = vary_forms(&plain, seed);
            for (position, sql_type) in
                [SqlType::INTEGER, SqlType::TEXT, SqlType::INTEGER].iter().enumerate()
            {
                for row in 0..4 {
                    let value = |batch: &Batch| batch.column(position).value(row, *sql_type);
                    assert_eq!(value(&scrambled), value(&plain));
                }
            }
        }
        Ok(())
    }
}
