//! One connection: it starts statements, and keeps what they set.

use std::sync::Arc;

use firn_query::bind::Binds;
use firn_types::Result;

use crate::description::StatementDescription;
use crate::engine::Shared;
use crate::failure::Failure;
use crate::introspect::complete::Completer;
use crate::introspect::information_schema::INFORMATION_SCHEMA;
use crate::lifecycle::{self, StatementContext};
use crate::reach::Reach;
use crate::result::StatementResult;
use crate::session_state::{SessionHome, SessionState};
use crate::settings::ParameterValue;
use crate::statement::{Statement, StatementOptions};

/// What a session starts with; what is not given is as in a new account: database FIRN, schema PUBLIC,
/// warehouse COMPUTE_WH, role ACCOUNTADMIN.
#[derive(Clone, Debug, Default)]
pub struct SessionOptions {
    /// The database in use.
    pub database: Option<String>,
    /// The schema in use.
    pub schema: Option<String>,
    /// The warehouse in use.
    pub warehouse: Option<String>,
    /// The role in use.
    pub role: Option<String>,
    /// The user.
    pub user: Option<String>,
    /// Parameters, each with its value; those that the engine does not know, or whose value it does not take,
    /// are passed over, as clients send many.
    pub parameters: Vec<(String, String)>,
    /// What CURRENT_CLIENT tells; firn itself unless given.
    pub client: Option<String>,
    /// What CURRENT_IP_ADDRESS tells; this machine unless given.
    pub address: Option<String>,
    /// What statements reach by URLs.
    pub reach: Reach,
    /// Whether a database, schema or warehouse that does not exist is left out, rather than an error.
    pub lenient: bool,
    /// The one role that the session may have in use, whatever roles the user has: that of an access token.
    pub only_role: Option<String>,
}

/// One connection. Several of its statements may run at once; each sees the session as it was when it
/// started. When the session is dropped, those that still run are canceled.
#[derive(Debug)]
pub struct Session {
    home: Arc<SessionHome>,
}

/// What a session has in use.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InUse {
    /// The user.
    pub user: String,
    /// The role.
    pub role: String,
    /// The warehouse.
    pub warehouse: Option<String>,
    /// The database.
    pub database: Option<String>,
    /// The schema.
    pub schema: Option<String>,
}

impl InUse {
    /// What a session has in use now.
    pub(crate) fn of(state: &SessionState) -> InUse {
        InUse {
            user: state.user.clone(),
            role: state.role_name(),
            warehouse: state.warehouse.clone(),
            database: state.path.database.clone(),
            schema: state.path.schema.clone(),
        }
    }
}

impl InUse {
    /// What a session has in use now, as far as its role sees it.
    pub(crate) fn seen(state: &SessionState) -> InUse {
        let (catalog, mut seen) = (state.catalog(), InUse::of(state));
        let database = seen.database.as_ref().and_then(|name| catalog.database(name));
        let database = database.map(|database| database.header.id);
        let has_schema = |name: &String| {
            let own = *name == INFORMATION_SCHEMA;
            database.is_some_and(|database| own || catalog.schema(database, name).is_some())
        };
        seen.database = seen.database.filter(|_| database.is_some());
        seen.schema = seen.schema.filter(has_schema);
        seen.warehouse = seen.warehouse.filter(|name| catalog.warehouse(name).is_some());
        seen
    }
}

impl Session {
    /// The session itself.
    pub(crate) fn home(&self) -> &Arc<SessionHome> {
        &self.home
    }

    /// Starts a session.
    pub(crate) fn start_on(
        shared: Arc<Shared>,
        id: u64,
        options: &SessionOptions,
    ) -> Result<Session> {
        let state = SessionState::start(shared, id, options)?;
        Ok(Session { home: Arc::new(SessionHome::new(state)) })
    }

    /// Starts a statement on a thread of its own, with the values of its places `?`, `:1` and `:name`. It
    /// runs to its end whether or not its rows are read.
    pub fn start(&self, sql: &str, binds: Binds, options: &StatementOptions) -> Statement {
        let context = StatementContext::begin(&self.home, sql, binds, options);
        let statement = Statement::of(&context);
        lifecycle::spawn(context);
        statement
    }

    /// Runs a statement to its end on this thread, which saves a short one being handed to another and
    /// back. `on_rows` is called with it whenever a query has more rows.
    ///
    /// # Errors
    /// What was wrong, as a client shows it; the session goes on.
    pub fn run(
        &self,
        sql: &str,
        binds: Binds,
        options: &StatementOptions,
        on_rows: &mut (dyn FnMut(&Statement) + Send),
    ) -> Result<StatementResult, Failure> {
        let context = StatementContext::begin(&self.home, sql, binds, options);
        let statement = Statement::of(&context);
        lifecycle::run(context, &mut || on_rows(&statement));
        statement.result()
    }

    /// Runs one statement to its end, as [`Session::run`] does.
    ///
    /// # Errors
    /// As [`Session::run`].
    pub fn execute(&mut self, sql: &str) -> Result<StatementResult, Failure> {
        self.run(sql, Binds::default(), &StatementOptions::default(), &mut |_| {})
    }

    /// What a statement is, which columns it answers with, and which values it asks for. Nothing of it is
    /// run, and the history does not know of it.
    ///
    /// # Errors
    /// What is wrong with it, as far as that shows without running it.
    pub fn describe(&self, sql: &str) -> Result<StatementDescription, Failure> {
        StatementContext::described(&self.home, sql).describe()
    }

    /// The session's number, as CURRENT_SESSION tells it.
    pub fn id(&self) -> u64 {
        self.home.change(|state| state.id)
    }

    /// All parameters as they are now.
    pub fn parameters(&self) -> Vec<(&'static str, ParameterValue)> {
        self.home.change(|state| state.settings.typed())
    }

    /// The value of a parameter; none for unknown ones.
    pub fn parameter(&self, name: &str) -> Option<ParameterValue> {
        self.home.change(|state| state.settings.typed_value(name))
    }

    /// The result of a statement of the same user, of any session of the process, that ended well within the
    /// last day; none when it is not kept any more.
    pub fn kept_result(&self, query_id: &str) -> Option<StatementResult> {
        self.home.state().result(query_id).ok()
    }

    /// What is in use.
    pub fn in_use(&self) -> InUse {
        self.home.change(|state| InUse::of(state))
    }

    /// Completes words of statements, as the session sees the account now.
    pub fn completer(&self) -> Completer {
        Completer::of(&self.home.state())
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.home.change(|state| state.shared.statements.cancel_session(state.id, |_| true));
    }
}
