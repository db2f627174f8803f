//! A file as row groups, and row groups as batches.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Field as ArrowField, Schema as ArrowSchema};
use firn_column::{Array, Batch, Column};
use firn_types::limits::BATCH_ROWS;
use firn_types::{Error, ErrorCode, Field, Result, Schema};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder,
};
use parquet::file::metadata::RowGroupMetaData;

use super::convert::{column, natural_type};
use super::source::{Footer, Parts};
use super::variant::objects;
use crate::format::{ChunkedFile, FileBatch, RowOrigin};
use crate::options::ParquetOptions;
use crate::row_error::{ErrorCategory, LoadTarget, RowError};
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
    options: ParquetOptions,
    schema: Schema,
    /// The number of rows before each row group.
    first_rows: Vec<u64>,
}

/// One row group of a file, to be read by [`ParquetChunk::parse`].
pub struct ParquetChunk {
    file: Arc<Inner>,
    /// The number, from 0, of the row group in its file.
    pub index: usize,
}

/// A column that is wanted by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WantedColumn {
    /// The name.
    pub name: String,
    /// Whether upper and lower case differ.
    pub case_sensitive: bool,
}

/// What is wanted of the files: shared by all row groups.
#[derive(Clone, Debug)]
pub struct ParquetPlan {
    wanted: Wanted,
    target: LoadTarget,
}

#[derive(Clone, Debug)]
enum Wanted {
    Columns(Vec<WantedColumn>),
    Object(Option<Vec<String>>),
}

impl ParquetPlan {
    /// Typed columns by name: [`ParquetFile::types`] tells their types in each file. A file without a
    /// column gives NULLs for it. `target` names columns in messages.
    pub fn columns(wanted: Vec<WantedColumn>, target: LoadTarget) -> ParquetPlan {
        ParquetPlan { wanted: Wanted::Columns(wanted), target }
    }

    /// One VARIANT column, `$1`: each row as an object, of all columns or of those named.
    pub fn object(members: Option<Vec<String>>, target: LoadTarget) -> ParquetPlan {
        ParquetPlan { wanted: Wanted::Object(members), target }
    }
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
                .map_err(|error| broken(error.to_string()))
        };
        let plain = load(ArrowReaderOptions::new().with_skip_arrow_metadata(true))?;
        let hinted = ArrowReaderOptions::new().with_schema(Arc::new(hinted_schema(&plain)));
        let hinted = ArrowReaderMetadata::try_new(Arc::clone(plain.metadata()), hinted);
        let metadata = hinted.unwrap_or(plain);
        let mut fields = Vec::with_capacity(metadata.schema().fields().len());
        for field in metadata.schema().fields() {
            let sql_type = natural_type(field.data_type(), options).ok_or_else(|| {
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
            rows += u64::try_from(group.num_rows())
                .map_err(|_| broken("a row group has a negative number of rows".to_owned()))?;
        }
        let inner = Inner {
            file: file.clone(),
            schema: Schema::new(fields),
            options: options.clone(),
            stage,
            shown,
            metadata,
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
        groups.iter().map(|group| u64::try_from(group.num_rows()).unwrap_or(0)).sum()
    }

    /// The types of the columns that the plan's batches of this file have; none where the file has no
    /// such column.
    pub fn types(&self, plan: &ParquetPlan) -> Vec<Option<firn_types::SqlType>> {
        self.inner.types(plan)
    }
}

impl ChunkedFile for ParquetFile {
    type Chunk = ParquetChunk;

    fn next_chunk(&self) -> Result<Option<ParquetChunk>> {
        let index = self.next.fetch_add(1, Ordering::Relaxed);
        let chunk = || ParquetChunk { file: Arc::clone(&self.inner), index };
        Ok((index < self.inner.metadata.metadata().num_row_groups()).then(chunk))
    }

    fn is_busy(&self) -> bool {
        false
    }
}

/// Texts as views, and texts of few values as dictionaries: the forms in which our columns hold them.
fn hinted_schema(metadata: &ArrowReaderMetadata) -> ArrowSchema {
    let groups = metadata.metadata().row_groups();
    let leaves = metadata.parquet_schema();
    let fields = metadata.schema().fields().iter().enumerate().map(|(root, field)| {
        let kind = match field.data_type() {
            DataType::Utf8 | DataType::LargeUtf8 => {
                let leaf = (0..leaves.num_columns())
                    .find(|leaf| leaves.get_column_root_idx(*leaf) == root);
                let in_dictionary =
                    leaf.is_some_and(|leaf| groups.iter().all(|g| is_dictionary(g, leaf)));
                match in_dictionary {
                    true => {
                        DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8))
                    }
                    false => DataType::Utf8View,
                }
            }
            DataType::Binary | DataType::LargeBinary => DataType::BinaryView,
            other => other.clone(),
        };
        ArrowField::new(field.name(), kind, field.is_nullable())
    });
    ArrowSchema::new(fields.collect::<Vec<_>>())
}

