//! Conditions over batches: which rows pass.
//!
//! The conjuncts of a condition run one after another, those first that leave out the most rows for what
//! they cost, as far as the batches before have shown. As long as many rows are
//! left, each runs over the whole batch, since that is what tight loops are good at; once few are left,
//! the others see only those. A condition on a dictionary column runs once per value of the dictionary,
//! by the kernels' own doing.

use std::collections::HashMap;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};

use arrow::array::{BooleanArray, UInt32Array};
use arrow::buffer::BooleanBuffer;
use firn_column::kernels::take::true_rows;
use firn_column::{Batch, Selection};
use firn_functions::FunctionContext;
use firn_types::{ColumnId, Result, TypeFamily};

use super::Expr;
use super::case::chosen;
use super::compile::NodeId;
use super::evaluate::{Evaluator, Frame};

/// Rows are chosen one by one when fewer than one in this many is left.
const SPARSE_SHARE: usize = 4;

/// A condition ready to be asked about batches. Shared by all threads of a query.
#[derive(Debug)]
pub struct Predicate {
    evaluator: Evaluator,
    conjuncts: Vec<Conjunct>,
}

/// What is known of one conjunct.
#[derive(Debug)]
struct Conjunct {
    node: NodeId,
    cost: u32,
    rows_in: AtomicU64,
    rows_out: AtomicU64,
}

/// A conjunct that has still to run, and whether it has failed once.
type Waiting<'a> = VecDeque<(&'a Conjunct, bool)>;

impl Conjunct {
    fn observe(&self, rows_in: usize, rows_out: usize) {
        self.rows_in.fetch_add(rows_in as u64, Ordering::Relaxed);
        self.rows_out.fetch_add(rows_out as u64, Ordering::Relaxed);
    }

    /// What leaving out one row costs; half of the rows pass until something else is known.
    fn rank(&self) -> f64 {
        let rows_in = self.rows_in.load(Ordering::Relaxed) as f64 + 1000.0;
        let rows_out = self.rows_out.load(Ordering::Relaxed) as f64 + 500.0;
        f64::from(self.cost.max(1)) / (1.01 - rows_out / rows_in).max(0.01)
    }
}

impl Predicate {
    /// Prepares a condition over batches in which each column stands at its place in `layout`.
    ///
    /// # Errors
    /// As [`Evaluator::compile`].
    pub fn compile(condition: &Expr, layout: &HashMap<ColumnId, usize>) -> Result<Predicate> {
        let exprs = condition.clone().into_conjuncts();
        let evaluator = Evaluator::compile(&exprs, layout)?;
        let conjunct = |(&node, expr): (&NodeId, &Expr)| {
            let (rows_in, rows_out) = (AtomicU64::new(0), AtomicU64::new(0));
            Conjunct { node, cost: cost(expr), rows_in, rows_out }
        };
        let conjuncts = evaluator.roots.iter().zip(&exprs).map(conjunct).collect();
        Ok(Predicate { evaluator, conjuncts })
    }

    /// The rows for which the condition is TRUE.
    ///
    /// # Errors
    /// A conjunct's, for a row that passes all conjuncts that do not fail.
    pub fn select(&self, batch: &Batch, context: &FunctionContext) -> Result<Selection> {
        let frame = Frame::of_batch(&self.evaluator, batch, context);
        let mut waiting: Vec<&Conjunct> = self.conjuncts.iter().collect();
        // A stable sort: among equals the user's order stays.
        waiting.sort_by(|left, right| left.rank().total_cmp(&right.rank()));
        let mut waiting: Waiting<'_> = waiting.into_iter().map(|one| (one, false)).collect();
        let mut passing = BooleanBuffer::new_set(batch.rows());
        while let Some((conjunct, was_put_off)) = waiting.pop_front() {
            let count = passing.count_set_bits();
            if count == 0 {
                return Ok(Selection::None);
            }
            if count * SPARSE_SHARE < batch.rows() {
                waiting.push_front((conjunct, was_put_off));
                let rows = true_rows(&BooleanArray::new(passing, None));
                return select_sparsely(&frame, rows, waiting);
            }
            match frame.truths(conjunct.node) {
                Ok(truths) => {
                    conjunct.observe(batch.rows(), truths.count_set_bits());
                    passing = &passing & &truths;
                }
                // The row that failed may be one that another conjunct leaves out.
                Err(_) if !was_put_off && !waiting.is_empty() => {
                    waiting.push_back((conjunct, true));
                }
                Err(error) if count == batch.rows() => return Err(error),
                Err(_) => {
                    waiting.push_front((conjunct, true));
                    let rows = true_rows(&BooleanArray::new(passing, None));
                    return select_sparsely(&frame, rows, waiting);
                }
            }
        }
        Ok(Selection::of_mask(passing))
    }
}

/// The rest of a selection, over the rows that are left.
fn select_sparsely(
    frame: &Frame<'_>,
    mut rows: UInt32Array,
    mut waiting: Waiting<'_>,
) -> Result<Selection> {
    while let Some((conjunct, was_put_off)) = waiting.pop_front() {
        let truths = match frame.choose(&rows).truths(conjunct.node) {
            Ok(truths) => truths,
            Err(_) if !was_put_off && !waiting.is_empty() => {
                waiting.push_back((conjunct, true));
                continue;
            }
            Err(error) => return Err(error),
        };
        conjunct.observe(rows.len(), truths.count_set_bits());
        if truths.count_set_bits() < rows.len() {
            rows = chosen(&rows, &truths);
        }
        if rows.is_empty() {
            return Ok(Selection::None);
        }
    }
    Ok(Selection::Rows(rows))
}

/// About what a condition costs for a row, in comparisons of integers.
fn cost(expr: &Expr) -> u32 {
    let mut cost = 0_u32;
    expr.visit(&mut |part| {
        let own = match part {
            Expr::Literal { .. } | Expr::Column { .. } | Expr::Parameter(_) => 0,
            Expr::Compare { left, .. } | Expr::Distinct { left, .. } => of_type(left),
            Expr::InList { input, .. } => 2 * of_type(input),
            Expr::Not(_) | Expr::IsNull(_) | Expr::And(_) | Expr::Or(_) => 1,
            Expr::Case { .. } | Expr::Coalesce { .. } => 4,
            Expr::Cast { input, to, .. } => {
                of_type(input) * 4 + if to.is_numeric() { 0 } else { 8 }
            }
            Expr::Call { function, .. } => function.cost,
            Expr::HigherOrder { .. } | Expr::Foreign { .. } => 200,
        };
        cost = cost.saturating_add(own);
    });
    cost
}

fn of_type(expr: &Expr) -> u32 {
    match expr.sql_type().family() {
        TypeFamily::Text | TypeFamily::Binary | TypeFamily::Vector => 4,
        TypeFamily::Variant | TypeFamily::Object | TypeFamily::Array => 50,
        TypeFamily::TimestampTz => 2,
        _ => 1,
    }
}
