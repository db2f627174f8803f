//! Numbering the groups of rows with equal keys: the heart of GROUP BY and DISTINCT.
//!
//! The table begins with the cheapest representation that holds the keys seen so far and changes to a
//! wider one when a batch does not fit: an array indexed by the packed key, a hash table of 64-bit keys,
//! of 128-bit keys, of bytes. Group numbers never change. Keys made of dictionaries only are looked up
//! once per combination of codes.

use std::sync::Arc;

use arrow::array::{Array as _, StringViewArray, UInt32Array};
use firn_types::{Error, Result, SqlType};

use super::encode::{KeyEncoder, RowKeys};
use super::fixed::{KeyLayout, KeyOrder, Packed, not_packed};
use super::hash::{mix_bytes, mix_wide};
use super::slots::{InlineTable, NONE, TagTable, WARM_KEYS};
use crate::{Array, Column};

/// Bits of a packed key that may index an array: 256 KiB of group numbers.
const DIRECT_BITS_MAX: u32 = 16;
/// Values of a dictionary per row of a batch up to which their groups are remembered.
const CODES_PER_ROW: usize = 8;
/// Rows that are looked up between two looks at the table's size.
const BLOCK_ROWS: usize = 4096;

/// Distinct keys of rows and their numbers, which count from 0 in the order of first appearance.
#[derive(Debug)]
pub struct GroupTable {
    types: Vec<SqlType>,
    store: Store,
    codes: Option<CodeGroups>,
}

/// The groups of the values of the dictionary that came last, which many batches of a column share.
#[derive(Debug)]
struct CodeGroups {
    values: Arc<Array>,
    /// For each value, or [`NONE`] until a row has it.
    groups: Vec<u32>,
    null: u32,
}

#[derive(Debug)]
enum Store {
    /// The packed key is an index.
    Direct { layout: KeyLayout, groups: Vec<u32>, keys: Vec<u64>, packed: Packed<u64> },
    /// The packed key has 64 bits.
    Narrow { layout: KeyLayout, table: InlineTable, keys: Vec<u64>, packed: Packed<u64> },
    /// The packed key has 128 bits.
    Wide { layout: KeyLayout, table: TagTable, keys: Vec<u128>, packed: Packed<u128> },
    /// The key is bytes; the first row of each group is kept as it was.
    Bytes(Box<ByteGroups>),
}

#[derive(Debug)]
struct ByteGroups {
    encoder: KeyEncoder,
    table: TagTable,
    keys: RowKeys,
    hashes: Vec<u64>,
    /// Columns of the groups' first rows, in pieces, in the groups' order.
    rows: Vec<Vec<Column>>,
    batch: RowKeys,
    /// The key is a single text: it needs no encoding.
    plain: bool,
}

/// Where a batch's keys as bytes come from.
#[derive(Clone, Copy)]
enum KeySource<'a> {
    Encoded(&'a RowKeys),
    Texts(&'a StringViewArray),
}

impl<'a> KeySource<'a> {
    #[inline]
    fn key(self, row: usize) -> &'a [u8] {
        match self {
            KeySource::Encoded(keys) => keys.key(row),
            KeySource::Texts(texts) if texts.is_null(row) => NULL_TEXT,
            KeySource::Texts(texts) => texts.value(row).as_bytes(),
        }
    }
}

/// The key of a single text that is NULL: a byte that no text has.
const NULL_TEXT: &[u8] = &[0xFF];

impl GroupTable {
    /// A table without groups for keys of these types.
    pub fn new(types: &[SqlType]) -> GroupTable {
        let orders = vec![KeyOrder::default(); types.len()];
        let layout = KeyLayout::new(types, &orders).filter(KeyLayout::is_reversible);
        let store = match layout {
            Some(layout) => Store::packed(layout, &[]),
            None => Store::bytes(types),
        };
        GroupTable { types: types.to_vec(), store, codes: None }
    }

