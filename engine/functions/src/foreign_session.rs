//! The session of procedures in other languages than SQL: what their code's statements need of it.

use std::sync::Arc;

use firn_column::Batch;
use firn_types::{Field, Result, SqlType, Value};

use crate::FunctionContext;

/// The session that a procedure's statements run in.
pub trait ForeignSession: Send + Sync {
    /// Runs a statement with values for its `?`, to its end.
    ///
    /// # Errors
    /// What the statement failed with.
    fn run(
        &self,
        sql: &str,
        values: Vec<(Value, SqlType)>,
    ) -> Result<Box<dyn ForeignRows>, StatementFailed>;

    /// What functions may know, for conversions.
    fn functions(&self) -> Arc<FunctionContext>;
}

/// The rows that a statement answers with.
pub trait ForeignRows: Send {
    /// The statement's id.
    fn query_id(&self) -> &str;

    /// The columns.
    fn fields(&self) -> &[Field];

    /// How many rows there are.
    fn rows(&self) -> u64;

    /// What it has done to how many rows, by names such as `number of rows inserted`.
    fn counts(&self) -> &[(String, u64)];

    /// The batch of that number, from 0; none behind the last.
    ///
    /// # Errors
    /// When it cannot be read.
    fn batch(&self, index: usize) -> Result<Option<Batch>>;

    /// A value as clients print it; none for NULL.
    ///
    /// # Errors
    /// When it cannot be printed in the session's format.
    fn text(&self, batch: &Batch, row: usize, column: usize) -> Result<Option<String>>;
}

/// What a statement failed with.
#[derive(Clone, Debug)]
pub struct StatementFailed {
    /// The error's number.
    pub number: i32,
    /// The SQLSTATE.
    pub state: String,
    /// The message.
    pub message: String,
    /// The statement's id.
    pub query_id: String,
}
