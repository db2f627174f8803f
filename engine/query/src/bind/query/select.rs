//! SELECT.

use std::collections::{HashMap, HashSet};

use firn_expression::Expr;
use firn_types::{ColumnId, Error, ErrorCode, Result};

use super::from::FromContext;
use super::group_by::{self, Groups};
use super::hierarchy::{self, Ancestry};
use super::order_limit;
use super::outer_marker;
use super::{From, bind_from};
use crate::bind::clause::Clause;
use crate::bind::context::Env;
use crate::bind::expr::{
    Aliases, ExprBinder, Gathered, Grouping, PendingApply, attach, expand_star,
};
use crate::bind::scope::Scope;
use crate::bind::{Binder, BoundQuery, walk};
use firn_parse::ast::{self, ExprKind, OrderBy, Select, SelectItemKind};
use firn_plan::{
    Aggregate, Filter, Plan, PlanColumn, Project, ProjectItem, Sort, SortKey, Window, WindowCall,
};

/// One column of the select list, once it is bound.
#[derive(Clone, Debug)]
pub(super) struct Item {
    /// Its header.
    pub(super) name: String,
    /// What is computed, over the rows before the projection.
    pub(super) expr: Expr,
}

/// Everything about a SELECT that its clauses need to be bound.
pub(super) struct SelectBinder<'s> {
    pub(super) binder: &'s Binder<'s>,
    pub(super) env: &'s Env<'s>,
    pub(super) scope: &'s Scope<'s>,
    pub(super) aliases: Aliases<'s>,
    pub(super) windows: HashMap<String, &'s ast::Window>,
    pub(super) ancestry: Option<Ancestry>,
    pub(super) gathered: Gathered,
}

impl<'s> SelectBinder<'s> {
    /// A binder of expressions in one clause.
    pub(super) fn expressions<'x>(
        &'x mut self,
        clause: Clause,
        grouping: Option<&'x Grouping>,
    ) -> ExprBinder<'x>
    where
        's: 'x,
    {
        let mut binder =
            ExprBinder::new(self.binder, self.env, self.scope, clause, &mut self.gathered);
        binder.aliases = Some(&self.aliases);
        binder.named_windows = Some(&self.windows);
        binder.grouping = grouping;
        binder.ancestry = self.ancestry.as_ref();
        binder
    }

    /// Whether an aggregate is called in an expression, outside of its subqueries.
    pub(super) fn has_aggregate(&self, expr: &ast::Expr) -> bool {
        walk::has_aggregate(expr, &|call| self.binder.is_user_aggregate(call, self.env))
    }
}

/// Binds a SELECT with its ORDER BY, which may use what the SELECT does not show.
pub(super) fn bind_select(
    binder: &Binder<'_>,
    select: &Select,
    order_by: Option<&OrderBy>,
    env: &Env<'_>,
) -> Result<BoundQuery> {
    if select.items.is_empty() {
        let error = Error::new(ErrorCode::NoColumns, "SELECT with no columns");
        return Err(error.at(select.span));
    }
    let mut read = walk::select_expressions(select);
    read.extend(walk::order_expressions(order_by));
    read.extend(walk::from_expressions(&select.from));
    let conditions = select.filter.as_ref().map_or(Vec::new(), outer_marker::conjuncts);
    let (marked, plain): (Vec<&ast::Expr>, Vec<_>) =
        conditions.into_iter().partition(|condition| outer_marker::is_marked(condition));
    let mut from = match marked.is_empty() {
        true => bind_from(binder, &select.from, &read, env)?,
        false => {
            let context = FromContext { binder, env, read: &read };
            outer_marker::bind_from(&context, &select.from, &marked)?
        }
    };
    let mut ancestry = None;
    if let Some(hierarchy) = &select.hierarchy {
        let context = FromContext { binder, env, read: &read };
        let (rows, answers) = hierarchy::bind(&context, hierarchy, from)?;
        from = rows;
        ancestry = Some(answers);
    }
    let From { plan, relations } = from;
    let scope = Scope { relations, outer: env.outer };
    let mut select_binder = SelectBinder {
        binder,
        env,
        scope: &scope,
        aliases: aliases_of(select),
        windows: select.windows.iter().map(|w| (w.name.name.clone(), &w.window)).collect(),
        ancestry,
        gathered: Gathered::default(),
    };
    let plan = match marked.is_empty() {
        true => filter(&mut select_binder, plan, select.filter.as_ref(), Clause::Where, None)?,
        false => plain.into_iter().try_fold(plan, |plan, condition| {
            filter(&mut select_binder, plan, Some(condition), Clause::Where, None)
        })?,
    };
    bind_over(select_binder, select, order_by, plan)
}

