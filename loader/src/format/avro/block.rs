//! The framing of object container files: a header, and blocks that end with its sync marker.
//!
//! Format: <https://avro.apache.org/docs/1.12.0/specification/#object-container-files>.

use std::io::Cursor;
use std::panic::catch_unwind;

use arrow_avro::compression::CompressionCodec;
use arrow_avro::reader::read_header_info;
use firn_types::Result;

use crate::format::chunk::ChunkSource;

/// Bytes of a header at which it is given up; most of it is the schema.
const HEADER_BYTES_MAX: usize = 64 * 1024 * 1024;
const HEADER_BYTES_GUESSED: usize = 64 * 1024;
const SYNC_BYTES: usize = 16;

/// What a file begins with.
pub(super) struct Header {
    /// All of it.
    pub(super) bytes: Vec<u8>,
    /// The schema, as JSON.
    pub(super) schema: String,
    /// How the blocks are compressed.
    pub(super) codec: Option<CompressionCodec>,
    /// What each block ends with.
    pub(super) sync: [u8; SYNC_BYTES],
}

/// A block as it stands in a file.
pub(super) struct Framed<'b> {
    /// Its bytes, with all that stands around them.
    pub(super) length: usize,
    /// How many rows it says that it has.
    pub(super) rows: u64,
    /// The rows.
    pub(super) payload: &'b [u8],
}

/// Whole blocks at the front of some bytes.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Blocks {
    /// Their bytes.
    pub(super) bytes: usize,
    /// Their rows.
    pub(super) rows: u64,
    /// What is wrong with what follows.
    pub(super) broken: Option<&'static str>,
}

impl Header {
    /// Takes the header off the front; the inner error says what is wrong with it.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub(super) fn take(source: &mut ChunkSource) -> Result<std::result::Result<Header, String>> {
        let mut wanted = HEADER_BYTES_GUESSED;
        loop {
            source.peek(wanted)?;
            let is_all = source.at_end() || wanted >= HEADER_BYTES_MAX;
            let bytes = source.peek(wanted)?;
            match Header::read(bytes) {
                Err(_) if !is_all && bytes.starts_with(b"Obj\x01") => wanted *= 2,
                Err(error) => return Ok(Err(error)),
                Ok(header) => {
                    source.drop_front(header.bytes.len());
                    return Ok(Ok(header));
                }
            }
        }
    }

    fn read(bytes: &[u8]) -> std::result::Result<Header, String> {
        let broken = "its header is broken";
        let info = catch_unwind(|| read_header_info(Cursor::new(bytes)));
        let info = info.map_err(|_| broken)?.map_err(|error| error.to_string())?;
        let length = usize::try_from(info.header_len()).map_err(|_| broken)?;
        let schema = info.writer_schema().map_err(|error| error.to_string())?;
        let codec = info.compression().map_err(|error| error.to_string())?;
        Ok(Header {
            codec,
            bytes: bytes.get(..length).ok_or(broken)?.to_vec(),
            schema: schema.json_string,
            sync: info.sync(),
        })
    }

    /// The header of a file with the same blocks without compression: each chunk is decoded as a file of its own that
    /// begins with it.
    pub(super) fn plain(&self) -> Vec<u8> {
        let mut plain = b"Obj\x01".to_vec();
        // One pair, a text and bytes, and the end of the pairs.
        put_long(1, &mut plain);
        for text in ["avro.schema", &self.schema] {
            put_long(text.len() as u64, &mut plain);
            plain.extend_from_slice(text.as_bytes());
        }
        put_long(0, &mut plain);
        plain.extend_from_slice(&self.sync);
        plain
    }

    /// The whole blocks at the front of `bytes`; when `last`, the bytes end where the file does.
    pub(super) fn blocks(&self, bytes: &[u8], last: bool) -> Blocks {
        let mut found = Blocks::default();
        while found.bytes < bytes.len() {
            match self.block(&bytes[found.bytes..]) {
                Ok(Some(block)) => {
                    found.bytes += block.length;
                    found.rows = found.rows.saturating_add(block.rows);
                }
                Ok(None) => {
                    found.broken = last.then_some("the file ends within a block");
                    break;
                }
                Err(reason) => {
                    found.broken = Some(reason);
                    break;
                }
            }
        }
        found
    }

    /// The block that `bytes` begin with; none when it is not whole.
    pub(super) fn block<'b>(
        &self,
        bytes: &'b [u8],
    ) -> std::result::Result<Option<Framed<'b>>, &'static str> {
        let Some((rows, rest)) = long(bytes)? else { return Ok(None) };
        let Some((size, rest)) = long(rest)? else { return Ok(None) };
        let rows = u64::try_from(rows).map_err(|_| "a block has a negative number of rows")?;
        let size = usize::try_from(size).map_err(|_| "a block has a negative size")?;
        let end = size.checked_add(SYNC_BYTES).ok_or("a block is too large")?;
        match rest.get(size..end) {
            None => Ok(None),
            Some(sync) if sync != self.sync => Err("a block does not end with the file's marker"),
            Some(_) => {
                let length = bytes.len() - rest.len() + end;
                Ok(Some(Framed { length, rows, payload: &rest[..size] }))
            }
        }
    }
}

/// Adds a number of variable length in zigzag form; none that is larger than an `i64` is written.
pub(super) fn put_long(value: u64, to: &mut Vec<u8>) {
    let mut left = value << 1;
    while left >= 0x80 {
        to.push((left & 0x7f) as u8 | 0x80);
        left >>= 7;
    }
    to.push(left as u8);
}

/// A number of variable length in zigzag form, and what follows; none when it is not whole.
fn long(bytes: &[u8]) -> std::result::Result<Option<(i64, &[u8])>, &'static str> {
    let mut value = 0u64;
    for (position, byte) in bytes.iter().enumerate() {
        if position == 10 {
            return Err("a number of a block has more than 64 bits");
        }
        value |= u64::from(byte & 0x7f) << (7 * position).min(63);
        if byte & 0x80 == 0 {
            let value = (value >> 1) as i64 ^ -((value & 1) as i64);
            return Ok(Some((value, &bytes[position + 1..])));
        }
    }
    match bytes.len() {
        0..10 => Ok(None),
        _ => Err("a number of a block has more than 64 bits"),
    }
}
