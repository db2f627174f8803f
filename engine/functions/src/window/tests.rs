//! Window functions over one partition of five rows and one of two.

use firn_column::Column;
use firn_types::{Decimal, Result, SqlType, Value};

use super::{FUNCTIONS, WindowFunction, WindowInput};
use crate::Argument;

const PARTITIONS: [(u32, u32); 7] = [(0, 5), (0, 5), (0, 5), (0, 5), (0, 5), (5, 7), (5, 7)];
const PEERS: [(u32, u32); 7] = [(0, 1), (1, 3), (1, 3), (3, 4), (4, 5), (5, 6), (6, 7)];
/// The row before, the row and the row after; empty for the first row.
const FRAMES: [(u32, u32); 7] = [(0, 0), (0, 3), (1, 4), (2, 5), (3, 5), (5, 7), (5, 7)];

fn function(name: &str) -> &'static WindowFunction {
    FUNCTIONS.iter().find(|function| function.name == name).unwrap()
}

fn run(name: &str, arguments: &[(SqlType, Vec<Value>)], ignore_nulls: bool) -> Result<Vec<Value>> {
    let types: Vec<Argument> = arguments.iter().map(|(t, _)| Argument::of(*t)).collect();
    let binding = (function(name).bind)(&types)?;
    let columns: Vec<Column> = arguments
        .iter()
        .map(|(sql_type, values)| match values.as_slice() {
            [one] => Column::constant(one, *sql_type, 7),
            many => Column::from_values(*sql_type, many),
        })
        .collect::<Result<_>>()?;
    let input = WindowInput {
        rows: 7,
        rows_before: 0,
        returns: binding.returns,
        partitions: &PARTITIONS,
        peers: &PEERS,
        frames: &FRAMES,
        ignore_nulls,
    };
    let answers = (binding.kernel)(&input, &columns)?;
    Ok((0..7).map(|row| answers.value(row, binding.returns)).collect())
}

fn integers(values: [i128; 7]) -> Vec<Value> {
    values.into_iter().map(Value::integer).collect()
}

/// 10, NULL, 30, 30, 50 and NULL, 70, with 0 for NULL.
fn holes(values: [i128; 7]) -> Vec<Value> {
    values.into_iter().map(|v| if v == 0 { Value::Null } else { Value::integer(v) }).collect()
}

fn input() -> (SqlType, Vec<Value>) {
    (SqlType::INTEGER, holes([10, 0, 30, 30, 50, 0, 70]))
}

fn number(value: i128) -> (SqlType, Vec<Value>) {
    (SqlType::INTEGER, vec![Value::integer(value)])
}

#[test]
fn ranks() -> Result<()> {
    assert_eq!(run("ROW_NUMBER", &[], false)?, integers([1, 2, 3, 4, 5, 1, 2]));
    assert_eq!(run("RANK", &[], false)?, integers([1, 2, 2, 4, 5, 1, 2]));
    assert_eq!(run("DENSE_RANK", &[], false)?, integers([1, 2, 2, 3, 4, 1, 2]));
    assert_eq!(run("NTILE", &[number(3)], false)?, integers([1, 1, 2, 2, 3, 1, 2]));
    assert_eq!(run("NTILE", &[number(9)], false)?, integers([1, 2, 3, 4, 5, 1, 2]));
    assert!(run("NTILE", &[number(0)], false).is_err());
    let floats = |values: [f64; 7]| values.map(Value::Float).to_vec();
    let expected = floats([0.0, 0.25, 0.25, 0.75, 1.0, 0.0, 1.0]);
    assert_eq!(run("PERCENT_RANK", &[], false)?, expected);
    let expected = floats([0.2, 0.6, 0.6, 0.8, 1.0, 0.5, 1.0]);
    assert_eq!(run("CUME_DIST", &[], false)?, expected);
    Ok(())
}

#[test]
fn neighbors() -> Result<()> {
    assert_eq!(run("LAG", &[input()], false)?, holes([0, 10, 0, 30, 30, 0, 0]));
    assert_eq!(run("LEAD", &[input(), number(2)], false)?, holes([30, 30, 50, 0, 0, 0, 0]));
    assert_eq!(run("LEAD", &[input(), number(-1)], false)?, holes([0, 10, 0, 30, 30, 0, 0]));
    let with_default = [input(), number(1), number(7)];
    assert_eq!(run("LAG", &with_default, false)?, holes([7, 10, 0, 30, 30, 7, 0]));
    assert_eq!(run("LAG", &[input()], true)?, holes([0, 10, 10, 30, 30, 0, 0]));
    assert_eq!(run("LEAD", &[input()], true)?, holes([30, 30, 30, 50, 0, 70, 0]));
    Ok(())
}

#[test]
fn values_of_the_frame() -> Result<()> {
    assert_eq!(run("FIRST_VALUE", &[input()], false)?, holes([0, 10, 0, 30, 30, 0, 0]));
    assert_eq!(run("FIRST_VALUE", &[input()], true)?, holes([0, 10, 30, 30, 30, 70, 70]));
    assert_eq!(run("LAST_VALUE", &[input()], false)?, holes([0, 30, 30, 50, 50, 70, 70]));
    assert_eq!(run("NTH_VALUE", &[input(), number(2)], false)?, holes([0, 0, 30, 30, 50, 70, 70]));
    assert_eq!(run("NTH_VALUE", &[input(), number(2)], true)?, holes([0, 30, 30, 30, 50, 0, 0]));
    assert!(run("NTH_VALUE", &[input(), number(0)], false).is_err());
    Ok(())
}

#[test]
fn parts_and_events() -> Result<()> {
    let ratio = |millionths: i128| Value::Number(Decimal { unscaled: millionths, scale: 6 });
    let expected = [83_333, 0, 250_000, 250_000, 416_667, 0, 1_000_000];
    let expected: Vec<Value> =
        expected.into_iter().map(|m| if m == 0 { Value::Null } else { ratio(m) }).collect();
    assert_eq!(run("RATIO_TO_REPORT", &[input()], false)?, expected);
    let changes = run("CONDITIONAL_CHANGE_EVENT", &[input()], false)?;
    assert_eq!(changes, integers([0, 0, 0, 0, 1, 0, 0]));
    let flags = [true, false, true, true, false, true, true].map(Value::Boolean).to_vec();
    let events = run("CONDITIONAL_TRUE_EVENT", &[(SqlType::Boolean, flags)], false)?;
    assert_eq!(events, integers([1, 1, 2, 3, 3, 1, 2]));
    Ok(())
}
