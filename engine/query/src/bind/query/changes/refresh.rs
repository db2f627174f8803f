//! How stored rows, those of dynamic tables and materialized views, follow their query: what is to be deleted,
//! changed and inserted, as one MERGE into them.
//!
//! ```text
//! by sums         stored rows of the changed groups, plus what has come, less what has gone (see `sums`)
//! by groups       query of the changed groups FULL JOIN their stored rows ON the keys
//! by partitions   query of the changed partitions - their stored rows
//! by values       difference of the query; what is gone is looked for among the stored rows
//! ```
//!
//! The first three are for queries whose last step has keys that are stored: what is stored need not be computed
//! again. Of the others each row that is gone takes away one stored row with its values.

use std::collections::hash_map::DefaultHasher;
use std::collections::{HashMap, HashSet};
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use firn_account::catalog::Table;
use firn_expression::Expr;
use firn_functions::Volatility;
use firn_plan::statement::{Insert, Merge, MergeAction, MergeClause, StatementPlan, Target};
use firn_plan::{
    Aggregate, Filter, Join, JoinKey, JoinKind, Plan, PlanColumn, Project, ProjectItem, Window,
};
use firn_storage::Snapshot;
use firn_types::scan_predicate::Comparison;
use firn_types::{ColumnId, ObjectId, Result, SqlType};

use super::difference::{Differences, WEIGHT, pinned, union};
use super::net::{call, compare, item, number, over, row_number};
use super::restrict::{Shared, restricted};
use super::root::{Root, RootKey, keyed_node, root_of};
use super::settle::settled;
use super::sums::Sums;
use super::{Interval, Version, changes_of_all, support};
use crate::bind::expr::cast;
use crate::bind::query::output_of;
use crate::bind::query::source::table_scan;
use crate::bind::statement::insert_query;
use crate::bind::{Binder, BoundQuery};
use crate::collation::has_key;

/// The rows of tables in one version.
pub type TableRows = HashMap<ObjectId, Arc<Snapshot>>;

/// What brings stored rows to what their query has.
#[derive(Debug)]
pub struct Refresh {
    /// A MERGE of what has changed, or an INSERT OVERWRITE of everything.
    pub statement: StatementPlan,
    /// What the query is, beyond its text: views, functions, policies and columns that it reads. Another one
    /// than at the last refresh says that rows may have changed although no table has.
    pub fingerprint: u64,
}

impl Refresh {
    /// Whether everything is computed anew.
    pub fn is_full(&self) -> bool {
        matches!(self.statement, StatementPlan::Insert(_))
    }
}

/// A query whose rows a table stores.
#[derive(Clone, Debug)]
pub struct StoredQuery(pub(crate) BoundQuery);

impl StoredQuery {
    /// The tables that it reads.
    pub fn tables(&self) -> Vec<ObjectId> {
        let mut tables = Vec::new();
        self.0.plan.visit(&mut |node| {
            if let Plan::Scan(scan) = node {
                tables.push(scan.table.id());
            }
        });
        tables.sort_unstable();
        tables.dedup();
        tables
    }
}

/// What stored rows were made of.
#[derive(Clone, Copy, Debug)]
pub struct Before<'a> {
    /// The rows of the tables at the last refresh.
    pub rows: &'a TableRows,
    /// What the query was then; none when it is known to have been the same.
    pub fingerprint: Option<u64>,
}

