//! The views of INFORMATION_SCHEMA: a table of their columns, and what makes their rows.

mod container;
mod relation;

use firn_account::catalog::{Database, Namespace, Object, Schema};
use firn_types::{Error, ErrorCode, Field, Result};

use super::Described;
use super::listing::{Listing, fields as parsed};
use crate::result::Rows;

/// One view: its name, its columns, and what makes its rows.
struct View {
    name: &'static str,
    columns: &'static str,
    rows: fn(&Described, &Database, &mut Listing),
}

const VIEWS: &[View] = &[
    View { name: "COLUMNS", columns: relation::COLUMNS, rows: relation::columns },
    View { name: "DATABASES", columns: container::DATABASES, rows: container::databases },
    View { name: "LOAD_HISTORY", columns: relation::LOAD_HISTORY, rows: relation::load_history },
    View { name: "SCHEMATA", columns: container::SCHEMATA, rows: container::schemata },
    View { name: "TABLES", columns: relation::TABLES, rows: relation::tables },
    View { name: "VIEWS", columns: relation::VIEWS, rows: relation::views },
];

/// The columns of a view; none when there is no such view.
pub(crate) fn fields(view: &str) -> Option<Vec<Field>> {
    VIEWS.iter().find(|known| known.name == view).map(|view| parsed(view.columns))
}

/// The rows of a view of a database.
///
/// # Errors
/// When there is no such view or database.
pub(crate) fn rows(described: &Described, database: &str, view: &str) -> Result<Rows> {
    let known = VIEWS.iter().find(|known| known.name == view);
    let found = described.catalog.database(database);
    let (Some(view), Some(database)) = (known, found) else {
        let text = format!("Object '{database}.INFORMATION_SCHEMA.{view}' does not exist.");
        return Err(Error::new(ErrorCode::ObjectNotFound, text));
    };
    let mut listing = Listing::nulls(view.columns);
    (view.rows)(described, database, &mut listing);
    Ok(listing.rows())
}

/// The schemas of a database.
fn schemas<'d>(described: &'d Described, database: &Database) -> Vec<&'d Schema> {
    let children = described.catalog.children(Namespace::Schema, database.header.id);
    children.into_iter().filter_map(|object| object.as_schema().map(AsRef::as_ref)).collect()
}

/// Tables and views of a database, each with its schema.
fn relations<'d>(described: &'d Described, database: &Database) -> Vec<(&'d Schema, &'d Object)> {
    let own = |schema: &'d Schema| {
        let children = described.catalog.children(Namespace::Relation, schema.header.id);
        children.into_iter().map(move |object| (schema, object))
    };
    schemas(described, database).into_iter().flat_map(own).collect()
}
