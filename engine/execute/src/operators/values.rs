//! Rows written in the statement. Order is kept; a morsel is a batch.

use std::sync::OnceLock;

use firn_column::{Batch, Column};
use firn_expression::Expr;
use firn_plan::SharedRows;
use firn_types::limits::BATCH_ROWS;
use firn_types::{Error, Result, SqlType, Value};

use crate::context::QueryContext;
use crate::evaluate::{Expressions, Layout};
use crate::operator::{Emit, Flow, Source};

/// Rows of expressions without columns.
pub(crate) struct ValuesSource {
    rows: SharedRows,
    types: Vec<SqlType>,
    batches: OnceLock<Vec<Batch>>,
}

impl ValuesSource {
    pub(crate) fn new(rows: SharedRows, types: Vec<SqlType>) -> ValuesSource {
        ValuesSource { rows, types, batches: OnceLock::new() }
    }

    fn batch(&self, rows: &[Vec<Expr>], context: &QueryContext) -> Result<Batch> {
        let column = |position: usize| {
            let sql_type = self.types[position];
            let values = rows.iter().map(|row| value(&row[position], sql_type, context));
            Column::from_values(sql_type, &values.collect::<Result<Vec<_>>>()?)
        };
        let columns = (0..self.types.len()).map(column).collect::<Result<_>>()?;
        Ok(Batch::new(columns, rows.len()))
    }
}

impl Source for ValuesSource {
    fn open(&self, context: &QueryContext) -> Result<usize> {
        let chunks = self.rows.chunks(BATCH_ROWS);
        let batches = chunks.map(|rows| self.batch(rows, context)).collect::<Result<Vec<_>>>()?;
        let count = batches.len();
        self.batches.set(batches).map_err(|_| Error::internal("values opened twice"))?;
        Ok(count)
    }

    fn read(&self, morsel: usize, _: &QueryContext, emit: &mut Emit<'_>) -> Result<Flow> {
        match self.batches.get().and_then(|batches| batches.get(morsel)) {
            Some(batch) => emit(batch.clone()),
            None => Ok(Flow::Continue),
        }
    }
}

fn value(expr: &Expr, sql_type: SqlType, context: &QueryContext) -> Result<Value> {
    if let Some(value) = expr.as_literal() {
        return Ok(value.clone());
    }
    let expressions = Expressions::new(vec![expr.clone()], &Layout::default())?;
    let columns = expressions.evaluate(&Batch::new(Vec::new(), 1), context)?;
    Ok(columns[0].value(0, sql_type))
}
