//! Functions whose bodies are blocks: a block runs once for each row of their arguments.

use std::sync::Arc;

use firn_column::Column;
use firn_functions::{Call, ForeignFunction};
use firn_parse::ast::Block;
use firn_query::bind::TypedValue;
use firn_types::{Cancel, Error, Result, Value, stack};

use super::variables::Variable;
use super::{Given, Script};
use crate::lifecycle::StatementContext;
use crate::session_state::SessionHome;

/// The values of a function for every row of a batch. Its block computes and runs no SQL, so that it needs nobody's
/// rights.
///
/// # Errors
/// An exception that the block does not handle; that of a cast; `Canceled`, `StatementTimeout`.
pub(crate) fn call_function(
    home: &Arc<SessionHome>,
    cancel: &Cancel,
    function: &ForeignFunction,
    call: &Call<'_>,
    arguments: &[Column],
) -> Result<Column> {
    let block = firn_parse::parse_block(&function.code.body)?;
    let mut running = StatementContext::computing(home, cancel);
    let text = function.code.body.as_str().into();
    let mut script = Script::new(&mut running, Arc::clone(home), text).returning(call.returns);
    script.check(&block, function.parameters.iter().map(|(name, _)| name.as_str()))?;
    let mut values = Vec::with_capacity(call.rows);
    stack::with_room(usize::MAX, || {
        for row in 0..call.rows {
            let given = function.parameters.iter().zip(arguments);
            let given = given.map(|((name, sql_type), column)| {
                let value = column.value(row, *sql_type);
                (name.as_str(), TypedValue { value, sql_type: *sql_type })
            });
            let given: Vec<(&str, TypedValue)> = given.collect();
            let is_null = |(_, value): &(&str, TypedValue)| value.value.is_null();
            values.push(match function.strict && given.iter().any(is_null) {
                true => Value::Null,
                false => script.function_value(&block, given)?,
            });
        }
        Ok::<(), Error>(())
    })?;
    Column::from_values(call.returns, &values)
}

impl Script<'_> {
    /// The value of a function's block for some arguments.
    fn function_value(
        &mut self,
        block: &Block,
        arguments: Vec<(&str, TypedValue)>,
    ) -> Result<Value> {
        let open = self.variables.open();
        for (name, value) in arguments {
            self.variables.declare(name, Variable::Value(value));
        }
        let outcome = self.block_inside(block, 0);
        self.variables.close(open);
        match outcome.map_err(|raised| raised.uncaught(&self.text))?.given() {
            Given::Value(value) => Ok(value.value),
            Given::Rows(_) => Err(Error::internal("a function's block that gives rows")),
        }
    }
}
