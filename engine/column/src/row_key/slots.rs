//! Open addressing with linear probing: the two hash tables underneath groups and joins.
//!
//! Slots are chosen by a hash's upper bits. A table is at most two thirds full, so that a probe rarely
//! goes on beyond the cache line it began in.

use std::hint::black_box;

use super::hash::mix;

/// Keys whose slots are loaded before they are looked at, see [`InlineTable::warm`].
pub(crate) const WARM_KEYS: usize = 256;
/// Slots from which on a table is larger than the nearest caches.
const WARM_SLOTS_MIN: usize = 1 << 14;

/// Says that a slot holds nothing, and that a row has no match.
pub const NONE: u32 = u32::MAX;

/// Maps 64-bit keys to numbers; the key stands in the slot, so that a look costs one cache line.
#[derive(Clone, Debug)]
pub(crate) struct InlineTable {
    slots: Vec<InlineSlot>,
    /// Bits of a hash that do not choose the slot.
    shift: u32,
    used: usize,
}

#[derive(Clone, Copy, Debug)]
struct InlineSlot {
    key: u64,
    number: u32,
}

const EMPTY: InlineSlot = InlineSlot { key: 0, number: NONE };

impl InlineTable {
    /// A table with room for `keys` keys.
    pub(crate) fn with_capacity(keys: usize) -> InlineTable {
        let slots = slots_for(keys);
        InlineTable { slots: vec![EMPTY; slots], shift: 64 - slots.ilog2(), used: 0 }
    }

    /// Makes room for so many more keys.
    pub(crate) fn reserve(&mut self, more: usize) {
        if slots_for(self.used + more) <= self.slots.len() {
            return;
        }
        let mut larger = InlineTable::with_capacity(self.used + more);
        for slot in self.slots.iter().filter(|slot| slot.number != NONE) {
            larger.find_or_insert(slot.key, || slot.number);
        }
        *self = larger;
    }

    /// Loads the slots of some keys. The loads do not wait for each other, as looks do whenever the
    /// processor guesses wrongly how one ends; the looks that follow find the slots in the cache. Nothing
    /// happens for a small table.
    #[inline]
    pub(crate) fn warm(&self, keys: &[u64]) {
        if self.slots.len() < WARM_SLOTS_MIN {
            return;
        }
        black_box(keys.iter().fold(0, |all, &key| all ^ self.load(key)));
    }

    /// The number in the first slot that a look for the key looks at.
    #[inline]
    pub(crate) fn load(&self, key: u64) -> u32 {
        self.slots[(mix(key) >> self.shift) as usize & (self.slots.len() - 1)].number
    }

    /// The number of the key; `new` gives it for a key that is not there. There must be room.
    #[inline]
    pub(crate) fn find_or_insert(&mut self, key: u64, new: impl FnOnce() -> u32) -> u32 {
        *self.entry(key, new).0
    }

    /// The place of the key's number, and whether the key is new.
    #[inline]
    pub(crate) fn entry(&mut self, key: u64, new: impl FnOnce() -> u32) -> (&mut u32, bool) {
        let mask = self.slots.len() - 1;
        let mut place = (mix(key) >> self.shift) as usize & mask;
        loop {
            let slot = self.slots[place];
            if slot.number == NONE {
                self.used += 1;
                self.slots[place] = InlineSlot { key, number: new() };
                return (&mut self.slots[place].number, true);
            }
            if slot.key == key {
                return (&mut self.slots[place].number, false);
            }
            place = (place + 1) & mask;
        }
    }

    /// The number of the key, or [`NONE`].
    #[inline]
    pub(crate) fn find(&self, key: u64) -> u32 {
        let mask = self.slots.len() - 1;
        let mut place = (mix(key) >> self.shift) as usize & mask;
        loop {
            let slot = self.slots[place & mask];
            if slot.key == key || slot.number == NONE {
                return slot.number;
            }
            place += 1;
        }
    }

