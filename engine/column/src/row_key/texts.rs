//! Numbering distinct texts.
//!
//! Each distinct text is held once, as a view: the texts of a table of groups are a column as they stand.
//! Keys of several columns take a text's number in its place, which packs into few bits.

use std::collections::HashMap;
use std::hint::black_box;
use std::sync::Arc;

use arrow::array::{
    Array as _, MAX_INLINE_VIEW_LEN, NullBufferBuilder, StringViewArray, StringViewBuilder,
    UInt32Array,
};
use arrow::buffer::NullBuffer;
use firn_types::{Error, Result};

use super::hash::hash_view;
use super::slots::{NONE, TagTable, WARM_KEYS};
use crate::kernels::compare::view_bytes;
use crate::{Array, Column};

/// Rows that are looked up between two looks at the table's size.
pub(super) const BLOCK_ROWS: usize = 4096;
/// Values of a dictionary per row of a batch up to which their numbers are remembered.
const CODES_PER_ROW: usize = 8;
/// Rows per value from which on dictionaries are put together: a text is numbered in the time in which the
/// views of about so many rows are copied.
const ROWS_PER_VALUE: usize = 8;

/// Texts from which on it is looked whether they repeat, and after which it is first judged.
const REPEATS_MIN: usize = 1 << 12;
const REPEATS_TRIAL: usize = 1 << 14;

/// The codes of texts into the distinct ones, where on average each comes twice; NULLs are texts, too.
pub(crate) fn repeated_texts(array: &StringViewArray) -> Option<(Vec<u32>, Array)> {
    let rows = array.len();
    if rows < REPEATS_MIN {
        return None;
    }
    let texts = match array.null_count() {
        0 => array.clone(),
        // This looks at every text's bytes again.
        _ => StringViewArray::try_new(
            array.views().clone(),
            array.data_buffers().iter().cloned().collect::<Vec<_>>(),
            None,
        )
        .ok()?,
    };
    let texts = Array::Text(texts);
    let (mut numbers, mut codes) = (TextNumbers::new(), Vec::new());
    let trial = rows.min(REPEATS_TRIAL);
    numbers.number_array(&texts.slice(0, trial), &mut codes).ok()?;
    // Of texts in no order, the first ones repeat less than all do.
    if numbers.len() * 10 > trial * 9 {
        return None;
    }
    numbers.number_array(&texts.slice(trial, rows - trial), &mut codes).ok()?;
    let repeated = numbers.len() * 2 <= rows;
    repeated.then(|| (codes, numbers.into_texts().compacted()))
}

/// The rows of columns one after another, where all are codes into dictionaries that have few values beside
/// them: one dictionary takes the place of all, instead of a view of each row's text.
pub(crate) fn one_dictionary(columns: &[&Column]) -> Option<Column> {
    let coded = columns.iter().map(|column| match column {
        Column::Dictionary { codes, values } if values.null_count() == 0 => Some((codes, values)),
        _ => None,
    });
    let coded: Vec<(&UInt32Array, &Arc<Array>)> = coded.collect::<Option<_>>()?;
    let rows: usize = coded.iter().map(|(codes, _)| codes.len()).sum();
    let distinct: HashMap<*const Array, &Arc<Array>> =
        coded.iter().map(|(_, values)| (Arc::as_ptr(values), *values)).collect();
    if distinct.values().map(|values| values.len()).sum::<usize>() * ROWS_PER_VALUE > rows {
        return None;
    }
    let mut texts = TextNumbers::new();
    let mut numbers: HashMap<*const Array, Vec<u32>> = HashMap::new();
    let mut all = Vec::with_capacity(rows);
    let mut nulls = NullBufferBuilder::new(rows);
    for (codes, values) in coded {
        let of_values = numbers.entry(Arc::as_ptr(values)).or_default();
        if of_values.len() < values.len() {
            texts.number_array(values, of_values).ok()?;
        }
        // What stands at a NULL may be no code.
        let number = |code: &u32| of_values.get(*code as usize).copied().unwrap_or(0);
        all.extend(codes.values().iter().map(number));
        match codes.nulls() {
            Some(own) => nulls.append_buffer(own),
            None => nulls.append_n_non_nulls(codes.len()),
        }
    }
    let codes = UInt32Array::new(all.into(), nulls.finish());
    Some(Column::Dictionary { codes, values: Arc::new(texts.into_texts()) })
}

/// Distinct texts, NULL among them, and their numbers, which count from 0 in the order of first appearance.
#[derive(Debug)]
pub(super) struct TextNumbers {
    table: TagTable,
    hashes: Vec<u64>,
    texts: Texts,
    null: u32,
    codes: CodeNumbers,
    /// The values of the small dictionary that came last, and their numbers.
    replaced: Option<(Arc<Array>, Arc<Array>)>,
}

