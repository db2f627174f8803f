//! Joins with ON, USING and NATURAL.

use firn_expression::Expr;
use firn_expression::fold;
use firn_parse::ast::{self, JoinConstraint};
use firn_plan::{ApplyKind, Join, JoinKind, Plan, PlanColumn, Project, ProjectItem};
use firn_types::{Error, Identifier, ObjectName, Result};

use super::from::{From, FromContext, Source, beside, bind_source};
use crate::bind::clause::Clause;
use crate::bind::constraint::relax;
use crate::bind::expr::{ExprBinder, Gathered, PendingApply, attach, compare_equal};
use crate::bind::scope::{Relation, Scope};

/// Binds a join. `before` are the sources before it in FROM, which a table function at its very left may
/// read: the join's rows then carry theirs.
pub(super) fn bind_join(
    context: &FromContext<'_>,
    join: &ast::Join,
    before: Option<&From>,
) -> Result<Source> {
    let (mut left, carried) = match (bind_source(context, &join.left, before)?, before) {
        (Source::Expanding(left), Some(before)) => (left, before.relations.clone()),
        (Source::Alone(left) | Source::Expanding(left), _) => (left, Vec::new()),
    };
    let count = carried.len();
    left.relations.splice(0..0, carried);
    if let Some(asof) = &join.asof {
        return match (bind_source(context, &join.right, None)?, count) {
            (Source::Alone(right), 0) => {
                super::asof::bind(context, join, &asof.condition, left, right).map(Source::Alone)
            }
            _ => Err(Error::not_supported("ASOF JOIN with a table function")),
        };
    }
    let right = bind_source(context, &join.right, Some(&left))?;
    let kind = match join.kind {
        ast::JoinKind::Inner | ast::JoinKind::Cross => JoinKind::Inner,
        ast::JoinKind::Left => JoinKind::Left,
        ast::JoinKind::Right => JoinKind::Right,
        ast::JoinKind::Full => JoinKind::Full,
    };
    let by_name = matches!(join.constraint, JoinConstraint::Using(_) | JoinConstraint::Natural);
    if count > 0 && (by_name || matches!(kind, JoinKind::Right | JoinKind::Full)) {
        return Err(Error::not_supported(
            "this kind of join right after a comma and a table function",
        ));
    }
    let mut bound = match &join.constraint {
        JoinConstraint::None => lateral_or_cross(left, right, kind)?,
        JoinConstraint::On(condition) => join_on(context, left, right, kind, condition)?,
        JoinConstraint::Using(names) => join_using(context, left, right, kind, names)?,
        JoinConstraint::Natural => {
            let shared = match &right {
                Source::Alone(from) | Source::Expanding(from) => common_names(&left, from),
            };
            join_using(context, left, right, kind, &shared)?
        }
    };
    if count == 0 {
        return Ok(Source::Alone(bound));
    }
    bound.relations.drain(..count);
    Ok(Source::Expanding(bound))
}

/// A join without a condition: all pairs.
fn lateral_or_cross(left: From, right: Source, kind: JoinKind) -> Result<From> {
    match kind {
        JoinKind::Inner => Ok(beside(left, right, ApplyKind::Inner)),
        JoinKind::Left => beside_left(left, right),
        _ => Err(Error::not_supported("RIGHT or FULL JOIN without a condition")),
    }
}

/// LEFT JOIN of a source that may depend on the rows before it.
fn beside_left(left: From, right: Source) -> Result<From> {
    match right {
        Source::Alone(_) => Ok(beside(left, right, ApplyKind::Left)),
        Source::Expanding(From { mut plan, relations }) => {
            let width = relations.iter().map(|relation| relation.columns.len()).sum();
            if !preserve_input(&mut plan, width) {
                let words = "LEFT JOIN of a join that begins with a table function";
                return Err(Error::not_supported(words));
            }
            let relations = with_nulls(left.relations, relations, JoinKind::Left);
            Ok(From { plan, relations })
        }
    }
}