    pub(crate) fn memory_bytes(&self) -> usize {
        self.slots.capacity() * size_of::<InlineSlot>()
    }
}

/// Maps hashes to numbers, with keys that are held elsewhere: a slot has the hash's lower half beside the
/// number, so that other keys are rarely looked at.
#[derive(Clone, Debug)]
pub(crate) struct TagTable {
    slots: Vec<u64>,
    shift: u32,
    used: usize,
}

const EMPTY_TAG: u64 = u64::MAX;

impl TagTable {
    /// A table with room for `keys` keys.
    pub(crate) fn with_capacity(keys: usize) -> TagTable {
        let slots = slots_for(keys);
        TagTable { slots: vec![EMPTY_TAG; slots], shift: 64 - slots.ilog2(), used: 0 }
    }

    /// Makes room for so many more keys; `hash` gives the hash of a number that is in the table.
    pub(crate) fn reserve(&mut self, more: usize, hash: impl Fn(u32) -> u64) {
        if slots_for(self.used + more) <= self.slots.len() {
            return;
        }
        let mut larger = TagTable::with_capacity(self.used + more);
        for &slot in self.slots.iter().filter(|slot| **slot != EMPTY_TAG) {
            let number = slot as u32;
            larger.entry(hash(number), |_| false, || number);
        }
        *self = larger;
    }

    /// As [`InlineTable::warm`], of hashes. `load` gets the number in each slot, or one out of range, and
    /// may load its key.
    #[inline]
    pub(crate) fn warm(&self, hashes: &[u64], load: impl Fn(usize) -> u64) {
        if self.slots.len() < WARM_SLOTS_MIN {
            return;
        }
        let mask = self.slots.len() - 1;
        let mut numbers = [0_u32; WARM_KEYS];
        for (number, hash) in numbers.iter_mut().zip(hashes) {
            *number = self.slots[(hash >> self.shift) as usize & mask] as u32;
        }
        let numbers = numbers.iter().take(hashes.len());
        black_box(numbers.fold(0, |all, &number| all ^ load(number as usize)));
    }

    /// The number of the key with this hash for which `same` holds, and whether it is new; `new` gives the
    /// number of a key that is not there. There must be room.
    #[inline]
    pub(crate) fn entry(
        &mut self,
        hash: u64,
        same: impl Fn(u32) -> bool,
        new: impl FnOnce() -> u32,
    ) -> (u32, bool) {
        let mask = self.slots.len() - 1;
        let mut place = (hash >> self.shift) as usize & mask;
        loop {
            let slot = self.slots[place];
            if slot == EMPTY_TAG {
                self.used += 1;
                let number = new();
                self.slots[place] = (hash << 32) | u64::from(number);
                return (number, true);
            }
            if (slot >> 32) as u32 == hash as u32 && same(slot as u32) {
                return (slot as u32, false);
            }
            place = (place + 1) & mask;
        }
    }

    /// The number of the key, or [`NONE`].
    #[inline]
    pub(crate) fn find(&self, hash: u64, same: impl Fn(u32) -> bool) -> u32 {
        let mask = self.slots.len() - 1;
        let mut place = (hash >> self.shift) as usize & mask;
        loop {
            let slot = self.slots[place];
            if slot == EMPTY_TAG {
                return NONE;
            }
            if (slot >> 32) as u32 == hash as u32 && same(slot as u32) {
                return slot as u32;
            }
            place = (place + 1) & mask;
        }
    }

    pub(crate) fn memory_bytes(&self) -> usize {
        self.slots.capacity() * size_of::<u64>()
    }
}

/// Slots of a table with so many keys: a power of two of which they fill half at most, or two thirds where
/// memory costs more than a second look.
fn slots_for(keys: usize) -> usize {
    let slots = if keys < 1 << 16 { keys * 2 } else { keys + keys / 2 };
    slots.next_power_of_two().max(64)
}
