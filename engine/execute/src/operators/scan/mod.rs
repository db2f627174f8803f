//! Rows of one version of a stored table. No order.
//!
//! Whole micro-partitions are left out by their statistics before anything is read, then row groups, then
//! pages; the joins above add the ranges of their keys to what is asked for. Of a row group, the columns
//! of the conditions are read first; the others only for rows that pass, which includes having a match in
//! the joins above where asking them has proved worth it. A morsel is a row group.

mod filter;
mod prune;
mod ranges;

use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use arrow::array::{Int64Array, UInt32Array};
use firn_column::{Array, Batch, Column, Selection};
use firn_storage::{
    Chunks, Partition, PartitionReader, Partitions, Prune, ReadColumn, RowSelection,
};
use firn_types::limits::BATCH_ROWS;
use firn_types::scan_predicate::ScanPredicate;
use firn_types::{Error, Result};

use crate::context::{QueryContext, Storage};
use crate::evaluate::Conditions;
use crate::operator::{Emit, Flow, Source};
use crate::operators::sort::TopBound;
use crate::profile::{OperatorCounters, OperatorId};
use crate::row_locator::RowLocator;

use ranges::Ranges;

pub(crate) use filter::JoinFilter;

/// What is read of which table.
pub(crate) struct ScanSpec {
    pub(crate) partitions: Partitions,
    /// All columns that are read: those of the conditions first.
    pub(crate) columns: Vec<ReadColumn>,
    /// How many of the columns the conditions and filters use.
    pub(crate) first: usize,
    pub(crate) conditions: Conditions,
    /// What follows from the conditions.
    pub(crate) pruning: ScanPredicate,
    /// What joins above have a use for.
    pub(crate) filters: Vec<JoinFilter>,
    /// Orders above of which only the first rows are wanted, with the position of their first key.
    pub(crate) bounds: Vec<(usize, Arc<TopBound>)>,
    /// Positions among `columns` of what is given.
    pub(crate) output: Vec<usize>,
    /// Whether the row's locator follows.
    pub(crate) row_locator: bool,
    pub(crate) limit: Option<u64>,
    pub(crate) id: OperatorId,
}

impl ScanSpec {
    /// Whether every row that is not deleted is given.
    fn filters_nothing(&self) -> bool {
        self.conditions.is_empty() && self.filters.is_empty() && self.bounds.is_empty()
    }

    /// Stored bytes of the columns that are read.
    fn bytes_of(&self, partition: &Partition) -> u64 {
        self.columns.iter().map(|column| partition.column_bytes(&column.column)).sum()
    }
}

/// A stored table as a source.
pub(crate) struct Scan {
    spec: ScanSpec,
    opened: OnceLock<Opened>,
    /// Rows given so far, where a limit counts them.
    given: AtomicU64,
}

struct Opened {
    readers: Vec<(usize, PartitionReader)>,
    morsels: Vec<Morsel>,
    /// What partitions, row groups and pages are asked.
    predicate: ScanPredicate,
    /// What packed columns are asked.
    ranges: Ranges,
}

#[derive(Clone, Copy)]
struct Morsel {
    reader: usize,
    row_group: usize,
    /// In a partition's first morsel, the bytes that are read of it.
    begins: Option<u64>,
}

impl Scan {
    pub(crate) fn new(spec: ScanSpec) -> Scan {
        Scan { spec, opened: OnceLock::new(), given: AtomicU64::new(0) }
    }

    fn has_enough(&self) -> bool {
        self.spec.limit.is_some_and(|limit| self.given.load(Ordering::Relaxed) >= limit)
    }
}

impl Source for Scan {
    fn open(&self, context: &QueryContext) -> Result<usize> {
        let opened = self.opened(context)?;
        let count = opened.morsels.len();
        self.opened.set(opened).map_err(|_| Error::internal("a scan opened twice"))?;
        Ok(count)
    }

