//! A file as row groups, and row groups as batches.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use arrow::array::ArrayRef;
use firn_column::{Batch, Column};
use firn_types::limits::BATCH_ROWS;
use firn_types::{Error, ErrorCode, Field, Result, Schema};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader,
    ParquetRecordBatchReaderBuilder,
};
use parquet::file::metadata::{FileMetaData, ParquetMetaData};

use super::leaves::{has_int96, hinted_schema, is_binary, roots};
use super::source::{Footer, Parts};
use crate::format::arrow::{Read, natural_type};
use crate::format::columns::RowsFrom;
use crate::format::{ColumnsPlan, FileBatch};
use crate::options::{ArrowOptions, ParquetOptions};
use crate::stage::{SharedStage, StagedFile};

/// A Parquet file, its footer read.
pub struct ParquetFile {
    inner: Arc<Inner>,
    next: AtomicUsize,
}

struct Inner {
    stage: SharedStage,
    file: StagedFile,
    shown: Arc<str>,
    metadata: ArrowReaderMetadata,
    /// The metadata by which timestamps of 96 bits are read in nanoseconds; those before 1677 and after
    /// 2262 wrap around.
    in_nanos: ArrowReaderMetadata,
    columns: Vec<FileColumn>,
    schema: Schema,
    /// The number of rows before each row group.
    first_rows: Vec<u64>,
}

/// A column of the file.
struct FileColumn {
    /// Which of Parquet's roots it is.
    root: usize,
    has_int96: bool,
    options: ArrowOptions,
}

/// One row group of a file, to be read by [`ParquetChunk::parse`].
pub struct ParquetChunk {
    file: Arc<Inner>,
    /// The number, from 0, of the row group in its file.
    pub index: usize,
}

impl ParquetFile {
    /// Reads a file's footer.
    ///
    /// # Errors
    /// `CorruptFile` for what is no Parquet file, `not_supported` for types that SQL does not have.
    pub fn open(
        stage: SharedStage,
        file: &StagedFile,
        options: &ParquetOptions,
    ) -> Result<ParquetFile> {
        let shown: Arc<str> = stage.shown(&file.path).into();
        let footer = Footer { stage: &*stage, path: &file.path, size: file.size };
        let broken = |reason: String| {
            let detail = format!("File '{shown}' is not a valid Parquet file: {reason}");
            Error::new(ErrorCode::CorruptFile, detail)
        };
        let load = |options| {
            let load = AssertUnwindSafe(|| ArrowReaderMetadata::load(&footer, options));
            catch_unwind(load)
                .map_err(|_| broken("its footer is broken".to_owned()))?
                .map_err(|error| broken(footer.compressed().unwrap_or_else(|| error.to_string())))
        };
        let in_nanos = load(ArrowReaderOptions::new().with_skip_arrow_metadata(true))?;
        let in_nanos = with_true_rows(in_nanos).map_err(|error| broken(error.to_string()))?;
        let hinted = ArrowReaderOptions::new().with_schema(Arc::new(hinted_schema(&in_nanos)));
        let hinted = ArrowReaderMetadata::try_new(Arc::clone(in_nanos.metadata()), hinted);
        let columns = roots(&in_nanos).into_iter().map(|root| {
            let mut options = options.arrow.clone();
            options.binary_as_text &= !is_binary(&in_nanos, root);
            FileColumn { root, has_int96: has_int96(&in_nanos, root), options }
        });
        let columns: Vec<FileColumn> = columns.collect();
        let metadata = match hinted {
            Ok(metadata) => metadata,
            Err(error) if columns.iter().any(|column| column.has_int96) => {
                return Err(broken(error.to_string()));
            }
            Err(_) => in_nanos.clone(),
        };
        if metadata.schema().fields().len() != columns.len() {
            return Err(broken("its schema has columns without a place".to_owned()));
        }
        let mut fields = Vec::with_capacity(columns.len());
        for (field, column) in metadata.schema().fields().iter().zip(&columns) {
            let sql_type = natural_type(field.data_type(), &column.options).ok_or_else(|| {
                let kind = field.data_type();
                Error::not_supported(format!("Parquet column {} of type {kind}", field.name()))
            })?;
            let nullable = field.is_nullable();
            fields.push(Field { name: field.name().clone(), sql_type, nullable });
        }
        let mut rows = 0;
        let mut first_rows = Vec::with_capacity(metadata.metadata().num_row_groups());
        for group in metadata.metadata().row_groups() {
            first_rows.push(rows);
            let more = u64::try_from(group.num_rows())
                .map_err(|_| broken("a row group has a negative number of rows".to_owned()))?;
            rows = more.saturating_add(rows);
        }
        let inner = Inner {
            file: file.clone(),
            schema: Schema::new(fields),
            columns,
            stage,
            shown,
            metadata,
            in_nanos,
            first_rows,
        };
        Ok(ParquetFile { inner: Arc::new(inner), next: AtomicUsize::new(0) })
    }

