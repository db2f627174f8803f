//! Sorting and top-n against a naive sort.

use std::cmp::Ordering;

use firn_plan::{Plan, Sort, SortKey};
use firn_types::{Result, SqlType, Value};

use crate::testing::{Random, Row, Test, WAYS, add, column, literal};

const TYPES: [SqlType; 3] = [SqlType::INTEGER, SqlType::INTEGER, SqlType::TEXT];

fn random_rows(count: usize) -> Vec<Row> {
    let mut random = Random(1);
    let row = |_| {
        let text = Value::text(format!("a text of number {}", random.below(30)));
        vec![random.value(20), random.value(1 << 40), text]
    };
    (0..count).map(row).collect()
}

fn compare_values(a: &Value, b: &Value, descending: bool, nulls_first: bool) -> Ordering {
    let nulls = if nulls_first { Ordering::Less } else { Ordering::Greater };
    let order = match (a, b) {
        (Value::Null, Value::Null) => return Ordering::Equal,
        (Value::Null, _) => return nulls,
        (_, Value::Null) => return nulls.reverse(),
        (Value::Number(a), Value::Number(b)) => a.unscaled.cmp(&b.unscaled),
        (Value::Text(a), Value::Text(b)) => a.cmp(b),
        _ => Ordering::Equal,
    };
    if descending { order.reverse() } else { order }
}

/// Keys by all columns, so that only one order is right.
const KEYS: [[(usize, bool, bool); 3]; 3] = [
    [(0, false, false), (1, true, true), (2, false, false)],
    [(2, true, false), (0, false, true), (1, false, false)],
    [(1, false, true), (2, true, true), (0, true, false)],
];

#[test]
fn rows_come_in_the_order_of_any_keys_in_memory_and_from_disk() -> Result<()> {
    let rows = random_rows(3000);
    for batch_rows in [1, 100, 5000] {
        for keys in KEYS {
            let mut expected = rows.clone();
            expected.sort_by(|a, b| {
                let by = |&(c, desc, nulls): &(usize, bool, bool)| {
                    compare_values(&a[c], &b[c], desc, nulls)
                };
                keys.iter().map(by).find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
            });
            for limit in [None, Some(0), Some(10), Some(1000), Some(1 << 30)] {
                let mut test = Test::default();
                let table = test.table(&TYPES, &rows, batch_rows);
                let key = |&(position, descending, nulls_first): &(usize, bool, bool)| {
                    // A key that is computed and not just a column.
                    let expr = match position {
                        1 => add(column(&table, 1), literal(7)),
                        other => column(&table, other),
                    };
                    SortKey { expr, descending, nulls_first }
                };
                let keys = keys.iter().map(key).collect();
                let plan = Plan::Sort(Sort { input: Box::new(table), keys, limit });
                for (threads, memory) in WAYS {
                    let kept = limit.map_or(rows.len(), |limit| rows.len().min(limit as usize));
                    let sorted = test.run(&plan, threads, memory)?;
                    assert!(
                        sorted == expected[..kept],
                        "{batch_rows} {limit:?} {threads} {memory}"
                    );
                }
            }
        }
    }
    Ok(())
}
