//! START WITH .. CONNECT BY: a recursive query in which each round finds the children of the round before.
//!
//! What the rest of the statement asks of a row's ancestors (LEVEL, `CONNECT_BY_ROOT x`,
//! SYS_CONNECT_BY_PATH, `PRIOR x`) travels along as further columns of the recursion.

use std::collections::HashMap;

use firn_expression::Expr;
use firn_types::{ColumnId, Error, ErrorCode, Result, Span, SqlType, Value};

use super::from::{From, FromContext};
use crate::bind::clause::Clause;
use crate::bind::expr::{ExprBinder, Gathered, attach, cast, text_literal};
use crate::bind::scope::{Relation, Scope, ScopeColumn};
use crate::bind::walk;
use firn_parse::ast::{self, ArgumentValue, ExprKind, Name};
use firn_plan::{
    CteRef, Filter, Join, JoinKind, Plan, PlanColumn, Project, ProjectItem, RecursiveCte, With,
};

/// Rows with their ancestors' answers: what stands at a place of the statement is read from a column.
pub(super) type Ancestry = HashMap<Span, Expr>;

/// What is asked of a row's ancestors.
struct HierarchyOperator<'a> {
    /// Where in the statement.
    place: Span,
    kind: OperatorKind,
    expr: &'a ast::Expr,
    /// The separator of a path.
    separator: Option<&'a ast::Expr>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum OperatorKind {
    Root,
    Path,
    Prior,
}

/// The rows of FROM once more for each round of the recursion.
struct Reading {
    plan: Plan,
    ids: HashMap<ColumnId, PlanColumn>,
}

/// The rows of FROM in their hierarchy; `read` are the expressions of the rest of the statement.
pub(super) fn bind(
    context: &FromContext<'_>,
    hierarchy: &ast::Hierarchy,
    from: From,
) -> Result<(From, Ancestry)> {
    let binder = context.binder;
    let operators = operators_in(context.read)?;
    let base = from.plan.columns();
    let (source, recursion) = (binder.fresh_cte(), binder.fresh_cte());
    let reading = |cte: u32| -> Reading {
        let fresh: Vec<PlanColumn> =
            base.iter().map(|c| binder.fresh_column(&c.name, c.sql_type, true)).collect();
        let ids = base.iter().map(|column| column.id).zip(fresh.iter().cloned()).collect();
        Reading { plan: Plan::CteRef(CteRef { cte, columns: fresh }), ids }
    };

    let roots = reading(source);
    let root_relations = renamed(&from.relations, &roots.ids);
    let anchor = anchor(context, hierarchy, &operators, &base, roots, root_relations)?;
    let columns: Vec<PlanColumn> = anchor
        .columns()
        .iter()
        .map(|column| binder.fresh_column(&column.name, column.sql_type, true))
        .collect();

    let step = Step {
        context,
        parents: columns.iter().map(|c| binder.fresh_column(&c.name, c.sql_type, true)).collect(),
        base: &base,
        relations: &from.relations,
        operators: &operators,
    };
    let step = step.bind(hierarchy, recursion, reading(source))?;
    let body = Plan::RecursiveCte(Box::new(RecursiveCte {
        cte: recursion,
        anchor: Box::new(anchor),
        step: Box::new(step),
        columns: columns.clone(),
    }));
    let definition = Box::new(from.plan);
    let plan = Plan::With(Box::new(With { cte: source, definition, body: Box::new(body) }));

    let ids = base.iter().map(|column| column.id).zip(columns.iter().cloned()).collect();
    let mut relations = renamed(&from.relations, &ids);
    let level = PlanColumn { name: "LEVEL".to_string(), ..columns[base.len()].clone() };
    for relation in &mut relations {
        let column = level.clone();
        relation.columns.push(ScopeColumn { column, unqualified: false, pseudo: true });
    }
    relations.push(level_relation(level));
    let places = operators.iter().map(|operator| operator.place);
    let answers = columns[base.len() + 1..].iter().map(PlanColumn::expr);
    Ok((From { plan, relations }, places.zip(answers).collect()))
}

/// LEVEL, which does not stand in `*`.
fn level_relation(level: PlanColumn) -> Relation {
    let column = ScopeColumn { column: level, unqualified: true, pseudo: true };
    Relation { name: String::new(), path: Vec::new(), columns: vec![column] }
}

