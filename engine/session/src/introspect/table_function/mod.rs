//! Table functions that the session answers: a table of their columns, and what makes their rows.

pub(in crate::introspect) mod alert_history;
pub(in crate::introspect) mod copy_history;
mod directory;
mod external_table;
mod infer_schema;
pub(in crate::introspect) mod login_history;
mod operator_stats;
pub(in crate::introspect) mod pipe;
pub(in crate::introspect) mod query_history;
mod refresh_history;
mod task_history;
mod validate;

use std::collections::HashSet;

use firn_types::{Error, ErrorCode, Field, Result, Value};

use super::listing::{Listing, fields as parsed};
use super::{IntrospectionContext, references};
use crate::login::NANOS_PER_SECOND;
use crate::result::Rows;

/// Days that the functions of the histories look back.
const HISTORY_DAYS: i64 = 7;
/// Rows unless RESULT_LIMIT says otherwise, and what it may be.
const LIMIT_DEFAULT: i128 = 100;
const LIMITS: std::ops::RangeInclusive<usize> = 1..=10_000;

/// One function: its name, what it tells, its parameters in order, its columns, and what makes its rows.
struct Function {
    name: &'static str,
    summary: &'static str,
    parameters: &'static [&'static str],
    columns: &'static str,
    rows: fn(&IntrospectionContext, &Arguments, &mut Listing) -> Result<()>,
}

const FUNCTIONS: &[Function] = &[
    Function {
        name: "ALERT_HISTORY",
        summary: "The newest runs of alerts, and those that come next.",
        parameters: alert_history::PARAMETERS,
        columns: alert_history::COLUMNS,
        rows: alert_history::rows,
    },
    Function {
        name: "COPY_HISTORY",
        summary: "The files that were loaded into a table.",
        parameters: copy_history::PARAMETERS,
        columns: copy_history::COLUMNS,
        rows: copy_history::rows,
    },
    Function {
        name: "DIRECTORY",
        summary: "The files of a stage, as its directory table has them.",
        parameters: &["STAGE"],
        columns: directory::COLUMNS,
        rows: directory::rows,
    },
    Function {
        name: "DYNAMIC_TABLE_REFRESH_HISTORY",
        summary: "What refreshes of dynamic tables have done.",
        parameters: refresh_history::PARAMETERS,
        columns: refresh_history::COLUMNS,
        rows: refresh_history::rows,
    },
    Function {
        name: "EXTERNAL_TABLE_FILES",
        summary: "The files of an external table.",
        parameters: &["TABLE_NAME"],
        columns: external_table::FILES,
        rows: external_table::files,
    },
    Function {
        name: "EXTERNAL_TABLE_FILE_REGISTRATION_HISTORY",
        summary: "What was registered of the files of an external table.",
        parameters: &["TABLE_NAME", "START_TIME"],
        columns: external_table::REGISTRATIONS,
        rows: external_table::registrations,
    },
    Function {
        name: "GET_QUERY_OPERATOR_STATS",
        summary: "What each operator of a statement did.",
        parameters: &["QUERY_ID"],
        columns: operator_stats::COLUMNS,
        rows: operator_stats::rows,
    },
    Function {
        name: "INFER_SCHEMA",
        summary: "The columns of staged files.",
        parameters: infer_schema::PARAMETERS,
        columns: infer_schema::COLUMNS,
        rows: infer_schema::rows,
    },
    Function {
        name: "LOGIN_HISTORY",
        summary: "The newest logins, and attempts to log in.",
        parameters: login_history::PARAMETERS,
        columns: login_history::COLUMNS,
        rows: login_history::of_all,
    },
    Function {
        name: "LOGIN_HISTORY_BY_USER",
        summary: "The newest logins of a user.",
        parameters: login_history::BY_USER,
        columns: login_history::COLUMNS,
        rows: login_history::of_user,
    },
    Function {
        name: "PIPE_USAGE_HISTORY",
        summary: "What pipes have loaded, hour by hour.",
        parameters: pipe::USAGE_PARAMETERS,
        columns: pipe::USAGE,
        rows: pipe::usage,
    },
    Function {
        name: "POLICY_REFERENCES",
        summary: "What has a policy, or which policies an object has.",
        parameters: &["POLICY_NAME", "POLICY_KIND", "REF_ENTITY_NAME", "REF_ENTITY_DOMAIN"],
        columns: references::POLICIES,
        rows: references::policies,
    },
    Function {
        name: "QUERY_HISTORY",
        summary: "The newest statements of all sessions.",
        parameters: query_history::PARAMETERS,
        columns: query_history::COLUMNS,
        rows: query_history::of_all,
    },
    Function {
        name: "QUERY_HISTORY_BY_SESSION",
        summary: "The newest statements of a session.",
        parameters: query_history::BY_SESSION,
        columns: query_history::COLUMNS,
        rows: query_history::of_session,
    },
    Function {
        name: "QUERY_HISTORY_BY_USER",
        summary: "The newest statements of a user.",
        parameters: query_history::BY_USER,
        columns: query_history::COLUMNS,
        rows: query_history::of_user,
    },
    Function {
        name: "QUERY_HISTORY_BY_WAREHOUSE",
        summary: "The newest statements of a warehouse.",
        parameters: query_history::BY_WAREHOUSE,
        columns: query_history::COLUMNS,
        rows: query_history::of_warehouse,
    },
    Function {
        name: "TAG_REFERENCES",
        summary: "The tags that are in effect on an object or column.",
        parameters: &["OBJECT_NAME", "OBJECT_DOMAIN"],
        columns: references::TAGS,
        rows: references::tags,
    },
    Function {
        name: "TAG_REFERENCES_ALL_COLUMNS",
        summary: "The tags that are in effect on the columns of a table.",
        parameters: &["OBJECT_NAME", "OBJECT_DOMAIN"],
        columns: references::TAGS,
        rows: references::tags_of_columns,
    },
    Function {
        name: "TASK_DEPENDENTS",
        summary: "A task, and those that run after it.",
        parameters: task_history::DEPENDENTS,
        columns: task_history::DEPENDENTS_COLUMNS,
        rows: task_history::dependents,
    },
    Function {
        name: "TASK_HISTORY",
        summary: "The newest runs of tasks, and those that come next.",
        parameters: task_history::PARAMETERS,
        columns: task_history::COLUMNS,
        rows: task_history::rows,
    },
    Function {
        name: "VALIDATE",
        summary: "The rows that an earlier COPY did not take.",
        parameters: &["TABLE", "JOB_ID"],
        columns: validate::COLUMNS,
        rows: validate::rows,
    },
    Function {
        name: "VALIDATE_PIPE_LOAD",
        summary: "What was wrong with the files of a pipe.",
        parameters: pipe::VALIDATED,
        columns: validate::COLUMNS,
        rows: pipe::validate,
    },
];

