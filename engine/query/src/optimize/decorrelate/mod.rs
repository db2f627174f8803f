//! Turns every `Apply` into joins.
//!
//! Three ways. [`pull_up`] moves the conditions that tie the right side to the left row up into the join:
//! cheap, and enough for most queries. [`count`] does so for aggregates that are not NULL over no rows.
//! Where neither can, [`domain`] computes the right side once for each different combination of the outer
//! columns that it uses: T. Neumann and A. Kemper, "Unnesting Arbitrary Queries", BTW 2015.

mod count;
mod domain;
mod pull_up;

use std::collections::HashSet;

use firn_expression::Expr;
use firn_types::scan_predicate::Comparison;
use firn_types::{ColumnId, Result, SqlType};

use super::OptimizeContext;
use super::substitute::{uses_any, uses_only};
use firn_plan::{Apply, ApplyKind, Join, JoinKey, JoinKind, Limit, Plan};

pub(super) fn apply(plan: Plan, context: &OptimizeContext<'_>) -> Result<Plan> {
    // From the inside out: a subquery's own subqueries first.
    let plan = plan.try_map_inputs(&mut |input| apply(input, context))?;
    match plan {
        Plan::Apply(node) => join_of(*node, context),
        other => Ok(other),
    }
}

/// The ids of a plan's columns.
fn ids(plan: &Plan) -> HashSet<ColumnId> {
    plan.columns().iter().map(|column| column.id).collect()
}

/// The columns of `outer` that a plan uses anywhere.
pub(super) fn outer_columns(plan: &Plan, outer: &HashSet<ColumnId>) -> HashSet<ColumnId> {
    let mut found = HashSet::new();
    plan.visit(&mut |node| {
        for expr in node.expressions() {
            found.extend(expr.columns_used().into_iter().filter(|id| outer.contains(id)));
        }
    });
    found
}

fn join_of(apply: Apply, context: &OptimizeContext<'_>) -> Result<Plan> {
    let Apply { kind, left, right } = apply;
    let right = simpler(&kind, *right);
    let outer = ids(&left);
    let used = outer_columns(&right, &outer);
    if used.is_empty() {
        return Ok(join(kind, *left, right, Vec::new()));
    }
    if let Some((right, ties)) = pull_up::pull_up(&right, &outer, &kind, context) {
        return Ok(join(kind, *left, right, ties));
    }
    if matches!(kind, ApplyKind::Scalar)
        && let Some(counted) = count::pull_up_count(&left, &right, &outer, context)
    {
        return Ok(counted);
    }
    let unnested = domain::unnest(*left, right, &used, context)?;
    Ok(join_domain(kind, unnested))
}

/// EXISTS asks only for a row: which columns and how many does not matter.
fn simpler(kind: &ApplyKind, right: Plan) -> Plan {
    match (kind, right) {
        (ApplyKind::Exists { .. }, Plan::Limit(Limit { input, skip: 0, fetch }))
            if fetch.is_none_or(|fetch| fetch > 0) =>
        {
            simpler(kind, *input)
        }
        (ApplyKind::Exists { .. }, Plan::Sort(sort)) => simpler(kind, *sort.input),
        (ApplyKind::Exists { .. }, Plan::Project(project)) => simpler(kind, *project.input),
        (_, right) => right,
    }
}

/// The join that an `Apply` with `ties` to its right side is.
fn join(kind: ApplyKind, left: Plan, right: Plan, ties: Vec<Expr>) -> Plan {
    let (kind, operands) = match kind {
        ApplyKind::Inner => (JoinKind::Inner, Vec::new()),
        ApplyKind::Left => (JoinKind::Left, Vec::new()),
        ApplyKind::Scalar => (JoinKind::Single, Vec::new()),
        ApplyKind::Exists { id } => (JoinKind::Mark { id, nulls: false }, Vec::new()),
        ApplyKind::Any { id, conditions } => (JoinKind::Mark { id, nulls: true }, conditions),
    };
    let (left_ids, right_ids) = (ids(&left), ids(&right));
    // Of IN, only the operands are keys: a NULL in what ties the query to its row is not an answer.
    let nulls = matches!(kind, JoinKind::Mark { nulls: true, .. });
    let mut keys = Vec::new();
    let mut conditions = Vec::new();
    for (expr, is_operand) in
        operands.into_iter().map(|e| (e, true)).chain(ties.into_iter().map(|e| (e, false)))
    {
        match key_of(expr, &left_ids, &right_ids) {
            Ok(key) if is_operand || !nulls => keys.push(key),
            Ok(key) => conditions.push(definite(equality(key))),
            Err(condition) if is_operand || !nulls => conditions.push(condition),
            Err(condition) => conditions.push(definite(condition)),
        }
    }
    let (left, right) = (Box::new(left), Box::new(right));
    Plan::Join(Box::new(Join { kind, left, right, keys, conditions }))
}

/// The condition with FALSE for NULL.
fn definite(condition: Expr) -> Expr {
    if !condition.nullable() {
        return condition;
    }
    let operands = vec![condition, Expr::boolean(false)];
    Expr::Coalesce { operands, sql_type: SqlType::Boolean }
}

/// The join of a domain-unnested right side, whose rows carry the outer columns that they belong to.
fn join_domain(kind: ApplyKind, unnested: domain::Unnested) -> Plan {
    let domain::Unnested { left, right, ties } = unnested;
    join(kind, left, right, ties)
}

/// The pair of keys that a condition is, if it is an equality of one side with the other.
pub(super) fn key_of(
    condition: Expr,
    left: &HashSet<ColumnId>,
    right: &HashSet<ColumnId>,
) -> std::result::Result<JoinKey, Expr> {
    let (a, b, null_equals_null) = match condition {
        Expr::Compare { operator: Comparison::Equal, left, right } => (left, right, false),
        Expr::Distinct { distinct: false, left, right } => (left, right, true),
        other => return Err(other),
    };
    let sides = |l: &Expr, r: &Expr| {
        uses_any(l, left) && uses_only(l, left) && uses_any(r, right) && uses_only(r, right)
    };
    if sides(&a, &b) {
        Ok(JoinKey { left: *a, right: *b, null_equals_null })
    } else if sides(&b, &a) {
        Ok(JoinKey { left: *b, right: *a, null_equals_null })
    } else if null_equals_null {
        Err(Expr::Distinct { distinct: false, left: a, right: b })
    } else {
        Err(Expr::Compare { operator: Comparison::Equal, left: a, right: b })
    }
}

/// The condition that a pair of keys is.
pub(super) fn equality(key: JoinKey) -> Expr {
    let (left, right) = (Box::new(key.left), Box::new(key.right));
    if key.null_equals_null {
        Expr::Distinct { distinct: false, left, right }
    } else {
        Expr::Compare { operator: Comparison::Equal, left, right }
    }
}
