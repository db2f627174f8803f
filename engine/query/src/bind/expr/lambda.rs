//! Calls with a lambda: FILTER, TRANSFORM and REDUCE.

use firn_expression::Expr;
use firn_expression::{HigherOrder, Lambda};
use firn_functions::ScalarFunction;
use firn_functions::registry::{self, Function};
use firn_functions::signature::check_arity;
use firn_parse::ast::{self, ArgumentValue, ExprKind, FunctionCall, LambdaParameter};
use firn_plan::PlanColumn;
use firn_types::{Error, ErrorCode, Result, SqlType};

use super::{ExprBinder, Gathered, cast};
use crate::bind::clause::Clause;
use crate::bind::data_type;
use crate::bind::scope::{Relation, Scope};

/// How often the type of REDUCE's state may grow before it is taken as it is.
const STATE_ROUNDS: usize = 4;

/// A lambda as it is written.
struct Written<'a> {
    parameters: &'a [LambdaParameter],
    body: &'a ast::Expr,
}

impl ExprBinder<'_> {
    /// The call, if it is one of a function that takes a lambda and has one for its last argument.
    pub(super) fn bind_higher_order(
        &mut self,
        name: &str,
        call: &FunctionCall,
    ) -> Result<Option<Expr>> {
        let (Some(kind), Some(Function::Scalar(function))) =
            (HigherOrder::named(name), registry::find(name))
        else {
            return Ok(None);
        };
        let Some((ArgumentValue::Expr(last), before)) =
            call.arguments.split_last().map(|(last, before)| (&last.value, before))
        else {
            return Ok(None);
        };
        let ExprKind::Lambda(parameters, body) = &last.kind else { return Ok(None) };
        check_arity(name, function.arity, call.arguments.len())?;
        let mut arguments = Vec::with_capacity(before.len() + 1);
        for argument in before {
            let ArgumentValue::Expr(expr) = &argument.value else {
                return Err(Error::not_supported(format!("this argument of {name}")));
            };
            arguments.push(self.bind_inner(expr)?);
        }
        let written = Written { parameters, body };
        self.bind_lambda(kind, function, arguments, &written).map(Some)
    }

    fn bind_lambda(
        &mut self,
        kind: HigherOrder,
        function: &'static ScalarFunction,
        mut arguments: Vec<Expr>,
        written: &Written<'_>,
    ) -> Result<Expr> {
        let array = &mut arguments[0];
        match array.sql_type() {
            SqlType::Array | SqlType::Variant => {}
            SqlType::Null => *array = Expr::null(SqlType::Array),
            other => {
                let name = function.name;
                let text = format!("Invalid argument types for function '{name}': ({other})");
                return Err(Error::new(ErrorCode::InvalidArgumentTypes, text));
            }
        }
        let count = if kind == HigherOrder::Reduce { 2 } else { 1 };
        if written.parameters.len() != count {
            let text = format!(
                "the lambda of {} takes {count} parameter(s), not {}",
                function.name,
                written.parameters.len()
            );
            return Err(Error::new(ErrorCode::InvalidStatement, text));
        }
        let lambda = match kind {
            HigherOrder::Filter => {
                let (parameters, body) = self.lambda_body(written, &[SqlType::Variant])?;
                let body = self.to_condition(body, written.body)?;
                Lambda::new(&parameters, body)
            }
            HigherOrder::Transform => {
                let (parameters, body) = self.lambda_body(written, &[SqlType::Variant])?;
                Lambda::new(&parameters, body)
            }
            HigherOrder::Reduce => {
                let lambda = self.bind_reducer(written, arguments[1].sql_type())?;
                let state = lambda.parameters[0].sql_type;
                arguments[1] = cast(arguments[1].clone(), state);
                lambda
            }
        };
        Ok(Expr::HigherOrder { kind, inputs: arguments, lambda: Box::new(lambda) })
    }

    /// REDUCE's lambda with a state of a type that holds the first state and all answers.
    fn bind_reducer(&mut self, written: &Written<'_>, first: SqlType) -> Result<Lambda> {
        let mut state = match first {
            SqlType::Number { scale, .. } => SqlType::number(38, scale),
            SqlType::Varchar { .. } => SqlType::TEXT,
            SqlType::Binary { .. } => SqlType::BINARY,
            other => other,
        };
        for _ in 0..STATE_ROUNDS {
            let (parameters, body) = self.lambda_body(written, &[state, SqlType::Variant])?;
            let (declared, answer) = (parameters[0].1, body.sql_type());
            if answer.family() == declared.family() && answer.scale() <= declared.scale()
                || written.parameters[0].data_type.is_some()
            {
                let body = cast(body, declared);
                return Ok(Lambda::new(&parameters, body));
            }
            state = answer;
        }
        Err(Error::not_supported("REDUCE whose state changes its type in every step"))
    }

    /// Binds the body with parameters of these types where none is declared.
    fn lambda_body(
        &mut self,
        written: &Written<'_>,
        types: &[SqlType],
    ) -> Result<(Vec<(firn_types::ColumnId, SqlType)>, Expr)> {
        let mut columns: Vec<PlanColumn> = Vec::with_capacity(types.len());
        for (parameter, &sql_type) in written.parameters.iter().zip(types) {
            let sql_type = match &parameter.data_type {
                Some(name) => data_type::resolve(name, self.binder.context.timestamp_mapping)?,
                None => sql_type,
            };
            columns.push(self.binder.fresh_column(parameter.name.as_str(), sql_type, true));
        }
        let parameters = columns.iter().map(|column| (column.id, column.sql_type)).collect();
        let relations = vec![Relation::new("", columns)];
        let scope = Scope { relations, outer: Some(self.scope) };
        let mut gathered = Gathered::default();
        let mut inner =
            ExprBinder::new(self.binder, self.env, &scope, Clause::Single, &mut gathered);
        inner.depth = self.depth;
        inner.in_lambda = true;
        let body = inner.bind(written.body)?;
        if !gathered.applies.is_empty() {
            return Err(Error::not_supported("a subquery in a lambda").at(written.body.span));
        }
        Ok((parameters, body))
    }
}
