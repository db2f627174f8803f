//! Groups rows before they are joined, where that leaves few of them.
//!
//! ```text
//! SUM(amount) BY name OF sales JOIN shops ON shop
//!     becomes    SUM(s) BY name OF (SUM(amount) AS s BY shop OF sales) JOIN shops ON shop
//! ```
//!
//! Rows that agree in all that is used of them above join alike, so that their states (`partial`) may be joined
//! instead: W. P. Yan and P.-Å. Larson, "Eager Aggregation and Lazy Aggregation", VLDB 1995. It pays where many
//! rows come to a group, and most where the keys are integers that stand for texts of another table. A sum that
//! a condition of another table decides, `SUM(CASE WHEN day = 'Sunday' THEN amount END)`, is that sum of sums.

use std::collections::HashMap;

use firn_column::PhysicalType;
use firn_expression::Expr;
use firn_functions::meaning::ArithmeticOperator::{Divide, Modulo};
use firn_functions::{AggregateMeaning, Meaning};
use firn_plan::{
    Aggregate, AggregateCall, Filter, Join, JoinKind, Plan, PlanColumn, Project, ProjectItem,
};
use firn_types::{ColumnId, Decimal, Result, SqlType, TypeFamily, Value};

use super::OptimizeContext;
use super::estimate::Estimator;
use super::join_order::graph::{Graph, Tables};
use super::partial::{Partial, aggregate};
use super::substitute::{is_volatile, substitute_in};

/// Most tables beside those with arguments: all sets of them are looked at.
const OTHERS_MAX: usize = 8;
/// Rows that must come to a group of integers where the groups asked for are integers, too.
const ROWS_PER_GROUP: f64 = 16.0;
/// Rows that must come to a group of integers that stands for texts.
const ROWS_PER_GROUP_OF_TEXT: f64 = 3.0;

pub(super) fn apply(plan: Plan, context: &OptimizeContext<'_>) -> Result<Plan> {
    walk(plan, &mut Estimator::default(), context)
}

fn walk(plan: Plan, estimator: &mut Estimator, context: &OptimizeContext<'_>) -> Result<Plan> {
    match plan {
        Plan::With(mut node) => {
            *node.definition = walk(*node.definition, estimator, context)?;
            estimator.define(node.cte, &node.definition);
            *node.body = walk(*node.body, estimator, context)?;
            Ok(Plan::With(node))
        }
        other => match other.try_map_inputs(&mut |input| walk(input, estimator, context))? {
            Plan::Aggregate(node) => match eager(&node, estimator, context)? {
                Some(plan) => Ok(plan),
                None => Ok(Plan::Aggregate(node)),
            },
            other => Ok(other),
        },
    }
}

/// The plan with groups made early; none where it cannot be, or does not pay.
fn eager(
    node: &Aggregate,
    estimator: &Estimator,
    context: &OptimizeContext<'_>,
) -> Result<Option<Plan>> {
    if node.groups.is_empty() || node.grouping_sets.is_some() || !is_nest(&node.input) {
        return Ok(None);
    }
    let node = over_joins(node.clone());
    let calls: Vec<Call> = node.aggregates.iter().map(Call::of).collect();
    let may_be_early =
        |call: &Call| call.pure.arguments.iter().all(|e| !fails(e)) && !call.pure.distinct;
    if !calls.iter().all(may_be_early) || node.groups.iter().any(|g| is_volatile(&g.expr)) {
        return Ok(None);
    }
    let mut graph = Graph::default();
    graph.flatten(*node.input.clone());
    graph.estimates = graph.relations.iter().map(|r| estimator.estimate(r)).collect();
    let early = Early { groups: &node.groups, calls: &calls, graph: &graph };
    match early.best() {
        Some(choice) => build(&node, &calls, graph, choice, context),
        None => Ok(None),
    }
}

/// Whether the rows come from inner joins, through projections.
fn is_nest(plan: &Plan) -> bool {
    match plan {
        Plan::Project(node) => {
            !node.items.iter().any(|item| is_volatile(&item.expr)) && is_nest(&node.input)
        }
        Plan::Join(join) => join.kind == JoinKind::Inner,
        _ => false,
    }
}

