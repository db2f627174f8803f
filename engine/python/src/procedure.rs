//! Procedures: their code runs statements through a session, for which the process asks while it answers.

use std::collections::VecDeque;

use firn_column::{Batch, Column};
use firn_functions::cast::{CastMode, cast_column};
use firn_functions::{
    ForeignFunction, ForeignReturns, ForeignRows, ForeignSession, FunctionContext, StatementFailed,
};
use firn_types::{Cancel, Error, Result, SqlType, Value};

use crate::decode::{take_column, take_value};
use crate::encode::put_column;
use crate::frame::{Frame, FrameReader, broken};
use crate::worker::Worker;

/// Results that are kept for code that has not read them to their end.
const RESULTS_MAX: usize = 1000;
/// Values that a statement may have for its `?`.
const VALUES_MAX: usize = 100_000;

/// What a procedure gives.
#[derive(Clone, Debug)]
pub enum Given {
    /// A value of its type.
    Value(Value),
    /// The rows of a query, with values for its `?`.
    Query(String, Vec<(Value, SqlType)>),
}

/// Calls the procedure that is in the process.
///
/// # Errors
/// As [`crate::Python::call_procedure`].
pub(crate) fn call(
    worker: &mut Worker,
    cancel: &Cancel,
    function: &ForeignFunction,
    arguments: &[(Value, SqlType)],
    session: &dyn ForeignSession,
) -> Result<Given> {
    let functions = session.functions();
    let mut frame = Frame::new(b'C');
    for (value, sql_type) in arguments {
        let column = Column::constant(value, *sql_type, 1)?;
        put_column(&mut frame, &column, *sql_type, &functions)?;
    }
    let mut results = Results::default();
    let mut answer = worker.exchange(frame, cancel)?;
    loop {
        let mut reader = FrameReader::new(&answer);
        if reader.byte()? == b'Q' {
            let reply = results.reply(&mut reader, session, &functions)?;
            answer = worker.exchange(reply, cancel)?;
            continue;
        }
        return match (reader.byte()?, &function.returns) {
            (b'V', ForeignReturns::Value(returns)) => {
                let column = take_column(&mut reader, 1, *returns, &functions)?;
                Ok(Given::Value(column.value(0, *returns)))
            }
            (b'T', ForeignReturns::Table(_)) => {
                let (sql, values) = take_statement(&mut reader)?;
                Ok(Given::Query(sql, values))
            }
            _ => Err(broken()),
        };
    }
}

/// A statement's text, and the values for its `?`.
fn take_statement(reader: &mut FrameReader<'_>) -> Result<(String, Vec<(Value, SqlType)>)> {
    let sql = reader.text()?.to_string();
    let count = reader.number()?;
    if count > VALUES_MAX {
        let text = format!("a statement with more than {VALUES_MAX} values for its question marks");
        return Err(Error::not_supported(text));
    }
    let values = (0..count).map(|_| take_value(reader)).collect::<Result<_>>()?;
    Ok((sql, values))
}

/// The results that code may still read, the oldest first, by number.
#[derive(Default)]
struct Results {
    open: VecDeque<(usize, Box<dyn ForeignRows>)>,
    next: usize,
}

impl Results {
    /// The answer to what the process asks for.
    fn reply(
        &mut self,
        reader: &mut FrameReader<'_>,
        session: &dyn ForeignSession,
        functions: &FunctionContext,
    ) -> Result<Frame> {
        match reader.byte()? {
            b'r' => {
                let (sql, values) = take_statement(reader)?;
                match session.run(&sql, values) {
                    Ok(rows) => self.opened(rows),
                    Err(failed) => told(&failed),
                }
            }
            b'b' => {
                let (result, batch) = (reader.number()?, reader.number()?);
                match self.open.iter().find(|(number, _)| *number == result) {
                    Some((_, rows)) => put_batch(rows.as_ref(), batch, functions),
                    None => told(&closed()),
                }
            }
            _ => Err(broken()),
        }
    }

    fn opened(&mut self, rows: Box<dyn ForeignRows>) -> Result<Frame> {
        let mut frame = Frame::new(b'A');
        frame.number(self.next)?;
        frame.text(rows.query_id())?;
        frame.number(rows.fields().len())?;
        for field in rows.fields() {
            frame.text(&field.name)?;
        }
        if self.open.len() == RESULTS_MAX {
            self.open.pop_front();
        }
        self.open.push_back((self.next, rows));
        self.next += 1;
        Ok(frame)
    }
}

fn closed() -> StatementFailed {
    let text = format!("The result is closed: {RESULTS_MAX} others were opened since");
    let error = Error::not_supported(text);
    StatementFailed {
        number: error.code().number(),
        state: error.code().sqlstate().to_string(),
        message: error.detail().to_string(),
        query_id: String::new(),
    }
}

/// What a statement failed with, for code to handle.
fn told(failed: &StatementFailed) -> Result<Frame> {
    let mut frame = Frame::new(b'X');
    frame.text(&failed.number.to_string())?;
    frame.text(&failed.state)?;
    frame.text(&failed.query_id)?;
    frame.text(&failed.message)?;
    Ok(frame)
}

/// The rows of a batch, after whether there is one.
fn put_batch(rows: &dyn ForeignRows, index: usize, functions: &FunctionContext) -> Result<Frame> {
    let mut frame = Frame::new(b'A');
    let Some(batch) = rows.batch(index)? else {
        frame.byte(0);
        return Ok(frame);
    };
    frame.byte(1);
    frame.number(batch.rows())?;
    for (index, field) in rows.fields().iter().enumerate() {
        let (column, sql_type) = shown(rows, &batch, index, field.sql_type, functions)?;
        put_column(&mut frame, &column, sql_type, functions)?;
    }
    Ok(frame)
}

/// A column as Snowflake's clients have it: a semi-structured value is its text, and an instant has an offset.
fn shown(
    rows: &dyn ForeignRows,
    batch: &Batch,
    index: usize,
    sql_type: SqlType,
    functions: &FunctionContext,
) -> Result<(Column, SqlType)> {
    let column = batch.column(index);
    match sql_type {
        SqlType::Variant | SqlType::Object | SqlType::Array | SqlType::Structured(_) => {
            let text = |row| {
                let text = rows.text(batch, row, index)?;
                Ok(text.map_or(Value::Null, Value::text))
            };
            let texts = (0..batch.rows()).map(text).collect::<Result<Vec<_>>>()?;
            Ok((Column::from_values(SqlType::TEXT, &texts)?, SqlType::TEXT))
        }
        SqlType::TimestampLtz { .. } => {
            let to = SqlType::TIMESTAMP_TZ;
            Ok((cast_column(column, sql_type, to, CastMode::Strict, functions)?, to))
        }
        _ => Ok((column.clone(), sql_type)),
    }
}
