//! GROUPING SETS, ROLLUP and CUBE from each other: the rows are grouped once, by all keys, and every smaller set
//! is grouped from the groups of the smallest set that has all of its keys.
//!
//! ```text
//! ROLLUP (a, b)    With 1 = states BY a, b
//!                  With 2 = merged states of 1 BY a
//!                  answers of 1  UNION ALL  answers of 2  UNION ALL  answers of merged states of 2
//! ```
//!
//! J. Gray et al., "Data Cube", ICDE 1996. It takes aggregates whose answers can be told from those for parts of the rows (`partial`), and sets among
//! which one has the keys of all others, or whose keys together make far fewer groups than there are rows.

use firn_expression::Expr;
use firn_types::{Result, SqlType, Value};

use super::OptimizeContext;
use super::estimate::{Estimate, Estimator};
use super::partial::Partial;
use firn_plan::{
    Aggregate, CteRef, Plan, PlanColumn, Project, ProjectItem, SetOperation, SetOperator, With,
};

/// More sets than these are grouped row by row: each makes the plan deeper.
const SETS_MAX: usize = 64;
/// So many rows must come to a group of all keys when no set asks for it.
const ROWS_PER_GROUP: f64 = 4.0;

pub(super) fn apply(plan: Plan, context: &OptimizeContext<'_>) -> Result<Plan> {
    match plan.try_map_inputs(&mut |input| apply(input, context))? {
        Plan::Aggregate(node) if node.grouping_sets.is_some() => rewrite(*node, context),
        other => Ok(other),
    }
}

fn rewrite(node: Aggregate, context: &OptimizeContext<'_>) -> Result<Plan> {
    let partial = Partial::of(&node.aggregates, context)?;
    let sets = node.grouping_sets.as_deref().unwrap_or_default();
    let input = Estimator::default().estimate(&node.input);
    match (partial, chain(sets, &node, &input)) {
        (Some(partial), Some(steps)) => Chain { node, partial, steps, context }.plan(),
        _ => Ok(Plan::Aggregate(Box::new(node))),
    }
}

/// One set of keys to group by.
struct Step {
    /// Positions of groups, in their order.
    keys: Vec<usize>,
    /// The step that its groups are merged from; none for the rows themselves.
    from: Option<usize>,
    /// How often it stands in the answer.
    answers: usize,
}

/// The different sets, larger ones first, each with the one that it is grouped from; none when it does not pay.
fn chain(sets: &[Vec<usize>], node: &Aggregate, input: &Estimate) -> Option<Vec<Step>> {
    if sets.len() < 2 || sets.len() > SETS_MAX {
        return None;
    }
    let groups = |keys: &[usize]| -> f64 {
        let distinct = keys.iter().map(|&key| input.distinct(&node.groups[key].expr));
        distinct.product::<f64>().min(input.rows)
    };
    let mut steps: Vec<Step> = Vec::new();
    let mut add = |keys: Vec<usize>, answers: usize| match steps.iter_mut().find(|s| s.keys == keys)
    {
        Some(known) => known.answers += answers,
        None => steps.push(Step { keys, from: None, answers }),
    };
    let all: Vec<usize> =
        (0..node.groups.len()).filter(|key| sets.iter().any(|set| set.contains(key))).collect();
    add(all, 0);
    for set in sets {
        let mut keys = set.clone();
        keys.sort_unstable();
        keys.dedup();
        add(keys, 1);
    }
    let whole = &steps[0];
    if whole.answers == 0 && groups(&whole.keys) * ROWS_PER_GROUP > input.rows {
        return None;
    }
    steps.sort_by_key(|step| std::cmp::Reverse(step.keys.len()));
    for step in 1..steps.len() {
        let keys = &steps[step].keys;
        let has_all = |larger: &Step| keys.iter().all(|key| larger.keys.contains(key));
        let larger = (0..step).filter(|&at| has_all(&steps[at]));
        let costs = |at: &usize| (groups(&steps[*at].keys), steps[*at].keys.len());
        let cheapest = larger
            .min_by(|a, b| costs(a).partial_cmp(&costs(b)).unwrap_or(std::cmp::Ordering::Equal));
        steps[step].from = cheapest;
    }
    Some(steps)
}

/// Puts the plan together.
struct Chain<'a> {
    node: Aggregate,
    partial: Partial,
    steps: Vec<Step>,
    context: &'a OptimizeContext<'a>,
}

/// What a step gives: its keys, then the states.
struct Grouped {
    plan: Plan,
    columns: Vec<PlanColumn>,
    /// The number under which others read it, if any do.
    cte: Option<u32>,
}

