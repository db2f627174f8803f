//! CONCAT and CONCAT_WS.

use firn_types::{Result, SqlType, TypeFamily};

use super::CATEGORY;
use crate::driver::{Blobs, Texts, blobs, null_propagating, texts};
use crate::signature::wrong_types;
use crate::{
    Argument, Arity, Documentation, Example, Kernel, ScalarBinding, ScalarFunction, accept,
};

/// CONCAT(value, ...)
pub(crate) const CONCAT: ScalarFunction = ScalarFunction::new(
    "CONCAT",
    Arity::at_least(1),
    |arguments| bind("CONCAT", arguments, false),
    Documentation::of(
        CATEGORY,
        "The values one after another; NULL when one of them is NULL.",
        &[
            Example::of("CONCAT('George Washington ', 'Carver')", "George Washington Carver"),
            Example::of("CONCAT('a', NULL)", "NULL"),
        ],
    ),
);

/// CONCAT_WS(separator, value, ...)
pub(crate) const CONCAT_WS: ScalarFunction = ScalarFunction::new(
    "CONCAT_WS",
    Arity::at_least(2),
    |arguments| bind("CONCAT_WS", arguments, true),
    Documentation::of(
        CATEGORY,
        "The values one after another with a separator between; NULL when one of them is NULL.",
        &[Example::of("CONCAT_WS(',', 'one', 'two', 'three')", "one,two,three")],
    ),
);

/// The binding of `left || right` and of CONCAT under another name.
pub(crate) fn bind_concat(name: &str, arguments: &[Argument]) -> Result<ScalarBinding> {
    bind(name, arguments, false)
}

fn bind(name: &str, arguments: &[Argument], separated: bool) -> Result<ScalarBinding> {
    let mut types = Vec::new();
    for position in 0..arguments.len() {
        types.push(accept::text_or_binary(name, arguments, position)?);
    }
    let is_binary = |t: &SqlType| t.family() == TypeFamily::Binary;
    if !types.iter().any(is_binary) {
        let returns = returns_text(&types, separated);
        return ScalarBinding::new(types, returns, text_kernel(separated));
    }
    for (argument, sql_type) in arguments.iter().zip(&mut types) {
        if argument.sql_type == SqlType::Null {
            *sql_type = SqlType::BINARY;
        } else if !is_binary(sql_type) {
            return Err(wrong_types(name, arguments));
        }
    }
    ScalarBinding::new(types, SqlType::BINARY, bytes_kernel(separated))
}

fn returns_text(types: &[SqlType], separated: bool) -> SqlType {
    let length = |t: &SqlType| match t {
        SqlType::Varchar { length, .. } => u64::from(*length),
        _ => 0,
    };
    if !separated {
        return accept::varchar(types.iter().map(length).sum());
    }
    let between = length(&types[0]) * (types.len() as u64 - 2);
    accept::varchar(types[1..].iter().map(length).sum::<u64>() + between)
}

fn text_kernel(separated: bool) -> Kernel {
    null_propagating(move |rows, columns| {
        let parts: Vec<Texts<'_>> = columns.iter().map(texts).collect::<Result<_>>()?;
        rows.text(|at, out| {
            let (separator, parts) =
                if separated { (parts[0].get(at), &parts[1..]) } else { ("", &parts[..]) };
            for (index, part) in parts.iter().enumerate() {
                if index > 0 {
                    out.push_str(separator);
                }
                out.push_str(part.get(at));
            }
            Ok(true)
        })
    })
}

fn bytes_kernel(separated: bool) -> Kernel {
    null_propagating(move |rows, columns| {
        let parts: Vec<Blobs<'_>> = columns.iter().map(blobs).collect::<Result<_>>()?;
        rows.bytes(|at, out| {
            let (separator, parts) =
                if separated { (parts[0].get(at), &parts[1..]) } else { (&[][..], &parts[..]) };
            for (index, part) in parts.iter().enumerate() {
                if index > 0 {
                    out.extend_from_slice(separator);
                }
                out.extend_from_slice(part.get(at));
            }
            Ok(true)
        })
    })
}
