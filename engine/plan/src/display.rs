//! Plans as text: one line a node, inputs indented below.

use std::fmt::Write as _;

use firn_expression::Expr;

use super::{ApplyKind, JoinKind, Plan, PlanColumn, SetOperator, SortKey, WindowTarget};

impl Plan {
    /// The plan as text, for golden files and internal errors.
    pub fn display(&self) -> String {
        let mut text = String::new();
        write_plan(&mut text, self, 0);
        text
    }

    /// What the node is, without what it does: `Scan`, `LeftJoin`.
    pub fn operation(&self) -> &'static str {
        match self {
            Plan::Scan(_) => "TableScan",
            Plan::VirtualScan(_) => "VirtualScan",
            Plan::StageScan(_) => "ExternalScan",
            Plan::Values(_) => "ValuesClause",
            Plan::Generate(_) => "Generator",
            Plan::Filter(_) => "Filter",
            Plan::Secure(_) => "DynamicSecureView",
            Plan::Project(_) => "Project",
            Plan::Aggregate(node) if node.grouping_sets.is_some() => "GroupingSets",
            Plan::Aggregate(_) => "Aggregate",
            Plan::Window(_) => "WindowFunction",
            Plan::Sort(node) if node.limit.is_some() => "SortWithLimit",
            Plan::Sort(_) => "Sort",
            Plan::Limit(_) => "Limit",
            Plan::Join(node) => match node.kind {
                JoinKind::Inner if node.keys.is_empty() && node.conditions.is_empty() => {
                    "CartesianJoin"
                }
                JoinKind::Inner => "InnerJoin",
                JoinKind::Left => "LeftOuterJoin",
                JoinKind::Right => "RightOuterJoin",
                JoinKind::Full => "FullOuterJoin",
                JoinKind::Semi => "SemiJoin",
                JoinKind::Anti => "AntiJoin",
                JoinKind::RightSemi => "RightSemiJoin",
                JoinKind::RightAnti => "RightAntiJoin",
                JoinKind::Mark { .. } => "MarkJoin",
                JoinKind::Single => "SingleJoin",
            },
            Plan::Apply(_) => "Apply",
            Plan::SetOperation(node) => match node.operator {
                SetOperator::UnionAll => "UnionAll",
                SetOperator::Intersect => "Intersect",
                SetOperator::Except => "Except",
            },
            Plan::LateralFunction(node) => node.function.name,
            Plan::ForeignTable(_) => "TableFunction",
            Plan::With(_) => "WithClause",
            Plan::CteRef(_) => "WithReference",
            Plan::RecursiveCte(_) => "RecursiveCte",
            Plan::Sample(_) => "Sample",
        }
    }

    /// What the node does: its tables, keys, conditions, expressions.
    pub fn details(&self) -> String {
        match self {
            Plan::Scan(node) => {
                let mut text = format!("{} {}", node.qualified_name, list(&self.columns()));
                if !node.conditions.is_empty() {
                    let _ = write!(text, " where {}", joined(&node.conditions, " AND "));
                }
                if let Some(limit) = node.limit {
                    let _ = write!(text, " limit {limit}");
                }
                text
            }
            Plan::VirtualScan(node) => format!("{:?} {}", node.source, list(&node.columns)),
            Plan::StageScan(node) => {
                let columns = list(&self.columns());
                let mut text = format!("{:?} {} {columns}", node.location, node.path);
                if let Some(members) = &node.members {
                    let _ = write!(text, " members {}", members.join(", "));
                }
                if !node.file_conditions.is_empty() {
                    let _ = write!(text, " of files {}", joined(&node.file_conditions, " AND "));
                }
                text
            }
            Plan::Values(node) => format!("{} rows {}", node.rows.len(), list(&node.columns)),
            Plan::Generate(node) => format!("{} rows", node.rows),
            Plan::Filter(node) => joined(&node.conditions, " AND "),
            Plan::Secure(node) => node.object.clone(),
            Plan::Project(node) => items(&node.items),
            Plan::Aggregate(node) => aggregate_details(node),
            Plan::Window(node) => window_details(node),
            Plan::Sort(node) => match node.limit {
                Some(limit) => format!("{} limit {limit}", sort_keys(&node.keys)),
                None => sort_keys(&node.keys),
            },
            Plan::Limit(node) => match node.fetch {
                Some(fetch) => format!("skip {} fetch {fetch}", node.skip),
                None => format!("skip {}", node.skip),
            },
            Plan::Join(node) => {
                let keys = node.keys.iter().map(|key| format!("{} = {}", key.left, key.right));
                let conditions = node.conditions.iter().map(ToString::to_string);
                keys.chain(conditions).collect::<Vec<_>>().join(" AND ")
            }
            Plan::Apply(node) => match &node.kind {
                ApplyKind::Inner => "inner".to_string(),
                ApplyKind::Left => "left".to_string(),
                ApplyKind::Scalar => "scalar".to_string(),
                ApplyKind::Exists { id } => format!("exists as {id}"),
                ApplyKind::Any { id, conditions } => {
                    format!("any {} as {id}", joined(conditions, " AND "))
                }
            },
            Plan::SetOperation(node) => list(&node.columns),
            Plan::LateralFunction(node) => {
                format!("({}) {}", joined(&node.arguments, ", "), list(&node.columns))
            }
            Plan::ForeignTable(node) => format!(
                "{}({}) partition by ({}) order by ({}) {}",
                node.function.name,
                joined(&node.arguments, ", "),
                joined(&node.partition_by, ", "),
                sort_keys(&node.order_by),
                list(&node.columns)
            ),
            Plan::With(node) => format!("cte {}", node.cte),
            Plan::CteRef(node) => format!("cte {} {}", node.cte, list(&node.columns)),
            Plan::RecursiveCte(node) => format!("cte {} {}", node.cte, list(&node.columns)),
            Plan::Sample(node) => format!("{:?}", node.size),
        }
    }
}

