//! Calls of functions.

use firn_account::catalog::{Namespace, Object};
use firn_expression::Expr;
use firn_functions::registry::{self, Function};
use firn_functions::signature::{Arity, check_arity};
use firn_parse::ast::{self, ArgumentValue, FunctionCall};
use firn_types::{Error, ErrorCode, ObjectId, ObjectName, Result, SqlType, Value};

use super::{ExprBinder, cast, special, structured};

/// The functions of SNOWFLAKE.ALERT.
const ALERT_FUNCTIONS: [&str; 3] =
    ["GET_CONDITION_QUERY_UUID", "LAST_SUCCESSFUL_SCHEDULED_TIME", "SCHEDULED_TIME"];

impl ExprBinder<'_> {
    pub(super) fn bind_call(&mut self, call: &FunctionCall, whole: &ast::Expr) -> Result<Expr> {
        let name = self.binder.plain_name(&call.name, self.env)?;
        let [part] = name.parts.as_slice() else {
            if let Some(fact) = self.fact_of_alert(&name, call)? {
                return Ok(fact);
            }
            let bound = self.bind_user_function(&name, call)?;
            return bound.ok_or_else(|| unknown_user_function(&name));
        };
        let written = &name;
        let name = self.of_timestamp_mapping(part.name.to_uppercase());
        // Such names are the binder's own.
        if name.starts_with('$') {
            return Err(unknown_function(&name));
        }
        if let Some(over) = &call.over {
            let Some(function) = registry::find(&name) else {
                let bound = self.bind_user_function(written, call)?;
                return bound.ok_or_else(|| unknown_function(&name));
            };
            return self.bind_window(function, call, over, whole);
        }
        if let Some(bound) = self.bind_constraint(&name, call, whole)? {
            return Ok(bound);
        }
        if name == "SYS_CONNECT_BY_PATH" {
            return self.bind_ancestry(whole.span);
        }
        if let Some(bound) = self.bind_higher_order(&name, call)? {
            return Ok(bound);
        }
        if matches!(name.as_str(), "SEARCH" | "SEARCH_IP") {
            return self.bind_search(&name, call);
        }
        if matches!(name.as_str(), "GROUPING" | "GROUPING_ID") {
            return self.bind_grouping(call);
        }
        match registry::find(&name) {
            Some(Function::Aggregate(function)) => self.bind_aggregate(function, call, whole),
            Some(Function::Window(function)) => {
                let text = format!("Window function [{}] requires OVER.", function.name);
                Err(Error::new(ErrorCode::InvalidStatement, text))
            }
            Some(Function::Table(function)) => {
                let text = format!(
                    "Table function {} may only stand in FROM: TABLE({}(..))",
                    name, function.name
                );
                Err(Error::new(ErrorCode::InvalidStatement, text))
            }
            found => {
                refuse_qualifiers(call, &name)?;
                if let Some(known) = self.bind_circumstance(&name, call)? {
                    return Ok(known);
                }
                if let Some(bound) = self.bind_special(&name, call)? {
                    return Ok(bound);
                }
                if found.is_none() {
                    let bound = self.bind_user_function(written, call)?;
                    return bound.ok_or_else(|| unknown_function(&name));
                }
                let arguments = self.plain_arguments(&name, call)?;
                self.call_scalar(&name, arguments)
            }
        }
    }

    /// What views, functions and policies are told of where they are bound, if a function asks for that.
    fn bind_circumstance(&mut self, name: &str, call: &FunctionCall) -> Result<Option<Expr>> {
        if name == "INVOKER_ROLE"
            && let Some(role) = self.env.invoker
        {
            check_arity("INVOKER_ROLE", Arity::exactly(0), call.arguments.len())?;
            return Ok(Some(self.role_name(role)));
        }
        match self.simulated(name, call)? {
            Some(simulated) => Ok(Some(simulated)),
            None => self.tag_of_protected(name, call),
        }
    }

    /// A function that the binder makes of others, if it is one.
    fn bind_special(&mut self, name: &str, call: &FunctionCall) -> Result<Option<Expr>> {
        if structured::is_of_maps(name) {
            let arguments = self.plain_arguments(name, call)?;
            return self.call_of_maps(name, arguments).map(Some);
        }
        let Some(form) = special::find(name) else { return Ok(None) };
        let arguments = self.plain_arguments(name, call)?;
        check_arity(name, form.about.arity, arguments.len())?;
        (form.build)(self, arguments).map(Some)
    }

    /// The function that a name without a kind of timestamp means: that of the session's TIMESTAMP.
    fn of_timestamp_mapping(&self, name: String) -> String {
        let kind = match self.binder.context.timestamp_mapping {
            SqlType::TimestampLtz { .. } => "LTZ",
            SqlType::TimestampTz { .. } => "TZ",
            _ => return name,
        };
        match name.as_str() {
            "TO_TIMESTAMP" | "TRY_TO_TIMESTAMP" => format!("{name}_{kind}"),
            "TIMESTAMP_FROM_PARTS" | "TIMESTAMPFROMPARTS" => format!("TIMESTAMP_{kind}_FROM_PARTS"),
            _ => name,
        }
    }

    /// The name of a role of the account; NULL for one of a database.
    fn role_name(&self, role: ObjectId) -> Expr {
        let role = self.env.catalog.object(role).and_then(Object::as_role);
        let value = role.map_or(Value::Null, |role| Value::text(role.header.name.as_str()));
        Expr::Literal { value, sql_type: SqlType::TEXT }
    }

    /// A function of SNOWFLAKE.ALERT: what the alert that runs the statement tells it.
    fn fact_of_alert(&self, name: &ObjectName, call: &FunctionCall) -> Result<Option<Expr>> {
        let parts: Vec<String> = name.parts.iter().map(|part| part.name.to_uppercase()).collect();
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        let ["SNOWFLAKE", "ALERT", function] = parts.as_slice() else { return Ok(None) };
        if !ALERT_FUNCTIONS.contains(function) {
            return Ok(None);
        }
        check_arity(function, Arity::exactly(0), call.arguments.len())?;
        let Some(alert) = &self.binder.context.functions.alert else {
            let text = format!("Function {function} must be called from within an alert.");
            return Err(Error::new(ErrorCode::InvalidStatement, text));
        };
        let time = |nanos: i64| Expr::Literal {
            value: Value::Timestamp(i128::from(nanos)),
            sql_type: SqlType::TIMESTAMP_LTZ,
        };
        Ok(Some(match *function {
            "SCHEDULED_TIME" => time(alert.scheduled_nanos),
            "LAST_SUCCESSFUL_SCHEDULED_TIME" => time(alert.succeeded_nanos),
            _ => match &alert.condition_query {
                Some(id) => {
                    Expr::Literal { value: Value::text(id.as_str()), sql_type: SqlType::TEXT }
                }
                None => Expr::null(SqlType::TEXT),
            },
        }))
    }

    /// In a policy's body, the value of a tag on the column or table that it protects.
    fn tag_of_protected(&mut self, name: &str, call: &FunctionCall) -> Result<Option<Expr>> {
        let Some((header, field)) = self.env.protected else { return Ok(None) };
        let field = match name {
            "SYSTEM$GET_TAG_ON_CURRENT_COLUMN" => field,
            "SYSTEM$GET_TAG_ON_CURRENT_TABLE" => None,
            _ => return Ok(None),
        };
        let arguments = self.plain_arguments(name, call)?;
        check_arity(name, Arity::exactly(1), arguments.len())?;
        let Some(Value::Text(tag)) = arguments[0].as_literal() else {
            let text = format!("argument 1 to function {name} needs to be constant");
            return Err(Error::new(ErrorCode::ConstantArgument, text));
        };
        let written = firn_parse::parse_object_name(tag).map_err(Error::without_span)?;
        let path = self.binder.complete(&written, self.env, "SELECT")?;
        let catalog = self.env.catalog;
        let found = catalog.find_path(Namespace::Tag, &path);
        let tags = catalog.tags_of(header, field);
        let value = found.and_then(|found| tags.iter().find(|tag| tag.tag == found.id()));
        let value = value.map_or(Value::Null, |tag| Value::text(tag.value));
        Ok(Some(Expr::Literal { value, sql_type: SqlType::TEXT }))
    }

    pub(super) fn plain_arguments(&mut self, name: &str, call: &FunctionCall) -> Result<Vec<Expr>> {
        if call.arguments.iter().any(|argument| argument.name.is_some()) {
            return self.named_arguments(name, call);
        }
        let mut arguments = Vec::with_capacity(call.arguments.len());
        for (index, argument) in call.arguments.iter().enumerate() {
            match &argument.value {
                ArgumentValue::Expr(ast::Expr { kind: ast::ExprKind::Star(star), .. }) => {
                    let columns = super::expand_star(self, star)?;
                    arguments.extend(columns.into_iter().map(|column| column.expr));
                }
                ArgumentValue::Expr(expr) => match special::date_part(name, index, expr) {
                    Some(part) if !self.is_column_beside_part(call, index)? => arguments.push(part),
                    None if special::needs_date_part(name, index) => {
                        arguments.push(self.bind_date_part(name, expr)?);
                    }
                    _ => arguments.extend(self.bind_item(expr)?),
                },
                ArgumentValue::Star(star) if name.starts_with("OBJECT_CONSTRUCT") => {
                    arguments.extend(self.star_pairs(star)?);
                }
                ArgumentValue::Star(star) => {
                    let columns = super::expand_star(self, star)?;
                    arguments.extend(columns.into_iter().map(|column| column.expr));
                }
                ArgumentValue::Query(_) => {
                    return Err(Error::not_supported(format!("a query as an argument of {name}")));
                }
            }
        }
        Ok(arguments)
    }

    /// What stands where a date part must: a bare word that is none is said to be so.
    fn bind_date_part(&mut self, function: &str, expr: &ast::Expr) -> Result<Expr> {
        self.bind_inner(expr).map_err(|error| match (&expr.kind, error.code()) {
            (ast::ExprKind::Column(name), ErrorCode::InvalidIdentifier)
                if name.parts.len() == 1 =>
            {
                let text = format!(
                    "'{}' is not a valid date/time component for function {function}",
                    name.object()
                );
                Error::new(ErrorCode::InvalidParameterType, text).at(expr.span)
            }
            _ => error,
        })
    }

    /// Arguments that are all given by name, in the order of the function's parameters.
    fn named_arguments(&mut self, function: &str, call: &FunctionCall) -> Result<Vec<Expr>> {
        let Some(parameters) = special::parameters(function) else {
            return Err(Error::not_supported(format!("named arguments of {function}")));
        };
        let refuse = |given: &str| {
            let text = format!("invalid argument '{given}' of function {function}");
            Error::new(ErrorCode::InvalidParameterType, text)
        };
        let mut ordered: Vec<Option<Expr>> = parameters.iter().map(|_| None).collect();
        for argument in &call.arguments {
            let given = argument.name.as_ref().ok_or_else(|| refuse(""))?;
            let place = parameters.iter().position(|name| given.name.eq_ignore_ascii_case(name));
            match (place, &argument.value) {
                (Some(place), ArgumentValue::Expr(expr)) if ordered[place].is_none() => {
                    ordered[place] = Some(self.bind_inner(expr)?);
                }
                _ => return Err(refuse(given.as_str()).at(given.span)),
            }
        }
        let count = ordered.iter().take_while(|argument| argument.is_some()).count();
        if count < call.arguments.len() {
            return Err(refuse(parameters[count]));
        }
        Ok(ordered.into_iter().flatten().collect())
    }

    /// Whether a bare word that could be a date part is a column here: one is in sight, and the other
    /// place of `DATE_TRUNC(part, date)` or `DATE_TRUNC(date, part)` holds the part. A word in the only
    /// place of a part is always one: `DATEADD(day, 1, d)`.
    fn is_column_beside_part(&self, call: &FunctionCall, index: usize) -> Result<bool> {
        let ([_, _], 0 | 1) = (&call.arguments[..], index) else { return Ok(false) };
        if !self.is_column(&call.arguments[index].value)? {
            return Ok(false);
        }
        let other = &call.arguments[1 - index].value;
        // Where both words name columns, the first one is the part.
        Ok(index == 1 || (is_part(other) && !self.is_column(other)?))
    }

    /// Whether the argument is the name of a column in sight.
    fn is_column(&self, argument: &ArgumentValue) -> Result<bool> {
        match argument {
            ArgumentValue::Expr(ast::Expr { kind: ast::ExprKind::Column(name), .. }) => {
                Ok(self.scope.find(name)?.is_some())
            }
            _ => Ok(false),
        }
    }

    /// A call of a scalar function by its name, with arguments that are cast to what it takes.
    ///
    /// # Errors
    /// `UnknownFunction`, too many or too few arguments, or types that no overload takes.
    pub(crate) fn call_scalar(&mut self, name: &str, arguments: Vec<Expr>) -> Result<Expr> {
        let Some(Function::Scalar(function)) = registry::find(name) else {
            return Err(unknown_function(name));
        };
        check_arity(name, function.arity, arguments.len())?;
        let is_structured = |argument: &Expr| argument.sql_type().structured().is_some();
        if name != "SYSTEM$TYPEOF" && arguments.iter().any(is_structured) {
            return self.call_structured(name, arguments);
        }
        if arguments.iter().any(|argument| !argument.sql_type().collation().is_none()) {
            return self.call_collated(name, arguments);
        }
        self.call_plain(name, arguments)
    }

    /// As [`ExprBinder::call_scalar`], whatever the collations of the arguments.
    pub(super) fn call_plain(&mut self, name: &str, arguments: Vec<Expr>) -> Result<Expr> {
        let Some(Function::Scalar(function)) = registry::find(name) else {
            return Err(unknown_function(name));
        };
        let views: Vec<_> = arguments.iter().map(|argument| self.argument(argument)).collect();
        let signature = function.resolve(views)?;
        let arguments = arguments
            .into_iter()
            .zip(&signature.arguments)
            .map(|(argument, &to)| cast(argument, to))
            .collect();
        Ok(Expr::Call { function, signature, arguments })
    }
}

