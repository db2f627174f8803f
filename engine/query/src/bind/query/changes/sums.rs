//! Groups whose stored rows can be added to: sums and counts of which the difference of the input tells how much comes
//! and goes, so that no row of the group is read again.
//!
//! ```text
//! stored + sum of what has come - sum of what has gone          and the group goes with its last row
//! ```
//!
//! The number of a group's rows must be stored, since nothing else says when its last row has gone; and for a sum of
//! what may be NULL the number of its values, which says when it is NULL.

use firn_expression::Expr;
use firn_functions::AggregateMeaning;
use firn_plan::statement::{Merge, MergeAction, MergeClause};
use firn_plan::{
    Aggregate, AggregateCall, Filter, Join, JoinKey, JoinKind, Plan, PlanColumn, Project,
    ProjectItem,
};
use firn_types::scan_predicate::Comparison;
use firn_types::{Result, SqlType};

use super::difference::{WEIGHT, union};
use super::net::{call, compare, item, number};
use super::refresh::{Refreshing, inserting};
use super::root::{RootKey, keyed_node, shown};
use super::support::undetermined;
use crate::bind::expr::cast;
use crate::optimize::partial::scalar;

/// A column of sums or counts.
struct SumColumn {
    /// The position among the query's columns.
    at: usize,
    /// What it is.
    call: AggregateCall,
    /// Of a sum of what may be NULL, the position of the number of its values.
    values_at: Option<usize>,
}

/// The columns of a query that sums and counts, besides the keys.
pub(super) struct Sums {
    columns: Vec<SumColumn>,
    /// The position of the number of rows.
    rows_at: usize,
}

impl Sums {
    /// The sums of a query whose last step is an aggregation; none when some column is anything else, or the numbers
    /// are missing.
    pub(super) fn of(plan: &Plan, columns: &[PlanColumn]) -> Option<Sums> {
        let (shown, node, is_filtered) = shown(plan, columns);
        let Plan::Aggregate(node) = node else { return None };
        if is_filtered || node.grouping_sets.is_some() {
            return None;
        }
        // What is summed must be the same when it is taken away again.
        if !undetermined(&node.input).ok()?.is_empty() {
            return None;
        }
        let mut found: Vec<SumColumn> = Vec::new();
        for (expr, at) in &shown {
            let id = expr.as_column()?;
            if node.groups.iter().any(|group| group.id == id) {
                continue;
            }
            let call = node.aggregates.iter().find(|call| call.id == id)?;
            found.push(SumColumn {
                at: *at,
                call: is_sum(call).then(|| call.clone())?,
                values_at: None,
            });
        }
        let counts = |found: &SumColumn| found.call.function.meaning == AggregateMeaning::Count;
        let of_rows = |found: &&SumColumn| {
            counts(found)
                && found.call.arguments.iter().all(|argument| !may_be_null(argument, node))
        };
        let rows_at = found.iter().find(of_rows)?.at;
        let numbers: Vec<(Vec<Expr>, usize)> = found
            .iter()
            .filter(|column| counts(column))
            .map(|column| (column.call.arguments.clone(), column.at))
            .collect();
        for column in &mut found {
            let is_nullable = column.call.function.meaning == AggregateMeaning::Sum
                && column.call.arguments.iter().any(|argument| may_be_null(argument, node));
            if is_nullable {
                let same = |(arguments, _): &&(Vec<Expr>, usize)| {
                    arguments.iter().eq(column.call.arguments.iter().map(without_cast))
                        || *arguments == column.call.arguments
                };
                column.values_at = Some(numbers.iter().find(same)?.1);
            }
        }
        Some(Sums { columns: found, rows_at })
    }
}

