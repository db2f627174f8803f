//! ALTER of every kind of object but tables.

use std::sync::Arc;

use firn_account::CatalogChange;
use firn_account::catalog::{ACCOUNT, Action, Object, ObjectKind, Parameter, User, signature};
use firn_parse::ast::{self, AlterObject, AlterObjectAction, StatementOption};
use firn_types::{Error, ErrorCode, Identifier, Result};

use super::access_token;
use super::alert;
use super::attach;
use super::definition::{forgotten_parameters, kept_parameters};
use super::drop::refuse_system_role;
use super::external_table;
use super::kind::policy::with_values;
use super::kind::{changed, dynamic_table, handler, invalid, network_policy, user};
use super::option_table::{self, Place};
use super::pipe::PAUSED;
use super::policy;
use super::task;
use crate::current;
use crate::find::known_kind;
use crate::find::{live, place, place_of};
use crate::introspect::show::OBJECT_PARAMETERS;
use crate::lifecycle::StatementContext;
use crate::result::Rows;
use crate::settings;

/// ALTER of anything but a table or the session.
///
/// # Errors
/// When there is no such object, or it cannot be changed so.
pub(super) fn alter(running: &mut StatementContext, ast: &AlterObject) -> Result<Rows> {
    if ast.kind == ObjectKind::Account {
        return alter_account(running, &ast.action);
    }
    let kind = known_kind(ast.kind)?;
    if kind == ObjectKind::User
        && let Some(user) = own_user(running, ast)?
    {
        return alter_own(running, &user, &ast.action);
    }
    alter_named(running, kind, ast)
}

/// ALTER of an object by its name.
fn alter_named(
    running: &mut StatementContext,
    kind: ObjectKind,
    ast: &AlterObject,
) -> Result<Rows> {
    let Some(name) = &ast.name else {
        return Err(Error::not_supported(format!("ALTER {} without a name", kind.title())));
    };
    let place = place_of(running, kind, name, ast.signature.as_deref())?;
    let catalog = running.catalog();
    let Some(object) = live(&catalog, kind, &place) else {
        if ast.if_exists {
            return Ok(Rows::done());
        }
        return Err(catalog.not_found(kind, place.parent, &place.name));
    };
    if let AlterObjectAction::Attach(changes) = &ast.action {
        return attach::alter(running, &object, changes);
    }
    catalog.authorize(action_of(&ast.action, kind), &object)?;
    let mut kept = Vec::new();
    let change = match &ast.action {
        AlterObjectAction::Rename(to) => rename(running, kind, &object, to)?,
        AlterObjectAction::Swap(other) => swap(running, kind, &object, other)?,
        AlterObjectAction::Set(options) => {
            kept = kept_parameters(object.id(), options);
            CatalogChange::Alter { object: with_options(running, &object, options)? }
        }
        AlterObjectAction::Unset(names) => {
            kept = forgotten_parameters(object.id(), names);
            CatalogChange::Alter { object: without_options(&object, names)? }
        }
        AlterObjectAction::Suspend | AlterObjectAction::Resume(_) => {
            match in_state(running, &object, &ast.action)? {
                Some(object) => CatalogChange::Alter { object },
                None => return Ok(Rows::done()),
            }
        }
        AlterObjectAction::Refresh(options) => return refresh(running, &object, options),
        AlterObjectAction::Files(change) => {
            let table = object.as_external_table();
            let table = table.ok_or_else(|| Error::internal("files of no external table"))?;
            return external_table::change_files(running, table, change);
        }
        AlterObjectAction::Task(_)
        | AlterObjectAction::Alert(_)
        | AlterObjectAction::SetBody(_)
        | AlterObjectAction::AllowedValues(..) => {
            CatalogChange::Alter { object: redefined(running, &object, name, &ast.action)? }
        }
        AlterObjectAction::AbortAllQueries => {
            let statements = &running.session.shared.statements;
            statements.cancel_warehouse(&object.header().name, &running.record);
            return Ok(Rows::done());
        }
        AlterObjectAction::Recluster(_) => return Ok(Rows::done()),
        AlterObjectAction::AccessToken(change) => {
            let user = object.as_user().ok_or_else(|| Error::internal("a token of no user"))?;
            return access_token::alter(running, user, change);
        }
        AlterObjectAction::ManagedAccess(managed) => managed_access(&object, *managed)?,
        _ => return Err(Error::not_supported(format!("this form of ALTER {}", kind.title()))),
    };
    if let (Object::Integration(old), CatalogChange::Alter { object: Object::Integration(new) }) =
        (&object, &change)
        && (old.enabled, &old.properties) != (new.enabled, &new.properties)
    {
        running.session.reach.check_integration(new)?;
    }
    kept.push(change);
    running.change(kept)?;
    running.change_session(current::forget_dropped)?;
    Ok(Rows::done())
}

