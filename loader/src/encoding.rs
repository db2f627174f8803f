//! Files in other encodings than UTF-8, read as UTF-8.

use std::io::{self, Read};

use encoding_rs::Encoding as Standard;

use crate::compression::ByteReader;

/// How the characters of a file are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// As they are used inside.
    Utf8,
    /// One byte each, of the value that the character has in Unicode: ISO 8859-1, whose upper half the
    /// Encoding Standard reads as that of Windows 1252.
    Latin1,
    /// As the [Encoding Standard](https://encoding.spec.whatwg.org/) says.
    Standard(&'static Standard),
    /// Units of two bytes, whose order the byte order mark tells; without one, the high byte is first.
    Utf16,
    /// Units of four bytes.
    Utf32(ByteOrder),
}

/// Which byte of a unit comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ByteOrder {
    /// As the byte order mark says; without one, the high byte.
    Marked,
    /// The high byte.
    Big,
    /// The low byte.
    Little,
}

/// The names of option ENCODING and what they are in the Encoding Standard, which has a few of them under
/// the name of another one that extends it.
const STANDARD: &[(&str, &Standard)] = &[
    ("BIG5", encoding_rs::BIG5),
    ("EUCJP", encoding_rs::EUC_JP),
    ("EUCKR", encoding_rs::EUC_KR),
    ("GB18030", encoding_rs::GB18030),
    ("ISO2022JP", encoding_rs::ISO_2022_JP),
    ("ISO88592", encoding_rs::ISO_8859_2),
    ("ISO88595", encoding_rs::ISO_8859_5),
    ("ISO88596", encoding_rs::ISO_8859_6),
    ("ISO88597", encoding_rs::ISO_8859_7),
    ("ISO88598", encoding_rs::ISO_8859_8),
    ("ISO88599", encoding_rs::WINDOWS_1254),
    ("ISO885915", encoding_rs::ISO_8859_15),
    ("KOI8R", encoding_rs::KOI8_R),
    ("SHIFTJIS", encoding_rs::SHIFT_JIS),
    ("UTF16BE", encoding_rs::UTF_16BE),
    ("UTF16LE", encoding_rs::UTF_16LE),
    ("WINDOWS874", encoding_rs::WINDOWS_874),
    ("WINDOWS949", encoding_rs::EUC_KR),
    ("WINDOWS1250", encoding_rs::WINDOWS_1250),
    ("WINDOWS1251", encoding_rs::WINDOWS_1251),
    ("WINDOWS1252", encoding_rs::WINDOWS_1252),
    ("WINDOWS1253", encoding_rs::WINDOWS_1253),
    ("WINDOWS1254", encoding_rs::WINDOWS_1254),
    ("WINDOWS1255", encoding_rs::WINDOWS_1255),
    ("WINDOWS1256", encoding_rs::WINDOWS_1256),
];

/// Bytes that are read at once.
const BLOCK_BYTES: usize = 64 * 1024;

impl Encoding {
    /// The encoding of this name, as option ENCODING writes it; none for those that firn does not have.
    pub fn from_name(name: &str) -> Option<Encoding> {
        Some(match name {
            "UTF8" | "UTF-8" => Encoding::Utf8,
            "ISO88591" => Encoding::Latin1,
            "UTF16" => Encoding::Utf16,
            "UTF32" => Encoding::Utf32(ByteOrder::Marked),
            "UTF32BE" => Encoding::Utf32(ByteOrder::Big),
            "UTF32LE" => Encoding::Utf32(ByteOrder::Little),
            _ => {
                let known = STANDARD.iter().find(|(known, _)| *known == name)?;
                Encoding::Standard(known.1)
            }
        })
    }

    /// A reader of the source's characters as UTF-8. What is no character becomes U+FFFD.
    pub fn reader(self, source: ByteReader) -> ByteReader {
        match self {
            Encoding::Utf8 => source,
            encoding => Box::new(Decoder {
                source,
                encoding,
                standard: None,
                raw: Vec::new(),
                text: Vec::new(),
                at: 0,
                finished: false,
            }),
        }
    }
}

struct Decoder {
    source: ByteReader,
    encoding: Encoding,
    /// The decoder, of what has one in the Encoding Standard.
    standard: Option<encoding_rs::Decoder>,
    /// Bytes of a unit whose end is not read yet.
    raw: Vec<u8>,
    text: Vec<u8>,
    /// How much of `text` is given.
    at: usize,
    /// Whether the last of the source is decoded.
    finished: bool,
}

impl Read for Decoder {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.at == self.text.len() {
            if self.finished {
                return Ok(0);
            }
            let mut block = Vec::with_capacity(BLOCK_BYTES);
            let count = self.source.by_ref().take(BLOCK_BYTES as u64).read_to_end(&mut block)?;
            self.raw.extend(block);
            self.text.clear();
            self.at = 0;
            self.finished = count == 0;
            self.decode(self.finished);
        }
        let count = into.len().min(self.text.len() - self.at);
        into[..count].copy_from_slice(&self.text[self.at..self.at + count]);
        self.at += count;
        Ok(count)
    }
}

