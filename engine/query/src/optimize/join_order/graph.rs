//! The tables of a nest of inner joins with the conditions between them.

use std::collections::{HashMap, HashSet};

use firn_expression::Expr;
use firn_types::ColumnId;
use firn_types::scan_predicate::Comparison;

use super::{Tree, passes_only};
use crate::optimize::decorrelate::{equality, key_of};
use crate::optimize::estimate::{Columns, Estimate, key_selectivity, selectivity_of_all};
use firn_plan::{Filter, Join, JoinKey, JoinKind, Plan, PlanColumn};

/// Most tables of one nest: the bits of a set. The upper joins of a larger nest stay in the order in which they
/// are written.
const TABLES_MAX: usize = 128;

/// Tables and conditions of a nest of inner joins.
#[derive(Debug, Default)]
pub(in crate::optimize) struct Graph {
    /// The tables: whatever is not itself an inner join.
    pub(in crate::optimize) relations: Vec<Plan>,
    /// What each gives.
    pub(in crate::optimize) estimates: Vec<Estimate>,
    edges: Vec<Edge>,
    owners: HashMap<ColumnId, usize>,
}

/// A condition with the set of tables that it is about.
#[derive(Clone, Debug)]
struct Edge {
    tables: u128,
    condition: Expr,
    /// Of an equality of columns that are all to be equal: which columns. One such equality between two sets
    /// of tables is enough.
    class: Option<usize>,
}

/// Tables, and conditions about them.
pub(in crate::optimize) struct Tables {
    pub(in crate::optimize) relations: Vec<Plan>,
    pub(in crate::optimize) conditions: Vec<Expr>,
}

impl Graph {
    /// Takes a nest of inner joins apart; one of too many tables is taken for one table.
    pub(in crate::optimize) fn flatten(&mut self, plan: Plan) {
        let mut conditions = Vec::new();
        match is_too_large(&plan) {
            true => self.add_relation(plan),
            false => self.add(plan, &mut conditions),
        }
        for condition in conditions {
            let tables = self.tables_of(&condition);
            self.edges.push(Edge { tables, condition, class: None });
        }
    }

    /// Adds the equalities that follow from others: of tables that are tied to the same one, two may be joined
    /// first.
    pub(super) fn close(&mut self) {
        for (class, columns) in equal_columns(&self.edges).into_iter().enumerate() {
            let owners: HashSet<&usize> =
                columns.iter().filter_map(|id| self.owners.get(id)).collect();
            // Two columns of one table would have to be compared with each other there.
            if columns.len() < 3 || owners.len() < columns.len() {
                continue;
            }
            for (at, left) in columns.iter().enumerate() {
                for right in &columns[at + 1..] {
                    self.equate(*left, *right, class);
                }
            }
        }
    }

    /// Makes the equality of two columns, which may be there already, one of a class.
    fn equate(&mut self, left: ColumnId, right: ColumnId, class: usize) {
        let is_same = |edge: &&mut Edge| {
            equal_pair(&edge.condition)
                .is_some_and(|pair| pair == (left, right) || pair == (right, left))
        };
        if let Some(edge) = self.edges.iter_mut().find(is_same) {
            edge.class = Some(class);
        } else if let (Some(left), Some(right)) = (self.column(left), self.column(right)) {
            let key = JoinKey { left: left.expr(), right: right.expr(), null_equals_null: false };
            let condition = equality(key);
            let tables = self.tables_of(&condition);
            self.edges.push(Edge { tables, condition, class: Some(class) });
        }
    }

    fn add(&mut self, plan: Plan, conditions: &mut Vec<Expr>) {
        match plan {
            Plan::Join(join) if join.kind == JoinKind::Inner => {
                let Join { left, right, keys, conditions: own, .. } = *join;
                self.add(*left, conditions);
                self.add(*right, conditions);
                conditions.extend(keys.into_iter().map(equality));
                conditions.extend(own);
            }
            Plan::Project(project) if passes_only(&project) && is_inner(&project.input) => {
                self.add(*project.input, conditions);
            }
            other => self.add_relation(other),
        }
    }

    fn add_relation(&mut self, plan: Plan) {
        let index = self.relations.len();
        self.owners.extend(plan.columns().iter().map(|column| (column.id, index)));
        self.relations.push(plan);
    }

