//! Hexadecimal and base 64, both ways.

use base64::Engine as _;
use base64::alphabet::Alphabet;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use firn_types::{Error, ErrorCode, Result, SqlType, TypeFamily};

use super::CATEGORY;
use crate::driver::{blobs, ints, null_propagating, texts};
use crate::text_buffer::TextBuffer;
use crate::{
    Argument, Arity, Documentation, Example, Kernel, ScalarBinding, ScalarFunction, accept,
};

/// HEX_ENCODE(value [, case])
pub(crate) const HEX_ENCODE: ScalarFunction = ScalarFunction::new(
    "HEX_ENCODE",
    Arity::between(1, 2),
    bind_hex_encode,
    Documentation::of(
        CATEGORY,
        "The bytes in hexadecimal, with upper-case letters unless the second argument is 0.",
        &[
            Example::of("HEX_ENCODE('SNOW')", "534E4F57"),
            Example::of("HEX_ENCODE('SNOW', 0)", "534e4f57"),
        ],
    ),
);

/// BASE64_ENCODE(value [, line length [, alphabet]])
pub(crate) const BASE64_ENCODE: ScalarFunction = ScalarFunction::new(
    "BASE64_ENCODE",
    Arity::between(1, 3),
    bind_base64_encode,
    Documentation::of(
        CATEGORY,
        "The bytes in base 64, in lines of a length if one is given.",
        &[
            Example::of("BASE64_ENCODE('Snowflake')", "U25vd2ZsYWtl"),
            Example::of("BASE64_ENCODE('HELLO')", "SEVMTE8="),
        ],
    ),
);

