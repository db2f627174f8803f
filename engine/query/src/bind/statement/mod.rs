//! Statements that read or write rows.

mod assign;
mod copy_into_stage;
mod copy_into_table;
mod delete;
mod insert;
mod merge;
pub mod table_definition;
mod update;

use firn_types::{Error, Result};

use super::context::Env;
use super::{Binder, query};
use firn_parse::ast::Statement;
use firn_plan::statement::StatementPlan;

pub use insert::insert_query;

/// Binds a statement that has a plan.
///
/// # Errors
/// Compilation errors; `not_supported` for a statement without a plan, which the session runs itself.
pub(super) fn bind(
    binder: &Binder<'_>,
    statement: &Statement,
    text: &str,
) -> Result<StatementPlan> {
    let env = &Env::root(&binder.context.catalog, &binder.context.path, text);
    Ok(match statement {
        Statement::Query(ast) => {
            StatementPlan::Query(query::output_of(query::bind_query(binder, ast, env)?))
        }
        Statement::Insert(ast) => StatementPlan::Insert(insert::bind_insert(binder, ast, env)?),
        Statement::MultiInsert(ast) => {
            StatementPlan::InsertMany(insert::bind_insert_many(binder, ast, env)?)
        }
        Statement::Update(ast) => StatementPlan::Update(update::bind_update(binder, ast, env)?),
        Statement::Delete(ast) => StatementPlan::Delete(delete::bind_delete(binder, ast, env)?),
        Statement::Merge(ast) => StatementPlan::Merge(merge::bind_merge(binder, ast, env)?),
        Statement::CopyIntoTable(ast) => {
            StatementPlan::CopyIntoTable(copy_into_table::bind_copy(binder, ast, env)?)
        }
        Statement::CopyIntoLocation(ast) => {
            StatementPlan::CopyIntoStage(copy_into_stage::bind_unload(binder, ast, env)?)
        }
        _ => return Err(Error::not_supported("a plan of this statement")),
    })
}
