//! Finding the rows with a key: the build side of a hash join.
//!
//! Building goes in three steps, of which the two costly ones run in parallel when the caller wants so:
//!
//! ```text
//! JoinKeys::plan(all batches)                     ranges of the keys, representation, partitions
//!   prepare(batch) for every batch                keys packed and partitioned by radix   (parallel)
//!   build(partition, prepared) for every one      one hash table each                       (parallel)
//! JoinTable::new(keys, partitions)                the chains of rows with equal keys
//! ```
//!
//! Rows are numbered through all batches in their order. Since the whole build side is known, a key range
//! that is not much larger than the number of rows becomes an array indexed by the key: no hash at all.
//! A NULL in a key matches nothing, unless the join asks for `IS NOT DISTINCT FROM`.

use arrow::buffer::BooleanBuffer;
use firn_types::{Error, Result, SqlType};

use super::encode::{KeyEncoder, RowKeys};
use super::fixed::{KeyLayout, KeyOrder, Packed};
use super::hash::{mix, mix_bytes, mix_wide};
use super::slots::{InlineTable, TagTable, WARM_KEYS};
use crate::Column;

pub use super::slots::NONE;

/// Rows of one partition: its table stays in the second-level cache.
const PARTITION_ROWS: usize = 1 << 15;
/// Most partitions.
const PARTITIONS_MAX: usize = 256;
/// Slots per row up to which an array indexed by the key is worth its memory.
const DIRECT_SLOTS_PER_ROW: u128 = 8;
/// Slots that an array indexed by the key may have in any case.
const DIRECT_SLOTS_FREE: u128 = 1 << 16;

/// How the keys of one join are represented; known once the whole build side is.
#[derive(Clone, Debug)]
pub struct JoinKeys {
    form: Form,
    null_safe: bool,
    partition_bits: u32,
    rows: usize,
}

#[derive(Clone, Debug)]
enum Form {
    /// The packed key indexes an array of this many slots.
    Direct(KeyLayout, usize),
    EncodedColumn(KeyLayout),
    Wide(KeyLayout),
    Bytes(KeyEncoder),
}

/// The keys of one batch of the build side, partitioned by radix.
#[derive(Debug)]
pub struct PreparedKeys(Vec<PartKeys>);

/// Keys of some rows of one partition.
#[derive(Debug, Default)]
struct PartKeys {
    rows: Vec<u32>,
    narrow: Vec<u64>,
    wide: Vec<u128>,
    bytes: RowKeys,
}

/// The hash table of one partition.
#[derive(Debug)]
pub struct JoinPartition {
    table: PartitionTable,
    /// Rows with the key of another row, and that row: the next one of its chain.
    chained: Vec<(u32, u32)>,
}

#[derive(Debug)]
enum PartitionTable {
    EncodedColumn(InlineTable),
    Wide { table: TagTable, rows: Vec<u32>, keys: Vec<u128> },
    Bytes { table: TagTable, rows: Vec<u32>, keys: RowKeys },
}

/// The rows of a build side by their keys. Shared by all threads that probe.
#[derive(Debug)]
pub struct JoinTable {
    keys: JoinKeys,
    partitions: Vec<PartitionTable>,
    /// The first row of each key, of the form that is an array.
    direct: Vec<u32>,
    /// The next row with the same key, or [`NONE`]; empty when no two rows have the same key.
    next: Vec<u32>,
}

/// Memory that a thread keeps between probes.
#[derive(Debug, Default)]
pub struct ProbeScratch {
    narrow: Packed<u64>,
    wide: Packed<u128>,
    bytes: RowKeys,
}

/// Where an expansion of matches stands, see [`JoinTable::expand`].
#[derive(Clone, Copy, Debug, Default)]
pub struct MatchCursor {
    row: usize,
    /// The match of `row` to go on with, when its chain was cut.
    pending: Option<u32>,
}

