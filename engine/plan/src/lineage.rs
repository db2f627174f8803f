//! From which columns the values of a plan's columns come.
//!
//! Values flow through expressions, aggregates and the places of set operations and named queries; not from what only
//! decides which rows there are: conditions, keys of joins and groups, orders.

use std::collections::{HashMap, HashSet};

use firn_expression::Expr;
use firn_types::ColumnId;

use super::{ApplyKind, Plan, PlanColumn};

/// For each column that a node of a plan makes, the columns that it is made of.
#[derive(Debug, Default)]
pub struct Lineage(HashMap<ColumnId, Vec<ColumnId>>);

impl Lineage {
    /// The lineage of all columns of a plan.
    pub fn of(plan: &Plan) -> Lineage {
        // A query may be read before it is met.
        let mut definitions: HashMap<u32, Vec<ColumnId>> = HashMap::new();
        plan.visit(&mut |node| match node {
            Plan::With(node) => {
                definitions.insert(node.cte, ids(&node.definition));
            }
            Plan::RecursiveCte(node) => {
                definitions.insert(node.cte, node.columns.iter().map(|column| column.id).collect());
            }
            _ => {}
        });
        let mut lineage = Lineage::default();
        plan.visit(&mut |node| lineage.note(node, &definitions));
        lineage
    }

    /// The columns from which the values of these come, by any number of steps; they themselves are among them.
    pub fn reached(&self, from: impl IntoIterator<Item = ColumnId>) -> HashSet<ColumnId> {
        self.reached_until(from, |_| false)
    }

    /// As [`Lineage::reached`], where nobody asks what the columns are made of at which it ends.
    pub fn reached_until(
        &self,
        from: impl IntoIterator<Item = ColumnId>,
        ends: impl Fn(ColumnId) -> bool,
    ) -> HashSet<ColumnId> {
        let mut reached = HashSet::new();
        let mut pending: Vec<ColumnId> = from.into_iter().collect();
        while let Some(id) = pending.pop() {
            if reached.insert(id) && !ends(id) {
                pending.extend(self.0.get(&id).into_iter().flatten());
            }
        }
        reached
    }

    fn note(&mut self, node: &Plan, definitions: &HashMap<u32, Vec<ColumnId>>) {
        match node {
            Plan::Project(node) => {
                node.items.iter().for_each(|item| self.made(item.id, [&item.expr]));
            }
            Plan::Aggregate(node) => {
                node.groups.iter().for_each(|item| self.made(item.id, [&item.expr]));
                for call in &node.aggregates {
                    let order = call.order_by.iter().map(|key| &key.expr);
                    self.made(call.id, call.arguments.iter().chain(order));
                }
            }
            Plan::Apply(node) => {
                if let ApplyKind::Any { id, conditions } = &node.kind {
                    self.made(*id, conditions);
                }
            }
            Plan::Window(node) => {
                node.calls.iter().for_each(|call| self.made(call.id, &call.arguments));
            }
            Plan::LateralFunction(node) => {
                node.columns.iter().for_each(|column| self.made(column.id, &node.arguments));
            }
            Plan::ForeignTable(node) => {
                node.columns.iter().for_each(|column| self.made(column.id, &node.arguments));
            }
            Plan::SetOperation(node) => {
                node.inputs.iter().for_each(|input| self.by_place(&node.columns, &ids(input)));
            }
            Plan::RecursiveCte(node) => {
                self.by_place(&node.columns, &ids(&node.anchor));
                self.by_place(&node.columns, &ids(&node.step));
            }
            Plan::CteRef(node) => {
                if let Some(definition) = definitions.get(&node.cte) {
                    self.by_place(&node.columns, definition);
                }
            }
            _ => {}
        }
    }

    fn made<'e>(&mut self, id: ColumnId, exprs: impl IntoIterator<Item = &'e Expr>) {
        let of = exprs.into_iter().flat_map(Expr::columns_used);
        self.0.entry(id).or_default().extend(of.filter(|of| *of != id));
    }

    /// Each column comes from that in its place.
    fn by_place(&mut self, columns: &[PlanColumn], input: &[ColumnId]) {
        for (column, from) in columns.iter().zip(input) {
            self.0.entry(column.id).or_default().push(*from);
        }
    }
}

fn ids(plan: &Plan) -> Vec<ColumnId> {
    plan.columns().into_iter().map(|column| column.id).collect()
}
