//! Procedures, whose code runs statements through the object `snowflake`.
//!
//! What that object is to code stands in `snowflake.js`; what it needs of the session is here.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;

use firn_column::Batch;
use firn_functions::cast::{CastMode, cast_value};
use firn_functions::{ForeignRows, ForeignSession, FunctionContext};
use firn_types::{Cancel, Result, SqlType, Value as SqlValue};
use parking_lot::Mutex;
use rquickjs::function::Args;
use rquickjs::{Array as JsArray, Ctx, Function, Object, Value};

use crate::convert::{Input, Library, sql_value};
use crate::failure::Thrown;
use crate::isolate::Isolate;

/// The text that makes the object `snowflake`.
const SNOWFLAKE: &str = include_str!("snowflake.js");
/// Results that are kept for code that has not read them to their end.
const RESULTS_MAX: usize = 1000;
/// What code may log as.
const LEVELS: &[&str] = &["off", "trace", "debug", "info", "warn", "error", "fatal"];

/// A procedure's code.
#[derive(Clone, Debug)]
pub struct Procedure<'p> {
    /// The name that it is called by.
    pub name: &'p str,
    /// Its body.
    pub body: &'p str,
    /// The names of its parameters, with the arguments and their types.
    pub arguments: Vec<(&'p str, SqlValue, SqlType)>,
    /// The type of its value.
    pub returns: SqlType,
}

/// Runs a procedure in an isolate of its own and gives what it returns, as its type.
///
/// # Errors
/// `JavaScriptCompilation`, `JavaScriptExecution`; `ProcedureExecution` for a statement's error that the code does
/// not handle; that of a cast; `Canceled`, `StatementTimeout`.
pub fn run_procedure(
    procedure: &Procedure<'_>,
    session: Arc<dyn ForeignSession>,
    cancel: &Cancel,
) -> Result<SqlValue> {
    let names: Vec<&str> = procedure.arguments.iter().map(|(name, ..)| *name).collect();
    let isolate = Isolate::of_body(procedure.name, procedure.body, &names, cancel)?;
    let functions = session.functions();
    let bridge = Arc::new(Bridge {
        session,
        functions: Arc::clone(&functions),
        body: procedure.body.to_string(),
        results: Mutex::default(),
    });
    let mut inputs = Vec::with_capacity(procedure.arguments.len());
    for (_, value, sql_type) in &procedure.arguments {
        let column = firn_column::Column::constant(value, *sql_type, 1)?;
        inputs.push(Input::of(&column, *sql_type, &functions)?);
    }
    isolate.with(|ctx| {
        bridge.install(&ctx)?;
        let library = Library::of(&ctx)?;
        let compiled: Function<'_> = Isolate::compiled_code(&ctx)?.get()?;
        let mut given = Args::new(ctx.clone(), inputs.len());
        for input in &inputs {
            given.push_arg(input.value(&library, 0)?)?;
        }
        let value: Value<'_> = compiled.call_arg(given)?;
        sql_value(&library, value, procedure.returns, &functions)
    })
}

/// What stands between the object `snowflake` and the session.
struct Bridge {
    session: Arc<dyn ForeignSession>,
    functions: Arc<FunctionContext>,
    body: String,
    results: Mutex<Results>,
}

/// The results that code may still read, the oldest first, by number.
#[derive(Default)]
struct Results {
    open: VecDeque<(u32, Reader)>,
    next: u32,
}

/// A result, and where its reader is.
struct Reader {
    rows: Box<dyn ForeignRows>,
    batch: Option<Batch>,
    inputs: Arc<Vec<Input>>,
    next_batch: usize,
    row: usize,
}

impl fmt::Debug for Bridge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Bridge")
    }
}

