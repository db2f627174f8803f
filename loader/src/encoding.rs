//! Files in other encodings than UTF-8, read as UTF-8.

use std::io::{self, Read};

use crate::compression::ByteReader;

/// How the characters of a file are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// As they are used inside.
    Utf8,
    /// One byte each, as the table of the upper half says.
    SingleByte(&'static [(u8, char)]),
    /// Units of two bytes.
    Utf16(ByteOrder),
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

/// Where ISO 8859-15 differs from ISO 8859-1, whose bytes are the first characters of Unicode.
const LATIN_9: &[(u8, char)] = &[
    (0xA4, '€'),
    (0xA6, 'Š'),
    (0xA8, 'š'),
    (0xB4, 'Ž'),
    (0xB8, 'ž'),
    (0xBC, 'Œ'),
    (0xBD, 'œ'),
    (0xBE, 'Ÿ'),
];

/// Where Windows 1252 differs from ISO 8859-1.
const WINDOWS_1252: &[(u8, char)] = &[
    (0x80, '€'),
    (0x82, '‚'),
    (0x83, 'ƒ'),
    (0x84, '„'),
    (0x85, '…'),
    (0x86, '†'),
    (0x87, '‡'),
    (0x88, 'ˆ'),
    (0x89, '‰'),
    (0x8A, 'Š'),
    (0x8B, '‹'),
    (0x8C, 'Œ'),
    (0x8E, 'Ž'),
    (0x91, '‘'),
    (0x92, '’'),
    (0x93, '“'),
    (0x94, '”'),
    (0x95, '•'),
    (0x96, '–'),
    (0x97, '—'),
    (0x98, '˜'),
    (0x99, '™'),
    (0x9A, 'š'),
    (0x9B, '›'),
    (0x9C, 'œ'),
    (0x9E, 'ž'),
    (0x9F, 'Ÿ'),
];

/// Bytes that are read at once.
const BLOCK_BYTES: usize = 64 * 1024;

impl Encoding {
    /// The encoding of this name, as option ENCODING writes it; none for those that firn does not have.
    pub fn from_name(name: &str) -> Option<Encoding> {
        Some(match name {
            "UTF8" | "UTF-8" => Encoding::Utf8,
            "ISO88591" => Encoding::SingleByte(&[]),
            "ISO885915" => Encoding::SingleByte(LATIN_9),
            "WINDOWS1252" => Encoding::SingleByte(WINDOWS_1252),
            "UTF16" => Encoding::Utf16(ByteOrder::Marked),
            "UTF16BE" => Encoding::Utf16(ByteOrder::Big),
            "UTF16LE" => Encoding::Utf16(ByteOrder::Little),
            "UTF32" => Encoding::Utf32(ByteOrder::Marked),
            "UTF32BE" => Encoding::Utf32(ByteOrder::Big),
            "UTF32LE" => Encoding::Utf32(ByteOrder::Little),
            _ => return None,
        })
    }

    /// A reader of the source's characters as UTF-8. What is no character becomes U+FFFD.
    pub fn reader(self, source: ByteReader) -> ByteReader {
        match self {
            Encoding::Utf8 => source,
            encoding => {
                Box::new(Decoder { source, encoding, raw: Vec::new(), text: Vec::new(), at: 0 })
            }
        }
    }
}

struct Decoder {
    source: ByteReader,
    encoding: Encoding,
    /// Bytes of a unit, or of a pair of units, whose end is not read yet.
    raw: Vec<u8>,
    text: Vec<u8>,
    /// How much of `text` is given.
    at: usize,
}

impl Read for Decoder {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.at == self.text.len() {
            let mut block = Vec::with_capacity(BLOCK_BYTES);
            let count = self.source.by_ref().take(BLOCK_BYTES as u64).read_to_end(&mut block)?;
            self.raw.extend(block);
            self.text.clear();
            self.at = 0;
            self.decode(count == 0);
            if count == 0 && self.text.is_empty() {
                return Ok(0);
            }
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
            Encoding::SingleByte(table) => {
                let decode = |byte: &u8| {
                    let found = table.iter().find(|(written, _)| written == byte);
                    found.map_or(char::from(*byte), |(_, character)| *character)
                };
                text.extend(self.raw.iter().map(decode));
                self.raw.len()
            }
            Encoding::Utf16(order) => {
                let order = self.settle(order);
                self.encoding = Encoding::Utf16(order);
                utf16(&self.raw, order, last, &mut text)
            }
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
fn utf16(raw: &[u8], order: ByteOrder, last: bool, text: &mut String) -> usize {
    let unit = |pair: &[u8]| match order {
        ByteOrder::Little => u16::from_le_bytes([pair[0], pair[1]]),
        _ => u16::from_be_bytes([pair[0], pair[1]]),
    };
    let mut units: Vec<u16> = raw.chunks_exact(2).map(unit).collect();
    // The first half of a character waits for the other one.
    if !last && units.last().is_some_and(|unit| (0xD800..0xDC00).contains(unit)) {
        units.pop();
    }
    let decoded = char::decode_utf16(units.iter().copied());
    text.extend(decoded.map(|found| found.unwrap_or(char::REPLACEMENT_CHARACTER)));
    units.len() * 2
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
        assert!(Encoding::from_name("BIG5").is_none());
    }
}
