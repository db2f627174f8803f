//! SNOWFLAKE.ACCOUNT_USAGE: views over the whole account and its history, for ACCOUNTADMIN and for roles with
//! IMPORTED PRIVILEGES on database SNOWFLAKE.
//!
//! The database is stored nowhere; one of the name that somebody has made hides it.

mod access;
mod history;
mod policy;
mod principal;

use std::sync::Arc;

use firn_account::catalog::{ACCOUNT, Namespace, Object};
use firn_types::{Error, ErrorCode, Field, Result};

use super::IntrospectionContext;
use super::information_schema;
use super::listing::{Listing, fields as parsed};
use super::table_function::alert_history;
use crate::result::Rows;

/// One view: its name, its columns, and what makes its rows.
struct View {
    name: &'static str,
    columns: &'static str,
    rows: fn(&IntrospectionContext, &View, &mut Listing) -> Result<()>,
}

const fn view(
    name: &'static str,
    columns: &'static str,
    rows: fn(&IntrospectionContext, &View, &mut Listing) -> Result<()>,
) -> View {
    View { name, columns, rows }
}

/// All views, by name.
const VIEWS: &[View] = &[
    view("ACCESS_HISTORY", access::ACCESS_HISTORY, access::accesses),
    view("AGGREGATION_POLICIES", policy::POLICIES, policy::aggregation),
    view("ALERT_HISTORY", alert_history::COLUMNS, history::alerts),
    view("COLUMNS", COLUMNS, of_databases),
    view("COPY_HISTORY", history::COPY_HISTORY, history::copies),
    view("DATABASES", DATABASES, of_account),
    view("FILE_FORMATS", FILE_FORMATS, of_databases),
    view("GRANTS_TO_ROLES", principal::GRANTS_TO_ROLES, principal::grants_to_roles),
    view("GRANTS_TO_USERS", principal::GRANTS_TO_USERS, principal::grants_to_users),
    view("LOAD_HISTORY", LOAD_HISTORY, of_databases),
    view("LOGIN_HISTORY", history::LOGIN_HISTORY, history::logins),
    view("MASKING_POLICIES", policy::POLICIES, policy::masking),
    view("PASSWORD_POLICIES", policy::PROPERTIES, policy::password),
    view("PIPES", PIPES, of_databases),
    view("PIPE_USAGE_HISTORY", history::PIPE_USAGE_HISTORY, history::pipe_usage),
    view("POLICY_REFERENCES", policy::POLICY_REFERENCES, policy::policy_references),
    view("PROJECTION_POLICIES", policy::POLICIES, policy::projection),
    view("QUERY_HISTORY", history::QUERY_HISTORY, history::statements),
    view("ROW_ACCESS_POLICIES", policy::POLICIES, policy::row_access),
    view("ROLES", principal::ROLES, principal::roles),
    view("SCHEMATA", SCHEMATA, of_databases),
    view("SEQUENCES", SEQUENCES, of_databases),
    view("SESSION_POLICIES", policy::PROPERTIES, policy::session),
    view("STAGES", STAGES, of_databases),
    view("TABLES", TABLES, of_databases),
    view("TABLE_STORAGE_METRICS", TABLE_STORAGE_METRICS, of_account),
    view("TAGS", policy::TAGS, policy::tags),
    view("TAG_REFERENCES", policy::TAG_REFERENCES, policy::tag_references),
    view("USERS", principal::USERS, principal::users),
    view("VIEWS", RELATION_VIEWS, of_databases),
];

const TABLES: &str = "TABLE_ID:number, TABLE_NAME, TABLE_SCHEMA_ID:number, TABLE_SCHEMA, \
    TABLE_CATALOG_ID:number, TABLE_CATALOG, TABLE_OWNER, TABLE_TYPE, IS_TRANSIENT, CLUSTERING_KEY, \
    ROW_COUNT:number, BYTES:number, RETENTION_TIME:number, SELF_REFERENCING_COLUMN_NAME, \
    REFERENCE_GENERATION, USER_DEFINED_TYPE_CATALOG, USER_DEFINED_TYPE_SCHEMA, USER_DEFINED_TYPE_NAME, \
    IS_INSERTABLE_INTO, IS_TYPED, COMMIT_ACTION, CREATED:time, LAST_ALTERED:time, LAST_DDL:time, LAST_DDL_BY, \
    DELETED:time, AUTO_CLUSTERING_ON, COMMENT, IS_ICEBERG, IS_DYNAMIC, IS_HYBRID";