fn renamed(relations: &[Relation], ids: &HashMap<ColumnId, PlanColumn>) -> Vec<Relation> {
    let mut relations = relations.to_vec();
    for column in relations.iter_mut().flat_map(|relation| &mut relation.columns) {
        if let Some(renamed) = ids.get(&column.column.id) {
            column.column.id = renamed.id;
            column.column.nullable = true;
        }
    }
    relations
}

/// What a statement's expressions ask of the ancestors.
fn operators_in<'a>(read: &[&'a ast::Expr]) -> Result<Vec<HierarchyOperator<'a>>> {
    let mut found = Vec::new();
    let mut pending: Vec<&ast::Expr> = read.to_vec();
    while let Some(expr) = pending.pop() {
        pending.extend(walk::children(expr));
        let place = expr.span;
        match &expr.kind {
            ExprKind::ConnectByRoot(expr) => {
                found.push(HierarchyOperator {
                    place,
                    kind: OperatorKind::Root,
                    expr,
                    separator: None,
                });
            }
            ExprKind::Prior(expr) => {
                found.push(HierarchyOperator {
                    place,
                    kind: OperatorKind::Prior,
                    expr,
                    separator: None,
                });
            }
            ExprKind::Function(call) if is_path(&call.name) => {
                let [first, second] = call.arguments.as_slice() else {
                    let text = "SYS_CONNECT_BY_PATH takes an expression and a separator";
                    return Err(Error::new(ErrorCode::InvalidStatement, text).at(place));
                };
                let (ArgumentValue::Expr(expr), ArgumentValue::Expr(separator)) =
                    (&first.value, &second.value)
                else {
                    return Err(Error::not_supported("* in SYS_CONNECT_BY_PATH").at(place));
                };
                let separator = Some(separator);
                found.push(HierarchyOperator { place, kind: OperatorKind::Path, expr, separator });
            }
            _ => {}
        }
    }
    Ok(found)
}

fn is_path(name: &Name) -> bool {
    matches!(name, Name::Plain(name) if name.object().as_str() == "SYS_CONNECT_BY_PATH")
}

/// An expression over the rows of some sources, without subqueries.
fn bind_over(
    context: &FromContext<'_>,
    expr: &ast::Expr,
    scope: &Scope<'_>,
    prior: Option<&Scope<'_>>,
) -> Result<Expr> {
    let mut gathered = Gathered::default();
    let mut expressions =
        ExprBinder::new(context.binder, context.env, scope, Clause::From, &mut gathered);
    expressions.prior = prior;
    let bound = expressions.bind(expr)?;
    match gathered.applies.is_empty() {
        true => Ok(bound),
        false => Err(Error::not_supported("a subquery in CONNECT BY").at(expr.span)),
    }
}

/// The separator and the value of one step of a path.
fn path_step(
    context: &FromContext<'_>,
    operator: &HierarchyOperator<'_>,
    before: Option<Expr>,
    value: Expr,
) -> Result<Expr> {
    let separator = match operator.separator {
        Some(expr) => match context.binder.bind_constant(expr, context.env)?.0 {
            Value::Text(text) => text,
            _ => {
                let text = "the separator of SYS_CONNECT_BY_PATH must be a text";
                return Err(Error::new(ErrorCode::InvalidParameterType, text).at(expr.span));
            }
        },
        None => "".into(),
    };
    let scope = Scope::default();
    let mut gathered = Gathered::default();
    let mut expressions =
        ExprBinder::new(context.binder, context.env, &scope, Clause::From, &mut gathered);
    let added =
        expressions.call_scalar("||", vec![text_literal(separator), cast(value, SqlType::TEXT)])?;
    let path = match before {
        Some(before) => expressions.call_scalar("||", vec![before, added])?,
        None => added,
    };
    Ok(cast(path, SqlType::TEXT))
}