impl JoinKeys {
    /// Looks at the keys of all batches of the build side and decides. `null_safe` makes NULL equal NULL.
    ///
    /// # Errors
    /// For more rows than 32 bits count, and an internal error for columns not of their types.
    pub fn plan(types: &[SqlType], batches: &[Vec<Column>], null_safe: bool) -> Result<JoinKeys> {
        let rows = batches.iter().map(|keys| keys.first().map_or(0, Column::len)).sum::<usize>();
        if rows >= NONE as usize {
            return Err(Error::not_supported("a join with more than 4294967295 rows to build"));
        }
        let orders = vec![KeyOrder::default(); types.len()];
        let mut layout = KeyLayout::new(types, &orders);
        if let Some(layout) = &mut layout {
            for batch in batches {
                layout.widen(batch)?;
            }
        }
        let form = match layout {
            Some(layout) if layout.bits() <= 64 => {
                let slots = 1_u128 << layout.bits();
                let allowed = DIRECT_SLOTS_FREE.max(rows as u128 * DIRECT_SLOTS_PER_ROW);
                // One field needs its range, several a power of two.
                let slots = layout.codes().unwrap_or(slots);
                if slots <= allowed {
                    Form::Direct(layout, slots as usize)
                } else {
                    Form::EncodedColumn(layout)
                }
            }
            Some(layout) if layout.bits() <= 128 => Form::Wide(layout),
            _ => Form::Bytes(KeyEncoder::unordered(types)),
        };
        let partitions = (rows / PARTITION_ROWS).clamp(1, PARTITIONS_MAX).next_power_of_two();
        let partition_bits = match form {
            Form::Direct(..) => 0,
            _ => partitions.ilog2(),
        };
        Ok(JoinKeys { form, null_safe, partition_bits, rows })
    }

    /// The number of partitions to build.
    pub fn partitions(&self) -> usize {
        1 << self.partition_bits
    }

    /// The range of a key column on the build side, where it holds integers: for runtime filters.
    pub fn integer_range(&self, column: usize) -> Option<(i128, i128)> {
        match &self.form {
            Form::Direct(layout, _) | Form::EncodedColumn(layout) | Form::Wide(layout) => {
                layout.integer_range(column)
            }
            Form::Bytes(_) => None,
        }
    }

    /// Packs the keys of one batch, whose first row has the number `first_row`.
    ///
    /// # Errors
    /// For types without keys.
    pub fn prepare(&self, columns: &[Column], first_row: u32) -> Result<PreparedKeys> {
        let rows = columns.first().map_or(0, Column::len);
        let mut parts: Vec<PartKeys> = Vec::new();
        parts.resize_with(self.partitions(), PartKeys::default);
        let numbered = |row: usize| first_row + row as u32;
        match &self.form {
            Form::Direct(layout, _) | Form::EncodedColumn(layout) => {
                let mut packed = Packed::default();
                layout.pack(columns, rows, !self.null_safe, &mut packed)?;
                let keyed = packed.keys.iter().zip(&packed.misses).enumerate();
                for (row, (&key, _)) in keyed.filter(|(_, (_, miss))| **miss == 0) {
                    let part = &mut parts[self.partition(mix(key))];
                    part.rows.push(numbered(row));
                    part.narrow.push(key);
                }
            }
            Form::Wide(layout) => {
                let mut packed = Packed::default();
                layout.pack(columns, rows, !self.null_safe, &mut packed)?;
                let keyed = packed.keys.iter().zip(&packed.misses).enumerate();
                for (row, (&key, _)) in keyed.filter(|(_, (_, miss))| **miss == 0) {
                    let part = &mut parts[self.partition(mix_wide(key as i128))];
                    part.rows.push(numbered(row));
                    part.wide.push(key);
                }
            }
            Form::Bytes(encoder) => {
                let mut keys = RowKeys::default();
                encoder.encode(columns, rows, &mut keys)?;
                for row in (0..rows).filter(|&row| self.null_safe || !any_null(columns, row)) {
                    let part = &mut parts[self.partition(mix_bytes(keys.key(row)))];
                    part.rows.push(numbered(row));
                    part.bytes.push(keys.key(row));
                }
            }
        }
        Ok(PreparedKeys(parts))
    }

