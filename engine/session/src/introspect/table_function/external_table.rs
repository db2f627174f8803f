//! EXTERNAL_TABLE_FILES and EXTERNAL_TABLE_FILE_REGISTRATION_HISTORY: the files of external tables.

use firn_types::Result;

use super::super::listing::{Listing, number, optional, text, time};
use super::super::{IntrospectionContext, kind};
use super::Arguments;

pub(super) const FILES: &str =
    "FILE_NAME, REGISTERED_ON:time, FILE_SIZE:number, LAST_MODIFIED:time, ETAG, MD5";

pub(super) const REGISTRATIONS: &str = "JOB_CREATED_TIME:time, FILE_NAME, OPERATION_STATUS, MESSAGE, \
     FILE_SIZE:number, LAST_MODIFIED:time";

/// The files that a table has.
pub(super) fn files(
    context: &IntrospectionContext,
    arguments: &Arguments,
    listing: &mut Listing,
) -> Result<()> {
    let table = kind::external_table_named(context, arguments.required_text("TABLE_NAME")?)?;
    for file in table.files() {
        let is_md5 = file.etag.len() == 32 && file.etag.bytes().all(|c| c.is_ascii_hexdigit());
        listing.add(&[
            ("FILE_NAME", text(file.path.as_str())),
            ("REGISTERED_ON", time(file.registered_nanos)),
            ("FILE_SIZE", number(file.size)),
            ("LAST_MODIFIED", time(file.modified_nanos)),
            ("ETAG", text(file.etag.as_str())),
            ("MD5", optional(is_md5.then_some(file.etag.as_str()))),
        ]);
    }
    Ok(())
}

/// What was registered of its files in the last 30 days.
pub(super) fn registrations(
    context: &IntrospectionContext,
    arguments: &Arguments,
    listing: &mut Listing,
) -> Result<()> {
    let table = kind::external_table_named(context, arguments.required_text("TABLE_NAME")?)?;
    let start = arguments.time("START_TIME")?.unwrap_or(i128::MIN);
    for told in table.registrations().filter(|told| i128::from(told.nanos) >= start) {
        let message = match told.status.as_str() {
            "UNREGISTERED" => "File unregistered successfully.",
            _ => "File registered successfully.",
        };
        listing.add(&[
            ("JOB_CREATED_TIME", time(told.nanos)),
            ("FILE_NAME", text(told.path.as_str())),
            ("OPERATION_STATUS", text(told.status.as_str())),
            ("MESSAGE", text(message)),
            ("FILE_SIZE", number(told.size)),
            ("LAST_MODIFIED", time(told.modified_nanos)),
        ]);
    }
    Ok(())
}
