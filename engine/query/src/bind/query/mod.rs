//! Queries: WITH, SELECT, set operations, VALUES, ORDER BY and LIMIT.

mod asof;
mod changes;
mod cte;
mod external_source;
mod from;
mod group_by;
mod hierarchy;
mod join;
mod match_recognize;
mod measure;
mod order_limit;
mod outer_marker;
mod pivot;
mod protect;
mod select;
mod set_operation;
mod source;
mod stage_source;
mod table_function;
mod values;

use firn_types::limits::NESTING_MAX;
use firn_types::{Error, ErrorCode, Result};

use super::context::Env;
use super::{Binder, BoundQuery};
use firn_parse::ast::{self, QueryBody};
use firn_plan::Plan;
use firn_plan::statement::{OutputColumn, Query};

pub use changes::{Before, Refresh, StoredQuery, TableRows};
pub(crate) use changes::{refresh, refuse_full_only, tables_of_changes};
pub(crate) use cte::bind_recursive_view;
pub(crate) use external_source::check_column;
pub use external_source::invalid_reason;
pub(crate) use from::{From, bind_from};
pub(crate) use source::{bind_dynamic_query, protected_scan, time_point, view_query};
pub use stage_source::plain_option;
pub(crate) use stage_source::{
    StageFields, file_format, is_delimited, stage_format, stage_location, stage_path,
    stored_options,
};
pub(crate) use values::{bind_rows, meet};

/// Deepest nesting of queries: each level needs several frames of the stack.
const QUERY_NESTING_MAX: usize = NESTING_MAX / 8;

/// Binds a query in its surroundings.
///
/// # Errors
/// Compilation errors with their place.
pub(crate) fn bind_query(
    binder: &Binder<'_>,
    query: &ast::Query,
    env: &Env<'_>,
) -> Result<BoundQuery> {
    if env.depth > QUERY_NESTING_MAX {
        let text = "the query is nested too deeply";
        return Err(Error::new(ErrorCode::InvalidStatement, text).at(query.span));
    }
    match &query.with {
        Some(with) => cte::bind_with(binder, with, env, |env| bind_ordered(binder, query, env)),
        None => bind_ordered(binder, query, env),
    }
}

/// The query without its WITH.
fn bind_ordered(binder: &Binder<'_>, query: &ast::Query, env: &Env<'_>) -> Result<BoundQuery> {
    let order_by = query.order_by.as_ref();
    let bound = match &query.body {
        // A SELECT's order may use what it does not show.
        QueryBody::Select(select) => select::bind_select(binder, select, order_by, env)?,
        body => {
            let bound = bind_body(binder, body, env)?;
            order_limit::order_output(binder, bound, order_by, env)?
        }
    };
    order_limit::limit(binder, bound, query.limit.as_ref(), env)
}

/// A query's body: an operand of a set operation.
fn bind_body(binder: &Binder<'_>, body: &QueryBody, env: &Env<'_>) -> Result<BoundQuery> {
    let env = &Env { depth: env.depth + 1, ..*env };
    match body {
        QueryBody::Select(select) => select::bind_select(binder, select, None, env),
        QueryBody::Query(query) => bind_query(binder, query, env),
        QueryBody::SetOperation(operation) => {
            set_operation::bind_set_operation(binder, operation, env)
        }
        QueryBody::Values(values) => values::bind_values(binder, values, env),
    }
}

/// The bound query as what a client sees.
pub(crate) fn output_of(bound: BoundQuery) -> Query {
    let output =
        bound.columns.iter().map(|column| OutputColumn { id: column.id, field: column.field() });
    Query { output: output.collect(), plan: bound.plan }
}

/// The plan narrowed to exactly these columns, in order, each under a fresh id.
pub(crate) fn narrowed(binder: &Binder<'_>, bound: BoundQuery) -> BoundQuery {
    let items: Vec<firn_plan::ProjectItem> = bound
        .columns
        .iter()
        .map(|column| firn_plan::ProjectItem {
            id: binder.fresh(),
            name: column.name.clone(),
            expr: column.expr(),
        })
        .collect();
    let columns = items.iter().map(|item| item.column()).collect();
    let plan = Plan::Project(firn_plan::Project { items, input: Box::new(bound.plan) });
    BoundQuery { plan, columns }
}
