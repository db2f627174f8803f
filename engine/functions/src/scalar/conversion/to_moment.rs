//! TO_DATE, TO_TIME, TO_TIMESTAMP and their TRY_ forms.

use firn_column::Array;
use firn_types::text_format::InputFormat;
use firn_types::{Error, Result, SqlType, TypeFamily};

use super::CATEGORY;
use super::shared::{bind_cast, bind_format, check_mode, constant_number};
use crate::cast::{
    CastMode, Failures, parse_dates, parse_times, parse_timestamps, timestamps_from_epoch,
};
use crate::driver::null_propagating;
use crate::signature::wrong_types;
use crate::{
    Argument, Arity, Documentation, Example, FunctionContext, ScalarBinding, ScalarFunction,
};

macro_rules! moment_functions {
    ($($name:ident, $text:literal, $aliases:expr, $to:expr, $mode:ident, $summary:literal,
        [$(($sql:literal, $answer:literal)),*];)*) => {$(
        #[doc = $summary]
        pub(crate) const $name: ScalarFunction = ScalarFunction::new(
            $text,
            Arity::between(1, 2),
            |arguments| bind($text, arguments, $to, CastMode::$mode),
            Documentation::of(CATEGORY, $summary, &[$(Example::of($sql, $answer)),*]),
        )
        .with_aliases($aliases);
    )*};
}

moment_functions! {
    TO_DATE, "TO_DATE", &["DATE"], SqlType::Date, Strict,
        "The date of a text, by its looks or by a format, or of a timestamp.",
        [("TO_DATE('3/4/2024', 'dd/mm/yyyy')", "2024-04-03"), ("TO_DATE('31536000')", "1971-01-01")];
    TRY_TO_DATE, "TRY_TO_DATE", &[], SqlType::Date, Try,
        "The date of a text, or NULL where it is none.",
        [("TRY_TO_DATE('2024-02-30')", "NULL")];
    TO_TIME, "TO_TIME", &["TIME"], SqlType::TIME, Strict,
        "The time of a text, by its looks or by a format, or of a timestamp.",
        [("TO_TIME('13:30')", "13:30:00"), ("TO_TIME('11.15.00', 'HH24.MI.SS')", "11:15:00")];
    TRY_TO_TIME, "TRY_TO_TIME", &[], SqlType::TIME, Try,
        "The time of a text, or NULL where it is none.",
        [("TRY_TO_TIME('25:00')", "NULL")];
    TO_TIMESTAMP, "TO_TIMESTAMP", &["TO_TIMESTAMP_NTZ"], SqlType::TIMESTAMP_NTZ, Strict,
        "The TIMESTAMP_NTZ of a text, a date, or a number of seconds or of 10^-scale seconds.",
        [
            ("TO_TIMESTAMP('2024-01-02 03:04:05')", "2024-01-02 03:04:05.000"),
            ("TO_TIMESTAMP(31536000)", "1971-01-01 00:00:00.000"),
            ("TO_TIMESTAMP(31536000123, 3)", "1971-01-01 00:00:00.123"),
            ("TO_TIMESTAMP('02.01.2024 04:00 PM', 'DD.MM.YYYY HH12:MI PM')",
                "2024-01-02 16:00:00.000")
        ];
    TRY_TO_TIMESTAMP, "TRY_TO_TIMESTAMP", &["TRY_TO_TIMESTAMP_NTZ"], SqlType::TIMESTAMP_NTZ, Try,
        "The TIMESTAMP_NTZ of a text, or NULL where it is none.",
        [("TRY_TO_TIMESTAMP('Jul 31, 2009')", "NULL")];
    TO_TIMESTAMP_LTZ, "TO_TIMESTAMP_LTZ", &[], SqlType::TIMESTAMP_LTZ, Strict,
        "The TIMESTAMP_LTZ of a text, a date, or a number of seconds or of 10^-scale seconds.",
        [("TO_TIMESTAMP_LTZ('2024-01-02 03:04:05')::TIMESTAMP_NTZ", "2024-01-02 03:04:05.000")];
    TRY_TO_TIMESTAMP_LTZ, "TRY_TO_TIMESTAMP_LTZ", &[], SqlType::TIMESTAMP_LTZ, Try,
        "The TIMESTAMP_LTZ of a text, or NULL where it is none.",
        [("TRY_TO_TIMESTAMP_LTZ('x')", "NULL")];
    TO_TIMESTAMP_TZ, "TO_TIMESTAMP_TZ", &[], SqlType::TIMESTAMP_TZ, Strict,
        "The TIMESTAMP_TZ of a text, a date, or a number of seconds or of 10^-scale seconds.",
        [("TO_TIMESTAMP_TZ('2024-01-02 03:04:05 +01:00')", "2024-01-02 03:04:05.000 +0100")];
    TRY_TO_TIMESTAMP_TZ, "TRY_TO_TIMESTAMP_TZ", &[], SqlType::TIMESTAMP_TZ, Try,
        "The TIMESTAMP_TZ of a text, or NULL where it is none.",
        [("TRY_TO_TIMESTAMP_TZ('x')", "NULL")];
}

fn bind(
    name: &'static str,
    arguments: &[Argument],
    to: SqlType,
    mode: CastMode,
) -> Result<ScalarBinding> {
    if arguments.len() == 1 {
        return bind_cast(name, arguments, to, mode);
    }
    check_mode(name, arguments, mode, to)?;
    match arguments[0].sql_type {
        SqlType::Varchar { .. } | SqlType::Null => {
            bind_format(name, arguments, to, mode, |format| Ok(InputFormat::compile(format)), parse)
        }
        from @ SqlType::Number { .. } if to.is_timestamp() => bind_epoch(name, arguments, from, to),
        _ => Err(wrong_types(name, arguments)),
    }
}

fn parse(
    array: &Array,
    format: &InputFormat,
    to: SqlType,
    failures: &mut Failures,
    context: &FunctionContext,
) -> Result<Array> {
    // AUTO stands for the session's format only where none is written.
    match to.family() {
        TypeFamily::Date => parse_dates(array, format, failures, context),
        TypeFamily::Time => parse_times(array, format, to.scale(), failures, context),
        _ => parse_timestamps(array, format, to, failures, context),
    }
}

/// A number in the unit of 10^-digits seconds.
fn bind_epoch(
    name: &'static str,
    arguments: &[Argument],
    from: SqlType,
    to: SqlType,
) -> Result<ScalarBinding> {
    let digits = constant_number(name, arguments, 1, 0, 9)?;
    let scale = from.scale();
    let power = digits.checked_add(scale).ok_or_else(|| Error::internal("scale of an epoch"))?;
    let kernel = null_propagating(move |rows, columns| {
        let array = columns[0].flat();
        timestamps_from_epoch(&array, scale, power, to, &mut Failures::fatal(), rows.call.context)
    });
    ScalarBinding::new(vec![from, arguments[1].sql_type], to, kernel)
}