    /// Builds one partition from the keys of all batches, which are in order.
    pub fn build(&self, partition: usize, prepared: &[PreparedKeys]) -> JoinPartition {
        let parts = || prepared.iter().map(|keys| &keys.0[partition]);
        let count = parts().map(|part| part.rows.len()).sum::<usize>();
        let mut chained = Vec::new();
        // Rows go in from the last to the first: each becomes the head of its chain, so that matches come
        // out in the order of the rows.
        let table = match &self.form {
            Form::Direct(..) | Form::EncodedColumn(_) => {
                let mut table = InlineTable::with_capacity(count);
                for part in parts().rev() {
                    for (&row, &key) in part.rows.iter().zip(&part.narrow).rev() {
                        let (head, new) = table.entry(key, || row);
                        if !new {
                            chained.push((row, std::mem::replace(head, row)));
                        }
                    }
                }
                PartitionTable::EncodedColumn(table)
            }
            Form::Wide(_) => {
                let (mut rows, mut keys) = (Vec::new(), Vec::with_capacity(count));
                let mut table = TagTable::with_capacity(count);
                for part in parts().rev() {
                    for (&row, &key) in part.rows.iter().zip(&part.wide).rev() {
                        let next = keys.len() as u32;
                        let same = |at: u32| keys[at as usize] == key;
                        let (at, new) = table.entry(mix_wide(key as i128), same, || next);
                        if new {
                            keys.push(key);
                        }
                        add_row(&mut rows, &mut chained, at, new, row);
                    }
                }
                PartitionTable::Wide { table, rows, keys }
            }
            Form::Bytes(_) => {
                let (mut rows, mut keys) = (Vec::new(), RowKeys::default());
                let mut table = TagTable::with_capacity(count);
                for part in parts().rev() {
                    for (index, &row) in part.rows.iter().enumerate().rev() {
                        let key = part.bytes.key(index);
                        let next = keys.len() as u32;
                        let same = |at: u32| keys.key(at as usize) == key;
                        let (at, new) = table.entry(mix_bytes(key), same, || next);
                        if new {
                            keys.push(key);
                        }
                        add_row(&mut rows, &mut chained, at, new, row);
                    }
                }
                PartitionTable::Bytes { table, rows, keys }
            }
        };
        JoinPartition { table, chained }
    }

    /// The partition of a hash: bits that choose no slot and are in no tag but the largest tables'.
    #[inline]
    fn partition(&self, hash: u64) -> usize {
        (hash >> 24) as usize & ((1 << self.partition_bits) - 1)
    }
}

/// Makes `row` the head of the chain of a key.
fn add_row(rows: &mut Vec<u32>, chained: &mut Vec<(u32, u32)>, at: u32, new: bool, row: u32) {
    if new {
        rows.push(row);
    } else {
        chained.push((row, std::mem::replace(&mut rows[at as usize], row)));
    }
}

fn any_null(columns: &[Column], row: usize) -> bool {
    columns.iter().any(|column| column.is_null(row))
}

impl JoinTable {
    /// The table of the built partitions, in their order. For keys that index an array, `prepared` alone
    /// is needed and no partition.
    pub fn new(keys: JoinKeys, partitions: Vec<JoinPartition>) -> JoinTable {
        let mut table = JoinTable { keys, partitions: vec![], direct: vec![], next: vec![] };
        if partitions.iter().any(|partition| !partition.chained.is_empty()) {
            table.next = vec![NONE; table.keys.rows];
        }
        for partition in partitions {
            for (row, next) in partition.chained {
                table.next[row as usize] = next;
            }
            table.partitions.push(partition.table);
        }
        table
    }

    /// Builds the table in one go, in this thread. `batches` are the key columns of the build side.
    ///
    /// # Errors
    /// As [`JoinKeys::plan`] and [`JoinKeys::prepare`].
    pub fn build(types: &[SqlType], batches: &[Vec<Column>], null_safe: bool) -> Result<JoinTable> {
        let keys = JoinKeys::plan(types, batches, null_safe)?;
        let mut first_row = 0;
        let mut prepared = Vec::with_capacity(batches.len());
        for batch in batches {
            prepared.push(keys.prepare(batch, first_row)?);
            first_row += batch.first().map_or(0, Column::len) as u32;
        }
        Ok(JoinTable::assemble(keys, &prepared, |keys, prepared| {
            (0..keys.partitions()).map(|partition| keys.build(partition, prepared)).collect()
        }))
    }

