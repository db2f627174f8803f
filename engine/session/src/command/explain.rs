//! EXPLAIN: the optimized plan, and what is pruned of each table.

use std::fmt::Write as _;

use firn_execute::assigned_files;
use firn_parse::ast::{Explain, ExplainFormat};
use firn_plan::Plan;
use firn_plan::describe::{Attribute, ColumnNames, Description};
use firn_plan::statement::StatementPlan;
use firn_query::optimize;
use firn_storage::prune;
use firn_types::{Field, Result, SqlType, Value};
use serde_json::json;

use crate::lifecycle::StatementContext;
use crate::result::Rows;

/// Shows the plan of a statement without running it.
///
/// # Errors
/// As binding the statement.
pub(super) fn run(running: &mut StatementContext, ast: &Explain) -> Result<Rows> {
    if ast.format == ExplainFormat::Rules {
        return rules(running, ast);
    }
    let plan = running.plan(&ast.statement)?;
    let explained = Explained::of(&plan, Some(running));
    let content = match ast.format {
        ExplainFormat::Tabular => return Ok(explained.tabular()),
        ExplainFormat::Text | ExplainFormat::Rules => explained.text(),
        ExplainFormat::Json => explained.json().to_string(),
    };
    let mut rows = columns(ast.format);
    rows.rows.push(vec![Value::text(content)]);
    Ok(rows)
}

/// No rows yet, of the columns of a form.
pub(super) fn columns(format: ExplainFormat) -> Rows {
    let number = |name: &str| Field::new(name, SqlType::number(19, 0));
    let text = |name: &str| Field::new(name, SqlType::TEXT);
    Rows::new(match format {
        ExplainFormat::Text | ExplainFormat::Json => vec![text("content")],
        ExplainFormat::Rules => vec![text("rule"), number("microseconds"), text("plan")],
        ExplainFormat::Tabular => vec![
            number("step"),
            number("id"),
            text("parentOperators"),
            text("operation"),
            text("objects"),
            text("alias"),
            text("expressions"),
            number("partitionsTotal"),
            number("partitionsAssigned"),
            number("bytesAssigned"),
        ],
    })
}

/// The plan as it was bound, and after each rule that changes it.
fn rules(running: &StatementContext, ast: &Explain) -> Result<Rows> {
    let functions = running.function_context();
    let steps = running.with_binder(&functions, |binder| {
        let plan = binder.bind(&ast.statement, &running.sql)?;
        let context = running.optimize_context(&functions, binder.next_column_id());
        optimize::trace_statement(&plan, &context)
    })?;
    let mut rows = columns(ExplainFormat::Rules);
    for (rule, elapsed, plan) in steps {
        rows.rows.push(vec![
            Value::text(rule.unwrap_or("bound")),
            Value::integer(elapsed.as_micros() as i64),
            Value::text(Explained::of(&plan, None).operations()),
        ]);
    }
    Ok(rows)
}

/// What a statement reads of its tables.
#[derive(Clone, Copy, Default)]
struct Assigned {
    /// Micro-partitions of the tables' versions.
    total: u64,
    /// Those that statistics do not leave out.
    partitions: u64,
    /// The bytes of those.
    bytes: u64,
}

/// One operator.
struct Line {
    parent: Option<usize>,
    depth: usize,
    operation: &'static str,
    object: Option<String>,
    alias: Option<String>,
    expressions: Vec<String>,
    assigned: Option<Assigned>,
    /// What it may leave out.
    shortcut: Option<String>,
}

/// The operators of a statement, each before those that give it rows.
struct Explained {
    lines: Vec<Line>,
    total: Assigned,
}

impl Explained {
    /// The operators of a plan; with `running` also what they read.
    fn of(plan: &StatementPlan, running: Option<&StatementContext>) -> Explained {
        let names = plan.source().map(Plan::column_names).unwrap_or_default();
        let mut explained = Explained { lines: Vec::new(), total: Assigned::default() };
        explained.add(root(plan, &names), plan.operation(), None);
        let source = plan.source().map(|plan| (plan, 0));
        let mut pending: Vec<(&Plan, usize)> = source.into_iter().collect();
        while let Some((plan, parent)) = pending.pop() {
            let id = explained.lines.len();
            let description = plan.describe(&names);
            explained.add(description, plan.operation(), Some(parent));
            let assigned = running.and_then(|running| assigned(plan, running));
            explained.note(assigned, plan.shortcut());
            pending.extend(plan.shown_inputs().into_iter().rev().map(|input| (input, id)));
        }
        explained
    }

