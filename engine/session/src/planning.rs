//! A statement's plans, and what they are bound against and run with.

use std::sync::Arc;

use firn_account::catalog::{Table, VisibleCatalog};
use firn_account::{TimePoint, Transaction};
use firn_execute::QueryContext;
use firn_execute::context::Storage;
use firn_functions::FunctionContext;
use firn_functions::context::MADE_BYTES_MAX;
use firn_parse::ast::Statement;
use firn_plan::Plan;
use firn_plan::statement::{Query, StatementPlan};
use firn_query::bind::{Accesses, BindContext, Binder};
use firn_query::optimize::{self, OptimizeContext};
use firn_storage::Snapshot;
use firn_types::{Error, ObjectId, QueryId, Result};

use crate::command;
use crate::function_host::{BindView, SessionHost, SessionTables};
use crate::lifecycle::StatementContext;
use crate::session::InUse;
use crate::sources::Sources;
use crate::stages::Stages;

impl StatementContext {
    /// Binds and optimizes a statement. Materialized views that it finds out of date are brought up to
    /// date first, if that is possible.
    pub(crate) fn plan(&mut self, statement: &Statement) -> Result<StatementPlan> {
        let (plan, stale) = self.plan_once(statement)?;
        let refreshed = command::refresh::refresh_all(self, &stale);
        if refreshed { Ok(self.plan_once(statement)?.0) } else { Ok(plan) }
    }

    /// The plan, and the materialized views that are read by way of their queries.
    fn plan_once(&mut self, statement: &Statement) -> Result<(StatementPlan, Vec<ObjectId>)> {
        let functions = self.function_context();
        let mut consumed = Vec::new();
        let planned = self.with_binder(&functions, |binder| {
            let plan = binder.bind(statement, &self.sql)?;
            self.placeholders.check_rows()?;
            plan.source().map_or(Ok(()), read_lists)?;
            let context = self.optimize_context(&functions, binder.next_column_id());
            consumed = binder.consumed();
            let accesses = binder.take_accesses();
            let writes = !matches!(plan, StatementPlan::Query(_));
            let source = plan.source().filter(|_| writes);
            let sources = source.map(|source| self.sources_of(source, &accesses));
            let plan = optimize::optimize_statement(plan, &context)?;
            self.note_accesses(&accesses, &plan, &sources.unwrap_or_default());
            Ok((plan, binder.stale_views()))
        })?;
        self.consumed = consumed;
        Ok(planned)
    }

    /// Moves the streams that the statement's plan reads to where it has read them, as part of its own changes.
    ///
    /// # Errors
    /// `LockTimeout` when another statement of the transaction has seen less of one of them.
    pub(crate) fn consume_streams(&self, transaction: &mut Transaction) -> Result<()> {
        let account = &self.session.shared.account;
        self.consumed.iter().try_for_each(|read| {
            let time = account.time_of(&TimePoint::Version(read.offset))?;
            let mut next = read.stream.as_ref().clone();
            next.offset_nanos = match read.offset == next.offset {
                true => next.offset_nanos,
                false => time.unwrap_or(self.start_nanos),
            };
            next.offset = read.offset;
            next.initial = false;
            transaction.consume(&read.stream, next)
        })
    }

    /// Binds and optimizes a query that is part of a statement.
    pub(crate) fn plan_query(&mut self, query: &firn_parse::ast::Query) -> Result<Query> {
        let functions = self.function_context();
        let (mut consumed, mut sources) = (Vec::new(), Sources::default());
        let planned = self.with_binder(&functions, |binder| {
            let query = binder.bind_query(query, &self.sql)?;
            consumed = binder.consumed();
            let accesses = binder.take_accesses();
            sources = self.sources_of(&query.plan, &accesses);
            let query = self.optimized(query, binder.next_column_id())?;
            let plan = StatementPlan::Query(query);
            self.note_accesses(&accesses, &plan, &sources);
            match plan {
                StatementPlan::Query(query) => Ok(query),
                _ => Err(Error::internal("a query that is no query any more")),
            }
        })?;
        (self.consumed, self.sources) = (consumed, sources);
        Ok(planned)
    }

    fn sources_of(&self, plan: &Plan, accesses: &Accesses) -> Sources {
        Sources::of(plan, accesses, &self.catalog().as_engine())
    }

    /// Optimizes a bound query; `next_column` is the first column id that it does not use.
    pub(crate) fn optimized(&self, query: Query, next_column: u32) -> Result<Query> {
        read_lists(&query.plan)?;
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
    pub(crate) fn past(&self, at: &firn_parse::ast::TimeTravel) -> Result<(VisibleCatalog, i64)> {
        let functions = self.function_context();
        let point = self.with_binder(&functions, |binder| binder.time_point(at, &self.sql))?;
        let (past, nanos) = crate::function_host::past(&self.session, &point, at.before)?;
        Ok((self.session.catalog().past(past), nanos))
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
            placeholders: &self.placeholders,
            timestamp_mapping: settings.timestamp_mapping(),
            nulls_first: settings.text("DEFAULT_NULL_ORDERING") == "FIRST",
            ignore_quoted_case: settings.is_true("QUOTED_IDENTIFIERS_IGNORE_CASE"),
            simulation: self.simulation.as_deref(),
            services: &view,
        };
        work(&Binder::new(&context))
    }

