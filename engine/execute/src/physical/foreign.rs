//! Table functions in other languages: their input is sorted by partition, or only collected, and then read in order.

use std::sync::Arc;

use firn_expression::{Expr, fold};
use firn_functions::meaning::Meaning;
use firn_plan::{ForeignTable, SortKey};
use firn_types::{ColumnId, Result};

use super::sort::sort_spec;
use super::{Builder, Stream, Wanted, layout_of, started, wanted_with};
use crate::evaluate::Expressions;
use crate::operator::Source;
use crate::operators::buffer::{Buffer, BufferSource};
use crate::operators::foreign_table::{ForeignTableSource, Kept};
use crate::operators::sort;
use crate::profile::OperatorId;

/// The column whose values an expression compares.
fn compared(expr: &Expr) -> Option<ColumnId> {
    match expr {
        Expr::Call { function, arguments, .. } if function.meaning == Meaning::ComparisonKey => {
            arguments.first().and_then(Expr::as_column)
        }
        other => other.as_column(),
    }
}

impl Builder<'_, '_> {
    pub(super) fn foreign_table(
        &mut self,
        node: &ForeignTable,
        wanted: &Wanted,
        id: OperatorId,
    ) -> Result<Stream> {
        let order = node.order_by.iter().map(|key| &key.expr);
        let read = node.arguments.iter().chain(&node.partition_by).chain(order);
        let stream = self.build(&node.input, &wanted_with(wanted, read))?;
        let layout = stream.layout.clone();
        let partition = node.partition_by.iter().cloned();
        let keys = partition.map(|expr| SortKey { expr, descending: false, nulls_first: false });
        let keys: Vec<SortKey> = keys.chain(node.order_by.iter().cloned()).collect();
        let all: Vec<usize> = (0..layout.len()).collect();
        let input: Arc<dyn Source> = match keys.is_empty() {
            true => {
                let buffer = Arc::new(Buffer::spilling());
                self.end_in(stream, buffer.clone(), id);
                Arc::new(BufferSource { buffer, positions: all })
            }
            false => {
                let sort = Arc::new(sort::Sort::new(sort_spec(&keys, all, &layout)?));
                self.end_in(stream, sort.clone(), id);
                sort
            }
        };
        let kept = layout.positions_where(|id| wanted.contains(&id));
        let columns = layout_of(&node.columns);
        let output = columns.positions_where(|id| wanted.contains(&id));
        let above = layout.project(&kept).joined(&columns.project(&output));
        let of_partition = |id| node.partition_by.iter().any(|expr| compared(expr) == Some(id));
        let (ids, types) = (layout.ids(), layout.types());
        let kept = kept.into_iter().map(|position| Kept {
            position,
            sql_type: types[position],
            of_partition: of_partition(ids[position]),
        });
        // An argument whose computation fails does so when the first row comes.
        let functions = &self.context.functions;
        let constants = node.arguments.iter();
        let constants = constants.map(|expr| fold::constant(expr, functions).ok().flatten());
        let source = ForeignTableSource::new(
            (input, Arc::clone(&node.function)),
            constants.collect(),
            Expressions::new(node.arguments.clone(), &layout)?,
            Expressions::new(node.partition_by.clone(), &layout)?,
            (kept.collect(), output),
            node.preserves_input,
        );
        Ok(started(Arc::new(source), above, id))
    }
}
