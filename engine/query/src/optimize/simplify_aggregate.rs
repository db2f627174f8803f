//! Fewer keys and fewer aggregates with the same answers.
//!
//! A key that is constant, or computed from other keys, tells no groups apart: it is computed once per group
//! instead (functional dependence; G. Paulley, "Exploiting Functional Dependence in Query Optimization", 2000).
//! `SUM(x + 1)` and `SUM(x + 2)` are both told by the sum and the count of `x`, where its range proves that no sum
//! of it overflows.

use std::collections::{HashMap, HashSet};

use firn_expression::Expr;
use firn_functions::meaning::ArithmeticOperator::{Add, Subtract};
use firn_functions::{AggregateMeaning, Meaning};
use firn_plan::{Aggregate, AggregateCall, Plan, Project, ProjectItem};
use firn_types::{ColumnId, Result, SqlType, Value};

use super::OptimizeContext;
use super::estimate::{Estimate, Estimator};
use super::partial::{aggregate, as_type, scalar};
use super::substitute::{is_volatile, substitute, uses_only};

/// Neither the sum of so many rows as there can be nor a row leaves 38 digits while values and constants
/// are smaller than this.
const SUMMAND_MAX: f64 = 1e18;

pub(super) fn apply(plan: Plan, context: &OptimizeContext<'_>) -> Result<Plan> {
    match plan.try_map_inputs(&mut |input| apply(input, context))? {
        Plan::Aggregate(node) if node.grouping_sets.is_none() => rewrite(*node, context),
        other => Ok(other),
    }
}

fn rewrite(mut node: Aggregate, context: &OptimizeContext<'_>) -> Result<Plan> {
    let given = node.columns();
    let mut computed = take_dependent_keys(&mut node.groups);
    let input = Estimator::default().estimate(&node.input);
    computed.extend(take_sums(&mut node.aggregates, &input, context)?);
    if computed.is_empty() {
        return Ok(Plan::Aggregate(Box::new(node)));
    }
    let items = given.iter().map(|column| match computed.remove(&column.id) {
        Some(expr) => ProjectItem { id: column.id, name: column.name.clone(), expr },
        None => ProjectItem::pass(column),
    });
    let items = items.collect();
    Ok(Plan::Project(Project { input: Box::new(Plan::Aggregate(Box::new(node))), items }))
}

/// Takes out the keys that the others determine; each with the expression that computes it from them.
fn take_dependent_keys(groups: &mut Vec<ProjectItem>) -> HashMap<ColumnId, Expr> {
    let mut keys: HashMap<ColumnId, Expr> = HashMap::new();
    for group in groups.iter() {
        if let Some(id) = group.expr.as_column()
            && is_told_by_equality(group.expr.sql_type())
        {
            keys.entry(id).or_insert_with(|| group.column().expr());
        }
    }
    let known: HashSet<ColumnId> = keys.keys().copied().collect();
    let mut computed = Vec::new();
    let mut kept = Vec::with_capacity(groups.len());
    for group in groups.drain(..) {
        let is_key = keys.values().any(|key| key.as_column() == Some(group.id));
        if is_key || is_volatile(&group.expr) || !uses_only(&group.expr, &known) {
            kept.push(group);
        } else {
            computed.push(group);
        }
    }
    // Without any key there would be a group even of no rows.
    if kept.is_empty() && !computed.is_empty() {
        kept.push(computed.remove(0));
    }
    *groups = kept;
    computed.into_iter().map(|group| (group.id, substitute(group.expr, &keys))).collect()
}

/// Whether values that are equal as keys are alike for every function.
fn is_told_by_equality(sql_type: SqlType) -> bool {
    // -0 equals 0, equal instants have different offsets, and 1 may be a string in a VARIANT.
    !matches!(sql_type, SqlType::Float | SqlType::TimestampTz { .. })
        && !sql_type.is_semi_structured()
}

/// The sum of a column and a constant.
struct ShiftedSum {
    operator: &'static str,
    column: Expr,
    constant: Expr,
}

/// Takes out sums of one column with different constants; each with the expression that computes it from
/// the sum and the count of the column.
fn take_sums(
    calls: &mut Vec<AggregateCall>,
    input: &Estimate,
    context: &OptimizeContext<'_>,
) -> Result<HashMap<ColumnId, Expr>> {
    let sums: Vec<Option<ShiftedSum>> = calls.iter().map(|call| shifted_sum(call, input)).collect();
    let mut uses: HashMap<ColumnId, usize> = HashMap::new();
    let ids = |sum: &ShiftedSum| sum.column.columns_used().into_iter().next();
    sums.iter().flatten().filter_map(ids).for_each(|id| *uses.entry(id).or_default() += 1);
    let mut computed = HashMap::new();
    let mut states: HashMap<Expr, (Expr, Expr)> = HashMap::new();
    let mut kept = Vec::with_capacity(calls.len());
    for (call, sum) in calls.drain(..).zip(sums) {
        let Some(sum) = sum.filter(|sum| ids(sum).is_some_and(|id| uses[&id] > 1)) else {
            kept.push(call);
            continue;
        };
        let key = sum.column.clone();
        if !states.contains_key(&key) {
            let column = std::slice::from_ref(&sum.column);
            let total = aggregate("SUM", &call, column, context)?;
            let count = aggregate("COUNT", &call, column, context)?;
            states.insert(key.clone(), (total.column().expr(), count.column().expr()));
            kept.extend([total, count]);
        }
        let (total, count) = states[&key].clone();
        let shift = scalar("*", [sum.constant, count])?;
        let answer = scalar(sum.operator, [total, shift])?;
        computed.insert(call.id, as_type(answer, call.signature.returns));
    }
    *calls = kept;
    Ok(computed)
}

/// The call as a sum of a column and a constant, when neither it nor the sum of the column can overflow.
fn shifted_sum(call: &AggregateCall, input: &Estimate) -> Option<ShiftedSum> {
    let plain = call.function.meaning == AggregateMeaning::Sum
        && !call.distinct
        && call.order_by.is_empty();
    let [Expr::Call { function, arguments, .. }] = call.arguments.as_slice() else { return None };
    let (Meaning::Arithmetic(Add) | Meaning::Arithmetic(Subtract)) = function.meaning else {
        return None;
    };
    let (column, constant) = match arguments.as_slice() {
        [column, constant] if constant.as_literal().is_some() => (column, constant),
        [constant, column] if function.meaning == Meaning::Arithmetic(Add) => (column, constant),
        _ => return None,
    };
    let Some(Value::Number(number)) = constant.as_literal() else { return None };
    let (low, high) = input.columns.get(column.as_column()?)?.range?;
    let is_small = low > -SUMMAND_MAX && high < SUMMAND_MAX && is_small(number.unscaled);
    let exact = matches!(call.signature.returns, SqlType::Number { .. })
        && matches!(column.sql_type(), SqlType::Number { .. });
    (plain && exact && is_small).then(|| ShiftedSum {
        operator: function.name,
        column: column.clone(),
        constant: constant.clone(),
    })
}

fn is_small(unscaled: i128) -> bool {
    (unscaled as f64).abs() < SUMMAND_MAX
}
