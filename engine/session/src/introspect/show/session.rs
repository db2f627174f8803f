//! SHOW PARAMETERS, VARIABLES, TRANSACTIONS and LOCKS.

use firn_account::catalog::{ACCOUNT, ObjectKind, Place};
use firn_parse::ast::{self, ShowScope};
use firn_types::{ObjectId, Result, print_text};

use super::ShowContext;
use crate::find::{known_kind, live, place};
use crate::introspect::listing::{Cell, Listing, number, text, time};
use crate::settings_table::{Kind, PARAMETERS, Parameter};

const PARAMETER_COLUMNS: &str = "key, value, default, level, description, type";

const VARIABLES: &str =
    "session_id:number, created_on:time, updated_on:time, name, value, type, comment";

const TRANSACTIONS: &str = "id:number, user, session:number, name, started_on:time, state, scope";

const LOCKS: &str = "resource, type, transaction:number, transaction_started_on:time, status, \
                     acquired_on:time, query_id, session:number";

/// Parameters of objects: name, default, type, what it is, and on which kinds it can be set besides the
/// account.
pub(crate) const OBJECT_PARAMETERS: &[(&str, &str, &str, &str, &[ObjectKind])] = &[
    (
        "DATA_RETENTION_TIME_IN_DAYS",
        "1",
        "NUMBER",
        "Days of time travel.",
        &[ObjectKind::Database, ObjectKind::Schema, ObjectKind::Table],
    ),
    (
        "MAX_CONCURRENCY_LEVEL",
        "8",
        "NUMBER",
        "Statements that a warehouse runs at the same time.",
        &[ObjectKind::Warehouse],
    ),
    (
        "MAX_DATA_EXTENSION_TIME_IN_DAYS",
        "14",
        "NUMBER",
        "Days by which time travel may be extended for streams.",
        &[ObjectKind::Database, ObjectKind::Schema, ObjectKind::Table],
    ),
    (
        "MIN_DATA_RETENTION_TIME_IN_DAYS",
        "0",
        "NUMBER",
        "Days of time travel below which no table falls.",
        &[],
    ),
    (
        "STATEMENT_QUEUED_TIMEOUT_IN_SECONDS",
        "0",
        "NUMBER",
        "Seconds that a statement may wait for its warehouse.",
        &[ObjectKind::Warehouse],
    ),
    (
        "STATEMENT_TIMEOUT_IN_SECONDS",
        "172800",
        "NUMBER",
        "Seconds after which a statement is canceled.",
        &[ObjectKind::Warehouse],
    ),
];

