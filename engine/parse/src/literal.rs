//! What string literals and quoted names stand for.

use std::borrow::Cow;

use super::ast::{Literal, TimestampKind};

/// The value of `'..'`, quotes included: `\n` and its kin, `\ooo`, `\xhh`, `\uhhhh`, doubled quotes. A
/// backslash before any other character is dropped.
pub(super) fn unescape(literal: &str) -> Cow<'_, str> {
    let body = literal.get(1..literal.len().saturating_sub(1)).unwrap_or("");
    if !body.contains(['\\', '\'']) {
        return Cow::Borrowed(body);
    }
    let mut text = String::with_capacity(body.len());
    let mut rest = body;
    while let Some(c) = rest.chars().next() {
        rest = &rest[c.len_utf8()..];
        match c {
            '\'' => {
                text.push('\'');
                rest = rest.strip_prefix('\'').unwrap_or(rest);
            }
            '\\' => rest = escape(rest, &mut text),
            c => text.push(c),
        }
    }
    Cow::Owned(text)
}

/// The constant of `DATE '..'` and its kin, from the word and the text; none for another word.
pub(super) fn typed(word: &str, text: Box<str>) -> Option<Literal> {
    Some(match word.to_ascii_uppercase().as_str() {
        "DATE" => Literal::Date(text),
        "TIME" => Literal::Time(text),
        "TIMESTAMP" => Literal::Timestamp(TimestampKind::Plain, text),
        "TIMESTAMP_NTZ" | "DATETIME" => Literal::Timestamp(TimestampKind::Ntz, text),
        "TIMESTAMP_LTZ" => Literal::Timestamp(TimestampKind::Ltz, text),
        "TIMESTAMP_TZ" => Literal::Timestamp(TimestampKind::Tz, text),
        _ => return None,
    })
}

/// Writes what the escape sequence at the start of `rest` stands for; returns what follows it.
fn escape<'a>(rest: &'a str, text: &mut String) -> &'a str {
    let Some(c) = rest.chars().next() else {
        text.push('\\');
        return rest;
    };
    let after = &rest[c.len_utf8()..];
    let plain = match c {
        'b' => '\u{8}',
        'f' => '\u{c}',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'x' => return coded(after, 2, 16, c, text),
        'u' => return coded(after, 4, 16, c, text),
        '0'..='7' => {
            let digits = rest.bytes().take(3).take_while(|b| matches!(b, b'0'..=b'7')).count();
            // `\0` alone is the null character; an octal code has three digits.
            return coded(rest, if digits == 3 { 3 } else { 1 }, 8, c, text);
        }
        other => other,
    };
    text.push(plain);
    after
}

/// Writes the character whose code are the next `digits` digits; without a valid code, `letter` stays.
fn coded<'a>(rest: &'a str, digits: usize, radix: u32, letter: char, text: &mut String) -> &'a str {
    let code = rest.get(..digits).filter(|code| code.bytes().all(|b| b.is_ascii_alphanumeric()));
    let value = code.and_then(|code| u32::from_str_radix(code, radix).ok());
    let Some(mut value) = value else {
        text.push(letter);
        return if radix == 8 { &rest[1..] } else { rest };
    };
    let mut after = &rest[digits..];
    // Characters beyond the first plane come as two codes.
    if radix == 16 && (0xd800..0xdc00).contains(&value) {
        let low = after.strip_prefix("\\u").and_then(|low| low.get(..4));
        let low = low.and_then(|low| u32::from_str_radix(low, 16).ok());
        if let Some(low) = low.filter(|low| (0xdc00..0xe000).contains(low)) {
            value = 0x10000 + ((value - 0xd800) << 10) + (low - 0xdc00);
            after = &after[6..];
        }
    }
    text.push(char::from_u32(value).unwrap_or(char::REPLACEMENT_CHARACTER));
    after
}

/// The name in `".."`, quotes included.
pub(super) fn unquote(name: &str) -> String {
    name.get(1..name.len().saturating_sub(1)).unwrap_or("").replace("\"\"", "\"")
}

/// The bytes of `X'..'`, or nothing when the digits are not pairs of hexadecimal ones.
pub(super) fn hex_bytes(digits: &str) -> Option<Vec<u8>> {
    let pairs = digits.as_bytes().chunks(2);
    pairs
        .map(|pair| {
            let text = std::str::from_utf8(pair).ok().filter(|text| text.len() == 2)?;
            text.bytes()
                .all(|b| b.is_ascii_hexdigit())
                .then(|| u8::from_str_radix(text, 16).ok())?
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_of_every_kind() {
        for (literal, value) in [
            ("''", ""),
            ("'it''s'", "it's"),
            (r"'it\'s'", "it's"),
            (r"'\u26c4 \x41 \101'", "\u{26c4} A A"),
            (r"'\uD83D\uDE00'", "\u{1f600}"),
            (r"'a\nb\tc\\d\%e'", "a\nb\tc\\d%e"),
            (r"'\z\q\0'", "zq\0"),
            (r"'\xZZ'", "xZZ"),
            (r"'\u12'", "u12"),
            (r"'\\d+'", r"\d+"),
            ("'é\\é'", "éé"),
        ] {
            assert_eq!(unescape(literal), value, "{literal}");
        }
    }

    #[test]
    fn hexadecimal_digits_come_in_pairs() {
        assert_eq!(hex_bytes("0aFF"), Some(vec![10, 255]));
        assert_eq!(hex_bytes("0aF"), None);
        assert_eq!(hex_bytes("+1"), None);
        assert_eq!(hex_bytes(""), Some(Vec::new()));
    }
}
