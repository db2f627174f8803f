//! Aggregate functions: a class with `accumulate`, `finish` and, for the parts that Snowflake computes apart,
//! `aggregate_state` and `merge`.
//!
//! The rows of a group come as one array, which ARRAY_AGG has gathered: so they are merged, kept within memory and
//! counted once by what does that for all aggregates. A process gets the rows of all groups of a batch at once.

use arrow::array::{Array as _, BinaryViewBuilder};
use firn_column::{Array, Column};
use firn_functions::cast::{CastMode, cast_column};
use firn_functions::{Call, ForeignFunction};
use firn_types::variant::{Variant, join};
use firn_types::{Cancel, Error, Result, SqlType};

use crate::decode::take_column;
use crate::encode::put_column;
use crate::frame::{Frame, FrameReader};
use crate::worker::Worker;

/// The values of the function that is in the process, of groups whose rows are in an array each.
///
/// # Errors
/// As [`crate::Python::call`].
pub(crate) fn call(
    worker: &mut Worker,
    cancel: &Cancel,
    (function, call): (&ForeignFunction, &Call<'_>),
    arguments: &[Column],
) -> Result<Column> {
    let Some(Array::Bytes(groups)) = arguments.first().map(Column::flat) else {
        return Err(Error::internal("an aggregate without the rows of its groups"));
    };
    let mut counts = Vec::with_capacity(call.rows);
    let mut columns: Vec<BinaryViewBuilder> =
        function.parameters.iter().map(|_| BinaryViewBuilder::new()).collect();
    let mut encoded = Vec::new();
    for group in 0..call.rows {
        let rows = groups.is_valid(group).then(|| Variant::new(groups.value(group)));
        let rows = rows.and_then(Variant::as_array);
        counts.push(rows.map_or(0, |rows| rows.len()));
        for row in rows.into_iter().flat_map(|rows| rows.iter()) {
            let row = row.as_array();
            for (index, column) in columns.iter_mut().enumerate() {
                let value = row.as_ref().and_then(|row| row.get(index));
                match value.filter(|value| !value.is_undefined()) {
                    Some(value) => {
                        encoded.clear();
                        join(value.metadata(), value.bytes(), &mut encoded);
                        column.append_value(&encoded);
                    }
                    None => column.append_null(),
                }
            }
        }
    }
    let mut frame = Frame::new(b'S');
    frame.number(counts.len())?;
    for count in &counts {
        frame.number(*count)?;
    }
    for (mut column, (_, sql_type)) in columns.into_iter().zip(&function.parameters) {
        let column = Column::Flat(Array::Bytes(column.finish()));
        let from = SqlType::Variant;
        let column = match *sql_type == from {
            true => column,
            false => cast_column(&column, from, *sql_type, CastMode::Strict, call.context)?,
        };
        put_column(&mut frame, &column, *sql_type, call.context)?;
    }
    let answer = worker.ask(frame, cancel)?;
    let mut reader = FrameReader::new(&answer[1..]);
    take_column(&mut reader, call.rows, call.returns, call.context)
}
