//! Table functions in FROM: FLATTEN and its kin, GENERATOR, RESULT_SCAN, and those of the session.

use std::sync::Arc;

use firn_account::catalog::{Action, Object, Returns};
use firn_expression::Expr;
use firn_functions::registry::{self, Function};
use firn_functions::{Argument, ForeignReturns, TableFunction};
use firn_parse::ast::{self, ArgumentValue, FunctionCall, TableExpr};
use firn_plan::{
    ForeignTable, Generate, LateralFunction, Plan, PlanColumn, Project, ProjectItem, VirtualSource,
};
use firn_types::{Error, ErrorCode, Field, ObjectName, Result, SqlType, Value};

use super::from::{From, FromContext, Source, derived};
use super::source::{result_rows, virtual_scan};
use crate::bind::clause::Clause;
use crate::bind::expr::{
    ExprBinder, Gathered, Overloads, attach, cast, explicit_cast, flattened, plain,
};
use crate::bind::placeholder::TypedValue;
use crate::bind::scope::{Relation, Scope};

pub(super) fn bind(
    context: &FromContext<'_>,
    call: &FunctionCall,
    source: &TableExpr,
    left: Option<&From>,
) -> Result<Source> {
    let name = context.binder.plain_name(&call.name, context.env)?;
    let short = name.object().name.to_uppercase();
    let bound = match short.as_str() {
        "GENERATOR" => generator(context, call).map(Source::Alone),
        "RESULT_SCAN" => result_scan(context, call).map(Source::Alone),
        _ => match registry::find(&short) {
            Some(Function::Table(function)) if name.parts.len() == 1 => {
                expand(context, function, call, left)
            }
            _ => match context.binder.user_functions(&name, context.env) {
                Some(overloads) => user_function(context, overloads, call, left),
                None => match procedure(context, &name, call)? {
                    Some(rows) => Ok(Source::Alone(rows)),
                    None => session_function(context, &short, call).map(Source::Alone),
                },
            },
        },
    };
    bound.map_err(|error| error.at(source.span))
}

/// FLATTEN and its kin: over the rows before it, or over one row when it is the first.
fn expand(
    context: &FromContext<'_>,
    function: &'static TableFunction,
    call: &FunctionCall,
    left: Option<&From>,
) -> Result<Source> {
    let scope = Scope {
        relations: left.map_or(Vec::new(), |left| left.relations.clone()),
        outer: context.env.outer,
    };
    let mut gathered = Gathered::default();
    let arguments = {
        let (binder, env) = (context.binder, context.env);
        let mut expressions = ExprBinder::new(binder, env, &scope, Clause::From, &mut gathered);
        ordered_arguments(&mut expressions, function, call)?
    };
    // Of a structured value that is flattened as a whole, keys and values have the types that it says.
    let whole = function.name == "FLATTEN"
        && arguments.get(1).is_none_or(is_null)
        && arguments.get(3).is_none_or(|recursive| !is_true(recursive));
    let types = arguments.first().filter(|_| whole).and_then(|a| flattened(a.sql_type()));
    let arguments: Vec<Expr> = arguments.into_iter().map(plain).collect();
    let views: Vec<Argument> = arguments
        .iter()
        .map(|expr| Argument {
            sql_type: expr.sql_type(),
            constant: expr.as_literal().cloned(),
            name: None,
        })
        .collect();
    let binding = (function.bind)(&views)?;
    let columns: Vec<PlanColumn> = binding
        .fields
        .iter()
        .map(|field| context.binder.fresh_column(&field.name, field.sql_type, field.nullable))
        .collect();
    let arguments = arguments
        .into_iter()
        .zip(&binding.arguments)
        .map(|(argument, &to)| cast(argument, to))
        .collect();
    let input = left.map_or_else(Plan::one_row, |left| left.plan.clone());
    let plan = Plan::LateralFunction(Box::new(LateralFunction {
        input: Box::new(attach(input, gathered.applies)),
        function,
        given: views,
        arguments,
        preserves_input: false,
        columns: columns.clone(),
    }));
    let (plan, columns) = match types {
        Some(types) => typed(context, plan, columns, types)?,
        None => (plan, columns),
    };
    let relations = vec![Relation::new(function.name, columns)];
    Ok(Source::Expanding(From { plan, relations }))
}

fn is_null(expr: &Expr) -> bool {
    expr.as_literal().is_some_and(Value::is_null)
}

fn is_true(expr: &Expr) -> bool {
    matches!(expr.as_literal(), Some(Value::Boolean(true)))
}

