//! The rows that MATCH_RECOGNIZE gives out: one for each match that a row is in.

use std::sync::Arc;

use arrow::array::StringViewBuilder;
use firn_column::kernels::forms::without_dictionary;
use firn_column::{Array, Column};
use firn_types::{Error, Field, Result, SqlType};

use super::{CATEGORY, TableBinding, TableFunction};
use crate::accept;
use crate::driver::{Output, blobs};
use crate::matched_rows::Entry;
use crate::{Argument, Documentation};

/// $MATCHED_ROWS(entries, names of symbols)
pub(super) const MATCHED_ROWS: TableFunction = TableFunction {
    name: "$MATCHED_ROWS",
    documentation: Documentation::of(CATEGORY, "A row for each match that a row is in.", &[]),
    parameters: &["ENTRIES", "SYMBOLS"],
    bind,
};

fn bind(arguments: &[Argument]) -> Result<TableBinding> {
    let names = accept::constant_text(arguments, 1);
    let names = names.ok_or_else(|| Error::internal("symbols without names"))?;
    let names: Vec<String> = names.split('\0').map(str::to_string).collect();
    let fields = vec![
        Field::new("$n", SqlType::number(18, 0)),
        Field::new("$s", SqlType::number(18, 0)),
        Field::new("$c", SqlType::TEXT),
        Field::new("$x", SqlType::Boolean),
        Field::new("$l", SqlType::Boolean),
    ];
    let kernel = move |_: &crate::Call<'_>, columns: &[Column]| {
        let column = without_dictionary(&columns[0]);
        let given = blobs(&column)?;
        let (mut origins, mut entries) = (Vec::new(), Vec::new());
        for row in (0..columns[0].len()).filter(|row| !given.is_null(*row)) {
            let of_row = Entry::read_all(given.get(row));
            entries.extend(of_row);
            origins.resize(entries.len(), row as u32);
        }
        Ok((origins, columns_of(&entries, &names)))
    };
    let arguments = vec![SqlType::BINARY, SqlType::TEXT];
    Ok(TableBinding { arguments, fields, kernel: Arc::new(kernel) })
}

fn columns_of(entries: &[Entry], names: &[String]) -> Vec<Column> {
    let numbers = |of: fn(&Entry) -> u64| {
        Column::Flat(i64::array(entries.iter().map(|entry| of(entry) as i64).collect(), None))
    };
    let flags =
        |of: fn(&Entry) -> bool| Column::Flat(bool::array(entries.iter().map(of).collect(), None));
    let mut symbols = StringViewBuilder::with_capacity(entries.len());
    for entry in entries {
        symbols.append_option(names.get(usize::from(entry.symbol)));
    }
    vec![
        numbers(|entry| entry.number),
        numbers(|entry| entry.place),
        Column::Flat(Array::Text(symbols.finish())),
        flags(|entry| entry.excluded),
        flags(|entry| entry.last),
    ]
}
