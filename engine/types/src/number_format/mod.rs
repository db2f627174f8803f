//! Numeric format pictures: `999,999.00`, `S0XXX`, `9D99EE`, `TM9`.
//!
//! A fixed-position picture has a place for every digit; what does not fit is printed as `#`. A
//! text-minimal picture (`TM9`, `TME`, `TM`) takes as much room as the number needs.

mod parse;
mod print;

use crate::number_text::float_digits;
use crate::value::Decimal;

/// One element of a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Element {
    /// `9`, or `0`, which is printed also where the number has no digit.
    Digit {
        zero: bool,
    },
    /// A hexadecimal digit.
    Hex {
        lower: bool,
    },
    /// `.` or `D`.
    Point,
    /// `,` or `G`.
    Group,
    Dollar,
    Percent,
    /// `B`: no zero before the point.
    Blank,
    /// `S`: plus or minus.
    Sign,
    /// `MI`: minus or blank.
    Minus,
    /// `EE` to `EEEEE`: that many characters, `EE` as few as needed.
    Exponent(u8),
    /// `_`: a blank that may be missing.
    OptionalBlank,
    Literal(char),
    /// `TM9`, `TME` or `TM`.
    Minimal(Minimal),
}

/// The ways to print a number without places.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Minimal {
    Positional,
    Scientific,
    Shorter,
}

use Element::{
    Blank, Digit, Dollar, Exponent, Group, Hex, Literal, Minus, OptionalBlank, Percent, Point, Sign,
};

/// Names of elements; where several fit, the first one counts. The flag is for those that are found in
/// upper case only.
const NAMES: &[(&str, Element)] = &[
    ("TM9", Element::Minimal(Minimal::Positional)),
    ("TME", Element::Minimal(Minimal::Scientific)),
    ("TM", Element::Minimal(Minimal::Shorter)),
    ("MI", Minus),
    ("EEEEE", Exponent(5)),
    ("EEEE", Exponent(4)),
    ("EEE", Exponent(3)),
    ("EE", Exponent(2)),
    ("0", Digit { zero: true }),
    ("9", Digit { zero: false }),
    (".", Point),
    ("D", Point),
    (",", Group),
    ("G", Group),
    ("$", Dollar),
    ("%", Percent),
    ("B", Blank),
    ("S", Sign),
    ("_", OptionalBlank),
];

/// A compiled numeric format.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NumberPicture {
    text: String,
    layouts: Vec<Layout>,
}

/// One alternative of a picture.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Layout {
    elements: Vec<Element>,
    /// Without blanks for absent digits and signs.
    compact: bool,
}

/// A number taken apart: 0.digits x 10^point.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Digits {
    negative: bool,
    /// Without leading zeros; none for zero.
    digits: Vec<u8>,
    point: i32,
    /// Whether the number is NaN or infinite, which no place can show.
    special: bool,
    /// Digits after the point that are printed where the picture does not say.
    scale: i32,
}

impl Digits {
    /// The digits of a NUMBER.
    pub fn of_decimal(number: Decimal) -> Digits {
        let digits = number.unscaled.unsigned_abs().to_string();
        let digits: Vec<u8> = digits.trim_start_matches('0').bytes().map(|b| b - b'0').collect();
        let scale = i32::from(number.scale);
        let point = i32::try_from(digits.len()).unwrap_or(0) - scale;
        Digits { negative: number.unscaled < 0, digits, point, special: false, scale }
    }

    /// The shortest digits of a FLOAT.
    pub fn of_float(number: f64) -> Digits {
        if !number.is_finite() {
            let negative = number < 0.0;
            return Digits { negative, digits: Vec::new(), point: 0, special: true, scale: 0 };
        }
        let (digits, exponent) = float_digits(number);
        let digits = digits.trim_end_matches('0').bytes().map(|b| b - b'0').collect::<Vec<_>>();
        let length = i32::try_from(digits.len()).unwrap_or(0);
        let point = if digits.is_empty() { 0 } else { exponent + 1 };
        let scale = (length - point).max(0);
        Digits { negative: number < 0.0 && length > 0, digits, point, special: false, scale }
    }

