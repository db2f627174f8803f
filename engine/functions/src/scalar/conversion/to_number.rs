//! TO_NUMBER, TO_DOUBLE and their TRY_ forms.

use arrow::array::Float64Array;
use firn_column::Array;
use firn_types::decimal::rescale_to;
use firn_types::limits::{NUMBER_PRECISION_MAX, NUMBER_SCALE_MAX};
use firn_types::number_format::NumberPicture;
use firn_types::parse_text::out_of_range_error;
use firn_types::{Decimal, Error, ErrorCode, Result, SqlType, Value};

use super::CATEGORY;
use super::shared::{bind_cast, bind_format, check_mode, constant_number};
use crate::cast::{CastMode, Failures, number_to_float};
use crate::signature::wrong_types;
use crate::{
    Argument, Arity, Documentation, Example, FunctionContext, ScalarBinding, ScalarFunction,
};

/// TO_NUMBER(value [, format] [, precision [, scale]])
pub(crate) const TO_NUMBER: ScalarFunction = ScalarFunction::new(
    "TO_NUMBER",
    Arity::between(1, 4),
    |arguments| bind_number("TO_NUMBER", arguments, CastMode::Strict),
    Documentation::of(
        CATEGORY,
        "The NUMBER of a text, perhaps by a format, or of another number; NUMBER(38,0) by default.",
        &[
            Example::of("TO_NUMBER('12.3456')", "12"),
            Example::of("TO_NUMBER('98.76546', 10, 2)", "98.77"),
            Example::of("TO_NUMBER('12,345.67', '999,999.99', 8, 2)", "12345.67"),
            Example::of("TO_NUMBER('ae5', 'XXX')", "2789"),
        ],
    ),
)
.with_aliases(&["TO_DECIMAL", "TO_NUMERIC"]);

/// TRY_TO_NUMBER(text [, format] [, precision [, scale]])
pub(crate) const TRY_TO_NUMBER: ScalarFunction = ScalarFunction::new(
    "TRY_TO_NUMBER",
    Arity::between(1, 4),
    |arguments| bind_number("TRY_TO_NUMBER", arguments, CastMode::Try),
    Documentation::of(
        CATEGORY,
        "The NUMBER of a text, or NULL where it is none.",
        &[Example::of("TRY_TO_NUMBER('1,000')", "NULL")],
    ),
)
.with_aliases(&["TRY_TO_DECIMAL", "TRY_TO_NUMERIC"]);

/// TO_DOUBLE(value [, format])
pub(crate) const TO_DOUBLE: ScalarFunction = ScalarFunction::new(
    "TO_DOUBLE",
    Arity::between(1, 2),
    |arguments| bind_double("TO_DOUBLE", arguments, CastMode::Strict),
    Documentation::of(
        CATEGORY,
        "The FLOAT of a text, perhaps by a format, or of a number.",
        &[
            Example::of("TO_DOUBLE('1.50')", "1.5"),
            Example::of("TO_DOUBLE('12.5%', '99.9%')", "0.125"),
        ],
    ),
);

/// TRY_TO_DOUBLE(text [, format])
pub(crate) const TRY_TO_DOUBLE: ScalarFunction = ScalarFunction::new(
    "TRY_TO_DOUBLE",
    Arity::between(1, 2),
    |arguments| bind_double("TRY_TO_DOUBLE", arguments, CastMode::Try),
    Documentation::of(
        CATEGORY,
        "The FLOAT of a text, or NULL where it is none.",
        &[Example::of("TRY_TO_DOUBLE('x')", "NULL")],
    ),
);

