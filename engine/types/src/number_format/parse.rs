//! Reading a number by a picture.

use crate::number_text::parse_decimal;
use crate::value::Decimal;

use super::Element::{
    Blank, Digit, Dollar, Exponent, Group, Hex, Literal, Minus, OptionalBlank, Percent, Point, Sign,
};
use super::{Element, Layout};

/// A text on its way through one layout.
struct Reader<'a> {
    rest: &'a str,
    negative: bool,
    signed: bool,
    digits: String,
    scale: u8,
}

impl Layout {
    /// The number that a text writes.
    pub(super) fn parse(&self, text: &str) -> Option<Decimal> {
        let free_sign = !self.has(Sign) && !self.has(Minus);
        let rest = text.trim_matches(' ');
        let mut reader =
            Reader { rest, negative: false, signed: false, digits: String::new(), scale: 0 };
        if free_sign {
            reader.read_sign();
        }
        let mut position = 0;
        let mut exponent = 0;
        while let Some(&element) = self.elements.get(position) {
            position += 1;
            match element {
                Digit { .. } | Hex { .. } | Group | Point => {
                    let count = self.elements[position..]
                        .iter()
                        .take_while(|e| matches!(e, Digit { .. } | Hex { .. } | Group | Point))
                        .count();
                    let region = &self.elements[position - 1..position + count];
                    position += count;
                    if region.iter().any(|e| matches!(e, Hex { .. })) {
                        return reader.read_hex(region.len(), self.elements.len() == position);
                    }
                    reader.read_number(region)?;
                }
                Sign => reader.read_sign().then_some(())?,
                Minus => {
                    let signed = reader.signed;
                    reader.read_minus();
                    reader.signed |= signed;
                }
                Exponent(_) => exponent = reader.read_exponent()?,
                Dollar => reader.read_literal('$')?,
                Percent => {
                    reader.read_literal('%')?;
                    exponent -= 2;
                }
                Literal(literal) => reader.read_literal(literal)?,
                OptionalBlank => reader.rest = reader.rest.trim_start_matches(' '),
                Element::Minimal(_) => reader.read_minimal()?,
                Blank => {}
            }
        }
        reader.rest.trim_matches(' ').is_empty().then(|| reader.finish(exponent))?
    }
}

impl Reader<'_> {
    fn read_sign(&mut self) -> bool {
        if let Some(rest) = self.rest.strip_prefix('-') {
            (self.rest, self.negative) = (rest, true);
            return true;
        }
        let plus = self.rest.strip_prefix('+');
        self.rest = plus.unwrap_or(self.rest);
        plus.is_some()
    }

    fn read_minus(&mut self) {
        if let Some(rest) = self.rest.strip_prefix('-') {
            (self.rest, self.negative) = (rest, true);
        } else {
            self.rest = self.rest.strip_prefix(' ').unwrap_or(self.rest);
        }
    }

    fn read_literal(&mut self, literal: char) -> Option<()> {
        self.rest = self.rest.strip_prefix(literal)?;
        Some(())
    }

    fn take_digits(&mut self, also: Option<char>) -> &str {
        let end = self.rest.find(|c: char| !(c.is_ascii_digit() || Some(c) == also));
        let (digits, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
        self.rest = rest;
        digits
    }

    /// Digits with separators, and perhaps a fraction. Places of `9` may be missing before and after,
    /// places of `0` may not.
    fn read_number(&mut self, region: &[Element]) -> Option<()> {
        let point = region.iter().position(|&e| e == Point);
        let (before, after) = region.split_at(point.unwrap_or(region.len()));
        self.rest = self.rest.trim_start_matches(' ');
        let groups = before.contains(&Group);
        let written = self.take_digits(groups.then_some(',')).to_string();
        let least = before.iter().position(|e| *e == Digit { zero: true });
        let least = before.len() - least.unwrap_or(before.len());
        let separators_fit = before
            .iter()
            .rev()
            .zip(written.chars().rev())
            .all(|(element, character)| (*element == Group) == (character == ','));
        let fits = written.len() <= before.len() && written.len() >= least;
        if !separators_fit || !fits || written.starts_with(',') {
            return None;
        }
        self.digits.extend(written.chars().filter(|&c| c != ','));
        let places = after.len().saturating_sub(1);
        let required = after.iter().rposition(|e| *e == Digit { zero: true }).unwrap_or(0);
        let mut fraction = String::new();
        if point.is_some()
            && let Some(rest) = self.rest.strip_prefix('.')
        {
            self.rest = rest;
            fraction = self.take_digits(None).to_string();
        }
        if fraction.len() > places || fraction.len() < required {
            return None;
        }
        self.digits.push_str(&fraction);
        self.scale = u8::try_from(fraction.len()).ok()?;
        (!self.digits.is_empty()).then_some(())
    }

    fn read_hex(&mut self, places: usize, at_end: bool) -> Option<Decimal> {
        let digits = self.rest.trim_matches(' ');
        if !at_end || digits.len() > places || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
            return None;
        }
        let number = i128::from_str_radix(digits, 16).ok()?;
        Some(Decimal::integer(if self.negative { -number } else { number }))
    }

    fn read_exponent(&mut self) -> Option<i32> {
        self.rest = self.rest.strip_prefix(['E', 'e'])?;
        let negative = self.rest.starts_with('-');
        self.rest = self.rest.strip_prefix(['-', '+']).unwrap_or(self.rest);
        let exponent: i32 = self.take_digits(None).parse().ok()?;
        Some(if negative { -exponent } else { exponent })
    }

    /// A number as wide as it is.
    fn read_minimal(&mut self) -> Option<()> {
        self.rest = self.rest.trim_start_matches(' ');
        let end = self.rest.find(|c: char| !(c.is_ascii_digit() || ".eE+-".contains(c)));
        let (number, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
        let number = parse_decimal(number).ok()?;
        self.rest = rest;
        self.negative ^= number.unscaled < 0;
        self.digits = number.unscaled.unsigned_abs().to_string();
        self.scale = number.scale;
        Some(())
    }

    fn finish(&self, exponent: i32) -> Option<Decimal> {
        let sign = if self.negative { "-" } else { "" };
        let exponent = exponent.checked_sub(i32::from(self.scale))?;
        parse_decimal(&format!("{sign}{}e{exponent}", self.digits)).ok()
    }
}
