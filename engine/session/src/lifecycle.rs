//! One statement from its text to its result: the whole road.

use std::any::Any;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread;

use firn_column::Batch;
use firn_execute::context::Storage;
use firn_execute::spool::own_rows;
use firn_execute::{Flow, Profile, QueryContext};
use firn_expression::functions::FunctionContext;
use firn_parse::ast::Statement;
use firn_plan::statement::{Query, StatementPlan};
use firn_query::bind::{BindContext, Binder};
use firn_query::optimize::{self, OptimizeContext};
use firn_types::{ColumnId, Error, ErrorCode, Field, ObjectId, QueryId, Result, Watch, stack};

use crate::command;
use crate::failure::Failure;
use crate::history::{Outcome, QueryRecord};
use crate::query_type::query_type;
use crate::result::Rows;
use crate::services::{BindView, SessionServices, SessionTables};
use crate::session::InUse;
use crate::session_state::{SessionHome, SessionState};
use crate::stages::Stages;
use crate::statement::{Finished, StatementOptions, StatementState};

/// Stack of a statement's thread, in bytes: as large as a main thread's.
const STACK_BYTES: usize = 8 << 20;

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
    /// The statement's id.
    pub(crate) query_id: QueryId,
    /// When it started: nanoseconds since 1970 UTC.
    pub(crate) start_nanos: i64,
    /// What the history knows of it.
    pub(crate) record: Arc<QueryRecord>,
    /// How others follow it, and end it.
    pub(crate) watch: Watch,
    /// What its operators do.
    pub(crate) profile: Arc<Profile>,
    /// What whoever started it sees of it.
    state: Arc<StatementState>,
    /// Why the options that it was started with do not fit.
    wrong_option: Option<Error>,
}

/// What a statement answers with, before it is made a client's result.
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
    let thread = thread::Builder::new().name("statement".to_string()).stack_size(STACK_BYTES);
    if let Err(error) = thread.spawn(move || run(context)) {
        let error = Error::internal(format!("cannot start a thread: {error}"));
        state.finish(Err(Failure::new(&state.query_id.0, &error, &state.sql)), |_| {});
    }
}

