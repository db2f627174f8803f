//! Open addressing with linear probing: the two hash tables underneath groups and joins.
//!
//! Slots are chosen by a hash's upper bits. A table is at most half full, so that a probe rarely goes on
//! beyond the cache line it began in.

use super::hash::mix;

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
        if (self.used + more) * 2 <= self.slots.len() {
            return;
        }
        // Growing by the whole `more` each time would follow a guess; doubling follows the keys.
        let mut larger = InlineTable::with_capacity((self.used + more).max(self.slots.len()));
        for slot in self.slots.iter().filter(|slot| slot.number != NONE) {
            larger.find_or_insert(slot.key, || slot.number);
        }
        *self = larger;
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
        if (self.used + more) * 2 <= self.slots.len() {
            return;
        }
        let mut larger = TagTable::with_capacity((self.used + more).max(self.slots.len()));
        for &slot in self.slots.iter().filter(|slot| **slot != EMPTY_TAG) {
            let number = slot as u32;
            larger.entry(hash(number), |_| false, || number);
        }
        *self = larger;
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

/// Slots of a table that is half full with so many keys: a power of two.
fn slots_for(keys: usize) -> usize {
    (keys * 2).next_power_of_two().max(64)
}