/// What brings the rows of a table to what a query has of one version of its tables. With `before`, what has changed
/// since is carried over, where that is possible.
///
/// # Errors
/// When the query cannot be computed at all.
pub(crate) fn refresh(
    binder: &Binder<'_>,
    table: &Arc<Table>,
    query: StoredQuery,
    before: Option<Before<'_>>,
    now: &TableRows,
) -> Result<Refresh> {
    // What policies let nobody see is stored by nobody.
    let query = as_stored(binder, table, binder.constrained_bound(query.0)?);
    let fingerprint = fingerprint(&query.plan);
    let to = Version::Rows(now.clone());
    let same = |before: &Before<'_>| before.fingerprint.is_none_or(|known| known == fingerprint);
    let full = match (followed(binder, &query), before.filter(same)) {
        (Ok((query, root)), Some(before)) => {
            let interval = Interval::between(Version::Rows(before.rows.clone()), to);
            let merge = merge(binder, table, &query, &root, &interval)?;
            return Ok(Refresh { statement: StatementPlan::Merge(merge), fingerprint });
        }
        (Ok((query, _)), None) => query,
        (Err(_), _) => query,
    };
    let statement = StatementPlan::Insert(everything(table, full, &to)?);
    Ok(Refresh { statement, fingerprint })
}

/// Refuses a query whose stored rows can only be computed anew.
///
/// # Errors
/// The reason.
pub(crate) fn refuse_full_only(binder: &Binder<'_>, query: &BoundQuery) -> Result<()> {
    followed(binder, query).map(|_| ())
}

/// The query in the form in which it is followed, and how its stored rows are found.
fn followed(binder: &Binder<'_>, query: &BoundQuery) -> Result<(BoundQuery, Root)> {
    let mut volatile = false;
    query.plan.visit(&mut |node| {
        volatile |= node.expressions().iter().any(|e| e.volatility() != Volatility::Immutable);
    });
    if volatile {
        return Err(support::volatile());
    }
    support::check_copies(&query.plan)?;
    let mut query = settled(binder, query.clone())?;
    support::check(&query.plan)?;
    support::check_size(&query.plan)?;
    if query.columns.iter().any(|column| has_key(&column.expr())) {
        return Err(support::collated());
    }
    let root = root_of(&query.plan, &query.columns);
    let is_open = |expr: &Expr, open: &HashSet<ColumnId>| {
        expr.columns_used().iter().any(|id| open.contains(id))
    };
    let decides = match &root {
        Root::Groups(keys) | Root::Partitions(keys) => {
            let mut open = HashSet::new();
            for input in keyed_node(&mut query.plan).inputs() {
                open.extend(support::undetermined(input)?);
            }
            keys.iter().any(|key| is_open(&key.expr, &open))
        }
        Root::Values => {
            let open = support::undetermined(&query.plan)?;
            query.columns.iter().any(|column| open.contains(&column.id))
        }
    };
    if decides {
        return Err(support::undetermined_rows());
    }
    Ok((query, root))
}

/// A query, as the columns of the table that stores its rows.
fn as_stored(binder: &Binder<'_>, table: &Table, query: BoundQuery) -> BoundQuery {
    let items: Vec<ProjectItem> = query
        .columns
        .iter()
        .zip(&table.columns)
        .map(|(column, stored)| item(binder, &stored.name, cast(column.expr(), stored.sql_type)))
        .collect();
    let columns = items.iter().map(ProjectItem::column).collect();
    BoundQuery { plan: Plan::Project(Project { input: Box::new(query.plan), items }), columns }
}

/// What a bound query is, whatever rows its tables have.
fn fingerprint(plan: &Plan) -> u64 {
    let mut hasher = DefaultHasher::new();
    plan.display().hash(&mut hasher);
    plan.visit(&mut |node| {
        node.expressions().iter().for_each(|expr| expr.hash(&mut hasher));
        match node {
            Plan::Scan(scan) => {
                scan.table.id().hash(&mut hasher);
                scan.columns.iter().for_each(|column| column.source.hash(&mut hasher));
            }
            Plan::Window(window) => window.calls.iter().for_each(|call| {
                format!("{:?} {}", call.frame, call.ignore_nulls).hash(&mut hasher);
            }),
            _ => {}
        }
    });
    hasher.finish()
}

