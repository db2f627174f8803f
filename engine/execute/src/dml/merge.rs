//! MERGE.
//!
//! Each batch of pairs is handed to the clauses: the first whose condition is TRUE takes a row. Which
//! target rows are changed or deleted is kept for the whole statement, since a target row that two source
//! rows would change has no determined outcome.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use arrow::array::BooleanArray;
use firn_account::Transaction;
use firn_column::Batch;
use firn_expression::Expr;
use firn_expression::Predicate;
use firn_plan::statement::{Merge, MergeAction, MergeClause};
use firn_types::Result;

use super::changed_rows::ChangedRows;
use super::insert_many::split;
use super::new_rows::NewRows;
use super::source::{Layout, for_each_batch, layout_of, position_of};
use super::touched::{Rows, locators};
use crate::context::{QueryContext, lock};
use crate::row_locator::RowLocator;

/// How many rows a MERGE changed; none for kinds of clauses that it does not have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MergeCounts {
    /// New rows.
    pub inserted: Option<u64>,
    /// Changed rows.
    pub updated: Option<u64>,
    /// Deleted rows.
    pub deleted: Option<u64>,
}

/// Merges a statement's rows. With `refuse_duplicates` (ERROR_ON_NONDETERMINISTIC_MERGE) a target row
/// with several outcomes is an error; else one of them wins.
///
/// # Errors
/// Those of the source and of the conversions; `DuplicateRow`; `Storage`.
pub fn merge(
    plan: &Merge,
    cluster_keys: &[Expr],
    refuse_duplicates: bool,
    context: &QueryContext,
    transaction: &mut Transaction,
) -> Result<MergeCounts> {
    let table = &plan.target.table;
    let layout = layout_of(&plan.source);
    let clauses = plan.clauses.iter().map(|clause| Clause::new(clause, plan, &layout));
    let merging = Merging {
        clauses: clauses.collect::<Result<_>>()?,
        locator: position_of(&plan.source, plan.locator)?,
        changed: ChangedRows::new(table, &plan.set, cluster_keys, context, transaction)?,
        outcomes: Mutex::default(),
        inserted: AtomicU64::new(0),
        refuse_duplicates,
        context,
    };
    for_each_batch(&plan.source, context, &|place, batch| merging.take(place, batch))?;
    let outcomes = merging.outcomes.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner());
    let has = |wanted: fn(&MergeAction) -> bool| plan.clauses.iter().any(|c| wanted(&c.action));
    let count = |has: bool, count: u64| has.then_some(count);
    let inserted = merging.inserted.into_inner();
    let counts = MergeCounts {
        inserted: count(has(|action| matches!(action, MergeAction::Insert(_))), inserted),
        updated: count(
            has(|action| matches!(action, MergeAction::Update(_))),
            outcomes.updated.len(),
        ),
        deleted: count(has(|action| matches!(action, MergeAction::Delete)), outcomes.deleted.len()),
    };
    let mut delta = merging.changed.finish(outcomes.updated, outcomes.deleted)?;
    delta.depends_on_rows = inserted > 0;
    transaction.change(table.id(), delta)?;
    Ok(counts)
}

/// One WHEN, ready to run.
struct Clause {
    matched: bool,
    condition: Option<Predicate>,
    action: Action,
}

enum Action {
    Update(NewRows),
    Delete,
    Insert(NewRows),
}

/// What became of target rows.
#[derive(Default)]
struct Outcomes {
    updated: Rows,
    deleted: Rows,
}

/// What all threads share.
struct Merging<'c> {
    clauses: Vec<Clause>,
    locator: usize,
    changed: ChangedRows<'c>,
    outcomes: Mutex<Outcomes>,
    inserted: AtomicU64,
    refuse_duplicates: bool,
    context: &'c QueryContext,
}

impl Clause {
    fn new(clause: &MergeClause, plan: &Merge, layout: &Layout) -> Result<Clause> {
        let condition = clause.condition.as_ref();
        let action = match &clause.action {
            MergeAction::Update(row) => {
                Action::Update(NewRows::of(&plan.target, plan.set.clone(), row, layout)?)
            }
            MergeAction::Insert(row) => Action::Insert(NewRows::new(&plan.target, row, layout)?),
            MergeAction::Delete => Action::Delete,
        };
        Ok(Clause {
            matched: clause.matched,
            condition: condition.map(|expr| Predicate::compile(expr, layout)).transpose()?,
            action,
        })
    }
}

impl Merging<'_> {
    fn take(&self, place: usize, batch: Batch) -> Result<()> {
        let matched = match batch.column(self.locator).nulls() {
            Some(nulls) => BooleanArray::new(nulls.inner().clone(), None),
            None => BooleanArray::from(vec![true; batch.rows()]),
        };
        let unmatched = BooleanArray::new(!matched.values(), None);
        for (kind, rows) in [(true, matched), (false, unmatched)] {
            let mut open = match rows.true_count() {
                0 => continue,
                count if count == batch.rows() => batch.clone(),
                _ => batch.filter(&rows),
            };
            for clause in self.clauses.iter().filter(|clause| clause.matched == kind) {
                let (chosen, rest) = match &clause.condition {
                    Some(condition) => split(condition, open, self.context)?,
                    None => {
                        let nothing = open.slice(0, 0);
                        (open, nothing)
                    }
                };
                if chosen.rows() > 0 {
                    self.act(place, &clause.action, chosen)?;
                }
                open = rest;
                if open.rows() == 0 {
                    break;
                }
            }
        }
        Ok(())
    }

    fn act(&self, place: usize, action: &Action, batch: Batch) -> Result<()> {
        match action {
            Action::Insert(rows) => {
                self.inserted.fetch_add(batch.rows() as u64, Ordering::Relaxed);
                self.changed.insert(place, rows.make(&batch, self.context)?)
            }
            Action::Delete => self.claim(&batch, true).map(|_| ()),
            Action::Update(rows) => {
                let (locators, mine) = self.claim(&batch, false)?;
                let batch = match locators.len() == batch.rows() {
                    true => batch,
                    false => batch.filter(&BooleanArray::from(mine)),
                };
                self.changed.change(&locators, rows.make(&batch, self.context)?)
            }
        }
    }

    /// Decides what becomes of the batch's target rows: those that are not decided yet, and for each
    /// row of the batch whether it is one of them.
    fn claim(&self, batch: &Batch, delete: bool) -> Result<(Vec<RowLocator>, Vec<bool>)> {
        let mut claimed = Vec::with_capacity(batch.rows());
        let mut mine = Vec::with_capacity(batch.rows());
        let mut twice = None;
        {
            let mut outcomes = lock(&self.outcomes);
            let Outcomes { updated, deleted } = &mut *outcomes;
            for locator in locators(batch.column(self.locator)).into_iter().flatten() {
                // Several source rows may delete one row.
                let decided = updated.contains(locator) || (!delete && deleted.contains(locator));
                if decided && self.refuse_duplicates {
                    twice = Some(locator);
                    break;
                }
                if !decided {
                    let set = if delete { &mut *deleted } else { &mut *updated };
                    set.insert(locator);
                    claimed.push(locator);
                }
                mine.push(!decided);
            }
        }
        match twice {
            Some(locator) => Err(self.changed.old.changed_twice(locator)?),
            None => Ok((claimed, mine)),
        }
    }
}