    fn add(&mut self, description: Description, operation: &'static str, parent: Option<usize>) {
        let depth = parent.map_or(0, |parent| self.lines[parent].depth + 1);
        let expressions = expressions(&description.attributes);
        let Description { object, alias, .. } = description;
        let (assigned, shortcut) = (None, None);
        let line =
            Line { parent, depth, operation, object, alias, expressions, assigned, shortcut };
        self.lines.push(line);
    }

    /// Notes of the newest operator what it reads and what it may leave out.
    fn note(&mut self, assigned: Option<Assigned>, shortcut: Option<String>) {
        if let Some(assigned) = assigned {
            self.total.total += assigned.total;
            self.total.partitions += assigned.partitions;
            self.total.bytes += assigned.bytes;
        }
        if let Some(line) = self.lines.last_mut() {
            line.assigned = assigned;
            line.shortcut = shortcut;
        }
    }

    fn tabular(&self) -> Rows {
        let mut rows = columns(ExplainFormat::Tabular);
        let absent = Value::Null;
        let counts = |assigned: Option<Assigned>| match assigned {
            Some(Assigned { total, partitions, bytes }) => {
                [total, partitions, bytes].map(Value::integer).to_vec()
            }
            None => vec![Value::Null; 3],
        };
        let mut first = vec![absent.clone(), absent.clone(), absent.clone()];
        first.extend([Value::text("GlobalStats"), absent.clone(), absent.clone(), absent]);
        first.extend(counts(Some(self.total)));
        rows.rows.push(first);
        for (id, line) in self.lines.iter().enumerate() {
            let optional = |text: Option<String>| text.map_or(Value::Null, Value::text);
            let shown = Some(line.expressions.join(", ")).filter(|shown| !shown.is_empty());
            let mut row = vec![
                Value::integer(1),
                Value::integer(id as u64),
                optional(line.parent.map(|parent| format!("[{parent}]"))),
                Value::text(line.operation),
                optional(line.object.clone()),
                optional(line.alias.clone()),
                optional(shown),
            ];
            row.extend(counts(line.assigned));
            rows.rows.push(row);
        }
        rows
    }

    fn text(&self) -> String {
        let Assigned { total, partitions, bytes } = self.total;
        let mut text = format!(
            "GlobalStats:\n    partitionsTotal={total}\n    partitionsAssigned={partitions}\n    \
             bytesAssigned={bytes}\nOperations:\n"
        );
        for (id, line) in self.lines.iter().enumerate() {
            let indent = " ".repeat(5 * (line.depth + 1));
            let _ = write!(text, "1:{id}{indent}->{}", line.operation);
            let mut parts: Vec<String> = Vec::new();
            parts.extend(line.object.clone());
            parts.extend(line.alias.as_ref().map(|alias| format!("AS {alias}")));
            parts.push(line.expressions.join(", "));
            if let Some(Assigned { total, partitions, bytes }) = line.assigned {
                parts.push(format!(
                    "{{partitionsTotal={total}, partitionsAssigned={partitions}, \
                     bytesAssigned={bytes}}}"
                ));
            }
            for part in parts.iter().filter(|part| !part.is_empty()) {
                let _ = write!(text, "  {part}");
            }
            text.push('\n');
        }
        text
    }

    /// The operators alone, a line each, below those that they give rows to.
    fn operations(&self) -> String {
        let line = |line: &Line| {
            let alias = line.alias.as_ref().map(|alias| format!("AS {alias}"));
            let shown = Some(line.expressions.join(", "));
            let parts = [line.object.clone(), alias, shown, line.shortcut.clone()];
            let parts = parts.into_iter().flatten().filter(|part| !part.is_empty());
            let whole: Vec<String> =
                [line.operation.to_string()].into_iter().chain(parts).collect();
            format!("{}{}", "  ".repeat(line.depth), whole.join("  "))
        };
        self.lines.iter().map(line).collect::<Vec<_>>().join("\n")
    }

