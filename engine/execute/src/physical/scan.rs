//! Scans of stored tables, and answers that need none.

use std::cmp::Ordering;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use firn_expression::Expr;
use firn_functions::AggregateMeaning;
use firn_plan::{Aggregate, Plan, Scan, ScanColumn};
use firn_storage::{ROW_ID_FIELD, ReadColumn};
use firn_types::{ColumnId, Error, Result, SqlType, Value};

use super::{Builder, Stream, Wanted, started};
use crate::evaluate::{Conditions, Layout};
use crate::operators::scan::{self, JoinFilter, ScanSpec};
use crate::operators::values::ValuesSource;
use crate::profile::OperatorId;

impl Builder<'_, '_> {
    pub(super) fn scan(&mut self, node: &Scan, wanted: &Wanted, id: OperatorId) -> Result<Stream> {
        let mut filter_columns: HashSet<ColumnId> = HashSet::new();
        node.conditions
            .iter()
            .for_each(|condition| filter_columns.extend(condition.columns_used()));
        let given = |id: &ColumnId| node.columns.iter().any(|column| column.column.id == *id);
        let filters: Vec<_> = match node.limit {
            // A row that is left out would be missing among the wanted number.
            Some(_) => Vec::new(),
            None => {
                let fits = |filter: &&crate::operators::join::RuntimeFilter| {
                    filter.columns.iter().flatten().any(&given)
                };
                self.runtime_filters.filters.iter().filter(fits).cloned().collect()
            }
        };
        let bounds: Vec<_> = match node.limit {
            Some(_) => Vec::new(),
            None => {
                self.runtime_filters.bounds.iter().filter(|(id, _)| given(id)).cloned().collect()
            }
        };
        filter_columns.extend(bounds.iter().map(|(id, _)| *id));
        let keys = filters.iter().flat_map(|filter| filter.columns.iter().flatten());
        filter_columns.extend(keys.copied().filter(&given));
        let (first, others): (Vec<&ScanColumn>, Vec<&ScanColumn>) = node
            .columns
            .iter()
            .filter(|column| {
                filter_columns.contains(&column.column.id) || wanted.contains(&column.column.id)
            })
            .partition(|column| filter_columns.contains(&column.column.id));
        let all: Vec<&ScanColumn> = first.iter().chain(&others).copied().collect();
        let layout = Layout::new(
            all.iter().map(|column| (column.column.id, column.column.sql_type)).collect(),
        );
        let filters = filters.into_iter().map(|filter| {
            let place = |id: &Option<ColumnId>| id.and_then(|id| layout.position(id).ok());
            let columns = filter.columns.iter().map(place).collect();
            JoinFilter::new(filter, columns)
        });
        let output = layout.positions_where(|id| wanted.contains(&id));
        let locator = node.row_locator.filter(|id| wanted.contains(id));
        let spec = ScanSpec {
            partitions: node.snapshot.partitions()?.clone(),
            columns: all.iter().map(|column| read_column(node, column)).collect::<Result<_>>()?,
            first: first.len(),
            conditions: Conditions::new(node.conditions.clone(), &layout)?,
            pruning: node.pruning.clone(),
            filters: filters.collect(),
            bounds: bounds
                .into_iter()
                .map(|(id, bound)| Ok((layout.position(id)?, bound)))
                .collect::<Result<_>>()?,
            row_locator: locator.is_some(),
            limit: node.limit,
            id,
            output: output.clone(),
        };
        let locator = locator.map(|id| (id, SqlType::INTEGER)).into_iter().collect();
        let layout = layout.project(&output).joined(&Layout::new(locator));
        Ok(started(Arc::new(scan::Scan::new(spec)), layout, id))
    }

    /// The answers of an aggregation without groups that statistics know exactly.
    pub(super) fn known_answers(
        &mut self,
        node: &Aggregate,
        wanted: &Wanted,
        id: OperatorId,
    ) -> Option<Stream> {
        let mut input = node.input.as_ref();
        // What projections on the way only pass on, under another id.
        let mut passed: HashMap<ColumnId, ColumnId> = HashMap::new();
        while let Plan::Project(project) = input {
            for item in &project.items {
                passed.insert(item.id, item.expr.as_column()?);
            }
            input = &project.input;
        }
        let Plan::Scan(scan) = input else { return None };
        let plain = node.groups.is_empty()
            && node.grouping_sets.is_none()
            && scan.conditions.is_empty()
            && scan.limit.is_none();
        if !plain {
            return None;
        }
        let (mut row, mut columns) = (Vec::new(), Vec::new());
        for call in node.aggregates.iter().filter(|call| wanted.contains(&call.id)) {
            let sql_type = call.signature.returns;
            let arguments: Vec<_> = call.arguments.iter().map(Expr::as_column).collect();
            let meaning = call.function.meaning;
            let value = match (meaning, meaning.extreme(), arguments.as_slice()) {
                (AggregateMeaning::Count, _, []) => Value::integer(scan.snapshot.rows().ok()?),
                (_, Some(extreme), [Some(column)]) => {
                    let mut column = *column;
                    while let Some(below) = passed.get(&column).filter(|below| **below != column) {
                        column = *below;
                    }
                    known_extreme(scan, column, extreme)?
                }
                _ => return None,
            };
            row.push(Expr::Literal { value, sql_type });
            columns.push((call.id, sql_type));
        }
        let layout = Layout::new(columns);
        let source = ValuesSource::new(vec![row].into(), layout.types());
        Some(started(Arc::new(source), layout, id))
    }
}

/// The least or greatest value of a column, where statistics know it exactly.
fn known_extreme(scan: &Scan, id: ColumnId, extreme: Ordering) -> Option<Value> {
    let column = scan.columns.iter().find(|column| column.column.id == id)?;
    let summary = scan.snapshot.column_summary(&column.source)?;
    if !summary.exact || summary.rows != scan.snapshot.rows().ok()? {
        return None;
    }
    let value = if extreme.is_lt() { summary.min.clone()? } else { summary.max.clone()? };
    // Statistics may have been written before the column took its present type.
    let fits = match (&value, column.column.sql_type) {
        (Value::Number(number), SqlType::Number { scale, .. }) => number.scale == scale,
        (Value::Date(_), SqlType::Date) | (Value::Time(_), SqlType::Time { .. }) => true,
        (Value::Text(_), SqlType::Varchar { .. }) => true,
        (Value::Timestamp(_), SqlType::TimestampNtz { .. } | SqlType::TimestampLtz { .. }) => true,
        _ => false,
    };
    fits.then_some(value)
}

pub(super) fn read_column(node: &Scan, column: &ScanColumn) -> Result<ReadColumn> {
    if column.source == ROW_ID_FIELD {
        return Ok(ReadColumn::row_id());
    }
    let source = &column.source;
    let known = node.table.columns.iter().find(|known| known.field_id == source.field);
    let known = known.ok_or_else(|| {
        let (table, name) = (&node.qualified_name, &column.column.name);
        Error::internal(format!("{table} has no column {name}"))
    })?;
    Ok(match source.path {
        Some(_) => ReadColumn {
            column: source.clone(),
            sql_type: column.column.sql_type,
            initial_default: None,
        },
        None => ReadColumn {
            column: source.clone(),
            sql_type: known.sql_type,
            initial_default: known.initial_default.clone(),
        },
    })
}
