//! Batches under the morsel that they came from, so that the order of rows survives parallel work.

use firn_column::Batch;

/// Batches with the morsel that each came from.
#[derive(Default)]
pub(crate) struct MorselBatches {
    batches: Vec<(usize, Batch)>,
}

impl MorselBatches {
    pub(crate) fn push(&mut self, place: usize, batch: Batch) {
        self.batches.push((place, batch));
    }

    pub(crate) fn append(&mut self, other: &mut MorselBatches) {
        self.batches.append(&mut other.batches);
    }

    /// The batches in the order of their morsels; those of one morsel in the order in which they came.
    pub(crate) fn into_ordered(mut self) -> Vec<Batch> {
        self.batches.sort_by_key(|(place, _)| *place);
        self.batches.into_iter().map(|(_, batch)| batch).collect()
    }
}