/// All rows of the query instead of those that are stored.
fn everything(table: &Arc<Table>, query: BoundQuery, version: &Version) -> Result<Insert> {
    let BoundQuery { plan, columns } = query;
    let query = BoundQuery { plan: pinned(plan, version), columns };
    let insert = insert_query(output_of(query), Arc::clone(table))?;
    Ok(Insert { overwrite: true, ..insert })
}

/// What is to be done to the stored rows of a query for what has changed in an interval.
fn merge(
    binder: &Binder<'_>,
    table: &Arc<Table>,
    query: &BoundQuery,
    root: &Root,
    interval: &Interval,
) -> Result<Merge> {
    let mut tables = Vec::new();
    query.plan.visit(&mut |node| {
        if let Plan::Scan(scan) = node {
            tables.push(Arc::clone(&scan.table));
        }
    });
    let changes = changes_of_all(binder, tables, interval)?;
    let differences = Differences { binder, interval, changes: &changes, with_ids: false };
    let locator = binder.fresh_column("ROW_ADDRESS", SqlType::INTEGER, true);
    let refreshing = Refreshing { binder, table, query, differences, locator };
    match root {
        Root::Groups(keys) => match Sums::of(&query.plan, &query.columns) {
            Some(sums) => refreshing.by_sums(keys, &sums),
            None => refreshing.by_groups(keys),
        },
        Root::Partitions(keys) => refreshing.by_partitions(keys),
        Root::Values => {
            let appends = changes.values().all(|changes| changes.is_append);
            refreshing.by_values(appends && support::is_row_by_row(&query.plan))
        }
    }
}

/// What a refresh is planned of.
pub(super) struct Refreshing<'a> {
    pub(super) binder: &'a Binder<'a>,
    table: &'a Arc<Table>,
    pub(super) query: &'a BoundQuery,
    pub(super) differences: Differences<'a>,
    /// Which stored row; NULL for new ones.
    pub(super) locator: PlanColumn,
}

