//! Texts with a collation, as plans compare them: by their keys.

use firn_expression::Expr;
use firn_functions::Argument;
use firn_functions::registry::{self, Function};
use firn_types::{Collation, Error, Result, SqlType, Value};

/// What compares as the text does by these rules; the text itself where they compare the codes of characters.
///
/// # Errors
/// What the function for it refuses.
pub(crate) fn key(text: Expr, collation: Collation) -> Result<Expr> {
    if collation.compares_codes() {
        return Ok(text);
    }
    by("$COLLATION_KEY", vec![text], collation)
}

/// What is grouped or ordered by, or compared, in the place of this expression.
///
/// # Errors
/// As [`key`].
pub(crate) fn key_of(expr: Expr) -> Result<Expr> {
    let collation = expr.sql_type().collation();
    key(expr, collation)
}

/// Whether the expression is compared by something else than its value.
pub(crate) fn has_key(expr: &Expr) -> bool {
    !expr.sql_type().collation().compares_codes()
}

/// A call of one of the functions about collations.
///
/// # Errors
/// An internal error when there is no such function.
pub(crate) fn by(name: &str, mut arguments: Vec<Expr>, collation: Collation) -> Result<Expr> {
    let Some(Function::Scalar(function)) = registry::find(name) else {
        return Err(Error::internal(format!("a function that is not there: {name}")));
    };
    let specification = Value::text(collation.specification());
    let mut given: Vec<Argument> = arguments.iter().map(|a| Argument::of(a.sql_type())).collect();
    given.push(Argument {
        sql_type: SqlType::TEXT,
        constant: Some(specification.clone()),
        name: None,
    });
    arguments.push(Expr::Literal { value: specification, sql_type: SqlType::TEXT });
    Ok(Expr::Call { function, signature: function.resolve(given)?, arguments })
}
