//! SYSTEM$ functions, and GET_DDL and its like.
//!
//! What needs the catalog or storage is asked of the session, with all arguments as texts.

mod event;

use std::time::Duration;

use firn_column::{Array, Column};
use firn_types::{Collation, Decimal, Error, ErrorCode, Result, SqlType, Value};

use super::{Kernel, ScalarBinding, ScalarFunction};
use crate::driver::{Output, Rows, floats, null_aware, null_propagating, texts};
use crate::{Argument, Arity, Documentation, Example, Volatility, accept};

const CATEGORY: &str = "System";

/// The functions of this folder, sorted by name.
pub(crate) const FUNCTIONS: &[&ScalarFunction] = &[
    &BUILD_STAGE_FILE_URL,
    &GET_ABSOLUTE_PATH,
    &GET_DDL,
    &GET_RELATIVE_PATH,
    &GET_STAGE_LOCATION,
    &SYSTEM_ABORT_SESSION,
    &SYSTEM_ABORT_TRANSACTION,
    &event::ADD_EVENT,
    &SYSTEM_CANCEL_ALL_QUERIES,
    &SYSTEM_CANCEL_QUERY,
    &SYSTEM_CLUSTERING_DEPTH,
    &SYSTEM_CLUSTERING_INFORMATION,
    &SYSTEM_CURRENT_USER_TASK_NAME,
    &SYSTEM_EXPLAIN_PLAN_JSON,
    &SYSTEM_GET_PREDECESSOR_RETURN_VALUE,
    &SYSTEM_GET_RESULTSET_STATUS,
    &SYSTEM_GET_TAG,
    &SYSTEM_GET_TAG_ALLOWED_VALUES,
    &SYSTEM_GET_TAG_ON_CURRENT_COLUMN,
    &SYSTEM_GET_TAG_ON_CURRENT_TABLE,
    &SYSTEM_GET_TASK_GRAPH_CONFIG,
    &SYSTEM_LAST_CHANGE_COMMIT_TIME,
    &event::LOG,
    &event::LOG_DEBUG,
    &event::LOG_ERROR,
    &event::LOG_FATAL,
    &event::LOG_INFO,
    &event::LOG_TRACE,
    &event::LOG_WARN,
    &SYSTEM_PIPE_FORCE_RESUME,
    &SYSTEM_PIPE_STATUS,
    &SYSTEM_SEND_EMAIL,
    &SYSTEM_SEND_SNOWFLAKE_NOTIFICATION,
    &SYSTEM_SET_RETURN_VALUE,
    &event::SET_SPAN_ATTRIBUTES,
    &SYSTEM_STREAM_BACKLOG,
    &SYSTEM_STREAM_GET_TABLE_TIMESTAMP,
    &SYSTEM_STREAM_HAS_DATA,
    &SYSTEM_TASK_DEPENDENTS_ENABLE,
    &SYSTEM_TASK_RUNTIME_INFO,
    &SYSTEM_TYPEOF,
    &SYSTEM_USER_TASK_CANCEL_ONGOING_EXECUTIONS,
    &SYSTEM_VACUUM,
    &SYSTEM_WAIT,
];

/// What a function that the session answers does beside.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Effect {
    /// Nothing.
    Reads,
    /// It changes objects, statements or the task that runs.
    Changes,
}

macro_rules! asked {
    ($constant:ident, $name:literal, $most:literal, $returns:expr, $summary:literal) => {
        asked!($constant, $name, $most, $returns, $summary, Effect::Reads);
    };
    ($constant:ident, $name:literal, $most:literal, $returns:expr, $summary:literal, $effect:expr) => {
        /// A function that the session answers.
        const $constant: ScalarFunction = ScalarFunction::new(
            $name,
            Arity::between(0, $most),
            |arguments| bind_asked($name, arguments, $returns, $effect),
            Documentation::of(CATEGORY, $summary, &[]),
        )
        .with_volatility(Volatility::Volatile);
    };
}