/// The arguments of a call by their parameters' names.
pub(super) struct Arguments {
    given: Vec<(&'static str, Value)>,
}

impl Arguments {
    /// Gives positional arguments their names.
    fn of(function: &Function, arguments: &[(String, Value)]) -> Result<Arguments> {
        let mut given = Vec::with_capacity(arguments.len());
        for (index, (name, value)) in arguments.iter().enumerate() {
            let parameter = match name.as_str() {
                "" => function.parameters.get(index),
                name => function.parameters.iter().find(|parameter| **parameter == name),
            };
            let Some(parameter) = parameter else {
                let shown = if name.is_empty() { (index + 1).to_string() } else { name.clone() };
                let text = format!("invalid argument '{shown}' of function {}", function.name);
                return Err(Error::new(ErrorCode::InvalidParameterType, text));
            };
            given.push((*parameter, value.clone()));
        }
        Ok(Arguments { given })
    }

    fn value(&self, name: &str) -> Option<&Value> {
        let found = self.given.iter().find(|(given, _)| *given == name);
        found.map(|(_, value)| value).filter(|value| **value != Value::Null)
    }

    /// A text.
    ///
    /// # Errors
    /// When it is something else.
    pub(super) fn text(&self, name: &str) -> Result<Option<&str>> {
        match self.value(name) {
            None => Ok(None),
            Some(Value::Text(text)) => Ok(Some(text)),
            Some(_) => Err(wrong_type(name)),
        }
    }

    /// Texts: one, or a list in parentheses.
    ///
    /// # Errors
    /// When one is something else.
    pub(super) fn texts(&self, name: &str) -> Result<Vec<String>> {
        let given = self.given.iter().filter(|(given, value)| *given == name && !value.is_null());
        let texts = given.map(|(_, value)| match value {
            Value::Text(text) => Ok(text.to_string()),
            _ => Err(wrong_type(name)),
        });
        texts.collect()
    }

    /// A BOOLEAN.
    ///
    /// # Errors
    /// When it is something else.
    pub(super) fn boolean(&self, name: &str) -> Result<Option<bool>> {
        match self.value(name) {
            None => Ok(None),
            Some(Value::Boolean(value)) => Ok(Some(*value)),
            Some(_) => Err(wrong_type(name)),
        }
    }

    /// A text that must be given.
    ///
    /// # Errors
    /// When it is absent or something else.
    pub(super) fn required_text(&self, name: &str) -> Result<&str> {
        self.text(name)?.ok_or_else(|| missing(name))
    }

