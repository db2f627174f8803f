//! Calls of functions with bodies in another language than SQL, or with blocks as bodies: they stay calls.

use std::sync::Arc;

use firn_account::catalog::{Function, Parameter, Returns};
use firn_expression::Expr;
use firn_functions::{ForeignFunction, ForeignReturns, Volatility};
use firn_types::{Error, ErrorCode, Result};

/// Whether a function is such a one.
pub(super) fn stays_call(function: &Function) -> bool {
    function.code.is_foreign() || firn_parse::is_block(&function.code.body)
}

/// The call of such a function with its arguments, one for each parameter.
///
/// # Errors
/// `InvalidStatement` when it is a block that gives what blocks of functions cannot give.
pub(super) fn call(function: &Function, arguments: Vec<Expr>) -> Result<Expr> {
    if let Returns::Value(sql_type) = function.returns
        && !function.code.is_foreign()
        && sql_type.is_semi_structured()
    {
        let text = format!("Unsupported return type for Snowscript UDF: {sql_type}");
        return Err(Error::new(ErrorCode::InvalidStatement, text));
    }
    Ok(Expr::Foreign { function: Arc::new(in_plan(function)), arguments })
}

/// What a plan holds of such a function. Nobody can tell what its body reads, so that it is volatile unless its
/// maker says otherwise; and what says it is immutable may still fail, so that it is not computed while planning.
pub(super) fn in_plan(function: &Function) -> ForeignFunction {
    let parameter = |parameter: &Parameter| (parameter.name.clone(), parameter.sql_type);
    ForeignFunction {
        name: function.called().to_string(),
        code: function.code.clone(),
        parameters: function.parameters.iter().map(parameter).collect(),
        returns: match &function.returns {
            Returns::Value(sql_type) => ForeignReturns::Value(*sql_type),
            Returns::Table(columns) => ForeignReturns::Table(columns.clone()),
        },
        aggregate: function.traits.aggregate,
        strict: function.traits.strict && !function.traits.aggregate,
        volatility: match function.traits.volatile && !function.traits.aggregate {
            true => Volatility::Volatile,
            false => Volatility::Stable,
        },
    }
}
