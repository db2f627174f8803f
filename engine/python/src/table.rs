//! Table functions: a class with `process` and, where it wants them, `__init__` and `end_partition`.

use std::ops::Range;
use std::sync::Arc;

use firn_column::Column;
use firn_functions::{
    ForeignFunction, ForeignProcessor, ForeignReturns, FunctionContext, Processed,
};
use firn_types::{Cancel, Error, Result, SqlType};

use crate::decode::take_column;
use crate::encode::put_column;
use crate::frame::{Frame, FrameReader, broken};
use crate::worker::Worker;

/// Rows that are sent at once.
const ROWS_MAX: usize = 4096;

/// A table function at work.
pub(crate) struct Table {
    worker: Worker,
    cancel: Cancel,
    function: Arc<ForeignFunction>,
    columns: Vec<(String, SqlType)>,
    /// Rows that the process has and has not done with.
    left: usize,
}

impl Table {
    /// A function's work in a process that has it.
    ///
    /// # Errors
    /// An internal error for a scalar function.
    pub(crate) fn new(
        worker: Worker,
        cancel: &Cancel,
        function: &Arc<ForeignFunction>,
    ) -> Result<Table> {
        let ForeignReturns::Table(columns) = &function.returns else {
            return Err(Error::internal("a scalar function as a table function"));
        };
        let (function, columns) = (Arc::clone(function), columns.clone());
        Ok(Table { worker, cancel: cancel.clone(), function, columns, left: 0 })
    }

    /// What the process makes of a frame: how many rows it has taken, and those that it gives.
    fn made(&mut self, frame: Frame, context: &FunctionContext) -> Result<Processed> {
        let answer = self.worker.ask(frame, &self.cancel)?;
        let mut reader = FrameReader::new(&answer[1..]);
        let (taken, rows) = (reader.number()?, reader.number()?);
        let origins = reader.fixed(rows)?.map(u32::from_ne_bytes).collect();
        let mut columns = Vec::with_capacity(self.columns.len());
        for (_, sql_type) in &self.columns {
            columns.push(take_column(&mut reader, rows, *sql_type, context)?);
        }
        Ok(Processed { taken, origins, columns })
    }

    /// Sends rows, of which the process keeps those that it does not take at once.
    fn send(
        &mut self,
        arguments: &[Column],
        rows: Range<usize>,
        context: &FunctionContext,
    ) -> Result<Frame> {
        self.left = rows.len().min(ROWS_MAX);
        let mut frame = Frame::new(b'P');
        let mut given: Vec<Column> =
            arguments.iter().map(|column| column.slice(rows.start, self.left)).collect();
        if self.function.strict {
            // A row with a NULL is taken, and gives nothing.
            let is_null = |row| given.iter().any(|column| column.is_null(row));
            let skipped: Vec<u8> = (0..self.left).map(|row| u8::from(is_null(row))).collect();
            frame.byte(1);
            frame.number(self.left)?;
            frame.bytes(&skipped);
        } else {
            frame.byte(0);
            frame.number(self.left)?;
        }
        for (column, (_, sql_type)) in given.drain(..).zip(&self.function.parameters) {
            put_column(&mut frame, &column, *sql_type, context)?;
        }
        Ok(frame)
    }
}

impl ForeignProcessor for Table {
    fn begin(&mut self, _: &FunctionContext) -> Result<()> {
        self.worker.ask(Frame::new(b'B'), &self.cancel).map(|_| ())
    }

    fn process(
        &mut self,
        arguments: &[Column],
        rows: Range<usize>,
        context: &FunctionContext,
    ) -> Result<Processed> {
        // The rows that were left are the first of those that are given again.
        let frame = match self.left {
            0 => self.send(arguments, rows.clone(), context)?,
            _ => Frame::new(b'M'),
        };
        let mut made = self.made(frame, context)?;
        self.left = self.left.checked_sub(made.taken).ok_or_else(broken)?;
        for origin in &mut made.origins {
            let row = rows.start + *origin as usize;
            *origin = u32::try_from(row).ok().filter(|_| row < rows.end).ok_or_else(broken)?;
        }
        Ok(made)
    }

    fn end(&mut self, context: &FunctionContext) -> Result<Processed> {
        self.made(Frame::new(b'D'), context)
    }
}