macro_rules! decoder {
    ($(#[$doc:meta])* $constant:ident, $decode:expr, $options:literal, $text:literal, $lenient:literal,
     $summary:literal, $examples:expr) => {
        $(#[$doc])*
        pub(crate) const $constant: ScalarFunction = ScalarFunction::new(
            stringify!($constant),
            Arity::between(1, 1 + $options),
            |arguments| bind_decode(stringify!($constant), arguments, $decode, $text, $lenient),
            Documentation::of(CATEGORY, $summary, $examples),
        );
    };
}

decoder!(
    /// HEX_DECODE_STRING(text)
    HEX_DECODE_STRING, decode_hex, 0, true, false,
    "The text whose bytes in UTF-8 are given in hexadecimal.",
    &[Example::of("HEX_DECODE_STRING('534E4F57')", "SNOW")]);
decoder!(
    /// HEX_DECODE_BINARY(text)
    HEX_DECODE_BINARY, decode_hex, 0, false, false,
    "The bytes given in hexadecimal.",
    &[Example::of("HEX_DECODE_BINARY('534e4f57')", "534E4F57")]);
decoder!(
    /// TRY_HEX_DECODE_STRING(text)
    TRY_HEX_DECODE_STRING, decode_hex, 0, true, true,
    "As HEX_DECODE_STRING, but NULL for what is not hexadecimal.",
    &[Example::of("TRY_HEX_DECODE_STRING('xyz')", "NULL")]);
decoder!(
    /// TRY_HEX_DECODE_BINARY(text)
    TRY_HEX_DECODE_BINARY, decode_hex, 0, false, true,
    "As HEX_DECODE_BINARY, but NULL for what is not hexadecimal.",
    &[Example::of("TRY_HEX_DECODE_BINARY('xyz')", "NULL")]);
decoder!(
    /// BASE64_DECODE_STRING(text [, alphabet])
    BASE64_DECODE_STRING, decode_base64, 1, true, false,
    "The text whose bytes in UTF-8 are given in base 64.",
    &[Example::of("BASE64_DECODE_STRING('U25vd2ZsYWtl')", "Snowflake")]);
decoder!(
    /// BASE64_DECODE_BINARY(text [, alphabet])
    BASE64_DECODE_BINARY, decode_base64, 1, false, false,
    "The bytes given in base 64.",
    &[Example::of("BASE64_DECODE_BINARY('SEVMTE8=')", "48454C4C4F")]);
decoder!(
    /// TRY_BASE64_DECODE_STRING(text [, alphabet])
    TRY_BASE64_DECODE_STRING, decode_base64, 1, true, true,
    "As BASE64_DECODE_STRING, but NULL for what is not in base 64.",
    &[Example::of("TRY_BASE64_DECODE_STRING('%%')", "NULL")]);
decoder!(
    /// TRY_BASE64_DECODE_BINARY(text [, alphabet])
    TRY_BASE64_DECODE_BINARY, decode_base64, 1, false, true,
    "As BASE64_DECODE_BINARY, but NULL for what is not in base 64.",
    &[Example::of("TRY_BASE64_DECODE_BINARY('%%')", "NULL")]);

/// Writes bytes in hexadecimal.
pub(super) fn push_hex(bytes: &[u8], upper: bool, out: &mut String) {
    let digits: &[u8; 16] = if upper { b"0123456789ABCDEF" } else { b"0123456789abcdef" };
    for byte in bytes {
        out.push(char::from(digits[usize::from(byte >> 4)]));
        out.push(char::from(digits[usize::from(byte & 15)]));
    }
}

/// A kernel that writes a text for the bytes of the first argument.
fn encode_kernel(
    family: TypeFamily,
    write: impl Fn(&[u8], &mut TextBuffer) -> Result<()> + Send + Sync + 'static,
) -> Kernel {
    null_propagating(move |rows, columns| {
        if family == TypeFamily::Binary {
            let value = blobs(&columns[0])?;
            return rows.text(|at, out| write(value.get(at), out).map(|()| true));
        }
        let value = texts(&columns[0])?;
        rows.text(|at, out| write(value.get(at).as_bytes(), out).map(|()| true))
    })
}

fn bind_hex_encode(arguments: &[Argument]) -> Result<ScalarBinding> {
    let input = accept::text_or_binary("HEX_ENCODE", arguments, 0)?;
    let mut types = vec![input];
    if arguments.len() > 1 {
        types.push(accept::integer("HEX_ENCODE", arguments, 1)?);
    }
    let binary = input.family() == TypeFamily::Binary;
    let kernel = null_propagating(move |rows, columns| {
        let case = columns.get(1).map(ints).transpose()?;
        let upper = |at: usize| case.is_none_or(|case| case.get(at) != 0);
        let (bytes, text) = if binary {
            (Some(blobs(&columns[0])?), None)
        } else {
            (None, Some(texts(&columns[0])?))
        };
        rows.text(|at, out| {
            let value = match (&bytes, &text) {
                (Some(bytes), _) => bytes.get(at),
                (_, Some(text)) => text.get(at).as_bytes(),
                _ => &[],
            };
            push_hex(value, upper(at), out);
            Ok(true)
        })
    });
    ScalarBinding::new(types, SqlType::TEXT, kernel)
}

fn bind_base64_encode(arguments: &[Argument]) -> Result<ScalarBinding> {
    let name = "BASE64_ENCODE";
    let input = accept::text_or_binary(name, arguments, 0)?;
    let mut types = vec![input];
    if arguments.len() > 1 {
        types.push(accept::integer(name, arguments, 1)?);
    }
    if arguments.len() > 2 {
        types.push(accept::text(name, arguments, 2)?);
    }
    let line = match arguments.get(1) {
        None => 0,
        Some(_) => accept::constant_integer(arguments, 1).ok_or_else(|| not_constant(name, 2))?,
    };
    let engine = base64_engine(name, arguments, 2)?;
    let kernel = encode_kernel(input.family(), move |value, out| {
        let encoded = engine.encode(value);
        match usize::try_from(line) {
            Ok(line) if line > 0 => {
                for (index, c) in encoded.chars().enumerate() {
                    if index > 0 && index % line == 0 {
                        out.push('\n');
                    }
                    out.push(c);
                }
            }
            _ => out.push_str(&encoded),
        }
        Ok(())
    });
    ScalarBinding::new(types, SqlType::TEXT, kernel)
}

fn not_constant(name: &str, position: usize) -> Error {
    let text = format!("argument {position} to function {name} needs to be constant");
    Error::new(ErrorCode::ConstantArgument, text)
}

/// Base 64 with the alphabet at `position`: up to three characters for 62, 63 and the padding.
fn base64_engine(name: &str, arguments: &[Argument], position: usize) -> Result<Base64> {
    let given = match arguments.get(position) {
        None => "",
        Some(_) => accept::constant_text(arguments, position)
            .ok_or_else(|| not_constant(name, position + 1))?,
    };
    let wrong =
        || Error::new(ErrorCode::InvalidValue, format!("Invalid base64 alphabet '{given}'"));
    let mut characters = *b"+/=";
    if given.len() > characters.len() || !given.is_ascii() {
        return Err(wrong());
    }
    characters[..given.len()].copy_from_slice(given.as_bytes());
    let letters = ('A'..='Z').chain('a'..='z').chain('0'..='9');
    let alphabet: String =
        letters.chain(characters[..2].iter().map(|byte| char::from(*byte))).collect();
    let alphabet = Alphabet::new(&alphabet).map_err(|_| wrong())?;
    let config =
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    let engine = GeneralPurpose::new(&alphabet, config);
    Ok(Base64 { engine, padding: char::from(characters[2]) })
}

/// Base 64 with its own padding character.
#[derive(Clone)]
struct Base64 {
    engine: GeneralPurpose,
    padding: char,
}

impl Base64 {
    fn encode(&self, value: &[u8]) -> String {
        let encoded = self.engine.encode(value);
        if self.padding == '=' { encoded } else { encoded.replace('=', &self.padding.to_string()) }
    }

    fn decode(&self, text: &str, out: &mut Vec<u8>) -> bool {
        let text: String =
            text.chars().filter(|c| !matches!(c, '\n' | '\r') && *c != self.padding).collect();
        self.engine.decode_vec(text, out).is_ok()
    }
}

/// Appends the decoded bytes; FALSE when the text is not of this encoding.
type Decode = fn(&Base64, &str, &mut Vec<u8>) -> bool;

fn decode_base64(engine: &Base64, text: &str, out: &mut Vec<u8>) -> bool {
    engine.decode(text, out)
}

fn decode_hex(_: &Base64, text: &str, out: &mut Vec<u8>) -> bool {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    if !text.len().is_multiple_of(2) {
        return false;
    }
    for pair in text.as_bytes().chunks_exact(2) {
        let (Some(high), Some(low)) = (digit(pair[0]), digit(pair[1])) else { return false };
        out.push((high * 16 + low) as u8);
    }
    true
}

fn bind_decode(
    name: &'static str,
    arguments: &[Argument],
    decode: Decode,
    as_text: bool,
    lenient: bool,
) -> Result<ScalarBinding> {
    let mut types = Vec::new();
    for position in 0..arguments.len() {
        types.push(accept::text(name, arguments, position)?);
    }
    let engine = base64_engine(name, arguments, 1)?;
    let encoding = if name.contains("HEX") { "hex" } else { "base64" };
    let decoded = move |text: &str, out: &mut Vec<u8>| {
        if decode(&engine, text, out) && (!as_text || std::str::from_utf8(out).is_ok()) {
            return Ok(true);
        }
        if lenient {
            return Ok(false);
        }
        let message =
            format!("The following string is not a legal {encoding}-encoded value: '{text}'");
        Err(Error::new(ErrorCode::InvalidBinary, message))
    };
    if !as_text {
        let kernel = null_propagating(move |rows, columns| {
            let text = texts(&columns[0])?;
            rows.bytes(|at, out| decoded(text.get(at), out))
        });
        return ScalarBinding::new(types, SqlType::BINARY, kernel);
    }
    let kernel = null_propagating(move |rows, columns| {
        let text = texts(&columns[0])?;
        let mut bytes = Vec::new();
        rows.text(|at, out| {
            bytes.clear();
            let is_value = decoded(text.get(at), &mut bytes)?;
            out.push_str(std::str::from_utf8(&bytes).unwrap_or_default());
            Ok(is_value)
        })
    });
    ScalarBinding::new(types, SqlType::TEXT, kernel)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_encodings_return_what_went_in_and_refuse_the_rest() -> Result<()> {
        let engine = base64_engine("F", &[], 0)?;
        for value in [&b""[..], b"f", b"fo", b"foo", b"\x00\xff"] {
            let mut out = Vec::new();
            assert!(engine.decode(&engine.encode(value), &mut out));
            assert_eq!(out, value);
            let (mut hex, mut out) = (String::new(), Vec::new());
            push_hex(value, true, &mut hex);
            assert!(decode_hex(&engine, &hex, &mut out));
            assert_eq!(out, value);
        }
        assert_eq!(engine.encode(b"foob"), "Zm9vYg==");
        for wrong in ["abc", "zz", "é"] {
            assert!(!decode_hex(&engine, wrong, &mut Vec::new()));
        }
        assert!(!engine.decode("%%", &mut Vec::new()));
        Ok(())
    }
}