fn write_plan(text: &mut String, plan: &Plan, depth: usize) {
    let indent = "  ".repeat(depth);
    let shortcut = plan.shortcut().map(|shortcut| format!(" {shortcut}")).unwrap_or_default();
    let line = format!("{indent}{} {}{shortcut}", plan.operation(), plan.details());
    let _ = writeln!(text, "{}", line.trim_end());
    for input in plan.inputs() {
        write_plan(text, input, depth + 1);
    }
}

fn joined(exprs: &[Expr], between: &str) -> String {
    exprs.iter().map(ToString::to_string).collect::<Vec<_>>().join(between)
}

fn list(columns: &[PlanColumn]) -> String {
    let columns = columns.iter().map(|column| format!("{}{}", column.name, column.id));
    format!("[{}]", columns.collect::<Vec<_>>().join(", "))
}

fn items(items: &[super::ProjectItem]) -> String {
    let items = items.iter().map(|item| match item.expr.as_column() {
        Some(id) if id == item.id => format!("{}{id}", item.name),
        _ => format!("{} as {}{}", item.expr, item.name, item.id),
    });
    items.collect::<Vec<_>>().join(", ")
}

fn sort_keys(keys: &[SortKey]) -> String {
    let keys = keys.iter().map(|key| {
        let direction = if key.descending { " desc" } else { "" };
        let nulls = if key.nulls_first { " nulls first" } else { "" };
        format!("{}{direction}{nulls}", key.expr)
    });
    keys.collect::<Vec<_>>().join(", ")
}

fn aggregate_details(node: &super::Aggregate) -> String {
    let calls = node.aggregates.iter().map(|call| {
        let distinct = if call.distinct { "DISTINCT " } else { "" };
        let arguments = joined(&call.arguments, ", ");
        format!("{}({distinct}{arguments}) as {}", call.function.name, call.id)
    });
    let calls = calls.collect::<Vec<_>>().join(", ");
    let mut text = format!("by [{}] {calls}", items(&node.groups));
    if let Some(sets) = &node.grouping_sets {
        let _ = write!(text, " sets {sets:?}");
    }
    text
}

fn window_details(node: &super::Window) -> String {
    let calls = node.calls.iter().map(|call| {
        let name = match &call.target {
            WindowTarget::Window(function, _) => function.name,
            WindowTarget::Aggregate { function, .. } => function.name,
        };
        format!(
            "{name}({}) over (partition by {} order by {}) as {}",
            joined(&call.arguments, ", "),
            joined(&call.partition_by, ", "),
            sort_keys(&call.order_by),
            call.id
        )
    });
    let mut text = calls.collect::<Vec<_>>().join(", ");
    if let Some((id, rows)) = node.top {
        let _ = write!(text, " up to {id} = {rows}");
    }
    text
}
