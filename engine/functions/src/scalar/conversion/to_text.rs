//! TO_CHAR.

use firn_column::{Array, Column};
use firn_types::number_format::{Digits, NumberPicture};
use firn_types::print_text::{
    write_binary, write_date, write_time, write_timestamp_ltz, write_timestamp_ntz,
    write_timestamp_tz,
};
use firn_types::text_format::{BinaryFormat, Picture};
use firn_types::value::TimestampTz;
use firn_types::{Decimal, Result, SqlType, TypeFamily};

use super::CATEGORY;
use super::shared::bind_cast;
use super::to_binary::binary_format;
use super::to_number::{compile, is_auto};
use crate::cast::CastMode;
use crate::driver::{Rows, Texts, blobs, floats, ints, null_propagating, texts};
use crate::signature::wrong_types;
use crate::{Argument, Arity, Documentation, Example, ScalarBinding, ScalarFunction, accept};

/// TO_CHAR(value [, format])
pub(crate) const TO_CHAR: ScalarFunction = ScalarFunction::new(
    "TO_CHAR",
    Arity::between(1, 2),
    bind,
    Documentation::of(
        CATEGORY,
        "The text of a value, as it is printed or by a format.",
        &[
            Example::of("TO_CHAR(12, '\">\"99\"<\"')", "> 12<"),
            Example::of("TO_CHAR(1234, '9d999EE')", "1.234E3"),
            Example::of("TO_CHAR('2024-01-02'::DATE, 'mon dd, yyyy')", "Jan 02, 2024"),
            Example::of("TO_CHAR(1.50)", "1.5"),
        ],
    ),
)
.with_aliases(&["TO_VARCHAR"]);

/// A compiled format of any kind.
#[derive(Clone)]
enum Format {
    Number(NumberPicture),
    Moment(Picture),
    Binary(BinaryFormat),
}

impl Format {
    fn compile(format: &str, value: SqlType) -> Result<Format> {
        Ok(match value.family() {
            TypeFamily::Number | TypeFamily::Float => Format::Number(compile(format)?),
            TypeFamily::Binary => Format::Binary(binary_format(format)?),
            _ => Format::Moment(Picture::compile(format)),
        })
    }
}

fn bind(arguments: &[Argument]) -> Result<ScalarBinding> {
    const NAME: &str = "TO_CHAR";
    let value = arguments[0].sql_type;
    if arguments.len() == 1 || value == SqlType::Null || is_auto(&arguments[1]) {
        return bind_cast(NAME, arguments, SqlType::TEXT, CastMode::Strict);
    }
    let has_formats = value.is_numeric()
        || value.is_timestamp()
        || matches!(value, SqlType::Date | SqlType::Time { .. } | SqlType::Binary { .. });
    if !has_formats {
        return Err(wrong_types(NAME, arguments));
    }
    let format = accept::text(NAME, arguments, 1)?;
    let constant = accept::constant_text(arguments, 1);
    let constant = constant.map(|text| Format::compile(text, value)).transpose()?;
    let kernel = null_propagating(move |rows, columns| {
        let formats = Formats { constant: constant.as_ref(), texts: texts(&columns[1])?, value };
        print(rows, columns, &formats)
    });
    ScalarBinding::new(vec![value, format], SqlType::TEXT, kernel)
}

/// The format of each row.
struct Formats<'a> {
    constant: Option<&'a Format>,
    texts: Texts<'a>,
    value: SqlType,
}

impl Formats<'_> {
    fn with<T>(&self, row: usize, f: impl FnOnce(&Format) -> Result<T>) -> Result<T> {
        match self.constant {
            Some(format) => f(format),
            None => f(&Format::compile(self.texts.get(row), self.value)?),
        }
    }
}

fn print(rows: &Rows<'_>, columns: &[Column], formats: &Formats<'_>) -> Result<Array> {
    let column = &columns[0];
    match formats.value {
        SqlType::Float => {
            let values = floats(column)?;
            rows.text(|row, out| {
                formats.with(row, |format| {
                    print_number(out, format, &Digits::of_float(values.get(row)));
                    Ok(true)
                })
            })
        }
        SqlType::Number { scale, .. } => {
            let values = ints(column)?;
            rows.text(|row, out| {
                let number = Decimal { unscaled: values.wide(row), scale };
                formats.with(row, |format| {
                    print_number(out, format, &Digits::of_decimal(number));
                    Ok(true)
                })
            })
        }
        SqlType::Binary { .. } => {
            let values = blobs(column)?;
            rows.text(|row, out| {
                formats.with(row, |format| match format {
                    Format::Binary(format) => {
                        write_binary(out, values.get(row), *format).map(|()| true)
                    }
                    _ => Ok(false),
                })
            })
        }
        sql_type => {
            let values = ints(column)?;
            let zone = rows.call.context.time_zone;
            rows.text(|row, out| {
                formats.with(row, |format| {
                    let Format::Moment(picture) = format else { return Ok(false) };
                    let raw = values.wide(row);
                    match sql_type.family() {
                        TypeFamily::Date => write_date(out, raw as i32, picture),
                        TypeFamily::Time => write_time(out, raw as i64, picture),
                        TypeFamily::TimestampLtz => write_timestamp_ltz(out, raw, zone, picture),
                        TypeFamily::TimestampTz => {
                            write_timestamp_tz(out, TimestampTz::unpacked(raw), picture);
                        }
                        _ => write_timestamp_ntz(out, raw, picture),
                    }
                    Ok(true)
                })
            })
        }
    }
}

fn print_number(out: &mut String, format: &Format, number: &Digits) {
    if let Format::Number(picture) = format {
        picture.print(out, number);
    }
}
