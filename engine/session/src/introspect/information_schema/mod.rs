//! The views of INFORMATION_SCHEMA: a table of their columns, and what makes their rows.

mod absent;
mod constraint;
mod container;
mod file;
mod function;
mod load;
mod maintenance;
mod pipe;
mod privilege;
mod relation;
mod storage;

use std::sync::Arc;

use firn_account::catalog::{
    self, Attachments, Database, Header, NOBODY, Namespace, Object, Schema, ViewColumn,
};
use firn_types::{Error, ErrorCode, Field, ObjectId, Result};

use super::IntrospectionContext;
use super::listing::{Listing, fields as parsed};
use crate::result::Rows;

/// The schema that every database has without storing it.
pub(crate) const INFORMATION_SCHEMA: &str = "INFORMATION_SCHEMA";

/// The id of the schema, which no object has that a catalog stores.
pub(crate) const SCHEMA_ID: ObjectId = ObjectId(u64::MAX);

/// One view: its name, its columns, and what makes its rows.
struct View {
    name: &'static str,
    columns: &'static str,
    rows: ViewRows,
}

/// What makes the rows of a view.
enum ViewRows {
    /// Of what the catalog has.
    Known(fn(&IntrospectionContext, &Database, &mut Listing)),
    /// Of files, too, which may not be readable.
    Read(fn(&IntrospectionContext, &Database, &mut Listing) -> Result<()>),
}

impl View {
    fn add_rows(
        &self,
        context: &IntrospectionContext,
        database: &Database,
        listing: &mut Listing,
    ) -> Result<()> {
        match self.rows {
            ViewRows::Known(add) => {
                add(context, database, listing);
                Ok(())
            }
            ViewRows::Read(add) => add(context, database, listing),
        }
    }
}

const fn view(
    name: &'static str,
    columns: &'static str,
    rows: fn(&IntrospectionContext, &Database, &mut Listing),
) -> View {
    View { name, columns, rows: ViewRows::Known(rows) }
}

/// All views, by name.
const VIEWS: &[View] = &[
    view("APPLICABLE_ROLES", privilege::APPLICABLE_ROLES, privilege::applicable_roles),
    view("CHECK_CONSTRAINTS", constraint::CHECK_CONSTRAINTS, absent::none),
    view("COLUMNS", relation::COLUMNS, relation::columns),
    view("DATABASES", container::DATABASES, container::databases),
    view("ENABLED_ROLES", privilege::ENABLED_ROLES, privilege::enabled_roles),
    view("EXTERNAL_TABLES", relation::EXTERNAL_TABLES, relation::external_tables),
    view("FILE_FORMATS", file::FILE_FORMATS, file::file_formats),
    view("FUNCTIONS", function::FUNCTIONS, function::functions),
    view("INFORMATION_SCHEMA_CATALOG_NAME", container::CATALOG_NAME, container::catalog_name),
    View {
        name: "LOAD_HISTORY",
        columns: load::LOAD_HISTORY,
        rows: ViewRows::Read(load::load_history),
    },
    view("MAINTENANCE_JOBS", maintenance::MAINTENANCE_JOBS, maintenance::jobs),
    view("OBJECT_PRIVILEGES", privilege::OBJECT_PRIVILEGES, privilege::of_objects),
    view("PIPES", pipe::PIPES, pipe::pipes),
    view("PROCEDURES", function::PROCEDURES, function::procedures),
    view("REFERENTIAL_CONSTRAINTS", constraint::REFERENTIAL_CONSTRAINTS, constraint::referential),
    view("SCHEMATA", container::SCHEMATA, container::schemata),
    view("SEQUENCES", file::SEQUENCES, file::sequences),
    view("STAGES", file::STAGES, file::stages),
    view("TABLES", relation::TABLES, relation::tables),
    view("TABLE_CONSTRAINTS", constraint::TABLE_CONSTRAINTS, constraint::of_tables),
    view("TABLE_PRIVILEGES", privilege::TABLE_PRIVILEGES, privilege::of_tables),
    View {
        name: "TABLE_STORAGE_METRICS",
        columns: storage::TABLE_STORAGE_METRICS,
        rows: ViewRows::Read(storage::metrics),
    },
    view("USAGE_PRIVILEGES", privilege::OBJECT_PRIVILEGES, privilege::usage),
    view("VIEWS", relation::VIEWS, relation::views),
];

/// The columns of a view; none when there is no such view.
pub(crate) fn fields(view: &str) -> Option<Vec<Field>> {
    VIEWS.iter().find(|known| known.name == view).map(|view| parsed(view.columns))
}

/// The rows of a view of a database.
///
/// # Errors
/// When there is no such view or database.
pub(crate) fn rows(context: &IntrospectionContext, database: &str, view: &str) -> Result<Rows> {
    let known = VIEWS.iter().find(|known| known.name == view);
    let found = context.catalog.database(database);
    let (Some(view), Some(database)) = (known, found) else {
        let text = format!("Object '{database}.INFORMATION_SCHEMA.{view}' does not exist.");
        return Err(Error::new(ErrorCode::ObjectNotFound, text));
    };
    let mut listing = Listing::nulls(view.columns);
    view.add_rows(context, database, &mut listing)?;
    Ok(listing.rows())
}

/// Adds the rows of a view of a database to a listing, which may have other columns, too.
///
/// # Errors
/// What the view is made of that cannot be read.
pub(super) fn add(
    context: &IntrospectionContext,
    database: &Database,
    view: &str,
    listing: &mut Listing,
) -> Result<()> {
    match VIEWS.iter().find(|known| known.name == view) {
        Some(view) => view.add_rows(context, database, listing),
        None => Ok(()),
    }
}

/// The schema itself, which no catalog stores.
pub(crate) fn schema(database: &Database) -> Arc<Schema> {
    let header = Header {
        id: SCHEMA_ID,
        parent: database.header.id,
        name: INFORMATION_SCHEMA.to_string(),
        owner: NOBODY,
        comment: "Views describing the contents of schemas in this database".to_string(),
        attachments: Attachments::default(),
        ..database.header.clone()
    };
    Arc::new(Schema::new(header))
}

/// The views of the schema, as a catalog would describe them.
pub(crate) fn objects(database: &Database) -> Vec<Object> {
    let schema = schema(database);
    let object = |view: &View| {
        let header = Header {
            parent: SCHEMA_ID,
            name: view.name.to_string(),
            comment: String::new(),
            ..schema.header.clone()
        };
        let columns = parsed(view.columns).into_iter();
        let columns = columns.map(|field| ViewColumn::new(field.name, field.sql_type)).collect();
        Object::from(catalog::View::new(header, String::new(), String::new(), columns))
    };
    VIEWS.iter().map(object).collect()
}

/// The schemas of a database.
fn schemas<'d>(context: &'d IntrospectionContext, database: &Database) -> Vec<&'d Arc<Schema>> {
    let children = context.catalog.children(Namespace::Schema, database.header.id);
    children.into_iter().filter_map(Object::as_schema).collect()
}

/// Tables and views of a database, each with its schema; the views of this schema too.
fn relations(context: &IntrospectionContext, database: &Database) -> Vec<(Arc<Schema>, Object)> {
    let mut found = Vec::new();
    for schema in schemas(context, database) {
        for object in context.catalog.children(Namespace::Relation, schema.header.id) {
            if object.as_stream().is_none() {
                found.push((Arc::clone(schema), object.clone()));
            }
        }
    }
    let own = schema(database);
    found.extend(objects(database).into_iter().map(|object| (Arc::clone(&own), object)));
    found
}
