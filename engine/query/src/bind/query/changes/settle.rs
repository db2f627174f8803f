//! The query of stored rows in the form in which it is computed and followed: without subqueries in expressions,
//! each set of GROUPING SETS and each partitioning of windows for itself, and with rows in an order that only rows
//! have in common that are the same.

use firn_expression::Expr;
use firn_functions::meaning::{Numbering, WindowMeaning};
use firn_plan::{
    Aggregate, FrameUnit, Plan, PlanColumn, Project, ProjectItem, SortKey, Window, WindowCall,
    WindowTarget,
};
use firn_types::{Result, SqlType};

use super::difference::union;
use super::restrict::common_partition;
use super::root::keyed_node;
use super::support::key_columns;
use crate::bind::{Binder, BoundQuery};
use crate::optimize::grouping_sets::grouping_id;
use crate::optimize::{OptimizeContext, unnested};

/// The query in that form.
///
/// # Errors
/// `UnsupportedSubquery` for a subquery that cannot be turned into joins.
pub(super) fn settled(binder: &Binder<'_>, bound: BoundQuery) -> Result<BoundQuery> {
    let context = OptimizeContext::new(&binder.context.functions, binder.next_column_id());
    let plan = unnested(bound.plan, &context)?;
    binder.continue_at(context.next_column_id());
    let mut plan = plan.transform_up(&mut |node| match node {
        Plan::Aggregate(node) if node.grouping_sets.is_some() => each_set(binder, *node),
        Plan::Window(node) => each_partitioning(node),
        other => other,
    });
    // What is computed last goes by the rows that are stored, whatever their order was.
    for input in keyed_node(&mut plan).inputs_mut() {
        let taken = std::mem::replace(input, Plan::one_row());
        *input = taken.transform_up(&mut |node| match node {
            Plan::Window(node) => Plan::Window(in_order(node)),
            other => other,
        });
    }
    Ok(BoundQuery { plan, columns: bound.columns })
}

/// GROUPING SETS as the UNION ALL of its sets.
fn each_set(binder: &Binder<'_>, node: Aggregate) -> Plan {
    let columns = node.columns();
    let sets = node.grouping_sets.clone().unwrap_or_default();
    let branches = sets.iter().map(|set| {
        let in_set = |(at, _): &(usize, &ProjectItem)| set.contains(at);
        let groups = node.groups.iter().enumerate().filter(in_set).map(|(_, group)| group.clone());
        let aggregate = Aggregate {
            groups: groups.collect(),
            grouping_sets: None,
            grouping_id: None,
            ..node.clone()
        };
        let items = columns.iter().enumerate().map(|(at, column)| {
            let expr = match () {
                () if Some(column.id) == node.grouping_id => grouping_id(set, node.groups.len()),
                () if at < node.groups.len() && !set.contains(&at) => Expr::null(column.sql_type),
                () => column.expr(),
            };
            ProjectItem { id: column.id, name: column.name.clone(), expr }
        });
        let items = items.collect();
        Plan::Project(Project { input: Box::new(Plan::Aggregate(Box::new(aggregate))), items })
    });
    let branches = branches.collect();
    union(binder, &columns, branches).unwrap_or_else(|| Plan::empty(columns.clone()))
}

/// Calls with nothing in common that they are partitioned by, in windows of their own.
fn each_partitioning(node: Window) -> Plan {
    if !common_partition(&node).is_empty() {
        return Plan::Window(node);
    }
    let mut plan = *node.input;
    let mut left = node.calls;
    while !left.is_empty() {
        let partition = left[0].partition_by.clone();
        let same = |call: &WindowCall| call.partition_by == partition;
        let (calls, others) = left.into_iter().partition(same);
        plan = Plan::Window(Window { input: Box::new(plan), calls, top: None });
        left = others;
    }
    plan
}

/// Calls that go by the place of a row, over rows in a whole order.
fn in_order(mut node: Window) -> Window {
    let columns = node.input.columns();
    for call in node.calls.iter_mut().filter(|call| goes_by_place(call)) {
        let known = key_columns(call);
        let missing = columns.iter().filter(|column| !known.contains(&column.id));
        let keys: Vec<SortKey> = missing.filter(|c| has_order(c)).map(sort_key).collect();
        call.order_by.extend(keys);
    }
    node
}

/// Whether a call's answer depends on which of two rows with the same keys comes first.
fn goes_by_place(call: &WindowCall) -> bool {
    match &call.target {
        WindowTarget::Window(function, _) => matches!(
            function.meaning,
            WindowMeaning::Numbering(Numbering::Row) | WindowMeaning::Lag | WindowMeaning::Lead
        ),
        WindowTarget::Aggregate { .. } => {
            call.frame.unit == FrameUnit::Rows && !call.frame.is_whole()
        }
    }
}

fn has_order(column: &PlanColumn) -> bool {
    !matches!(column.sql_type, SqlType::Variant | SqlType::Object | SqlType::Array | SqlType::Null)
}

fn sort_key(column: &PlanColumn) -> SortKey {
    SortKey { expr: column.expr(), descending: false, nulls_first: false }
}
