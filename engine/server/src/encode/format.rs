//! Which form the rows of an answer have, and which number tells a client what its statement was.

use firn_engine::{ParameterValue, Session};

use crate::client::Program;

/// The form of rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// Texts in arrays.
    Json,
    /// The same for the SQL REST API: BOOLEAN as words, and NULL perhaps as a text.
    Rest {
        /// Whether NULL is null.
        nullable: bool,
    },
    /// A stream of Arrow's inter-process format.
    Arrow,
    /// What people see, for firn's own clients.
    Shown,
}

impl Format {
    /// Its name in answers.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Format::Json => "json",
            Format::Rest { .. } => "jsonv2",
            Format::Arrow => "arrow",
            Format::Shown => "shown",
        }
    }

    /// The form for a statement's rows: Arrow for queries, to programs that read it and have not asked for JSON.
    pub(crate) fn of(
        program: Program,
        kind: &str,
        session: &Session,
        asked: Option<&str>,
    ) -> Format {
        if matches!(program, Program::Firn | Program::Console) {
            return Format::Shown;
        }
        let Some(parameter) = parameter(program) else { return Format::Json };
        if kind != "SELECT" {
            return Format::Json;
        }
        let json = match asked {
            Some(asked) => asked.eq_ignore_ascii_case("JSON"),
            None => session.parameter(parameter) == Some(ParameterValue::Text("JSON".to_string())),
        };
        if json { Format::Json } else { Format::Arrow }
    }
}

/// The parameter by which a program asks for a form; none for those that read JSON alone.
pub(crate) fn parameter(program: Program) -> Option<&'static str> {
    match program {
        Program::Python | Program::PythonCore => Some("PYTHON_CONNECTOR_QUERY_RESULT_FORMAT"),
        Program::Go => Some("GO_QUERY_RESULT_FORMAT"),
        Program::Jdbc => Some("JDBC_QUERY_RESULT_FORMAT"),
        Program::JavaScript | Program::Firn | Program::Console | Program::Other => None,
    }
}

/// The number of a kind of statement in answers.
pub(crate) fn statement_type(kind: &str) -> i64 {
    match kind {
        // What gives rows of any form is like a query.
        "SELECT" | "EXPLAIN" | "CALL" | "EXECUTE_IMMEDIATE" => 0x1000,
        "INSERT" => 0x3100,
        "UPDATE" => 0x3200,
        "DELETE" => 0x3300,
        "MERGE" => 0x3400,
        "MULTI_TABLE_INSERT" => 0x3500,
        "COPY" => 0x3600,
        "UNLOAD" => 0x3700,
        "ALTER_SESSION" => 0x4100,
        "SET" | "UNSET" => 0x4200,
        "USE" => 0x4300,
        "SHOW" => 0x4400,
        "DESCRIBE" => 0x4500,
        "LIST_FILES" => 0x4601,
        "REMOVE_FILES" => 0x4602,
        "BEGIN_TRANSACTION" => 0x5400,
        "COMMIT" => 0x5500,
        "ROLLBACK" => 0x5600,
        "PUT_FILES" | "GET_FILES" => 0,
        _ => 0x6000,
    }
}

/// The number of several statements in one request.
pub(crate) const SCRIPT_TYPE: i64 = 0xA000;
