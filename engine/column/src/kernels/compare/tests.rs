//! Every comparison against a comparison of single values, over all forms.

use std::cmp::Ordering;
use std::sync::Arc;

use arrow::array::UInt32Array;
use firn_types::Value;
use firn_types::value::TimestampTz;

use super::*;
use crate::column::integers;

const OPERATORS: [Comparison; 6] = [
    Comparison::Equal,
    Comparison::NotEqual,
    Comparison::Less,
    Comparison::LessOrEqual,
    Comparison::Greater,
    Comparison::GreaterOrEqual,
];

/// The same values in every form, repeated so that blocks of 64 are filled.
fn forms_of(values: &[Value], sql_type: SqlType) -> Result<Vec<Column>> {
    let repeated: Vec<Value> = (0..30).flat_map(|_| values.iter().cloned()).collect();
    let flat = Column::from_values(sql_type, &repeated)?;
    let some: Vec<&Value> = values.iter().filter(|v| !v.is_null()).collect();
    let dictionary = Column::from_values(sql_type, some.iter().copied())?.flat();
    let codes: UInt32Array =
        repeated.iter().map(|v| some.iter().position(|s| *s == v).map(|c| c as u32)).collect();
    let mut forms = vec![flat, Column::Dictionary { codes, values: Arc::new(dictionary) }];
    for value in values {
        forms.push(Column::constant(value, sql_type, repeated.len())?);
    }
    Ok(forms)
}

fn check(
    values: &[Value],
    sql_type: SqlType,
    order: impl Fn(&Value, &Value) -> Ordering,
) -> Result<()> {
    let left_forms = forms_of(values, sql_type)?;
    let reversed: Vec<Value> = values.iter().rev().cloned().chain([values[0].clone()]).collect();
    for left in &left_forms {
        for right in forms_of(&reversed, sql_type)? {
            let rows = left.len().min(right.len());
            let (left, right) = (left.slice(0, rows), right.slice(0, rows));
            for operator in OPERATORS {
                let answers = compare(operator, &left, &right, sql_type)?;
                for row in 0..rows {
                    let (l, r) = (left.value(row, sql_type), right.value(row, sql_type));
                    let expected = !l.is_null() && !r.is_null();
                    let expected = expected.then(|| operator.holds(order(&l, &r)));
                    let got = answers.is_valid(row).then(|| answers.value(row));
                    assert_eq!(got, expected, "{l:?} {operator:?} {r:?}");
                }
            }
            let answers = distinct(&left, &right, sql_type)?;
            for row in 0..rows {
                let (l, r) = (left.value(row, sql_type), right.value(row, sql_type));
                let equal = match (l.is_null(), r.is_null()) {
                    (false, false) => order(&l, &r).is_eq(),
                    (l, r) => l == r,
                };
                assert_eq!(answers.value(row), !equal, "{l:?} distinct from {r:?}");
            }
        }
    }
    Ok(())
}

#[test]
fn numbers_compare_by_value_in_every_form() -> Result<()> {
    let numbers = [3_i128, -3, 0, 1 << 40, -(1 << 40), 1 << 100].map(Value::integer);
    let order = |l: &Value, r: &Value| match (l, r) {
        (Value::Number(l), Value::Number(r)) => l.unscaled.cmp(&r.unscaled),
        other => unreachable!("{other:?}"),
    };
    for count in [1, 3, 5, 6] {
        let values: Vec<Value> = numbers[..count].iter().cloned().chain([Value::Null]).collect();
        check(&values, SqlType::INTEGER, order)?;
    }
    Ok(())
}

