//! Numbers as text: parsing into exact numbers, the types of literals, and printing.

use std::fmt::Write;

use crate::SqlType;
use crate::decimal::{POWERS_OF_TEN, fits_precision};
use crate::limits::{NUMBER_PRECISION_MAX, NUMBER_SCALE_MAX};
use crate::value::{Decimal, Value};

/// Digits of a FLOAT before the point beyond which it is printed with an exponent.
const FLOAT_POSITIONAL_DIGITS: i32 = 15;
/// Exponents outside of this range make any number zero or too large.
const EXPONENT_BOUND: i32 = 100_000;

/// Why a text did not become a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// It is not of the form.
    Unrecognized,
    /// It is of the form, but the type cannot hold it.
    OutOfRange,
}

/// A number as it was written: sign, digits, place of the point.
struct Written<'a> {
    negative: bool,
    whole: &'a [u8],
    fraction: &'a [u8],
    exponent: i32,
}

impl<'a> Written<'a> {
    /// Takes `[+-]digits[.digits][e[+-]digits]` with blanks around.
    fn parse(text: &'a str) -> Option<Written<'a>> {
        let bytes = text.trim_matches([' ', '\t', '\n', '\r']).as_bytes();
        let (negative, bytes) = match bytes {
            [b'-', rest @ ..] => (true, rest),
            [b'+', rest @ ..] => (false, rest),
            all => (false, all),
        };
        let (whole, rest) = split_digits(bytes);
        let (fraction, rest) = match rest {
            [b'.', rest @ ..] => split_digits(rest),
            rest => (&[][..], rest),
        };
        if whole.is_empty() && fraction.is_empty() {
            return None;
        }
        let exponent = match rest {
            [] => 0,
            [b'e' | b'E', rest @ ..] => parse_exponent(rest)?,
            _ => return None,
        };
        Some(Written { negative, whole, fraction, exponent })
    }

    fn digits(&self) -> impl Iterator<Item = u8> + '_ {
        self.whole.iter().chain(self.fraction).map(|byte| byte - b'0')
    }

    /// The number times 10^scale, rounded half away from zero; `None` beyond 128 bits.
    fn unscaled(&self, scale: u8) -> Option<i128> {
        let point = i32::try_from(self.whole.len()).unwrap_or(EXPONENT_BOUND) + self.exponent;
        let zeros = self.digits().take_while(|&digit| digit == 0).count();
        if zeros == self.whole.len() + self.fraction.len() {
            return Some(0);
        }
        // Digits, leading zeros dropped, that stand before the place where the number is cut.
        let kept = point + i32::from(scale) - i32::try_from(zeros).unwrap_or(EXPONENT_BOUND);
        let Ok(kept) = usize::try_from(kept) else { return Some(0) };
        let mut digits = self.digits().skip(zeros);
        let mut number = 0i128;
        for _ in 0..kept {
            let digit = digits.next().unwrap_or(0);
            number = number.checked_mul(10)?.checked_add(i128::from(digit))?;
        }
        if digits.next().is_some_and(|digit| digit >= 5) {
            number = number.checked_add(1)?;
        }
        Some(if self.negative { -number } else { number })
    }

    /// The digits before and after the point that the number needs, zeros at both ends not counted.
    fn needed_digits(&self) -> (i32, i32) {
        let length = |n: usize| i32::try_from(n).unwrap_or(EXPONENT_BOUND);
        let all = self.whole.len() + self.fraction.len();
        let leading = length(self.digits().take_while(|&digit| digit == 0).count());
        if leading == length(all) {
            return (0, 0);
        }
        let point = length(self.whole.len()) + self.exponent;
        let last = self.digits().collect::<Vec<_>>().iter().rposition(|&digit| digit != 0);
        let end = length(last.map_or(0, |last| last + 1));
        ((point - leading).max(0), (end - point).max(0))
    }
}

fn split_digits(bytes: &[u8]) -> (&[u8], &[u8]) {
    let count = bytes.iter().take_while(|byte| byte.is_ascii_digit()).count();
    bytes.split_at(count)
}

fn parse_exponent(bytes: &[u8]) -> Option<i32> {
    let (negative, bytes) = match bytes {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        all => (false, all),
    };
    if bytes.is_empty() || !bytes.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let add = |sum: i32, byte: &u8| (sum * 10 + i32::from(byte - b'0')).min(EXPONENT_BOUND);
    let exponent = bytes.iter().fold(0, add);
    Some(if negative { -exponent } else { exponent })
}

