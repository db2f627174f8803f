//! Oracle's outer join: `FROM a, b WHERE a.k = b.k (+)`. The marked side is optional.
//!
//! The sources without a marker are joined as commas say; each optional one follows by a LEFT JOIN, once
//! all the sources that its conditions speak of are there.

use firn_types::{Error, ErrorCode, ObjectName, Result};

use super::from::{From, FromContext, Source, beside, bind_source, check_names};
use crate::bind::clause::Clause;
use crate::bind::expr::{ExprBinder, Gathered};
use crate::bind::scope::{Relation, Scope};
use crate::bind::walk;
use firn_parse::ast::{BinaryOperator, Expr, ExprKind, TableExpr};
use firn_plan::{ApplyKind, Join, JoinKind, Plan};

/// Whether the marker stands in a condition.
pub(super) fn is_marked(condition: &Expr) -> bool {
    walk::any(condition, &|expr| matches!(expr.kind, ExprKind::OuterJoin(_)))
}

/// The conditions that a condition is the AND of.
pub(super) fn conjuncts(condition: &Expr) -> Vec<&Expr> {
    let mut found = Vec::new();
    let mut pending = vec![condition];
    while let Some(expr) = pending.pop() {
        match &expr.kind {
            ExprKind::Binary(BinaryOperator::And, left, right) => pending.extend([&**right, left]),
            _ => found.push(expr),
        }
    }
    found
}

/// A source with the conditions that make it optional.
struct Part<'a> {
    from: From,
    conditions: Vec<&'a Expr>,
    /// The other sources that these speak of.
    needs: Vec<usize>,
}

/// Binds FROM with the marked conditions of WHERE.
pub(super) fn bind_from(
    context: &FromContext<'_>,
    sources: &[TableExpr],
    marked: &[&Expr],
) -> Result<From> {
    let mut parts = Vec::with_capacity(sources.len());
    for source in sources {
        match bind_source(context, source, None)? {
            Source::Alone(from) => {
                parts.push(Part { from, conditions: Vec::new(), needs: Vec::new() });
            }
            Source::Expanding(_) => {
                let feature = "the outer join marker (+) beside a table function";
                return Err(Error::not_supported(feature).at(source.span));
            }
        }
    }
    for condition in marked {
        let (optional, others) = sides(condition, &parts)?;
        parts[optional].conditions.push(condition);
        parts[optional].needs.extend(others);
    }
    let joined = join_all(context, parts, marked)?;
    check_names(&joined.relations, sources)?;
    Ok(joined)
}

/// The source that a condition makes optional, and the others that it speaks of.
fn sides(condition: &Expr, parts: &[Part<'_>]) -> Result<(usize, Vec<usize>)> {
    let mut optional: Option<usize> = None;
    let mut others = Vec::new();
    let mut pending = vec![(condition, false)];
    while let Some((expr, marked)) = pending.pop() {
        let marked = marked || matches!(expr.kind, ExprKind::OuterJoin(_));
        if let ExprKind::Column(name) = &expr.kind
            && let Some(source) = source_of(name, parts)?
        {
            match (marked, optional) {
                (false, _) => others.push(source),
                (true, Some(other)) if other != source => {
                    let text = "a condition may mark only one table with (+)";
                    return Err(Error::new(ErrorCode::InvalidStatement, text).at(expr.span));
                }
                (true, _) => optional = Some(source),
            }
        }
        pending.extend(walk::children(expr).into_iter().map(|child| (child, marked)));
    }
    let Some(optional) = optional else {
        let text = "(+) must follow a column of a table in FROM";
        return Err(Error::new(ErrorCode::InvalidStatement, text).at(condition.span));
    };
    others.retain(|&other| other != optional);
    Ok((optional, others))
}

/// The source that a column belongs to.
fn source_of(name: &ObjectName, parts: &[Part<'_>]) -> Result<Option<usize>> {
    for (index, part) in parts.iter().enumerate() {
        let scope = Scope { relations: part.from.relations.clone(), outer: None };
        if scope.find_here(name)?.is_some() {
            return Ok(Some(index));
        }
    }
    Ok(None)
}

fn join_all(context: &FromContext<'_>, parts: Vec<Part<'_>>, marked: &[&Expr]) -> Result<From> {
    // The columns stand in the order in which the sources are written.
    let mut written: Vec<Vec<Relation>> = parts.iter().map(|p| p.from.relations.clone()).collect();
    let mut waiting: Vec<(usize, Part<'_>)> = parts.into_iter().enumerate().collect();
    let mut there: Vec<usize> = Vec::new();
    let mut joined: Option<From> = None;
    while !waiting.is_empty() {
        let ready = |part: &Part<'_>| part.needs.iter().all(|need| there.contains(need));
        let plain = waiting.iter().position(|(_, part)| part.conditions.is_empty());
        let next = plain.or_else(|| waiting.iter().position(|(_, part)| ready(part)));
        let Some(next) = next else {
            let text = "tables are outer joined to each other by (+) in a circle";
            let place = marked.first().map(|expr| expr.span).unwrap_or_default();
            return Err(Error::new(ErrorCode::InvalidStatement, text).at(place));
        };
        let (index, part) = waiting.remove(next);
        joined = Some(match joined {
            None => match part.conditions.first() {
                None => part.from,
                Some(condition) => {
                    let text = "(+) marks a table that no other one stands beside";
                    return Err(Error::new(ErrorCode::InvalidStatement, text).at(condition.span));
                }
            },
            Some(left) if part.conditions.is_empty() => {
                beside(left, Source::Alone(part.from), ApplyKind::Inner)
            }
            Some(left) => {
                let columns = written[index].iter_mut().flat_map(|relation| &mut relation.columns);
                columns.for_each(|column| column.column.nullable = true);
                left_join(context, left, part)?
            }
        });
        there.push(index);
    }
    let plan = joined.map_or_else(Plan::one_row, |joined| joined.plan);
    Ok(From { plan, relations: written.into_iter().flatten().collect() })
}

fn left_join(context: &FromContext<'_>, left: From, part: Part<'_>) -> Result<From> {
    let mut relations = left.relations;
    relations.extend(part.from.relations);
    let scope = Scope { relations, outer: context.env.outer };
    let mut gathered = Gathered::default();
    let mut conditions = Vec::new();
    for condition in part.conditions {
        let (binder, env) = (context.binder, context.env);
        let bound = ExprBinder::new(binder, env, &scope, Clause::Marked, &mut gathered)
            .bind_condition(condition)?;
        if !gathered.applies.is_empty() {
            return Err(Error::not_supported("a subquery beside (+)").at(condition.span));
        }
        conditions.extend(bound.into_conjuncts());
    }
    let plan = Plan::Join(Box::new(Join {
        kind: JoinKind::Left,
        left: Box::new(left.plan),
        right: Box::new(part.from.plan),
        keys: Vec::new(),
        conditions,
    }));
    Ok(From { plan, relations: scope.relations })
}
