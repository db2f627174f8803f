//! For tests: calls a function as a statement would, and prints the answer as the server would.

use firn_column::Column;
use firn_types::number_text::parse_literal;
use firn_types::parse_text::parse_value;
use firn_types::{Error, Result, SqlType, Value};

use super::cast::{CastMode, cast_column, cast_value};
use super::registry::{Function, find};
use super::signature::check_arity;
use super::{Argument, Call, FunctionContext, ScalarBinding};

/// An argument and its value.
pub(crate) type Given = (Argument, Value);

fn given(value: Value, sql_type: SqlType) -> Given {
    (Argument { sql_type, constant: Some(value.clone()), name: None }, value)
}

/// A text.
pub(crate) fn text(text: &str) -> Given {
    let length = u32::try_from(text.chars().count().max(1)).unwrap();
    given(Value::text(text), SqlType::varchar(length))
}

/// A numeric literal.
pub(crate) fn number(text: &str) -> Given {
    let (value, sql_type) = parse_literal(text).unwrap();
    given(value, sql_type)
}

/// A whole number.
pub(crate) fn int(number: i64) -> Given {
    let digits = u8::try_from(number.unsigned_abs().checked_ilog10().unwrap_or(0) + 1).unwrap();
    given(Value::integer(number), SqlType::number(digits, 0))
}

/// NULL.
pub(crate) fn null() -> Given {
    given(Value::Null, SqlType::Null)
}

/// A text as a value of the type.
pub(crate) fn typed(text: &str, sql_type: SqlType) -> Given {
    let context = FunctionContext::default();
    given(parse_value(text, sql_type, &context.text, context.time_zone).unwrap(), sql_type)
}

/// A DATE.
pub(crate) fn date(text: &str) -> Given {
    typed(text, SqlType::Date)
}

/// A TIME.
pub(crate) fn time(text: &str) -> Given {
    typed(text, SqlType::TIME)
}

/// A TIMESTAMP_NTZ.
pub(crate) fn ntz(text: &str) -> Given {
    typed(text, SqlType::TIMESTAMP_NTZ)
}

/// A TIMESTAMP_LTZ.
pub(crate) fn ltz(text: &str) -> Given {
    typed(text, SqlType::TIMESTAMP_LTZ)
}

/// A TIMESTAMP_TZ.
pub(crate) fn tz(text: &str) -> Given {
    typed(text, SqlType::TIMESTAMP_TZ)
}

/// The answer of a function of this name, as text; an error's message in its place.
pub(crate) fn call(name: &str, arguments: &[Given]) -> String {
    let Some(Function::Scalar(function)) = find(name) else { return format!("no {name}") };
    if let Err(error) = check_arity(name, function.arity, arguments.len()) {
        return error.detail().to_string();
    }
    bind_and_call(function.bind, arguments)
}

/// The answer of a binding, once with constant columns and once with arrays, which must agree.
pub(crate) fn bind_and_call(
    bind: impl Fn(&[Argument]) -> Result<ScalarBinding>,
    arguments: &[Given],
) -> String {
    let answer = |flat: bool| match run(&bind, arguments, flat) {
        Ok(text) => text,
        Err(error) => error.detail().to_string(),
    };
    let constant = answer(false);
    assert_eq!(constant, answer(true), "constants and arrays disagree");
    constant
}

fn run(
    bind: &impl Fn(&[Argument]) -> Result<ScalarBinding>,
    arguments: &[Given],
    flat: bool,
) -> Result<String> {
    let context = FunctionContext::default();
    let descriptions: Vec<Argument> = arguments.iter().map(|(a, _)| a.clone()).collect();
    let binding = bind(&descriptions)?;
    let rows = if flat { 3 } else { 1 };
    let mut columns = Vec::new();
    for ((argument, value), &to) in arguments.iter().zip(&binding.arguments) {
        let column = match flat {
            true => Column::from_values(argument.sql_type, [value, &Value::Null, value])?,
            false => Column::constant(value, argument.sql_type, 1)?,
        };
        columns.push(cast_column(&column, argument.sql_type, to, CastMode::Strict, &context)?);
    }
    let call =
        Call { rows, returns: binding.returns, arguments: &binding.arguments, context: &context };
    let answers = binding.kernel.run(&call, &columns)?;
    if answers.len() != rows {
        return Err(Error::internal(format!("{} answers for {rows} rows", answers.len())));
    }
    let (from, to) = (binding.returns, SqlType::TEXT);
    let value = answers.value(rows - 1, from);
    Ok(match cast_value(&value, from, to, CastMode::Strict, &context)? {
        Value::Text(text) => text.to_string(),
        Value::Null => "NULL".to_string(),
        other => format!("{other:?}"),
    })
}
