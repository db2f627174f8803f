//! Which rows of a row group are read.

use std::ops::Range;

use arrow::array::{Array as _, BooleanArray, UInt32Array};
use firn_column::{Column, EncodedColumn};
use parquet::arrow::arrow_reader::RowSelector;

/// Fewer rows than this between two wanted ones are read along with them.
const GAP_ROWS_MIN: u32 = 128;

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

    /// The selected rows of a column of a whole row group.
    pub(super) fn cut(&self, column: &EncodedColumn) -> Column {
        match self {
            RowSelection::All => column.slice(0, column.len()),
            RowSelection::Range(range) => column.slice(range.start as usize, range.len()),
            RowSelection::List(list) => column.take(list),
            RowSelection::Mask(mask) => column.slice(0, column.len()).filter(mask),
        }
    }

    /// Whether all selected rows are there.
    pub(super) fn fits(&self, rows: usize) -> bool {
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

/// Runs of rows of a row group, in order, that hold all selected ones.
#[derive(Debug)]
pub(super) struct Spans {
    runs: Vec<Range<u32>>,
}

impl Spans {
    /// The runs around the selected ones of `rows` rows.
    pub(super) fn of(selection: &RowSelection, rows: u32) -> Spans {
        let mut spans = Spans { runs: Vec::new() };
        match selection {
            RowSelection::All => spans.add(0..rows),
            RowSelection::Range(range) => spans.add(range.clone()),
            RowSelection::List(list) if list.values().is_sorted() => {
                list.values().iter().for_each(|row| spans.add(*row..row + 1));
            }
            RowSelection::List(list) => {
                let mut sorted = list.values().to_vec();
                sorted.sort_unstable();
                sorted.into_iter().for_each(|row| spans.add(row..row + 1));
            }
            RowSelection::Mask(mask) => {
                let runs = mask.values().set_slices();
                runs.for_each(|(start, end)| spans.add(start as u32..end as u32));
            }
        }
        spans
    }

    /// Adds a run that does not begin before the last one does.
    fn add(&mut self, run: Range<u32>) {
        match self.runs.last_mut() {
            Some(last) if run.start < last.end.saturating_add(GAP_ROWS_MIN) => {
                last.end = last.end.max(run.end);
            }
            _ => self.runs.push(run),
        }
    }

    /// The number of rows.
    pub(super) fn rows(&self) -> usize {
        self.runs.iter().map(Range::len).sum()
    }

    /// Whether one of the rows is among these.
    pub(super) fn meet(&self, rows: &Range<u32>) -> bool {
        let next = self.runs.partition_point(|run| run.end <= rows.start);
        self.runs.get(next).is_some_and(|run| run.start < rows.end)
    }

    /// The rows of a row group of `rows` rows, as the Parquet library is told them.
    pub(super) fn selectors(&self, rows: usize) -> Vec<RowSelector> {
        let mut selectors = Vec::with_capacity(2 * self.runs.len() + 1);
        let mut at = 0;
        for run in &self.runs {
            selectors.push(RowSelector::skip((run.start - at) as usize));
            selectors.push(RowSelector::select(run.len()));
            at = run.end;
        }
        selectors.push(RowSelector::skip(rows - at as usize));
        selectors
    }

    /// The selected rows of a column that has the rows of the runs only.
    pub(super) fn cut(&self, selection: &RowSelection, column: &Column) -> Column {
        match selection {
            RowSelection::All | RowSelection::Range(_) => column.clone(),
            RowSelection::List(list) => column.take(&self.places(list)),
            RowSelection::Mask(mask) => {
                let rows = self.runs.iter().flat_map(|run| run.start as usize..run.end as usize);
                column.filter(&rows.map(|row| Some(mask.value(row))).collect())
            }
        }
    }

    /// Where rows stand in a column that has the rows of the runs only.
    fn places(&self, rows: &UInt32Array) -> UInt32Array {
        let starts = self.runs.iter().scan(0, |start, run| {
            let own = *start;
            *start += run.end - run.start;
            Some(own)
        });
        let starts: Vec<u32> = starts.collect();
        rows.unary(|row| {
            let run = self.runs.partition_point(|run| run.end <= row);
            starts[run] + row - self.runs[run].start
        })
    }
}