    /// Whether some condition is about tables of both sets and of no others.
    pub(in crate::optimize) fn is_connected(&self, left: u128, right: u128) -> bool {
        let both = left | right;
        self.edges.iter().any(|edge| {
            edge.tables & left != 0 && edge.tables & right != 0 && edge.tables & !both == 0
        })
    }

    /// The conditions that a join of two sets can check and neither set alone could.
    fn between(&self, left: u128, right: u128) -> Vec<Expr> {
        let both = left | right;
        let here = self.edges.iter().filter(|edge| {
            edge.tables & !both == 0 && edge.tables & !left != 0 && edge.tables & !right != 0
        });
        let mut classes = HashSet::new();
        let here = here.filter(|edge| edge.class.is_none_or(|class| classes.insert(class)));
        here.map(|edge| edge.condition.clone()).collect()
    }

    /// The tables that an expression is about.
    pub(in crate::optimize) fn tables_of(&self, expr: &Expr) -> u128 {
        let used = expr.columns_used();
        used.iter().filter_map(|id| self.owners.get(id)).fold(0, |set, index| set | 1 << index)
    }

    /// Whether a column comes from a table of the set.
    pub(in crate::optimize) fn is_in(&self, id: ColumnId, set: u128) -> bool {
        self.owners.get(&id).is_some_and(|index| set >> index & 1 == 1)
    }

    /// One of the tables' columns.
    pub(in crate::optimize) fn column(&self, id: ColumnId) -> Option<PlanColumn> {
        let table = &self.relations[*self.owners.get(&id)?];
        table.columns().into_iter().find(|column| column.id == id)
    }

    /// Different values of one of the tables' columns.
    pub(in crate::optimize) fn distinct(&self, column: &PlanColumn) -> f64 {
        let owner = self.owners.get(&column.id).map(|index| &self.estimates[*index]);
        owner.map_or(1.0, |estimate| estimate.distinct(&column.expr()))
    }

    /// Whether conditions between tables of the set hold all of it together.
    pub(in crate::optimize) fn is_whole(&self, set: u128) -> bool {
        let mut reached = set & set.wrapping_neg();
        loop {
            let near = (0..self.relations.len()).map(|index| 1_u128 << index).filter(|table| {
                set & table != 0 && reached & table == 0 && self.is_connected(reached, *table)
            });
            let more = near.fold(0, |more, table| more | table);
            if more == 0 {
                return reached == set;
            }
            reached |= more;
        }
    }

    /// The conditions between tables of the set and others.
    pub(in crate::optimize) fn leaving(&self, set: u128) -> impl Iterator<Item = &Expr> {
        let leaves = move |edge: &&Edge| edge.tables & set != 0 && edge.tables & !set != 0;
        self.edges.iter().filter(leaves).map(|edge| &edge.condition)
    }

    /// The tables of the set with the conditions between them, and all others of both.
    pub(in crate::optimize) fn part(self, set: u128) -> (Tables, Tables) {
        let relations = self.relations.into_iter().enumerate();
        let (own, others): (Vec<_>, Vec<_>) =
            relations.partition(|(index, _)| set >> index & 1 == 1);
        let is_own = |edge: &Edge| edge.tables != 0 && edge.tables & !set == 0;
        let (inside, outside): (Vec<_>, Vec<_>) = self.edges.into_iter().partition(is_own);
        let tables = |relations: Vec<(usize, Plan)>, edges: Vec<Edge>| Tables {
            relations: relations.into_iter().map(|(_, relation)| relation).collect(),
            conditions: edges.into_iter().map(|edge| edge.condition).collect(),
        };
        (tables(own, inside), tables(others, outside))
    }

    fn columns_of(&self, set: u128) -> HashSet<ColumnId> {
        let inside = self.owners.iter().filter(|(_, index)| set >> **index & 1 == 1);
        inside.map(|(id, _)| *id).collect()
    }

    /// The conditions between two sets as keys and the rest.
    fn keys(&self, left: u128, right: u128) -> (Vec<JoinKey>, Vec<Expr>) {
        let (left_columns, right_columns) = (self.columns_of(left), self.columns_of(right));
        let mut keys = Vec::new();
        let mut rest = Vec::new();
        for condition in self.between(left, right) {
            match key_of(condition, &left_columns, &right_columns) {
                Ok(key) => keys.push(key),
                Err(condition) => rest.push(condition),
            }
        }
        (keys, rest)
    }

