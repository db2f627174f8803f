//! How statements change the account: in the session's transaction, or each in its own.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use firn_account::txn::{Blocker, Hold};
use firn_account::{CatalogChange, Transaction};
use firn_types::{Error, ErrorCode, Identifier, Result};

use crate::lifecycle::StatementContext;
use crate::maintenance;
use crate::transaction_slot::TransactionSlot;

/// What came of writing.
enum Written<T> {
    /// It is written, and this the answer.
    Done(T),
    /// Nothing is written: it has waited for others, and is to be run on what they leave.
    Waited,
    /// Nothing is written: others have committed changes of the same rows meanwhile.
    Overtaken,
}

/// How often a statement whose rows others commit changes of, while it computes its own, is run.
const ATTEMPTS: usize = 64;

impl StatementContext {
    /// Runs a DML in the open transaction, or in one of its own that is committed at its end. When it
    /// fails its own changes are undone, and the transaction stays open.
    ///
    /// When other transactions have changed the same rows it is undone, and to be planned and run again;
    /// where they are open it has waited for their end.
    fn write<T>(
        &mut self,
        work: impl FnOnce(&mut Self, &mut Transaction) -> Result<T>,
    ) -> Result<Written<T>> {
        if self.is_alone() {
            let mut transaction = self.new_transaction();
            let answer = work(self, &mut transaction)?;
            return match transaction.hold(&self.query_id)? {
                Hold::Held => match self.commit(transaction) {
                    // A process elsewhere was faster.
                    Err(error) if error.code() == ErrorCode::LockTimeout => Ok(Written::Overtaken),
                    outcome => outcome.map(|()| Written::Done(answer)),
                },
                Hold::Blocked(blocker) => {
                    self.wait_for(&blocker, &transaction).map(|()| Written::Waited)
                }
                Hold::Overtaken => Ok(Written::Overtaken),
            };
        }
        let slot = Arc::clone(&self.session.transaction);
        let mut loan = slot.lend(&self.monitor.cancel, || self.new_transaction())?;
        let transaction =
            loan.transaction().ok_or_else(|| Error::internal("a loan of no transaction"))?;
        transaction.span_statements();
        let savepoint = transaction.savepoint();
        let outcome = work(self, transaction)
            .and_then(|answer| Ok((answer, transaction.hold(&self.query_id)?)));
        if let Ok((answer, Hold::Held)) = outcome {
            return Ok(Written::Done(answer));
        }
        transaction.roll_back_to(savepoint);
        match outcome?.1 {
            Hold::Blocked(blocker) => {
                self.wait_for(&blocker, transaction).map(|()| Written::Waited)
            }
            Hold::Held | Hold::Overtaken => Ok(Written::Overtaken),
        }
    }

    /// As [`StatementContext::write`], on what others leave, until it is done.
    ///
    /// # Errors
    /// `LockTimeout` when others are always faster, and as [`StatementContext::write`].
    pub(crate) fn write_at_last<T>(
        &mut self,
        mut work: impl FnMut(&mut Self, &mut Transaction) -> Result<Option<T>>,
    ) -> Result<T> {
        let computes = self.permit.is_held();
        let mut overtaken = 0;
        while overtaken < ATTEMPTS {
            if computes {
                self.admit()?;
            }
            match self.write(&mut work)? {
                Written::Done(Some(answer)) => return Ok(answer),
                // It may wait as often as there are others before it.
                Written::Waited => {}
                Written::Done(None) | Written::Overtaken => overtaken += 1,
            }
            self.session.shared.account.refresh()?;
            self.refresh_read_version()?;
        }
        let text = format!("Others have changed the same rows {ATTEMPTS} times meanwhile.");
        Err(Error::new(ErrorCode::LockTimeout, text))
    }

    /// Waits until an open transaction lets go of rows, without taking a place in the warehouse meanwhile.
    fn wait_for(&self, blocker: &Blocker, transaction: &Transaction) -> Result<()> {
        self.permit.give_back();
        let seconds = u64::try_from(self.session.settings.number("LOCK_TIMEOUT")).unwrap_or(0);
        let before = Duration::from_nanos(self.record.blocked_nanos.load(Ordering::Relaxed));
        let patience = Duration::from_secs(seconds).saturating_sub(before);
        let start = Instant::now();
        let cancel = &self.monitor.cancel;
        let outcome = transaction.wait_for(blocker, &self.query_id, patience, cancel);
        let waited = u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.record.blocked_nanos.fetch_add(waited, Ordering::Relaxed);
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
        self.note_definition(&changes);
        self.define(|_, transaction| {
            changes.into_iter().try_for_each(|change| transaction.apply(change))
        })
    }

    /// Sees what others have committed since the last statement of the open transaction.
    pub(crate) fn refresh_read_version(&mut self) -> Result<()> {
        self.session.transaction.refresh_read_version()
    }

    /// COMMIT; nothing happens without an open transaction.
    pub(crate) fn commit_open(&mut self) -> Result<()> {
        self.refuse_enclosing()?;
        let outcome = self.commit_slot();
        self.leave_scope()?;
        outcome
    }

    fn commit_slot(&mut self) -> Result<()> {
        match self.session.transaction.take(&self.monitor.cancel)? {
            Some(transaction) if !transaction.is_empty() => self.commit(transaction),
            Some(transaction) => {
                self.session.transaction.ended(transaction.id());
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// BEGIN; nothing happens inside an open transaction. A procedure that is called in one begins one of its own,
    /// which ends before it does.
    ///
    /// # Errors
    /// None of its own.
    pub(crate) fn begin_transaction(&mut self, name: Option<&Identifier>) -> Result<()> {
        if self.is_enclosed() {
            let own = Arc::new(TransactionSlot::default());
            self.change_session(|session| {
                session.transaction = Arc::clone(&own);
                Ok(())
            })?;
        }
        self.session.transaction.open(|| {
            let mut transaction = self.new_transaction();
            transaction.set_name(name.map(|name| name.name.clone()));
            transaction
        });
        Ok(())
    }

    /// Whether what is open was begun by the caller of the procedure that runs.
    fn is_enclosed(&self) -> bool {
        let enclosing = self.session.enclosing.as_ref();
        enclosing.is_some_and(|slot| Arc::ptr_eq(slot, &self.session.transaction))
    }

    fn refuse_enclosing(&self) -> Result<()> {
        if self.is_enclosed() {
            let text =
                "Modifying a transaction that has started at a different scope is not allowed.";
            return Err(Error::new(ErrorCode::TransactionScope, text));
        }
        Ok(())
    }

    /// Goes back to the caller's transaction, behind the procedure's own.
    fn leave_scope(&mut self) -> Result<()> {
        match self.session.enclosing.clone() {
            Some(enclosing) => self.change_session(|session| {
                session.transaction = Arc::clone(&enclosing);
                Ok(())
            }),
            None => Ok(()),
        }
    }

    /// ROLLBACK; nothing happens without an open transaction.
    ///
    /// # Errors
    /// `Canceled` while another statement of the session writes in it.
    pub(crate) fn roll_back(&mut self) -> Result<()> {
        self.refuse_enclosing()?;
        if let Some(transaction) = self.session.transaction.take(&self.monitor.cancel)? {
            self.session.transaction.ended(transaction.id());
            transaction.rollback();
        }
        self.leave_scope()
    }
}