    /// The table of prepared batches, which are in order; `build_all` calls [`JoinKeys::build`] for every
    /// partition, in parallel if it likes. It is not called for keys that index an array.
    pub fn assemble(
        keys: JoinKeys,
        prepared: &[PreparedKeys],
        build_all: impl FnOnce(&JoinKeys, &[PreparedKeys]) -> Vec<JoinPartition>,
    ) -> JoinTable {
        let Form::Direct(_, slots) = keys.form else {
            let partitions = build_all(&keys, prepared);
            return JoinTable::new(keys, partitions);
        };
        let mut direct = vec![NONE; slots];
        let mut next = Vec::new();
        for part in prepared.iter().rev().flat_map(|keys| &keys.0) {
            for (&row, &key) in part.rows.iter().zip(&part.narrow).rev() {
                let head = &mut direct[key as usize];
                if *head != NONE {
                    if next.is_empty() {
                        next = vec![NONE; keys.rows];
                    }
                    next[row as usize] = *head;
                }
                *head = row;
            }
        }
        JoinTable { keys, partitions: Vec::new(), direct, next }
    }

    /// How the keys are represented.
    pub fn join_keys(&self) -> &JoinKeys {
        &self.keys
    }

    /// Whether no two rows of the build side have the same key.
    pub fn is_unique(&self) -> bool {
        self.next.is_empty()
    }

    /// The next row with the key of a row that [`JoinTable::look_up`] or this gave, or [`NONE`].
    pub fn next(&self, row: u32) -> u32 {
        self.next.get(row as usize).copied().unwrap_or(NONE)
    }

    /// The number of rows of the build side, those with NULL keys included.
    pub fn rows(&self) -> usize {
        self.keys.rows
    }

    /// The first row of the build side with the key of each probing row, or [`NONE`], into `first_matches`, which
    /// is cleared first. It is all that a semi or anti join needs.
    ///
    /// # Errors
    /// For types without keys.
    pub fn look_up(
        &self,
        columns: &[Column],
        rows: usize,
        scratch: &mut ProbeScratch,
        first_matches: &mut Vec<u32>,
    ) -> Result<()> {
        first_matches.clear();
        let refuse_nulls = !self.keys.null_safe;
        match &self.keys.form {
            Form::Direct(layout, _) => {
                let packed = &mut scratch.narrow;
                layout.pack(columns, rows, refuse_nulls, packed)?;
                let keys = packed.keys.iter().zip(&packed.misses);
                first_matches.extend(keys.map(|(&key, &miss)| match miss {
                    0 => self.direct.get(key as usize).copied().unwrap_or(NONE),
                    _ => NONE,
                }));
            }
            Form::EncodedColumn(layout) => {
                let packed = &mut scratch.narrow;
                layout.pack(columns, rows, refuse_nulls, packed)?;
                for (keys, misses) in
                    packed.keys.chunks(WARM_KEYS).zip(packed.misses.chunks(WARM_KEYS))
                {
                    self.warm_narrow(keys);
                    first_matches.extend(keys.iter().zip(misses).map(|(&key, &miss)| match miss {
                        0 => self.find_narrow(key),
                        _ => NONE,
                    }));
                }
            }
            Form::Wide(layout) => {
                let packed = &mut scratch.wide;
                layout.pack(columns, rows, refuse_nulls, packed)?;
                let keys = packed.keys.iter().zip(&packed.misses);
                first_matches.extend(keys.map(|(&key, &miss)| match miss {
                    0 => self.find_wide(key),
                    _ => NONE,
                }));
            }
            Form::Bytes(encoder) => {
                scratch.bytes.clear();
                encoder.encode(columns, rows, &mut scratch.bytes)?;
                first_matches.extend((0..rows).map(|row| {
                    match refuse_nulls && any_null(columns, row) {
                        true => NONE,
                        false => self.find_bytes(scratch.bytes.key(row)),
                    }
                }));
            }
        }
        Ok(())
    }

