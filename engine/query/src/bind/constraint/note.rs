//! What policies ask of a relation, noted where it is bound.

use firn_functions::registry;
use firn_plan::{Frame, Plan, PlanColumn, ScanColumn, Window, WindowCall, WindowTarget};
use firn_storage::ROW_ID_FIELD;
use firn_types::{ColumnId, Result, SqlType, Value};

use super::{Hidden, Requirement};
use crate::bind::Binder;
use crate::bind::expr::{Projection, groups, projection};

/// Notes what a projection policy has said of a column: whether it may not be put out. `target` is its position in the
/// table that the statement changes, where it is of that.
///
/// # Errors
/// For an enforcement that there is not.
pub(crate) fn note_projection(
    binder: &Binder<'_>,
    said: &Value,
    column: &PlanColumn,
    target: Option<usize>,
) -> Result<bool> {
    let allowed = projection(said)?;
    if allowed != Projection::Allowed {
        let (name, nulls) = (column.name.clone(), allowed == Projection::Nulls);
        let hidden = Hidden { column: name, nulls, target };
        binder.constraints.borrow_mut().hidden.insert(column.id, hidden);
    }
    Ok(allowed != Projection::Allowed)
}

/// Notes what an aggregation policy asks of groups. Entities are told apart by `entity`, rows by their ids, or else by
/// numbers; gives the plan with the columns that tell them apart.
///
/// # Errors
/// For sizes that are none.
pub(crate) fn note_groups(
    binder: &Binder<'_>,
    asked: &Value,
    name: &str,
    entity: &[PlanColumn],
    mut plan: Plan,
) -> Result<(Plan, Vec<ColumnId>)> {
    let asked = groups(asked)?;
    if !asked.aggregated {
        return Ok((plan, Vec::new()));
    }
    let (by_row, by_entity) = match (asked.size, entity) {
        (Some(size), []) => (Some(size), None),
        (Some(size), _) => (None, Some(size)),
        (None, []) => (asked.rows.max(asked.entities), None),
        (None, _) => (asked.rows, asked.entities),
    };
    let mut found = Vec::new();
    if let Some(least) = by_row {
        let (numbered, row) = with_row_numbers(binder, plan)?;
        plan = numbered;
        found.push((vec![row], least));
    }
    found.extend(by_entity.map(|least| (entity.to_vec(), least)));
    let keys = found.iter().flat_map(|(keys, _)| keys.iter().map(|key| key.id)).collect();
    let object = name.to_string();
    let found =
        found.into_iter().map(|(keys, least)| Requirement { object: object.clone(), keys, least });
    binder.constraints.borrow_mut().groups.extend(found);
    Ok((plan, keys))
}

/// The rows with a column that tells them apart.
fn with_row_numbers(binder: &Binder<'_>, mut plan: Plan) -> Result<(Plan, PlanColumn)> {
    if let Plan::Scan(scan) = &mut plan {
        let column = binder.fresh_column("ROW_ID", SqlType::INTEGER, false);
        scan.columns.push(ScanColumn { column: column.clone(), source: ROW_ID_FIELD.into() });
        return Ok((plan, column));
    }
    let function = registry::window("ROW_NUMBER")?;
    let signature = function.resolve(Vec::new())?;
    let call = WindowCall {
        id: binder.fresh(),
        name: "ROW_NUMBER".to_string(),
        target: WindowTarget::Window(function, signature),
        arguments: Vec::new(),
        partition_by: Vec::new(),
        order_by: Vec::new(),
        frame: Frame::whole(),
        ignore_nulls: false,
    };
    let column = call.column();
    Ok((Plan::Window(Window { input: Box::new(plan), calls: vec![call], top: None }), column))
}
