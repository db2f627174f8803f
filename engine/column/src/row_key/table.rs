//! Numbering the groups of rows with equal keys: the heart of GROUP BY and DISTINCT.
//!
//! The table begins with the cheapest representation that holds the keys seen so far and changes to a
//! wider one when a batch does not fit: an array indexed by the packed key, a hash table of 64-bit keys,
//! of 128-bit keys, of bytes. Group numbers never change. Texts too long to be packed are numbered first, and
//! their numbers packed; a key that is one such text has its number as its group. Keys made of dictionaries
//! only are looked up once per combination of codes.

use arrow::array::{Array as _, UInt32Array};
use firn_types::{Error, Result, SqlType};

use super::encode::{KeyEncoder, RowKeys};
use super::fixed::{KeyLayout, KeyOrder, Packed, not_packed};
use super::hash::{mix_bytes, mix_wide};
use super::slots::{InlineTable, NONE, TagTable, WARM_KEYS};
use super::texts::{BLOCK_ROWS, CodeNumbers, TextNumbers};
use crate::Column;

/// Bits of a packed key that may index an array: 256 KiB of group numbers ..
const DIRECT_BITS_MAX: u32 = 16;
/// .. or more for many groups: with so many places for each, the array is no larger than a hash table.
const DIRECT_PLACES: usize = 8;
/// Bits of the widest packed key.
const PACKED_BITS_MAX: u32 = 128;

/// Distinct keys of rows and their numbers, which count from 0 in the order of first appearance.
#[derive(Debug)]
pub struct GroupTable {
    types: Vec<SqlType>,
    /// For each key of texts that are numbered first, the numbers.
    numbers: Vec<Option<TextNumbers>>,
    store: Store,
    codes: CodeNumbers,
    /// With so many groups it is looked whether their keys index an array.
    judged_at: usize,
}

#[derive(Debug)]
enum Store {
    /// The packed key is an index.
    Direct { layout: KeyLayout, groups: Vec<u32>, keys: Vec<u64>, packed: Packed<u64> },
    /// The packed key has 64 bits.
    EncodedColumn { layout: KeyLayout, table: InlineTable, keys: Vec<u64>, packed: Packed<u64> },
    /// The packed key has 128 bits.
    Wide { layout: KeyLayout, table: TagTable, keys: Vec<u128>, packed: Packed<u128> },
    /// The key is one text.
    Texts(Box<TextNumbers>),
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
}

impl GroupTable {
    /// A table without groups for keys of these types.
    pub fn new(types: &[SqlType]) -> GroupTable {
        let store = match layout_of(types) {
            Some(layout) => Store::packed(layout, &[]),
            None => Store::unpacked(types),
        };
        GroupTable {
            types: types.to_vec(),
            numbers: types.iter().map(|_| None).collect(),
            store,
            codes: CodeNumbers::default(),
            judged_at: 1 << (DIRECT_BITS_MAX - 2),
        }
    }

