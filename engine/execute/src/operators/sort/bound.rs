//! What a top-n already knows: rows beyond this bound are not among the first.

use std::sync::RwLock;
use std::sync::atomic::{AtomicBool, Ordering};

use arrow::array::{Array as _, BooleanArray, UInt32Array};
use firn_column::kernels::boolean::truths;
use firn_column::kernels::compare::compare;
use firn_column::row_key::{KeyEncoder, KeyOrder, RowKeys};
use firn_column::{Batch, Column, Selection};
use firn_types::scan_predicate::{Comparison, ScanPredicate};
use firn_types::{ColumnPath, Result, SqlType, Value};

use super::SortKeys;

/// The key of the last row that is wanted so far, shared by all workers and by the scan below.
pub(crate) struct TopBound {
    sql_type: SqlType,
    order: KeyOrder,
    /// Whether there is a bound yet.
    known: AtomicBool,
    bound: RwLock<Option<Bound>>,
}

#[derive(Clone)]
struct Bound {
    /// All keys, as bytes in their order.
    key: Vec<u8>,
    /// The keys themselves.
    values: Vec<Value>,
}

/// Whether values compare as their keys do.
fn is_comparable(sql_type: SqlType) -> bool {
    !sql_type.is_semi_structured()
        && !matches!(sql_type, SqlType::TimestampTz { .. } | SqlType::Float)
}

/// So few rows are encoded rather than compared key by key.
const FEW_ROWS: usize = 64;

impl TopBound {
    /// No bound yet, for an order whose first key has this type and order.
    pub(crate) fn new(sql_type: SqlType, order: KeyOrder) -> TopBound {
        let bound = RwLock::new(None);
        TopBound { sql_type, order, known: AtomicBool::new(false), bound }
    }

    fn get(&self) -> Option<Bound> {
        if !self.is_known() {
            return None;
        }
        self.bound.read().unwrap_or_else(|poisoned| poisoned.into_inner()).clone()
    }

    /// Whether there is a bound yet.
    pub(super) fn is_known(&self) -> bool {
        self.known.load(Ordering::Acquire)
    }

    /// Makes this the bound, unless there is a lesser one.
    pub(super) fn lower_to(&self, key: &[u8], values: Vec<Value>) {
        let mut bound = self.bound.write().unwrap_or_else(|poisoned| poisoned.into_inner());
        if bound.as_ref().is_none_or(|bound| key < bound.key.as_slice()) {
            *bound = Some(Bound { key: key.to_vec(), values });
            self.known.store(true, Ordering::Release);
        }
    }

    /// How the first key of a wanted row compares with what; none when that is not known.
    fn test(&self) -> Option<(Comparison, Value)> {
        let first = self.get()?.values.into_iter().next()?;
        let operator = match self.order.descending {
            true => Comparison::GreaterOrEqual,
            false => Comparison::LessOrEqual,
        };
        (is_comparable(self.sql_type) && !first.is_null()).then_some((operator, first))
    }

    /// What every wanted row passes, of the stored column that is the first key.
    pub(crate) fn predicate(&self, column: &ColumnPath) -> Option<ScanPredicate> {
        let (operator, value) = self.test()?;
        let test = ScanPredicate::Compare { column: column.clone(), operator, value };
        Some(match self.order.nulls_first {
            true => ScanPredicate::Or(vec![ScanPredicate::IsNull(column.clone()), test]),
            false => test,
        })
    }

    /// The selected rows whose first key is not beyond the bound.
    pub(crate) fn narrow(
        &self,
        selection: Selection,
        piece: &Batch,
        first: usize,
    ) -> Result<Selection> {
        let Some((operator, value)) = self.test() else { return Ok(selection) };
        let column = piece.column(first).select(&selection);
        let rows = column.len();
        let value = Column::constant(&value, self.sql_type, rows)?;
        let passes = compare(operator, &column, &value, self.sql_type)?;
        let keep = match passes.nulls() {
            None => passes.values().clone(),
            // Where the comparison is NULL, the key is.
            Some(valid) if self.order.nulls_first => {
                &(passes.values() & valid.inner()) | &!valid.inner()
            }
            Some(valid) => passes.values() & valid.inner(),
        };
        if keep.count_set_bits() == rows {
            return Ok(selection);
        }
        Ok(match selection {
            Selection::All => Selection::of_mask(keep),
            some => {
                let positions = some.positions(piece.rows());
                let kept = BooleanArray::new(keep, None);
                let chosen = kept.values().set_indices().map(|at| positions.value(at));
                Selection::Rows(chosen.collect::<Vec<u32>>().into())
            }
        })
    }

    /// The positions of the rows that come before the bound; `None` while there is no bound. Most are
    /// decided by their first keys; only the others become bytes.
    pub(super) fn before(
        &self,
        keys: SortKeys<'_>,
        encoder: &KeyEncoder,
        rows: usize,
    ) -> Result<Option<UInt32Array>> {
        let Some(bound) = self.get() else { return Ok(None) };
        let mut before: Vec<u32> = Vec::new();
        let mut tied = UInt32Array::from_iter_values(0..rows as u32);
        for (key, value) in bound.values.iter().enumerate() {
            let (sql_type, order) = (keys.types[key], keys.orders[key]);
            if tied.len() < FEW_ROWS || value.is_null() || !is_comparable(sql_type) {
                break;
            }
            let column = match tied.len() == rows {
                true => keys.columns[key].clone(),
                false => keys.columns[key].take(&tied),
            };
            let value = Column::constant(value, sql_type, column.len())?;
            let operator = if order.descending { Comparison::Greater } else { Comparison::Less };
            let mut less = truths(&compare(operator, &column, &value, sql_type)?);
            if let Some(valid) = column.nulls().filter(|_| order.nulls_first) {
                less = &less | &!valid.inner();
            }
            let equal = truths(&compare(Comparison::Equal, &column, &value, sql_type)?);
            before.extend(less.set_indices().map(|at| tied.value(at)));
            tied = equal.set_indices().map(|at| tied.value(at)).collect();
        }
        if !tied.is_empty() {
            let mut encoded = RowKeys::default();
            let columns: Vec<Column> = keys.columns.iter().map(|c| c.take(&tied)).collect();
            encoder.encode(&columns, tied.len(), &mut encoded)?;
            let is_before = |at: &usize| encoded.key(*at) < bound.key.as_slice();
            before.extend((0..tied.len()).filter(is_before).map(|at| tied.value(at)));
        }
        before.sort_unstable();
        Ok(Some(before.into()))
    }
}
