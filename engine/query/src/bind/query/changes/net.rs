//! The net change: what is left of rows that have come and gone, with the columns that say what became of each.

use firn_expression::Expr;
use firn_functions::Argument;
use firn_functions::registry;
use firn_plan::{
    Aggregate, AggregateCall, Filter, Frame, Plan, PlanColumn, Project, ProjectItem, Window,
    WindowCall, WindowTarget,
};
use firn_types::scan_predicate::Comparison;
use firn_types::{Collation, ObjectId, Result, SqlType, Value};

use super::difference::{Term, WEIGHT, union};
use crate::bind::clause::Clause;
use crate::bind::context::Env;
use crate::bind::expr::{ExprBinder, Gathered, cast, text_literal};
use crate::bind::scope::Scope;
use crate::bind::{Binder, BoundQuery};

/// What becomes of the terms: the columns asked for, METADATA$ACTION, METADATA$ISUPDATE, METADATA$ROW_ID. When
/// rows were only appended, nothing can cancel out.
pub(super) fn net(
    binder: &Binder<'_>,
    source: ObjectId,
    wanted: &[PlanColumn],
    terms: Vec<Term>,
    appended: bool,
    env: &Env<'_>,
) -> Result<BoundQuery> {
    let all = together(binder, wanted, terms);
    let changed = if appended { Changed::of(all) } else { cancelled(binder, all)? };
    let weight_is_positive =
        compare(Comparison::Greater, changed.weight.clone(), number(0, WEIGHT));
    let action = Expr::Case {
        branches: vec![(weight_is_positive, text_literal("INSERT".into()))],
        otherwise: Some(Box::new(text_literal("DELETE".into()))),
        sql_type: SqlType::TEXT,
    };
    let is_update = match &changed.versions {
        Some(versions) => compare(Comparison::Greater, versions.clone(), number(1, WEIGHT)),
        None => Expr::Literal { value: Value::Boolean(false), sql_type: SqlType::Boolean },
    };
    let row_id = row_id(binder, source, &changed.ids, env)?;
    let mut items: Vec<ProjectItem> = changed
        .columns
        .iter()
        .zip(wanted)
        .map(|(column, wanted)| item(binder, &wanted.name, cast(column.expr(), wanted.sql_type)))
        .collect();
    items.push(item(binder, "METADATA$ACTION", action));
    items.push(item(binder, "METADATA$ISUPDATE", is_update));
    items.push(item(binder, "METADATA$ROW_ID", row_id));
    let columns = items.iter().map(ProjectItem::column).collect();
    let plan = Plan::Project(Project { input: Box::new(changed.plan), items });
    Ok(BoundQuery { plan, columns })
}

/// Rows with their weights.
struct Changed {
    plan: Plan,
    columns: Vec<PlanColumn>,
    ids: Vec<PlanColumn>,
    weight: Expr,
    /// How many rows there are of the same ids: two of one that was updated.
    versions: Option<Expr>,
}

/// All terms under the same columns.
struct Together {
    plan: Plan,
    columns: Vec<PlanColumn>,
    ids: Vec<PlanColumn>,
    weight: PlanColumn,
}

impl Changed {
    fn of(all: Together) -> Changed {
        let weight = all.weight.expr();
        Changed { plan: all.plan, columns: all.columns, ids: all.ids, weight, versions: None }
    }
}

/// All terms under the same columns. Branches of UNION ALL may know their rows by fewer ids.
fn together(binder: &Binder<'_>, wanted: &[PlanColumn], terms: Vec<Term>) -> Together {
    let width = terms.iter().map(|term| term.ids.len()).max().unwrap_or(1);
    // Texts that a collation takes for the same are different values.
    let fresh = |column: &PlanColumn| PlanColumn {
        id: binder.fresh(),
        sql_type: column.sql_type.with_collation(Collation::NONE),
        ..column.clone()
    };
    let columns: Vec<PlanColumn> = wanted.iter().map(fresh).collect();
    let ids: Vec<PlanColumn> =
        (0..width).map(|_| binder.fresh_column("ROW_ID", SqlType::INTEGER, false)).collect();
    let weight = binder.fresh_column("WEIGHT", WEIGHT, false);
    let every: Vec<PlanColumn> = columns.iter().chain(&ids).chain([&weight]).cloned().collect();
    let branches = terms.into_iter().map(|term| {
        let missing = width - term.ids.len();
        let given = wanted.iter().chain(&term.ids).map(PlanColumn::expr);
        let given = given.chain((0..missing).map(|_| number(-1, SqlType::INTEGER)));
        let given = given.chain([term.weight.expr()]).zip(&every);
        let items = given.map(|(expr, column)| ProjectItem {
            id: column.id,
            name: column.name.clone(),
            expr: cast(expr, column.sql_type),
        });
        Plan::Project(Project { items: items.collect(), input: Box::new(term.plan) })
    });
    let plan = union(binder, &every, branches.collect()).unwrap_or_else(|| Plan::empty(every));
    Together { plan, columns, ids, weight }
}