asked!(GET_DDL, "GET_DDL", 3, SqlType::TEXT, "The statement that makes an object again.");
asked!(SYSTEM_ABORT_SESSION, "SYSTEM$ABORT_SESSION", 1, SqlType::TEXT, "Ends a session.");
asked!(
    SYSTEM_ABORT_TRANSACTION,
    "SYSTEM$ABORT_TRANSACTION",
    1,
    SqlType::TEXT,
    "Rolls a transaction back."
);
asked!(
    SYSTEM_CANCEL_ALL_QUERIES,
    "SYSTEM$CANCEL_ALL_QUERIES",
    1,
    SqlType::TEXT,
    "Cancels all statements of a session.",
    Effect::Changes
);
asked!(
    SYSTEM_VACUUM,
    "SYSTEM$VACUUM",
    0,
    SqlType::TEXT,
    "Deletes files that nobody can reach any more, and tells what was deleted and what has to wait, as a JSON object.",
    Effect::Changes
);
asked!(
    SYSTEM_GET_RESULTSET_STATUS,
    "SYSTEM$GET_RESULTSET_STATUS",
    1,
    SqlType::TEXT,
    "How far the statement of a RESULTSET is, in a block."
);
asked!(
    SYSTEM_CANCEL_QUERY,
    "SYSTEM$CANCEL_QUERY",
    1,
    SqlType::TEXT,
    "Cancels a statement.",
    Effect::Changes
);
asked!(
    SYSTEM_CLUSTERING_DEPTH,
    "SYSTEM$CLUSTERING_DEPTH",
    3,
    SqlType::Float,
    "How many micro-partitions overlap on average for some expressions."
);
asked!(
    SYSTEM_CLUSTERING_INFORMATION,
    "SYSTEM$CLUSTERING_INFORMATION",
    3,
    SqlType::TEXT,
    "How well a table is clustered, as a JSON object."
);
asked!(
    SYSTEM_CURRENT_USER_TASK_NAME,
    "SYSTEM$CURRENT_USER_TASK_NAME",
    0,
    SqlType::TEXT,
    "The task that runs."
);
asked!(
    SYSTEM_EXPLAIN_PLAN_JSON,
    "SYSTEM$EXPLAIN_PLAN_JSON",
    1,
    SqlType::TEXT,
    "A statement's plan as a JSON object."
);
asked!(
    SYSTEM_GET_PREDECESSOR_RETURN_VALUE,
    "SYSTEM$GET_PREDECESSOR_RETURN_VALUE",
    1,
    SqlType::TEXT,
    "What the task before this one set as its result."
);
asked!(
    SYSTEM_GET_TAG,
    "SYSTEM$GET_TAG",
    3,
    SqlType::TEXT,
    "The value of a tag on an object or column, its own or that of what it is in."
);
asked!(
    SYSTEM_GET_TAG_ALLOWED_VALUES,
    "SYSTEM$GET_TAG_ALLOWED_VALUES",
    1,
    SqlType::TEXT,
    "The values that a tag takes, as a JSON array; NULL for any."
);
asked!(
    SYSTEM_GET_TAG_ON_CURRENT_COLUMN,
    "SYSTEM$GET_TAG_ON_CURRENT_COLUMN",
    1,
    SqlType::TEXT,
    "In a masking policy, the value of a tag on the column that is masked."
);
asked!(
    SYSTEM_GET_TAG_ON_CURRENT_TABLE,
    "SYSTEM$GET_TAG_ON_CURRENT_TABLE",
    1,
    SqlType::TEXT,
    "In a policy, the value of a tag on the table that is protected."
);
asked!(
    SYSTEM_GET_TASK_GRAPH_CONFIG,
    "SYSTEM$GET_TASK_GRAPH_CONFIG",
    1,
    SqlType::TEXT,
    "A value of the task graph's configuration."
);
asked!(
    SYSTEM_LAST_CHANGE_COMMIT_TIME,
    "SYSTEM$LAST_CHANGE_COMMIT_TIME",
    1,
    SqlType::INTEGER,
    "When a table was changed last."
);
asked!(
    SYSTEM_PIPE_FORCE_RESUME,
    "SYSTEM$PIPE_FORCE_RESUME",
    2,
    SqlType::TEXT,
    "Resumes a pipe.",
    Effect::Changes
);
asked!(
    SYSTEM_PIPE_STATUS,
    "SYSTEM$PIPE_STATUS",
    1,
    SqlType::TEXT,
    "What a pipe does, as a JSON object."
);
asked!(
    BUILD_STAGE_FILE_URL,
    "BUILD_STAGE_FILE_URL",
    2,
    SqlType::TEXT,
    "The address of a file of a stage."
);
asked!(
    GET_ABSOLUTE_PATH,
    "GET_ABSOLUTE_PATH",
    2,
    SqlType::TEXT,
    "The URL of a file of an external stage."
);
asked!(
    GET_RELATIVE_PATH,
    "GET_RELATIVE_PATH",
    2,
    SqlType::TEXT,
    "The path below an external stage of a file's URL."
);
asked!(GET_STAGE_LOCATION, "GET_STAGE_LOCATION", 1, SqlType::TEXT, "The URL of an external stage.");
asked!(SYSTEM_SEND_EMAIL, "SYSTEM$SEND_EMAIL", 5, SqlType::Boolean, "Refused: firn sends no mail.");
asked!(
    SYSTEM_SEND_SNOWFLAKE_NOTIFICATION,
    "SYSTEM$SEND_SNOWFLAKE_NOTIFICATION",
    2,
    SqlType::TEXT,
    "Refused: firn sends no notifications."
);
asked!(
    SYSTEM_SET_RETURN_VALUE,
    "SYSTEM$SET_RETURN_VALUE",
    1,
    SqlType::TEXT,
    "Sets the result of the task that runs.",
    Effect::Changes
);
asked!(
    SYSTEM_STREAM_BACKLOG,
    "SYSTEM$STREAM_BACKLOG",
    1,
    SqlType::TEXT,
    "How much a stream has still to hand on."
);
asked!(
    SYSTEM_STREAM_GET_TABLE_TIMESTAMP,
    "SYSTEM$STREAM_GET_TABLE_TIMESTAMP",
    1,
    SqlType::INTEGER,
    "Up to when a stream has been read."
);
asked!(
    SYSTEM_STREAM_HAS_DATA,
    "SYSTEM$STREAM_HAS_DATA",
    1,
    SqlType::Boolean,
    "Whether a stream has changes to hand on."
);
asked!(
    SYSTEM_TASK_DEPENDENTS_ENABLE,
    "SYSTEM$TASK_DEPENDENTS_ENABLE",
    1,
    SqlType::TEXT,
    "Resumes a task and all that depend on it.",
    Effect::Changes
);
asked!(
    SYSTEM_TASK_RUNTIME_INFO,
    "SYSTEM$TASK_RUNTIME_INFO",
    1,
    SqlType::TEXT,
    "A fact about the task that runs."
);
asked!(
    SYSTEM_USER_TASK_CANCEL_ONGOING_EXECUTIONS,
    "SYSTEM$USER_TASK_CANCEL_ONGOING_EXECUTIONS",
    1,
    SqlType::TEXT,
    "Stops the running execution of a task."
);

