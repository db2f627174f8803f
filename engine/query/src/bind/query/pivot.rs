//! PIVOT and UNPIVOT.

use std::sync::Arc;

use firn_expression::Expr;
use firn_functions::Argument;
use firn_functions::cast::{CastMode, cast_value};
use firn_functions::registry::{self, Function};
use firn_parse::ast::{self, ArgumentValue, Pivot, PivotValues, Unpivot};
use firn_plan::{
    Aggregate, AggregateCall, CteRef, Filter, Limit, Plan, PlanColumn, Project, ProjectItem,
    SetOperation, SetOperator, Sort, With,
};
use firn_types::ObjectName;
use firn_types::{Error, ErrorCode, Result, SqlType, Value, coerce};

use super::bind_query;
use super::from::{From, FromContext, bind_source, deeper};
use crate::bind::BoundQuery;
use crate::bind::clause::Clause;
use crate::bind::expr::{
    ExprBinder, Gathered, attach, cast, compare_equal, counted, sort_key, text_literal,
};
use crate::bind::scope::{Relation, Scope};

/// Aggregates that PIVOT takes.
const PIVOT_AGGREGATES: &[&str] = &["AVG", "COUNT", "MAX", "MIN", "SUM"];

/// Most columns that a PIVOT over ANY or a subquery makes.
const DYNAMIC_COLUMNS_MAX: usize = 2000;

/// PIVOT: one aggregate per value, grouped by every column that it does not use.
pub(super) fn bind_pivot(context: &FromContext<'_>, pivot: &Pivot) -> Result<From> {
    let source = bind_source(context, &pivot.source, None)?.into_from();
    let scope = Scope { relations: source.relations, outer: None };
    let find = |name: &firn_types::Identifier| {
        let wanted = ObjectName::single(name.clone());
        scope.find_here(&wanted)?.ok_or_else(|| scope.unknown(&wanted))
    };
    let by = find(&pivot.column)?;
    let (function, argument) = pivot_aggregate(context, pivot, &scope)?;
    let values = pivot_values(context, pivot, &source.plan, &by)?;
    let groups: Vec<PlanColumn> = scope
        .star(None)?
        .into_iter()
        .filter(|column| column.id != by.id && column.id != argument.id)
        .collect();

    let signature = function.resolve(vec![Argument::of(argument.sql_type)])?;
    let mut aggregates = Vec::with_capacity(values.len());
    for PivotColumn { value, sql_type, name } in values {
        let condition = match value {
            Value::Null => Expr::IsNull(Box::new(by.expr())),
            value => compare_equal(by.expr(), Expr::Literal { value, sql_type })?,
        };
        let chosen = Expr::Case {
            branches: vec![(condition, argument.expr())],
            otherwise: None,
            sql_type: argument.sql_type,
        };
        aggregates.push(AggregateCall {
            id: context.binder.fresh(),
            name,
            function,
            signature: Arc::clone(&signature),
            arguments: vec![match function.name {
                "COUNT" => counted(chosen)?,
                _ => cast(chosen, signature.arguments[0]),
            }],
            distinct: false,
            order_by: Vec::new(),
        });
    }
    let calls: Vec<PlanColumn> = aggregates.iter().map(AggregateCall::column).collect();
    let plan = Plan::Aggregate(Box::new(Aggregate {
        input: Box::new(source.plan),
        groups: groups.iter().map(ProjectItem::pass).collect(),
        grouping_sets: None,
        grouping_id: None,
        aggregates,
    }));
    let (plan, calls) = match &pivot.default {
        Some(default) => with_default(context, plan, &groups, calls, default)?,
        None => (plan, calls),
    };
    let columns = groups.into_iter().chain(calls).collect();
    Ok(From { plan, relations: vec![Relation::new("PIVOT", columns)] })
}

/// A value of PIVOT with the name of the column that it becomes.
struct PivotColumn {
    value: Value,
    sql_type: SqlType,
    name: String,
}

