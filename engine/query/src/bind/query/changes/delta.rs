//! How a query's answer changes with the rows of its tables: the sum of one term for each table.
//!
//! ```text
//! changes of  A JOIN B JOIN C   from old to new =
//!     changes of A JOIN new B     JOIN new C
//!   + old A       JOIN changes of B JOIN new C
//!   + old A       JOIN old B       JOIN changes of C
//! ```
//!
//! where each row of the changes has a weight, 1 when it has come and -1 when it has gone, and the same row with
//! both weights has done neither (M. Budiu et al., "DBSP: Automatic Incremental View Maintenance for Rich Query
//! Languages", VLDB 2023). A row of the answer is known by the ids of the rows that it is made of.

use std::sync::Arc;

use firn_account::catalog::Table;
use firn_plan::{
    Filter, Join, JoinKind, Plan, PlanColumn, Project, ProjectItem, Scan, ScanColumn, Secure,
    SetOperation, SetOperator,
};
use firn_storage::{ROW_ID_FIELD, Snapshot};
use firn_types::scan_predicate::Comparison;
use firn_types::{Error, ErrorCode, Result, SqlType};

use super::net::{compare, item, number};
use super::{Interval, Side, TableChanges};
use crate::bind::{Binder, BoundQuery};

/// The type of weights.
pub(super) const WEIGHT: SqlType = SqlType::Number { precision: 1, scale: 0 };

/// The rows by which one table changes the answer.
pub(super) struct Term {
    pub(super) plan: Plan,
    /// The answer's columns.
    pub(super) columns: Vec<PlanColumn>,
    /// What its rows are known by.
    pub(super) ids: Vec<PlanColumn>,
    /// 1 or -1.
    pub(super) weight: PlanColumn,
}

/// The tables that a plan reads, in the order of its scans.
///
/// # Errors
/// For a plan whose changes cannot be told from those of its tables one by one.
pub(super) fn tables(plan: &Plan) -> Result<Vec<Arc<Table>>> {
    let (name, fits) = match plan {
        Plan::Scan(scan) => return Ok(vec![Arc::clone(&scan.table)]),
        Plan::Values(_) | Plan::Filter(_) | Plan::Project(_) | Plan::Secure(_) => ("", true),
        Plan::Join(join) => ("outer joins", join.kind == JoinKind::Inner),
        Plan::SetOperation(set) => {
            ("set operations but UNION ALL", set.operator == SetOperator::UnionAll)
        }
        Plan::Aggregate(_) => ("aggregation or DISTINCT", false),
        Plan::Window(_) => ("window functions", false),
        Plan::Sort(_) | Plan::Limit(_) => ("ORDER BY or LIMIT", false),
        Plan::Apply(_) => ("subqueries in expressions", false),
        Plan::With(_) | Plan::CteRef(_) | Plan::RecursiveCte(_) => {
            ("common table expressions", false)
        }
        Plan::LateralFunction(_) | Plan::ForeignTable(_) | Plan::Generate(_) => {
            ("table functions", false)
        }
        Plan::VirtualScan(_) | Plan::StageScan(_) => ("rows of no table", false),
        Plan::Sample(_) => ("SAMPLE", false),
    };
    if !fits {
        let text = format!("Change tracking is not supported on queries with {name}.");
        return Err(Error::new(ErrorCode::InvalidStatement, text));
    }
    let each = plan.inputs().into_iter().map(tables);
    Ok(each.collect::<Result<Vec<_>>>()?.into_iter().flatten().collect())
}

/// The term of the scan at a position, of a query that was bound for it alone.
pub(super) fn term(
    binder: &Binder<'_>,
    bound: BoundQuery,
    at: usize,
    changes: &TableChanges,
    interval: &Interval,
) -> Result<Term> {
    let mut deriving = Deriving { binder, at, changes, interval, scans: 0 };
    let part = deriving.part(bound.plan)?;
    let weight = part.weight.ok_or_else(|| Error::internal("a change without a weight"))?;
    Ok(Term { plan: part.plan, columns: bound.columns, ids: part.ids, weight })
}

/// One term that is being made.
struct Deriving<'a> {
    binder: &'a Binder<'a>,
    /// The scan whose changes are read.
    at: usize,
    changes: &'a TableChanges,
    interval: &'a Interval,
    /// How many scans were met.
    scans: usize,
}

/// A part of a term: its rows, what they are known by, and their weight if the changes are among them.
struct Part {
    plan: Plan,
    ids: Vec<PlanColumn>,
    weight: Option<PlanColumn>,
}

