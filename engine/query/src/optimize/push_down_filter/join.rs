//! Conditions at a join.

use std::collections::{HashMap, HashSet};

use firn_expression::Expr;
use firn_plan::{Join, JoinKey, JoinKind, Plan};
use firn_types::ColumnId;

use super::unmatched::{stricter, unmatched, without_nulls};
use super::{Decided, implied, keep, push};
use crate::optimize::decorrelate::{equality, key_of};
use crate::optimize::substitute::{is_volatile, substitute, uses_only};
use crate::optimize::unique::is_unique;

/// The columns of a join's sides.
struct Sides {
    left: HashSet<ColumnId>,
    right: HashSet<ColumnId>,
}

impl Sides {
    fn of(join: &Join) -> Sides {
        let ids = |plan: &Plan| plan.columns().iter().map(|column| column.id).collect();
        Sides { left: ids(&join.left), right: ids(&join.right) }
    }
}

pub(super) fn push_join(join: Join, conditions: Vec<Expr>, decided: &Decided) -> Plan {
    let (join, conditions) = match unmatched(join, conditions) {
        Ok((plan, conditions)) => return push(plan, conditions, decided),
        Err(unchanged) => unchanged,
    };
    let sides = Sides::of(&join);
    let mut join = checked_beside(join);
    let rejects = |side: &HashSet<ColumnId>| conditions.iter().any(|c| c.rejects_nulls(side));
    join.kind = stricter(without_check(&join), &sides.left, &sides.right, rejects);
    let conditions = decide_mark(&mut join, conditions, decided);
    match join.kind {
        JoinKind::Inner => push_inner(join, conditions, &sides, decided),
        _ => push_outer(join, conditions, &sides, decided),
    }
}

/// A subquery that is the same for all rows is checked to be one row by itself, so that it joins as a table of one
/// row does: conditions about it are keys, and it may come first.
fn checked_beside(mut join: Join) -> Join {
    let alone = HashSet::new();
    let same = join.kind == JoinKind::Single && join.keys.is_empty() && join.conditions.is_empty();
    if same && !is_unique(&join.right, &alone) && !is_unique(&join.left, &alone) {
        let right = std::mem::replace(&mut *join.right, Plan::one_row());
        *join.right = Plan::Join(Box::new(Join {
            kind: JoinKind::Single,
            left: Box::new(Plan::one_row()),
            right: Box::new(right),
            keys: Vec::new(),
            conditions: Vec::new(),
        }));
    }
    join
}

/// The kind of a join without a check that no row has several matches, where keys tell that none has.
fn without_check(join: &Join) -> JoinKind {
    let columns = join.keys.iter().filter_map(|key| key.right.as_column()).collect();
    match join.kind {
        JoinKind::Single if is_unique(&join.right, &columns) => JoinKind::Left,
        other => other,
    }
}

/// A mark that is a condition by itself decides: the join becomes a semi join or an anti join.
fn decide_mark(join: &mut Join, mut conditions: Vec<Expr>, decided: &Decided) -> Vec<Expr> {
    let JoinKind::Mark { id, nulls } = join.kind else { return conditions };
    let uses = |expr: &Expr| expr.columns_used().contains(&id);
    let deciding = conditions.iter().position(|condition| match condition {
        Expr::Column { id: column, .. } => *column == id,
        Expr::Not(inner) => inner.as_column() == Some(id) && (!nulls || never_null(join)),
        _ => false,
    });
    let Some(at) = deciding else { return conditions };
    let others = conditions.iter().enumerate().any(|(index, c)| index != at && uses(c));
    if others {
        return conditions;
    }
    join.kind = match conditions.remove(at) {
        Expr::Not(_) => JoinKind::Anti,
        _ => JoinKind::Semi,
    };
    decided.borrow_mut().insert(id, Expr::boolean(join.kind == JoinKind::Semi));
    conditions
}

/// Whether the answer of IN cannot be NULL: no operand can be.
fn never_null(join: &Join) -> bool {
    let required = |expr: &Expr| !nullable_in(expr, join);
    join.keys.iter().all(|key| required(&key.left) && required(&key.right))
        && join.conditions.iter().all(required)
}

/// Whether an expression may be NULL, going by what the sides say of their columns.
fn nullable_in(expr: &Expr, join: &Join) -> bool {
    match expr {
        Expr::Column { id, .. } => {
            let columns = join.left.columns().into_iter().chain(join.right.columns());
            columns.into_iter().find(|column| column.id == *id).is_none_or(|c| c.nullable)
        }
        Expr::Compare { left, right, .. } => nullable_in(left, join) || nullable_in(right, join),
        Expr::Cast { input, lenient: false, .. } => nullable_in(input, join),
        other => other.nullable(),
    }
}

fn push_inner(join: Join, conditions: Vec<Expr>, sides: &Sides, decided: &Decided) -> Plan {
    let mut all = conditions;
    all.extend(join.conditions);
    let mut keys = join.keys;
    let mut parts = Parts::default();
    for condition in all.into_iter().flat_map(Expr::into_conjuncts) {
        parts.place(condition, sides, &mut keys);
    }
    transfer_constants(&keys, &mut parts);
    let (above, conditions) = parts.both.into_iter().partition(is_volatile);
    // NULL has no match.
    let strict = keys.iter().filter(|key| !key.null_equals_null);
    let (on_left, on_right): (Vec<Expr>, Vec<Expr>) =
        strict.map(|key| (key.left.clone(), key.right.clone())).unzip();
    let left = Box::new(push(without_nulls(*join.left, &on_left), parts.left, decided));
    let right = Box::new(push(without_nulls(*join.right, &on_right), parts.right, decided));
    let plan = Plan::Join(Box::new(Join { kind: JoinKind::Inner, left, right, keys, conditions }));
    keep(plan, above)
}