const COLUMNS: &str = "COLUMN_ID:number, COLUMN_NAME, TABLE_ID:number, TABLE_NAME, TABLE_SCHEMA_ID:number, \
    TABLE_SCHEMA, TABLE_CATALOG_ID:number, TABLE_CATALOG, ORDINAL_POSITION:number, COLUMN_DEFAULT, \
    IS_NULLABLE, DATA_TYPE, CHARACTER_MAXIMUM_LENGTH:number, CHARACTER_OCTET_LENGTH:number, \
    NUMERIC_PRECISION:number, NUMERIC_PRECISION_RADIX:number, NUMERIC_SCALE:number, \
    DATETIME_PRECISION:number, IS_SELF_REFERENCING, IS_IDENTITY, IDENTITY_GENERATION, IDENTITY_START, \
    IDENTITY_INCREMENT, IDENTITY_CYCLE, IDENTITY_ORDERED, COMMENT, DELETED:time";

const RELATION_VIEWS: &str = "TABLE_ID:number, TABLE_NAME, TABLE_SCHEMA_ID:number, TABLE_SCHEMA, \
    TABLE_CATALOG_ID:number, TABLE_CATALOG, TABLE_OWNER, VIEW_DEFINITION, CHECK_OPTION, IS_UPDATABLE, \
    INSERTABLE_INTO, IS_SECURE, CREATED:time, LAST_ALTERED:time, LAST_DDL:time, LAST_DDL_BY, DELETED:time, \
    COMMENT";

const SCHEMATA: &str = "SCHEMA_ID:number, SCHEMA_NAME, CATALOG_ID:number, CATALOG_NAME, SCHEMA_OWNER, \
    RETENTION_TIME:number, IS_TRANSIENT, IS_MANAGED_ACCESS, COMMENT, CREATED:time, LAST_ALTERED:time, \
    DELETED:time";

const DATABASES: &str = "DATABASE_ID:number, DATABASE_NAME, DATABASE_OWNER, IS_TRANSIENT, COMMENT, \
    CREATED:time, LAST_ALTERED:time, DELETED:time, RETENTION_TIME:number, TYPE";

const STAGES: &str = "STAGE_ID:number, STAGE_NAME, STAGE_SCHEMA_ID:number, STAGE_SCHEMA, \
    STAGE_CATALOG_ID:number, STAGE_CATALOG, STAGE_URL, STAGE_REGION, STAGE_TYPE, STAGE_OWNER, COMMENT, \
    CREATED:time, LAST_ALTERED:time, DELETED:time, ENDPOINT, DIRECTORY_ENABLED, STORAGE_INTEGRATION";

const PIPES: &str = "PIPE_ID:number, PIPE_NAME, PIPE_SCHEMA_ID:number, PIPE_SCHEMA, PIPE_CATALOG_ID:number, \
    PIPE_CATALOG, IS_AUTOINGEST_ENABLED, NOTIFICATION_CHANNEL_NAME, PIPE_OWNER, DEFINITION, PATTERN, \
    CREATED:time, LAST_ALTERED:time, DELETED:time, COMMENT";

const FILE_FORMATS: &str = "FILE_FORMAT_ID:number, FILE_FORMAT_NAME, FILE_FORMAT_SCHEMA_ID:number, \
    FILE_FORMAT_SCHEMA, FILE_FORMAT_CATALOG_ID:number, FILE_FORMAT_CATALOG, FILE_FORMAT_OWNER, \
    FILE_FORMAT_TYPE, RECORD_DELIMITER, FIELD_DELIMITER, SKIP_HEADER:number, DATE_FORMAT, TIME_FORMAT, \
    TIMESTAMP_FORMAT, BINARY_FORMAT, ESCAPE, ESCAPE_UNENCLOSED_FIELD, TRIM_SPACE, \
    FIELD_OPTIONALLY_ENCLOSED_BY, NULL_IF, COMPRESSION, ERROR_ON_COLUMN_COUNT_MISMATCH, CREATED:time, \
    LAST_ALTERED:time, DELETED:time, COMMENT";

