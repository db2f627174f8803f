//! A statement as whoever started it sees it: while it runs, and afterwards.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use firn_column::Batch;
use firn_execute::spool::Next;
use firn_execute::{Profile, Spool};
use firn_functions::FunctionContext;
use firn_query::bind::TypedValue;
use firn_types::{Error, Field, Monitor, QueryId};
use parking_lot::{Condvar, Mutex, MutexGuard};

use crate::failure::Failure;
use crate::lifecycle::{RanInside, StatementContext};
use crate::result::{Cell, Printer, StatementResult};
use crate::session::InUse;
use crate::statement_threads::shortly;
use crate::transfer::Transfer;

/// How one statement is run.
#[derive(Clone, Debug, Default)]
pub struct StatementOptions {
    /// Session parameters, each with its value, that hold for this statement alone.
    pub parameters: Vec<(String, String)>,
}

/// A statement that runs, or has ended. Dropping it lets it run on.
#[derive(Debug)]
pub struct Statement {
    state: Arc<StatementState>,
    /// How many batches were read.
    read: usize,
}

/// What a statement is and gives, as soon as it is known.
#[derive(Debug)]
pub(crate) struct StatementState {
    pub(crate) query_id: QueryId,
    pub(crate) sql: Arc<str>,
    pub(crate) monitor: Monitor,
    pub(crate) profile: Arc<Profile>,
    /// The rows given so far.
    pub(crate) rows: Arc<Spool>,
    /// How values are printed.
    functions: Arc<FunctionContext>,
    known: Mutex<Known>,
    /// More is known of it.
    changed: Condvar,
    /// It has ended. Most only wait for that, and are not woken before.
    ended: Condvar,
    has_ended: AtomicBool,
}

#[derive(Debug, Default)]
struct Known {
    kind: Option<&'static str>,
    fields: Option<Arc<[Field]>>,
    outcome: Option<Result<Finished, Failure>>,
    transfer: Option<Arc<Transfer>>,
    at_end: AtEnd,
}

/// What is to be done when the statement has ended.
#[derive(Default)]
struct AtEnd(Vec<Box<dyn FnOnce() + Send>>);

impl fmt::Debug for AtEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AtEnd({})", self.0.len())
    }
}

/// A statement that has ended well.
#[derive(Clone, Debug)]
pub(crate) struct Finished {
    /// Rows given or affected.
    pub(crate) row_count: u64,
    /// What it has done to how many rows, by the names of its result's columns.
    pub(crate) counts: Vec<(String, u64)>,
    /// How many places for values it has.
    pub(crate) binds: usize,
    /// The variables of the block around it that it has given values.
    pub(crate) outputs: Vec<(String, TypedValue)>,
    /// What the session has in use after it.
    pub(crate) in_use: InUse,
}

/// Long enough to look only now and then, where no one else does.
const PATIENCE: Duration = Duration::from_secs(3600);

impl StatementState {
    /// A statement about which nothing is known yet.
    pub(crate) fn new(
        query_id: QueryId,
        sql: Arc<str>,
        monitor: Monitor,
        rows: Arc<Spool>,
        functions: Arc<FunctionContext>,
    ) -> StatementState {
        StatementState {
            query_id,
            sql,
            monitor,
            profile: Arc::default(),
            rows,
            functions,
            known: Mutex::default(),
            changed: Condvar::new(),
            ended: Condvar::new(),
            has_ended: AtomicBool::new(false),
        }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock()
    }

    /// Says what the statement is.
    pub(crate) fn set_kind(&self, kind: &'static str) {
        self.known().kind = Some(kind);
        self.changed.notify_all();
    }

    /// Says which columns the rows have, before there are any.
    pub(crate) fn set_fields(&self, fields: Vec<Field>) {
        self.known().fields = Some(fields.into());
        self.changed.notify_all();
    }

    /// Says what the client is to do.
    pub(crate) fn set_transfer(&self, transfer: Transfer) {
        self.known().transfer = Some(Arc::new(transfer));
    }

