//! Batches to micro-partitions.
//!
//! Rows are gathered in memory up to a file's size; then their statistics are known, and with them the
//! narrowest types and the best encodings. Columns are encoded at once on the caller's rayon pool, unless
//! there are few rows.

use std::sync::Arc;

use arrow::datatypes::{Field, Schema, SchemaRef};
use firn_column::{Array, Batch, Column};
use firn_types::{Error, ErrorCode, PartitionId, Result};
use parquet::arrow::ArrowSchemaConverter;
use parquet::arrow::arrow_writer::{
    ArrowColumnChunk, ArrowColumnWriter, ArrowRowGroupWriterFactory, compute_leaves,
};
use parquet::errors::ParquetError;
use parquet::file::metadata::ParquetMetaData;
use parquet::file::writer::SerializedFileWriter;

use super::convert::to_file;
use super::encoding::{ColumnPlan, properties};
use super::file_type::{FileType, IntegerRange, row_id_column};
use super::seal::{self, FooterSeal};
use super::sink::FileSink;
use super::sub_columns::{sub_columns, take_apart};
use super::{FileColumn, ROW_ID_FIELD, ResidentRows, StoredColumn, map_all};
use crate::shredding::FieldPaths;
use crate::statistics::Gathering;
use crate::{ColumnCache, ColumnStatistics, Embedded, Location, ObjectAccess, Partition};

/// How large micro-partitions become.
#[derive(Clone, Debug)]
pub struct WriterOptions {
    /// Rows at which a file is cut.
    pub target_rows: usize,
    /// Bytes of values in memory at which a file is cut.
    pub target_bytes: usize,
    /// Rows of a row group.
    pub row_group_rows: usize,
    /// Whether the last column of each batch is the rows' ids, for rewritten rows.
    pub row_ids: bool,
    /// Bytes of a file up to which it is not written but rides inside the commit.
    pub inside_bytes: usize,
    /// Whether columns are encoded at once on the caller's rayon pool; else one after the other.
    pub parallel: bool,
}

impl Default for WriterOptions {
    fn default() -> WriterOptions {
        WriterOptions {
            target_rows: 1 << 20,
            target_bytes: 128 << 20,
            row_group_rows: 1 << 17,
            row_ids: false,
            inside_bytes: 32 << 10,
            parallel: true,
        }
    }
}

/// Writes batches as micro-partitions. What was written of a transaction that fails is swept away later.
#[derive(Debug)]
pub struct PartitionWriter {
    access: ObjectAccess,
    folder: String,
    columns: Vec<FileColumn>,
    options: WriterOptions,
    /// Where rows stay that need no file, as far as there is room.
    memory: Option<Arc<ColumnCache>>,
    waiting: Vec<Batch>,
    waiting_rows: usize,
    waiting_bytes: usize,
    written: Vec<Partition>,
}

impl PartitionWriter {
    /// A writer of files with these columns below `folder` (see [`crate::path`]).
    pub fn new(
        access: ObjectAccess,
        folder: impl Into<String>,
        columns: &[StoredColumn],
        options: WriterOptions,
    ) -> PartitionWriter {
        let mut columns: Vec<FileColumn> = columns.iter().map(FileColumn::from).collect();
        let target_rows = options.target_rows.max(1);
        let row_group_rows = options.row_group_rows.max(1);
        let options = WriterOptions { target_rows, row_group_rows, ..options };
        if options.row_ids {
            columns.push(row_id_column());
        }
        PartitionWriter {
            access,
            folder: folder.into(),
            columns,
            options,
            memory: None,
            waiting: Vec::new(),
            waiting_rows: 0,
            waiting_bytes: 0,
            written: Vec::new(),
        }
    }

    /// Lets rows stay in memory, as far as a cache lends it, for tables that nobody but their session
    /// sees.
    #[must_use]
    pub fn in_memory(self, cache: &Arc<ColumnCache>) -> PartitionWriter {
        PartitionWriter { memory: Some(Arc::clone(cache)), ..self }
    }

    /// Adds rows; the batch has the writer's columns in order, and the row ids last if it was told so.
    ///
    /// # Errors
    /// `Storage` when a file cannot be written.
    pub fn write(&mut self, batch: &Batch) -> Result<()> {
        if batch.columns().len() != self.columns.len() {
            return Err(Error::internal("a batch of another width than the table's"));
        }
        let mut offset = 0;
        while offset < batch.rows() {
            let rows = (batch.rows() - offset).min(self.options.target_rows - self.waiting_rows);
            let part = if rows == batch.rows() { batch.clone() } else { batch.slice(offset, rows) };
            self.waiting_bytes += value_bytes(&part);
            self.waiting_rows += rows;
            self.waiting.push(part);
            offset += rows;
            if self.waiting_rows >= self.options.target_rows
                || self.waiting_bytes >= self.options.target_bytes
            {
                self.flush()?;
            }
        }
        Ok(())
    }

