//! CREATE FUNCTION.

use std::sync::Arc;

use firn_account::catalog::{
    Function, FunctionTraits, Object, ObjectKind, ObjectPath, Parameter, Returns, signature,
};
use firn_functions::registry;
use firn_parse::ast::{CreateRoutine, FunctionParameter, FunctionReturns};
use firn_query::bind::rewritten_functions;
use firn_types::{Error, ErrorCode, Language, Result, SqlType};

use super::handler::code;
use super::option_table::{self, Place};
use crate::foreign;
use crate::lifecycle::StatementContext;
use crate::result::Rows;

/// Creates a function; its body must compile now, and give what is declared.
///
/// # Errors
/// When it does not, an option is wrong, the name is a built-in function's, or taken.
pub(super) fn create(running: &mut StatementContext, ast: &CreateRoutine) -> Result<Rows> {
    option_table::check(ObjectKind::Function, Place::Create, &ast.options)?;
    let path = running.path(&ast.name, "CREATE FUNCTION")?;
    let schema = running.catalog().resolve_schema(&path)?;
    refuse_built_in(&path.name)?;
    let parameters = parameters(running, &ast.parameters)?;
    let name = signature(&path.name, &Parameter::types(&parameters));
    let function = Arc::new(Function {
        header: running.header(schema, &name, &ast.options),
        parameters,
        returns: returns(running, &ast.returns)?,
        code: code(running, ast)?,
        traits: FunctionTraits {
            not_null: ast.not_null,
            strict: ast.strict,
            volatile: ast.volatile.unwrap_or(ast.language != Language::Sql),
            memoizable: ast.memoizable,
            secure: ast.secure,
            temporary: ast.temporary,
            aggregate: ast.aggregate,
        },
    });
    if ast.aggregate {
        check_aggregate(&function)?;
    }
    match function.code.language {
        Language::Sql => check_body(running, &function, &path, ast)?,
        language => check_types(language, &function.parameters, &function.returns)?,
    }
    running.create_copying(Object::Function(function), ast.mode, ast.copy_grants)
}

/// Only code in Python aggregates, and it gives a value.
fn check_aggregate(function: &Function) -> Result<()> {
    if function.traits.strict {
        return Err(Error::not_supported("STRICT of an aggregate function"));
    }
    match (function.code.language, &function.returns) {
        (Language::Python, Returns::Value(_)) => Ok(()),
        (Language::Python, Returns::Table(_)) => {
            let text = "An aggregate function gives a value for a group of rows, not a table";
            Err(Error::new(ErrorCode::InvalidStatement, text))
        }
        (language, _) => {
            Err(Error::not_supported(format!("CREATE AGGREGATE FUNCTION .. LANGUAGE {language}")))
        }
    }
}

/// What Snowflake itself has keeps its name.
pub(super) fn refuse_built_in(name: &str) -> Result<()> {
    let rewritten = rewritten_functions().any(|function| function.name == name);
    if !rewritten && registry::find(name).is_none() {
        return Ok(());
    }
    let text = format!("Cannot create a function named '{name}': that is a built-in function.");
    Err(Error::new(ErrorCode::InvalidStatement, text))
}

pub(super) fn parameters(
    running: &StatementContext,
    ast: &[FunctionParameter],
) -> Result<Vec<Parameter>> {
    let mut parameters: Vec<Parameter> = Vec::with_capacity(ast.len());
    for written in ast {
        let name = &written.name.name;
        if parameters.iter().any(|other| other.name == *name) {
            let text = format!("duplicate argument name '{name}'");
            return Err(Error::new(ErrorCode::InvalidStatement, text).at(written.name.span));
        }
        let default = written.default.as_ref().map(|expr| {
            let text = expr.span.of(&running.sql).trim().to_string();
            (text, expr.span)
        });
        match &default {
            None if parameters.iter().any(|other| other.default.is_some()) => {
                let text = format!("argument '{name}' without DEFAULT follows one that has it");
                return Err(Error::new(ErrorCode::InvalidStatement, text).at(written.name.span));
            }
            _ => {}
        }
        parameters.push(Parameter {
            name: name.clone(),
            sql_type: running.sql_type(&written.data_type)?,
            default: default.map(|(text, _)| text),
            output: written.output,
        });
    }
    Ok(parameters)
}

pub(super) fn returns(running: &StatementContext, ast: &FunctionReturns) -> Result<Returns> {
    match ast {
        FunctionReturns::Value(name) => running.sql_type(name).map(Returns::Value),
        FunctionReturns::Table(columns) => {
            let column = |(name, sql_type): &(firn_types::Identifier, _)| {
                Ok((name.name.clone(), running.sql_type(sql_type)?))
            };
            columns.iter().map(column).collect::<Result<_>>().map(Returns::Table)
        }
    }
}

/// Whether a language knows the types of what a function or procedure takes and gives. What is wrong in a body of
/// another language than SQL, its first call says.
pub(super) fn check_types(
    language: Language,
    parameters: &[Parameter],
    returns: &Returns,
) -> Result<()> {
    let given: Vec<SqlType> = match returns {
        Returns::Value(sql_type) => vec![*sql_type],
        Returns::Table(columns) => columns.iter().map(|(_, sql_type)| *sql_type).collect(),
    };
    let mut types = Parameter::types(parameters).into_iter().chain(given);
    match types.find(|sql_type| !foreign::knows_type(language, *sql_type)) {
        Some(unknown) => {
            let text = format!(
                "Language {language} does not support type '{unknown}' for argument or return type."
            );
            Err(Error::new(ErrorCode::InvalidStatement, text))
        }
        None => Ok(()),
    }
}

/// Binds the body once. What is wrong in it has its place in the statement, where the body stands there as it
/// is.
fn check_body(
    running: &StatementContext,
    function: &Arc<Function>,
    path: &ObjectPath,
    ast: &CreateRoutine,
) -> Result<()> {
    let functions = running.function_context();
    running.with_binder(&functions, |binder| {
        binder.check_function(function, path).map_err(|error| match ast.body_start {
            Some(start) if error.span().is_some() => error.shifted(start as usize),
            _ => error.without_span(),
        })
    })
}
