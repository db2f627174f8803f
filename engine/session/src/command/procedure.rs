//! CREATE PROCEDURE.

use firn_account::catalog::{
    FunctionTraits, Header, Object, ObjectKind, Parameter, Procedure, Returns, signature,
};
use firn_parse::ast::CreateRoutine;
use firn_types::{Error, Language, Result};

use super::function::{check_types, parameters, returns};
use super::handler::code;
use super::option_table::{self, Place};
use crate::lifecycle::StatementContext;
use crate::result::Rows;

/// Creates a procedure; a body in SQL must be a block.
///
/// # Errors
/// When it is none, an option is wrong, or the name is taken.
pub(super) fn create(running: &mut StatementContext, ast: &CreateRoutine) -> Result<Rows> {
    option_table::check(ObjectKind::Procedure, Place::Create, &ast.options)?;
    let path = running.path(&ast.name, "CREATE PROCEDURE")?;
    let schema = running.catalog().resolve_schema(&path)?;
    let parameters = parameters(running, &ast.parameters)?;
    let name = signature(&path.name, &Parameter::types(&parameters));
    let header = running.header(schema, &name, &ast.options);
    let procedure = described(running, ast, header, parameters)?;
    running.create_copying(Object::from(procedure), ast.mode, ast.copy_grants)
}

/// The procedure that a statement describes.
///
/// # Errors
/// When its body in SQL is no block, or its language does not know what it takes and gives.
pub(super) fn described(
    running: &StatementContext,
    ast: &CreateRoutine,
    header: Header,
    parameters: Vec<Parameter>,
) -> Result<Procedure> {
    let returns = returns(running, &ast.returns)?;
    match (ast.language, &returns) {
        (Language::Sql, _) => check_block(ast)?,
        (language, _) if parameters.iter().any(|parameter| parameter.output) => {
            let words = format!("an OUT argument of a procedure in {language}");
            return Err(Error::not_supported(words));
        }
        (Language::Python, _) => {}
        (language, Returns::Table(_)) => {
            return Err(Error::not_supported(format!(
                "RETURNS TABLE of a procedure in {language}"
            )));
        }
        (language, _) => check_types(language, &parameters, &returns)?,
    }
    Ok(Procedure {
        header,
        parameters,
        returns,
        code: code(running, ast)?,
        as_caller: ast.as_caller,
        traits: FunctionTraits {
            not_null: ast.not_null,
            strict: ast.strict,
            secure: ast.secure,
            temporary: ast.temporary,
            ..FunctionTraits::default()
        },
    })
}

/// Whether the body is a block.
fn check_block(ast: &CreateRoutine) -> Result<()> {
    let block = firn_parse::parse_block(&ast.body);
    block.map(|_| ()).map_err(|error| match ast.body_start {
        Some(start) if error.span().is_some() => error.shifted(start as usize),
        _ => Error::without_span(error),
    })
}
