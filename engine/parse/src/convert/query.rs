//! Queries around SELECT: WITH, set operations, ORDER BY, LIMIT, VALUES.

use firn_types::{Error, Result, Span};
use sqlparser::ast as sq;

use super::super::ast::{
    Cte, ExprKind, Limit, OrderBy, Query, QueryBody, SetOperation, SetOperator, Values, With,
};
use super::super::outline::span_of;
use super::{Convert, cover};

impl Convert<'_> {
    /// A query.
    pub(crate) fn query(&mut self, query: sq::Query) -> Result<Query> {
        self.deeper(1, |this| this.query_of(query))
    }

    fn query_of(&mut self, query: sq::Query) -> Result<Query> {
        let sq::Query {
            with,
            body,
            order_by,
            limit_clause,
            fetch,
            locks,
            for_clause,
            settings,
            format_clause,
            pipe_operators,
        } = query;
        let mut span = Span::default();
        let with = match with {
            Some(with) => {
                span = span_of(with.with_token.0.span);
                Some(self.with(with)?)
            }
            None => None,
        };
        let body = self.body(*body)?;
        span = cover([span, body_span(&body)]);
        if !locks.is_empty() {
            return Err(Error::not_supported("FOR UPDATE"));
        }
        self.refuse(for_clause.is_some() || !pipe_operators.is_empty(), "for", span)?;
        self.refuse(settings.is_some(), "settings", span)?;
        self.refuse(format_clause.is_some(), "format", span)?;
        let order_by = order_by.map(|order_by| self.order_by(order_by, span)).transpose()?;
        let limit = self.limit(limit_clause, fetch, span)?;
        let order_end = match &order_by {
            Some(OrderBy::Items(items)) => items.last().map(|item| item.expr.span),
            _ => None,
        };
        let limits = limit.iter().flat_map(|limit| [&limit.count, &limit.offset]);
        let limit_end = limits.flatten().map(|expr| expr.span);
        let span = cover([span].into_iter().chain(order_end).chain(limit_end));
        Ok(Query { with, body, order_by, limit, span })
    }

    fn with(&mut self, with: sq::With) -> Result<With> {
        let sq::With { with_token: _, recursive, cte_tables } = with;
        let mut ctes = Vec::with_capacity(cte_tables.len());
        for cte in cte_tables {
            let sq::Cte { alias, query, from, materialized, closing_paren_token: _ } = cte;
            let sq::TableAlias { explicit: _, name, columns, at } = alias;
            let name = self.identifier(name)?;
            self.refuse(materialized.is_some(), "materialized", name.span)?;
            self.refuse(from.is_some(), "from", name.span)?;
            self.refuse(at.is_some(), "at", name.span)?;
            let columns = self.column_names(columns)?;
            ctes.push(Cte { name, columns, query: Box::new(self.query(*query)?) });
        }
        Ok(With { recursive, ctes })
    }

    /// A query's body; chains of set operations are taken apart in a loop.
    fn body(&mut self, body: sq::SetExpr) -> Result<QueryBody> {
        let mut chain = Vec::new();
        let mut first = body;
        while let sq::SetExpr::SetOperation { left, op, set_quantifier, right } = first {
            chain.push((op, set_quantifier, *right));
            first = *left;
        }
        let mut result = self.body_term(first)?;
        let mut levels = 0;
        for (op, quantifier, right) in chain.into_iter().rev() {
            let (operator, all, by_name) = set_operator(op, quantifier)?;
            let right = self.deeper(1, |this| this.body(right))?;
            let span = body_span(&result).to(body_span(&right));
            match &mut result {
                QueryBody::SetOperation(same)
                    if (same.operator, same.all, same.by_name) == (operator, all, by_name) =>
                {
                    same.branches.push(right);
                    same.span = span;
                }
                _ => {
                    levels += 1;
                    self.deeper(levels, |_| Ok(()))?;
                    let branches = vec![result, right];
                    let operation = SetOperation { operator, all, by_name, branches, span };
                    result = QueryBody::SetOperation(Box::new(operation));
                }
            }
        }
        Ok(result)
    }

    fn body_term(&mut self, body: sq::SetExpr) -> Result<QueryBody> {
        match body {
            sq::SetExpr::Select(select) => Ok(QueryBody::Select(Box::new(self.select(*select)?))),
            sq::SetExpr::Query(query) => Ok(QueryBody::Query(Box::new(self.query(*query)?))),
            sq::SetExpr::Values(values) => Ok(QueryBody::Values(self.values(values)?)),
            sq::SetExpr::SetOperation { .. } => self.deeper(1, |this| this.body(body)),
            sq::SetExpr::Table(_) => Err(self.unexpected_word("table", Span::default())),
            sq::SetExpr::Insert(_) => Err(self.unexpected_word("insert", Span::default())),
            sq::SetExpr::Update(_) => Err(self.unexpected_word("update", Span::default())),
            sq::SetExpr::Delete(_) => Err(self.unexpected_word("delete", Span::default())),
            sq::SetExpr::Merge(_) => Err(self.unexpected_word("merge", Span::default())),
        }
    }

    /// VALUES.
    pub(super) fn values(&mut self, values: sq::Values) -> Result<Values> {
        let sq::Values { explicit_row, value_keyword, rows: written } = values;
        let mut rows = Vec::with_capacity(written.len());
        for row in written {
            rows.push(self.exprs(row.content)?);
        }
        let span = cover(rows.iter().flatten().map(|expr| expr.span));
        if explicit_row || value_keyword {
            let before = self.outline.at(span.start).saturating_sub(2);
            return Err(self.outline.unexpected(before));
        }
        Ok(Values { rows, span })
    }

    fn order_by(&mut self, order_by: sq::OrderBy, before: Span) -> Result<OrderBy> {
        let sq::OrderBy { kind, interpolate } = order_by;
        self.refuse(interpolate.is_some(), "interpolate", before)?;
        match kind {
            sq::OrderByKind::Expressions(items) => Ok(OrderBy::Items(self.order_items(items)?)),
            sq::OrderByKind::All(options) => Ok(OrderBy::All {
                descending: matches!(options.sort, Some(sq::OrderBySort::Desc)),
                nulls_first: options.nulls_first,
                span: self.outline.span(self.outline.at(before.end)),
            }),
        }
    }

    /// LIMIT, FETCH and OFFSET.
    fn limit(
        &mut self,
        clause: Option<sq::LimitClause>,
        fetch: Option<sq::Fetch>,
        before: Span,
    ) -> Result<Option<Limit>> {
        let mut limit = Limit { count: None, offset: None };
        match clause {
            None => {}
            Some(sq::LimitClause::LimitOffset { limit: count, offset, limit_by }) => {
                if !limit_by.is_empty() {
                    return Err(self.unexpected_word("by", before));
                }
                limit.count = count.map(|count| self.expr(count)).transpose()?;
                limit.offset = offset.map(|offset| self.expr(offset.value)).transpose()?;
            }
            Some(sq::LimitClause::OffsetCommaLimit { offset, .. }) => {
                let offset = self.expr(offset)?;
                let comma = self.outline.at(offset.span.start) + 1;
                return Err(self.outline.unexpected(comma));
            }
        }
        if let Some(fetch) = fetch {
            let sq::Fetch { with_ties, percent, quantity } = fetch;
            self.refuse(percent, "percent", before)?;
            self.refuse(with_ties, "with", before)?;
            limit.count = quantity.map(|count| self.expr(count)).transpose()?;
        }
        for count in [&limit.count, &limit.offset].into_iter().flatten() {
            if matches!(count.kind, ExprKind::Unary(..)) {
                return Err(self.unexpected_at(count.span));
            }
        }
        Ok((limit.count.is_some() || limit.offset.is_some()).then_some(limit))
    }
}

