//! Descriptions to rows: SHOW, DESCRIBE, INFORMATION_SCHEMA, and what functions tell of the account.

pub(crate) mod account_usage;
mod clustering;
mod column;
pub(crate) mod complete;
mod ddl;
pub(crate) mod describe;
pub(crate) mod information_schema;
mod kind;
pub(crate) mod listing;
mod pipeline_function;
pub(crate) mod policy;
mod references;
mod routine;
pub(crate) mod show;
mod stage_function;
pub(crate) mod system_function;
pub(crate) mod table_function;
mod user;

use std::sync::Arc;

pub(crate) use kind::pipe_named as named_pipe;
pub(crate) use table_function::copy_history::place as staged_place;

use firn_account::catalog::{
    ACCOUNT, ACCOUNTADMIN, CurrentPath, Namespace, Object, ObjectKind, ObjectPath, Place, Task,
    VisibleCatalog, signature,
};
use firn_functions::context::TextFormats;
use firn_query::bind::data_type;
use firn_types::{Error, Monitor, ObjectId, Result, SqlType};

use crate::engine::Shared;
use crate::function_host::statement_not_found;
use crate::history::QueryRecord;
use crate::lifecycle::StatementContext;
use crate::stages::StageUser;
use crate::task::TaskContext;

/// What the session's own tables are made of.
#[derive(Clone, Debug)]
pub(crate) struct IntrospectionContext {
    /// The version of the account.
    pub(crate) catalog: VisibleCatalog,
    /// What the sessions of the process share.
    pub(crate) shared: Arc<Shared>,
    /// The session's number.
    pub(crate) session_id: u64,
    /// The user.
    pub(crate) user: String,
    /// The statement's id.
    pub(crate) query_id: String,
    /// Whose stages it opens.
    pub(crate) stage_user: StageUser,
    /// The warehouse in use.
    pub(crate) warehouse: Option<String>,
    /// The role in use.
    pub(crate) role: ObjectId,
    /// Whether all other roles of the user are in use, too.
    pub(crate) secondary_roles: bool,
    /// The database and schema in use.
    pub(crate) current: CurrentPath,
    /// Formats of dates and numbers as texts.
    pub(crate) formats: Arc<TextFormats>,
    /// What a bare TIMESTAMP is.
    pub(crate) timestamp_mapping: SqlType,
    /// The time zone.
    pub(crate) time_zone: chrono_tz::Tz,
    /// The time: nanoseconds since 1970 UTC.
    pub(crate) now_nanos: i64,
    /// How others follow the statement, and end it.
    pub(crate) monitor: Monitor,
    /// The task that the session runs.
    pub(crate) task: Option<Arc<TaskContext>>,
}

impl IntrospectionContext {
    /// The session as a statement sees it now.
    pub(crate) fn of(running: &StatementContext) -> IntrospectionContext {
        let session = &running.session;
        IntrospectionContext {
            catalog: session.catalog(),
            shared: Arc::clone(&session.shared),
            session_id: session.id,
            user: session.user.clone(),
            query_id: running.query_id.0.clone(),
            stage_user: StageUser::of(session),
            warehouse: session.warehouse.clone(),
            role: session.role,
            secondary_roles: session.secondary_roles,
            formats: Arc::clone(session.settings.formats()),
            timestamp_mapping: session.settings.timestamp_mapping(),
            time_zone: session.settings.time_zone(),
            current: session.path.clone(),
            now_nanos: session.shared.account.clock().now_nanos(),
            monitor: running.monitor.clone(),
            task: session.task.clone(),
        }
    }

    /// The same with nothing hidden.
    pub(crate) fn as_engine(&self) -> IntrospectionContext {
        IntrospectionContext { catalog: self.catalog.as_engine(), ..self.clone() }
    }

    /// Whether the session may look at a statement, and end it: the user's own, those in a warehouse that
    /// its roles monitor or operate, and for ACCOUNTADMIN all.
    pub(crate) fn may_follow(&self, record: &QueryRecord) -> bool {
        self.may_follow_one_of(&record.user, record.current[2].as_deref())
    }

    /// As [`IntrospectionContext::may_follow`], by whose statement it is and the warehouse that it ran in.
    pub(crate) fn may_follow_one_of(&self, user: &str, warehouse: Option<&str>) -> bool {
        let warehouse = warehouse
            .and_then(|name| self.catalog.find(Namespace::Warehouse, ACCOUNT, name))
            .is_some_and(|found| {
                ["MONITOR", "OPERATE"].iter().any(|privilege| self.catalog.holds(privilege, found))
            });
        user == self.user || warehouse || self.catalog.rights().includes(ACCOUNTADMIN)
    }

    /// The statement of an id, when the session may look at it.
    ///
    /// # Errors
    /// `StatementNotFound`.
    pub(crate) fn statement(&self, id: &str) -> Result<Arc<QueryRecord>> {
        let found = self.shared.statements.find(id);
        let found = found.filter(|record| self.may_follow(record));
        found.ok_or_else(|| statement_not_found(id))
    }

    /// The name in a text, completed with the current database and schema; `verb` is what is to be done.
    ///
    /// # Errors
    /// When the text is no name, or there is nothing to complete it with.
    pub(crate) fn path(&self, name: &str, verb: &str) -> Result<ObjectPath> {
        let name = firn_parse::parse_object_name(name).map_err(Error::without_span)?;
        self.current.complete(&name, verb)
    }

    /// The task that a text names.
    ///
    /// # Errors
    /// When there is none.
    pub(crate) fn task(&self, name: &str) -> Result<Arc<Task>> {
        let Place { parent, name } = self.place(ObjectKind::Task, name, "DESCRIBE")?;
        let found = self.catalog.find(Namespace::Task, parent, &name).and_then(Object::as_task);
        found.cloned().ok_or_else(|| self.catalog.not_found(ObjectKind::Task, parent, &name))
    }

    /// Where the function stands that a text names with the types of its arguments: `f(NUMBER)`.
    ///
    /// # Errors
    /// As [`IntrospectionContext::place`]; for a type that firn does not know.
    pub(crate) fn routine_place(&self, kind: ObjectKind, text: &str, verb: &str) -> Result<Place> {
        let (name, types) = firn_parse::parse_signature(text).map_err(Error::without_span)?;
        let types = types.iter().map(|name| data_type::resolve(name, self.timestamp_mapping));
        let types = types.collect::<Result<Vec<_>>>().map_err(Error::without_span)?;
        let Place { parent, name } = self.catalog.place(kind, &name, &self.current, verb)?;
        Ok(Place { parent, name: signature(&name, &types) })
    }

    /// Where the object of a kind stands that a text names.
    ///
    /// # Errors
    /// When the text is no name, or the container does not exist.
    pub(crate) fn place(&self, kind: ObjectKind, name: &str, verb: &str) -> Result<Place> {
        let name = firn_parse::parse_object_name(name).map_err(Error::without_span)?;
        self.catalog.place(kind, &name, &self.current, verb)
    }
}
