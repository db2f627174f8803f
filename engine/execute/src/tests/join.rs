//! Every kind of join against a naive one.

use firn_plan::{Join, JoinKey, JoinKind, Plan};
use firn_types::scan_predicate::Comparison;
use firn_types::{ColumnId, ErrorCode, Result, SqlType, Value};

use crate::testing::{Random, Row, Test, WAYS, column, compare, sorted};

const TYPES: [SqlType; 3] = [SqlType::INTEGER, SqlType::TEXT, SqlType::INTEGER];

fn random_rows(seed: u64, count: usize, keys: u64) -> Vec<Row> {
    let mut random = Random(seed);
    let row = |_| {
        let text = match random.below(8) {
            0 => Value::Null,
            text => Value::text(format!("a key of the name {text}")),
        };
        vec![random.value(keys), text, random.value(100)]
    };
    (0..count).map(row).collect()
}

/// What a join is by: positions of keys on both sides, whether NULL equals NULL in each, and whether
/// the third columns must be less and greater.
#[derive(Clone, Debug)]
struct By {
    keys: Vec<(usize, bool)>,
    less: bool,
}

/// TRUE, FALSE or NULL.
fn matches(by: &By, left: &Row, right: &Row) -> Option<bool> {
    let equal = by.keys.iter().map(|&(key, null_safe)| match (&left[key], &right[key]) {
        (left, right) if null_safe => Some(left == right),
        (Value::Null, _) | (_, Value::Null) => None,
        (left, right) => Some(left == right),
    });
    let less = by.less.then(|| match (&left[2], &right[2]) {
        (Value::Number(left), Value::Number(right)) => Some(left.unscaled < right.unscaled),
        _ => None,
    });
    let all: Vec<Option<bool>> = equal.chain(less).collect();
    match all.contains(&Some(false)) {
        true => Some(false),
        false => (!all.contains(&None)).then_some(true),
    }
}

fn naive(by: &By, kind: JoinKind, left: &[Row], right: &[Row]) -> Vec<Row> {
    let nulls = vec![Value::Null; 3];
    let mut rows = Vec::new();
    let mut matched = vec![false; right.len()];
    for l in left {
        let answers: Vec<_> = right.iter().map(|r| matches(by, l, r)).collect();
        let found = answers.contains(&Some(true));
        for (index, r) in right.iter().enumerate() {
            if answers[index] == Some(true) {
                matched[index] = true;
                let pairs = JoinKind::Mark { id: ColumnId(0), nulls: true };
                if !matches!(kind, JoinKind::Semi | JoinKind::Anti) && kind != pairs {
                    rows.push([l.clone(), r.clone()].concat());
                }
            }
        }
        match kind {
            JoinKind::Left | JoinKind::Full if !found => {
                rows.push([l.clone(), nulls.clone()].concat())
            }
            JoinKind::Semi if found => rows.push(l.clone()),
            JoinKind::Anti if !found => rows.push(l.clone()),
            JoinKind::Mark { .. } => {
                let mark = match found {
                    true => Value::Boolean(true),
                    false if answers.contains(&None) => Value::Null,
                    false => Value::Boolean(false),
                };
                rows.push([l.clone(), vec![mark]].concat());
            }
            _ => {}
        }
    }
    if matches!(kind, JoinKind::Right | JoinKind::Full) {
        let unmatched = right.iter().zip(matched).filter(|(_, matched)| !matched);
        rows.extend(unmatched.map(|(r, _)| [nulls.clone(), r.clone()].concat()));
    }
    rows
}

fn join(left: Plan, right: Plan, by: &By, kind: JoinKind) -> Plan {
    let key = |&(key, null_equals_null): &(usize, bool)| JoinKey {
        left: column(&left, key),
        right: column(&right, key),
        null_equals_null,
    };
    let keys = by.keys.iter().map(key).collect();
    let less = compare(column(&left, 2), Comparison::Less, column(&right, 2));
    let conditions = if by.less { vec![less] } else { Vec::new() };
    let (left, right) = (Box::new(left), Box::new(right));
    Plan::Join(Box::new(Join { kind, left, right, keys, conditions }))
}

fn all_ways_of_joining() -> Vec<By> {
    let mut all = Vec::new();
    for less in [false, true] {
        let keys = [vec![], vec![0], vec![1], vec![0, 1]];
        for keys in keys {
            all.push(By { keys: keys.into_iter().map(|key| (key, false)).collect(), less });
        }
        all.push(By { keys: vec![(0, true), (1, true)], less });
        all.push(By { keys: vec![(0, true), (1, false)], less });
    }
    all
}

#[test]
fn every_kind_of_join_gives_what_a_naive_one_gives() -> Result<()> {
    let sizes = [(0, 5), (5, 0), (150, 170), (170, 60), (60, 200)];
    for (left_rows, right_rows) in sizes {
        let left = random_rows(1, left_rows, 40);
        let right = random_rows(2, right_rows, 40);
        for by in all_ways_of_joining() {
            for kind in ["inner", "left", "right", "full", "semi", "anti", "mark"] {
                let mut test = Test::default();
                let mark = test.fresh(SqlType::Boolean).id;
                let kind_of = |id| match kind {
                    "inner" => JoinKind::Inner,
                    "left" => JoinKind::Left,
                    "right" => JoinKind::Right,
                    "full" => JoinKind::Full,
                    "semi" => JoinKind::Semi,
                    "anti" => JoinKind::Anti,
                    _ => JoinKind::Mark { id, nulls: true },
                };
                let expected = sorted(naive(&by, kind_of(ColumnId(0)), &left, &right));
                let left_plan = test.table(&TYPES, &left, 17);
                let right_plan = test.table(&TYPES, &right, 23);
                let plan = join(left_plan, right_plan, &by, kind_of(mark));
                for (threads, memory) in [WAYS[0], WAYS[1], (2, 5000)] {
                    let answer = sorted(test.run(&plan, threads, memory)?);
                    assert!(
                        answer == expected,
                        "{kind} {by:?} {left_rows}x{right_rows} {threads} {memory}: {} not {}",
                        answer.len(),
                        expected.len()
                    );
                }
            }
        }
    }
    Ok(())
}

#[test]
fn a_single_join_gives_one_row_or_fails() -> Result<()> {
    let by = By { keys: vec![(0, false)], less: false };
    let left = random_rows(1, 100, 50);
    let mut seen = std::collections::HashSet::new();
    let mut right = random_rows(2, 100, 50);
    right.retain(|row| row[0].is_null() || seen.insert(format!("{:?}", row[0])));
    let mut test = Test::default();
    let (left_plan, right_plan) = (test.table(&TYPES, &left, 10), test.table(&TYPES, &right, 10));
    let plan = join(left_plan, right_plan, &by, JoinKind::Single);
    let expected = sorted(naive(&by, JoinKind::Left, &left, &right));
    assert!(sorted(test.run(&plan, 2, usize::MAX)?) == expected);

    right.extend(random_rows(2, 100, 50));
    let mut test = Test::default();
    let (left_plan, right_plan) = (test.table(&TYPES, &left, 10), test.table(&TYPES, &right, 10));
    for by in [by, By { keys: vec![], less: true }] {
        let plan = join(left_plan.clone(), right_plan.clone(), &by, JoinKind::Single);
        let error = test.run(&plan, 2, usize::MAX).unwrap_err();
        assert_eq!(error.code(), ErrorCode::SubqueryManyRows);
    }
    Ok(())
}
