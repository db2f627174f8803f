//! What is known of a plan's columns, found out for those that somebody asks about.
//!
//! Plans are estimated often, and most columns of a wide table matter to no estimate. So an estimate does not
//! hold what its columns hold, but where that is known; a question goes down to the table's statistics, which
//! rows in memory gather only then.

use std::collections::HashMap;
use std::sync::Arc;

use firn_storage::Snapshot;
use firn_types::{ColumnId, ColumnPath, Value};

use firn_plan::Scan;

/// What a column holds.
#[derive(Clone, Copy, Debug)]
pub(in crate::optimize) struct ColumnEstimate {
    /// Different values.
    pub(in crate::optimize) distinct: f64,
    /// Smallest and largest value, for numbers, dates and timestamps, as floating-point numbers.
    pub(in crate::optimize) range: Option<(f64, f64)>,
}

/// The columns of a plan of which something is known.
#[derive(Clone, Debug, Default)]
pub(in crate::optimize) struct Columns(Option<Arc<Known>>);

/// Where it is known.
#[derive(Debug)]
enum Known {
    /// In a table's statistics.
    Table { snapshot: Arc<Snapshot>, rows: f64, columns: Vec<(ColumnId, ColumnPath)> },
    /// Here.
    Here(HashMap<ColumnId, ColumnEstimate>),
    /// Below, where columns have other names; those without one have one value.
    Renamed { input: Columns, names: Vec<(ColumnId, Option<ColumnId>)> },
    /// Below, where there are more rows.
    Scaled { input: Columns, before: f64, after: f64 },
    /// Below, but no column has more than so many values.
    AtMost { input: Columns, values: f64 },
    /// Below, but these columns have no more than so many values.
    Restricted { input: Columns, values: Vec<(ColumnId, f64)> },
    /// On one of two sides.
    Both(Columns, Columns),
    /// In all inputs, each with its columns in the order of these.
    United { columns: Vec<ColumnId>, inputs: Vec<(Columns, Vec<ColumnId>)> },
}

impl Columns {
    fn of(known: Known) -> Columns {
        Columns(Some(Arc::new(known)))
    }

    /// A table's columns.
    pub(super) fn of_table(scan: &Scan, rows: f64) -> Columns {
        let columns = scan.columns.iter().map(|column| (column.column.id, column.source.clone()));
        let columns = columns.collect();
        Columns::of(Known::Table { snapshot: Arc::clone(&scan.snapshot), rows, columns })
    }

    /// These columns.
    pub(super) fn known(columns: HashMap<ColumnId, ColumnEstimate>) -> Columns {
        Columns::of(Known::Here(columns))
    }

    /// Columns under new names, each with the old one; those without one have one value.
    pub(super) fn renamed(self, names: Vec<(ColumnId, Option<ColumnId>)>) -> Columns {
        Columns::of(Known::Renamed { input: self, names })
    }

    /// What columns hold when `after` of `before` rows are left.
    pub(super) fn scaled(self, before: f64, after: f64) -> Columns {
        Columns::of(Known::Scaled { input: self, before, after })
    }

    /// No column has more than so many different values.
    pub(in crate::optimize) fn at_most(self, values: f64) -> Columns {
        Columns::of(Known::AtMost { input: self, values })
    }

    /// Some columns have no more than so many different values.
    pub(in crate::optimize) fn restricted(self, values: Vec<(ColumnId, f64)>) -> Columns {
        match values.is_empty() {
            true => self,
            false => Columns::of(Known::Restricted { input: self, values }),
        }
    }

    /// The columns of both sides of a join.
    pub(in crate::optimize) fn both(left: &Columns, right: &Columns) -> Columns {
        Columns::of(Known::Both(left.clone(), right.clone()))
    }

    /// The columns of a union, and of each input those that they come from.
    pub(super) fn united(columns: Vec<ColumnId>, inputs: Vec<(Columns, Vec<ColumnId>)>) -> Columns {
        Columns::of(Known::United { columns, inputs })
    }

    /// What a column holds; none where that is not known.
    pub(in crate::optimize) fn get(&self, id: ColumnId) -> Option<ColumnEstimate> {
        match self.0.as_deref()? {
            Known::Table { snapshot, rows, columns } => {
                let (_, source) = columns.iter().find(|(column, _)| *column == id)?;
                of_stored(snapshot, source, *rows)
            }
            Known::Here(columns) => columns.get(&id).copied(),
            Known::Renamed { input, names } => {
                match names.iter().find(|(name, _)| *name == id)?.1 {
                    Some(old) => input.get(old),
                    None => Some(ColumnEstimate { distinct: 1.0, range: None }),
                }
            }
            Known::Scaled { input, before, after } => {
                let column = input.get(id)?;
                let distinct = remaining(column.distinct, *before, *after);
                Some(ColumnEstimate { distinct, ..column })
            }
            Known::AtMost { input, values } => Some(input.get(id)?.at_most(*values)),
            Known::Restricted { input, values } => {
                let own = values.iter().filter(|(column, _)| *column == id);
                Some(own.fold(input.get(id)?, |column, (_, values)| column.at_most(*values)))
            }
            Known::Both(left, right) => right.get(id).or_else(|| left.get(id)),
            Known::United { columns, inputs } => {
                let position = columns.iter().position(|column| *column == id)?;
                of_union(inputs, position)
            }
        }
    }
}

impl ColumnEstimate {
    fn at_most(self, values: f64) -> ColumnEstimate {
        ColumnEstimate { distinct: self.distinct.min(values).max(1.0), ..self }
    }
}

/// What a table's statistics say.
fn of_stored(snapshot: &Snapshot, column: &ColumnPath, rows: f64) -> Option<ColumnEstimate> {
    let summary = snapshot.column_summary(column)?;
    let end = |value: &Option<Value>| value.as_ref().and_then(number);
    let range = end(&summary.min).zip(end(&summary.max));
    let distinct = (summary.distinct_count() as f64).clamp(1.0, rows);
    Some(ColumnEstimate { distinct, range })
}

/// Branches of a union may hold the same values or others: between the two.
fn of_union(inputs: &[(Columns, Vec<ColumnId>)], position: usize) -> Option<ColumnEstimate> {
    let mut distinct = (0.0, 0.0_f64);
    for (input, columns) in inputs {
        let own = input.get(*columns.get(position)?)?.distinct;
        distinct = (distinct.0 + own, distinct.1.max(own));
    }
    Some(ColumnEstimate { distinct: (distinct.0 + distinct.1) / 2.0, range: None })
}

/// Different values left when `after` of `before` rows are: S. B. Yao's estimate, simplified.
fn remaining(distinct: f64, before: f64, after: f64) -> f64 {
    let per_value = (before / distinct.max(1.0)).max(1.0);
    let kept = 1.0 - (1.0 - (after / before).min(1.0)).powf(per_value);
    (distinct * kept).clamp(1.0, after.max(1.0))
}

/// A value on the number line.
pub(super) fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Number(n) => Some(n.unscaled as f64 / 10_f64.powi(i32::from(n.scale))),
        Value::Float(n) => Some(*n),
        Value::Date(days) => Some(f64::from(*days)),
        Value::Time(nanos) => Some(*nanos as f64),
        Value::Timestamp(nanos) => Some(*nanos as f64),
        _ => None,
    }
}