/// The object with another definition, of a kind that has something of its own to define.
fn redefined(
    running: &StatementContext,
    object: &Object,
    name: &ast::Name,
    action: &AlterObjectAction,
) -> Result<Object> {
    match (action, object) {
        (AlterObjectAction::Task(change), Object::Task(task)) => {
            task::altered(running, task, change)
        }
        (AlterObjectAction::Alert(change), Object::Alert(alert)) => {
            Ok(alert::altered(alert, change))
        }
        (AlterObjectAction::SetBody(body), _) => policy::with_body(running, object, name, *body),
        (AlterObjectAction::AllowedValues(add, values), _) => with_values(object, *add, values),
        _ => Err(Error::internal("a change of another kind of object")),
    }
}

/// REFRESH: what somebody asks for that else happens by itself.
fn refresh(
    running: &mut StatementContext,
    object: &Object,
    options: &[StatementOption],
) -> Result<Rows> {
    match object {
        Object::Table(table) if table.dynamic.is_some() && options.is_empty() => {
            super::dynamic_table::refresh(running, object.id(), "MANUAL")?;
            Ok(Rows::done())
        }
        Object::Pipe(pipe) => super::pipe::refresh(running, pipe, options),
        Object::Stage(stage) => super::stage_directory::refresh(running, stage, options),
        Object::ExternalTable(table) => external_table::refresh(running, table, options),
        _ => Err(Error::not_supported(format!("this form of ALTER {}", object.kind().title()))),
    }
}

fn managed_access(object: &Object, managed: bool) -> Result<CatalogChange> {
    let Object::Schema(schema) = object else {
        return Err(Error::not_supported("MANAGED ACCESS here"));
    };
    let mut schema = schema.as_ref().clone();
    schema.managed_access = managed;
    Ok(CatalogChange::alter(schema))
}

/// The session's own user, when that is the one who is altered, in a way that users may themselves.
fn own_user(running: &StatementContext, ast: &AlterObject) -> Result<Option<Arc<User>>> {
    let session = &running.session;
    let is_own = match &ast.name {
        Some(name) => running.written(name)?.object().name == session.user,
        None => true,
    };
    let may = match &ast.action {
        AlterObjectAction::AccessToken(_) => true,
        AlterObjectAction::Set(options) => options.iter().all(|option| user::is_own(&option.name)),
        AlterObjectAction::Unset(names) => {
            names.iter().all(|name| user::is_own(&name.name.to_uppercase()))
        }
        _ => false,
    };
    Ok(session.catalog().user(&session.user).filter(|_| is_own && may).cloned())
}

/// ALTER USER of oneself.
fn alter_own(
    running: &mut StatementContext,
    user: &Arc<User>,
    action: &AlterObjectAction,
) -> Result<Rows> {
    let kind = ObjectKind::User;
    let (object, handler) = (Object::User(Arc::clone(user)), handler(kind)?);
    let changed = match (action, handler.set, handler.unset) {
        (AlterObjectAction::AccessToken(change), ..) => {
            return access_token::alter(running, user, change);
        }
        (AlterObjectAction::Set(options), Some(set), _) => {
            option_table::check(kind, Place::Set, options)?;
            set(running, &object, options)?
        }
        (AlterObjectAction::Unset(names), _, Some(unset)) => {
            option_table::check_unset(kind, names)?;
            unset(&object, &|wanted| names.iter().any(|name| name.name.to_uppercase() == wanted))?
        }
        _ => return Err(unaltered(kind)),
    };
    running.change(vec![CatalogChange::Alter { object: changed }])?;
    Ok(Rows::done())
}

/// The error of a kind whose options another statement changes.
fn unaltered(kind: ObjectKind) -> Error {
    Error::not_supported(format!("this form of ALTER {}", kind.title()))
}

/// What is done with an object that is altered so.
fn action_of(action: &AlterObjectAction, kind: ObjectKind) -> Action {
    let modifiable =
        matches!(kind, ObjectKind::Database | ObjectKind::Schema | ObjectKind::Warehouse);
    let operated: &[&str] = match kind {
        ObjectKind::Pipe => &[PAUSED],
        ObjectKind::DynamicTable => &["TARGET_LAG", "WAREHOUSE"],
        _ => &[],
    };
    let is_operated = |options: &[StatementOption]| {
        options.iter().all(|option| operated.contains(&option.name.as_str()))
    };
    match action {
        AlterObjectAction::Set(_) | AlterObjectAction::Unset(_) if modifiable => Action::Modify,
        AlterObjectAction::Set(options) if is_operated(options) => Action::Operate,
        AlterObjectAction::Suspend
        | AlterObjectAction::Resume(_)
        | AlterObjectAction::Refresh(_)
        | AlterObjectAction::Files(_)
        | AlterObjectAction::AbortAllQueries => Action::Operate,
        _ => Action::Alter,
    }
}

