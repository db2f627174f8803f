//! EXPLAIN: the optimized plan, and what is pruned of each table.

use firn_query::parse::ast::{Explain, ExplainFormat};
use firn_query::plan::Plan;
use firn_query::plan::statement::StatementPlan;
use firn_storage::prune;
use firn_types::{Field, Result, SqlType, Value};

use crate::lifecycle::Running;
use crate::result::Rows;

/// Shows the plan of a statement without running it.
///
/// # Errors
/// As binding the statement.
pub(super) fn run(running: &mut Running<'_>, ast: &Explain) -> Result<Rows> {
    let plan = running.plan(&ast.statement)?;
    let (operation, plan) = source(&plan);
    match ast.format {
        ExplainFormat::Tabular => Ok(tabular(operation, plan)),
        ExplainFormat::Text => {
            let mut rows = Rows::texts(&["content"]);
            let text = format!("{operation}\n{}", plan.map_or(String::new(), Plan::display));
            rows.rows.push(vec![Value::text(text)]);
            Ok(rows)
        }
        ExplainFormat::Json => {
            let mut rows = Rows::texts(&["content"]);
            let operations = serde_json::Value::Array(json(operation, plan));
            let text = serde_json::json!({ "Operations": [operations] }).to_string();
            rows.rows.push(vec![Value::text(text)]);
            Ok(rows)
        }
    }
}

/// What a statement does with its rows, and where they come from.
fn source(plan: &StatementPlan) -> (&'static str, Option<&Plan>) {
    match plan {
        StatementPlan::Query(query) => ("Result", Some(&query.plan)),
        StatementPlan::Insert(insert) => ("Insert", Some(&insert.source)),
        StatementPlan::InsertMany(insert) => ("MultiTableInsert", Some(&insert.source)),
        StatementPlan::Update(update) => ("Update", Some(&update.source)),
        StatementPlan::Delete(delete) => ("Delete", Some(&delete.source)),
        StatementPlan::Merge(merge) => ("Merge", Some(&merge.source)),
        StatementPlan::CopyIntoStage(copy) => ("Unload", Some(&copy.source.plan)),
        StatementPlan::CopyIntoTable(_) => ("Copy", None),
    }
}

/// What a scan reads of its table: partitions in all, partitions left, bytes left.
fn partitions(plan: &Plan) -> Option<(i128, i128, i128)> {
    let Plan::Scan(scan) = plan else { return None };
    let all = scan.snapshot.partitions();
    let kept = all
        .iter()
        .filter(|partition| prune::prune(&scan.pruning, partition.as_ref()) != prune::Prune::Skip);
    let (count, bytes) = kept
        .fold((0, 0), |(count, bytes), partition| (count + 1, bytes + i128::from(partition.bytes)));
    Some((all.len() as i128, count, bytes))
}

struct Line<'p> {
    id: i128,
    parent: Option<i128>,
    operation: &'p str,
    plan: Option<&'p Plan>,
}

fn lines<'p>(operation: &'p str, plan: Option<&'p Plan>) -> Vec<Line<'p>> {
    let mut lines = vec![Line { id: 0, parent: None, operation, plan: None }];
    let mut pending: Vec<(&Plan, i128)> = plan.map(|plan| (plan, 0)).into_iter().collect();
    while let Some((plan, parent)) = pending.pop() {
        let id = lines.len() as i128;
        lines.push(Line {
            id,
            parent: Some(parent),
            operation: plan.operation(),
            plan: Some(plan),
        });
        pending.extend(plan.inputs().into_iter().rev().map(|input| (input, id)));
    }
    lines
}

fn tabular(operation: &str, plan: Option<&Plan>) -> Rows {
    let number = |name: &str| Field::new(name, SqlType::number(19, 0));
    let text = |name: &str| Field::new(name, SqlType::TEXT);
    let mut rows = Rows::new(vec![
        number("step"),
        number("id"),
        number("parent"),
        text("operation"),
        text("objects"),
        text("alias"),
        text("expressions"),
        number("partitionsTotal"),
        number("partitionsAssigned"),
        number("bytesAssigned"),
    ]);
    let lines = lines(operation, plan);
    let totals = lines
        .iter()
        .filter_map(|line| partitions(line.plan?))
        .fold((0, 0, 0), |sum: (i128, i128, i128), next| {
            (sum.0 + next.0, sum.1 + next.1, sum.2 + next.2)
        });
    let counts = |counts: Option<(i128, i128, i128)>| -> Vec<Value> {
        match counts {
            Some((total, left, bytes)) => [total, left, bytes].map(Value::integer).to_vec(),
            None => vec![Value::Null; 3],
        }
    };
    let mut first = vec![Value::Null, Value::Null, Value::Null, Value::text("GlobalStats")];
    first.extend([Value::Null, Value::Null, Value::Null]);
    first.extend(counts(Some(totals)));
    rows.rows.push(first);
    for line in &lines {
        let scanned = match line.plan {
            Some(Plan::Scan(scan)) => Value::text(scan.qualified_name.as_str()),
            _ => Value::Null,
        };
        let details = line.plan.map_or(Value::Null, |plan| Value::text(plan.details()));
        let mut row = vec![
            Value::integer(1),
            Value::integer(line.id),
            line.parent.map_or(Value::Null, Value::integer),
            Value::text(line.operation),
            scanned,
            Value::Null,
            details,
        ];
        row.extend(counts(line.plan.and_then(partitions)));
        rows.rows.push(row);
    }
    rows
}

fn json(operation: &str, plan: Option<&Plan>) -> Vec<serde_json::Value> {
    let lines = lines(operation, plan);
    let line = |line: &Line<'_>| {
        let mut object = serde_json::json!({ "id": line.id as i64, "operation": line.operation });
        if let Some(parent) = line.parent {
            object["parent"] = serde_json::json!(parent as i64);
        }
        if let Some(plan) = line.plan {
            object["expressions"] = serde_json::json!(plan.details());
        }
        if let Some((total, left, bytes)) = line.plan.and_then(partitions) {
            object["partitionsTotal"] = serde_json::json!(total as i64);
            object["partitionsAssigned"] = serde_json::json!(left as i64);
            object["bytesAssigned"] = serde_json::json!(bytes as i64);
        }
        object
    };
    lines.iter().map(line).collect()
}
