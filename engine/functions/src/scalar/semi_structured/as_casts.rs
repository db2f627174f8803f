//! The value inside a VARIANT if it has a certain type, without any conversion; NULL if it has not.

use firn_types::decimal::rescale_to;
use firn_types::value::TimestampTz;
use firn_types::variant::{Item, Variant, to_double};
use firn_types::{Decimal, Result, SqlType};

use super::row::{Row, answers, finds, writes};
use super::{Want, bind, define, example};
use crate::driver::{self, blobs};
use crate::scalar::{ScalarBinding, ScalarFunction};
use crate::{Argument, Arity, NullRule, accept};

/// A function that returns what `$pattern` binds.
macro_rules! as_cast {
    ($constant:ident, $aliases:expr, $returns:expr, $what:literal, $pattern:pat => $answer:expr,
     [$($example:expr),*]) => {
        pub(super) const $constant: ScalarFunction = define(
            stringify!($constant),
            Arity::exactly(1),
            |a| {
                let kernel = answers(NullRule::Propagate, |row| {
                    Ok(match row.variant(0).map(Variant::item) {
                        Some($pattern) => Some($answer),
                        _ => None,
                    })
                });
                bind(stringify!($constant), a, &[Want::Variant], $returns, kernel)
            },
            concat!("The value if it is ", $what, ", without conversion; NULL if it is not."),
            &[$($example),*],
        )
        .with_aliases($aliases);
    };
}

as_cast!(AS_BOOLEAN, &[], SqlType::Boolean, "a boolean", Item::Boolean(value) => value, [
    example("AS_BOOLEAN(PARSE_JSON('true'))", "True"),
    example("AS_BOOLEAN(PARSE_JSON('1'))", "NULL")
]);
as_cast!(AS_DATE, &[], SqlType::Date, "a date", Item::Date(days) => days, []);
as_cast!(AS_TIME, &[], SqlType::TIME, "a time", Item::Time(nanos) => nanos, []);
as_cast!(
    AS_INTEGER, &[], SqlType::INTEGER, "an exact whole number",
    Item::Number(Decimal { unscaled, scale: 0 }) => unscaled,
    [example("AS_INTEGER(PARSE_JSON('42'))", "42"), example("AS_INTEGER(PARSE_JSON('4.2'))", "NULL")]
);
as_cast!(
    AS_TIMESTAMP_NTZ, &[], SqlType::TIMESTAMP_NTZ, "a TIMESTAMP_NTZ",
    Item::TimestampNtz(nanos) => nanos, []
);
as_cast!(
    AS_TIMESTAMP_LTZ, &[], SqlType::TIMESTAMP_LTZ, "a TIMESTAMP_LTZ",
    Item::TimestampLtz(nanos) => nanos, []
);
as_cast!(
    AS_TIMESTAMP_TZ, &[], SqlType::TIMESTAMP_TZ, "a TIMESTAMP_TZ",
    Item::TimestampTz(value) => TimestampTz::packed(value), []
);

pub(super) const AS_DOUBLE: ScalarFunction = define(
    "AS_DOUBLE",
    Arity::exactly(1),
    |a| {
        let kernel = answers(NullRule::Propagate, |row| {
            Ok(match row.variant(0).map(Variant::item) {
                Some(Item::Float(value)) => Some(value),
                Some(Item::Number(value)) => Some(to_double(value)),
                _ => None,
            })
        });
        bind("AS_DOUBLE", a, &[Want::Variant], SqlType::Float, kernel)
    },
    "The value as FLOAT if it is a number of any kind; NULL if it is not.",
    &[example("AS_DOUBLE(PARSE_JSON('1.5e0'))", "1.5")],
)
.with_aliases(&["AS_REAL"]);

pub(super) const AS_DECIMAL: ScalarFunction = define(
    "AS_DECIMAL",
    Arity::between(1, 3),
    bind_decimal,
    "The value if it is an exact number, at a precision and scale, 38 and 0 by default; else NULL.",
    &[example("AS_DECIMAL(PARSE_JSON('1.25'), 4, 1)", "1.3")],
)
.with_aliases(&["AS_NUMBER"]);

pub(super) const AS_CHAR: ScalarFunction = define(
    "AS_CHAR",
    Arity::exactly(1),
    |a| {
        let kernel =
            writes(NullRule::Propagate, |row, out| match row.variant(0).map(Variant::item) {
                Some(Item::Text(text)) => {
                    out.push_str(text);
                    Ok(true)
                }
                _ => Ok(false),
            });
        bind("AS_CHAR", a, &[Want::Variant], SqlType::TEXT, kernel)
    },
    "The value if it is a text, without conversion; NULL if it is not.",
    &[example("AS_CHAR(PARSE_JSON('\"x\"'))", "x"), example("AS_CHAR(PARSE_JSON('1'))", "NULL")],
)
.with_aliases(&["AS_VARCHAR"]);

pub(super) const AS_BINARY: ScalarFunction = define(
    "AS_BINARY",
    Arity::exactly(1),
    |a| {
        let kernel = driver::null_propagating(|rows, columns| {
            let values = blobs(&columns[0])?;
            rows.bytes(|row, out| match Variant::new(values.get(row)).item() {
                Item::Binary(bytes) => {
                    out.extend_from_slice(bytes);
                    Ok(true)
                }
                _ => Ok(false),
            })
        });
        bind("AS_BINARY", a, &[Want::Variant], SqlType::BINARY, kernel)
    },
    "The value if it is binary, without conversion; NULL if it is not.",
    &[],
);

pub(super) const AS_ARRAY: ScalarFunction = define(
    "AS_ARRAY",
    Arity::exactly(1),
    |a| {
        let kernel = finds(NullRule::Propagate, |row| {
            Ok(inside(row, |item| matches!(item, Item::Array(_))))
        });
        bind("AS_ARRAY", a, &[Want::Variant], SqlType::Array, kernel)
    },
    "The value if it is an array; NULL if it is not.",
    &[example("AS_ARRAY(PARSE_JSON('{}'))", "NULL")],
);

pub(super) const AS_OBJECT: ScalarFunction = define(
    "AS_OBJECT",
    Arity::exactly(1),
    |a| {
        let kernel = finds(NullRule::Propagate, |row| {
            Ok(inside(row, |item| matches!(item, Item::Object(_))))
        });
        bind("AS_OBJECT", a, &[Want::Variant], SqlType::Object, kernel)
    },
    "The value if it is an object; NULL if it is not.",
    &[example("AS_OBJECT(PARSE_JSON('{}'))", "{}")],
);

fn inside<'a>(row: &Row<'a>, wanted: fn(&Item<'a>) -> bool) -> Option<Variant<'a>> {
    row.variant(0).filter(|value| wanted(&value.item()))
}

fn bind_decimal(arguments: &[Argument]) -> Result<ScalarBinding> {
    let constant = |position, otherwise: i64| {
        let given = accept::constant_integer(arguments, position).unwrap_or(otherwise);
        u8::try_from(given.clamp(0, 38)).unwrap_or(38)
    };
    let (precision, scale) = (constant(1, 38).max(1), constant(2, 0).min(37));
    let kernel = driver::null_propagating(move |rows, columns| {
        let values = blobs(&columns[0])?;
        rows.map(|row| {
            Ok(match Variant::new(values.get(row)).item() {
                Item::Number(number) => rescale_to(number, precision, scale),
                _ => None,
            })
        })
    });
    let returns = SqlType::number(precision, scale);
    bind("AS_DECIMAL", arguments, &[Want::Variant, Want::Integer], returns, kernel)
}