    fn read(&self, morsel: usize, context: &QueryContext, emit: &mut Emit<'_>) -> Result<Flow> {
        let Some(opened) = self.opened.get() else { return Ok(Flow::Continue) };
        let Some(morsel) = opened.morsels.get(morsel).filter(|_| !self.has_enough()) else {
            return Ok(Flow::Continue);
        };
        let (partition, reader) = &opened.readers[morsel.reader];
        let group = RowGroup { reader, partition: *partition, index: morsel.row_group };
        let progress = &context.monitor.progress;
        if let Some(bytes) = morsel.begins {
            progress.begin_file();
            progress.add_bytes(bytes);
        }
        progress.add_rows(group.rows() as u64);
        if self.spec.filters_nothing() {
            return self.read_all(&group, emit);
        }
        if self.is_beyond_bounds(&group) {
            return Ok(Flow::Continue);
        }
        self.read_some(&group, opened, context, emit)
    }
}

/// When at least one row in so many passes, all columns are cut in pieces, so that a piece stays in cache.
const DENSE: usize = 8;

/// Some consecutive rows of a row group, and which of them pass.
struct Piece {
    start: usize,
    rows: usize,
    selection: Selection,
}

impl Piece {
    fn passing(&self) -> usize {
        self.selection.count(self.rows)
    }

    /// The same rows in pieces of the usual size.
    fn cut(&self) -> impl Iterator<Item = Piece> {
        pieces(self.start..self.start + self.rows, BATCH_ROWS).map(|(start, rows)| Piece {
            start,
            rows,
            selection: self.selection.slice(start - self.start, rows),
        })
    }

    /// The passing rows, as positions in the row group.
    fn positions(&self) -> impl Iterator<Item = u32> {
        let start = self.start as u32;
        self.selection
            .positions(self.rows)
            .values()
            .to_vec()
            .into_iter()
            .map(move |row| start + row)
    }
}

/// Rows of a piece, at least, for each value of a dictionary.
const ROWS_PER_VALUE: usize = 4;

/// Rows cut in runs of `size`, a multiple of a batch's, each with its start and length; they begin where
/// multiples of that size do, as the blocks of packed columns do, too.
fn pieces(rows: Range<usize>, size: usize) -> impl Iterator<Item = (usize, usize)> {
    let next = move |start: usize| (start / size + 1) * size;
    let starts = std::iter::successors(Some(rows.start), move |&start| Some(next(start)));
    let starts = starts.take_while(move |&start| start < rows.end);
    starts.map(move |start| (start, next(start).min(rows.end) - start))
}

/// Positions cut in runs of `size`.
fn in_runs(positions: &UInt32Array, size: usize) -> impl Iterator<Item = UInt32Array> {
    let starts = (0..positions.len()).step_by(size);
    starts.map(move |start| positions.slice(start, size.min(positions.len() - start)))
}

/// The row group of a morsel.
struct RowGroup<'a> {
    reader: &'a PartitionReader,
    /// The partition's position in the snapshot.
    partition: usize,
    index: usize,
}

impl RowGroup<'_> {
    fn rows(&self) -> usize {
        self.reader.row_groups()[self.index].len()
    }

    fn locators(&self, rows: &RowSelection) -> Column {
        let first = self.reader.row_groups()[self.index].rows.start;
        let at = |row: u32| RowLocator::of(self.partition as u32, first + row).0;
        let count = self.rows() as u32;
        Column::Flat(Array::I64(match rows {
            RowSelection::All => Int64Array::from_iter_values((0..count).map(at)),
            RowSelection::Range(range) => Int64Array::from_iter_values(range.clone().map(at)),
            RowSelection::List(list) => {
                Int64Array::from_iter_values(list.values().iter().map(|&row| at(row)))
            }
            RowSelection::Mask(mask) => {
                let chosen = mask.values().set_indices().map(|row| at(row as u32));
                Int64Array::from_iter_values(chosen)
            }
        }))
    }
}

