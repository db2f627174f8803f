//! Which queries have changes that can be told from those of their tables, and why others have none.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use firn_account::catalog::Table;
use firn_expression::Expr;
use firn_functions::meaning::{Numbering, WindowMeaning};
use firn_plan::{
    AggregateCall, FrameUnit, JoinKind, Plan, PlanColumn, SetOperator, WindowCall, WindowTarget,
};
use firn_types::{ColumnId, Error, ErrorCode, Result};

use super::restrict::common_partition;
use crate::collation::has_key;

/// Most FULL JOINs in one another: the difference of each has that of its sides twice.
const FULL_JOINS_MAX: usize = 6;

/// Most nodes of a query of which nothing is shared.
const NODES_MAX: usize = 10_000;

/// The tables that a query reads row by row, in the order of its scans: what streams can be on.
///
/// # Errors
/// When the query does anything but filter, project, join and put together rows.
pub(super) fn streamed_tables(plan: &Plan) -> Result<Vec<Arc<Table>>> {
    let row_by_row = match plan {
        Plan::Scan(scan) => return Ok(vec![Arc::clone(&scan.table)]),
        // Several rows of no table could not be told apart.
        Plan::Values(values) => values.rows.len() < 2,
        Plan::Filter(_) | Plan::Project(_) | Plan::Secure(_) => true,
        Plan::Join(join) => join.kind == JoinKind::Inner,
        Plan::SetOperation(set) => set.operator == SetOperator::UnionAll,
        _ => false,
    };
    if !row_by_row {
        return Err(unsupported(plan));
    }
    let each = plan.inputs().into_iter().map(streamed_tables);
    Ok(each.collect::<Result<Vec<_>>>()?.into_iter().flatten().collect())
}

/// The error of a node that has no difference of its rows.
pub(super) fn unsupported(node: &Plan) -> Error {
    refused(match node {
        Plan::Join(join) if join.kind == JoinKind::Single => {
            "subqueries that may have several rows where one is wanted"
        }
        Plan::Join(_) => "outer joins",
        Plan::SetOperation(_) => "set operations but UNION ALL",
        Plan::Aggregate(_) => "aggregation or DISTINCT",
        Plan::Window(_) => "window functions",
        Plan::Sort(_) | Plan::Limit(_) => "ORDER BY or LIMIT",
        Plan::Apply(_) => "subqueries in expressions",
        Plan::RecursiveCte(_) => "recursive common table expressions",
        Plan::With(_) | Plan::CteRef(_) => "common table expressions",
        Plan::LateralFunction(_) | Plan::ForeignTable(_) | Plan::Generate(_) => "table functions",
        Plan::Sample(_) => "SAMPLE",
        _ => "rows of no table",
    })
}

fn refused(what: &str) -> Error {
    let text = format!("Change tracking is not supported on queries with {what}.");
    Error::new(ErrorCode::InvalidStatement, text)
}

/// The error of a query with functions such as CURRENT_DATE and RANDOM.
pub(super) fn volatile() -> Error {
    refused("functions whose answers change by themselves")
}

/// The error of a query of texts of which different ones count as the same.
pub(super) fn collated() -> Error {
    refused("texts with a collation")
}

/// Whether each row of a table makes its own rows of the answer, by itself or with rows of other tables.
pub(super) fn is_row_by_row(plan: &Plan) -> bool {
    let own = match plan {
        Plan::Scan(_) | Plan::Values(_) | Plan::Generate(_) => true,
        Plan::Filter(_) | Plan::Project(_) | Plan::LateralFunction(_) | Plan::Sort(_) => true,
        Plan::Join(join) => join.kind == JoinKind::Inner,
        Plan::SetOperation(set) => set.operator == SetOperator::UnionAll,
        _ => false,
    };
    own && plan.inputs().into_iter().all(is_row_by_row)
}

/// Checks that a query's difference is not many times as large as the query.
///
/// # Errors
/// When it is.
pub(super) fn check_size(plan: &Plan) -> Result<()> {
    match full_joins(plan) <= FULL_JOINS_MAX {
        true => Ok(()),
        false => Err(refused(&format!("more than {FULL_JOINS_MAX} FULL JOINs in one another"))),
    }
}

fn full_joins(plan: &Plan) -> usize {
    let below = plan.inputs().into_iter().map(full_joins).max().unwrap_or(0);
    let is_full = matches!(plan, Plan::Join(join) if join.kind == JoinKind::Full);
    below + usize::from(is_full)
}

/// Checks that a query stays small when each common table expression stands wherever it is read, and each of its
/// GROUPING SETS for itself.
///
/// # Errors
/// When it does not.
pub(super) fn check_copies(plan: &Plan) -> Result<()> {
    match copied_nodes(plan, &mut HashMap::new()) <= NODES_MAX {
        true => Ok(()),
        false => Err(refused("common table expressions or GROUPING SETS that multiply each other")),
    }
}

/// How many nodes a plan has then; `definitions` are those of the common table expressions around it.
fn copied_nodes(plan: &Plan, definitions: &mut HashMap<u32, usize>) -> usize {
    match plan {
        Plan::With(node) => {
            let definition = copied_nodes(&node.definition, definitions);
            definitions.insert(node.cte, definition);
            copied_nodes(&node.body, definitions)
        }
        Plan::CteRef(node) => definitions.get(&node.cte).map_or(1, |nodes| nodes.saturating_add(1)),
        Plan::Aggregate(node) => {
            let sets = node.grouping_sets.as_ref().map_or(1, Vec::len);
            copied_nodes(&node.input, definitions).saturating_mul(sets).saturating_add(1)
        }
        other => {
            let inputs = other.inputs().into_iter();
            inputs.map(|input| copied_nodes(input, definitions)).fold(1, usize::saturating_add)
        }
    }
}

