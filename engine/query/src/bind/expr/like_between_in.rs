//! LIKE and its kin, BETWEEN, and IN over lists.

use std::sync::Arc;

use firn_expression::Expr;
use firn_expression::fold;
use firn_parse::ast::{self, ExprKind, LikeKind, LikePattern, Quantifier};
use firn_types::scan_predicate::Comparison;
use firn_types::{Error, ErrorCode, Result, SqlType, Value};

use super::collation::{common as common_collation, refused};
use super::operator::compare;
use super::{ExprBinder, unify};
use crate::collation::key;

/// Most expressions in a list behind IN.
const LIST_MAX: usize = 16_384;

impl ExprBinder<'_> {
    pub(super) fn bind_like(
        &mut self,
        kind: LikeKind,
        operand: &ast::Expr,
        pattern: &LikePattern,
        escape: Option<&ast::Expr>,
    ) -> Result<Expr> {
        let name = match kind {
            LikeKind::Like => "LIKE",
            LikeKind::ILike => "ILIKE",
            LikeKind::RLike => "RLIKE",
        };
        let subject = self.bind_inner(operand)?;
        let escape = escape.map(|escape| self.bind_inner(escape)).transpose()?;
        let of = |binder: &mut Self, pattern: Expr| {
            let mut arguments = vec![subject.clone(), pattern];
            arguments.extend(escape.clone());
            binder.call_scalar(name, arguments)
        };
        match pattern {
            LikePattern::One(pattern) => {
                let pattern = self.bind_inner(pattern)?;
                of(self, pattern)
            }
            LikePattern::Query(quantifier, query) => self.bind_any_pattern(*quantifier, query, &of),
            LikePattern::Many(quantifier, patterns) => {
                let patterns = patterns.iter().map(|pattern| self.bind_inner(pattern));
                let patterns: Vec<Expr> = patterns.collect::<Result<_>>()?;
                check_list(name, *quantifier, &subject, &patterns)?;
                let parts = patterns.into_iter().map(|pattern| of(self, pattern));
                let parts: Vec<Expr> = parts.collect::<Result<_>>()?;
                Ok(match quantifier {
                    _ if parts.len() == 1 => Expr::all(parts),
                    Quantifier::Any => Expr::Or(parts),
                    Quantifier::All => Expr::And(parts),
                })
            }
        }
    }

    pub(super) fn bind_between(
        &mut self,
        operand: &ast::Expr,
        low: &ast::Expr,
        high: &ast::Expr,
    ) -> Result<Expr> {
        let operand = self.bind_inner(operand)?;
        let (low, high) = (self.bind_inner(low)?, self.bind_inner(high)?);
        Ok(Expr::And(vec![
            compare(Comparison::GreaterOrEqual, operand.clone(), low)?,
            compare(Comparison::LessOrEqual, operand, high)?,
        ]))
    }

    pub(super) fn bind_in_list(&mut self, operand: &ast::Expr, list: &[ast::Expr]) -> Result<Expr> {
        if list.len() > LIST_MAX {
            let text = format!(
                "maximum number of expressions in a list exceeded, expected at most {}, got {}",
                grouped(LIST_MAX),
                grouped(list.len())
            );
            return Err(Error::new(ErrorCode::ListTooLong, text));
        }
        if let ExprKind::Row(operands) = &operand.kind {
            return self.bind_row_in_list(operands, list);
        }
        let operand = self.bind_inner(operand)?;
        let mut all = vec![operand];
        for item in list {
            all.extend(self.bind_item(item)?);
        }
        if all.len() == 1 {
            // The list was one empty array.
            return Ok(Expr::boolean(false));
        }
        let (all, common) = unify("IN", all)?;
        let keys = all.into_iter().map(|item| key(item, common.collation()));
        let mut all: Vec<Expr> = keys.collect::<Result<_>>()?;
        let operand = all.remove(0);
        match self.constants(&all)? {
            Some(values) if values.len() > 1 => {
                Ok(Expr::InList { input: Box::new(operand), list: Arc::new(values) })
            }
            _ => {
                let parts =
                    all.into_iter().map(|item| compare(Comparison::Equal, operand.clone(), item));
                let mut parts: Vec<Expr> = parts.collect::<Result<_>>()?;
                Ok(if parts.len() == 1 { parts.remove(0) } else { Expr::Or(parts) })
            }
        }
    }

    /// The values of expressions that are all constant and of a type that a set can hold.
    fn constants(&self, exprs: &[Expr]) -> Result<Option<Vec<Value>>> {
        let mut values = Vec::with_capacity(exprs.len());
        for expr in exprs {
            if expr.sql_type().is_semi_structured() {
                return Ok(None);
            }
            match fold::constant(expr, &self.binder.context.functions)? {
                Some(value) => values.push(value),
                None => return Ok(None),
            }
        }
        Ok(Some(values))
    }

    /// `(a, b) IN ((1, 2), (3, 4))`
    fn bind_row_in_list(&mut self, operands: &[ast::Expr], list: &[ast::Expr]) -> Result<Expr> {
        let operands: Vec<Expr> =
            operands.iter().map(|operand| self.bind_inner(operand)).collect::<Result<_>>()?;
        let mut rows = Vec::with_capacity(list.len());
        for item in list {
            let ExprKind::Row(fields) = &item.kind else {
                let text = "the list of IN must hold rows as wide as its operand";
                return Err(Error::new(ErrorCode::InvalidStatement, text).at(item.span));
            };
            if fields.len() != operands.len() {
                let text = format!("expected a row of {} values", operands.len());
                return Err(Error::new(ErrorCode::InvalidStatement, text).at(item.span));
            }
            let mut parts = Vec::with_capacity(fields.len());
            for (operand, field) in operands.iter().zip(fields) {
                let field = self.bind_inner(field)?;
                parts.push(compare(Comparison::Equal, operand.clone(), field)?);
            }
            rows.push(Expr::all(parts));
        }
        Ok(match rows.len() {
            0 => Expr::null(SqlType::Boolean),
            1 => rows.remove(0),
            _ => Expr::Or(rows),
        })
    }
}

/// A number with a comma before every three digits.
fn grouped(number: usize) -> String {
    match number {
        0..1000 => number.to_string(),
        _ => format!("{},{:03}", grouped(number / 1000), number % 1000),
    }
}

/// Lists of patterns take no collation of a language.
fn check_list(name: &str, quantifier: Quantifier, subject: &Expr, patterns: &[Expr]) -> Result<()> {
    let texts: Vec<Expr> = [subject].into_iter().chain(patterns).cloned().collect();
    if name == "RLIKE" || common_collation(&texts)?.rules().locale.is_none() {
        return Ok(());
    }
    let list = match quantifier {
        Quantifier::Any => "ANY",
        Quantifier::All => "ALL",
    };
    Err(refused(&format!("{name}_{list}"), ""))
}
