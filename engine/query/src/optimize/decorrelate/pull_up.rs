//! Moves the conditions that tie a subquery to the outer row out of it.
//!
//! `Apply(L, Aggregate(sum(x), Filter(k = L.a, R)))` becomes
//! `Join(L.a = k, L, Aggregate(k, sum(x), R))`.

use std::collections::{HashMap, HashSet};

use firn_expression::Expr;
use firn_plan::{Aggregate, AggregateCall, ApplyKind, Filter, JoinKind, Plan, ProjectItem};
use firn_types::ColumnId;
use firn_types::scan_predicate::Comparison;

use super::{ids, outer_columns};
use crate::optimize::OptimizeContext;
use crate::optimize::substitute::{substitute, uses_any, uses_only};

/// The plan without uses of `outer`, and the conditions that tie it to the outer row; none when the
/// subquery has a form that conditions cannot be moved out of.
pub(super) fn pull_up(
    plan: &Plan,
    outer: &HashSet<ColumnId>,
    kind: &ApplyKind,
    context: &OptimizeContext<'_>,
) -> Option<(Plan, Vec<Expr>)> {
    // Over no rows an ungrouped aggregate still has a row; what is above it must then come out as NULL,
    // which is what the join gives for a unmatched row, and EXISTS would be TRUE.
    let scalar = matches!(kind, ApplyKind::Scalar);
    Pull { outer, scalar, context }.plan(plan)
}

/// As [`pull_up`], of an aggregate whose answers over no rows are put in place above the join.
pub(super) fn pull_up_aggregate(
    node: &Aggregate,
    outer: &HashSet<ColumnId>,
    context: &OptimizeContext<'_>,
) -> Option<(Plan, Vec<Expr>)> {
    Pull { outer, scalar: true, context }.group_by_ties(node)
}

struct Pull<'p> {
    outer: &'p HashSet<ColumnId>,
    scalar: bool,
    context: &'p OptimizeContext<'p>,
}

