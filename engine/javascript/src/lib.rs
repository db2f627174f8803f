//! Functions and procedures with bodies in JavaScript, run by QuickJS.
//!
//! Reading order: an [`isolate`] is one engine with its limits, in which the code of one function is compiled;
//! [`convert`] takes SQL's values into it and out of it; [`scalar`] calls a function for every row of a batch,
//! [`table`] a table function for the rows of partitions;
//! [`procedure`] runs one with the object `snowflake`, by which its code runs statements; [`failure`] makes errors
//! of what code throws. [`JavaScript`] holds the isolates of one statement.
//!
//! Code sees no file and no network: what it can reach is JavaScript's own library and, in procedures, `snowflake`.

mod convert;
mod failure;
mod isolate;
pub mod procedure;
mod scalar;
mod table;

use std::collections::HashMap;
use std::sync::Arc;

use firn_column::Column;
use firn_functions::{Call, ForeignFunction, ForeignProcessor};
use firn_types::{Cancel, Result, SqlType, Value};
use parking_lot::Mutex;

use isolate::Isolate;

/// Runs the JavaScript of one statement. Each thread that calls a function does so in an isolate of its own,
/// whose global variables stay from row to row; all of them end with the statement.
#[derive(Debug)]
pub struct JavaScript {
    cancel: Cancel,
    idle: Mutex<HashMap<Arc<ForeignFunction>, Vec<Isolate>>>,
}

impl JavaScript {
    /// For a statement that ends as `cancel` says.
    pub fn new(cancel: Cancel) -> JavaScript {
        JavaScript { cancel, idle: Mutex::default() }
    }

    /// The values of a function for every row of a batch.
    ///
    /// # Errors
    /// `JavaScriptCompilation` and `JavaScriptExecution`; those of casts, of values that are not of the function's
    /// type; `OutOfMemory` for more of them than a batch may have; `Canceled`, `StatementTimeout`.
    pub fn call(
        &self,
        function: &Arc<ForeignFunction>,
        call: &Call<'_>,
        arguments: &[Column],
    ) -> Result<Column> {
        let idle = self.idle.lock().get_mut(function).and_then(Vec::pop);
        let isolate = match idle {
            Some(isolate) => isolate,
            None => Isolate::of_function(function, &self.cancel)?,
        };
        let column = scalar::call(&isolate, function, call, arguments)?;
        // One in which a call has failed is left behind.
        self.idle.lock().entry(Arc::clone(function)).or_default().push(isolate);
        Ok(column)
    }
}

impl JavaScript {
    /// What runs a table function, with the values of those arguments that are constant.
    ///
    /// # Errors
    /// `JavaScriptCompilation`.
    pub fn table(
        &self,
        function: &Arc<ForeignFunction>,
        constants: &[Option<Value>],
    ) -> Result<Box<dyn ForeignProcessor>> {
        Ok(Box::new(table::Table::new(function, constants, &self.cancel)?))
    }
}

/// Whether code may take and give values of a type: all but whole and exact numbers, which JavaScript has not.
pub fn knows_type(sql_type: SqlType) -> bool {
    !matches!(sql_type, SqlType::Number { .. })
}

#[cfg(test)]
mod tests;
