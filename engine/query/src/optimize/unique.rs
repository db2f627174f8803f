//! Which columns tell all rows of a plan apart.

use std::collections::HashSet;

use firn_types::ColumnId;

use firn_plan::{JoinKind, Plan};

/// Whether no two rows agree in all of `columns`, as far as the plan itself tells.
pub(super) fn is_unique(plan: &Plan, columns: &HashSet<ColumnId>) -> bool {
    match plan {
        Plan::Aggregate(node) if node.grouping_sets.is_none() => {
            node.groups.iter().all(|group| columns.contains(&group.id))
        }
        Plan::Values(node) => node.rows.len() <= 1,
        Plan::Project(node) => {
            let items = node.items.iter().filter(|item| columns.contains(&item.id));
            is_unique(&node.input, &items.filter_map(|item| item.expr.as_column()).collect())
        }
        Plan::Filter(node) => is_unique(&node.input, columns),
        Plan::Secure(node) => is_unique(&node.input, columns),
        Plan::Sort(node) => is_unique(&node.input, columns),
        Plan::Limit(node) => is_unique(&node.input, columns),
        Plan::Join(node) => match node.kind {
            JoinKind::Semi | JoinKind::Anti | JoinKind::Single | JoinKind::Mark { .. } => {
                is_unique(&node.left, columns)
            }
            JoinKind::RightSemi | JoinKind::RightAnti => is_unique(&node.right, columns),
            _ => false,
        },
        _ => false,
    }
}