    /// The number of groups.
    pub fn len(&self) -> usize {
        match &self.store {
            Store::Direct { keys, .. } | Store::Narrow { keys, .. } => keys.len(),
            Store::Wide { keys, .. } => keys.len(),
            Store::Bytes(bytes) => bytes.keys.len(),
        }
    }

    /// Whether there is no group.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The group of every row, into `groups`, which is cleared first; new keys get new groups. Without
    /// columns all rows are one group.
    ///
    /// # Errors
    /// For more groups than 32 bits count, and for types without keys.
    pub fn find_or_insert(
        &mut self,
        columns: &[Column],
        rows: usize,
        groups: &mut Vec<u32>,
    ) -> Result<()> {
        groups.clear();
        if self.len() + rows >= NONE as usize {
            return Err(Error::not_supported("more than 4294967295 groups in one table"));
        }
        if let [Column::Dictionary { codes, values }] = columns
            && self.follows(values, rows)
        {
            return self.look_up_codes(codes, values, groups);
        }
        match Combinations::of(columns, rows) {
            Some(combinations) => {
                let first: Vec<Column> =
                    columns.iter().map(|c| c.take(&combinations.rows)).collect();
                let mut few = Vec::new();
                self.look_up(&first, combinations.rows.len(), &mut few)?;
                groups.extend(combinations.of_row.iter().map(|&c| few[c as usize]));
                Ok(())
            }
            None => self.look_up(columns, rows, groups),
        }
    }

    /// Whether it pays to remember the groups of a dictionary's values.
    fn follows(&self, values: &Arc<Array>, rows: usize) -> bool {
        let known = self.codes.as_ref().is_some_and(|codes| Arc::ptr_eq(&codes.values, values));
        known || values.len() <= rows * CODES_PER_ROW
    }

    /// The groups of a dictionary's codes: each value is looked up when it comes for the first time.
    fn look_up_codes(
        &mut self,
        codes: &UInt32Array,
        values: &Arc<Array>,
        groups: &mut Vec<u32>,
    ) -> Result<()> {
        let known = self.codes.take().filter(|codes| Arc::ptr_eq(&codes.values, values));
        let mut known = known.unwrap_or_else(|| CodeGroups {
            values: Arc::clone(values),
            groups: vec![NONE; values.len()],
            null: NONE,
        });
        // Looked up once, though not yet known: any number but NONE.
        const ASKED: u32 = NONE - 1;
        let mut new: Vec<Option<u32>> = Vec::new();
        for code in codes {
            let group = known.group_mut(code);
            if *group == NONE {
                *group = ASKED;
                new.push(code);
            }
        }
        if !new.is_empty() {
            let column = Column::Dictionary {
                codes: UInt32Array::from(new.clone()),
                values: Arc::clone(values),
            };
            let mut found = Vec::with_capacity(new.len());
            self.look_up(&[column], new.len(), &mut found)?;
            new.iter().zip(found).for_each(|(code, group)| *known.group_mut(*code) = group);
        }
        groups.extend(codes.iter().map(|code| *known.group_mut(code)));
        self.codes = Some(known);
        Ok(())
    }

    fn look_up(&mut self, columns: &[Column], rows: usize, groups: &mut Vec<u32>) -> Result<()> {
        groups.reserve(rows);
        if !self.store.pack(columns, rows)? {
            self.change_layout(columns)?;
            if !self.store.pack(columns, rows)? {
                return Err(not_packed());
            }
        }
        self.store.number(columns, rows, groups)
    }