impl Scan {
    /// All rows that are not deleted.
    fn read_all(&self, group: &RowGroup<'_>, emit: &mut Emit<'_>) -> Result<Flow> {
        let live = group.reader.live_rows(group.index);
        if let (RowSelection::All, Some(Ok(limit))) = (&live, self.spec.limit.map(u32::try_from))
            && (limit as usize) < group.rows()
        {
            let rows = RowSelection::Range(0..limit);
            let batch = group.reader.read(group.index, &self.spec.columns, &rows)?;
            return self.give(batch.project(&self.spec.output), group, &rows, emit);
        }
        let chunks = group.reader.chunks(group.index, &self.spec.columns)?;
        let selection = match &live {
            RowSelection::Mask(live) => Selection::of_mask(live.values().clone()),
            _ => Selection::All,
        };
        let whole = Piece { start: 0, rows: group.rows(), selection };
        self.give_pieces(&chunks.project(&self.spec.output), group, &[whole], emit)
    }

    /// Whether the orders above have enough rows before all of this row group.
    fn is_beyond_bounds(&self, group: &RowGroup<'_>) -> bool {
        self.spec.bounds.iter().any(|(position, bound)| {
            let predicate = bound.predicate(&self.spec.columns[*position].column);
            predicate.is_some_and(|predicate| {
                group.reader.prune(group.index, &self.spec.columns, &predicate) == Prune::Skip
            })
        })
    }

    /// The rows that pass.
    fn read_some(
        &self,
        group: &RowGroup<'_>,
        opened: &Opened,
        context: &QueryContext,
        emit: &mut Emit<'_>,
    ) -> Result<Flow> {
        let spec = &self.spec;
        let range = group.reader.page_range(group.index, &spec.columns, &opened.predicate);
        let Some(range) = range.filter(|range| !range.is_empty()) else {
            return Ok(Flow::Continue);
        };
        let (first, others) = spec.columns.split_at(spec.first);
        let filter_columns = group.reader.chunks(group.index, first)?;
        let live = group.reader.live_rows(group.index);
        let range = range.start as usize..range.end as usize;
        let mut pieces = self.filter_pieces(&filter_columns, range, opened, context)?;
        if let RowSelection::Mask(live) = &live {
            for piece in &mut pieces {
                let live = live.slice(piece.start, piece.rows);
                piece.selection = piece.selection.clone().within(live.values());
            }
        }
        let passing: usize = pieces.iter().map(Piece::passing).sum();
        if passing == 0 {
            return Ok(Flow::Continue);
        }
        if spec.output.is_empty() && !spec.row_locator {
            return self.give(Batch::new(vec![], passing), group, &RowSelection::All, emit);
        }
        if passing * DENSE >= group.rows() {
            let whole = filter_columns.and(group.reader.chunks(group.index, others)?);
            return self.give_pieces(&whole.project(&spec.output), group, &pieces, emit);
        }
        let rows = UInt32Array::from_iter_values(pieces.iter().flat_map(Piece::positions));
        if others.is_empty() {
            let whole = filter_columns.project(&spec.output).take(&rows);
            return self.give(whole, group, &RowSelection::List(rows), emit);
        }
        let mut columns = filter_columns.take(&rows).into_columns();
        let rows = RowSelection::List(rows);
        columns.extend(group.reader.read(group.index, others, &rows)?.into_columns());
        let whole = Batch::new(columns, passing).project(&spec.output);
        self.give(whole, group, &rows, emit)
    }

    /// Which of some consecutive rows pass, deleted ones included.
    fn filter_pieces(
        &self,
        filter_columns: &Chunks,
        rows: Range<usize>,
        opened: &Opened,
        context: &QueryContext,
    ) -> Result<Vec<Piece>> {
        // What is asked of a dictionary is asked once a piece: one of many values is worth long pieces.
        let piece_rows = filter_columns.dictionary_len() * ROWS_PER_VALUE;
        let piece_rows = piece_rows.next_multiple_of(BATCH_ROWS).max(BATCH_ROWS);
        let passing = opened.ranges.passing(filter_columns, &rows);
        let first = rows.start;
        let filter_piece = |(start, rows): (usize, usize)| {
            let passing = passing.slice(start - first, rows);
            let selection = match ranges::are_few(&passing, rows) {
                false => self.filter_piece(&filter_columns.slice(start, rows), context)?,
                true => {
                    let mut kept = Vec::new();
                    for some in in_runs(&passing.positions(rows), piece_rows) {
                        let piece = filter_columns.take(&some.unary(|row| row + start as u32));
                        let kept_of_piece = self.filter_piece(&piece, context)?.among(some);
                        kept.extend_from_slice(kept_of_piece.positions(rows).values());
                    }
                    Selection::Rows(kept.into())
                }
            };
            Ok(Piece { start, rows, selection })
        };
        match ranges::are_few(&passing, rows.len()) {
            true => Ok(vec![filter_piece((rows.start, rows.len()))?]),
            false => pieces(rows, piece_rows).map(filter_piece).collect(),
        }
    }

