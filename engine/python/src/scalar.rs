//! Calls of a function for every row of a batch.

use arrow::array::{BooleanArray, UInt32Array};
use firn_column::Column;
use firn_functions::{Call, ForeignFunction};
use firn_types::{Cancel, Result};

use crate::decode::take_column;
use crate::encode::put_column;
use crate::frame::{Frame, FrameReader};
use crate::worker::Worker;

/// The values of the function that is in the process.
///
/// # Errors
/// As [`crate::Python::call`].
pub(crate) fn call(
    worker: &mut Worker,
    cancel: &Cancel,
    (function, call): (&ForeignFunction, &Call<'_>),
    arguments: &[Column],
) -> Result<Column> {
    if !function.strict || arguments.iter().all(|column| column.null_count() == 0) {
        return call_rows(worker, cancel, (function, call), arguments, call.rows);
    }
    let called: BooleanArray = (0..call.rows)
        .map(|row| Some(!arguments.iter().any(|column| column.is_null(row))))
        .collect();
    let rows = called.true_count();
    if rows == 0 {
        return Ok(Column::nulls_of(call.returns, call.rows));
    }
    let given: Vec<Column> = arguments.iter().map(|column| column.filter(&called)).collect();
    let values = call_rows(worker, cancel, (function, call), &given, rows)?;
    let mut next = 0..;
    let places = called.values().iter().map(|called| if called { next.next() } else { None });
    Ok(values.take(&places.collect::<UInt32Array>()))
}

fn call_rows(
    worker: &mut Worker,
    cancel: &Cancel,
    (function, call): (&ForeignFunction, &Call<'_>),
    arguments: &[Column],
    rows: usize,
) -> Result<Column> {
    let mut frame = Frame::new(b'S');
    frame.number(rows)?;
    for (column, (_, sql_type)) in arguments.iter().zip(&function.parameters) {
        put_column(&mut frame, column, *sql_type, call.context)?;
    }
    let answer = worker.ask(frame, cancel)?;
    let mut reader = FrameReader::new(&answer[1..]);
    take_column(&mut reader, rows, call.returns, call.context)
}
