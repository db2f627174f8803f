//! Every kind of statement, by its first words.

mod access_token;
mod alert;
mod alter;
mod alter_table;
mod attachment;
mod call;
mod copy;
mod create;
mod create_routine;
mod create_stream;
mod create_table;
mod dml;
mod dynamic_table;
mod external_table;
mod foreign;
mod grant;
mod kind;
mod pipe;
mod policy_context;
mod script;
mod session;
mod show;
mod task;

use std::ops::Range;

use firn_types::{Error, Result};

use super::ast::Statement;
use super::reader::Reader;

/// Statements that are recognized and not done: their first words.
const NOT_SUPPORTED: [&str; 9] = [
    "EXECUTE NOTEBOOK",
    "EXECUTE JOB SERVICE",
    "EXECUTE SERVICE",
    "EXECUTE DBT PROJECT",
    "EXECUTE DCM PROJECT",
    "EXECUTE STREAMLIT",
    "EXECUTE AGENT",
    "DEFINE",
    "BACKUP",
];

impl Reader<'_> {
    /// A statement.
    pub(super) fn statement(&mut self) -> Result<Statement> {
        self.refuse_foreign()?;
        let parts = self.piped_parts();
        if parts.len() > 1 {
            return self.pipe(parts);
        }
        self.single_statement()
    }

    /// `statement ->> statement ->> ..`: each part is read, so that what is wrong is known before any runs.
    fn pipe(&mut self, parts: Vec<Range<usize>>) -> Result<Statement> {
        let mut spans = Vec::with_capacity(parts.len());
        for part in parts {
            if part.is_empty() {
                return Err(self.unexpected());
            }
            self.single_statement()?;
            if self.index() < part.end {
                return Err(self.unexpected());
            }
            spans.push(self.since(part.start));
            if !self.at_end() {
                self.expect_symbol("->>")?;
            }
        }
        Ok(Statement::Pipe(spans))
    }

    fn single_statement(&mut self) -> Result<Statement> {
        if self.is_symbol(0, "(") {
            return self.query().map(|query| Statement::Query(Box::new(query)));
        }
        let Some(first) = self.peek_upper(0) else { return Err(self.unexpected()) };
        match first.as_str() {
            "WITH" if self.at_anonymous_procedure() => self.call_with(),
            "SELECT" | "WITH" | "VALUES" | "TABLE" => {
                self.query().map(|query| Statement::Query(Box::new(query)))
            }
            "INSERT" => self.insert(),
            "UPDATE" => self.update(),
            "DELETE" => self.delete(),
            "MERGE" => self.merge(),
            "TRUNCATE" => self.truncate(),
            "CREATE" => self.create(),
            "ALTER" => self.alter(),
            "DROP" => self.drop_object(),
            "UNDROP" => self.undrop(),
            "COMMENT" => self.comment_on(),
            "GRANT" => self.grant(),
            "REVOKE" => self.revoke(),
            "USE" => self.use_object(),
            "SET" => self.set(),
            "UNSET" => self.unset(),
            "BEGIN" | "DECLARE" if self.at_block() => self.block_statement(),
            "EXECUTE" if self.is_word(1, "ALERT") => {
                self.expect_keywords("EXECUTE ALERT")?;
                self.name().map(Statement::ExecuteAlert)
            }
            "EXECUTE" if self.is_word(1, "TASK") => self.execute_task().map(Statement::ExecuteTask),
            "EXECUTE" if self.is_word(1, "IMMEDIATE") => self.execute_immediate(),
            "EXECUTE" if self.is_word(1, "USING") => self.using_policy_context(),
            "CALL" => self.call(),
            "BEGIN" | "START" => self.begin(),
            "COMMIT" | "ROLLBACK" => self.end_transaction(),
            "SHOW" => self.show(),
            "DESCRIBE" | "DESC" => self.describe(),
            "EXPLAIN" => self.explain(),
            "COPY" if self.is_word(1, "INTO") => self.copy_into(),
            "COPY" if self.is_word(1, "FILES") => self.copy_files(),
            "PUT" => self.put(),
            "GET" => self.get(),
            "LIST" | "LS" => self.list_files(),
            "REMOVE" | "RM" => self.remove_files(),
            _ => Err(self.unknown_statement()),
        }
    }

    fn unknown_statement(&self) -> Error {
        let known = NOT_SUPPORTED.iter().find(|words| {
            words.split(' ').enumerate().all(|(ahead, word)| self.is_word(ahead, word))
        });
        match known {
            Some(words) => Error::not_supported(words).at(self.here()),
            None => self.unexpected(),
        }
    }
}