impl Chain<'_> {
    fn plan(mut self) -> Result<Plan> {
        let given = self.node.columns();
        let input = std::mem::replace(&mut *self.node.input, Plan::one_row());
        let mut grouped: Vec<Grouped> = Vec::with_capacity(self.steps.len());
        let mut input = Some(input);
        for step in 0..self.steps.len() {
            let aggregate = match self.steps[step].from {
                Some(from) => self.merged(step, from, &grouped[from])?,
                None => self.first(input.take().unwrap_or_else(Plan::one_row)),
            };
            let columns = aggregate.columns();
            let readers = self.steps.iter().filter(|other| other.from == Some(step)).count();
            let is_shared = readers + self.steps[step].answers > 1;
            let cte = is_shared.then(|| self.context.fresh_cte());
            grouped.push(Grouped { plan: Plan::Aggregate(Box::new(aggregate)), columns, cte });
        }
        self.answer(grouped, given)
    }

    /// The states of the rows, by the keys of the first step.
    fn first(&self, input: Plan) -> Aggregate {
        let groups = self.steps[0].keys.iter().map(|&key| {
            let group = &self.node.groups[key];
            ProjectItem { id: self.context.fresh(), ..group.clone() }
        });
        Aggregate {
            input: Box::new(input),
            groups: groups.collect(),
            grouping_sets: None,
            grouping_id: None,
            aggregates: self.partial.states.clone(),
        }
    }

    /// The states of a step from those of another.
    fn merged(&self, step: usize, from: usize, source: &Grouped) -> Result<Aggregate> {
        let (input, columns) = self.read(source);
        let from = &self.steps[from].keys;
        let groups =
            from.iter().zip(&columns).filter(|(key, _)| self.steps[step].keys.contains(key));
        let groups = groups.map(|(_, column)| ProjectItem {
            id: self.context.fresh(),
            ..ProjectItem::pass(column)
        });
        Ok(Aggregate {
            input: Box::new(input),
            groups: groups.collect(),
            grouping_sets: None,
            grouping_id: None,
            aggregates: self.partial.merging(&columns[from.len()..], self.context)?,
        })
    }

    /// Reads a step that is shared; one that is not is never read by another.
    fn read(&self, source: &Grouped) -> (Plan, Vec<PlanColumn>) {
        let Some(cte) = source.cte else { return (source.plan.clone(), source.columns.clone()) };
        let fresh = |column: &PlanColumn| PlanColumn { id: self.context.fresh(), ..column.clone() };
        let columns: Vec<PlanColumn> = source.columns.iter().map(fresh).collect();
        (Plan::CteRef(CteRef { cte, columns: columns.clone() }), columns)
    }

    /// All answers of all steps, below the definitions of what is shared.
    fn answer(&self, grouped: Vec<Grouped>, given: Vec<PlanColumn>) -> Result<Plan> {
        let mut inputs = Vec::new();
        for (step, source) in self.steps.iter().zip(&grouped) {
            for _ in 0..step.answers {
                let (plan, columns) = self.read(source);
                let items = self.items(step, &columns, &given)?;
                inputs.push(Plan::Project(Project { input: Box::new(plan), items }));
            }
        }
        let operator = SetOperator::UnionAll;
        let mut body = Plan::SetOperation(SetOperation { operator, inputs, columns: given });
        for source in grouped.into_iter().rev() {
            if let Some(cte) = source.cte {
                let definition = Box::new(source.plan);
                body = Plan::With(Box::new(With { cte, definition, body: Box::new(body) }));
            }
        }
        Ok(body)
    }

    /// The rows of a step as those of the whole: keys that it does not have are NULL.
    fn items(
        &self,
        step: &Step,
        columns: &[PlanColumn],
        given: &[PlanColumn],
    ) -> Result<Vec<ProjectItem>> {
        let group = |(key, group): (usize, &ProjectItem)| match step
            .keys
            .iter()
            .position(|own| *own == key)
        {
            Some(position) => columns[position].expr(),
            None => Expr::null(group.expr.sql_type()),
        };
        let mut exprs: Vec<Expr> = self.node.groups.iter().enumerate().map(group).collect();
        exprs.extend(self.partial.answers(&columns[step.keys.len()..])?);
        let keys = self.node.groups.len();
        exprs.extend(self.node.grouping_id.map(|_| grouping_id(&step.keys, keys)));
        let items = exprs.into_iter().zip(given).map(|(expr, column)| ProjectItem {
            id: self.context.fresh(),
            name: column.name.clone(),
            expr,
        });
        Ok(items.collect())
    }
}

/// The number with the bits of the keys that a set does not have.
pub(crate) fn grouping_id(set: &[usize], keys: usize) -> Expr {
    let missing = (0..keys.min(127)).filter(|key| !set.contains(key));
    let value = Value::integer(missing.map(|key| 1_i128 << key).sum::<i128>());
    Expr::Literal { value, sql_type: SqlType::INTEGER }
}
