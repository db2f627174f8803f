//! Warehouses.

use firn_account::catalog::{Header, Object, ObjectKind, Warehouse};
use firn_parse::ast::{CreateObject, OptionValue, StatementOption};
use firn_types::Result;

use super::{KindHandler, changed, invalid};
use crate::command::option_table::{
    COMMENT, CREATE, EVERYWHERE, NEVER, OptionDefinition, SETTABLE, Takes, done, missing, shown,
};
use crate::lifecycle::StatementContext;

/// A week: the longest that a warehouse lets a statement run or wait.
const TIMEOUT: Takes = Takes::Number(0, 604_800);
/// Clusters that a warehouse may have.
const CLUSTERS: Takes = Takes::Number(1, 10);
/// The sizes of warehouses.
const SIZES: &[&str] = &[
    "XSMALL", "SMALL", "MEDIUM", "LARGE", "XLARGE", "XXLARGE", "X2LARGE", "2XLARGE", "XXXLARGE",
    "X3LARGE", "3XLARGE", "X4LARGE", "4XLARGE", "X5LARGE", "5XLARGE", "X6LARGE", "6XLARGE",
];

const OPTIONS: &[OptionDefinition] = &[
    COMMENT,
    done("AUTO_RESUME", Takes::Boolean, EVERYWHERE),
    shown("AUTO_SUSPEND", Takes::NumberOrNull(0, i64::MAX), EVERYWHERE),
    shown("ENABLE_QUERY_ACCELERATION", Takes::Boolean, EVERYWHERE),
    missing("GENERATION", NEVER),
    done("INITIALLY_SUSPENDED", Takes::Boolean, CREATE),
    shown("MAX_CLUSTER_COUNT", CLUSTERS, EVERYWHERE),
    done("MAX_CONCURRENCY_LEVEL", Takes::Number(1, 1_000_000), EVERYWHERE),
    shown("MIN_CLUSTER_COUNT", CLUSTERS, EVERYWHERE),
    shown("QUERY_ACCELERATION_MAX_SCALE_FACTOR", Takes::Number(0, 100), EVERYWHERE),
    missing("RESOURCE_CONSTRAINT", NEVER),
    missing("RESOURCE_MONITOR", "NULL"),
    shown("SCALING_POLICY", Takes::Word(&["STANDARD", "ECONOMY"]), EVERYWHERE),
    done("STATEMENT_QUEUED_TIMEOUT_IN_SECONDS", TIMEOUT, EVERYWHERE),
    done("STATEMENT_TIMEOUT_IN_SECONDS", TIMEOUT, EVERYWHERE),
    missing("WAIT_FOR_COMPLETION", "FALSE"),
    shown("WAREHOUSE_SIZE", Takes::Word(SIZES), SETTABLE),
    shown("WAREHOUSE_TYPE", Takes::Word(&["STANDARD", "SNOWPARKOPTIMIZED"]), SETTABLE),
];

/// The names of warehouse sizes as written and as shown.
const WAREHOUSE_SIZES: &[(&str, &str)] = &[
    ("XSMALL", "X-Small"),
    ("SMALL", "Small"),
    ("MEDIUM", "Medium"),
    ("LARGE", "Large"),
    ("XLARGE", "X-Large"),
    ("XXLARGE", "2X-Large"),
    ("X2LARGE", "2X-Large"),
    ("2XLARGE", "2X-Large"),
    ("XXXLARGE", "3X-Large"),
    ("X3LARGE", "3X-Large"),
    ("3XLARGE", "3X-Large"),
    ("X4LARGE", "4X-Large"),
    ("4XLARGE", "4X-Large"),
    ("X5LARGE", "5X-Large"),
    ("5XLARGE", "5X-Large"),
    ("X6LARGE", "6X-Large"),
    ("6XLARGE", "6X-Large"),
];

/// What is done with warehouses.
pub(super) const HANDLER: KindHandler = KindHandler {
    kind: ObjectKind::Warehouse,
    options: OPTIONS,
    create: Some(create),
    set: Some(set),
    unset: Some(unset),
};

fn create(_: &StatementContext, ast: &CreateObject, header: Header) -> Result<Object> {
    let mut warehouse = Warehouse::new(header);
    set_warehouse(&mut warehouse, &ast.options)?;
    Ok(warehouse.into())
}

fn set(_: &StatementContext, object: &Object, options: &[StatementOption]) -> Result<Object> {
    let Object::Warehouse(warehouse) = object else { return Err(super::another()) };
    changed(warehouse, |warehouse| set_warehouse(warehouse, options))
}

fn unset(object: &Object, has: &dyn Fn(&str) -> bool) -> Result<Object> {
    let Object::Warehouse(warehouse) = object else { return Err(super::another()) };
    changed(warehouse, |warehouse| {
        let new = Warehouse::new(warehouse.header.clone());
        if has("COMMENT") {
            warehouse.header.comment.clear();
        }
        if has("AUTO_SUSPEND") {
            warehouse.auto_suspend_seconds = new.auto_suspend_seconds;
        }
        warehouse.auto_resume |= has("AUTO_RESUME");
        warehouse.properties.retain(|(name, _)| !has(name));
        Ok(())
    })
}

fn set_warehouse(warehouse: &mut Warehouse, options: &[StatementOption]) -> Result<()> {
    for option in options {
        let text = option.value.as_text();
        match option.name.as_str() {
            "COMMENT" => warehouse.header.comment = text.unwrap_or_default(),
            "WAREHOUSE_SIZE" => {
                let wanted = text.unwrap_or_default().to_uppercase().replace('-', "");
                let size = WAREHOUSE_SIZES.iter().find(|(name, _)| *name == wanted);
                warehouse.size = size.ok_or_else(|| invalid(option))?.1.to_string();
            }
            "AUTO_SUSPEND" => {
                warehouse.auto_suspend_seconds = match (&option.value, option.value.as_integer()) {
                    (OptionValue::Null, _) => None,
                    (_, Some(0)) => None,
                    (_, Some(seconds)) => {
                        Some(u64::try_from(seconds).map_err(|_| invalid(option))?)
                    }
                    _ => return Err(invalid(option)),
                };
            }
            "AUTO_RESUME" => {
                warehouse.auto_resume = option.value.as_boolean().ok_or_else(|| invalid(option))?;
            }
            "INITIALLY_SUSPENDED" => {
                warehouse.suspended = option.value.as_boolean().ok_or_else(|| invalid(option))?;
            }
            "WAREHOUSE_TYPE"
            | "MIN_CLUSTER_COUNT"
            | "MAX_CLUSTER_COUNT"
            | "SCALING_POLICY"
            | "RESOURCE_MONITOR"
            | "ENABLE_QUERY_ACCELERATION"
            | "QUERY_ACCELERATION_MAX_SCALE_FACTOR"
            | "MAX_CONCURRENCY_LEVEL"
            | "STATEMENT_QUEUED_TIMEOUT_IN_SECONDS"
            | "STATEMENT_TIMEOUT_IN_SECONDS" => {
                warehouse.properties.retain(|(name, _)| *name != option.name);
                warehouse.properties.push((option.name.clone(), text.unwrap_or_default()));
            }
            _ => return Err(invalid(option)),
        }
    }
    Ok(())
}
