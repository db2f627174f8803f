//! What a top-n already knows: rows beyond this bound are not among the first.

use std::sync::RwLock;
use std::sync::atomic::{AtomicBool, Ordering};

use arrow::array::{Array as _, BooleanArray};
use firn_column::kernels::compare::compare;
use firn_column::row_key::KeyOrder;
use firn_column::{Batch, Column, Selection};
use firn_types::scan_predicate::{Comparison, ScanPredicate};
use firn_types::{FieldId, Result, SqlType, Value};

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
    /// The first key.
    first: Value,
}

impl TopBound {
    /// No bound yet, for an order whose first key has this type and order.
    pub(crate) fn new(sql_type: SqlType, order: KeyOrder) -> TopBound {
        let bound = RwLock::new(None);
        TopBound { sql_type, order, known: AtomicBool::new(false), bound }
    }

    fn get(&self) -> Option<Bound> {
        if !self.known.load(Ordering::Acquire) {
            return None;
        }
        self.bound.read().unwrap_or_else(|poisoned| poisoned.into_inner()).clone()
    }

    /// Rows with this key or a greater one are not among the first.
    pub(super) fn key(&self) -> Option<Vec<u8>> {
        self.get().map(|bound| bound.key)
    }

    /// Makes this the bound, unless there is a lesser one.
    pub(super) fn lower_to(&self, key: &[u8], first: Value) {
        let mut bound = self.bound.write().unwrap_or_else(|poisoned| poisoned.into_inner());
        if bound.as_ref().is_none_or(|bound| key < bound.key.as_slice()) {
            *bound = Some(Bound { key: key.to_vec(), first });
            self.known.store(true, Ordering::Release);
        }
    }

    /// How the first key of a wanted row compares with what; none when that is not known.
    fn test(&self) -> Option<(Comparison, Value)> {
        let first = self.get()?.first;
        let comparable = !self.sql_type.is_semi_structured()
            && !matches!(self.sql_type, SqlType::TimestampTz { .. } | SqlType::Float);
        let operator = match self.order.descending {
            true => Comparison::GreaterOrEqual,
            false => Comparison::LessOrEqual,
        };
        (comparable && !first.is_null()).then_some((operator, first))
    }

    /// What every wanted row passes, of the stored column that is the first key.
    pub(crate) fn predicate(&self, field: FieldId) -> Option<ScanPredicate> {
        let (operator, value) = self.test()?;
        let test = ScanPredicate::Compare { field, operator, value };
        Some(match self.order.nulls_first {
            true => ScanPredicate::Or(vec![ScanPredicate::IsNull(field), test]),
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
}
