//! Views of what firn does not have: their columns, and no rows.

use firn_account::catalog::Database;

use super::super::IntrospectionContext;
use super::super::listing::Listing;

pub(super) fn none(_: &IntrospectionContext, _: &Database, _: &mut Listing) {}
