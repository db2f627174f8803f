//! GENERATOR: so many rows without columns.

use std::sync::Arc;

use firn_types::{Error, ErrorCode, Result, SqlType, Value};

use super::{CATEGORY, TableBinding, TableFunction};
use crate::driver::ints;
use crate::{Argument, Documentation};

/// GENERATOR(ROWCOUNT [, TIMELIMIT])
pub(super) const GENERATOR: TableFunction = TableFunction {
    name: "GENERATOR",
    documentation: Documentation::of(CATEGORY, "So many rows, for SEQ4() and its like.", &[]),
    parameters: &["ROWCOUNT", "TIMELIMIT"],
    bind,
};

fn bind(arguments: &[Argument]) -> Result<TableBinding> {
    for (position, argument) in arguments.iter().enumerate() {
        match &argument.constant {
            None => {
                let message =
                    format!("argument {} to function GENERATOR needs to be constant", position + 1);
                return Err(Error::new(ErrorCode::ConstantArgument, message));
            }
            Some(Value::Null) => {}
            Some(Value::Number(number)) if number.unscaled >= 0 && position == 0 => {}
            Some(Value::Number(number)) if number.unscaled >= 0 => {
                let counted = !matches!(arguments[0].constant, None | Some(Value::Null));
                if !counted {
                    return Err(Error::not_supported("GENERATOR with TIMELIMIT alone"));
                }
            }
            Some(_) => {
                let message = format!(
                    "argument {} to function GENERATOR needs to be a whole number",
                    position + 1
                );
                return Err(Error::new(ErrorCode::InvalidParameterValue, message));
            }
        }
    }
    Ok(TableBinding {
        arguments: vec![SqlType::INTEGER; arguments.len()],
        fields: Vec::new(),
        kernel: Arc::new(|call, columns| {
            let mut rows = Vec::new();
            let Some(column) = columns.first() else { return Ok((rows, Vec::new())) };
            let counts = ints(column)?;
            for row in 0..call.rows {
                if !counts.is_null(row) {
                    let count = usize::try_from(counts.get(row)).unwrap_or(0);
                    rows.extend(std::iter::repeat_n(row as u32, count));
                }
            }
            Ok((rows, Vec::new()))
        }),
    })
}