fn pivot_values(
    context: &FromContext<'_>,
    pivot: &Pivot,
    source: &Plan,
    by: &PlanColumn,
) -> Result<Vec<PivotColumn>> {
    let (binder, env) = (context.binder, context.env);
    let suffixed = |written: String| match &pivot.alias {
        Some(suffix) => format!("{written}_{}", suffix.name),
        None => written,
    };
    let (bound, span) = match &pivot.values {
        PivotValues::List(values) => {
            let columns = values.iter().map(|value| {
                let (constant, sql_type) = binder.bind_constant(&value.expr, env)?;
                let name = match &value.alias {
                    Some(alias) => alias.name.clone(),
                    None => suffixed(value.expr.span.of(env.text).to_string()),
                };
                Ok(PivotColumn { value: constant, sql_type, name })
            });
            return columns.collect();
        }
        PivotValues::Any(order) => (any_values(context, source, by, order)?, pivot.column.span),
        PivotValues::Query(query) => (bind_query(binder, query, &deeper(env))?, query.span),
    };
    let [column] = bound.columns.as_slice() else {
        let text = "the subquery of PIVOT must give one column";
        return Err(Error::new(ErrorCode::InvalidStatement, text).at(span));
    };
    let sql_type = column.sql_type;
    let fetch = Some(DYNAMIC_COLUMNS_MAX as u64 + 1);
    let plan = Plan::Limit(Limit { input: Box::new(bound.plan.clone()), skip: 0, fetch });
    let plan = env.ctes.map_or(Ok(plan.clone()), |ctes| ctes.close(plan))?;
    let query = binder.output(BoundQuery { plan, columns: bound.columns })?;
    let mut values: Vec<Value> = Vec::new();
    for value in binder.context.services.values_of(query, binder.next_column_id())? {
        if !values.contains(&value) {
            values.push(value);
        }
    }
    if values.len() > DYNAMIC_COLUMNS_MAX {
        let text = format!("PIVOT would give more than {DYNAMIC_COLUMNS_MAX} columns");
        return Err(Error::new(ErrorCode::InvalidStatement, text).at(span));
    }
    let columns = values.into_iter().map(|value| {
        let name = suffixed(written(context, &value, sql_type)?);
        Ok(PivotColumn { value, sql_type, name })
    });
    columns.collect()
}

/// ANY: the different values of the column, in the order that is asked for, else their own.
fn any_values(
    context: &FromContext<'_>,
    source: &Plan,
    by: &PlanColumn,
    order: &[ast::OrderItem],
) -> Result<BoundQuery> {
    let (binder, env) = (context.binder, context.env);
    let plan = Plan::Aggregate(Box::new(Aggregate {
        input: Box::new(source.clone()),
        groups: vec![ProjectItem::pass(by)],
        grouping_sets: None,
        grouping_id: None,
        aggregates: Vec::new(),
    }));
    let relations = vec![Relation::new("", vec![by.clone()])];
    let scope = Scope { relations, outer: None };
    let mut gathered = Gathered::default();
    let nulls_first = binder.context.nulls_first;
    let mut keys = Vec::with_capacity(order.len());
    for item in order {
        let mut expressions = ExprBinder::new(binder, env, &scope, Clause::Single, &mut gathered);
        let expr = expressions.bind(&item.expr)?;
        keys.push(sort_key(expr, item.descending, item.nulls_first, nulls_first));
    }
    if keys.is_empty() {
        keys.push(sort_key(by.expr(), false, None, nulls_first));
    }
    let input = Box::new(attach(plan, gathered.applies));
    let plan = Plan::Sort(Sort { input, keys, limit: None });
    Ok(BoundQuery { plan, columns: vec![by.clone()] })
}

/// A value as it would be written: in quotes, unless it is a number.
fn written(context: &FromContext<'_>, value: &Value, sql_type: SqlType) -> Result<String> {
    let functions = &context.binder.context.functions;
    let text = cast_value(value, sql_type, SqlType::TEXT, CastMode::Strict, functions)?;
    Ok(match text {
        Value::Text(text) if sql_type.is_numeric() => text.to_string(),
        Value::Text(text) => format!("'{}'", text.replace('\'', "''")),
        _ => "NULL".to_string(),
    })
}

fn pivot_aggregate(
    context: &FromContext<'_>,
    pivot: &Pivot,
    scope: &Scope<'_>,
) -> Result<(&'static firn_functions::AggregateFunction, PlanColumn)> {
    let call = &pivot.aggregate;
    let name = context.binder.plain_name(&call.name, context.env)?;
    let name = name.object().name.to_uppercase();
    let refuse = || {
        let text = format!(
            "Invalid aggregate [{name}] in PIVOT: it must be one of AVG, COUNT, MAX, MIN or SUM of a column"
        );
        Error::new(ErrorCode::InvalidAggregate, text)
    };
    let Some(Function::Aggregate(function)) = registry::find(&name) else { return Err(refuse()) };
    if !PIVOT_AGGREGATES.contains(&function.name) || call.distinct {
        return Err(refuse());
    }
    match call.arguments.as_slice() {
        [ast::Argument { value: ArgumentValue::Expr(expr), .. }] => match &expr.kind {
            ast::ExprKind::Column(name) => {
                let column = scope.find_here(name)?.ok_or_else(|| scope.unknown(name))?;
                Ok((function, column))
            }
            _ => Err(refuse()),
        },
        _ => Err(refuse()),
    }
}

/// DEFAULT ON NULL: the value in place of the NULLs that pivoting makes.
fn with_default(
    context: &FromContext<'_>,
    plan: Plan,
    groups: &[PlanColumn],
    calls: Vec<PlanColumn>,
    default: &ast::Expr,
) -> Result<(Plan, Vec<PlanColumn>)> {
    let (value, sql_type) = context.binder.bind_constant(default, context.env)?;
    let default = Expr::Literal { value, sql_type };
    let mut items: Vec<ProjectItem> = groups.iter().map(ProjectItem::pass).collect();
    let mut columns = Vec::with_capacity(calls.len());
    for call in calls {
        let both = vec![call.expr(), default.clone()];
        let (operands, sql_type) = crate::bind::expr::unify("PIVOT", both)?;
        let expr = Expr::Coalesce { operands, sql_type };
        let item = ProjectItem { id: context.binder.fresh(), name: call.name, expr };
        columns.push(item.column());
        items.push(item);
    }
    Ok((Plan::Project(Project { input: Box::new(plan), items }), columns))
}

