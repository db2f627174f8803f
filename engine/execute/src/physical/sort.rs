//! Sort, and the first rows of an order.

use std::sync::Arc;

use firn_column::row_key::KeyOrder;
use firn_expression::Expr;
use firn_plan::{Plan, Project, ProjectItem, Scan, ScanColumn, Sort, SortKey};
use firn_types::{ColumnId, Result, SqlType};

use super::scan::read_column;
use super::{Builder, Stream, Wanted, started, transformed, wanted_with};
use crate::evaluate::{Expressions, Layout};
use crate::operators::fetch::FetchTransform;
use crate::operators::sort::{self, SortSpec, TopBound, TopN};
use crate::profile::OperatorId;

/// More rows than this are sorted rather than kept as candidates.
const TOP_N_ROWS_MAX: u64 = 1 << 17;

/// More rows than this are not looked up by their locators.
const LATE_ROWS_MAX: u64 = 1 << 10;
/// The column of rows' locators between a scan and the operator that fetches more columns; no column of a plan
/// has this number.
const ROW_LOCATOR: ColumnId = ColumnId(u32::MAX);

impl Builder<'_, '_> {
    pub(super) fn sort(&mut self, node: &Sort, wanted: &Wanted, id: OperatorId) -> Result<Stream> {
        let late = LateColumns::of(node, wanted);
        let below = match &late {
            Some(late) => late.below.clone(),
            None => wanted_with(wanted, node.keys.iter().map(|key| &key.expr)),
        };
        let plan = late.as_ref().map_or(node.input.as_ref(), |late| &late.plan);
        let mut runtime_filters = self.runtime_filters.clone();
        let bound = node.keys.first().map(|key| {
            let bound = Arc::new(TopBound::new(key.expr.sql_type(), key_order(key)));
            if let (Some(id), Some(_)) = (key.expr.as_column(), node.limit) {
                runtime_filters.bounds.push((id, Arc::clone(&bound)));
            }
            bound
        });
        let input =
            self.with_runtime_filters(runtime_filters, |builder| builder.build(plan, &below))?;
        let payload = input.layout.positions_where(|id| wanted.contains(&id) || id == ROW_LOCATOR);
        let layout = input.layout.project(&payload);
        let spec = sort_spec(&node.keys, payload, &input.layout)?;
        match (node.limit, bound) {
            (Some(limit), Some(bound)) if limit <= TOP_N_ROWS_MAX => {
                let top = Arc::new(TopN::new(spec, limit as usize, bound));
                self.end_in(input, top.clone(), id);
                let first = started(top, layout, id);
                match late {
                    Some(late) => late.fetch(first, id),
                    None => Ok(first),
                }
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

/// Columns that are read only of the rows that come first.
struct LateColumns<'p> {
    /// The input, with the rows' locators.
    plan: Plan,
    scan: &'p Scan,
    /// What is wanted of the input, the locators among it.
    below: Wanted,
    columns: Vec<&'p ScanColumn>,
}

impl<'p> LateColumns<'p> {
    /// The columns of a scan below that neither its conditions nor the order's keys need; none where all of
    /// them are needed, or more rows are wanted than are worth being looked up.
    fn of(node: &'p Sort, wanted: &Wanted) -> Option<LateColumns<'p>> {
        if node.limit.is_none_or(|limit| limit > LATE_ROWS_MAX) {
            return None;
        }
        let (scan, project) = match node.input.as_ref() {
            Plan::Scan(scan) => (scan, None),
            Plan::Project(project) => match project.input.as_ref() {
                Plan::Scan(scan) => (scan, Some(project)),
                _ => return None,
            },
            _ => return None,
        };
        if scan.limit.is_some() || scan.row_locator.is_some() {
            return None;
        }
        let mut early = Wanted::new();
        scan.conditions.iter().for_each(|condition| early.extend(condition.columns_used()));
        node.keys.iter().for_each(|key| early.extend(key.expr.columns_used()));
        let passed = |id: ColumnId| {
            let is_passed = |item: &ProjectItem| item.id == id && item.expr.as_column() == Some(id);
            project.is_none_or(|project| project.items.iter().any(is_passed))
        };
        let is_late = |column: &&ScanColumn| {
            let id = column.column.id;
            wanted.contains(&id) && !early.contains(&id) && passed(id)
        };
        let columns: Vec<&ScanColumn> = scan.columns.iter().filter(is_late).collect();
        if columns.is_empty() {
            return None;
        }
        let late: Wanted = columns.iter().map(|column| column.column.id).collect();
        let keys = node.keys.iter().flat_map(|key| key.expr.columns_used());
        let below = wanted.iter().copied().chain(keys).filter(|id| !late.contains(id));
        let below = below.chain([ROW_LOCATOR]).collect();
        Some(LateColumns { plan: with_address(scan, project), scan, below, columns })
    }

    /// The rows that come first, with the columns.
    fn fetch(self, first: Stream, id: OperatorId) -> Result<Stream> {
        let late = self.columns.iter().map(|column| (column.column.id, column.column.sql_type));
        let all = first.layout.joined(&Layout::new(late.collect()));
        let output = all.positions_where(|id| id != ROW_LOCATOR);
        let columns = self.columns.iter().map(|column| read_column(self.scan, column));
        let transform = FetchTransform {
            partitions: self.scan.snapshot.partitions()?.clone(),
            columns: columns.collect::<Result<_>>()?,
            locator: first.layout.position(ROW_LOCATOR)?,
            output: output.clone(),
        };
        let layout = all.project(&output);
        Ok(transformed(first, transform, layout, id))
    }
}

/// The plan of a scan, below a projection where there is one, that gives the rows' locators too.
fn with_address(scan: &Scan, project: Option<&Project>) -> Plan {
    let scan = Plan::Scan(Box::new(Scan { row_locator: Some(ROW_LOCATOR), ..scan.clone() }));
    let Some(project) = project else { return scan };
    let mut items = project.items.clone();
    let sql_type = SqlType::INTEGER;
    let expr = Expr::Column { id: ROW_LOCATOR, sql_type, nullable: false };
    items.push(ProjectItem { id: ROW_LOCATOR, name: "ROW_LOCATOR".to_string(), expr });
    Plan::Project(Project { input: Box::new(scan), items })
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
