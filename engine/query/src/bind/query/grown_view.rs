//! How a materialized view follows rows that were added to its table, without reading the others again.
//!
//! ```text
//! row by row:   Project/Filter (added rows)                      -> beside the stored rows
//! by groups:    Aggregate (stored rows UNION ALL query(added rows)) -> instead of the stored rows
//! ```
//!
//! In the second form each sum is the sum of the sums, and each count the sum of the counts. It is for
//! functions whose answer does not depend on how the rows are cut; sums of FLOAT depend on it.

use std::sync::Arc;

use firn_account::catalog::MaterializedView;
use firn_expression::Expr;
use firn_functions::meaning::Merge;
use firn_functions::registry;
use firn_functions::{AggregateFunction, Argument};
use firn_plan::statement::Query;
use firn_plan::{
    Aggregate, AggregateCall, Plan, PlanColumn, Project, ProjectItem, SetOperation, SetOperator,
};
use firn_storage::Snapshot;
use firn_types::{ColumnId, Error, Result};

use super::source::{stored_view, view_query};
use super::{BoundQuery, output_of};
use crate::bind::Binder;
use crate::bind::expr::cast;

/// What to store of a view after rows were added to its table.
pub enum Grown {
    /// The rows to store beside those that are stored.
    Added(Query),
    /// The rows to store instead of those that are stored.
    Merged(Query),
}

/// What to store after `added` came to the table; none when the view's form does not allow to tell.
pub(crate) fn grown_view(
    binder: &Binder<'_>,
    view: &MaterializedView,
    added: &Arc<Snapshot>,
) -> Result<Option<Grown>> {
    let mut bound = view_query(binder, view)?;
    if is_row_by_row(&bound.plan) {
        read_only(&mut bound.plan, added);
        return Ok(Some(Grown::Added(output_of(bound))));
    }
    let Some(roles) = roles(&bound) else { return Ok(None) };
    read_only(&mut bound.plan, added);
    let stored = stored_view(binder, view, &binder.context.catalog.path_of(&view.header)?);
    merged(binder, stored, bound, &roles).map(|query| Some(Grown::Merged(output_of(query))))
}

/// Whether each row of the table makes its own rows of the answer.
fn is_row_by_row(plan: &Plan) -> bool {
    match plan {
        Plan::Project(node) => is_row_by_row(&node.input),
        Plan::Filter(node) => is_row_by_row(&node.input),
        Plan::Scan(_) => true,
        _ => false,
    }
}

/// Makes the plan's scan read other rows of its table.
fn read_only(plan: &mut Plan, rows: &Arc<Snapshot>) {
    if let Plan::Scan(scan) = plan {
        scan.snapshot = Arc::clone(rows);
    }
    plan.inputs_mut().into_iter().for_each(|input| read_only(input, rows));
}

/// What an output column is among its group's.
#[derive(Clone, Copy)]
enum Role {
    /// What is grouped by.
    Key,
    /// What this function makes of the parts' answers.
    Merged(&'static AggregateFunction),
}

/// The roles of the output columns; none when the query is no such aggregation, or not all of its keys
/// are in the output.
fn roles(bound: &BoundQuery) -> Option<Vec<Role>> {
    let mut keys: Vec<ColumnId> = Vec::new();
    let mut found: Option<&Aggregate> = None;
    let mut roles = Vec::with_capacity(bound.columns.len());
    for column in &bound.columns {
        let (node, id) = aggregated(&bound.plan, column.id)?;
        found = Some(node);
        if node.groups.iter().any(|group| group.id == id) {
            keys.push(id);
            roles.push(Role::Key);
        } else {
            let call = node.aggregates.iter().find(|call| call.id == id)?;
            roles.push(Role::Merged(merging(call)?));
        }
    }
    let node = found?;
    let plain = node.grouping_sets.is_none() && is_row_by_row(&node.input);
    let whole = node.groups.iter().all(|group| keys.contains(&group.id));
    (plain && whole).then_some(roles)
}

/// The aggregation that a column comes from unchanged, and the column's id there.
fn aggregated(plan: &Plan, id: ColumnId) -> Option<(&Aggregate, ColumnId)> {
    match plan {
        Plan::Project(node) => match &node.items.iter().find(|item| item.id == id)?.expr {
            Expr::Column { id, .. } => aggregated(&node.input, *id),
            _ => None,
        },
        Plan::Aggregate(node) => Some((node, id)),
        _ => None,
    }
}

/// The function that makes the answer for all rows of the answers for parts of them.
fn merging(call: &AggregateCall) -> Option<&'static AggregateFunction> {
    if call.distinct || !call.order_by.is_empty() {
        return None;
    }
    let meaning = call.function.meaning;
    if !meaning.merges_exactly(call.signature.returns) {
        return None;
    }
    let name = match meaning.merge()? {
        Merge::Added => "SUM",
        Merge::Same => call.function.name,
        Merge::SumAndCount => return None,
    };
    registry::aggregate(name).ok()
}

