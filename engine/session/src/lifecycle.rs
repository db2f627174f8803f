//! One statement from its text to its result: the whole road.

use std::any::Any;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use firn_account::{Catalog, CatalogChange, Transaction};
use firn_column::Batch;
use firn_execute::spool::own_rows;
use firn_execute::{Flow, Profile, Spool};
use firn_functions::FunctionContext;
use firn_parse::ast::{Statement, TableSource};
use firn_plan::statement::{Query, StatementPlan};
use firn_query::bind::{Binds, ConsumedStream, PlaceRule, Placeholders, Simulation, TypedValue};
use firn_types::{
    Cancel, ColumnId, Error, ErrorCode, Field, Monitor, ObjectId, QueryId, Result, stack,
};

use crate::command;
use crate::failure::Failure;
use crate::foreign::ForeignCode;
use crate::function_host::reads_only;
use crate::history::{Outcome, QueryRecord};
use crate::query_type::query_type;
use crate::result::{Rows, StatementResult};
use crate::session::InUse;
use crate::session_state::{SessionHome, SessionState};
use crate::sources::Sources;
use crate::statement::{Finished, StatementOptions, StatementState};
use crate::warehouse::HeldPermit;

/// How often a command is run again that lost against another one.
const COMMAND_ATTEMPTS: usize = 8;

/// A statement while it runs: its text, what it sees of the session, and what is fixed for its whole life.
pub(crate) struct StatementContext {
    /// The session as the statement sees it.
    pub(crate) session: SessionState,
    /// The session itself.
    home: Arc<SessionHome>,
    /// The statement's text.
    pub(crate) sql: Arc<str>,
    /// The places in the text, and the values that came for them.
    pub(crate) placeholders: Placeholders,
    /// The statement's id.
    pub(crate) query_id: QueryId,
    /// When it started: nanoseconds since 1970 UTC.
    pub(crate) start_nanos: i64,
    /// What the history knows of it.
    pub(crate) record: Arc<QueryRecord>,
    /// How others follow it, and end it.
    pub(crate) monitor: Monitor,
    /// What its operators do.
    pub(crate) profile: Arc<Profile>,
    /// What its commit has beside its own changes.
    pub(crate) at_commit: Option<Arc<AtCommit>>,
    /// The pipe that runs it.
    pub(crate) pipe: Option<ObjectId>,
    /// What context functions give policies instead of what they do.
    pub(crate) simulation: Option<Arc<Simulation>>,
    /// The streams that its plan reads.
    pub(crate) consumed: Vec<ConsumedStream>,
    /// From where the values of its plan come.
    pub(crate) sources: Sources,
    /// The variables of the block around it that a procedure has given values, by its OUT arguments.
    pub(crate) outputs: Vec<(String, TypedValue)>,
    /// What runs code in other languages for it.
    pub(crate) foreign: Arc<ForeignCode>,
    /// Its place among those that run in the warehouse, once it computes.
    pub(crate) permit: Arc<HeldPermit>,
    /// What whoever started it sees of it.
    state: Arc<StatementState>,
    /// Why the options that it was started with do not fit.
    wrong_option: Option<Error>,
}

/// A change that is part of a statement's own commit: all of both is done, or nothing.
pub(crate) struct AtCommit {
    change: Box<ChangeOf>,
    done: AtomicBool,
}

/// A change of what the statement's transaction sees, which others may have changed meanwhile.
type ChangeOf = dyn Fn(&Catalog) -> CatalogChange + Send + Sync;

impl fmt::Debug for AtCommit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AtCommit").field("done", &self.done).finish_non_exhaustive()
    }
}

impl AtCommit {
    /// A change to be made.
    pub(crate) fn new(
        change: impl Fn(&Catalog) -> CatalogChange + Send + Sync + 'static,
    ) -> AtCommit {
        AtCommit { change: Box::new(change), done: AtomicBool::new(false) }
    }

    /// Whether a statement has made it. Only those that change rows in a transaction of their own do.
    pub(crate) fn is_done(&self) -> bool {
        self.done.load(Ordering::SeqCst)
    }
}

