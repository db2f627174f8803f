//! Reads of staged files' rows only what is asked of them by name.
//!
//! Files of typed columns, such as those of Parquet, give each row as one object, `$1` or VALUE. Where a plan asks that object for
//! nothing but members by their names, the scan reads those columns and no others.

use std::collections::{HashMap, HashSet};

use firn_expression::Expr;
use firn_functions::Meaning;
use firn_plan::{Plan, StageValue};
use firn_types::variant::path::{Path, Step};
use firn_types::{ColumnId, Value};

/// What is asked of a column that has whole rows.
#[derive(Default)]
struct Asked {
    members: Vec<String>,
    whole: bool,
}

pub(super) fn apply(plan: Plan, required: &HashSet<ColumnId>) -> Plan {
    let mut asked: HashMap<ColumnId, Asked> = HashMap::new();
    plan.visit(&mut |node| {
        let Plan::StageScan(scan) = node else { return };
        let rows = scan.columns.iter().filter(|column| is_row(&column.value));
        asked.extend(rows.map(|column| (column.column.id, Asked::default())));
    });
    if asked.is_empty() {
        return plan;
    }
    for id in required {
        asked.entry(*id).and_modify(|asked| asked.whole = true);
    }
    plan.visit(&mut |node| {
        node.expressions().into_iter().for_each(|expr| note(expr, &mut asked));
        // Nodes that pass their input's columns on by position use them whole.
        if let Plan::SetOperation(_) | Plan::RecursiveCte(_) | Plan::With(_) = node {
            let inputs = node.inputs();
            let given = inputs.iter().flat_map(|input| input.columns());
            given.for_each(|column| {
                asked.entry(column.id).and_modify(|asked| asked.whole = true);
            });
        }
    });
    plan.transform_up(&mut |mut node| {
        if let Plan::StageScan(scan) = &mut node {
            let rows = scan.columns.iter().filter(|column| is_row(&column.value));
            let rows: Vec<&Asked> = rows.filter_map(|c| asked.get(&c.column.id)).collect();
            let named = !rows.is_empty() && rows.iter().all(|asked| !asked.whole);
            scan.members = named.then(|| {
                let all: HashSet<&String> = rows.iter().flat_map(|row| &row.members).collect();
                let mut all: Vec<String> = all.into_iter().cloned().collect();
                all.sort();
                all
            });
        }
        node
    })
}

/// Whether a column has whole rows where rows are made of columns.
fn is_row(value: &StageValue) -> bool {
    matches!(value, StageValue::Position(1) | StageValue::Row)
}

/// Notes what an expression asks of whole rows.
fn note(expr: &Expr, asked: &mut HashMap<ColumnId, Asked>) {
    if let Some((column, member)) = member_of(expr)
        && let Some(asked) = asked.get_mut(&column)
    {
        if !asked.members.contains(&member) {
            asked.members.push(member);
        }
        return;
    }
    if let Some(asked) = expr.as_column().and_then(|id| asked.get_mut(&id)) {
        asked.whole = true;
    }
    expr.children().into_iter().for_each(|child| note(child, asked));
}

/// The column and the name, for `column:name..`.
pub(crate) fn member_of(expr: &Expr) -> Option<(ColumnId, String)> {
    let Expr::Call { function, arguments, .. } = expr else { return None };
    let [document, path] = &arguments[..] else { return None };
    let Value::Text(text) = path.as_literal()? else { return None };
    if function.meaning != Meaning::PathAccess {
        return None;
    }
    let path = Path::parse(text).ok()?;
    match path.steps.first()? {
        Step::Key(name) => Some((document.as_column()?, name.clone())),
        _ => None,
    }
}
