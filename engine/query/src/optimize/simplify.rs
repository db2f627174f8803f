//! Simpler expressions with the same value, and conditions that can be taken apart.
//!
//! `(a AND x) OR (a AND y)` becomes `a AND (x OR y)`; `NOT (a < b)` becomes `a >= b`; TRUE and FALSE leave
//! AND and OR; a filter that is FALSE has no rows.

use std::collections::{HashMap, HashSet};

use firn_expression::Expr;
use firn_types::{Result, Value};

use super::substitute::is_volatile;
use super::{OptimizeContext, fold_constants};
use firn_plan::{Filter, Plan};

pub(super) fn apply(plan: Plan, context: &OptimizeContext<'_>) -> Result<Plan> {
    Ok(plan.transform_up(&mut |mut node| {
        for expr in node.expressions_mut() {
            let taken = std::mem::replace(expr, Expr::boolean(true));
            *expr = simplify(taken);
            fold_constants::fold_in(expr, context);
        }
        match node {
            Plan::Filter(filter) => split(filter),
            other => other,
        }
    }))
}

/// A filter with its conditions taken apart; none that is TRUE stays, one that is FALSE leaves no rows.
fn split(filter: Filter) -> Plan {
    let conditions: Vec<Expr> =
        filter.conditions.into_iter().flat_map(Expr::into_conjuncts).collect();
    let never = conditions.iter().any(|condition| {
        matches!(condition.as_literal(), Some(Value::Boolean(false) | Value::Null))
    });
    if never {
        return Plan::empty(filter.input.columns());
    }
    if conditions.is_empty() {
        return *filter.input;
    }
    Plan::Filter(Filter { input: filter.input, conditions })
}

/// Simplifies an expression from the inside out.
pub(super) fn simplify(mut expr: Expr) -> Expr {
    for child in expr.children_mut() {
        let taken = std::mem::replace(child, Expr::boolean(true));
        *child = simplify(taken);
    }
    match expr {
        Expr::And(parts) => simplify_and(parts),
        Expr::Or(parts) => simplify_or(parts),
        Expr::Not(inner) => simplify_not(*inner),
        other => other,
    }
}

fn simplify_and(parts: Vec<Expr>) -> Expr {
    let mut flat = Vec::with_capacity(parts.len());
    for part in parts {
        match part {
            Expr::And(inner) => flat.extend(inner),
            Expr::Literal { value: Value::Boolean(true), .. } => {}
            Expr::Literal { value: Value::Boolean(false), .. } => return Expr::boolean(false),
            other => flat.push(other),
        }
    }
    deduplicate(&mut flat);
    Expr::all(flat)
}

fn deduplicate(parts: &mut Vec<Expr>) {
    if parts.len() < 2 {
        return;
    }
    let mut seen: HashSet<Expr> = HashSet::with_capacity(parts.len());
    parts.retain(|part| is_volatile(part) || seen.insert(part.clone()));
}

fn simplify_or(parts: Vec<Expr>) -> Expr {
    let mut flat = Vec::with_capacity(parts.len());
    for part in parts {
        match part {
            Expr::Or(inner) => flat.extend(inner),
            Expr::Literal { value: Value::Boolean(false), .. } => {}
            Expr::Literal { value: Value::Boolean(true), .. } => return Expr::boolean(true),
            other => flat.push(other),
        }
    }
    deduplicate(&mut flat);
    match flat.len() {
        0 => Expr::boolean(false),
        1 => flat.remove(0),
        _ => factor(flat),
    }
}

/// Takes out what every branch of an OR demands.
fn factor(branches: Vec<Expr>) -> Expr {
    let parts: Vec<Vec<Expr>> = branches.into_iter().map(Expr::into_conjuncts).collect();
    let mut counts: HashMap<&Expr, usize> = HashMap::new();
    for branch in &parts {
        let different: HashSet<&Expr> = branch.iter().filter(|part| !is_volatile(part)).collect();
        different.into_iter().for_each(|part| *counts.entry(part).or_insert(0) += 1);
    }
    let is_common = |expr: &Expr| counts.get(expr) == Some(&parts.len());
    let mut common: Vec<Expr> = parts[0].iter().filter(|expr| is_common(expr)).cloned().collect();
    if common.is_empty() {
        return Expr::Or(parts.into_iter().map(Expr::all).collect());
    }
    let rest: Vec<Vec<Expr>> = parts
        .iter()
        .map(|branch| branch.iter().filter(|expr| !is_common(expr)).cloned().collect())
        .collect();
    // A branch with nothing left is TRUE once the common part is.
    if rest.iter().all(|branch: &Vec<Expr>| !branch.is_empty()) {
        common.push(simplify_or(rest.into_iter().map(Expr::all).collect()));
    }
    Expr::all(common)
}

fn simplify_not(inner: Expr) -> Expr {
    match inner {
        Expr::Not(twice) => *twice,
        Expr::Literal { value: Value::Boolean(value), .. } => Expr::boolean(!value),
        Expr::Compare { operator, left, right } => {
            Expr::Compare { operator: operator.negated(), left, right }
        }
        Expr::Distinct { distinct, left, right } => {
            Expr::Distinct { distinct: !distinct, left, right }
        }
        Expr::And(parts) => simplify_or(parts.into_iter().map(simplify_not).collect()),
        Expr::Or(parts) => simplify_and(parts.into_iter().map(simplify_not).collect()),
        other => Expr::Not(Box::new(other)),
    }
}
