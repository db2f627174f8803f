//! Aggregates of distinct values in two steps: first the distinct values of each group are groups of their
//! own, then they are aggregated like any others.
//!
//! `COUNT(DISTINCT x) BY g` becomes `COUNT(x) BY g` over `BY g, x`. Grouping is merged on all threads and spills,
//! which the set of values that an aggregate keeps is not and does not; but a set of few integers is quicker.
//! It is done where all aggregates are over one and the same list of distinct arguments.

use firn_column::PhysicalType;
use firn_expression::Expr;

use super::OptimizeContext;
use super::estimate::Estimator;
use crate::plan::{Aggregate, AggregateCall, Plan, ProjectItem};

/// Values from which on sets of integers are too large to be kept.
const MANY_VALUES: f64 = 1_000_000.0;

pub(super) fn apply(plan: Plan, context: &OptimizeContext<'_>) -> Plan {
    plan.transform_up(&mut |node| match node {
        Plan::Aggregate(node) if splits(&node) => split(*node, context),
        other => other,
    })
}

fn splits(node: &Aggregate) -> bool {
    let Some((first, others)) = node.aggregates.split_first() else { return false };
    let plain = |call: &AggregateCall| {
        call.distinct && call.order_by.is_empty() && !call.arguments.is_empty()
    };
    let text = |call: &AggregateCall| -> Vec<String> {
        call.arguments.iter().map(ToString::to_string).collect()
    };
    let arguments = text(first);
    node.grouping_sets.is_none()
        && plain(first)
        && others.iter().all(|call| plain(call) && text(call) == arguments)
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
