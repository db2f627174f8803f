//! Micro-partitions in memory: rows that nobody but their session sees, and that end with it.
//!
//! To encode them and write a file would be work for no reader. They are kept as the cache keeps columns, a
//! row group for each batch that came, small batches put together. What they take is lent by the warehouse's
//! cache; what finds no room there is written as a file like any other rows. What is known of a column is
//! gathered when somebody asks for it: of most columns nobody ever does.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

use firn_column::{Array, Batch, Column, EncodedColumn, PhysicalType};
use firn_types::limits::BATCH_ROWS;
use firn_types::{ColumnPath, Error, FieldId, Result, SqlType};

use super::reader::constant;
use super::{FileColumn, ROW_ID_FIELD, ReadColumn, RowGroup, map_all};
use crate::cache::CacheReservation;
use crate::shredding::{FieldPaths, PathGathering, extract};
use crate::statistics::{Gathering, integer_bounds};
use crate::{ColumnCache, ColumnStatistics};

/// Batches of fewer rows are put together with those after them.
const ALONE_ROWS: usize = BATCH_ROWS / 2;
/// Bytes that a text takes at least where it stands in no dictionary.
const FLAT_TEXT_BYTES: usize = 16;

/// The rows of a micro-partition that has no file.
#[derive(Debug)]
pub struct ResidentRows {
    row_groups: Vec<RowGroup>,
    columns: Vec<HeldColumn>,
    _room: CacheReservation,
}

/// One column of all row groups.
#[derive(Debug)]
struct HeldColumn {
    field: FieldId,
    sql_type: SqlType,
    chunks: Vec<EncodedColumn>,
    bytes: usize,
    statistics: OnceLock<ColumnStatistics>,
    paths: OnceLock<Arc<FieldPaths>>,
}

impl ResidentRows {
    /// Keeps rows in memory; none when the cache has no room for them. When `parallel`, the caller's rayon
    /// pool shares the work.
    ///
    /// # Errors
    /// An internal error for batches that do not fit together.
    pub(super) fn new(
        columns: &[FileColumn],
        batches: &[Batch],
        cache: &Arc<ColumnCache>,
        parallel: bool,
    ) -> Result<Option<Arc<ResidentRows>>> {
        let groups = map_all(runs(batches), parallel, |run| match &batches[run] {
            [only] => Ok(only.clone()),
            small => Batch::concat(small),
        })?;
        let columns = columns.iter().enumerate().collect();
        let columns: Vec<HeldColumn> = map_all(columns, parallel, |(position, column)| {
            Ok(HeldColumn::new(position, column, &groups))
        })?;
        let bytes = columns.iter().map(|column| column.bytes).sum();
        let Some(room) = cache.reserve(bytes) else { return Ok(None) };
        let mut start = 0;
        let row_groups = groups.iter().enumerate().map(|(index, group)| {
            let rows = start..start + group.rows() as u32;
            start = rows.end;
            RowGroup { index, rows }
        });
        let row_groups = row_groups.collect();
        Ok(Some(Arc::new(ResidentRows { row_groups, columns, _room: room })))
    }

    /// The row groups in order.
    pub(super) fn row_groups(&self) -> &[RowGroup] {
        &self.row_groups
    }

    /// Columns of a row group.
    ///
    /// # Errors
    /// An internal error for a row group that is not there.
    pub(super) fn chunks(
        &self,
        row_group: usize,
        columns: &[ReadColumn],
    ) -> Result<Vec<EncodedColumn>> {
        let missing = || Error::internal("a row group that is not there");
        let rows = self.row_groups.get(row_group).ok_or_else(missing)?.len();
        let chunks = columns.iter().map(|column| {
            let held = self.columns.iter().find(|held| held.field == column.column.field);
            let Some(held) = held else { return Ok(EncodedColumn::of(&constant(column, rows)?)) };
            let chunk = held.chunks.get(row_group).ok_or_else(missing)?;
            match &column.column.path {
                None => Ok(chunk.clone()),
                Some(path) => {
                    let values = extract(&chunk.slice(0, rows), path, column.sql_type)?;
                    Ok(EncodedColumn::whole(&values))
                }
            }
        });
        chunks.collect()
    }

    /// What is known of a column, deleted rows included; gathered when it is first asked for.
    pub(crate) fn statistics(&self, column: &ColumnPath) -> Option<&ColumnStatistics> {
        let column = self.columns.iter().find(|held| *column == held.field)?;
        Some(column.statistics.get_or_init(|| column.gathered()))
    }

    /// What stands at the paths of a semi-structured column; looked at when it is first asked for.
    pub(crate) fn field_paths(&self, field: FieldId) -> Arc<FieldPaths> {
        match self.columns.iter().find(|held| held.field == field) {
            Some(held) => Arc::clone(held.paths.get_or_init(|| Arc::new(held.gathered_paths()))),
            None => Arc::new(FieldPaths::none(field)),
        }
    }