/// SYSTEM$TYPEOF(value)
const SYSTEM_TYPEOF: ScalarFunction = ScalarFunction::new(
    "SYSTEM$TYPEOF",
    Arity::exactly(1),
    |arguments| {
        let text = type_text(&arguments[0]);
        let kernel = Kernel::aware(move |call, _| {
            Column::constant(&Value::text(text.as_str()), SqlType::TEXT, call.rows)
        });
        ScalarBinding::new(vec![arguments[0].sql_type], SqlType::TEXT, kernel)
    },
    Documentation::of(
        CATEGORY,
        "The type of an expression and how it is stored.",
        &[
            Example::of("SYSTEM$TYPEOF(1)", "NUMBER(1,0)[SB1]"),
            Example::of("SYSTEM$TYPEOF(1e10)", "NUMBER(11,0)[SB8]"),
            Example::of("SYSTEM$TYPEOF(NULL)", "NULL[LOB]"),
        ],
    ),
);

/// SYSTEM$WAIT(amount [, unit])
const SYSTEM_WAIT: ScalarFunction = ScalarFunction::new(
    "SYSTEM$WAIT",
    Arity::between(1, 2),
    bind_wait,
    Documentation::of(
        CATEGORY,
        "Waits.",
        &[Example::of("SYSTEM$WAIT(1, 'MILLISECONDS')", "waited 1 milliseconds")],
    ),
)
.with_volatility(Volatility::Volatile);

fn type_text(argument: &Argument) -> String {
    let storage = match argument.sql_type {
        SqlType::Number { precision, .. } => match &argument.constant {
            Some(Value::Number(Decimal { unscaled, .. })) => integer_storage(*unscaled),
            _ => match precision {
                0..=2 => "SB1",
                3..=4 => "SB2",
                5..=9 => "SB4",
                10..=18 => "SB8",
                _ => "SB16",
            },
        },
        SqlType::Float => "DOUBLE",
        SqlType::Boolean => "SB1",
        SqlType::Date => "SB4",
        SqlType::Time { .. } => "SB8",
        t if t.is_timestamp() => "SB16",
        _ => "LOB",
    };
    let shown = argument.sql_type.with_collation(Collation::NONE).to_string();
    // The parts of structured types stand without what they are anyway.
    let shown = match argument.sql_type {
        SqlType::Structured(_) => shown.replace(&SqlType::TEXT.to_string(), "VARCHAR"),
        _ => shown,
    };
    format!("{shown}[{storage}]")
}

fn integer_storage(value: i128) -> &'static str {
    if i8::try_from(value).is_ok() {
        "SB1"
    } else if i16::try_from(value).is_ok() {
        "SB2"
    } else if i32::try_from(value).is_ok() {
        "SB4"
    } else if i64::try_from(value).is_ok() {
        "SB8"
    } else {
        "SB16"
    }
}