/// Runs a statement to its end, whatever becomes of it.
pub(crate) fn run(mut context: StatementContext) {
    let text_bytes = context.sql.len();
    let outcome =
        catch_unwind(AssertUnwindSafe(|| stack::with_room(text_bytes, || context.run_text())));
    let outcome = outcome.unwrap_or_else(|panic| {
        // Nobody knows how far the statement has come.
        context.session.transaction.abandon();
        Err(panicked(panic.as_ref(), &context.query_id))
    });
    context.end(outcome);
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
        options: &StatementOptions,
    ) -> StatementContext {
        let mut session = home.state();
        let mut wrong = None;
        for (name, value) in &options.parameters {
            wrong = wrong.or(session.settings.set(name, value).err());
        }
        let watch = Watch::default();
        watch.cancel.limit(session.timeout_seconds());
        // The formats of now: a statement that changes them is not itself printed so.
        let functions = Arc::new(FunctionContext {
            text: Arc::clone(session.settings.formats()),
            time_zone: session.settings.time_zone(),
            ..FunctionContext::default()
        });
        let query_id = QueryId(uuid::Uuid::new_v4().to_string());
        let rows = session.shared.results.spool();
        let state =
            StatementState::new(query_id.clone(), sql.into(), watch.clone(), rows, functions);
        let start_nanos = session.shared.account.clock().now_nanos();
        let record = Arc::new(QueryRecord::start(&session, &state, start_nanos));
        session.shared.statements.add(Arc::clone(&record));
        StatementContext {
            session,
            home: Arc::clone(home),
            sql: Arc::clone(&state.sql),
            query_id,
            start_nanos,
            record,
            watch,
            profile: Arc::clone(&state.profile),
            state: Arc::new(state),
            wrong_option: wrong,
        }
    }

    /// A statement inside this one: it is canceled with it, and else leaves it alone.
    pub(crate) fn child(&self) -> StatementContext {
        let watch = Watch { cancel: self.watch.cancel.clone(), ..Watch::default() };
        let rows = self.session.shared.results.spool();
        let functions = Arc::new(self.function_context());
        let (id, sql) = (self.query_id.clone(), Arc::clone(&self.sql));
        let state = StatementState::new(id, sql, watch.clone(), rows, functions);
        let record = QueryRecord::start(&self.session, &state, self.start_nanos);
        StatementContext {
            session: self.session.clone(),
            home: Arc::clone(&self.home),
            sql: Arc::clone(&self.sql),
            query_id: self.query_id.clone(),
            start_nanos: self.start_nanos,
            record: Arc::new(record),
            watch,
            profile: Arc::clone(&state.profile),
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
            .map_err(|error| self.watch.cancel.check().err().unwrap_or(error))
            .map_err(|error| Failure::new(&self.query_id.0, &error, &self.sql));
        let outcome = outcome.map(|affected| Finished {
            row_count: affected.unwrap_or_else(|| self.state.rows.rows()),
            counts: self.record.details().counts.clone(),
            in_use: InUse::of(&self.session),
        });
        let now_nanos = shared.account.clock().now_nanos();
        // A statement ends once.
        let _ = self.record.end.set(Outcome {
            nanos: now_nanos,
            rows: outcome.as_ref().map_or(0, |finished| finished.row_count),
            bytes_read: self.profile.bytes_read(),
            error: outcome.as_ref().err().map(|e| (e.code.number(), e.message.clone())),
        });
        self.session.history.add(&self.query_id.0);
        self.state
            .finish(outcome, |result| shared.results.keep(&self.session.user, result, now_nanos));
    }

    /// Parses the text and sends the statement down its road. Answers the number that a client prints,
    /// where it is not the number of rows.
    fn run_text(&mut self) -> Result<Option<u64>> {
        if let Some(error) = self.wrong_option.take() {
            return Err(error);
        }
        self.watch.cancel.check()?;
        if let Some(notice) = self.session.shared.options.on_statement {
            notice(&self.sql);
        }
        let statement = firn_parse::parse_statement(&self.sql)?;
        let kind = query_type(&statement);
        self.record.query_type.get_or_init(|| kind);
        self.state.set_kind(kind);
        // A transaction that lost against another one is still to be ended, and so is any when the
        // storage does not answer.
        if !matches!(statement, Statement::Commit | Statement::Rollback) {
            self.session.transaction.check()?;
            self.session.shared.account.refresh()?;
            self.advance()?;
        }
        if let Statement::Query(_) = statement {
            self.deliver_query(&statement)?;
            return Ok(None);
        }
        let answer = self.run_statement(&statement)?;
        self.state.set_fields(answer.fields);
        let mut limit = self.row_limit();
        for batch in answer.batches {
            self.deliver(batch, &mut limit)?;
        }
        Ok(answer.affected)
    }

    /// Runs a query and hands its rows on as they come.
    fn deliver_query(&mut self, statement: &Statement) -> Result<()> {
        let query = self.plan_of_query(statement)?;
        self.state.set_fields(query.fields());
        let output: Vec<ColumnId> = query.output.iter().map(|column| column.id).collect();
        let context = self.query_context()?;
        let mut limit = self.row_limit();
        firn_execute::execute_ordered(&query.plan, &output, &context, &mut |batch| {
            self.deliver(batch, &mut limit)
        })
    }

    /// How many rows the result may have.
    fn row_limit(&self) -> u64 {
        match u64::try_from(self.session.settings.number("ROWS_PER_RESULTSET")) {
            Ok(0) | Err(_) => u64::MAX,
            Ok(limit) => limit,
        }
    }

    /// Adds rows to the result, as many as it still may have.
    fn deliver(&self, batch: Batch, limit: &mut u64) -> Result<Flow> {
        let rows = usize::try_from(*limit).unwrap_or(usize::MAX).min(batch.rows());
        *limit -= rows as u64;
        let batch = if rows < batch.rows() { batch.slice(0, rows) } else { batch };
        if rows > 0 {
            self.state.rows.append(own_rows(batch))?;
        }
        Ok(if *limit == 0 { Flow::Stop } else { Flow::Continue })
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

    /// Binds and optimizes a statement. Materialized views that it finds out of date are brought up to
    /// date first, if that is possible.
    pub(crate) fn plan(&mut self, statement: &Statement) -> Result<StatementPlan> {
        let (plan, stale) = self.plan_once(statement)?;
        let refreshed = command::refresh::refresh_all(self, &stale);
        if refreshed { Ok(self.plan_once(statement)?.0) } else { Ok(plan) }
    }

    /// The plan, and the materialized views that are read by way of their queries.
    fn plan_once(&self, statement: &Statement) -> Result<(StatementPlan, Vec<ObjectId>)> {
        let functions = self.function_context();
        self.with_binder(&functions, |binder| {
            let plan = binder.bind(statement, &self.sql)?;
            let context = self.optimize_context(&functions, binder.next_column_id());
            Ok((optimize::optimize_statement(plan, &context)?, binder.stale_views()))
        })
    }

    /// Binds and optimizes a query that is part of a statement.
    pub(crate) fn plan_query(&mut self, query: &firn_parse::ast::Query) -> Result<Query> {
        let functions = self.function_context();
        self.with_binder(&functions, |binder| {
            let query = binder.bind_query(query, &self.sql)?;
            self.optimized(query, binder.next_column_id())
        })
    }

    /// Optimizes a bound query; `next_column` is the first column id that it does not use.
    pub(crate) fn optimized(&self, query: Query, next_column: u32) -> Result<Query> {
        let functions = self.function_context();
        let context = self.optimize_context(&functions, next_column);
        match optimize::optimize_statement(StatementPlan::Query(query), &context)? {
            StatementPlan::Query(query) => Ok(query),
            _ => Err(Error::internal("a query that is no query any more")),
        }
    }

    /// What the optimizer may use; `next_column` is the first column id that the plan does not use.
    pub(crate) fn optimize_context<'f>(
        &self,
        functions: &'f FunctionContext,
        next_column: u32,
    ) -> OptimizeContext<'f> {
        let mut context = OptimizeContext::new(functions, next_column);
        context.disabled.clone_from(&self.session.shared.options.rules_off);
        context
    }

    /// The account as it was at AT or BEFORE.
    pub(crate) fn past(
        &self,
        at: &firn_parse::ast::TimeTravel,
    ) -> Result<(firn_account::Catalog, i64)> {
        let functions = self.function_context();
        let point = self.with_binder(&functions, |binder| binder.time_point(at, &self.sql))?;
        crate::services::past(&self.session, &point, at.before)
    }

    /// Does something with a binder of this statement.
    pub(crate) fn with_binder<T>(
        &self,
        functions: &FunctionContext,
        work: impl FnOnce(&Binder<'_>) -> Result<T>,
    ) -> Result<T> {
        let view = BindView { running: self };
        let settings = &self.session.settings;
        let context = BindContext {
            catalog: Arc::new(self.session.catalog()),
            path: self.session.path.clone(),
            functions: functions.clone(),
            variables: &self.session.variables,
            timestamp_mapping: settings.timestamp_mapping(),
            nulls_first: settings.text("DEFAULT_NULL_ORDERING") == "FIRST",
            ignore_quoted_case: settings.is_true("QUOTED_IDENTIFIERS_IGNORE_CASE"),
            services: &view,
        };
        work(&Binder::new(&context))
    }

    /// The statement's and the session's facts for functions.
    pub(crate) fn function_context(&self) -> FunctionContext {
        let session = &self.session;
        let small = |name: &str| u8::try_from(session.settings.number(name)).unwrap_or(0);
        FunctionContext {
            statement_nanos: self.start_nanos,
            time_zone: session.settings.time_zone(),
            database: session.path.database.clone(),
            schema: session.path.schema.clone(),
            warehouse: session.warehouse.clone(),
            role: session.role.clone(),
            user: session.user.clone(),
            account: "FIRN".to_string(),
            session_id: session.id,
            transaction_id: session.transaction.facts().map(|open| open.id),
            text: Arc::clone(session.settings.formats()),
            week_start: small("WEEK_START"),
            week_of_year_policy: small("WEEK_OF_YEAR_POLICY"),
            seed: seed_of(&self.query_id),
            services: Arc::new(SessionServices::of(self)),
        }
    }

    /// What operators may use while this statement runs.
    ///
    /// # Errors
    /// `NoWarehouse` when none is in use.
    pub(crate) fn query_context(&self) -> Result<QueryContext> {
        let session = &self.session;
        session.warehouse.as_deref().ok_or_else(no_warehouse)?;
        self.record.planned_nanos.get_or_init(|| session.shared.account.clock().now_nanos());
        let compute = &session.shared.compute;
        let mut context = QueryContext::new(Arc::clone(&compute.pool), Arc::clone(&compute.memory));
        context.functions = Arc::new(self.function_context());
        context.batch_rows_max = session.shared.options.batch_rows_max.unwrap_or(usize::MAX);
        context.watch = self.watch.clone();
        context.profile = Arc::clone(&self.profile);
        context.tables = Arc::new(SessionTables::of(self));
        context.stages = Arc::new(Stages::of(self));
        let access = session.shared.account.access().clone();
        context.storage = Some(Storage { access, cache: Arc::clone(&compute.cache) });
        context.spill = compute.spill();
        Ok(context)
    }
}

fn no_warehouse() -> Error {
    let text = "No active warehouse selected in the current session.  Select an active warehouse with \
                the 'use warehouse' command.";
    Error::new(ErrorCode::NoWarehouse, text)
}

/// A number for RANDOM() that differs from statement to statement.
fn seed_of(query_id: &QueryId) -> u64 {
    uuid::Uuid::parse_str(&query_id.0).map_or(0, |id| id.as_u64_pair().1)
}
