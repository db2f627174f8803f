//! GROUP BY: expressions, positions, aliases, ALL, grouping sets.

use std::collections::HashMap;

use firn_expression::Expr;
use firn_types::{ColumnId, Error, ErrorCode, Result, Span};

use super::select::SelectBinder;
use crate::bind::clause::Clause;
use crate::bind::expr::{Grouping, GroupingSets, expand_star};
use crate::bind::walk;
use firn_parse::ast::{
    self, ExprKind, GroupBy, GroupItem, Literal, OrderBy, Select, SelectItemKind,
};
use firn_plan::ProjectItem;

/// Most grouping sets of one query.
const GROUPING_SETS_MAX: usize = 512;

/// The groups of a query, and how its expressions see them.
pub(super) struct Groups {
    /// What is grouped by.
    pub(super) items: Vec<ProjectItem>,
    /// For each grouping set the positions of its groups.
    pub(super) sets: Option<Vec<Vec<usize>>>,
    /// How expressions see the groups.
    pub(super) grouping: Grouping,
}

/// Binds GROUP BY; none when the query is not grouped at all.
pub(super) fn bind_groups(
    select: &mut SelectBinder<'_>,
    ast: &Select,
    order_by: Option<&OrderBy>,
) -> Result<Option<Groups>> {
    let sets = match &ast.group_by {
        None if !has_aggregates(select, ast, order_by) => return Ok(None),
        None => Vec::new(),
        Some(GroupBy::All(_)) => vec![vec![all_items(select, ast)?]],
        Some(GroupBy::Items(items)) => {
            items.iter().map(|item| item_sets(select, ast, item)).collect::<Result<_>>()?
        }
    };
    let plain = sets.iter().all(|alternatives| alternatives.len() == 1);
    let sets = product(sets, ast.span)?;
    Ok(Some(number_groups(select, sets, plain)))
}

fn has_aggregates(select: &SelectBinder<'_>, ast: &Select, order_by: Option<&OrderBy>) -> bool {
    let mut all = walk::select_expressions(ast);
    all.extend(walk::order_expressions(order_by));
    all.into_iter().any(|expr| select.has_aggregate(expr))
}

/// GROUP BY ALL: every select item without an aggregate.
fn all_items(select: &mut SelectBinder<'_>, ast: &Select) -> Result<Vec<Expr>> {
    let plain = |item: &&ast::SelectItem| match &item.kind {
        SelectItemKind::Expr(expr, _) => !select.has_aggregate(expr) && !walk::has_window(expr),
        SelectItemKind::Star(_) => true,
    };
    let items: Vec<&ast::SelectItem> = ast.items.iter().filter(plain).collect();
    let mut expressions = select.expressions(Clause::GroupBy, None);
    let mut found = Vec::new();
    for item in items {
        match &item.kind {
            SelectItemKind::Expr(expr, _) => found.push(expressions.bind(expr)?),
            SelectItemKind::Star(star) => {
                let columns = expand_star(&mut expressions, star)?;
                found.extend(columns.into_iter().map(|column| column.expr));
            }
        }
    }
    Ok(found)
}

/// The alternatives that one item of GROUP BY stands for.
fn item_sets(
    select: &mut SelectBinder<'_>,
    ast: &Select,
    item: &GroupItem,
) -> Result<Vec<Vec<Expr>>> {
    let mut bind = |exprs: &[ast::Expr]| -> Result<Vec<Expr>> {
        exprs.iter().map(|expr| bind_group(select, ast, expr)).collect()
    };
    match item {
        GroupItem::Expr(expr) => match &expr.kind {
            ExprKind::Row(items) => Ok(vec![bind(items)?]),
            _ => Ok(vec![bind(std::slice::from_ref(expr))?]),
        },
        GroupItem::Sets(sets, _) => sets.iter().map(|set| bind(set)).collect(),
        GroupItem::Rollup(levels, _) => {
            let levels: Vec<Vec<Expr>> = levels.iter().map(|l| bind(l)).collect::<Result<_>>()?;
            let prefixes = (0..=levels.len()).rev();
            Ok(prefixes.map(|count| levels[..count].concat()).collect())
        }
        GroupItem::Cube(elements, span) => {
            let elements: Vec<Vec<Expr>> =
                elements.iter().map(|e| bind(e)).collect::<Result<_>>()?;
            if elements.len() > GROUPING_SETS_MAX.ilog2() as usize {
                return Err(too_many_sets(*span));
            }
            let masks = (0..1_usize << elements.len()).rev();
            Ok(masks
                .map(|mask| {
                    let chosen =
                        (0..elements.len()).filter(|i| mask >> (elements.len() - 1 - i) & 1 == 1);
                    chosen.flat_map(|i| elements[i].clone()).collect()
                })
                .collect())
        }
    }
}

