//! Who runs the code of functions and procedures that is in another language than SQL.

use std::sync::Arc;

use firn_column::Column;
use firn_functions::{Call, ForeignFunction, ForeignProcessor};
use firn_javascript::JavaScript;
use firn_types::{Cancel, Error, Language, Result, SqlType, Value};

/// What runs the code of one statement, and ends with it.
#[derive(Debug)]
pub(crate) struct ForeignCode {
    javascript: JavaScript,
}

impl ForeignCode {
    /// For a statement that ends as `cancel` says.
    pub(crate) fn new(cancel: &Cancel) -> ForeignCode {
        ForeignCode { javascript: JavaScript::new(cancel.clone()) }
    }

    /// The values of a function for every row of a batch.
    ///
    /// # Errors
    /// What its body throws.
    pub(crate) fn call(
        &self,
        function: &Arc<ForeignFunction>,
        call: &Call<'_>,
        arguments: &[Column],
    ) -> Result<Column> {
        match function.code.language {
            Language::JavaScript => self.javascript.call(function, call, arguments),
            Language::Sql => Err(Error::internal("SQL as foreign code")),
        }
    }

    /// What runs a table function, with the values of those arguments that are constant.
    ///
    /// # Errors
    /// When its body does not compile.
    pub(crate) fn table(
        &self,
        function: &Arc<ForeignFunction>,
        constants: &[Option<Value>],
    ) -> Result<Box<dyn ForeignProcessor>> {
        match function.code.language {
            Language::JavaScript => self.javascript.table(function, constants),
            Language::Sql => Err(Error::internal("SQL as foreign code")),
        }
    }
}

/// Whether code in a language may take and give values of a type.
pub(crate) fn knows_type(language: Language, sql_type: SqlType) -> bool {
    match language {
        Language::Sql => true,
        Language::JavaScript => firn_javascript::knows_type(sql_type),
    }
}
