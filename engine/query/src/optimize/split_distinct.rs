//! Aggregates of distinct values in two steps: first the distinct values of each group are groups of their
//! own, then they are aggregated like any others.
//!
//! `COUNT(DISTINCT x) BY g` becomes `COUNT(x) BY g` over `BY g, x`. Grouping is merged on all threads and spills,
//! which the set of values that an aggregate keeps is not and does not; but a set of few integers is quicker.
//! It is done where all aggregates are over one and the same list of distinct arguments. An aggregation without
//! groups over several such lists is parted first: one for each list, beside each other.

use firn_column::PhysicalType;
use firn_expression::Expr;
use firn_types::ColumnId;

use super::OptimizeContext;
use super::estimate::Estimator;
use super::inline_cte::fresh_copy;
use super::substitute::is_volatile;
use firn_plan::{Aggregate, AggregateCall, Join, JoinKind, Plan, Project, ProjectItem};

/// Values from which on sets of integers are too large to be kept.
const MANY_VALUES: f64 = 100_000.0;

pub(super) fn apply(plan: Plan, context: &OptimizeContext<'_>) -> Plan {
    plan.transform_up(&mut |node| match node {
        Plan::Aggregate(node) if splits(&node) => split(*node, context),
        Plan::Aggregate(node) if parts(&node) => part(*node, context),
        other => other,
    })
}

/// What tells lists of distinct arguments apart; none for aggregates of all rows.
fn list_of(call: &AggregateCall) -> Option<&[Expr]> {
    (call.distinct && call.order_by.is_empty()).then_some(&call.arguments)
}

/// Whether some list of distinct values is costly beside other aggregates, and the input gives the same rows
/// when it is read again.
fn parts(node: &Aggregate) -> bool {
    let several = node.aggregates.windows(2).any(|pair| list_of(&pair[0]) != list_of(&pair[1]));
    let alone = node.groups.is_empty() && node.grouping_sets.is_none();
    let costly = |call: &AggregateCall| list_of(call).is_some() && pays(node, &call.arguments);
    alone && several && is_repeatable(&node.input) && node.aggregates.iter().any(costly)
}

fn is_repeatable(plan: &Plan) -> bool {
    let mut repeatable = true;
    plan.visit(&mut |node| {
        let reads = matches!(
            node,
            Plan::Scan(_)
                | Plan::Filter(_)
                | Plan::Project(_)
                | Plan::Join(_)
                | Plan::Aggregate(_)
                | Plan::Values(_)
                | Plan::SetOperation(_)
        );
        // A limit that reached the scan may stop it at other rows.
        let cut = matches!(node, Plan::Scan(scan) if scan.limit.is_some());
        repeatable &= reads && !cut && !node.expressions().into_iter().any(is_volatile);
    });
    repeatable
}

/// One aggregation for each list of distinct arguments; each gives one row.
fn part(node: Aggregate, context: &OptimizeContext<'_>) -> Plan {
    let mut lists: Vec<Vec<AggregateCall>> = Vec::new();
    for call in node.aggregates {
        let has_list = |calls: &&mut Vec<AggregateCall>| {
            calls.first().is_some_and(|first| list_of(first) == list_of(&call))
        };
        match lists.iter_mut().find(has_list) {
            Some(calls) => calls.push(call),
            None => lists.push(vec![call]),
        }
    }
    let alone = |calls: Vec<AggregateCall>| {
        let ids: Vec<ColumnId> = calls.iter().map(|call| call.id).collect();
        let aggregate = Aggregate {
            input: node.input.clone(),
            groups: Vec::new(),
            grouping_sets: None,
            grouping_id: None,
            aggregates: calls,
        };
        // Every part reads the input under ids of its own.
        let copy = fresh_copy(&Plan::Aggregate(Box::new(aggregate)), context);
        let items = copy.columns().into_iter().zip(ids).map(|(column, id)| ProjectItem {
            id,
            name: column.name.clone(),
            expr: column.expr(),
        });
        let items = items.collect();
        Plan::Project(Project { input: Box::new(apply(copy, context)), items })
    };
    let beside = |left: Plan, right: Plan| {
        Plan::Join(Box::new(Join {
            kind: JoinKind::Inner,
            left: Box::new(left),
            right: Box::new(right),
            keys: Vec::new(),
            conditions: Vec::new(),
        }))
    };
    let parts = lists.into_iter().map(alone);
    parts.reduce(beside).unwrap_or_else(Plan::one_row)
}

fn splits(node: &Aggregate) -> bool {
    let Some((first, others)) = node.aggregates.split_first() else { return false };
    let plain = |call: &AggregateCall| {
        call.distinct && call.order_by.is_empty() && !call.arguments.is_empty()
    };
    node.grouping_sets.is_none()
        && plain(first)
        && others.iter().all(|call| plain(call) && call.arguments == first.arguments)
        && pays(node, &first.arguments)
}

/// Whether the values are costly to compare, or many.
fn pays(node: &Aggregate, arguments: &[Expr]) -> bool {
    let is_integer = |argument: &Expr| PhysicalType::widest(argument.sql_type()).is_integer();
    if !arguments.iter().all(is_integer) {
        return true;
    }
    let input = Estimator::default().estimate(&node.input);
    let keys = node.groups.iter().map(|group| &group.expr).chain(arguments);
    keys.map(|key| input.distinct(key)).product::<f64>().min(input.rows) > MANY_VALUES
}

fn split(node: Aggregate, context: &OptimizeContext<'_>) -> Plan {
    let item = |name: &str, expr: &Expr| ProjectItem {
        id: context.fresh(),
        name: name.to_string(),
        expr: expr.clone(),
    };
    let keys: Vec<ProjectItem> =
        node.groups.iter().map(|group| item(&group.name, &group.expr)).collect();
    let first = node.aggregates.first().map(|call| call.arguments.as_slice()).unwrap_or_default();
    let values: Vec<ProjectItem> = first.iter().map(|argument| item("VALUE", argument)).collect();
    let passed = |items: &[ProjectItem]| -> Vec<Expr> {
        items.iter().map(|item| item.column().expr()).collect()
    };
    let groups = node.groups.into_iter().zip(passed(&keys));
    let groups = groups.map(|(group, expr)| ProjectItem { expr, ..group }).collect();
    let calls = node.aggregates.into_iter().map(|call| AggregateCall {
        distinct: false,
        arguments: passed(&values),
        ..call
    });
    let aggregates = calls.collect();
    let distinct = Aggregate {
        input: node.input,
        groups: keys.into_iter().chain(values).collect(),
        grouping_sets: None,
        grouping_id: None,
        aggregates: Vec::new(),
    };
    Plan::Aggregate(Box::new(Aggregate {
        input: Box::new(Plan::Aggregate(Box::new(distinct))),
        groups,
        grouping_sets: None,
        grouping_id: node.grouping_id,
        aggregates,
    }))
}