    /// The same number with at most `places` digits after the point.
    fn rounded(&self, places: i32) -> Digits {
        let mut rounded = self.clone();
        let keep = self.point + places;
        let Ok(keep) = usize::try_from(keep) else {
            return Digits { digits: Vec::new(), point: 0, negative: false, ..rounded };
        };
        if keep >= self.digits.len() {
            return rounded;
        }
        let up = self.digits[keep] >= 5;
        rounded.digits.truncate(keep);
        if up {
            rounded.increment();
        }
        if rounded.digits.iter().all(|&digit| digit == 0) {
            rounded.digits.clear();
            rounded.negative = false;
        }
        rounded
    }

    /// Adds one to the last digit.
    fn increment(&mut self) {
        for digit in self.digits.iter_mut().rev() {
            *digit = (*digit + 1) % 10;
            if *digit != 0 {
                return;
            }
        }
        self.digits.insert(0, 1);
        self.point += 1;
    }

    /// The digit at 10^place.
    fn at(&self, place: i32) -> u8 {
        let index = usize::try_from(self.point - 1 - place);
        index.ok().and_then(|index| self.digits.get(index)).copied().unwrap_or(0)
    }

    /// The whole part, where 128 bits hold it.
    fn whole(&self) -> Option<i128> {
        (0..self.point.max(0)).rev().try_fold(0i128, |sum, place| {
            sum.checked_mul(10)?.checked_add(i128::from(self.at(place)))
        })
    }
}

impl NumberPicture {
    /// Compiles a format; elements are found in any case, text in double quotes stands for itself.
    /// `None` for a character that is no element.
    pub fn compile(text: &str) -> Option<NumberPicture> {
        let mut layouts = vec![Layout::default()];
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            let layout = layouts.last_mut()?;
            let after = &rest[first.len_utf8()..];
            let upper = rest.get(..2).map(str::to_ascii_uppercase);
            rest = match first {
                '"' => {
                    let end = after.find('"').unwrap_or(after.len());
                    layout.elements.extend(after[..end].chars().map(Literal));
                    after.get(end + 1..).unwrap_or_default()
                }
                '|' => {
                    layouts.push(Layout::default());
                    after
                }
                'X' | 'x' => {
                    layout.elements.push(Hex { lower: first == 'x' });
                    after
                }
                _ if upper.as_deref() == Some("FM") => {
                    layout.compact = !layout.compact;
                    &rest[2..]
                }
                // Exact matching is how texts are read in any case.
                _ if upper.as_deref() == Some("FX") => &rest[2..],
                ' ' => {
                    layout.elements.push(Literal(' '));
                    after
                }
                _ => {
                    let starts = |name: &str| {
                        let start = rest.as_bytes().get(..name.len());
                        start.is_some_and(|start| start.eq_ignore_ascii_case(name.as_bytes()))
                    };
                    let (name, element) = NAMES.iter().find(|(name, _)| starts(name))?;
                    layout.elements.push(*element);
                    &rest[name.len()..]
                }
            };
        }
        Some(NumberPicture { text: text.to_string(), layouts })
    }

    /// The format as it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Appends the number, by the first alternative.
    pub fn print(&self, out: &mut String, number: &Digits) {
        if let Some(layout) = self.layouts.first() {
            layout.print(out, number);
        }
    }

    /// The number that a text writes by one of the alternatives.
    pub fn parse(&self, text: &str) -> Option<Decimal> {
        self.layouts.iter().find_map(|layout| layout.parse(text))
    }
}

impl Layout {
    /// Whether the element occurs.
    fn has(&self, wanted: Element) -> bool {
        self.elements.contains(&wanted)
    }

