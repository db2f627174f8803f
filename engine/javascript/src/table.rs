//! Table functions: an object with `processRow` and, where it wants them, `initialize` and `finalize`.

use std::ops::Range;
use std::sync::Arc;

use firn_column::Column;
use firn_functions::{
    ForeignFunction, ForeignProcessor, ForeignReturns, FunctionContext, Processed,
};
use firn_types::{Cancel, Error, Result, SqlType, Value as SqlValue};
use rquickjs::function::This;
use rquickjs::{Array as JsArray, Ctx, Function, Object, Value};

use crate::convert::{Input, Library, Output};
use crate::failure::Thrown;
use crate::isolate::Isolate;

/// Rows that are taken or made before they are handed on.
const ROWS_MAX: usize = 4096;
/// The global variables of the partition that has begun: its object, and what takes its rows.
const OBJECT: &str = "\0object";
const WRITER: &str = "\0writer";
/// Makes the two of them.
const BEGIN: &str = "(compiled => [Object.create(compiled), \
                     { rows: [], writeRow(row) { this.rows.push(row); } }])";

/// A table function at work.
pub(crate) struct Table {
    isolate: Isolate,
    function: Arc<ForeignFunction>,
    columns: Vec<(String, SqlType)>,
    constants: Vec<Option<SqlValue>>,
}

impl Table {
    /// A function's work, with the values of those arguments that are constant.
    ///
    /// # Errors
    /// `JavaScriptCompilation`.
    pub(crate) fn new(
        function: &Arc<ForeignFunction>,
        constants: &[Option<SqlValue>],
        cancel: &Cancel,
    ) -> Result<Table> {
        let ForeignReturns::Table(columns) = &function.returns else {
            return Err(Error::internal("a scalar function as a table function"));
        };
        Ok(Table {
            isolate: Isolate::of_object(&function.name, &function.code.body, cancel)?,
            function: Arc::clone(function),
            columns: columns.clone(),
            constants: constants.to_vec(),
        })
    }

    /// What is known of the arguments before the first row.
    fn argument_info<'js>(
        &self,
        library: &Library<'js>,
        context: &FunctionContext,
    ) -> Result<Object<'js>, Thrown> {
        let all = Object::new(library.ctx.clone())?;
        for ((name, sql_type), constant) in self.function.parameters.iter().zip(&self.constants) {
            let info = Object::new(library.ctx.clone())?;
            info.set("type", sql_type.to_string())?;
            info.set("isConst", constant.is_some())?;
            if let Some(value) = constant {
                let column = Column::constant(value, *sql_type, 1)?;
                let input = Input::of(&column, *sql_type, context)?;
                info.set("constValue", input.value(library, 0)?)?;
            }
            all.set(name.as_str(), info)?;
        }
        Ok(all)
    }
}