    /// About how many bytes wait in memory.
    pub fn waiting_bytes(&self) -> usize {
        self.waiting_bytes
    }

    /// Writes what waits as a file, whatever its size: to give memory back, or to end a cluster.
    ///
    /// # Errors
    /// `Storage` when the file cannot be written.
    pub fn flush(&mut self) -> Result<()> {
        let batches = std::mem::take(&mut self.waiting);
        let rows = std::mem::take(&mut self.waiting_rows);
        self.waiting_bytes = 0;
        if rows > 0 {
            let partition = self.write_file(batches, rows)?;
            self.written.push(partition);
        }
        Ok(())
    }

    /// Writes what is left and returns all partitions, durable and ready to commit.
    ///
    /// # Errors
    /// `Storage` when a file cannot be written.
    pub fn finish(mut self) -> Result<Vec<Partition>> {
        self.flush()?;
        Ok(self.written)
    }

    fn write_file(&self, batches: Vec<Batch>, rows: usize) -> Result<Partition> {
        let id = PartitionId(uuid::Uuid::new_v4().to_string());
        let path = format!("{}/{}.parquet", self.folder, id.0);
        let held = match &self.memory {
            Some(cache) => {
                ResidentRows::new(&self.columns, &batches, cache, self.options.parallel)?
            }
            None => None,
        };
        let (location, bytes, encoded) = match held {
            Some(rows) => {
                let bytes = rows.bytes();
                (Location::Memory(rows), bytes, None)
            }
            None => {
                let (location, bytes, encoded) = self.write_encoded(&path, batches)?;
                (location, bytes, Some(encoded))
            }
        };
        let seal = encoded.as_ref().map(|encoded| encoded.seal);
        let (columns, paths) =
            encoded.map(|encoded| (encoded.statistics, encoded.paths)).unwrap_or_default();
        Ok(Partition {
            id,
            path,
            location,
            rows: rows as u64,
            bytes,
            seal,
            first_row_id: 0,
            stored_row_ids: self.options.row_ids,
            deleted: None,
            columns: columns.into(),
            paths: paths.into_iter().map(Arc::new).collect(),
        })
    }

    /// Writes a file, unless it is so small that it rides inside the commit; tells how many bytes it has.
    fn write_encoded(&self, path: &str, batches: Vec<Batch>) -> Result<(Location, u64, Encoded)> {
        let (file, encoded) = Encoded::new(self.columns.clone(), batches, &self.options)?;
        let size = file.len();
        if size <= self.options.inside_bytes {
            let inside = Location::Commit(Arc::new(Embedded::new(file.into_bytes())));
            return Ok((inside, size as u64, encoded));
        }
        self.access.put_blocks(path, file.into_payload())?;
        Ok((Location::File, size as u64, encoded))
    }
}

/// What is to be known of an encoded file.
pub(super) struct Encoded {
    pub(super) seal: FooterSeal,
    /// Of the table's columns and of sub-columns, in their order.
    pub(super) statistics: Vec<ColumnStatistics>,
    /// What stands at the paths of the semi-structured columns.
    pub(super) paths: Vec<FieldPaths>,
}

impl Encoded {
    /// A file of columns, with the sub-columns of the semi-structured ones.
    pub(super) fn new(
        mut columns: Vec<FileColumn>,
        mut batches: Vec<Batch>,
        options: &WriterOptions,
    ) -> Result<(FileSink, Encoded)> {
        let paths = sub_columns(&mut columns, &mut batches, options.parallel)?;
        let numbered = columns.iter().enumerate().collect();
        let plan = |(position, column)| Ok(plan_column(position, column, &batches));
        let plans: Vec<ColumnPlan> = map_all(numbered, options.parallel, plan)?;
        take_apart(&columns, &mut batches, options.parallel)?;
        let (file, metadata, seal) =
            encode_file(&plans, &batches, options).map_err(encoding_failed)?;
        let statistics = statistics(plans, &metadata);
        Ok((file, Encoded { seal, statistics, paths }))
    }
}

/// About how many bytes the batch's values take, those that it shares with other batches included.
pub fn value_bytes(batch: &Batch) -> usize {
    let array_bytes = |array: &Array| match array {
        Array::Bool(a) => a.values().len() / 8,
        Array::I32(a) => a.values().len() * 4,
        Array::I64(a) => a.values().len() * 8,
        Array::I128(a) => a.values().len() * 16,
        Array::F64(a) => a.values().len() * 8,
        Array::Text(a) => a.lengths().map(|length| length as usize + 16).sum(),
        Array::Bytes(a) => a.lengths().map(|length| length as usize + 16).sum(),
    };
    let column_bytes = |column: &Column| match column {
        Column::Flat(array) => array_bytes(array),
        // Once written, a constant or a dictionary's codes are flat.
        Column::Constant { rows, .. } => rows * 4,
        Column::Dictionary { codes, .. } => codes.len() * 16,
    };
    batch.columns().iter().map(column_bytes).sum()
}

