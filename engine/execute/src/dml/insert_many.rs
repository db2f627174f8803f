//! INSERT into several tables.

use arrow::array::BooleanArray;
use firn_account::Transaction;
use firn_account::catalog::Table;
use firn_column::Batch;
use firn_expression::Expr;
use firn_expression::Predicate;
use firn_plan::statement::{InsertMany, Target};
use firn_types::{ObjectId, Result};

use super::insert::append;
use super::new_rows::NewRows;
use super::source::{Layout, for_each_batch, layout_of};
use super::writer::RowsWriter;
use crate::context::QueryContext;

/// The cluster keys of a table, over columns whose ids are the table's positions.
pub type ClusterKeys<'k> = dyn Fn(&Table) -> Result<Vec<Expr>> + 'k;

/// One branch, ready to run.
struct Branch {
    condition: Option<Predicate>,
    is_else: bool,
    /// Which writer takes the rows, and how they are made.
    into: Vec<(usize, NewRows)>,
}

/// Inserts a statement's rows and tells, for each distinct target in the order in which they are
/// written, its name and how many rows it got.
///
/// # Errors
/// As [`super::insert`].
pub fn insert_many(
    plan: &InsertMany,
    cluster_keys: &ClusterKeys<'_>,
    context: &QueryContext,
    transaction: &mut Transaction,
) -> Result<Vec<(String, u64)>> {
    let targets = distinct_targets(plan);
    let mut writers = Vec::with_capacity(targets.len());
    for target in &targets {
        let keys = cluster_keys(&target.table)?;
        writers.push(RowsWriter::new(&target.table, &keys, false, context, transaction)?);
    }
    let branches = branches(plan, &targets, &layout_of(&plan.source))?;
    for_each_batch(&plan.source, context, &|place, batch| {
        for (writer, rows) in routed(&branches, plan.first, batch, context)? {
            writers[writer].write(place, rows)?;
        }
        Ok(())
    })?;
    let mut counts = Vec::with_capacity(targets.len());
    for (target, writer) in targets.iter().zip(writers) {
        let written = writer.finish()?;
        counts.push((target.name.clone(), written.rows));
        let table = target.table.id();
        let read = plan.read_targets.contains(&table);
        append(table, plan.overwrite, read, written, transaction)?;
    }
    Ok(counts)
}

fn distinct_targets(plan: &InsertMany) -> Vec<&Target> {
    let mut targets: Vec<&Target> = Vec::new();
    for (target, _) in plan.branches.iter().flat_map(|branch| &branch.into) {
        if position(&targets, target.table.id()).is_none() {
            targets.push(target);
        }
    }
    targets
}

fn position(targets: &[&Target], table: ObjectId) -> Option<usize> {
    targets.iter().position(|target| target.table.id() == table)
}

fn branches(plan: &InsertMany, targets: &[&Target], layout: &Layout) -> Result<Vec<Branch>> {
    let last = plan.branches.len().saturating_sub(1);
    let branch = |(index, branch): (usize, &firn_plan::statement::InsertBranch)| {
        let condition = branch.condition.as_ref();
        let condition = condition.map(|expr| Predicate::compile(expr, layout)).transpose()?;
        let mut into = Vec::with_capacity(branch.into.len());
        for (target, row) in &branch.into {
            let writer = position(targets, target.table.id()).unwrap_or(0);
            into.push((writer, NewRows::new(target, row, layout)?));
        }
        Ok(Branch { condition, is_else: plan.has_else && index == last, into })
    };
    plan.branches.iter().enumerate().map(branch).collect()
}

/// The new rows of a batch, with the writer that takes them.
fn routed(
    branches: &[Branch],
    first: bool,
    batch: Batch,
    context: &QueryContext,
) -> Result<Vec<(usize, Batch)>> {
    let mut routed = Vec::new();
    // The rows that a later branch may see, and those for which no condition was TRUE.
    let mut open = batch.clone();
    let mut taken = vec![false; batch.rows()];
    for branch in branches {
        let rows = match &branch.condition {
            None if branch.is_else && first => open.clone(),
            None if branch.is_else => {
                let untaken: BooleanArray = taken.iter().map(|taken| Some(!taken)).collect();
                batch.filter(&untaken)
            }
            None => batch.clone(),
            Some(condition) if first => {
                let (chosen, rest) = split(condition, open, context)?;
                open = rest;
                chosen
            }
            Some(condition) => {
                let selection = condition.select(&batch, &context.functions)?;
                for &row in selection.positions(batch.rows()).values() {
                    taken[row as usize] = true;
                }
                batch.select(&selection)
            }
        };
        if rows.rows() == 0 {
            continue;
        }
        for (writer, new_rows) in &branch.into {
            routed.push((*writer, new_rows.make(&rows, context)?));
        }
    }
    Ok(routed)
}

/// The rows for which a condition is TRUE, and the others.
pub(super) fn split(
    condition: &Predicate,
    batch: Batch,
    context: &QueryContext,
) -> Result<(Batch, Batch)> {
    let selection = condition.select(&batch, &context.functions)?;
    let rows = batch.rows();
    match selection.count(rows) {
        0 => Ok((batch.slice(0, 0), batch)),
        count if count == rows => Ok((batch.clone(), batch.slice(0, 0))),
        _ => {
            let mut rest = vec![true; rows];
            for &row in selection.positions(rows).values() {
                rest[row as usize] = false;
            }
            Ok((batch.select(&selection), batch.filter(&BooleanArray::from(rest))))
        }
    }
}
