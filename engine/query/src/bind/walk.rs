//! Looking through syntax trees before they are bound.

use firn_functions::registry::{self, Function};

use firn_parse::ast::{
    ArgumentValue, Expr, ExprKind, FunctionCall, GroupBy, GroupItem, JoinConstraint, LikePattern,
    Name, ObjectField, OrderBy, PathStep, Query, QueryBody, Select, SelectItemKind, TableExpr,
    TableKind, Window,
};

/// The expressions directly inside this one; not those of its subqueries.
pub(crate) fn children(expr: &Expr) -> Vec<&Expr> {
    match &expr.kind {
        ExprKind::Literal(_)
        | ExprKind::Interval(..)
        | ExprKind::Column(_)
        | ExprKind::Position(..)
        | ExprKind::Variable(_)
        | ExprKind::Bind(_)
        | ExprKind::Default
        | ExprKind::Star(_)
        | ExprKind::Exists { .. }
        | ExprKind::Subquery(_) => Vec::new(),
        ExprKind::Identifier(inner)
        | ExprKind::Unary(_, inner)
        | ExprKind::Lambda(_, inner)
        | ExprKind::OuterJoin(inner)
        | ExprKind::Collate(inner, _)
        | ExprKind::Prior(inner)
        | ExprKind::ConnectByRoot(inner)
        | ExprKind::Spread(inner) => vec![inner],
        ExprKind::IsNull { operand, .. }
        | ExprKind::IsBoolean { operand, .. }
        | ExprKind::InSubquery { operand, .. }
        | ExprKind::Quantified { operand, .. }
        | ExprKind::Cast { operand, .. } => vec![operand],
        ExprKind::Binary(_, left, right) | ExprKind::IsDistinctFrom { left, right, .. } => {
            vec![left, right]
        }
        ExprKind::Like { operand, pattern, escape, .. } => {
            let mut found = vec![operand.as_ref()];
            match pattern {
                LikePattern::One(pattern) => found.push(pattern),
                LikePattern::Many(_, patterns) => found.extend(patterns),
                LikePattern::Query(..) => {}
            }
            found.extend(escape.as_deref());
            found
        }
        ExprKind::Between { operand, low, high, .. } => vec![operand, low, high],
        ExprKind::InList { operand, list, .. } => {
            std::iter::once(operand.as_ref()).chain(list).collect()
        }
        ExprKind::Case { operand, branches, otherwise } => {
            let branches = branches.iter().flat_map(|branch| [&branch.when, &branch.then]);
            operand.as_deref().into_iter().chain(branches).chain(otherwise.as_deref()).collect()
        }
        ExprKind::Function(call) => call_children(call),
        ExprKind::Path(base, steps) => {
            let indices = steps.iter().filter_map(|step| match step {
                PathStep::Index(index) => Some(index),
                PathStep::Field(_) => None,
            });
            std::iter::once(base.as_ref()).chain(indices).collect()
        }
        ExprKind::Object(fields) => fields
            .iter()
            .filter_map(|field| match field {
                ObjectField::Field(_, value) => Some(value),
                ObjectField::Star(_) => None,
            })
            .collect(),
        ExprKind::Array(items) | ExprKind::Row(items) => items.iter().collect(),
    }
}

fn call_children(call: &FunctionCall) -> Vec<&Expr> {
    let arguments = call.arguments.iter().filter_map(|argument| match &argument.value {
        ArgumentValue::Expr(expr) => Some(expr),
        ArgumentValue::Star(_) | ArgumentValue::Query(_) => None,
    });
    let within = call.within_group.iter().map(|item| &item.expr);
    let mut found: Vec<&Expr> = arguments.chain(within).collect();
    if let Some(Window::Spec(spec)) = &call.over {
        found.extend(&spec.partition_by);
        found.extend(spec.order_by.iter().map(|item| &item.expr));
    }
    found
}

/// Whether some part of the expression satisfies `test`; subqueries are not looked into.
pub(crate) fn any(expr: &Expr, test: &dyn Fn(&Expr) -> bool) -> bool {
    let mut pending = vec![expr];
    while let Some(expr) = pending.pop() {
        if test(expr) {
            return true;
        }
        pending.extend(children(expr));
    }
    false
}

/// Whether an aggregate is called in the expression, outside of its subqueries; `is_users` knows those of users.
pub(crate) fn has_aggregate(expr: &Expr, is_users: &dyn Fn(&FunctionCall) -> bool) -> bool {
    any(expr, &|expr| match &expr.kind {
        ExprKind::Function(call) if call.over.is_none() => is_aggregate(call) || is_users(call),
        _ => false,
    })
}