/// What a statement of a block has done.
pub(crate) struct RanInside {
    /// Its rows.
    pub(crate) result: StatementResult,
    /// What it has done to how many rows; nothing when it changes none.
    pub(crate) counts: Vec<(String, u64)>,
    /// The variables of the block that it has given values.
    pub(crate) outputs: Vec<(String, TypedValue)>,
}

/// What a statement answers with, before it is made a client's result.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) fields: Vec<Field>,
    pub(crate) batches: Vec<Batch>,
    /// The number that a client prints, where it is not the number of rows.
    pub(crate) affected: Option<u64>,
}

impl Answer {
    /// The rows of a command.
    pub(crate) fn of(rows: &Rows) -> Result<Answer> {
        Ok(Answer { batches: vec![rows.batch()?], fields: rows.fields.clone(), affected: None })
    }
}

/// Runs a statement on a thread of its own. When the system gives none, the statement fails.
pub(crate) fn spawn(context: StatementContext) {
    let state = Arc::clone(&context.state);
    let threads = context.session.shared.threads.clone();
    if let Err(error) = threads.run(Box::new(move || run(context, &mut || {}))) {
        let error = Error::internal(format!("cannot start a thread: {error}"));
        state.finish(Err(Failure::new(&state.query_id.0, &error, &state.sql)), |_| {});
    }
}

/// Is called, on one of the statement's threads, whenever there are more rows.
pub(crate) type OnRows<'a> = dyn FnMut() + Send + 'a;

/// Runs a statement to its end, whatever becomes of it.
pub(crate) fn run(mut context: StatementContext, on_rows: &mut OnRows<'_>) {
    let text_bytes = context.sql.len();
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        stack::with_room(text_bytes, || context.run_text(on_rows))
    }));
    let outcome = outcome.unwrap_or_else(|panic| {
        // Nobody knows how far the statement has come.
        context.session.transaction.abandon();
        Err(panicked(panic.as_ref(), &context.query_id))
    });
    context.end(outcome);
}

/// Adds a batch to the rows of a result, as far as it may have so many.
fn deliver(rows: &Arc<Spool>, batch: Batch, limit: &mut u64) -> Result<Flow> {
    let wanted = usize::try_from(*limit).unwrap_or(usize::MAX).min(batch.rows());
    *limit -= wanted as u64;
    let batch = if wanted < batch.rows() { batch.slice(0, wanted) } else { batch };
    if wanted > 0 {
        rows.append(own_rows(batch))?;
    }
    Ok(if *limit == 0 { Flow::Stop } else { Flow::Continue })
}

/// Whether parts of the statement's text are kept, to be read again.
fn keeps_text(statement: &Statement) -> bool {
    match statement {
        Statement::CreateTable(ast) => !matches!(ast.source, TableSource::Query(..)),
        Statement::CreateView(_) | Statement::AlterTable(_) => true,
        _ => false,
    }
}

/// The error of a statement that met a fault of firn's own.
fn panicked(panic: &(dyn Any + Send), query_id: &QueryId) -> Error {
    let text = panic.downcast_ref::<&str>().map(ToString::to_string);
    let text = text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default();
    Error::internal(format!("statement {query_id} met a fault: {text}"))
}

impl fmt::Debug for StatementContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StatementContext").field("query_id", &self.query_id).finish_non_exhaustive()
    }
}

impl StatementContext {
    /// A statement that begins: the history knows it from now on, and it can be canceled.
    pub(crate) fn begin(
        home: &Arc<SessionHome>,
        sql: &str,
        binds: Binds,
        options: &StatementOptions,
    ) -> StatementContext {
        let mut session = home.state();
        let mut wrong = binds.check().err();
        for (name, value) in &options.parameters {
            wrong = wrong.or(session.settings.set(name, value).err());
        }
        let monitor = Monitor::default();
        monitor.cancel.limit(session.timeout_seconds());
        let sql: Arc<str> = sql.into();
        let placeholders = Placeholders::of(&sql, Arc::new(binds), PlaceRule::Bound);
        let context = StatementContext {
            wrong_option: wrong,
            ..Self::of(home, session, sql, monitor, placeholders)
        };
        context.session.shared.statements.add(Arc::clone(&context.record));
        context
    }