/// FLATTEN's columns with KEY and VALUE of these types.
fn typed(
    context: &FromContext<'_>,
    plan: Plan,
    mut columns: Vec<PlanColumn>,
    (key, value): (Option<SqlType>, SqlType),
) -> Result<(Plan, Vec<PlanColumn>)> {
    let mut items: Vec<ProjectItem> = plan.columns().iter().map(ProjectItem::pass).collect();
    for column in &mut columns {
        let to = match (column.name.as_str(), key) {
            ("VALUE", _) => value,
            ("KEY", Some(key)) => key,
            _ => continue,
        };
        let id = context.binder.fresh();
        let expr = explicit_cast(column.expr(), to, false)?;
        items.retain(|item| item.id != column.id);
        items.push(ProjectItem { id, name: column.name.clone(), expr });
        *column = PlanColumn { id, sql_type: to, nullable: true, ..column.clone() };
    }
    Ok((Plan::Project(Project { items, input: Box::new(plan) }), columns))
}

/// A user's table function: its query over the arguments, which may be of the rows before it.
fn user_function(
    context: &FromContext<'_>,
    overloads: Overloads,
    call: &FunctionCall,
    left: Option<&From>,
) -> Result<Source> {
    let (binder, env) = (context.binder, context.env);
    let scope = Scope {
        relations: left.map_or(Vec::new(), |left| left.relations.clone()),
        outer: env.outer,
    };
    let mut gathered = Gathered::default();
    let mut expressions = ExprBinder::new(binder, env, &scope, Clause::From, &mut gathered);
    let chosen = expressions.choose(overloads, call)?;
    if let Some((function, arguments)) = chosen.foreign() {
        let (partition_by, order_by) = match &call.over {
            Some(over) => expressions.partitions(over)?,
            None => (Vec::new(), Vec::new()),
        };
        let ForeignReturns::Table(columns) = &function.returns else {
            return Err(no_table_function(chosen.name()));
        };
        let columns = columns.iter();
        let columns: Vec<PlanColumn> =
            columns.map(|(name, sql_type)| binder.fresh_column(name, *sql_type, true)).collect();
        let input = left.map_or_else(Plan::one_row, |left| left.plan.clone());
        let input = Box::new(attach(input, gathered.applies));
        let relations = vec![Relation::new(chosen.name(), columns.clone())];
        let node = ForeignTable {
            input,
            function,
            arguments,
            partition_by,
            order_by,
            preserves_input: false,
            columns,
        };
        return Ok(Source::Expanding(From { plan: Plan::ForeignTable(Box::new(node)), relations }));
    }
    if call.over.is_some() {
        let text = format!("Function {} does not support OVER.", chosen.name());
        return Err(Error::new(ErrorCode::InvalidStatement, text));
    }
    if !gathered.applies.is_empty() {
        return Err(Error::not_supported("a subquery as an argument of a table function"));
    }
    let name = chosen.name().to_string();
    Ok(Source::Alone(derived(binder.call_table_function(chosen, env)?, &name)))
}

fn no_table_function(name: &str) -> Error {
    let text = format!("Function {name} is no table function");
    Error::new(ErrorCode::InvalidStatement, text)
}

/// The arguments in the parameters' order; those not given are NULL.
fn ordered_arguments(
    expressions: &mut ExprBinder<'_>,
    function: &TableFunction,
    call: &FunctionCall,
) -> Result<Vec<Expr>> {
    let mut ordered: Vec<Option<Expr>> = function.parameters.iter().map(|_| None).collect();
    for (index, argument) in call.arguments.iter().enumerate() {
        let ArgumentValue::Expr(expr) = &argument.value else {
            return Err(Error::not_supported(format!("* as an argument of {}", function.name)));
        };
        let position = match &argument.name {
            Some(name) => function.parameters.iter().position(|p| *p == name.name.to_uppercase()),
            None => Some(index).filter(|&index| index < function.parameters.len()),
        };
        let Some(position) = position else {
            let given = argument.name.as_ref().map_or(format!("{}", index + 1), |n| n.name.clone());
            let text = format!("invalid argument '{given}' of function {}", function.name);
            return Err(Error::new(ErrorCode::InvalidParameterType, text).at(expr.span));
        };
        ordered[position] = Some(expressions.bind(expr)?);
    }
    Ok(ordered.into_iter().map(|expr| expr.unwrap_or(Expr::null(SqlType::Null))).collect())
}

