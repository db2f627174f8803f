//! The statement's moment: CURRENT_TIMESTAMP and its kin.

use firn_column::Column;
use firn_types::timestamp::{cut_to_scale, split, utc_to_wall};
use firn_types::{Error, ErrorCode, Result, SqlType, Value};

use super::CATEGORY;
use crate::{
    Argument, Arity, Documentation, FunctionContext, Kernel, ScalarBinding, ScalarFunction,
    Volatility, accept,
};

/// CURRENT_DATE
pub(crate) const CURRENT_DATE: ScalarFunction = ScalarFunction::new(
    "CURRENT_DATE",
    Arity::exactly(0),
    |_| constant(SqlType::Date, |context| Value::Date(split(wall(context)).0)),
    Documentation::of(
        CATEGORY,
        "The day on which the statement started, in the session's zone.",
        &[],
    ),
)
.with_volatility(Volatility::Stable);

/// CURRENT_TIME([scale])
pub(crate) const CURRENT_TIME: ScalarFunction = ScalarFunction::new(
    "CURRENT_TIME",
    Arity::between(0, 1),
    |arguments| {
        let scale = scale("CURRENT_TIME", arguments)?;
        let binding = constant(SqlType::Time { scale }, move |context| {
            Value::Time(split(cut_to_scale(wall(context), scale)).1)
        });
        with_arguments(binding, arguments)
    },
    Documentation::of(CATEGORY, "The time of day at which the statement started.", &[]),
)
.with_aliases(&["LOCALTIME"])
.with_volatility(Volatility::Stable);

/// CURRENT_TIMESTAMP([scale])
pub(crate) const CURRENT_TIMESTAMP: ScalarFunction = ScalarFunction::new(
    "CURRENT_TIMESTAMP",
    Arity::between(0, 1),
    |arguments| {
        let scale = scale("CURRENT_TIMESTAMP", arguments)?;
        let binding = constant(SqlType::TimestampLtz { scale }, move |context| {
            Value::Timestamp(cut_to_scale(i128::from(context.statement_nanos), scale))
        });
        with_arguments(binding, arguments)
    },
    Documentation::of(CATEGORY, "The instant at which the statement started.", &[]),
)
.with_aliases(&["GETDATE", "SYSTIMESTAMP", "LOCALTIMESTAMP"])
.with_volatility(Volatility::Stable);

/// SYSDATE()
pub(crate) const SYSDATE: ScalarFunction = ScalarFunction::new(
    "SYSDATE",
    Arity::exactly(0),
    |_| {
        constant(SqlType::TIMESTAMP_NTZ, |context| {
            Value::Timestamp(i128::from(context.statement_nanos))
        })
    },
    Documentation::of(CATEGORY, "UTC's clock when the statement started, as TIMESTAMP_NTZ.", &[]),
)
.with_volatility(Volatility::Stable);

fn wall(context: &FunctionContext) -> i128 {
    utc_to_wall(context.time_zone, i128::from(context.statement_nanos))
}

/// A function of nothing but the statement.
fn constant(
    returns: SqlType,
    value: impl Fn(&FunctionContext) -> Value + Send + Sync + 'static,
) -> Result<ScalarBinding> {
    let kernel =
        Kernel::aware(move |call, _| Column::constant(&value(call.context), returns, call.rows));
    ScalarBinding::new(Vec::new(), returns, kernel)
}

fn with_arguments(binding: Result<ScalarBinding>, arguments: &[Argument]) -> Result<ScalarBinding> {
    let arguments = arguments.iter().map(|argument| argument.sql_type).collect();
    Ok(ScalarBinding { arguments, ..binding? })
}

/// The digits of the second's fraction that are asked for.
fn scale(name: &str, arguments: &[Argument]) -> Result<u8> {
    if arguments.is_empty() {
        return Ok(9);
    }
    let scale = accept::constant_integer(arguments, 0).and_then(|n| u8::try_from(n).ok());
    scale.filter(|&scale| scale <= 9).ok_or_else(|| {
        Error::new(
            ErrorCode::InvalidParameterType,
            format!("argument 1 to function {name} needs to be a constant from 0 to 9"),
        )
    })
}
