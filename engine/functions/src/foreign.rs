//! Functions whose bodies are in another language than SQL: what a plan knows of them, and who runs them.
//!
//! A plan holds them as plain values; nothing here or in the evaluator knows a language. Who does is asked
//! through [`crate::FunctionHost`], a batch of rows at a time.

use std::ops::Range;

use firn_column::Column;
use firn_types::{Code, Result, SqlType};

use crate::{FunctionContext, Volatility};

/// A function with a body in another language than SQL.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ForeignFunction {
    /// The name that it is called by.
    pub name: String,
    /// What it does.
    pub code: Code,
    /// The names of its parameters and their types, to which arguments are cast before a call.
    pub parameters: Vec<(String, SqlType)>,
    /// What it gives.
    pub returns: ForeignReturns,
    /// Whether it gives a value for a group of rows: its one argument is then an array of them, each an array of
    /// values of the parameters.
    pub aggregate: bool,
    /// Whether it is not called for rows with a NULL among the arguments, and NULL its value.
    pub strict: bool,
    /// How long an answer stays the same.
    pub volatility: Volatility,
}

/// What a function gives.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ForeignReturns {
    /// A value.
    Value(SqlType),
    /// Rows of columns, each with its name and type.
    Table(Vec<(String, SqlType)>),
}

impl ForeignFunction {
    /// The type of its value; NULL's of a function that gives rows.
    pub fn value_type(&self) -> SqlType {
        match &self.returns {
            ForeignReturns::Value(sql_type) => *sql_type,
            ForeignReturns::Table(_) => SqlType::Null,
        }
    }

    /// The types of its parameters.
    pub fn parameter_types(&self) -> Vec<SqlType> {
        self.parameters.iter().map(|(_, sql_type)| *sql_type).collect()
    }
}

/// A table function at work on one partition of rows after the other.
pub trait ForeignProcessor: Send {
    /// Begins a partition.
    ///
    /// # Errors
    /// What the body throws.
    fn begin(&mut self, context: &FunctionContext) -> Result<()>;

    /// Takes some rows of columns of arguments, and gives what the body makes of them: the first at least, unless
    /// that row gives more than goes at once. Those that are not taken are given again, next.
    ///
    /// # Errors
    /// What the body throws; that of a cast, for values that are not of the columns' types.
    fn process(
        &mut self,
        arguments: &[Column],
        rows: Range<usize>,
        context: &FunctionContext,
    ) -> Result<Processed>;

    /// Ends the partition and gives the last rows that the body makes of it.
    ///
    /// # Errors
    /// As [`ForeignProcessor::process`].
    fn end(&mut self, context: &FunctionContext) -> Result<Processed>;
}

/// Rows that a table function has made.
#[derive(Clone, Debug)]
pub struct Processed {
    /// How many rows were taken.
    pub taken: usize,
    /// The row that each of them was made of.
    pub origins: Vec<u32>,
    /// The function's columns.
    pub columns: Vec<Column>,
}
