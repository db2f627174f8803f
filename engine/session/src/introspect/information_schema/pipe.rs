//! PIPES.

use firn_account::catalog::{Database, Namespace, Object};

use super::super::IntrospectionContext;
use super::super::listing::{Listing, number, optional, text, yes_no};
use super::file::{dates, each};

pub(super) const PIPES: &str = "PIPE_CATALOG, PIPE_SCHEMA, PIPE_NAME, PIPE_OWNER, DEFINITION, \
    IS_AUTOINGEST_ENABLED, NOTIFICATION_CHANNEL_NAME, CREATED:time, LAST_ALTERED:time, COMMENT, \
    PATTERN";

pub(super) fn pipes(context: &IntrospectionContext, database: &Database, listing: &mut Listing) {
    each(context, database, Namespace::Pipe, &mut |schema, object| {
        let Object::Pipe(pipe) = object else { return };
        let mut cells = vec![
            ("PIPE_ID", number(pipe.header.id.0)),
            ("PIPE_SCHEMA_ID", number(schema.header.id.0)),
            ("PIPE_CATALOG_ID", number(database.header.id.0)),
            ("PIPE_CATALOG", text(database.header.name.as_str())),
            ("PIPE_SCHEMA", text(schema.header.name.as_str())),
            ("PIPE_NAME", text(object.name())),
            ("PIPE_OWNER", text(context.catalog.name_of(pipe.header.owner))),
            ("DEFINITION", text(pipe.definition.as_str())),
            ("IS_AUTOINGEST_ENABLED", yes_no(pipe.auto_ingest)),
            ("PATTERN", optional(pipe.pattern.as_deref())),
        ];
        cells.extend(dates(&pipe.header));
        listing.add(&cells);
    });
}
