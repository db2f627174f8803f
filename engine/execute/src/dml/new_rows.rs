//! New rows of a table, or new values of some of its columns, computed from a statement's source.

use std::sync::Arc;

use firn_account::catalog::Table;
use firn_column::{Batch, Column};
use firn_expression::Evaluator;
use firn_expression::Expr;
use firn_functions::cast::{CastMode, cast_column};
use firn_plan::statement::Target;
use firn_types::{Error, ErrorCode, Result, SqlType};

use super::source::Layout;
use crate::context::QueryContext;

/// Computes values of some columns of a table, or of all: one expression for each.
pub(super) struct NewRows {
    table: Arc<Table>,
    name: String,
    /// The positions of the columns.
    positions: Vec<usize>,
    /// The expressions, without the conversion to the column's type.
    values: Evaluator,
    /// The conversions, which are the statement's own: their errors name the column.
    conversions: Vec<Option<(SqlType, CastMode)>>,
}

impl NewRows {
    /// Whole rows.
    pub(super) fn new(target: &Target, row: &[Expr], layout: &Layout) -> Result<NewRows> {
        NewRows::of(target, (0..row.len()).collect(), row, layout)
    }

    /// Values of the columns at these positions.
    pub(super) fn of(
        target: &Target,
        positions: Vec<usize>,
        row: &[Expr],
        layout: &Layout,
    ) -> Result<NewRows> {
        let mut values = Vec::with_capacity(row.len());
        let mut conversions = Vec::with_capacity(row.len());
        for expr in row {
            match expr {
                Expr::Cast { input, lenient, .. } => {
                    let mode = if *lenient { CastMode::Try } else { CastMode::Strict };
                    conversions.push(Some((input.sql_type(), mode)));
                    values.push(input.as_ref().clone());
                }
                other => {
                    conversions.push(None);
                    values.push(other.clone());
                }
            }
        }
        Ok(NewRows {
            table: Arc::clone(&target.table),
            name: target.name.clone(),
            positions,
            values: Evaluator::compile(&values, layout)?,
            conversions,
        })
    }

    /// The new values of each row of the source.
    ///
    /// # Errors
    /// Those of the expressions; `NullNotAllowed`; a value that its column does not take.
    pub(super) fn make(&self, batch: &Batch, context: &QueryContext) -> Result<Batch> {
        let values = self.values.evaluate(batch, &context.functions)?;
        let mut columns = Vec::with_capacity(values.len());
        let conversions = self.positions.iter().zip(&self.conversions);
        for (value, (position, conversion)) in values.into_iter().zip(conversions) {
            let column = &self.table.columns[*position];
            let value: Column = match *conversion {
                None => value,
                Some((from, mode)) => {
                    cast_column(&value, from, column.sql_type, mode, &context.functions)
                        .map_err(|error| self.failed(&column.name, error))?
                }
            };
            if !column.nullable && value.null_count() > 0 {
                return Err(null_refused());
            }
            columns.push(value);
        }
        Ok(Batch::new(columns, batch.rows()))
    }

    fn failed(&self, column: &str, error: Error) -> Error {
        error.map_detail(|detail| {
            format!(
                "DML operation to table {} failed on column {column} with error: {detail}",
                self.name
            )
        })
    }
}

/// The error of NULL in a column that is NOT NULL.
pub(super) fn null_refused() -> Error {
    Error::new(ErrorCode::NullNotAllowed, "NULL result in a non-nullable column")
}
