//! Aggregation against a naive one.

use std::collections::BTreeMap;

use firn_functions::Argument;
use firn_functions::registry::{Function, find};
use firn_plan::{Aggregate, AggregateCall, Plan, ProjectItem};
use firn_types::{Result, SqlType, Value};

use crate::testing::{Random, Row, Test, WAYS, column, int, sorted};

const TYPES: [SqlType; 3] = [SqlType::INTEGER, SqlType::TEXT, SqlType::INTEGER];

fn random_rows(count: usize, groups: u64) -> Vec<Row> {
    let mut random = Random(3);
    let row = |_| {
        let text = Value::text(format!("a group of the name {}", random.below(3)));
        vec![random.value(groups), text, random.value(1000)]
    };
    (0..count).map(row).collect()
}

fn call(test: &mut Test, table: &Plan, name: &str, arguments: &[usize]) -> AggregateCall {
    let arguments: Vec<_> = arguments.iter().map(|&position| column(table, position)).collect();
    let types: Vec<_> = arguments.iter().map(|a| Argument::of(a.sql_type())).collect();
    let Some(Function::Aggregate(function)) = find(name) else { panic!("no {name}") };
    let signature = function.resolve(types).unwrap();
    let out = test.fresh(signature.returns);
    let (id, name) = (out.id, out.name);
    let order_by = Vec::new();
    AggregateCall { id, name, function, signature, arguments, distinct: false, order_by }
}

fn aggregate(test: &mut Test, table: Plan, keys: &[usize], sets: Option<Vec<Vec<usize>>>) -> Plan {
    let groups = keys.iter().map(|&key| {
        let out = test.fresh(TYPES[key]);
        ProjectItem { id: out.id, name: out.name, expr: column(&table, key) }
    });
    let groups = groups.collect();
    let mut aggregates = vec![call(test, &table, "COUNT", &[]), call(test, &table, "SUM", &[2])];
    aggregates.push(call(test, &table, "MAX", &[1]));
    let mut distinct = call(test, &table, "COUNT", &[2]);
    distinct.distinct = true;
    aggregates.push(distinct);
    let grouping_id = sets.as_ref().map(|_| test.fresh(SqlType::INTEGER).id);
    let input = Box::new(table);
    Plan::Aggregate(Box::new(Aggregate {
        input,
        groups,
        grouping_sets: sets,
        grouping_id,
        aggregates,
    }))
}

fn naive(rows: &[Row], keys: &[usize]) -> Vec<Row> {
    let mut groups: BTreeMap<String, (Row, Vec<&Row>)> = BTreeMap::new();
    for row in rows {
        let key: Row = keys.iter().map(|&key| row[key].clone()).collect();
        groups.entry(format!("{key:?}")).or_insert((key, Vec::new())).1.push(row);
    }
    if keys.is_empty() && rows.is_empty() {
        groups.insert(String::new(), (Vec::new(), Vec::new()));
    }
    let answer = |(key, rows): (Row, Vec<&Row>)| {
        let numbers: Vec<i128> = rows
            .iter()
            .filter_map(|row| match &row[2] {
                Value::Number(number) => Some(number.unscaled),
                _ => None,
            })
            .collect();
        let sum = match numbers.is_empty() {
            true => Value::Null,
            false => Value::integer(numbers.iter().sum::<i128>()),
        };
        let texts = rows.iter().map(|row| match &row[1] {
            Value::Text(text) => text.clone(),
            _ => unreachable!(),
        });
        let max = texts.max().map_or(Value::Null, Value::Text);
        let distinct: std::collections::BTreeSet<i128> = numbers.iter().copied().collect();
        let mut row = key;
        row.extend([int(rows.len() as i64), sum, max, int(distinct.len() as i64)]);
        row
    };
    groups.into_values().map(answer).collect()
}

#[test]
fn groups_are_those_of_a_naive_aggregation_in_memory_and_from_disk() -> Result<()> {
    for (count, groups, batch_rows) in [(0, 1, 10), (2000, 5, 3), (20_000, 100_000, 1000)] {
        let rows = random_rows(count, groups);
        for keys in [&[][..], &[0], &[1], &[0, 1]] {
            let mut test = Test::default();
            let table = test.table(&TYPES, &rows, batch_rows);
            let plan = aggregate(&mut test, table, keys, None);
            let expected = sorted(naive(&rows, keys));
            for (threads, memory) in WAYS {
                let answer = sorted(test.run(&plan, threads, memory)?);
                assert!(answer == expected, "{count} rows, keys {keys:?}, {threads} {memory}");
            }
        }
    }
    Ok(())
}

#[test]
fn grouping_sets_are_the_aggregations_of_each_set() -> Result<()> {
    for count in [0, 500] {
        let rows = random_rows(count, 10);
        let sets = vec![vec![0, 1], vec![1], vec![], vec![1]];
        let mut test = Test::default();
        let table = test.table(&TYPES, &rows, 7);
        let plan = aggregate(&mut test, table, &[0, 1], Some(sets.clone()));
        let mut expected = Vec::new();
        for set in &sets {
            for mut row in naive(&rows, set) {
                let answers = row.split_off(set.len());
                let mut keys = row.into_iter();
                let key = |key| match set.contains(&key) {
                    true => keys.next().unwrap(),
                    false => Value::Null,
                };
                let mut all: Row = [0, 1].map(key).to_vec();
                all.extend(answers);
                let missing = [0, 1].into_iter().filter(|key| !set.contains(key));
                all.push(int(missing.map(|key| 1 << key).sum()));
                expected.push(all);
            }
        }
        let expected = sorted(expected);
        for (threads, memory) in WAYS {
            let answer = sorted(test.run(&plan, threads, memory)?);
            assert!(answer == expected, "{count} rows, {threads} {memory}");
        }
    }
    Ok(())
}
