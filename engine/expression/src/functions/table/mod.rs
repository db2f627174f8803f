//! Table functions: one row in, many rows out, without the catalog.

mod flatten;
mod generator;
mod split_to_table;

use std::fmt;
use std::sync::Arc;

use firn_column::Column;
use firn_types::{Field, Result, SqlType};

use super::{Argument, Call, Documentation};

/// The functions of this folder, sorted by name.
pub(crate) const FUNCTIONS: &[&TableFunction] = &[
    &flatten::FLATTEN,
    &generator::GENERATOR,
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

impl fmt::Debug for TableBinding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "({:?}) -> {:?}", self.arguments, self.fields)
    }
}