    /// A statement that is only described, or what the engine does by itself as a session: nobody else knows
    /// of it.
    pub(crate) fn described(home: &Arc<SessionHome>, sql: &str) -> StatementContext {
        let sql: Arc<str> = sql.into();
        let placeholders = Placeholders::of(&sql, Arc::default(), PlaceRule::DescribeOnly);
        Self::of(home, home.state(), sql, Monitor::default(), placeholders)
    }

    /// What computes expressions for a statement that is to end as `cancel` says: nobody else knows of it.
    pub(crate) fn computing(home: &Arc<SessionHome>, cancel: &Cancel) -> StatementContext {
        let monitor = Monitor { cancel: cancel.clone(), ..Monitor::default() };
        Self::of(home, home.state(), "".into(), monitor, Placeholders::default())
    }

    /// A statement of a block: one of its own, but canceled with the statement that runs the block.
    pub(crate) fn inner(
        home: &Arc<SessionHome>,
        sql: &str,
        binds: Binds,
        cancel: &Cancel,
    ) -> StatementContext {
        let monitor = Monitor { cancel: cancel.clone(), ..Monitor::default() };
        let sql: Arc<str> = sql.into();
        let placeholders = Placeholders::of(&sql, Arc::new(binds), PlaceRule::Bound);
        let context = Self::of(home, home.state(), sql, monitor, placeholders);
        context.session.shared.statements.add(Arc::clone(&context.record));
        context
    }

    /// Makes the change that its commit is to have beside its own.
    ///
    /// # Errors
    /// As [`Transaction::apply`].
    pub(crate) fn apply_at_commit(&self, transaction: &mut Transaction) -> Result<()> {
        match &self.at_commit {
            Some(beside) => {
                let change = (beside.change)(&transaction.catalog());
                transaction.apply(change)
            }
            None => Ok(()),
        }
    }

    /// The commit is made.
    pub(crate) fn committed(&self) {
        if let Some(beside) = &self.at_commit {
            beside.done.store(true, Ordering::SeqCst);
        }
    }

    /// Runs a statement of a block to its end.
    ///
    /// # Errors
    /// What was wrong with it.
    pub(crate) fn run_inside(self) -> Result<RanInside, Failure> {
        let statement = crate::statement::Statement::of(&self);
        run(self, &mut || {});
        statement.ran()
    }

    /// Sees the session from now on as it is in a home: what statements of a block have left.
    pub(crate) fn session_of(&mut self, home: &Arc<SessionHome>) {
        self.session = home.state();
    }

    /// The session itself.
    pub(crate) fn home(&self) -> &Arc<SessionHome> {
        &self.home
    }

    /// A statement inside this one: it is canceled with it, and else leaves it alone.
    pub(crate) fn child(&self) -> StatementContext {
        let monitor = Monitor { cancel: self.monitor.cancel.clone(), ..Monitor::default() };
        let (session, sql) = (self.session.clone(), Arc::clone(&self.sql));
        let child = Self::of(&self.home, session, sql, monitor, Placeholders::default());
        let (query_id, permit) = (self.query_id.clone(), Arc::clone(&self.permit));
        StatementContext { query_id, start_nanos: self.start_nanos, permit, ..child }
    }

