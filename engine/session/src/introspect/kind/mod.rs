//! What is told of each kind of object: SHOW, DESCRIBE and GET_DDL, as one table.
//!
//! To add a kind: a file in `kind`, and a line in [`KINDS`].

mod alert;
mod dynamic_table;
mod external_table;
mod pipe;
mod stream;
mod task;

use firn_account::catalog::{Namespace, Object, ObjectKind};
use firn_types::object_kind::Home;
use firn_types::{Error, Result};

use super::ddl::{self, Writer};
use super::describe::{self, Describing};
use super::listing::Listing;
use super::policy;
use super::show::ShowContext;
use crate::result::Rows;

pub(crate) use external_table::named as external_table_named;
pub(super) use external_table::{format_of, location_of};
pub(crate) use pipe::named as pipe_named;
pub(super) use pipe::{resume as resume_pipe, status as pipe_status};
pub(super) use stream::{has_data, offset_nanos};

/// The objects of a kind as SHOW lists them.
type ShowKind = fn(&ShowContext<'_>) -> Result<Listing>;
/// An object as DESCRIBE tells of it.
type DescribeKind = fn(&Describing<'_>, &Object) -> Result<Rows>;
/// The statement that makes an object again.
type DefineKind = fn(&Writer<'_>, &Object) -> Result<String>;

/// What is told of a kind.
#[derive(Clone, Copy)]
pub(super) struct Introspection {
    kind: ObjectKind,
    /// SHOW.
    pub(super) show: ShowKind,
    describe: Option<DescribeKind>,
    define: Option<DefineKind>,
}

/// All kinds that firn has. GET_DDL writes what a schema has in this order, so that what others refer to
/// comes first.
#[rustfmt::skip]
const KINDS: &[Introspection] = &[
    kind(ObjectKind::Database, |show| show.databases(), Some(describe::contents), Some(ddl::database)),
    kind(ObjectKind::Schema, |show| show.schemas(), Some(describe::contents), Some(ddl::schema)),
    kind(ObjectKind::Sequence, |show| show.sequences(), Some(describe::as_shown), Some(ddl::sequence)),
    kind(ObjectKind::Stage, |show| show.stages(), Some(describe::stage), Some(ddl::stage)),
    kind(ObjectKind::FileFormat, |show| show.file_formats(), Some(describe::file_format), Some(ddl::file_format)),
    kind(ObjectKind::Integration, |show| show.integrations(), Some(describe::integration), Some(ddl::integration)),
    kind(ObjectKind::Warehouse, |show| show.warehouses(), Some(describe::itself), Some(ddl::warehouse)),
    kind(ObjectKind::Role, |show| show.roles(), None, None),
    kind(ObjectKind::DatabaseRole, |show| show.database_roles(), None, None),
    kind(ObjectKind::User, |show| show.users(), Some(describe::user), None),
    kind(ObjectKind::NetworkPolicy, |show| show.network_policies(), Some(describe::network_policy), None),
    kind(ObjectKind::Tag, |show| show.tags(), None, Some(policy::define_tag)),
    kind(ObjectKind::AggregationPolicy, |show| show.policies(ObjectKind::AggregationPolicy), Some(policy::describe), Some(policy::define)),
    kind(ObjectKind::MaskingPolicy, |show| show.policies(ObjectKind::MaskingPolicy), Some(policy::describe), Some(policy::define)),
    kind(ObjectKind::PasswordPolicy, |show| show.policies(ObjectKind::PasswordPolicy), Some(policy::describe_password), Some(policy::define_properties)),
    kind(ObjectKind::ProjectionPolicy, |show| show.policies(ObjectKind::ProjectionPolicy), Some(policy::describe), Some(policy::define)),
    kind(ObjectKind::RowAccessPolicy, |show| show.policies(ObjectKind::RowAccessPolicy), Some(policy::describe), Some(policy::define)),
    kind(ObjectKind::SessionPolicy, |show| show.policies(ObjectKind::SessionPolicy), Some(policy::describe_session), Some(policy::define_properties)),
    kind(ObjectKind::Function, |show| show.all_functions(), Some(describe::routine), Some(ddl::routine)),
    kind(ObjectKind::Procedure, |show| show.procedures(), Some(describe::routine), Some(ddl::routine)),
    kind(ObjectKind::Table, |show| show.tables(), Some(describe::table), Some(ddl::table)),
    kind(ObjectKind::DynamicTable, dynamic_table::show, Some(describe::table), Some(dynamic_table::define)),
    kind(ObjectKind::ExternalTable, external_table::show, Some(external_table::describe), Some(external_table::define)),
    kind(ObjectKind::View, |show| show.views(), Some(describe::view), Some(ddl::view)),
    kind(ObjectKind::MaterializedView, |show| show.materialized_views(), Some(describe::view), Some(ddl::view)),
    kind(ObjectKind::Task, task::show, Some(describe::as_shown), Some(task::define)),
    kind(ObjectKind::Alert, alert::show, Some(describe::as_shown), Some(alert::define)),
    kind(ObjectKind::Pipe, pipe::show, Some(describe::as_shown), Some(pipe::define)),
    kind(ObjectKind::Stream, stream::show, Some(describe::as_shown), Some(stream::define)),
];

const fn kind(
    kind: ObjectKind,
    show: ShowKind,
    describe: Option<DescribeKind>,
    define: Option<DefineKind>,
) -> Introspection {
    Introspection { kind, show, describe, define }
}

/// What is told of a kind, if firn has it.
pub(super) fn of(kind: ObjectKind) -> Option<&'static Introspection> {
    KINDS.iter().find(|known| known.kind == kind)
}

/// What DESCRIBE tells of an object.
///
/// # Errors
/// `not_supported` for kinds that are not described.
pub(super) fn describe(describing: &Describing<'_>, object: &Object) -> Result<Rows> {
    match of(object.kind()).and_then(|known| known.describe) {
        Some(describe) => describe(describing, object),
        None => Err(Error::not_supported(format!("DESCRIBE {}", object.kind().words()))),
    }
}

/// The statement that makes an object again.
///
/// # Errors
/// `not_supported` for kinds without one.
pub(super) fn define(writer: &Writer<'_>, object: &Object) -> Result<String> {
    match of(object.kind()).and_then(|known| known.define) {
        Some(define) => define(writer, object),
        None => Err(no_definition(object.kind())),
    }
}

/// The error of GET_DDL of a kind that it does not write.
pub(super) fn no_definition(kind: ObjectKind) -> Error {
    Error::not_supported(format!("GET_DDL of a {}", kind.words().to_lowercase()))
}

/// What GET_DDL writes of a schema, in its order.
pub(super) fn defined_in_schemas() -> Vec<Namespace> {
    let in_schema = |known: &&Introspection| {
        known.define.is_some() && known.kind.definition().home == Home::Schema
    };
    // Kinds that share a namespace need not be neighbors.
    let mut all = Vec::new();
    for namespace in KINDS.iter().filter(in_schema).map(|known| known.kind.namespace()) {
        if !all.contains(&namespace) {
            all.push(namespace);
        }
    }
    all
}

/// Whether GET_DDL writes objects of the kind.
pub(super) fn has_definition(kind: ObjectKind) -> bool {
    of(kind).is_some_and(|known| known.define.is_some())
}

/// The error of a function that was given an object of another kind.
pub(super) fn another() -> Error {
    Error::internal("an object of another kind than its function's")
}

#[cfg(test)]
mod tests {
    use firn_types::object_kind::KINDS;

    use super::*;

    #[test]
    fn every_kind_that_firn_has_is_shown() {
        for kind in KINDS.iter().map(|known| known.kind) {
            assert_eq!(of(kind).is_some(), kind.exists(), "{}", kind.words());
        }
    }
}
