//! What a statement is bound against: one version of the catalog, and the session's names and settings.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use firn_account::catalog::{Catalog, CurrentPath, Header, StarColumns, Stream, VisibleCatalog};
use firn_functions::FunctionContext;
use firn_plan::statement::Query;
use firn_plan::{Plan, With};
use firn_storage::Snapshot;
use firn_types::{Error, Field, FieldId, ObjectId, Result, SqlType, Value};

use super::expr::Simulation;
use super::placeholder::Placeholders;
use super::scope::Scope;

/// What a statement is bound against.
#[derive(Debug)]
pub struct BindContext<'a> {
    /// The version of the account that the statement sees, as its roles see it.
    pub catalog: Arc<VisibleCatalog>,
    /// The current database and schema.
    pub path: CurrentPath,
    /// Facts for functions; constants are folded with it.
    pub functions: FunctionContext,
    /// Session variables by upper-case name.
    pub variables: &'a HashMap<String, Variable>,
    /// The statement's places with the values that came with it.
    pub placeholders: &'a Placeholders,
    /// Parameter TIMESTAMP_TYPE_MAPPING.
    pub timestamp_mapping: SqlType,
    /// Parameter DEFAULT_NULL_ORDERING is FIRST.
    pub nulls_first: bool,
    /// Parameter QUOTED_IDENTIFIERS_IGNORE_CASE.
    pub ignore_quoted_case: bool,
    /// What context functions give policies instead of what they do.
    pub simulation: Option<&'a Simulation>,
    /// What only the session knows.
    pub services: &'a dyn BindServices,
}

/// A session variable.
#[derive(Clone, Debug, PartialEq)]
pub struct Variable {
    /// Its value.
    pub value: Value,
    /// Its type.
    pub sql_type: SqlType,
    /// When it was first set: nanoseconds since 1970 UTC.
    pub created_nanos: i64,
    /// When it was last set.
    pub updated_nanos: i64,
}

/// A moment of the past.
#[derive(Clone, Debug, PartialEq)]
pub enum TimePoint {
    /// Nanoseconds since 1970-01-01 UTC.
    Nanos(i128),
    /// The id of a statement.
    Statement(String),
    /// A version of the account.
    Version(u64),
}

/// From where on a stream shows changes.
#[derive(Clone, Debug)]
pub struct StreamStart {
    /// The account as it was there.
    pub catalog: Arc<Catalog>,
    /// Whether the stream shows the rows that were there rather than changes.
    pub initial: bool,
}

/// What the binder asks of the session.
pub trait BindServices: fmt::Debug {
    /// The account as it was at a moment, and when that was in nanoseconds since 1970 UTC; with `before`,
    /// without the effect of that moment's statement.
    ///
    /// # Errors
    /// `TimeTravelUnavailable` or `StatementNotFound`.
    fn catalog_at(&self, point: &TimePoint, before: bool) -> Result<(Arc<Catalog>, i64)>;

    /// From where on a stream shows changes: where it was consumed last, as others see it.
    ///
    /// # Errors
    /// When the stream is stale, or that version cannot be read.
    fn stream_start(&self, stream: &Stream) -> Result<StreamStart>;

    /// The account up to which changes are shown: as it was when the open transaction began, or as it is now,
    /// without what the transaction has changed itself.
    ///
    /// # Errors
    /// When that version cannot be read.
    fn changes_end(&self) -> Result<Arc<Catalog>>;

    /// The versions of a table's rows after one version of the account up to another one, in order.
    ///
    /// # Errors
    /// `TimeTravelUnavailable` when one of them cannot be read any more.
    fn rows_between(&self, table: ObjectId, versions: (u64, u64)) -> Result<Vec<Arc<Snapshot>>>;

    /// The columns of an earlier statement's result.
    ///
    /// # Errors
    /// `StatementNotFound`.
    fn result_fields(&self, query_id: &str) -> Result<Vec<Field>>;

    /// The columns of a view of INFORMATION_SCHEMA, or none when there is no such view.
    fn information_schema_fields(&self, view: &str) -> Option<Vec<Field>>;

    /// The columns of a view of SNOWFLAKE.ACCOUNT_USAGE, or none when there is no such view.
    fn account_usage_fields(&self, view: &str) -> Option<Vec<Field>>;

    /// The columns of a table function that the session answers, or none when there is none.
    ///
    /// # Errors
    /// When the arguments do not fit.
    fn function_fields(
        &self,
        name: &str,
        arguments: &[(String, Value)],
    ) -> Result<Option<Vec<Field>>>;

    /// The values of a query's only column, computed while the statement is bound: what a dynamic PIVOT
    /// makes columns of. `next_column` is the first column id that the query does not use.
    ///
    /// # Errors
    /// Those of running it, and `not_supported` where nothing can be run.
    fn values_of(&self, query: Query, next_column: u32) -> Result<Vec<Value>>;
}

