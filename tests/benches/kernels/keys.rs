//! Keys of rows: grouping, joining, sorting.

use std::fmt;
use std::hint::black_box;

use divan::Bencher;
use divan::counter::ItemsCount;
use firn_column::kernels::take::gather;
use firn_column::row_key::join::{MatchCursor, ProbeScratch};
use firn_column::row_key::{GroupTable, JoinTable, KeyOrder, sort_rows};
use firn_column::{Batch, Column};
use firn_types::SqlType;

use crate::data::{BATCH_ROWS, ROWS, integers, permutation, side_by_side, texts};

/// Rows of the table that a join builds.
const BUILD_ROWS: usize = 1 << 16;

/// Keys to group or to sort by.
struct Keys {
    name: &'static str,
    sql_type: SqlType,
    columns: fn() -> Vec<Vec<Column>>,
}

impl fmt::Display for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl Keys {
    /// The types of the columns, and the columns batch by batch.
    fn make(&self) -> (Vec<SqlType>, Vec<Vec<Column>>) {
        let columns = (self.columns)();
        (vec![self.sql_type; columns.len()], side_by_side(&columns))
    }
}

const FEW_INTEGERS: Keys =
    Keys { name: "few integers", sql_type: SqlType::INTEGER, columns: || vec![integers(100, 0)] };

const FEW_TEXTS: Keys =
    Keys { name: "few texts", sql_type: SqlType::TEXT, columns: || vec![texts(100)] };

const MANY_INTEGERS: Keys = Keys {
    name: "many integers",
    sql_type: SqlType::INTEGER,
    columns: || vec![integers(1 << 40, 0)],
};

const MANY_TEXTS: Keys =
    Keys { name: "many texts", sql_type: SqlType::TEXT, columns: || vec![texts(100_000)] };

const TWO_INTEGERS: Keys = Keys {
    name: "two integers",
    sql_type: SqlType::INTEGER,
    columns: || vec![integers(1000, 0), integers(1 << 40, 1)],
};

/// Finding the group of every row.
#[divan::bench(
    args = [FEW_INTEGERS, MANY_INTEGERS, TWO_INTEGERS, FEW_TEXTS, MANY_TEXTS],
    sample_count = 20,
)]
fn group(bencher: Bencher<'_, '_>, keys: &Keys) {
    let (types, batches) = keys.make();
    bencher.counter(ItemsCount::new(ROWS)).bench_local(|| {
        let mut table = GroupTable::new(&types);
        let mut groups = Vec::new();
        for batch in &batches {
            let found = table.find_or_insert(batch, batch[0].len(), &mut groups);
            found.expect("these keys can be grouped");
            black_box(&groups);
        }
        table.len()
    });
}

fn build(batches: &[Vec<Column>]) -> JoinTable {
    JoinTable::build(&[SqlType::INTEGER], batches, false).expect("these keys can be joined")
}

/// Building a join's table of different integers.
#[divan::bench(sample_count = 50)]
fn join_build(bencher: Bencher<'_, '_>) {
    let batches = side_by_side(&[permutation(BUILD_ROWS)]);
    bencher.counter(ItemsCount::new(BUILD_ROWS)).bench_local(|| build(&batches));
}

/// Finding the matches of rows, half of which have one.
#[divan::bench(sample_count = 50)]
fn join_probe(bencher: Bencher<'_, '_>) {
    let table = build(&side_by_side(&[permutation(BUILD_ROWS)]));
    let batches = side_by_side(&[integers(2 * BUILD_ROWS as u64, 0)]);
    let (mut scratch, mut heads) = (ProbeScratch::default(), Vec::new());
    let (mut left, mut right) = (Vec::new(), Vec::new());
    bencher.counter(ItemsCount::new(ROWS)).bench_local(|| {
        for batch in &batches {
            let found = table.look_up(batch, batch[0].len(), &mut scratch, &mut heads);
            found.expect("these keys can be looked up");
            let mut cursor = MatchCursor::default();
            left.clear();
            right.clear();
            while table.expand(&heads, &mut cursor, BATCH_ROWS, &mut left, &mut right) {}
            black_box((&left, &right));
        }
    });
}

/// Putting all rows in order, and picking their columns in that order.
#[divan::bench(args = [MANY_INTEGERS, TWO_INTEGERS, MANY_TEXTS], sample_count = 10)]
fn sort(bencher: Bencher<'_, '_>, keys: &Keys) {
    let (types, columns) = keys.make();
    let orders = vec![KeyOrder::default(); types.len()];
    let batches: Vec<Batch> =
        columns.iter().map(|keys| Batch::new(keys.clone(), keys[0].len())).collect();
    bencher.counter(ItemsCount::new(ROWS)).bench_local(|| {
        let rows = sort_rows(&types, &orders, &columns).expect("these keys can be sorted");
        gather(&batches, &rows).expect("rows of the batches")
    });
}
