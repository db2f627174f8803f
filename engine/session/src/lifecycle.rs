//! One statement from its text to its result: the whole road.

use std::fmt;
use std::sync::Arc;

use firn_account::Transaction;
use firn_column::Batch;
use firn_execute::context::Storage;
use firn_execute::{Profile, QueryContext};
use firn_expression::functions::FunctionContext;
use firn_query::bind::{BindContext, Binder};
use firn_query::optimize::{self, OptimizeContext};
use firn_query::parse;
use firn_query::parse::ast::Statement;
use firn_query::plan::statement::{Query, StatementPlan};
use firn_types::{ColumnId, Error, ErrorCode, Field, ObjectId, QueryId, Result};

use crate::command;
use crate::failure::Failure;
use crate::history::{Ended, Ran};
use crate::query_type::query_type;
use crate::result::{Rows, StatementResult};
use crate::services::{BindView, SessionServices, SessionTables};
use crate::session::Session;
use crate::stages::Stages;

/// How often a command is run again that lost against another one.
const COMMAND_ATTEMPTS: usize = 8;

/// A statement that runs: the session, the statement's text and what is fixed for its whole life.
pub(crate) struct Running<'s> {
    /// The session.
    pub(crate) session: &'s mut Session,
    /// The statement's text.
    pub(crate) sql: &'s str,
    /// The statement's id.
    pub(crate) query_id: QueryId,
    /// When it started: nanoseconds since 1970 UTC.
    pub(crate) start_nanos: i64,
    /// What the history knows of it.
    pub(crate) ran: Arc<Ran>,
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

/// Runs one statement, notes it in the history, and keeps its result.
pub(crate) fn execute(session: &mut Session, sql: &str) -> Result<StatementResult, Failure> {
    session.watch.reset();
    session.watch.cancel.limit(session.timeout_seconds());
    session.profile = Arc::new(Profile::default());
    let clock = session.shared.account.clock().clone();
    let query_id = QueryId(uuid::Uuid::new_v4().to_string());
    let start_nanos = clock.now_nanos();
    let ran = Arc::new(Ran::start(session, &query_id.0, sql, start_nanos));
    session.shared.statements.add(Arc::clone(&ran));
    // The formats of now: a statement that changes them is not itself printed so.
    let functions = Arc::new(FunctionContext {
        text: Arc::clone(session.settings.formats()),
        time_zone: session.settings.time_zone(),
        ..FunctionContext::default()
    });
    let running =
        Running { session, sql, query_id: query_id.clone(), start_nanos, ran: Arc::clone(&ran) };
    let answer = { running }.run();
    let outcome = answer
        .map(|answer| {
            let rows = answer.batches.iter().map(Batch::rows).sum::<usize>() as u64;
            StatementResult {
                query_id: query_id.0.clone(),
                row_count: answer.affected.unwrap_or(rows),
                fields: answer.fields,
                batches: answer.batches,
                functions,
            }
        })
        // Whatever a canceled statement fails with, that is why.
        .map_err(|error| session.watch.cancel.check().err().unwrap_or(error))
        .map_err(|error| Failure::new(&query_id.0, &error, sql));
    let ended = Ended {
        nanos: clock.now_nanos(),
        rows: outcome.as_ref().map_or(0, |result| result.row_count),
        bytes_read: session.profile.bytes_read(),
        error: outcome.as_ref().err().map(|e| (e.code.number(), e.message.clone())),
    };
    // A statement ends once.
    let _ = ran.end.set(ended);
    session.history.add(&query_id.0, outcome.as_ref().ok());
    outcome
}

impl fmt::Debug for Running<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Running").field("query_id", &self.query_id).finish_non_exhaustive()
    }
}

impl Running<'_> {
    /// Parses the text and sends the statement down its road.
    fn run(&mut self) -> Result<Answer> {
        let statement = parse::parse_statement(self.sql)?;
        self.ran.query_type.get_or_init(|| query_type(&statement));
        // A transaction that lost against another one is still to be ended, and so is any when the
        // storage does not answer.
        if !matches!(statement, Statement::Commit | Statement::Rollback) {
            self.session.shared.account.refresh()?;
            self.advance()?;
        }
        self.run_statement(&statement)
    }

    /// A statement with a plan is bound, optimized and executed; every other one is a command.
    pub(crate) fn run_statement(&mut self, statement: &Statement) -> Result<Answer> {
        match statement {
            Statement::Query(_) => self.run_query(statement),
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
        let alone = self.session.transaction.is_none();
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

    fn run_query(&mut self, statement: &Statement) -> Result<Answer> {
        let StatementPlan::Query(query) = self.plan(statement)? else {
            return Err(Error::internal("a query without rows"));
        };
        self.rows_of(&query)
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
            let plan = binder.bind(statement, self.sql)?;
            let context = self.optimize_context(&functions, binder.next_column_id());
            Ok((optimize::optimize_statement(plan, &context)?, binder.stale_views()))
        })
    }

    /// Binds and optimizes a query that is part of a statement.
    pub(crate) fn plan_query(&mut self, query: &parse::ast::Query) -> Result<Query> {
        let functions = self.function_context();
        self.with_binder(&functions, |binder| {
            let query = binder.bind_query(query, self.sql)?;
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

    fn optimize_context<'f>(
        &self,
        functions: &'f FunctionContext,
        next_column: u32,
    ) -> OptimizeContext<'f> {
        let mut context = OptimizeContext::new(functions, next_column);
        context.disabled.clone_from(&self.session.shared.options.rules_off);
        context
    }

    /// The account as it was at AT or BEFORE.
    pub(crate) fn past(&self, at: &parse::ast::TimeTravel) -> Result<(firn_account::Catalog, i64)> {
        let functions = self.function_context();
        let point = self.with_binder(&functions, |binder| binder.time_point(at, self.sql))?;
        crate::services::past(self.session, &point, at.before)
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
        let session = &*self.session;
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
            transaction_id: session.transaction.as_ref().map(Transaction::id),
            text: Arc::clone(session.settings.formats()),
            week_start: small("WEEK_START"),
            week_of_year_policy: small("WEEK_OF_YEAR_POLICY"),
            seed: seed_of(&self.query_id),
            services: Arc::new(SessionServices::of(session, &self.ran)),
        }
    }

    /// What operators may use while this statement runs.
    ///
    /// # Errors
    /// `NoWarehouse` when none is in use.
    pub(crate) fn query_context(&self) -> Result<QueryContext> {
        let session = &*self.session;
        let name = session.warehouse.as_deref().ok_or_else(no_warehouse)?;
        self.ran.planned_nanos.get_or_init(|| session.shared.account.clock().now_nanos());
        let warehouse = session.shared.warehouse(name)?;
        let mut context =
            QueryContext::new(Arc::clone(&warehouse.pool), Arc::clone(&warehouse.memory));
        context.functions = Arc::new(self.function_context());
        context.batch_rows_max = session.shared.options.batch_rows_max.unwrap_or(usize::MAX);
        context.watch = session.watch.clone();
        context.profile = Arc::clone(&session.profile);
        context.tables = Arc::new(SessionTables::of(session));
        context.stages = Arc::new(Stages::of(session, self.start_nanos));
        let access = session.shared.account.access().clone();
        context.storage = Some(Storage { access, cache: Arc::clone(&warehouse.cache) });
        if let Some(folder) = &session.shared.options.spill_folder {
            context.spill = firn_execute::spill::SpillFolder::new(folder.clone());
        }
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