/// The surroundings of a query within its statement.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Env<'e> {
    /// In what names are looked up, and whose rights count: in a view its owner's.
    pub(crate) catalog: &'e VisibleCatalog,
    /// How unqualified names are completed.
    pub(crate) path: &'e CurrentPath,
    /// Whether the query is the session's own, which has what came with the statement: not inside views.
    pub(crate) of_session: bool,
    /// Whether session variables may be used: in the session's own queries and the functions that they call.
    pub(crate) variables: bool,
    /// The text that spans point into.
    pub(crate) text: &'e str,
    /// What the stars of a view's query stand for; nothing for other queries.
    pub(crate) stars: &'e [StarColumns],
    /// The common table expressions in sight.
    pub(crate) ctes: Option<&'e CteScope<'e>>,
    /// The columns of the enclosing queries.
    pub(crate) outer: Option<&'e Scope<'e>>,
    /// The variables of the block that the expression stands in, which `:name` means.
    pub(crate) script: Option<&'e Scope<'e>>,
    /// The role of which a view or function that reads is: INVOKER_ROLE; none outside of them.
    pub(crate) invoker: Option<ObjectId>,
    /// The table, with the column, whose policy is bound.
    pub(crate) protected: Option<(&'e Header, Option<FieldId>)>,
    /// How deep the query is nested.
    pub(crate) depth: usize,
}

impl<'e> Env<'e> {
    /// The surroundings of a statement's outermost query.
    pub(crate) fn root(
        catalog: &'e VisibleCatalog,
        path: &'e CurrentPath,
        text: &'e str,
    ) -> Env<'e> {
        Env {
            catalog,
            path,
            of_session: true,
            variables: true,
            text,
            stars: &[],
            ctes: None,
            outer: None,
            script: None,
            invoker: None,
            protected: None,
            depth: 0,
        }
    }

    /// The surroundings of a view's query: its own rights, path, text and stars, and nothing of the
    /// statement's.
    pub(crate) fn view(
        &self,
        catalog: &'e VisibleCatalog,
        path: &'e CurrentPath,
        text: &'e str,
        stars: &'e [StarColumns],
    ) -> Env<'e> {
        let depth = self.depth + 1;
        Env {
            catalog,
            path,
            of_session: false,
            variables: false,
            text,
            stars,
            ctes: None,
            outer: None,
            script: None,
            invoker: self.invoker,
            protected: self.protected,
            depth,
        }
    }

    /// The surroundings of a query inside an expression over `scope`.
    pub(crate) fn inside(&self, scope: &'e Scope<'e>) -> Env<'e> {
        Env { outer: Some(scope), depth: self.depth + 1, ..*self }
    }

    /// The same surroundings with more common table expressions.
    pub(crate) fn with_ctes(&self, ctes: &'e CteScope<'e>) -> Env<'e> {
        Env { ctes: Some(ctes), depth: self.depth + 1, ..*self }
    }
}

/// The common table expressions of one WITH, and those around it.
#[derive(Debug)]
pub(crate) struct CteScope<'e> {
    /// Those around it.
    pub(crate) parent: Option<&'e CteScope<'e>>,
    /// Those of this WITH, so far.
    pub(crate) entries: Vec<CteEntry>,
}

/// One common table expression.
#[derive(Clone, Debug)]
pub(crate) struct CteEntry {
    /// Its name.
    pub(crate) name: String,
    /// Its number in the plan.
    pub(crate) cte: u32,
    /// Its columns.
    pub(crate) fields: Vec<Field>,
    /// What it gives; absent inside of its own recursive step.
    pub(crate) definition: Option<Arc<Plan>>,
}

impl CteScope<'_> {
    /// The plan with the definitions of those that it reads, so that it can be run on its own.
    ///
    /// # Errors
    /// `not_supported` when it reads the last round of a recursive one.
    pub(crate) fn close(&self, mut plan: Plan) -> Result<Plan> {
        for entry in self.entries.iter().rev() {
            let mut reads = false;
            plan.visit(&mut |node| {
                reads |= matches!(node, Plan::CteRef(reference) if reference.cte == entry.cte);
            });
            if reads {
                let definition = entry.definition.as_ref().ok_or_else(|| {
                    Error::not_supported("a dynamic PIVOT inside of a recursive query")
                })?;
                let definition = Box::new(Plan::clone(definition));
                plan =
                    Plan::With(Box::new(With { cte: entry.cte, definition, body: Box::new(plan) }));
            }
        }
        match self.parent {
            Some(parent) => parent.close(plan),
            None => Ok(plan),
        }
    }

    /// The innermost common table expression of this name.
    pub(crate) fn find(&self, name: &str) -> Option<&CteEntry> {
        let own = self.entries.iter().rev().find(|entry| entry.name == name);
        own.or_else(|| self.parent.and_then(|parent| parent.find(name)))
    }
}