/// UNPIVOT: for each listed column a branch that gives its name and its value.
pub(super) fn bind_unpivot(context: &FromContext<'_>, unpivot: &Unpivot) -> Result<From> {
    let binder = context.binder;
    let source = bind_source(context, &unpivot.source, None)?.into_from();
    let scope = Scope { relations: source.relations, outer: None };
    let turned = turned_columns(&scope, unpivot)?;
    let types: Vec<SqlType> = turned.iter().map(|(column, _)| column.sql_type).collect();
    let value_type = coerce::common_type(&types).ok_or_else(|| {
        let text = "the columns of UNPIVOT must be of one type";
        Error::new(ErrorCode::InvalidStatement, text)
    })?;
    let mut kept = scope.star(None)?;
    kept.retain(|column| turned.iter().all(|(other, _)| other.id != column.id));

    // The source is read once and seen by every branch.
    let read = Read { cte: binder.fresh_cte(), columns: source.plan.columns(), kept };
    let inputs = turned.iter().map(|(column, label)| {
        let name = text_literal(label.as_str().into());
        read.branch(context, unpivot, name, column, value_type)
    });
    let mut inputs: Vec<Plan> = inputs.collect();
    let (mut plan, columns) = if inputs.len() == 1 {
        let only = inputs.swap_remove(0);
        let columns = only.columns();
        (only, columns)
    } else {
        let fresh = |name: &str, sql_type| binder.fresh_column(name, sql_type, true);
        let mut columns: Vec<PlanColumn> =
            read.kept.iter().map(|column| fresh(&column.name, column.sql_type)).collect();
        columns.push(fresh(&unpivot.name.name, SqlType::TEXT));
        columns.push(fresh(&unpivot.value.name, value_type));
        let operator = SetOperator::UnionAll;
        let columns_of_all = columns.clone();
        (Plan::SetOperation(SetOperation { operator, inputs, columns }), columns_of_all)
    };
    if !unpivot.include_nulls {
        let value = columns[columns.len() - 1].expr();
        let present = Expr::Not(Box::new(Expr::IsNull(Box::new(value))));
        plan = Plan::Filter(Filter { input: Box::new(plan), conditions: vec![present] });
    }
    let (definition, body) = (Box::new(source.plan), Box::new(plan));
    let plan = Plan::With(Box::new(With { cte: read.cte, definition, body }));
    Ok(From { plan, relations: vec![Relation::new("UNPIVOT", columns)] })
}

/// The columns that UNPIVOT turns to rows, with the name that each gets there.
fn turned_columns(scope: &Scope, unpivot: &Unpivot) -> Result<Vec<(PlanColumn, String)>> {
    let mut turned = Vec::with_capacity(unpivot.columns.len());
    for column in &unpivot.columns {
        let wanted = ObjectName::single(column.column.clone());
        let found = scope.find_here(&wanted)?.ok_or_else(|| scope.unknown(&wanted))?;
        let label = column.alias.clone().unwrap_or_else(|| column.column.name.clone());
        turned.push((found, label));
    }
    Ok(turned)
}

/// What UNPIVOT reads.
struct Read {
    cte: u32,
    columns: Vec<PlanColumn>,
    /// Those of the columns that stay.
    kept: Vec<PlanColumn>,
}

impl Read {
    /// The rows that one column turns to.
    fn branch(
        &self,
        context: &FromContext<'_>,
        unpivot: &Unpivot,
        name: Expr,
        turned: &PlanColumn,
        value_type: SqlType,
    ) -> Plan {
        let binder = context.binder;
        let fresh: Vec<PlanColumn> = self
            .columns
            .iter()
            .map(|c| binder.fresh_column(&c.name, c.sql_type, c.nullable))
            .collect();
        let seen = |wanted: &PlanColumn| {
            let at = self.columns.iter().position(|c| c.id == wanted.id);
            at.map_or_else(|| Expr::null(wanted.sql_type), |at| fresh[at].expr())
        };
        let item =
            |name: &str, expr| ProjectItem { id: binder.fresh(), name: name.to_string(), expr };
        let mut items: Vec<ProjectItem> =
            self.kept.iter().map(|column| item(&column.name, seen(column))).collect();
        items.push(item(&unpivot.name.name, name));
        items.push(item(&unpivot.value.name, cast(seen(turned), value_type)));
        let input = Box::new(Plan::CteRef(CteRef { cte: self.cte, columns: fresh.clone() }));
        Plan::Project(Project { input, items })
    }
}