#[test]
fn a_narrow_array_meets_a_wide_constant_and_a_wide_array() -> Result<()> {
    let narrow = Column::Flat(integers(vec![Some(1), Some(-1), None]));
    for (wide, less) in [(1_i128 << 40, true), (-(1 << 40), false), (1 << 90, true)] {
        let constant = Column::Constant { value: integers(vec![Some(wide)]), rows: 3 };
        for other in [constant.clone(), Column::Flat(constant.flat())] {
            let answers = compare(Comparison::Less, &narrow, &other, SqlType::INTEGER)?;
            assert_eq!(answers.iter().collect::<Vec<_>>(), [Some(less), Some(less), None]);
            let answers = compare(Comparison::Less, &other, &narrow, SqlType::INTEGER)?;
            assert_eq!(answers.iter().collect::<Vec<_>>(), [Some(!less), Some(!less), None]);
            let answers = compare(Comparison::NotEqual, &other, &narrow, SqlType::INTEGER)?;
            assert_eq!(answers.iter().collect::<Vec<_>>(), [Some(true), Some(true), None]);
        }
    }
    Ok(())
}

#[test]
fn nan_is_one_value_above_infinity_and_minus_zero_is_zero() -> Result<()> {
    let floats = [0.0, -0.0, 1.5, -1.5, f64::INFINITY, f64::NEG_INFINITY, f64::NAN, -f64::NAN];
    let values: Vec<Value> = floats.into_iter().map(Value::Float).collect();
    // NaNs would not be found again in a dictionary by identity of bits: all are equal here.
    check(&values, SqlType::Float, |l, r| match (l, r) {
        (Value::Float(l), Value::Float(r)) if l.is_nan() || r.is_nan() => {
            l.is_nan().cmp(&r.is_nan())
        }
        (Value::Float(l), Value::Float(r)) => l.partial_cmp(r).unwrap_or(Ordering::Equal),
        other => unreachable!("{other:?}"),
    })
}

#[test]
fn texts_compare_byte_by_byte() -> Result<()> {
    let texts =
        ["", "a", "a\0", "b", "abcdefghijkl", "abcdefghijklm", "abcdefghijkln", "é", "abcd"];
    let order = |l: &Value, r: &Value| match (l, r) {
        (Value::Text(l), Value::Text(r)) => l.as_bytes().cmp(r.as_bytes()),
        (Value::Binary(l), Value::Binary(r)) => l.cmp(r),
        (Value::Boolean(l), Value::Boolean(r)) => l.cmp(r),
        other => unreachable!("{other:?}"),
    };
    for count in [4, 9] {
        let values: Vec<Value> =
            texts[..count].iter().map(|t| Value::text(*t)).chain([Value::Null]).collect();
        check(&values, SqlType::TEXT, order)?;
        let values: Vec<Value> =
            texts[..count].iter().map(|t| Value::Binary(t.as_bytes().into())).collect();
        check(&values, SqlType::BINARY, order)?;
    }
    let booleans = [Value::Boolean(true), Value::Null, Value::Boolean(false)];
    check(&booleans, SqlType::Boolean, order)
}

#[test]
fn instants_are_equal_whatever_their_offsets() -> Result<()> {
    let at =
        |utc_nanos, offset_minutes| Value::TimestampTz(TimestampTz { utc_nanos, offset_minutes });
    let values = [at(5, 0), at(5, 60), at(6, -60), at(1 << 70, 0), Value::Null];
    check(&values, SqlType::TIMESTAMP_TZ, |l, r| match (l, r) {
        (Value::TimestampTz(l), Value::TimestampTz(r)) => l.utc_nanos.cmp(&r.utc_nanos),
        other => unreachable!("{other:?}"),
    })
}

#[test]
fn variants_compare_by_content() -> Result<()> {
    use firn_types::variant::Builder;
    let encode = |write: fn(&mut Builder)| {
        let (mut builder, mut bytes) = (Builder::new(), Vec::new());
        write(&mut builder);
        builder.finish(&mut bytes).map(|()| Value::Variant(bytes.into()))
    };
    let values = [
        encode(|b| b.integer(1))?,
        encode(|b| b.float(1.0))?,
        encode(|b| b.text("1"))?,
        Value::Null,
    ];
    let column = Column::from_values(SqlType::Variant, &values)?;
    let one = Column::constant(&values[0], SqlType::Variant, 4)?;
    let equal = compare(Comparison::Equal, &column, &one, SqlType::Variant)?;
    let answers: Vec<Option<bool>> = equal.iter().collect();
    assert_eq!(answers, [Some(true), Some(true), Some(false), None]);
    Ok(())
}
