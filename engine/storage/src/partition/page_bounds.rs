//! What a footer says of the values of a row group and of its pages.

use std::borrow::Cow;
use std::ops::Range;

use arrow::array::{Array as _, ArrayRef, UInt64Array};
use firn_types::scan_predicate::ScanPredicate;
use firn_types::{ColumnPath, SqlType, Value};
use parquet::arrow::arrow_reader::statistics::StatisticsConverter;

use super::convert::from_file;
use super::footer::Footer;
use super::{ROW_ID_FIELD, ReadColumn};
use crate::prune::{Bounds, Statistics};
use crate::statistics::compare;
use crate::{Partition, Prune, prune};

/// A row group as pruning sees it.
pub(super) struct RowGroupStatistics<'a> {
    pub(super) footer: &'a Footer,
    pub(super) partition: &'a Partition,
    pub(super) columns: &'a [ReadColumn],
    pub(super) row_group: usize,
}

/// One page of one column as pruning sees it.
struct PageStatistics<'a> {
    column: ColumnPath,
    bounds: Bounds<'a>,
    rows: u64,
}

impl Statistics for RowGroupStatistics<'_> {
    fn rows(&self) -> u64 {
        self.footer.row_groups[self.row_group].len() as u64
    }

    fn bounds(&self, column: &ColumnPath) -> Option<Bounds<'_>> {
        let column = self.columns.iter().find(|read| read.column == *column)?;
        let Some(root) = self.footer.root(&column.column) else {
            // Row ids that no file has are counted, and what is at a path may be in the whole values: their bounds
            // are not known.
            if column.column == ROW_ID_FIELD || column.column.path.is_some() {
                return None;
            }
            return Some(constant_bounds(column, self.rows()));
        };
        let (converter, sql_type) = (self.converter(column, root)?, self.stored_type(column));
        let groups = [self.footer.metadata.row_group(self.row_group)];
        let nulls = converter.row_group_null_counts(groups).ok()?;
        let bounds = Bounds {
            min: self.value(&converter.row_group_mins(groups).ok()?, 0, sql_type),
            max: self.value(&converter.row_group_maxes(groups).ok()?, 0, sql_type),
            null_count: count(&nulls, 0),
        };
        Some(self.trusted(&column.column, bounds))
    }
}

impl Statistics for PageStatistics<'_> {
    fn rows(&self) -> u64 {
        self.rows
    }

    fn bounds(&self, column: &ColumnPath) -> Option<Bounds<'_>> {
        (*column == self.column).then(|| self.bounds.borrowed())
    }
}

