//! Window functions and frames against naive ones.

use firn_functions::Argument;
use firn_functions::registry::{Function, find};
use firn_plan::{Frame, FrameBound, FrameUnit, Plan, SortKey, Window, WindowCall, WindowTarget};
use firn_types::decimal::divide_scaled;
use firn_types::{Result, SqlType, Value};

use crate::testing::{Random, Row, Test, WAYS, column, int, sorted};

/// Partition, order, value, and a number of its own for each row.
const TYPES: [SqlType; 4] = [SqlType::INTEGER; 4];

fn random_rows(count: usize) -> Vec<Row> {
    let mut random = Random(5);
    let row = |n: usize| vec![random.value(6), random.value(30), random.value(100), int(n as i64)];
    (0..count).map(row).collect()
}

fn number(value: &Value) -> Option<i128> {
    match value {
        Value::Number(number) => Some(number.unscaled),
        _ => None,
    }
}

/// Orders by the second column, ascending with NULLs last or descending with NULLs first, then by the
/// row's own number.
fn order_key(row: &Row, descending: bool) -> (i128, i128) {
    let own = number(&row[3]).unwrap();
    match (number(&row[1]), descending) {
        (None, true) => (i128::MIN, own),
        (None, false) => (i128::MAX, own),
        (Some(key), true) => (-key, own),
        (Some(key), false) => (key, own),
    }
}

/// Whether row `other` of a sorted partition is in the frame of row `at`.
fn in_frame(frame: &Frame, rows: &[Row], at: usize, other: usize, descending: bool) -> bool {
    let side = |bound: &FrameBound, is_end: bool| {
        let (sign, by) = match bound {
            FrameBound::UnboundedPreceding | FrameBound::UnboundedFollowing => return true,
            FrameBound::CurrentRow => (1, 0),
            FrameBound::Preceding(by) => (-1, number(by).unwrap()),
            FrameBound::Following(by) => (1, number(by).unwrap()),
        };
        if frame.unit == FrameUnit::Rows {
            let target = at as i128 + sign * by;
            return if is_end { other as i128 <= target } else { other as i128 >= target };
        }
        match (number(&rows[at][1]), number(&rows[other][1])) {
            (Some(here), Some(there)) => {
                let (here, there) = if descending { (-here, -there) } else { (here, there) };
                let target = here + sign * by;
                if is_end { there <= target } else { there >= target }
            }
            // NULLs are peers of each other, and lie at one end of the order.
            (None, None) => true,
            (None, Some(_)) => is_end != descending,
            (Some(_), None) => is_end == descending,
        }
    };
    side(&frame.start, false) && side(&frame.end, true)
}

fn naive(rows: &[Row], frame: &Frame, descending: bool) -> Vec<Row> {
    let mut rows = rows.to_vec();
    rows.sort_by_key(|row| (number(&row[0]), order_key(row, descending)));
    let mut answers = Vec::new();
    let mut start = 0;
    while start < rows.len() {
        let mut end = start;
        while end < rows.len() && rows[end][0] == rows[start][0] {
            end += 1;
        }
        let partition = &rows[start..end];
        for (at, row) in partition.iter().enumerate() {
            let inside: Vec<&Row> = (0..partition.len())
                .filter(|&other| in_frame(frame, partition, at, other, descending))
                .map(|other| &partition[other])
                .collect();
            let values: Vec<i128> = inside.iter().filter_map(|row| number(&row[2])).collect();
            let or_null = |value: Option<i128>| value.map_or(Value::Null, Value::integer);
            let sum = (!values.is_empty()).then(|| values.iter().sum::<i128>());
            // AVG with OVER has three digits after the point.
            let mean = sum.and_then(|sum| divide_scaled(sum, values.len() as i128, 3));
            let mean =
                mean.map(|unscaled| Value::Number(firn_types::Decimal { unscaled, scale: 3 }));
            let distinct: std::collections::BTreeSet<_> = values.iter().collect();
            let mut row = row.clone();
            row.extend([
                or_null(sum),
                mean.unwrap_or(Value::Null),
                or_null(values.iter().min().copied()),
                or_null(values.iter().max().copied()),
                int(values.len() as i64),
                int(distinct.len() as i64),
                int(at as i64 + 1),
            ]);
            answers.push(row);
        }
        start = end;
    }
    answers
}

