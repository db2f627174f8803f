//! ASOF JOIN: with each left row the one right row that is nearest in time.
//!
//! Both sides' rows stand in one order of time, and a window finds for each left row the last right row
//! before it; the right row's number then leads to its columns. So it costs a sort, and no pairs are made.

use std::collections::HashMap;

use firn_expression::Expr;
use firn_functions::Argument;
use firn_functions::registry;
use firn_parse::ast::{self, BinaryOperator, ExprKind, JoinConstraint};
use firn_plan::{
    CteRef, Filter, Frame, FrameBound, FrameUnit, Join, JoinKey, JoinKind, Plan, PlanColumn,
    Project, ProjectItem, SetOperation, SetOperator, SortKey, Window, WindowCall, WindowTarget,
    With,
};
use firn_types::scan_predicate::Comparison;
use firn_types::{ColumnId, Error, ErrorCode, Result, SqlType, Value};

use super::from::{From, FromContext};
use super::join::{common_names, merged_by_name, side_column};
use crate::bind::Binder;
use crate::bind::clause::Clause;
use crate::bind::expr::{ExprBinder, Gathered, comparable};
use crate::bind::scope::{Relation, Scope};

/// How the two sides belong together.
struct Match {
    /// The left side's time and the right side's, of one type.
    times: (Expr, Expr),
    /// How the left time compares with the right one.
    operator: Comparison,
    /// Pairs that must be equal, of one type each.
    keys: Vec<(Expr, Expr)>,
}

/// Joins two bound sources.
pub(super) fn bind(
    context: &FromContext<'_>,
    join: &ast::Join,
    condition: &ast::Expr,
    left: From,
    right: From,
) -> Result<From> {
    let (operator, times) = match_condition(context, condition, &left, &right)?;
    let names = match &join.constraint {
        JoinConstraint::Using(names) => names.clone(),
        JoinConstraint::Natural => common_names(&left, &right),
        JoinConstraint::None | JoinConstraint::On(_) => Vec::new(),
    };
    let mut keys = Vec::new();
    for name in &names {
        let (l, r) = (side_column(&left, name)?, side_column(&right, name)?);
        keys.push(comparable(l.expr(), r.expr()).map_err(|error| error.at(name.span))?);
    }
    if let JoinConstraint::On(on) = &join.constraint {
        keys = equalities(context, on, &left, &right)?;
    }
    let joined = nearest(context.binder, left, right, &Match { times, operator, keys })?;
    if names.is_empty() { Ok(joined) } else { Ok(merged_by_name(joined, &names)) }
}

/// MATCH_CONDITION: a comparison of something of the left side with something of the right.
fn match_condition(
    context: &FromContext<'_>,
    condition: &ast::Expr,
    left: &From,
    right: &From,
) -> Result<(Comparison, (Expr, Expr))> {
    let refuse = || {
        let text = "MATCH_CONDITION must compare a column of the left table with one of the right table \
                    by >=, >, <= or <";
        Error::new(ErrorCode::InvalidStatement, text).at(condition.span)
    };
    let ExprKind::Binary(operator, l, r) = &condition.kind else { return Err(refuse()) };
    let operator = match operator {
        BinaryOperator::Greater => Comparison::Greater,
        BinaryOperator::GreaterOrEqual => Comparison::GreaterOrEqual,
        BinaryOperator::Less => Comparison::Less,
        BinaryOperator::LessOrEqual => Comparison::LessOrEqual,
        _ => return Err(refuse()),
    };
    let (l, r) = (bind_over(context, l, left)?, bind_over(context, r, right)?);
    Ok((operator, comparable(l, r).map_err(|error| error.at(condition.span))?))
}

fn bind_over(context: &FromContext<'_>, expr: &ast::Expr, side: &From) -> Result<Expr> {
    let scope = Scope { relations: side.relations.clone(), outer: None };
    let mut gathered = Gathered::default();
    let (binder, env) = (context.binder, context.env);
    let bound = ExprBinder::new(binder, env, &scope, Clause::From, &mut gathered).bind(expr)?;
    match gathered.applies.is_empty() {
        true => Ok(bound),
        false => Err(Error::not_supported("a subquery in an ASOF JOIN").at(expr.span)),
    }
}