impl Pull<'_> {
    fn plan(&self, plan: &Plan) -> Option<(Plan, Vec<Expr>)> {
        if outer_columns(plan, self.outer).is_empty() {
            return Some((plan.clone(), Vec::new()));
        }
        match plan {
            Plan::Filter(node) => {
                let (input, mut ties) = self.plan(&node.input)?;
                if !ties.is_empty() && contains_ungrouped(&node.input) {
                    return None;
                }
                let (tied, own): (Vec<Expr>, Vec<Expr>) =
                    node.conditions.iter().cloned().partition(|c| uses_any(c, self.outer));
                ties.extend(tied);
                if own.is_empty() {
                    return Some((input, ties));
                }
                Some((Plan::Filter(Filter { input: Box::new(input), conditions: own }), ties))
            }
            Plan::Project(node) => self.project(node),
            Plan::Aggregate(node) => self.aggregate(node),
            Plan::Sort(node) if node.limit.is_none() => self.plan(&node.input),
            Plan::Join(node) => self.join(node),
            _ => None,
        }
    }

    fn project(&self, node: &firn_plan::Project) -> Option<(Plan, Vec<Expr>)> {
        if node.items.iter().any(|item| uses_any(&item.expr, self.outer)) {
            return None;
        }
        let (input, ties) = self.plan(&node.input)?;
        if contains_ungrouped(&node.input) {
            // A unmatched row gets NULL from the join: right only if these would be NULL too.
            let below: HashSet<ColumnId> = ids(&node.input);
            if !node.items.iter().all(|item| item.expr.is_null_with(&below)) {
                return None;
            }
        }
        let mut items = node.items.clone();
        let mut renamed: HashMap<ColumnId, Expr> = HashMap::new();
        let given = input.columns();
        for id in ties.iter().flat_map(Expr::columns_used) {
            if self.outer.contains(&id) || renamed.contains_key(&id) {
                continue;
            }
            let same = items.iter().find(|item| item.expr.as_column() == Some(id));
            let column = match same {
                Some(item) => item.column(),
                None => {
                    let column = given.iter().find(|column| column.id == id)?;
                    let item =
                        ProjectItem { id: self.context.fresh(), ..ProjectItem::pass(column) };
                    items.push(item);
                    items[items.len() - 1].column()
                }
            };
            renamed.insert(id, column.expr());
        }
        let ties = ties.into_iter().map(|tie| substitute(tie, &renamed)).collect();
        let node = firn_plan::Project { input: Box::new(input), items };
        Some((Plan::Project(node), ties))
    }

    fn aggregate(&self, node: &Aggregate) -> Option<(Plan, Vec<Expr>)> {
        let null = |call: &AggregateCall| call.over_no_rows().is_ok_and(|v| v.is_null());
        if node.groups.is_empty() && !(self.scalar && node.aggregates.iter().all(null)) {
            return None;
        }
        self.group_by_ties(node)
    }

    /// The aggregate, grouped by what is equal to something of the outer row, too.
    fn group_by_ties(&self, node: &Aggregate) -> Option<(Plan, Vec<Expr>)> {
        let exprs = node.groups.iter().map(|group| &group.expr);
        let calls = node.aggregates.iter().flat_map(|call| {
            call.arguments.iter().chain(call.order_by.iter().map(|key| &key.expr))
        });
        let uses_outer = exprs.chain(calls).any(|expr| uses_any(expr, self.outer));
        if uses_outer || node.grouping_sets.is_some() {
            return None;
        }
        let (input, ties) = self.plan(&node.input)?;
        let inner: HashSet<ColumnId> = ids(&input);
        let mut grouped = node.clone();
        let mut above = Vec::with_capacity(ties.len());
        for tie in ties {
            // Only an equality fixes the group that belongs to an outer row.
            let (outer_side, inner_side) = self.equality_sides(&tie, &inner)?;
            let same = grouped.groups.iter().find(|group| group.expr == inner_side);
            let column = match same {
                Some(group) => group.column(),
                None => {
                    let id = match inner_side.as_column() {
                        Some(id) => id,
                        None => self.context.fresh(),
                    };
                    let group = ProjectItem { id, name: "TIE".to_string(), expr: inner_side };
                    grouped.groups.push(group);
                    grouped.groups[grouped.groups.len() - 1].column()
                }
            };
            above.push(Expr::Compare {
                operator: Comparison::Equal,
                left: Box::new(outer_side),
                right: Box::new(column.expr()),
            });
        }
        grouped.input = Box::new(input);
        Some((Plan::Aggregate(Box::new(grouped)), above))
    }

    /// The outer and the inner side of an equality between them.
    fn equality_sides(&self, tie: &Expr, inner: &HashSet<ColumnId>) -> Option<(Expr, Expr)> {
        let Expr::Compare { operator: Comparison::Equal, left, right } = tie else { return None };
        let is =
            |expr: &Expr, side: &HashSet<ColumnId>| uses_any(expr, side) && uses_only(expr, side);
        if is(left, self.outer) && is(right, inner) {
            Some((left.as_ref().clone(), right.as_ref().clone()))
        } else if is(right, self.outer) && is(left, inner) {
            Some((right.as_ref().clone(), left.as_ref().clone()))
        } else {
            None
        }
    }

    fn join(&self, node: &firn_plan::Join) -> Option<(Plan, Vec<Expr>)> {
        let key_uses = node
            .keys
            .iter()
            .any(|key| uses_any(&key.left, self.outer) || uses_any(&key.right, self.outer));
        if key_uses {
            return None;
        }
        let (left, mut ties) = self.plan(&node.left)?;
        let (right, conditions) = match node.kind {
            JoinKind::Inner => {
                let (right, more) = self.plan(&node.right)?;
                ties.extend(more);
                let (tied, own): (Vec<Expr>, Vec<Expr>) =
                    node.conditions.iter().cloned().partition(|c| uses_any(c, self.outer));
                ties.extend(tied);
                (right, own)
            }
            JoinKind::Left
            | JoinKind::Semi
            | JoinKind::Anti
            | JoinKind::Single
            | JoinKind::Mark { .. } => {
                let own = node.conditions.iter().all(|c| !uses_any(c, self.outer));
                if !own || !outer_columns(&node.right, self.outer).is_empty() {
                    return None;
                }
                (node.right.as_ref().clone(), node.conditions.clone())
            }
            JoinKind::Right | JoinKind::Full | JoinKind::RightSemi | JoinKind::RightAnti => {
                return None;
            }
        };
        let mut node = node.clone();
        node.left = Box::new(left);
        node.right = Box::new(right);
        node.conditions = conditions;
        Some((Plan::Join(Box::new(node)), ties))
    }
}

/// Whether the rows come from an ungrouped aggregate, through nodes that keep its one row.
fn contains_ungrouped(plan: &Plan) -> bool {
    match plan {
        Plan::Aggregate(node) => node.groups.is_empty(),
        Plan::Project(node) => contains_ungrouped(&node.input),
        Plan::Filter(node) => contains_ungrouped(&node.input),
        Plan::Sort(node) => contains_ungrouped(&node.input),
        Plan::Join(node) => contains_ungrouped(&node.left) || contains_ungrouped(&node.right),
        _ => false,
    }
}