fn bind_number(
    name: &'static str,
    arguments: &[Argument],
    mode: CastMode,
) -> Result<ScalarBinding> {
    let with_format = match arguments.get(1) {
        Some(second) => matches!(second.sql_type, SqlType::Varchar { .. }),
        None => false,
    };
    let at = if with_format { 2 } else { 1 };
    let mut precision = NUMBER_PRECISION_MAX;
    let mut scale = 0;
    if arguments.len() > at {
        precision = constant_number(name, arguments, at, 1, NUMBER_PRECISION_MAX)?;
    }
    if arguments.len() > at + 1 {
        scale = constant_number(name, arguments, at + 1, 0, NUMBER_SCALE_MAX.min(precision))?;
    }
    if arguments.len() > at + 2 {
        return Err(wrong_types(name, arguments));
    }
    let to = SqlType::number(precision, scale);
    check_mode(name, arguments, mode, to)?;
    if with_format && !is_auto(&arguments[1]) {
        return bind_format(name, arguments, to, mode, compile, parse_numbers);
    }
    bind_cast(name, arguments, to, mode)
}

fn bind_double(
    name: &'static str,
    arguments: &[Argument],
    mode: CastMode,
) -> Result<ScalarBinding> {
    check_mode(name, arguments, mode, SqlType::Float)?;
    match arguments.get(1) {
        Some(format) if !is_auto(format) => {
            bind_format(name, arguments, SqlType::Float, mode, compile, parse_doubles)
        }
        _ => bind_cast(name, arguments, SqlType::Float, mode),
    }
}

/// Whether the format is the constant AUTO.
pub(super) fn is_auto(format: &Argument) -> bool {
    matches!(&format.constant, Some(Value::Text(text)) if text.eq_ignore_ascii_case("AUTO"))
}

/// Compiles a numeric format.
///
/// # Errors
/// When it has a character that is no element.
pub(super) fn compile(format: &str) -> Result<NumberPicture> {
    NumberPicture::compile(format).ok_or_else(|| {
        Error::new(ErrorCode::InvalidParameterType, format!("invalid number format '{format}'"))
    })
}

fn mismatch(text: &str, picture: &NumberPicture) -> Error {
    Error::new(
        ErrorCode::NumberFormatMismatch,
        format!("Can't parse '{text}' as number with format '{}'", picture.text()),
    )
}

/// The numbers of texts by a picture; `None` where a text is NULL or failed.
fn parse_each(
    array: &Array,
    picture: &NumberPicture,
    failures: &mut Failures,
    check: impl Fn(Decimal) -> bool,
) -> Result<Vec<Option<Decimal>>> {
    let Array::Text(texts) = array else { return Err(Error::internal("a format of no text")) };
    let mut numbers = Vec::with_capacity(array.len());
    for (row, text) in texts.iter().enumerate() {
        let number = text.and_then(|text| picture.parse(text));
        if let (Some(text), None) = (text, number) {
            failures.add(row, || mismatch(text, picture))?;
        }
        let fits = number.filter(|&number| check(number));
        if let (Some(text), Some(_), None) = (text, number, fits) {
            failures.add(row, || out_of_range_error(text))?;
        }
        numbers.push(fits);
    }
    Ok(numbers)
}

fn parse_numbers(
    array: &Array,
    picture: &NumberPicture,
    to: SqlType,
    failures: &mut Failures,
    _: &FunctionContext,
) -> Result<Array> {
    let SqlType::Number { precision, scale } = to else {
        return Err(Error::internal("a number format for another type"));
    };
    let unscaled = |number| rescale_to(number, precision, scale);
    let numbers = parse_each(array, picture, failures, |number| unscaled(number).is_some())?;
    let values = numbers.into_iter().map(|number| number.and_then(unscaled)).collect();
    Ok(firn_column::column::integers(values))
}

fn parse_doubles(
    array: &Array,
    picture: &NumberPicture,
    _: SqlType,
    failures: &mut Failures,
    _: &FunctionContext,
) -> Result<Array> {
    let numbers = parse_each(array, picture, failures, |_| true)?;
    let float = |number: Decimal| number_to_float(number.unscaled, number.scale);
    Ok(Array::F64(numbers.into_iter().map(|n| n.map(float)).collect::<Float64Array>()))
}
