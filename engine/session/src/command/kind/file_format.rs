//! File formats.

use firn_account::catalog::{FileFormat, Header, Object, ObjectKind};
use firn_loader::options::to_stored;
use firn_parse::ast::{CreateObject, StatementOption, TableLifetime};
use firn_types::Result;

use super::{KindHandler, changed, set_comment, set_pairs, unset_comment};
use crate::lifecycle::StatementContext;

/// What is done with file formats; their options are the loader's.
pub(super) const HANDLER: KindHandler = KindHandler {
    kind: ObjectKind::FileFormat,
    options: &[],
    create: Some(create),
    set: Some(set),
    unset: Some(unset_comment),
};

fn create(_: &StatementContext, ast: &CreateObject, header: Header) -> Result<Object> {
    let temporary = ast.lifetime == TableLifetime::Temporary;
    file_format(&ast.options, header, temporary).map(Object::from)
}

/// A file format object of the written options.
fn file_format(options: &[StatementOption], header: Header, temporary: bool) -> Result<FileFormat> {
    let format = crate::stages::format(options)?;
    let format_type = format.format_type().to_string();
    let mut options = to_stored(&format.pairs());
    options.retain(|(name, _)| name != "TYPE");
    Ok(FileFormat { header, format_type, options, temporary })
}

fn set(_: &StatementContext, object: &Object, options: &[StatementOption]) -> Result<Object> {
    let Object::FileFormat(format) = object else { return Err(super::another()) };
    changed(format, |format| {
        set_comment(&mut format.header, options);
        let new = to_stored(&crate::stages::format(options)?.pairs());
        set_pairs(&mut format.options, new.into_iter().filter(|(name, _)| name != "TYPE"));
        Ok(())
    })
}