impl Refreshing<'_> {
    fn by_groups(&self, keys: &[RootKey]) -> Result<Merge> {
        let Some((changed, new)) = self.at_keys(keys)? else { return Ok(self.nothing()) };
        let present = item(self.binder, "PRESENT", Expr::boolean(true));
        let is_present = PlanColumn { nullable: true, ..present.column() };
        let mut items: Vec<ProjectItem> =
            self.query.columns.iter().map(ProjectItem::pass).collect();
        items.push(present);
        let new = Plan::Project(Project { input: Box::new(new), items });
        let (stored, stored_columns) = self.stored(keys, &changed)?;
        let key = |key: &RootKey| {
            let (new, stored) = (self.query.columns.get(key.at)?, stored_columns.get(key.at)?);
            Some(JoinKey { left: new.expr(), right: stored.expr(), null_equals_null: true })
        };
        let join = Join {
            kind: JoinKind::Full,
            left: Box::new(new),
            right: Box::new(stored),
            keys: keys.iter().filter_map(key).collect(),
            conditions: Vec::new(),
        };
        let nullable = |column: &PlanColumn| PlanColumn { nullable: true, ..column.clone() };
        let new_columns: Vec<PlanColumn> = self.query.columns.iter().map(nullable).collect();
        let others: Vec<usize> =
            (0..new_columns.len()).filter(|at| keys.iter().all(|key| key.at != *at)).collect();
        let is_gone = Expr::IsNull(Box::new(is_present.expr()));
        let mut differs = vec![Expr::IsNull(Box::new(self.locator.expr())), is_gone.clone()];
        differs.extend(others.iter().map(|at| Expr::Distinct {
            distinct: true,
            left: Box::new(new_columns[*at].expr()),
            right: Box::new(nullable(&stored_columns[*at]).expr()),
        }));
        let conditions = vec![Expr::Or(differs)];
        let joined = Box::new(Plan::Join(Box::new(join)));
        let source = changed.around(Plan::Filter(Filter { input: joined, conditions }));
        let values = |at: &usize| new_columns[*at].expr();
        let delete =
            MergeClause { matched: true, condition: Some(is_gone), action: MergeAction::Delete };
        let update = (!others.is_empty()).then(|| MergeClause {
            matched: true,
            condition: None,
            action: MergeAction::Update(others.iter().map(values).collect()),
        });
        let clauses = [delete].into_iter().chain(update).chain([inserting(&new_columns)]).collect();
        Ok(self.merge_of(source, others, clauses))
    }

    fn by_partitions(&self, keys: &[RootKey]) -> Result<Merge> {
        let Some((changed, new)) = self.at_keys(keys)? else { return Ok(self.nothing()) };
        let (stored, stored_columns) = self.stored(keys, &changed)?;
        let rows = NetRows::new(self.binder, &self.query.columns, &self.locator);
        let new = rows.branch(new, &self.query.columns, Expr::null(SqlType::INTEGER), 1);
        let gone = rows.branch(stored, &stored_columns, self.locator.expr(), -1);
        let rows = rows.of(self.binder, vec![gone, new])?;
        let clauses = vec![deleting(), inserting(&rows.values)];
        let source = changed.around(rows.plan);
        Ok(self.merge_at(source, rows.locator.id, Vec::new(), clauses))
    }

    /// `appends` when rows have only come.
    fn by_values(&self, appends: bool) -> Result<Merge> {
        let terms = self.differences.terms(&self.query.plan)?;
        let mut rows = NetRows::new(self.binder, &self.query.columns, &self.locator);
        let given = &self.query.columns;
        let branches: Vec<Plan> = terms
            .into_iter()
            .map(|term| rows.weighed_branch(term.plan, given, term.weight.expr()))
            .collect();
        if branches.is_empty() {
            return Ok(self.nothing());
        }
        if appends {
            rows = rows.together(self.binder, branches);
            let clauses = vec![inserting(&rows.values)];
            return Ok(self.merge_at(rows.plan, rows.locator.id, Vec::new(), clauses));
        }
        let mut rows = rows.of(self.binder, branches)?;
        let plan = std::mem::replace(&mut rows.plan, Plan::one_row());
        let columns: Vec<PlanColumn> = rows.values.iter().chain([&rows.weight]).cloned().collect();
        let net = Shared::new(self.binder, plan, &columns);
        let (came, came_columns) = self.with_weight(&net, Comparison::Greater);
        let came = rows.branch(came, &came_columns, Expr::null(SqlType::INTEGER), 1);
        let gone = self.gone(&net)?;
        let nulls = rows.values.iter().map(|column| Expr::null(column.sql_type)).collect();
        let gone = rows.valued_branch(gone, nulls, self.locator.expr(), number(-1, WEIGHT));
        let rows = rows.together(self.binder, vec![gone, came]);
        let clauses = vec![deleting(), inserting(&rows.values)];
        Ok(self.merge_at(net.around(rows.plan), rows.locator.id, Vec::new(), clauses))
    }

    /// The keys that have changed, and the query of them alone; none when nothing has changed.
    fn at_keys(&self, keys: &[RootKey]) -> Result<Option<(Shared, Plan)>> {
        let mut plan = self.query.plan.clone();
        let slot = keyed_node(&mut plan);
        let node = std::mem::replace(slot, Plan::one_row());
        let exprs = [keys.iter().map(|key| key.expr.clone()).collect::<Vec<_>>()];
        let Some(changed) = self.differences.changed_keys(&node, &exprs)? else { return Ok(None) };
        *slot = self.differences.at_keys(&node, &exprs, &changed, &self.differences.interval.to)?;
        Ok(Some((changed, plan)))
    }

    /// The stored rows with some of the keys, with their locators.
    fn stored(&self, keys: &[RootKey], known: &Shared) -> Result<(Plan, Vec<PlanColumn>)> {
        let (stored, columns) = self.scan(self.locator.id)?;
        let exprs: Vec<Expr> = keys.iter().map(|key| columns[key.at].expr()).collect();
        Ok(match exprs.is_empty() {
            true => (stored, columns),
            false => (restricted(self.binder, stored, &exprs, known), columns),
        })
    }

    /// The stored rows with their locators.
    pub(super) fn scan(&self, locator: ColumnId) -> Result<(Plan, Vec<PlanColumn>)> {
        let path = self.binder.context.catalog.path_of(&self.table.header)?;
        let rows = Arc::clone(&self.table.snapshot);
        Ok(table_scan(self.binder, self.table, rows, &path, Some(locator)))
    }

    /// The locators of stored rows that are gone: of those with the same values as many as have gone.
    fn gone(&self, net: &Shared) -> Result<Plan> {
        let (gone, columns) = self.with_weight(net, Comparison::Less);
        let groups: Vec<ProjectItem> =
            columns.iter().map(|column| item(self.binder, &column.name, column.expr())).collect();
        let gone_columns: Vec<PlanColumn> = groups.iter().map(ProjectItem::column).collect();
        let count = call(self.binder, "COUNT", None)?;
        let times = count.column();
        let gone = Plan::Aggregate(Box::new(Aggregate {
            input: Box::new(gone),
            groups,
            grouping_sets: None,
            grouping_id: None,
            aggregates: vec![count],
        }));
        let (stored, columns) = self.scan(self.locator.id)?;
        let keys = columns.iter().zip(&gone_columns).map(|(stored, gone)| JoinKey {
            left: stored.expr(),
            right: gone.expr(),
            null_equals_null: true,
        });
        let joined = Plan::Join(Box::new(Join {
            kind: JoinKind::Inner,
            left: Box::new(stored),
            right: Box::new(gone),
            keys: keys.collect(),
            conditions: Vec::new(),
        }));
        let same = columns.iter().map(PlanColumn::expr).collect();
        let call = row_number(self.binder, same)?;
        let position = cast(call.column().expr(), SqlType::INTEGER);
        let numbered =
            Plan::Window(Window { input: Box::new(joined), calls: vec![call], top: None });
        let among =
            compare(Comparison::LessOrEqual, position, cast(times.expr(), SqlType::INTEGER));
        Ok(Plan::Filter(Filter { input: Box::new(numbered), conditions: vec![among] }))
    }

    /// The values of net rows whose weight compares so with 0.
    fn with_weight(&self, net: &Shared, sign: Comparison) -> (Plan, Vec<PlanColumn>) {
        let (plan, mut columns) = net.read(self.binder);
        let weight = columns.pop().map(|weight| weight.expr());
        let conditions = weight.map(|weight| compare(sign, weight, number(0, WEIGHT)));
        let conditions = conditions.into_iter().collect();
        (Plan::Filter(Filter { input: Box::new(plan), conditions }), columns)
    }

    /// When no table has changed in a way that matters.
    pub(super) fn nothing(&self) -> Merge {
        let columns = self.query.columns.iter().chain([&self.locator]).cloned().collect();
        let clauses = vec![inserting(&self.query.columns)];
        self.merge_of(Plan::empty(columns), Vec::new(), clauses)
    }

    /// A MERGE of rows whose column of locators has its own id.
    pub(super) fn merge_of(
        &self,
        source: Plan,
        set: Vec<usize>,
        clauses: Vec<MergeClause>,
    ) -> Merge {
        self.merge_at(source, self.locator.id, set, clauses)
    }

    fn merge_at(
        &self,
        source: Plan,
        locator: ColumnId,
        set: Vec<usize>,
        clauses: Vec<MergeClause>,
    ) -> Merge {
        let name = self.table.header.name.clone();
        let target = Target { name, table: Arc::clone(self.table) };
        Merge { target, source, locator, set, clauses }
    }
}

