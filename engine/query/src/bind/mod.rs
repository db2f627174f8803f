//! From the syntax tree to the plan: a name becomes a thing, a thing gets a type.
//!
//! The [`Binder`] makes plans directly. Below it no name is looked up any more: a column is a
//! [`ColumnId`], a function is the overload that was chosen, every conversion is a visible cast. A
//! subquery inside an expression becomes an `Apply` below the node that uses the expression, and the
//! expression reads the `Apply`'s column.
//!
//! Reading order: [`context`] says what a statement is bound against, [`scope`] which columns a name may
//! mean, [`clause`] what each clause permits; then `expr`, `query` and `statement`.

mod access;
mod block_names;
pub mod clause;
mod constraint;
pub mod context;
pub mod data_type;
mod expr;
mod name;
mod placeholder;
mod query;
pub mod scope;
pub mod script;
pub mod statement;
mod walk;

use std::cell::{Cell, RefCell};
use std::sync::Arc;

use firn_account::catalog::{
    CurrentPath, MaterializedView, StarColumn, StarColumns, Stream, Table,
};
use firn_types::{ColumnId, Identifier, ObjectId, Result, SqlType};

use firn_parse::ast;
use firn_plan::copy::FreshIds;
use firn_plan::statement::{Query, StatementPlan};
use firn_plan::{Plan, PlanColumn};

pub use access::{Accesses, AppliedPolicy, ReadRelation};
pub use block_names::check_names;
pub use context::{BindContext, BindServices, StreamStart, TimePoint, Variable};
pub use expr::{Procedures, RewrittenFunction, Simulation, rewritten_functions};
pub use placeholder::{Binds, PlaceRule, Placeholders, TypedValue};
pub use query::{Before, Refresh, StoredQuery, TableRows, invalid_reason, plain_option};
pub use statement::insert_query;

/// Binds one statement.
#[derive(Debug)]
pub struct Binder<'a> {
    context: &'a BindContext<'a>,
    next_column: Cell<u32>,
    next_cte: Cell<u32>,
    /// The views whose text is being bound, so that a view that reads itself is found out.
    views: RefCell<Vec<ObjectId>>,
    /// Materialized views that are read by way of their queries.
    stale_views: RefCell<Vec<ObjectId>>,
    /// Streams that are read.
    consumed: RefCell<Vec<ConsumedStream>>,
    /// What the stars of the statement's own queries stand for, when somebody asks.
    stars: RefCell<Option<Vec<StarColumns>>>,
    /// What is read.
    accesses: access::Noted,
    /// What may be done with the rows that are read.
    constraints: RefCell<constraint::Constraints>,
}

/// A stream that a statement reads, and where a statement that writes leaves it.
#[derive(Clone, Debug)]
pub struct ConsumedStream {
    /// The stream as it was read.
    pub stream: Arc<Stream>,
    /// The version of the account that its next reader starts from.
    pub offset: u64,
}

/// A query with the columns that it is asked for, in order. Its plan may give more columns.
#[derive(Clone, Debug)]
pub(crate) struct BoundQuery {
    pub(crate) plan: Plan,
    pub(crate) columns: Vec<PlanColumn>,
}

