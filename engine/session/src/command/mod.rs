//! Statements without a plan, one file per kind of object: create, alter and drop together.

pub(crate) mod dml;
pub(crate) mod refresh;

mod access_token;
mod comment;
mod container;
mod copy;
mod definition;
mod drop;
mod explain;
mod function;
mod grant;
mod kind;
mod object;
mod object_alter;
mod option_table;
mod parameter;
mod procedure;
pub(crate) mod script;
mod stage_files;
mod table;
mod table_alter;
mod template;
mod use_;
mod variable;
mod view;

use firn_parse::ast::{ObjectKind, Statement};
use firn_types::{Error, Result};

use crate::introspect::{describe, show};
use crate::lifecycle::{Answer, StatementContext};
use crate::result::Rows;

/// Runs a command.
///
/// # Errors
/// What the command's own file says.
pub(crate) fn run(running: &mut StatementContext, statement: &Statement) -> Result<Answer> {
    let rows = match statement {
        Statement::Truncate(ast) => table::truncate(running, ast)?,
        Statement::CreateTable(ast) => return table::create(running, ast),
        Statement::CreateView(ast) => view::create(running, ast)?,
        Statement::CreateFunction(ast) => function::create(running, ast)?,
        Statement::CreateProcedure(ast) => procedure::create(running, ast)?,
        Statement::CreateObject(ast) => match ast.kind {
            ObjectKind::Database | ObjectKind::Schema => container::create(running, ast)?,
            _ => object::create(running, ast)?,
        },
        Statement::AlterTable(ast) => table_alter::alter(running, ast)?,
        Statement::AlterSessionSet(options) => parameter::set(running, options)?,
        Statement::AlterSessionUnset(names) => parameter::unset(running, names)?,
        Statement::Drop(ast) => drop::drop_object(running, ast)?,
        Statement::Undrop(ast) => drop::undrop(running, ast)?,
        Statement::Use(ast) => use_::run(running, ast)?,
        Statement::SetVariables(ast) => variable::set(running, ast)?,
        Statement::UnsetVariables(names) => variable::unset(running, names)?,
        Statement::Begin(name) => {
            running.begin_transaction(name.as_ref());
            Rows::done()
        }
        Statement::Commit => {
            running.commit_open()?;
            Rows::done()
        }
        Statement::Rollback => {
            running.roll_back()?;
            Rows::done()
        }
        Statement::Explain(ast) => explain::run(running, ast)?,
        Statement::AlterObject(ast) => object_alter::alter(running, ast)?,
        Statement::Comment(ast) => comment::comment(running, ast)?,
        Statement::Show(ast) => show::run(running, ast)?,
        Statement::Put(ast) => stage_files::put(running, ast)?,
        Statement::Get(ast) => stage_files::get(running, ast)?,
        Statement::List(ast) => stage_files::list(running, ast)?,
        Statement::Remove(ast) => stage_files::remove(running, ast)?,
        Statement::Describe(ast) => describe::run(running, ast)?,
        Statement::Grant(ast) => grant::grant(running, ast)?,
        Statement::Revoke(ast) => grant::revoke(running, ast)?,
        Statement::Query(_)
        | Statement::Insert(_)
        | Statement::MultiInsert(_)
        | Statement::Update(_)
        | Statement::Delete(_)
        | Statement::Merge(_)
        | Statement::CopyIntoTable(_)
        | Statement::CopyIntoLocation(_)
        | Statement::Block(_)
        | Statement::Pipe(_)
        | Statement::ExecuteImmediate(_)
        | Statement::Call(_) => {
            return Err(Error::internal("a statement with a plan among the commands"));
        }
    };
    Answer::of(&rows)
}