    /// Ends the statement; its result is first given to `keep`.
    pub(crate) fn finish(
        &self,
        outcome: Result<Finished, Failure>,
        keep: impl FnOnce(&StatementResult),
    ) {
        let mut known = self.known();
        if let Ok(finished) = &outcome {
            keep(&self.result_of(&known, finished));
        }
        known.outcome = Some(outcome);
        let at_end = std::mem::take(&mut known.at_end);
        drop(known);
        self.has_ended.store(true, Ordering::Release);
        self.changed.notify_all();
        self.ended.notify_all();
        self.rows.end();
        at_end.0.into_iter().for_each(|work| work());
    }

    fn result_of(&self, known: &Known, finished: &Finished) -> StatementResult {
        StatementResult {
            query_id: self.query_id.0.clone(),
            fields: known.fields.as_deref().unwrap_or_default().to_vec(),
            row_count: finished.row_count,
            spool: Arc::clone(&self.rows),
            functions: Arc::clone(&self.functions),
        }
    }

    /// The result, once the statement has ended; none when it gave none.
    pub(crate) fn result(&self) -> Option<Result<StatementResult, Failure>> {
        let known = self.known();
        Some(match known.outcome.as_ref()? {
            Err(failure) => Err(failure.clone()),
            Ok(finished) => Ok(self.result_of(&known, finished)),
        })
    }

    /// Waits until it has ended.
    fn wait_for_end(&self, patience: Duration) -> Option<()> {
        // Waiting for no time is only to look.
        if !patience.is_zero() {
            shortly(|| self.has_ended.load(Ordering::Acquire).then_some(()));
        }
        self.wait(&self.ended, patience, |known| known.outcome.is_some().then_some(()))
    }

    /// Waits until `answer` has one, which may be whenever `news` comes.
    fn wait<T>(
        &self,
        news: &Condvar,
        patience: Duration,
        answer: impl Fn(&Known) -> Option<T>,
    ) -> Option<T> {
        let start = std::time::Instant::now();
        let mut known = self.known();
        loop {
            if let Some(answer) = answer(&known) {
                return Some(answer);
            }
            let left = patience.checked_sub(start.elapsed())?;
            news.wait_for(&mut known, left);
        }
    }
}

impl Statement {
    /// The statement of a context.
    pub(crate) fn of(context: &StatementContext) -> Statement {
        Statement { state: Arc::clone(context.state()), read: 0 }
    }

    /// The same statement for another reader, who begins at its first row.
    pub fn reader(&self) -> Statement {
        Statement { state: Arc::clone(&self.state), read: 0 }
    }

    /// The statement's id.
    pub fn query_id(&self) -> &str {
        &self.state.query_id.0
    }

    /// Its text.
    pub fn text(&self) -> &str {
        &self.state.sql
    }

    /// Follows it from other threads, and ends it: a cancel that comes before it runs counts, and one that
    /// comes after its end does nothing.
    pub fn monitor(&self) -> Monitor {
        self.state.monitor.clone()
    }

    /// What its operators have done so far.
    pub fn profile(&self) -> Arc<Profile> {
        Arc::clone(&self.state.profile)
    }

