//! How a query's answer changes with the rows of its tables: as terms, whose sum is the difference.
//!
//! ```text
//! row by row           Δ f(A)    = f(ΔA)                      filters, projections, UNION ALL, FLATTEN
//! inner joins          Δ (A ⋈ B) = ΔA ⋈ B'  +  A ⋈ ΔB
//! kept left rows       Δ (A ⟕ B) = ΔA ⟕ B'  +  a ⟕ B'  -  a ⟕ B        a = A ⋉ ΔB
//! groups, partitions   Δ γ(A)    = γ(A' ⋉ k)  -  γ(A ⋉ k)             k = the keys of ΔA
//! ```
//!
//! `A` is what was there before and `A'` what is there now. Each row of a term has a weight, 1 when it has come and -1
//! when it has gone, and the same row with both weights has done neither (M. Budiu et al., "DBSP: Automatic
//! Incremental View Maintenance for Rich Query Languages", VLDB 2023). What is not told apart by rows is computed
//! twice, for what was there and for what is there, of those groups, partitions and left rows alone that some change
//! may concern. Where ids are asked for, a row is known by the ids of the rows that it is made of.

use std::collections::HashMap;
use std::sync::Arc;

use firn_expression::Expr;
use firn_plan::copy::rename_columns;
use firn_plan::{
    Filter, Join, JoinKey, JoinKind, LateralFunction, Plan, PlanColumn, Project, ProjectItem, Scan,
    ScanColumn, Secure, SetOperation, SetOperator,
};
use firn_storage::{ROW_ID_FIELD, Snapshot};
use firn_types::scan_predicate::Comparison;
use firn_types::{ObjectId, Result, SqlType};

use super::net::{compare, item, number};
use super::restrict::{Shared, common_partition, restricted};
use super::support::unsupported;
use super::{Interval, Side, TableChanges, Version};
use crate::bind::Binder;
use crate::bind::query::select::distinct;

/// The type of weights.
pub(super) const WEIGHT: SqlType = SqlType::Number { precision: 1, scale: 0 };

/// Some of the rows by which an answer changes.
pub(super) struct Term {
    /// The rows, with the answer's columns.
    pub(super) plan: Plan,
    /// What they are known by, if ids are asked for.
    pub(super) ids: Vec<PlanColumn>,
    /// 1 or -1.
    pub(super) weight: PlanColumn,
}

/// Rows of one version, and what they are known by.
struct Rows {
    plan: Plan,
    ids: Vec<PlanColumn>,
}

/// What the terms of a query's difference are made of.
pub(super) struct Differences<'a> {
    pub(super) binder: &'a Binder<'a>,
    pub(super) interval: &'a Interval,
    /// How the tables that the query reads have changed.
    pub(super) changes: &'a HashMap<ObjectId, TableChanges>,
    /// Whether rows are known by ids, which only the rows of filters, projections, inner joins and UNION ALL have.
    pub(super) with_ids: bool,
}

