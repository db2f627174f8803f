//! Micro-partitions to batches.
//!
//! A column chunk (one column of one row group) is read and decoded as a whole, and kept in the cache in
//! narrow form; a selection is cut out of it. So the columns of a filter and, later, the surviving
//! rows of the others cost one decoding each. Only when a selection spans a small part of a chunk that is
//! not in the cache are its pages read alone, and not kept.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{Array as _, ArrayRef, BooleanArray, BooleanBufferBuilder, UInt32Array};
use firn_column::{Array, Batch, Column, Narrow};
use firn_types::scan_predicate::ScanPredicate;
use firn_types::{Error, Result, SqlType, Value};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ParquetRecordBatchReaderBuilder, RowSelector};
use parquet::errors::ParquetError;

use super::chunks::Chunks;
use super::convert::from_file;
use super::footer::{FileParts, Footer, corrupt};
use super::page_bounds::RowGroupStatistics;
use super::{HeldRows, ROW_ID_FIELD, ReadColumn};
use crate::{ColumnCache, Home, ObjectAccess, Partition, Prune, prune};

/// A selection that spans less than one part in so many of a row group is read by pages.
const SPARSE: usize = 4;

/// Some consecutive rows of a file whose columns are read as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowGroup {
    /// Its position in the file.
    pub index: usize,
    /// Its rows, as positions in the file.
    pub rows: Range<u32>,
}

/// Which rows of a row group to read; positions count from the row group's first row.
#[derive(Clone, Debug)]
pub enum RowSelection {
    /// All of them.
    All,
    /// Consecutive ones.
    Range(Range<u32>),
    /// These, in this order.
    List(UInt32Array),
    /// Those for which the array is TRUE; as long as the row group.
    Mask(BooleanArray),
}

impl RowGroup {
    /// The number of rows.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }
}

impl RowSelection {
    /// How many rows of a row group of `rows` rows are selected.
    pub fn count(&self, rows: usize) -> usize {
        match self {
            RowSelection::All => rows,
            RowSelection::Range(range) => range.len(),
            RowSelection::List(list) => list.len(),
            RowSelection::Mask(mask) => mask.true_count(),
        }
    }

    /// The selected rows of a column that begins with the row group's row `first`.
    fn cut(&self, column: &Narrow, first: u32) -> Column {
        match self {
            RowSelection::All => column.slice(0, column.len()),
            RowSelection::Range(range) => column.slice((range.start - first) as usize, range.len()),
            RowSelection::List(list) if first == 0 => column.take(list),
            RowSelection::List(list) => column.take(&list.unary(|row| row - first)),
            RowSelection::Mask(mask) => {
                let (first, rows) = (first as usize, column.len());
                column.slice(0, rows).filter(&mask.slice(first, rows))
            }
        }
    }

    /// From the first to the last selected row, of `rows`.
    fn span(&self, rows: u32) -> Range<u32> {
        let span = match self {
            RowSelection::All => Some(0..rows),
            RowSelection::Range(range) => Some(range.clone()),
            RowSelection::List(list) => {
                let (low, high) = (list.values().iter().min(), list.values().iter().max());
                low.zip(high).map(|(low, high)| *low..high + 1)
            }
            RowSelection::Mask(mask) => {
                let mut set = mask.values().set_indices();
                set.next().map(|low| low as u32..set.last().unwrap_or(low) as u32 + 1)
            }
        };
        span.unwrap_or(0..0)
    }

    fn fits(&self, rows: usize) -> bool {
        match self {
            RowSelection::All => true,
            RowSelection::Range(range) => range.start <= range.end && range.end as usize <= rows,
            RowSelection::List(list) => {
                list.null_count() == 0 && list.values().iter().all(|row| (*row as usize) < rows)
            }
            RowSelection::Mask(mask) => mask.len() == rows,
        }
    }
}

/// An open micro-partition. Many threads may read at once.
#[derive(Debug)]
pub struct PartitionReader {
    access: ObjectAccess,
    partition: Arc<Partition>,
    cache: Arc<ColumnCache>,
    rows: Rows,
}

/// Where rows are read.
#[derive(Debug)]
enum Rows {
    /// In a file with this footer.
    File(Arc<Footer>),
    /// In memory.
    Memory(Arc<HeldRows>),
}

impl PartitionReader {
    /// Opens a micro-partition; the footer comes from the cache where it is there.
    ///
    /// # Errors
    /// `Storage` when it cannot be read, `CorruptFile` when it is no micro-partition.
    pub fn open(
        access: &ObjectAccess,
        partition: &Arc<Partition>,
        cache: &Arc<ColumnCache>,
    ) -> Result<PartitionReader> {
        let rows = match (&partition.home, cache.footer(&partition.id)) {
            (Home::Memory(rows), _) => Rows::Memory(Arc::clone(rows)),
            (_, Some(footer)) => Rows::File(footer),
            (_, None) => {
                let footer = Arc::new(Footer::load(access, partition)?);
                cache.put_footer(&partition.id, &footer);
                Rows::File(footer)
            }
        };
        Ok(PartitionReader {
            access: access.clone(),
            partition: Arc::clone(partition),
            cache: Arc::clone(cache),
            rows,
        })
    }

