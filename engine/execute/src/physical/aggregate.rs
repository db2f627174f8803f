//! Aggregation.

use std::sync::Arc;

use firn_functions::AggregateBinding;
use firn_functions::aggregate::{distinct, ordered};
use firn_plan::{Aggregate, AggregateCall, SortKey};
use firn_types::{ColumnId, Result, SqlType};

use super::{Builder, Stream, Wanted, started, wanted_with};
use crate::evaluate::{Expressions, Layout};
use crate::operators::aggregate::{self, AggregateInputs, AggregateSpec};
use crate::profile::OperatorId;

impl Builder<'_, '_> {
    pub(super) fn aggregate(
        &mut self,
        node: &Aggregate,
        wanted: &Wanted,
        id: OperatorId,
    ) -> Result<Stream> {
        if let Some(known) = self.known_answers(node, wanted, id) {
            return Ok(known);
        }
        let calls: Vec<&AggregateCall> =
            node.aggregates.iter().filter(|call| wanted.contains(&call.id)).collect();
        let mut exprs: Vec<_> = node.groups.iter().map(|group| group.expr.clone()).collect();
        let mut inputs = Vec::new();
        for call in &calls {
            let start = exprs.len();
            exprs.extend(call.arguments.iter().cloned());
            exprs.extend(call.order_by.iter().map(|key| key.expr.clone()));
            let binding = (call.function.bind)(&call.signature.given)?;
            let binding = wrapped(binding, call.distinct, &call.order_by);
            inputs.push(AggregateInputs { binding, arguments: start..exprs.len() });
        }
        let grouped = |id| {
            node.groups.iter().find(|group| group.id == id).and_then(|group| group.expr.as_column())
        };
        let runtime_filters = self.runtime_filters.below(grouped);
        let below = wanted_with(&Wanted::new(), &exprs);
        let stream = self
            .with_runtime_filters(runtime_filters, |builder| builder.build(&node.input, &below))?;
        let grouping_id = node.grouping_id.filter(|id| wanted.contains(id));
        let spec = AggregateSpec {
            inputs: Expressions::new(exprs, &stream.layout)?,
            keys: node.groups.len(),
            calls: inputs,
            sets: node.grouping_sets.clone(),
            grouping_id: grouping_id.is_some(),
        };
        let layout = output_layout(node, &calls, grouping_id);
        let aggregate = Arc::new(aggregate::Aggregate::new(spec));
        self.end_in(stream, aggregate.clone(), id);
        Ok(started(aggregate, layout, id))
    }
}

/// The binding with DISTINCT and the order of its rows around it.
pub(super) fn wrapped(
    mut binding: AggregateBinding,
    is_distinct: bool,
    order_by: &[SortKey],
) -> AggregateBinding {
    if !order_by.is_empty() {
        let order = |key: &SortKey| ordered::SortOrder {
            descending: key.descending,
            nulls_first: key.nulls_first,
        };
        let keys: Vec<_> = order_by.iter().map(|key| (key.expr.sql_type(), order(key))).collect();
        binding = ordered::ordered(binding, &keys);
    }
    if is_distinct {
        binding = distinct::distinct(binding);
    }
    binding
}

fn output_layout(
    node: &Aggregate,
    calls: &[&AggregateCall],
    grouping_id: Option<ColumnId>,
) -> Layout {
    let mut columns: Vec<(ColumnId, SqlType)> =
        node.groups.iter().map(|group| (group.id, group.expr.sql_type())).collect();
    columns.extend(calls.iter().map(|call| (call.id, call.signature.returns)));
    columns.extend(grouping_id.map(|id| (id, SqlType::INTEGER)));
    Layout::new(columns)
}
