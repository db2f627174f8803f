//! VARIANT, OBJECT and ARRAY: from and to JSON, paths, building and changing, tests of what is inside.
//!
//! A function here is a constant with its binding rule ([`bind`] with what each argument must be) and
//! a row function over [`Row`], which writes its answer into a builder, a text, or returns it.

mod array_build;
mod array_change;
mod array_read;
mod array_sets;
mod as_casts;
mod convert;
mod get_path;
mod higher_order;
mod json;
mod object;
mod parse_ip;
mod parse_url;
mod row;
pub(crate) mod text_to_array;
mod type_tests;
mod xml;

#[cfg(test)]
mod tests;

use firn_types::coerce::can_coerce;
use firn_types::{Error, ErrorCode, Result, SqlType, TypeFamily};

use super::super::accept;
use super::super::signature::wrong_types;
use super::{Kernel, ScalarBinding, ScalarFunction};
use crate::{Argument, Arity, Documentation, Example};

/// The functions of this folder, sorted by name.
pub(crate) const FUNCTIONS: &[&ScalarFunction] = &[
    &array_build::ARRAYS_ZIP,
    &array_build::ARRAY_APPEND,
    &array_build::ARRAY_CAT,
    &array_build::ARRAY_CONSTRUCT,
    &array_build::ARRAY_CONSTRUCT_COMPACT,
    &array_build::ARRAY_GENERATE_RANGE,
    &array_build::ARRAY_INSERT,
    &array_build::ARRAY_PREPEND,
    &array_build::ARRAY_REPEAT,
    &array_change::ARRAY_COMPACT,
    &array_change::ARRAY_FLATTEN,
    &array_change::ARRAY_REMOVE,
    &array_change::ARRAY_REMOVE_AT,
    &array_change::ARRAY_REVERSE,
    &array_change::ARRAY_SLICE,
    &array_change::ARRAY_SORT,
    &array_read::ARRAY_CONTAINS,
    &array_read::ARRAY_MAX,
    &array_read::ARRAY_MIN,
    &array_read::ARRAY_POSITION,
    &array_read::ARRAY_SIZE,
    &array_read::ARRAY_TO_STRING,
    &array_sets::ARRAYS_OVERLAP,
    &array_sets::ARRAY_DISTINCT,
    &array_sets::ARRAY_EXCEPT,
    &array_sets::ARRAY_INTERSECTION,
    &as_casts::AS_ARRAY,
    &as_casts::AS_BINARY,
    &as_casts::AS_BOOLEAN,
    &as_casts::AS_CHAR,
    &as_casts::AS_DATE,
    &as_casts::AS_DECIMAL,
    &as_casts::AS_DOUBLE,
    &as_casts::AS_INTEGER,
    &as_casts::AS_OBJECT,
    &as_casts::AS_TIME,
    &as_casts::AS_TIMESTAMP_LTZ,
    &as_casts::AS_TIMESTAMP_NTZ,
    &as_casts::AS_TIMESTAMP_TZ,
    &convert::TO_ARRAY,
    &convert::TO_OBJECT,
    &convert::TO_VARIANT,
    &get_path::GET,
    &get_path::GET_IGNORE_CASE,
    &get_path::GET_PATH,
    &get_path::JSON_EXTRACT_PATH_TEXT,
    &higher_order::FILTER,
    &higher_order::REDUCE,
    &higher_order::TRANSFORM,
    &json::CHECK_JSON,
    &json::PARSE_JSON,
    &json::STRIP_NULL_VALUE,
    &json::TO_JSON,
    &json::TRY_PARSE_JSON,
    &object::ARRAYS_TO_OBJECT,
    &object::OBJECT_CAT,
    &object::OBJECT_CONSTRUCT,
    &object::OBJECT_CONSTRUCT_KEEP_NULL,
    &object::OBJECT_DELETE,
    &object::OBJECT_INSERT,
    &object::OBJECT_KEYS,
    &object::OBJECT_PICK,
    &parse_ip::PARSE_IP,
    &parse_url::PARSE_URL,
    &text_to_array::SPLIT,
    &text_to_array::STRTOK_TO_ARRAY,
    &type_tests::IS_ARRAY,
    &type_tests::IS_BINARY,
    &type_tests::IS_BOOLEAN,
    &type_tests::IS_CHAR,
    &type_tests::IS_DATE,
    &type_tests::IS_DECIMAL,
    &type_tests::IS_DOUBLE,
    &type_tests::IS_INTEGER,
    &type_tests::IS_NULL_VALUE,
    &type_tests::IS_OBJECT,
    &type_tests::IS_TIME,
    &type_tests::IS_TIMESTAMP_LTZ,
    &type_tests::IS_TIMESTAMP_NTZ,
    &type_tests::IS_TIMESTAMP_TZ,
    &type_tests::TYPEOF,
    &xml::CHECK_XML,
    &xml::PARSE_XML,
    &xml::TO_XML,
    &xml::XMLGET,
];