    /// Takes the representation that also holds the keys of these columns, with all groups so far.
    fn change_layout(&mut self, columns: &[Column]) -> Result<()> {
        let (mut layout, old) = match &self.store {
            Store::Direct { layout, keys, .. } | Store::Narrow { layout, keys, .. } => {
                (layout.clone(), layout.unpack(keys))
            }
            Store::Wide { layout, keys, .. } => (layout.clone(), layout.unpack(keys)),
            Store::Bytes(_) => return Ok(()),
        };
        let groups = self.len();
        layout.widen(columns)?;
        match layout.bits() {
            0..=DIRECT_BITS_MAX => {}
            17..=64 => layout.stretch(63),
            _ => layout.stretch(127),
        }
        self.store = if layout.bits() <= 128 {
            Store::packed(layout, &old)
        } else {
            Store::bytes(&self.types)
        };
        if groups > 0 {
            let mut same = Vec::with_capacity(groups);
            if !self.store.pack(&old, groups)? {
                return Err(not_packed());
            }
            self.store.number(&old, groups, &mut same)?;
        }
        Ok(())
    }

    /// The groups' keys as columns, in the order of their numbers.
    ///
    /// # Errors
    /// Never for keys that came in.
    pub fn keys(&self) -> Result<Vec<Column>> {
        match &self.store {
            Store::Direct { layout, keys, .. } | Store::Narrow { layout, keys, .. } => {
                Ok(layout.unpack(keys))
            }
            Store::Wide { layout, keys, .. } => Ok(layout.unpack(keys)),
            Store::Bytes(bytes) if bytes.rows.is_empty() => {
                Ok(self.types.iter().map(|&sql_type| Column::nulls_of(sql_type, 0)).collect())
            }
            Store::Bytes(bytes) => {
                let column = |position: usize| {
                    let parts: Vec<&Column> = bytes.rows.iter().map(|row| &row[position]).collect();
                    Column::concat(&parts)
                };
                (0..self.types.len()).map(column).collect()
            }
        }
    }

    /// About how many bytes of memory the table holds.
    pub fn memory_bytes(&self) -> usize {
        match &self.store {
            Store::Direct { groups, keys, .. } => groups.capacity() * 4 + keys.capacity() * 8,
            Store::Narrow { table, keys, .. } => table.memory_bytes() + keys.capacity() * 8,
            Store::Wide { table, keys, .. } => table.memory_bytes() + keys.capacity() * 16,
            Store::Bytes(bytes) => {
                let rows = bytes.rows.iter().flatten().map(Column::memory_bytes).sum::<usize>();
                bytes.table.memory_bytes()
                    + bytes.keys.memory_bytes()
                    + bytes.hashes.capacity() * 8
                    + rows
            }
        }
    }
}

impl CodeGroups {
    #[inline]
    fn group_mut(&mut self, code: Option<u32>) -> &mut u32 {
        match code {
            Some(code) => &mut self.groups[code as usize],
            None => &mut self.null,
        }
    }
}

impl Store {
    /// The representation for a layout of at most 128 bits and about as many groups as `old` has rows.
    fn packed(layout: KeyLayout, old: &[Column]) -> Store {
        let groups = old.first().map_or(0, Column::len);
        match layout.bits() {
            bits @ 0..=DIRECT_BITS_MAX => {
                let groups = vec![NONE; 1 << bits];
                Store::Direct { layout, groups, keys: Vec::new(), packed: Packed::default() }
            }
            0..=64 => {
                let table = InlineTable::with_capacity(groups.max(BLOCK_ROWS));
                Store::Narrow { layout, table, keys: Vec::new(), packed: Packed::default() }
            }
            _ => {
                let table = TagTable::with_capacity(groups.max(BLOCK_ROWS));
                Store::Wide { layout, table, keys: Vec::new(), packed: Packed::default() }
            }
        }
    }

    fn bytes(types: &[SqlType]) -> Store {
        Store::Bytes(Box::new(ByteGroups {
            encoder: KeyEncoder::unordered(types),
            table: TagTable::with_capacity(BLOCK_ROWS),
            keys: RowKeys::default(),
            hashes: Vec::new(),
            rows: Vec::new(),
            batch: RowKeys::default(),
            plain: matches!(types, [SqlType::Varchar { .. }]),
        }))
    }

