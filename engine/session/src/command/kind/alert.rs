//! Alerts.

use firn_account::catalog::{Alert, Object, ObjectKind};
use firn_parse::ast::StatementOption;
use firn_types::Result;

use super::task::warehouse;
use super::{KindHandler, another, changed, set_comment};
use crate::command::option_table::{
    COMMENT, EVERYWHERE, NEVER, OptionDefinition, SETTABLE, Takes, done, missing,
};
use crate::lifecycle::StatementContext;
use crate::task::schedule::Schedule;

const OPTIONS: &[OptionDefinition] = &[
    COMMENT,
    missing("CONFIG", NEVER),
    done("SCHEDULE", Takes::Text, SETTABLE),
    done("WAREHOUSE", Takes::Name, EVERYWHERE),
];

/// What is done with alerts; CREATE is in a file of its own.
pub(super) const HANDLER: KindHandler = KindHandler {
    kind: ObjectKind::Alert,
    options: OPTIONS,
    create: None,
    set: Some(set),
    unset: Some(unset),
};

/// Gives an alert what some options say.
///
/// # Errors
/// When a value does not fit.
pub(in crate::command) fn set_options(
    running: &StatementContext,
    alert: &mut Alert,
    options: &[StatementOption],
) -> Result<()> {
    set_comment(&mut alert.header, options);
    for option in options {
        match option.name.as_str() {
            "SCHEDULE" => {
                let text = option.value.as_text().unwrap_or_default();
                Schedule::parse(&text).map_err(|error| error.at(option.span).without_span())?;
                alert.schedule = text;
            }
            "WAREHOUSE" => alert.warehouse = Some(warehouse(running, option)?),
            _ => {}
        }
    }
    Ok(())
}

fn set(running: &StatementContext, object: &Object, options: &[StatementOption]) -> Result<Object> {
    let Object::Alert(alert) = object else { return Err(another()) };
    changed(alert, |alert| set_options(running, alert, options))
}

fn unset(object: &Object, has: &dyn Fn(&str) -> bool) -> Result<Object> {
    let Object::Alert(alert) = object else { return Err(another()) };
    changed(alert, |alert| {
        if has("COMMENT") {
            alert.header.comment.clear();
        }
        if has("WAREHOUSE") {
            alert.warehouse = None;
        }
        Ok(())
    })
}