impl<'a> RowGroupStatistics<'a> {
    fn converter(&self, column: &ReadColumn, root: usize) -> Option<StatisticsConverter<'a>> {
        // Packed timestamps and semi-structured values have no order of their own in the file.
        if matches!(column.sql_type, SqlType::TimestampTz { .. })
            || column.sql_type.is_semi_structured()
        {
            return None;
        }
        let reading = self.footer.reading(false).ok()?;
        let field = reading.schema().fields().get(root)?;
        let leaf = *self.footer.leaves(root).first()?;
        let converter =
            StatisticsConverter::from_column_index(leaf, field, reading.parquet_schema());
        Some(converter.ok()?.with_missing_null_counts_as_zero(false))
    }

    /// The type of the values in the file: that of a path may have fewer digits after the point than is asked for.
    fn stored_type(&self, column: &ReadColumn) -> SqlType {
        self.partition.path_type(&column.column).unwrap_or(column.sql_type)
    }

    fn value(&self, array: &ArrayRef, at: usize, sql_type: SqlType) -> Option<Cow<'static, Value>> {
        if at >= array.len() || array.is_null(at) {
            return None;
        }
        Some(Cow::Owned(from_file(array, sql_type).ok()?.value(at, sql_type)))
    }

    /// Parquet leaves NaN out of its bounds: they hold only where the file has none.
    fn trusted(&self, column: &ColumnPath, mut bounds: Bounds<'static>) -> Bounds<'static> {
        if matches!(bounds.max.as_deref(), Some(Value::Float(_))) {
            let greatest = self.partition.column(column).and_then(|column| column.max.as_ref());
            if !matches!(greatest, Some(Value::Float(max)) if !max.is_nan()) {
                bounds.max = Some(Cow::Owned(Value::Float(f64::NAN)));
            }
        }
        bounds
    }

    /// The pages of a column with their first rows.
    fn pages(&self, column: &ReadColumn) -> Option<Vec<(Range<u32>, Bounds<'static>)>> {
        let root = self.footer.root(&column.column)?;
        let leaf = *self.footer.leaves(root).first()?;
        let (converter, sql_type) = (self.converter(column, root)?, self.stored_type(column));
        let index = self.footer.metadata.page_index()?.as_ref();
        let groups = [&self.row_group];
        let mins = converter.data_page_mins(index, groups).ok()?;
        let maxes = converter.data_page_maxes(index, groups).ok()?;
        let nulls = converter.data_page_null_counts(index, groups).ok()?;
        let locations = index.offset_index(self.row_group, leaf)?.page_locations();
        let rows = self.footer.row_groups[self.row_group].len() as u32;
        let starts: Vec<u32> =
            locations.iter().map(|page| u32::try_from(page.first_row_index).unwrap_or(0)).collect();
        let pages = starts.iter().enumerate().map(|(at, start)| {
            let end = starts.get(at + 1).copied().unwrap_or(rows);
            let bounds = Bounds {
                min: self.value(&mins, at, sql_type),
                max: self.value(&maxes, at, sql_type),
                null_count: count(&nulls, at),
            };
            (*start..end, self.trusted(&column.column, bounds))
        });
        Some(pages.collect())
    }
}

/// The smallest range of rows that has all pages in which the predicate may hold; none for none.
pub(super) fn page_range(
    group: &RowGroupStatistics<'_>,
    predicate: &ScanPredicate,
) -> Option<Range<u32>> {
    let all = 0..group.rows() as u32;
    match predicate {
        ScanPredicate::False => None,
        ScanPredicate::And(parts) => parts.iter().try_fold(all, |range, part| {
            let part = page_range(group, part)?;
            let both = range.start.max(part.start)..range.end.min(part.end);
            (!both.is_empty()).then_some(both)
        }),
        ScanPredicate::Compare { column, .. }
        | ScanPredicate::In { column, .. }
        | ScanPredicate::StartsWith { column, .. } => {
            let read = group.columns.iter().find(|read| read.column == *column);
            let Some(pages) = read.and_then(|read| group.pages(read)) else {
                return Some(all);
            };
            let keeps = pages.into_iter().filter(|(rows, bounds)| {
                let bounds = bounds.borrowed();
                let page =
                    PageStatistics { column: column.clone(), bounds, rows: rows.len() as u64 };
                prune(predicate, &page) != Prune::Skip
            });
            keeps.map(|(rows, _)| rows).reduce(|a, b| a.start.min(b.start)..a.end.max(b.end))
        }
        _ => Some(all),
    }
}

fn count(nulls: &UInt64Array, at: usize) -> Option<u64> {
    (at < nulls.len() && nulls.is_valid(at)).then(|| nulls.value(at))
}

/// The bounds of a column that the file lacks.
fn constant_bounds(column: &ReadColumn, rows: u64) -> Bounds<'static> {
    match column.initial_default.clone().filter(|value| compare(value, value).is_some()) {
        Some(value) => {
            let bound = Some(Cow::Owned(value));
            Bounds { min: bound.clone(), max: bound, null_count: Some(0) }
        }
        None if matches!(column.initial_default, None | Some(Value::Null)) => {
            Bounds { null_count: Some(rows), ..Bounds::default() }
        }
        None => Bounds::default(),
    }
}
