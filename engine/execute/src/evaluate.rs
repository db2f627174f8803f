//! Expressions over the batches of a stream: column ids become positions here, once.

use arrow::array::{Array as _, BooleanArray};
use firn_column::{Array, Batch, Column};
use firn_expression::Expr;
use firn_types::{ColumnId, Error, Result, SqlType};

use crate::context::QueryContext;

/// Which column stands where in a stream's batches.
#[derive(Clone, Debug, Default)]
pub(crate) struct Layout {
    columns: Vec<(ColumnId, SqlType)>,
}

impl Layout {
    pub(crate) fn new(columns: Vec<(ColumnId, SqlType)>) -> Layout {
        Layout { columns }
    }

    pub(crate) fn len(&self) -> usize {
        self.columns.len()
    }

    pub(crate) fn columns(&self) -> &[(ColumnId, SqlType)] {
        &self.columns
    }

    pub(crate) fn types(&self) -> Vec<SqlType> {
        self.columns.iter().map(|(_, sql_type)| *sql_type).collect()
    }

    pub(crate) fn ids(&self) -> Vec<ColumnId> {
        self.columns.iter().map(|(id, _)| *id).collect()
    }

    pub(crate) fn position(&self, id: ColumnId) -> Result<usize> {
        let position = self.columns.iter().position(|(column, _)| *column == id);
        position.ok_or_else(|| Error::internal(format!("column {id} is not given below")))
    }

    pub(crate) fn positions(&self, ids: &[ColumnId]) -> Result<Vec<usize>> {
        ids.iter().map(|id| self.position(*id)).collect()
    }

    /// The positions of the columns for which `wanted` holds.
    pub(crate) fn positions_where(&self, wanted: impl Fn(ColumnId) -> bool) -> Vec<usize> {
        (0..self.columns.len()).filter(|&position| wanted(self.columns[position].0)).collect()
    }

    /// The layout after the columns at `positions` were picked.
    pub(crate) fn project(&self, positions: &[usize]) -> Layout {
        Layout { columns: positions.iter().map(|&position| self.columns[position]).collect() }
    }

    /// This layout's columns, then the other's.
    pub(crate) fn joined(&self, other: &Layout) -> Layout {
        Layout { columns: self.columns.iter().chain(&other.columns).copied().collect() }
    }
}

/// Expressions whose values become columns.
pub(crate) struct Expressions {
    exprs: Vec<Expr>,
    layout: Layout,
}

impl Expressions {
    pub(crate) fn new(exprs: Vec<Expr>, layout: &Layout) -> Result<Expressions> {
        Ok(Expressions { exprs, layout: layout.clone() })
    }

    pub(crate) fn len(&self) -> usize {
        self.exprs.len()
    }

    pub(crate) fn types(&self) -> Vec<SqlType> {
        self.exprs.iter().map(Expr::sql_type).collect()
    }

    pub(crate) fn evaluate(&self, batch: &Batch, context: &QueryContext) -> Result<Vec<Column>> {
        self.exprs.iter().map(|expr| evaluate(expr, &self.layout, batch, context)).collect()
    }
}

fn evaluate(expr: &Expr, layout: &Layout, batch: &Batch, context: &QueryContext) -> Result<Column> {
    use firn_types::Value;
    match expr {
        Expr::Literal { value, sql_type } => Column::constant(value, *sql_type, batch.rows()),
        Expr::Column { id, .. } => Ok(batch.column(layout.position(*id)?).clone()),
        Expr::Call { binding, arguments, .. } => {
            let columns = arguments.iter().map(|a| evaluate(a, layout, batch, context));
            let call = firn_expression::functions::Call {
                rows: batch.rows(),
                returns: binding.returns,
                arguments: &binding.arguments,
                context: &context.functions,
            };
            (binding.kernel)(&call, &columns.collect::<Result<Vec<_>>>()?)
        }
        Expr::Compare { operator, left, right } => {
            let sql_type = left.sql_type();
            let (l, r) =
                (evaluate(left, layout, batch, context)?, evaluate(right, layout, batch, context)?);
            let values: Vec<Value> = (0..batch.rows())
                .map(|row| match (l.value(row, sql_type), r.value(row, sql_type)) {
                    (Value::Number(a), Value::Number(b)) => {
                        Value::Boolean(operator.holds(a.unscaled.cmp(&b.unscaled)))
                    }
                    _ => Value::Null,
                })
                .collect();
            Column::from_values(SqlType::Boolean, &values)
        }
        _ => Err(Error::not_supported("this expression")),
    }
}

/// Conditions that rows must meet.
pub(crate) struct Conditions {
    conditions: Expressions,
}

/// Which rows meet conditions.
pub(crate) enum Selected {
    All,
    /// Those for which the array is TRUE; it has no NULLs.
    Rows(BooleanArray),
}

impl Conditions {
    pub(crate) fn new(conditions: Vec<Expr>, layout: &Layout) -> Result<Conditions> {
        Ok(Conditions { conditions: Expressions::new(conditions, layout)? })
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.conditions.len() == 0
    }

    pub(crate) fn select(&self, batch: &Batch, context: &QueryContext) -> Result<Selected> {
        let mut keep = vec![true; batch.rows()];
        for column in self.conditions.evaluate(batch, context)? {
            let Array::Bool(values) = column.flat() else {
                return Err(Error::internal("a condition that is not BOOLEAN"));
            };
            for (row, keep) in keep.iter_mut().enumerate() {
                *keep &= values.is_valid(row) && values.value(row);
            }
        }
        Ok(Selected::Rows(BooleanArray::from(keep)))
    }
}