/// What the select list's aliases stand for.
fn aliases_of(select: &Select) -> Aliases<'_> {
    let mut aliases = Aliases::new();
    for item in &select.items {
        if let SelectItemKind::Expr(expr, Some(alias)) = &item.kind {
            aliases
                .entry(alias.name.clone())
                .and_modify(|twice| *twice = None)
                .or_insert(Some(expr));
        }
    }
    aliases
}

/// The rows for which a condition is TRUE, with the subqueries that it uses beside them.
fn filter(
    select: &mut SelectBinder<'_>,
    plan: Plan,
    condition: Option<&ast::Expr>,
    clause: Clause,
    grouping: Option<&Grouping>,
) -> Result<Plan> {
    let Some(condition) = condition else { return Ok(plan) };
    let bound = select.expressions(clause, grouping).bind_condition(condition)?;
    let plan = attach(plan, std::mem::take(&mut select.gathered.applies));
    Ok(Plan::Filter(Filter { input: Box::new(plan), conditions: bound.into_conjuncts() }))
}

/// GROUP BY, HAVING, windows, QUALIFY, the select list, DISTINCT and ORDER BY, over the rows of WHERE.
fn bind_over(
    mut select: SelectBinder<'_>,
    ast: &Select,
    order_by: Option<&OrderBy>,
    input: Plan,
) -> Result<BoundQuery> {
    let groups = group_by::bind_groups(&mut select, ast, order_by)?;
    let grouping = groups.as_ref().map(|groups| &groups.grouping);

    // All clauses are bound before their nodes are made: a later clause may need one more aggregate.
    let having = match &ast.having {
        Some(having) => {
            let mut expressions = select.expressions(Clause::Having, grouping);
            Some(expressions.bind_condition(having)?)
        }
        None => None,
    };
    let having_applies = std::mem::take(&mut select.gathered.applies);
    let items = bind_items(&mut select, ast, grouping)?;
    let qualify = match &ast.qualify {
        Some(qualify) => {
            let mut expressions = select.expressions(Clause::Qualify, grouping);
            Some(expressions.bind_condition(qualify)?)
        }
        None => None,
    };
    let order = order_limit::bind_order(&mut select, ast, order_by, &items, grouping)?;
    if qualify.is_some() && select.gathered.windows.is_empty() {
        let text = "QUALIFY needs at least one window function in the select list or its predicate";
        return Err(Error::new(ErrorCode::InvalidStatement, text).at(ast.span));
    }

    let gathered = std::mem::take(&mut select.gathered);
    let regrouped = |applies: Vec<PendingApply>| match grouping {
        Some(grouping) => {
            let regrouped =
                applies.into_iter().map(|apply| apply.regrouped(select.scope, grouping));
            regrouped.collect::<Result<Vec<_>>>().map_err(|error| error.at(ast.span))
        }
        None => Ok(applies),
    };
    let (having_applies, applies) = (regrouped(having_applies)?, regrouped(gathered.applies)?);
    let mut plan = attach(input, gathered.input_applies);
    if let Some(groups) = groups {
        plan = aggregate(plan, groups, gathered.aggregates);
    }
    plan = attach(plan, having_applies);
    plan = filtered(plan, having);
    plan = attach(plan, applies);
    for calls in window_layers(gathered.windows) {
        plan = Plan::Window(Window { input: Box::new(plan), calls, top: None });
    }
    plan = filtered(plan, qualify);
    project(&select, ast, plan, items, order)
}

/// The calls, each behind those whose answers are its arguments.
pub(super) fn window_layers(calls: Vec<WindowCall>) -> Vec<Vec<WindowCall>> {
    let mut layers: Vec<Vec<WindowCall>> = Vec::new();
    for call in calls {
        let read: HashSet<_> = call.arguments.iter().flat_map(Expr::columns_used).collect();
        let reads = |layer: &Vec<WindowCall>| layer.iter().any(|other| read.contains(&other.id));
        let place = layers.iter().rposition(reads).map_or(0, |layer| layer + 1);
        if place == layers.len() {
            layers.push(Vec::new());
        }
        layers[place].push(call);
    }
    layers
}

fn filtered(plan: Plan, condition: Option<Expr>) -> Plan {
    match condition {
        Some(condition) => {
            let conditions = condition.into_conjuncts();
            Plan::Filter(Filter { input: Box::new(plan), conditions })
        }
        None => plan,
    }
}

