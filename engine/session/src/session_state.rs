//! What a session is, and what each of its statements sees of it.
//!
//! A statement works on a copy, taken when it begins. What it changes of the session it changes in its copy
//! and in the session itself, so that several statements of one session may run at once.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use firn_account::catalog::{ACCOUNT, ACCOUNTADMIN, CurrentPath, NOBODY, Rights, VisibleCatalog};
use firn_account::{Catalog, SessionSpace};
use firn_functions::context::AlertFacts;
use firn_query::bind::Variable;
use firn_types::{Language, ObjectId, Result};

use crate::command::script_file::RunFile;
use crate::current;
use crate::engine::Shared;
use crate::function_host::statement_not_found;
use crate::history::History;
use crate::reach::Reach;
use crate::result::StatementResult;
use crate::roles;
use crate::session::SessionOptions;
use crate::settings::Settings;
use crate::task::TaskContext;
use crate::transaction_slot::TransactionSlot;

/// Procedures that may call one another, one inside the other.
pub(crate) const CALL_DEPTH_MAX: usize = 64;

/// Rights, and the role whose they are, with or without the user's others.
type KnownRights = ((ObjectId, bool), Arc<Rights>);

/// A session as a statement sees it.
#[derive(Clone, Debug)]
pub(crate) struct SessionState {
    /// What the sessions of the process share.
    pub(crate) shared: Arc<Shared>,
    /// The session's number.
    pub(crate) id: u64,
    /// Its temporary objects.
    pub(crate) space: Arc<SessionSpace>,
    /// The user.
    pub(crate) user: String,
    /// What CURRENT_CLIENT tells, when a client has said it.
    pub(crate) client: Option<Arc<str>>,
    /// What CURRENT_IP_ADDRESS tells.
    pub(crate) address: Option<Arc<str>>,
    /// What statements reach by URLs.
    pub(crate) reach: Arc<Reach>,
    /// Its statements.
    pub(crate) history: Arc<History>,
    /// The transaction that BEGIN, or a DML without AUTOCOMMIT, has opened.
    pub(crate) transaction: Arc<TransactionSlot>,
    /// The database and schema in use.
    pub(crate) path: CurrentPath,
    /// The warehouse in use.
    pub(crate) warehouse: Option<String>,
    /// The role in use; [`NOBODY`] where the engine itself is at work.
    pub(crate) role: ObjectId,
    /// Whether all other roles of the user are in use, too.
    pub(crate) secondary_roles: bool,
    /// Whether the role in use is the only one that the session may have.
    pub(crate) only_role: bool,
    /// The address that whoever is connected has logged in from.
    pub(crate) from: Option<IpAddr>,
    /// The rights that were last asked for, and of which roles they are.
    known_rights: Arc<Mutex<Option<KnownRights>>>,
    /// The session's parameters.
    pub(crate) settings: Settings,
    /// What SET has set.
    pub(crate) variables: Arc<HashMap<String, Variable>>,
    /// How many procedures called one another to come here.
    pub(crate) call_depth: usize,
    /// Where the transaction lies that was open when the procedure was called which runs: it is its caller's to end.
    pub(crate) enclosing: Option<Arc<TransactionSlot>>,
    /// The language of the procedure with its owner's rights whose statements it runs.
    pub(crate) owner_language: Option<Language>,
    /// The temporary tables that the procedure has made for as long as it runs.
    pub(crate) scoped_tables: Vec<ObjectId>,
    /// The staged files whose statements it runs, one inside the other.
    pub(crate) files: Vec<RunFile>,
    /// Whether its statements may only read: those of a procedure in FROM.
    pub(crate) reads_only: bool,
    /// The alert that it runs.
    pub(crate) alert: Option<Arc<AlertFacts>>,
    /// The task that it runs.
    pub(crate) task: Option<Arc<TaskContext>>,
}

impl SessionState {
    /// A new session's state.
    ///
    /// # Errors
    /// When the database, schema, warehouse or role it is to start with does not exist.
    pub(crate) fn start(
        shared: Arc<Shared>,
        id: u64,
        options: &SessionOptions,
    ) -> Result<SessionState> {
        let catalog = shared.account.catalog();
        let settings = Settings::new(catalog.parameters(ACCOUNT));
        let mut state = SessionState {
            shared,
            id,
            space: SessionSpace::new(id),
            user: options.user.clone().unwrap_or_else(|| "FIRN".to_string()),
            client: options.client.as_deref().map(Arc::from),
            address: options.address.as_deref().map(Arc::from),
            reach: Arc::new(options.reach.clone()),
            history: Arc::default(),
            transaction: Arc::default(),
            path: CurrentPath::default(),
            warehouse: None,
            role: ACCOUNTADMIN,
            secondary_roles: false,
            only_role: false,
            from: options.address.as_deref().and_then(|address| address.parse().ok()),
            known_rights: Arc::default(),
            settings,
            variables: Arc::default(),
            call_depth: 0,
            enclosing: None,
            owner_language: None,
            scoped_tables: Vec::new(),
            files: Vec::new(),
            reads_only: false,
            alert: None,
            task: None,
        };
        let user = catalog.user(&state.user);
        let own = user.map(|user| user.properties.as_slice()).unwrap_or_default();
        state.settings.start_with(own);
        for (name, value) in &options.parameters {
            // What this version does not know, it does not need.
            _ = state.settings.set(&name.to_uppercase(), value);
        }
        current::start(&mut state, options)?;
        Ok(state)
    }

