//! PIPE_USAGE_HISTORY and VALIDATE_PIPE_LOAD: what pipes have loaded, and what was wrong with it.

use std::collections::BTreeMap;

use firn_account::catalog::{Object, Pipe};
use firn_types::{Error, ErrorCode, Result};

use super::super::listing::{Listing, number, optional, text, time};
use super::super::{IntrospectionContext, kind};
use super::Arguments;

pub(super) const USAGE: &str = "START_TIME:time, END_TIME:time, PIPE_NAME, CREDITS_USED:number, \
     BYTES_INSERTED:number, FILES_INSERTED:number";

pub(super) const USAGE_PARAMETERS: &[&str] = &["DATE_RANGE_START", "DATE_RANGE_END", "PIPE_NAME"];

pub(super) const VALIDATED: &[&str] = &["PIPE_NAME", "START_TIME", "END_TIME"];

const HOUR: i64 = 3_600_000_000_000;
/// How far back one looks without a start: 12 hours before the end.
const SPAN: i128 = 12 * HOUR as i128;

/// The loads of pipes, hour by hour.
pub(super) fn usage(
    context: &IntrospectionContext,
    arguments: &Arguments,
    listing: &mut Listing,
) -> Result<()> {
    let end = arguments.time("DATE_RANGE_END")?.unwrap_or(i128::from(context.now_nanos));
    let start = arguments.time("DATE_RANGE_START")?.unwrap_or(end.saturating_sub(SPAN));
    let only = match arguments.text("PIPE_NAME")? {
        Some(name) => Some(kind::pipe_named(context, name)?.header.id),
        None => None,
    };
    for pipe in pipes(context).filter(|pipe| only.is_none_or(|id| id == pipe.header.id)) {
        add_hours(context, pipe, &|nanos| (start..=end).contains(&i128::from(nanos)), listing)?;
    }
    Ok(())
}

/// The pipes that the session sees.
pub(in crate::introspect) fn pipes(context: &IntrospectionContext) -> impl Iterator<Item = &Pipe> {
    let catalog = &context.catalog;
    let seen = |object: &&Object| catalog.is_live(object.id()) && catalog.sees(object);
    catalog.all().filter(seen).filter_map(Object::as_pipe).map(AsRef::as_ref)
}

/// Adds a row for each hour in which a pipe has loaded.
///
/// # Errors
/// A load history that cannot be read.
pub(in crate::introspect) fn add_hours(
    context: &IntrospectionContext,
    pipe: &Pipe,
    in_range: &dyn Fn(i64) -> bool,
    listing: &mut Listing,
) -> Result<()> {
    let mut hours: BTreeMap<i64, [u64; 2]> = BTreeMap::new();
    for record in pipe.loads.read()?.records().filter(|record| in_range(record.loaded_nanos)) {
        if record.rows_loaded > 0 {
            let [bytes, files] = hours.entry(record.loaded_nanos.div_euclid(HOUR)).or_default();
            *bytes += record.size;
            *files += 1;
        }
    }
    let name = context.catalog.full_name(pipe.header.id);
    for (hour, [bytes, files]) in hours {
        listing.add(&[
            ("PIPE_ID", number(pipe.header.id.0)),
            ("START_TIME", time(hour * HOUR)),
            ("END_TIME", time((hour + 1) * HOUR)),
            ("PIPE_NAME", text(name.as_str())),
            ("CREDITS_USED", number(0)),
            ("BYTES_INSERTED", number(bytes)),
            ("BYTES_BILLED", number(bytes)),
            ("FILES_INSERTED", number(files)),
        ]);
    }
    Ok(())
}

/// The first error of each file that a pipe has not loaded, or not wholly.
pub(super) fn validate(
    context: &IntrospectionContext,
    arguments: &Arguments,
    listing: &mut Listing,
) -> Result<()> {
    let pipe = kind::pipe_named(context, arguments.required_text("PIPE_NAME")?)?;
    let start = arguments.required_time("START_TIME")?;
    let end = arguments.time("END_TIME")?.unwrap_or(i128::from(context.now_nanos));
    if start > end {
        let text = "START_TIME must not be later than END_TIME.";
        return Err(Error::new(ErrorCode::InvalidParameterValue, text));
    }
    let mut records: Vec<_> = pipe.loads.read()?.records().collect();
    records.retain(|record| (start..=end).contains(&i128::from(record.loaded_nanos)));
    records.sort_by_key(|record| record.loaded_nanos);
    for record in records {
        let Some(error) = &record.first_error else { continue };
        let (_, file) = super::copy_history::place(context, &record.path);
        listing.add(&[
            ("ERROR", text(error.message.as_str())),
            ("FILE", text(file)),
            ("LINE", number(error.line)),
            ("CHARACTER", number(error.character)),
            ("COLUMN_NAME", optional(error.column.as_deref())),
        ]);
    }
    Ok(())
}
