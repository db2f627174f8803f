//! Simpler expressions with the same value, and conditions that can be taken apart.
//!
//! `(a AND x) OR (a AND y)` becomes `a AND (x OR y)`; `NOT (a < b)` becomes `a >= b`; TRUE and FALSE leave
//! AND and OR; `a = 1 OR a = 2` becomes `a IN (1, 2)`; a filter that is FALSE has no rows.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use firn_expression::{Expr, fold};
use firn_types::scan_predicate::Comparison;
use firn_types::{ColumnId, Result, SqlType, Value};

use super::OptimizeContext;
use super::substitute::is_volatile;
use firn_plan::{Filter, Plan};

pub(super) fn apply(plan: Plan, context: &OptimizeContext<'_>) -> Result<Plan> {
    Ok(plan.transform_up(&mut |mut node| {
        for expr in node.expressions_mut() {
            let taken = std::mem::replace(expr, Expr::boolean(true));
            *expr = simplify(taken);
            fold::fold_constants(expr, context.functions);
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
    let mut seen: HashSet<&Expr> = HashSet::with_capacity(parts.len());
    let kept: Vec<bool> = parts.iter().map(|part| is_volatile(part) || seen.insert(part)).collect();
    let mut kept = kept.into_iter();
    parts.retain(|_| kept.next().unwrap_or(true));
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
    let mut flat = as_lists(flat);
    deduplicate(&mut flat);
    match flat.len() {
        0 => Expr::boolean(false),
        1 => flat.remove(0),
        _ => factor(flat),
    }
}

/// The parts of an OR, with those that set one column equal to constants as one list of constants.
fn as_lists(parts: Vec<Expr>) -> Vec<Expr> {
    let mut counts: HashMap<ColumnId, usize> = HashMap::new();
    for (id, _) in parts.iter().filter_map(as_equality) {
        *counts.entry(id).or_insert(0) += 1;
    }
    if counts.values().all(|count| *count < 2) {
        return parts;
    }
    let mut lists: HashMap<ColumnId, (usize, Vec<Value>)> = HashMap::new();
    let mut kept = Vec::new();
    for part in parts {
        let Some((id, value)) = as_equality(&part).filter(|(id, _)| counts[id] > 1) else {
            kept.push(part);
            continue;
        };
        match lists.get_mut(&id) {
            Some((_, list)) => list.push(value.clone()),
            // The list stands where its first value did.
            None => {
                lists.insert(id, (kept.len(), vec![value.clone()]));
                kept.push(part);
            }
        }
    }
    for (place, mut list) in lists.into_values() {
        let mut seen = HashSet::new();
        list.retain(|value| seen.insert(value.clone()));
        if list.len() > 1
            && let Expr::Compare { left, right, .. } = &kept[place]
        {
            let column = if left.as_column().is_some() { left } else { right };
            kept[place] = Expr::InList { input: column.clone(), list: Arc::new(list) };
        }
    }
    kept
}

/// The column and the constant of `column = constant`, of a type that a list can hold.
fn as_equality(part: &Expr) -> Option<(ColumnId, &Value)> {
    let Expr::Compare { operator: Comparison::Equal, left, right } = part else { return None };
    let (column, constant) = match left.as_column() {
        Some(_) => (left, right),
        None => (right, left),
    };
    let (id, value) = (column.as_column()?, constant.as_literal()?);
    let alike = match (column.sql_type(), constant.sql_type()) {
        // Texts are compared whole, whatever their lengths may be.
        (SqlType::Varchar { collation, .. }, SqlType::Varchar { collation: other, .. }) => {
            collation == other
        }
        (
            SqlType::Number { precision, scale },
            SqlType::Number { precision: digits, scale: fraction },
        ) => scale == fraction && digits <= precision,
        (column, constant) => column == constant && !column.is_semi_structured(),
    };
    (alike && !value.is_null()).then_some((id, value))
}

/// Takes out what every branch of an OR demands.
fn factor(branches: Vec<Expr>) -> Expr {
    let parts: Vec<Vec<Expr>> = branches.into_iter().map(Expr::into_conjuncts).collect();
    // Most have nothing in common, which the second branch tells.
    let mut common: Vec<Expr> =
        parts[0].iter().filter(|part| !is_volatile(part)).cloned().collect();
    for branch in &parts[1..] {
        common.retain(|part| branch.contains(part));
        if common.is_empty() {
            return Expr::Or(parts.into_iter().map(Expr::all).collect());
        }
    }
    let is_common = |expr: &Expr| common.contains(expr);
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
