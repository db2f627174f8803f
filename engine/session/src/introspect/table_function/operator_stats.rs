//! GET_QUERY_OPERATOR_STATS: the profile of a statement, a row an operator.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use firn_execute::profile::OperatorCounters;
use firn_plan::describe::Attribute;
use firn_types::Result;
use serde_json::{Map, json};

use super::super::IntrospectionContext;
use super::super::listing::{Listing, number, text, variant};
use super::Arguments;

pub(super) const COLUMNS: &str = "QUERY_ID, STEP_ID:number, OPERATOR_ID:number, \
    PARENT_OPERATORS:array, OPERATOR_TYPE, OPERATOR_STATISTICS:variant, \
    EXECUTION_TIME_BREAKDOWN:variant, OPERATOR_ATTRIBUTES:variant";

/// Nanoseconds of a millisecond.
const NANOS_PER_MILLISECOND: f64 = 1_000_000.0;

/// A plan is a step; its operators are numbered from 0, the one that gives the plan's rows.
pub(super) fn rows(
    context: &IntrospectionContext,
    arguments: &Arguments,
    listing: &mut Listing,
) -> Result<()> {
    let id = arguments.required_text("QUERY_ID")?;
    let record = context.statement(id)?;
    let details = record.details().clone();
    let operators = details.profile.operators();
    let all: u64 = operators.iter().map(|operator| read(&operator.nanos)).sum();
    let (mut step, mut root) = (0_u64, 0);
    for (index, operator) in operators.iter().enumerate() {
        if operator.parent.is_none() {
            (step, root) = (step + 1, index);
        }
        let last_root = !operators[index + 1..].iter().any(|later| later.parent.is_none());
        let mut cells = vec![
            ("QUERY_ID", text(id)),
            ("STEP_ID", number(step)),
            ("OPERATOR_ID", number((index - root) as u64)),
            ("OPERATOR_TYPE", text(operator.name.as_str())),
            ("EXECUTION_TIME_BREAKDOWN", variant(&times(operator, all))?),
            ("OPERATOR_ATTRIBUTES", variant(&attributes(operator))?),
        ];
        let mut known = statistics(operator);
        match operator.parent {
            Some(parent) => {
                let parents = json!([parent.0.saturating_sub(root)]);
                cells.push(("PARENT_OPERATORS", variant(&parents)?));
            }
            // What a statement changed is told where its last plan ends.
            None if last_root && !details.counts.is_empty() => {
                let dml = details.counts.iter();
                let dml = dml.map(|(name, count)| (name.replace(' ', "_"), json!(count)));
                known["dml"] = dml.collect::<Map<_, _>>().into();
            }
            None => {}
        }
        cells.push(("OPERATOR_STATISTICS", variant(&known)?));
        listing.add(&cells);
    }
    Ok(())
}

fn read(counter: &AtomicU64) -> u64 {
    counter.load(Ordering::Relaxed)
}

fn statistics(operator: &OperatorCounters) -> serde_json::Value {
    let mut known = json!({});
    // How many rows are not shown is not told either.
    if operator.hidden.load(Ordering::Relaxed) {
        return known;
    }
    let (taken, given) = (read(&operator.rows_in), read(&operator.rows_out));
    let reads = matches!(operator.name.as_str(), "TableScan" | "ExternalScan");
    if !reads {
        known["input_rows"] = json!(taken);
    }
    if operator.parent.is_some() {
        known["output_rows"] = json!(given);
    }
    if operator.name == "TableScan" {
        known["io"] = json!({ "bytes_scanned": read(&operator.bytes_read), "scan_progress": 1 });
    }
    // Of an external table it is files; of a stage nobody knows how many there might have been.
    if operator.name == "TableScan" || read(&operator.partitions_total) > 0 {
        known["pruning"] = json!({
            "partitions_scanned": read(&operator.partitions_scanned),
            "partitions_total": read(&operator.partitions_total),
        });
    }
    let external = read(&operator.bytes_read);
    if operator.name == "ExternalScan" && external > 0 {
        known["io"] = json!({ "external_bytes_scanned": external });
    }
    let spilled = read(&operator.bytes_spilled);
    if spilled > 0 {
        known["spilling"] = json!({ "bytes_spilled_local_storage": spilled });
    }
    known
}

/// The operator's part of the time of all, of all threads together.
fn times(operator: &OperatorCounters, all: u64) -> serde_json::Value {
    let nanos = read(&operator.nanos) as f64;
    let part = if all > 0 { nanos / all as f64 } else { 0.0 };
    let rounded = |value: f64| (value * 1000.0).round() / 1000.0;
    json!({
        "overall_percentage": rounded(part),
        "milliseconds": rounded(nanos / NANOS_PER_MILLISECOND),
    })
}

fn attributes(operator: &Arc<OperatorCounters>) -> serde_json::Value {
    let description = &operator.description;
    let mut known = Map::new();
    for (name, attribute) in &description.attributes {
        let value = match attribute {
            Attribute::Text(text) => json!(text),
            Attribute::List(texts) => json!(texts),
            Attribute::Number(number) => json!(number),
        };
        known.insert((*name).to_string(), value);
    }
    if let Some(object) = &description.object {
        known.insert("table_name".to_string(), json!(object));
    }
    if let Some(alias) = &description.alias {
        known.insert("table_alias".to_string(), json!(alias));
    }
    known.into()
}