/// Texts by their numbers.
#[derive(Debug)]
struct Texts {
    /// As in a column of texts; of longer ones only length and prefix count.
    views: Vec<u128>,
    column: StringViewBuilder,
}

impl TextNumbers {
    /// No text yet.
    pub(super) fn new() -> TextNumbers {
        TextNumbers {
            table: TagTable::with_capacity(BLOCK_ROWS),
            hashes: Vec::new(),
            texts: Texts { views: Vec::new(), column: StringViewBuilder::new() },
            null: NONE,
            codes: CodeNumbers::default(),
            replaced: None,
        }
    }

    /// How many texts there are.
    pub(super) fn len(&self) -> usize {
        self.texts.views.len()
    }

    /// The number of every row's text, at the end of `numbers`.
    ///
    /// # Errors
    /// An internal error for a column of something else.
    pub(super) fn number(&mut self, column: &Column, numbers: &mut Vec<u32>) -> Result<()> {
        if let Column::Dictionary { codes, values } = column
            && self.codes.follows(values, codes.len())
        {
            let mut known = std::mem::take(&mut self.codes);
            known.number(codes, values, numbers, |new, numbers| self.number_each(new, numbers))?;
            self.codes = known;
            return Ok(());
        }
        self.number_each(column, numbers)
    }

    /// The column with the texts' numbers in their place.
    ///
    /// # Errors
    /// An internal error for a column of something else.
    pub(super) fn replace(&mut self, column: &Column) -> Result<Column> {
        if let Column::Dictionary { codes, values } = column
            && values.len() <= codes.len()
            && codes.null_count() == 0
        {
            if !self.replaced.as_ref().is_some_and(|(known, _)| Arc::ptr_eq(known, values)) {
                let mut of_values = Vec::new();
                self.number_array(values, &mut of_values)?;
                self.replaced = Some((Arc::clone(values), Arc::new(numbers_array(of_values))));
            }
            if let Some((_, numbers)) = &self.replaced {
                let (codes, values) = (codes.clone(), Arc::clone(numbers));
                return Ok(Column::Dictionary { codes, values });
            }
        }
        let mut of_row = Vec::with_capacity(column.len());
        self.number(column, &mut of_row)?;
        Ok(Column::Flat(numbers_array(of_row)))
    }

    fn number_each(&mut self, column: &Column, numbers: &mut Vec<u32>) -> Result<()> {
        if let Some(value) = column.as_constant() {
            let before = numbers.len();
            self.number_array(value, numbers)?;
            if let Some(&number) = numbers.get(before) {
                numbers.resize(before + column.len(), number);
            }
            numbers.truncate(before + column.len());
            return Ok(());
        }
        self.number_array(&column.flat(), numbers)
    }

    fn number_array(&mut self, array: &Array, numbers: &mut Vec<u32>) -> Result<()> {
        let Array::Text(array) = array else {
            return Err(Error::internal("a key of text that is none"));
        };
        numbers.reserve(array.len());
        let nulls = array.nulls().filter(|nulls| nulls.null_count() > 0);
        for start in (0..array.len()).step_by(WARM_KEYS) {
            let rows = start..array.len().min(start + WARM_KEYS);
            self.table.reserve(rows.len(), |number| self.hashes[number as usize]);
            self.number_block(array, rows, nulls, numbers);
        }
        Ok(())
    }

    fn number_block(
        &mut self,
        array: &StringViewArray,
        rows: std::ops::Range<usize>,
        nulls: Option<&NullBuffer>,
        numbers: &mut Vec<u32>,
    ) {
        let views = &array.views()[rows.clone()];
        black_box(views.iter().fold(0, |all, &view| all ^ ends_of(array, view)));
        let mut hashes = [0; WARM_KEYS];
        hashes.iter_mut().zip(views).for_each(|(hash, &view)| *hash = hash_view(array, view));
        let texts = &mut self.texts;
        self.table.warm(&hashes[..views.len()], |number| texts.load(number));
        for ((row, &view), &hash) in rows.zip(views).zip(&hashes) {
            if nulls.is_some_and(|nulls| nulls.is_null(row)) {
                if self.null == NONE {
                    self.null = texts.views.len() as u32;
                    texts.views.push(0);
                    texts.column.append_null();
                    self.hashes.push(0);
                }
                numbers.push(self.null);
                continue;
            }
            let next = texts.views.len() as u32;
            let same = |number| texts.is_same(number, array, view);
            let (number, new) = self.table.entry(hash, same, || next);
            if new {
                texts.views.push(view);
                texts.column.append_value(array.value(row));
                self.hashes.push(hash);
            }
            numbers.push(number);
        }
    }