    /// The statement's and the session's facts for functions.
    pub(crate) fn function_context(&self) -> FunctionContext {
        let session = &self.session;
        let seen = InUse::seen(session);
        let small = |name: &str| u8::try_from(session.settings.number(name)).unwrap_or(0);
        FunctionContext {
            statement_nanos: self.start_nanos,
            time_zone: session.settings.time_zone(),
            database: seen.database,
            schema: seen.schema,
            warehouse: seen.warehouse,
            role: session.role_name(),
            user: session.user.clone(),
            account: "FIRN".to_string(),
            session_id: session.id,
            client: session.client.clone(),
            address: session.address.clone(),
            alert: session.alert.as_deref().cloned(),
            transaction_id: session.transaction.facts().map(|open| open.id),
            text: Arc::clone(session.settings.formats()),
            week_start: small("WEEK_START"),
            week_of_year_policy: small("WEEK_OF_YEAR_POLICY"),
            seed: seed_of(&self.query_id),
            made_bytes_max: MADE_BYTES_MAX,
            host: Arc::new(SessionHost::of(self)),
        }
    }

    /// The facts for functions in what is computed for whoever owns an object, by whomever.
    pub(crate) fn owner_functions(&self, owner: ObjectId) -> FunctionContext {
        let catalog = self.session.shared.account.catalog();
        let role = catalog.name_of(owner).to_string();
        FunctionContext { role, ..self.function_context() }
    }

    /// What operators may use while this statement runs.
    ///
    /// # Errors
    /// As [`StatementContext::admit`].
    pub(crate) fn query_context(&self) -> Result<QueryContext> {
        self.admit()?;
        Ok(self.unqueued_context())
    }

    /// As [`StatementContext::query_context`], for what the engine does by itself: it takes no place from the
    /// statements of a warehouse.
    pub(crate) fn unqueued_context(&self) -> QueryContext {
        let session = &self.session;
        self.record.planned_nanos.get_or_init(|| session.shared.account.clock().now_nanos());
        let compute = &session.shared.compute;
        let mut context = QueryContext::new(Arc::clone(&compute.pool), Arc::clone(&compute.memory));
        context.functions = Arc::new(self.function_context());
        context.batch_rows_max = session.shared.options.batch_rows_max.unwrap_or(usize::MAX);
        context.partition_rows = session.shared.partition_rows();
        context.monitor = self.monitor.clone();
        context.profile = Arc::clone(&self.profile);
        context.tables = Arc::new(SessionTables::of(self));
        context.stages = Arc::new(Stages::of(self));
        let access = session.shared.account.access().clone();
        context.storage = Some(Storage { access, cache: Arc::clone(&compute.cache) });
        context.spill = compute.spill();
        context
    }
}

/// Reads the lists of micro-partitions of all tables that a plan scans, as far as nobody has: the optimizer
/// looks at their statistics.
///
/// # Errors
/// `Storage`, `CorruptFile`; they name the file.
fn read_lists(plan: &Plan) -> Result<()> {
    let mut snapshots = Vec::new();
    plan.visit(&mut |node| {
        if let Plan::Scan(scan) = node
            && !scan.snapshot.is_read()
        {
            snapshots.push(Arc::clone(&scan.snapshot));
        }
    });
    Snapshot::read_all(&snapshots.iter().map(Arc::as_ref).collect::<Vec<_>>())
}

/// The clustering keys as expressions over columns whose ids are the table's positions.
pub(crate) fn cluster_keys(
    binder: &Binder<'_>,
    table: &Table,
) -> Result<Vec<firn_expression::Expr>> {
    let columns: Vec<firn_plan::PlanColumn> = (0..)
        .zip(&table.columns)
        .map(|(position, column)| firn_plan::PlanColumn {
            id: firn_types::ColumnId(position),
            name: column.name.clone(),
            sql_type: column.sql_type,
            nullable: column.nullable,
        })
        .collect();
    let mut keys = Vec::with_capacity(table.cluster_by.len());
    for text in &table.cluster_by {
        let parsed = firn_parse::parse_expressions(text).map_err(Error::without_span)?;
        keys.extend(binder.bind_keys(&parsed, text, &columns).map_err(Error::without_span)?);
    }
    Ok(keys)
}

/// A number for RANDOM() that differs from statement to statement.
fn seed_of(query_id: &QueryId) -> u64 {
    uuid::Uuid::parse_str(&query_id.0).map_or(0, |id| id.as_u64_pair().1)
}
