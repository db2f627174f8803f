//! What must hold of every plan: checked after each optimizer rule in debug builds and in tests.

use std::collections::HashSet;

use firn_expression::Expr;
use firn_types::{ColumnId, Error, Result};

use super::{Join, Plan};

/// Checks that every column that an expression uses is given below it, that no id is given twice by one
/// node, and that the inputs of set operations fit their columns.
///
/// # Errors
/// An internal error that names the node and the column.
pub fn verify(plan: &Plan) -> Result<()> {
    verify_node(plan, &HashSet::new())
}

fn verify_node(plan: &Plan, outer: &HashSet<ColumnId>) -> Result<()> {
    let mut visible = outer.clone();
    for (index, input) in plan.inputs().into_iter().enumerate() {
        // Only the right side of an Apply sees the left side's columns.
        let sees_left = matches!(plan, Plan::Apply(_)) && index == 1;
        verify_node(input, if sees_left { &visible } else { outer })?;
        visible.extend(input.columns().iter().map(|column| column.id));
    }
    if let Plan::Scan(scan) = plan {
        visible.extend(scan.columns().iter().map(|column| column.id));
    }
    if let Plan::StageScan(scan) = plan {
        visible.extend(scan.columns.iter().map(|column| column.column.id));
    }
    for expr in plan.expressions() {
        check_columns(plan, expr, &visible)?;
    }
    check_unique(plan)?;
    check_widths(plan)?;
    if let Plan::Join(join) = plan {
        check_keys(join, outer)?;
    }
    Ok(())
}

fn broken(plan: &Plan, what: &str) -> Error {
    Error::internal(format!("broken plan: {what} in\n{}", plan.display()))
}

fn check_columns(plan: &Plan, expr: &Expr, visible: &HashSet<ColumnId>) -> Result<()> {
    match expr.columns_used().into_iter().find(|id| !visible.contains(id)) {
        Some(id) => Err(broken(plan, &format!("column {id} of {expr} is not given"))),
        None => Ok(()),
    }
}

fn check_unique(plan: &Plan) -> Result<()> {
    let mut seen = HashSet::new();
    match plan.columns().into_iter().find(|column| !seen.insert(column.id)) {
        Some(column) => Err(broken(plan, &format!("column {} is given twice", column.id))),
        None => Ok(()),
    }
}

fn check_widths(plan: &Plan) -> Result<()> {
    let width = |columns: usize, inputs: &[&Plan]| {
        let odd = inputs.iter().find(|input| input.columns().len() != columns);
        odd.map_or(Ok(()), |_| Err(broken(plan, "inputs of different width")))
    };
    match plan {
        Plan::SetOperation(node) => {
            width(node.columns.len(), &node.inputs.iter().collect::<Vec<_>>())
        }
        Plan::RecursiveCte(node) => width(node.columns.len(), &[&node.anchor, &node.step]),
        Plan::Values(node) if node.rows.iter().any(|row| row.len() != node.columns.len()) => {
            Err(broken(plan, "a row of another width"))
        }
        _ => Ok(()),
    }
}

fn check_keys(join: &Join, outer: &HashSet<ColumnId>) -> Result<()> {
    let side = |plan: &Plan| {
        let mut ids: HashSet<ColumnId> = plan.columns().iter().map(|c| c.id).collect();
        ids.extend(outer);
        ids
    };
    let (left, right) = (side(&join.left), side(&join.right));
    for key in &join.keys {
        let misplaced = key.left.columns_used().iter().any(|id| !left.contains(id))
            || key.right.columns_used().iter().any(|id| !right.contains(id));
        if misplaced {
            return Err(Error::internal(format!(
                "broken plan: join key {} = {} uses the wrong side",
                key.left, key.right
            )));
        }
        if key.left.sql_type().family() != key.right.sql_type().family() {
            return Err(Error::internal("broken plan: join key of two types"));
        }
    }
    Ok(())
}