/// Whether all values of the column are codes into one page of few values.
fn is_dictionary(group: &RowGroupMetaData, leaf: usize) -> bool {
    use parquet::basic::Encoding;
    const BYTES_MAX: i64 = 256 * 1024;
    let Some(column) = group.columns().get(leaf) else { return false };
    let coded = column.page_encoding_stats_mask().is_some_and(|data_pages| {
        data_pages.is_only(Encoding::RLE_DICTIONARY)
            || data_pages.is_only(Encoding::PLAIN_DICTIONARY)
    });
    let dictionary_bytes =
        column.dictionary_page_offset().map_or(i64::MAX, |start| column.data_page_offset() - start);
    coded && dictionary_bytes <= BYTES_MAX
}

impl Inner {
    /// The position in the file of each wanted column.
    fn positions(&self, plan: &ParquetPlan) -> Vec<Option<usize>> {
        let find = |name: &str, case_sensitive: bool| {
            self.schema.fields.iter().position(|field| match case_sensitive {
                true => field.name == name,
                false => field.name.to_lowercase() == name.to_lowercase(),
            })
        };
        match &plan.wanted {
            Wanted::Columns(wanted) => {
                wanted.iter().map(|column| find(&column.name, column.case_sensitive)).collect()
            }
            Wanted::Object(Some(names)) => {
                names.iter().map(|name| find(name, true)).filter(Option::is_some).collect()
            }
            Wanted::Object(None) => (0..self.schema.len()).map(Some).collect(),
        }
    }

    fn types(&self, plan: &ParquetPlan) -> Vec<Option<firn_types::SqlType>> {
        match &plan.wanted {
            Wanted::Object(_) => vec![Some(firn_types::SqlType::Variant)],
            Wanted::Columns(_) => {
                let type_of = |position: usize| self.schema.fields[position].sql_type;
                self.positions(plan).into_iter().map(|position| position.map(type_of)).collect()
            }
        }
    }

    /// Reads top-level columns of a row group.
    fn read(
        &self,
        group: usize,
        roots: &[usize],
        mut each: impl FnMut(RecordBatch) -> Result<()>,
    ) -> Result<()> {
        let broken = |reason: String| self.broken(group, roots, &reason);
        let schema = self.metadata.parquet_schema();
        let mask = ProjectionMask::roots(schema, roots.iter().copied());
        let columns = self.metadata.metadata().row_group(group).columns();
        let wanted = columns.iter().enumerate().filter(|(leaf, _)| mask.leaf_included(*leaf));
        let ranges = wanted.map(|(_, column)| {
            let range = catch_unwind(AssertUnwindSafe(|| column.byte_range()));
            let (start, length) = range.map_err(|_| broken("its place is negative".to_owned()))?;
            Ok(start..start.saturating_add(length))
        });
        let ranges = ranges.collect::<Result<Vec<_>>>()?;
        let parts = Parts::fetch(&*self.stage, &self.file.path, self.file.size, ranges)?;
        let open = || {
            ParquetRecordBatchReaderBuilder::new_with_metadata(parts, self.metadata.clone())
                .with_row_groups(vec![group])
                .with_projection(mask)
                .with_batch_size(BATCH_ROWS)
                .build()
        };
        // The library checks most of what a broken file may hold, but not all.
        let panicked = |_| broken("its data is broken".to_owned());
        let reader = catch_unwind(AssertUnwindSafe(open)).map_err(panicked)?;
        let mut reader = reader.map_err(|error| broken(error.to_string()))?;
        loop {
            let next = catch_unwind(AssertUnwindSafe(|| reader.next())).map_err(panicked)?;
            match next {
                None => return Ok(()),
                Some(Ok(batch)) => each(batch)?,
                Some(Err(error)) => return Err(broken(error.to_string())),
            }
        }
    }