    /// The places before and after the point.
    fn places(&self) -> (usize, usize) {
        let is_place = |e: &&Element| matches!(e, Digit { .. } | Hex { .. });
        let point = self.elements.iter().position(|&e| e == Point);
        let (before, after) = self.elements.split_at(point.unwrap_or(self.elements.len()));
        (before.iter().filter(is_place).count(), after.iter().filter(is_place).count())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::number_text::parse_literal;
    use crate::number_text::write_decimal;
    use crate::value::Value;

    fn print(number: &str, picture: &str) -> String {
        let unsigned = number.trim_start_matches('-');
        let digits = match parse_literal(unsigned) {
            Some((Value::Number(Decimal { unscaled, scale }), _)) => {
                let unscaled = if unsigned == number { unscaled } else { -unscaled };
                Digits::of_decimal(Decimal { unscaled, scale })
            }
            _ => Digits::of_float(number.parse().unwrap()),
        };
        let mut out = String::new();
        NumberPicture::compile(picture).unwrap().print(&mut out, &digits);
        out
    }

    #[test]
    fn numbers_print_in_their_places() {
        for (number, picture, wanted) in [
            ("12", "99", " 12"),
            ("-7", "99", " -7"),
            ("12", "S99", "+12"),
            ("-7", "S99", " -7"),
            ("12", "99MI", "12 "),
            ("-7", "99MI", " 7-"),
            ("12", "$99", " $12"),
            ("12", "FM99", "12"),
            ("1.2", "999,999.999", "       1.2  "),
            ("1.2", "S000,000.000", "+000,001.200"),
            ("-123456.789", "999,999.999", "-123,456.789"),
            ("3987", "$99.0", " $##.#"),
            ("-12.391", "$99.0", "-$12.4"),
            ("0", "$99.0", "  $0.0"),
            ("0.1", "B9,999.0", "      .1"),
            ("3987", "B9,999.0", " 3,987.0"),
            ("12", "\">\"99\"<\"", "> 12<"),
            ("1234", "9d999EE", "1.234E3"),
            ("0.25", "TM9%", "25%"),
            ("-12.391", "TME", "-1.2391E1"),
            ("0", "TME", "0E0"),
            ("-12.391", "TM9", "-12.391"),
            ("2789", "XXX", "AE5"),
            ("2789", "xxx", "ae5"),
            ("-12.391", "0XXX", "FFF4"),
            ("-12.391", "S0XXX", "-000C"),
            ("0.5", "FM999.00", "0.50"),
            ("1e300", "999", " ###"),
            ("99.96", "FM99.9", "##.#"),
        ] {
            assert_eq!(print(number, picture), wanted, "{number} {picture}");
        }
    }

    #[test]
    fn texts_are_read_by_their_places() {
        let parse = |text: &str, picture: &str| {
            let number = NumberPicture::compile(picture)?.parse(text)?;
            let mut out = String::new();
            write_decimal(&mut out, number.unscaled, number.scale);
            Some(out)
        };
        for (text, picture, wanted) in [
            ("012,345.67", "999,999.99", Some("12345.67")),
            ("12,345.67", "999,999.99", Some("12345.67")),
            (" 12,345.67", "999,999.99", Some("12345.67")),
            ("12345.67", "999,999.99", None),
            ("012,345.67", "000,000.00", Some("12345.67")),
            ("12,345.67", "000,000.00", None),
            ("-101", "MI999|999MI", Some("-101")),
            ("102-", "MI999|999MI", Some("-102")),
            ("103", "MI999|999MI", Some("103")),
            ("ae5", "XXX", Some("2789")),
            ("ae5", "XX", None),
            ("$12", "$99", Some("12")),
            ("-$12.5", "$99.9", Some("-12.5")),
            ("25%", "99%", Some("0.25")),
            ("1.234E3", "9d999EE", Some("1234")),
            ("123", "99", None),
            ("x", "99", None),
        ] {
            assert_eq!(parse(text, picture).as_deref(), wanted, "{text} {picture}");
        }
        assert_eq!(NumberPicture::compile("99q"), None);
    }
}
