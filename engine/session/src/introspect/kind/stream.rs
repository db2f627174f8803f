//! What is told of streams.

use firn_account::TimePoint;
use firn_account::catalog::{Namespace, Object, Stream, StreamMode};
use firn_account::txn::changes;
use firn_types::{Error, ErrorCode, Identifier, ObjectId, Result};

use super::another;
use crate::introspect::IntrospectionContext;
use crate::introspect::ddl::{Writer, quoted};
use crate::introspect::listing::{Listing, text, time, true_false};
use crate::introspect::show::ShowContext;

const STREAMS: &str = "created_on:time, name, database_name, schema_name, owner, comment, table_name, \
                       source_type, base_tables, type, stale, mode, stale_after:time, invalid_reason, \
                       owner_role_type";

/// SHOW STREAMS.
pub(super) fn show(show: &ShowContext<'_>) -> Result<Listing> {
    let mut listing = show.listing(STREAMS);
    for found in show.scoped_objects(Namespace::Relation)? {
        let Object::Stream(stream) = &found.object else { continue };
        let header = &stream.header;
        let full = |id: ObjectId| match show.catalog.as_engine().object(id) {
            Some(_) => show.catalog.as_engine().full_name(id),
            None => "No privilege or table dropped".to_string(),
        };
        let engine = show.catalog.as_engine();
        let source_type = match engine.object(stream.source) {
            Some(Object::View(_)) => "View",
            Some(Object::ExternalTable(_)) => "External Table",
            _ => "Table",
        };
        let lost = !engine.is_live(stream.source);
        let stale_after = engine.stale_after(stream);
        let now = show.running.start_nanos;
        let mut tables: Vec<String> = stream.tables.iter().map(|table| full(*table)).collect();
        if stream.mode == StreamMode::InsertOnly {
            tables.push(full(stream.source));
        }
        let cells = [
            ("created_on", time(header.created_nanos)),
            ("name", text(header.name.as_str())),
            ("kind", text("STREAM")),
            ("database_name", text(found.place.database())),
            ("schema_name", text(found.place.schema())),
            ("owner", show.owner(header)),
            ("comment", text(header.comment.as_str())),
            ("table_name", text(full(stream.source))),
            ("source_type", text(source_type)),
            ("base_tables", text(tables.join(","))),
            ("type", text("DELTA")),
            ("stale", true_false(lost || stale_after < now)),
            ("mode", text(mode_word(stream.mode))),
            ("stale_after", time(stale_after)),
            ("invalid_reason", text(if lost { "Base table dropped" } else { "N/A" })),
            ("owner_role_type", text("ROLE")),
        ];
        show.add(&mut listing, &header.name, &cells);
    }
    Ok(listing)
}

fn mode_word(mode: StreamMode) -> &'static str {
    match mode {
        StreamMode::Default => "DEFAULT",
        StreamMode::AppendOnly => "APPEND_ONLY",
        StreamMode::InsertOnly => "INSERT_ONLY",
    }
}

/// The statement that makes a stream again.
pub(super) fn define(writer: &Writer<'_>, object: &Object) -> Result<String> {
    let Object::Stream(stream) = object else { return Err(another()) };
    let engine = writer.context.catalog.as_engine();
    let source = engine.object_or_err(stream.source)?;
    let kind = source.kind().words().to_lowercase();
    let mut text = format!(
        "create or replace stream {} on {kind} {}",
        writer.name(&stream.header),
        writer.name(source.header())
    );
    if stream.mode == StreamMode::AppendOnly {
        text.push_str(" append_only = true");
    }
    if stream.mode == StreamMode::InsertOnly {
        text.push_str(" insert_only = true");
    }
    if !stream.header.comment.is_empty() {
        text.push_str(&format!(" comment = {}", quoted(&stream.header.comment)));
    }
    Ok(text + ";")
}

/// Whether a stream would show any row. What was changed back counts, too.
///
/// # Errors
/// When there is no such stream, or a version that it shows changes of cannot be read.
pub(crate) fn has_data(context: &IntrospectionContext, name: &str) -> Result<bool> {
    let stream = named(context, name)?;
    let account = &context.shared.account;
    let now = account.catalog();
    if let Some(table) = now.object(stream.source).and_then(Object::as_external_table) {
        let after = if stream.initial { 0 } else { stream.offset };
        return Ok(table.files().any(|file| file.version > after));
    }
    let then = account.catalog_at(&TimePoint::Version(stream.offset))?;
    for table in &stream.tables {
        let rows = |catalog: &firn_account::Catalog| {
            catalog.object(*table).and_then(Object::rows).cloned().unwrap_or_default()
        };
        let (before, after) = (rows(&then), rows(&now));
        let has = match (stream.initial, stream.mode) {
            (true, _) => before.rows()? > 0,
            (false, StreamMode::AppendOnly) => after.next_row_id() > before.next_row_id(),
            (false, StreamMode::Default | StreamMode::InsertOnly) => {
                !changes(&before, &after)?.is_empty()
            }
        };
        if has {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Up to when a stream was consumed: nanoseconds since 1970 UTC.
///
/// # Errors
/// When there is no such stream.
pub(crate) fn offset_nanos(context: &IntrospectionContext, name: &str) -> Result<i64> {
    Ok(named(context, name)?.offset_nanos)
}

fn named<'d>(context: &'d IntrospectionContext, name: &str) -> Result<&'d Stream> {
    let path = context.path(name, "SELECT")?;
    match context.catalog.find_path(Namespace::Relation, &path) {
        Some(Object::Stream(stream)) => Ok(stream),
        _ => {
            let name = Identifier::to_sql(&path.name);
            let text = format!("Stream '{name}' does not exist or not authorized.");
            Err(Error::new(ErrorCode::NotFound, text))
        }
    }
}