/// Whether a window function is called in the expression, outside of its subqueries.
pub(crate) fn has_window(expr: &Expr) -> bool {
    any(expr, &|expr| matches!(&expr.kind, ExprKind::Function(call) if call.over.is_some()))
}

fn is_aggregate(call: &FunctionCall) -> bool {
    let Name::Plain(name) = &call.name else { return false };
    let function = registry::find(name.object().as_str());
    let grouping = matches!(name.object().as_str(), "GROUPING" | "GROUPING_ID");
    name.parts.len() == 1 && (grouping || matches!(function, Some(Function::Aggregate(_))))
}

/// Every expression of a SELECT except those in FROM.
pub(crate) fn select_expressions(select: &Select) -> Vec<&Expr> {
    let mut found: Vec<&Expr> = Vec::new();
    for item in &select.items {
        match &item.kind {
            SelectItemKind::Expr(expr, _) => found.push(expr),
            SelectItemKind::Star(star) => found.extend(star.replace.iter().map(|(expr, _)| expr)),
        }
    }
    found.extend(&select.filter);
    found.extend(&select.having);
    found.extend(&select.qualify);
    if let Some(GroupBy::Items(items)) = &select.group_by {
        for item in items {
            match item {
                GroupItem::Expr(expr) => found.push(expr),
                GroupItem::Sets(sets, _)
                | GroupItem::Rollup(sets, _)
                | GroupItem::Cube(sets, _) => {
                    found.extend(sets.iter().flatten());
                }
            }
        }
    }
    found
}

/// The expressions of an ORDER BY.
pub(crate) fn order_expressions(order_by: Option<&OrderBy>) -> Vec<&Expr> {
    match order_by {
        Some(OrderBy::Items(items)) => items.iter().map(|item| &item.expr).collect(),
        Some(OrderBy::All { .. }) | None => Vec::new(),
    }
}

/// Every expression in FROM, those of the subqueries there included.
pub(crate) fn from_expressions(from: &[TableExpr]) -> Vec<&Expr> {
    let mut found = Vec::new();
    from.iter().for_each(|table| add_table(table, &mut found));
    found
}

/// Every expression of the query that stands in an expression, if one does.
pub(crate) fn subquery_expressions(expr: &Expr) -> Vec<&Expr> {
    let mut found = Vec::new();
    match &expr.kind {
        ExprKind::Like { pattern: LikePattern::Query(_, query), .. }
        | ExprKind::Exists { query, .. }
        | ExprKind::InSubquery { query, .. }
        | ExprKind::Quantified { query, .. }
        | ExprKind::Subquery(query) => add_query(query, &mut found),
        _ => {}
    }
    found
}

fn add_query<'q>(query: &'q Query, found: &mut Vec<&'q Expr>) {
    let named = query.with.iter().flat_map(|with| &with.ctes);
    named.for_each(|cte| add_query(&cte.query, found));
    add_body(&query.body, found);
    found.extend(order_expressions(query.order_by.as_ref()));
}

fn add_body<'q>(body: &'q QueryBody, found: &mut Vec<&'q Expr>) {
    match body {
        QueryBody::Select(select) => {
            found.extend(select_expressions(select));
            select.from.iter().for_each(|table| add_table(table, found));
        }
        QueryBody::Query(query) => add_query(query, found),
        QueryBody::SetOperation(operation) => {
            operation.branches.iter().for_each(|branch| add_body(branch, found));
        }
        QueryBody::Values(values) => found.extend(values.rows.iter().flatten()),
    }
}

fn add_table<'q>(table: &'q TableExpr, found: &mut Vec<&'q Expr>) {
    match &table.kind {
        TableKind::Join(join) => {
            add_table(&join.left, found);
            add_table(&join.right, found);
            if let JoinConstraint::On(condition) = &join.constraint {
                found.push(condition);
            }
            found.extend(join.asof.iter().map(|asof| &asof.condition));
        }
        TableKind::Subquery { query, .. } => add_query(query, found),
        TableKind::Function(call) => found.extend(call_children(call)),
        TableKind::Values(values) => found.extend(values.rows.iter().flatten()),
        TableKind::Pivot(pivot) => add_table(&pivot.source, found),
        TableKind::Unpivot(unpivot) => add_table(&unpivot.source, found),
        TableKind::MatchRecognize(clause) => add_table(&clause.source, found),
        TableKind::Table { .. } | TableKind::Stage { .. } => {}
    }
}
