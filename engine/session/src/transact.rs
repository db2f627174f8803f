//! How statements change the account: in the session's transaction, or each in its own.

use firn_account::{CatalogChange, Transaction};
use firn_types::Result;

use crate::lifecycle::Running;
use crate::upkeep;

impl Running<'_> {
    /// Runs a DML in the open transaction, or in one of its own that is committed at its end. When it
    /// fails its own changes are undone, and the transaction stays open.
    pub(crate) fn write<T>(
        &mut self,
        work: impl FnOnce(&mut Self, &mut Transaction) -> Result<T>,
    ) -> Result<T> {
        let autocommit = self.session.settings.is_true("AUTOCOMMIT");
        let stays_open = self.session.transaction.is_some() || !autocommit;
        let mut transaction = match self.session.transaction.take() {
            Some(transaction) => transaction,
            None => self.session.shared.account.begin(&self.session.space),
        };
        if stays_open {
            transaction.span_statements();
        }
        let savepoint = transaction.savepoint();
        let outcome = work(self, &mut transaction);
        if stays_open {
            if outcome.is_err() {
                transaction.roll_back_to(savepoint);
            }
            self.session.transaction = Some(transaction);
            return outcome;
        }
        let answer = outcome?;
        self.commit(transaction)?;
        Ok(answer)
    }

    /// Runs DDL: it commits the open transaction first and is a transaction of its own.
    pub(crate) fn define<T>(
        &mut self,
        work: impl FnOnce(&mut Self, &mut Transaction) -> Result<T>,
    ) -> Result<T> {
        self.commit_open()?;
        let mut transaction = self.session.shared.account.begin(&self.session.space);
        let answer = work(self, &mut transaction)?;
        if !transaction.is_empty() {
            self.commit(transaction)?;
        }
        Ok(answer)
    }

    fn commit(&mut self, transaction: Transaction) -> Result<()> {
        let id = transaction.id();
        let tables = transaction.changed_tables();
        let version = transaction.commit(&self.query_id)?;
        self.session.last_transaction = Some(id);
        upkeep::after_commit(self, &tables, version);
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
        match &mut self.session.transaction {
            Some(transaction) => transaction.advance(),
            None => Ok(()),
        }
    }

    /// COMMIT; nothing happens without an open transaction.
    pub(crate) fn commit_open(&mut self) -> Result<()> {
        match self.session.transaction.take() {
            Some(transaction) if !transaction.is_empty() => self.commit(transaction),
            Some(transaction) => {
                self.session.last_transaction = Some(transaction.id());
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// BEGIN; nothing happens inside an open transaction.
    pub(crate) fn begin(&mut self) {
        if self.session.transaction.is_none() {
            let transaction = self.session.shared.account.begin(&self.session.space);
            self.session.transaction = Some(transaction);
        }
    }

    /// ROLLBACK; nothing happens without an open transaction.
    pub(crate) fn roll_back(&mut self) {
        if let Some(transaction) = self.session.transaction.take() {
            self.session.last_transaction = Some(transaction.id());
            transaction.rollback();
        }
    }
}