/// The aggregation in terms of what is joined.
fn over_joins(mut node: Aggregate) -> Aggregate {
    while let Plan::Project(project) = *node.input {
        let by: HashMap<ColumnId, Expr> =
            project.items.into_iter().map(|item| (item.id, item.expr)).collect();
        node.groups.iter_mut().for_each(|group| substitute_in(&mut group.expr, &by));
        for call in &mut node.aggregates {
            call.arguments.iter_mut().for_each(|argument| substitute_in(argument, &by));
            call.order_by.iter_mut().for_each(|key| substitute_in(&mut key.expr, &by));
        }
        node.input = project.input;
    }
    node
}

/// Whether computing an expression for rows that join with nothing could be an error. Of numbers it cannot be
/// one before 38 digits are used up.
fn fails(expr: &Expr) -> bool {
    expr.any(&mut |part| match part {
        Expr::Call { function, arguments, .. } => match (function.meaning, arguments.as_slice()) {
            (Meaning::Arithmetic(Divide | Modulo), [_, divisor]) => !is_not_zero(divisor),
            (Meaning::Arithmetic(_), _) => false,
            _ => true,
        },
        Expr::Cast { input, to, .. } => {
            let number = |sql_type: SqlType| {
                matches!(sql_type.family(), TypeFamily::Number | TypeFamily::Float)
            };
            !(number(input.sql_type()) && number(*to))
        }
        _ => false,
    })
}

fn is_not_zero(expr: &Expr) -> bool {
    matches!(expr.as_literal(), Some(Value::Number(number)) if number.unscaled != 0)
}

/// A call of an aggregate function, with the condition under which rows count taken off where it can be.
struct Call {
    /// The call without the condition.
    pure: AggregateCall,
    /// Of `SUM(CASE WHEN condition THEN ..)`: the condition, and whether other rows add 0 or nothing.
    condition: Option<(Expr, bool)>,
    /// The call as it is.
    whole: AggregateCall,
}

impl Call {
    fn of(call: &AggregateCall) -> Call {
        let whole = call.clone();
        if let (AggregateMeaning::Sum, false, [Expr::Case { branches, otherwise, .. }]) =
            (call.function.meaning, call.distinct, call.arguments.as_slice())
            && let [(condition, value)] = branches.as_slice()
            && value.sql_type() == call.arguments[0].sql_type()
            && !is_volatile(condition)
        {
            let other = otherwise.as_ref().map(|other| other.as_literal().cloned());
            let zero = match other {
                None | Some(Some(Value::Null)) => Some(false),
                Some(Some(Value::Number(number))) if number.unscaled == 0 => Some(true),
                _ => None,
            };
            if let Some(zero) = zero {
                let pure = AggregateCall { arguments: vec![value.clone()], ..call.clone() };
                return Call { pure, condition: Some((condition.clone(), zero)), whole };
            }
        }
        Call { pure: call.clone(), condition: None, whole }
    }

    /// The condition, if some table outside of `set` decides it.
    fn outside(&self, graph: &Graph, set: u128) -> Option<&(Expr, bool)> {
        let used = |expr: &Expr| graph.tables_of(expr);
        self.condition.as_ref().filter(|(condition, _)| used(condition) & !set != 0)
    }
}

/// What is looked for: tables to group by themselves.
struct Early<'a> {
    groups: &'a [ProjectItem],
    calls: &'a [Call],
    graph: &'a Graph,
}

/// Tables to group by themselves, and by what.
struct Choice {
    set: u128,
    keys: Vec<ColumnId>,
    groups: f64,
}