    /// The rows of a piece that pass, deleted ones included.
    fn filter_piece(&self, piece: &Batch, context: &QueryContext) -> Result<Selection> {
        if piece.rows() == 0 {
            return Ok(Selection::None);
        }
        let mut selection = self.spec.conditions.select(piece, context)?;
        for filter in &self.spec.filters {
            selection = filter.narrow(selection, piece)?;
        }
        for (position, bound) in &self.spec.bounds {
            selection = bound.narrow(selection, piece, *position)?;
        }
        Ok(selection)
    }

    /// Hands on the passing rows of a row group's columns, in pieces of the usual size.
    fn give_pieces(
        &self,
        whole: &Chunks,
        group: &RowGroup<'_>,
        given: &[Piece],
        emit: &mut Emit<'_>,
    ) -> Result<Flow> {
        for piece in given.iter().flat_map(Piece::cut).filter(|piece| piece.passing() > 0) {
            if self.has_enough() {
                break;
            }
            let batch = whole.select(piece.start, piece.rows, &piece.selection);
            let count = batch.rows();
            let mut columns = batch.into_columns();
            if self.spec.row_locator {
                let rows = UInt32Array::from_iter_values(piece.positions());
                columns.push(group.locators(&RowSelection::List(rows)));
            }
            self.given.fetch_add(count as u64, Ordering::Relaxed);
            if emit(Batch::new(columns, count))?.is_stop() {
                return Ok(Flow::Stop);
            }
        }
        Ok(Flow::Continue)
    }

    /// Hands on what was read, in pieces of the usual size.
    fn give(
        &self,
        batch: Batch,
        group: &RowGroup<'_>,
        rows: &RowSelection,
        emit: &mut Emit<'_>,
    ) -> Result<Flow> {
        let count = batch.rows();
        let mut columns = batch.into_columns();
        if self.spec.row_locator {
            columns.push(group.locators(rows));
        }
        let batch = Batch::new(columns, count);
        let mut start = 0;
        while start < count && !self.has_enough() {
            let rows = (count - start).min(BATCH_ROWS);
            self.given.fetch_add(rows as u64, Ordering::Relaxed);
            if emit(batch.slice(start, rows))?.is_stop() {
                return Ok(Flow::Stop);
            }
            start += rows;
        }
        Ok(Flow::Continue)
    }
}

/// How a scan reads stored tables.
fn storage(context: &QueryContext) -> Result<&Storage> {
    context.storage.as_ref().ok_or_else(|| Error::internal("a scan without storage"))
}

/// The scan's counters in the profile.
fn count(context: &QueryContext, spec: &ScanSpec, chosen: &[(usize, &Arc<Partition>)]) {
    let (total, read) = (spec.partitions.len(), chosen.len());
    let bytes: u64 = chosen.iter().map(|(_, partition)| spec.bytes_of(partition)).sum();
    context.monitor.progress.add_total(read, bytes);
    if let Some(counters) = context.profile.counters(spec.id) {
        OperatorCounters::add(&counters.bytes_read, bytes as usize);
        OperatorCounters::add(&counters.partitions_total, total);
        OperatorCounters::add(&counters.partitions_scanned, read);
        OperatorCounters::add(&counters.partitions_pruned, total - read);
    }
}
