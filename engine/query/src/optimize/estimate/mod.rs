//! How many rows a plan gives, and how many different values its columns have: estimates from statistics.

mod columns;

use std::collections::HashMap;

use firn_expression::Expr;
use firn_functions::Meaning;
use firn_types::scan_predicate::Comparison;
use firn_types::{ColumnId, Value};

pub(super) use columns::Columns;
use columns::{ColumnEstimate, number};

use firn_plan::{CteRef, Join, JoinKey, JoinKind, Plan, Scan, SetOperation, SetOperator};

/// The part of rows that pass a condition of which nothing is known.
const UNKNOWN_SELECTIVITY: f64 = 0.25;
/// The part of rows that pass an equality of which nothing is known.
const EQUALITY_SELECTIVITY: f64 = 0.05;
/// The part of rows that pass a pattern.
const PATTERN_SELECTIVITY: f64 = 0.1;
/// Rows of a source of which nothing is known.
const UNKNOWN_ROWS: f64 = 1000.0;

/// What a plan gives.
#[derive(Clone, Debug, Default)]
pub(super) struct Estimate {
    /// Rows, at least one.
    pub(super) rows: f64,
    /// What its columns hold.
    pub(super) columns: Columns,
}

impl Estimate {
    /// Different values of an expression: a column's, or no more than there are rows.
    pub(super) fn distinct(&self, expr: &Expr) -> f64 {
        let known = match expr {
            Expr::Column { id, .. } => self.columns.get(*id).map(|column| column.distinct),
            Expr::Cast { input, .. } => Some(self.distinct(input)),
            Expr::Literal { .. } => Some(1.0),
            _ => None,
        };
        known.unwrap_or(self.rows / 10.0).clamp(1.0, self.rows.max(1.0))
    }

    fn scaled(self, part: f64) -> Estimate {
        let rows = (self.rows * part).max(1.0);
        Estimate { rows, columns: self.columns.scaled(self.rows.max(1.0), rows) }
    }

    /// A column that conditions compare with constants has no more values than they leave it.
    fn restricted(self, conditions: &[Expr]) -> Estimate {
        let values = conditions.iter().filter_map(values_left).collect();
        Estimate { rows: self.rows, columns: self.columns.restricted(values) }
    }
}

/// How many values a condition leaves to the one column that it is about, where it names them.
fn values_left(condition: &Expr) -> Option<(ColumnId, f64)> {
    match condition {
        Expr::Compare { operator: Comparison::Equal, left, right } => {
            let constant = left.as_literal().or(right.as_literal());
            constant.and(left.as_column().or(right.as_column())).map(|id| (id, 1.0))
        }
        Expr::InList { input, list } => Some((input.as_column()?, list.len() as f64)),
        Expr::And(parts) => parts.iter().find_map(values_left),
        Expr::Or(parts) => {
            let (first, mut values) = values_left(parts.first()?)?;
            for part in &parts[1..] {
                let (id, more) = values_left(part)?;
                if id != first {
                    return None;
                }
                values += more;
            }
            Some((first, values))
        }
        _ => None,
    }
}

/// Estimates plans; it knows the common table expressions around them.
#[derive(Clone, Debug, Default)]
pub(super) struct Estimator {
    /// For each what it gives, and its columns in order.
    ctes: HashMap<u32, (Estimate, Vec<ColumnId>)>,
}

impl Estimator {
    /// Remembers a common table expression for the plans that refer to it.
    pub(super) fn define(&mut self, cte: u32, definition: &Plan) {
        let estimate = self.estimate(definition);
        self.ctes.insert(cte, (estimate, ids_of(definition)));
    }

