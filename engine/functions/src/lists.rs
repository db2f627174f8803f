//! All functions: one line per folder.

use super::aggregate::AggregateFunction;
use super::registry::Function;
use super::scalar::ScalarFunction;
use super::table::TableFunction;
use super::window::WindowFunction;
use super::{aggregate, scalar, sketch, table, window};

/// The scalar functions, folder by folder.
const SCALAR: &[&[&ScalarFunction]] = &[
    scalar::bitwise::FUNCTIONS,
    scalar::conditional::FUNCTIONS,
    scalar::context::FUNCTIONS,
    scalar::conversion::FUNCTIONS,
    scalar::date_time::FUNCTIONS,
    scalar::hash::FUNCTIONS,
    scalar::number::FUNCTIONS,
    scalar::operator::FUNCTIONS,
    scalar::random::FUNCTIONS,
    scalar::semi_structured::FUNCTIONS,
    scalar::sequence::FUNCTIONS,
    sketch::FUNCTIONS,
    scalar::string::FUNCTIONS,
    scalar::system::FUNCTIONS,
    scalar::vector::FUNCTIONS,
];

/// The aggregate functions.
const AGGREGATE: &[&[&AggregateFunction]] = &[aggregate::FUNCTIONS];

/// The window functions.
const WINDOW: &[&[&WindowFunction]] = &[window::FUNCTIONS];

/// The table functions.
const TABLE: &[&[&TableFunction]] = &[table::FUNCTIONS];

/// Every built-in function.
pub(crate) fn all() -> impl Iterator<Item = Function> {
    let scalar = SCALAR.iter().copied().flatten().map(|f| Function::Scalar(f));
    let aggregate = AGGREGATE.iter().copied().flatten().map(|f| Function::Aggregate(f));
    let window = WINDOW.iter().copied().flatten().map(|f| Function::Window(f));
    let table = TABLE.iter().copied().flatten().map(|f| Function::Table(f));
    scalar.chain(aggregate).chain(window).chain(table)
}
