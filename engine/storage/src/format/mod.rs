//! What is persisted beside the micro-partitions: plain structs, one module per version for good.
//!
//! Files of this kind are JSON, compressed by zstd when that is worth it; the first byte tells. Every
//! file carries the version of its format. The structs here only mirror the bytes: the account converts
//! them to and from what it works with, so that neither side holds the other back.

pub mod v1;

use std::borrow::Cow;

use bytes::Bytes;
use firn_types::{Error, ErrorCode, Result};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// The format that is written.
pub const FORMAT: u32 = 1;
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
    if json.len() < COMPRESSED_BYTES_MIN {
        return Ok(json.into());
    }
    let compressed = zstd::bulk::compress(&json, ZSTD_LEVEL);
    compressed.map(Bytes::from).map_err(|e| Error::internal(e.to_string()))
}

/// The content of a file.
///
/// # Errors
/// `CorruptFile` when the bytes are not what they should be.
pub fn from_bytes<T: DeserializeOwned>(path: &str, bytes: &[u8]) -> Result<T> {
    let corrupt = |reason: &dyn std::fmt::Display| {
        Error::new(ErrorCode::CorruptFile, format!("File '{path}' cannot be read: {reason}"))
    };
    let json: Cow<'_, [u8]> = if bytes.starts_with(&ZSTD_MAGIC) {
        Cow::Owned(zstd::stream::decode_all(bytes).map_err(|e| corrupt(&e))?)
    } else {
        Cow::Borrowed(bytes)
    };
    let version: Version = serde_json::from_slice(&json).map_err(|e| corrupt(&e))?;
    if version.format > FORMAT {
        return Err(corrupt(&format!(
            "it has format {}, this firn knows {FORMAT}",
            version.format
        )));
    }
    serde_json::from_slice(&json).map_err(|e| corrupt(&e))
}

/// The only part of a file that all versions share.
#[derive(serde::Deserialize)]
struct Version {
    format: u32,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::v1::Manifest;

    #[test]
    fn small_and_large_files_come_back_and_newer_ones_are_refused() -> Result<()> {
        let mut manifest = Manifest { format: FORMAT, partitions: Vec::new() };
        let small = to_bytes(&manifest)?;
        assert_eq!(small[0], b'{');
        assert_eq!(from_bytes::<Manifest>("m", &small)?, manifest);
        manifest.partitions = vec![v1::Partition::default(); 200];
        let large = to_bytes(&manifest)?;
        assert!(large.starts_with(&ZSTD_MAGIC) && large.len() < COMPRESSED_BYTES_MIN);
        assert_eq!(from_bytes::<Manifest>("m", &large)?, manifest);
        manifest.format = FORMAT + 1;
        let error = from_bytes::<Manifest>("m", &to_bytes(&manifest)?).expect_err("newer");
        assert_eq!(error.code(), ErrorCode::CorruptFile);
        Ok(())
    }
}