    /// Estimates a plan.
    pub(super) fn estimate(&self, plan: &Plan) -> Estimate {
        match plan {
            Plan::Scan(scan) => scan_estimate(scan),
            Plan::Values(node) => {
                Estimate { rows: (node.rows.len() as f64).max(1.0), ..Estimate::default() }
            }
            Plan::Generate(node) => Estimate { rows: node.rows as f64, ..Estimate::default() },
            Plan::CteRef(node) => self.reference(node),
            Plan::VirtualScan(_) | Plan::StageScan(_) | Plan::RecursiveCte(_) => {
                Estimate { rows: UNKNOWN_ROWS, ..Estimate::default() }
            }
            Plan::Filter(node) => {
                let input = self.estimate(&node.input);
                let part = selectivity_of_all(&node.conditions, &input);
                input.scaled(part).restricted(&node.conditions)
            }
            Plan::Project(node) => {
                let input = self.estimate(&node.input);
                let names = node.items.iter().filter_map(|item| match &item.expr {
                    Expr::Literal { .. } => Some((item.id, None)),
                    expr => Some((item.id, Some(expr.as_column()?))),
                });
                Estimate { rows: input.rows, columns: input.columns.renamed(names.collect()) }
            }
            Plan::Aggregate(node) => {
                let input = self.estimate(&node.input);
                if node.groups.is_empty() {
                    return Estimate { rows: 1.0, ..Estimate::default() };
                }
                let groups: f64 =
                    node.groups.iter().map(|group| input.distinct(&group.expr)).product();
                let rows = groups.min(input.rows).max(1.0);
                let columns = node.groups.iter().map(|group| {
                    let distinct = input.distinct(&group.expr).min(rows);
                    (group.id, ColumnEstimate { distinct, range: None })
                });
                Estimate { rows, columns: Columns::known(columns.collect()) }
            }
            Plan::Window(node) => self.estimate(&node.input),
            Plan::Secure(node) => self.estimate(&node.input),
            Plan::Sort(node) => bounded(self.estimate(&node.input), node.limit),
            Plan::Limit(node) => bounded(self.estimate(&node.input), node.fetch),
            Plan::Sample(node) => self.estimate(&node.input),
            Plan::Join(join) => self.join(join),
            Plan::Apply(apply) => self.estimate(&apply.left),
            Plan::SetOperation(node) => self.set_operation(node),
            Plan::LateralFunction(node) => {
                let input = self.estimate(&node.input);
                Estimate { rows: input.rows * 3.0, columns: input.columns }
            }
            Plan::ForeignTable(node) => {
                let rows = self.estimate(&node.input).rows;
                Estimate { rows, ..Estimate::default() }
            }
            Plan::With(node) => {
                let mut inner = self.clone();
                inner.define(node.cte, &node.definition);
                inner.estimate(&node.body)
            }
        }
    }

    fn reference(&self, node: &CteRef) -> Estimate {
        let Some((estimate, columns)) = self.ctes.get(&node.cte) else {
            return Estimate { rows: UNKNOWN_ROWS, ..Estimate::default() };
        };
        let names = node.columns.iter().zip(columns).map(|(new, old)| (new.id, Some(*old)));
        let columns = estimate.columns.clone().renamed(names.collect());
        Estimate { rows: estimate.rows, columns }
    }

    fn set_operation(&self, node: &SetOperation) -> Estimate {
        let inputs: Vec<Estimate> = node.inputs.iter().map(|input| self.estimate(input)).collect();
        let rows = inputs.iter().map(|input| input.rows);
        if node.operator != SetOperator::UnionAll {
            return Estimate { rows: rows.fold(f64::MAX, f64::min), ..Estimate::default() };
        }
        let rows = rows.sum();
        let columns = node.columns.iter().map(|column| column.id).collect();
        let inputs = node.inputs.iter().zip(inputs);
        let inputs = inputs.map(|(input, estimate)| (estimate.columns, ids_of(input))).collect();
        Estimate { rows, columns: Columns::united(columns, inputs) }
    }

    fn join(&self, join: &Join) -> Estimate {
        let (left, right) = (self.estimate(&join.left), self.estimate(&join.right));
        let columns = Columns::both(&left.columns, &right.columns);
        let both = Estimate { rows: left.rows * right.rows, columns };
        let part = key_selectivity(&join.keys, &left, &right)
            * selectivity_of_all(&join.conditions, &both);
        let matches = (both.rows * part).max(1.0);
        let rows = match join.kind {
            JoinKind::Inner => matches,
            JoinKind::Left => matches.max(left.rows),
            JoinKind::Right => matches.max(right.rows),
            JoinKind::Full => matches.max(left.rows + right.rows),
            JoinKind::Semi => left.rows * matching_part(join, &left, &right),
            JoinKind::Anti => left.rows * (1.0 - matching_part(join, &left, &right)).max(0.1),
            JoinKind::RightSemi => right.rows * matching_part(join, &left, &right),
            JoinKind::RightAnti => right.rows * (1.0 - matching_part(join, &left, &right)).max(0.1),
            JoinKind::Mark { .. } | JoinKind::Single => left.rows,
        };
        Estimate { rows, columns: both.columns.at_most(rows) }
    }
}

/// A plan's columns in order.
fn ids_of(plan: &Plan) -> Vec<ColumnId> {
    plan.columns().iter().map(|column| column.id).collect()
}

fn bounded(mut estimate: Estimate, limit: Option<u64>) -> Estimate {
    if let Some(limit) = limit {
        estimate.rows = estimate.rows.min(limit as f64).max(1.0);
    }
    estimate
}

fn scan_estimate(scan: &Scan) -> Estimate {
    // What cannot be read is an error where the rows are.
    let rows = (scan.snapshot.rows().unwrap_or(0) as f64).max(1.0);
    let whole = Estimate { rows, columns: Columns::of_table(scan, rows) };
    let part = selectivity_of_all(&scan.conditions, &whole);
    whole.scaled(part).restricted(&scan.conditions)
}

