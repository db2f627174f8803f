//! Derives from a scan's conditions what storage may leave out: [`ScanPredicate`].
//!
//! Only what is implied counts: a condition that says nothing of single columns becomes TRUE. What one about a
//! function of a column says of it is found by [`preimage`].

use firn_expression::Expr;
use firn_functions::meaning::TextMatch;
use firn_functions::{FunctionContext, Meaning};
use firn_types::scan_predicate::{Comparison, ScanPredicate};
use firn_types::{ColumnPath, SqlType, Value};

use super::{OptimizeContext, preimage};
use firn_plan::{Plan, Scan};

pub(super) fn apply(plan: Plan, context: &OptimizeContext<'_>) -> Plan {
    let functions = context.functions;
    plan.transform_up(&mut |node| match node {
        Plan::Scan(mut scan) => {
            let parts: Vec<ScanPredicate> = scan
                .conditions
                .iter()
                .map(|condition| derive(condition, &scan, functions))
                .collect();
            scan.pruning = all(parts);
            Plan::Scan(scan)
        }
        other => other,
    })
}

fn all(parts: Vec<ScanPredicate>) -> ScanPredicate {
    let mut parts: Vec<ScanPredicate> =
        parts.into_iter().filter(|part| *part != ScanPredicate::True).collect();
    match parts.len() {
        0 => ScanPredicate::True,
        1 => parts.remove(0),
        _ => ScanPredicate::And(parts),
    }
}

fn derive(condition: &Expr, scan: &Scan, functions: &FunctionContext) -> ScanPredicate {
    match condition {
        Expr::Literal { value: Value::Boolean(true), .. } => ScanPredicate::True,
        Expr::Literal { .. } => ScanPredicate::False,
        Expr::And(parts) => all(parts.iter().map(|part| derive(part, scan, functions)).collect()),
        Expr::Or(parts) => {
            let parts: Vec<ScanPredicate> =
                parts.iter().map(|part| derive(part, scan, functions)).collect();
            if parts.contains(&ScanPredicate::True) {
                ScanPredicate::True
            } else {
                ScanPredicate::Or(parts)
            }
        }
        Expr::Compare { operator, left, right } => {
            compare(*operator, (left, right), scan, functions)
        }
        Expr::InList { input, list } => match column(input, scan) {
            Some((column, sql_type)) if list.iter().all(|value| fits(value, sql_type)) => {
                let values = list.iter().filter(|value| !value.is_null()).cloned().collect();
                ScanPredicate::In { column, values }
            }
            _ => ScanPredicate::True,
        },
        Expr::IsNull(operand) => match column(operand, scan) {
            Some((column, _)) => ScanPredicate::IsNull(column),
            None => ScanPredicate::True,
        },
        Expr::Not(inner) => match inner.as_ref() {
            Expr::IsNull(operand) => match column(operand, scan) {
                Some((column, _)) => ScanPredicate::IsNotNull(column),
                None => ScanPredicate::True,
            },
            Expr::Compare { operator, left, right } => {
                compare(operator.negated(), (left, right), scan, functions)
            }
            _ => ScanPredicate::True,
        },
        Expr::Call { function, arguments, .. } => {
            starts_with(function.meaning, arguments, scan).unwrap_or(ScanPredicate::True)
        }
        _ => ScanPredicate::True,
    }
}

/// What a comparison implies, whichever of its sides is the constant.
fn compare(
    operator: Comparison,
    (left, right): (&Expr, &Expr),
    scan: &Scan,
    functions: &FunctionContext,
) -> ScanPredicate {
    let (operator, side, constant) = match left.as_literal() {
        Some(_) => (operator.swapped(), right, left),
        None => (operator, left, right),
    };
    let Some(value) = constant.as_literal() else { return ScanPredicate::True };
    let direct = compare_column(operator, side, value, scan);
    direct
        .or_else(|| preimage::derive(operator, side, constant, scan, functions))
        .unwrap_or(ScanPredicate::True)
}

fn compare_column(
    operator: Comparison,
    side: &Expr,
    value: &Value,
    scan: &Scan,
) -> Option<ScanPredicate> {
    if value.is_null() {
        return Some(ScanPredicate::False);
    }
    let (column, sql_type) = column(side, scan)?;
    fits(value, sql_type).then(|| ScanPredicate::Compare { column, operator, value: value.clone() })
}

/// The scan's column that an expression is; none for a path that is read as VARIANTs, of which a file may know what
/// it is as another type.
fn column(expr: &Expr, scan: &Scan) -> Option<(ColumnPath, SqlType)> {
    let id = expr.as_column()?;
    let found = scan.columns.iter().find(|column| column.column.id == id)?;
    if found.source.path.is_some() && found.column.sql_type.is_semi_structured() {
        return None;
    }
    Some((found.source.clone(), found.column.sql_type))
}

/// Whether a value is of the column's own type and scale, so that statistics compare with it.
fn fits(value: &Value, sql_type: SqlType) -> bool {
    match (value, sql_type) {
        (Value::Null, _) => true,
        (Value::Number(number), SqlType::Number { scale, .. }) => number.scale == scale,
        (Value::Float(number), SqlType::Float) => !number.is_nan(),
        (Value::Text(_), SqlType::Varchar { .. })
        | (Value::Date(_), SqlType::Date)
        | (Value::Boolean(_), SqlType::Boolean)
        | (Value::Time(_), SqlType::Time { .. })
        | (Value::Timestamp(_), SqlType::TimestampNtz { .. } | SqlType::TimestampLtz { .. }) => {
            true
        }
        _ => false,
    }
}

/// `LIKE 'abc%'` and `STARTSWITH(c, 'abc')` imply a beginning.
fn starts_with(meaning: Meaning, arguments: &[Expr], scan: &Scan) -> Option<ScanPredicate> {
    let [subject, pattern] = arguments else { return None };
    let (column, _) = column(subject, scan)?;
    let Some(Value::Text(text)) = pattern.as_literal() else { return None };
    let prefix = match meaning {
        Meaning::TextMatch(TextMatch::Prefix) => text.to_string(),
        Meaning::TextMatch(TextMatch::Like) => {
            text.chars().take_while(|c| !matches!(c, '%' | '_')).collect()
        }
        _ => return None,
    };
    (!prefix.is_empty()).then_some(ScanPredicate::StartsWith { column, prefix })
}
