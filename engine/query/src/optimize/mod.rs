//! From a plan to a better plan with the same rows.
//!
//! The optimizer is the ordered list [`RULES`]. A rule takes a plan and gives one that means the same;
//! the driver (`run`) times it, checks the plan after it in debug builds, and can leave a rule out by its
//! name. `decorrelate` is the one rule that must run: no operator executes an `Apply`.

mod collate;
mod context;
mod decorrelate;
mod eager_aggregate;
mod estimate;
mod filter_cte;
mod fold_constants;
pub(crate) mod grouping_sets;
mod inline_cte;
mod join_order;
mod merge_projects;
pub(crate) mod partial;
mod preimage;
mod prune_columns;
mod push_down_filter;
mod read_members;
mod read_paths;
mod run;
mod scan_predicate;
mod simplify;
mod simplify_aggregate;
mod split_distinct;
pub(crate) mod substitute;
mod top_n;
mod unique;

use std::collections::HashSet;
use std::time::Duration;

use firn_types::{ColumnId, Result};

use firn_plan::Plan;
use firn_plan::statement::{MergeAction, StatementPlan};

pub use context::OptimizeContext;
pub use run::{Step, optimize, optimize_traced};

/// One rewriting of plans.
pub struct Rule {
    /// Its name, by which it can be left out.
    pub name: &'static str,
    /// Rewrites a plan of which the columns `required` are used.
    pub(crate) apply: fn(Plan, &HashSet<ColumnId>, &OptimizeContext<'_>) -> Result<Plan>,
}

/// The rules in the order in which they run.
///
/// Texts with a collation get their keys before anything else is decided. Queries that are read once are inlined
/// then, so that later rules see through them. Constants are folded before decorrelation looks for equalities.
/// Filters sink before joins are ordered, since the order goes by what is left of each table; and they sink once
/// more through what the order has put together. What is read several times is computed only as far as its readers'
/// filters, which then stand beside them, want it. Columns are pruned when nothing adds any, members of staged files' rows with them, and what storage
/// may skip by is derived last, from the conditions that have reached the scans.
pub const RULES: &[Rule] = &[
    Rule { name: "collate", apply: |plan, _, context| collate::apply(plan, context) },
    Rule { name: "inline_cte", apply: |plan, _, context| inline_cte::apply(plan, context) },
    Rule { name: "fold_constants", apply: |plan, _, context| fold_constants::apply(plan, context) },
    Rule { name: "decorrelate", apply: |plan, _, context| decorrelate::apply(plan, context) },
    Rule { name: "simplify", apply: |plan, _, context| simplify::apply(plan, context) },
    Rule { name: "push_down_filter", apply: |plan, _, _| Ok(push_down_filter::apply(plan)) },
    Rule { name: "filter_cte", apply: |plan, _, context| filter_cte::apply(plan, context) },
    Rule { name: "merge_projects", apply: |plan, _, _| Ok(merge_projects::apply(plan)) },
    Rule { name: "read_paths", apply: |plan, _, context| Ok(read_paths::apply(plan, context)) },
    Rule {
        name: "simplify_aggregate",
        apply: |plan, _, context| simplify_aggregate::apply(plan, context),
    },
    Rule { name: "split_distinct", apply: |plan, _, c| Ok(split_distinct::apply(plan, c)) },
    Rule { name: "grouping_sets", apply: |plan, _, context| grouping_sets::apply(plan, context) },
    Rule { name: "eager_aggregate", apply: |plan, _, c| eager_aggregate::apply(plan, c) },
    Rule { name: "join_order", apply: |plan, _, context| join_order::apply(plan, context) },
    Rule { name: "push_down_filter_again", apply: |plan, _, _| Ok(push_down_filter::apply(plan)) },
    Rule { name: "top_n", apply: |plan, _, _| Ok(top_n::apply(plan)) },
    Rule {
        name: "prune_columns",
        apply: |plan, required, _| Ok(prune_columns::apply(plan, required)),
    },
    Rule {
        name: "read_members",
        apply: |plan, required, _| Ok(read_members::apply(plan, required)),
    },
    Rule {
        name: "scan_predicate",
        apply: |plan, _, context| Ok(scan_predicate::apply(plan, context)),
    },
];

/// Rules after which a plan has no subqueries in expressions, and conditions stand where their rows come from.
const UNNESTING: &[&str] =
    &["fold_constants", "decorrelate", "simplify", "push_down_filter", "merge_projects"];

/// Rules without which a plan cannot be executed.
pub(crate) const NEEDED: &[&str] = &["collate", "inline_cte", "decorrelate"];

/// Optimizes the plan of a statement.
///
/// # Errors
/// `UnsupportedSubquery` for a subquery that no rule can turn into joins; internal errors when a rule
/// breaks a plan.
pub fn optimize_statement(
    statement: StatementPlan,
    context: &OptimizeContext<'_>,
) -> Result<StatementPlan> {
    let mut statement = statement;
    let required = required_columns(&statement);
    if let Some(plan) = source_mut(&mut statement) {
        let taken = std::mem::replace(plan, Plan::one_row());
        *plan = optimize(taken, &required, context)?;
    }
    Ok(statement)
}

/// The plan without subqueries in expressions and without common table expressions, but recursive ones.
///
/// # Errors
/// As [`optimize_statement`].
pub(crate) fn unnested(plan: Plan, context: &OptimizeContext<'_>) -> Result<Plan> {
    let plan = inline_cte::inline_all(plan, context);
    let rules = RULES.iter().filter(|rule| UNNESTING.contains(&rule.name));
    rules.into_iter().try_fold(plan, |plan, rule| (rule.apply)(plan, &HashSet::new(), context))
}

/// As [`optimize_statement`], of a statement that is only looked at: its plan as it was bound, and what becomes of
/// it by each rule that changes it. A statement without a plan has no steps.
///
/// # Errors
/// As [`optimize_statement`].
pub fn trace_statement(
    statement: &StatementPlan,
    context: &OptimizeContext<'_>,
) -> Result<Vec<(Option<&'static str>, Duration, StatementPlan)>> {
    let Some(source) = statement.source() else { return Ok(Vec::new()) };
    let steps = optimize_traced(source.clone(), &required_columns(statement), context)?;
    let step = |step: Step| {
        let mut statement = statement.clone();
        if let Some(plan) = source_mut(&mut statement) {
            *plan = step.plan;
        }
        (step.rule, step.elapsed, statement)
    };
    Ok(steps.into_iter().map(step).collect())
}

/// The plan that a statement takes its rows from.
fn source_mut(statement: &mut StatementPlan) -> Option<&mut Plan> {
    match statement {
        StatementPlan::Query(query) => Some(&mut query.plan),
        StatementPlan::Insert(insert) => Some(&mut insert.source),
        StatementPlan::InsertMany(insert) => Some(&mut insert.source),
        StatementPlan::Update(update) => Some(&mut update.source),
        StatementPlan::Delete(delete) => Some(&mut delete.source),
        StatementPlan::Merge(merge) => Some(&mut merge.source),
        StatementPlan::CopyIntoStage(copy) => Some(&mut copy.source.plan),
        StatementPlan::CopyIntoTable(_) => None,
    }
}

/// The columns of a statement's plan that the statement itself uses.
fn required_columns(statement: &StatementPlan) -> HashSet<ColumnId> {
    let mut required = HashSet::new();
    let mut exprs = Vec::new();
    match statement {
        StatementPlan::Query(query) => required.extend(query.output.iter().map(|c| c.id)),
        StatementPlan::Insert(insert) => exprs.extend(&insert.assignments),
        StatementPlan::InsertMany(insert) => {
            for branch in &insert.branches {
                exprs.extend(&branch.condition);
                exprs.extend(branch.into.iter().flat_map(|(_, row)| row));
            }
        }
        StatementPlan::Update(update) => {
            required.insert(update.locator);
            exprs.extend(&update.assignments);
        }
        StatementPlan::Delete(delete) => {
            required.insert(delete.locator);
        }
        StatementPlan::Merge(merge) => {
            required.insert(merge.locator);
            for clause in &merge.clauses {
                exprs.extend(&clause.condition);
                match &clause.action {
                    MergeAction::Update(row) | MergeAction::Insert(row) => exprs.extend(row),
                    MergeAction::Delete => {}
                }
            }
        }
        StatementPlan::CopyIntoStage(copy) => {
            required.extend(copy.source.output.iter().map(|column| column.id));
            exprs.extend(&copy.partition_by);
        }
        StatementPlan::CopyIntoTable(_) => {}
    }
    required.extend(exprs.into_iter().flat_map(|expr| expr.columns_used()));
    required
}