fn plan_column(position: usize, column: &FileColumn, batches: &[Batch]) -> ColumnPlan {
    let mut facts = Gathering::new(column.sql_type);
    for batch in batches {
        facts.add(batch.column(position));
    }
    facts.settle();
    let (low, high) = facts.integers.unwrap_or((0, 0));
    let range = IntegerRange { low, high, thousands: facts.thousands };
    let file_type = if column.column == ROW_ID_FIELD {
        FileType::Integer
    } else {
        FileType::narrowest(column.sql_type, range)
    };
    ColumnPlan { column: column.clone(), file_type, facts, position }
}

/// Encodes a file of some columns of the batches.
fn encode_file(
    plans: &[ColumnPlan],
    batches: &[Batch],
    options: &WriterOptions,
) -> Result<(FileSink, ParquetMetaData, FooterSeal), ParquetError> {
    let fields: Vec<Field> = plans.iter().map(|plan| plan.file_type.field(&plan.column)).collect();
    let arrow_schema: SchemaRef = Arc::new(Schema::new(fields));
    let schema = ArrowSchemaConverter::new().convert(&arrow_schema)?;
    let properties = properties(plans, batches);
    let mut out = FileSink::default();
    let mut file = SerializedFileWriter::new(&mut out, schema.root_schema_ptr(), properties)?;
    let factory = ArrowRowGroupWriterFactory::new(&file, Arc::clone(&arrow_schema));
    for (index, group) in row_groups(batches, options.row_group_rows).into_iter().enumerate() {
        let mut writers = factory.create_column_writers(index)?.into_iter();
        let work: Vec<(&ColumnPlan, &Field, Vec<ArrowColumnWriter>)> = plans
            .iter()
            .zip(arrow_schema.fields())
            .map(|(plan, field)| {
                let leaves = plan.file_type.leaves(&plan.column.name).len();
                (plan, field.as_ref(), writers.by_ref().take(leaves).collect())
            })
            .collect();
        let encode = |(plan, field, writers)| encode_column(plan, field, writers, &group);
        let chunks: Vec<Vec<ArrowColumnChunk>> = map_all(work, options.parallel, encode)?;
        let mut row_group = file.next_row_group()?;
        for chunk in chunks.into_iter().flatten() {
            chunk.append_to_row_group(&mut row_group)?;
        }
        row_group.close()?;
    }
    let (metadata, seal) = seal::close(file)?;
    Ok((out, metadata, seal))
}

/// The batches cut into row groups.
fn row_groups(batches: &[Batch], rows_max: usize) -> Vec<Vec<Batch>> {
    let mut groups: Vec<Vec<Batch>> = vec![Vec::new()];
    let mut rows = 0;
    for batch in batches {
        let mut offset = 0;
        while offset < batch.rows() {
            if rows == rows_max {
                groups.push(Vec::new());
                rows = 0;
            }
            let len = (batch.rows() - offset).min(rows_max - rows);
            if let Some(group) = groups.last_mut() {
                group.push(batch.slice(offset, len));
            }
            offset += len;
            rows += len;
        }
    }
    groups
}

fn encode_column(
    plan: &ColumnPlan,
    field: &Field,
    mut writers: Vec<ArrowColumnWriter>,
    batches: &[Batch],
) -> Result<Vec<ArrowColumnChunk>, ParquetError> {
    for batch in batches {
        let array = to_file(batch.column(plan.position), plan.file_type)
            .map_err(|error| ParquetError::General(error.to_string()))?;
        for (writer, leaf) in writers.iter_mut().zip(compute_leaves(field, &array)?) {
            writer.write(&leaf)?;
        }
    }
    writers.into_iter().map(ArrowColumnWriter::close).collect()
}

/// The statistics of the columns, in their order; row ids have none.
fn statistics(plans: Vec<ColumnPlan>, metadata: &ParquetMetaData) -> Vec<ColumnStatistics> {
    let mut leaf = 0;
    let mut statistics = Vec::with_capacity(plans.len());
    for plan in plans {
        let leaves = leaf..leaf + plan.file_type.leaves(&plan.column.name).len();
        leaf = leaves.end;
        if plan.column.column == ROW_ID_FIELD {
            continue;
        }
        let mut column = plan.facts.finish(plan.column.column);
        let chunks =
            metadata.row_groups().iter().flat_map(|group| &group.columns()[leaves.clone()]);
        column.bytes = chunks.map(|chunk| chunk.compressed_size().cast_unsigned()).sum();
        statistics.push(column);
    }
    statistics.sort_by(|a, b| a.column.cmp(&b.column));
    statistics
}

pub(super) fn encoding_failed(error: ParquetError) -> Error {
    Error::new(ErrorCode::Storage, format!("A micro-partition cannot be encoded: {error}"))
}
