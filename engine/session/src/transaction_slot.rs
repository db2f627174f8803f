//! The open transaction of a session, which one statement at a time may write in.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use firn_account::catalog::Stream;
use firn_account::{Catalog, Transaction};
use firn_types::{Cancel, Error, ErrorCode, ObjectId, Result};
use parking_lot::{Condvar, Mutex, MutexGuard};

/// How often one who waits looks whether it is canceled.
const PATIENCE: Duration = Duration::from_millis(50);

/// A place for the transaction that a session has open.
#[derive(Debug, Default)]
pub(crate) struct TransactionSlot {
    place: Mutex<Place>,
    /// A statement has given the transaction back.
    free: Condvar,
}

#[derive(Debug, Default)]
struct Place {
    slot: Slot,
    /// The id of the last transaction that was committed or rolled back.
    last: Option<String>,
}

#[derive(Debug, Default)]
enum Slot {
    /// No transaction is open.
    #[default]
    Closed,
    /// Nobody writes in it now.
    Open(Transaction),
    /// A statement writes in it; others see it as it was before.
    Lent { catalog: Box<Catalog>, facts: TransactionFacts },
    /// It was rolled back because a statement failed; COMMIT or ROLLBACK are to end it.
    Aborted { id: String },
}

/// What is known of an open transaction.
#[derive(Clone, Debug)]
pub(crate) struct TransactionFacts {
    /// Its id.
    pub(crate) id: String,
    /// Its name.
    pub(crate) name: String,
    /// When it started: nanoseconds since 1970 UTC.
    pub(crate) started_nanos: i64,
    /// The version of the account when it started.
    pub(crate) start_version: u64,
    /// The streams that it has consumed, as they were before.
    pub(crate) consumed: BTreeMap<ObjectId, Arc<Stream>>,
}

impl TransactionFacts {
    fn of(transaction: &Transaction) -> TransactionFacts {
        TransactionFacts {
            id: transaction.id(),
            name: transaction.name(),
            started_nanos: transaction.started_nanos(),
            start_version: transaction.start_version(),
            consumed: transaction.consumed().clone(),
        }
    }
}

impl TransactionSlot {
    fn place(&self) -> MutexGuard<'_, Place> {
        self.place.lock()
    }

    /// The account as the open transaction sees it; none when no transaction is open.
    pub(crate) fn catalog(&self) -> Option<Catalog> {
        match &self.place().slot {
            Slot::Closed | Slot::Aborted { .. } => None,
            Slot::Open(transaction) => Some(transaction.catalog()),
            Slot::Lent { catalog, .. } => Some(catalog.as_ref().clone()),
        }
    }

    /// What is known of the open transaction, if there is one.
    pub(crate) fn facts(&self) -> Option<TransactionFacts> {
        match &self.place().slot {
            Slot::Closed | Slot::Aborted { .. } => None,
            Slot::Open(transaction) => Some(TransactionFacts::of(transaction)),
            Slot::Lent { facts, .. } => Some(facts.clone()),
        }
    }

    /// Whether a transaction is open.
    pub(crate) fn is_open(&self) -> bool {
        !matches!(self.place().slot, Slot::Closed)
    }

    /// The id of the last transaction that was committed or rolled back.
    pub(crate) fn last(&self) -> Option<String> {
        self.place().last.clone()
    }

    /// Notes the id of a transaction that has ended.
    pub(crate) fn ended(&self, id: String) {
        self.place().last = Some(id);
    }

    /// Looks whether statements may run in the transaction.
    ///
    /// # Errors
    /// `TransactionAborted` after one has failed that ended it.
    pub(crate) fn check(&self) -> Result<()> {
        match &self.place().slot {
            Slot::Aborted { id } => {
                let text = format!(
                    "Transaction {id} was aborted by an error; end it with ROLLBACK or COMMIT."
                );
                Err(Error::new(ErrorCode::TransactionAborted, text))
            }
            _ => Ok(()),
        }
    }

    /// Sees what others have committed since the last statement.
    ///
    /// # Errors
    /// As [`Transaction::refresh_read_version`].
    pub(crate) fn refresh_read_version(&self) -> Result<()> {
        match &mut self.place().slot {
            Slot::Open(transaction) => transaction.refresh_read_version(),
            _ => Ok(()),
        }
    }

    /// Opens a transaction, unless one is open.
    pub(crate) fn open(&self, begin: impl FnOnce() -> Transaction) {
        let mut place = self.place();
        if matches!(place.slot, Slot::Closed) {
            place.slot = Slot::Open(begin());
        }
    }

    /// Waits until nobody writes in the transaction.
    fn free(&self, cancel: &Cancel) -> Result<MutexGuard<'_, Place>> {
        let mut place = self.place();
        while matches!(place.slot, Slot::Lent { .. }) {
            cancel.check()?;
            self.free.wait_for(&mut place, PATIENCE);
        }
        Ok(place)
    }

    /// Lends the open transaction, or the one that `begin` opens, to a statement that writes.
    ///
    /// # Errors
    /// `Canceled` while another statement of the session writes in it.
    pub(crate) fn lend(
        &self,
        cancel: &Cancel,
        begin: impl FnOnce() -> Transaction,
    ) -> Result<Loan<'_>> {
        let mut place = self.free(cancel)?;
        let transaction = match std::mem::take(&mut place.slot) {
            Slot::Open(transaction) => transaction,
            _ => begin(),
        };
        let facts = TransactionFacts::of(&transaction);
        place.slot = Slot::Lent { catalog: Box::new(transaction.catalog()), facts };
        Ok(Loan { slot: self, transaction: Some(transaction) })
    }

    /// Closes the slot and hands its transaction out, to be committed or rolled back; none when no
    /// transaction was open, or it is rolled back already.
    ///
    /// # Errors
    /// As [`TransactionSlot::lend`].
    pub(crate) fn take(&self, cancel: &Cancel) -> Result<Option<Transaction>> {
        match std::mem::take(&mut self.free(cancel)?.slot) {
            Slot::Open(transaction) => Ok(Some(transaction)),
            _ => Ok(None),
        }
    }

    /// Rolls the transaction back because a statement failed, and lets nothing run in it any more.
    pub(crate) fn abort(&self) {
        let mut place = self.place();
        if let Slot::Open(transaction) = &place.slot {
            let id = transaction.id();
            place.last = Some(id.clone());
            place.slot = Slot::Aborted { id };
        }
    }

    /// Rolls back what nobody will end.
    pub(crate) fn abandon(&self) {
        let mut place = self.place();
        if let Slot::Open(transaction) = &place.slot {
            place.last = Some(transaction.id());
            place.slot = Slot::Closed;
        }
    }
}

/// The transaction in the hands of the statement that writes in it. Unless it is given back, it is rolled
/// back and the slot is closed.
pub(crate) struct Loan<'s> {
    slot: &'s TransactionSlot,
    transaction: Option<Transaction>,
}

impl Loan<'_> {
    /// Gives the transaction out of the loan's hands, for work that needs it apart.
    pub(crate) fn transaction(&mut self) -> Option<&mut Transaction> {
        self.transaction.as_mut()
    }
}

impl Drop for Loan<'_> {
    fn drop(&mut self) {
        let mut place = self.slot.place();
        place.slot = match self.transaction.take() {
            // Whatever a panic has left of it is not to be committed.
            Some(transaction) if !std::thread::panicking() => Slot::Open(transaction),
            Some(transaction) => {
                place.last = Some(transaction.id());
                Slot::Closed
            }
            None => Slot::Closed,
        };
        self.slot.free.notify_all();
    }
}