impl ForeignProcessor for Table {
    fn begin(&mut self, context: &FunctionContext) -> Result<()> {
        self.isolate.with(|ctx| {
            let library = Library::of(&ctx)?;
            let compiled = Isolate::compiled_code(&ctx)?;
            let process =
                compiled.as_object().map(|object| object.get::<_, Value<'_>>("processRow"));
            if !process.transpose()?.is_some_and(|process| process.is_function()) {
                let text = format!("Function {} has no processRow", self.function.name);
                let code = firn_types::ErrorCode::JavaScriptExecution;
                return Err(Error::new(code, text).into());
            }
            let made: JsArray<'_> = ctx.eval::<Function<'_>, _>(BEGIN)?.call((compiled,))?;
            let (object, writer): (Object<'_>, Object<'_>) = (made.get(0)?, made.get(1)?);
            let info = self.argument_info(&library, context)?;
            if let Some(initialize) = method(&object, "initialize")? {
                let nothing = Object::new(ctx.clone())?;
                initialize.call::<_, ()>((This(object.clone()), info, nothing))?;
            }
            ctx.globals().set(OBJECT, object)?;
            ctx.globals().set(WRITER, writer)?;
            Ok(())
        })
    }

    fn process(
        &mut self,
        arguments: &[Column],
        rows: Range<usize>,
        context: &FunctionContext,
    ) -> Result<Processed> {
        // No more than are taken: what is left is given again.
        let count = rows.len().min(ROWS_MAX);
        let given: Vec<Column> =
            arguments.iter().map(|column| column.slice(rows.start, count)).collect();
        let inputs = Input::all(&given, &self.function.parameters, context)?;
        let mut written = Written::new(&self.columns);
        let mut taken = 0;
        self.isolate.with(|ctx| {
            let library = Library::of(&ctx)?;
            let (object, writer) = partition(&ctx)?;
            let process: Function<'_> = object.get("processRow")?;
            for row in 0..count {
                if written.origins.len() >= ROWS_MAX {
                    break;
                }
                taken += 1;
                if self.function.strict && inputs.iter().any(|input| input.is_null(row)) {
                    continue;
                }
                let given = Object::new(ctx.clone())?;
                for ((name, _), input) in self.function.parameters.iter().zip(&inputs) {
                    given.set(name.as_str(), input.value(&library, row)?)?;
                }
                let nothing = Object::new(ctx.clone())?;
                process.call::<_, ()>((This(object.clone()), given, writer.clone(), nothing))?;
                written.take(&library, &writer, rows.start + row, context)?;
            }
            Ok(())
        })?;
        written.finish(taken)
    }

    fn end(&mut self, context: &FunctionContext) -> Result<Processed> {
        let mut written = Written::new(&self.columns);
        self.isolate.with(|ctx| {
            let library = Library::of(&ctx)?;
            let (object, writer) = partition(&ctx)?;
            if let Some(finalize) = method(&object, "finalize")? {
                let nothing = Object::new(ctx.clone())?;
                finalize.call::<_, ()>((This(object), writer.clone(), nothing))?;
                written.take(&library, &writer, 0, context)?;
            }
            Ok(())
        })?;
        written.finish(0)
    }
}

/// The partition's object and what takes its rows.
fn partition<'js>(ctx: &Ctx<'js>) -> rquickjs::Result<(Object<'js>, Object<'js>)> {
    Ok((ctx.globals().get(OBJECT)?, ctx.globals().get(WRITER)?))
}

/// A method that an object need not have.
fn method<'js>(object: &Object<'js>, name: &str) -> rquickjs::Result<Option<Function<'js>>> {
    let found: Value<'js> = object.get(name)?;
    Ok(found.into_function())
}

/// The rows that were written so far.
struct Written<'t> {
    columns: &'t [(String, SqlType)],
    outputs: Vec<Output>,
    origins: Vec<u32>,
}

impl<'t> Written<'t> {
    fn new(columns: &'t [(String, SqlType)]) -> Written<'t> {
        let outputs = columns.iter().map(|(_, sql_type)| Output::new(*sql_type, 0)).collect();
        Written { columns, outputs, origins: Vec::new() }
    }

    /// Takes what was written while the function was called for a row.
    fn take<'js>(
        &mut self,
        library: &Library<'js>,
        writer: &Object<'js>,
        origin: usize,
        context: &FunctionContext,
    ) -> Result<(), Thrown> {
        let rows: JsArray<'js> = writer.get("rows")?;
        if rows.is_empty() {
            return Ok(());
        }
        writer.set("rows", JsArray::new(library.ctx.clone())?)?;
        for row in rows.iter::<Object<'js>>() {
            let row = row?;
            for ((name, _), output) in self.columns.iter().zip(&mut self.outputs) {
                output.push(library, row.get(name.as_str())?, context)?;
            }
            self.origins.push(u32::try_from(origin).unwrap_or(u32::MAX));
        }
        Ok(())
    }

    fn finish(self, taken: usize) -> Result<Processed> {
        let columns = self.outputs.into_iter().map(Output::finish).collect::<Result<_>>()?;
        Ok(Processed { taken, origins: self.origins, columns })
    }
}