    /// The file's columns with the types they have when read.
    pub fn schema(&self) -> &Schema {
        &self.inner.schema
    }

    /// The number of rows.
    pub fn rows(&self) -> u64 {
        let groups = self.inner.metadata.metadata().row_groups();
        let rows = groups.iter().map(|group| u64::try_from(group.num_rows()).unwrap_or(0));
        rows.fold(0, u64::saturating_add)
    }

    /// The types of the columns that the plan's batches of this file have; none where the file has no
    /// such column.
    pub fn types(&self, plan: &ColumnsPlan) -> Vec<Option<firn_types::SqlType>> {
        plan.types(&self.inner.schema)
    }
}

/// The same metadata with the number of rows that the row groups have, where the footer tells another: the
/// reader makes no batch larger than what the footer tells.
fn with_true_rows(metadata: ArrowReaderMetadata) -> parquet::errors::Result<ArrowReaderMetadata> {
    let (groups, file) = (metadata.metadata().row_groups(), metadata.metadata().file_metadata());
    let rows = groups.iter().fold(0, |sum: i64, group| sum.saturating_add(group.num_rows()));
    if rows == file.num_rows() {
        return Ok(metadata);
    }
    let file = FileMetaData::new(
        file.version(),
        rows,
        file.created_by().map(str::to_owned),
        None,
        file.schema_descr_ptr(),
        file.column_orders().cloned(),
    );
    let metadata = Arc::new(ParquetMetaData::new(file, groups.to_vec()));
    let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
    ArrowReaderMetadata::try_new(metadata, options)
}

impl ParquetFile {
    /// The next part; none at the file's end. Waits while another worker fetches one.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub fn next_chunk(&self) -> Result<Option<ParquetChunk>> {
        let index = self.next.fetch_add(1, Ordering::Relaxed);
        let chunk = || ParquetChunk { file: Arc::clone(&self.inner), index };
        Ok((index < self.inner.metadata.metadata().num_row_groups()).then(chunk))
    }

    pub(super) fn is_busy(&self) -> bool {
        false
    }
}

impl Inner {
    /// Reads columns of a row group; `each` gets their arrays, in the order of `positions`, which ascend.
    fn read(
        &self,
        group: usize,
        positions: &[usize],
        mut each: impl FnMut(Vec<Read>, usize) -> Result<()>,
    ) -> Result<()> {
        let broken = |reason: String| self.broken(group, positions, &reason);
        let exact: Vec<usize> =
            positions.iter().copied().filter(|at| self.columns[*at].has_int96).collect();
        let parts = self.fetch(group, positions)?;
        let mut reader = self.open(group, positions, parts.clone(), &self.metadata)?;
        let mut in_nanos = match exact.is_empty() {
            true => None,
            false => Some(self.open(group, &exact, parts, &self.in_nanos)?),
        };
        // The library checks most of what a broken file may hold, but not all.
        let next = |reader: &mut ParquetRecordBatchReader| {
            let next = catch_unwind(AssertUnwindSafe(|| reader.next()));
            match next.map_err(|_| broken("its data is broken".to_owned()))? {
                None => Ok(None),
                Some(Ok(batch)) => Ok(Some(batch)),
                Some(Err(error)) => Err(broken(error.to_string())),
            }
        };
        while let Some(batch) = next(&mut reader)? {
            let nanos = in_nanos.as_mut().map(&next).transpose()?.flatten();
            let nanos_of = |at: &usize| -> Option<ArrayRef> {
                let place = exact.binary_search(at).ok()?;
                Some(Arc::clone(nanos.as_ref()?.column(place)))
            };
            let arrays = positions.iter().zip(batch.columns());
            let arrays = arrays
                .map(|(at, array)| Read { array: Arc::clone(array), nanos: nanos_of(at) })
                .collect();
            each(arrays, batch.num_rows())?;
        }
        Ok(())
    }

    /// Parquet's leaves of these columns.
    fn mask(&self, positions: &[usize]) -> ProjectionMask {
        let roots = positions.iter().map(|position| self.columns[*position].root);
        ProjectionMask::roots(self.metadata.parquet_schema(), roots)
    }