impl Decoder {
    /// Turns what is whole of `raw`, all of it when `last`, into text.
    fn decode(&mut self, last: bool) {
        let mut text = String::new();
        let taken = match self.encoding {
            Encoding::Utf8 => self.raw.len(),
            Encoding::Latin1 => {
                text.extend(self.raw.iter().map(|byte| char::from(*byte)));
                self.raw.len()
            }
            Encoding::Utf16 if self.raw.len() < 2 && !last => 0,
            Encoding::Utf16 => {
                let is_little = self.raw.starts_with(&[0xFF, 0xFE]);
                let order = if is_little { encoding_rs::UTF_16LE } else { encoding_rs::UTF_16BE };
                self.encoding = Encoding::Standard(order);
                self.standard(order, last, &mut text)
            }
            Encoding::Standard(standard) => self.standard(standard, last, &mut text),
            Encoding::Utf32(order) => {
                let order = self.settle(order);
                self.encoding = Encoding::Utf32(order);
                utf32(&self.raw, order, &mut text)
            }
        };
        self.raw.drain(..taken);
        if last && !self.raw.is_empty() {
            self.raw.clear();
            text.push(char::REPLACEMENT_CHARACTER);
        }
        self.text = text.into_bytes();
    }

    /// Decodes all bytes: the decoder keeps those of a character whose end is not there yet.
    fn standard(&mut self, standard: &'static Standard, last: bool, text: &mut String) -> usize {
        let decoder =
            self.standard.get_or_insert_with(|| standard.new_decoder_without_bom_handling());
        let most = decoder.max_utf8_buffer_length(self.raw.len());
        text.reserve(most.unwrap_or(self.raw.len().saturating_mul(3)));
        let (_, taken, _) = decoder.decode_to_string(&self.raw, text, last);
        taken
    }

    /// The order of bytes, once the first of them are there.
    fn settle(&self, order: ByteOrder) -> ByteOrder {
        match order {
            ByteOrder::Marked if self.raw.starts_with(&[0xFF, 0xFE]) => ByteOrder::Little,
            ByteOrder::Marked => ByteOrder::Big,
            known => known,
        }
    }
}

/// Decodes whole characters, and gives the bytes that they take.
fn utf32(raw: &[u8], order: ByteOrder, text: &mut String) -> usize {
    let units = raw.chunks_exact(4);
    let taken = raw.len() - units.remainder().len();
    text.extend(units.map(|unit| {
        let bytes = [unit[0], unit[1], unit[2], unit[3]];
        let number = match order {
            ByteOrder::Little => u32::from_le_bytes(bytes),
            _ => u32::from_be_bytes(bytes),
        };
        char::from_u32(number).unwrap_or(char::REPLACEMENT_CHARACTER)
    }));
    taken
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives one byte at a time.
    struct Drip(io::Cursor<Vec<u8>>);

    impl Read for Drip {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            let end = into.len().min(1);
            self.0.read(&mut into[..end])
        }
    }

    fn decoded(name: &str, bytes: &[u8]) -> String {
        let mut text = String::new();
        let source: ByteReader = Box::new(Drip(io::Cursor::new(bytes.to_vec())));
        let encoding = Encoding::from_name(name).unwrap();
        encoding.reader(source).read_to_string(&mut text).unwrap();
        text
    }

    #[test]
    fn characters_become_utf8() {
        assert_eq!(decoded("ISO88591", b"Z\xFCrich \xA4"), "Zürich ¤");
        assert_eq!(decoded("ISO885915", b"\xA4"), "€");
        assert_eq!(decoded("WINDOWS1252", b"\x80 \x93a\x94 \xE9"), "€ “a” é");
        let text = "aé€😀";
        let be: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
        let le: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(decoded("UTF16BE", &be), text);
        assert_eq!(decoded("UTF16LE", &le), text);
        assert_eq!(decoded("UTF16", &be), text);
        assert_eq!(decoded("UTF16", &[&[0xFF, 0xFE], &le[..]].concat()), format!("\u{FEFF}{text}"));
        let wide: Vec<u8> = text.chars().flat_map(|c| u32::from(c).to_be_bytes()).collect();
        assert_eq!(decoded("UTF32", &wide), text);
        assert_eq!(decoded("UTF16BE", &[0, b'a', 0xD8]), "a\u{FFFD}");
        assert_eq!(decoded("BIG5", b"\xA4\xA4\xA4\xE5"), "中文");
        assert_eq!(decoded("GB18030", b"\xD6\xD0\xCE\xC4\x81\x30\x81\x30"), "中文\u{80}");
        assert_eq!(decoded("SHIFTJIS", b"\x93\xFA\x96\x7B\xB1"), "日本ｱ");
        assert_eq!(decoded("EUCJP", b"\xC6\xFC\xCB\xDC"), "日本");
        assert_eq!(decoded("ISO2022JP", b"\x1B$BF|K\\\x1B(Bx"), "日本x");
        assert_eq!(decoded("EUCKR", b"\xC7\xD1\xB1\xDB"), "한글");
        assert_eq!(decoded("KOI8R", b"\xED\xC9\xD2"), "Мир");
        assert_eq!(decoded("WINDOWS1251", b"\xCC\xE8\xF0"), "Мир");
        assert_eq!(decoded("ISO88597", b"\xE1\xE2"), "αβ");
        assert_eq!(decoded("SHIFTJIS", b"a\x93"), "a\u{FFFD}");
        assert!(Encoding::from_name("IBM420").is_none());
    }
}
