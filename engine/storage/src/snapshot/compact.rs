//! Small micro-partitions together: which ones to rewrite as one.
//!
//! Many small inserts leave many small partitions, and deletes leave partitions of which little is live.
//! Neighbors are put together, so that rows that came together stay together.

//!
//! After a commit that is asked of the whole table. Each chunk of the list remembers how it was last walked, and
//! from where to where that led, so that only the chunks that have changed since are walked again.

use std::ops::Range;
use std::sync::{Arc, PoisonError};

use super::partitions::Chunk;
use super::{Partition, Partitions};

/// A partition with fewer live rows than one part in so many of the target is small.
const SMALL: u64 = 4;
/// A partition of which less than one part in so many is live is rewritten even alone, ..
const SPARSE: u64 = 2;
/// .. if as many rows as one part in so many of the target are dead: fewer cost nobody anything.
const DEAD: u64 = 64;
/// Small neighbors that are worth a rewrite, of which none has more rows than all after it: so a row is
/// rewritten only when what it stands in at least doubles, however many small inserts follow each other.
const NEIGHBORS_MIN: usize = 8;

/// Neighbors that are put together, unless what follows says that they are not worth it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Run {
    /// The live rows of each.
    live: Vec<u64>,
    /// Those of all.
    rows: u64,
    /// Whether one of them is to be rewritten even alone.
    has_sparse: bool,
}

/// How a chunk was walked.
#[derive(Debug)]
pub(super) struct Walk {
    target_rows: u64,
    /// The run that began in chunks before it.
    from: Run,
    to: Walked,
}

/// Where a walk led.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Walked {
    /// To so many partitions that should become one, of which the last stands before this place in the chunk.
    Found { end: usize, len: usize },
    /// To the end of the chunk, in the middle of this run.
    Through(Run),
}

/// The first partitions that should become one, for a table whose partitions aim at `target_rows`; none when all
/// are well as they are. It costs as much as what has changed since it was last asked.
pub fn next_compaction(partitions: &Partitions, target_rows: u64) -> Option<Vec<Arc<Partition>>> {
    let found = find(partitions, target_rows, &mut 0)?;
    Some(found.filter_map(|at| partitions.get(at).cloned()).collect())
}

/// The positions of [`next_compaction`]; adds to `looked_at` how many partitions it has looked at.
fn find(partitions: &Partitions, target_rows: u64, looked_at: &mut usize) -> Option<Range<usize>> {
    let (mut run, mut start) = (Run::default(), 0);
    for chunk in partitions.chunks() {
        match walk(chunk, run, target_rows, looked_at) {
            Walked::Found { end, len } => return Some(start + end - len..start + end),
            Walked::Through(open) => run = open,
        }
        start += chunk.partitions().len();
    }
    run.close().map(|len| start - len..start)
}

/// Walks a chunk, or tells how that went the last time.
fn walk(chunk: &Chunk, from: Run, target_rows: u64, looked_at: &mut usize) -> Walked {
    let mut last = chunk.last_walk().lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(last) = last.as_ref().filter(|l| l.target_rows == target_rows && l.from == from) {
        return last.to.clone();
    }
    let to = walk_anew(chunk.partitions(), from.clone(), target_rows, looked_at);
    *last = Some(Walk { target_rows, from, to: to.clone() });
    to
}

fn walk_anew(
    partitions: &[Arc<Partition>],
    mut run: Run,
    target_rows: u64,
    looked_at: &mut usize,
) -> Walked {
    for (at, partition) in partitions.iter().enumerate() {
        *looked_at += 1;
        let small = is_small(partition, target_rows);
        let sparse = is_sparse(partition, target_rows);
        if (!small || run.rows + partition.live_rows() > target_rows)
            && let Some(len) = run.close()
        {
            return Walked::Found { end: at, len };
        }
        if small || sparse {
            run.push(partition.live_rows(), sparse);
        }
        if !small && let Some(len) = run.close() {
            return Walked::Found { end: at + 1, len };
        }
    }
    Walked::Through(run)
}

/// Whether a partition is one of those that are put together with neighbors.
pub fn is_small(partition: &Partition, target_rows: u64) -> bool {
    partition.live_rows() < target_rows / SMALL
}

fn is_sparse(partition: &Partition, target_rows: u64) -> bool {
    let live = partition.live_rows();
    live < partition.rows / SPARSE && partition.rows - live >= target_rows / DEAD
}

impl Run {
    fn push(&mut self, live_rows: u64, sparse: bool) {
        self.live.push(live_rows);
        self.rows += live_rows;
        self.has_sparse |= sparse;
    }