    /// Brings the rows' keys into the representation; FALSE when they do not fit.
    fn pack(&mut self, columns: &[Column], rows: usize) -> Result<bool> {
        match self {
            Store::Direct { layout, packed, .. } | Store::Narrow { layout, packed, .. } => {
                layout.pack(columns, rows, false, packed)?;
                Ok(!packed.any_miss())
            }
            Store::Wide { layout, packed, .. } => {
                layout.pack(columns, rows, false, packed)?;
                Ok(!packed.any_miss())
            }
            Store::Bytes(bytes) => {
                bytes.batch.clear();
                if bytes.plain {
                    return Ok(true);
                }
                bytes.encoder.encode(columns, rows, &mut bytes.batch)?;
                Ok(true)
            }
        }
    }

    /// Numbers the rows that were packed last.
    fn number(&mut self, columns: &[Column], rows: usize, groups: &mut Vec<u32>) -> Result<()> {
        match self {
            Store::Direct { groups: numbers, keys, packed, .. } => {
                groups.extend(packed.keys.iter().map(|&key| numbers[key as usize]));
                if groups.contains(&NONE) {
                    for (group, &key) in groups.iter_mut().zip(&packed.keys) {
                        let number = &mut numbers[key as usize];
                        if *number == NONE {
                            *number = keys.len() as u32;
                            keys.push(key);
                        }
                        *group = *number;
                    }
                }
            }
            Store::Narrow { table, keys, packed, .. } => {
                for block in packed.keys.chunks(BLOCK_ROWS) {
                    table.reserve(block.len());
                    for block in block.chunks(WARM_KEYS) {
                        let runs = Runs::of(block);
                        table.warm(runs.as_ref().map_or(block, Runs::firsts));
                        let mut number = |key: u64| {
                            table.find_or_insert(key, || {
                                keys.push(key);
                                keys.len() as u32 - 1
                            })
                        };
                        match runs {
                            Some(runs) => runs.number(number, groups),
                            None => groups.extend(block.iter().map(|&key| number(key))),
                        }
                    }
                }
            }
            Store::Wide { table, keys, packed, .. } => {
                for block in packed.keys.chunks(BLOCK_ROWS) {
                    table.reserve(block.len(), |group| mix_wide(keys[group as usize] as i128));
                    for block in block.chunks(WARM_KEYS) {
                        let mut hashes = [0; WARM_KEYS];
                        hashes.iter_mut().zip(block).for_each(|(h, &k)| *h = mix_wide(k as i128));
                        let load = |group: usize| keys.get(group).map_or(0, |&key| key as u64);
                        table.warm(&hashes[..block.len()], load);
                        for (&key, &hash) in block.iter().zip(&hashes) {
                            let next = keys.len() as u32;
                            let same = |group: u32| keys[group as usize] == key;
                            let (group, new) = table.entry(hash, same, || next);
                            if new {
                                keys.push(key);
                            }
                            groups.push(group);
                        }
                    }
                }
            }
            Store::Bytes(bytes) => bytes.number(columns, rows, groups),
        }
        Ok(())
    }
}

/// A block of keys in which most are those of the row before, as in a clustered table: only the first of each
/// run is looked up.
struct Runs {
    firsts: [u64; WARM_KEYS],
    count: usize,
    /// The run of each row.
    of_row: [u8; WARM_KEYS],
    rows: usize,
}

impl Runs {
    /// None when there are too many runs to pay.
    fn of(block: &[u64]) -> Option<Runs> {
        let (&first, rest) = block.split_first()?;
        let mut runs = Runs {
            firsts: [first; WARM_KEYS],
            count: 1,
            of_row: [0; WARM_KEYS],
            rows: block.len(),
        };
        let mut before = first;
        for (row, &key) in rest.iter().enumerate() {
            runs.count += usize::from(key != before);
            runs.firsts[(runs.count - 1) % WARM_KEYS] = key;
            runs.of_row[row + 1] = (runs.count - 1) as u8;
            before = key;
        }
        (runs.count * 4 <= runs.rows * 3).then_some(runs)
    }

