//! DIRECTORY: the files of a stage, as its directory table has them.

use firn_types::{Error, ErrorCode, Result};

use super::super::listing::{Listing, number, optional, text, time};
use super::super::{IntrospectionContext, stage_function};
use super::Arguments;
use crate::directory::directory_of;

pub(super) const COLUMNS: &str =
    "RELATIVE_PATH, SIZE:number, LAST_MODIFIED:time, MD5, ETAG, FILE_URL";

pub(super) fn rows(
    context: &IntrospectionContext,
    arguments: &Arguments,
    listing: &mut Listing,
) -> Result<()> {
    let written = arguments.required_text("STAGE")?;
    let location = firn_parse::parse_location(written).map_err(Error::without_span)?;
    if !location.path.is_empty() {
        let text = format!("DIRECTORY takes a stage without a path, not {written}.");
        return Err(Error::new(ErrorCode::InvalidStatement, text));
    }
    let (path, stage) = stage_function::named(context, written)?;
    for file in directory_of(stage)?.files() {
        let is_md5 = file.etag.len() == 32 && file.etag.bytes().all(|c| c.is_ascii_hexdigit());
        listing.add(&[
            ("RELATIVE_PATH", text(file.path.as_str())),
            ("SIZE", number(file.size)),
            ("LAST_MODIFIED", time(file.modified_nanos)),
            ("MD5", optional(is_md5.then_some(file.etag.as_str()))),
            ("ETAG", text(file.etag.as_str())),
            ("FILE_URL", text(stage_function::file_url(&path, &file.path))),
        ]);
    }
    Ok(())
}