/// Whether what comes can be added and what goes subtracted.
fn is_sum(call: &AggregateCall) -> bool {
    let adds = match call.function.meaning {
        AggregateMeaning::Count | AggregateMeaning::CountIf => true,
        AggregateMeaning::Sum => matches!(call.signature.returns, SqlType::Number { .. }),
        _ => false,
    };
    adds && !call.distinct && call.order_by.is_empty() && call.arguments.len() < 2
}

fn without_cast(expr: &Expr) -> &Expr {
    match expr {
        Expr::Cast { input, lenient: false, .. } => input,
        other => other,
    }
}

fn may_be_null(expr: &Expr, node: &Aggregate) -> bool {
    let columns = node.input.columns();
    let is_nullable =
        |column: &PlanColumn| column.nullable && expr.columns_used().contains(&column.id);
    expr.nullable() || columns.iter().any(is_nullable)
}

impl Refreshing<'_> {
    /// What is to be done to the stored rows of a query that sums and counts.
    pub(super) fn by_sums(&self, keys: &[RootKey], sums: &Sums) -> Result<Merge> {
        let Some((source, delta)) = self.changed_sums(keys, sums)? else {
            return Ok(self.nothing());
        };
        let (stored, stored_columns) = self.scan(self.locator.id)?;
        let key = |(delta, key): (&PlanColumn, &RootKey)| {
            let stored = stored_columns.get(key.at)?.expr();
            Some(JoinKey { left: delta.expr(), right: stored, null_equals_null: true })
        };
        let joined = Plan::Join(Box::new(Join {
            kind: JoinKind::Left,
            left: Box::new(source),
            right: Box::new(stored),
            keys: delta.keys.iter().zip(keys).filter_map(key).collect(),
            conditions: Vec::new(),
        }));
        let old: Vec<Expr> = stored_columns
            .iter()
            .map(|column| PlanColumn { nullable: true, ..column.clone() }.expr())
            .collect();
        let values = new_values(&old, keys, sums, &delta)?;
        let items: Vec<ProjectItem> = self
            .query
            .columns
            .iter()
            .zip(values)
            .map(|(column, expr)| item(self.binder, &column.name, expr))
            .collect();
        let new: Vec<PlanColumn> =
            items.iter().map(|item| PlanColumn { nullable: true, ..item.column() }).collect();
        let pass = stored_columns.iter().chain([&self.locator]).map(ProjectItem::pass);
        let items = items.into_iter().chain(pass).collect();
        let plan = Plan::Project(Project { input: Box::new(joined), items });
        // A group of which as much has come as has gone stays as it is, or never was.
        let is_empty = is_zero(&new[sums.rows_at].expr());
        let is_new = Expr::IsNull(Box::new(self.locator.expr()));
        let differs = sums.columns.iter().map(|column| Expr::Distinct {
            distinct: true,
            left: Box::new(new[column.at].expr()),
            right: Box::new(old[column.at].clone()),
        });
        let differs = differs.chain([is_new.clone()]).collect();
        let conditions =
            vec![Expr::Or(differs), Expr::Not(Box::new(Expr::And(vec![is_new, is_empty.clone()])))];
        let source = Plan::Filter(Filter { input: Box::new(plan), conditions });
        let mut set: Vec<usize> = sums.columns.iter().map(|column| column.at).collect();
        set.sort_unstable();
        let row = set.iter().map(|at| new[*at].expr()).collect();
        let clauses = vec![
            MergeClause { matched: true, condition: Some(is_empty), action: MergeAction::Delete },
            MergeClause { matched: true, condition: None, action: MergeAction::Update(row) },
            inserting(&new),
        ];
        Ok(self.merge_of(source, set, clauses))
    }

    /// For each group that has changed, how much has come and gone; none when nothing has.
    fn changed_sums(&self, keys: &[RootKey], sums: &Sums) -> Result<Option<(Plan, Delta)>> {
        let mut plan = self.query.plan.clone();
        let Plan::Aggregate(node) = keyed_node(&mut plan) else { return Ok(None) };
        let terms = self.differences.terms(&node.input)?;
        let mut given = node.input.columns();
        let weight = self.binder.fresh_column("WEIGHT", WEIGHT, false);
        given.push(weight.clone());
        let branches = terms.into_iter().map(|term| {
            let items = given.iter().map(|column| match column.id == weight.id {
                true => ProjectItem { expr: term.weight.expr(), ..ProjectItem::pass(column) },
                false => ProjectItem::pass(column),
            });
            Plan::Project(Project { items: items.collect(), input: Box::new(term.plan) })
        });
        let Some(changed) = union(self.binder, &given, branches.collect()) else { return Ok(None) };
        let mut aggregates = Vec::with_capacity(2 * sums.columns.len());
        let mut pairs = Vec::with_capacity(sums.columns.len());
        for column in &sums.columns {
            let mut part = |sign| -> Result<PlanColumn> {
                let is_part = compare(sign, weight.expr(), number(0, WEIGHT));
                let argument = column.call.arguments.first().cloned();
                let argument = argument.unwrap_or_else(|| Expr::boolean(true));
                let sql_type = argument.sql_type();
                let branches = vec![(is_part, argument)];
                let argument = Expr::Case { branches, otherwise: None, sql_type };
                let call = call(self.binder, column.call.function.name, Some(argument))?;
                let column = call.column();
                aggregates.push(call);
                Ok(column)
            };
            pairs.push([part(Comparison::Greater)?, part(Comparison::Less)?]);
        }
        let groups: Vec<ProjectItem> =
            keys.iter().map(|key| item(self.binder, "KEY", key.expr.clone())).collect();
        let delta = Delta { keys: groups.iter().map(ProjectItem::column).collect(), sums: pairs };
        let plan = Plan::Aggregate(Box::new(Aggregate {
            input: Box::new(changed),
            groups,
            grouping_sets: None,
            grouping_id: None,
            aggregates,
        }));
        Ok(Some((plan, delta)))
    }
}

