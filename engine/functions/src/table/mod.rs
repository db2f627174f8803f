//! Table functions: one row in, many rows out, without the catalog.

mod flatten;
mod generator;
mod matched_rows;
mod split_to_table;

use std::fmt;
use std::sync::Arc;

use arrow::array::UInt32Array;
use firn_column::Column;
use firn_types::{Field, Result, SqlType};

use super::{Argument, Call, Documentation};

/// The functions of this folder, sorted by name.
pub(crate) const FUNCTIONS: &[&TableFunction] = &[
    &flatten::FLATTEN,
    &generator::GENERATOR,
    &matched_rows::MATCHED_ROWS,
    &split_to_table::SPLIT_TO_TABLE,
    &split_to_table::STRTOK_SPLIT_TO_TABLE,
];

/// The chapter of this folder's functions.
const CATEGORY: &str = "Table";

/// One table function.
#[derive(Debug)]
pub struct TableFunction {
    /// Upper-case name.
    pub name: &'static str,
    /// For SHOW FUNCTIONS and the manual.
    pub documentation: Documentation,
    /// The parameters' names in order, upper case, for named arguments.
    pub parameters: &'static [&'static str],
    /// Checks the arguments, which come in the parameters' order; absent ones are NULL constants.
    pub bind: fn(&[Argument]) -> Result<TableBinding>,
}

/// A table function for certain arguments.
#[derive(Clone)]
pub struct TableBinding {
    /// The type that each argument is cast to.
    pub arguments: Vec<SqlType>,
    /// The columns that it gives.
    pub fields: Vec<Field>,
    /// Expands a batch of argument rows.
    pub kernel: TableKernel,
}

/// Expands each row of the arguments into any number of rows: the argument row that each came from, in
/// ascending order, and the columns.
pub type TableKernel =
    Arc<dyn Fn(&Call<'_>, &[Column]) -> Result<(Vec<u32>, Vec<Column>)> + Send + Sync>;

impl TableBinding {
    /// The same function for LEFT JOIN: an argument row that it makes nothing of gives one row of NULLs.
    pub fn padded(mut self) -> TableBinding {
        let kernel = Arc::clone(&self.kernel);
        self.fields.iter_mut().for_each(|field| field.nullable = true);
        self.kernel = Arc::new(move |call, arguments| {
            let (origins, columns) = kernel(call, arguments)?;
            let (origins, rows) = with_unmatched(&origins, call.rows);
            let rows = UInt32Array::from(rows);
            Ok((origins, columns.iter().map(|column| column.take(&rows)).collect()))
        });
        self
    }
}

/// The origins with those of `0..count` that are missing, and for each where its row is, if it has one.
fn with_unmatched(origins: &[u32], count: usize) -> (Vec<u32>, Vec<Option<u32>>) {
    let mut all = Vec::with_capacity(origins.len());
    let mut rows = Vec::with_capacity(origins.len());
    let mut next = 0;
    let pad = |until: u32, next: u32, all: &mut Vec<u32>, rows: &mut Vec<Option<u32>>| {
        for unmatched in next..until {
            all.push(unmatched);
            rows.push(None);
        }
    };
    for (row, &origin) in origins.iter().enumerate() {
        pad(origin, next, &mut all, &mut rows);
        next = origin + 1;
        all.push(origin);
        rows.push(Some(row as u32));
    }
    pad(count as u32, next, &mut all, &mut rows);
    (all, rows)
}

impl fmt::Debug for TableBinding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "({:?}) -> {:?}", self.arguments, self.fields)
    }
}
