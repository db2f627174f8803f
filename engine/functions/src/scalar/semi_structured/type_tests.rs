//! What type a value inside a VARIANT has.

use firn_types::variant::{Item, is_element};
use firn_types::{Decimal, SqlType};

use super::row::{answers, writes};
use super::{Want, bind, define, example};
use crate::Arity;
use crate::NullRule;
use crate::scalar::ScalarFunction;

pub(super) const TYPEOF: ScalarFunction = define(
    "TYPEOF",
    Arity::exactly(1),
    |a| {
        let kernel = writes(NullRule::Propagate, |row, out| {
            let Some(value) = row.variant(0) else { return Ok(false) };
            let item = value.item();
            let is_xml = matches!(&item, Item::Object(fields) if is_element(fields));
            out.push_str(if is_xml { "XML" } else { item.type_name() });
            Ok(true)
        });
        bind("TYPEOF", a, &[Want::Variant], SqlType::TEXT, kernel)
    },
    "The name of the type of the value inside a VARIANT.",
    &[
        example("TYPEOF(PARSE_JSON('1.5'))", "DECIMAL"),
        example("TYPEOF(PARSE_JSON('1.912e2'))", "DOUBLE"),
        example("TYPEOF(PARSE_JSON('null'))", "NULL_VALUE"),
    ],
);

/// A test of the item inside a VARIANT.
macro_rules! type_test {
    ($constant:ident, $aliases:expr, $summary:literal, $pattern:pat, [$($example:expr),*]) => {
        pub(super) const $constant: ScalarFunction = define(
            stringify!($constant),
            Arity::exactly(1),
            |a| {
                let kernel = answers(NullRule::Propagate, |row| {
                    Ok(row.variant(0).map(|value| matches!(value.item(), $pattern)))
                });
                bind(stringify!($constant), a, &[Want::Variant], SqlType::Boolean, kernel)
            },
            $summary,
            &[$($example),*],
        )
        .with_aliases($aliases);
    };
}

type_test!(
    IS_ARRAY,
    &[],
    "Whether the value is an array.",
    Item::Array(_),
    [
        example("IS_ARRAY(PARSE_JSON('[1]'))", "True"),
        example("IS_ARRAY(PARSE_JSON('{}'))", "False")
    ]
);
type_test!(
    IS_OBJECT,
    &[],
    "Whether the value is an object.",
    Item::Object(_),
    [example("IS_OBJECT(PARSE_JSON('{}'))", "True")]
);
type_test!(IS_BINARY, &[], "Whether the value is binary.", Item::Binary(_), []);
type_test!(
    IS_BOOLEAN,
    &[],
    "Whether the value is a boolean.",
    Item::Boolean(_),
    [example("IS_BOOLEAN(PARSE_JSON('true'))", "True")]
);
type_test!(
    IS_CHAR,
    &["IS_VARCHAR"],
    "Whether the value is a text.",
    Item::Text(_),
    [example("IS_CHAR(PARSE_JSON('\"x\"'))", "True")]
);
type_test!(IS_DATE, &["IS_DATE_VALUE"], "Whether the value is a date.", Item::Date(_), []);
type_test!(IS_TIME, &[], "Whether the value is a time.", Item::Time(_), []);
type_test!(
    IS_TIMESTAMP_LTZ,
    &[],
    "Whether the value is a TIMESTAMP_LTZ.",
    Item::TimestampLtz(_),
    []
);
type_test!(
    IS_TIMESTAMP_NTZ,
    &[],
    "Whether the value is a TIMESTAMP_NTZ.",
    Item::TimestampNtz(_),
    []
);
type_test!(IS_TIMESTAMP_TZ, &[], "Whether the value is a TIMESTAMP_TZ.", Item::TimestampTz(_), []);
type_test!(
    IS_DECIMAL,
    &[],
    "Whether the value is an exact number.",
    Item::Number(_),
    [
        example("IS_DECIMAL(PARSE_JSON('1.5'))", "True"),
        example("IS_DECIMAL(PARSE_JSON('1e2'))", "False")
    ]
);
type_test!(
    IS_DOUBLE,
    &["IS_REAL"],
    "Whether the value is a number of any kind.",
    Item::Number(_) | Item::Float(_),
    [example("IS_DOUBLE(PARSE_JSON('1'))", "True")]
);
type_test!(
    IS_INTEGER,
    &[],
    "Whether the value is an exact whole number.",
    Item::Number(Decimal { scale: 0, .. }),
    [
        example("IS_INTEGER(PARSE_JSON('-17'))", "True"),
        example("IS_INTEGER(PARSE_JSON('1.912e2'))", "False")
    ]
);
type_test!(
    IS_NULL_VALUE,
    &[],
    "Whether the value is JSON's null.",
    Item::Null,
    [
        example("IS_NULL_VALUE(PARSE_JSON('null'))", "True"),
        example("IS_NULL_VALUE(PARSE_JSON('{\"a\": 1}'):b)", "NULL")
    ]
);
