//! Batches on disk, for operators that would exceed their memory.
//!
//! A spill file belongs to one operator of one statement and is gone with it. Its format is no one
//! else's business: per batch the number of rows and columns, per column a form, the nulls as a bitmap,
//! and the values as they are in memory (little endian), texts as lengths and bytes.

mod decode;
mod encode;
mod log;

use std::fs::File;
use std::io::{BufReader, BufWriter, Read as _, Write as _};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use firn_column::Batch;
use firn_types::{Error, ErrorCode, Result};
use tempfile::NamedTempFile;

pub use log::{Extent, SpillLog};

use crate::context::lock;

/// What a file is written and read by, at least: a partitioned input has up to 32 files for each worker, a merge 64.
const BUFFER_BYTES: usize = 1 << 16;

/// A temporary folder, made when it is first needed. Clones share it.
#[derive(Clone, Debug)]
pub struct SpillFolder {
    parent: PathBuf,
    folder: Arc<Mutex<Option<tempfile::TempDir>>>,
    bytes: Arc<AtomicU64>,
    /// Bytes that its logs hold now.
    held: Arc<AtomicU64>,
}

impl SpillFolder {
    /// A folder to be made below `parent`.
    pub fn new(parent: PathBuf) -> SpillFolder {
        SpillFolder { parent, folder: Arc::default(), bytes: Arc::default(), held: Arc::default() }
    }

    /// How many bytes were written to it, files that are gone included.
    pub fn bytes_written(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// How many bytes its logs hold now.
    pub fn bytes_held(&self) -> u64 {
        self.held.load(Ordering::Relaxed)
    }

    /// A new log, which several may write and read at once.
    ///
    /// # Errors
    /// `Storage` when the disk does not allow it.
    pub fn log(&self) -> Result<SpillLog> {
        SpillLog::create(&self.parent, Arc::clone(&self.held))
    }

    /// A new file to write batches to.
    ///
    /// # Errors
    /// `Storage` when the disk does not allow it.
    pub fn create(&self) -> Result<SpillWriter> {
        let mut folder = lock(&self.folder);
        let folder = match folder.as_mut() {
            Some(folder) => folder,
            None => folder.insert(
                tempfile::Builder::new()
                    .prefix("firn-spill-")
                    .tempdir_in(&self.parent)
                    .map_err(failed)?,
            ),
        };
        let file = tempfile::NamedTempFile::new_in(folder.path()).map_err(failed)?;
        let total = Arc::clone(&self.bytes);
        let file = BufWriter::with_capacity(BUFFER_BYTES, file);
        Ok(SpillWriter { file, batches: 0, rows: 0, bytes: 0, total })
    }
}

fn failed(error: std::io::Error) -> Error {
    Error::new(ErrorCode::Storage, format!("Cannot spill to disk: {error}"))
}

/// Writes batches one after another.
#[derive(Debug)]
pub struct SpillWriter {
    file: BufWriter<NamedTempFile>,
    batches: usize,
    rows: usize,
    bytes: usize,
    /// The folder's count.
    total: Arc<AtomicU64>,
}

impl SpillWriter {
    /// Adds a batch.
    ///
    /// # Errors
    /// `Storage` when the disk is full.
    pub fn write(&mut self, batch: &Batch) -> Result<()> {
        let bytes = encode::encode(batch);
        self.file.write_all(&(bytes.len() as u64).to_le_bytes()).map_err(failed)?;
        self.file.write_all(&bytes).map_err(failed)?;
        self.batches += 1;
        self.rows += batch.rows();
        self.bytes += bytes.len();
        self.total.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        Ok(())
    }

    /// How many rows were written.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Ends writing.
    ///
    /// # Errors
    /// `Storage` when the disk is full.
    pub fn finish(self) -> Result<SpillFile> {
        let file = self.file.into_inner().map_err(|error| failed(error.into_error()))?;
        Ok(SpillFile { file, batches: self.batches, rows: self.rows, bytes: self.bytes })
    }
}

/// Batches on disk.
#[derive(Debug)]
pub struct SpillFile {
    file: NamedTempFile,
    batches: usize,
    rows: usize,
    bytes: usize,
}

impl SpillFile {
    /// How many rows it holds.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// How many bytes it takes on disk.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Reads it from the start. Several readers may read at once.
    ///
    /// # Errors
    /// `Storage` when the file cannot be read.
    pub fn read(&self) -> Result<SpillReader> {
        let file = self.file.reopen().map_err(failed)?;
        Ok(SpillReader { file: BufReader::with_capacity(BUFFER_BYTES, file), left: self.batches })
    }

