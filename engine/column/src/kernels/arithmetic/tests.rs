//! Every operator against plain 128-bit arithmetic, over all pairs of widths and forms.

use std::sync::Arc;

use arrow::array::UInt32Array;
use arrow::datatypes::i256;
use firn_types::{SqlType, Value};

use super::*;
use crate::column::integers;
use crate::row_key::hash::mix;

/// A sequence of numbers that look random.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        mix(self.0)
    }

    /// A number of at most `bits` bits, or NULL.
    fn number(&mut self, bits: u32) -> Option<i128> {
        let wide = (i128::from(self.next()) << 64 | i128::from(self.next())) >> (128 - bits);
        match self.next() % 8 {
            0 => None,
            1 => Some(i128::from(self.next() % 3) - 1),
            _ => Some(wide.clamp(1 - NUMBER_END, NUMBER_END - 1)),
        }
    }

    /// A column of `rows` numbers, in one of the three forms, and its values.
    fn column(&mut self, bits: u32, rows: usize) -> (Column, Vec<Option<i128>>) {
        match self.next() % 4 {
            0 => {
                let value = self.number(bits);
                let array = integers(vec![value]);
                (Column::Constant { value: array, rows }, vec![value; rows])
            }
            1 => {
                let values: Vec<i128> = (0..3).filter_map(|_| self.number(bits)).collect();
                let codes: Vec<Option<u32>> = (0..rows)
                    .map(|_| (self.next() as usize).checked_rem(values.len()).map(|c| c as u32))
                    .collect();
                let answers = codes.iter().map(|c| c.map(|c| values[c as usize])).collect();
                let array = integers(values.into_iter().map(Some).collect());
                let codes = UInt32Array::from(codes);
                (Column::Dictionary { codes, values: Arc::new(array) }, answers)
            }
            _ => {
                let values: Vec<Option<i128>> = (0..rows).map(|_| self.number(bits)).collect();
                (Column::Flat(integers(values.clone())), values)
            }
        }
    }
}

fn rounded_quotient(value: i256, divisor: i256) -> Option<i128> {
    scale::rounded_i256(value, divisor).to_i128().filter(|v| in_range(*v))
}

/// What the operator gives for two numbers; none for overflow.
fn expected(name: &str, l: i128, r: i128) -> Option<i128> {
    let (wide_l, wide_r) = (i256::from_i128(l), i256::from_i128(r));
    let exact = match name {
        "+" => wide_l.wrapping_add(wide_r),
        "-" => wide_l.wrapping_sub(wide_r),
        "*" => wide_l.wrapping_mul(wide_r),
        "* / 100" => {
            return rounded_quotient(wide_l.wrapping_mul(wide_r), i256::from_i128(100));
        }
        "/" if r == 0 => return None,
        "/" => {
            return rounded_quotient(wide_l.wrapping_mul(i256::from_i128(1_000_000)), wide_r);
        }
        "%" => return l.checked_rem(r),
        other => unreachable!("{other}"),
    };
    exact.to_i128().filter(|v| in_range(*v))
}

fn check(name: &str, compute: impl Fn(&Column, &Column) -> Result<Column>) {
    let mut random = Random(7);
    for round in 0..2_000 {
        let rows = 1 + (random.next() % 70) as usize;
        let widths = [3, 20, 31, 45, 63, 64, 100, 128];
        let width = |random: &mut Random| widths[(random.next() % 8) as usize];
        let (left_bits, right_bits) = (width(&mut random), width(&mut random));
        let (left, left_values) = random.column(left_bits, rows);
        let (right, right_values) = random.column(right_bits, rows);
        let pairs = left_values.iter().zip(&right_values);
        let answers: Option<Vec<Option<i128>>> = pairs
            .map(|pair| match pair {
                (Some(l), Some(r)) => expected(name, *l, *r).map(Some),
                _ => Some(None),
            })
            .collect();
        let got = compute(&left, &right);
        let Some(answers) = answers else {
            assert!(got.is_err(), "{name} round {round} should fail: {left:?} {right:?}");
            continue;
        };
        let got = got.unwrap_or_else(|e| panic!("{name} round {round}: {e} {left:?} {right:?}"));
        for (row, answer) in answers.iter().enumerate() {
            let answer = answer.map_or(Value::Null, Value::integer);
            assert_eq!(got.value(row, SqlType::INTEGER), answer, "{name} {left:?} {right:?}");
        }
    }
}

#[test]
fn sums_differences_and_products_are_exact_or_refused() {
    check("+", |l, r| combine(Arithmetic::Add, l, r));
    check("-", |l, r| combine(Arithmetic::Subtract, l, r));
    check("*", |l, r| combine(Arithmetic::Multiply, l, r));
    check("* / 100", |l, r| multiply_rounded(l, r, 2));
}

#[test]
fn quotients_are_rounded_half_away_from_zero_and_rests_take_the_dividends_sign() {
    check("/", |l, r| divide(l, r, 6));
    check("%", modulo);
}

#[test]
fn zero_divides_only_null() -> Result<()> {
    let left = Column::Flat(integers(vec![None, Some(5)]));
    let zeros = Column::Flat(integers(vec![Some(0), Some(2)]));
    assert_eq!(divide(&left, &zeros, 0)?.value(1, SqlType::INTEGER), Value::integer(3));
    let zeros = Column::Constant { value: integers(vec![Some(0)]), rows: 2 };
    let error = divide(&left, &zeros, 0).expect_err("a number by zero");
    assert_eq!(error.code(), ErrorCode::DivisionByZero);
    assert!(divide(&left.slice(0, 1), &zeros.slice(0, 1), 0).is_ok());
    Ok(())
}

#[test]
fn the_largest_numbers_keep_their_sign_changed_and_scaled() -> Result<()> {
    let values = vec![Some(i128::from(i64::MIN)), Some(25), Some(-25)];
    let column = Column::Flat(integers(values));
    let negated = negate(&column)?;
    assert_eq!(negated.value(0, SqlType::INTEGER), Value::integer(1_i128 << 63));
    let down = scale_down(&column, 1)?;
    assert_eq!(down.value(1, SqlType::INTEGER), Value::integer(3));
    assert_eq!(down.value(2, SqlType::INTEGER), Value::integer(-3));
    let up = scale_up(&column, 19)?;
    let expected = i128::from(i64::MIN) * 10_i128.pow(19);
    assert_eq!(up.value(0, SqlType::INTEGER), Value::integer(expected));
    assert!(scale_up(&column, 30).is_err());
    assert_eq!(scale_down(&up, 19)?.value(0, SqlType::INTEGER), column.value(0, SqlType::INTEGER));
    Ok(())
}
