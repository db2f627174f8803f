//! Printing a number by a picture.

use crate::number_text::write_decimal;

use super::Element::{
    Blank, Digit, Dollar, Exponent, Group, Hex, Literal, Minus, Percent, Point, Sign,
};
use super::{Digits, Element, Layout, Minimal};

impl Layout {
    /// Appends the number.
    pub(super) fn print(&self, out: &mut String, number: &Digits) {
        let mut number = number.clone();
        if self.has(Percent) {
            number.point += if number.digits.is_empty() { 0 } else { 2 };
            number.scale = (number.scale - 2).max(0);
        }
        let (before, after) = self.places();
        let places = |n: usize| i32::try_from(n).unwrap_or(i32::MAX);
        let mut exponent = 0;
        if self.elements.iter().any(|e| matches!(e, Exponent(_))) {
            exponent = if number.digits.is_empty() { 0 } else { number.point - places(before) };
            number.point -= exponent;
            number = number.rounded(places(after));
            if number.point > places(before) {
                number.point -= 1;
                exponent += 1;
            }
        } else if !self.elements.iter().any(|e| matches!(e, Element::Minimal(_))) {
            number = number.rounded(places(after));
        }
        let overflow = number.special || number.point > places(before);
        let printer = Printer { layout: self, number: &number, exponent, overflow, before, after };
        printer.run(out);
    }
}

/// One number on its way through one layout.
struct Printer<'a> {
    layout: &'a Layout,
    number: &'a Digits,
    exponent: i32,
    overflow: bool,
    before: usize,
    after: usize,
}

impl Printer<'_> {
    fn run(&self, out: &mut String) {
        let mut in_fraction = false;
        let mut whole_done = false;
        let mut place = 0i32;
        for (position, &element) in self.layout.elements.iter().enumerate() {
            match element {
                Literal(literal) => out.push(literal),
                Percent => out.push('%'),
                Element::Minimal(style) => print_minimal(out, self.number, style),
                Hex { .. } | Digit { .. } | Group | Dollar | Blank if !whole_done => {
                    whole_done = true;
                    self.print_whole(out);
                }
                Hex { .. } | Digit { .. } | Group | Dollar | Blank if !in_fraction => {}
                Point => {
                    if !whole_done {
                        whole_done = true;
                        self.print_whole(out);
                    }
                    in_fraction = true;
                    match self.fraction_digits() {
                        0 if self.layout.compact => {}
                        0 => out.push(' '),
                        _ => out.push('.'),
                    }
                }
                Digit { .. } | Hex { .. } => {
                    place -= 1;
                    match self.fraction_digits() >= place.abs() {
                        true if self.overflow => out.push('#'),
                        true => out.push(char::from(b'0' + self.number.at(place))),
                        false if !self.layout.compact => out.push(' '),
                        false => {}
                    }
                }
                Exponent(width) => print_exponent(out, self.exponent, width),
                Minus => match (self.number.negative, self.layout.compact) {
                    (true, _) => out.push('-'),
                    (false, false) => out.push(' '),
                    (false, true) => {}
                },
                Sign if self.is_trailing(position) => {
                    out.push(if self.number.negative { '-' } else { '+' });
                }
                _ => {}
            }
        }
    }

    /// Whether the element stands after the digits.
    fn is_trailing(&self, position: usize) -> bool {
        let before = &self.layout.elements[..position];
        before.iter().any(|e| matches!(e, Digit { .. } | Hex { .. } | Element::Minimal(_)))
    }

    /// The digits after the point that are printed: up to the last one that is not zero or whose place
    /// is a `0`.
    fn fraction_digits(&self) -> i32 {
        let point = self.layout.elements.iter().position(|&e| e == Point);
        let after = self.layout.elements.iter().skip(point.unwrap_or(usize::MAX));
        let mut last = 0;
        let places = after.filter(|e| matches!(e, Digit { .. })).take(self.after);
        for (index, element) in (1..).zip(places) {
            let zero = *element == (Digit { zero: true });
            if self.overflow || zero || self.number.at(-index) != 0 {
                last = index;
            }
        }
        last
    }

    /// The sign, the dollar and the digits before the point, blanks before them.
    fn print_whole(&self, out: &mut String) {
        let layout = self.layout;
        let hex = layout.elements.iter().any(|e| matches!(e, Hex { .. }));
        let explicit = layout.elements.iter().any(|e| matches!(e, Minus));
        let sign_at = layout.elements.iter().position(|&e| e == Sign);
        let leading_sign = sign_at.is_some_and(|position| !self.is_trailing(position));
        let scientific = layout.elements.iter().any(|e| matches!(e, Exponent(_)));
        let reserves = leading_sign || !(sign_at.is_some() || explicit || hex || scientific);
        let digits = if hex { self.hex_digits(sign_at.is_some()) } else { self.whole_digits() };
        let mut text = String::new();
        match self.number.negative {
            true if reserves || (scientific && !explicit && sign_at.is_none()) => text.push('-'),
            false if leading_sign => text.push('+'),
            _ => {}
        }
        let dollar = layout.has(Dollar);
        if dollar {
            text.push('$');
        }
        text.push_str(&digits);
        if !layout.compact {
            let groups = self.whole_elements().filter(|&&e| e == Group).count();
            let width = self.before + groups + usize::from(reserves) + usize::from(dollar);
            (text.chars().count()..width).for_each(|_| out.push(' '));
        }
        out.push_str(&text);
    }

    fn whole_elements(&self) -> impl Iterator<Item = &Element> {
        self.layout.elements.iter().take_while(|&&e| e != Point)
    }

    /// The digits before the point with their separators, from the first one that is printed.
    fn whole_digits(&self) -> String {
        let mut text = String::new();
        let mut place = i32::try_from(self.before).unwrap_or(i32::MAX);
        let blank = self.layout.has(Blank);
        let mut started = self.overflow;
        for element in self.whole_elements() {
            match element {
                Digit { zero } => {
                    place -= 1;
                    started |= *zero || place < self.number.point || (place == 0 && !blank);
                    match (started, self.overflow) {
                        (true, true) => text.push('#'),
                        (true, false) => text.push(char::from(b'0' + self.number.at(place))),
                        (false, _) => {}
                    }
                }
                Group if started => text.push(','),
                _ => {}
            }
        }
        text
    }

    /// The digits of the whole part to the base 16; a negative number without a sign of its own is
    /// printed as its complement.
    fn hex_digits(&self, signed: bool) -> String {
        let lower = self.whole_elements().any(|&e| e == Hex { lower: true });
        let padded = self.whole_elements().any(|&e| e == Digit { zero: true });
        let width = self.before;
        let text = self.number.whole().map(|magnitude| match self.number.negative && !signed {
            true => {
                let all = format!("{:x}", -magnitude);
                all[all.len().saturating_sub(width)..].to_string()
            }
            false if padded => format!("{magnitude:0width$x}"),
            false => format!("{magnitude:x}"),
        });
        match text.filter(|text| text.len() <= width && !self.number.special) {
            Some(text) if lower => text,
            Some(text) => text.to_uppercase(),
            None => "#".repeat(width),
        }
    }
}

