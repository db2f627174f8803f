//! Columns as all kinds of relations have them.

use firn_account::catalog::{ColumnDefault, ExternalTable, Object, ViewColumn};
use firn_types::SqlType;

/// A column of a table or view.
pub(super) struct Column<'c> {
    /// The name as stored.
    pub(super) name: &'c str,
    /// The type.
    pub(super) sql_type: SqlType,
    /// Whether NULL may occur.
    pub(super) nullable: bool,
    /// The comment; empty when there is none.
    pub(super) comment: &'c str,
    /// What a row gets that does not give the column.
    pub(super) default: Option<&'c ColumnDefault>,
}

/// The columns of a table or view, in order; none of other objects.
pub(super) fn columns_of(object: &Object) -> Vec<Column<'_>> {
    match object {
        Object::Table(table) => table
            .columns
            .iter()
            .map(|column| Column {
                name: &column.name,
                sql_type: column.sql_type,
                nullable: column.nullable,
                comment: &column.comment,
                default: column.default.as_ref(),
            })
            .collect(),
        Object::ExternalTable(table) => {
            let value = Column {
                name: ExternalTable::VALUE,
                sql_type: SqlType::Variant,
                nullable: true,
                comment: "The value of this row",
                default: None,
            };
            let columns = table.columns.iter().map(|column| Column {
                name: &column.name,
                sql_type: column.sql_type,
                nullable: column.nullable,
                comment: &column.comment,
                default: None,
            });
            std::iter::once(value).chain(columns).collect()
        }
        Object::View(view) => view.columns.iter().map(of_view).collect(),
        Object::MaterializedView(view) => view.columns.iter().map(of_view).collect(),
        _ => Vec::new(),
    }
}

fn of_view(column: &ViewColumn) -> Column<'_> {
    Column {
        name: &column.name,
        sql_type: column.sql_type,
        nullable: column.nullable,
        comment: &column.comment,
        default: None,
    }
}