    /// The micro-partition.
    pub fn partition(&self) -> &Arc<Partition> {
        &self.partition
    }

    /// The row groups in order.
    pub fn row_groups(&self) -> &[RowGroup] {
        match &self.rows {
            Rows::File(footer) => &footer.row_groups,
            Rows::Memory(rows) => rows.row_groups(),
        }
    }

    /// Whether a row group can be skipped or taken whole. Columns must be given with the types that the
    /// predicate's values have.
    pub fn prune(
        &self,
        row_group: usize,
        columns: &[ReadColumn],
        predicate: &ScanPredicate,
    ) -> Prune {
        let Rows::File(footer) = &self.rows else {
            // Of rows in memory, only what is known of all of them is known.
            return prune(predicate, self.partition.as_ref());
        };
        let partition = &self.partition;
        prune(predicate, &RowGroupStatistics { footer, partition, columns, row_group })
    }

    /// The rows of a row group in the pages that may hold rows for which the predicate holds: some
    /// consecutive ones, as positions in the row group; none when no page does.
    pub fn page_range(
        &self,
        row_group: usize,
        columns: &[ReadColumn],
        predicate: &ScanPredicate,
    ) -> Option<Range<u32>> {
        let Rows::File(footer) = &self.rows else {
            return Some(0..self.row_groups().get(row_group).map_or(0, RowGroup::len) as u32);
        };
        let partition = &self.partition;
        let group = RowGroupStatistics { footer, partition, columns, row_group };
        super::page_bounds::page_range(&group, predicate)
    }

    /// The rows of a row group that are not deleted; `All` when none is.
    pub fn live_rows(&self, row_group: usize) -> RowSelection {
        let Some(deleted) = &self.partition.deleted else { return RowSelection::All };
        let Some(group) = self.row_groups().get(row_group) else { return RowSelection::All };
        let mut live = BooleanBufferBuilder::new(group.len());
        live.append_n(group.len(), true);
        let mut any = false;
        for row in deleted.range(group.rows.clone()) {
            live.set_bit((row - group.rows.start) as usize, false);
            any = true;
        }
        if any {
            RowSelection::Mask(BooleanArray::new(live.finish(), None))
        } else {
            RowSelection::All
        }
    }

    /// Columns of a whole row group, deleted rows included, to cut batches from.
    ///
    /// Text columns come as dictionaries where the file has them so, numbers in the width that the file
    /// has them in, columns that the file lacks as constants.
    ///
    /// # Errors
    /// `Storage` when it cannot be read, `CorruptFile` when its bytes are not what they should be.
    pub fn chunks(&self, row_group: usize, columns: &[ReadColumn]) -> Result<Chunks> {
        let rows = self.group_rows(row_group, &RowSelection::All)?;
        let columns = self.held(row_group, columns, &(0..rows as u32))?;
        Ok(Chunks::new(columns.into_iter().map(|(column, _)| column).collect(), rows))
    }

    /// Reads rows of columns of a row group; deleted rows are read too, unless the selection leaves them
    /// out.
    ///
    /// # Errors
    /// As [`PartitionReader::chunks`].
    pub fn read(
        &self,
        row_group: usize,
        columns: &[ReadColumn],
        rows: &RowSelection,
    ) -> Result<Batch> {
        let group_rows = self.group_rows(row_group, rows)?;
        let selected = rows.count(group_rows);
        if selected == 0 {
            let none = columns.iter().map(|column| Column::nulls_of(column.sql_type, 0));
            return Ok(Batch::new(none.collect(), 0));
        }
        let mut span = rows.span(group_rows as u32);
        if span.len() * SPARSE > group_rows {
            span = 0..group_rows as u32;
        }
        let held = self.held(row_group, columns, &span)?;
        let columns = held.iter().map(|(column, first)| rows.cut(column, *first));
        Ok(Batch::new(columns.collect(), selected))
    }

    /// Columns of a row group with at least the rows of the span, each with the position of its first row.
    fn held(
        &self,
        row_group: usize,
        columns: &[ReadColumn],
        span: &Range<u32>,
    ) -> Result<Vec<(Narrow, u32)>> {
        let footer = match &self.rows {
            Rows::File(footer) => footer,
            Rows::Memory(held) => return held.chunks(row_group, columns),
        };
        let rows = footer.row_groups[row_group].len();
        let mut found: Vec<Option<Narrow>> = Vec::with_capacity(columns.len());
        let mut missing = Vec::new();
        for column in columns {
            found.push(match footer.root(column.field) {
                None => Some(Narrow::of(&constant(column, rows)?)),
                Some(root) => {
                    let cached = self.cache.chunk(&self.partition.id, row_group, column.field);
                    if cached.is_none() {
                        missing.push(root);
                    }
                    cached
                }
            });
        }
        let parts = self.fetch(footer, row_group, &missing, span)?;
        let columns = columns.iter().zip(found).map(|(column, found)| match found {
            Some(found) => Ok((found, 0)),
            None => Ok((self.decode(footer, row_group, column, span, &parts)?, span.start)),
        });
        columns.collect()
    }