/// Where conditions go.
#[derive(Default)]
struct Parts {
    left: Vec<Expr>,
    right: Vec<Expr>,
    both: Vec<Expr>,
}

impl Parts {
    fn place(&mut self, condition: Expr, sides: &Sides, keys: &mut Vec<JoinKey>) {
        if is_volatile(&condition) {
            self.both.push(condition);
        } else if uses_only(&condition, &sides.left) {
            self.left.push(condition);
        } else if uses_only(&condition, &sides.right) {
            self.right.push(condition);
        } else {
            match key_of(condition, &sides.left, &sides.right) {
                Ok(key) => keys.push(key),
                Err(condition) => {
                    self.left.extend(implied(&condition, &sides.left));
                    self.right.extend(implied(&condition, &sides.right));
                    self.both.push(condition);
                }
            }
        }
    }
}

/// What one side's key must be, the other side's key must be too.
fn transfer_constants(keys: &[JoinKey], parts: &mut Parts) {
    let to_left = transferred(keys, &parts.right, &parts.left, |key| (&key.right, &key.left));
    let to_right = transferred(keys, &parts.left, &parts.right, |key| (&key.left, &key.right));
    parts.left.extend(to_left);
    parts.right.extend(to_right);
}

/// The conditions on single keys of one side, said of the other side's keys, unless they are known there.
/// `ends` are the ends of a key on both sides.
fn transferred(
    keys: &[JoinKey],
    conditions: &[Expr],
    known: &[Expr],
    ends: impl Fn(&JoinKey) -> (&Expr, &Expr),
) -> Vec<Expr> {
    let known: HashSet<&Expr> = known.iter().collect();
    let mut copies = Vec::new();
    for (from, to) in keys.iter().filter(|key| !key.null_equals_null).map(ends) {
        let (Some(from_id), Some(_)) = (from.as_column(), to.as_column()) else { continue };
        // Only between the very same types, so that the constants need no conversion.
        if from.sql_type() != to.sql_type() {
            continue;
        }
        let by = HashMap::from([(from_id, to.clone())]);
        let own = |c: &&Expr| {
            let columns = c.columns_used();
            columns.len() == 1 && columns.contains(&from_id)
        };
        let said = conditions.iter().filter(own).map(|c| substitute(c.clone(), &by));
        copies.extend(said.filter(|copy| !known.contains(copy)));
    }
    copies
}

fn push_outer(join: Join, conditions: Vec<Expr>, sides: &Sides, decided: &Decided) -> Plan {
    let keeps_left = !join.kind.filters_build_side();
    let keeps_right = join.kind.filters_build_side() && join.kind != JoinKind::Full;
    let mut below = Parts::default();
    let mut above = Vec::new();
    for condition in conditions {
        if is_volatile(&condition) {
            above.push(condition);
        } else if keeps_left && uses_only(&condition, &sides.left) {
            below.left.push(condition);
        } else if keeps_right && uses_only(&condition, &sides.right) {
            below.right.push(condition);
        } else {
            above.push(condition);
        }
    }
    let mut keys = join.keys;
    let mut own = Vec::new();
    // For IN with NULLs a further key would change which rows' NULLs count.
    let fixed_keys = matches!(join.kind, JoinKind::Mark { nulls: true, .. });
    for condition in join.conditions.into_iter().flat_map(Expr::into_conjuncts) {
        // Of a mark that may be NULL, also a NULL of a condition counts.
        let one_sided = !(is_volatile(&condition) || fixed_keys && condition.nullable());
        if one_sided && keeps_left && uses_only(&condition, &sides.right) {
            below.right.push(condition);
        } else if one_sided && keeps_right && uses_only(&condition, &sides.left) {
            below.left.push(condition);
        } else {
            match key_of(condition, &sides.left, &sides.right) {
                Ok(key) if fixed_keys => own.push(equality(key)),
                Ok(key) => keys.push(key),
                Err(condition) => own.push(condition),
            }
        }
    }
    // Rows with other keys than those that are left on the kept side have no match there.
    if keeps_left && !fixed_keys {
        let kept: Vec<Expr> = below.left.iter().filter(|c| !c.can_fail()).cloned().collect();
        let more = transferred(&keys, &kept, &below.right, |key| (&key.left, &key.right));
        below.right.extend(more);
    } else if keeps_right {
        let kept: Vec<Expr> = below.right.iter().filter(|c| !c.can_fail()).cloned().collect();
        let more = transferred(&keys, &kept, &below.left, |key| (&key.right, &key.left));
        below.left.extend(more);
    }
    let left = Box::new(push(*join.left, below.left, decided));
    let right = Box::new(push(*join.right, below.right, decided));
    let plan = Join { kind: join.kind, left, right, keys, conditions: own };
    keep(Plan::Join(Box::new(plan)), above)
}