impl Bridge {
    /// Gives the context the object `snowflake`.
    fn install<'js>(self: &Arc<Bridge>, ctx: &Ctx<'js>) -> rquickjs::Result<()> {
        let session = Object::new(ctx.clone())?;
        let this = Arc::clone(self);
        let run =
            move |ctx: Ctx<'js>, sql: String, values: JsArray<'js>| this.run(&ctx, &sql, &values);
        session.set("run", Function::new(ctx.clone(), run)?)?;
        let this = Arc::clone(self);
        let next = move |ctx: Ctx<'js>, result: u32| {
            thrown(&ctx, this.with(result, |reader| reader.step(&this.functions)))
        };
        session.set("next", Function::new(ctx.clone(), next)?)?;
        let this = Arc::clone(self);
        let value =
            move |ctx: Ctx<'js>, result: u32, column: usize| this.value(&ctx, result, column);
        session.set("value", Function::new(ctx.clone(), value)?)?;
        let this = Arc::clone(self);
        let text = move |ctx: Ctx<'js>, result: u32, column: usize| {
            thrown(&ctx, this.with(result, |reader| reader.text(column)))
        };
        session.set("text", Function::new(ctx.clone(), text)?)?;
        let this = Arc::clone(self);
        let moment = move |ctx: Ctx<'js>, result: u32, column: usize| {
            thrown(&ctx, this.with(result, |reader| reader.moment(column, &this.functions)))
        };
        session.set("moment", Function::new(ctx.clone(), moment)?)?;
        let this = Arc::clone(self);
        let place = move |line: usize, method: String| this.place(line, &method);
        session.set("place", Function::new(ctx.clone(), place)?)?;
        session.set("log", Function::new(ctx.clone(), log)?)?;
        let make: Function<'js> = ctx.eval(SNOWFLAKE)?;
        make.call((session,))
    }

    /// Line and position of a call's method. The engine tells a line on which the call's arguments stand.
    fn place(&self, line: usize, method: &str) -> Vec<usize> {
        let lines: Vec<&str> = self.body.lines().take(line).collect();
        let found = lines.iter().enumerate().rev();
        let found = found.filter_map(|(index, text)| Some((index + 1, text.find(method)?)));
        found.take(1).flat_map(|(line, position)| [line, position]).collect()
    }

    /// Runs a statement; what it failed with is told, and thrown by who knows where.
    fn run<'js>(
        &self,
        ctx: &Ctx<'js>,
        sql: &str,
        values: &JsArray<'js>,
    ) -> rquickjs::Result<Object<'js>> {
        let library = Library::of(ctx)?;
        let mut binds = Vec::with_capacity(values.len());
        for value in values.iter::<Value<'js>>() {
            binds.push(thrown(ctx, library.bind(&value?))?);
        }
        let made = Object::new(ctx.clone())?;
        let rows = match self.session.run(sql, binds) {
            Ok(rows) => rows,
            Err(failed) => {
                made.set("failed", true)?;
                made.set("code", failed.number)?;
                made.set("state", failed.state)?;
                made.set("message", failed.message)?;
                return Ok(made);
            }
        };
        tell(&made, rows.as_ref())?;
        let mut results = self.results.lock();
        let number = results.next;
        results.next = number.wrapping_add(1);
        if results.open.len() == RESULTS_MAX {
            results.open.pop_front();
        }
        let reader = Reader { rows, batch: None, inputs: Arc::default(), next_batch: 0, row: 0 };
        results.open.push_back((number, reader));
        made.set("result", number)?;
        Ok(made)
    }

    fn value<'js>(
        &self,
        ctx: &Ctx<'js>,
        result: u32,
        column: usize,
    ) -> rquickjs::Result<Value<'js>> {
        // Code may be called by conversions, and ask for other values.
        let read = self.with(result, |reader| Ok((Arc::clone(&reader.inputs), reader.row)));
        let (inputs, row) = thrown(ctx, read)?;
        match inputs.get(column) {
            Some(input) if !input.is_null(row) => input.value(&Library::of(ctx)?, row),
            _ => Ok(Value::new_null(ctx.clone())),
        }
    }

    /// Does something with a result.
    fn with<T>(
        &self,
        result: u32,
        work: impl FnOnce(&mut Reader) -> Result<T, Thrown>,
    ) -> Result<T, Thrown> {
        let mut results = self.results.lock();
        let found = results.open.iter_mut().find(|(number, _)| *number == result);
        let Some((_, reader)) = found else {
            let text = format!("the ResultSet is closed: {RESULTS_MAX} others were opened since");
            return Err(firn_types::Error::not_supported(text).into());
        };
        work(reader)
    }
}