/// The number of a text at a scale: blanks around, sign, point and exponent are taken, digits beyond
/// the scale are rounded away.
///
/// # Errors
/// `Unrecognized`, or `OutOfRange` with more than `precision` digits.
pub fn parse_number(text: &str, precision: u8, scale: u8) -> Result<i128, Failure> {
    if let Some(number) = parse_short(text.as_bytes(), scale) {
        let number = i128::from(number);
        return fits_precision(number, precision).then_some(number).ok_or(Failure::OutOfRange);
    }
    let written = Written::parse(text).ok_or(Failure::Unrecognized)?;
    let number = written.unscaled(scale).filter(|&number| fits_precision(number, precision));
    number.ok_or(Failure::OutOfRange)
}

/// The plain case of [`parse_number`]: sign, digits and point only, nothing to round, at most 18 digits at
/// the scale. `None` says nothing about the text.
#[inline]
pub fn parse_short(bytes: &[u8], scale: u8) -> Option<i64> {
    let (negative, digits) = match bytes {
        [b'-', rest @ ..] => (true, rest),
        all => (false, all),
    };
    if digits.is_empty() || digits.len() > 18 {
        return None;
    }
    let scale = usize::from(scale);
    // Mostly the point stands where the scale wants it.
    let point = match digits.len().checked_sub(scale + 1) {
        Some(point) if scale > 0 && digits[point] == b'.' => point,
        _ => digits.iter().position(|&byte| byte == b'.').unwrap_or(digits.len()),
    };
    let (whole, fraction) = (&digits[..point], digits.get(point + 1..).unwrap_or_default());
    if digits.len() == 1 && point == 0 {
        return None;
    }
    let missing = scale.checked_sub(fraction.len())?;
    if whole.len() + scale > 18 {
        return None;
    }
    let number = add_digits(add_digits(0, whole)?, fraction)? * POWERS_OF_TEN[missing] as i64;
    Some(if negative { -number } else { number })
}

/// The number with these digits behind it, 18 in all at most; `None` where one is no digit.
#[inline]
fn add_digits(number: i64, digits: &[u8]) -> Option<i64> {
    let (mut sum, mut worst) = (number, 0);
    for byte in digits {
        let digit = byte.wrapping_sub(b'0');
        worst = worst.max(digit);
        sum = sum * 10 + i64::from(digit);
    }
    (worst <= 9).then_some(sum)
}

/// The exact number that a text writes, with the fewest digits after the point that hold it.
///
/// # Errors
/// `Unrecognized`, or `OutOfRange` when 38 digits do not hold it.
pub fn parse_decimal(text: &str) -> Result<Decimal, Failure> {
    let written = Written::parse(text).ok_or(Failure::Unrecognized)?;
    let (leading, scale) = written.needed_digits();
    if leading + scale > i32::from(NUMBER_PRECISION_MAX) || scale > i32::from(NUMBER_SCALE_MAX) {
        return Err(Failure::OutOfRange);
    }
    let scale = u8::try_from(scale).map_err(|_| Failure::OutOfRange)?;
    let unscaled = written.unscaled(scale).ok_or(Failure::OutOfRange)?;
    Ok(Decimal { unscaled, scale })
}

/// The FLOAT of a text: a number, or one of the words NaN, inf, -inf in any case.
pub fn parse_float(text: &str) -> Option<f64> {
    let text = text.trim_matches([' ', '\t', '\n', '\r']);
    let word = text.strip_prefix(['+', '-']).unwrap_or(text);
    match word.as_bytes().first()? {
        b'0'..=b'9' | b'.' => text.parse().ok(),
        _ if word.eq_ignore_ascii_case("nan") && word.len() == text.len() => Some(f64::NAN),
        _ if word.eq_ignore_ascii_case("inf") || word.eq_ignore_ascii_case("infinity") => {
            Some(if text.starts_with('-') { f64::NEG_INFINITY } else { f64::INFINITY })
        }
        _ => None,
    }
}

/// The value and type of a numeric literal: the shortest NUMBER that holds it, else FLOAT.
///
/// Zeros at the end of the fraction do not count, the zero before the point does: `10.00` is
/// NUMBER(2,0), `0.05` is NUMBER(3,2), `1e10` is NUMBER(11,0). `None` where the text is no number.
pub fn parse_literal(text: &str) -> Option<(Value, SqlType)> {
    let exact = parse_decimal(text).ok().and_then(|number| {
        let whole = number.unscaled.unsigned_abs() / 10u128.pow(u32::from(number.scale));
        let precision = digit_count(whole) + number.scale;
        (precision <= NUMBER_PRECISION_MAX).then_some((number, precision))
    });
    match exact {
        Some((number, precision)) => {
            Some((Value::Number(number), SqlType::number(precision, number.scale)))
        }
        None => Some((Value::Float(parse_float(text)?), SqlType::Float)),
    }
}

