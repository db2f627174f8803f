//! Statements that run beside the steps of their block: ASYNC, AWAIT and CANCEL.
//!
//! A job is a statement like any other, on a thread of its own, that ends with the statement that runs the block. Its
//! rows can be read, and the values of a procedure's OUT arguments are given to variables, when somebody has waited for
//! it; what nobody has waited for is canceled when the block ends.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use firn_parse::ast::SqlText;
use firn_query::bind::Binds;
use firn_types::{Cancel, Error, ErrorCode, Identifier, Span, Value};

use super::exception::Raised;
use super::variables::{ResultSet, Variable};
use super::{Script, Stepped, name_of};
use crate::lifecycle::{self, RanInside, StatementContext};
use crate::result::StatementResult;
use crate::statement::Statement;

/// Jobs of a block that run at once; further ones wait until one of them has ended.
const JOBS_MAX: usize = 64;
/// How often who waits looks whether the statement around is canceled.
const PATIENCE: Duration = Duration::from_millis(50);

/// A statement that runs beside its block.
#[derive(Debug)]
pub(crate) struct Job {
    statement: Statement,
    cancel: Cancel,
    /// Its rows, once somebody has waited for it.
    result: OnceLock<Arc<StatementResult>>,
}

impl Job {
    /// Its rows; none while nobody has waited for it.
    pub(super) fn result(&self) -> Option<&Arc<StatementResult>> {
        self.result.get()
    }

    /// The statement's id.
    pub(super) fn query_id(&self) -> &str {
        self.statement.query_id()
    }

    fn has_ended(&self) -> bool {
        self.statement.result_within(Duration::ZERO).is_some()
    }
}

impl Script<'_> {
    /// What a RESULTSET gets: rows, or a statement that is going to have some.
    pub(super) fn filled(&mut self, text: &SqlText) -> Stepped<ResultSet> {
        let span = text.span;
        match text.asynchronous {
            true => self.begin_job(text, span).map(ResultSet::Job),
            false => self.run_sql(text, Vec::new(), span).map(ResultSet::Rows),
        }
    }

    /// Starts a statement that runs beside the steps behind it.
    pub(super) fn begin_job(&mut self, text: &SqlText, span: Span) -> Stepped<Arc<Job>> {
        let raised = |error| Raised::expression(error, span);
        if !text.into.is_empty() {
            return Err(raised(Error::not_supported("INTO of an ASYNC statement")));
        }
        let sql = text.span.of(&self.text).to_string();
        if self.nested_procedure(&sql).is_some() {
            return Err(raised(Error::not_supported("ASYNC CALL of a procedure of the block")));
        }
        let (sql, positional) = self.prepared(sql, Vec::new(), span)?;
        self.make_room(span)?;
        let cancel = self.running.monitor.cancel.child();
        let binds = Binds { positional, named: self.variables.binds(), ..Binds::default() };
        let context = StatementContext::inner(&self.home, &sql, binds, &cancel);
        let statement = Statement::of(&context);
        lifecycle::spawn(context);
        self.variables.set_fact("SQLID", Value::text(statement.query_id()));
        let job = Arc::new(Job { statement, cancel, result: OnceLock::new() });
        self.jobs.push(Arc::clone(&job));
        Ok(job)
    }

    /// Waits until fewer jobs run than may. What has become of them is heard by who waits for them.
    fn make_room(&self, span: Span) -> Stepped<()> {
        let running: Vec<&Arc<Job>> = self.jobs.iter().filter(|job| !job.has_ended()).collect();
        match running.first() {
            Some(first) if running.len() >= JOBS_MAX => self.wait_for(first, span),
            _ => Ok(()),
        }
    }

    /// AWAIT of a RESULTSET: a failure of its statement is one of this step.
    pub(super) fn await_one(&mut self, name: &Identifier, span: Span) -> Stepped<()> {
        let Some(Variable::ResultSet(set)) = self.variables.find(name_of(name)) else {
            return Err(super::sql::unknown(name, span));
        };
        let ResultSet::Job(job) = set else { return Ok(()) };
        let job = Arc::clone(job);
        if job.result().is_none() {
            self.wait_for(&job, span)?;
            self.jobs.retain(|other| !Arc::ptr_eq(other, &job));
            let ran = self.end_of(&job, span)?;
            self.running.session_of(&self.home);
            self.note(&ran);
            let _ = job.result.set(Arc::new(ran.result));
            self.assign_outputs(ran.outputs, span)?;
        }
        Ok(())
    }

    /// AWAIT ALL: when some have failed, the first of them counts.
    pub(super) fn await_all(&mut self, span: Span) -> Stepped<()> {
        for job in &self.jobs {
            self.wait_for(job, span)?;
        }
        let mut failed = None;
        for job in std::mem::take(&mut self.jobs) {
            match self.end_of(&job, span) {
                Ok(ran) => {
                    let _ = job.result.set(Arc::new(ran.result));
                    self.assign_outputs(ran.outputs, span)?;
                }
                Err(raised) => failed = failed.or(Some(raised)),
            }
        }
        self.running.session_of(&self.home);
        failed.map_or(Ok(()), Err)
    }

    /// CANCEL of the statement that fills a RESULTSET; nothing when it has ended.
    pub(super) fn cancel_job(&mut self, name: &Identifier, span: Span) -> Stepped<()> {
        match self.variables.find(name_of(name)) {
            Some(Variable::ResultSet(ResultSet::Job(job))) => job.cancel.cancel(),
            Some(Variable::ResultSet(_)) => {}
            _ => return Err(super::sql::unknown(name, span)),
        }
        Ok(())
    }

    /// Waits until a job has ended, as long as the statement around is not canceled itself.
    fn wait_for(&self, job: &Job, span: Span) -> Stepped<()> {
        loop {
            let cancel = &self.running.monitor.cancel;
            cancel.check().map_err(|error| Raised::fatal(&error, span))?;
            if job.statement.result_within(PATIENCE).is_some() {
                return Ok(());
            }
        }
    }

    /// What has become of a job; waits for it.
    fn end_of(&self, job: &Job, span: Span) -> Stepped<RanInside> {
        self.wait_for(job, span)?;
        job.statement.ran().map_err(|failure| Raised::of_job(&failure, span))
    }

    /// Cancels what nobody has waited for, and waits until it has ended.
    pub(super) fn end_jobs(&mut self) {
        for job in &self.jobs {
            job.cancel.cancel();
        }
        for job in std::mem::take(&mut self.jobs) {
            // Nobody is there to hear what became of it.
            let _ = job.statement.result();
        }
    }
}

/// The error of rows that nobody has waited for.
pub(super) fn not_awaited(name: &Identifier, span: Span) -> Raised {
    let text = format!("RESULTSET '{name}' has no rows yet: AWAIT {name} waits for its statement");
    Raised::expression(Error::new(ErrorCode::InvalidStatement, text), span)
}