impl ShowContext<'_> {
    /// SHOW PARAMETERS.
    pub(super) fn parameters(&self) -> Result<Listing> {
        let (kind, name) = match &self.show.scope {
            None | Some(ShowScope::Session) => return Ok(self.session_parameters()),
            Some(ShowScope::Account) => return Ok(self.account_parameters()),
            Some(ShowScope::Database(name)) => (ObjectKind::Database, name.as_ref()),
            Some(ShowScope::Schema(name)) => (ObjectKind::Schema, name.as_ref()),
            Some(ShowScope::Table(name)) => (ObjectKind::Table, Some(name)),
            Some(ShowScope::View(name)) => (ObjectKind::View, Some(name)),
            Some(ShowScope::Name(name)) => (ObjectKind::Schema, Some(name)),
            // A user's parameters are the session's: firn keeps none for users.
            Some(ShowScope::Object(ObjectKind::User, _)) => {
                return Ok(self.session_parameters());
            }
            Some(ShowScope::Object(kind, name)) => (*kind, name.as_ref()),
        };
        let kind = known_kind(kind)?;
        let id = self.parameter_owner(kind, name)?;
        Ok(self.object_parameters(kind, id))
    }

    fn parameter_owner(&self, kind: ObjectKind, name: Option<&ast::Name>) -> Result<ObjectId> {
        let path = &self.running.session.path;
        let place = match (name, kind) {
            (Some(name), _) => place(self.running, kind, name)?,
            (None, ObjectKind::Warehouse) => {
                let name = self.running.session.warehouse.clone().unwrap_or_default();
                Place { parent: ACCOUNT, name }
            }
            (None, ObjectKind::Schema) => {
                let database = path.database("SHOW PARAMETERS")?;
                let found = self.catalog.database(&database);
                let parent = found.map_or(ACCOUNT, |database| database.header.id);
                Place { parent, name: path.schema("SHOW PARAMETERS")? }
            }
            (None, _) => Place { parent: ACCOUNT, name: path.database("SHOW PARAMETERS")? },
        };
        match live(&self.catalog, kind, &place) {
            Some(object) => Ok(object.id()),
            None => Err(self.catalog.not_found(kind, place.parent, &place.name)),
        }
    }

    fn session_parameters(&self) -> Listing {
        let mut listing = Listing::show(PARAMETER_COLUMNS);
        let settings = &self.running.session.settings;
        for parameter in PARAMETERS {
            let (value, level) = (settings.text(parameter.name), settings.level(parameter.name));
            self.add_session_parameter(&mut listing, parameter, value, level);
        }
        listing
    }

    fn add_session_parameter(
        &self,
        listing: &mut Listing,
        parameter: &'static Parameter,
        value: &str,
        level: &str,
    ) {
        let show = |value: &str| match parameter.kind {
            Kind::Boolean => text(value.to_lowercase()),
            _ => text(value),
        };
        let kind = match parameter.kind {
            Kind::Boolean => "BOOLEAN",
            Kind::Number(..) => "NUMBER",
            Kind::Text | Kind::Word(_) | Kind::Zone => "STRING",
        };
        let cells = [
            ("key", text(parameter.name)),
            ("value", show(value)),
            ("default", show(parameter.default)),
            ("level", text(level)),
            ("description", text(parameter.description)),
            ("type", text(kind)),
        ];
        self.add(listing, parameter.name, &cells);
    }

    /// The account's parameters: those of objects, and what sessions start with; each once.
    fn account_parameters(&self) -> Listing {
        let mut listing = Listing::show(PARAMETER_COLUMNS);
        let of_objects = OBJECT_PARAMETERS.iter().map(|(name, ..)| *name);
        let mut names: Vec<&str> =
            of_objects.chain(PARAMETERS.iter().map(|parameter| parameter.name)).collect();
        names.sort_unstable();
        names.dedup();
        for name in names {
            let set = self.catalog.parameter(ACCOUNT, name);
            let level = if set.is_some() { "ACCOUNT" } else { "" };
            if let Some(parameter) = PARAMETERS.iter().find(|parameter| parameter.name == name) {
                let value = set.unwrap_or(parameter.default);
                self.add_session_parameter(&mut listing, parameter, value, level);
            } else if let Some((name, default, kind, description, _)) =
                OBJECT_PARAMETERS.iter().find(|(own, ..)| *own == name)
            {
                let cells = parameter_cells(name, set.unwrap_or(default), default, level);
                let mut cells = cells.to_vec();
                cells.extend([("description", text(*description)), ("type", text(*kind))]);
                self.add(&mut listing, name, &cells);
            }
        }
        listing
    }

    fn object_parameters(&self, kind: ObjectKind, id: ObjectId) -> Listing {
        let mut listing = Listing::show(PARAMETER_COLUMNS);
        for (name, default, value_type, description, kinds) in OBJECT_PARAMETERS {
            if !kinds.contains(&kind) {
                continue;
            }
            let (value, level) = match self.own_parameter(id, name) {
                Some(found) => found,
                None => (default.to_string(), String::new()),
            };
            let mut cells = parameter_cells(name, &value, default, &level).to_vec();
            cells.extend([("description", text(*description)), ("type", text(*value_type))]);
            self.add(&mut listing, name, &cells);
        }
        listing
    }

    /// The value of a parameter at an object or the nearest container that sets it, and where that is.
    fn own_parameter(&self, id: ObjectId, name: &str) -> Option<(String, String)> {
        use firn_account::catalog::Object;
        let mut next = id;
        while let Some(object) = self.catalog.object(next) {
            let days = match object {
                Object::Database(database) => database.retention_days,
                Object::Schema(schema) => schema.retention_days,
                Object::Table(table) => table.retention_days,
                _ => None,
            };
            let days = days.filter(|_| name == "DATA_RETENTION_TIME_IN_DAYS");
            let property = match object {
                Object::Warehouse(warehouse) => {
                    warehouse.properties.iter().find(|(key, _)| key == name)
                }
                _ => None,
            };
            let own = days
                .map(|days| days.to_string())
                .or_else(|| property.map(|(_, value)| value.clone()))
                .or_else(|| self.catalog.parameter(next, name).map(str::to_string));
            if let Some(value) = own {
                return Some((value, object.kind().words().to_string()));
            }
            next = object.header().parent;
        }
        let account = self.catalog.parameter(ACCOUNT, name)?;
        Some((account.to_string(), "ACCOUNT".to_string()))
    }

    /// SHOW VARIABLES.
    pub(super) fn variables(&self) -> Result<Listing> {
        let mut listing = Listing::show(VARIABLES);
        let session = &self.running.session;
        let mut variables: Vec<_> = session.variables.iter().collect();
        variables.sort_by_key(|(name, _)| name.as_str());
        for (name, variable) in variables {
            let mut value = String::new();
            let formats = session.settings.formats();
            if !variable.value.is_null() {
                let zone = session.settings.time_zone();
                let (from, sql_type) = (&variable.value, variable.sql_type);
                print_text::write_value(&mut value, from, sql_type, formats, zone)?;
            }
            let cells = [
                ("session_id", number(session.id)),
                ("created_on", time(variable.created_nanos)),
                ("updated_on", time(variable.updated_nanos)),
                ("name", text(name.as_str())),
                ("value", text(value)),
                ("type", text(variable.sql_type.client_name())),
            ];
            self.add(&mut listing, name, &cells);
        }
        Ok(listing)
    }

    /// SHOW TRANSACTIONS: the session's own.
    pub(super) fn transactions(&self) -> Listing {
        let mut listing = Listing::show(TRANSACTIONS);
        let session = &self.running.session;
        if let Some(transaction) = session.transaction.facts() {
            let cells = [
                ("id", number(transaction.started_nanos)),
                ("user", text(session.user.as_str())),
                ("session", number(session.id)),
                ("name", text(transaction.name.as_str())),
                ("started_on", time(transaction.started_nanos)),
                ("state", text("running")),
                ("scope", text("0")),
            ];
            listing.add(&cells);
        }
        listing
    }

    /// SHOW LOCKS: the rows that open transactions of the process hold, and that others wait for, in tables
    /// that the role sees.
    pub(super) fn locks(&self) -> Listing {
        let mut listing = Listing::show(LOCKS);
        let shared = &self.running.session.shared;
        let catalog = self.running.catalog();
        let mut locks = shared.account.locks();
        locks.retain(|lock| catalog.object(lock.table).is_some_and(|table| catalog.sees(table)));
        locks.sort_by_key(|lock| (lock.owner.nanos, lock.table));
        for lock in locks {
            let owner = &lock.owner;
            let mut cells = vec![
                ("resource", text(catalog.full_name(lock.table))),
                ("type", text("ROWS")),
                ("transaction", number(owner.transaction_nanos)),
                ("transaction_started_on", time(owner.transaction_nanos)),
                ("status", text(if lock.held { "HOLDING" } else { "WAITING" })),
                ("query_id", text(owner.statement.0.as_str())),
            ];
            if lock.held {
                cells.push(("acquired_on", time(owner.nanos)));
            }
            if let Some(record) = shared.statements.find(&owner.statement.0) {
                cells.push(("session", number(record.session_id)));
            }
            listing.add(&cells);
        }
        listing
    }
}

fn parameter_cells(
    name: &'static str,
    value: &str,
    default: &'static str,
    level: &str,
) -> [Cell<'static>; 4] {
    [
        ("key", text(name)),
        ("value", text(value)),
        ("default", text(default)),
        ("level", text(level)),
    ]
}