    /// The number of groups.
    pub fn len(&self) -> usize {
        match &self.store {
            Store::Direct { keys, .. } | Store::EncodedColumn { keys, .. } => keys.len(),
            Store::Wide { keys, .. } => keys.len(),
            Store::Texts(texts) => texts.len(),
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
            && self.codes.follows(values, rows)
        {
            let mut known = std::mem::take(&mut self.codes);
            let look_up = |new: &Column, groups: &mut Vec<u32>| {
                self.look_up(std::slice::from_ref(new), new.len(), groups)
            };
            known.number(codes, values, groups, look_up)?;
            self.codes = known;
            return Ok(());
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

    fn look_up(&mut self, columns: &[Column], rows: usize, groups: &mut Vec<u32>) -> Result<()> {
        groups.reserve(rows);
        let mut keys = self.with_numbers(columns)?;
        if self.len() >= self.judged_at {
            self.judged_at = self.len() * 2;
            self.index_directly()?;
        }
        if !self.store.pack(&keys, rows)? {
            keys = self.change_layout(columns, keys)?;
            if !self.store.pack(&keys, rows)? {
                return Err(not_packed());
            }
        }
        self.store.number(&keys, rows, groups)
    }

    /// The keys with numbers in the place of texts that are numbered.
    fn with_numbers(&mut self, columns: &[Column]) -> Result<Vec<Column>> {
        let key = |(column, numbers): (&Column, &mut Option<TextNumbers>)| {
            let Some(numbers) = numbers else { return Ok(column.clone()) };
            numbers.replace(column)
        };
        columns.iter().zip(&mut self.numbers).map(key).collect()
    }

    /// Begins to number the texts of a key of several columns; FALSE when there is none.
    fn begin_numbers(&mut self) -> bool {
        let is_text = |sql_type: &SqlType| matches!(sql_type, SqlType::Varchar { .. });
        if self.types.len() == 1 || self.numbers.iter().any(Option::is_some) {
            return false;
        }
        for (numbers, sql_type) in self.numbers.iter_mut().zip(&self.types) {
            *numbers = is_text(sql_type).then(TextNumbers::new);
        }
        self.types.iter().any(is_text)
    }

    /// Whether all texts come as codes, which are numbered at next to no cost.
    fn are_coded(&self, columns: &[Column]) -> bool {
        let mut keys = self.types.iter().zip(columns);
        keys.all(|(sql_type, column)| match sql_type {
            SqlType::Varchar { .. } => matches!(column, Column::Dictionary { .. }),
            _ => true,
        })
    }

    /// The types of the keys with numbers in the place of texts that are numbered.
    fn types_with_numbers(&self) -> Vec<SqlType> {
        let types = self.types.iter().zip(&self.numbers);
        types
            .map(|(&own, numbers)| if numbers.is_some() { SqlType::INTEGER } else { own })
            .collect()
    }

    /// Takes the representation that also holds the keys of these columns, with all groups so far. Gives the
    /// keys as they are to be packed now.
    fn change_layout(&mut self, columns: &[Column], mut keys: Vec<Column>) -> Result<Vec<Column>> {
        let (mut layout, mut old) = match &self.store {
            Store::Direct { layout, keys, .. } | Store::EncodedColumn { layout, keys, .. } => {
                (layout.clone(), layout.unpack(keys))
            }
            Store::Wide { layout, keys, .. } => (layout.clone(), layout.unpack(keys)),
            Store::Texts(_) | Store::Bytes(_) => return Ok(keys),
        };
        let groups = self.len();
        layout.widen(&keys)?;
        let bits_max = if self.are_coded(columns) { DIRECT_BITS_MAX } else { PACKED_BITS_MAX };
        if layout.bits() > bits_max && self.begin_numbers() {
            old = self.with_numbers(&old)?;
            keys = self.with_numbers(columns)?;
            layout = layout_of(&self.types_with_numbers()).ok_or_else(not_packed)?;
            layout.widen(&old)?;
            layout.widen(&keys)?;
        }
        match layout.bits() {
            bits if is_direct(bits, groups) => {}
            0..=64 => layout.stretch(63),
            _ => layout.stretch(PACKED_BITS_MAX - 1),
        }
        // Numbers of texts grow a little with every batch, also where many keys leave no bits to spare.
        layout.fill();
        self.store = if layout.bits() <= PACKED_BITS_MAX {
            Store::packed(layout, &old)
        } else {
            Store::unpacked(&self.types_with_numbers())
        };
        self.store.refill(&old, groups)?;
        Ok(keys)
    }

    /// Takes an array in the place of a hash table, when the keys lie so close together that it is no larger.
    fn index_directly(&mut self) -> Result<()> {
        let Store::EncodedColumn { layout, keys, .. } = &self.store else { return Ok(()) };
        let (old, groups) = (layout.unpack(keys), keys.len());
        let mut layout = layout_of(&self.types_with_numbers()).ok_or_else(not_packed)?;
        layout.widen(&old)?;
        if !is_direct(layout.bits(), groups) {
            return Ok(());
        }
        layout.fill();
        self.store = Store::packed(layout, &old);
        self.store.refill(&old, groups)
    }

    /// The groups' keys as columns, in the order of their numbers.
    ///
    /// # Errors
    /// Never for keys that came in.
    pub fn into_keys(self) -> Result<Vec<Column>> {
        let keys = match self.store {
            Store::Direct { layout, keys, .. } | Store::EncodedColumn { layout, keys, .. } => {
                layout.unpack(&keys)
            }
            Store::Wide { layout, keys, .. } => layout.unpack(&keys),
            Store::Texts(texts) => vec![Column::Flat(texts.into_texts())],
            Store::Bytes(bytes) if bytes.rows.is_empty() => {
                self.types.iter().map(|&sql_type| Column::nulls_of(sql_type, 0)).collect()
            }
            Store::Bytes(bytes) => {
                let column = |position: usize| {
                    let parts: Vec<&Column> = bytes.rows.iter().map(|row| &row[position]).collect();
                    Column::concat(&parts)
                };
                (0..self.types.len()).map(column).collect::<Result<_>>()?
            }
        };
        let text = |(key, numbers): (Column, Option<TextNumbers>)| {
            let Some(numbers) = numbers else { return Ok(key) };
            let of_group = key.flat();
            let numbers_of = (0..of_group.len()).map(|row| of_group.integer(row) as u32);
            Ok(numbers.into_column(numbers_of))
        };
        keys.into_iter().zip(self.numbers).map(text).collect()
    }

    /// About how many bytes of memory the table holds.
    pub fn memory_bytes(&self) -> usize {
        let numbers: usize = self.numbers.iter().flatten().map(TextNumbers::memory_bytes).sum();
        numbers + self.store.memory_bytes()
    }
}

/// The layout of keys of these types that come back as they were.
fn layout_of(types: &[SqlType]) -> Option<KeyLayout> {
    let orders = vec![KeyOrder::default(); types.len()];
    KeyLayout::new(types, &orders).filter(KeyLayout::is_reversible)
}

/// Whether keys of so many bits index an array.
fn is_direct(bits: u32, groups: usize) -> bool {
    bits <= DIRECT_BITS_MAX || (bits < 32 && 1_usize << bits <= groups * DIRECT_PLACES)
}

impl Store {
    fn memory_bytes(&self) -> usize {
        match self {
            Store::Direct { groups, keys, .. } => groups.capacity() * 4 + keys.capacity() * 8,
            Store::EncodedColumn { table, keys, .. } => table.memory_bytes() + keys.capacity() * 8,
            Store::Wide { table, keys, .. } => table.memory_bytes() + keys.capacity() * 16,
            Store::Texts(texts) => texts.memory_bytes(),
            Store::Bytes(bytes) => {
                let rows = bytes.rows.iter().flatten().map(Column::memory_bytes).sum::<usize>();
                bytes.table.memory_bytes()
                    + bytes.keys.memory_bytes()
                    + bytes.hashes.capacity() * 8
                    + rows
            }
        }
    }

    /// The representation for a layout of at most 128 bits and about as many groups as `old` has rows.
    fn packed(layout: KeyLayout, old: &[Column]) -> Store {
        let groups = old.first().map_or(0, Column::len);
        match layout.bits() {
            bits if is_direct(bits, groups) => {
                let groups = vec![NONE; 1 << bits];
                Store::Direct { layout, groups, keys: Vec::new(), packed: Packed::default() }
            }
            0..=64 => {
                let table = InlineTable::with_capacity(groups.max(BLOCK_ROWS));
                Store::EncodedColumn { layout, table, keys: Vec::new(), packed: Packed::default() }
            }
            _ => {
                let table = TagTable::with_capacity(groups.max(BLOCK_ROWS));
                Store::Wide { layout, table, keys: Vec::new(), packed: Packed::default() }
            }
        }
    }

    /// The representation for keys that cannot be packed.
    fn unpacked(types: &[SqlType]) -> Store {
        if let [SqlType::Varchar { .. }] = types {
            return Store::Texts(Box::new(TextNumbers::new()));
        }
        Store::Bytes(Box::new(ByteGroups {
            encoder: KeyEncoder::unordered(types),
            table: TagTable::with_capacity(BLOCK_ROWS),
            keys: RowKeys::default(),
            hashes: Vec::new(),
            rows: Vec::new(),
            batch: RowKeys::default(),
        }))
    }

    /// Numbers the keys of groups anew.
    fn refill(&mut self, keys: &[Column], groups: usize) -> Result<()> {
        let mut same = Vec::with_capacity(groups);
        if groups > 0 && !self.pack(keys, groups)? {
            return Err(not_packed());
        }
        match groups {
            0 => Ok(()),
            _ => self.number(keys, groups, &mut same),
        }
    }

    /// Brings the rows' keys into the representation; FALSE when they do not fit.
    fn pack(&mut self, columns: &[Column], rows: usize) -> Result<bool> {
        match self {
            Store::Direct { layout, packed, .. } | Store::EncodedColumn { layout, packed, .. } => {
                layout.pack(columns, rows, false, packed)?;
                Ok(!packed.any_miss())
            }
            Store::Wide { layout, packed, .. } => {
                layout.pack(columns, rows, false, packed)?;
                Ok(!packed.any_miss())
            }
            Store::Texts(_) => Ok(true),
            Store::Bytes(bytes) => {
                bytes.batch.clear();
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
            Store::EncodedColumn { table, keys, packed, .. } => {
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
            Store::Texts(texts) => texts.number(&columns[0], groups)?,
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
        let source = &self.batch;
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
