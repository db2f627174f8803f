//! Texts with a collation are grouped, ordered and told apart by their keys.
//!
//! Comparisons have keys since they were bound; here nodes get them. What is grouped by a key gives one of the texts
//! that share it, whichever. MIN and MAX become the texts with the least and the greatest key.

use std::collections::HashMap;
use std::sync::Arc;

use firn_expression::Expr;
use firn_functions::registry;
use firn_functions::{AggregateFunction, AggregateMeaning, Argument, Signature};
use firn_plan::{
    Aggregate, AggregateCall, Join, JoinKey, JoinKind, Plan, Project, ProjectItem, SetOperation,
    SetOperator, SortKey, WindowCall, WindowTarget,
};
use firn_types::{Error, Result};

use super::OptimizeContext;
use crate::collation::{has_key, key_of};

pub(super) fn apply(plan: Plan, context: &OptimizeContext<'_>) -> Result<Plan> {
    let plan = plan.try_map_inputs(&mut |input| apply(input, context))?;
    match plan {
        Plan::Sort(mut node) => {
            order(&mut node.keys)?;
            Ok(Plan::Sort(node))
        }
        Plan::Aggregate(mut node) => {
            node.aggregates.iter_mut().try_for_each(aggregate)?;
            if node.groups.iter().any(|group| has_key(&group.expr)) {
                return group(*node, context);
            }
            Ok(Plan::Aggregate(node))
        }
        Plan::Window(mut node) => {
            node.calls.iter_mut().try_for_each(window)?;
            Ok(Plan::Window(node))
        }
        Plan::ForeignTable(mut node) => {
            node.partition_by.iter_mut().try_for_each(by_key)?;
            order(&mut node.order_by)?;
            Ok(Plan::ForeignTable(node))
        }
        Plan::SetOperation(node) if node.operator != SetOperator::UnionAll => {
            if node.columns.iter().any(|column| has_key(&column.expr())) {
                return set_operation(node, context);
            }
            Ok(Plan::SetOperation(node))
        }
        other => Ok(other),
    }
}

fn by_key(expr: &mut Expr) -> Result<()> {
    if has_key(expr) {
        let text = std::mem::replace(expr, Expr::boolean(true));
        *expr = key_of(text)?;
    }
    Ok(())
}

fn order(keys: &mut [SortKey]) -> Result<()> {
    keys.iter_mut().try_for_each(|key| by_key(&mut key.expr))
}

/// Groups by keys; gives, under the groups' ids, one text of each group.
fn group(mut node: Aggregate, context: &OptimizeContext<'_>) -> Result<Plan> {
    let given = node.columns();
    let any = registry::aggregate("ANY_VALUE")?;
    let mut texts = HashMap::new();
    for group in &mut node.groups {
        if !has_key(&group.expr) {
            continue;
        }
        let text = group.expr.clone();
        let call = AggregateCall {
            id: context.fresh(),
            name: group.name.clone(),
            function: any,
            signature: any.resolve(vec![Argument::of(text.sql_type())])?,
            arguments: vec![text.clone()],
            distinct: false,
            order_by: Vec::new(),
        };
        let id = std::mem::replace(&mut group.id, context.fresh());
        group.expr = key_of(text)?;
        let mut shown = call.column().expr();
        if node.grouping_sets.is_some() {
            // In the sets that are without it, the group is NULL.
            let key =
                Expr::Column { id: group.id, sql_type: group.expr.sql_type(), nullable: true };
            let branches = vec![(Expr::IsNull(Box::new(key)), Expr::null(shown.sql_type()))];
            let sql_type = shown.sql_type();
            shown = Expr::Case { branches, otherwise: Some(Box::new(shown)), sql_type };
        }
        texts.insert(id, shown);
        node.aggregates.push(call);
    }
    let items = given.iter().map(|column| match texts.remove(&column.id) {
        Some(expr) => ProjectItem { id: column.id, name: column.name.clone(), expr },
        None => ProjectItem::pass(column),
    });
    let items = items.collect();
    Ok(Plan::Project(Project { items, input: Box::new(Plan::Aggregate(Box::new(node))) }))
}

/// An aggregate's arguments, by what is done with them.
fn aggregate(call: &mut AggregateCall) -> Result<()> {
    order(&mut call.order_by)?;
    if let Some((function, arguments)) = adapted(call.function, call.distinct, &call.arguments)? {
        call.signature =
            signature(AggregateFunction::resolve, function, &arguments, &call.signature)?;
        (call.function, call.arguments) = (function, arguments);
    }
    Ok(())
}

