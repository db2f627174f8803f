//! What is wanted of files whose columns have names and types of their own, and what comes of them.

use std::sync::Arc;

use firn_column::{Array, Column};
use firn_types::{Error, ErrorCode, Result, Schema, SqlType};

use super::RowOrigin;
use super::arrow::{Read, column, objects};
use crate::options::ArrowOptions;
use crate::row_error::{ErrorCategory, LoadTarget, RowError};

/// A column that is wanted by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WantedColumn {
    /// The name.
    pub name: String,
    /// Whether upper and lower case differ.
    pub case_sensitive: bool,
}

impl WantedColumn {
    /// Whether a file's column of this name is the wanted one.
    pub(super) fn is_named(&self, name: &str) -> bool {
        match self.case_sensitive {
            true => name == self.name,
            false => name.to_lowercase() == self.name.to_lowercase(),
        }
    }
}

/// What is wanted of the files: shared by all chunks.
#[derive(Clone, Debug)]
pub struct ColumnsPlan {
    wanted: Wanted,
    target: LoadTarget,
}

#[derive(Clone, Debug)]
enum Wanted {
    Columns(Vec<WantedColumn>),
    Object(Option<Vec<String>>),
}

impl ColumnsPlan {
    /// Typed columns by name; each file has its own types. A file without a column gives NULLs for it.
    /// `target` names columns in messages.
    pub fn columns(wanted: Vec<WantedColumn>, target: LoadTarget) -> ColumnsPlan {
        ColumnsPlan { wanted: Wanted::Columns(wanted), target }
    }

    /// One VARIANT column, `$1`: each row as an object, of all columns or of those named.
    pub fn object(members: Option<Vec<String>>, target: LoadTarget) -> ColumnsPlan {
        ColumnsPlan { wanted: Wanted::Object(members), target }
    }

    /// The position among the file's columns of each one wanted.
    pub(super) fn positions(&self, schema: &Schema) -> Vec<Option<usize>> {
        match &self.wanted {
            Wanted::Columns(wanted) => {
                let find = |column: &WantedColumn| {
                    schema.fields.iter().position(|field| column.is_named(&field.name))
                };
                wanted.iter().map(find).collect()
            }
            Wanted::Object(Some(names)) => {
                names.iter().map(|name| schema.position(name)).filter(Option::is_some).collect()
            }
            Wanted::Object(None) => (0..schema.len()).map(Some).collect(),
        }
    }

    /// The types of the columns that come of a file with this schema; none where it has no such column.
    pub(super) fn types(&self, schema: &Schema) -> Vec<Option<SqlType>> {
        match &self.wanted {
            Wanted::Object(_) => vec![Some(SqlType::Variant)],
            Wanted::Columns(_) => {
                let type_of = |position: usize| schema.fields[position].sql_type;
                self.positions(schema).into_iter().map(|position| position.map(type_of)).collect()
            }
        }
    }

    /// The wanted columns from what was read of the file's columns: `read` finds them by their position in
    /// the schema, with their options.
    ///
    /// # Errors
    /// Values that SQL's types do not hold, with the column's name.
    pub(super) fn make<'r>(
        &self,
        schema: &Schema,
        read: impl Fn(usize) -> Option<(&'r Read, &'r ArrowOptions)>,
        rows: usize,
    ) -> Result<Vec<Column>> {
        let name = |at: usize| schema.fields[at].name.as_str();
        let named = |at: usize, error: Error| {
            Error::new(error.code(), format!("column '{}': {}", name(at), error.detail()))
        };
        let positions = self.positions(schema);
        if let Wanted::Object(_) = self.wanted {
            let members = positions.iter().flatten();
            let members: Vec<_> = members
                .filter_map(|&at| read(at).map(|(read, options)| (name(at), read, options)))
                .collect();
            let first = positions.iter().flatten().min().copied().unwrap_or(0);
            let objects = objects(&members, rows).map_err(|error| named(first, error))?;
            return Ok(vec![Column::Flat(Array::Bytes(objects))]);
        }
        let columns = positions.iter().map(|at| match at.and_then(|at| Some((at, read(at)?))) {
            Some((at, (read, options))) => column(read, options).map_err(|error| named(at, error)),
            None => Ok(Column::nulls_of(SqlType::TEXT, rows)),
        });
        columns.collect()
    }
}

/// Where the rows of a batch stand in a file that has no lines.
pub(super) struct RowsFrom {
    /// The file as messages name it.
    pub(super) file: Arc<str>,
    /// Rows of the file before the batch.
    pub(super) first_row: u64,
    pub(super) plan: Arc<ColumnsPlan>,
}

impl RowOrigin for RowsFrom {
    fn row_number(&self, row: usize) -> u64 {
        self.first_row.saturating_add(row as u64).saturating_add(1)
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
            file: Arc::clone(&self.file),
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
