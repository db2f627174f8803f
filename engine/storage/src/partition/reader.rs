//! Micro-partitions to batches.
//!
//! A column chunk (one column of one row group) is read and decoded as a whole, and kept in the cache in
//! narrow form; a selection is cut out of it. So the columns of a filter and, later, the surviving
//! rows of the others cost one decoding each. Only when a selection lies in few of the pages of a chunk that
//! is not in the cache are those read alone, and not kept.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, BooleanBufferBuilder};
use firn_column::{Array, Batch, Column, EncodedColumn};
use firn_types::scan_predicate::ScanPredicate;
use firn_types::{Error, FieldId, PartitionId, Result, Value};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::errors::ParquetError;

use super::chunks::Chunks;
use super::convert::from_file;
use super::footer::{FileParts, Footer, corrupt};
use super::page_bounds::RowGroupStatistics;
use super::selection::{RowSelection, Spans};
use super::{ROW_ID_FIELD, ReadColumn, ResidentRows};
use crate::cache::ChunkOf;
use crate::shredding::rescaled;
use crate::{ColumnCache, Location, ObjectAccess, Partition, Prune, prune};

/// Some consecutive rows of a file whose columns are read as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowGroup {
    /// Its position in the file.
    pub index: usize,
    /// Its rows, as positions in the file.
    pub rows: Range<u32>,
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
    Memory(Arc<ResidentRows>),
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
        let rows = match (&partition.location, cache.footer(&partition.id)) {
            (Location::Memory(rows), _) => Rows::Memory(Arc::clone(rows)),
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

    /// The footer; none of rows in memory.
    pub(super) fn footer(&self) -> Option<&Arc<Footer>> {
        match &self.rows {
            Rows::File(footer) => Some(footer),
            Rows::Memory(_) => None,
        }
    }

    /// Lets the cache have what it keeps of these columns for a file with the same chunks, which takes the
    /// place of this one.
    pub(super) fn hand_on(&self, to: &PartitionId, fields: impl Iterator<Item = FieldId>) {
        for field in fields {
            for group in self.row_groups() {
                self.cache.hand_on(&self.partition.id, to, group.index, &field.into());
            }
        }
    }

    /// What of columns is kept.
    pub(super) fn cache(&self) -> &ColumnCache {
        &self.cache
    }

    /// Where files are.
    pub(super) fn access(&self) -> &ObjectAccess {
        &self.access
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
        let (columns, _) = self.resident(row_group, columns, None)?;
        Ok(Chunks::new(columns.into_iter().flatten().collect(), rows))
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
        let spans = Spans::of(rows, group_rows as u32);
        let (held, parts) = self.resident(row_group, columns, Some(&spans))?;
        let columns = columns.iter().zip(held).map(|(column, held)| match held {
            Some(whole) => Ok(rows.cut(&whole)),
            None if self.is_stored(column) => {
                let decoded = self.decode(row_group, column, Some(&spans), &parts)?;
                self.put_together(row_group, column, spans.cut(rows, &decoded), rows)
            }
            None => self.at_path(row_group, column, rows),
        });
        Ok(Batch::new(columns.collect::<Result<_>>()?, selected))
    }

    /// Whole columns of a row group, and what was fetched for the others: those of which it is cheaper to
    /// read the pages with rows of the spans. Without spans there are no others.
    pub(super) fn resident(
        &self,
        row_group: usize,
        columns: &[ReadColumn],
        spans: Option<&Spans>,
    ) -> Result<(Vec<Option<EncodedColumn>>, FileParts)> {
        let footer = match &self.rows {
            Rows::File(footer) => footer,
            Rows::Memory(held) => {
                let columns = columns.iter().map(|column| match self.counts(column) {
                    true => Ok(Some(self.counted_ids(row_group))),
                    false => Ok(held.chunks(row_group, std::slice::from_ref(column))?.pop()),
                });
                return Ok((columns.collect::<Result<_>>()?, FileParts::default()));
            }
        };
        let mut held = Vec::with_capacity(columns.len());
        let (mut wanted, mut ranges) = (Vec::new(), Vec::new());
        for column in columns {
            let root = footer.root_of(column);
            let cached = match root {
                None if self.counts(column) => Some(self.counted_ids(row_group)),
                None => self.not_stored(footer, row_group, column, spans)?,
                Some(_) => self.cache.chunk(&self.partition.id, row_group, &column.into()),
            };
            if cached.is_none() {
                let (whole, more) = match root {
                    Some(root) => self.ranges(footer, row_group, (root, column), spans),
                    None => (false, Vec::new()),
                };
                wanted.push(whole);
                ranges.extend(more);
            }
            held.push(cached);
        }
        let parts = self.fetch(&ranges)?;
        let missing = held.iter_mut().zip(columns).filter(|(held, _)| held.is_none());
        for ((held, column), _) in missing.zip(wanted).filter(|(_, whole)| *whole) {
            let decoded = self.decode(row_group, column, None, &parts)?;
            let decoded = self.put_together(row_group, column, decoded, &RowSelection::All)?;
            *held = Some(self.keep(row_group, column, &decoded));
        }
        Ok((held, parts))
    }

    /// The row ids of rows of a row group, as 64-bit integers.
    ///
    /// # Errors
    /// As [`PartitionReader::read`].
    pub fn row_ids(&self, row_group: usize, rows: &RowSelection) -> Result<Column> {
        let batch = self.read(row_group, &[ReadColumn::row_id()], rows)?;
        Ok(batch.column(0).clone())
    }

    /// Whether the column is that of the row ids, and the file has none because they count on from the first.
    fn counts(&self, column: &ReadColumn) -> bool {
        column.column == ROW_ID_FIELD && !self.partition.stored_row_ids
    }

    /// The row ids of a row group that count on from the partition's first.
    fn counted_ids(&self, row_group: usize) -> EncodedColumn {
        let group = &self.row_groups()[row_group];
        let first = self.partition.first_row_id + i64::from(group.rows.start);
        let ids = (0..group.len() as i64).map(|at| first + at);
        let ids = arrow::array::Int64Array::from_iter_values(ids);
        EncodedColumn::whole(&Column::Flat(Array::I64(ids)))
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

    /// What to fetch of the root column that a column is read from, and whether that is all of it.
    pub(super) fn ranges(
        &self,
        footer: &Footer,
        row_group: usize,
        (root, column): (usize, &ReadColumn),
        spans: Option<&Spans>,
    ) -> (bool, Vec<Range<u64>>) {
        let leaves = footer.leaves(root);
        let whole = leaves.iter().map(|leaf| footer.range(row_group, *leaf)).collect();
        let Some(spans) = spans else { return (true, whole) };
        let pages = leaves.iter().flat_map(|leaf| footer.page_ranges(row_group, *leaf, spans));
        let pages: Vec<Range<u64>> = pages.collect();
        let bytes =
            |ranges: &[Range<u64>]| ranges.iter().map(|range| range.end - range.start).sum();
        let (partition, column) = (&self.partition.id, ChunkOf::from(column));
        match self.cache.wants_whole(partition, row_group, &column, bytes(&pages), bytes(&whole)) {
            true => (true, whole),
            false => (false, pages),
        }
    }

    /// Parts of the file, verified; each of the ranges lies in one column chunk.
    pub(super) fn fetch(&self, ranges: &[Range<u64>]) -> Result<FileParts> {
        if ranges.is_empty() {
            return Ok(FileParts::new(self.partition.bytes, Vec::new()));
        }
        let checksums = self.footer().and_then(|footer| footer.checksums.as_ref());
        let ranges: Cow<'_, [Range<u64>]> = match checksums {
            Some(checksums) => checksums.whole_blocks(ranges).into(),
            None => ranges.into(),
        };
        let mut parts = Vec::with_capacity(ranges.len());
        for (range, bytes) in ranges.iter().zip(self.partition.read(&self.access, &ranges)?) {
            if checksums.is_some_and(|checksums| !checksums.verify(range, &bytes)) {
                let what = format!(
                    "its bytes from {} to {} have other checksums than they were written with",
                    range.start, range.end
                );
                return Err(corrupt(&self.partition, &ParquetError::General(what)));
            }
            parts.push((range.start, bytes));
        }
        Ok(FileParts::new(self.partition.bytes, parts))
    }

    /// Decodes a column's rows of the spans, or all of them, from fetched bytes.
    pub(super) fn decode(
        &self,
        row_group: usize,
        column: &ReadColumn,
        spans: Option<&Spans>,
        parts: &FileParts,
    ) -> Result<Column> {
        let gone = || Error::internal("a column that is gone");
        let Rows::File(footer) = &self.rows else { return Err(gone()) };
        let root = footer.root_of(column).ok_or_else(gone)?;
        let array = decode_array(footer, row_group, root, spans, parts)
            .map_err(|error| corrupt(&self.partition, &error))?;
        let decoded = from_file(&array, column.sql_type)?;
        match self.partition.path_type(&column.column) {
            Some(stored) => rescaled(decoded, stored, column.sql_type),
            None => Ok(decoded),
        }
    }

    /// The narrow form of a whole column, which the cache keeps, if it keeps any.
    pub(super) fn keep(
        &self,
        row_group: usize,
        column: &ReadColumn,
        decoded: &Column,
    ) -> EncodedColumn {
        if self.cache.budget_bytes() == 0 {
            return EncodedColumn::whole(decoded);
        }
        let narrow = EncodedColumn::of(decoded);
        self.cache.put_chunk(&self.partition.id, row_group, &column.into(), &narrow);
        narrow
    }
}

fn decode_array(
    footer: &Footer,
    row_group: usize,
    root: usize,
    spans: Option<&Spans>,
    parts: &FileParts,
) -> Result<ArrayRef, ParquetError> {
    let group_rows = footer.row_groups[row_group].len();
    let rows = spans.map_or(group_rows, Spans::rows);
    let leaf = footer.leaves(root).first().copied().unwrap_or(0);
    let reading = footer.reading(footer.is_dictionary(row_group, leaf))?;
    let projection = ProjectionMask::roots(reading.parquet_schema(), [root]);
    let mut reader =
        ParquetRecordBatchReaderBuilder::new_with_metadata(parts.clone(), reading.clone())
            .with_projection(projection)
            .with_row_groups(vec![row_group])
            .with_batch_size(rows);
    if let Some(spans) = spans {
        reader = reader.with_row_selection(spans.selectors(group_rows).into());
    }
    let cut = || ParquetError::EOF("a column chunk with too few rows".to_string());
    let batch = reader.build()?.next().ok_or_else(cut)?.map_err(ParquetError::from)?;
    if batch.num_rows() != rows || batch.num_columns() != 1 {
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
