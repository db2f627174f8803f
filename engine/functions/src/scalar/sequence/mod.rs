//! Values of sequences and AUTOINCREMENT columns.

use arrow::array::{Decimal128Array, Int64Array};
use firn_column::{Array, Column};
use firn_types::{Error, ErrorCode, ObjectId, Result, SqlType};

use super::{Call, Kernel, ScalarBinding, ScalarFunction};
use crate::{Argument, Arity, Documentation, Volatility};

/// The functions of this folder, sorted by name.
pub(crate) const FUNCTIONS: &[&ScalarFunction] = &[&NEXTVAL];

/// `$NEXTVAL`(id): what `sequence.NEXTVAL` is bound to.
const NEXTVAL: ScalarFunction = ScalarFunction::new(
    "$NEXTVAL",
    Arity::exactly(1),
    bind,
    Documentation::of(
        "Data generation",
        "The next value of the sequence with this id, another one for every row.",
        &[],
    ),
)
.with_volatility(Volatility::Volatile);

fn bind(_: &[Argument]) -> Result<ScalarBinding> {
    ScalarBinding::new(vec![SqlType::INTEGER], SqlType::INTEGER, Kernel::aware(next_values))
}

fn next_values(call: &Call<'_>, arguments: &[Column]) -> Result<Column> {
    if call.rows == 0 {
        return Ok(Column::nulls_of(SqlType::INTEGER, 0));
    }
    let id = arguments.first().map(|column| column.flat().integer(0));
    let id = id.and_then(|id| u64::try_from(id).ok());
    let id = id.ok_or_else(|| Error::internal("a sequence without an id"))?;
    let (first, step) = call.context.host.sequence_values(ObjectId(id), call.rows as u64)?;
    let last = step.checked_mul(call.rows as i128).and_then(|far| first.checked_add(far));
    if last.is_none() {
        let text = "a sequence has no more values";
        return Err(Error::new(ErrorCode::NumberOutOfRange, text));
    }
    let values = (0..call.rows as i128).map(|row| first + step * row);
    let fits = |value: i128| i64::try_from(value).is_ok();
    let array = match fits(first) && last.is_some_and(fits) {
        true => Array::I64(Int64Array::from_iter_values(values.map(|value| value as i64))),
        false => Array::I128(Decimal128Array::from_iter_values(values)),
    };
    Ok(Column::Flat(array))
}
