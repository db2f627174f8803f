//! What the TO_ and TRY_TO_ functions share: plain casts, formats, refusals.

use arrow::array::UInt32Array;
use firn_column::{Array, Column};
use firn_types::{Error, ErrorCode, Result, SqlType};

use crate::cast::{CastMode, Failures, cast_column, check_cast};
use crate::driver::{Rows, null_propagating, texts};
use crate::{Argument, FunctionContext, Kernel, ScalarBinding, accept};

/// A function of one argument that is a cast to `to`.
pub(super) fn bind_cast(
    name: &str,
    arguments: &[Argument],
    to: SqlType,
    mode: CastMode,
) -> Result<ScalarBinding> {
    let from = arguments[0].sql_type;
    check_mode(name, arguments, mode, to)?;
    check_cast(from, to)?;
    let kernel = Kernel::propagating(move |call, columns| {
        let column = columns.first().ok_or_else(|| Error::internal("a cast of nothing"))?;
        cast_column(column, from, to, mode, call.context)
    });
    let types = arguments.iter().map(|argument| argument.sql_type).collect();
    ScalarBinding::new(types, to, kernel)
}

/// Refuses TRY_ functions of anything but a text.
///
/// # Errors
/// `InvalidTryCast`.
pub(super) fn check_mode(
    name: &str,
    arguments: &[Argument],
    mode: CastMode,
    to: SqlType,
) -> Result<()> {
    let from = arguments[0].sql_type;
    if mode == CastMode::Strict || matches!(from, SqlType::Varchar { .. } | SqlType::Null) {
        return Ok(());
    }
    Err(Error::new(
        ErrorCode::InvalidTryCast,
        format!("Function {name} cannot be used with arguments of types {from} and {to}"),
    ))
}

/// The failures' treatment in a mode.
pub(super) fn failures(mode: CastMode) -> Failures {
    match mode {
        CastMode::Strict => Failures::fatal(),
        CastMode::Try => Failures::forgotten(),
    }
}

/// What reads an array of texts by a compiled format.
pub(super) type Parse<F> =
    fn(&Array, &F, SqlType, &mut Failures, &FunctionContext) -> Result<Array>;

/// Binds a function of a text and a format, which is compiled once where it is constant.
pub(super) fn bind_format<F: Clone + Send + Sync + 'static>(
    name: &str,
    arguments: &[Argument],
    to: SqlType,
    mode: CastMode,
    compile: fn(&str) -> Result<F>,
    parse: Parse<F>,
) -> Result<ScalarBinding> {
    let format = accept::text(name, arguments, 1)?;
    let constant = accept::constant_text(arguments, 1).map(compile).transpose()?;
    let kernel = null_propagating(move |rows, columns| {
        if let Some(format) = &constant {
            let array = columns[0].flat();
            return parse(&array, format, to, &mut failures(mode), rows.call.context);
        }
        parse_by_row(rows, columns, |array, format| {
            parse(array, &compile(format)?, to, &mut failures(mode), rows.call.context)
        })
    });
    let mut types = vec![accept::text(name, arguments, 0)?, format];
    types.extend(arguments[2..].iter().map(|argument| argument.sql_type));
    ScalarBinding::new(types, to, kernel)
}

/// Reads each text by the format of its own row: rare, hence not quick.
fn parse_by_row(
    rows: &Rows<'_>,
    columns: &[Column],
    parse: impl Fn(&Array, &str) -> Result<Array>,
) -> Result<Array> {
    let formats = texts(&columns[1])?;
    let mut parts = Vec::with_capacity(rows.count);
    for row in 0..rows.count {
        let value =
            columns[0].take(&UInt32Array::from(vec![(!rows.is_null(row)).then_some(row as u32)]));
        let format = if rows.is_null(row) { "" } else { formats.get(row) };
        parts.push(Column::Flat(parse(&value.flat(), format)?));
    }
    Ok(Column::concat(&parts.iter().collect::<Vec<_>>())?.flat())
}

/// The constant whole number at `position`, within bounds.
///
/// # Errors
/// `InvalidParameterType` for any other argument.
pub(super) fn constant_number(
    name: &str,
    arguments: &[Argument],
    position: usize,
    least: u8,
    most: u8,
) -> Result<u8> {
    let number = accept::constant_integer(arguments, position).and_then(|n| u8::try_from(n).ok());
    number.filter(|number| (least..=most).contains(number)).ok_or_else(|| {
        Error::new(
            ErrorCode::InvalidParameterType,
            format!(
                "argument {} to function {name} needs to be a constant from {least} to {most}",
                position + 1
            ),
        )
    })
}
