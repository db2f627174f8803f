//! CREATE TASK, what ALTER TASK has of its own, and EXECUTE TASK.

use firn_types::{Error, ErrorCode, Result};

use super::super::ast::{CreateMode, CreateTask, ExecuteTask, TaskChange};
use super::super::reader::Reader;

impl Reader<'_> {
    /// CREATE TASK behind its first words.
    pub(super) fn create_task(&mut self, mode: CreateMode) -> Result<CreateTask> {
        let mode = CreateMode { if_not_exists: self.eat("IF NOT EXISTS"), ..mode };
        let name = self.name()?;
        let mut task = CreateTask {
            mode,
            name,
            options: Vec::new(),
            after: Vec::new(),
            condition: None,
            body: String::new(),
            clone: None,
        };
        if self.is_word(0, "CLONE") {
            task.clone = Some(self.clone_of()?);
            return Ok(task);
        }
        loop {
            if self.eat("AFTER") {
                task.after = self.list(Reader::name)?;
            } else if self.eat("WHEN") {
                task.condition = Some(self.condition_text()?);
            } else if self.eat("AS") {
                task.body = self.rest_as_statement()?;
                return Ok(task);
            } else if self.is_word(0, "EXECUTE") {
                let start = self.index();
                self.advance();
                return Err(Error::not_supported("EXECUTE AS USER").at(self.since(start)));
            } else if self.at_option() {
                task.options.extend(self.options()?);
            } else {
                return Err(self.unexpected());
            }
        }
    }

    /// What ALTER TASK has of its own; none when something else comes.
    pub(super) fn task_change(&mut self) -> Result<Option<TaskChange>> {
        Ok(Some(if self.eat("ADD AFTER") {
            TaskChange::AddAfter(self.list(Reader::name)?)
        } else if self.eat("REMOVE AFTER") {
            TaskChange::RemoveAfter(self.list(Reader::name)?)
        } else if self.eat("MODIFY AS") {
            TaskChange::Body(self.rest_as_statement()?)
        } else if self.eat("MODIFY WHEN") {
            TaskChange::Condition(Some(self.condition_text()?))
        } else if self.eat("REMOVE WHEN") {
            TaskChange::Condition(None)
        } else {
            return Ok(None);
        }))
    }

    /// EXECUTE TASK.
    pub(super) fn execute_task(&mut self) -> Result<ExecuteTask> {
        self.expect_keywords("EXECUTE TASK")?;
        let name = self.name()?;
        let retry_last = self.eat("RETRY LAST");
        let config = match self.eat("USING CONFIG") {
            true => {
                self.eat_symbol("=");
                Some(self.string()?)
            }
            false => None,
        };
        Ok(ExecuteTask { name, retry_last, config })
    }

    /// An expression's text.
    fn condition_text(&mut self) -> Result<String> {
        let expr = self.expr()?;
        Ok(expr.span.of(self.text()).trim().to_string())
    }

    /// All that is left, which must be a statement.
    pub(super) fn rest_as_statement(&mut self) -> Result<String> {
        let start = self.index();
        match self.is_word(0, "BEGIN") || self.is_word(0, "DECLARE") {
            true => _ = self.block()?,
            false => {
                while !self.at_end() {
                    self.advance();
                }
            }
        }
        self.statement_since(start)
    }

    /// The text since a place, which must be a statement.
    pub(super) fn statement_since(&mut self, start: usize) -> Result<String> {
        let span = self.since(start);
        let text = span.of(self.text()).trim().to_string();
        if text.is_empty() {
            let text = "The statement that is to be run is missing.";
            return Err(Error::new(ErrorCode::InvalidStatement, text).at(span));
        }
        super::super::parse_within(&text, &|_, _| None, self.within + 1)
            .map_err(|error| error.shifted(span.start as usize))?;
        Ok(text)
    }
}
