//! Small micro-partitions together: which ones to rewrite as one.
//!
//! Many small inserts leave many small partitions, and deletes leave partitions of which little is live.
//! Neighbors are put together, so that rows that came together stay together.

use std::sync::Arc;

use crate::{Partition, Partitions};

/// A partition with fewer live rows than one part in so many of the target is small.
const SMALL: u64 = 4;
/// A partition of which less than one part in so many is live is rewritten even alone, ..
const SPARSE: u64 = 2;
/// .. if as many rows as one part in so many of the target are dead: fewer cost nobody anything.
const DEAD: u64 = 64;
/// Small neighbors that are worth a rewrite, of which none has more rows than all after it: so a row is
/// rewritten only when what it stands in at least doubles, however many small inserts follow each other.
const NEIGHBORS_MIN: usize = 8;

/// Runs of partitions each of which should become one, for a table whose partitions aim at `target_rows`.
pub fn compactions(partitions: &Partitions, target_rows: u64) -> Vec<Vec<Arc<Partition>>> {
    let mut runs = Vec::new();
    let mut run: Vec<Arc<Partition>> = Vec::new();
    let mut rows = 0;
    for partition in partitions.iter() {
        let live = partition.live_rows();
        let small = is_small(partition, target_rows);
        if !small || rows + live > target_rows {
            finish(&mut run, target_rows, &mut runs);
            rows = 0;
        }
        if small || is_sparse(partition, target_rows) {
            run.push(Arc::clone(partition));
            rows += live;
        }
        if !small {
            finish(&mut run, target_rows, &mut runs);
            rows = 0;
        }
    }
    finish(&mut run, target_rows, &mut runs);
    runs
}

/// Whether a partition is one of those that are put together with neighbors.
pub fn is_small(partition: &Partition, target_rows: u64) -> bool {
    partition.live_rows() < target_rows / SMALL
}

fn is_sparse(partition: &Partition, target_rows: u64) -> bool {
    let live = partition.live_rows();
    live < partition.rows / SPARSE && partition.rows - live >= target_rows / DEAD
}

fn finish(run: &mut Vec<Arc<Partition>>, target_rows: u64, runs: &mut Vec<Vec<Arc<Partition>>>) {
    let mut run = std::mem::take(run);
    if run.iter().any(|partition| is_sparse(partition, target_rows)) {
        runs.push(run);
        return;
    }
    let mut after = 0;
    let alike = run.iter().rev().take_while(|partition| {
        let fits = after == 0 || partition.live_rows() <= after;
        after += partition.live_rows();
        fits
    });
    let first = run.len() - alike.count();
    if run.len() - first >= NEIGHBORS_MIN {
        runs.push(run.split_off(first));
    }
}

#[cfg(test)]
mod tests {
    use firn_types::PartitionId;

    use super::*;
    use crate::Location;

    fn partition(rows: u64, deleted: u32) -> Arc<Partition> {
        Arc::new(Partition {
            id: PartitionId(String::new()),
            path: String::new(),
            location: Location::File,
            rows,
            bytes: 0,
            first_row_id: 0,
            seal: None,
            stored_row_ids: false,
            deleted: (deleted > 0).then(|| Arc::new((0..deleted).collect())),
            columns: Vec::new().into(),
        })
    }

    fn runs(partitions: &[(u64, u32)]) -> Vec<usize> {
        let partitions = partitions.iter().map(|(rows, deleted)| partition(*rows, *deleted));
        compactions(&partitions.collect(), 1_000).iter().map(Vec::len).collect()
    }

    #[test]
    fn small_neighbors_and_sparse_partitions_are_rewritten() {
        assert_eq!(runs(&[(1, 0); 7]), [0_usize; 0]);
        assert_eq!(runs(&[(1, 0); 20]), [20]);
        assert_eq!(runs(&[(200, 0); 20]), [0_usize; 0], "five make a whole one: not worth it");
        assert_eq!(runs(&[(100, 0); 20]), [10, 10]);
        let grown =
            [(64, 0), (8, 0), (8, 0), (1, 0), (1, 0), (1, 0), (1, 0), (1, 0), (1, 0), (1, 0)];
        assert_eq!(runs(&grown), [0_usize; 0], "seven of a kind");
        assert_eq!(runs(&[&grown[..], &[(1, 0)]].concat()), [10], "all but the largest");
        assert_eq!(runs(&[(1_000, 0), (1_000, 600), (1_000, 100)]), [1]);
    }
}
