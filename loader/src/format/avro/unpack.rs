//! Blocks of object container files without their compression: they are taken out of it here, one at a time, since
//! nothing else says how large they become.

use std::io::{BufRead, Error, ErrorKind, Read, Result};

use arrow_avro::compression::CompressionCodec;

use super::block::{Header, put_long};

/// Bytes of a block without its compression; writers make blocks of some KiB.
const BLOCK_BYTES_MAX: usize = 256 << 20;
/// How many times as large as its compressed form a text may be for Snappy, whose longest copies of 64 bytes take three.
const SNAPPY_GROWTH_MAX: usize = 32;
const CHECKSUM_BYTES: usize = 4;

/// Whole blocks as they would be without compression.
pub(super) struct Unpacked<'c> {
    header: &'c Header,
    codec: CompressionCodec,
    /// The blocks that are still compressed.
    packed: &'c [u8],
    /// The block that is read now, and how far.
    block: Vec<u8>,
    read: usize,
}

impl<'c> Unpacked<'c> {
    pub(super) fn new(header: &'c Header, codec: CompressionCodec, packed: &'c [u8]) -> Self {
        Unpacked { header, codec, packed, block: Vec::new(), read: 0 }
    }

    fn next_block(&mut self) -> Result<()> {
        let framed = self.header.block(self.packed).map_err(broken)?;
        let framed = framed.ok_or_else(|| broken("the file ends within a block"))?;
        let payload = decompressed(self.codec, framed.payload, BLOCK_BYTES_MAX)?;
        self.block.clear();
        self.read = 0;
        put_long(framed.rows, &mut self.block);
        put_long(payload.len() as u64, &mut self.block);
        self.block.extend_from_slice(&payload);
        self.block.extend_from_slice(&self.header.sync);
        self.packed = &self.packed[framed.length..];
        Ok(())
    }
}

impl BufRead for Unpacked<'_> {
    fn fill_buf(&mut self) -> Result<&[u8]> {
        if self.read == self.block.len() && !self.packed.is_empty() {
            self.next_block()?;
        }
        Ok(&self.block[self.read..])
    }

    fn consume(&mut self, count: usize) {
        self.read += count;
    }
}

impl Read for Unpacked<'_> {
    fn read(&mut self, to: &mut [u8]) -> Result<usize> {
        let count = self.fill_buf()?.read(to)?;
        self.consume(count);
        Ok(count)
    }
}

/// A block without its compression.
fn decompressed(codec: CompressionCodec, block: &[u8], bytes_max: usize) -> Result<Vec<u8>> {
    match codec {
        CompressionCodec::Deflate => limited(flate2::read::DeflateDecoder::new(block), bytes_max),
        CompressionCodec::ZStandard => limited(zstd::Decoder::new(block)?, bytes_max),
        CompressionCodec::Bzip2 => limited(bzip2::read::BzDecoder::new(block), bytes_max),
        CompressionCodec::Snappy => snappy(block, bytes_max),
        CompressionCodec::Xz => Err(broken("blocks with the codec xz are not supported")),
    }
}

fn limited(reader: impl Read, bytes_max: usize) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    reader.take(bytes_max as u64 + 1).read_to_end(&mut bytes)?;
    if bytes.len() > bytes_max { Err(too_large(bytes_max)) } else { Ok(bytes) }
}

/// What Snappy has compressed, with the CRC-32 of it behind.
fn snappy(block: &[u8], bytes_max: usize) -> Result<Vec<u8>> {
    let no_snappy = |_| broken("a block is not compressed by Snappy");
    let split = block.len().checked_sub(CHECKSUM_BYTES);
    let split = split.ok_or_else(|| broken("a block has no checksum"))?;
    let (packed, checksum) = block.split_at(split);
    let length = snap::raw::decompress_len(packed).map_err(no_snappy)?;
    if length > packed.len().saturating_mul(SNAPPY_GROWTH_MAX) {
        return Err(broken("a block says that it is larger than it can be"));
    }
    if length > bytes_max {
        return Err(too_large(bytes_max));
    }
    let bytes = snap::raw::Decoder::new().decompress_vec(packed).map_err(no_snappy)?;
    let mut sum = flate2::Crc::new();
    sum.update(&bytes);
    match sum.sum().to_be_bytes() == checksum {
        true => Ok(bytes),
        false => Err(broken("a block has another checksum")),
    }
}

fn broken(reason: &str) -> Error {
    Error::new(ErrorKind::InvalidData, reason)
}

fn too_large(bytes_max: usize) -> Error {
    broken(&format!("a block has more than {bytes_max} bytes without its compression"))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn a_block_becomes_no_larger_than_it_may() -> Result<()> {
        let zeros = vec![0; 100_000];
        let mut deflated = flate2::write::DeflateEncoder::new(Vec::new(), Default::default());
        deflated.write_all(&zeros)?;
        let mut snappy = snap::raw::Encoder::new().compress_vec(&zeros).map_err(Error::other)?;
        let mut sum = flate2::Crc::new();
        sum.update(&zeros);
        snappy.extend_from_slice(&sum.sum().to_be_bytes());
        for (codec, block) in [
            (CompressionCodec::Deflate, deflated.finish()?),
            (CompressionCodec::ZStandard, zstd::encode_all(&zeros[..], 0)?),
            (CompressionCodec::Snappy, snappy),
        ] {
            assert_eq!(decompressed(codec, &block, 100_000)?, zeros, "{codec:?}");
            let error = decompressed(codec, &block, 99_999).expect_err("too large").to_string();
            assert!(error.contains("more than 99999 bytes"), "{codec:?}: {error}");
        }
        // Whoever says so of five bytes.
        let claimed = [0xff, 0xff, 0xff, 0xff, 0x0f, 0, 0, 0, 0];
        let error = decompressed(CompressionCodec::Snappy, &claimed, usize::MAX);
        assert!(error.expect_err("a claim").to_string().contains("larger than it can be"));
        Ok(())
    }
}