fn alter_account(running: &mut StatementContext, action: &AlterObjectAction) -> Result<Rows> {
    running.catalog().authorize_admin()?;
    let change = |name: &str, value: Option<String>| CatalogChange::SetParameter {
        on: ACCOUNT,
        name: name.to_string(),
        value,
    };
    let changes: Vec<CatalogChange> = match action {
        AlterObjectAction::Set(options) => {
            let set = |option: &StatementOption| {
                let value = match option.name.as_str() {
                    user::NETWORK_POLICY => network_policy::named(running, option)?,
                    _ => account_parameter(option)?,
                };
                Ok(change(&option.name, Some(value)))
            };
            options.iter().map(set).collect::<Result<_>>()?
        }
        AlterObjectAction::Unset(names) => {
            names.iter().map(|name| change(&name.name.to_uppercase(), None)).collect()
        }
        AlterObjectAction::Attach(changes) => attach::of_account(running, changes)?,
        _ => return Err(Error::not_supported("this form of ALTER ACCOUNT")),
    };
    running.change(changes)?;
    Ok(Rows::done())
}

/// The value of a parameter that the account may set: of objects, or what new sessions start with.
fn account_parameter(option: &StatementOption) -> Result<String> {
    let value = option.value.as_text().ok_or_else(|| invalid(option))?;
    match settings::checked_value(&option.name, &value) {
        Some(checked) => checked.map_err(|error| error.at(option.span).without_span()),
        None if OBJECT_PARAMETERS.iter().any(|(name, ..)| *name == option.name) => Ok(value),
        None => {
            let text = format!("invalid property '{}' for 'ACCOUNT'", option.name);
            Err(Error::new(ErrorCode::InvalidParameterValue, text).at(option.span))
        }
    }
}

fn swap(
    running: &StatementContext,
    kind: ObjectKind,
    object: &Object,
    other: &ast::Name,
) -> Result<CatalogChange> {
    let other = place(running, kind, other)?;
    let catalog = running.catalog();
    let right = live(&catalog, kind, &other)
        .ok_or_else(|| catalog.not_found(kind, other.parent, &other.name))?;
    catalog.authorize(Action::Alter, &right)?;
    Ok(CatalogChange::Swap { left: object.id(), right: right.id() })
}

fn rename(
    running: &StatementContext,
    kind: ObjectKind,
    object: &Object,
    to: &ast::Name,
) -> Result<CatalogChange> {
    refuse_system_role(object)?;
    network_policy::refuse_attached(running, object)?;
    let mut to = place(running, kind, to)?;
    if let Some(parameters) = object.parameters() {
        to.name = signature(&to.name, &Parameter::types(parameters));
    }
    running.catalog().authorize_move(object, to.parent)?;
    if running.catalog().find(kind.namespace(), to.parent, &to.name).is_some() {
        return Err(super::definition::already_exists(&to.name));
    }
    Ok(CatalogChange::Rename { id: object.id(), parent: to.parent, name: to.name })
}

/// The object with options set.
fn with_options(
    running: &StatementContext,
    object: &Object,
    options: &[StatementOption],
) -> Result<Object> {
    let kind = object.kind();
    option_table::check(kind, Place::Set, options)?;
    let set = handler(kind)?.set.ok_or_else(|| unaltered(kind))?;
    set(running, object, options)
}

/// The object with options unset.
fn without_options(object: &Object, names: &[Identifier]) -> Result<Object> {
    let kind = object.kind();
    option_table::check_unset(kind, names)?;
    let names: Vec<String> = names.iter().map(|name| name.name.to_uppercase()).collect();
    let unset = handler(kind)?.unset.ok_or_else(|| unaltered(kind))?;
    unset(object, &|wanted: &str| names.iter().any(|name| name == wanted))
}

/// The object suspended or resumed; none when there is nothing to do.
fn in_state(
    running: &StatementContext,
    object: &Object,
    action: &AlterObjectAction,
) -> Result<Option<Object>> {
    let suspend = matches!(action, AlterObjectAction::Suspend);
    let if_needed = matches!(action, AlterObjectAction::Resume(true));
    suspended(running, object, suspend, if_needed)
}

/// The object in its other state; none when it is in it already and that is no error.
fn suspended(
    running: &StatementContext,
    object: &Object,
    suspend: bool,
    if_needed: bool,
) -> Result<Option<Object>> {
    match object {
        Object::Alert(alert) => alert::set_started(running, alert, !suspend),
        Object::Task(task) => task::set_started(running, task, !suspend),
        Object::Table(_) => dynamic_table::suspended(running, object, suspend),
        Object::Warehouse(warehouse) if warehouse.suspended == suspend => {
            let name = &warehouse.header.name;
            let (code, word) = match suspend {
                true => (ErrorCode::WarehouseSuspended, "suspended"),
                false if if_needed => return Ok(None),
                false => (ErrorCode::WarehouseRunning, "resumed"),
            };
            let text = format!("Invalid state. Warehouse '{name}' cannot be {word}.");
            Err(Error::new(code, text))
        }
        Object::Warehouse(warehouse) => changed(warehouse, |warehouse| {
            warehouse.suspended = suspend;
            Ok(())
        })
        .map(Some),
        Object::MaterializedView(view) => changed(view, |view| {
            view.state.suspended = suspend;
            Ok(())
        })
        .map(Some),
        _ => Err(Error::not_supported("SUSPEND and RESUME here")),
    }
}