/// The constants of a call: names, empty where positional, and values.
fn constants(context: &FromContext<'_>, call: &FunctionCall) -> Result<Vec<(String, Value)>> {
    let mut found = Vec::with_capacity(call.arguments.len());
    for argument in &call.arguments {
        let ArgumentValue::Expr(expr) = &argument.value else {
            return Err(Error::not_supported("this argument of a table function"));
        };
        let name = argument.name.as_ref().map_or(String::new(), |name| name.name.to_uppercase());
        if let ast::ExprKind::Row(items) = &expr.kind {
            // A list in parentheses, such as FILES => ('a', 'b'), is its items one by one.
            for item in items {
                found.push((name.clone(), context.binder.bind_constant(item, context.env)?.0));
            }
            continue;
        }
        let value = match &expr.kind {
            // A bare name, such as the table of VALIDATE(t), stands for itself.
            ast::ExprKind::Column(column) => Value::text(column.to_sql()),
            _ => context.binder.bind_constant(expr, context.env)?.0,
        };
        found.push((name, value));
    }
    Ok(found)
}

fn generator(context: &FromContext<'_>, call: &FunctionCall) -> Result<From> {
    let mut rows = 0;
    for (index, (name, value)) in constants(context, call)?.into_iter().enumerate() {
        match (name.as_str(), index, value) {
            ("ROWCOUNT", _, Value::Number(n)) | ("", 0, Value::Number(n)) if n.scale == 0 => {
                rows = u64::try_from(n.unscaled).unwrap_or(0);
            }
            ("ROWCOUNT", _, Value::Null) | ("", 0, Value::Null) => {}
            ("TIMELIMIT", ..) | ("", 1, _) => {
                return Err(Error::not_supported("GENERATOR with TIMELIMIT"));
            }
            (name, ..) => {
                let text = format!("invalid argument '{name}' of function GENERATOR");
                return Err(Error::new(ErrorCode::InvalidParameterType, text));
            }
        }
    }
    let plan = Plan::Generate(Generate { rows });
    Ok(From { plan, relations: vec![Relation::new("GENERATOR", Vec::new())] })
}

fn result_scan(context: &FromContext<'_>, call: &FunctionCall) -> Result<From> {
    let arguments = constants(context, call)?;
    let [(_, Value::Text(id))] = arguments.as_slice() else {
        let text = "RESULT_SCAN needs the id of a statement";
        return Err(Error::new(ErrorCode::InvalidParameterType, text));
    };
    result_rows(context.binder, id, "RESULT_SCAN")
}

/// The rows of a procedure that says which columns they have; none when no procedure has the name.
fn procedure(
    context: &FromContext<'_>,
    name: &ObjectName,
    call: &FunctionCall,
) -> Result<Option<From>> {
    let (binder, env) = (context.binder, context.env);
    let Some(procedures) = binder.procedures(name, env).ok().flatten() else { return Ok(None) };
    let path = &procedures.path;
    if !env.of_session {
        let text = format!("the procedure {} in what is stored: a view or a function", path.name);
        return Err(Error::not_supported(text));
    }
    let mut given = Vec::with_capacity(call.arguments.len());
    for argument in &call.arguments {
        let ArgumentValue::Expr(expr) = &argument.value else {
            return Err(Error::not_supported(format!("this argument of {}", path.name)));
        };
        let (value, sql_type) = binder.bind_constant(expr, env)?;
        let name = argument.name.as_ref().map(|name| name.name.as_str());
        given.push((name, TypedValue { value, sql_type }));
    }
    let (procedure, arguments) = binder.choose_procedure(&procedures, given)?;
    env.catalog.authorize(Action::Use, &Object::Procedure(Arc::clone(&procedure)))?;
    let columns = match &procedure.returns {
        Returns::Table(columns) if !columns.is_empty() => columns,
        _ => {
            let text = format!(
                "Procedure {} cannot stand in FROM: it must say which columns it gives, with RETURNS \
                 TABLE (name type, ..)",
                path.name
            );
            return Err(Error::new(ErrorCode::InvalidStatement, text));
        }
    };
    let fields: Vec<Field> =
        columns.iter().map(|(name, sql_type)| Field::new(name, *sql_type)).collect();
    let source = VirtualSource::Procedure {
        name: path.to_sql(),
        arguments: arguments.into_iter().map(|one| (one.value, one.sql_type)).collect(),
    };
    let (plan, columns) = virtual_scan(binder, source, &fields);
    Ok(Some(From { plan, relations: vec![Relation::new(&path.name, columns)] }))
}

/// A table function that the session answers, such as those of INFORMATION_SCHEMA.
fn session_function(context: &FromContext<'_>, name: &str, call: &FunctionCall) -> Result<From> {
    let arguments = constants(context, call)?;
    let fields = context.binder.context.services.function_fields(name, &arguments)?;
    let Some(fields) = fields else {
        let text = format!("Invalid identifier {name}: unknown table function");
        return Err(Error::new(ErrorCode::UnknownFunction, text));
    };
    let source = VirtualSource::Function { name: name.to_string(), arguments };
    let (plan, columns) = virtual_scan(context.binder, source, &fields);
    Ok(From { plan, relations: vec![Relation::new(name, columns)] })
}
