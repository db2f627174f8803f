//! How a dynamic table's rows follow its query: what is to be deleted, and what is to be inserted.
//!
//! ```text
//! delete:  locators of  (stored rows JOIN gone rows, with how often each is gone, ON all columns)
//!          where ROW_NUMBER() OVER (PARTITION BY all columns) <= how often
//! insert:  new rows
//! ```

use std::collections::HashMap;
use std::sync::Arc;

use firn_account::catalog::Table;
use firn_expression::Expr;
use firn_functions::registry;
use firn_plan::statement::{Delete, Query, Target};
use firn_plan::{
    Aggregate, Filter, Frame, Join, JoinKey, JoinKind, Plan, PlanColumn, Project, ProjectItem,
    Window, WindowCall, WindowTarget,
};
use firn_storage::Snapshot;
use firn_types::scan_predicate::Comparison;
use firn_types::{Error, ObjectId, Result, SqlType};

use super::net::{call, compare, item};
use super::{Interval, Version, changes_between};
use crate::bind::context::Env;
use crate::bind::expr::{cast, text_literal};
use crate::bind::query::output_of;
use crate::bind::query::source::{bind_dynamic_query, table_scan};
use crate::bind::{Binder, BoundQuery};

/// The rows of tables in one version.
pub type TableRows = HashMap<ObjectId, Arc<Snapshot>>;

/// What brings a dynamic table from one version of its tables' rows to another one.
#[derive(Debug)]
pub struct RefreshPlans {
    /// Which stored rows go; none when rows can only come.
    pub delete: Option<Delete>,
    /// Which rows come.
    pub insert: Query,
}

/// The query of a dynamic table over the rows of a version of its tables.
///
/// # Errors
/// When the query does not compile any more.
pub(crate) fn full_query(
    binder: &Binder<'_>,
    table: &Arc<Table>,
    rows: &TableRows,
) -> Result<Query> {
    let mut bound = query_of(binder, table)?;
    pin(&mut bound.plan, rows);
    Ok(output_of(bound))
}

/// The plans that carry over what has changed in its tables.
///
/// # Errors
/// As [`full_query`]; when the query's changes cannot be told from those of its tables.
pub(crate) fn refresh_plans(
    binder: &Binder<'_>,
    table: &Arc<Table>,
    from: &TableRows,
    to: &TableRows,
) -> Result<RefreshPlans> {
    let interval = Interval::between(Version::Rows(from.clone()), Version::Rows(to.clone()));
    let context = binder.context;
    let env = Env::root(&context.catalog, &context.path, "");
    let changed = |action: &str| -> Result<(BoundQuery, bool)> {
        let bind = || query_of(binder, table);
        let (changes, is_append) = changes_between(binder, table.id(), &bind, &interval, &env)?;
        Ok((with_action(binder, changes, action, table.columns.len())?, is_append))
    };
    let (came, is_append) = changed("INSERT")?;
    let delete = match is_append {
        true => None,
        false => Some(deleted(binder, table, changed("DELETE")?.0)?),
    };
    Ok(RefreshPlans { delete, insert: output_of(came) })
}

/// A dynamic table's query, as the table's columns.
fn query_of(binder: &Binder<'_>, table: &Arc<Table>) -> Result<BoundQuery> {
    let bound = bind_dynamic_query(binder, table)?;
    let items: Vec<ProjectItem> = bound
        .columns
        .iter()
        .zip(&table.columns)
        .map(|(column, stored)| item(binder, &stored.name, cast(column.expr(), stored.sql_type)))
        .collect();
    let columns = items.iter().map(ProjectItem::column).collect();
    Ok(BoundQuery { plan: Plan::Project(Project { input: Box::new(bound.plan), items }), columns })
}

/// Lets the scans of a plan read the rows of a version.
fn pin(plan: &mut Plan, rows: &TableRows) {
    if let Plan::Scan(scan) = plan
        && let Some(rows) = rows.get(&scan.table.id())
    {
        scan.snapshot = Arc::clone(rows);
    }
    plan.inputs_mut().into_iter().for_each(|input| pin(input, rows));
}

/// Of changes those of one kind, without the columns that tell it.
fn with_action(
    binder: &Binder<'_>,
    changes: BoundQuery,
    action: &str,
    width: usize,
) -> Result<BoundQuery> {
    let found = changes.columns.get(width).map(PlanColumn::expr);
    let found = found.ok_or_else(|| Error::internal("changes without what became of them"))?;
    let wanted = compare(Comparison::Equal, found, text_literal(action.into()));
    let plan = Plan::Filter(Filter { input: Box::new(changes.plan), conditions: vec![wanted] });
    let items: Vec<ProjectItem> = changes.columns[..width]
        .iter()
        .map(|column| item(binder, &column.name, column.expr()))
        .collect();
    let columns = items.iter().map(ProjectItem::column).collect();
    Ok(BoundQuery { plan: Plan::Project(Project { input: Box::new(plan), items }), columns })
}

fn deleted(binder: &Binder<'_>, table: &Arc<Table>, gone: BoundQuery) -> Result<Delete> {
    let group = |column: &PlanColumn| item(binder, &column.name, column.expr());
    let groups: Vec<ProjectItem> = gone.columns.iter().map(group).collect();
    let gone_columns: Vec<PlanColumn> = groups.iter().map(ProjectItem::column).collect();
    let count = call(binder, "COUNT", None)?;
    let times = count.column();
    let gone = Plan::Aggregate(Box::new(Aggregate {
        input: Box::new(gone.plan),
        groups,
        grouping_sets: None,
        grouping_id: None,
        aggregates: vec![count],
    }));
    let locator = binder.fresh();
    let path = binder.context.catalog.path_of(&table.header)?;
    let (stored, columns) =
        table_scan(binder, table, Arc::clone(&table.snapshot), &path, Some(locator));
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
    let function = registry::window("ROW_NUMBER")?;
    let number = binder.fresh_column("NUMBER", SqlType::INTEGER, false);
    let signature = function.resolve(Vec::new())?;
    let number_type = signature.returns;
    let call = WindowCall {
        id: number.id,
        name: number.name.clone(),
        target: WindowTarget::Window(function, signature),
        arguments: Vec::new(),
        partition_by: columns.iter().map(PlanColumn::expr).collect(),
        order_by: Vec::new(),
        frame: Frame::whole(),
        ignore_nulls: false,
    };
    let numbered = Plan::Window(Window { input: Box::new(joined), calls: vec![call], top: None });
    let number = Expr::Column { id: number.id, sql_type: number_type, nullable: false };
    let among = compare(
        Comparison::LessOrEqual,
        cast(number, SqlType::INTEGER),
        cast(times.expr(), SqlType::INTEGER),
    );
    let source = Plan::Filter(Filter { input: Box::new(numbered), conditions: vec![among] });
    let target = Target { name: table.header.name.clone(), table: Arc::clone(table) };
    Ok(Delete { target, source, locator })
}