fn print_minimal(out: &mut String, number: &Digits, style: Minimal) {
    let mut positional = String::new();
    let mut scientific = String::new();
    if number.special {
        return out.push('#');
    }
    if number.negative {
        positional.push('-');
        scientific.push('-');
    }
    (0..number.point.max(1)).rev().for_each(|place| {
        positional.push(char::from(b'0' + number.at(place)));
    });
    if number.scale > 0 {
        positional.push('.');
        (1..=number.scale).for_each(|place| {
            positional.push(char::from(b'0' + number.at(-place)));
        });
    }
    let last = number.digits.iter().rposition(|&digit| digit != 0).map_or(0, |last| last + 1);
    let mut digits = number.digits[..last].iter().map(|digit| char::from(b'0' + digit));
    scientific.push(digits.next().unwrap_or('0'));
    let rest: String = digits.collect();
    if !rest.is_empty() {
        scientific.push('.');
        scientific.push_str(&rest);
    }
    print_exponent(&mut scientific, if last == 0 { 0 } else { number.point - 1 }, 2);
    out.push_str(match style {
        Minimal::Positional => &positional,
        Minimal::Scientific => &scientific,
        Minimal::Shorter if scientific.len() < positional.len() => &scientific,
        Minimal::Shorter => &positional,
    });
}

/// `E3` in the width 2, `E+3`, `E+03` and `E+003` in the widths 3 to 5.
fn print_exponent(out: &mut String, exponent: i32, width: u8) {
    out.push('E');
    if width == 2 {
        return write_decimal(out, i128::from(exponent), 0);
    }
    out.push(if exponent < 0 { '-' } else { '+' });
    let digits = exponent.unsigned_abs().to_string();
    (digits.len()..usize::from(width) - 2).for_each(|_| out.push('0'));
    out.push_str(&digits);
}
