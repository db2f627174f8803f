//! CREATE PROCEDURE.

use firn_account::catalog::{FunctionTraits, Object, ObjectKind, Parameter, Procedure, signature};
use firn_parse::ast::CreateRoutine;
use firn_types::{Code, Error, Language, Result};

use super::function::{parameters, returns};
use super::option_table::{self, Place};
use crate::lifecycle::StatementContext;
use crate::result::Rows;

/// Creates a procedure; its body must be a block.
///
/// # Errors
/// When it is none, an option is wrong, or the name is taken.
pub(super) fn create(running: &mut StatementContext, ast: &CreateRoutine) -> Result<Rows> {
    option_table::check(ObjectKind::Procedure, Place::Create, &ast.options)?;
    let path = running.path(&ast.name, "CREATE PROCEDURE")?;
    let schema = running.catalog().expect_schema(&path)?;
    let parameters = parameters(running, &ast.parameters)?;
    let name = signature(&path.name, &Parameter::types(&parameters));
    if ast.language != Language::Sql {
        let words = format!("CREATE PROCEDURE .. LANGUAGE {}", ast.language);
        return Err(Error::not_supported(words));
    }
    firn_parse::parse_block(&ast.body).map_err(|error| match ast.body_start {
        Some(start) if error.span().is_some() => error.shifted(start as usize),
        _ => Error::without_span(error),
    })?;
    let procedure = Procedure {
        header: running.header(schema, &name, &ast.options),
        parameters,
        returns: returns(running, &ast.returns)?,
        code: Code { language: ast.language, body: ast.body.clone() },
        as_caller: ast.as_caller,
        traits: FunctionTraits {
            not_null: ast.not_null,
            strict: ast.strict,
            secure: ast.secure,
            temporary: ast.temporary,
            ..FunctionTraits::default()
        },
    };
    running.create_copying(Object::from(procedure), ast.mode, ast.copy_grants)
}