    /// Ends the run, and tells how many of its last partitions should become one, if any.
    fn close(&mut self) -> Option<usize> {
        let run = std::mem::take(self);
        if run.has_sparse {
            return Some(run.live.len());
        }
        let mut after = 0;
        let alike = run.live.iter().rev().take_while(|live| {
            let fits = after == 0 || **live <= after;
            after += **live;
            fits
        });
        Some(alike.count()).filter(|len| *len >= NEIGHBORS_MIN)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use firn_types::{PartitionId, Result};

    use super::super::{Location, Snapshot, SnapshotDelta};
    use super::*;

    const TARGET: u64 = 1_000;
    /// More than chunks have of partitions.
    const FEW: usize = 2 * 512;

    fn partition(name: usize, rows: u64, deleted: u32) -> Partition {
        Partition {
            id: PartitionId(name.to_string()),
            path: String::new(),
            location: Location::File,
            rows,
            bytes: 0,
            first_row_id: 0,
            seal: None,
            stored_row_ids: false,
            deleted: (deleted > 0).then(|| Arc::new((0..deleted).collect())),
            columns: Vec::new().into(),
            paths: Vec::new().into(),
        }
    }

    fn table(partitions: &[(u64, u32)]) -> Snapshot {
        let partitions = partitions.iter().enumerate();
        let partitions = partitions.map(|(at, (rows, deleted))| partition(at, *rows, *deleted));
        Snapshot::new(partitions.map(Arc::new).collect(), 0)
    }

    /// All that should become one, by one walk over all partitions, as it is meant.
    fn by_one_walk(partitions: &[Arc<Partition>]) -> Vec<Vec<Arc<Partition>>> {
        let (mut runs, mut run) = (Vec::new(), Vec::<Arc<Partition>>::new());
        let mut finish = |run: &mut Vec<Arc<Partition>>| {
            let mut run = std::mem::take(run);
            let mut after = 0;
            let alike = run.iter().rev().take_while(|one| {
                let fits = after == 0 || one.live_rows() <= after;
                after += one.live_rows();
                fits
            });
            let first = run.len() - alike.count();
            if run.iter().any(|one| is_sparse(one, TARGET)) {
                runs.push(run);
            } else if run.len() - first >= NEIGHBORS_MIN {
                runs.push(run.split_off(first));
            }
        };
        for partition in partitions {
            let small = is_small(partition, TARGET);
            let rows: u64 = run.iter().map(|one| one.live_rows()).sum();
            if !small || rows + partition.live_rows() > TARGET {
                finish(&mut run);
            }
            if small || is_sparse(partition, TARGET) {
                run.push(Arc::clone(partition));
            }
            if !small {
                finish(&mut run);
            }
        }
        finish(&mut run);
        runs
    }

    fn runs(partitions: &[(u64, u32)]) -> Vec<usize> {
        let all: Vec<_> = table(partitions).partitions().unwrap().iter().cloned().collect();
        by_one_walk(&all).iter().map(Vec::len).collect()
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

    /// A number below `end`, by a linear congruential generator.
    fn below(state: &mut u64, end: u64) -> u64 {
        *state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (*state >> 33) % end
    }

    /// Appends, deletes, and rewrites what was found: the next thing that happens to a table.
    fn next_change(snapshot: &Snapshot, state: &mut u64, name: usize) -> Result<SnapshotDelta> {
        let partitions = snapshot.partitions()?;
        let mut delta = SnapshotDelta::default();
        let sizes = [1, 3, 40, 150, 240, 250, 600, 1_000];
        let size = sizes[below(state, sizes.len() as u64) as usize];
        match (below(state, 4), next_compaction(partitions, TARGET)) {
            (0, Some(run)) => {
                let rows = run.iter().map(|one| one.live_rows()).sum();
                delta.removed = run.iter().map(|one| one.id.clone()).collect();
                delta.added.push(partition(name, rows, 0));
                delta.rewritten = true;
            }
            (1, _) => {
                let at = below(state, partitions.len() as u64) as usize;
                let one = partitions.get(at).expect("it is there");
                let first = one.rows - one.live_rows();
                let gone = first as u32..(first + 1 + one.live_rows() / 2) as u32;
                delta.deleted = BTreeMap::from([(one.id.clone(), gone.collect())]);
            }
            _ => delta.added.push(partition(name, size, 0)),
        }
        Ok(delta)
    }

    #[test]
    fn what_chunks_remember_changes_no_answer() -> Result<()> {
        let mut state = 7;
        let start: Vec<(u64, u32)> = (0..1_500).map(|_| (230 + below(&mut state, 40), 0)).collect();
        let mut snapshot = table(&start);
        let mut found = 0;
        for name in 0..1_500 {
            let delta = next_change(&snapshot, &mut state, 10_000 + name)?;
            snapshot = snapshot.apply(&delta)?;
            let partitions = snapshot.partitions()?;
            let all: Vec<_> = partitions.iter().cloned().collect();
            let expected = by_one_walk(&all).into_iter().next();
            found += usize::from(expected.is_some());
            assert_eq!(next_compaction(partitions, TARGET), expected);
        }
        assert!((100..1_400).contains(&found), "{found}: both answers are met");
        Ok(())
    }

    #[test]
    fn only_what_has_changed_is_looked_at_again() -> Result<()> {
        // Also small ones that are well as they are: five make a whole one.
        for rows in [1_000, 200] {
            let snapshot = table(&vec![(rows, 0); 50_000]);
            let looked_at = |snapshot: &Snapshot| {
                let mut looked_at = 0;
                let found = find(snapshot.partitions()?, TARGET, &mut looked_at);
                assert_eq!(found, None);
                Result::Ok(looked_at)
            };
            assert_eq!(looked_at(&snapshot)?, 50_000);
            assert_eq!(looked_at(&snapshot)?, 0);
            let one_more =
                SnapshotDelta { added: vec![partition(50_000, 1, 0)], ..SnapshotDelta::default() };
            let appended = snapshot.apply(&one_more)?;
            assert!((1..=FEW).contains(&looked_at(&appended)?));
            let deleted = BTreeMap::from([(PartitionId("25000".into()), (0..9).collect())]);
            let less = appended.apply(&SnapshotDelta { deleted, ..SnapshotDelta::default() })?;
            assert!((1..=FEW).contains(&looked_at(&less)?));
        }
        Ok(())
    }
}
