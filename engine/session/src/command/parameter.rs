//! ALTER SESSION SET and UNSET.

use firn_query::parse::ast::StatementOption;
use firn_types::{Error, ErrorCode, Identifier, Result};

use crate::lifecycle::Running;
use crate::result::Rows;

/// Sets session parameters: all of them, or none when one is wrong.
///
/// # Errors
/// When there is no such parameter, or it does not take the value.
pub(super) fn set(running: &mut Running<'_>, options: &[StatementOption]) -> Result<Rows> {
    let mut settings = running.session.settings.clone();
    for option in options {
        let value = option.value.as_text().ok_or_else(|| {
            let text = format!("invalid value for parameter '{}'", option.name);
            Error::new(ErrorCode::InvalidParameterValue, text).at(option.span)
        })?;
        settings.set(&option.name, &value).map_err(|e| e.at(option.span).without_span())?;
    }
    // Setting AUTOCOMMIT ends the open transaction, even to the value that it has.
    if options.iter().any(|option| option.name == "AUTOCOMMIT") {
        running.commit_open()?;
    }
    running.session.settings = settings;
    Ok(Rows::done())
}

/// Sets session parameters back to their defaults.
///
/// # Errors
/// When there is no such parameter.
pub(super) fn unset(running: &mut Running<'_>, names: &[Identifier]) -> Result<Rows> {
    let mut settings = running.session.settings.clone();
    for name in names {
        settings.unset(&name.name.to_uppercase())?;
    }
    if names.iter().any(|name| name.name.eq_ignore_ascii_case("AUTOCOMMIT")) {
        running.commit_open()?;
    }
    running.session.settings = settings;
    Ok(Rows::done())
}
