//! Checksums of micro-partitions.
//!
//! A file's footer has, under [`KEY`], the checksums of its column chunks, cut into blocks: reading a whole
//! chunk verifies it as it is, reading some of its pages reads the blocks that they lie in. The footer
//! itself, with the page indexes before it, is verified by the [`FooterSeal`] that the account keeps. Files
//! that were written before there were seals are read unverified.

use std::ops::Range;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use bytes::Bytes;
use parquet::errors::ParquetError;
use parquet::file::metadata::{KeyValue, ParquetMetaData, RowGroupMetaData};
use parquet::file::writer::SerializedFileWriter;

use super::footer::chunk_range;
use super::sink::FileSink;
use crate::checksum::checksum;

/// The key of the checksums among the footer's key-value pairs.
const KEY: &str = "firn.xxh3";
/// Bytes of a block of a column chunk, the last of a chunk excepted.
const BLOCK_BYTES: u64 = 16 << 10;

/// What a file's footer must be: the account keeps it, and so knows the whole file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FooterSeal {
    /// Bytes of the file's end with the page indexes and the footer.
    pub bytes: u64,
    /// Their checksum.
    pub checksum: u64,
}

/// Ends a file: adds the checksums of its column chunks to its footer.
pub(super) fn close(
    mut file: SerializedFileWriter<&mut FileSink>,
) -> Result<(ParquetMetaData, FooterSeal), ParquetError> {
    file.flush()?;
    let mut sums = Vec::new();
    for range in chunks(file.flushed_row_groups()) {
        for block in blocks(&range) {
            sums.extend(file.inner().checksum(block).to_le_bytes());
        }
    }
    let data_bytes = file.inner().len() as u64;
    let sums = STANDARD_NO_PAD.encode(sums);
    file.append_key_value_metadata(KeyValue::new(KEY.to_string(), sums));
    let metadata = file.finish()?;
    let size = file.inner().len() as u64;
    let seal =
        FooterSeal { bytes: size - data_bytes, checksum: file.inner().checksum(data_bytes..size) };
    Ok((metadata, seal))
}

/// The checksums of a file's column chunks.
#[derive(Debug)]
pub(super) struct ChunkChecksums {
    /// The chunks by their places, each with the position of its first checksum.
    chunks: Vec<(Range<u64>, usize)>,
    sums: Vec<u64>,
}

impl ChunkChecksums {
    /// The checksums in a footer; none when it has none.
    pub(super) fn of(metadata: &ParquetMetaData) -> Result<Option<ChunkChecksums>, ParquetError> {
        let pairs = metadata.file_metadata().key_value_metadata().into_iter().flatten();
        let Some(pair) = pairs.into_iter().find(|pair| pair.key == KEY) else { return Ok(None) };
        let wrong = || ParquetError::General("its checksums are not such".to_string());
        let bytes = STANDARD_NO_PAD.decode(pair.value.as_deref().unwrap_or_default());
        let bytes = bytes.map_err(|_| wrong())?;
        let (words, rest) = bytes.as_chunks::<8>();
        let sums: Vec<u64> = words.iter().map(|word| u64::from_le_bytes(*word)).collect();
        let mut first = 0;
        let mut placed = Vec::new();
        for range in chunks(metadata.row_groups()) {
            let count = blocks(&range).count();
            placed.push((range, first));
            first += count;
        }
        if !rest.is_empty() || first != sums.len() {
            return Err(wrong());
        }
        placed.sort_by_key(|(range, _)| range.start);
        Ok(Some(ChunkChecksums { chunks: placed, sums }))
    }

    /// The ranges to read for these, each of which lies in one column chunk: whole blocks, none twice.
    pub(super) fn whole_blocks(&self, ranges: &[Range<u64>]) -> Vec<Range<u64>> {
        let mut whole: Vec<Range<u64>> = ranges.iter().map(|range| self.around(range)).collect();
        whole.sort_by_key(|range| range.start);
        let mut merged: Vec<Range<u64>> = Vec::with_capacity(whole.len());
        for range in whole {
            match merged.last_mut() {
                Some(last) if range.start < last.end => last.end = last.end.max(range.end),
                _ => merged.push(range),
            }
        }
        merged
    }

    /// The blocks that a range lies in; a range outside of all chunks is left as it is.
    fn around(&self, range: &Range<u64>) -> Range<u64> {
        let Some((chunk, _)) = self.chunk_at(range.start) else { return range.clone() };
        let start = chunk.start + (range.start - chunk.start) / BLOCK_BYTES * BLOCK_BYTES;
        let end = chunk.start + (range.end - chunk.start).next_multiple_of(BLOCK_BYTES);
        start..end.min(chunk.end).max(range.end)
    }

    /// Whether the bytes of a range of whole blocks are those that were written.
    pub(super) fn verify(&self, range: &Range<u64>, bytes: &Bytes) -> bool {
        let Some((chunk, first)) = self.chunk_at(range.start) else { return false };
        let skipped = ((range.start - chunk.start) / BLOCK_BYTES) as usize;
        let sums = self.sums.get(first + skipped..).unwrap_or_default();
        let blocks = bytes.chunks(BLOCK_BYTES as usize);
        range.end <= chunk.end
            && bytes.len() as u64 == range.end - range.start
            && blocks.len() <= sums.len()
            && blocks.zip(sums).all(|(block, sum)| checksum(block) == *sum)
    }

    fn chunk_at(&self, start: u64) -> Option<(&Range<u64>, usize)> {
        let after = self.chunks.partition_point(|(range, _)| range.start <= start);
        let (range, first) = self.chunks.get(after.checked_sub(1)?)?;
        range.contains(&start).then_some((range, *first))
    }

    pub(super) fn memory_bytes(&self) -> usize {
        self.sums.len() * 8 + self.chunks.len() * 32
    }
}

/// The places of all column chunks, in the order of their row groups and leaves.
fn chunks(row_groups: &[RowGroupMetaData]) -> impl Iterator<Item = Range<u64>> {
    row_groups.iter().flat_map(|group| group.columns().iter().map(chunk_range))
}

fn blocks(chunk: &Range<u64>) -> impl Iterator<Item = Range<u64>> + use<> {
    let end = chunk.end;
    let starts = (chunk.start..end).step_by(BLOCK_BYTES as usize);
    starts.map(move |start| start..(start + BLOCK_BYTES).min(end))
}
