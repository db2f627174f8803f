//! What code says for a table of events: SYSTEM$LOG and its like. There is no such table, so that it is taken and
//! not kept.

use firn_column::Column;
use firn_types::{Result, SqlType};

use super::CATEGORY;
use crate::scalar::{Kernel, ScalarBinding, ScalarFunction};
use crate::{Argument, Arity, Documentation, Volatility};

macro_rules! taken {
    ($constant:ident, $name:literal, $arity:expr, $summary:literal) => {
        /// A function that takes what it is told.
        pub(super) const $constant: ScalarFunction =
            ScalarFunction::new($name, $arity, bind, Documentation::of(CATEGORY, $summary, &[]))
                .with_volatility(Volatility::Volatile);
    };
}

taken!(ADD_EVENT, "SYSTEM$ADD_EVENT", Arity::between(1, 2), "Takes an event.");
taken!(LOG, "SYSTEM$LOG", Arity::exactly(2), "Takes a message with its level.");
taken!(LOG_DEBUG, "SYSTEM$LOG_DEBUG", Arity::exactly(1), "Takes a message.");
taken!(LOG_ERROR, "SYSTEM$LOG_ERROR", Arity::exactly(1), "Takes a message.");
taken!(LOG_FATAL, "SYSTEM$LOG_FATAL", Arity::exactly(1), "Takes a message.");
taken!(LOG_INFO, "SYSTEM$LOG_INFO", Arity::exactly(1), "Takes a message.");
taken!(LOG_TRACE, "SYSTEM$LOG_TRACE", Arity::exactly(1), "Takes a message.");
taken!(LOG_WARN, "SYSTEM$LOG_WARN", Arity::exactly(1), "Takes a message.");
taken!(
    SET_SPAN_ATTRIBUTES,
    "SYSTEM$SET_SPAN_ATTRIBUTES",
    Arity::exactly(1),
    "Takes attributes of a span."
);

fn bind(arguments: &[Argument]) -> Result<ScalarBinding> {
    let types = arguments.iter().map(|argument| argument.sql_type).collect();
    let kernel = Kernel::aware(|call, _| Ok(Column::nulls_of(SqlType::TEXT, call.rows)));
    ScalarBinding::new(types, SqlType::TEXT, kernel)
}
