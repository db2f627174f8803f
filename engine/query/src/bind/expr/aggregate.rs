//! Calls of aggregates without OVER, and GROUPING.

use std::sync::Arc;

use firn_expression::Expr;
use firn_functions::registry::{self, Function};
use firn_functions::signature::check_arity;
use firn_functions::{AggregateFunction, Argument, Signature};
use firn_parse::ast::{self, ArgumentValue, FunctionCall, OrderItem};
use firn_plan::{AggregateCall, SortKey};
use firn_types::{Error, ErrorCode, Result, SqlType, Value};

use super::{ExprBinder, cast};
use crate::bind::clause::Clause;

/// An aggregate's call with its arguments bound and cast.
pub(super) struct BoundAggregate {
    pub(super) signature: Arc<Signature>,
    pub(super) arguments: Vec<Expr>,
    pub(super) order_by: Vec<SortKey>,
}

impl ExprBinder<'_> {
    pub(super) fn bind_aggregate(
        &mut self,
        function: &'static AggregateFunction,
        call: &FunctionCall,
        whole: &ast::Expr,
    ) -> Result<Expr> {
        let text = whole.span.of(self.env.text).to_uppercase();
        if !self.clause.takes_aggregates() {
            return Err(self.clause.refuse_aggregate(&text));
        }
        let clause = std::mem::replace(&mut self.clause, Clause::AggregateArgument);
        let bound = self.aggregate_parts(function, AggregateFunction::resolve, call);
        self.clause = clause;
        let BoundAggregate { signature, arguments, order_by } = bound?;

        let call = AggregateCall {
            id: self.binder.fresh(),
            name: text,
            function,
            signature,
            arguments,
            distinct: call.distinct,
            order_by,
        };
        Ok(self.gathered_aggregate(call))
    }

    /// The column that an aggregate's call becomes; the same one written twice is computed once.
    pub(super) fn gathered_aggregate(&mut self, call: AggregateCall) -> Expr {
        let same = self.gathered.aggregates.iter().find(|other| other.computes_as(&call));
        if let Some(same) = same {
            return same.column().expr();
        }
        let column = call.column().expr();
        self.gathered.aggregates.push(call);
        column
    }

    /// Binds what stands in an aggregate's parentheses and after WITHIN GROUP.
    pub(super) fn aggregate_parts(
        &mut self,
        function: &'static AggregateFunction,
        resolve: fn(&AggregateFunction, Vec<Argument>) -> Result<Arc<Signature>>,
        call: &FunctionCall,
    ) -> Result<BoundAggregate> {
        let name = function.name;
        if call.distinct && !function.takes_distinct {
            let text = format!("invalid use of 'distinct' for function '{name}'");
            return Err(Error::new(ErrorCode::InvalidStatement, text));
        }
        if !call.within_group.is_empty() && !function.takes_order {
            let text = format!("Function {name} does not support WITHIN GROUP clause.");
            return Err(Error::new(ErrorCode::InvalidStatement, text));
        }
        let mut arguments = self.aggregate_arguments(name, call)?;
        let order_by = self.sort_keys(&call.within_group)?;
        if call.distinct
            && let Some(argument) = arguments.first()
            && let Some(at) = order_by.iter().position(|key| key.expr != *argument)
        {
            let place = call.within_group[at].expr.span;
            let name = place.of(self.env.text).to_uppercase();
            return Err(super::not_in_order(&name).at(place));
        }
        if name.starts_with("PERCENTILE_")
            && let Some(key) = order_by.first()
        {
            arguments.push(key.expr.clone());
        }
        if name == "COUNT" {
            arguments = arguments.into_iter().map(counted).collect::<Result<_>>()?;
        }
        let views: Vec<_> = arguments.iter().map(|argument| self.argument(argument)).collect();
        check_arity(name, function.arity, views.len())?;
        let mut signature = resolve(function, views)?;
        if name == "LISTAGG" {
            let collation = super::collation::common(&arguments)?;
            if call.distinct && !collation.compares_codes() {
                let what = "LISTAGG(DISTINCT) of texts with a collation";
                return Err(Error::not_supported(what));
            }
            let signature = Arc::make_mut(&mut signature);
            signature.returns = signature.returns.with_collation(collation);
        }
        let arguments = arguments
            .into_iter()
            .zip(&signature.arguments)
            .map(|(argument, &to)| cast(argument, to))
            .collect();
        Ok(BoundAggregate { signature, arguments, order_by })
    }

    fn aggregate_arguments(&mut self, name: &str, call: &FunctionCall) -> Result<Vec<Expr>> {
        let mut arguments = Vec::with_capacity(call.arguments.len());
        for argument in &call.arguments {
            match &argument.value {
                ArgumentValue::Expr(expr) => arguments.push(self.bind_inner(expr)?),
                // COUNT(*) counts rows; COUNT(t.*) and HASH_AGG(*) read columns.
                ArgumentValue::Star(star) if name == "COUNT" && star.qualifier.is_none() => {}
                ArgumentValue::Star(star) => {
                    let columns = super::expand_star(self, star)?;
                    arguments.extend(columns.into_iter().map(|column| column.expr));
                }
                ArgumentValue::Query(_) => {
                    return Err(Error::not_supported("a query as an argument"));
                }
            }
        }
        Ok(arguments)
    }

    /// Binds an order. NULLs stand last ascending and first descending unless said otherwise.
    pub(super) fn sort_keys(&mut self, items: &[OrderItem]) -> Result<Vec<SortKey>> {
        items.iter().map(|item| self.sort_key(item)).collect()
    }

    fn sort_key(&mut self, item: &OrderItem) -> Result<SortKey> {
        let expr = self.bind_inner(&item.expr)?;
        Ok(sort_key(expr, item.descending, item.nulls_first, self.binder.context.nulls_first))
    }

    /// GROUPING(a, b): which of the groups are rolled up in a row, the first argument's bit highest.
    pub(super) fn bind_grouping(&mut self, call: &FunctionCall) -> Result<Expr> {
        let text = "GROUPING may only be used with GROUP BY";
        let refuse = || Error::new(ErrorCode::InvalidStatement, text);
        let grouping = self.grouping.ok_or_else(refuse)?;
        let mut groups = Vec::with_capacity(call.arguments.len());
        for argument in &call.arguments {
            let ArgumentValue::Expr(expr) = &argument.value else { return Err(refuse()) };
            let group = self.bind_inner(expr)?;
            if !grouping.groups.contains_key(&group) {
                let text = format!("argument of GROUPING is not in the GROUP BY clause: {group}");
                return Err(Error::new(ErrorCode::InvalidStatement, text).at(expr.span));
            }
            groups.push(group);
        }
        let number = |value: i128| Expr::Literal {
            value: Value::integer(value),
            sql_type: SqlType::INTEGER,
        };
        let Some(sets) = &grouping.sets else { return Ok(number(0)) };
        let id = Expr::Column { id: sets.id, sql_type: SqlType::INTEGER, nullable: false };
        let branches = sets.sets.iter().map(|(set, rolled_up)| {
            let bits = groups
                .iter()
                .fold(0_i128, |bits, group| (bits << 1) | i128::from(rolled_up.contains(group)));
            let is_set = Expr::Compare {
                operator: firn_types::scan_predicate::Comparison::Equal,
                left: Box::new(id.clone()),
                right: Box::new(number(*set)),
            };
            (is_set, number(bits))
        });
        let branches = branches.collect();
        Ok(Expr::Case { branches, otherwise: None, sql_type: SqlType::INTEGER })
    }
}

/// What COUNT looks at: JSON's null counts as NULL.
pub(crate) fn counted(argument: Expr) -> Result<Expr> {
    if argument.sql_type() != SqlType::Variant {
        return Ok(argument);
    }
    let name = "STRIP_NULL_VALUE";
    let Some(Function::Scalar(function)) = registry::find(name) else {
        return Err(Error::internal(format!("a function that is not there: {name}")));
    };
    let signature = function.resolve(vec![Argument::of(SqlType::Variant)])?;
    Ok(Expr::Call { function, signature, arguments: vec![argument] })
}

/// A key of an order, with the session's habit for NULLs where nothing was said.
pub(crate) fn sort_key(
    expr: Expr,
    descending: bool,
    nulls_first: Option<bool>,
    session_nulls_first: bool,
) -> SortKey {
    let default = descending != session_nulls_first;
    SortKey { expr, descending, nulls_first: nulls_first.unwrap_or(default) }
}