    /// All its batches.
    ///
    /// # Errors
    /// `Storage` when the file cannot be read.
    pub fn read_all(&self) -> Result<Vec<Batch>> {
        self.read()?.collect()
    }
}

/// Gives the batches of a file in the order in which they were written.
#[derive(Debug)]
pub struct SpillReader {
    file: BufReader<File>,
    left: usize,
}

impl SpillReader {
    fn read_batch(&mut self) -> Result<Batch> {
        let mut length = [0; 8];
        self.file.read_exact(&mut length).map_err(failed)?;
        let length = usize::try_from(u64::from_le_bytes(length)).unwrap_or(usize::MAX);
        let mut bytes = vec![0; length];
        self.file.read_exact(&mut bytes).map_err(failed)?;
        decode::decode(&bytes)
    }
}

impl Iterator for SpillReader {
    type Item = Result<Batch>;

    fn next(&mut self) -> Option<Result<Batch>> {
        self.left = self.left.checked_sub(1)?;
        Some(self.read_batch())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::UInt32Array;
    use firn_column::{Array, Column};
    use firn_types::{SqlType, Value};

    use super::*;

    fn rows(batch: &Batch, types: &[SqlType]) -> Vec<Vec<Value>> {
        let row = |row| (0..types.len()).map(|c| batch.column(c).value(row, types[c])).collect();
        (0..batch.rows()).map(row).collect()
    }

    #[test]
    fn every_form_comes_back_from_disk() -> Result<()> {
        let types = [
            SqlType::Boolean,
            SqlType::INTEGER,
            SqlType::INTEGER,
            SqlType::INTEGER,
            SqlType::Float,
            SqlType::TEXT,
            SqlType::BINARY,
            SqlType::TEXT,
            SqlType::TEXT,
        ];
        let long = Value::text("a text of more than twelve bytes");
        let texts = Column::from_values(SqlType::TEXT, [&long, &Value::text("b")])?;
        let columns = vec![
            Column::from_values(
                types[0],
                [&Value::Boolean(true), &Value::Null, &Value::Boolean(false)],
            )?,
            Column::from_values(types[1], [&Value::integer(1), &Value::Null, &Value::integer(-3)])?,
            Column::from_values(
                types[2],
                [&Value::integer(1_i64 << 40), &Value::Null, &Value::Null],
            )?,
            Column::from_values(
                types[3],
                [&Value::integer(1_i128 << 90), &Value::Null, &Value::Null],
            )?,
            Column::from_values(types[4], [&Value::Float(1.5), &Value::Null, &Value::Float(-0.5)])?,
            Column::from_values(types[5], [&long, &Value::Null, &Value::text("")])?,
            Column::from_values(
                types[6],
                [&Value::Null, &Value::Binary(vec![0, 255].into()), &Value::Null],
            )?,
            Column::Dictionary {
                codes: UInt32Array::from(vec![Some(1), None, Some(0)]),
                values: Arc::new(texts.flat()),
            },
            Column::Constant { value: Array::Text(["same"].iter().map(Some).collect()), rows: 3 },
        ];
        let batch = Batch::new(columns, 3);
        let folder = SpillFolder::new(std::env::temp_dir());
        let mut writer = folder.create()?;
        writer.write(&batch)?;
        writer.write(&batch.slice(1, 2))?;
        writer.write(&Batch::new(Vec::new(), 7))?;
        let file = writer.finish()?;
        let back = file.read_all()?;
        assert_eq!(rows(&back[0], &types), rows(&batch, &types));
        assert_eq!(rows(&back[1], &types), rows(&batch.slice(1, 2), &types));
        assert_eq!(back[2].rows(), 7);
        assert_eq!(file.rows(), 12);
        Ok(())
    }
}
