//! The order of rows in memory.
//!
//! As many of the first keys as fit are packed into an integer, by which the rows are sorted. The other keys
//! become bytes only for rows that are equal so far, and of which some are wanted.

use std::ops::Range;

use arrow::array::UInt32Array;
use firn_column::Column;
use firn_column::row_key::fixed::Word;
use firn_column::row_key::{KeyEncoder, KeyLayout, KeyOrder, Packed, RowKeys, common_bytes};
use firn_types::{Error, Result, SqlType};
use rayon::iter::ParallelIterator as _;
use rayon::slice::ParallelSliceMut as _;

use crate::context::QueryContext;

/// More rows than this are sorted on all threads.
const PARALLEL_ROWS: usize = 1 << 15;
/// Bits of the widest integer that keys are packed into.
const WORD_BITS: u32 = 128;

/// What rows are sorted by.
#[derive(Clone, Copy)]
pub(crate) struct SortKeys<'a> {
    pub(crate) columns: &'a [Column],
    pub(crate) types: &'a [SqlType],
    pub(crate) orders: &'a [KeyOrder],
}

/// The numbers of `rows` rows in the order of their keys, at least as many as are `wanted`; rows with equal
/// keys stay as they are. With a context, on all threads.
pub(crate) fn sorted_order(
    keys: SortKeys<'_>,
    rows: usize,
    wanted: usize,
    context: Option<&QueryContext>,
) -> Result<Vec<u32>> {
    if u32::try_from(rows).is_err() {
        return Err(Error::not_supported("a sort of more than 4294967295 rows at once"));
    }
    let context = context.filter(|context| rows > PARALLEL_ROWS && context.threads() > 1);
    let (layout, packed) = keys.layout()?;
    let sort = Sorting { keys, packed, rows, wanted, parallel: context.is_some() };
    let order = || match layout.bits() {
        0..=64 => sort.order::<u64>(&layout),
        _ => sort.order::<u128>(&layout),
    };
    match context {
        Some(context) => context.pool.install(order),
        None => order(),
    }
}

impl SortKeys<'_> {
    /// The layout of the first keys that fit into a word, and how many they are.
    fn layout(self) -> Result<(KeyLayout, usize)> {
        let (mut bits, mut packed) = (0, 0);
        while packed < self.columns.len() {
            let Some(layout) = self.layout_of(packed..packed + 1)? else { break };
            bits += layout.bits();
            if bits > WORD_BITS {
                break;
            }
            packed += 1;
        }
        let layout = self.layout_of(0..packed)?;
        Ok((layout.ok_or_else(|| Error::internal("keys that pack only one by one"))?, packed))
    }

    fn layout_of(self, keys: Range<usize>) -> Result<Option<KeyLayout>> {
        let Some(mut layout) =
            KeyLayout::new(&self.types[keys.clone()], &self.orders[keys.clone()])
        else {
            return Ok(None);
        };
        layout.widen(&self.columns[keys])?;
        Ok(Some(layout))
    }
}

/// One sort.
struct Sorting<'a> {
    keys: SortKeys<'a>,
    /// How many of the keys are packed.
    packed: usize,
    rows: usize,
    wanted: usize,
    parallel: bool,
}

impl Sorting<'_> {
    fn order<W: Word>(&self, layout: &KeyLayout) -> Result<Vec<u32>> {
        let mut packed = Packed::<W>::default();
        layout.pack(&self.keys.columns[..self.packed], self.rows, false, &mut packed)?;
        let mut pairs: Vec<(W, u32)> = packed.keys.into_iter().zip(0..).collect();
        if self.packed > 0 {
            self.sort_by(&mut pairs, Ord::cmp);
        }
        if self.packed < self.keys.columns.len() {
            self.refine(&mut pairs)?;
        }
        Ok(pairs.into_iter().map(|(_, row)| row).collect())
    }

    /// Sorts rows of equal words, in the order of their numbers so far, by the keys that are not packed.
    fn refine<W: Word>(&self, pairs: &mut [(W, u32)]) -> Result<()> {
        let mut runs = Vec::new();
        let mut start = 0;
        for run in pairs.chunk_by(|a, b| a.0 == b.0) {
            if start >= self.wanted {
                break;
            }
            if run.len() > 1 {
                runs.push(start..start + run.len());
            }
            start += run.len();
        }
        let open = || runs.iter().flat_map(|run| &pairs[run.clone()]);
        let rows: UInt32Array = open().map(|(_, row)| *row).collect();
        let keys = self.rest_of(&rows)?;
        // The first bytes that differ decide most comparisons without a look at the key.
        let common = common_bytes(std::slice::from_ref(&keys));
        let prefixes = keys.prefixes_after(common).into_iter().zip(0_u32..);
        let mut refined: Vec<(W, (u64, u32))> =
            open().map(|(word, _)| *word).zip(prefixes).collect();
        let compare = |a: &(W, (u64, u32)), b: &(W, (u64, u32))| {
            let ((prefix, at), (other, other_at)) = (a.1, b.1);
            let full = || keys.key(at as usize).cmp(keys.key(other_at as usize));
            prefix.cmp(&other).then_with(full).then(at.cmp(&other_at))
        };
        match self.parallel {
            true => refined
                .par_chunk_by_mut(|a, b| a.0 == b.0)
                .for_each(|run| self.sort_by(run, compare)),
            false => refined
                .chunk_by_mut(|a, b| a.0 == b.0)
                .for_each(|run| run.sort_unstable_by(compare)),
        }
        let places = runs.into_iter().flatten();
        for (place, (_, (_, at))) in places.zip(refined) {
            pairs[place].1 = rows.value(at as usize);
        }
        Ok(())
    }

    /// The keys of these rows that are not packed, as bytes.
    fn rest_of(&self, rows: &UInt32Array) -> Result<RowKeys> {
        let SortKeys { columns, types, orders } = self.keys;
        let rest = &columns[self.packed..];
        let encoder = KeyEncoder::new(&types[self.packed..], &orders[self.packed..]);
        let mut keys = RowKeys::default();
        if rows.len() == self.rows && self.packed == 0 {
            encoder.encode(rest, self.rows, &mut keys)?;
        } else {
            let taken: Vec<Column> = rest.iter().map(|column| column.take(rows)).collect();
            encoder.encode(&taken, rows.len(), &mut keys)?;
        }
        Ok(keys)
    }

    fn sort_by<T: Send>(
        &self,
        items: &mut [T],
        compare: impl Fn(&T, &T) -> std::cmp::Ordering + Sync,
    ) {
        match self.parallel && items.len() > PARALLEL_ROWS {
            true => items.par_sort_unstable_by(compare),
            false => items.sort_unstable_by(compare),
        }
    }
}
