//! Changed rows of one micro-partition, before they are written.

use firn_column::Batch;
use firn_column::kernels::take::{RowOf, gather};
use firn_types::Result;

/// New values of some rows of one micro-partition, as they came.
#[derive(Debug, Default)]
pub(super) struct Pending {
    pieces: Vec<Piece>,
    /// How many rows there are.
    pub(super) rows: u64,
    /// Bytes that they take.
    pub(super) bytes: usize,
}

/// Rows in order, with their new values.
#[derive(Debug)]
struct Piece {
    rows: Vec<u32>,
    new: Batch,
}

impl Pending {
    /// Adds rows, ascending positions in the file, with their new values, which take `bytes`.
    pub(super) fn add(&mut self, rows: Vec<u32>, new: Batch, bytes: usize) {
        self.rows += rows.len() as u64;
        self.bytes += bytes;
        self.pieces.push(Piece { rows, new });
    }

    /// The rows in order, and their values in batches; they are copied only if the pieces are interwoven.
    pub(super) fn batches(&self) -> Result<(Vec<u32>, Vec<Batch>)> {
        let mut pieces: Vec<&Piece> = self.pieces.iter().collect();
        pieces.sort_by_key(|piece| piece.rows.first().copied());
        let batches: Vec<Batch> = pieces.iter().map(|piece| piece.new.clone()).collect();
        let mut ends = pieces.windows(2).map(|pair| (pair[0].rows.last(), pair[1].rows.first()));
        if ends.all(|(last, first)| last < first) {
            let rows = pieces.iter().flat_map(|piece| piece.rows.iter().copied()).collect();
            return Ok((rows, batches));
        }
        let mut order: Vec<(u32, RowOf)> = Vec::with_capacity(self.rows as usize);
        for (batch, piece) in (0..).zip(pieces) {
            let places = (0..).map(|row| RowOf { batch, row });
            order.extend(piece.rows.iter().copied().zip(places));
        }
        order.sort_unstable_by_key(|(row, _)| *row);
        let (rows, places): (Vec<u32>, Vec<RowOf>) = order.into_iter().unzip();
        Ok((rows, vec![gather(&batches, &places)?]))
    }

    /// The rows in order, and their values in one batch.
    pub(super) fn in_order(&self) -> Result<(Vec<u32>, Batch)> {
        let (rows, batches) = self.batches()?;
        match batches.as_slice() {
            [batch] => Ok((rows, batch.clone())),
            batches => {
                let places = (0..).zip(batches).flat_map(|(batch, rows)| {
                    (0..rows.rows() as u32).map(move |row| RowOf { batch, row })
                });
                let places: Vec<RowOf> = places.collect();
                Ok((rows, gather(batches, &places)?))
            }
        }
    }
}