    /// The key of each run.
    fn firsts(&self) -> &[u64] {
        &self.firsts[..self.count]
    }

    fn number(&self, number: impl FnMut(u64) -> u32, groups: &mut Vec<u32>) {
        let mut numbers = [NONE; WARM_KEYS];
        let firsts = self.firsts().iter().copied();
        numbers.iter_mut().zip(firsts.map(number)).for_each(|(n, of)| *n = of);
        let of_row = &self.of_row[..self.rows];
        groups.extend(of_row.iter().map(|&run| numbers[usize::from(run)]));
    }
}

impl ByteGroups {
    fn number(&mut self, columns: &[Column], rows: usize, groups: &mut Vec<u32>) {
        let mut new_rows = Vec::new();
        let flat = self.plain.then(|| columns[0].flat());
        let source = match &flat {
            Some(Array::Text(a)) => KeySource::Texts(a),
            _ => KeySource::Encoded(&self.batch),
        };
        for start in (0..rows).step_by(BLOCK_ROWS) {
            let end = rows.min(start + BLOCK_ROWS);
            self.table.reserve(end - start, |group| self.hashes[group as usize]);
            for first in (start..end).step_by(WARM_KEYS) {
                let rows = first..end.min(first + WARM_KEYS);
                let mut hashes = [0; WARM_KEYS];
                for (hash, row) in hashes.iter_mut().zip(rows.clone()) {
                    *hash = mix_bytes(source.key(row));
                }
                self.table.warm(&hashes[..rows.len()], |group| self.keys.load(group));
                for (row, &hash) in rows.zip(&hashes) {
                    let key = source.key(row);
                    let next = self.keys.len() as u32;
                    let same = |group: u32| self.keys.key(group as usize) == key;
                    let (group, new) = self.table.entry(hash, same, || next);
                    if new {
                        self.keys.push(key);
                        self.hashes.push(hash);
                        new_rows.push(row as u32);
                    }
                    groups.push(group);
                }
            }
        }
        if !new_rows.is_empty() {
            let new_rows = UInt32Array::from(new_rows);
            let first = |column: &Column| Column::Flat(column.take(&new_rows).flat().compacted());
            self.rows.push(columns.iter().map(first).collect());
        }
    }
}

/// The distinct combinations of codes in a batch of which every column is a dictionary or constant.
struct Combinations {
    /// A row of each combination.
    rows: UInt32Array,
    /// The combination of each row.
    of_row: Vec<u32>,
}

impl Combinations {
    /// None when some column is not a dictionary, or when there may be too many combinations to pay.
    fn of(columns: &[Column], rows: usize) -> Option<Combinations> {
        let mut count = 1_usize;
        let mut any = false;
        for column in columns {
            match column {
                Column::Flat(_) => return None,
                Column::Constant { .. } => {}
                Column::Dictionary { values, .. } => {
                    count = count.checked_mul(values.len() + 1)?;
                    any = true;
                }
            }
        }
        if count > rows / 2 && (any || rows == 0) {
            return None;
        }
        let mut codes = vec![0_u32; rows];
        for column in columns {
            if let Column::Dictionary { codes: own, values } = column {
                let (base, null) = (values.len() as u32 + 1, values.len() as u32);
                match own.nulls().filter(|nulls| nulls.null_count() > 0) {
                    None => {
                        codes.iter_mut().zip(own.values()).for_each(|(c, o)| *c = *c * base + o)
                    }
                    Some(_) => codes
                        .iter_mut()
                        .zip(own)
                        .for_each(|(c, o)| *c = *c * base + o.unwrap_or(null)),
                }
            }
        }
        let mut numbers = vec![NONE; count];
        let mut first = Vec::new();
        for (row, code) in codes.iter_mut().enumerate() {
            let number = &mut numbers[*code as usize];
            if *number == NONE {
                *number = first.len() as u32;
                first.push(row as u32);
            }
            *code = *number;
        }
        Some(Combinations { rows: UInt32Array::from(first), of_row: codes })
    }
}
