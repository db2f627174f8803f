//! Functions about the files of stages: their addresses.

use std::sync::Arc;

use firn_account::catalog::{Action, Namespace, Object, ObjectPath, Stage, StageLocation};
use firn_parse::ast::StageKind;
use firn_types::{Error, ErrorCode, Result};

use super::IntrospectionContext;

/// The functions.
pub(super) const NAMES: [&str; 4] =
    ["BUILD_STAGE_FILE_URL", "GET_ABSOLUTE_PATH", "GET_RELATIVE_PATH", "GET_STAGE_LOCATION"];

/// The answer of one of [`NAMES`].
///
/// # Errors
/// When there is no such stage, or it has no such path.
pub(super) fn answer(
    context: &IntrospectionContext,
    name: &str,
    arguments: &[Option<String>],
) -> Result<Option<String>> {
    let (path, stage) = match arguments {
        [Some(stage), ..] => named(context, stage)?,
        _ => return Err(missing(name)),
    };
    match (name, arguments) {
        ("GET_STAGE_LOCATION", [_]) => Ok(Some(location(stage)?)),
        ("BUILD_STAGE_FILE_URL", [_, Some(file)]) => Ok(Some(file_url(&path, file))),
        ("GET_ABSOLUTE_PATH", [_, Some(file)]) => {
            Ok(Some(format!("{}{}", location(stage)?, file.trim_start_matches('/'))))
        }
        ("GET_RELATIVE_PATH", [_, Some(file)]) => {
            let location = location(stage)?;
            match file.strip_prefix(&location) {
                Some(below) => Ok(Some(below.to_string())),
                None => {
                    let text = format!("'{file}' is not below the stage's location '{location}'.");
                    Err(Error::new(ErrorCode::InvalidParameterValue, text))
                }
            }
        }
        _ => Err(missing(name)),
    }
}

fn missing(name: &str) -> Error {
    let text = format!("not enough arguments for function [{name}]");
    Error::new(ErrorCode::NotEnoughArguments, text)
}

/// The stage that a text names, whose files the roles in use may read.
///
/// # Errors
/// When there is none, or it is no named one.
pub(super) fn named<'d>(
    context: &'d IntrospectionContext,
    text: &str,
) -> Result<(ObjectPath, &'d Arc<Stage>)> {
    let location = firn_parse::parse_location(text).map_err(Error::without_span)?;
    let StageKind::Named(name) = &location.kind else {
        return Err(Error::not_supported("files of anything but a named stage here"));
    };
    let path = context.current.complete(name, "SELECT")?;
    match context.catalog.find_path(Namespace::Stage, &path) {
        Some(object @ Object::Stage(stage)) => {
            context.catalog.authorize(Action::ReadFiles, object)?;
            Ok((path, stage))
        }
        _ => {
            let text = format!("Stage '{path}' does not exist or not authorized.");
            Err(Error::new(ErrorCode::NotFound, text))
        }
    }
}

/// The URL of a stage, with a slash at its end.
fn location(stage: &Stage) -> Result<String> {
    match &stage.location {
        StageLocation::Internal => Err(Error::not_supported("the location of an internal stage")),
        StageLocation::External { url, .. } => Ok(format!("{}/", url.trim_end_matches('/'))),
    }
}

/// The address of a file of a stage, in the form that Snowflake gives them.
pub(super) fn file_url(stage: &ObjectPath, file: &str) -> String {
    let parts = [&stage.database, &stage.schema, &stage.name].map(|part| encoded(part, false));
    let file = encoded(file.trim_start_matches('/'), true);
    format!("https://firn.snowflakecomputing.com/api/files/{}/{file}", parts.join("/"))
}

/// A text as it may stand in a URL.
fn encoded(text: &str, is_path: bool) -> String {
    let mut url = String::with_capacity(text.len());
    for byte in text.bytes() {
        let plain = byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
        match plain || is_path && byte == b'/' {
            true => url.push(char::from(byte)),
            false => url.push_str(&format!("%{byte:02X}")),
        }
    }
    url
}
