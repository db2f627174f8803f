//! The rows that have some of the keys that have changed, found as near to the tables as possible.

use std::collections::{HashMap, HashSet};

use firn_expression::Expr;
use firn_plan::{
    CteRef, Join, JoinKey, JoinKind, Plan, PlanColumn, Project, ProjectItem, SetOperator, Window,
    With,
};
use firn_types::ColumnId;

use crate::bind::Binder;
use crate::optimize::substitute::{substitute, uses_only};

/// Rows that are computed once and read several times.
pub(super) struct Shared {
    cte: u32,
    definition: Plan,
    columns: Vec<PlanColumn>,
}

impl Shared {
    /// Shares some columns of a plan.
    pub(super) fn new(binder: &Binder<'_>, plan: Plan, columns: &[PlanColumn]) -> Shared {
        let items = columns.iter().map(ProjectItem::pass).collect();
        let plan = Plan::Project(Project { input: Box::new(plan), items });
        // Who reads it may use the ids that it has.
        let (definition, _) = plan.copied(binder);
        Shared { cte: binder.fresh_cte(), definition, columns: columns.to_vec() }
    }

    /// Reads the rows.
    pub(super) fn read(&self, binder: &Binder<'_>) -> (Plan, Vec<PlanColumn>) {
        let fresh = |column: &PlanColumn| PlanColumn { id: binder.fresh(), ..column.clone() };
        let columns: Vec<PlanColumn> = self.columns.iter().map(fresh).collect();
        (Plan::CteRef(CteRef { cte: self.cte, columns: columns.clone() }), columns)
    }

    /// Reads the rows under the ids of other columns.
    pub(super) fn as_columns(&self, binder: &Binder<'_>, columns: &[PlanColumn]) -> Plan {
        let (plan, given) = self.read(binder);
        let items = columns.iter().zip(&given).map(|(column, given)| ProjectItem {
            id: column.id,
            name: column.name.clone(),
            expr: given.expr(),
        });
        Plan::Project(Project { items: items.collect(), input: Box::new(plan) })
    }

    /// A plan that reads the rows, below what they are.
    pub(super) fn around(self, body: Plan) -> Plan {
        let definition = Box::new(self.definition);
        Plan::With(Box::new(With { cte: self.cte, definition, body: Box::new(body) }))
    }
}

/// The rows of a plan in which the keys, expressions over its columns, have values that are known.
pub(super) fn restricted(binder: &Binder<'_>, plan: Plan, keys: &[Expr], known: &Shared) -> Plan {
    let keys = keys.iter().cloned().enumerate().map(|(at, expr)| Key { expr, at }).collect();
    Restricting { binder, known }.rows(plan, keys)
}

/// An expression, and the position of the column of the known values that it is to be in.
#[derive(Clone)]
struct Key {
    expr: Expr,
    at: usize,
}

struct Restricting<'a> {
    binder: &'a Binder<'a>,
    known: &'a Shared,
}

impl Restricting<'_> {
    fn rows(&self, plan: Plan, keys: Vec<Key>) -> Plan {
        match plan {
            Plan::Project(mut node) => {
                let by: HashMap<ColumnId, Expr> =
                    node.items.iter().map(|item| (item.id, item.expr.clone())).collect();
                self.below(&mut node.input, substituted(keys, &by));
                Plan::Project(node)
            }
            Plan::Filter(mut node) => {
                self.below(&mut node.input, keys);
                Plan::Filter(node)
            }
            Plan::SetOperation(mut node) if node.operator == SetOperator::UnionAll => {
                for input in &mut node.inputs {
                    let given = input.columns();
                    let given = given.iter().map(PlanColumn::expr);
                    let by = node.columns.iter().map(|column| column.id).zip(given).collect();
                    self.below(input, substituted(keys.clone(), &by));
                }
                Plan::SetOperation(node)
            }
            Plan::Join(join) if matches!(join.kind, JoinKind::Inner | JoinKind::Left) => {
                self.join(*join, keys)
            }
            other => self.semi_join(other, keys),
        }
    }

    fn below(&self, plan: &mut Plan, keys: Vec<Key>) {
        let rows = std::mem::replace(plan, Plan::one_row());
        *plan = self.rows(rows, keys);
    }

    /// Each side is restricted by the keys that it has, and by those that the join ties it to; where one side does
    /// not have all of them, so is what is joined.
    fn join(&self, mut join: Join, keys: Vec<Key>) -> Plan {
        let (left, right) = (ids(&join.left), ids(&join.right));
        let own = |side: &HashSet<ColumnId>| -> Vec<Key> {
            keys.iter().filter(|key| uses_only(&key.expr, side)).cloned().collect()
        };
        let (own_left, own_right) = (own(&left), own(&right));
        let is_inner = join.kind == JoinKind::Inner;
        let whole = own_left.len() == keys.len() || is_inner && own_right.len() == keys.len();
        let strict: Vec<&JoinKey> = join.keys.iter().filter(|key| !key.null_equals_null).collect();
        let tied = |own: &[Key], ends: fn(&JoinKey) -> (&Expr, &Expr)| -> Vec<Key> {
            let tie = |key: &Key| {
                let (_, to) =
                    strict.iter().map(|tie| ends(tie)).find(|(from, _)| **from == key.expr)?;
                (to.sql_type() == key.expr.sql_type()).then(|| Key { expr: to.clone(), at: key.at })
            };
            own.iter().filter_map(tie).collect()
        };
        let mut on_right = tied(&own_left, |key| (&key.left, &key.right));
        let mut on_left = own_left;
        if is_inner {
            on_left.extend(tied(&own_right, |key| (&key.right, &key.left)));
            on_right.extend(own_right);
        }
        if !on_left.is_empty() {
            self.below(&mut join.left, on_left);
        }
        if !on_right.is_empty() {
            self.below(&mut join.right, on_right);
        }
        let joined = Plan::Join(Box::new(join));
        if whole { joined } else { self.semi_join(joined, keys) }
    }

    fn semi_join(&self, plan: Plan, keys: Vec<Key>) -> Plan {
        let (known, columns) = self.known.read(self.binder);
        let key = |key: Key| {
            let right = columns.get(key.at)?.expr();
            Some(JoinKey { left: key.expr, right, null_equals_null: true })
        };
        Plan::Join(Box::new(Join {
            kind: JoinKind::Semi,
            left: Box::new(plan),
            right: Box::new(known),
            keys: keys.into_iter().filter_map(key).collect(),
            conditions: Vec::new(),
        }))
    }
}

fn substituted(keys: Vec<Key>, by: &HashMap<ColumnId, Expr>) -> Vec<Key> {
    keys.into_iter().map(|key| Key { expr: substitute(key.expr, by), at: key.at }).collect()
}

fn ids(plan: &Plan) -> HashSet<ColumnId> {
    plan.columns().iter().map(|column| column.id).collect()
}

/// What all calls of a window node are partitioned by.
pub(super) fn common_partition(window: &Window) -> Vec<Expr> {
    let Some((first, others)) = window.calls.split_first() else { return Vec::new() };
    let in_all = |key: &&Expr| others.iter().all(|call| call.partition_by.contains(key));
    first.partition_by.iter().filter(in_all).cloned().collect()
}
