//! Runs the rules: times them, leaves out what is switched off, checks the plan after each.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use firn_types::{ColumnId, Result};

use super::{NEEDED, OptimizeContext, RULES};
use firn_plan::{Plan, verify};

/// A plan on its way.
#[derive(Clone, Debug)]
pub struct Step {
    /// The rule that made it of the plan before; none of the plan as it was bound.
    pub rule: Option<&'static str>,
    /// How long the rule took.
    pub elapsed: Duration,
    /// The plan.
    pub plan: Plan,
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

/// As [`optimize`]: the plan as it is given, and what becomes of it by each rule that changes it.
///
/// # Errors
/// As [`optimize`].
pub fn optimize_traced(
    plan: Plan,
    required: &HashSet<ColumnId>,
    context: &OptimizeContext<'_>,
) -> Result<Vec<Step>> {
    let mut shown = plan.display();
    let mut last = plan.clone();
    let mut steps = vec![Step { rule: None, elapsed: Duration::ZERO, plan }];
    for rule in RULES.iter().filter(|rule| is_on(rule.name, context)) {
        let start = Instant::now();
        last = (rule.apply)(last, required, context)?;
        let elapsed = start.elapsed();
        check(&last)?;
        let after = last.display();
        if after != shown {
            steps.push(Step { rule: Some(rule.name), elapsed, plan: last.clone() });
            shown = after;
        }
    }
    Ok(steps)
}

fn is_on(name: &str, context: &OptimizeContext<'_>) -> bool {
    NEEDED.contains(&name) || !context.disabled.iter().any(|disabled| disabled == name)
}

fn check(plan: &Plan) -> Result<()> {
    if cfg!(debug_assertions) { verify::verify(plan) } else { Ok(()) }
}