/// What an argument must be, or be able to become without a cast.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Want {
    /// Anything; it becomes a VARIANT.
    Any,
    /// A VARIANT, or what becomes one by itself: not a text.
    Variant,
    /// VARIANT, OBJECT or ARRAY.
    SemiStructured,
    /// An ARRAY, or a VARIANT.
    Array,
    /// An OBJECT, or a VARIANT.
    Object,
    /// A text.
    Text,
    /// A whole number.
    Integer,
    /// A truth value.
    Boolean,
}

/// The binding of a call; arguments beyond `wants` are as its last one.
fn bind(
    name: &str,
    arguments: &[Argument],
    wants: &[Want],
    returns: SqlType,
    kernel: Kernel,
) -> Result<ScalarBinding> {
    let types = (0..arguments.len()).map(|position| {
        let want = wants.get(position).or(wants.last()).copied().unwrap_or(Want::Any);
        accepted(name, arguments, position, want)
    });
    ScalarBinding::new(types.collect::<Result<_>>()?, returns, kernel)
}

/// The type that the argument is cast to.
fn accepted(name: &str, arguments: &[Argument], position: usize, want: Want) -> Result<SqlType> {
    let given = arguments[position].sql_type;
    let family = given.family();
    let accepted = match want {
        Want::Any => Some(SqlType::Variant),
        Want::Variant => can_coerce(given, SqlType::Variant).then_some(SqlType::Variant),
        Want::SemiStructured if given.is_semi_structured() => Some(given),
        Want::SemiStructured => (family == TypeFamily::Null).then_some(SqlType::Variant),
        Want::Array => {
            let fits = matches!(family, TypeFamily::Array | TypeFamily::Variant | TypeFamily::Null);
            fits.then_some(SqlType::Array)
        }
        Want::Object => {
            let fits =
                matches!(family, TypeFamily::Object | TypeFamily::Variant | TypeFamily::Null);
            fits.then_some(SqlType::Object)
        }
        Want::Text => return accept::text(name, arguments, position),
        Want::Integer => return accept::integer(name, arguments, position),
        Want::Boolean => return accept::boolean(name, arguments, position),
    };
    accepted.ok_or_else(|| wrong_types(name, arguments))
}

/// A function of this folder, with its entry in the manual.
const fn define(
    name: &'static str,
    arity: Arity,
    bind: fn(&[Argument]) -> Result<ScalarBinding>,
    summary: &'static str,
    examples: &'static [Example],
) -> ScalarFunction {
    let documentation = Documentation { category: "Semi-structured", summary, examples };
    ScalarFunction::new(name, arity, bind, documentation)
}

/// A query and its answer.
const fn example(sql: &'static str, answer: &'static str) -> Example {
    Example { sql, answer }
}

/// The error for a key that an object would have twice.
fn duplicate_key(key: &str) -> Error {
    Error::new(ErrorCode::DuplicateKey, format!("Duplicate field key '{key}'"))
}