/// Lets a table function keep the rows that it makes nothing of; false where the plan is more than one that gives so
/// many columns: of several the last one knows nothing of rows that the first one makes nothing of.
fn preserve_input(plan: &mut Plan, width: usize) -> bool {
    match plan {
        Plan::LateralFunction(node) if node.columns.len() == width => {
            node.preserves_input = true;
            node.columns.iter_mut().for_each(|column| column.nullable = true);
            true
        }
        Plan::ForeignTable(node) if node.columns.len() == width => {
            node.preserves_input = true;
            true
        }
        // What FLATTEN makes of a structured value gets its types above it.
        Plan::Project(node) => {
            node.items.iter_mut().for_each(|item| relax(&mut item.expr));
            preserve_input(&mut node.input, width)
        }
        _ => false,
    }
}

fn join_on(
    context: &FromContext<'_>,
    left: From,
    right: Source,
    kind: JoinKind,
    condition: &ast::Expr,
) -> Result<From> {
    let mut relations = left.relations.clone();
    let right_relations = match &right {
        Source::Alone(from) | Source::Expanding(from) => from.relations.clone(),
    };
    relations.extend(right_relations);
    let scope = Scope { relations, outer: context.env.outer };
    let mut gathered = Gathered::default();
    let condition = {
        let (binder, env) = (context.binder, context.env);
        ExprBinder::new(binder, env, &scope, Clause::From, &mut gathered)
            .bind_condition(condition)?
    };
    let lateral = match &right {
        Source::Alone(from) => super::from::reads_from(&from.plan, &left.plan),
        Source::Expanding(_) => true,
    };
    if lateral || (kind == JoinKind::Inner && !gathered.applies.is_empty()) {
        // A filter above the pairs says the same for an inner join, and only for it.
        let value = fold::constant(&condition, &context.binder.context.functions)?;
        let truth = value == Some(firn_types::Value::Boolean(true));
        if kind == JoinKind::Left && truth && lateral && gathered.applies.is_empty() {
            return beside_left(left, right);
        }
        if kind != JoinKind::Inner {
            return Err(Error::not_supported("an outer join of LATERAL with a condition"));
        }
        let from = beside(left, right, ApplyKind::Inner);
        let plan = attach(from.plan, gathered.applies);
        let conditions = condition.into_conjuncts();
        let plan = Plan::Filter(firn_plan::Filter { input: Box::new(plan), conditions });
        return Ok(From { plan, relations: from.relations });
    }
    let (mut left, mut right) = (left, right.into_from());
    attach_beside(&mut left.plan, &mut right.plan, gathered.applies)?;
    let plan = Plan::Join(Box::new(Join {
        kind,
        left: Box::new(left.plan),
        right: Box::new(right.plan),
        keys: Vec::new(),
        conditions: condition.into_conjuncts(),
    }));
    let relations = with_nulls(left.relations, right.relations, kind);
    Ok(From { plan, relations })
}

/// Puts the subqueries of an outer join's condition beside the side that each speaks of: they keep that
/// side's rows as they are.
fn attach_beside(left: &mut Plan, right: &mut Plan, applies: Vec<PendingApply>) -> Result<()> {
    for apply in applies {
        let side = match (apply.reads_from(left), apply.reads_from(right)) {
            (true, true) => {
                let feature = "an outer join whose condition holds a subquery about both sides";
                return Err(Error::not_supported(feature));
            }
            (true, false) => &mut *left,
            (false, _) => &mut *right,
        };
        let plan = std::mem::replace(side, Plan::one_row());
        *side = attach(plan, vec![apply]);
    }
    Ok(())
}

/// The relations with their columns nullable where the join pads them.
fn with_nulls(mut left: Vec<Relation>, mut right: Vec<Relation>, kind: JoinKind) -> Vec<Relation> {
    let pad = |relations: &mut Vec<Relation>| {
        for column in relations.iter_mut().flat_map(|relation| &mut relation.columns) {
            column.column.nullable = true;
        }
    };
    if matches!(kind, JoinKind::Right | JoinKind::Full) {
        pad(&mut left);
    }
    if matches!(kind, JoinKind::Left | JoinKind::Full) {
        pad(&mut right);
    }
    left.extend(right);
    left
}

