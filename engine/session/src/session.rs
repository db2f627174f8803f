//! One connection's state.

use std::collections::HashMap;
use std::sync::Arc;

use firn_account::catalog::CurrentPath;
use firn_account::{Catalog, SessionSpace, Transaction};
use firn_execute::Profile;
use firn_query::bind::Variable;
use firn_types::{Result, Watch};

use crate::engine::Shared;
use crate::failure::Failure;
use crate::history::History;
use crate::introspect::complete::Completer;
use crate::result::StatementResult;
use crate::settings::Settings;
use crate::{current, lifecycle};

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
}

/// One connection: it runs statements one after another, and keeps what they set.
#[derive(Debug)]
pub struct Session {
    pub(crate) shared: Arc<Shared>,
    pub(crate) id: u64,
    pub(crate) space: Arc<SessionSpace>,
    pub(crate) path: CurrentPath,
    pub(crate) warehouse: Option<String>,
    pub(crate) role: String,
    pub(crate) user: String,
    pub(crate) settings: Settings,
    pub(crate) variables: HashMap<String, Variable>,
    /// The transaction that BEGIN, or a DML without AUTOCOMMIT, has opened.
    pub(crate) transaction: Option<Transaction>,
    /// The id of the last transaction that was committed or rolled back.
    pub(crate) last_transaction: Option<String>,
    pub(crate) history: Arc<History>,
    pub(crate) watch: Watch,
    pub(crate) profile: Arc<Profile>,
}

impl Session {
    /// Starts a session.
    pub(crate) fn start(shared: Arc<Shared>, id: u64, options: SessionOptions) -> Result<Session> {
        let mut session = Session {
            space: SessionSpace::new(id),
            shared,
            id,
            path: CurrentPath::default(),
            warehouse: None,
            role: "ACCOUNTADMIN".to_string(),
            user: options.user.clone().unwrap_or_else(|| "FIRN".to_string()),
            settings: Settings::default(),
            variables: HashMap::new(),
            transaction: None,
            last_transaction: None,
            history: Arc::default(),
            watch: Watch::default(),
            profile: Arc::default(),
        };
        current::start(&mut session, &options)?;
        Ok(session)
    }

    /// Runs one statement.
    ///
    /// # Errors
    /// What was wrong, as a client shows it; the session goes on.
    pub fn execute(&mut self, sql: &str) -> Result<StatementResult, Failure> {
        lifecycle::execute(self, sql)
    }

    /// Follows statements of this session from other threads, and ends them.
    pub fn watch(&self) -> Watch {
        self.watch.clone()
    }

    /// User, warehouse, database and schema in use, for a prompt.
    pub fn prompt(&self) -> [Option<&str>; 4] {
        [
            Some(self.user.as_str()),
            self.warehouse.as_deref(),
            self.path.database.as_deref(),
            self.path.schema.as_deref(),
        ]
    }

    /// Completes words of statements, as the session sees the account now.
    pub fn completer(&self) -> Completer {
        Completer::of(self)
    }

    /// Seconds that a statement may take, as the session and its warehouse limit it; 0 for no limit.
    pub(crate) fn timeout_seconds(&self) -> u64 {
        const NAME: &str = "STATEMENT_TIMEOUT_IN_SECONDS";
        let own = u64::try_from(self.settings.number(NAME)).unwrap_or(0);
        let catalog = self.catalog();
        let warehouse = self.warehouse.as_ref().and_then(|name| catalog.warehouse(name));
        let limit = warehouse.and_then(|warehouse| {
            let property = warehouse.properties.iter().find(|(name, _)| name == NAME)?;
            property.1.parse().ok()
        });
        [own, limit.unwrap_or(0)].into_iter().filter(|seconds| *seconds > 0).min().unwrap_or(0)
    }

    /// The version of the account that the next statement sees.
    pub(crate) fn catalog(&self) -> Catalog {
        match &self.transaction {
            Some(transaction) => transaction.catalog(),
            None => self.shared.account.catalog_for(&self.space),
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // An open transaction is rolled back; the session's own files are only a leftover on failure,
        // which sweeping removes.
        self.transaction = None;
        let _ = self.space.close(self.shared.account.access());
    }
}
