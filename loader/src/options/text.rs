//! The texts of option values: escapes as users write them, and as DESC and SHOW print them.

use super::OptionValue;

/// TRUE and FALSE as words or texts.
pub(super) fn boolean(word: &str) -> Option<bool> {
    match word.to_ascii_uppercase().as_str() {
        "TRUE" => Some(true),
        "FALSE" => Some(false),
        _ => None,
    }
}

/// The text with `\xHH`, `0xHH`, `\ooo`, `\t`, `\n`, `\r`, `\\` resolved; none when it is no UTF-8.
pub(super) fn resolved(text: &str) -> Option<String> {
    if let Some(bytes) = text.strip_prefix("0x").and_then(hex_bytes) {
        return String::from_utf8(bytes).ok();
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let (byte, used) = match (first, after) {
            (b'\\', [b'x', high, low, ..]) if hex_pair(*high, *low).is_some() => {
                (hex_pair(*high, *low)?, 4)
            }
            (b'\\', [a @ b'0'..=b'3', b @ b'0'..=b'7', c @ b'0'..=b'7', ..]) => {
                ((a - b'0') * 64 + (b - b'0') * 8 + (c - b'0'), 4)
            }
            (b'\\', [letter @ (b't' | b'n' | b'r' | b'\\' | b'\'' | b'"'), ..]) => {
                (control(*letter), 2)
            }
            _ => (first, 1),
        };
        bytes.push(byte);
        rest = &rest[used..];
    }
    String::from_utf8(bytes).ok()
}

fn control(letter: u8) -> u8 {
    match letter {
        b't' => b'\t',
        b'n' => b'\n',
        b'r' => b'\r',
        other => other,
    }
}

fn hex_bytes(digits: &str) -> Option<Vec<u8>> {
    let digits = digits.as_bytes();
    if digits.is_empty() || !digits.len().is_multiple_of(2) {
        return None;
    }
    digits.chunks(2).map(|pair| hex_pair(pair[0], pair[1])).collect()
}

fn hex_pair(high: u8, low: u8) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    Some(digit(high)? * 16 + digit(low)?)
}

/// The value as DESC prints it: control characters escaped, lists in brackets.
pub(super) fn shown(value: &OptionValue) -> String {
    match value {
        OptionValue::Boolean(truth) => truth.to_string(),
        OptionValue::Text(text) => escaped(text),
        OptionValue::List(items) => {
            let items: Vec<String> = items.iter().map(shown).collect();
            format!("[{}]", items.join(", "))
        }
        other => other.to_string(),
    }
}

/// The text with backslashes and control characters as escapes, as messages and DESC print it.
pub(crate) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c.is_control() => out.push_str(&format!("\\x{:02x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out
}

/// The value as JSON.
pub(super) fn to_json(value: &OptionValue) -> serde_json::Value {
    match value {
        OptionValue::Word(word) if word == "NULL" => serde_json::Value::Null,
        OptionValue::Word(text) | OptionValue::Text(text) => text.as_str().into(),
        OptionValue::Number(number) => (*number).into(),
        OptionValue::Boolean(truth) => (*truth).into(),
        OptionValue::List(items) => items.iter().map(to_json).collect(),
    }
}
