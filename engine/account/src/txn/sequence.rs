//! Values of sequences: reserved in blocks by small commits of their own, never given twice.
//!
//! A process that asks often reserves more and more ahead, at most as many as it has used, so that a
//! script of a few statements sees no gaps and a busy load does not commit for every batch.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use firn_types::{Error, ErrorCode, ObjectId, Result};

use crate::catalog::Sequence;

/// Values reserved ahead at most.
const AHEAD_MAX: u64 = 1 << 16;

/// A block of a sequence's values, for one caller alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SequenceBlock {
    /// The first value.
    pub first: i64,
    /// The distance of one value to the next.
    pub step: i64,
    /// How many.
    pub count: u64,
}

/// Reserved values that nobody has asked for yet, by sequence.
#[derive(Debug, Default)]
pub(crate) struct SequenceBlocks {
    blocks: HashMap<ObjectId, Ahead>,
    /// Held by whoever reserves values of a sequence: the process's others wait for what is reserved.
    reserving: HashMap<ObjectId, Arc<Mutex<()>>>,
}

#[derive(Debug)]
struct Ahead {
    left: SequenceBlock,
    /// What the catalog's counter is as long as no other process reserves.
    end: i64,
    /// How many values were given out.
    used: u64,
}

impl SequenceBlocks {
    /// Values from what is reserved; none when that does not suffice.
    pub(crate) fn take(&mut self, id: ObjectId, step: i64, count: u64) -> Option<SequenceBlock> {
        let ahead = self.blocks.get_mut(&id)?;
        if ahead.left.step != step || ahead.left.count < count {
            return None;
        }
        let first = ahead.left.first;
        ahead.left.first = last_after(first, step, count)?;
        ahead.left.count -= count;
        ahead.used += count;
        Some(SequenceBlock { first, step, count })
    }

    /// What is to be held while values of a sequence are reserved.
    pub(crate) fn reserving(&mut self, id: ObjectId) -> Arc<Mutex<()>> {
        Arc::clone(self.reserving.entry(id).or_default())
    }

    /// How many values to reserve when `count` are asked for.
    pub(crate) fn wanted(&self, id: ObjectId, ordered: bool, count: u64) -> u64 {
        let ahead = self.blocks.get(&id).map_or(0, |ahead| ahead.used.min(AHEAD_MAX));
        if ordered { count } else { count.saturating_add(ahead) }
    }

    /// Takes over a block that was reserved, after what is left when it follows on it.
    pub(crate) fn add(&mut self, id: ObjectId, block: SequenceBlock, end: i64) {
        let used = self.blocks.get(&id).map_or(0, |ahead| ahead.used);
        let left = match self.blocks.get(&id) {
            Some(old) if old.end == block.first && old.left.step == block.step => SequenceBlock {
                first: old.left.first,
                step: block.step,
                count: old.left.count + block.count,
            },
            _ => block,
        };
        self.blocks.insert(id, Ahead { left, end, used });
    }

    /// How many values are left of what was reserved, when they end where the counter stands.
    pub(crate) fn left(&self, sequence: &Sequence) -> Option<SequenceBlock> {
        let ahead = self.blocks.get(&sequence.header.id)?;
        (ahead.end == sequence.next_value && ahead.left.step == sequence.step).then_some(ahead.left)
    }
}

/// The value that follows `count` values from `first`; none when no 64-bit integer does.
fn last_after(first: i64, step: i64, count: u64) -> Option<i64> {
    let after = i128::from(first) + i128::from(step) * i128::from(count);
    i64::try_from(after).ok()
}

/// The values of a sequence from its counter up to, not including, `next`.
pub(crate) fn block_until(sequence: &Sequence, next: i64) -> Result<SequenceBlock> {
    let distance = i128::from(next) - i128::from(sequence.next_value);
    let count = distance
        .checked_div(i128::from(sequence.step))
        .and_then(|count| u64::try_from(count).ok())
        .ok_or_else(|| Error::internal("a sequence that goes backwards"))?;
    Ok(SequenceBlock { first: sequence.next_value, step: sequence.step, count })
}

/// The counter of a sequence after `count` more values.
pub(crate) fn counter_after(sequence: &Sequence, count: u64) -> Result<i64> {
    last_after(sequence.next_value, sequence.step, count).ok_or_else(|| {
        Error::new(
            ErrorCode::NumberOutOfRange,
            format!("Sequence '{}' has no more values", sequence.header.name),
        )
    })
}