    /// The texts in the order of their numbers.
    pub(super) fn into_texts(mut self) -> Array {
        Array::Text(self.texts.column.finish())
    }

    /// Rows' texts by their numbers.
    pub(super) fn into_column(self, numbers: impl Iterator<Item = u32>) -> Column {
        let code = |number| (number != self.null).then_some(number);
        let codes: UInt32Array = numbers.map(code).collect();
        Column::Dictionary { codes, values: Arc::new(self.into_texts()) }
    }

    /// About how many bytes of memory the texts hold.
    pub(super) fn memory_bytes(&self) -> usize {
        let Texts { views, column } = &self.texts;
        let texts = views.capacity() * 16 + column.allocated_size();
        self.table.memory_bytes() + self.hashes.capacity() * 8 + texts
    }
}

fn numbers_array(numbers: Vec<u32>) -> Array {
    Array::I64(numbers.into_iter().map(i64::from).collect())
}

impl Texts {
    #[inline]
    fn is_same(&self, number: u32, array: &StringViewArray, view: u128) -> bool {
        let own = self.views[number as usize];
        match view as u32 {
            0..=MAX_INLINE_VIEW_LEN => own == view,
            _ => {
                own as u64 == view as u64
                    && self.column.get_value(number as usize) == view_bytes(array, view, &[0; 12])
            }
        }
    }

    /// Something of a text, to bring it into the cache.
    #[inline]
    fn load(&self, number: usize) -> u64 {
        let view = self.views.get(number).copied().unwrap_or(0);
        match view as u32 {
            0..=MAX_INLINE_VIEW_LEN => view as u64,
            _ => ends(self.column.get_value(number)),
        }
    }
}

/// Something of a text that its view does not hold whole, to bring it into the cache: texts in any order
/// miss it, and loads that nothing waits for go on side by side.
#[inline]
fn ends_of(array: &StringViewArray, view: u128) -> u64 {
    match view as u32 {
        0..=MAX_INLINE_VIEW_LEN => 0,
        _ => ends(view_bytes(array, view, &[0; 12])),
    }
}

#[inline]
fn ends(bytes: &[u8]) -> u64 {
    match bytes {
        [first, .., last] => u64::from(first ^ last),
        _ => 0,
    }
}

/// The numbers of the values of the dictionary that came last, which many batches of a column share.
#[derive(Debug, Default)]
pub(super) struct CodeNumbers {
    values: Option<Arc<Array>>,
    /// For each value, or [`NONE`] until a row has it.
    numbers: Vec<u32>,
    null: u32,
}

impl CodeNumbers {
    /// Whether it pays to remember the numbers of a dictionary's values.
    pub(super) fn follows(&self, values: &Arc<Array>, rows: usize) -> bool {
        self.is_of(values) || values.len() <= rows * CODES_PER_ROW
    }

    fn is_of(&self, values: &Arc<Array>) -> bool {
        self.values.as_ref().is_some_and(|known| Arc::ptr_eq(known, values))
    }

    /// The numbers of a dictionary's codes, at the end of `numbers`: each value is looked up when it comes
    /// for the first time.
    pub(super) fn number(
        &mut self,
        codes: &UInt32Array,
        values: &Arc<Array>,
        numbers: &mut Vec<u32>,
        look_up: impl FnOnce(&Column, &mut Vec<u32>) -> Result<()>,
    ) -> Result<()> {
        if !self.is_of(values) {
            let numbers = vec![NONE; values.len()];
            *self = CodeNumbers { values: Some(Arc::clone(values)), numbers, null: NONE };
        }
        // Looked up once, though not yet known: any number but NONE.
        const ASKED: u32 = NONE - 1;
        let mut new: Vec<Option<u32>> = Vec::new();
        for code in codes {
            let number = self.number_mut(code);
            if *number == NONE {
                *number = ASKED;
                new.push(code);
            }
        }
        if !new.is_empty() {
            let codes = UInt32Array::from(new.clone());
            let column = Column::Dictionary { codes, values: Arc::clone(values) };
            let mut found = Vec::with_capacity(new.len());
            look_up(&column, &mut found)?;
            new.iter().zip(found).for_each(|(code, number)| *self.number_mut(*code) = number);
        }
        numbers.extend(codes.iter().map(|code| *self.number_mut(code)));
        Ok(())
    }

    #[inline]
    fn number_mut(&mut self, code: Option<u32>) -> &mut u32 {
        match code {
            Some(code) => &mut self.numbers[code as usize],
            None => &mut self.null,
        }
    }
}