fn windows(test: &mut Test, table: Plan, frame: &Frame, descending: bool) -> Plan {
    let own = [(3, false)].into_iter();
    let order: Vec<(usize, bool)> = match frame.unit {
        FrameUnit::Rows => [(1, descending)].into_iter().chain(own).collect(),
        FrameUnit::Range | FrameUnit::Groups => vec![(1, descending)],
    };
    let order_by = |order: &[(usize, bool)]| {
        let key = |&(position, descending): &(usize, bool)| SortKey {
            expr: column(&table, position),
            descending,
            nulls_first: descending,
        };
        order.iter().map(key).collect::<Vec<_>>()
    };
    let names = ["SUM", "AVG", "MIN", "MAX", "COUNT", "COUNT", "ROW_NUMBER"];
    let calls = names.iter().enumerate().map(|(index, name)| {
        let (target, arguments, returns) = match find(name) {
            Some(Function::Aggregate(function)) => {
                let given = vec![Argument::of(SqlType::INTEGER)];
                let signature = function.resolve_over(given).unwrap();
                let returns = signature.returns;
                let (distinct, within) = (index == 5, Vec::new());
                let target = WindowTarget::Aggregate { function, signature, distinct, within };
                (target, vec![column(&table, 2)], returns)
            }
            Some(Function::Window(function)) => {
                let signature = function.resolve(Vec::new()).unwrap();
                let returns = signature.returns;
                (WindowTarget::Window(function, signature), Vec::new(), returns)
            }
            _ => panic!("no {name}"),
        };
        let out = test.fresh(returns);
        let is_window = matches!(target, WindowTarget::Window(..));
        WindowCall {
            id: out.id,
            name: out.name,
            target,
            arguments,
            partition_by: vec![column(&table, 0)],
            order_by: if is_window {
                order_by(&[(1, descending), (3, false)])
            } else {
                order_by(&order)
            },
            frame: if is_window { Frame::whole() } else { frame.clone() },
            ignore_nulls: false,
        }
    });
    let calls = calls.collect();
    Plan::Window(Window { input: Box::new(table), calls, top: None })
}

#[test]
fn frames_of_all_kinds_give_what_naive_ones_give() -> Result<()> {
    let (preceding, following) =
        (|n| FrameBound::Preceding(int(n)), |n| FrameBound::Following(int(n)));
    let frame = |unit, start, end| Frame { unit, start, end };
    let mut frames = vec![Frame::whole(), Frame::running()];
    for unit in [FrameUnit::Rows, FrameUnit::Range] {
        frames.push(frame(unit, FrameBound::UnboundedPreceding, FrameBound::CurrentRow));
        frames.push(frame(unit, FrameBound::CurrentRow, FrameBound::UnboundedFollowing));
        frames.push(frame(unit, preceding(3), following(2)));
        frames.push(frame(unit, preceding(5), preceding(2)));
        frames.push(frame(unit, following(1), following(4)));
        frames.push(frame(unit, FrameBound::UnboundedPreceding, following(3)));
    }
    for (count, batch_rows) in [(0, 1), (300, 11)] {
        let rows = random_rows(count);
        for frame in &frames {
            for descending in [false, true] {
                let expected = sorted(naive(&rows, frame, descending));
                let mut test = Test::default();
                let table = test.table(&TYPES, &rows, batch_rows);
                let plan = windows(&mut test, table, frame, descending);
                for (threads, memory) in WAYS {
                    let answer = sorted(test.run(&plan, threads, memory)?);
                    let wrong = answer.iter().zip(&expected).find(|(a, b)| a != b);
                    assert!(
                        answer == expected,
                        "{frame:?} {descending} {threads} {memory} {wrong:?}"
                    );
                }
            }
        }
    }
    Ok(())
}
