//! Moves conditions as far down as they go, and makes joins of products.
//!
//! `Filter(a.x = b.x AND a.y > 1, Product(a, b))` becomes `Join(a.x = b.x, Filter(a.y > 1, a), b)`. A
//! condition or a key that NULLs cannot pass turns the outer join below it into an inner one, and a condition
//! that only rows without a match pass turns it into an anti join; a mark that only decides whether its row stays
//! turns a mark join into a semi join or an anti join.

mod join;
mod unmatched;

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};

use firn_expression::Expr;
use firn_types::ColumnId;

use super::substitute::{is_volatile, substitute, substitute_in, uses_any, uses_only};
use firn_plan::{Filter, Plan, SetOperation, StageScan, Window};

pub(super) fn apply(plan: Plan) -> Plan {
    let decided = Decided::default();
    let plan = push(plan, Vec::new(), &decided);
    let by = decided.into_inner();
    if by.is_empty() {
        return plan;
    }
    plan.transform_up(&mut |mut node| {
        node.expressions_mut().into_iter().for_each(|expr| substitute_in(expr, &by));
        node
    })
}

/// The marks that conditions have decided: no row above has another value, and no join gives it any more.
type Decided = RefCell<HashMap<ColumnId, Expr>>;

/// The rows of a plan for which all conditions are TRUE.
fn push(plan: Plan, conditions: Vec<Expr>, decided: &Decided) -> Plan {
    match plan {
        Plan::Filter(node) => {
            let mut all = conditions;
            all.extend(node.conditions.into_iter().flat_map(Expr::into_conjuncts));
            push(*node.input, all, decided)
        }
        Plan::Scan(mut scan) => {
            let (own, above) = split(conditions, |condition| !is_volatile(condition));
            add_new(&mut scan.conditions, own);
            keep(Plan::Scan(scan), above)
        }
        Plan::StageScan(scan) => push_stage_scan(scan, conditions),
        Plan::Secure(mut node) => {
            // An error below would tell of rows and values that are not shown.
            let safe = |condition: &Expr| !condition.can_fail() && !is_volatile(condition);
            let (below, above) = split(conditions, safe);
            *node.input = push(*node.input, below, decided);
            keep(Plan::Secure(node), above)
        }
        Plan::Project(mut node) => {
            let by: HashMap<ColumnId, Expr> =
                node.items.iter().map(|item| (item.id, item.expr.clone())).collect();
            let moves = |condition: &Expr| {
                condition.columns_used().iter().all(|id| by.get(id).is_none_or(|e| !is_volatile(e)))
            };
            let (below, above) = split(conditions, moves);
            let below = below.into_iter().map(|condition| substitute(condition, &by)).collect();
            *node.input = push(*node.input, below, decided);
            keep(Plan::Project(node), above)
        }
        Plan::Aggregate(mut node) => {
            let by: HashMap<ColumnId, Expr> =
                node.groups.iter().map(|group| (group.id, group.expr.clone())).collect();
            let groups: HashSet<ColumnId> = by.keys().copied().collect();
            let whole = node.grouping_sets.is_none();
            let (mut below, above) = split(conditions, |condition| {
                whole && uses_any(condition, &groups) && uses_only(condition, &groups)
            });
            if whole {
                below.extend(above.iter().filter_map(|condition| implied(condition, &groups)));
            }
            let below = below.into_iter().map(|condition| substitute(condition, &by)).collect();
            *node.input = push(*node.input, below, decided);
            keep(Plan::Aggregate(node), above)
        }
        Plan::Window(node) => push_window(node, conditions, decided),
        Plan::Sort(mut node) if node.limit.is_none() => {
            *node.input = push(*node.input, conditions, decided);
            Plan::Sort(node)
        }
        Plan::LateralFunction(mut node) => {
            let below: HashSet<ColumnId> =
                node.input.columns().iter().map(|column| column.id).collect();
            let (below, above) = split(conditions, |condition| uses_only(condition, &below));
            *node.input = push(*node.input, below, decided);
            keep(Plan::LateralFunction(node), above)
        }
        Plan::SetOperation(node) => push_set_operation(node, conditions, decided),
        Plan::With(mut node) => {
            *node.definition = push(*node.definition, Vec::new(), decided);
            *node.body = push(*node.body, conditions, decided);
            Plan::With(node)
        }
        Plan::Join(node) => join::push_join(*node, conditions, decided),
        other => {
            let other = other.map_inputs(&mut |input| push(input, Vec::new(), decided));
            keep(other, conditions)
        }
    }
}

