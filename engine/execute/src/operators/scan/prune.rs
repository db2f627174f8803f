//! What need not be read: micro-partitions first, then row groups.

use firn_storage::{PartitionReader, Prune, prune};
use firn_types::scan_predicate::{Comparison, ScanPredicate};
use firn_types::{ColumnPath, Decimal, Result, SqlType, Value};

use super::ranges::Ranges;
use super::{Morsel, Opened, Scan, count, storage};
use crate::context::QueryContext;

impl Scan {
    /// Opens the micro-partitions that may hold wanted rows.
    pub(super) fn opened(&self, context: &QueryContext) -> Result<Opened> {
        let spec = &self.spec;
        if spec.filters.iter().any(|filter| filter.join.passes_nothing()) {
            count(context, spec, &[]);
            return Ok(Opened {
                readers: vec![],
                morsels: vec![],
                predicate: ScanPredicate::False,
                ranges: Ranges::default(),
            });
        }
        let predicate = self.predicate();
        let mut chosen = Vec::new();
        let mut rows = 0;
        for (position, partition) in spec.partitions.iter().enumerate() {
            if prune(&predicate, partition.as_ref()) == Prune::Skip {
                continue;
            }
            chosen.push((position, partition));
            rows += partition.live_rows();
            let plain = spec.filters_nothing();
            if plain && spec.limit.is_some_and(|limit| rows >= limit) {
                break;
            }
        }
        count(context, spec, &chosen);
        if chosen.is_empty() {
            let ranges = Ranges::default();
            return Ok(Opened { readers: vec![], morsels: vec![], predicate, ranges });
        }
        let storage = storage(context)?;
        let readers = context.map(chosen.len(), |index| {
            let (position, partition) = chosen[index];
            Ok((position, PartitionReader::open(&storage.access, partition, &storage.cache)?))
        })?;
        let mut morsels = Vec::new();
        for (number, (_, reader)) in readers.iter().enumerate() {
            let groups = 0..reader.row_groups().len();
            let kept = groups
                .filter(|&group| reader.prune(group, &spec.columns, &predicate) != Prune::Skip);
            let mut begins = Some(spec.bytes_of(chosen[number].1));
            morsels.extend(kept.map(|row_group| Morsel {
                reader: number,
                row_group,
                begins: begins.take(),
            }));
        }
        let ranges = Ranges::of(&predicate, &spec.columns[..spec.first]);
        Ok(Opened { readers, morsels, predicate, ranges })
    }

    /// What follows from the conditions and from the keys of the joins above.
    fn predicate(&self) -> ScanPredicate {
        let mut parts = vec![self.spec.pruning.clone()];
        for filter in &self.spec.filters {
            for (key, position) in filter.columns.iter().enumerate() {
                let Some(column) = position.map(|position| &self.spec.columns[position]) else {
                    continue;
                };
                if let Some((low, high)) = filter.join.range(key) {
                    parts.extend(between(&column.column, column.sql_type, low, high));
                }
            }
        }
        match parts.len() {
            1 => parts.swap_remove(0),
            _ => ScanPredicate::And(parts),
        }
    }
}

/// The tests that a column of integers lies between two of them.
fn between(column: &ColumnPath, sql_type: SqlType, low: i128, high: i128) -> Vec<ScanPredicate> {
    let value = |integer: i128| match sql_type {
        SqlType::Number { scale, .. } => Some(Value::Number(Decimal { unscaled: integer, scale })),
        SqlType::Date => i32::try_from(integer).ok().map(Value::Date),
        SqlType::Time { .. } => i64::try_from(integer).ok().map(Value::Time),
        SqlType::TimestampNtz { .. } | SqlType::TimestampLtz { .. } => {
            Some(Value::Timestamp(integer))
        }
        _ => None,
    };
    let test = |operator, integer| {
        let column = column.clone();
        value(integer).map(|value| ScanPredicate::Compare { column, operator, value })
    };
    [test(Comparison::GreaterOrEqual, low), test(Comparison::LessOrEqual, high)]
        .into_iter()
        .flatten()
        .collect()
}