    /// What a join of two sets gives.
    pub(super) fn join_estimate(&self, left: &Tree, right: &Tree) -> Estimate {
        let (keys, rest) = self.keys(left.set, right.set);
        let (left_estimate, right_estimate) = (&left.estimate, &right.estimate);
        let columns = Columns::both(&left_estimate.columns, &right_estimate.columns);
        let both = Estimate { rows: left_estimate.rows * right_estimate.rows, columns };
        let part = key_selectivity(&keys, left_estimate, right_estimate)
            * selectivity_of_all(&rest, &both);
        // The values of a key are those of the side that has fewer.
        let values = keys.iter().flat_map(|key| {
            let values = left_estimate.distinct(&key.left).min(right_estimate.distinct(&key.right));
            let columns = [&key.left, &key.right].into_iter().filter_map(Expr::as_column);
            columns.map(move |id| (id, values))
        });
        let rows = (both.rows * part).max(1.0);
        Estimate { rows, columns: both.columns.restricted(values.collect()).at_most(rows) }
    }

    /// The plan of a tree; every condition stands at the lowest join that can check it.
    pub(super) fn build(mut self, tree: &Tree) -> Plan {
        let mut relations: Vec<Option<Plan>> =
            std::mem::take(&mut self.relations).into_iter().map(Some).collect();
        let plan = self.build_tree(tree, &mut relations);
        // What is about no table at all is checked above everything.
        let conditions: Vec<Expr> = self
            .edges
            .iter()
            .filter(|edge| edge.tables.count_ones() < 2)
            .map(|edge| edge.condition.clone())
            .collect();
        if conditions.is_empty() {
            return plan;
        }
        Plan::Filter(Filter { input: Box::new(plan), conditions })
    }

    fn build_tree(&self, tree: &Tree, relations: &mut Vec<Option<Plan>>) -> Plan {
        let Some((left, right)) = &tree.parts else {
            let table = relations.get_mut(tree.set.trailing_zeros() as usize);
            return table.and_then(Option::take).unwrap_or_else(Plan::one_row);
        };
        let (keys, conditions) = self.keys(left.set, right.set);
        Plan::Join(Box::new(Join {
            kind: JoinKind::Inner,
            left: Box::new(self.build_tree(left, relations)),
            right: Box::new(self.build_tree(right, relations)),
            keys,
            conditions,
        }))
    }
}

/// The two columns that a condition wants to be equal, if they are of one type.
fn equal_pair(condition: &Expr) -> Option<(ColumnId, ColumnId)> {
    match condition {
        Expr::Compare { operator: Comparison::Equal, left, right }
            if left.sql_type() == right.sql_type() =>
        {
            left.as_column().zip(right.as_column())
        }
        _ => None,
    }
}

/// The columns that conditions want to be equal to each other.
fn equal_columns(edges: &[Edge]) -> Vec<Vec<ColumnId>> {
    let mut classes: Vec<Vec<ColumnId>> = Vec::new();
    for (left, right) in edges.iter().filter_map(|edge| equal_pair(&edge.condition)) {
        let meets = |class: &Vec<ColumnId>| class.contains(&left) || class.contains(&right);
        let (met, others): (Vec<_>, Vec<_>) = classes.into_iter().partition(meets);
        let mut merged: Vec<ColumnId> = met.into_iter().flatten().chain([left, right]).collect();
        merged.sort_unstable();
        merged.dedup();
        classes = others;
        classes.push(merged);
    }
    classes
}

/// Whether a nest of inner joins has more tables than a set has bits.
pub(super) fn is_too_large(plan: &Plan) -> bool {
    let (mut tables, mut pending) = (0, vec![plan]);
    while let Some(plan) = pending.pop() {
        match plan {
            Plan::Join(join) if join.kind == JoinKind::Inner => {
                pending.extend([join.left.as_ref(), join.right.as_ref()]);
            }
            Plan::Project(project) if passes_only(project) && is_inner(&project.input) => {
                pending.push(&project.input);
            }
            _ => tables += 1,
        }
    }
    tables > TABLES_MAX
}

fn is_inner(plan: &Plan) -> bool {
    match plan {
        Plan::Join(join) => join.kind == JoinKind::Inner,
        Plan::Project(project) => passes_only(project) && is_inner(&project.input),
        _ => false,
    }
}