/// The columns of what has changed in groups.
struct Delta {
    keys: Vec<PlanColumn>,
    /// Of each sum, what has come and what has gone.
    sums: Vec<[PlanColumn; 2]>,
}

/// What the stored rows of changed groups become.
fn new_values(old: &[Expr], keys: &[RootKey], sums: &Sums, delta: &Delta) -> Result<Vec<Expr>> {
    let mut values = old.to_vec();
    for (key, delta) in keys.iter().zip(&delta.keys) {
        values[key.at] = delta.expr();
    }
    for (column, [came, gone]) in sums.columns.iter().zip(&delta.sums) {
        values[column.at] = added(&old[column.at], &came.expr(), &gone.expr())?;
    }
    for column in &sums.columns {
        if let Some(values_at) = column.values_at {
            let sql_type = values[column.at].sql_type();
            let is_empty = is_zero(&values[values_at]);
            let sum = std::mem::replace(&mut values[column.at], Expr::null(sql_type));
            values[column.at] = Expr::Case {
                branches: vec![(is_empty, Expr::null(sql_type))],
                otherwise: Some(Box::new(sum)),
                sql_type,
            };
        }
    }
    Ok(values)
}

fn is_zero(expr: &Expr) -> Expr {
    compare(Comparison::Equal, expr.clone(), zero_of(expr.sql_type()))
}

fn zero_of(sql_type: SqlType) -> Expr {
    cast(number(0, SqlType::INTEGER), sql_type)
}

/// `old + came - gone`, of `old`'s type, where NULL is nothing.
fn added(old: &Expr, came: &Expr, gone: &Expr) -> Result<Expr> {
    let known = |expr: &Expr| {
        let sql_type = expr.sql_type();
        Expr::Coalesce { operands: vec![expr.clone(), zero_of(sql_type)], sql_type }
    };
    let more = scalar("-", [known(came), known(gone)])?;
    Ok(cast(scalar("+", [known(old), more])?, old.sql_type()))
}