    /// The columns, row ids left out.
    pub(crate) fn fields(&self) -> impl Iterator<Item = FieldId> {
        self.columns.iter().map(|column| column.field).filter(|field| *field != ROW_ID_FIELD)
    }

    /// Bytes of a column; 0 for one that is not there.
    pub(crate) fn column_bytes(&self, field: FieldId) -> u64 {
        let column = self.columns.iter().find(|column| column.field == field);
        column.map_or(0, |column| column.bytes as u64)
    }

    /// Bytes of all columns.
    pub(super) fn bytes(&self) -> u64 {
        self.columns.iter().map(|column| column.bytes as u64).sum()
    }
}

/// Which batches become one row group each.
fn runs(batches: &[Batch]) -> Vec<Range<usize>> {
    let mut runs: Vec<Range<usize>> = Vec::new();
    let mut open = 0;
    for (at, batch) in batches.iter().enumerate() {
        match runs.last_mut() {
            Some(run) if open < ALONE_ROWS && batch.rows() < ALONE_ROWS => run.end = at + 1,
            _ => {
                runs.push(at..at + 1);
                open = 0;
            }
        }
        open += batch.rows();
    }
    runs
}

impl HeldColumn {
    /// The column in no more memory than it needs. Dictionaries that are larger than what refers to them
    /// are given up.
    fn new(position: usize, column: &FileColumn, groups: &[Batch]) -> HeldColumn {
        let (field, sql_type) = (column.column.field, column.sql_type);
        let mut dictionaries: HashMap<*const Array, usize> = HashMap::new();
        let mut coded_rows = 0;
        for group in groups {
            if let Column::Dictionary { codes, values } = group.column(position) {
                dictionaries.insert(Arc::as_ptr(values), array_bytes(values));
                coded_rows += codes.len();
            }
        }
        let shared: usize = dictionaries.values().sum();
        let coded = shared <= coded_rows * FLAT_TEXT_BYTES;
        let mut bytes = if coded { shared } else { 0 };
        let chunks = groups.iter().map(|group| match group.column(position) {
            column @ Column::Dictionary { values, .. } if coded => {
                let chunk = EncodedColumn::packed(column);
                bytes += chunk.memory_bytes() - array_bytes(values);
                chunk
            }
            Column::Constant { value, rows } => {
                let value = value.clone().trimmed();
                bytes += array_bytes(&value);
                EncodedColumn::packed(&Column::Constant { value, rows: *rows })
            }
            column => {
                let array = match column.flat() {
                    integers if integers.physical().is_integer() => {
                        let width = width(field, sql_type, &integers);
                        integers.narrowed(width).trimmed()
                    }
                    other => other.trimmed(),
                };
                let chunk = EncodedColumn::packed(&Column::Flat(array));
                bytes += chunk.memory_bytes();
                chunk
            }
        });
        let chunks = chunks.collect();
        let (statistics, paths) = (OnceLock::new(), OnceLock::new());
        HeldColumn { field, sql_type, chunks, bytes, statistics, paths }
    }

    fn gathered(&self) -> ColumnStatistics {
        let mut facts = Gathering::new(self.sql_type);
        for chunk in &self.chunks {
            for start in (0..chunk.len()).step_by(BATCH_ROWS) {
                facts.add(&chunk.slice(start, BATCH_ROWS.min(chunk.len() - start)));
            }
        }
        ColumnStatistics { bytes: self.bytes as u64, ..facts.finish(self.field.into()) }
    }

    fn gathered_paths(&self) -> FieldPaths {
        let mut gathering = PathGathering::new();
        self.chunks.iter().for_each(|chunk| gathering.add(&chunk.slice(0, chunk.len())));
        gathering.finish(self.field)
    }
}

fn array_bytes(array: &Array) -> usize {
    array.as_arrow().get_buffer_memory_size()
}

/// The narrowest form of some of a column's integers.
fn width(field: FieldId, sql_type: SqlType, integers: &Array) -> PhysicalType {
    let narrowest = || {
        if integers.physical() == PhysicalType::I32 {
            return PhysicalType::I32;
        }
        let (low, high) = integer_bounds(integers).unwrap_or((0, 0));
        PhysicalType::narrowest(low, high)
    };
    match sql_type {
        _ if field == ROW_ID_FIELD => PhysicalType::I64,
        SqlType::Number { .. } => narrowest(),
        SqlType::TimestampNtz { .. } | SqlType::TimestampLtz { .. } => {
            narrowest().max(PhysicalType::I64)
        }
        other => PhysicalType::widest(other),
    }
}
