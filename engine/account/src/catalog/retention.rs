//! How far back a table can be seen.

use std::collections::HashMap;

use firn_types::ObjectId;

use super::{ACCOUNT, Catalog, Object, Stream, Table, TableKind};

/// The parameter that sets the days of time travel.
const RETENTION: &str = "DATA_RETENTION_TIME_IN_DAYS";
/// The parameter of the account below which no table's days fall.
const RETENTION_MIN: &str = "MIN_DATA_RETENTION_TIME_IN_DAYS";
/// Days of time travel when nothing is set.
const RETENTION_DAYS_DEFAULT: u32 = 1;
/// The parameter that sets the days for which streams keep what they need.
const EXTENSION: &str = "MAX_DATA_EXTENSION_TIME_IN_DAYS";
/// Those days when nothing is set.
const EXTENSION_DAYS_DEFAULT: u32 = 14;
const NANOS_PER_DAY: i64 = 86_400_000_000_000;

/// What streams need of a table.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StreamNeed {
    /// When the oldest version was that they need: nanoseconds since 1970 UTC.
    pub(crate) since_nanos: i64,
    /// Until when they need it.
    pub(crate) until_nanos: i64,
}

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

    /// Until when what has changed since a stream was last consumed is kept: nanoseconds since 1970 UTC.
    pub fn stale_after(&self, stream: &Stream) -> i64 {
        let tables = stream.tables.iter().filter_map(|table| self.table(*table));
        let days = tables
            .map(|table| self.extension_days(table).max(self.retention_days(table)))
            .min()
            .unwrap_or(EXTENSION_DAYS_DEFAULT);
        stream.offset_nanos.saturating_add(i64::from(days) * NANOS_PER_DAY)
    }

    /// Days for which a table's versions are kept for streams that were not consumed: its own setting, or its
    /// schema's, its database's, the account's.
    fn extension_days(&self, table: &Table) -> u32 {
        let mut next = table.header.id;
        loop {
            if let Some(days) = self.parameter_days(next, EXTENSION) {
                return days;
            }
            match self.object(next) {
                Some(object) => next = object.header().parent,
                None => return EXTENSION_DAYS_DEFAULT,
            }
        }
    }

    /// The oldest version that a stream needs of each table, by when it was: nanoseconds since 1970 UTC. Streams
    /// that are stale need nothing.
    pub(crate) fn needed_by_streams(&self, now_nanos: i64) -> HashMap<ObjectId, StreamNeed> {
        let mut needs: HashMap<ObjectId, StreamNeed> = HashMap::new();
        for stream in self.all().filter_map(Object::as_stream) {
            let until_nanos = self.stale_after(stream);
            if until_nanos < now_nanos || !self.is_live(stream.header.id) {
                continue;
            }
            for table in &stream.tables {
                let need = StreamNeed { since_nanos: stream.offset_nanos, until_nanos };
                let known = needs.entry(*table).or_insert(need);
                known.since_nanos = known.since_nanos.min(need.since_nanos);
                known.until_nanos = known.until_nanos.max(need.until_nanos);
            }
        }
        needs
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
