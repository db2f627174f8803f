//! Subqueries: each becomes an `Apply` below the node, and the expression reads its column.

use firn_expression::Expr;
use firn_types::scan_predicate::Comparison;
use firn_types::{Error, ErrorCode, Result, SqlType};

use super::operator::{compare, comparison};
use super::{ExprBinder, PendingApply};
use crate::bind::clause::Clause;
use crate::bind::{BoundQuery, query};
use firn_parse::ast::{self, BinaryOperator, ExprKind, Quantifier};
use firn_plan::{ApplyKind, Plan, PlanColumn, Project, ProjectItem};

impl ExprBinder<'_> {
    fn subquery(&mut self, query: &ast::Query) -> Result<BoundQuery> {
        let env = self.env.inside(self.scope);
        query::bind_query(self.binder, query, &env)
    }

    /// Puts a subquery beside the rows that the clause's expressions are computed over.
    pub(super) fn pend(&mut self, kind: ApplyKind, right: Plan) {
        self.put_beside(PendingApply { kind, right, each_row: false });
    }

    /// Puts something beside the rows that the clause's expressions are computed over.
    pub(super) fn put_beside(&mut self, apply: PendingApply) {
        match self.clause {
            Clause::AggregateArgument | Clause::GroupBy => self.gathered.input_applies.push(apply),
            _ => self.gathered.applies.push(apply),
        }
    }

    pub(super) fn bind_scalar_subquery(&mut self, query: &ast::Query) -> Result<Expr> {
        let bound = self.subquery(query)?;
        let [column] = bound.columns.as_slice() else {
            return Err(width_error(1, bound.columns.len(), query));
        };
        // A fresh id: the same query may stand at two places of the statement.
        let result = self.binder.fresh_column(&column.name, column.sql_type, true);
        let plan = Plan::Project(Project {
            items: vec![ProjectItem {
                id: result.id,
                name: column.name.clone(),
                expr: column.expr(),
            }],
            input: Box::new(bound.plan),
        });
        self.pend(ApplyKind::Scalar, plan);
        Ok(result.expr())
    }

    pub(super) fn bind_exists(&mut self, query: &ast::Query) -> Result<Expr> {
        let bound = self.subquery(query)?;
        let mark = self.binder.fresh_column("EXISTS", SqlType::Boolean, false);
        self.pend(ApplyKind::Exists { id: mark.id }, bound.plan);
        Ok(mark.expr())
    }

    pub(super) fn bind_in_subquery(
        &mut self,
        operand: &ast::Expr,
        query: &ast::Query,
    ) -> Result<Expr> {
        let operands = match &operand.kind {
            ExprKind::Row(items) => items.iter().collect(),
            _ => vec![operand],
        };
        self.bind_any(Comparison::Equal, &operands, query)
    }

    pub(super) fn bind_quantified(
        &mut self,
        operator: BinaryOperator,
        operand: &ast::Expr,
        quantifier: Quantifier,
        query: &ast::Query,
    ) -> Result<Expr> {
        let operator = comparison(operator)?;
        match quantifier {
            Quantifier::Any => self.bind_any(operator, &[operand], query),
            // All satisfy it when none satisfies its contrary.
            Quantifier::All => {
                let any = self.bind_any(operator.negated(), &[operand], query)?;
                Ok(Expr::Not(Box::new(any)))
            }
        }
    }

    fn bind_any(
        &mut self,
        operator: Comparison,
        operands: &[&ast::Expr],
        query: &ast::Query,
    ) -> Result<Expr> {
        let bound = self.subquery(query)?;
        if bound.columns.len() != operands.len() {
            return Err(width_error(operands.len(), bound.columns.len(), query));
        }
        let plan = self.only(bound.plan, &bound.columns);
        let mut conditions = Vec::with_capacity(operands.len());
        for (operand, column) in operands.iter().zip(plan.columns()) {
            let operand = self.bind(operand)?;
            conditions.push(compare(operator, operand, column.expr())?);
        }
        let mark = self.binder.fresh_column("IN", SqlType::Boolean, true);
        self.pend(ApplyKind::Any { id: mark.id, conditions }, plan);
        Ok(mark.expr())
    }

    /// Whether a text matches some or all of a query's patterns; `matches` tests one.
    pub(super) fn bind_any_pattern(
        &mut self,
        quantifier: Quantifier,
        query: &ast::Query,
        matches: &dyn Fn(&mut Self, Expr) -> Result<Expr>,
    ) -> Result<Expr> {
        let bound = self.subquery(query)?;
        let [column] = bound.columns.as_slice() else {
            return Err(width_error(1, bound.columns.len(), query));
        };
        let plan = self.only(bound.plan, std::slice::from_ref(column));
        let pattern = plan.columns().remove(0).expr();
        let condition = matches(self, pattern)?;
        let all = quantifier == Quantifier::All;
        let negated = |expr: Expr| if all { Expr::Not(Box::new(expr)) } else { expr };
        let mark = self.binder.fresh_column("LIKE", SqlType::Boolean, true);
        let conditions = vec![negated(condition)];
        self.pend(ApplyKind::Any { id: mark.id, conditions }, plan);
        Ok(negated(mark.expr()))
    }

    /// The plan with just these columns, under fresh ids.
    fn only(&self, plan: Plan, columns: &[PlanColumn]) -> Plan {
        let items = columns.iter().map(|column| ProjectItem {
            id: self.binder.fresh(),
            name: column.name.clone(),
            expr: column.expr(),
        });
        Plan::Project(Project { items: items.collect(), input: Box::new(plan) })
    }
}

fn width_error(expected: usize, given: usize, query: &ast::Query) -> Error {
    let text =
        format!("invalid number of result columns for subquery, expected {expected}, got {given}");
    Error::new(ErrorCode::InvalidStatement, text).at(query.span)
}