/// ON: equalities of the two sides.
fn equalities(
    context: &FromContext<'_>,
    on: &ast::Expr,
    left: &From,
    right: &From,
) -> Result<Vec<(Expr, Expr)>> {
    let both = left.relations.iter().chain(&right.relations).cloned().collect();
    let both = From { plan: Plan::one_row(), relations: both };
    let given =
        |side: &From| -> Vec<ColumnId> { side.plan.columns().iter().map(|c| c.id).collect() };
    let (in_left, in_right) = (given(left), given(right));
    let of =
        |expr: &Expr, side: &[ColumnId]| expr.columns_used().iter().all(|id| side.contains(id));
    let mut keys = Vec::new();
    for condition in bind_over(context, on, &both)?.into_conjuncts() {
        let key = match condition {
            Expr::Compare { operator: Comparison::Equal, left: a, right: b } => {
                if of(&a, &in_left) && of(&b, &in_right) {
                    Some((*a, *b))
                } else if of(&b, &in_left) && of(&a, &in_right) {
                    Some((*b, *a))
                } else {
                    None
                }
            }
            _ => None,
        };
        let text = "ON of an ASOF JOIN takes only equalities of the two tables' columns";
        keys.push(key.ok_or_else(|| Error::new(ErrorCode::InvalidStatement, text).at(on.span))?);
    }
    Ok(keys)
}

/// The join itself.
fn nearest(binder: &Binder<'_>, left: From, right: From, matching: &Match) -> Result<From> {
    let cte = binder.fresh_cte();
    let number = binder.fresh_column("ROW", SqlType::number(18, 0), false);
    let right_columns = right.plan.columns();
    let definition = numbered(right.plan, &number, Vec::new())?;
    let mut all = right_columns.clone();
    all.push(number.clone());
    let (among, among_ids) = reference(binder, cte, &all);
    let (found, found_ids) = reference(binder, cte, &all);

    let left_columns = left.plan.columns();
    let timeline = Timeline::new(
        binder,
        left.plan,
        &left_columns,
        matching,
        among,
        &|expr| renamed(expr, &among_ids),
        among_ids[&number.id].expr(),
    );
    let nearest = timeline.nearest(binder, matching)?;
    let keys = vec![JoinKey {
        left: nearest.found,
        right: found_ids[&number.id].expr(),
        null_equals_null: false,
    }];
    let body = Plan::Join(Box::new(Join {
        kind: JoinKind::Left,
        left: Box::new(nearest.plan),
        right: Box::new(found),
        keys,
        conditions: Vec::new(),
    }));
    let left_ids: HashMap<ColumnId, PlanColumn> =
        left_columns.iter().map(|column| column.id).zip(nearest.left).collect();
    let mut relations = renamed_relations(left.relations, &left_ids, false);
    relations.extend(renamed_relations(right.relations, &found_ids, true));
    let definition = Box::new(definition);
    let plan = Plan::With(Box::new(With { cte, definition, body: Box::new(body) }));
    Ok(From { plan, relations })
}

/// The rows with a number each, within a partition.
pub(super) fn numbered(input: Plan, number: &PlanColumn, partition_by: Vec<Expr>) -> Result<Plan> {
    let function = registry::window("ROW_NUMBER")?;
    let signature = function.resolve(Vec::new())?;
    let call = WindowCall {
        id: number.id,
        name: number.name.clone(),
        target: WindowTarget::Window(function, signature),
        arguments: Vec::new(),
        partition_by,
        order_by: Vec::new(),
        frame: Frame::whole(),
        ignore_nulls: false,
    };
    Ok(Plan::Window(Window { input: Box::new(input), calls: vec![call], top: None }))
}

/// One more reading of a common table expression, and what its columns are called there.
fn reference(
    binder: &Binder<'_>,
    cte: u32,
    columns: &[PlanColumn],
) -> (Plan, HashMap<ColumnId, PlanColumn>) {
    let fresh: Vec<PlanColumn> =
        columns.iter().map(|c| binder.fresh_column(&c.name, c.sql_type, c.nullable)).collect();
    let ids = columns.iter().map(|column| column.id).zip(fresh.iter().cloned()).collect();
    (Plan::CteRef(CteRef { cte, columns: fresh }), ids)
}

fn renamed(expr: &Expr, ids: &HashMap<ColumnId, PlanColumn>) -> Expr {
    expr.clone().map(&mut |part| match part.as_column().and_then(|id| ids.get(&id)) {
        Some(column) => column.expr(),
        None => part,
    })
}

fn renamed_relations(
    mut relations: Vec<Relation>,
    ids: &HashMap<ColumnId, PlanColumn>,
    padded: bool,
) -> Vec<Relation> {
    for column in relations.iter_mut().flat_map(|relation| &mut relation.columns) {
        if let Some(renamed) = ids.get(&column.column.id) {
            column.column.id = renamed.id;
        }
        column.column.nullable |= padded;
    }
    relations
}

/// The rows of both sides: the left columns, the time, the side (0 comes first among equal times), the
/// keys, and the right row's number.
struct Timeline {
    plan: Plan,
    columns: Vec<PlanColumn>,
    /// How many columns are the left side's.
    width: usize,
    /// The left side's mark.
    left_side: i128,
}

