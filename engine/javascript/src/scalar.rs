//! Calls of a function for every row of a batch.

use firn_column::Column;
use firn_functions::{Call, ForeignFunction};
use firn_types::Result;
use rquickjs::Value;
use rquickjs::function::Args;

use crate::convert::{Input, Library, Output};
use crate::isolate::Isolate;

/// Rows after which it is asked whether the statement is to end.
const ROWS_UNASKED: usize = 4096;

/// The values of the function that is in the isolate.
///
/// # Errors
/// As [`crate::JavaScript::call`].
pub(crate) fn call(
    isolate: &Isolate,
    function: &ForeignFunction,
    call: &Call<'_>,
    arguments: &[Column],
) -> Result<Column> {
    let inputs = Input::all(arguments, &function.parameters, call.context)?;
    let mut output = Output::new(call.returns, call.rows);
    isolate.with(|ctx| {
        let library = Library::of(&ctx)?;
        let compiled: rquickjs::Function<'_> = Isolate::compiled_code(&ctx)?.get()?;
        for row in 0..call.rows {
            if row % ROWS_UNASKED == 0 {
                call.context.host.check_canceled()?;
            }
            if function.strict && inputs.iter().any(|input| input.is_null(row)) {
                output.push_null();
                continue;
            }
            let mut given = Args::new(ctx.clone(), inputs.len());
            for input in &inputs {
                given.push_arg(input.value(&library, row)?)?;
            }
            let value: Value<'_> = compiled.call_arg(given)?;
            output.push(&library, value, call.context)?;
        }
        Ok(())
    })?;
    output.finish()
}
