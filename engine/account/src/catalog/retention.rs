//! How far back a table can be seen.

use firn_types::ObjectId;

use super::{ACCOUNT, Catalog, Object, Table, TableKind};

/// The parameter that sets the days of time travel.
const RETENTION: &str = "DATA_RETENTION_TIME_IN_DAYS";
/// The parameter of the account below which no table's days fall.
const RETENTION_MIN: &str = "MIN_DATA_RETENTION_TIME_IN_DAYS";
/// Days of time travel when nothing is set.
const RETENTION_DAYS_DEFAULT: u32 = 1;
const NANOS_PER_DAY: i64 = 86_400_000_000_000;

impl Catalog {
    /// Days of time travel of a table: its own setting, or its schema's, its database's, the account's.
    pub fn retention_days(&self, table: &Table) -> u32 {
        let days = table
            .retention_days
            .unwrap_or_else(|| self.container_retention_days(table.header.parent));
        let days = days.max(self.parameter_days(ACCOUNT, RETENTION_MIN).unwrap_or(0));
        if table.kind == TableKind::Permanent && !self.is_transient(table.header.parent) {
            days
        } else {
            days.min(1)
        }
    }

    /// Days of time travel that a schema or database hands down; [`ACCOUNT`] gives the account's.
    pub fn container_retention_days(&self, container: ObjectId) -> u32 {
        let mut next = container;
        while let Some(object) = self.object(next) {
            let own = match object {
                Object::Schema(schema) => schema.retention_days,
                Object::Database(database) => database.retention_days,
                _ => None,
            };
            if let Some(days) = own.or_else(|| self.parameter_days(next, RETENTION)) {
                return days;
            }
            next = object.header().parent;
        }
        self.parameter_days(ACCOUNT, RETENTION).unwrap_or(RETENTION_DAYS_DEFAULT)
    }

    /// The time before which an object's versions need not be kept: nanoseconds since 1970 UTC.
    pub fn retained_since(&self, object: &Object, now_nanos: i64) -> i64 {
        let days = match object {
            Object::Table(table) => self.retention_days(table),
            Object::MaterializedView(view) => self.container_retention_days(view.header.parent),
            other => self.container_retention_days(other.id()),
        };
        now_nanos.saturating_sub(i64::from(days) * NANOS_PER_DAY)
    }

    /// Whether an object may be seen as it was at a moment; `past` is the account of then.
    pub fn is_retained(
        &self,
        object: &Object,
        past: &Catalog,
        moment_nanos: i64,
        now_nanos: i64,
    ) -> bool {
        past.version() == self.version() || moment_nanos >= self.retained_since(object, now_nanos)
    }

    fn parameter_days(&self, on: ObjectId, name: &str) -> Option<u32> {
        self.parameter(on, name)?.parse().ok()
    }

    /// Whether a schema or its database is transient.
    fn is_transient(&self, container: ObjectId) -> bool {
        let mut next = container;
        while let Some(object) = self.object(next) {
            match object {
                Object::Schema(schema) if schema.transient => return true,
                Object::Database(database) if database.transient => return true,
                _ => next = object.header().parent,
            }
        }
        false
    }
}