    /// What it is, as QUERY_HISTORY names it, such as `SELECT`; waits until it is parsed.
    ///
    /// # Errors
    /// When it cannot be parsed.
    pub fn kind(&self) -> Result<&'static str, Failure> {
        self.wait(|known| known.kind)
    }

    /// The columns of its rows; waits until they are known.
    ///
    /// # Errors
    /// When the statement fails before.
    pub fn fields(&self) -> Result<Arc<[Field]>, Failure> {
        self.wait(|known| known.fields.clone())
    }

    /// Its next rows, in order; waits for them, and answers none after the last.
    ///
    /// # Errors
    /// When the statement fails; rows that were read before are not to be relied on.
    pub fn next_batch(&mut self) -> Result<Option<Batch>, Failure> {
        loop {
            match self.next_within(PATIENCE)? {
                Next::Batch(batch) => return Ok(Some(batch)),
                Next::End => return Ok(None),
                Next::NotYet => {}
            }
        }
    }

    /// As [`Statement::next_batch`], but waits no longer than `patience`.
    ///
    /// # Errors
    /// As [`Statement::next_batch`].
    pub fn next_within(&mut self, patience: Duration) -> Result<Next, Failure> {
        let next = self.state.rows.wait_for(self.read, patience);
        match next.map_err(|error| self.failure(&error))? {
            Next::Batch(batch) => {
                self.read += 1;
                Ok(Next::Batch(batch))
            }
            Next::End => self.result().map(|_| Next::End),
            Next::NotYet => Ok(Next::NotYet),
        }
    }

    /// Waits until the statement has ended.
    ///
    /// # Errors
    /// What was wrong, as a client shows it.
    pub fn result(&self) -> Result<StatementResult, Failure> {
        loop {
            if let Some(result) = self.result_within(PATIENCE) {
                return result;
            }
        }
    }

    /// As [`Statement::result`], but waits no longer than `patience`; none while the statement runs.
    pub fn result_within(&self, patience: Duration) -> Option<Result<StatementResult, Failure>> {
        self.state.wait_for_end(patience)?;
        self.state.result()
    }

    /// Does something, which must not take long, when the statement has ended, on its thread; at once when
    /// it has. For those that cannot wait on a thread of their own.
    pub fn at_end(&self, work: impl FnOnce() + Send + 'static) {
        let mut known = self.state.known();
        if known.outcome.is_none() {
            return known.at_end.0.push(Box::new(work));
        }
        drop(known);
        work();
    }

    /// What it has done to how many rows, by the names of its result's columns: `number of rows inserted`.
    /// Empty for what changes no rows. Waits until the statement has ended.
    ///
    /// # Errors
    /// As [`Statement::result`].
    pub fn counts(&self) -> Result<Vec<(String, u64)>, Failure> {
        self.finished().map(|finished| finished.counts)
    }

    /// How many places for values it has, each counted once; waits until the statement has ended.
    ///
    /// # Errors
    /// As [`Statement::result`].
    pub fn binds(&self) -> Result<usize, Failure> {
        self.finished().map(|finished| finished.binds)
    }

    /// What the client is to do, after a PUT or a GET of one that is elsewhere has ended.
    pub fn transfer(&self) -> Option<Arc<Transfer>> {
        self.state.known().transfer.clone()
    }

    /// What the session has in use after the statement; waits until it has ended.
    ///
    /// # Errors
    /// As [`Statement::result`].
    pub fn in_use_after(&self) -> Result<InUse, Failure> {
        self.finished().map(|finished| finished.in_use)
    }

    /// The cells of every row of a batch, in order, as a client prints them.
    ///
    /// # Errors
    /// As [`StatementResult::print`].
    pub fn print(&self, batch: &Batch, f: &mut dyn FnMut(&[Cell])) -> Result<(), Error> {
        let fields = self.state.known().fields.clone();
        let fields = fields.as_deref().unwrap_or_default();
        Printer { fields, functions: &self.state.functions }.for_each_row(batch, f)
    }

    /// How many rows there are so far.
    pub fn rows_so_far(&self) -> u64 {
        self.state.rows.rows()
    }

    /// What a statement of a block has done; waits until it has ended.
    ///
    /// # Errors
    /// As [`Statement::result`].
    pub(crate) fn ran(&self) -> Result<RanInside, Failure> {
        let result = self.result()?;
        let Finished { counts, outputs, .. } = self.finished()?;
        Ok(RanInside { result, counts, outputs })
    }

    fn finished(&self) -> Result<Finished, Failure> {
        self.result()?;
        let outcome = self.state.known().outcome.clone();
        outcome
            .unwrap_or_else(|| Err(self.failure(&Error::internal("a result without an outcome"))))
    }

    /// Waits for something that a statement that fails may never tell.
    fn wait<T>(&self, answer: impl Fn(&Known) -> Option<T>) -> Result<T, Failure> {
        let told = |known: &Known| match (answer(known), &known.outcome) {
            (Some(answer), _) => Some(Ok(answer)),
            (None, Some(Err(failure))) => Some(Err(failure.clone())),
            (None, Some(Ok(_))) => {
                Some(Err(self.failure(&Error::internal("a statement that told nothing"))))
            }
            (None, None) => None,
        };
        loop {
            if let Some(told) = self.state.wait(&self.state.changed, PATIENCE, told) {
                return told;
            }
        }
    }

    fn failure(&self, error: &Error) -> Failure {
        Failure::new(&self.state.query_id.0, error, &self.state.sql)
    }
}