    /// Loads the slots that the keys will be looked up in.
    fn warm_narrow(&self, keys: &[u64]) {
        let load = |all, &key: &u64| match self.partitions.get(self.keys.partition(mix(key))) {
            Some(PartitionTable::EncodedColumn(table)) => all ^ table.load(key),
            _ => all,
        };
        match self.partitions.as_slice() {
            [PartitionTable::EncodedColumn(table)] => table.warm(keys),
            _ => {
                std::hint::black_box(keys.iter().fold(0, load));
            }
        }
    }

    #[inline]
    fn find_narrow(&self, key: u64) -> u32 {
        match self.partitions.get(self.keys.partition(mix(key))) {
            Some(PartitionTable::EncodedColumn(table)) => table.find(key),
            _ => NONE,
        }
    }

    #[inline]
    fn find_wide(&self, key: u128) -> u32 {
        let hash = mix_wide(key as i128);
        match self.partitions.get(self.keys.partition(hash)) {
            Some(PartitionTable::Wide { table, rows, keys }) => {
                let at = table.find(hash, |at| keys[at as usize] == key);
                rows.get(at as usize).copied().unwrap_or(NONE)
            }
            _ => NONE,
        }
    }

    #[inline]
    fn find_bytes(&self, key: &[u8]) -> u32 {
        let hash = mix_bytes(key);
        match self.partitions.get(self.keys.partition(hash)) {
            Some(PartitionTable::Bytes { table, rows, keys }) => {
                let at = table.find(hash, |at| keys.key(at as usize) == key);
                rows.get(at as usize).copied().unwrap_or(NONE)
            }
            _ => NONE,
        }
    }

    /// Adds pairs of matching rows, from where the cursor stands, until there are about `limit`: the row
    /// of `first_matches` and the row of the build side. FALSE when all pairs have been given.
    pub fn expand(
        &self,
        first_matches: &[u32],
        cursor: &mut MatchCursor,
        limit: usize,
        probe_rows: &mut Vec<u32>,
        build_rows: &mut Vec<u32>,
    ) -> bool {
        if self.next.is_empty() {
            add_unique(first_matches, cursor.row, probe_rows, build_rows);
            cursor.row = first_matches.len();
            return false;
        }
        while let Some(&head) = first_matches.get(cursor.row) {
            let mut build_row = cursor.pending.take().unwrap_or(head);
            while build_row != NONE {
                if probe_rows.len() >= limit {
                    cursor.pending = Some(build_row);
                    return true;
                }
                probe_rows.push(cursor.row as u32);
                build_rows.push(build_row);
                build_row = self.next[build_row as usize];
            }
            cursor.row += 1;
        }
        false
    }

    /// Which probing rows have a match.
    pub fn matched(first_matches: &[u32]) -> BooleanBuffer {
        first_matches.iter().map(|&head| head != NONE).collect()
    }

    /// About how many bytes of memory the table holds.
    pub fn memory_bytes(&self) -> usize {
        let partition = |table: &PartitionTable| match table {
            PartitionTable::EncodedColumn(table) => table.memory_bytes(),
            PartitionTable::Wide { table, rows, keys } => {
                table.memory_bytes() + rows.capacity() * 4 + keys.capacity() * 16
            }
            PartitionTable::Bytes { table, rows, keys } => {
                table.memory_bytes() + rows.capacity() * 4 + keys.memory_bytes()
            }
        };
        self.partitions.iter().map(partition).sum::<usize>()
            + (self.direct.capacity() + self.next.capacity()) * 4
    }
}

/// Adds the probing rows from `first` on that have a match, the only one, and beside them its row. Nothing
/// is asked about one row, since there is no telling which have a match: what has none is written over.
fn add_unique(
    first_matches: &[u32],
    first: usize,
    probe_rows: &mut Vec<u32>,
    build_rows: &mut Vec<u32>,
) {
    let (mut end, first_matches) =
        (probe_rows.len(), &first_matches[first.min(first_matches.len())..]);
    probe_rows.resize(end + first_matches.len(), 0);
    build_rows.resize(end + first_matches.len(), 0);
    for (row, &head) in first_matches.iter().enumerate() {
        probe_rows[end] = (first + row) as u32;
        build_rows[end] = head;
        end += usize::from(head != NONE);
    }
    probe_rows.truncate(end);
    build_rows.truncate(end);
}
