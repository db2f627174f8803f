//! Expressions: bound when they are first computed, and then only computed.

use std::sync::Arc;

use firn_column::{Batch, Column};
use firn_functions::cast::{CastMode, cast_value};
use firn_functions::{FunctionContext, Volatility};
use firn_parse::ast;
use firn_query::bind::TypedValue;
use firn_query::bind::script::{ComputedExpr, ScriptExpr};
use firn_types::{Error, ErrorCode, Result, Span, SqlType, Value, coerce};

use super::exception::Raised;
use super::quick::Quick;
use super::{Script, Stepped};
use crate::lifecycle::StatementContext;

/// The function that is asked about a RESULTSET.
const STATUS: &str = "GET_RESULTSET_STATUS";

/// An expression that was computed before.
#[derive(Debug)]
pub(super) struct Known {
    computed: ComputedExpr,
    /// What it reads: a row's name, a variable's name, and the type that it had.
    inputs: Vec<(Option<String>, String, SqlType)>,
    /// A quicker way to compute it, if there is one.
    quick: Option<Quick>,
    /// What it was computed with; none of what may be another value each time.
    functions: Option<Arc<FunctionContext>>,
}

impl Script<'_> {
    /// The value of an expression, whose errors have their place at `span`.
    pub(super) fn expression(&mut self, expr: &ast::Expr, span: Span) -> Stepped<TypedValue> {
        self.value(expr).map_err(|error| Raised::expression(error, span))
    }

    /// The value of an expression as one of a type.
    pub(super) fn typed(
        &mut self,
        expr: &ast::Expr,
        sql_type: SqlType,
        span: Span,
    ) -> Stepped<TypedValue> {
        let value = self.expression(expr, span)?;
        self.converted(value, sql_type).map_err(|error| Raised::expression(error, span))
    }

    /// Whether a condition is TRUE.
    pub(super) fn condition(&mut self, expr: &ast::Expr) -> Stepped<bool> {
        let value = self.typed(expr, SqlType::Boolean, expr.span)?;
        Ok(value.value == Value::Boolean(true))
    }

    /// The value as one of another type.
    ///
    /// # Errors
    /// When it cannot be converted.
    pub(super) fn converted(&self, value: TypedValue, to: SqlType) -> Result<TypedValue> {
        self.running.converted(value, to)
    }

    /// What functions ask for, now: each computation has its own time and its own random numbers.
    fn functions(&self) -> FunctionContext {
        let functions = self.running.function_context();
        FunctionContext {
            statement_nanos: self.running.session.shared.account.clock().now_nanos(),
            seed: functions.seed.wrapping_add(self.computations),
            ..functions
        }
    }

    /// The value of an expression, whose errors have no place yet.
    pub(super) fn value(&mut self, expr: &ast::Expr) -> Result<TypedValue> {
        self.computations = self.computations.wrapping_add(1);
        let key = (expr.span.start, expr.span.end);
        if let Some(known) = self.known.get(&key)
            && let Some(values) = self.values(known)
        {
            let quick = known.quick.as_ref();
            return match quick.and_then(|quick| quick.value(&values, known.computed.sql_type)) {
                Some(value) => Ok(value),
                None => match &known.functions {
                    Some(functions) => compute(&known.computed, &values, functions),
                    None => compute(&known.computed, &values, &self.functions()),
                },
            };
        }
        let mut variables = self.variables.in_sight();
        if expr.span.of(&self.text).to_uppercase().contains(STATUS) {
            variables.extend(self.variables.result_sets());
        }
        let functions = self.functions();
        let text = Arc::clone(&self.text);
        let bound = self
            .running
            .with_binder(&functions, |binder| {
                let bound = binder.bind_script(expr, &text, &variables)?;
                match bound {
                    ScriptExpr::Computed(computed) => Ok(ScriptExpr::Computed(computed)),
                    ScriptExpr::Query(query, sql_type) => {
                        let next = binder.next_column_id();
                        Ok(ScriptExpr::Query(self.running.optimized(query, next)?, sql_type))
                    }
                }
            })
            .map_err(Error::without_span)?;
        match bound {
            ScriptExpr::Computed(computed) => {
                let input = |&position: &usize| {
                    let variable = &variables[position];
                    (variable.row.clone(), variable.name.clone(), variable.value.sql_type)
                };
                let inputs = computed.inputs.iter().map(input).collect();
                let values = computed.inputs.iter().map(|&position| &variables[position].value);
                let values: Vec<TypedValue> = values.cloned().collect();
                let quick = Quick::of(&computed.expr, &computed.columns);
                let value = compute(&computed, &values, &functions);
                let same = computed.expr.volatility() == Volatility::Immutable;
                let functions = same.then(|| Arc::new(functions));
                let known = Known { computed, inputs, quick, functions };
                self.known.insert(key, known);
                value
            }
            ScriptExpr::Query(query, sql_type) => {
                let answer = self.running.rows_of(&query)?;
                let row = answer.batches.iter().find(|batch| batch.rows() > 0);
                let value = row.map_or(Value::Null, |batch| batch.column(0).value(0, sql_type));
                Ok(TypedValue { value, sql_type })
            }
        }
    }

    /// The inputs of a known expression; none when one of them has another type by now.
    fn values(&self, known: &Known) -> Option<Vec<TypedValue>> {
        let value = |(row, name, sql_type): &(Option<String>, String, SqlType)| {
            let value = self.variables.value(row.as_deref(), name)?;
            (value.sql_type == *sql_type).then_some(value)
        };
        known.inputs.iter().map(value).collect()
    }
}

impl StatementContext {
    /// A value as one of another type.
    ///
    /// # Errors
    /// When it cannot be converted.
    pub(crate) fn converted(&self, value: TypedValue, to: SqlType) -> Result<TypedValue> {
        let TypedValue { value, sql_type: from } = value;
        if from == to || value.is_null() {
            return Ok(TypedValue { value, sql_type: to });
        }
        if !coerce::can_coerce(from, to) && !coerce::can_cast(from, to) {
            let text = format!("Expression of type {from} cannot be assigned to a {to}");
            return Err(Error::new(ErrorCode::InvalidArgumentTypes, text));
        }
        let functions = self.function_context();
        let value = cast_value(&value, from, to, CastMode::Strict, &functions)?;
        Ok(TypedValue { value, sql_type: to })
    }
}

fn compute(
    computed: &ComputedExpr,
    values: &[TypedValue],
    functions: &FunctionContext,
) -> Result<TypedValue> {
    let column = |value: &TypedValue| Column::constant(&value.value, value.sql_type, 1);
    let columns = values.iter().map(column).collect::<Result<_>>()?;
    let answers = computed.evaluator.evaluate(&Batch::new(columns, 1), functions)?;
    let sql_type = computed.sql_type;
    Ok(TypedValue { value: answers[0].value(0, sql_type), sql_type })
}