/// Stored rows and those of the added ones, put together group by group.
fn merged(
    binder: &Binder<'_>,
    stored: BoundQuery,
    added: BoundQuery,
    roles: &[Role],
) -> Result<BoundQuery> {
    let wanted: Vec<PlanColumn> = stored.columns.clone();
    let inputs = vec![in_order(stored), in_order(added)];
    let fresh = |column: &PlanColumn| binder.fresh_column(&column.name, column.sql_type, true);
    let columns: Vec<PlanColumn> = wanted.iter().map(fresh).collect();
    let union = SetOperation { operator: SetOperator::UnionAll, inputs, columns: columns.clone() };
    let (mut groups, mut aggregates, mut answers) = (Vec::new(), Vec::new(), Vec::new());
    for (column, role) in columns.iter().zip(roles) {
        match role {
            Role::Key => {
                let (id, name) = (binder.fresh(), column.name.clone());
                let item = ProjectItem { id, name, expr: column.expr() };
                answers.push(item.column());
                groups.push(item);
            }
            Role::Merged(function) => {
                let call = call(binder, function, column)?;
                answers.push(call.column());
                aggregates.push(call);
            }
        }
    }
    let input = Box::new(Plan::SetOperation(union));
    let aggregate = Aggregate { input, groups, grouping_sets: None, grouping_id: None, aggregates };
    let items: Vec<ProjectItem> = answers
        .iter()
        .zip(&wanted)
        .map(|(answer, wanted)| ProjectItem {
            id: binder.fresh(),
            name: wanted.name.clone(),
            expr: cast(answer.expr(), wanted.sql_type),
        })
        .collect();
    let columns = items.iter().map(ProjectItem::column).collect();
    let plan = Plan::Aggregate(Box::new(aggregate));
    Ok(BoundQuery { plan: Plan::Project(Project { input: Box::new(plan), items }), columns })
}

/// The query with its columns alone, in their order.
fn in_order(bound: BoundQuery) -> Plan {
    let item = |column: &PlanColumn| ProjectItem {
        id: column.id,
        name: column.name.clone(),
        expr: column.expr(),
    };
    let items = bound.columns.iter().map(item).collect();
    Plan::Project(Project { input: Box::new(bound.plan), items })
}

fn call(
    binder: &Binder<'_>,
    function: &'static AggregateFunction,
    column: &PlanColumn,
) -> Result<AggregateCall> {
    let argument = Argument { sql_type: column.sql_type, constant: None, name: None };
    let signature = function.resolve(vec![argument])?;
    let [wanted] = signature.arguments.as_slice() else {
        return Err(Error::internal("an aggregate of one argument that has more"));
    };
    let arguments = vec![cast(column.expr(), *wanted)];
    Ok(AggregateCall {
        id: binder.fresh(),
        name: column.name.clone(),
        function,
        signature,
        arguments,
        distinct: false,
        order_by: Vec::new(),
    })
}