impl Differences<'_> {
    /// The terms of a plan's difference; none when nothing that it reads has changed. Each gives the plan's columns
    /// under their ids.
    ///
    /// # Errors
    /// For a plan that has no difference, see `support`.
    pub(super) fn terms(&self, plan: &Plan) -> Result<Vec<Term>> {
        match plan {
            Plan::Scan(scan) => Ok(self.changed_rows(scan).into_iter().collect()),
            Plan::Values(_) | Plan::Generate(_) => Ok(Vec::new()),
            Plan::Filter(node) => self.each(&node.input, |input| {
                Plan::Filter(Filter { input, conditions: node.conditions.clone() })
            }),
            Plan::Secure(node) => self.each(&node.input, |input| {
                Plan::Secure(Secure { input, object: node.object.clone() })
            }),
            Plan::LateralFunction(node) => self.each(&node.input, |input| {
                let (given, arguments) = (node.given.clone(), node.arguments.clone());
                let columns = node.columns.clone();
                let (function, preserves_input) = (node.function, node.preserves_input);
                let function =
                    LateralFunction { input, function, given, arguments, preserves_input, columns };
                Plan::LateralFunction(Box::new(function))
            }),
            Plan::Project(node) => {
                let terms = self.terms(&node.input)?.into_iter();
                Ok(terms.map(|term| projected(term, node.items.clone())).collect())
            }
            Plan::Sort(node) if node.limit.is_none() => self.terms(&node.input),
            Plan::Join(join) => self.join(join),
            Plan::SetOperation(set) if set.operator == SetOperator::UnionAll => self.union_all(set),
            Plan::SetOperation(set) => {
                let columns = |input: &Plan| input.columns().iter().map(PlanColumn::expr).collect();
                self.recomputed(plan, &set.inputs.iter().map(columns).collect::<Vec<_>>())
            }
            Plan::Aggregate(node) => {
                let keys = node.groups.iter().map(|group| group.expr.clone()).collect();
                self.recomputed(plan, &[keys])
            }
            Plan::Window(node) => self.recomputed(plan, &[common_partition(node)]),
            other => Err(unsupported(other)),
        }
    }

    fn each(&self, input: &Plan, node: impl Fn(Box<Plan>) -> Plan) -> Result<Vec<Term>> {
        let terms = self.terms(input)?.into_iter();
        Ok(terms.map(|term| Term { plan: node(Box::new(term.plan)), ..term }).collect())
    }

    /// The rows of a table that have come or gone.
    fn changed_rows(&self, scan: &Scan) -> Option<Term> {
        let changes = self.changes.get(&scan.table.id())?;
        let weight = self.binder.fresh_column("WEIGHT", WEIGHT, false);
        let id = self.row_id();
        let mut columns = scan.columns();
        columns.extend(self.with_ids.then(|| id.clone()));
        columns.push(weight.clone());
        let sides = changes.sides.iter().map(|side| self.side(scan, side, &id, &weight));
        let plan = union(self.binder, &columns, sides.collect())?;
        Some(Term { plan, ids: self.ids([id]), weight })
    }

    /// The rows that have come or gone: the scan's columns, the row's id where it is wanted, the weight.
    fn side(&self, scan: &Scan, side: &Side, id: &PlanColumn, weight: &PlanColumn) -> Plan {
        let mut columns = scan.columns();
        let mut plan = match self.with_ids || side.first_id.is_some() {
            true => with_row_ids(scan.clone(), Arc::clone(&side.rows), id),
            false => of_version(scan.clone(), Arc::clone(&side.rows)),
        };
        if let Some(first) = side.first_id {
            let first = number(i128::from(first), SqlType::INTEGER);
            let is_new = compare(Comparison::GreaterOrEqual, id.expr(), first);
            plan = Plan::Filter(Filter { input: Box::new(plan), conditions: vec![is_new] });
        }
        columns.extend(self.with_ids.then(|| id.clone()));
        weighed(plan, &columns, weight, side.weight)
    }

    fn union_all(&self, set: &SetOperation) -> Result<Vec<Term>> {
        let mut found = Vec::new();
        for (branch, input) in set.inputs.iter().enumerate() {
            let given = input.columns();
            for term in self.terms(input)? {
                let mut term = projected(term, renamed(&given, &set.columns));
                if self.with_ids {
                    term = self.of_branch(term, branch, id_width(set));
                }
                found.push(term);
            }
        }
        Ok(found)
    }

    /// The same row may be in several branches, which may know their rows by fewer ids.
    fn of_branch(&self, term: Term, branch: usize, width: usize) -> Term {
        let mut items: Vec<ProjectItem> =
            term.plan.columns().iter().map(ProjectItem::pass).collect();
        let known = self.branch_ids(&term.ids, branch, width);
        let ids = known.iter().map(ProjectItem::column).collect();
        items.extend(known);
        Term { plan: Plan::Project(Project { input: Box::new(term.plan), items }), ids, ..term }
    }

    /// What the rows of a branch are known by among those of all branches.
    fn branch_ids(&self, ids: &[PlanColumn], branch: usize, width: usize) -> Vec<ProjectItem> {
        let own = ids.iter().map(PlanColumn::expr);
        let own = own.chain([number(branch as i128, SqlType::INTEGER)]);
        let padding = std::iter::repeat_with(|| number(-1, SqlType::INTEGER));
        own.chain(padding).take(width).map(|expr| item(self.binder, "ROW_ID", expr)).collect()
    }

    fn join(&self, join: &Join) -> Result<Vec<Term>> {
        match join.kind {
            JoinKind::Inner => self.inner(join),
            JoinKind::Left | JoinKind::Semi | JoinKind::Anti | JoinKind::Mark { .. } => {
                self.kept_left(join)
            }
            JoinKind::Right | JoinKind::RightSemi | JoinKind::RightAnti => {
                self.kept_left(&turned(join))
            }
            JoinKind::Full => self.full(join),
            JoinKind::Single => Err(unsupported(&Plan::Join(Box::new(join.clone())))),
        }
    }

    fn inner(&self, join: &Join) -> Result<Vec<Term>> {
        let mut found = Vec::new();
        for term in self.terms(&join.left)? {
            let right = self.rows(&join.right, &self.interval.to)?;
            let ids = term.ids.into_iter().chain(right.ids).collect();
            let plan = joined(join, term.plan, right.plan);
            found.push(Term { plan, ids, weight: term.weight });
        }
        for term in self.terms(&join.right)? {
            let left = self.rows(&join.left, &self.interval.from)?;
            let ids = left.ids.into_iter().chain(term.ids).collect();
            let plan = joined(join, left.plan, term.plan);
            found.push(Term { plan, ids, weight: term.weight });
        }
        Ok(found)
    }

    /// A join of which each left row has answers of its own.
    fn kept_left(&self, join: &Join) -> Result<Vec<Term>> {
        let mut found = Vec::new();
        for term in self.terms(&join.left)? {
            let right = self.rows(&join.right, &self.interval.to)?.plan;
            found.push(Term { plan: joined(join, term.plan, right), ..term });
        }
        let changed = self.terms(&join.right)?.into_iter().map(|term| term.plan).collect();
        let right_columns = join.right.columns();
        let Some(changed) = union(self.binder, &right_columns, changed) else { return Ok(found) };
        let kept = join.left.columns();
        let concerned = Shared::new(self.binder, self.concerned(join, &changed)?, &kept);
        let weight = self.binder.fresh_column("WEIGHT", WEIGHT, false);
        let mut columns = join.columns();
        let mut branches = Vec::with_capacity(2);
        for (version, sign) in self.versions() {
            let right = self.rows(&join.right, version)?.plan;
            let plan = joined(join, concerned.as_columns(self.binder, &kept), right);
            branches.push(weighed(plan, &columns, &weight, sign));
        }
        columns.push(weight.clone());
        if let Some(plan) = union(self.binder, &columns, branches) {
            found.push(Term { plan: concerned.around(plan), ids: Vec::new(), weight });
        }
        Ok(found)
    }

    /// The left rows of before that have to do with some of the right rows that have changed.
    fn concerned(&self, join: &Join, changed: &Plan) -> Result<Plan> {
        let left = Box::new(self.rows(&join.left, &self.interval.from)?.plan);
        let (right, renaming) = changed.copied(self.binder);
        let renamed = |expr: &Expr| {
            let mut expr = expr.clone();
            rename_columns(&mut expr, &renaming);
            expr
        };
        let key = |key: &JoinKey| JoinKey { right: renamed(&key.right), ..key.clone() };
        let mark = self.binder.fresh_column("CONCERNED", SqlType::Boolean, true);
        // Where NULL may be the answer, a row with NULL has to do with all.
        let marks = matches!(join.kind, JoinKind::Mark { nulls: true, .. });
        let kind = if marks { JoinKind::Mark { id: mark.id, nulls: true } } else { JoinKind::Semi };
        let plan = Plan::Join(Box::new(Join {
            kind,
            left,
            right: Box::new(right),
            keys: join.keys.iter().map(key).collect(),
            conditions: join.conditions.iter().map(renamed).collect(),
        }));
        if !marks {
            return Ok(plan);
        }
        let not_false = Expr::Distinct {
            distinct: true,
            left: Box::new(mark.expr()),
            right: Box::new(Expr::boolean(false)),
        };
        Ok(Plan::Filter(Filter { input: Box::new(plan), conditions: vec![not_false] }))
    }

    /// The rows of a left join, and right rows without a match.
    fn full(&self, join: &Join) -> Result<Vec<Term>> {
        let mut found = self.kept_left(&Join { kind: JoinKind::Left, ..join.clone() })?;
        let alone = Join { kind: JoinKind::Anti, ..turned(join) };
        let nothing = |column: PlanColumn| ProjectItem {
            id: column.id,
            name: column.name,
            expr: Expr::null(column.sql_type),
        };
        for term in self.kept_left(&alone)? {
            let mut items: Vec<ProjectItem> =
                join.left.columns().into_iter().map(nothing).collect();
            items.extend(join.right.columns().iter().map(ProjectItem::pass));
            found.push(projected(term, items));
        }
        Ok(found)
    }

    /// A node whose rows for a value of the keys, one list for each input, come of the input rows with that value.
    fn recomputed(&self, node: &Plan, keys: &[Vec<Expr>]) -> Result<Vec<Term>> {
        let Some(changed) = self.changed_keys(node, keys)? else { return Ok(Vec::new()) };
        let mut columns = node.columns();
        let weight = self.binder.fresh_column("WEIGHT", WEIGHT, false);
        let mut branches = Vec::with_capacity(2);
        for (version, sign) in self.versions() {
            let plan = self.at_keys(node, keys, &changed, version)?;
            branches.push(weighed(plan, &columns, &weight, sign));
        }
        columns.push(weight.clone());
        let plan = union(self.binder, &columns, branches).unwrap_or_else(|| Plan::empty(columns));
        Ok(vec![Term { plan: changed.around(plan), ids: Vec::new(), weight }])
    }

    /// The different values of the keys of the rows of a node's inputs that have changed; none when none has.
    pub(super) fn changed_keys(&self, node: &Plan, keys: &[Vec<Expr>]) -> Result<Option<Shared>> {
        let first = keys.first().map_or(&[][..], Vec::as_slice);
        let columns: Vec<PlanColumn> = first
            .iter()
            .map(|key| self.binder.fresh_column("KEY", key.sql_type(), key.nullable()))
            .collect();
        let mut changed = Vec::new();
        for (input, keys) in node.inputs().into_iter().zip(keys) {
            for term in self.terms(input)? {
                let items = columns.iter().zip(keys).map(|(column, key)| ProjectItem {
                    id: column.id,
                    name: column.name.clone(),
                    expr: key.clone(),
                });
                let (input, items) = (Box::new(term.plan), items.collect());
                changed.push(Plan::Project(Project { input, items }));
            }
        }
        let changed = union(self.binder, &columns, changed).map(distinct);
        Ok(changed.map(|changed| Shared::new(self.binder, changed, &columns)))
    }

    /// A node over the rows of a version that have some of the keys; all of them where there are no keys.
    pub(super) fn at_keys(
        &self,
        node: &Plan,
        keys: &[Vec<Expr>],
        known: &Shared,
        version: &Version,
    ) -> Result<Plan> {
        let mut plan = self.rows(node, version)?.plan;
        for (input, keys) in plan.inputs_mut().into_iter().zip(keys) {
            if !keys.is_empty() {
                let rows = std::mem::replace(input, Plan::one_row());
                *input = restricted(self.binder, rows, keys, known);
            }
        }
        Ok(plan)
    }

    /// What was there before and what is there now, with their weights.
    fn versions(&self) -> [(&Version, i128); 2] {
        [(&self.interval.from, -1), (&self.interval.to, 1)]
    }

    /// A plan over the rows of a version.
    fn rows(&self, plan: &Plan, version: &Version) -> Result<Rows> {
        if !self.with_ids {
            return Ok(Rows { plan: pinned(plan.clone(), version), ids: Vec::new() });
        }
        let inputs: Vec<Rows> = plan
            .inputs()
            .into_iter()
            .map(|input| self.rows(input, version))
            .collect::<Result<_>>()?;
        match plan {
            Plan::Scan(scan) => {
                let id = self.row_id();
                let rows = version.rows(scan.table.id());
                let plan = with_row_ids(scan.as_ref().clone(), rows, &id);
                Ok(Rows { plan, ids: vec![id] })
            }
            Plan::SetOperation(set) => Ok(self.all_branches(set, inputs)),
            _ => {
                let ids: Vec<PlanColumn> =
                    inputs.iter().flat_map(|rows| rows.ids.clone()).collect();
                let mut inputs = inputs.into_iter();
                let mut plan = plan
                    .clone()
                    .map_inputs(&mut |input| inputs.next().map_or(input, |rows| rows.plan));
                if let Plan::Project(project) = &mut plan {
                    project.items.extend(ids.iter().map(ProjectItem::pass));
                }
                Ok(Rows { plan, ids })
            }
        }
    }

    /// UNION ALL, of rows that are known by their branch, too.
    fn all_branches(&self, set: &SetOperation, inputs: Vec<Rows>) -> Rows {
        let width = id_width(set);
        let ids: Vec<PlanColumn> = (0..width).map(|_| self.row_id()).collect();
        let branches = inputs.into_iter().enumerate().map(|(branch, rows)| {
            let mut items = renamed(&rows.plan.columns(), &set.columns);
            let known = self.branch_ids(&rows.ids, branch, width);
            let known = known.into_iter().zip(&ids);
            items.extend(known.map(|(item, id)| ProjectItem { id: id.id, ..item }));
            Plan::Project(Project { input: Box::new(rows.plan), items })
        });
        let columns: Vec<PlanColumn> = set.columns.iter().chain(&ids).cloned().collect();
        let plan = union(self.binder, &columns, branches.collect());
        Rows { plan: plan.unwrap_or_else(|| Plan::empty(columns)), ids }
    }

    fn row_id(&self) -> PlanColumn {
        self.binder.fresh_column("ROW_ID", SqlType::INTEGER, false)
    }

    fn ids(&self, ids: impl IntoIterator<Item = PlanColumn>) -> Vec<PlanColumn> {
        if self.with_ids { ids.into_iter().collect() } else { Vec::new() }
    }
}