/// The number of decimal digits; 1 for zero.
pub fn digit_count(number: u128) -> u8 {
    u8::try_from(number.checked_ilog10().unwrap_or(0) + 1).unwrap_or(u8::MAX)
}

/// Room for any NUMBER as text.
pub type NumberBuffer = [u8; 48];

/// Prints `unscaled / 10^scale` with exactly `scale` digits after the point, at the end of `buffer`.
pub fn decimal_text(unscaled: i128, scale: u8, buffer: &mut NumberBuffer) -> &[u8] {
    let scale = usize::from(scale.min(40));
    let mut start = buffer.len();
    let mut magnitude = unscaled.unsigned_abs();
    while magnitude > u128::from(u64::MAX) {
        let part = (magnitude % 10_000_000_000_000_000_000) as u64;
        magnitude /= 10_000_000_000_000_000_000;
        start = write_digits(part, buffer, start, 19);
    }
    let written = buffer.len() - start;
    start = write_digits(magnitude as u64, buffer, start, (scale + 1).saturating_sub(written));
    if scale > 0 {
        let point = buffer.len() - scale;
        buffer.copy_within(start..point, start - 1);
        start -= 1;
        buffer[point - 1] = b'.';
    }
    if unscaled < 0 {
        start -= 1;
        buffer[start] = b'-';
    }
    &buffer[start..]
}

/// Writes the number before `end`, with at least `width` digits; gives its start.
fn write_digits(mut number: u64, buffer: &mut [u8], end: usize, width: usize) -> usize {
    let mut start = end;
    while number > 0 {
        start -= 1;
        buffer[start] = b'0' + (number % 10) as u8;
        number /= 10;
    }
    while end - start < width {
        start -= 1;
        buffer[start] = b'0';
    }
    start
}

/// Appends `unscaled / 10^scale` with exactly `scale` digits after the point.
pub fn write_decimal(out: &mut String, unscaled: i128, scale: u8) {
    let mut buffer = [0; 48];
    let text = decimal_text(unscaled, scale, &mut buffer);
    out.push_str(std::str::from_utf8(text).unwrap_or_default());
}

/// Appends a FLOAT: the shortest digits that read back the same, without `.0`, with an exponent of at
/// least two digits from 10^15 up and below 10^-4.
pub fn write_float(out: &mut String, number: f64) {
    if number.is_nan() {
        return out.push_str("NaN");
    }
    if number.is_infinite() {
        return out.push_str(if number < 0.0 { "-inf" } else { "inf" });
    }
    if number.fract() == 0.0 && number.abs() < 1e15 {
        return write_decimal(out, number as i128, 0);
    }
    let (digits, exponent) = float_digits(number);
    if number < 0.0 {
        out.push('-');
    }
    if (-4..FLOAT_POSITIONAL_DIGITS).contains(&exponent) {
        write_positional(out, &digits, exponent);
    } else {
        write_scientific(out, &digits, exponent);
    }
}

/// The shortest digits of a finite number, without sign and point, and the exponent of the first one.
pub fn float_digits(number: f64) -> (String, i32) {
    let scientific = format!("{:e}", number.abs());
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    (mantissa.replace('.', ""), exponent.parse().unwrap_or(0))
}

fn write_positional(out: &mut String, digits: &str, exponent: i32) {
    if exponent < 0 {
        out.push_str("0.");
        (1..-exponent).for_each(|_| out.push('0'));
        return out.push_str(digits);
    }
    let whole = usize::try_from(exponent).unwrap_or(0) + 1;
    let (before, after) = digits.split_at(whole.min(digits.len()));
    out.push_str(before);
    (digits.len()..whole).for_each(|_| out.push('0'));
    if !after.is_empty() {
        out.push('.');
        out.push_str(after);
    }
}