    /// The error of a row group that cannot be read: with the column to blame, found by reading them
    /// one by one.
    fn broken(&self, group: usize, roots: &[usize], reason: &str) -> Error {
        let place = match roots {
            [root] => format!(", column '{}'", self.schema.fields[*root].name),
            _ => {
                let alone = |root: &&usize| self.read(group, &[**root], |_| Ok(())).is_err();
                if let Some(root) = roots.iter().find(alone)
                    && let Err(error) = self.read(group, &[*root], |_| Ok(()))
                {
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
    pub fn types(&self, plan: &ParquetPlan) -> Vec<Option<firn_types::SqlType>> {
        self.file.types(plan)
    }

    /// Reads the row group in batches of about 8,192 rows.
    ///
    /// # Errors
    /// `CorruptFile` with file, row group, column and reason, and those of `emit`.
    pub fn parse(
        self,
        plan: &Arc<ParquetPlan>,
        mut emit: impl FnMut(FileBatch) -> Result<()>,
    ) -> Result<()> {
        let file = &self.file;
        let positions = file.positions(plan);
        let mut roots: Vec<usize> = positions.iter().copied().flatten().collect();
        roots.sort_unstable();
        roots.dedup();
        let mut done = 0;
        let mut send = |columns: Vec<Column>, rows: usize| {
            let origin = ParquetOrigin {
                file: Arc::clone(file),
                first_row: file.first_rows[self.index] + done,
                plan: Arc::clone(plan),
            };
            done += rows as u64;
            emit(FileBatch::new(Batch::new(columns, rows), Vec::new(), rows as u64, origin))
        };
        if roots.is_empty() {
            // Nothing of the file itself is wanted, but its rows are.
            let mut left = self.rows();
            while left > 0 {
                let rows = left.min(BATCH_ROWS);
                left -= rows;
                send(self.columns(plan, &positions, &roots, &[], rows)?, rows)?;
            }
            return Ok(());
        }
        file.read(self.index, &roots, |batch| {
            let rows = batch.num_rows();
            send(self.columns(plan, &positions, &roots, batch.columns(), rows)?, rows)
        })
    }

    /// The plan's columns from the arrays of `roots`.
    fn columns(
        &self,
        plan: &ParquetPlan,
        positions: &[Option<usize>],
        roots: &[usize],
        arrays: &[arrow::array::ArrayRef],
        rows: usize,
    ) -> Result<Vec<Column>> {
        let file = &self.file;
        let array = |root: usize| roots.binary_search(&root).ok().and_then(|at| arrays.get(at));
        let named = |root: usize, error: Error| {
            let (code, name) = (error.code(), &file.schema.fields[root].name);
            let detail = format!(
                "File '{}': row group {}, column '{name}': {}",
                file.shown,
                self.index + 1,
                error.detail()
            );
            Error::new(code, detail)
        };
        if let Wanted::Object(_) = plan.wanted {
            let members = positions.iter().flatten().filter_map(|&root| {
                Some((file.schema.fields[root].name.clone(), Arc::clone(array(root)?)))
            });
            let members: Vec<_> = members.collect();
            let first = roots.first().copied().unwrap_or(0);
            let objects = objects(&members, rows).map_err(|error| named(first, error))?;
            return Ok(vec![Column::Flat(Array::Bytes(objects))]);
        }
        let columns = positions.iter().map(|position| {
            match position.and_then(|root| Some((root, array(root)?))) {
                Some((root, array)) => {
                    column(array, &file.options).map_err(|error| named(root, error))
                }
                None => Ok(Column::nulls_of(firn_types::SqlType::TEXT, rows)),
            }
        });
        columns.collect()
    }
}

/// Where the rows of a batch stand.
struct ParquetOrigin {
    file: Arc<Inner>,
    first_row: u64,
    plan: Arc<ParquetPlan>,
}

impl RowOrigin for ParquetOrigin {
    fn row_number(&self, row: usize) -> u64 {
        self.first_row + row as u64 + 1
    }

    fn reject(
        &self,
        row: usize,
        field: Option<usize>,
        code: ErrorCode,
        message: String,
    ) -> RowError {
        let row_number = self.row_number(row);
        RowError {
            file: Arc::clone(&self.file.shown),
            line: row_number,
            character: 1,
            byte_offset: row_number,
            category: ErrorCategory::Conversion,
            code,
            message,
            column: field.map(|field| self.plan.target.column(field)),
            row_number,
            row_start_line: row_number,
            record: String::new(),
        }
    }
}
