//! Computes a subquery once for every different combination of the outer columns that it uses.
//!
//! The domain is `D = distinct(outer columns)`. Each node of the subquery is rewritten so that its rows
//! carry the combination that they belong to: a leaf becomes a product with `D`, a grouping groups by `D`
//! too, and so on up; the `Apply` is then a join on those columns, in which NULL equals NULL.

use std::collections::{HashMap, HashSet};

use firn_expression::Expr;
use firn_functions::registry::{self, Function};
use firn_plan::{
    Aggregate, Filter, Frame, Join, JoinKey, JoinKind, Limit, Plan, PlanColumn, Project,
    ProjectItem, Sort, Values, Window, WindowCall, WindowTarget,
};
use firn_types::{ColumnId, Error, ErrorCode, Result, Value};

use super::count::answer;
use super::{ids, outer_columns};
use crate::optimize::OptimizeContext;
use crate::optimize::inline_cte::fresh_copy;
use crate::optimize::substitute::substitute_in;

/// The outer rows, the subquery's rows for every combination, and what ties them together.
pub(super) struct Unnested {
    pub(super) left: Plan,
    pub(super) right: Plan,
    pub(super) ties: Vec<Expr>,
}

/// Rows with the columns that carry the combination they belong to, by the outer column.
struct Tied {
    plan: Plan,
    carried: HashMap<ColumnId, PlanColumn>,
}

struct Unnest<'u> {
    domain: Plan,
    outer: Vec<PlanColumn>,
    outer_ids: HashSet<ColumnId>,
    context: &'u OptimizeContext<'u>,
}

/// Unnests `right`, which uses the columns `used` of `left`.
///
/// # Errors
/// `UnsupportedSubquery` for a node that cannot be computed per combination.
pub(super) fn unnest(
    left: Plan,
    right: Plan,
    used: &HashSet<ColumnId>,
    context: &OptimizeContext<'_>,
) -> Result<Unnested> {
    let outer: Vec<PlanColumn> =
        left.columns().into_iter().filter(|column| used.contains(&column.id)).collect();
    let groups = outer.iter().map(ProjectItem::pass).collect();
    let domain = Plan::Aggregate(Box::new(Aggregate {
        input: Box::new(left.clone()),
        groups,
        grouping_sets: None,
        grouping_id: None,
        aggregates: Vec::new(),
    }));
    let unnest = Unnest { domain, outer_ids: used.clone(), outer, context };
    let Tied { plan, carried } = unnest.plan(right)?;
    let ties = unnest.outer.iter().map(|column| same(column.expr(), carried[&column.id].expr()));
    Ok(Unnested { left, right: plan, ties: ties.collect() })
}

/// NULL belongs to NULL.
fn same(left: Expr, right: Expr) -> Expr {
    Expr::Distinct { distinct: false, left: Box::new(left), right: Box::new(right) }
}

fn unsupported() -> Error {
    Error::new(ErrorCode::UnsupportedSubquery, "Unsupported subquery type cannot be evaluated")
}

