//! Leaves out columns that nobody uses, from the top down to the scans.

use std::collections::HashSet;

use firn_types::ColumnId;

use firn_plan::{Plan, ProjectItem};

pub(super) fn apply(plan: Plan, required: &HashSet<ColumnId>) -> Plan {
    prune(plan, required)
}

fn prune(mut plan: Plan, required: &HashSet<ColumnId>) -> Plan {
    narrow(&mut plan, required);
    let own: HashSet<ColumnId> =
        plan.expressions().into_iter().flat_map(|expr| expr.columns_used()).collect();
    match &mut plan {
        // Every column of these has its position's meaning, or counts for equality of rows.
        Plan::SetOperation(_) | Plan::With(_) | Plan::RecursiveCte(_) => {}
        _ => {
            let below: HashSet<ColumnId> = required.union(&own).copied().collect();
            return plan.map_inputs(&mut |input| prune(input, &below));
        }
    }
    match plan {
        Plan::With(mut with) => {
            let definition = std::mem::replace(&mut *with.definition, Plan::one_row());
            let body = std::mem::replace(&mut *with.body, Plan::one_row());
            *with.definition = prune_whole(definition);
            *with.body = prune(body, required);
            Plan::With(with)
        }
        other => other.map_inputs(&mut prune_whole),
    }
}

/// Prunes below a plan all of whose columns are used.
fn prune_whole(plan: Plan) -> Plan {
    let all = plan.columns().iter().map(|column| column.id).collect();
    prune(plan, &all)
}

/// Leaves out what the node itself makes and nobody uses.
fn narrow(plan: &mut Plan, required: &HashSet<ColumnId>) {
    let wanted = |id: &ColumnId| required.contains(id);
    match plan {
        Plan::Project(node) => node.items.retain(|item: &ProjectItem| wanted(&item.id)),
        Plan::Aggregate(node) => node.aggregates.retain(|call| wanted(&call.id)),
        Plan::Window(node) => node.calls.retain(|call| wanted(&call.id)),
        Plan::Scan(node) => {
            let used: HashSet<ColumnId> =
                node.conditions.iter().flat_map(|condition| condition.columns_used()).collect();
            node.columns.retain(|c| wanted(&c.column.id) || used.contains(&c.column.id));
            node.row_locator = node.row_locator.filter(|id| wanted(id));
        }
        Plan::VirtualScan(node) => {
            let keep: Vec<bool> = node.columns.iter().map(|column| wanted(&column.id)).collect();
            let mut kept = keep.iter();
            node.columns.retain(|_| kept.next().copied().unwrap_or(true));
            let mut kept = keep.iter();
            node.positions.retain(|_| kept.next().copied().unwrap_or(true));
        }
        Plan::StageScan(node) => {
            let used: HashSet<ColumnId> = node
                .file_conditions
                .iter()
                .flat_map(|condition| condition.columns_used())
                .collect();
            node.columns.retain(|c| wanted(&c.column.id) || used.contains(&c.column.id));
        }
        Plan::Values(node) => {
            let keep: Vec<bool> = node.columns.iter().map(|column| wanted(&column.id)).collect();
            if keep.iter().all(|&keep| keep) {
                return;
            }
            let mut kept = keep.iter();
            node.columns.retain(|_| kept.next().copied().unwrap_or(true));
            for row in node.rows.iter_mut() {
                let mut kept = keep.iter();
                row.retain(|_| kept.next().copied().unwrap_or(true));
            }
        }
        _ => {}
    }
}
