//! Every kind of statement, by its first words.

mod access_token;
mod alter;
mod alter_table;
mod copy;
mod create;
mod create_routine;
mod create_table;
mod dml;
mod grant;
mod kind;
mod script;
mod session;
mod show;

use firn_types::{Error, Result};

use super::ast::Statement;
use super::reader::Reader;

/// Statements that are recognized and not done: their first words.
const NOT_SUPPORTED: [&str; 3] = ["EXECUTE TASK", "EXECUTE ALERT", "COPY FILES"];

impl Reader<'_> {
    /// A statement.
    pub(super) fn statement(&mut self) -> Result<Statement> {
        self.refuse_unread()?;
        if self.is_symbol(0, "(") {
            return self.query().map(|query| Statement::Query(Box::new(query)));
        }
        let Some(first) = self.peek_upper(0) else { return Err(self.unexpected()) };
        match first.as_str() {
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
            "EXECUTE" if self.is_word(1, "IMMEDIATE") => self.execute_immediate(),
            "CALL" => self.call(),
            "BEGIN" | "START" => self.begin(),
            "COMMIT" | "ROLLBACK" => self.end_transaction(),
            "SHOW" => self.show(),
            "DESCRIBE" | "DESC" => self.describe(),
            "EXPLAIN" => self.explain(),
            "COPY" if self.is_word(1, "INTO") => self.copy_into(),
            "PUT" => self.put(),
            "GET" => self.get(),
            "LIST" | "LS" => self.list_files(),
            "REMOVE" | "RM" => self.remove_files(),
            _ => Err(self.unknown_statement()),
        }
    }

    /// Refuses constructs that would only confuse the grammar.
    fn refuse_unread(&self) -> Result<()> {
        let mut ahead = 0;
        while let Some(lexeme) = self.peek(ahead) {
            match lexeme.of(self.text()) {
                "->>" => return Err(Error::not_supported("->>").at(lexeme.span())),
                word if self.is_symbol(ahead + 1, "(")
                    && word.eq_ignore_ascii_case("match_recognize") =>
                {
                    return Err(Error::not_supported("MATCH_RECOGNIZE").at(lexeme.span()));
                }
                _ => {}
            }
            ahead += 1;
        }
        Ok(())
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