/// Whether the argument is a date part, in quotes or as a bare word.
fn is_part(argument: &ArgumentValue) -> bool {
    let ArgumentValue::Expr(expr) = argument else { return false };
    match &expr.kind {
        ast::ExprKind::Column(name) => {
            name.parts.len() == 1 && special::is_date_part(name.object().as_str())
        }
        ast::ExprKind::Literal(ast::Literal::Text(text)) => special::is_date_part(text),
        _ => false,
    }
}

pub(super) fn refuse_qualifiers(call: &FunctionCall, name: &str) -> Result<()> {
    if call.distinct {
        let text = format!("invalid use of 'distinct' for function '{name}'");
        return Err(Error::new(ErrorCode::InvalidStatement, text));
    }
    if !call.within_group.is_empty() {
        let text = format!("Function {name} does not support WITHIN GROUP clause.");
        return Err(Error::new(ErrorCode::InvalidStatement, text));
    }
    Ok(())
}

/// The error for a function that does not exist, with the one that may have been meant.
pub(crate) fn unknown_function(name: &str) -> Error {
    let names = registry::names().filter(|name| !name.starts_with('$'));
    let names = names.chain(special::rewritten_functions().map(|function| function.name));
    let near = firn_account::catalog::names::nearest(name, names);
    let hint = near.map_or(String::new(), |near| format!("\nDid you mean {near}?"));
    Error::new(ErrorCode::UnknownFunction, format!("Unknown function {name}.{hint}"))
}

fn unknown_user_function(name: &ObjectName) -> Error {
    Error::new(ErrorCode::UnknownUserFunction, format!("Unknown user-defined function {name}."))
}