/// The left rows, each with the number of its right row.
struct Nearest {
    plan: Plan,
    left: Vec<PlanColumn>,
    found: Expr,
}

impl Timeline {
    fn new(
        binder: &Binder<'_>,
        left: Plan,
        left_columns: &[PlanColumn],
        matching: &Match,
        right: Plan,
        in_right: &dyn Fn(&Expr) -> Expr,
        number: Expr,
    ) -> Timeline {
        // A right row of the very same time counts for >= and <=: then it comes first.
        let equal =
            matches!(matching.operator, Comparison::GreaterOrEqual | Comparison::LessOrEqual);
        let left_side = if equal { 1 } else { 0 };
        let item = |expr: Expr| ProjectItem { id: binder.fresh(), name: "ASOF".to_string(), expr };
        let mut of_left: Vec<ProjectItem> =
            left_columns.iter().map(|column| item(column.expr())).collect();
        of_left.push(item(matching.times.0.clone()));
        of_left.push(item(mark(left_side)));
        of_left.extend(matching.keys.iter().map(|(key, _)| item(key.clone())));
        of_left.push(item(Expr::null(number.sql_type())));

        let time = in_right(&matching.times.1);
        let keys: Vec<Expr> = matching.keys.iter().map(|(_, key)| in_right(key)).collect();
        let present = std::iter::once(&time).chain(&keys);
        let present = present.map(|e| Expr::Not(Box::new(Expr::IsNull(Box::new(e.clone())))));
        let conditions = present.collect();
        let right = Plan::Filter(Filter { input: Box::new(right), conditions });
        let mut of_right: Vec<ProjectItem> =
            left_columns.iter().map(|column| item(Expr::null(column.sql_type))).collect();
        of_right.push(item(time));
        of_right.push(item(mark(1 - left_side)));
        of_right.extend(keys.into_iter().map(item));
        of_right.push(item(number));

        let columns: Vec<PlanColumn> = of_left
            .iter()
            .map(|item| binder.fresh_column(&item.name, item.expr.sql_type(), true))
            .collect();
        let inputs = vec![
            Plan::Project(Project { input: Box::new(left), items: of_left }),
            Plan::Project(Project { input: Box::new(right), items: of_right }),
        ];
        let operator = SetOperator::UnionAll;
        let plan = Plan::SetOperation(SetOperation { operator, inputs, columns: columns.clone() });
        Timeline { plan, columns, width: left_columns.len(), left_side }
    }

    fn nearest(self, binder: &Binder<'_>, matching: &Match) -> Result<Nearest> {
        let time = self.columns[self.width].expr();
        let side = self.columns[self.width + 1].expr();
        let last = self.columns.len() - 1;
        let keys = &self.columns[self.width + 2..last];
        let number = self.columns[last].expr();
        let backwards = matches!(matching.operator, Comparison::Less | Comparison::LessOrEqual);
        let key = |expr: &Expr, descending| SortKey {
            expr: expr.clone(),
            descending,
            nulls_first: false,
        };
        let function = registry::window("LAST_VALUE")?;
        let signature = function.resolve(vec![Argument::of(number.sql_type())])?;
        let found = binder.fresh_column("ROW", number.sql_type(), true);
        let call = WindowCall {
            id: found.id,
            name: found.name.clone(),
            target: WindowTarget::Window(function, signature),
            arguments: vec![number],
            partition_by: keys.iter().map(PlanColumn::expr).collect(),
            order_by: vec![key(&time, backwards), key(&side, false)],
            frame: Frame {
                unit: FrameUnit::Rows,
                start: FrameBound::UnboundedPreceding,
                end: FrameBound::CurrentRow,
            },
            ignore_nulls: true,
        };
        let plan =
            Plan::Window(Window { input: Box::new(self.plan), calls: vec![call], top: None });
        let of_left = Expr::Compare {
            operator: Comparison::Equal,
            left: Box::new(side),
            right: Box::new(mark(self.left_side)),
        };
        let plan = Plan::Filter(Filter { input: Box::new(plan), conditions: vec![of_left] });
        // A left row without a time is near to none.
        let timed = Expr::Not(Box::new(Expr::IsNull(Box::new(time))));
        let sql_type = found.sql_type;
        let found = Expr::Case { branches: vec![(timed, found.expr())], otherwise: None, sql_type };
        Ok(Nearest { plan, left: self.columns[..self.width].to_vec(), found })
    }
}

fn mark(side: i128) -> Expr {
    Expr::Literal { value: Value::integer(side), sql_type: SqlType::number(1, 0) }
}