/// One group: a position in the select list, else an expression; a FROM column goes before an alias.
fn bind_group(select: &mut SelectBinder<'_>, ast: &Select, expr: &ast::Expr) -> Result<Expr> {
    let ExprKind::Literal(Literal::Number(digits)) = &expr.kind else {
        return select.expressions(Clause::GroupBy, None).bind(expr);
    };
    let found = match digits.parse::<usize>().ok().and_then(|position| position.checked_sub(1)) {
        Some(position) => output_at(select, ast, position)?,
        None => None,
    };
    found.ok_or_else(|| {
        let text = format!("Invalid column position '{digits}' in GROUP BY");
        Error::new(ErrorCode::InvalidGroupBy, text).at(expr.span)
    })
}

/// The output column at a position, counted from 0; a `*` counts as its columns.
fn output_at(select: &mut SelectBinder<'_>, ast: &Select, position: usize) -> Result<Option<Expr>> {
    let mut expressions = select.expressions(Clause::GroupBy, None);
    let mut left = position;
    for item in &ast.items {
        let width = match &item.kind {
            SelectItemKind::Expr(expr, _) if left == 0 => return expressions.bind(expr).map(Some),
            SelectItemKind::Expr(..) => 1,
            SelectItemKind::Star(star) => {
                let columns = expand_star(&mut expressions, star)?;
                let width = columns.len();
                if let Some(column) = columns.into_iter().nth(left) {
                    return Ok(Some(column.expr));
                }
                width
            }
        };
        left -= width;
    }
    Ok(None)
}

/// Every combination of one alternative of each item.
fn product(items: Vec<Vec<Vec<Expr>>>, span: Span) -> Result<Vec<Vec<Expr>>> {
    let mut sets: Vec<Vec<Expr>> = vec![Vec::new()];
    for alternatives in items {
        if sets.len() * alternatives.len() > GROUPING_SETS_MAX {
            return Err(too_many_sets(span));
        }
        sets = sets
            .iter()
            .flat_map(|set| {
                alternatives.iter().map(move |more| [set.as_slice(), more.as_slice()].concat())
            })
            .collect();
    }
    Ok(sets)
}

fn too_many_sets(span: Span) -> Error {
    let text = format!("too many grouping sets, at most {GROUPING_SETS_MAX} are possible");
    Error::new(ErrorCode::InvalidStatement, text).at(span)
}

/// Gives each different group a column.
fn number_groups(select: &SelectBinder<'_>, sets: Vec<Vec<Expr>>, plain: bool) -> Groups {
    let names = select.scope.column_names();
    let mut items: Vec<ProjectItem> = Vec::new();
    let mut positions: HashMap<Expr, usize> = HashMap::new();
    let mut set_positions = Vec::with_capacity(sets.len());
    for set in sets {
        let mut members = Vec::with_capacity(set.len());
        for expr in set {
            let position = *positions.entry(expr).or_insert_with_key(|expr| {
                // With grouping sets a group's column can be NULL where its input is not. What is no column
                // of this query's rows is another column once it is grouped by.
                let own = |id: &ColumnId| plain && select.scope.name_of(*id).is_some();
                let id = expr.as_column().filter(own);
                let id = id.unwrap_or_else(|| select.binder.fresh());
                items.push(ProjectItem {
                    id,
                    name: expr.named(&names).to_string(),
                    expr: expr.clone(),
                });
                items.len() - 1
            });
            if !members.contains(&position) {
                members.push(position);
            }
        }
        set_positions.push(members);
    }
    let mut grouping = Grouping::default();
    for item in &items {
        let mut column = item.column();
        column.nullable |= !plain;
        grouping.groups.insert(item.expr.clone(), column.expr());
        grouping.columns.push(column.id);
    }
    let sets = (!plain).then(|| {
        let numbered = set_positions.iter().map(|members| {
            let rolled_up = (0..items.len()).filter(|position| !members.contains(position));
            let number = rolled_up.clone().fold(0_i128, |bits, position| bits | 1 << position);
            (number, rolled_up.map(|position| items[position].expr.clone()).collect())
        });
        let sets = numbered.collect();
        grouping.sets = Some(GroupingSets { id: select.binder.fresh(), sets });
        set_positions
    });
    Groups { items, sets, grouping }
}