impl Unnest<'_> {
    /// A fresh copy of the domain.
    fn fresh_domain(&self) -> Tied {
        let plan = fresh_copy(&self.domain, self.context);
        let carried = self.outer.iter().map(|column| column.id).zip(plan.columns()).collect();
        Tied { plan, carried }
    }

    fn rename(&self, tied: &Tied) -> HashMap<ColumnId, Expr> {
        tied.carried.iter().map(|(id, column)| (*id, column.expr())).collect()
    }

    fn rename_node(&self, node: &mut Plan, tied: &Tied) {
        let renaming = self.rename(tied);
        node.expressions_mut().into_iter().for_each(|expr| substitute_in(expr, &renaming));
    }

    fn plan(&self, plan: Plan) -> Result<Tied> {
        if outer_columns(&plan, &self.outer_ids).is_empty() {
            return Ok(self.product(plan));
        }
        match plan {
            Plan::Filter(node) => {
                let tied = self.plan(*node.input)?;
                let input = Box::new(Plan::one_row());
                let mut plan = Plan::Filter(Filter { input, conditions: node.conditions });
                self.rename_node(&mut plan, &tied);
                Ok(over(plan, tied))
            }
            Plan::Project(node) => self.project(node.items, *node.input),
            Plan::Aggregate(node) => self.aggregate(*node),
            Plan::Window(node) => {
                let tied = self.plan(*node.input)?;
                let mut plan = Plan::Window(Window {
                    input: Box::new(Plan::one_row()),
                    calls: node.calls,
                    top: None,
                });
                self.rename_node(&mut plan, &tied);
                if let Plan::Window(window) = &mut plan {
                    for call in &mut window.calls {
                        call.partition_by.extend(tied.carried.values().map(PlanColumn::expr));
                    }
                }
                Ok(over(plan, tied))
            }
            Plan::Sort(node) => self.plan(*node.input),
            Plan::Limit(node) => self.limit(node),
            Plan::Join(node) => self.join(*node),
            Plan::LateralFunction(mut node) => {
                let input = std::mem::replace(&mut *node.input, Plan::one_row());
                let tied = self.plan(input)?;
                let mut plan = Plan::LateralFunction(node);
                self.rename_node(&mut plan, &tied);
                Ok(over(plan, tied))
            }
            Plan::SetOperation(node) => self.set_operation(node),
            Plan::Values(node) => self.values(node),
            _ => Err(unsupported()),
        }
    }

    /// Rows that do not depend on the combination belong to every one.
    fn product(&self, plan: Plan) -> Tied {
        let domain = self.fresh_domain();
        let plan = Plan::Join(Box::new(Join {
            kind: JoinKind::Inner,
            left: Box::new(domain.plan),
            right: Box::new(plan),
            keys: Vec::new(),
            conditions: Vec::new(),
        }));
        Tied { plan, carried: domain.carried }
    }

    fn project(&self, items: Vec<ProjectItem>, input: Plan) -> Result<Tied> {
        let tied = self.plan(input)?;
        let mut plan = Plan::Project(Project { input: Box::new(Plan::one_row()), items });
        self.rename_node(&mut plan, &tied);
        if let Plan::Project(project) = &mut plan {
            let kept: HashSet<ColumnId> = project.items.iter().map(|item| item.id).collect();
            let carried = tied.carried.values().filter(|column| !kept.contains(&column.id));
            project.items.extend(carried.map(ProjectItem::pass));
        }
        Ok(over(plan, tied))
    }

    fn aggregate(&self, mut node: Aggregate) -> Result<Tied> {
        if node.grouping_sets.is_some() {
            return Err(unsupported());
        }
        let ungrouped = node.groups.is_empty();
        let input = std::mem::replace(&mut *node.input, Plan::one_row());
        let tied = self.plan(input)?;
        let mut plan = Plan::Aggregate(Box::new(node));
        self.rename_node(&mut plan, &tied);
        if let Plan::Aggregate(aggregate) = &mut plan {
            let groups = tied.carried.values().map(ProjectItem::pass);
            aggregate.groups.extend(groups);
        }
        let grouped = over(plan, tied);
        if ungrouped { self.with_empty_groups(grouped) } else { Ok(grouped) }
    }

    /// An aggregate without GROUP BY has a row for every combination, also for those without rows.
    fn with_empty_groups(&self, grouped: Tied) -> Result<Tied> {
        let domain = self.fresh_domain();
        let keys = self.outer.iter().map(|column| JoinKey {
            left: domain.carried[&column.id].expr(),
            right: grouped.carried[&column.id].expr(),
            null_equals_null: true,
        });
        let keys = keys.collect();
        let Plan::Aggregate(aggregate) = &grouped.plan else { return Ok(grouped) };
        let mut items: Vec<ProjectItem> =
            domain.plan.columns().iter().map(ProjectItem::pass).collect();
        let mut inner_items: Vec<ProjectItem> =
            grouped.carried.values().map(ProjectItem::pass).collect();
        for call in &aggregate.aggregates {
            // The aggregate keeps its id above the join, so that below it needs another one.
            let (id, shown) = (self.context.fresh(), call.column());
            inner_items.push(ProjectItem { id, name: shown.name.clone(), expr: shown.expr() });
            items.push(answer(call, id)?);
        }
        let right = Plan::Project(Project { input: Box::new(grouped.plan), items: inner_items });
        let joined = Plan::Join(Box::new(Join {
            kind: JoinKind::Left,
            left: Box::new(domain.plan),
            right: Box::new(right),
            keys,
            conditions: Vec::new(),
        }));
        let plan = Plan::Project(Project { input: Box::new(joined), items });
        Ok(Tied { plan, carried: domain.carried })
    }

    /// LIMIT per combination: rows are numbered within it.
    fn limit(&self, node: Limit) -> Result<Tied> {
        let (input, order_by) = match *node.input {
            Plan::Sort(Sort { input, keys, .. }) => (*input, keys),
            other => (other, Vec::new()),
        };
        let Some(Function::Window(function)) = registry::find("ROW_NUMBER") else {
            return Err(unsupported());
        };
        let tied = self.plan(input)?;
        let signature = function.resolve(Vec::new())?;
        let number = PlanColumn {
            id: self.context.fresh(),
            name: "ROW_NUMBER".to_string(),
            sql_type: signature.returns,
            nullable: false,
        };
        let call = WindowCall {
            id: number.id,
            name: number.name.clone(),
            target: WindowTarget::Window(function, signature),
            arguments: Vec::new(),
            partition_by: tied.carried.values().map(PlanColumn::expr).collect(),
            order_by,
            frame: Frame::whole(),
            ignore_nulls: false,
        };
        let mut window =
            Plan::Window(Window { input: Box::new(Plan::one_row()), calls: vec![call], top: None });
        self.rename_node(&mut window, &tied);
        let windowed = over(window, tied);
        let bound = |operator, rows: u64| Expr::Compare {
            operator,
            left: Box::new(number.expr()),
            right: Box::new(Expr::Literal {
                value: Value::integer(i128::from(rows)),
                sql_type: number.sql_type,
            }),
        };
        use firn_types::scan_predicate::Comparison;
        let mut conditions = vec![bound(Comparison::Greater, node.skip)];
        if let Some(fetch) = node.fetch {
            conditions.push(bound(Comparison::LessOrEqual, node.skip.saturating_add(fetch)));
        }
        let filter = Plan::Filter(Filter { input: Box::new(Plan::one_row()), conditions });
        Ok(over(filter, windowed))
    }

    fn join(&self, mut node: Join) -> Result<Tied> {
        let left = std::mem::replace(&mut *node.left, Plan::one_row());
        let right = std::mem::replace(&mut *node.right, Plan::one_row());
        let left_uses = !outer_columns(&left, &self.outer_ids).is_empty();
        let right_uses = !outer_columns(&right, &self.outer_ids).is_empty();
        if node.kind.filters_build_side() {
            return Err(unsupported());
        }
        let left_carries = left_uses || node.kind != JoinKind::Inner || !right_uses;
        if !left_carries {
            let tied = self.plan(right)?;
            *node.left = left;
            let mut plan = Plan::Join(Box::new(node));
            self.rename_node(&mut plan, &tied);
            if let Plan::Join(join) = &mut plan {
                *join.right = tied.plan;
            }
            return Ok(Tied { plan, carried: tied.carried });
        }
        let tied = self.plan(left)?;
        if right_uses {
            let other = self.plan(right)?;
            for column in &self.outer {
                node.keys.push(JoinKey {
                    left: tied.carried[&column.id].expr(),
                    right: other.carried[&column.id].expr(),
                    null_equals_null: true,
                });
            }
            *node.right = other.plan;
        } else {
            *node.right = right;
        }
        let mut plan = Plan::Join(Box::new(node));
        self.rename_node(&mut plan, &tied);
        if let Plan::Join(join) = &mut plan {
            *join.left = tied.plan;
        }
        Ok(Tied { plan, carried: tied.carried })
    }

    fn set_operation(&self, mut node: firn_plan::SetOperation) -> Result<Tied> {
        let mut inputs = Vec::with_capacity(node.inputs.len());
        for input in std::mem::take(&mut node.inputs) {
            let shown = input.columns();
            let tied = self.plan(input)?;
            // The same columns in the same order in every input, then the combination.
            let mut items: Vec<ProjectItem> = shown.iter().map(ProjectItem::pass).collect();
            let have = ids(&Plan::empty(shown));
            for column in &self.outer {
                let carried = &tied.carried[&column.id];
                let pass = ProjectItem::pass(carried);
                let id = if have.contains(&carried.id) { self.context.fresh() } else { carried.id };
                items.push(ProjectItem { id, ..pass });
            }
            inputs.push(Plan::Project(Project { input: Box::new(tied.plan), items }));
        }
        let mut carried = HashMap::new();
        for column in &self.outer {
            let fresh = self.context.fresh_column(&column.name, column.sql_type, column.nullable);
            node.columns.push(fresh.clone());
            carried.insert(column.id, fresh);
        }
        node.inputs = inputs;
        Ok(Tied { plan: Plan::SetOperation(node), carried })
    }

    /// One row of expressions over the combination becomes a projection of it.
    fn values(&self, node: Values) -> Result<Tied> {
        let Values { columns, rows } = node;
        let [row] = rows.as_slice() else { return Err(unsupported()) };
        let items = columns.into_iter().zip(row).map(|(column, expr)| ProjectItem {
            id: column.id,
            name: column.name,
            expr: expr.clone(),
        });
        self.project(items.collect(), Plan::one_row())
    }
}

/// The node over tied rows, which carry the same combination above it.
fn over(mut node: Plan, tied: Tied) -> Tied {
    if let Some(input) = node.inputs_mut().into_iter().next() {
        *input = tied.plan;
    }
    Tied { plan: node, carried: tied.carried }
}