    /// The row ids of rows of a row group, as 64-bit integers.
    ///
    /// # Errors
    /// As [`PartitionReader::read`].
    pub fn row_ids(&self, row_group: usize, rows: &RowSelection) -> Result<Column> {
        let group_rows = self.group_rows(row_group, rows)?;
        if self.partition.stored_row_ids {
            let column = ReadColumn {
                field: ROW_ID_FIELD,
                sql_type: SqlType::INTEGER,
                initial_default: None,
            };
            let batch = self.read(row_group, &[column], rows)?;
            return Ok(batch.column(0).clone());
        }
        let start = self.row_groups()[row_group].rows.start;
        let first = self.partition.first_row_id + i64::from(start);
        let ids = (0..group_rows as i64).map(|at| first + at);
        let ids = arrow::array::Int64Array::from_iter_values(ids);
        Ok(rows.cut(&Narrow::whole(&Column::Flat(Array::I64(ids))), 0))
    }

    fn group_rows(&self, row_group: usize, rows: &RowSelection) -> Result<usize> {
        let group = self.row_groups().get(row_group);
        let len = group.ok_or_else(|| Error::internal("a row group that is not there"))?.len();
        if rows.fits(len) {
            Ok(len)
        } else {
            Err(Error::internal("a selection of rows that are not there"))
        }
    }

    /// Fetches the pages of root columns that have rows of the span.
    fn fetch(
        &self,
        footer: &Footer,
        row_group: usize,
        roots: &[usize],
        span: &Range<u32>,
    ) -> Result<FileParts> {
        let whole = span.len() == footer.row_groups[row_group].len();
        let leaves = roots.iter().flat_map(|root| footer.leaves(*root));
        let ranges: Vec<Range<u64>> = leaves
            .flat_map(|leaf| match whole {
                true => vec![footer.range(row_group, leaf)],
                false => footer.page_ranges(row_group, leaf, span),
            })
            .collect();
        let bytes = match ranges.is_empty() {
            true => Vec::new(),
            false => self.partition.read(&self.access, &ranges)?,
        };
        let parts = ranges.iter().map(|range| range.start).zip(bytes).collect();
        Ok(FileParts::new(self.partition.bytes, parts))
    }

    /// Decodes a column's rows of the span from fetched bytes; a whole chunk is kept, if the cache keeps any.
    fn decode(
        &self,
        footer: &Footer,
        row_group: usize,
        column: &ReadColumn,
        span: &Range<u32>,
        parts: &FileParts,
    ) -> Result<Narrow> {
        let root = footer.root(column.field);
        let root = root.ok_or_else(|| Error::internal("a column that is gone"))?;
        let array = decode_array(footer, row_group, root, span, parts)
            .map_err(|error| corrupt(&self.partition, &error))?;
        let decoded = from_file(&array, column.sql_type)?;
        let is_part = span.len() < footer.row_groups[row_group].len();
        if is_part || self.cache.budget_bytes() == 0 {
            return Ok(Narrow::whole(&decoded));
        }
        let narrow = Narrow::of(&decoded);
        self.cache.put_chunk(&self.partition.id, row_group, column.field, &narrow);
        Ok(narrow)
    }
}

fn decode_array(
    footer: &Footer,
    row_group: usize,
    root: usize,
    span: &Range<u32>,
    parts: &FileParts,
) -> Result<ArrayRef, ParquetError> {
    let group_rows = footer.row_groups[row_group].len();
    let leaf = footer.leaves(root).first().copied().unwrap_or(0);
    let reading = footer.reading(footer.is_dictionary(row_group, leaf))?;
    let projection = ProjectionMask::roots(reading.parquet_schema(), [root]);
    let mut reader =
        ParquetRecordBatchReaderBuilder::new_with_metadata(parts.clone(), reading.clone())
            .with_projection(projection)
            .with_row_groups(vec![row_group])
            .with_batch_size(span.len());
    if span.len() < group_rows {
        let wanted = [
            RowSelector::skip(span.start as usize),
            RowSelector::select(span.len()),
            RowSelector::skip(group_rows - span.end as usize),
        ];
        reader = reader.with_row_selection(wanted.to_vec().into());
    }
    let cut = || ParquetError::EOF("a column chunk with too few rows".to_string());
    let batch = reader.build()?.next().ok_or_else(cut)?.map_err(ParquetError::from)?;
    if batch.num_rows() != span.len() || batch.num_columns() != 1 {
        return Err(cut());
    }
    Ok(Arc::clone(batch.column(0)))
}

/// The column of rows that are older than it.
pub(super) fn constant(column: &ReadColumn, rows: usize) -> Result<Column> {
    match &column.initial_default {
        None | Some(Value::Null) => Ok(Column::nulls_of(column.sql_type, rows)),
        Some(value) => Column::constant(value, column.sql_type, rows),
    }
}
