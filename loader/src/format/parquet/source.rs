//! The bytes of a Parquet file: its footer, and the column chunks of one row group.

use std::ops::Range;

use bytes::Bytes;
use bytes::buf::{Buf, Reader};
use parquet::errors::{ParquetError, Result};
use parquet::file::reader::{ChunkReader, Length};

use crate::compression::Compression;
use crate::stage::Stage;

/// Column chunks with at most this many bytes between them are fetched together.
const GAP_BYTES: u64 = 1024 * 1024;

/// A file in a stage, for its footer.
pub(super) struct Footer<'a> {
    pub(super) stage: &'a dyn Stage,
    pub(super) path: &'a str,
    pub(super) size: u64,
}

impl Footer<'_> {
    /// What to say of a file that is compressed as a whole, which Parquet files are not.
    pub(super) fn compressed(&self) -> Option<String> {
        let head = self.fetch(0..self.size.min(16)).ok()?;
        match Compression::detect("", &head) {
            Compression::None => None,
            found => Some(format!(
                "it is compressed with {} as a whole; Parquet compresses within, so PUT such files with \
                 AUTO_COMPRESS = FALSE",
                found.name()
            )),
        }
    }

    fn fetch(&self, range: Range<u64>) -> Result<Bytes> {
        if range.start > range.end || range.end > self.size {
            return Err(ParquetError::EOF(format!("the file has only {} bytes", self.size)));
        }
        self.stage
            .read_range(self.path, range)
            .map_err(|error| ParquetError::General(error.detail().to_owned()))
    }
}

impl Length for Footer<'_> {
    fn len(&self) -> u64 {
        self.size
    }
}

impl ChunkReader for Footer<'_> {
    type T = Reader<Bytes>;

    fn get_read(&self, start: u64) -> Result<Reader<Bytes>> {
        Ok(self.fetch(start..self.size)?.reader())
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes> {
        self.fetch(start..start.saturating_add(length as u64))
    }
}

/// Some parts of a file, in memory. Cloning shares the bytes.
#[derive(Clone)]
pub(super) struct Parts {
    parts: Vec<(u64, Bytes)>,
    size: u64,
}

impl Parts {
    /// Fetches these ranges.
    pub(super) fn fetch(
        stage: &dyn Stage,
        path: &str,
        size: u64,
        mut ranges: Vec<Range<u64>>,
    ) -> firn_types::Result<Parts> {
        ranges.sort_by_key(|range| range.start);
        let mut merged: Vec<Range<u64>> = Vec::new();
        for range in ranges {
            let range = range.start.min(size)..range.end.min(size);
            match merged.last_mut() {
                Some(last) if range.start <= last.end + GAP_BYTES => {
                    last.end = last.end.max(range.end);
                }
                _ => merged.push(range),
            }
        }
        let parts = merged.into_iter().filter(|range| !range.is_empty());
        let parts = parts.map(|range| Ok((range.start, stage.read_range(path, range)?)));
        Ok(Parts { parts: parts.collect::<firn_types::Result<_>>()?, size })
    }

    /// The bytes from `start` to the end of the part that holds it.
    fn from(&self, start: u64) -> Result<Bytes> {
        let next = self.parts.partition_point(|(first, _)| *first <= start);
        let found = next.checked_sub(1).map(|position| &self.parts[position]);
        let skip = found.map(|(first, _)| (start - first) as usize);
        match (found, skip) {
            (Some((_, bytes)), Some(skip)) if skip <= bytes.len() => Ok(bytes.slice(skip..)),
            _ => Err(ParquetError::EOF(format!("no data at byte {start}"))),
        }
    }
}

impl Length for Parts {
    fn len(&self) -> u64 {
        self.size
    }
}

impl ChunkReader for Parts {
    type T = Reader<Bytes>;

    fn get_read(&self, start: u64) -> Result<Reader<Bytes>> {
        Ok(self.from(start)?.reader())
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes> {
        let bytes = self.from(start)?;
        if length > bytes.len() {
            return Err(ParquetError::EOF(format!("{length} bytes wanted at byte {start}")));
        }
        Ok(bytes.slice(..length))
    }
}