/// NATURAL: the names that both sides have.
pub(super) fn common_names(left: &From, right: &From) -> Vec<Identifier> {
    let names = |from: &From| -> Vec<String> {
        let columns = from.relations.iter().flat_map(|relation| &relation.columns);
        let shown = columns.filter(|column| column.unqualified && !column.pseudo);
        shown.map(|column| column.column.name.clone()).collect()
    };
    let right = names(right);
    names(left).into_iter().filter(|name| right.contains(name)).map(Identifier::exact).collect()
}

fn join_using(
    context: &FromContext<'_>,
    left: From,
    right: Source,
    kind: JoinKind,
    shared: &[Identifier],
) -> Result<From> {
    let right = right.into_from();
    let mut conditions = Vec::with_capacity(shared.len());
    let mut merged = Vec::with_capacity(shared.len());
    for name in shared {
        let l = side_column(&left, name)?;
        let r = side_column(&right, name)?;
        conditions.push(compare_equal(l.expr(), r.expr()).map_err(|e| e.at(name.span))?);
        merged.push((name.name.clone(), l, r));
    }
    let plan = Plan::Join(Box::new(Join {
        kind,
        left: Box::new(left.plan),
        right: Box::new(right.plan),
        keys: Vec::new(),
        conditions,
    }));
    let relations = with_nulls(left.relations, right.relations, kind);
    let (plan, columns) = merge_columns(context, plan, merged, kind)?;
    Ok(From { plan, relations: merged_relations(relations, shared, columns) })
}

/// The sources behind the columns that USING shows once.
fn merged_relations(
    mut relations: Vec<Relation>,
    shared: &[Identifier],
    columns: Vec<PlanColumn>,
) -> Vec<Relation> {
    for column in relations.iter_mut().flat_map(|relation| &mut relation.columns) {
        if shared.iter().any(|name| name.name == column.column.name) {
            column.unqualified = false;
        }
    }
    relations.insert(0, Relation::new("", columns));
    relations
}

/// A join that keeps all left rows, with the left columns of these names shown once.
pub(super) fn merged_by_name(joined: From, shared: &[Identifier]) -> From {
    let all = joined.relations.iter().flat_map(|relation| &relation.columns);
    let all: Vec<PlanColumn> = all.map(|column| column.column.clone()).collect();
    // The left side's columns come first.
    let first = |name: &Identifier| all.iter().find(|column| column.name == name.name).cloned();
    let columns = shared.iter().filter_map(first).collect();
    From { relations: merged_relations(joined.relations, shared, columns), ..joined }
}

/// The column of a name that USING needs.
pub(super) fn side_column(side: &From, name: &Identifier) -> Result<PlanColumn> {
    let scope = Scope { relations: side.relations.clone(), outer: None };
    let wanted = ObjectName::single(name.clone());
    match scope.find_here(&wanted)? {
        Some(column) => Ok(column),
        None => Err(scope.unknown(&wanted)),
    }
}

/// The columns that USING shows once: the side that no row lacks, or for FULL whichever is there.
fn merge_columns(
    context: &FromContext<'_>,
    plan: Plan,
    merged: Vec<(String, PlanColumn, PlanColumn)>,
    kind: JoinKind,
) -> Result<(Plan, Vec<PlanColumn>)> {
    if kind != JoinKind::Full {
        let columns = merged.into_iter().map(|(name, left, right)| {
            let column = if kind == JoinKind::Right { right } else { left };
            PlanColumn { name, ..column }
        });
        return Ok((plan, columns.collect()));
    }
    let mut items: Vec<ProjectItem> = plan.columns().iter().map(ProjectItem::pass).collect();
    let mut columns = Vec::with_capacity(merged.len());
    for (name, left, right) in merged {
        let both = vec![left.expr(), right.expr()];
        let (operands, sql_type) = crate::bind::expr::unify("USING", both)?;
        let expr = Expr::Coalesce { operands, sql_type };
        let item = ProjectItem { id: context.binder.fresh(), name, expr };
        columns.push(PlanColumn { nullable: true, ..item.column() });
        items.push(item);
    }
    Ok((Plan::Project(Project { input: Box::new(plan), items }), columns))
}
