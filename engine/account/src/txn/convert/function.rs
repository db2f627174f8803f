//! Functions and procedures.

use std::sync::Arc;

use firn_storage::format::v1;
use firn_types::{Code, Handler, Language, Result};

use super::object::{header_from, header_to};
use super::value::{type_from, type_to};
use crate::catalog::{Function, FunctionTraits, Parameter, Procedure, Returns};

pub(super) fn parameter_to(parameter: &Parameter) -> v1::FunctionParameter {
    v1::FunctionParameter {
        name: parameter.name.clone(),
        sql_type: type_to(parameter.sql_type),
        default: parameter.default.clone(),
        output: parameter.output,
    }
}

pub(super) fn parameter_from(parameter: v1::FunctionParameter) -> Result<Parameter> {
    Ok(Parameter {
        name: parameter.name,
        sql_type: type_from(&parameter.sql_type)?,
        default: parameter.default,
        output: parameter.output,
    })
}

pub(super) fn function_to(function: &Function) -> v1::Function {
    let (value, columns) = match &function.returns {
        Returns::Value(sql_type) => (Some(type_to(*sql_type)), Vec::new()),
        Returns::Table(columns) => {
            let column = |(name, sql_type): &(String, _)| (name.clone(), type_to(*sql_type));
            (None, columns.iter().map(column).collect())
        }
    };
    let FunctionTraits { not_null, strict, volatile, memoizable, secure, temporary: _, aggregate } =
        function.traits;
    v1::Function {
        header: header_to(&function.header),
        parameters: function.parameters.iter().map(parameter_to).collect(),
        value,
        columns,
        body: function.code.body.clone(),
        language: language_to(function.code.language),
        handler: function.code.handler.as_deref().map(handler_to),
        not_null,
        strict,
        volatile,
        memoizable,
        secure,
        aggregate,
    }
}

pub(super) fn function_from(function: v1::Function) -> Result<Function> {
    let column = |(name, sql_type)| Ok((name, type_from(&sql_type)?));
    let columns = function.columns.into_iter().map(column).collect::<Result<_>>()?;
    Ok(Function {
        header: header_from(function.header),
        parameters: function.parameters.into_iter().map(parameter_from).collect::<Result<_>>()?,
        returns: match function.value {
            Some(sql_type) => Returns::Value(type_from(&sql_type)?),
            None => Returns::Table(columns),
        },
        code: Code {
            language: language_from(function.language),
            body: function.body,
            handler: function.handler.map(|handler| Arc::new(handler_from(handler))),
        },
        traits: FunctionTraits {
            not_null: function.not_null,
            strict: function.strict,
            volatile: function.volatile,
            memoizable: function.memoizable,
            secure: function.secure,
            temporary: false,
            aggregate: function.aggregate,
        },
    })
}

pub(super) fn procedure_to(procedure: &Procedure) -> v1::Procedure {
    let Procedure { header, parameters, returns, code, as_caller, traits } = procedure.clone();
    let function = Function { header, parameters, returns, code, traits };
    v1::Procedure { function: function_to(&function), as_caller }
}

pub(super) fn procedure_from(procedure: v1::Procedure) -> Result<Procedure> {
    let as_caller = procedure.as_caller;
    let Function { header, parameters, returns, code, traits } = function_from(procedure.function)?;
    Ok(Procedure { header, parameters, returns, code, as_caller, traits })
}

fn handler_to(handler: &Handler) -> v1::Handler {
    let Handler { name, runtime_version, packages, imports } = handler.clone();
    v1::Handler { name, runtime_version, packages, imports }
}

fn handler_from(handler: v1::Handler) -> Handler {
    let v1::Handler { name, runtime_version, packages, imports } = handler;
    Handler { name, runtime_version, packages, imports }
}

fn language_to(language: Language) -> v1::Language {
    match language {
        Language::Sql => v1::Language::Sql,
        Language::JavaScript => v1::Language::JavaScript,
        Language::Python => v1::Language::Python,
    }
}

fn language_from(language: v1::Language) -> Language {
    match language {
        v1::Language::Sql => Language::Sql,
        v1::Language::JavaScript => Language::JavaScript,
        v1::Language::Python => Language::Python,
    }
}