    fn of(
        home: &Arc<SessionHome>,
        session: SessionState,
        sql: Arc<str>,
        monitor: Monitor,
        placeholders: Placeholders,
    ) -> StatementContext {
        // The formats of now: a statement that changes them is not itself printed so.
        let functions = Arc::new(FunctionContext {
            text: Arc::clone(session.settings.formats()),
            time_zone: session.settings.time_zone(),
            ..FunctionContext::default()
        });
        let foreign = Arc::new(ForeignCode::new(&session, &monitor.cancel));
        let query_id = QueryId(uuid::Uuid::new_v4().to_string());
        let rows = session.shared.results.spool();
        let (id, text) = (query_id.clone(), Arc::clone(&sql));
        let state = StatementState::new(id, text, monitor.clone(), rows, functions);
        let start_nanos = session.shared.account.clock().now_nanos();
        let record = Arc::new(QueryRecord::start(&session, &state, start_nanos));
        StatementContext {
            session,
            home: Arc::clone(home),
            sql,
            placeholders,
            query_id,
            start_nanos,
            record,
            monitor,
            profile: Arc::clone(&state.profile),
            at_commit: None,
            pipe: None,
            simulation: None,
            consumed: Vec::new(),
            sources: Sources::default(),
            outputs: Vec::new(),
            foreign,
            permit: Arc::default(),
            state: Arc::new(state),
            wrong_option: None,
        }
    }

    /// What whoever started the statement sees of it.
    pub(crate) fn state(&self) -> &Arc<StatementState> {
        &self.state
    }

    /// Changes the session, for this statement and those that start later.
    ///
    /// # Errors
    /// When `change` fails; the session is then as it was.
    pub(crate) fn change_session(
        &mut self,
        change: impl Fn(&mut SessionState) -> Result<()>,
    ) -> Result<()> {
        change(&mut self.session)?;
        self.home.change(change)
    }

    /// Notes the statement's outcome in the history, and hands it to whoever waits for it.
    fn end(self, outcome: Result<Option<u64>>) {
        let shared = &self.session.shared;
        if outcome.is_err() && self.session.settings.is_true("TRANSACTION_ABORT_ON_ERROR") {
            self.session.transaction.abort();
        }
        let outcome = outcome
            // Whatever a canceled statement fails with, that is why.
            .map_err(|error| self.monitor.cancel.check().err().unwrap_or(error))
            .map_err(|error| Failure::new(&self.query_id.0, &error, &self.sql));
        let outcome = outcome.map(|affected| Finished {
            row_count: affected.unwrap_or_else(|| self.state.rows.rows()),
            counts: self.record.details().counts.clone(),
            binds: self.placeholders.seen().len(),
            outputs: self.outputs.clone(),
            in_use: InUse::of(&self.session),
        });
        let now_nanos = shared.account.clock().now_nanos();
        // A statement ends once.
        let _ = self.record.end.set(Outcome {
            nanos: now_nanos,
            rows: outcome.as_ref().map_or(0, |finished| finished.row_count),
            bytes_read: self.profile.bytes_read(),
            error: outcome.as_ref().err().map(|e| (e.number, e.message.clone())),
        });
        shared.statements.ended(&self.record);
        self.session.history.add(&self.query_id.0);
        self.state
            .finish(outcome, |result| shared.results.keep(&self.session.user, result, now_nanos));
        if shared.archive.add_statement(&self.record, now_nanos) {
            shared.maintenance().service().wake();
        }
    }

    /// Parses the text and sends the statement down its road. Answers the number that a client prints,
    /// where it is not the number of rows.
    fn run_text(&mut self, on_rows: &mut OnRows<'_>) -> Result<Option<u64>> {
        if let Some(error) = self.wrong_option.take() {
            return Err(error);
        }
        self.monitor.cancel.check()?;
        if let Some(notice) = self.session.shared.options.on_statement {
            notice(&self.sql);
        }
        let statement = match self.parsed()? {
            Statement::UsingPolicyContext(ast) => {
                self.simulation = Some(Arc::new(Simulation::of(&ast)?));
                Statement::Query(ast.query)
            }
            other => other,
        };
        if keeps_text(&statement) {
            self.placeholders.refuse();
        }
        if self.session.reads_only && !command::script::only_reads(&statement) {
            return Err(reads_only());
        }
        let kind = query_type(&statement);
        if let Some(language) = self.session.owner_language
            && command::script::is_the_callers(&statement, language)
        {
            let text =
                format!("Stored procedure execution error: Unsupported statement type '{kind}'.");
            return Err(Error::new(ErrorCode::ProcedureStatement, text));
        }
        self.record.query_type.get_or_init(|| kind);
        self.state.set_kind(kind);
        // A transaction that lost against another one is still to be ended, and so is any when the
        // storage does not answer.
        if !matches!(statement, Statement::Commit | Statement::Rollback) {
            self.session.transaction.check()?;
            self.session.shared.account.refresh()?;
            self.refresh_read_version()?;
        }
        if let Statement::Query(_) = statement {
            self.deliver_query(&statement, on_rows)?;
            return Ok(None);
        }
        let answer = self.run_statement(&statement)?;
        self.state.set_fields(answer.fields);
        let mut limit = self.row_limit();
        for batch in answer.batches {
            deliver(&self.state.rows, batch, &mut limit)?;
        }
        Ok(answer.affected)
    }