fn bind_wait(arguments: &[Argument]) -> Result<ScalarBinding> {
    let mut types = vec![accept::float("SYSTEM$WAIT", arguments, 0)?];
    if arguments.len() > 1 {
        types.push(accept::text("SYSTEM$WAIT", arguments, 1)?);
    }
    let kernel = null_propagating(|rows, columns| {
        let amount = floats(&columns[0])?;
        let unit = columns.get(1).map(texts).transpose()?;
        rows.text(|at, out| {
            let unit = unit.map_or("SECONDS", |unit| unit.get(at)).to_ascii_uppercase();
            let seconds = amount.get(at) * unit_seconds(&unit)?;
            wait(rows, seconds)?;
            out.push_str(&format!("waited {} {}", amount.get(at), unit.to_ascii_lowercase()));
            Ok(true)
        })
    });
    ScalarBinding::new(types, SqlType::TEXT, kernel)
}

fn unit_seconds(unit: &str) -> Result<f64> {
    Ok(match unit {
        "DAYS" => 86_400.0,
        "HOURS" => 3_600.0,
        "MINUTES" => 60.0,
        "SECONDS" => 1.0,
        "MILLISECONDS" => 0.001,
        "MICROSECONDS" => 0.000_001,
        "NANOSECONDS" => 0.000_000_001,
        _ => {
            let text = format!("Invalid time unit '{unit}' in the SYSTEM$WAIT input");
            return Err(Error::new(ErrorCode::InvalidValue, text));
        }
    })
}

/// Waits in short steps, so that a canceled statement ends soon.
fn wait(rows: &Rows<'_>, seconds: f64) -> Result<()> {
    const STEP: Duration = Duration::from_millis(20);
    let mut left = Duration::try_from_secs_f64(seconds).map_err(|_| {
        Error::new(
            ErrorCode::InvalidValue,
            format!("Invalid time {seconds} in the SYSTEM$WAIT input"),
        )
    })?;
    while !left.is_zero() {
        rows.call.context.host.check_canceled()?;
        std::thread::sleep(left.min(STEP));
        left = left.saturating_sub(STEP);
    }
    Ok(())
}

fn bind_asked(
    name: &'static str,
    arguments: &[Argument],
    returns: SqlType,
    effect: Effect,
) -> Result<ScalarBinding> {
    let types: Result<Vec<SqlType>> =
        (0..arguments.len()).map(|position| accept::text(name, arguments, position)).collect();
    let kernel = null_aware(move |rows, columns| {
        if effect == Effect::Changes {
            rows.call.context.host.check_may_change()?;
        }
        let readers: Vec<_> = columns.iter().map(texts).collect::<Result<_>>()?;
        let ask = |at: usize| {
            let arguments: Vec<Option<String>> = readers
                .iter()
                .map(|reader| (!reader.is_null(at)).then(|| reader.get(at).to_string()))
                .collect();
            rows.call.context.host.system_function(name, &arguments)
        };
        answers(rows, returns, &ask)
    });
    ScalarBinding::new(types?, returns, kernel)
}

/// The texts that `ask` gives, as values of the type.
fn answers(
    rows: &Rows<'_>,
    returns: SqlType,
    ask: &dyn Fn(usize) -> Result<Option<String>>,
) -> Result<Array> {
    fn read<T: std::str::FromStr + Output>(
        rows: &Rows<'_>,
        ask: &dyn Fn(usize) -> Result<Option<String>>,
    ) -> Result<Array> {
        rows.map(|at| {
            let parsed = ask(at)?.map(|text| text.to_ascii_lowercase().parse::<T>()).transpose();
            parsed.map_err(|_| Error::internal("a system function's answer of another type"))
        })
    }
    match returns {
        SqlType::Boolean => read::<bool>(rows, ask),
        SqlType::Float => read::<f64>(rows, ask),
        SqlType::Number { .. } => read::<i128>(rows, ask),
        _ => rows.text(|at, out| {
            let answer = ask(at)?;
            out.push_str(answer.as_deref().unwrap_or_default());
            Ok(answer.is_some())
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_named_with_their_storage() {
        let number = |value: i128, precision| Argument {
            constant: Some(Value::integer(value)),
            ..Argument::of(SqlType::number(precision, 0))
        };
        assert_eq!(type_text(&number(1, 1)), "NUMBER(1,0)[SB1]");
        assert_eq!(type_text(&number(12345, 5)), "NUMBER(5,0)[SB2]");
        assert_eq!(type_text(&number(10_000_000_000, 11)), "NUMBER(11,0)[SB8]");
        let text = Argument::of(SqlType::varchar(9));
        assert_eq!(type_text(&text), "VARCHAR(9)[LOB]");
        assert_eq!(type_text(&Argument::of(SqlType::Null)), "NULL[LOB]");
        assert_eq!(type_text(&Argument::of(SqlType::Float)), "FLOAT[DOUBLE]");
    }
}