impl Reader {
    /// Goes to the next row; FALSE when there is none.
    fn step(&mut self, functions: &FunctionContext) -> Result<bool, Thrown> {
        if self.batch.as_ref().is_some_and(|batch| self.row + 1 < batch.rows()) {
            self.row += 1;
            return Ok(true);
        }
        loop {
            let Some(batch) = self.rows.batch(self.next_batch)? else {
                (self.batch, self.inputs) = (None, Arc::default());
                return Ok(false);
            };
            self.next_batch += 1;
            if batch.rows() == 0 {
                continue;
            }
            let columns = batch.columns().iter().zip(self.rows.fields());
            let inputs =
                columns.map(|(column, field)| Input::of(column, field.sql_type, functions));
            self.inputs = Arc::new(inputs.collect::<Result<_>>()?);
            (self.batch, self.row) = (Some(batch), 0);
            return Ok(true);
        }
    }

    fn text(&self, column: usize) -> Result<Option<String>, Thrown> {
        match &self.batch {
            Some(batch) => Ok(self.rows.text(batch, self.row, column)?),
            None => Ok(None),
        }
    }

    /// What a timestamp has beyond a Date: its nanoseconds within the millisecond, the digits of its type's fraction,
    /// and the minutes that its zone is before or after UTC.
    fn moment(&self, column: usize, functions: &FunctionContext) -> Result<Vec<i64>, Thrown> {
        let (Some(batch), Some(field)) = (&self.batch, self.rows.fields().get(column)) else {
            return Ok(vec![0, 0, 0]);
        };
        let sql_type = field.sql_type;
        let mut value = batch.column(column).value(self.row, sql_type);
        if let SqlType::TimestampLtz { scale } = sql_type {
            let zoned = SqlType::TimestampTz { scale };
            value = cast_value(&value, sql_type, zoned, CastMode::Strict, functions)?;
        }
        let (nanos, minutes) = match value {
            SqlValue::Timestamp(nanos) => (nanos, 0),
            SqlValue::TimestampTz(moment) => (moment.utc_nanos, moment.offset_minutes),
            _ => (0, 0),
        };
        let nanos = i64::try_from(nanos.rem_euclid(1_000_000)).unwrap_or(0);
        Ok(vec![nanos, i64::from(sql_type.scale()), i64::from(minutes)])
    }
}

/// Tells what a statement has done.
fn tell<'js>(made: &Object<'js>, rows: &dyn ForeignRows) -> rquickjs::Result<()> {
    let ctx = made.ctx();
    let columns = JsArray::new(ctx.clone())?;
    for (index, field) in rows.fields().iter().enumerate() {
        let column = Object::new(ctx.clone())?;
        column.set("name", field.name.as_str())?;
        column.set("type", field.sql_type.client_name())?;
        column.set("scale", field.sql_type.scale())?;
        column.set("nullable", field.nullable)?;
        columns.set(index, column)?;
    }
    made.set("columns", columns)?;
    made.set("id", rows.query_id())?;
    made.set("rows", rows.rows() as f64)?;
    let counted = |words: &[&str]| -> f64 {
        let is = |name: &str| words.iter().any(|word| name.contains(word));
        rows.counts().iter().filter(|(name, _)| is(name)).map(|(_, count)| *count as f64).sum()
    };
    made.set("inserted", counted(&["inserted"]))?;
    made.set("updated", counted(&["rows updated"]))?;
    made.set("deleted", counted(&["deleted"]))?;
    made.set("duplicates", counted(&["multi-joined"]))?;
    made.set("affected", counted(&["inserted", "rows updated", "deleted"]))
}

/// What `snowflake.log` takes; there is no table of events to put it in.
fn log(ctx: Ctx<'_>, level: String, _message: String) -> rquickjs::Result<()> {
    match LEVELS.contains(&level.to_lowercase().as_str()) {
        true => Ok(()),
        false => {
            let text = format!("Unknown log level: {level}");
            Err(rquickjs::Exception::throw_message(&ctx, &text))
        }
    }
}

/// The outcome of what code has called, as it is thrown there.
fn thrown<T>(ctx: &Ctx<'_>, outcome: Result<T, Thrown>) -> rquickjs::Result<T> {
    outcome.map_err(|thrown| match thrown {
        Thrown::Code(error) => error,
        Thrown::Sql(error) => rquickjs::Exception::throw_message(ctx, error.detail()),
        Thrown::Uncompiled => rquickjs::Error::Exception,
    })
}