/// The overload for other arguments, which answers what the old one did.
fn signature(
    resolve: fn(&AggregateFunction, Vec<Argument>) -> Result<Arc<Signature>>,
    function: &AggregateFunction,
    arguments: &[Expr],
    old: &Signature,
) -> Result<Arc<Signature>> {
    let views = arguments.iter().map(|argument| Argument::of(argument.sql_type()));
    let mut signature = resolve(function, views.collect())?;
    Arc::make_mut(&mut signature).returns = old.returns;
    Ok(signature)
}

/// Whether the function tells rows apart by its second argument.
fn is_by_key(function: &AggregateFunction) -> bool {
    matches!(function.name, "MIN_BY" | "MAX_BY")
}

/// The function that does for texts with a collation what the given one does for others, and its arguments; none
/// where it is the same.
fn adapted(
    function: &'static AggregateFunction,
    distinct: bool,
    arguments: &[Expr],
) -> Result<Option<(&'static AggregateFunction, Vec<Expr>)>> {
    if !arguments.iter().any(has_key) {
        return Ok(None);
    }
    let mut arguments = arguments.to_vec();
    match function.meaning {
        AggregateMeaning::Least | AggregateMeaning::Greatest => {
            arguments.push(key_of(arguments[0].clone())?);
            let least = function.meaning == AggregateMeaning::Least;
            let name = if least { "MIN_BY" } else { "MAX_BY" };
            return Ok(Some((registry::aggregate(name)?, arguments)));
        }
        _ if is_by_key(function) => by_key(&mut arguments[1])?,
        AggregateMeaning::Count if distinct => arguments.iter_mut().try_for_each(by_key)?,
        _ if function.name == "APPROX_COUNT_DISTINCT" => {
            arguments.iter_mut().try_for_each(by_key)?;
        }
        _ if distinct => {
            let what = format!("{}(DISTINCT) of texts with a collation", function.name);
            return Err(Error::not_supported(what));
        }
        _ => return Ok(None),
    }
    Ok(Some((function, arguments)))
}

fn window(call: &mut WindowCall) -> Result<()> {
    call.partition_by.iter_mut().try_for_each(by_key)?;
    order(&mut call.order_by)?;
    if let WindowTarget::Aggregate { function, signature: of, distinct, within } = &mut call.target
    {
        order(within)?;
        if let Some((other, arguments)) = adapted(function, *distinct, &call.arguments)? {
            *of = signature(AggregateFunction::resolve_over, other, &arguments, of)?;
            *function = other;
            call.arguments = arguments;
        }
    }
    Ok(())
}

/// INTERSECT and EXCEPT: the different rows of the left input that have a partner in the right one, or none.
fn set_operation(node: SetOperation, context: &OptimizeContext<'_>) -> Result<Plan> {
    let SetOperation { operator, mut inputs, columns } = node;
    let kind = if operator == SetOperator::Intersect { JoinKind::Semi } else { JoinKind::Anti };
    let right = inputs.pop().unwrap_or_else(Plan::one_row);
    let left = inputs.pop().unwrap_or_else(Plan::one_row);
    let groups: Vec<ProjectItem> = left.columns().iter().map(ProjectItem::pass).collect();
    let left = group(
        Aggregate {
            input: Box::new(left),
            groups,
            grouping_sets: None,
            grouping_id: None,
            aggregates: Vec::new(),
        },
        context,
    )?;
    let pairs = left.columns().into_iter().zip(right.columns());
    let keys = pairs.map(|(left, right)| {
        let right = super::partial::as_type(right.expr(), left.sql_type);
        let (left, right) = (key_of(left.expr())?, key_of(right)?);
        Ok(JoinKey { left, right, null_equals_null: true })
    });
    let keys = keys.collect::<Result<_>>()?;
    let items = left.columns().into_iter().zip(&columns).map(|(from, to)| ProjectItem {
        id: to.id,
        name: to.name.clone(),
        expr: from.expr(),
    });
    let items = items.collect();
    let join =
        Join { kind, left: Box::new(left), right: Box::new(right), keys, conditions: Vec::new() };
    Ok(Plan::Project(Project { items, input: Box::new(Plan::Join(Box::new(join))) }))
}