impl<'a> Binder<'a> {
    /// A binder of one statement.
    pub fn new(context: &'a BindContext<'a>) -> Binder<'a> {
        Binder {
            context,
            next_column: Cell::new(1),
            next_cte: Cell::new(1),
            views: RefCell::new(Vec::new()),
            stale_views: RefCell::new(Vec::new()),
            consumed: RefCell::new(Vec::new()),
            stars: RefCell::new(None),
            accesses: access::Noted::default(),
            constraints: RefCell::default(),
        }
    }

    /// The plan of a query, a DML statement or a COPY.
    ///
    /// # Errors
    /// Compilation errors with their place in `text`; `not_supported` for a statement without a plan.
    pub fn bind(&self, statement: &ast::Statement, text: &str) -> Result<StatementPlan> {
        self.constrained(statement::bind(self, statement, text)?)
    }

    /// The plan of a query on its own.
    ///
    /// # Errors
    /// Compilation errors with their place in `text`.
    pub fn bind_query(&self, query: &ast::Query, text: &str) -> Result<Query> {
        let env = context::Env::root(&self.context.catalog, &self.context.path, text);
        let bound = query::bind_query(self, query, &env)?;
        self.output(bound)
    }

    /// The plan of a new view's query, and what each `*` in it stands for, by its place in `text`. Names
    /// resolve in the view's database and schema; with `recursive`, the view's own name and its columns, the
    /// query may read the view itself.
    ///
    /// # Errors
    /// Compilation errors with their place in `text`.
    pub fn bind_view(
        &self,
        query: &ast::Query,
        text: &str,
        path: &CurrentPath,
        recursive: Option<(&str, &[Identifier])>,
    ) -> Result<(Query, Vec<StarColumns>)> {
        *self.stars.borrow_mut() = Some(Vec::new());
        let catalog = self.context.catalog.as_ref();
        let env = context::Env::root(catalog, path, text).view(catalog, path, text, &[]);
        let bound = match recursive {
            Some(itself) => query::bind_recursive_view(self, itself, query, &env),
            None => query::bind_query(self, query, &env),
        };
        let stars = self.stars.borrow_mut().take().unwrap_or_default();
        Ok((query::output_of(bound?), stars))
    }

    /// Notes what a star stands for, when somebody asks and it does not stand in a view that is read.
    pub(crate) fn note_star(&self, star: &ast::Star, columns: &[(&str, PlanColumn)]) {
        let start = star.span.start;
        if let Some(stars) = self.stars.borrow_mut().as_mut()
            && self.views.borrow().is_empty()
            && stars.iter().all(|noted| noted.start != start)
        {
            let column = |(source, column): &(&str, PlanColumn)| StarColumn {
                source: (*source).to_string(),
                name: column.name.clone(),
            };
            stars.push(StarColumns { start, columns: columns.iter().map(column).collect() });
        }
    }

    /// A dynamic table's query.
    ///
    /// # Errors
    /// When it does not compile any more.
    pub fn bind_dynamic_query(&self, table: &Arc<Table>) -> Result<StoredQuery> {
        query::bind_dynamic_query(self, table).map(StoredQuery)
    }

    /// A materialized view's query, whether what is stored is fresh or not.
    ///
    /// # Errors
    /// When it does not compile any more.
    pub fn bind_materialized(&self, view: &MaterializedView) -> Result<StoredQuery> {
        query::view_query(self, view).map(StoredQuery)
    }

    /// What brings the rows of a table to what its query has of a version of the query's tables; with `before`, from
    /// there, where that is possible.
    ///
    /// # Errors
    /// When the query cannot be computed.
    pub fn bind_refresh(
        &self,
        table: &Arc<Table>,
        query: StoredQuery,
        before: Option<Before<'_>>,
        now: &TableRows,
    ) -> Result<Refresh> {
        query::refresh(self, table, query, before, now)
    }

    /// Refuses a query whose stored rows can only be computed anew when its tables change.
    ///
    /// # Errors
    /// The reason.
    pub fn refuse_full_only(&self, query: &Query) -> Result<()> {
        let column = |output: &firn_plan::statement::OutputColumn| PlanColumn {
            id: output.id,
            name: output.field.name.clone(),
            sql_type: output.field.sql_type,
            nullable: output.field.nullable,
        };
        let columns = query.output.iter().map(column).collect();
        query::refuse_full_only(self, &BoundQuery { plan: query.plan.clone(), columns })
    }

    /// The materialized views that were bound so far and whose stored rows were out of date.
    pub fn stale_views(&self) -> Vec<ObjectId> {
        self.stale_views.borrow().clone()
    }

    /// The streams that were read so far.
    pub fn consumed(&self) -> Vec<ConsumedStream> {
        self.consumed.borrow().clone()
    }

    fn consume(&self, read: ConsumedStream) {
        let mut consumed = self.consumed.borrow_mut();
        if consumed.iter().all(|known| known.stream.header.id != read.stream.header.id) {
            consumed.push(read);
        }
    }

    /// The tables whose changes those of a query can be told from.
    ///
    /// # Errors
    /// Compilation errors; when the query does more than filter, project, join and put together rows.
    pub fn tables_of_changes(&self, query: &Query) -> Result<Vec<ObjectId>> {
        query::tables_of_changes(&query.plan)
    }

    /// A new column id.
    pub(crate) fn fresh(&self) -> ColumnId {
        let id = self.next_column.get();
        self.next_column.set(id + 1);
        ColumnId(id)
    }

    /// A new column.
    pub(crate) fn fresh_column(
        &self,
        name: impl Into<String>,
        sql_type: SqlType,
        nullable: bool,
    ) -> PlanColumn {
        PlanColumn { id: self.fresh(), name: name.into(), sql_type, nullable }
    }

    /// A new number for a common table expression.
    pub(crate) fn fresh_cte(&self) -> u32 {
        let id = self.next_cte.get();
        self.next_cte.set(id + 1);
        id
    }

    /// The first column id that the statement has not used: where the optimizer goes on.
    pub fn next_column_id(&self) -> u32 {
        self.next_column.get()
    }

    /// Goes on with column ids from this one: others have given those before it.
    fn continue_at(&self, next_column: u32) {
        self.next_column.set(next_column);
    }
}

impl FreshIds for Binder<'_> {
    fn column(&self) -> ColumnId {
        self.fresh()
    }

    fn cte(&self) -> u32 {
        self.fresh_cte()
    }
}