/// The rows whose weights do not add up to nothing, and how many there are of each row's ids.
fn cancelled(binder: &Binder<'_>, all: Together) -> Result<Changed> {
    let group = |column: &PlanColumn| item(binder, &column.name, column.expr());
    let columns: Vec<ProjectItem> = all.columns.iter().map(group).collect();
    let ids: Vec<ProjectItem> = all.ids.iter().map(group).collect();
    let sum = call(binder, "SUM", Some(all.weight.expr()))?;
    let weight = sum.column();
    let id_columns: Vec<PlanColumn> = ids.iter().map(ProjectItem::column).collect();
    let value_columns: Vec<PlanColumn> = columns.iter().map(ProjectItem::column).collect();
    let plan = Plan::Aggregate(Box::new(Aggregate {
        input: Box::new(all.plan),
        groups: columns.into_iter().chain(ids).collect(),
        grouping_sets: None,
        grouping_id: None,
        aggregates: vec![sum],
    }));
    let is_left = compare(Comparison::NotEqual, weight.expr(), number(0, weight.sql_type));
    let plan = Plan::Filter(Filter { input: Box::new(plan), conditions: vec![is_left] });
    let count = call(binder, "COUNT", Some(weight.expr()))?;
    let versions = count.column();
    let window = over(count, id_columns.iter().map(PlanColumn::expr).collect());
    let plan = Plan::Window(Window { input: Box::new(plan), calls: vec![window], top: None });
    Ok(Changed {
        plan,
        columns: value_columns,
        ids: id_columns,
        weight: weight.expr(),
        versions: Some(versions.expr()),
    })
}

/// A call of an aggregate function: of an expression, or of rows.
pub(super) fn call(
    binder: &Binder<'_>,
    name: &str,
    argument: Option<Expr>,
) -> Result<AggregateCall> {
    let function = registry::aggregate(name)?;
    let given = argument.iter().map(|argument| Argument::of(argument.sql_type()));
    let signature = function.resolve(given.collect())?;
    let arguments = argument.into_iter().zip(&signature.arguments);
    let arguments = arguments.map(|(argument, to)| cast(argument, *to)).collect();
    Ok(AggregateCall {
        id: binder.fresh(),
        name: name.to_string(),
        function,
        signature,
        arguments,
        distinct: false,
        order_by: Vec::new(),
    })
}

/// The call for all rows with the same values.
pub(super) fn over(call: AggregateCall, partition_by: Vec<Expr>) -> WindowCall {
    let (function, signature) = (call.function, call.signature);
    WindowCall {
        id: call.id,
        name: call.name,
        target: WindowTarget::Aggregate {
            function,
            signature,
            distinct: false,
            within: Vec::new(),
        },
        arguments: call.arguments,
        partition_by,
        order_by: Vec::new(),
        frame: Frame::whole(),
        ignore_nulls: false,
    }
}

/// ROW_NUMBER of the rows with the same values, in any order.
pub(super) fn row_number(binder: &Binder<'_>, partition_by: Vec<Expr>) -> Result<WindowCall> {
    let function = registry::window("ROW_NUMBER")?;
    let signature = function.resolve(Vec::new())?;
    Ok(WindowCall {
        id: binder.fresh(),
        name: "NUMBER".to_string(),
        target: WindowTarget::Window(function, signature),
        arguments: Vec::new(),
        partition_by,
        order_by: Vec::new(),
        frame: Frame::whole(),
        ignore_nulls: false,
    })
}

/// 40 hexadecimal digits that are the same as long as the row is.
fn row_id(
    binder: &Binder<'_>,
    source: ObjectId,
    ids: &[PlanColumn],
    env: &Env<'_>,
) -> Result<Expr> {
    let scope = Scope::default();
    let mut gathered = Gathered::default();
    let mut expressions = ExprBinder::new(binder, env, &scope, Clause::From, &mut gathered);
    let mut text = text_literal(source.0.to_string().into());
    for id in ids {
        let next = cast(id.expr(), SqlType::TEXT);
        let next = expressions.call_scalar("||", vec![text_literal(".".into()), next])?;
        text = expressions.call_scalar("||", vec![text, next])?;
    }
    expressions.call_scalar("SHA1", vec![text])
}

/// An expression under an id of its own.
pub(super) fn item(binder: &Binder<'_>, name: &str, expr: Expr) -> ProjectItem {
    ProjectItem { id: binder.fresh(), name: name.to_string(), expr }
}

/// A number of a type, as it is written there.
pub(super) fn number(value: i128, sql_type: SqlType) -> Expr {
    Expr::Literal { value: Value::integer(value), sql_type }
}

/// A comparison of two sides of one type.
pub(super) fn compare(operator: Comparison, left: Expr, right: Expr) -> Expr {
    Expr::Compare { operator, left: Box::new(left), right: Box::new(right) }
}
