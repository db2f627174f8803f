//! SPLIT_TO_TABLE and STRTOK_SPLIT_TO_TABLE: one row for each part of a text.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use arrow::array::{Int64Array, StringViewBuilder};
use firn_column::kernels::forms::without_dictionary;
use firn_column::{Array, Column};
use firn_types::{Field, Result, SqlType};

use super::{CATEGORY, TableBinding, TableFunction};
use crate::driver::texts;
use crate::scalar::semi_structured::text_to_array::{parts, tokens};
use crate::{Argument, Documentation, accept};

/// SPLIT_TO_TABLE(STRING, DELIMITER)
pub(super) const SPLIT_TO_TABLE: TableFunction = TableFunction {
    name: "SPLIT_TO_TABLE",
    documentation: Documentation::of(
        CATEGORY,
        "One row for each part of a text between separators; empty parts count.",
        &[],
    ),
    parameters: &["STRING", "DELIMITER"],
    bind: |arguments| {
        bind("SPLIT_TO_TABLE", arguments, |text, separator| {
            separator.map_or_else(Vec::new, |separator| parts(text, separator).collect())
        })
    },
};

/// STRTOK_SPLIT_TO_TABLE(STRING [, DELIMITERS])
pub(super) const STRTOK_SPLIT_TO_TABLE: TableFunction = TableFunction {
    name: "STRTOK_SPLIT_TO_TABLE",
    documentation: Documentation::of(
        CATEGORY,
        "One row for each part of a text between any of some characters; empty parts do not count.",
        &[],
    ),
    parameters: &["STRING", "DELIMITERS"],
    bind: |arguments| {
        bind("STRTOK_SPLIT_TO_TABLE", arguments, |text, delimiters| {
            tokens(text, delimiters.unwrap_or(" ")).collect()
        })
    },
};

/// The parts of a text; the second argument is none where it is absent or NULL.
type Cut = for<'a> fn(&'a str, Option<&'a str>) -> Vec<&'a str>;

fn bind(name: &str, arguments: &[Argument], cut: Cut) -> Result<TableBinding> {
    let types = (0..arguments.len()).map(|position| accept::text(name, arguments, position));
    // Rows of several batches must not share a number.
    let sequence = AtomicI64::new(1);
    Ok(TableBinding {
        arguments: types.collect::<Result<_>>()?,
        fields: vec![
            Field::new("SEQ", SqlType::INTEGER).required(),
            Field::new("INDEX", SqlType::INTEGER).required(),
            Field::new("VALUE", SqlType::TEXT).required(),
        ],
        kernel: Arc::new(move |call, columns| {
            let first = sequence.fetch_add(call.rows as i64, Ordering::Relaxed);
            split(first, call.rows, columns, cut)
        }),
    })
}

fn split(
    first: i64,
    count: usize,
    columns: &[Column],
    cut: Cut,
) -> Result<(Vec<u32>, Vec<Column>)> {
    let columns: Vec<Column> = columns.iter().map(without_dictionary).collect();
    let inputs = columns.iter().map(texts).collect::<Result<Vec<_>>>()?;
    let (mut rows, mut indices, mut values) = (Vec::new(), Vec::new(), StringViewBuilder::new());
    for row in 0..count {
        let argument = |position: usize| {
            inputs.get(position).filter(|texts| !texts.is_null(row)).map(|texts| texts.get(row))
        };
        let Some(text) = argument(0) else { continue };
        for (value, index) in cut(text, argument(1)).into_iter().zip(1_i64..) {
            rows.push(row as u32);
            indices.push(index);
            values.append_value(value);
        }
    }
    let sequence = rows.iter().map(|&row| first + i64::from(row));
    let columns = vec![
        Column::Flat(Array::I64(Int64Array::from_iter_values(sequence))),
        Column::Flat(Array::I64(Int64Array::from(indices))),
        Column::Flat(Array::Text(values.finish())),
    ];
    Ok((rows, columns))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Call, FunctionContext};
    use firn_types::Value;

    #[test]
    fn parts_are_numbered_from_one() -> Result<()> {
        let arguments = [Argument::of(SqlType::TEXT), Argument::of(SqlType::TEXT)];
        let context = FunctionContext::default();
        let call = Call {
            rows: 3,
            returns: SqlType::Null,
            arguments: &[SqlType::TEXT, SqlType::TEXT],
            context: &context,
        };
        let input = [Value::text("a..b"), Value::Null, Value::text("")];
        let input = Column::from_values(SqlType::TEXT, &input)?;
        let separator = Column::constant(&Value::text("."), SqlType::TEXT, 3)?;
        for (function, expected) in [
            (&SPLIT_TO_TABLE, vec!["0 1 1 a", "0 1 2 ", "0 1 3 b", "2 3 1 "]),
            (&STRTOK_SPLIT_TO_TABLE, vec!["0 1 1 a", "0 1 2 b"]),
        ] {
            let binding = (function.bind)(&arguments)?;
            let (rows, columns) = (binding.kernel)(&call, &[input.clone(), separator.clone()])?;
            let shown: Vec<String> = (0..rows.len())
                .map(|row| {
                    let (sequence, index) = (columns[0].flat(), columns[1].flat());
                    let Value::Text(value) = columns[2].value(row, SqlType::TEXT) else {
                        panic!("no text");
                    };
                    let (sequence, index) = (sequence.integer(row), index.integer(row));
                    format!("{} {sequence} {index} {value}", rows[row])
                })
                .collect();
            assert_eq!(shown, expected, "{}", function.name);
        }
        Ok(())
    }
}