    /// The statement's syntax tree.
    pub(crate) fn parsed(&self) -> Result<Statement> {
        let value = |source: &str, start| self.placeholders.option_value(source, start);
        firn_parse::parse_with_values(&self.sql, &value)
    }

    /// Runs a query and hands its rows on as they come.
    fn deliver_query(&mut self, statement: &Statement, on_rows: &mut OnRows<'_>) -> Result<()> {
        let query = self.plan_of_query(statement)?;
        self.state.set_fields(query.fields());
        let output: Vec<ColumnId> = query.output.iter().map(|column| column.id).collect();
        let context = self.query_context()?;
        let mut limit = self.row_limit();
        let rows = &self.state.rows;
        firn_execute::execute_ordered(&query.plan, &output, &context, &mut |batch| {
            let flow = deliver(rows, batch, &mut limit)?;
            on_rows();
            Ok(flow)
        })
    }

    /// How many rows the result may have.
    fn row_limit(&self) -> u64 {
        match u64::try_from(self.session.settings.number("ROWS_PER_RESULTSET")) {
            Ok(0) | Err(_) => u64::MAX,
            Ok(limit) => limit,
        }
    }

    /// A statement with a plan is bound, optimized and executed; every other one is a command.
    pub(crate) fn run_statement(&mut self, statement: &Statement) -> Result<Answer> {
        match statement {
            Statement::Query(_) => {
                let query = self.plan_of_query(statement)?;
                self.rows_of(&query)
            }
            Statement::Insert(_)
            | Statement::MultiInsert(_)
            | Statement::Update(_)
            | Statement::Delete(_)
            | Statement::Merge(_)
            | Statement::CopyIntoTable(_)
            | Statement::CopyIntoLocation(_) => command::dml::run(self, statement),
            Statement::Block(_)
            | Statement::Pipe(_)
            | Statement::ExecuteImmediate(_)
            | Statement::Call(_) => command::script::run(self, statement),
            other => self.run_command(other),
        }
    }

    /// A command that is a transaction of its own and finds, when it commits, that another one was
    /// faster, is run again: it then sees what is there now.
    fn run_command(&mut self, statement: &Statement) -> Result<Answer> {
        let account = self.session.shared.account.clone();
        let alone = !self.session.transaction.is_open();
        for _ in 0..COMMAND_ATTEMPTS {
            let version = account.catalog().version();
            match command::run(self, statement) {
                Err(error)
                    if alone
                        && account.catalog().version() > version
                        && matches!(
                            error.code(),
                            ErrorCode::LockTimeout | ErrorCode::AlreadyExists
                        ) => {}
                outcome => return outcome,
            }
            account.refresh()?;
        }
        command::run(self, statement)
    }

    fn plan_of_query(&mut self, statement: &Statement) -> Result<Query> {
        match self.plan(statement)? {
            StatementPlan::Query(query) => Ok(query),
            _ => Err(Error::internal("a query without rows")),
        }
    }

    /// The rows of an optimized query.
    pub(crate) fn rows_of(&self, query: &Query) -> Result<Answer> {
        let output: Vec<ColumnId> = query.output.iter().map(|column| column.id).collect();
        let context = self.query_context()?;
        let batches = firn_execute::execute(&query.plan, &output, &context)?;
        Ok(Answer { fields: query.fields(), batches, affected: None })
    }
}
