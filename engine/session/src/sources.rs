//! What a statement writes, and from which columns of which objects the values come.

use std::collections::{HashMap, HashSet};

use firn_account::catalog::{Table, VisibleCatalog};
use firn_expression::Expr;
use firn_plan::Plan;
use firn_plan::lineage::Lineage;
use firn_plan::statement::{Merge, MergeAction, StatementPlan};
use firn_query::bind::Accesses;
use firn_storage::ROW_ID_FIELD;
use firn_storage::format::v1::ColumnLineage;
use firn_types::{ColumnId, FieldId, ObjectId};

/// A column of an object.
pub(crate) type SourceColumn = (ObjectId, FieldId);

/// From where the values of a statement's columns come.
#[derive(Debug, Default)]
pub(crate) struct Sources {
    lineage: Lineage,
    /// Columns of what the statement itself names.
    direct: HashMap<ColumnId, SourceColumn>,
    /// Columns of what holds rows.
    base: HashMap<ColumnId, SourceColumn>,
}

impl Sources {
    /// The sources of a statement as it was bound: the optimizer makes other columns.
    pub(crate) fn of(plan: &Plan, accesses: &Accesses, catalog: &VisibleCatalog) -> Sources {
        let mut sources = Sources { lineage: Lineage::of(plan), ..Sources::default() };
        for relation in &accesses.relations {
            let Some(object) = catalog.object(relation.object) else { continue };
            let fields = object.columns().into_iter().map(|(field, ..)| (object.id(), field));
            let columns = relation.columns.iter().copied().zip(fields);
            if relation.direct {
                sources.direct.extend(columns.clone());
            }
            // A mask does not hide of which column it is.
            if object.rows().is_some() {
                sources.base.extend(columns);
            }
        }
        plan.visit(&mut |node| {
            let Plan::Scan(scan) = node else { return };
            let columns = scan.columns.iter().filter(|column| column.source.field != ROW_ID_FIELD);
            let columns =
                columns.map(|column| (column.column.id, (scan.table.id(), column.source.field)));
            sources.base.extend(columns);
        });
        sources
    }

    /// From where the values of a written column come; nothing where they come from no column.
    pub(crate) fn lineage(&self, column: SourceColumn, values: &[&Expr]) -> Option<ColumnLineage> {
        let used: Vec<ColumnId> = values.iter().flat_map(|value| value.columns_used()).collect();
        // What a view makes of columns that it also gives as they are does not name those.
        let named =
            self.lineage.reached_until(used.iter().copied(), |id| self.direct.contains_key(&id));
        let reached = self.lineage.reached(used);
        let lineage = ColumnLineage {
            column: stored(column),
            direct: among(&named, &self.direct),
            base: among(&reached, &self.base),
        };
        (!reached.is_empty()).then_some(lineage)
    }
}

fn stored((object, field): SourceColumn) -> (u64, u32) {
    (object.0, field.0)
}

fn among(
    reached: &HashSet<ColumnId>,
    sources: &HashMap<ColumnId, SourceColumn>,
) -> Vec<(u64, u32)> {
    let found = reached.iter().filter_map(|id| sources.get(id));
    let mut found: Vec<(u64, u32)> = found.copied().map(stored).collect();
    found.sort_unstable();
    found.dedup();
    found
}

/// A table that a statement writes: the positions of columns that it sets, with the values that they get.
pub(crate) struct Written<'p> {
    pub(crate) table: &'p Table,
    pub(crate) columns: Vec<(usize, Vec<&'p Expr>)>,
}

/// The tables that a statement writes.
pub(crate) fn written(plan: &StatementPlan) -> Vec<Written<'_>> {
    match plan {
        StatementPlan::Insert(plan) => {
            vec![Written { table: &plan.target.table, columns: each(&plan.assignments) }]
        }
        StatementPlan::InsertMany(plan) => {
            let targets = plan.branches.iter().flat_map(|branch| &branch.into);
            let written =
                targets.map(|(target, row)| Written { table: &target.table, columns: each(row) });
            written.collect()
        }
        StatementPlan::Update(plan) => {
            let values = plan.assignments.iter().map(|value| vec![value]);
            let columns = plan.set.iter().copied().zip(values).collect();
            vec![Written { table: &plan.target.table, columns }]
        }
        StatementPlan::Delete(plan) => {
            vec![Written { table: &plan.target.table, columns: Vec::new() }]
        }
        StatementPlan::Merge(plan) => vec![merged(plan)],
        StatementPlan::CopyIntoTable(plan) => {
            let columns = plan.columns.iter().map(|position| (*position, Vec::new())).collect();
            vec![Written { table: &plan.target.table, columns }]
        }
        StatementPlan::Query(_) | StatementPlan::CopyIntoStage(_) => Vec::new(),
    }
}

/// One value for each column.
fn each(row: &[Expr]) -> Vec<(usize, Vec<&Expr>)> {
    row.iter().map(|value| vec![value]).enumerate().collect()
}

/// What the clauses of a MERGE set: those that insert, all columns.
fn merged(plan: &Merge) -> Written<'_> {
    let mut columns: Vec<(usize, Vec<&Expr>)> = Vec::new();
    let mut set = |position: usize, value| match columns.iter().position(|(at, _)| *at == position)
    {
        Some(at) => columns[at].1.push(value),
        None => columns.push((position, vec![value])),
    };
    for clause in &plan.clauses {
        match &clause.action {
            MergeAction::Update(row) => {
                plan.set.iter().zip(row).for_each(|(position, value)| set(*position, value));
            }
            MergeAction::Insert(row) => {
                row.iter().enumerate().for_each(|(position, value)| set(position, value));
            }
            MergeAction::Delete => {}
        }
    }
    columns.sort_unstable_by_key(|(position, _)| *position);
    Written { table: &plan.target.table, columns }
}
