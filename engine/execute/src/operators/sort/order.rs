//! The order of rows in memory, by keys packed into integers where that is possible, else by bytes.

use firn_column::Column;
use firn_column::row_key::{KeyEncoder, KeyLayout, KeyOrder, Packed, RowKeys};
use firn_types::{Error, Result, SqlType};
use rayon::slice::ParallelSliceMut as _;

use crate::context::QueryContext;

/// More rows than this are sorted on all threads.
const PARALLEL_ROWS: usize = 1 << 15;

/// The numbers of `rows` rows in the order of their keys; rows with equal keys stay as they are. With a
/// context, on all threads.
pub(crate) fn sorted_order(
    keys: &[Column],
    types: &[SqlType],
    orders: &[KeyOrder],
    rows: usize,
    context: Option<&QueryContext>,
) -> Result<Vec<u32>> {
    if u32::try_from(rows).is_err() {
        return Err(Error::not_supported("a sort of more than 4294967295 rows at once"));
    }
    let context = context.filter(|context| rows > PARALLEL_ROWS && context.threads() > 1);
    if let Some(mut layout) = KeyLayout::new(types, orders) {
        layout.widen(keys)?;
        if layout.bits() <= 64 {
            let mut packed = Packed::<u64>::default();
            layout.pack(keys, rows, false, &mut packed)?;
            return Ok(by_words(packed.keys, context));
        }
        if layout.bits() <= 128 {
            let mut packed = Packed::<u128>::default();
            layout.pack(keys, rows, false, &mut packed)?;
            return Ok(by_words(packed.keys, context));
        }
    }
    let mut encoded = RowKeys::default();
    KeyEncoder::new(types, orders).encode(keys, rows, &mut encoded)?;
    Ok(by_bytes(&encoded, context))
}

fn numbered<W>(keys: impl IntoIterator<Item = W>) -> Vec<(W, u32)> {
    keys.into_iter().zip(0..).collect()
}

fn by_words<W: Ord + Copy + Send>(keys: Vec<W>, context: Option<&QueryContext>) -> Vec<u32> {
    let mut pairs = numbered(keys);
    match context {
        Some(context) => context.pool.install(|| pairs.par_sort_unstable()),
        None => pairs.sort_unstable(),
    }
    pairs.into_iter().map(|(_, row)| row).collect()
}

/// The first bytes decide most comparisons without a look at the key.
fn by_bytes(keys: &RowKeys, context: Option<&QueryContext>) -> Vec<u32> {
    let mut pairs = numbered(keys.prefixes());
    let compare = |a: &(u64, u32), b: &(u64, u32)| {
        let full = || keys.key(a.1 as usize).cmp(keys.key(b.1 as usize));
        a.0.cmp(&b.0).then_with(full).then(a.1.cmp(&b.1))
    };
    match context {
        Some(context) => context.pool.install(|| pairs.par_sort_unstable_by(compare)),
        None => pairs.sort_unstable_by(compare),
    }
    pairs.into_iter().map(|(_, row)| row).collect()
}
