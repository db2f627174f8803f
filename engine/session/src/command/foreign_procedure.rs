//! Procedures in other languages than SQL: their statements run in a session as those of a block do.

use std::sync::Arc;

use firn_account::catalog::{Parameter, Procedure, Returns};
use firn_column::Batch;
use firn_functions::{
    ForeignFunction, ForeignReturns, ForeignRows, ForeignSession, FunctionContext, StatementFailed,
    Volatility,
};
use firn_javascript::procedure;
use firn_python as python;
use firn_query::bind::{Binds, TypedValue};
use firn_types::{Cancel, Error, Field, Result, SqlType, Value};

use crate::lifecycle::{RanInside, StatementContext};
use crate::result::{Cell, Printer};
use crate::script::Given;
use crate::session_state::SessionHome;

/// Runs the body of a procedure in JavaScript, whose statements run in the session of `home`.
///
/// # Errors
/// What the body throws.
pub(super) fn run_javascript(
    running: &StatementContext,
    home: &Arc<SessionHome>,
    procedure: &Procedure,
    arguments: Vec<TypedValue>,
) -> Result<TypedValue> {
    let Returns::Value(returns) = procedure.returns else {
        return Err(Error::not_supported("a table from a procedure in JavaScript"));
    };
    let named = procedure.parameters.iter().zip(arguments);
    let called = procedure::Procedure {
        name: procedure.called(),
        body: &procedure.code.body,
        arguments: named
            .map(|(parameter, given)| (parameter.name.as_str(), given.value, given.sql_type))
            .collect(),
        returns,
    };
    let session = InHome::of(running, home);
    let value = procedure::run_procedure(&called, Arc::new(session), &running.monitor.cancel)?;
    Ok(TypedValue { value, sql_type: returns })
}

/// Runs the body of a procedure in Python, as [`run_javascript`].
///
/// # Errors
/// What the body throws.
pub(super) fn run_python(
    running: &mut StatementContext,
    home: &Arc<SessionHome>,
    procedure: &Procedure,
    arguments: Vec<TypedValue>,
) -> Result<Given> {
    let parameter = |parameter: &Parameter| (parameter.name.clone(), parameter.sql_type);
    let called = Arc::new(ForeignFunction {
        name: procedure.called().to_string(),
        code: procedure.code.clone(),
        parameters: procedure.parameters.iter().map(parameter).collect(),
        returns: match &procedure.returns {
            Returns::Value(sql_type) => ForeignReturns::Value(*sql_type),
            Returns::Table(columns) => ForeignReturns::Table(columns.clone()),
        },
        aggregate: false,
        strict: procedure.traits.strict,
        volatility: Volatility::Volatile,
    });
    let given: Vec<(Value, SqlType)> =
        arguments.into_iter().map(|given| (given.value, given.sql_type)).collect();
    let session = InHome::of(running, home);
    match (running.foreign.python().call_procedure(&called, &given, &session)?, &procedure.returns)
    {
        (python::Given::Value(value), Returns::Value(sql_type)) => {
            Ok(Given::Value(TypedValue { value, sql_type: *sql_type }))
        }
        (python::Given::Query(sql, values), _) => {
            let (answer, _) = super::script::run_one(running, home, &sql, binds(values))?;
            Ok(Given::Rows(answer))
        }
        (python::Given::Value(_), Returns::Table(_)) => {
            Err(Error::internal("a value of a procedure that gives a table"))
        }
    }
}

/// Values for the `?` of a statement.
fn binds(values: Vec<(Value, SqlType)>) -> Binds {
    let typed = |(value, sql_type)| TypedValue { value, sql_type };
    Binds { positional: values.into_iter().map(typed).collect(), ..Binds::default() }
}

/// The session that a procedure's statements run in.
struct InHome {
    home: Arc<SessionHome>,
    cancel: Cancel,
    functions: Arc<FunctionContext>,
}

impl InHome {
    fn of(running: &StatementContext, home: &Arc<SessionHome>) -> InHome {
        InHome {
            home: Arc::clone(home),
            cancel: running.monitor.cancel.clone(),
            functions: Arc::new(running.function_context()),
        }
    }
}

impl ForeignSession for InHome {
    fn run(
        &self,
        sql: &str,
        values: Vec<(Value, SqlType)>,
    ) -> Result<Box<dyn ForeignRows>, StatementFailed> {
        let inner = StatementContext::inner(&self.home, sql, binds(values), &self.cancel);
        match inner.run_inside() {
            Ok(ran) => Ok(Box::new(StatementRows(ran))),
            Err(failure) => Err(StatementFailed {
                number: failure.number,
                state: failure.code.sqlstate().to_string(),
                message: failure.message,
                query_id: failure.query_id,
            }),
        }
    }

    fn functions(&self) -> Arc<FunctionContext> {
        Arc::clone(&self.functions)
    }
}

/// What a statement of a procedure has answered.
struct StatementRows(RanInside);

impl ForeignRows for StatementRows {
    fn query_id(&self) -> &str {
        &self.0.result.query_id
    }

    fn fields(&self) -> &[Field] {
        &self.0.result.fields
    }

    fn rows(&self) -> u64 {
        self.0.result.rows() as u64
    }

    fn counts(&self) -> &[(String, u64)] {
        &self.0.counts
    }

    fn batch(&self, index: usize) -> Result<Option<Batch>> {
        self.0.result.batch(index)
    }

    fn text(&self, batch: &Batch, row: usize, column: usize) -> Result<Option<String>> {
        let result = &self.0.result;
        let printer = Printer { fields: &result.fields, functions: &result.functions };
        let cell = printer.cell(batch.column(column), row, result.fields[column].sql_type)?;
        Ok(match cell {
            Cell::Null => None,
            Cell::Boolean(answer) => Some(answer.to_string()),
            Cell::Text(text) => Some(text),
        })
    }
}
