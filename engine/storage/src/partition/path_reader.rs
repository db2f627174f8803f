//! Values at paths of semi-structured columns that have no sub-column, and whole values that are stored in parts.

use firn_column::{Column, EncodedColumn};
use firn_types::{ColumnPath, Error, FieldId, KeyPath, Result, SqlType};

use super::footer::Footer;
use super::reader::{PartitionReader, constant};
use super::selection::{RowSelection, Spans};
use super::{ReadColumn, RowGroup};
use crate::shredding::{PathValues, extract};

impl PartitionReader {
    /// Whether the file has the column.
    pub(super) fn is_stored(&self, column: &ReadColumn) -> bool {
        self.footer().is_some_and(|footer| footer.root_of(column).is_some())
    }

    /// A column that the file does not have: what is at a path of one that it has, else the column's default. None
    /// where it is cheaper to look for the values of the rows of the spans: [`PartitionReader::at_path`].
    pub(super) fn not_stored(
        &self,
        footer: &Footer,
        row_group: usize,
        column: &ReadColumn,
        spans: Option<&Spans>,
    ) -> Result<Option<EncodedColumn>> {
        let ReadColumn { column: ColumnPath { field, path }, sql_type, .. } = column;
        let rows = footer.row_groups[row_group].len();
        let (path, root) = match (path, footer.root(&ColumnPath::from(*field))) {
            (Some(path), Some(root)) => (path, root),
            _ => return Ok(Some(EncodedColumn::of(&constant(column, rows)?))),
        };
        if self.values_at(*field, path) == Some(PathValues::ABSENT) {
            return Ok(Some(EncodedColumn::of(&Column::nulls_of(*sql_type, rows))));
        }
        if let Some(cached) = self.cache().chunk(&self.partition().id, row_group, &column.into()) {
            return Ok(Some(cached));
        }
        if !self.ranges(footer, row_group, (root, column), spans).0 {
            return Ok(None);
        }
        let values = self.at_path(row_group, column, &RowSelection::All)?;
        Ok(Some(self.keep(row_group, column, &values)))
    }

    fn values_at(&self, field: FieldId, path: &KeyPath) -> Option<PathValues> {
        self.partition().field_paths(field).and_then(|paths| paths.at(path))
    }

    /// What is at a path of whole values of some rows.
    pub(super) fn at_path(
        &self,
        row_group: usize,
        column: &ReadColumn,
        rows: &RowSelection,
    ) -> Result<Column> {
        let gone = || Error::internal("a path of a column that is gone");
        let ReadColumn { column: ColumnPath { field, path }, sql_type, .. } = column;
        let (path, footer) = (path.as_ref().ok_or_else(gone)?, self.footer().ok_or_else(gone)?);
        let whole = ReadColumn {
            column: ColumnPath::from(*field),
            sql_type: SqlType::Variant,
            initial_default: None,
        };
        let values = match footer.parts(*field) {
            // Nothing that is at the path stands in a sub-column.
            Some(parts) if !parts.tree.meets(path) => self.rest(footer, row_group, &whole, rows)?,
            _ => self.read(row_group, &[whole], rows)?.column(0).clone(),
        };
        extract(&values, path, *sql_type)
    }

    /// Whole values of some rows as the file has them, without what stands in sub-columns alone.
    fn rest(
        &self,
        footer: &Footer,
        row_group: usize,
        column: &ReadColumn,
        rows: &RowSelection,
    ) -> Result<Column> {
        let group_rows = self.row_groups().get(row_group).map_or(0, RowGroup::len);
        let spans = Spans::of(rows, group_rows as u32);
        let root = footer.root_of(column);
        let root = root.ok_or_else(|| Error::internal("whole values that are gone"))?;
        let (_, ranges) = self.ranges(footer, row_group, (root, column), Some(&spans));
        let decoded = self.decode(row_group, column, Some(&spans), &self.fetch(&ranges)?)?;
        Ok(spans.cut(rows, &decoded))
    }

    /// Whole values of some rows, out of what the file has of them and the sub-columns; other columns as they are.
    pub(super) fn put_together(
        &self,
        row_group: usize,
        column: &ReadColumn,
        rest: Column,
        rows: &RowSelection,
    ) -> Result<Column> {
        let ColumnPath { field, path: None } = column.column else { return Ok(rest) };
        let Some(parts) = self.footer().and_then(|footer| footer.parts(field)) else {
            return Ok(rest);
        };
        let typed = |column: &ColumnPath| {
            let unknown = || Error::internal("a sub-column whose type is not known");
            let sql_type = self.partition().path_type(column).ok_or_else(unknown)?;
            Ok(ReadColumn { column: column.clone(), sql_type, initial_default: None })
        };
        let wanted: Vec<ReadColumn> = parts.sub_columns.iter().map(typed).collect::<Result<_>>()?;
        let types: Vec<SqlType> = wanted.iter().map(|column| column.sql_type).collect();
        let sub_columns = self.read(row_group, &wanted, rows)?;
        parts.tree.put_together(&rest, sub_columns.columns(), &types)
    }
}