/// Rows are still filtered one by one: that files are left out is a shortcut.
fn push_stage_scan(mut scan: Box<StageScan>, conditions: Vec<Expr>) -> Plan {
    let of_file = scan.columns.iter().filter(|column| column.value.is_of_file());
    let of_file: HashSet<ColumnId> = of_file.map(|column| column.column.id).collect();
    let own = conditions.iter().filter(|condition| {
        uses_any(condition, &of_file) && uses_only(condition, &of_file) && !is_volatile(condition)
    });
    add_new(&mut scan.file_conditions, own.cloned().collect());
    keep(Plan::StageScan(scan), conditions)
}

/// A row may go before a window only with its whole partition.
fn push_window(mut node: Window, conditions: Vec<Expr>, decided: &Decided) -> Plan {
    let shared = node
        .calls
        .iter()
        .map(|call| call.partition_by.iter().filter_map(Expr::as_column).collect::<HashSet<_>>());
    let shared = shared.reduce(|a, b| a.intersection(&b).copied().collect()).unwrap_or_default();
    let (below, above) = split(conditions, |condition| {
        uses_any(condition, &shared) && uses_only(condition, &shared)
    });
    *node.input = push(*node.input, below, decided);
    keep(Plan::Window(node), above)
}

/// Each input gets the conditions in terms of its own columns.
fn push_set_operation(mut node: SetOperation, conditions: Vec<Expr>, decided: &Decided) -> Plan {
    let (below, above) = split(conditions, |condition| !is_volatile(condition));
    for input in &mut node.inputs {
        let by: HashMap<ColumnId, Expr> = node
            .columns
            .iter()
            .map(|column| column.id)
            .zip(input.columns().iter().map(|column| column.expr()))
            .collect();
        let taken = std::mem::replace(input, Plan::one_row());
        let own = below.iter().map(|c| substitute(c.clone(), &by)).collect();
        *input = push(taken, own, decided);
    }
    keep(Plan::SetOperation(node), above)
}

/// The conditions that go down, and those that stay.
fn split(conditions: Vec<Expr>, goes: impl Fn(&Expr) -> bool) -> (Vec<Expr>, Vec<Expr>) {
    conditions.into_iter().partition(|condition| goes(condition))
}

/// A filter where there are conditions.
fn keep(plan: Plan, conditions: Vec<Expr>) -> Plan {
    if conditions.is_empty() {
        return plan;
    }
    let mut own = Vec::new();
    add_new(&mut own, conditions);
    Plan::Filter(Filter { input: Box::new(plan), conditions: own })
}

/// Adds the conditions that are not there yet: what is implied is found anew whenever the rule runs.
fn add_new(conditions: &mut Vec<Expr>, more: Vec<Expr>) {
    if conditions.is_empty() && more.len() < 2 {
        // It may be a long one.
        conditions.extend(more);
        return;
    }
    let mut known: HashSet<Expr> = conditions.iter().cloned().collect();
    let new = |condition: &Expr| is_volatile(condition) || known.insert(condition.clone());
    conditions.extend(more.into_iter().filter(new));
}

/// What an OR demands of some columns alone: the OR of each branch's own demands of them.
fn implied(condition: &Expr, columns: &HashSet<ColumnId>) -> Option<Expr> {
    let Expr::Or(branches) = condition else { return None };
    let mut demands = Vec::with_capacity(branches.len());
    for branch in branches {
        let parts = branch.clone().into_conjuncts();
        let is_own =
            |part: &Expr| uses_any(part, columns) && uses_only(part, columns) && !is_volatile(part);
        let own: Vec<Expr> = parts.into_iter().filter(is_own).collect();
        if own.is_empty() {
            return None;
        }
        demands.push(Expr::all(own));
    }
    Some(Expr::Or(demands))
}
