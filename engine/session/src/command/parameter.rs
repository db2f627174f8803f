//! ALTER SESSION SET and UNSET.

use firn_parse::ast::StatementOption;
use firn_types::{Error, ErrorCode, Identifier, Result};

use crate::lifecycle::StatementContext;
use crate::result::Rows;
use crate::settings::Settings;

/// Sets session parameters: all of them, or none when one is wrong.
///
/// # Errors
/// When there is no such parameter, or it does not take the value.
pub(super) fn set(running: &mut StatementContext, options: &[StatementOption]) -> Result<Rows> {
    let autocommit = options.iter().any(|option| option.name == "AUTOCOMMIT");
    change(running, autocommit, |settings| {
        for option in options {
            let value = option.value.as_text().ok_or_else(|| {
                let text = format!("invalid value for parameter '{}'", option.name);
                Error::new(ErrorCode::InvalidParameterValue, text).at(option.span)
            })?;
            settings.set(&option.name, &value).map_err(|e| e.at(option.span).without_span())?;
        }
        Ok(())
    })
}

/// Sets session parameters back to their defaults.
///
/// # Errors
/// When there is no such parameter.
pub(super) fn unset(running: &mut StatementContext, names: &[Identifier]) -> Result<Rows> {
    let autocommit = names.iter().any(|name| name.name.eq_ignore_ascii_case("AUTOCOMMIT"));
    change(running, autocommit, |settings| {
        names.iter().try_for_each(|name| settings.unset(&name.name.to_uppercase()))
    })
}

/// Changes the session's parameters as one step. Setting AUTOCOMMIT ends the open transaction, even to the
/// value that it has.
fn change(
    running: &mut StatementContext,
    autocommit: bool,
    change: impl Fn(&mut Settings) -> Result<()>,
) -> Result<Rows> {
    change(&mut running.session.settings.clone())?;
    if autocommit {
        running.commit_open()?;
    }
    running.change_session(|session| {
        let mut settings = session.settings.clone();
        change(&mut settings)?;
        session.settings = settings;
        Ok(())
    })?;
    Ok(Rows::done())
}
