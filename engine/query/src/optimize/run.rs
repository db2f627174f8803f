//! Runs the rules: times them, leaves out what is switched off, checks the plan after each.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use firn_types::{ColumnId, Result};

use super::{NEEDED, OptimizeContext, RULES};
use firn_plan::{Plan, verify};

/// What one rule did.
#[derive(Clone, Debug)]
pub struct Trace {
    /// The rule's name.
    pub rule: &'static str,
    /// How long it took.
    pub elapsed: Duration,
    /// The plan after it, when it changed anything.
    pub plan: Option<String>,
}

/// Optimizes a plan of which the columns `required` are used.
///
/// # Errors
/// `UnsupportedSubquery`, and internal errors when a rule breaks the plan.
pub fn optimize(
    plan: Plan,
    required: &HashSet<ColumnId>,
    context: &OptimizeContext<'_>,
) -> Result<Plan> {
    check(&plan)?;
    RULES.iter().filter(|rule| is_on(rule.name, context)).try_fold(plan, |plan, rule| {
        let plan = (rule.apply)(plan, required, context)?;
        check(&plan)?;
        Ok(plan)
    })
}

/// As [`optimize`], and tells what each rule did.
///
/// # Errors
/// As [`optimize`].
pub fn optimize_traced(
    plan: Plan,
    required: &HashSet<ColumnId>,
    context: &OptimizeContext<'_>,
) -> Result<(Plan, Vec<Trace>)> {
    let mut plan = plan;
    let mut traces = Vec::with_capacity(RULES.len());
    for rule in RULES.iter().filter(|rule| is_on(rule.name, context)) {
        let before = plan.display();
        let start = Instant::now();
        plan = (rule.apply)(plan, required, context)?;
        let elapsed = start.elapsed();
        check(&plan)?;
        let after = plan.display();
        let changed = (after != before).then_some(after);
        traces.push(Trace { rule: rule.name, elapsed, plan: changed });
    }
    Ok((plan, traces))
}

fn is_on(name: &str, context: &OptimizeContext<'_>) -> bool {
    NEEDED.contains(&name) || !context.disabled.iter().any(|disabled| disabled == name)
}

fn check(plan: &Plan) -> Result<()> {
    if cfg!(debug_assertions) { verify::verify(plan) } else { Ok(()) }
}
