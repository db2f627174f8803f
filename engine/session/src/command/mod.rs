//! Statements without a plan, one file per kind of object: create, alter and drop together.

pub(crate) mod dml;
pub(crate) mod refresh;

mod access_token;
mod alert;
mod attach;
mod call;
mod comment;
mod container;
mod copy;
mod definition;
mod drop;
pub(crate) mod dynamic_table;
mod explain;
mod external_table;
mod foreign_procedure;
mod function;
mod grant;
mod handler;
mod kind;
mod object;
mod object_alter;
mod option_table;
mod parameter;
mod pipe;
mod policy;
mod procedure;
pub(crate) mod script;
pub(crate) mod script_file;
mod script_template;
mod stage_directory;
mod stage_files;
mod stream;
mod table;
mod table_alter;
mod task;
mod template;
mod use_;
mod variable;
mod view;

use firn_parse::ast::{ObjectKind, Show, Statement};
use firn_types::{Error, Field, Result};

use crate::introspect::{describe, show};
use crate::lifecycle::{Answer, StatementContext};
use crate::result::Rows;

/// The columns of a command that tells something; none of one that does something and answers with a status.
/// Nothing is run, evaluated or read but the catalog.
///
/// # Errors
/// When what is asked for does not exist.
pub(crate) fn columns(
    running: &StatementContext,
    statement: &Statement,
) -> Result<Option<Vec<Field>>> {
    let rows = match statement {
        Statement::Show(ast) => show::run(running, &Show { limit: Some(0), ..(**ast).clone() })?,
        Statement::Describe(ast) => describe::columns(running, ast)?,
        Statement::Explain(ast) => explain::columns(ast.format),
        Statement::Put(_) => stage_files::put_rows(),
        Statement::Get(_) => stage_files::get_rows(),
        Statement::List(_) => stage_files::list_rows(),
        Statement::Remove(_) => stage_files::remove_rows(),
        Statement::CopyFiles(_) => stage_files::copy_rows(),
        _ => return Ok(None),
    };
    Ok(Some(rows.fields))
}

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
        Statement::CreateDynamicTable(ast) => dynamic_table::create(running, ast)?,
        Statement::CreateExternalTable(ast) => external_table::create(running, ast)?,
        Statement::CreateTask(ast) => task::create(running, ast)?,
        Statement::ExecuteTask(ast) => task::execute(running, ast)?,
        Statement::CreateAlert(ast) => alert::create(running, ast)?,
        Statement::ExecuteAlert(name) => alert::execute(running, name)?,
        Statement::CreatePipe(ast) => pipe::create(running, ast)?,
        Statement::CreateStream(ast) => stream::create(running, ast)?,
        Statement::CreatePolicy(ast) => policy::create(running, ast)?,
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
            running.begin_transaction(name.as_ref())?;
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
        Statement::CopyFiles(ast) => stage_files::copy(running, ast)?,
        Statement::Describe(ast) => describe::run(running, ast)?,
        Statement::Grant(ast) => grant::grant(running, ast)?,
        Statement::Revoke(ast) => grant::revoke(running, ast)?,
        Statement::Query(_)
        | Statement::UsingPolicyContext(_)
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
