//! CREATE ALERT, EXECUTE ALERT, and what ALTER ALERT has of its own.

use std::sync::Arc;

use firn_account::CatalogChange;
use firn_account::catalog::{Action, Alert, AlertProgress, Object, ObjectKind};
use firn_parse::ast::{AlertChange, CreateAlert, Name};
use firn_service::Housekeeping;
use firn_types::{Error, Result};

use super::kind::alert;
use super::option_table::{self, Place};
use crate::find::{live, place};
use crate::lifecycle::StatementContext;
use crate::result::Rows;
use crate::task::home::require_execute;
use crate::task::{self, Job};

/// Creates an alert, which runs when it is resumed.
///
/// # Errors
/// When an option is wrong, there is no schedule, or the name is taken.
pub(super) fn create(running: &mut StatementContext, ast: &CreateAlert) -> Result<Rows> {
    option_table::check(ObjectKind::Alert, Place::Create, &ast.options)?;
    if !ast.options.iter().any(|option| option.name == "SCHEDULE") {
        return Err(Error::not_supported("CREATE ALERT without SCHEDULE"));
    }
    let path = running.path(&ast.name, "CREATE ALERT")?;
    let schema = running.catalog().resolve_schema(&path)?;
    let mut new = Alert {
        header: running.header(schema, &path.name, &ast.options),
        warehouse: None,
        schedule: String::new(),
        condition: ast.condition.clone(),
        action: ast.action.clone(),
        started: false,
        resumed_nanos: running.start_nanos,
        progress: AlertProgress::default(),
    };
    alert::set_options(running, &mut new, &ast.options)?;
    running.create_object(new.into(), ast.mode)
}

/// The alert with another condition or action.
pub(super) fn altered(alert: &Alert, change: &AlertChange) -> Object {
    let mut new = alert.clone();
    match change {
        AlertChange::Condition(condition) => new.condition.clone_from(condition),
        AlertChange::Action(action) => new.action.clone_from(action),
    }
    new.into()
}

/// The alert resumed or suspended; none when it is so already.
pub(super) fn set_started(
    running: &StatementContext,
    alert: &Alert,
    started: bool,
) -> Result<Option<Object>> {
    if alert.started == started {
        return Ok(None);
    }
    if started {
        require_execute(&running.catalog(), ObjectKind::Alert, &alert.header)?;
    }
    let mut new = alert.clone();
    new.started = started;
    if started {
        new.resumed_nanos = running.start_nanos;
    }
    Ok(Some(new.into()))
}

/// Asks for a run of an alert, whether it is started or not.
///
/// # Errors
/// When there is no such alert, or its owner may not execute alerts.
pub(super) fn execute(running: &mut StatementContext, name: &Name) -> Result<Rows> {
    let place = place(running, ObjectKind::Alert, name)?;
    let catalog = running.catalog();
    let Some(Object::Alert(alert)) = live(&catalog, ObjectKind::Alert, &place) else {
        return Err(catalog.not_found(ObjectKind::Alert, place.parent, &place.name));
    };
    catalog.authorize(Action::Operate, &Object::Alert(Arc::clone(&alert)))?;
    require_execute(&running.catalog(), ObjectKind::Alert, &alert.header)?;
    let progress = AlertProgress { requested: true, ..alert.progress.clone() };
    let id = alert.header.id;
    running.change(vec![CatalogChange::AlertProgressed { alert: id, progress }])?;
    let shared = &running.session.shared;
    match shared.options.housekeeping {
        Housekeeping::Inline => _ = crate::alert::run(shared, id)?,
        Housekeeping::Background => task::spawn(shared, Job::Alert(id)),
    }
    Ok(Rows::status(format!("Alert {} is scheduled to run immediately.", alert.header.name)))
}
