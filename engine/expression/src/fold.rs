//! Computing while planning what is the same for every row.
//!
//! A part whose computation fails stays as it is, so that the error comes when, and only if, a row needs
//! the value. Casts are computed with the session's formats and time zone: plans are made per statement.

use std::collections::HashMap;
use std::sync::Arc;

use firn_column::Batch;
use firn_functions::{Argument, FunctionContext, Volatility};
use firn_types::{Result, SqlType, Value};

use super::{Evaluator, Expr};

/// The value of an expression that is constant within the statement; none when it depends on rows or is
/// volatile.
///
/// # Errors
/// The error that computing the constant gives.
pub fn constant(expr: &Expr, context: &FunctionContext) -> Result<Option<Value>> {
    match expr.is_constant() {
        true => expr.constant_value(context).map(Some),
        false => Ok(None),
    }
}

/// As [`constant`], of an expression that has just been bound: what the arguments of a call are was found out when its
/// overload was chosen, so that a long chain of calls is not computed from its beginning at each link.
///
/// # Errors
/// As [`constant`].
pub fn constant_as_bound(expr: &Expr, context: &FunctionContext) -> Result<Option<Value>> {
    let Expr::Call { function, signature, arguments } = expr else {
        return constant(expr, context);
    };
    let literals = arguments.iter().zip(&signature.given).map(known_argument);
    let Some(arguments) = literals.collect::<Option<Vec<Expr>>>() else { return Ok(None) };
    match function.volatility {
        Volatility::Volatile => Ok(None),
        Volatility::Immutable | Volatility::Stable => {
            let signature = Arc::clone(signature);
            Expr::Call { function, signature, arguments }.constant_value(context).map(Some)
        }
    }
}

/// The argument of a call as a literal, cast as the argument is; none when it is not constant.
fn known_argument((argument, given): (&Expr, &Argument)) -> Option<Expr> {
    let literal = Expr::Literal { value: given.constant.clone()?, sql_type: given.sql_type };
    Some(match argument {
        Expr::Literal { .. } => argument.clone(),
        Expr::Cast { input, to, lenient } if input.sql_type() == given.sql_type => {
            Expr::Cast { input: Box::new(literal), to: *to, lenient: *lenient }
        }
        same if same.sql_type() == given.sql_type => literal,
        // It became something else on the way: it is computed as it stands.
        other if other.is_constant() => other.clone(),
        _ => return None,
    })
}

/// Replaces the largest parts of an expression that are the same for the whole statement by their values. A part
/// whose computation fails stays, with its operands computed.
pub fn fold_constants(expr: &mut Expr, context: &FunctionContext) {
    if fold_operands(expr, context) {
        fold_constant(expr, context);
    }
}

/// Folds the operands of an expression that is not constant, and tells whether it is. Each part is looked at once.
fn fold_operands(expr: &mut Expr, context: &FunctionContext) -> bool {
    let own = match &*expr {
        Expr::Literal { .. } => return true,
        Expr::Column { .. } | Expr::Parameter(_) => return false,
        Expr::HigherOrder { .. } => expr.is_constant(),
        _ => expr.own_volatility() < Volatility::Volatile,
    };
    let mut operands: Vec<(&mut Expr, bool)> = Vec::new();
    for operand in expr.children_mut() {
        let is_constant = fold_operands(operand, context);
        operands.push((operand, is_constant));
    }
    let is_constant = own && operands.iter().all(|(_, is_constant)| *is_constant);
    if !is_constant {
        for (operand, _) in operands.into_iter().filter(|(_, is_constant)| *is_constant) {
            fold_constant(operand, context);
        }
    }
    is_constant
}

/// Replaces a constant expression by its value, or what it is made of where it has none.
fn fold_constant(expr: &mut Expr, context: &FunctionContext) {
    if matches!(expr, Expr::Literal { .. }) {
        return;
    }
    match expr.constant_value(context) {
        Ok(value) => *expr = Expr::Literal { value, sql_type: expr.sql_type() },
        Err(_) => {
            expr.children_mut().into_iter().for_each(|operand| fold_constant(operand, context))
        }
    }
}

impl Expr {
    /// The expression with all constant immutable parts computed, and AND, OR, CASE and COALESCE without
    /// the operands that constants decide.
    pub fn folded(self, context: &FunctionContext) -> Expr {
        self.map(&mut |expr| shorten(compute(expr, Volatility::Immutable, context)))
    }