/// The first round: the rows of START WITH, or all.
fn anchor(
    context: &FromContext<'_>,
    hierarchy: &ast::Hierarchy,
    operators: &[HierarchyOperator<'_>],
    base: &[PlanColumn],
    roots: Reading,
    relations: Vec<Relation>,
) -> Result<Plan> {
    let binder = context.binder;
    let scope = Scope { relations, outer: context.env.outer };
    let mut plan = roots.plan;
    if let Some(start) = &hierarchy.start {
        let mut gathered = Gathered::default();
        let condition = ExprBinder::new(binder, context.env, &scope, Clause::From, &mut gathered)
            .bind_condition(start)?;
        let input = Box::new(attach(plan, gathered.applies));
        plan = Plan::Filter(Filter { input, conditions: condition.into_conjuncts() });
    }
    let item = |name: &str, expr| ProjectItem { id: binder.fresh(), name: name.to_string(), expr };
    let mut items: Vec<ProjectItem> =
        base.iter().map(|column| item(&column.name, roots.ids[&column.id].expr())).collect();
    let one = Expr::Literal { value: Value::integer(1), sql_type: SqlType::INTEGER };
    items.push(item("LEVEL", one));
    for operator in operators {
        let value = bind_over(context, operator.expr, &scope, None)?;
        let value = match operator.kind {
            OperatorKind::Root => value,
            OperatorKind::Prior => Expr::null(value.sql_type()),
            OperatorKind::Path => path_step(context, operator, None, value)?,
        };
        items.push(item("ANCESTRY", value));
    }
    Ok(Plan::Project(Project { input: Box::new(plan), items }))
}

/// Every further round.
struct Step<'s> {
    context: &'s FromContext<'s>,
    /// The columns of the round before: those of FROM, LEVEL, and the ancestors' answers.
    parents: Vec<PlanColumn>,
    base: &'s [PlanColumn],
    relations: &'s [Relation],
    operators: &'s [HierarchyOperator<'s>],
}

impl Step<'_> {
    fn bind(&self, hierarchy: &ast::Hierarchy, recursion: u32, children: Reading) -> Result<Plan> {
        let (binder, width) = (self.context.binder, self.base.len());
        let parent_ids: HashMap<ColumnId, PlanColumn> =
            self.base.iter().map(|column| column.id).zip(self.parents.iter().cloned()).collect();
        let mut parent_relations = renamed(self.relations, &parent_ids);
        parent_relations.push(level_relation(self.parents[width].clone()));
        let parents = Scope { relations: parent_relations, outer: None };

        // The parents' rows with the level of their children.
        let level = self.next_level(&self.parents[width])?;
        let mut items: Vec<ProjectItem> = self.parents.iter().map(ProjectItem::pass).collect();
        items.push(level.clone());
        let columns = self.parents.clone();
        let before = Plan::CteRef(CteRef { cte: recursion, columns });
        let before = Plan::Project(Project { input: Box::new(before), items });

        let mut relations = renamed(self.relations, &children.ids);
        relations.push(level_relation(level.column()));
        let scope = Scope { relations, outer: self.context.env.outer };
        let mut conditions = Vec::new();
        for condition in &hierarchy.connect {
            let bound = bind_over(self.context, condition, &scope, Some(&parents))?;
            conditions.extend(cast(bound, SqlType::Boolean).into_conjuncts());
        }
        let plan = Plan::Join(Box::new(Join {
            kind: JoinKind::Inner,
            left: Box::new(children.plan),
            right: Box::new(before),
            keys: Vec::new(),
            conditions,
        }));

        let item =
            |name: &str, expr| ProjectItem { id: binder.fresh(), name: name.to_string(), expr };
        let own = self.base.iter().map(|c| item(&c.name, children.ids[&c.id].expr()));
        let mut items: Vec<ProjectItem> = own.collect();
        items.push(item("LEVEL", level.column().expr()));
        for (operator, answer) in self.operators.iter().zip(&self.parents[width + 1..]) {
            let value = match operator.kind {
                OperatorKind::Root => answer.expr(),
                OperatorKind::Prior => bind_over(self.context, operator.expr, &parents, None)?,
                OperatorKind::Path => {
                    let value = bind_over(self.context, operator.expr, &scope, None)?;
                    path_step(self.context, operator, Some(answer.expr()), value)?
                }
            };
            items.push(item("ANCESTRY", value));
        }
        Ok(Plan::Project(Project { input: Box::new(plan), items }))
    }

    fn next_level(&self, level: &PlanColumn) -> Result<ProjectItem> {
        let binder = self.context.binder;
        let scope = Scope::default();
        let mut gathered = Gathered::default();
        let one = Expr::Literal { value: Value::integer(1), sql_type: SqlType::number(1, 0) };
        let next = ExprBinder::new(binder, self.context.env, &scope, Clause::From, &mut gathered)
            .call_scalar("+", vec![level.expr(), one])?;
        let expr = cast(next, SqlType::INTEGER);
        Ok(ProjectItem { id: binder.fresh(), name: "LEVEL".to_string(), expr })
    }
}