fn deleting() -> MergeClause {
    MergeClause { matched: true, condition: None, action: MergeAction::Delete }
}

pub(super) fn inserting(values: &[PlanColumn]) -> MergeClause {
    let row = values.iter().map(PlanColumn::expr).collect();
    MergeClause { matched: false, condition: None, action: MergeAction::Insert(row) }
}

/// Rows that come and go, with their values, the locator of those that are stored, and their weight.
struct NetRows {
    plan: Plan,
    values: Vec<PlanColumn>,
    locator: PlanColumn,
    weight: PlanColumn,
}

impl NetRows {
    fn new(binder: &Binder<'_>, columns: &[PlanColumn], locator: &PlanColumn) -> NetRows {
        let fresh = |column: &PlanColumn| PlanColumn {
            id: binder.fresh(),
            nullable: true,
            ..column.clone()
        };
        NetRows {
            plan: Plan::one_row(),
            values: columns.iter().map(fresh).collect(),
            locator: fresh(locator),
            weight: binder.fresh_column("WEIGHT", WEIGHT, false),
        }
    }

    fn columns(&self) -> Vec<PlanColumn> {
        self.values.iter().chain([&self.locator, &self.weight]).cloned().collect()
    }

    fn branch(&self, plan: Plan, values: &[PlanColumn], locator: Expr, sign: i128) -> Plan {
        let values = values.iter().map(PlanColumn::expr).collect();
        self.valued_branch(plan, values, locator, number(sign, WEIGHT))
    }

