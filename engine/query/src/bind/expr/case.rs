//! CASE and the functions that are CASE under another name.

use firn_expression::Expr;
use firn_types::scan_predicate::Comparison;
use firn_types::{Result, SqlType};

use super::collation::merged;
use super::operator::compare;
use super::{ExprBinder, cast, unify};
use firn_parse::ast::{self, CaseBranch};

impl ExprBinder<'_> {
    pub(super) fn bind_case(
        &mut self,
        operand: Option<&ast::Expr>,
        branches: &[CaseBranch],
        otherwise: Option<&ast::Expr>,
    ) -> Result<Expr> {
        let operand = operand.map(|operand| self.bind_inner(operand)).transpose()?;
        let mut conditions = Vec::with_capacity(branches.len());
        let mut results = Vec::with_capacity(branches.len() + 1);
        for branch in branches {
            let when = self.bind_inner(&branch.when)?;
            conditions.push(match &operand {
                Some(operand) => {
                    let (of, by) = (operand.sql_type().collation(), when.sql_type().collation());
                    merged(of, by)?;
                    compare(Comparison::Equal, operand.clone(), when)?
                }
                None => self.to_condition(when, &branch.when)?,
            });
            results.push(self.bind_inner(&branch.then)?);
        }
        if let Some(otherwise) = otherwise {
            results.push(self.bind_inner(otherwise)?);
        }
        case("CASE", conditions, results)
    }
}

/// A CASE of conditions and results; a result more than conditions is the ELSE.
pub(super) fn case(what: &str, conditions: Vec<Expr>, results: Vec<Expr>) -> Result<Expr> {
    let (mut results, sql_type) = unify(what, results)?;
    let otherwise = (results.len() > conditions.len()).then(|| results.pop()).flatten();
    let branches = conditions.into_iter().zip(results).collect();
    Ok(Expr::Case { branches, otherwise: otherwise.map(Box::new), sql_type })
}

/// The first of the operands that is not NULL.
pub(super) fn coalesce(what: &str, operands: Vec<Expr>) -> Result<Expr> {
    let (operands, sql_type) = unify(what, operands)?;
    Ok(Expr::Coalesce { operands, sql_type })
}

/// A BOOLEAN of what a condition function takes: BOOLEAN, NUMBER, or NULL.
pub(super) fn boolean(expr: Expr) -> Expr {
    cast(expr, SqlType::Boolean)
}