impl Deriving<'_> {
    fn part(&mut self, plan: Plan) -> Result<Part> {
        match plan {
            Plan::Scan(scan) => Ok(self.scan(*scan)),
            Plan::Filter(Filter { input, conditions }) => {
                let part = self.part(*input)?;
                let input = Box::new(part.plan);
                Ok(Part { plan: Plan::Filter(Filter { input, conditions }), ..part })
            }
            Plan::Secure(Secure { input, object }) => {
                let part = self.part(*input)?;
                let input = Box::new(part.plan);
                Ok(Part { plan: Plan::Secure(Secure { input, object }), ..part })
            }
            Plan::Project(Project { input, mut items }) => {
                let part = self.part(*input)?;
                items.extend(part.ids.iter().chain(&part.weight).map(ProjectItem::pass));
                let input = Box::new(part.plan);
                Ok(Part { plan: Plan::Project(Project { input, items }), ..part })
            }
            Plan::Join(join) => self.join(*join),
            Plan::SetOperation(set) => self.branch(set),
            plan => Ok(Part { plan, ids: Vec::new(), weight: None }),
        }
    }

    fn join(&mut self, join: Join) -> Result<Part> {
        let left = self.part(*join.left)?;
        let right = self.part(*join.right)?;
        let mut ids = left.ids;
        ids.extend(right.ids);
        let (left_plan, right_plan) = (Box::new(left.plan), Box::new(right.plan));
        let join = Join { left: left_plan, right: right_plan, ..join };
        Ok(Part { plan: Plan::Join(Box::new(join)), ids, weight: left.weight.or(right.weight) })
    }

    /// Of UNION ALL only the branch counts that has the changes.
    fn branch(&mut self, set: SetOperation) -> Result<Part> {
        let mut found = None;
        for (branch, input) in set.inputs.into_iter().enumerate() {
            let given = input.columns();
            let part = self.part(input)?;
            if part.weight.is_some() {
                found = Some((branch, given, part));
            }
        }
        let Some((branch, given, part)) = found else {
            return Ok(Part { plan: Plan::empty(set.columns), ids: Vec::new(), weight: None });
        };
        let mut items: Vec<ProjectItem> = set
            .columns
            .iter()
            .zip(&given)
            .map(|(column, given)| ProjectItem {
                id: column.id,
                name: column.name.clone(),
                expr: given.expr(),
            })
            .collect();
        // The same row may be in several branches.
        let branch = item(self.binder, "BRANCH", number(branch as i128, SqlType::INTEGER));
        items.extend(part.ids.iter().chain(&part.weight).map(ProjectItem::pass));
        let mut ids = part.ids;
        ids.push(branch.column());
        items.push(branch);
        let plan = Plan::Project(Project { input: Box::new(part.plan), items });
        Ok(Part { plan, ids, weight: part.weight })
    }

    /// The table's changes where they are asked for; else its rows: those from before in the scans that come
    /// first, the new ones in the others.
    fn scan(&mut self, scan: Scan) -> Part {
        let number = self.scans;
        self.scans += 1;
        if number == self.at {
            return self.changed(&scan);
        }
        let version = if number < self.at { &self.interval.from } else { &self.interval.to };
        let rows = version.rows(scan.table.id());
        let id = self.row_id();
        let plan = with_row_ids(scan, rows, &id);
        Part { plan, ids: vec![id], weight: None }
    }

    fn changed(&self, scan: &Scan) -> Part {
        let sides = self.changes.sides.iter();
        let mut inputs: Vec<(Plan, Vec<PlanColumn>)> =
            sides.map(|side| self.side(scan, side)).collect();
        let only = if inputs.len() == 1 { inputs.pop() } else { None };
        let (plan, columns) = match only {
            Some((plan, columns)) => (plan, columns),
            None => {
                let columns = inputs.first().map_or_else(Vec::new, |(_, columns)| columns.clone());
                let fresh =
                    |column: &PlanColumn| PlanColumn { id: self.binder.fresh(), ..column.clone() };
                let columns: Vec<PlanColumn> = columns.iter().map(fresh).collect();
                let inputs = inputs.into_iter().map(|(plan, _)| plan).collect();
                let operator = SetOperator::UnionAll;
                let set = SetOperation { operator, inputs, columns: columns.clone() };
                (Plan::SetOperation(set), columns)
            }
        };
        // Under the ids that the rest of the query knows the table's columns by.
        let known = scan.columns.iter().map(|column| column.column.clone());
        let extra = [self.row_id(), self.binder.fresh_column("WEIGHT", WEIGHT, false)];
        let [id, weight] = extra.clone();
        let items = known.chain(extra).zip(&columns).map(|(column, given)| ProjectItem {
            id: column.id,
            name: column.name,
            expr: given.expr(),
        });
        let plan = Plan::Project(Project { input: Box::new(plan), items: items.collect() });
        Part { plan, ids: vec![id], weight: Some(weight) }
    }

    /// The rows that have come or gone: the scan's columns, the row's id, the weight.
    fn side(&self, scan: &Scan, side: &Side) -> (Plan, Vec<PlanColumn>) {
        let mut scan = scan.clone();
        for column in &mut scan.columns {
            column.column.id = self.binder.fresh();
        }
        let mut columns: Vec<PlanColumn> =
            scan.columns.iter().map(|column| column.column.clone()).collect();
        let id = self.row_id();
        let mut plan = with_row_ids(scan, Arc::clone(&side.rows), &id);
        if let Some(first) = side.first_id {
            let first = number(i128::from(first), SqlType::INTEGER);
            let is_new = compare(Comparison::GreaterOrEqual, id.expr(), first);
            plan = Plan::Filter(Filter { input: Box::new(plan), conditions: vec![is_new] });
        }
        columns.push(id);
        let mut items: Vec<ProjectItem> = columns.iter().map(ProjectItem::pass).collect();
        let weight = item(self.binder, "WEIGHT", number(side.weight, WEIGHT));
        columns.push(weight.column());
        items.push(weight);
        (Plan::Project(Project { input: Box::new(plan), items }), columns)
    }

    fn row_id(&self) -> PlanColumn {
        self.binder.fresh_column("ROW_ID", SqlType::INTEGER, false)
    }
}

fn with_row_ids(mut scan: Scan, rows: Arc<Snapshot>, id: &PlanColumn) -> Plan {
    scan.snapshot = rows;
    scan.columns.push(ScanColumn { column: id.clone(), field: ROW_ID_FIELD });
    Plan::Scan(Box::new(scan))
}
