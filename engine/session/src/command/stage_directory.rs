//! ALTER STAGE .. REFRESH: the directory table of a stage.

use std::sync::Arc;

use firn_account::CatalogChange;
use firn_account::catalog::Stage;
use firn_parse::ast::StatementOption;
use firn_types::{Error, ErrorCode, Field, Result, SqlType, Value};

use super::kind::invalid;
use crate::directory;
use crate::lifecycle::StatementContext;
use crate::result::Rows;

/// Brings a directory table to what the stage holds now; tells what has changed.
///
/// # Errors
/// When the stage has none, an option is wrong, or the stage cannot be listed.
pub(super) fn refresh(
    running: &mut StatementContext,
    stage: &Stage,
    options: &[StatementOption],
) -> Result<Rows> {
    let mut prefix = String::new();
    for option in options {
        if option.name != "SUBPATH" {
            let text = format!("invalid property '{}' for 'STAGE'; known: SUBPATH", option.name);
            return Err(Error::new(ErrorCode::InvalidParameterValue, text).at(option.span));
        }
        let text = option.value.as_text().ok_or_else(|| invalid(option))?;
        prefix = text.trim_start_matches('/').to_string();
    }
    let (change, told) = directory::difference(&running.session, stage, &prefix)?;
    let id = stage.header.id;
    running.change(vec![CatalogChange::DirectoryRefreshed { stage: id, change }])?;
    let fields = ["file", "status", "description"].map(|name| Field::new(name, SqlType::TEXT));
    let mut rows = Rows::new(fields.to_vec());
    let row = |file: directory::Refreshed| {
        vec![Value::text(file.path), Value::text(file.status), Value::text(file.description)]
    };
    rows.rows = told.into_iter().map(row).collect();
    Ok(rows)
}

/// Fills the directory table of a stage that is being created.
///
/// # Errors
/// When the stage cannot be listed.
pub(super) fn fill(running: &StatementContext, stage: &mut Stage) -> Result<()> {
    let (change, _) = directory::difference(&running.session, stage, "")?;
    if let Some(directory) = &mut stage.directory {
        Arc::make_mut(directory).change(&change, running.start_nanos);
    }
    Ok(())
}
