//! What is persisted beside the micro-partitions: plain structs, one module per version for good.
//!
//! Files of this kind are JSON, compressed by zstd when that is worth it, behind a header:
//!
//! | bytes | what |
//! |---|---|
//! | 4 | `FIRN` |
//! | 4 | the version of the format |
//! | 8 | bytes of what follows the header |
//! | 8 | the checksum ([`crate::checksum`]) of the header before it and of all that follows |
//!
//! Numbers are little-endian. Files of version 1 have no header and so no checksum; they are still read.
//! The structs here only mirror the bytes: the account converts them to and from what it works with, so
//! that neither side holds the other back. A field that the version does not know is an error.

pub mod v1;

use std::borrow::Cow;

use bytes::Bytes;
use firn_types::{Error, ErrorCode, Result};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};

use crate::checksum::checksum_of_parts;

/// The format that is written.
pub const FORMAT: u32 = 6;
/// The last format without a header.
const FORMAT_BARE: u32 = 1;
/// What a file with a header begins with.
const MAGIC: [u8; 4] = *b"FIRN";
/// Bytes of the header, and of the part of it that the checksum covers.
const HEADER_BYTES: usize = 24;
const HEADER_CHECKED_BYTES: usize = 16;
/// Bytes of JSON from which it is compressed.
const COMPRESSED_BYTES_MIN: usize = 4 << 10;
/// What a zstd frame begins with.
const ZSTD_MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
/// The level of zstd: fast, and small enough.
const ZSTD_LEVEL: i32 = 3;

/// The bytes of a file.
///
/// # Errors
/// An internal error when the struct has no JSON form.
pub fn to_bytes(content: &impl Serialize) -> Result<Bytes> {
    let json = serde_json::to_vec(content).map_err(|e| Error::internal(e.to_string()))?;
    let payload = match json.len() < COMPRESSED_BYTES_MIN {
        true => json,
        false => {
            zstd::bulk::compress(&json, ZSTD_LEVEL).map_err(|e| Error::internal(e.to_string()))?
        }
    };
    let mut bytes = Vec::with_capacity(HEADER_BYTES + payload.len());
    bytes.extend(MAGIC);
    bytes.extend(FORMAT.to_le_bytes());
    bytes.extend((payload.len() as u64).to_le_bytes());
    let sum = checksum_of_parts([bytes.as_slice(), payload.as_slice()]);
    bytes.extend(sum.to_le_bytes());
    bytes.extend(payload);
    Ok(bytes.into())
}

/// The content of a file.
///
/// # Errors
/// `CorruptFile` when the bytes are not those that were written, or are of a newer format.
pub fn from_bytes<T: DeserializeOwned>(path: &str, bytes: &[u8]) -> Result<T> {
    parse(bytes).map_err(|reason| {
        Error::new(ErrorCode::CorruptFile, format!("File '{path}' cannot be read: {reason}"))
    })
}

/// The content of a file, or what is wrong with its bytes.
fn parse<T: DeserializeOwned>(bytes: &[u8]) -> std::result::Result<T, String> {
    let payload = match bytes.starts_with(&MAGIC) {
        true => checked(bytes)?,
        false => bytes,
    };
    let json: Cow<'_, [u8]> = match payload.starts_with(&ZSTD_MAGIC) {
        true => Cow::Owned(zstd::stream::decode_all(payload).map_err(|e| e.to_string())?),
        false => Cow::Borrowed(payload),
    };
    if payload.len() == bytes.len() {
        let version: Version = serde_json::from_slice(&json).map_err(|e| e.to_string())?;
        if version.format != FORMAT_BARE {
            return Err(format!("it has format {} and no header", version.format));
        }
    }
    serde_json::from_slice(&json).map_err(|e| e.to_string())
}

/// What follows the header, when it is what was written.
fn checked(bytes: &[u8]) -> std::result::Result<&[u8], String> {
    let cut = || format!("it is cut off after {} bytes", bytes.len());
    let (header, payload) = bytes.split_at_checked(HEADER_BYTES).ok_or_else(cut)?;
    let word = |at: usize| {
        let mut word = [0; 8];
        word.copy_from_slice(&header[at..at + 8]);
        u64::from_le_bytes(word)
    };
    let format = (word(0) >> 32) as u32;
    if format > FORMAT {
        return Err(format!("it has format {format}, this firn knows {FORMAT}"));
    }
    if word(8) != payload.len() as u64 {
        return Err(format!("it has {} bytes and should have {}", payload.len(), word(8)));
    }
    match checksum_of_parts([&header[..HEADER_CHECKED_BYTES], payload]) == word(16) {
        true => Ok(payload),
        false => Err("it has another checksum than it was written with".to_string()),
    }
}

/// The hash of an object of the log, by which the next one refers to it: SHA-256 in base 16.
pub fn hash(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    Sha256::digest(bytes).iter().fold(String::with_capacity(64), |mut text, byte| {
        // Writing to a text cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The part of a file without a header that tells its version.
#[derive(serde::Deserialize)]
struct Version {
    format: u32,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::v1::Manifest;

    #[test]
    fn small_and_large_files_come_back() -> Result<()> {
        let mut manifest = Manifest { format: FORMAT, partitions: Vec::new() };
        let small = to_bytes(&manifest)?;
        assert!(small.starts_with(b"FIRN"));
        assert_eq!(from_bytes::<Manifest>("m", &small)?, manifest);
        manifest.partitions = vec![v1::Partition::default(); 200];
        let large = to_bytes(&manifest)?;
        assert!(large.len() < COMPRESSED_BYTES_MIN);
        assert_eq!(from_bytes::<Manifest>("m", &large)?, manifest);
        Ok(())
    }

    #[test]
    fn every_flipped_bit_and_every_cut_is_found_and_the_file_named() -> Result<()> {
        let manifest = Manifest { format: FORMAT, partitions: vec![v1::Partition::default(); 3] };
        let bytes = to_bytes(&manifest)?;
        let refused = |bytes: &[u8]| {
            let error = from_bytes::<Manifest>("the/file", bytes).expect_err("damaged");
            assert_eq!(error.code(), ErrorCode::CorruptFile);
            assert!(error.detail().contains("'the/file'"), "{error}");
        };
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes.to_vec();
            flipped[bit / 8] ^= 1 << (bit % 8);
            refused(&flipped);
        }
        (0..bytes.len()).for_each(|len| refused(&bytes[..len]));
        refused(&[bytes.as_ref(), b"x"].concat());
        Ok(())
    }

    #[test]
    fn files_of_version_1_are_read_and_unknown_fields_and_newer_formats_refused() -> Result<()> {
        let read = |text: &str| from_bytes::<Manifest>("m", text.as_bytes());
        assert_eq!(read(r#"{"format":1,"partitions":[]}"#)?.partitions, []);
        assert!(read(r#"{"format":1,"partitions":[],"more":1}"#).is_err());
        assert!(read(r#"{"format":2,"partitions":[]}"#).is_err(), "a header is missing");
        let mut newer = to_bytes(&Manifest::default())?.to_vec();
        newer[4] += 1;
        let error = from_bytes::<Manifest>("m", &newer).expect_err("newer");
        let expected = format!("it has format {}, this firn knows {FORMAT}", FORMAT + 1);
        assert!(error.detail().contains(&expected), "{error}");
        Ok(())
    }

    #[test]
    fn the_hash_is_sha_256() {
        // From FIPS 180-2, appendix B.1.
        let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(hash(b"abc"), expected);
    }
}