fn write_scientific(out: &mut String, digits: &str, exponent: i32) {
    let (first, rest) = digits.split_at(1.min(digits.len()));
    out.push_str(first);
    if !rest.is_empty() {
        out.push('.');
        out.push_str(rest);
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    // Writing to a String cannot fail.
    let _ = write!(out, "e{sign}{:02}", exponent.abs());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_parsed_exactly_and_rounded_at_the_scale() {
        for (text, precision, scale, wanted) in [
            ("1", 38, 0, 1),
            (" -12.5 ", 38, 0, -13),
            ("+7", 38, 0, 7),
            ("1e3", 38, 0, 1000),
            (".5", 38, 1, 5),
            ("5.", 38, 0, 5),
            ("1.5E-1", 38, 2, 15),
            ("98.76546", 38, 0, 99),
            ("0.4999999999999999999999999999999999999999999", 38, 0, 0),
            ("99999999999999999999999999999999999999", 38, 0, POWERS_OF_TEN[38] - 1),
            ("0000000000000000000000000000000000000000000000012", 2, 0, 12),
            ("12.34", 4, 2, 1234),
            ("0.05", 3, 2, 5),
            ("1e-50", 38, 37, 0),
            ("0e999999999999", 38, 0, 0),
        ] {
            assert_eq!(parse_number(text, precision, scale), Ok(wanted), "{text}");
        }
        for text in ["", " ", ".", "-", "1e", "1,000", "$5", "abc", "1 2", "--1", "0x1", "1e+"] {
            assert_eq!(parse_number(text, 38, 0), Err(Failure::Unrecognized), "{text}");
        }
        assert_eq!(parse_number("1000", 3, 0), Err(Failure::OutOfRange));
        assert_eq!(parse_number("999.5", 3, 0), Err(Failure::OutOfRange));
        assert_eq!(parse_number("1e38", 38, 0), Err(Failure::OutOfRange));
        assert_eq!(parse_number("12345678901234567", 38, 5), Ok(1_234_567_890_123_456_700_000));
    }

    #[test]
    fn literals_have_the_shortest_type() {
        for (text, wanted) in [
            ("0", "NUMBER(1,0)"),
            ("007", "NUMBER(1,0)"),
            ("10.00", "NUMBER(2,0)"),
            ("12.3", "NUMBER(3,1)"),
            ("0.05", "NUMBER(3,2)"),
            (".5", "NUMBER(2,1)"),
            (".5000", "NUMBER(2,1)"),
            ("0.000", "NUMBER(1,0)"),
            ("1.5e2", "NUMBER(3,0)"),
            ("1e10", "NUMBER(11,0)"),
            ("99999999999999999999999999999999999999", "NUMBER(38,0)"),
            ("1e38", "FLOAT"),
            ("1e-40", "FLOAT"),
        ] {
            let (_, sql_type) = parse_literal(text).unwrap();
            assert_eq!(sql_type.to_string(), wanted, "{text}");
        }
        assert!(parse_literal("x").is_none());
    }

    #[test]
    fn numbers_print_their_scale() {
        for (unscaled, scale, wanted) in [
            (0, 0, "0"),
            (0, 20, "0.00000000000000000000"),
            (150, 2, "1.50"),
            (-5, 2, "-0.05"),
            (-12345, 3, "-12.345"),
            (POWERS_OF_TEN[38] - 1, 0, "99999999999999999999999999999999999999"),
            (POWERS_OF_TEN[20], 0, "100000000000000000000"),
            (POWERS_OF_TEN[20] + 7, 30, "0.000000000100000000000000000007"),
            (i128::MIN, 37, "-17.0141183460469231731687303715884105728"),
        ] {
            let mut out = String::new();
            write_decimal(&mut out, unscaled, scale);
            assert_eq!(out, wanted);
        }
    }

    #[test]
    fn floats_print_shortest() {
        for (number, wanted) in [
            (5.0, "5"),
            (1.5, "1.5"),
            (-0.1, "-0.1"),
            (1e20, "1e+20"),
            (1e15, "1e+15"),
            (123_456_789_012_345.0, "123456789012345"),
            (1.234_567_890_123_456e15, "1.234567890123456e+15"),
            (0.0001, "0.0001"),
            (0.000_012_5, "1.25e-05"),
            (1.0 / 3.0, "0.3333333333333333"),
            (12_345.678, "12345.678"),
            (f64::NAN, "NaN"),
            (f64::NEG_INFINITY, "-inf"),
        ] {
            let mut out = String::new();
            write_float(&mut out, number);
            assert_eq!(out, wanted);
        }
        assert_eq!(parse_float(" -INF "), Some(f64::NEG_INFINITY));
        assert!(parse_float("nan").is_some_and(f64::is_nan));
        assert_eq!(parse_float("1e400"), Some(f64::INFINITY));
        assert_eq!(parse_float("infx"), None);
        assert_eq!(parse_float(""), None);
    }
}
