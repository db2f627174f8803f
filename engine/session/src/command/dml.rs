//! INSERT, UPDATE, DELETE, MERGE and COPY: from a plan to counts.

use firn_account::Transaction;
use firn_account::catalog::Table;
use firn_execute::QueryContext;
use firn_execute::dml;
use firn_expression::Expr;
use firn_parse::ast::Statement;
use firn_plan::statement::{InsertMany, Merge, StatementPlan, Update};
use firn_types::{Error, Field, Result, SqlType, Value};

use super::copy;
use crate::lifecycle::{Answer, StatementContext};
use crate::planning::cluster_keys;
use crate::result::Rows;

/// The type of all counts of rows.
const COUNT: SqlType = SqlType::Number { precision: 19, scale: 0 };

/// The columns of counts.
pub(crate) const INSERTED: &str = "number of rows inserted";
pub(crate) const UPDATED: &str = "number of rows updated";
pub(crate) const MULTI_JOINED: &str = "number of multi-joined rows updated";
pub(crate) const DELETED: &str = "number of rows deleted";

/// The column of the rows that went into one of several tables.
pub(crate) fn inserted_into(table: &str) -> String {
    format!("number of rows inserted into {table}")
}

/// A column of counts.
pub(crate) fn count_field(name: &str) -> Field {
    Field::new(name, COUNT).required()
}

/// Runs a DML statement and answers with its counts. A statement whose rows others change meanwhile waits for
/// them if their transaction is open, and is planned and run again on what they leave.
///
/// # Errors
/// When the statement does not compile, its rows cannot be computed or stored, or the rows that it changes stay
/// locked.
pub(crate) fn run(running: &mut StatementContext, statement: &Statement) -> Result<Answer> {
    // Whoever writes in the open transaction lets others of the session wait: not for a warehouse.
    running.admit()?;
    let alone = running.is_alone();
    let mut purge = copy::Purge::default();
    let answer = running.write_at_last(|running, transaction| {
        let mut plan = running.plan(statement)?;
        if let (Some(pipe), StatementPlan::CopyIntoTable(plan)) = (running.pipe, &mut plan) {
            copy::run_by(pipe, plan);
        }
        if !dml::is_current(&plan, transaction)? {
            return Ok(None);
        }
        if alone {
            running.apply_at_commit(transaction)?;
        }
        match &plan {
            StatementPlan::CopyIntoTable(plan) => {
                let (answer, files) = copy::load(running, plan, transaction)?;
                purge = files;
                running.consume_streams(transaction)?;
                Ok(Some(answer))
            }
            plan => execute(running, plan, transaction).map(Some),
        }
    })?;
    // Within an open transaction the files stay: it may be rolled back yet.
    if alone {
        running.committed();
        purge.run();
    }
    Ok(answer)
}

/// Runs a planned statement within a transaction.
///
/// # Errors
/// As [`run`].
pub(crate) fn execute(
    running: &mut StatementContext,
    plan: &StatementPlan,
    transaction: &mut Transaction,
) -> Result<Answer> {
    let mut context = running.query_context()?;
    context.purpose = plan.operation();
    let answer = write(running, plan, &context, transaction)?;
    running.consume_streams(transaction)?;
    Ok(answer)
}

fn write(
    running: &mut StatementContext,
    plan: &StatementPlan,
    context: &QueryContext,
    transaction: &mut Transaction,
) -> Result<Answer> {
    match plan {
        StatementPlan::Insert(plan) => {
            let keys = keys_of(running, &plan.target.table)?;
            let count = dml::insert(plan, &keys, context, transaction)?;
            counts(running, vec![(INSERTED.to_string(), count)])
        }
        StatementPlan::InsertMany(plan) => insert_many(running, plan, context, transaction),
        StatementPlan::Update(plan) => update(running, plan, context, transaction),
        StatementPlan::Delete(plan) => {
            let count = dml::delete(plan, context, transaction)?;
            counts(running, vec![(DELETED.to_string(), count)])
        }
        StatementPlan::Merge(plan) => merge(running, plan, context, transaction),
        StatementPlan::CopyIntoTable(plan) => {
            copy::load(running, plan, transaction).map(|(answer, _)| answer)
        }
        StatementPlan::CopyIntoStage(plan) => copy::unload(running, plan),
        StatementPlan::Query(_) => Err(Error::internal("a query among the statements that write")),
    }
}

fn insert_many(
    running: &StatementContext,
    plan: &InsertMany,
    context: &QueryContext,
    transaction: &mut Transaction,
) -> Result<Answer> {
    let keys = |table: &Table| keys_of(running, table);
    let inserted = dml::insert_many(plan, &keys, context, transaction)?;
    let named = |(name, count): (String, u64)| (inserted_into(&name), count);
    counts(running, inserted.into_iter().map(named).collect())
}

fn update(
    running: &StatementContext,
    plan: &Update,
    context: &QueryContext,
    transaction: &mut Transaction,
) -> Result<Answer> {
    let keys = keys_of(running, &plan.target.table)?;
    let refuse = running.session.settings.is_true("ERROR_ON_NONDETERMINISTIC_UPDATE");
    let changed = dml::update(plan, &keys, refuse, context, transaction)?;
    let named = vec![
        (UPDATED.to_string(), changed.updated),
        (MULTI_JOINED.to_string(), changed.multi_joined),
    ];
    let mut answer = counts(running, named)?;
    answer.affected = Some(changed.updated);
    Ok(answer)
}

fn merge(
    running: &StatementContext,
    plan: &Merge,
    context: &QueryContext,
    transaction: &mut Transaction,
) -> Result<Answer> {
    let keys = keys_of(running, &plan.target.table)?;
    let refuse = running.session.settings.is_true("ERROR_ON_NONDETERMINISTIC_MERGE");
    let merged = dml::merge(plan, &keys, refuse, context, transaction)?;
    let named = [(INSERTED, merged.inserted), (UPDATED, merged.updated), (DELETED, merged.deleted)];
    let present = |(name, count): (&str, Option<u64>)| Some((name.to_string(), count?));
    counts(running, named.into_iter().filter_map(present).collect())
}

/// The table's cluster keys as expressions.
pub(crate) fn keys_of(running: &StatementContext, table: &Table) -> Result<Vec<Expr>> {
    if table.cluster_by.is_empty() {
        return Ok(Vec::new());
    }
    let functions = running.function_context();
    running.with_binder(&functions, |binder| cluster_keys(binder, table))
}

/// One row of counts; their sum is the number of rows affected.
fn counts(running: &StatementContext, counts: Vec<(String, u64)>) -> Result<Answer> {
    let fields = counts.iter().map(|(name, _)| count_field(name));
    let mut rows = Rows::new(fields.collect());
    rows.rows.push(counts.iter().map(|(_, count)| Value::integer(i128::from(*count))).collect());
    let mut answer = Answer::of(&rows)?;
    answer.affected = Some(counts.iter().map(|(_, count)| count).sum());
    running.record.details().counts = counts;
    Ok(answer)
}
