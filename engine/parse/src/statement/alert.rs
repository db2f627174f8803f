//! CREATE ALERT, and what ALTER ALERT has of its own.

use firn_types::Result;

use super::super::ast::{AlertChange, CreateAlert, CreateMode};
use super::super::reader::Reader;

impl Reader<'_> {
    /// CREATE ALERT behind its first words.
    pub(super) fn create_alert(&mut self, mode: CreateMode) -> Result<CreateAlert> {
        let mode = CreateMode { if_not_exists: self.eat("IF NOT EXISTS"), ..mode };
        let name = self.name()?;
        let mut options = Vec::new();
        while self.at_option() {
            options.extend(self.options()?);
        }
        self.expect_keywords("IF")?;
        self.expect_symbol("(")?;
        let condition = self.existing_rows()?;
        self.expect_symbol(")")?;
        self.expect_keywords("THEN")?;
        let action = self.rest_as_statement()?;
        Ok(CreateAlert { mode, name, options, condition, action })
    }

    /// What ALTER ALERT has of its own; none when something else comes.
    pub(super) fn alert_change(&mut self) -> Result<Option<AlertChange>> {
        Ok(Some(if self.eat("MODIFY CONDITION") {
            AlertChange::Condition(self.existing_rows()?)
        } else if self.eat("MODIFY ACTION") {
            AlertChange::Action(self.rest_as_statement()?)
        } else {
            return Ok(None);
        }))
    }

    /// `EXISTS (statement)`: the text of the statement.
    fn existing_rows(&mut self) -> Result<String> {
        self.expect_keywords("EXISTS")?;
        self.expect_symbol("(")?;
        let start = self.index();
        let mut open = 1;
        loop {
            if self.at_end() {
                return Err(self.unexpected());
            }
            open += i32::from(self.is_symbol(0, "(")) - i32::from(self.is_symbol(0, ")"));
            if open == 0 {
                break;
            }
            self.advance();
        }
        let text = self.statement_since(start)?;
        self.expect_symbol(")")?;
        Ok(text)
    }
}
