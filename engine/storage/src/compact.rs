//! Small micro-partitions together: which ones to rewrite as one.
//!
//! Many small inserts leave many small partitions, and deletes leave partitions of which little is live.
//! Neighbors are put together, so that rows that came together stay together.

use std::sync::Arc;

use crate::{Partition, Snapshot};

/// A partition with fewer live rows than one part in so many of the target is small.
const SMALL: u64 = 4;
/// A partition of which less than one part in so many is live is rewritten even alone.
const SPARSE: u64 = 2;
/// Small neighbors that are worth a rewrite.
const NEIGHBORS_MIN: usize = 8;

/// Runs of partitions each of which should become one, for a table whose partitions aim at `target_rows`.
pub fn compactions(snapshot: &Snapshot, target_rows: u64) -> Vec<Vec<Arc<Partition>>> {
    let mut runs = Vec::new();
    let mut run: Vec<Arc<Partition>> = Vec::new();
    let mut rows = 0;
    for partition in snapshot.partitions() {
        let live = partition.live_rows();
        let small = live < target_rows / SMALL;
        if !small || rows + live > target_rows {
            finish(&mut run, &mut runs);
            rows = 0;
        }
        if small || live < partition.rows / SPARSE {
            run.push(Arc::clone(partition));
            rows += live;
        }
        if !small {
            finish(&mut run, &mut runs);
            rows = 0;
        }
    }
    finish(&mut run, &mut runs);
    runs
}

fn finish(run: &mut Vec<Arc<Partition>>, runs: &mut Vec<Vec<Arc<Partition>>>) {
    let sparse = |partition: &Arc<Partition>| partition.live_rows() < partition.rows / SPARSE;
    let run = std::mem::take(run);
    if run.len() >= NEIGHBORS_MIN || run.iter().any(sparse) {
        runs.push(run);
    }
}

#[cfg(test)]
mod tests {
    use firn_types::PartitionId;

    use super::*;

    fn partition(rows: u64, deleted: u32) -> Arc<Partition> {
        Arc::new(Partition {
            id: PartitionId(String::new()),
            path: String::new(),
            inside: None,
            rows,
            bytes: 0,
            first_row_id: 0,
            stored_row_ids: false,
            deleted: (deleted > 0).then(|| Arc::new((0..deleted).collect())),
            columns: Vec::new().into(),
        })
    }

    fn runs(partitions: &[(u64, u32)]) -> Vec<usize> {
        let partitions = partitions.iter().map(|(rows, deleted)| partition(*rows, *deleted));
        let snapshot = Snapshot::new(partitions.collect(), 0);
        compactions(&snapshot, 1_000).iter().map(Vec::len).collect()
    }

    #[test]
    fn small_neighbors_and_sparse_partitions_are_rewritten() {
        assert_eq!(runs(&[(1, 0); 7]), [0_usize; 0]);
        assert_eq!(runs(&[(1, 0); 20]), [20]);
        assert_eq!(runs(&[(200, 0); 20]), [0_usize; 0], "five make a whole one: not worth it");
        assert_eq!(runs(&[(100, 0); 20]), [10, 10]);
        assert_eq!(runs(&[(1_000, 0), (1_000, 600), (1_000, 100)]), [1]);
    }
}
