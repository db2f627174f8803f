//! Procedures in JavaScript: their statements run in a session as those of a block do.

use std::sync::Arc;

use firn_account::catalog::{Procedure, Returns};
use firn_column::Batch;
use firn_functions::FunctionContext;
use firn_javascript::procedure::{self, Failed, Rows, Session};
use firn_query::bind::{Binds, TypedValue};
use firn_types::{Cancel, Error, Field, Result, SqlType, Value};

use crate::lifecycle::{RanInside, StatementContext};
use crate::result::{Cell, Printer};
use crate::session_state::SessionHome;

/// Runs a procedure's body, whose statements run in the session of `home`.
///
/// # Errors
/// What the body throws.
pub(super) fn run(
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
    let session = InHome {
        home: Arc::clone(home),
        cancel: running.monitor.cancel.clone(),
        functions: Arc::new(running.function_context()),
    };
    let value = procedure::run_procedure(&called, Arc::new(session), &running.monitor.cancel)?;
    Ok(TypedValue { value, sql_type: returns })
}

/// The session that a procedure's statements run in.
struct InHome {
    home: Arc<SessionHome>,
    cancel: Cancel,
    functions: Arc<FunctionContext>,
}

impl Session for InHome {
    fn run(&self, sql: &str, values: Vec<(Value, SqlType)>) -> Result<Box<dyn Rows>, Failed> {
        let typed = |(value, sql_type)| TypedValue { value, sql_type };
        let positional = values.into_iter().map(typed).collect();
        let binds = Binds { positional, ..Binds::default() };
        let inner = StatementContext::inner(&self.home, sql, binds, &self.cancel);
        match inner.run_inside() {
            Ok(ran) => Ok(Box::new(Ran(ran))),
            Err(failure) => Err(Failed {
                number: failure.number,
                state: failure.code.sqlstate().to_string(),
                message: failure.message,
            }),
        }
    }

    fn functions(&self) -> Arc<FunctionContext> {
        Arc::clone(&self.functions)
    }
}

/// What a statement of a procedure has answered.
struct Ran(RanInside);

impl Rows for Ran {
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
