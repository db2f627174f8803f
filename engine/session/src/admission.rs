//! A statement comes into its warehouse before it computes.

use std::sync::Arc;

use firn_account::CatalogChange;
use firn_account::catalog::{ACCOUNT, Action, Namespace, Object, Warehouse};
use firn_types::{Cancel, Error, ErrorCode, QueryId, Result};

use crate::history::QueryRecord;
use crate::lifecycle::StatementContext;
use crate::session_state::SessionState;
use crate::warehouse::HeldPermit;

/// Statements that a warehouse runs at once, unless MAX_CONCURRENCY_LEVEL says otherwise.
const CONCURRENCY_DEFAULT: usize = 8;

const NO_WAREHOUSE: &str = "No active warehouse selected in the current session.  Select an active warehouse with the 'use \
     warehouse' command.";

impl StatementContext {
    /// How the statement comes into its warehouse.
    pub(crate) fn admission(&self) -> Admission {
        Admission {
            session: self.session.clone(),
            query_id: self.query_id.clone(),
            record: Arc::clone(&self.record),
            cancel: self.monitor.cancel.clone(),
            permit: Arc::clone(&self.permit),
        }
    }

    /// As [`Admission::admit`].
    pub(crate) fn admit(&self) -> Result<()> {
        if self.permit.is_held() {
            return Ok(());
        }
        self.admission().admit()
    }
}

/// How a statement comes into its warehouse, and back into it.
#[derive(Debug)]
pub(crate) struct Admission {
    session: SessionState,
    query_id: QueryId,
    record: Arc<QueryRecord>,
    cancel: Cancel,
    permit: Arc<HeldPermit>,
}

impl Admission {
    /// Runs statements that take places of their own: the one around them gives its own back meanwhile, since they
    /// could wait for it for ever, and waits for one again when they have ended. One thread of it does that at a time.
    ///
    /// # Errors
    /// Those of `work`; as [`Admission::admit`].
    pub(crate) fn outside<T>(&self, work: impl FnOnce() -> Result<T>) -> Result<T> {
        let _turn = self.permit.turn();
        if !self.permit.is_held() {
            return work();
        }
        self.permit.give_back();
        let done = work()?;
        self.admit()?;
        Ok(done)
    }

    /// Waits until the warehouse has a place for the statement, unless it has one; wakes the warehouse if it
    /// sleeps.
    ///
    /// # Errors
    /// `NoWarehouse` when none is in use, the role may not use it, or it is suspended and does not resume by itself; `Canceled` and
    /// `StatementTimeout` while waiting.
    fn admit(&self) -> Result<()> {
        let catalog = self.session.catalog();
        let name = self.session.warehouse.as_deref().ok_or_else(no_warehouse)?;
        let warehouse = catalog.find(Namespace::Warehouse, ACCOUNT, name);
        let warehouse = warehouse.filter(|found| catalog.authorize(Action::Use, found).is_ok());
        let warehouse = warehouse.and_then(Object::as_warehouse).ok_or_else(no_warehouse)?;
        if warehouse.suspended {
            self.resume(warehouse)?;
        }
        let level = warehouse.properties.iter().find(|(name, _)| name == "MAX_CONCURRENCY_LEVEL");
        let level = level.map(|(_, level)| level.as_str());
        let level = level.or_else(|| catalog.parameter(ACCOUNT, "MAX_CONCURRENCY_LEVEL"));
        let level = level.and_then(|level| level.parse().ok()).unwrap_or(CONCURRENCY_DEFAULT);
        let timeout = self.session.least_of("STATEMENT_QUEUED_TIMEOUT_IN_SECONDS");
        let shared = &self.session.shared;
        let clock = shared.account.clock();
        let start = clock.now_nanos();
        let permit = shared.warehouses.admit(name, level, timeout, &self.cancel)?;
        self.record.queued_nanos.get_or_init(|| (clock.now_nanos() - start).max(0));
        self.permit.take(permit);
        Ok(())
    }

    /// Wakes a suspended warehouse.
    fn resume(&self, warehouse: &Warehouse) -> Result<()> {
        if !warehouse.auto_resume {
            let name = &warehouse.header.name;
            let text = format!(
                "{NO_WAREHOUSE}\nWarehouse '{name}' is suspended and does not resume by itself: ALTER WAREHOUSE \
                 {name} RESUME starts it."
            );
            return Err(Error::new(ErrorCode::NoWarehouse, text));
        }
        let mut resumed = warehouse.clone();
        resumed.suspended = false;
        let mut transaction = self.session.shared.account.begin(&self.session.space);
        transaction.apply(CatalogChange::alter(resumed))?;
        match transaction.commit(&self.query_id) {
            // Another one has changed it meanwhile: the next statement looks again.
            Err(error) if error.code() == ErrorCode::LockTimeout => Ok(()),
            outcome => outcome.map(|_| ()),
        }
    }
}

fn no_warehouse() -> Error {
    Error::new(ErrorCode::NoWarehouse, NO_WAREHOUSE)
}