/// By how many ids the rows of UNION ALL are known.
fn id_width(set: &SetOperation) -> usize {
    fn of(plan: &Plan) -> usize {
        match plan {
            Plan::Scan(_) => 1,
            Plan::SetOperation(set) => id_width(set),
            other => other.inputs().into_iter().map(of).sum(),
        }
    }
    set.inputs.iter().map(of).max().unwrap_or(0) + 1
}

/// Lets the scans of a plan read the rows of a version.
pub(super) fn pinned(plan: Plan, version: &Version) -> Plan {
    plan.transform_up(&mut |node| match node {
        Plan::Scan(mut scan) => {
            scan.snapshot = version.rows(scan.table.id());
            Plan::Scan(scan)
        }
        other => other,
    })
}

/// The rows of several plans under the ids of columns that all of them give; none of no plans.
pub(super) fn union(
    binder: &Binder<'_>,
    columns: &[PlanColumn],
    mut branches: Vec<Plan>,
) -> Option<Plan> {
    if branches.len() < 2 {
        return branches.pop();
    }
    let inputs = branches.iter().map(|branch| {
        let (copy, renaming) = branch.copied(binder);
        let items = columns.iter().map(|column| {
            let mut expr = column.expr();
            rename_columns(&mut expr, &renaming);
            item(binder, &column.name, expr)
        });
        let items = items.collect();
        Plan::Project(Project { input: Box::new(copy), items })
    });
    let (inputs, columns) = (inputs.collect(), columns.to_vec());
    let operator = SetOperator::UnionAll;
    Some(Plan::SetOperation(SetOperation { operator, inputs, columns }))
}

