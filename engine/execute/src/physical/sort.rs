//! Sort, and the first rows of an order.

use std::sync::Arc;

use firn_column::row_key::KeyOrder;
use firn_query::plan::{Sort, SortKey};
use firn_types::Result;

use super::{Builder, Stream, Wanted, started, wanted_with};
use crate::evaluate::{Expressions, Layout};
use crate::operators::sort::{self, SortSpec, TopBound, TopN};
use crate::profile::OperatorId;

/// More rows than this are sorted rather than kept as candidates.
const TOP_N_ROWS_MAX: u64 = 1 << 17;

impl Builder<'_, '_> {
    pub(super) fn sort(&mut self, node: &Sort, wanted: &Wanted, id: OperatorId) -> Result<Stream> {
        let below = wanted_with(wanted, node.keys.iter().map(|key| &key.expr));
        let mut hints = self.hints.clone();
        let bound = node.keys.first().map(|key| {
            let bound = Arc::new(TopBound::new(key.expr.sql_type(), key_order(key)));
            if let (Some(id), Some(_)) = (key.expr.as_column(), node.limit) {
                hints.bounds.push((id, Arc::clone(&bound)));
            }
            bound
        });
        let input = self.with_hints(hints, |builder| builder.build(&node.input, &below))?;
        let payload = input.layout.positions_where(|id| wanted.contains(&id));
        let layout = input.layout.project(&payload);
        let spec = sort_spec(&node.keys, payload, &input.layout)?;
        match (node.limit, bound) {
            (Some(limit), Some(bound)) if limit <= TOP_N_ROWS_MAX => {
                let top = Arc::new(TopN::new(spec, limit as usize, bound));
                self.end_in(input, top.clone(), id);
                Ok(started(top, layout, id))
            }
            (limit, _) => {
                let sort = Arc::new(sort::Sort::new(spec));
                self.end_in(input, sort.clone(), id);
                let sorted = started(sort, layout, id);
                Ok(match limit {
                    Some(_) => self.cut(sorted, 0, limit, id),
                    None => sorted,
                })
            }
        }
    }
}

/// How a key of a plan orders.
pub(super) fn key_order(key: &SortKey) -> KeyOrder {
    KeyOrder { descending: key.descending, nulls_first: key.nulls_first }
}

/// Keys that are columns of the payload are not carried twice.
pub(super) fn sort_spec(
    keys: &[SortKey],
    payload: Vec<usize>,
    layout: &Layout,
) -> Result<SortSpec> {
    let carried = layout.project(&payload);
    let mut extra = Vec::new();
    let mut positions = Vec::new();
    for key in keys {
        match key.expr.as_column().and_then(|id| carried.position(id).ok()) {
            Some(position) => positions.push(position),
            None => {
                positions.push(payload.len() + extra.len());
                extra.push(key.expr.clone());
            }
        }
    }
    Ok(SortSpec {
        payload,
        extra: Expressions::new(extra, layout)?,
        keys: positions,
        types: keys.iter().map(|key| key.expr.sql_type()).collect(),
        orders: keys.iter().map(key_order).collect(),
    })
}