fn aggregate(input: Plan, groups: Groups, aggregates: Vec<firn_plan::AggregateCall>) -> Plan {
    let grouping_id = groups.grouping.sets.as_ref().map(|sets| sets.id);
    Plan::Aggregate(Box::new(Aggregate {
        input: Box::new(input),
        groups: groups.items,
        grouping_sets: groups.sets,
        grouping_id,
        aggregates,
    }))
}

/// The select list: stars expanded, headers given.
fn bind_items(
    select: &mut SelectBinder<'_>,
    ast: &Select,
    grouping: Option<&Grouping>,
) -> Result<Vec<Item>> {
    let text = select.env.text;
    let mut expressions = select.expressions(Clause::Select, grouping);
    let mut items = Vec::with_capacity(ast.items.len());
    for item in &ast.items {
        match &item.kind {
            SelectItemKind::Star(star) => {
                for column in expand_star(&mut expressions, star)? {
                    let expr = match grouping {
                        Some(grouping) => expressions
                            .regroup(column.expr, grouping)
                            .map_err(|error| error.at(star.span))?,
                        None => column.expr,
                    };
                    items.push(Item { name: column.name, expr });
                }
            }
            SelectItemKind::Expr(expr, alias) => {
                let bound = expressions.bind(expr)?;
                let name = match alias {
                    Some(alias) => alias.name.clone(),
                    None => header(expr, item.span.of(text)),
                };
                items.push(Item { name, expr: bound });
            }
        }
    }
    Ok(items)
}

/// The header of an item without an alias: a column's name, or the source text in upper case.
fn header(expr: &ast::Expr, source: &str) -> String {
    match &expr.kind {
        ExprKind::Column(name) => name.object().name.clone(),
        _ => source.trim().to_uppercase(),
    }
}

/// Projects the select list and what the order needs besides, removes duplicates, sorts.
fn project(
    select: &SelectBinder<'_>,
    ast: &Select,
    plan: Plan,
    items: Vec<Item>,
    order: Vec<SortKey>,
) -> Result<BoundQuery> {
    let binder = select.binder;
    let mut projected = Projected::over(&plan, binder);
    let mut columns = Vec::with_capacity(items.len());
    for item in items {
        let column = projected.add(&item.name, item.expr);
        columns.push(PlanColumn { name: item.name, ..column });
    }
    let mut keys = Vec::with_capacity(order.len());
    for key in order {
        let expr = match projected.find(&key.expr) {
            Some(column) => column.expr(),
            None => projected.add("ORDER_KEY", key.expr).expr(),
        };
        keys.push(SortKey { expr, ..key });
    }
    let mut plan = Plan::Project(Project { input: Box::new(plan), items: projected.items });
    if ast.distinct {
        plan = distinct(plan);
    }
    if !keys.is_empty() {
        plan = Plan::Sort(Sort { input: Box::new(plan), keys, limit: None });
    }
    let bound = BoundQuery { plan, columns };
    match &ast.top {
        Some(top) => order_limit::top(binder, bound, top, select.env),
        None => Ok(bound),
    }
}

/// The items of a query block's projection. Each output has an identity of its own: the first one that passes a
/// column of the block's rows on is that column, and every other one, such as a column that is put out
/// twice or one of an enclosing query, is a new column. Whoever reads the block could otherwise not tell its
/// outputs apart, or from the enclosing query's columns.
struct Projected<'b> {
    binder: &'b Binder<'b>,
    /// Columns of the input that no item passes on yet.
    given: HashSet<ColumnId>,
    items: Vec<ProjectItem>,
}

impl<'b> Projected<'b> {
    fn over(input: &Plan, binder: &'b Binder<'b>) -> Projected<'b> {
        let given = input.columns().iter().map(|column| column.id).collect();
        Projected { binder, given, items: Vec::new() }
    }

    /// Adds an output.
    fn add(&mut self, name: &str, expr: Expr) -> PlanColumn {
        let passed = expr.as_column().filter(|id| self.given.remove(id));
        let id = passed.unwrap_or_else(|| self.binder.fresh());
        self.items.push(ProjectItem { id, name: name.to_string(), expr });
        self.items[self.items.len() - 1].column()
    }

    /// The output that is computed so.
    fn find(&self, expr: &Expr) -> Option<PlanColumn> {
        self.items.iter().find(|item| item.expr == *expr).map(ProjectItem::column)
    }
}

/// The different rows of a plan.
pub(super) fn distinct(plan: Plan) -> Plan {
    let groups = plan.columns().iter().map(ProjectItem::pass).collect();
    Plan::Aggregate(Box::new(Aggregate {
        input: Box::new(plan),
        groups,
        grouping_sets: None,
        grouping_id: None,
        aggregates: Vec::new(),
    }))
}