    /// As [`Expr::folded`], with what stays the same within the statement computed too: for a plan that is
    /// run once, at once, such as one that looks for partitions to prune.
    pub fn folded_for_statement(self, context: &FunctionContext) -> Expr {
        self.map(&mut |expr| shorten(compute(expr, Volatility::Stable, context)))
    }

    /// The value of a constant expression, stable functions included.
    ///
    /// # Errors
    /// The computation's, and an internal error for an expression that reads a column.
    pub fn constant_value(&self, context: &FunctionContext) -> Result<Value> {
        if let Expr::Literal { value, .. } = self {
            return Ok(value.clone());
        }
        let evaluator = Evaluator::compile(std::slice::from_ref(self), &HashMap::new())?;
        let columns = evaluator.evaluate(&Batch::new(Vec::new(), 1), context)?;
        Ok(columns[0].value(0, self.sql_type()))
    }
}

/// The part as a literal when its operands are.
fn compute(expr: Expr, most: Volatility, context: &FunctionContext) -> Expr {
    let is_literal = |child: &Expr| child.as_literal().is_some();
    let foldable = match &expr {
        Expr::Literal { .. } | Expr::Column { .. } | Expr::Parameter(_) => return expr,
        Expr::HigherOrder { inputs, lambda, .. } => {
            lambda.body.volatility() <= most
                && lambda.captures_nothing()
                && inputs.iter().all(is_literal)
        }
        Expr::Call { arguments, .. } | Expr::Foreign { arguments, .. } => {
            expr.own_volatility() <= most && arguments.iter().all(is_literal)
        }
        other => other.children().into_iter().all(is_literal),
    };
    if !foldable {
        return expr;
    }
    match expr.constant_value(context) {
        Ok(value) => Expr::Literal { value, sql_type: expr.sql_type() },
        Err(_) => expr,
    }
}

/// Leaves out operands that cannot matter.
fn shorten(expr: Expr) -> Expr {
    match expr {
        Expr::And(parts) => shorten_chain(parts, true),
        Expr::Or(parts) => shorten_chain(parts, false),
        Expr::Case { branches, otherwise, sql_type } => {
            let mut kept = Vec::with_capacity(branches.len());
            let mut otherwise = otherwise;
            for (condition, result) in branches {
                match condition.as_literal() {
                    Some(Value::Boolean(true)) => {
                        otherwise = Some(Box::new(result));
                        break;
                    }
                    Some(_) => {}
                    None => kept.push((condition, result)),
                }
            }
            match (kept.is_empty(), otherwise) {
                (true, Some(only)) => *only,
                (true, None) => Expr::null(sql_type),
                (false, otherwise) => Expr::Case { branches: kept, otherwise, sql_type },
            }
        }
        Expr::Coalesce { operands, sql_type } => {
            let mut kept = Vec::with_capacity(operands.len());
            for operand in operands {
                match operand.as_literal() {
                    Some(Value::Null) => {}
                    Some(_) => {
                        kept.push(operand);
                        break;
                    }
                    None => kept.push(operand),
                }
            }
            match kept.len() {
                0 => Expr::null(sql_type),
                1 => kept.swap_remove(0),
                _ => Expr::Coalesce { operands: kept, sql_type },
            }
        }
        Expr::Compare { left, right, .. }
            if [&left, &right].iter().any(|side| side.as_literal() == Some(&Value::Null)) =>
        {
            Expr::null(SqlType::Boolean)
        }
        other => other,
    }
}

/// An AND (or OR) without nested ones of its kind and without the constants that change nothing.
fn shorten_chain(parts: Vec<Expr>, and: bool) -> Expr {
    let mut kept = Vec::with_capacity(parts.len());
    for part in parts {
        match (part, and) {
            (Expr::And(inner), true) | (Expr::Or(inner), false) => kept.extend(inner),
            (Expr::Literal { value: Value::Boolean(value), .. }, and) if value == and => {}
            (Expr::Literal { value: Value::Boolean(value), .. }, _) => return Expr::boolean(value),
            (part, _) => kept.push(part),
        }
    }
    match kept.len() {
        0 => Expr::boolean(and),
        1 => kept.swap_remove(0),
        _ if and => Expr::And(kept),
        _ => Expr::Or(kept),
    }
}