/// The part of rows that pass all conditions. A lower and an upper bound of one column are taken together.
pub(super) fn selectivity_of_all(conditions: &[Expr], input: &Estimate) -> f64 {
    let mut part = 1.0;
    let mut ranges: HashMap<ColumnId, (f64, f64)> = HashMap::new();
    for condition in conditions.iter().flat_map(|c| c.clone().into_conjuncts()) {
        match bound_of(&condition, input) {
            Some((id, low, high)) => {
                let range = ranges.entry(id).or_insert((0.0, 1.0));
                *range = (range.0.max(low), range.1.min(high));
            }
            None => part *= selectivity(&condition, input),
        }
    }
    ranges.values().fold(part, |part, (low, high)| part * (high - low).clamp(0.0001, 1.0))
}

/// The part of a column's range, from 0 to 1, that a comparison with a constant leaves.
fn bound_of(condition: &Expr, input: &Estimate) -> Option<(ColumnId, f64, f64)> {
    let Expr::Compare { operator, left, right } = condition else { return None };
    let (id, operator, value) = match (left.as_column(), right.as_literal()) {
        (Some(id), Some(value)) => (id, *operator, value),
        _ => (right.as_column()?, operator.swapped(), left.as_literal()?),
    };
    let (low, high) = input.columns.get(id)?.range?;
    let at = ((number(value)? - low) / (high - low).max(1e-9)).clamp(0.0, 1.0);
    match operator {
        Comparison::Less | Comparison::LessOrEqual => Some((id, 0.0, at)),
        Comparison::Greater | Comparison::GreaterOrEqual => Some((id, at, 1.0)),
        Comparison::Equal | Comparison::NotEqual => None,
    }
}

/// The part of rows that pass one condition.
fn selectivity(condition: &Expr, input: &Estimate) -> f64 {
    match condition {
        Expr::Literal { value: Value::Boolean(true), .. } => 1.0,
        Expr::Literal { .. } => 0.0001,
        Expr::Compare { operator, left, right } => {
            let equal = match (left.as_column(), right.as_column()) {
                (None, None) => EQUALITY_SELECTIVITY,
                _ => 1.0 / input.distinct(left).max(input.distinct(right)).max(1.0),
            };
            match operator {
                Comparison::Equal => equal,
                Comparison::NotEqual => 1.0 - equal,
                _ => UNKNOWN_SELECTIVITY,
            }
        }
        Expr::InList { input: operand, list } => {
            (list.len() as f64 / input.distinct(operand)).clamp(0.0001, 1.0)
        }
        Expr::And(parts) => parts.iter().map(|part| selectivity(part, input)).product(),
        Expr::Or(parts) => {
            let none: f64 = parts.iter().map(|part| 1.0 - selectivity(part, input)).product();
            1.0 - none
        }
        Expr::Not(inner) => (1.0 - selectivity(inner, input)).max(0.0001),
        Expr::IsNull(_) => 0.05,
        Expr::Call { function, .. } if matches!(function.meaning, Meaning::TextMatch(_)) => {
            PATTERN_SELECTIVITY
        }
        _ => UNKNOWN_SELECTIVITY,
    }
}

/// The part of all pairs of rows that pairs of keys leave. Keys of one pair of tables are not independent:
/// together they have no more different values than their table has rows.
pub(super) fn key_selectivity(keys: &[JoinKey], left: &Estimate, right: &Estimate) -> f64 {
    if keys.is_empty() {
        return 1.0;
    }
    let on_left = distinct_together(left, keys.iter().map(|key| &key.left));
    let on_right = distinct_together(right, keys.iter().map(|key| &key.right));
    1.0 / on_left.max(on_right)
}

/// Different combinations of expressions over one side.
fn distinct_together<'e>(side: &Estimate, exprs: impl Iterator<Item = &'e Expr>) -> f64 {
    let product: f64 = exprs.map(|expr| side.distinct(expr)).product();
    product.min(side.rows).max(1.0)
}

/// The part of the rows that a semi join keeps: their keys' different values beside those of the other side,
/// as if the fewer values were among the more.
fn matching_part(join: &Join, left: &Estimate, right: &Estimate) -> f64 {
    let on_left = distinct_together(left, join.keys.iter().map(|key| &key.left));
    let on_right = distinct_together(right, join.keys.iter().map(|key| &key.right));
    let part = match join.kind.filters_build_side() {
        true => on_left / on_right,
        false => on_right / on_left,
    };
    let others = if join.conditions.is_empty() { 1.0 } else { 0.5 };
    part.clamp(0.0001, 1.0) * others
}