/// Columns of a plan, and what all of its rows weigh.
fn weighed(plan: Plan, columns: &[PlanColumn], weight: &PlanColumn, sign: i128) -> Plan {
    let mut items: Vec<ProjectItem> = columns.iter().map(ProjectItem::pass).collect();
    let (id, name) = (weight.id, weight.name.clone());
    items.push(ProjectItem { id, name, expr: number(sign, WEIGHT) });
    Plan::Project(Project { input: Box::new(plan), items })
}

/// A term with these columns instead of its own.
fn projected(term: Term, mut items: Vec<ProjectItem>) -> Term {
    items.extend(term.ids.iter().chain([&term.weight]).map(ProjectItem::pass));
    Term { plan: Plan::Project(Project { input: Box::new(term.plan), items }), ..term }
}

/// The first of the given columns under the ids of others.
fn renamed(given: &[PlanColumn], columns: &[PlanColumn]) -> Vec<ProjectItem> {
    let item = |(column, given): (&PlanColumn, &PlanColumn)| ProjectItem {
        id: column.id,
        name: column.name.clone(),
        expr: given.expr(),
    };
    columns.iter().zip(given).map(item).collect()
}

fn joined(join: &Join, left: Plan, right: Plan) -> Plan {
    Plan::Join(Box::new(Join {
        kind: join.kind,
        left: Box::new(left),
        right: Box::new(right),
        keys: join.keys.clone(),
        conditions: join.conditions.clone(),
    }))
}

/// The same join with its sides exchanged.
fn turned(join: &Join) -> Join {
    let key = |key: &JoinKey| JoinKey {
        left: key.right.clone(),
        right: key.left.clone(),
        null_equals_null: key.null_equals_null,
    };
    Join {
        kind: join.kind.turned().unwrap_or(join.kind),
        left: join.right.clone(),
        right: join.left.clone(),
        keys: join.keys.iter().map(key).collect(),
        conditions: join.conditions.clone(),
    }
}

fn of_version(mut scan: Scan, rows: Arc<Snapshot>) -> Plan {
    scan.snapshot = rows;
    Plan::Scan(Box::new(scan))
}

fn with_row_ids(mut scan: Scan, rows: Arc<Snapshot>, id: &PlanColumn) -> Plan {
    scan.columns.push(ScanColumn { column: id.clone(), source: ROW_ID_FIELD.into() });
    of_version(scan, rows)
}