const SEQUENCES: &str = "SEQUENCE_ID:number, SEQUENCE_NAME, SEQUENCE_SCHEMA_ID:number, SEQUENCE_SCHEMA, \
    SEQUENCE_CATALOG_ID:number, SEQUENCE_CATALOG, SEQUENCE_OWNER, DATA_TYPE, NUMERIC_PRECISION:number, \
    NUMERIC_PRECISION_RADIX:number, NUMERIC_SCALE:number, START_VALUE, MINIMUM_VALUE, MAXIMUM_VALUE, \
    NEXT_VALUE, INCREMENT, CYCLE_OPTION, CREATED:time, LAST_ALTERED:time, DELETED:time, COMMENT";

const LOAD_HISTORY: &str = "TABLE_ID:number, TABLE_NAME, SCHEMA_ID:number, SCHEMA_NAME, CATALOG_ID:number, \
    CATALOG_NAME, FILE_NAME, LAST_LOAD_TIME:time, STATUS, ROW_COUNT:number, ROW_PARSED:number, \
    FIRST_ERROR_MESSAGE, FIRST_ERROR_LINE_NUMBER:number, FIRST_ERROR_CHARACTER_POSITION:number, \
    FIRST_ERROR_COL_NAME, ERROR_COUNT:number, ERROR_LIMIT:number";

const TABLE_STORAGE_METRICS: &str = "ID:number, TABLE_NAME, TABLE_SCHEMA_ID:number, TABLE_SCHEMA, \
    TABLE_CATALOG_ID:number, TABLE_CATALOG, CLONE_GROUP_ID:number, IS_TRANSIENT, ACTIVE_BYTES:number, \
    TIME_TRAVEL_BYTES:number, FAILSAFE_BYTES:number, RETAINED_FOR_CLONE_BYTES:number, DELETED:boolean, \
    TABLE_CREATED:time, TABLE_DROPPED:time, TABLE_ENTERED_FAILSAFE:time, SCHEMA_CREATED:time, \
    SCHEMA_DROPPED:time, CATALOG_CREATED:time, CATALOG_DROPPED:time, COMMENT";

/// The columns of a view; none when there is no such view.
pub(crate) fn fields(view: &str) -> Option<Vec<Field>> {
    VIEWS.iter().find(|known| known.name == view).map(|view| parsed(view.columns))
}

/// The rows of a view. Who may ask was found when the statement was bound; they see everything.
///
/// # Errors
/// When there is no such view, or the history cannot be read.
pub(crate) fn rows(context: &IntrospectionContext, view: &str) -> Result<Rows> {
    let Some(view) = VIEWS.iter().find(|known| known.name == view) else {
        let text = format!("Object 'SNOWFLAKE.ACCOUNT_USAGE.{view}' does not exist.");
        return Err(Error::new(ErrorCode::ObjectNotFound, text));
    };
    let mut listing = Listing::nulls(view.columns);
    (view.rows)(&context.as_engine(), view, &mut listing)?;
    Ok(listing.rows())
}

/// What the view of the same name in INFORMATION_SCHEMA tells of each database.
fn of_databases(context: &IntrospectionContext, view: &View, listing: &mut Listing) -> Result<()> {
    for object in context.catalog.children(Namespace::Database, ACCOUNT) {
        if let Some(database) = object.as_database() {
            information_schema::add(context, database, view.name, listing)?;
        }
    }
    Ok(())
}

/// What the view of the same name in INFORMATION_SCHEMA tells of the whole account.
fn of_account(context: &IntrospectionContext, view: &View, listing: &mut Listing) -> Result<()> {
    let databases = context.catalog.children(Namespace::Database, ACCOUNT);
    // One tells of all.
    if let Some(database) = databases.into_iter().find_map(Object::as_database) {
        information_schema::add(context, &Arc::clone(database), view.name, listing)?;
    }
    Ok(())
}
