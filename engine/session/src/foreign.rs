//! Who runs the code of functions and procedures that is in another language than SQL.

use std::sync::Arc;

use firn_column::Column;
use firn_functions::{Call, ForeignFunction, ForeignProcessor};
use firn_javascript::JavaScript;
use firn_python::Python;
use firn_types::{Cancel, Error, Language, Result, SqlType, Value};

use crate::imports;
use crate::session_state::SessionState;

/// What runs the code of one statement, and ends with it.
#[derive(Debug)]
pub(crate) struct ForeignCode {
    javascript: JavaScript,
    python: Python,
}

impl ForeignCode {
    /// For a statement of a session that ends as `cancel` says.
    pub(crate) fn new(session: &SessionState, cancel: &Cancel) -> ForeignCode {
        let interpreter = &session.shared.interpreter;
        let importer = imports::importer(session.clone());
        ForeignCode {
            javascript: JavaScript::new(cancel.clone()),
            python: Python::new(interpreter, session.id, cancel.clone(), importer),
        }
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
            Language::Python => self.python.call(function, call, arguments),
            Language::Sql => Err(Error::internal("SQL as foreign code")),
        }
    }

    /// What runs Python.
    pub(crate) fn python(&self) -> &Python {
        &self.python
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
            Language::Python => self.python.table(function),
            Language::Sql => Err(Error::internal("SQL as foreign code")),
        }
    }
}

/// Whether code in a language may take and give values of a type.
pub(crate) fn knows_type(language: Language, sql_type: SqlType) -> bool {
    match language {
        Language::Sql | Language::Python => true,
        Language::JavaScript => firn_javascript::knows_type(sql_type),
    }
}