    /// The version of the account that the next statement sees, as the roles in use see it.
    pub(crate) fn catalog(&self) -> VisibleCatalog {
        let open = self.transaction.catalog();
        let catalog = open.unwrap_or_else(|| self.shared.account.catalog_for(&self.space));
        let rights = self.rights(&catalog);
        VisibleCatalog::new(catalog, rights)
    }

    /// The rights of the roles in use, made anew only when grants or roles have changed.
    fn rights(&self, catalog: &Catalog) -> Arc<Rights> {
        let roles = (self.role, self.secondary_roles);
        let mut known = self.known_rights.lock().unwrap_or_else(PoisonError::into_inner);
        match &*known {
            Some((of, rights)) if *of == roles && rights.hold_in(catalog) => Arc::clone(rights),
            _ => {
                let rights = Arc::new(self.rights_in(catalog));
                *known = Some((roles, Arc::clone(&rights)));
                rights
            }
        }
    }

    /// The rights of the role in use, and of the user's others when USE SECONDARY ROLES ALL is in force.
    fn rights_in(&self, catalog: &Catalog) -> Rights {
        if self.role == NOBODY {
            return Rights::of_engine();
        }
        let own = std::iter::once(self.role);
        match self.secondary_roles {
            true => Rights::of(catalog, own.chain(roles::granted_to_user(catalog, &self.user))),
            false => Rights::of(catalog, own),
        }
    }

    /// The name of the role in use.
    pub(crate) fn role_name(&self) -> String {
        self.catalog().name_of(self.role).to_string()
    }

    /// The result of an earlier statement of the user.
    ///
    /// # Errors
    /// `StatementNotFound` when there is none, or it is not kept any more.
    pub(crate) fn result(&self, query_id: &str) -> Result<StatementResult> {
        let now_nanos = self.shared.account.clock().now_nanos();
        let found = self.shared.results.of(&self.user, query_id, now_nanos);
        found.ok_or_else(|| statement_not_found(query_id))
    }

    /// Seconds that a statement may take, as the session and its warehouse limit it; 0 for no limit.
    pub(crate) fn timeout_seconds(&self) -> u64 {
        self.least_of("STATEMENT_TIMEOUT_IN_SECONDS")
    }

    /// The smaller of the session's and the warehouse's value of a parameter, without those that are 0.
    pub(crate) fn least_of(&self, name: &str) -> u64 {
        let own = u64::try_from(self.settings.number(name)).unwrap_or(0);
        let catalog = self.catalog();
        let warehouse = self.warehouse.as_ref().and_then(|name| catalog.warehouse(name));
        let limit = warehouse.and_then(|warehouse| {
            let property = warehouse.properties.iter().find(|(property, _)| property == name)?;
            property.1.parse().ok()
        });
        [own, limit.unwrap_or(0)].into_iter().filter(|value| *value > 0).min().unwrap_or(0)
    }
}

/// Where a session's state is kept: its statements hold it as long as they run.
#[derive(Debug)]
pub(crate) struct SessionHome {
    state: Mutex<SessionState>,
    /// Whether it is a session's own home, and not that of what runs with another role inside of it.
    whole: bool,
}

impl SessionHome {
    /// Keeps the state of a new session.
    pub(crate) fn new(state: SessionState) -> SessionHome {
        SessionHome { state: Mutex::new(state), whole: true }
    }

    /// A home for what runs inside of a session with other rights: what it changes stays there.
    pub(crate) fn inside(state: SessionState) -> SessionHome {
        SessionHome { state: Mutex::new(state), whole: false }
    }

    /// The state as it is now.
    pub(crate) fn state(&self) -> SessionState {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Changes the state.
    pub(crate) fn change<T>(&self, change: impl FnOnce(&mut SessionState) -> T) -> T {
        change(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Drop for SessionHome {
    fn drop(&mut self) {
        if !self.whole {
            return;
        }
        let state = self.state.get_mut().unwrap_or_else(PoisonError::into_inner);
        // An open transaction is rolled back; the session's own files are only a leftover on failure,
        // which sweeping removes.
        state.transaction.abandon();
        state.shared.interpreter.forget(state.id);
        let _ = state.space.close(state.shared.account.access());
    }
}
