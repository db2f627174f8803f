//! Expressions: bound when they are first computed, and then only computed.

use std::sync::Arc;

use firn_column::{Batch, Column};
use firn_functions::FunctionContext;
use firn_functions::cast::{CastMode, cast_value};
use firn_parse::ast;
use firn_query::bind::TypedValue;
use firn_query::bind::script::{ComputedExpr, ScriptExpr};
use firn_types::{Error, ErrorCode, Result, Span, SqlType, Value, coerce};

use super::exception::Raised;
use super::{Script, Stepped};

/// An expression that was computed before.
#[derive(Debug)]
pub(super) struct Known {
    computed: ComputedExpr,
    /// What it reads: a row's name, a variable's name, and the type that it had.
    inputs: Vec<(Option<String>, String, SqlType)>,
    functions: Arc<FunctionContext>,
}

impl Script<'_> {
    /// The value of an expression.
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
    pub(super) fn condition(&mut self, expr: &ast::Expr, span: Span) -> Stepped<bool> {
        let value = self.typed(expr, SqlType::Boolean, span)?;
        Ok(value.value == Value::Boolean(true))
    }

    /// The value as one of another type.
    ///
    /// # Errors
    /// When it cannot be converted.
    pub(super) fn converted(&self, value: TypedValue, to: SqlType) -> Result<TypedValue> {
        let TypedValue { value, sql_type: from } = value;
        if from == to || value.is_null() {
            return Ok(TypedValue { value, sql_type: to });
        }
        if !coerce::can_coerce(from, to) && !coerce::can_cast(from, to) {
            let text = format!("Expression of type {from} cannot be assigned to a {to}");
            return Err(Error::new(ErrorCode::InvalidArgumentTypes, text));
        }
        let functions = self.running.function_context();
        let value = cast_value(&value, from, to, CastMode::Strict, &functions)?;
        Ok(TypedValue { value, sql_type: to })
    }

    fn value(&mut self, expr: &ast::Expr) -> Result<TypedValue> {
        let key = (expr.span.start, expr.span.end);
        if let Some(known) = self.known.get(&key)
            && let Some(columns) = self.columns(known)
        {
            return compute(&known.computed, columns?, &known.functions);
        }
        let variables = self.variables.in_sight();
        let functions = self.running.function_context();
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
                let known = Known { computed, inputs, functions: Arc::new(functions) };
                let columns = computed_columns(&known, &variables)?;
                let value = compute(&known.computed, columns, &known.functions);
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
    fn columns(&self, known: &Known) -> Option<Result<Vec<Column>>> {
        let mut columns = Vec::with_capacity(known.inputs.len());
        for (row, name, sql_type) in &known.inputs {
            let value = self.variables.value(row.as_deref(), name)?;
            if value.sql_type != *sql_type {
                return None;
            }
            match Column::constant(&value.value, *sql_type, 1) {
                Ok(column) => columns.push(column),
                Err(error) => return Some(Err(error)),
            }
        }
        Some(Ok(columns))
    }
}

fn computed_columns(
    known: &Known,
    variables: &[firn_query::bind::script::ScriptVariable],
) -> Result<Vec<Column>> {
    let column = |&position: &usize| {
        let TypedValue { value, sql_type } = &variables[position].value;
        Column::constant(value, *sql_type, 1)
    };
    known.computed.inputs.iter().map(column).collect()
}

fn compute(
    computed: &ComputedExpr,
    columns: Vec<Column>,
    functions: &FunctionContext,
) -> Result<TypedValue> {
    let answers = computed.evaluator.evaluate(&Batch::new(columns, 1), functions)?;
    let sql_type = computed.sql_type;
    Ok(TypedValue { value: answers[0].value(0, sql_type), sql_type })
}
