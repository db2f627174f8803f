//! Which rows of a batch are wanted: what a filter answers.

use arrow::array::{BooleanArray, UInt32Array};
use arrow::buffer::BooleanBuffer;

use crate::kernels::pick::true_rows;
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
