//! Leaves out rows of which it is sure that too many others of their partition stand before them, so that
//! they are neither kept nor sorted.
//!
//! Every worker remembers the first keys of each partition that it has seen. What it leaves out has as many
//! rows before it as are wanted, and those stay: whoever is among the first gets the number that it had
//! among all, and whoever is not gets one beyond. It is a filter that may let through too much: when it
//! gets no memory, or leaves too little out, it ends.

use std::cmp::Ordering;

use arrow::array::BooleanArray;
use firn_column::Batch;
use firn_column::row_key::{GroupTable, KeyEncoder, RowKeys};
use firn_functions::meaning::Numbering;
use firn_types::Result;

use super::WindowSpec;
use crate::context::QueryContext;
use crate::memory::Reservation;

/// How many of the first rows of each partition are wanted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Top {
    /// The last wanted number.
    pub(crate) rows: usize,
    /// How rows with equal keys are numbered.
    pub(crate) numbering: Numbering,
}

/// Rows between two looks at what is gained.
const WATCHED_ROWS: usize = 1 << 17;
/// At least one of so many rows must be left out, once the partitions have their first rows.
const GAIN: usize = 8;

/// One worker's first keys.
pub(super) struct TopRows<'a> {
    spec: &'a WindowSpec,
    top: Top,
    groups: GroupTable,
    encoder: KeyEncoder,
    keys: RowKeys,
    of_row: Vec<u32>,
    /// For each partition the first bytes of its first keys, in order: `top.rows` places.
    first: Vec<u128>,
    /// How many of a partition's places are taken.
    taken: Vec<u32>,
    memory: Reservation,
    seen: usize,
    watched: usize,
    left_out: usize,
}

impl<'a> TopRows<'a> {
    pub(super) fn new(spec: &'a WindowSpec, top: Top, context: &QueryContext) -> TopRows<'a> {
        let (types, orders) = spec.keys();
        let (partition, order) = types.split_at(spec.partition_keys);
        TopRows {
            spec,
            top,
            groups: GroupTable::new(partition),
            encoder: KeyEncoder::new(order, &orders[spec.partition_keys..]),
            keys: RowKeys::default(),
            of_row: Vec::new(),
            first: Vec::new(),
            taken: Vec::new(),
            memory: context.memory.reservation(),
            seen: 0,
            watched: 0,
            left_out: 0,
        }
    }

    /// The rows that may be wanted; none when the filter is at its end.
    pub(super) fn filter(&mut self, carried: &Batch) -> Result<Option<Batch>> {
        let rows = carried.rows();
        let inputs = self.spec.inputs_of(carried);
        let (partition, order) = inputs.split_at(self.spec.partition_keys);
        self.groups.find_or_insert(partition, rows, &mut self.of_row)?;
        let groups = if partition.is_empty() { 1 } else { self.groups.len() };
        self.first.resize(groups * self.top.rows, 0);
        self.taken.resize(groups, 0);
        if !self.has_memory() {
            return Ok(None);
        }
        self.keys.clear();
        self.encoder.encode(&order[..self.spec.orders.len()], rows, &mut self.keys)?;
        let keep: Vec<bool> = (0..rows).map(|row| self.keeps(row)).collect();
        let left_out = keep.iter().filter(|&&keep| !keep).count();
        if !self.pays(rows, left_out) {
            return Ok(None);
        }
        Ok(Some(match left_out {
            0 => carried.clone(),
            _ => carried.filter(&BooleanArray::from(keep)),
        }))
    }

    fn has_memory(&mut self) -> bool {
        let places = self.first.capacity() * size_of::<u128>() + self.taken.capacity() * 4;
        let bytes = places + self.groups.memory_bytes();
        bytes <= self.memory.bytes() || self.memory.try_resize(bytes + bytes / 4)
    }

    /// Whether a row may be among the first; if so, it is remembered as such.
    fn keeps(&mut self, row: usize) -> bool {
        let group = self.of_row.get(row).map_or(0, |&group| group as usize);
        let key = self.keys.key(row);
        let start = beginning(key);
        let taken = &mut self.taken[group];
        let places = &mut self.first[group * self.top.rows..][..self.top.rows];
        let known = &places[..*taken as usize];
        if known.len() == places.len() {
            match start.cmp(&known[known.len() - 1]) {
                Ordering::Less => {}
                Ordering::Greater => return false,
                // Of equal beginnings only whole keys are surely equal.
                Ordering::Equal => {
                    return self.top.numbering != Numbering::Row || key.len() > size_of::<u128>();
                }
            }
        }
        let place = known.partition_point(|known| *known <= start);
        if self.top.numbering == Numbering::Dense && place > 0 && known[place - 1] == start {
            return true;
        }
        if known.len() < places.len() {
            *taken += 1;
        }
        let taken = *taken as usize;
        places.copy_within(place..taken - 1, place + 1);
        places[place] = start;
        true
    }

    /// Whether enough is left out.
    fn pays(&mut self, rows: usize, left_out: usize) -> bool {
        self.seen += rows;
        self.watched += rows;
        self.left_out += left_out;
        if self.watched < WATCHED_ROWS {
            return true;
        }
        let filled = self.seen > 4 * self.first.len() || self.seen > 8 * WATCHED_ROWS;
        let gains = self.left_out * GAIN >= self.watched;
        (self.watched, self.left_out) = (0, 0);
        gains || !filled
    }
}

/// The first bytes of a key as a number of the same order. No key begins with all of another.
fn beginning(key: &[u8]) -> u128 {
    let mut bytes = [0; size_of::<u128>()];
    let length = key.len().min(bytes.len());
    bytes[..length].copy_from_slice(&key[..length]);
    u128::from_be_bytes(bytes)
}
