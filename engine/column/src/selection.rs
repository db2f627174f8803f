//! Which rows of a batch are wanted: what a filter answers.

use arrow::array::{BooleanArray, UInt32Array};
use arrow::buffer::BooleanBuffer;

use crate::kernels::take::true_rows;
use crate::{Batch, Column};

/// Some rows of a batch, in their order.
#[derive(Clone, Debug)]
pub enum Selection {
    /// Every row.
    All,
    /// No row.
    None,
    /// The rows whose bit is set: for many rows.
    Mask(BooleanBuffer),
    /// The rows at these positions, ascending: for few rows.
    Rows(UInt32Array),
}

impl Selection {
    /// The selection of the set bits, in the cheapest form.
    pub fn of_mask(mask: BooleanBuffer) -> Selection {
        match mask.count_set_bits() {
            0 => Selection::None,
            all if all == mask.len() => Selection::All,
            few if few * 8 < mask.len() => {
                Selection::Rows(true_rows(&BooleanArray::new(mask, None)))
            }
            _ => Selection::Mask(mask),
        }
    }

    /// The number of wanted rows of a batch of `rows` rows.
    pub fn count(&self, rows: usize) -> usize {
        match self {
            Selection::All => rows,
            Selection::None => 0,
            Selection::Mask(mask) => mask.count_set_bits(),
            Selection::Rows(rows) => arrow::array::Array::len(rows),
        }
    }

    /// The wanted ones of rows `offset..offset + len`, counted from `offset`.
    pub fn slice(&self, offset: usize, len: usize) -> Selection {
        match self {
            Selection::All | Selection::None => self.clone(),
            Selection::Mask(mask) => Selection::of_mask(mask.slice(offset, len)),
            Selection::Rows(rows) => {
                let rows = rows.values();
                let before = |end: usize| rows.partition_point(|&row| (row as usize) < end);
                let within = before(offset)..before(offset + len);
                match within.is_empty() {
                    true => Selection::None,
                    false => Selection::Rows(UInt32Array::from_iter_values(
                        rows[within].iter().map(|row| row - offset as u32),
                    )),
                }
            }
        }
    }

    /// The wanted ones of the rows at `positions`, from which the selection counts.
    pub fn among(&self, positions: UInt32Array) -> Selection {
        match self {
            Selection::All => Selection::Rows(positions),
            Selection::None => Selection::None,
            some => {
                let rows = some.positions(arrow::array::Array::len(&positions));
                let chosen = rows.values().iter().map(|&row| positions.values()[row as usize]);
                Selection::Rows(UInt32Array::from_iter_values(chosen))
            }
        }
    }

    /// Those of the wanted rows whose bit is set in `mask`.
    pub fn within(self, mask: &BooleanBuffer) -> Selection {
        match self {
            Selection::All => Selection::of_mask(mask.clone()),
            Selection::None => Selection::None,
            Selection::Mask(old) => Selection::of_mask(&old & mask),
            Selection::Rows(rows) => {
                let set = rows.values().iter().copied().filter(|&row| mask.value(row as usize));
                Selection::Rows(set.collect::<Vec<u32>>().into())
            }
        }
    }

    /// The positions of the wanted rows of a batch of `rows` rows.
    pub fn positions(&self, rows: usize) -> UInt32Array {
        match self {
            Selection::All => UInt32Array::from_iter_values(0..rows as u32),
            Selection::None => UInt32Array::new_null(0),
            Selection::Mask(mask) => true_rows(&BooleanArray::new(mask.clone(), None)),
            Selection::Rows(rows) => rows.clone(),
        }
    }
}

impl Column {
    /// The wanted rows.
    pub fn select(&self, selection: &Selection) -> Column {
        match selection {
            Selection::All => self.clone(),
            Selection::None => self.slice(0, 0),
            Selection::Mask(mask) => self.filter(&BooleanArray::new(mask.clone(), None)),
            Selection::Rows(rows) => self.take(rows),
        }
    }
}

impl Batch {
    /// The wanted rows.
    pub fn select(&self, selection: &Selection) -> Batch {
        if let Selection::Mask(mask) = selection {
            return self.filter(&BooleanArray::new(mask.clone(), None));
        }
        let columns = self.columns().iter().map(|column| column.select(selection)).collect();
        Batch::new(columns, selection.count(self.rows()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slice_wants_the_same_rows() {
        let wanted = |row: u32, of: u32| row % of == of - 1;
        for of in [1, 2, 3, 8, 40, 1000] {
            let mask = BooleanBuffer::collect_bool(300, |row| wanted(row as u32, of));
            let rows: Vec<u32> = (0..300).filter(|&row| wanted(row, of)).collect();
            for selection in [
                Selection::of_mask(mask.clone()),
                Selection::Mask(mask),
                Selection::Rows(rows.into()),
            ] {
                for (offset, len) in [(0, 300), (7, 64), (250, 50), (10, 0)] {
                    let slice = selection.slice(offset, len);
                    let expected: Vec<u32> =
                        (0..len as u32).filter(|&row| wanted(row + offset as u32, of)).collect();
                    assert_eq!(slice.positions(len).values(), expected.as_slice());
                    assert_eq!(slice.count(len), expected.len());
                    let places: UInt32Array = (0..len as u32).map(|row| row * 3 + 1).collect();
                    let expected: Vec<u32> = expected.iter().map(|row| row * 3 + 1).collect();
                    let among = slice.among(places).positions(1000);
                    assert_eq!(among.values(), expected.as_slice());
                }
            }
        }
    }
}
