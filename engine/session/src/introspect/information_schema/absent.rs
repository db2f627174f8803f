//! Views of what firn does not have: their columns, and no rows.

use firn_account::catalog::Database;

use super::super::IntrospectionContext;
use super::super::listing::Listing;

pub(super) const EXTERNAL_TABLES: &str = "TABLE_CATALOG, TABLE_SCHEMA, TABLE_NAME, TABLE_OWNER, \
    CREATED:time, LAST_ALTERED:time, LAST_DDL:time, LAST_DDL_BY, COMMENT, LOCATION, \
    FILE_FORMAT_NAME, FILE_FORMAT_TYPE";

pub(super) fn none(_: &IntrospectionContext, _: &Database, _: &mut Listing) {}