    fn weighed_branch(&self, plan: Plan, values: &[PlanColumn], weight: Expr) -> Plan {
        let values = values.iter().map(PlanColumn::expr).collect();
        self.valued_branch(plan, values, Expr::null(SqlType::INTEGER), weight)
    }

    /// Some of the rows, under the common columns.
    fn valued_branch(&self, plan: Plan, values: Vec<Expr>, locator: Expr, weight: Expr) -> Plan {
        let exprs = values.into_iter().chain([locator, weight]);
        let items = self.columns().into_iter().zip(exprs).map(|(column, expr)| ProjectItem {
            id: column.id,
            name: column.name,
            expr,
        });
        Plan::Project(Project { items: items.collect(), input: Box::new(plan) })
    }

    fn together(self, binder: &Binder<'_>, branches: Vec<Plan>) -> NetRows {
        let columns = self.columns();
        let plan = union(binder, &columns, branches).unwrap_or_else(|| Plan::empty(columns));
        NetRows { plan, ..self }
    }

    /// The rows that are left when each that has come and one with its values that has gone cancel out.
    fn of(self, binder: &Binder<'_>, branches: Vec<Plan>) -> Result<NetRows> {
        let rows = self.together(binder, branches);
        let sign = |sign| compare(sign, rows.weight.expr(), number(0, WEIGHT));
        let same: Vec<Expr> = rows.values.iter().map(PlanColumn::expr).collect();
        let count = |sign_of| -> Result<_> {
            Ok(over(call(binder, "COUNT_IF", Some(sign(sign_of)))?, same.clone()))
        };
        let (came, gone) = (count(Comparison::Greater)?, count(Comparison::Less)?);
        let mut alike = same.clone();
        alike.push(rows.weight.expr());
        let place = row_number(binder, alike)?;
        let beyond = |others: &firn_plan::WindowCall| {
            let [place, others] =
                [&place, others].map(|c| cast(c.column().expr(), SqlType::INTEGER));
            compare(Comparison::Greater, place, others)
        };
        let left = Expr::Or(vec![
            Expr::And(vec![sign(Comparison::Greater), beyond(&gone)]),
            Expr::And(vec![sign(Comparison::Less), beyond(&came)]),
        ]);
        let calls = vec![came, gone, place];
        let plan = Plan::Window(Window { input: Box::new(rows.plan), calls, top: None });
        let plan = Plan::Filter(Filter { input: Box::new(plan), conditions: vec![left] });
        Ok(NetRows { plan, ..rows })
    }
}