/// Checks that stored rows of a query can follow its tables.
///
/// # Errors
/// The reason why they cannot.
pub(super) fn check(plan: &Plan) -> Result<()> {
    match plan {
        Plan::Scan(_)
        | Plan::Values(_)
        | Plan::Generate(_)
        | Plan::Filter(_)
        | Plan::Project(_)
        | Plan::Secure(_)
        | Plan::Aggregate(_)
        | Plan::LateralFunction(_)
        | Plan::SetOperation(_) => {}
        Plan::Join(join) if join.kind != JoinKind::Single => {}
        Plan::Sort(sort) if sort.limit.is_none() => {}
        Plan::Window(window) if common_partition(window).is_empty() => {
            return Err(refused("window functions without PARTITION BY"));
        }
        Plan::Window(_) => {}
        other => return Err(unsupported(other)),
    }
    let compares = match plan {
        Plan::Aggregate(_) | Plan::Window(_) => plan.expressions().into_iter().any(has_key),
        Plan::SetOperation(set) if set.operator != SetOperator::UnionAll => {
            set.columns.iter().any(|column| has_key(&column.expr()))
        }
        _ => false,
    };
    if compares {
        return Err(collated());
    }
    plan.inputs().into_iter().try_for_each(check)
}

/// The columns of a plan that need not be the same when they are computed of the same rows again: sums of FLOAT,
/// aggregates and windows that go by an order of rows that is not determined. Nothing that decides which rows there
/// are may depend on them, since what was there before is computed again.
///
/// # Errors
/// When something does.
pub(super) fn undetermined(plan: &Plan) -> Result<HashSet<ColumnId>> {
    let mut found = HashSet::new();
    for input in plan.inputs() {
        found.extend(undetermined(input)?);
    }
    let uses = |expr: &Expr| expr.columns_used().iter().any(|id| found.contains(id));
    let decides = match plan {
        Plan::Project(node) => {
            let items = node.items.iter().filter(|item| uses(&item.expr));
            return Ok(items.map(|item| item.id).collect());
        }
        Plan::SetOperation(set) if set.operator == SetOperator::UnionAll => {
            let mut columns = HashSet::new();
            for input in &set.inputs {
                let given = input.columns();
                let pairs = given.iter().zip(&set.columns);
                columns.extend(pairs.filter(|(g, _)| found.contains(&g.id)).map(|(_, c)| c.id));
            }
            return Ok(columns);
        }
        Plan::SetOperation(_) => !found.is_empty(),
        Plan::Aggregate(node) => node.groups.iter().any(|group| uses(&group.expr)),
        Plan::Window(node) => node.calls.iter().any(|call| call.partition_by.iter().any(uses)),
        Plan::Sort(_) => false,
        other => other.expressions().into_iter().any(uses),
    };
    if decides {
        return Err(undetermined_rows());
    }
    match plan {
        Plan::Aggregate(node) => {
            let open =
                |call: &&AggregateCall| !is_determined(call) || call.arguments.iter().any(uses);
            Ok(node.aggregates.iter().filter(open).map(|call| call.id).collect())
        }
        Plan::Window(node) => {
            let columns = node.input.columns();
            let open = |call: &&WindowCall| {
                let order = call.order_by.iter().map(|key| &key.expr);
                !goes_by_order(call, &columns) || call.arguments.iter().chain(order).any(uses)
            };
            let open: Vec<ColumnId> = node.calls.iter().filter(open).map(|call| call.id).collect();
            found.extend(open);
            Ok(found)
        }
        _ => Ok(found),
    }
}

/// The error of a query whose answer cannot be told from its tables' changes for sure.
pub(super) fn undetermined_rows() -> Error {
    refused(
        "values that depend on the order of rows, such as sums of FLOAT, ARRAY_AGG or ROW_NUMBER over equal keys, \
         unless they are computed last and the columns of GROUP BY or PARTITION BY are selected, too",
    )
}

/// Whether an aggregate has the same answer over the same rows, in whichever order they come.
fn is_determined(call: &AggregateCall) -> bool {
    call.function.meaning.is_determined(call.signature.returns)
}

/// Whether a call has the same answer over the same rows, by their order in the window.
fn goes_by_order(call: &WindowCall, columns: &[PlanColumn]) -> bool {
    match &call.target {
        WindowTarget::Window(function, _) => match function.meaning {
            WindowMeaning::Numbering(Numbering::Rank | Numbering::Dense) => true,
            WindowMeaning::Numbering(Numbering::Row) | WindowMeaning::Lag | WindowMeaning::Lead => {
                is_total(call, columns)
            }
            WindowMeaning::Opaque | WindowMeaning::Place | WindowMeaning::First => false,
        },
        WindowTarget::Aggregate { function, signature, .. } => {
            let by_rows = call.frame.unit == FrameUnit::Rows && !call.frame.is_whole();
            function.meaning.is_determined(signature.returns)
                && (!by_rows || is_total(call, columns))
        }
    }
}

/// Whether only rows that are the same in everything have the same place in the order.
fn is_total(call: &WindowCall, columns: &[PlanColumn]) -> bool {
    let keys = key_columns(call);
    columns.iter().all(|column| keys.contains(&column.id))
}

/// The columns that a call's rows are parted and ordered by.
pub(super) fn key_columns(call: &WindowCall) -> HashSet<ColumnId> {
    let order = call.order_by.iter().map(|key| &key.expr);
    order.chain(&call.partition_by).filter_map(Expr::as_column).collect()
}