    /// The bytes of these columns in a row group.
    fn fetch(&self, group: usize, positions: &[usize]) -> Result<Parts> {
        let broken = |reason: &str| self.broken(group, positions, reason);
        let mask = self.mask(positions);
        let metadata = self.metadata.metadata().row_group(group);
        let wanted = metadata.columns().iter().enumerate();
        let wanted = wanted.filter(|(leaf, _)| mask.leaf_included(*leaf));
        let ranges = wanted.map(|(_, column)| {
            let flat = column.column_descr().max_rep_level() == 0;
            if flat && column.num_values() != metadata.num_rows() {
                let (values, rows) = (column.num_values(), metadata.num_rows());
                return Err(broken(&format!("{values} values in {rows} rows")));
            }
            let range = catch_unwind(AssertUnwindSafe(|| column.byte_range()));
            let (start, length) = range.map_err(|_| broken("its place is negative"))?;
            Ok(start..start.saturating_add(length))
        });
        let ranges = ranges.collect::<Result<Vec<_>>>()?;
        Parts::fetch(&*self.stage, &self.file.path, self.file.size, ranges)
    }

    fn open(
        &self,
        group: usize,
        positions: &[usize],
        parts: Parts,
        metadata: &ArrowReaderMetadata,
    ) -> Result<ParquetRecordBatchReader> {
        let open = || {
            ParquetRecordBatchReaderBuilder::new_with_metadata(parts, metadata.clone())
                .with_row_groups(vec![group])
                .with_projection(self.mask(positions))
                .with_batch_size(BATCH_ROWS)
                .build()
        };
        let reader = catch_unwind(AssertUnwindSafe(open))
            .map_err(|_| self.broken(group, positions, "its data is broken"))?;
        reader.map_err(|error| self.broken(group, positions, &error.to_string()))
    }

    /// The error of a row group that cannot be read: with the column to reason, found by reading them
    /// one by one.
    fn broken(&self, group: usize, positions: &[usize], reason: &str) -> Error {
        let place = match positions {
            [at] => format!(", column '{}'", self.schema.fields[*at].name),
            _ => {
                let alone = |at: &usize| self.read(group, &[*at], |_, _| Ok(())).err();
                if let Some(error) = positions.iter().find_map(alone) {
                    return error;
                }
                String::new()
            }
        };
        let detail =
            format!("File '{}' is corrupt: row group {}{place}: {reason}", self.shown, group + 1);
        Error::new(ErrorCode::CorruptFile, detail)
    }
}

impl ParquetChunk {
    /// The number of rows.
    pub fn rows(&self) -> usize {
        let group = self.file.metadata.metadata().row_group(self.index);
        usize::try_from(group.num_rows()).unwrap_or(0)
    }

    /// The types of the columns of [`ParquetChunk::parse`]'s batches; none for columns of NULLs that
    /// the file does not have.
    pub fn types(&self, plan: &ColumnsPlan) -> Vec<Option<firn_types::SqlType>> {
        plan.types(&self.file.schema)
    }

    /// Reads the row group in batches of about 8,192 rows.
    ///
    /// # Errors
    /// `CorruptFile` with file, row group, column and reason, and those of `emit`.
    pub fn parse(
        self,
        plan: &Arc<ColumnsPlan>,
        mut emit: impl FnMut(FileBatch) -> Result<()>,
    ) -> Result<()> {
        let file = &self.file;
        let mut read: Vec<usize> = plan.positions(&file.schema).into_iter().flatten().collect();
        read.sort_unstable();
        read.dedup();
        let mut done = 0;
        let mut send = |columns: Vec<Column>, rows: usize| {
            let origin = RowsFrom {
                file: Arc::clone(&file.shown),
                first_row: file.first_rows[self.index] + done,
                plan: Arc::clone(plan),
            };
            done += rows as u64;
            emit(FileBatch::new(Batch::new(columns, rows), Vec::new(), rows as u64, origin))
        };
        if read.is_empty() {
            // Nothing of the file itself is wanted, but its rows are.
            let mut left = self.rows();
            while left > 0 {
                let rows = left.min(BATCH_ROWS);
                left -= rows;
                send(self.columns(plan, &read, &[], rows)?, rows)?;
            }
            return Ok(());
        }
        file.read(self.index, &read, |arrays, rows| {
            send(self.columns(plan, &read, &arrays, rows)?, rows)
        })
    }

    /// The plan's columns from the arrays of the columns `read`.
    fn columns(
        &self,
        plan: &ColumnsPlan,
        read: &[usize],
        arrays: &[Read],
        rows: usize,
    ) -> Result<Vec<Column>> {
        let file = &self.file;
        let found = |at: usize| {
            let place = read.binary_search(&at).ok()?;
            Some((arrays.get(place)?, &file.columns[at].options))
        };
        plan.make(&file.schema, found, rows).map_err(|error| {
            let place = format!("File '{}': row group {}", file.shown, self.index + 1);
            Error::new(error.code(), format!("{place}, {}", error.detail()))
        })
    }
}