    /// A moment that must be given: nanoseconds since 1970 UTC.
    ///
    /// # Errors
    /// When it is absent or something else.
    pub(super) fn required_time(&self, name: &str) -> Result<i128> {
        self.time(name)?.ok_or_else(|| missing(name))
    }

    /// A whole number.
    ///
    /// # Errors
    /// When it is something else.
    pub(super) fn number(&self, name: &str) -> Result<Option<i128>> {
        match self.value(name) {
            None => Ok(None),
            Some(Value::Number(number)) if number.scale == 0 => Ok(Some(number.unscaled)),
            Some(_) => Err(wrong_type(name)),
        }
    }

    /// RESULT_LIMIT of the histories: how many rows there are at most.
    ///
    /// # Errors
    /// When it is not from 1 to 10,000.
    pub(super) fn limit(&self) -> Result<usize> {
        let limit = self.number("RESULT_LIMIT")?.unwrap_or(LIMIT_DEFAULT);
        let fits = usize::try_from(limit).ok().filter(|limit| LIMITS.contains(limit));
        fits.ok_or_else(|| {
            let text = format!("invalid value [{limit}] for parameter 'RESULT_LIMIT'");
            Error::new(ErrorCode::InvalidParameterValue, text)
        })
    }

    /// Whether a moment, nanoseconds since 1970 UTC, is in the range between two arguments, ends included; an end
    /// that is not given is open.
    ///
    /// # Errors
    /// When one of them is no moment.
    pub(super) fn range(&self, start: &str, end: &str) -> Result<impl Fn(i64) -> bool + use<>> {
        let (start, end) = (self.time(start)?, self.time(end)?);
        Ok(move |nanos: i64| {
            let at = i128::from(nanos);
            start.is_none_or(|start| at >= start) && end.is_none_or(|end| at <= end)
        })
    }

    /// A moment: nanoseconds since 1970 UTC.
    ///
    /// # Errors
    /// When it is something else.
    pub(super) fn time(&self, name: &str) -> Result<Option<i128>> {
        match self.value(name) {
            None => Ok(None),
            Some(Value::Timestamp(nanos)) => Ok(Some(*nanos)),
            Some(Value::TimestampTz(value)) => Ok(Some(value.utc_nanos)),
            Some(Value::Date(days)) => Ok(Some(firn_types::timestamp::join(*days, 0))),
            Some(_) => Err(wrong_type(name)),
        }
    }
}

/// Since when the functions of the histories tell what was: nanoseconds since 1970 UTC.
pub(super) fn history_start(context: &IntrospectionContext) -> i64 {
    context.now_nanos.saturating_sub(HISTORY_DAYS * 86_400 * NANOS_PER_SECOND)
}

fn missing(name: &str) -> Error {
    Error::new(ErrorCode::InvalidParameterType, format!("argument {name} is missing"))
}

fn wrong_type(name: &str) -> Error {
    let text = format!("argument {name} is of the wrong type");
    Error::new(ErrorCode::InvalidParameterType, text)
}

fn find(name: &str) -> Option<&'static Function> {
    FUNCTIONS.iter().find(|function| function.name == name)
}

/// The name of each function, how many parameters it has, and what it tells.
pub(super) fn listed() -> impl Iterator<Item = (&'static str, usize, &'static str)> {
    FUNCTIONS.iter().map(|function| (function.name, function.parameters.len(), function.summary))
}

/// The columns of a table function; none when there is no such function.
///
/// # Errors
/// When the arguments do not fit.
pub(crate) fn fields(name: &str, arguments: &[(String, Value)]) -> Result<Option<Vec<Field>>> {
    let Some(function) = find(name) else { return Ok(None) };
    Arguments::of(function, arguments)?;
    Ok(Some(parsed(function.columns)))
}

/// The rows of a table function.
///
/// # Errors
/// When there is no such function, or what it asks about does not exist.
pub(crate) fn rows(
    context: &IntrospectionContext,
    name: &str,
    arguments: &[(String, Value)],
) -> Result<Rows> {
    let function = find(name).ok_or_else(|| Error::not_supported(name))?;
    let mut listing = Listing::nulls(function.columns);
    (function.rows)(context, &Arguments::of(function, arguments)?, &mut listing)?;
    Ok(listing.rows())
}

/// Adds what others have written to what this process knows, each run once, by when it ended: there may be many.
fn add_missing<T: PartialEq>(known: &mut Vec<T>, written: Vec<T>, ended: impl Fn(&T) -> i64) {
    let times: HashSet<i64> = known.iter().map(&ended).collect();
    let own = known.len();
    for run in written {
        if !times.contains(&ended(&run)) || !known[..own].contains(&run) {
            known.push(run);
        }
    }
}