fn set_operator(
    op: sq::SetOperator,
    quantifier: sq::SetQuantifier,
) -> Result<(SetOperator, bool, bool)> {
    let operator = match op {
        sq::SetOperator::Union => SetOperator::Union,
        sq::SetOperator::Intersect => SetOperator::Intersect,
        sq::SetOperator::Except | sq::SetOperator::Minus => SetOperator::Except,
    };
    let (all, by_name) = match quantifier {
        sq::SetQuantifier::All => (true, false),
        sq::SetQuantifier::AllByName => (true, true),
        sq::SetQuantifier::ByName | sq::SetQuantifier::DistinctByName => (false, true),
        sq::SetQuantifier::Distinct | sq::SetQuantifier::None => (false, false),
    };
    match (operator, by_name) {
        (SetOperator::Intersect, true) => Err(Error::not_supported("INTERSECT BY NAME")),
        (SetOperator::Except, true) => Err(Error::not_supported("EXCEPT BY NAME")),
        _ => Ok((operator, all, by_name)),
    }
}

/// Where a query's body was written.
pub(super) fn body_span(body: &QueryBody) -> Span {
    match body {
        QueryBody::Select(select) => select.span,
        QueryBody::Query(query) => query.span,
        QueryBody::SetOperation(operation) => operation.span,
        QueryBody::Values(values) => values.span,
    }
}
