//! How statements change the account: in the session's transaction, or each in its own.

use std::sync::Arc;

use firn_account::{CatalogChange, Transaction};
use firn_types::{Error, Identifier, Result};

use crate::lifecycle::StatementContext;
use crate::maintenance;

impl StatementContext {
    /// Runs a DML in the open transaction, or in one of its own that is committed at its end. When it
    /// fails its own changes are undone, and the transaction stays open.
    pub(crate) fn write<T>(
        &mut self,
        work: impl FnOnce(&mut Self, &mut Transaction) -> Result<T>,
    ) -> Result<T> {
        if self.is_alone() {
            let mut transaction = self.new_transaction();
            let answer = work(self, &mut transaction)?;
            self.commit(transaction)?;
            return Ok(answer);
        }
        let slot = Arc::clone(&self.session.transaction);
        let mut loan = slot.lend(&self.monitor.cancel, || self.new_transaction())?;
        let transaction =
            loan.transaction().ok_or_else(|| Error::internal("a loan of no transaction"))?;
        transaction.span_statements();
        let savepoint = transaction.savepoint();
        let outcome = work(self, transaction);
        if outcome.is_err() {
            transaction.roll_back_to(savepoint);
        }
        outcome
    }

    /// Whether a DML is a transaction of its own.
    pub(crate) fn is_alone(&self) -> bool {
        self.session.settings.is_true("AUTOCOMMIT") && !self.session.transaction.is_open()
    }

    fn new_transaction(&self) -> Transaction {
        self.session.shared.account.begin(&self.session.space)
    }

    /// Runs DDL: it commits the open transaction first and is a transaction of its own.
    pub(crate) fn define<T>(
        &mut self,
        work: impl FnOnce(&mut Self, &mut Transaction) -> Result<T>,
    ) -> Result<T> {
        self.commit_open()?;
        let mut transaction = self.new_transaction();
        let answer = work(self, &mut transaction)?;
        if !transaction.is_empty() {
            self.commit(transaction)?;
        }
        Ok(answer)
    }

    fn commit(&mut self, transaction: Transaction) -> Result<()> {
        let id = transaction.id();
        let tables = transaction.changed_tables();
        transaction.commit(&self.query_id)?;
        self.session.transaction.ended(id);
        maintenance::after_commit(self, &tables);
        Ok(())
    }

    /// Applies changes of the catalog as one step.
    pub(crate) fn change(&mut self, changes: Vec<CatalogChange>) -> Result<()> {
        self.define(|_, transaction| {
            changes.into_iter().try_for_each(|change| transaction.apply(change))
        })
    }

    /// Sees what others have committed since the last statement of the open transaction.
    pub(crate) fn advance(&mut self) -> Result<()> {
        self.session.transaction.advance()
    }

    /// COMMIT; nothing happens without an open transaction.
    pub(crate) fn commit_open(&mut self) -> Result<()> {
        match self.session.transaction.take(&self.monitor.cancel)? {
            Some(transaction) if !transaction.is_empty() => self.commit(transaction),
            Some(transaction) => {
                self.session.transaction.ended(transaction.id());
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// BEGIN; nothing happens inside an open transaction.
    pub(crate) fn begin_transaction(&mut self, name: Option<&Identifier>) {
        self.session.transaction.open(|| {
            let mut transaction = self.new_transaction();
            transaction.set_name(name.map(|name| name.name.clone()));
            transaction
        });
    }

    /// ROLLBACK; nothing happens without an open transaction.
    ///
    /// # Errors
    /// `Canceled` while another statement of the session writes in it.
    pub(crate) fn roll_back(&mut self) -> Result<()> {
        if let Some(transaction) = self.session.transaction.take(&self.monitor.cancel)? {
            self.session.transaction.ended(transaction.id());
            transaction.rollback();
        }
        Ok(())
    }
}