impl Early<'_> {
    /// The choice with the fewest groups.
    fn best(&self) -> Option<Choice> {
        let count = self.graph.relations.len();
        let needed = self.needed();
        let others: Vec<usize> = (0..count).filter(|table| needed >> table & 1 == 0).collect();
        if others.len() > OTHERS_MAX {
            return None;
        }
        let mut best: Option<Choice> = None;
        for chosen in 0..(1_u32 << others.len()) - 1 {
            let more = others.iter().enumerate().filter(|(bit, _)| chosen >> bit & 1 == 1);
            let set = more.fold(needed, |set, (_, table)| set | 1 << table);
            let Some(choice) = self.choice(set) else { continue };
            let order = |choice: &Choice| (choice.groups, choice.set.count_ones());
            if best.as_ref().is_none_or(|best| order(&choice) < order(best)) {
                best = Some(choice);
            }
        }
        best
    }

    /// The tables of all arguments; the largest one when there are none.
    fn needed(&self) -> u128 {
        let arguments = self.calls.iter().flat_map(|call| &call.pure.arguments);
        let set = arguments.fold(0, |set, argument| set | self.graph.tables_of(argument));
        if set != 0 {
            return set;
        }
        let rows = |table: &usize| self.graph.estimates[*table].rows;
        let largest = (0..self.graph.relations.len()).max_by(|a, b| rows(a).total_cmp(&rows(b)));
        1 << largest.unwrap_or(0)
    }

    /// The choice of these tables, if they can be grouped by themselves and it pays.
    fn choice(&self, set: u128) -> Option<Choice> {
        let graph = self.graph;
        let outside = |expr: &Expr| graph.tables_of(expr) & !set != 0;
        let conditions: Vec<&Expr> =
            self.calls.iter().filter_map(|call| Some(&call.outside(graph, set)?.0)).collect();
        let within = |call: &Call| match call.outside(graph, set) {
            Some(_) => false,
            None => call.condition.as_ref().is_some_and(|(condition, _)| fails(condition)),
        };
        if self.calls.iter().any(within) {
            return None;
        }
        let gains = self.groups.iter().any(|group| outside(&group.expr)) || !conditions.is_empty();
        if !gains || !graph.is_whole(set) || !self.stays_filtered(set) {
            return None;
        }
        let mut keys: Vec<ColumnId> = Vec::new();
        let above = self.groups.iter().map(|group| &group.expr).chain(conditions);
        for expr in above.chain(graph.leaving(set)) {
            for id in expr.columns_used() {
                if graph.is_in(id, set) && !keys.contains(&id) {
                    keys.push(id);
                }
            }
        }
        keys.sort_unstable();
        let members = (0..graph.relations.len()).filter(|table| set >> table & 1 == 1);
        let rows = members.map(|table| graph.estimates[table].rows).fold(1.0, f64::max);
        let mut groups = 1.0;
        for id in &keys {
            let column = graph.column(*id)?;
            if !PhysicalType::widest(column.sql_type).is_integer() {
                return None;
            }
            groups *= graph.distinct(&column);
        }
        let is_text =
            |expr: &Expr| outside(expr) && !PhysicalType::widest(expr.sql_type()).is_integer();
        let wanted = match self.groups.iter().any(|group| is_text(&group.expr)) {
            true => ROWS_PER_GROUP_OF_TEXT,
            false => ROWS_PER_GROUP,
        };
        (!keys.is_empty() && groups * wanted <= rows).then_some(Choice { set, keys, groups })
    }

    /// Whether the tables left out take no part in how the others are best joined: they keep all rows, or
    /// there is but one other, which their filters reach through its own key.
    fn stays_filtered(&self, set: u128) -> bool {
        let outside = (0..self.graph.relations.len()).filter(|table| set >> table & 1 == 0);
        let alone = set.count_ones() == 1;
        let mut outside = outside.map(|table| (&self.graph.relations[table], 1_u128 << table));
        outside.all(|(table, own)| is_whole(table) || alone && self.graph.is_connected(set, own))
    }
}

/// Whether a plan gives all rows of a table.
fn is_whole(plan: &Plan) -> bool {
    match plan {
        Plan::Scan(scan) => scan.conditions.is_empty(),
        Plan::Project(project) => is_whole(&project.input),
        _ => false,
    }
}