    fn json(&self) -> serde_json::Value {
        let counts = |assigned: Assigned, object: &mut serde_json::Value| {
            object["partitionsTotal"] = json!(assigned.total);
            object["partitionsAssigned"] = json!(assigned.partitions);
            object["bytesAssigned"] = json!(assigned.bytes);
        };
        let line = |(id, line): (usize, &Line)| {
            let mut object = json!({ "id": id, "operation": line.operation });
            if let Some(parent) = line.parent {
                object["parentOperators"] = json!([parent]);
            }
            if let Some(name) = &line.object {
                object["objects"] = json!([name]);
            }
            if let Some(alias) = &line.alias {
                object["alias"] = json!(alias);
            }
            if !line.expressions.is_empty() {
                object["expressions"] = json!(line.expressions);
            }
            if let Some(assigned) = line.assigned {
                counts(assigned, &mut object);
            }
            object
        };
        let mut global = json!({});
        counts(self.total, &mut global);
        let operations: Vec<_> = self.lines.iter().enumerate().map(line).collect();
        json!({ "GlobalStats": global, "Operations": [operations] })
    }
}

/// What the statement does with the rows of its plan.
fn root(plan: &StatementPlan, names: &ColumnNames) -> Description {
    let target = match plan {
        StatementPlan::Query(query) => {
            let name = |id| names.get(id).cloned();
            let columns = query.output.iter();
            return Description::of_result(
                columns.map(|column| name(&column.id).unwrap_or_else(|| column.field.name.clone())),
            );
        }
        StatementPlan::Insert(plan) => Some(plan.target.name.clone()),
        StatementPlan::Update(plan) => Some(plan.target.name.clone()),
        StatementPlan::Delete(plan) => Some(plan.target.name.clone()),
        StatementPlan::Merge(plan) => Some(plan.target.name.clone()),
        StatementPlan::CopyIntoTable(plan) => Some(plan.target.name.clone()),
        StatementPlan::InsertMany(_) | StatementPlan::CopyIntoStage(_) => None,
    };
    Description { object: target, ..Description::default() }
}

/// What a scan reads of its table.
fn assigned(plan: &Plan, running: &StatementContext) -> Option<Assigned> {
    if let Plan::StageScan(scan) = plan {
        let functions = running.function_context();
        let [total, partitions, bytes] =
            assigned_files(scan, &functions, running.start_nanos).ok()??;
        return Some(Assigned { total, partitions, bytes });
    }
    let Plan::Scan(scan) = plan else { return None };
    let all = scan.snapshot.partitions().ok()?;
    let mut assigned = Assigned { total: all.len() as u64, ..Assigned::default() };
    for partition in all.iter() {
        if prune::prune(&scan.pruning, partition.as_ref()) != prune::Prune::Skip {
            assigned.partitions += 1;
            assigned.bytes += partition.bytes;
        }
    }
    Some(assigned)
}

/// What stands before an attribute's value: nothing for what an operator is about, and nothing at all of
/// an attribute that the operation's name tells already.
fn label(attribute: &str) -> Option<&'static str> {
    match attribute {
        "join_type" => None,
        "pushed_down_filter" => Some("filter: "),
        "equality_join_condition" => Some("joinKey: "),
        "additional_join_condition" => Some("joinFilter: "),
        "grouping_keys" => Some("groupKeys: "),
        "key_sets" => Some("keySets: "),
        "functions" => Some("functions: "),
        "sort_keys" => Some("sortKey: "),
        "rows" | "row_count" | "value_count" => Some("rowCount: "),
        "offset" => Some("offset: "),
        "sample_size" => Some("size: "),
        _ => Some(""),
    }
}

fn expressions(attributes: &[(&'static str, Attribute)]) -> Vec<String> {
    let mut shown = Vec::new();
    for (name, attribute) in attributes {
        match (label(name), attribute) {
            (None, _) => {}
            (Some(""), Attribute::List(texts)) => shown.extend(texts.iter().cloned()),
            (Some(label), Attribute::List(texts)) => {
                shown.push(format!("{label}[{}]", texts.join(", ")));
            }
            (Some(label), Attribute::Text(text)) => shown.push(format!("{label}{text}")),
            (Some(label), Attribute::Number(number)) => shown.push(format!("{label}{number}")),
        }
    }
    shown
}