/// The plan of a choice; none when the aggregates cannot be taken apart.
fn build(
    node: &Aggregate,
    calls: &[Call],
    graph: Graph,
    choice: Choice,
    context: &OptimizeContext<'_>,
) -> Result<Option<Plan>> {
    let decided: Vec<Option<&(Expr, bool)>> =
        calls.iter().map(|call| call.outside(&graph, choice.set)).collect();
    let plain = calls.iter().zip(&decided).filter(|(_, decided)| decided.is_none());
    let plain: Vec<AggregateCall> = plain.map(|(call, _)| call.whole.clone()).collect();
    let Some(mut partial) = Partial::of(&plain, context)? else { return Ok(None) };
    let shared = partial.states.len();
    let mut sums = Vec::new();
    for (call, decided) in calls.iter().zip(decided) {
        let Some(decided) = decided else { continue };
        let state = partial.state(call.pure.clone(), context);
        let part = sum_where(decided, &partial.states[state].column());
        sums.push((call.whole.id, aggregate("SUM", &call.whole, &[part], context)?));
    }
    let pass = |id: &ColumnId| graph.column(*id).map(|column| ProjectItem::pass(&column));
    let keys = choice.keys.iter().filter_map(pass).collect();
    let states: Vec<PlanColumn> = partial.states.iter().map(AggregateCall::column).collect();
    let (inside, mut outside) = graph.part(choice.set);
    outside.relations.insert(0, grouped(nest(inside), keys, partial.states.clone()));
    let mut aggregates = partial.merging(&states[..shared], context)?;
    let merged: Vec<PlanColumn> = aggregates.iter().map(AggregateCall::column).collect();
    let mut answers = partial.answers(&merged)?.into_iter();
    let mut items: Vec<ProjectItem> =
        node.groups.iter().map(|group| ProjectItem::pass(&group.column())).collect();
    for call in &node.aggregates {
        let sum = sums.iter().find(|(id, _)| *id == call.id).map(|(_, sum)| sum.column().expr());
        let Some(expr) = sum.or_else(|| answers.next()) else { return Ok(None) };
        items.push(ProjectItem { id: call.id, name: call.name.clone(), expr });
    }
    aggregates.extend(sums.into_iter().map(|(_, sum)| sum));
    let input = grouped(nest(outside), node.groups.clone(), aggregates);
    Ok(Some(Plan::Project(Project { input: Box::new(input), items })))
}

fn grouped(input: Plan, groups: Vec<ProjectItem>, aggregates: Vec<AggregateCall>) -> Plan {
    let input = Box::new(input);
    let (grouping_sets, grouping_id) = (None, None);
    Plan::Aggregate(Box::new(Aggregate { input, groups, grouping_sets, grouping_id, aggregates }))
}

/// The state where a condition is TRUE; 0 or nothing elsewhere.
fn sum_where((condition, zero): &(Expr, bool), state: &PlanColumn) -> Expr {
    let sql_type = state.sql_type;
    let value = match sql_type {
        SqlType::Float => Value::Float(0.0),
        _ => Value::Number(Decimal { unscaled: 0, scale: sql_type.scale() }),
    };
    let otherwise = zero.then(|| Box::new(Expr::Literal { value, sql_type }));
    Expr::Case { branches: vec![(condition.clone(), state.expr())], otherwise, sql_type }
}

/// The product of tables with conditions, which the rules for joins take from here.
fn nest(tables: Tables) -> Plan {
    let Tables { mut relations, conditions } = tables;
    let Some(last) = relations.pop() else { return Plan::one_row() };
    let join = |left: Plan, right: Plan, conditions: Vec<Expr>| {
        let (left, right, keys) = (Box::new(left), Box::new(right), Vec::new());
        Plan::Join(Box::new(Join { kind: JoinKind::Inner, left, right, keys, conditions }))
    };
    match relations.into_iter().reduce(|left, right| join(left, right, Vec::new())) {
        Some(others) => join(others, last, conditions),
        None if conditions.is_empty() => last,
        None => Plan::Filter(Filter { input: Box::new(last), conditions }),
    }
}
