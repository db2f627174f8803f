//! USE, variables, transactions.

use firn_types::{Error, Identifier, Result};

use super::super::ast::{Expr, SetVariables, Statement, Use};
use super::super::reader::Reader;

impl Reader<'_> {
    /// USE.
    pub(super) fn use_object(&mut self) -> Result<Statement> {
        self.expect_keywords("USE")?;
        if self.eat("SECONDARY ROLES") || self.eat("SECONDARY ROLE") {
            return match self.eat_one(&["ALL", "NONE"]) {
                Some(which) => Ok(Statement::Use(Use::SecondaryRoles(which == "ALL"))),
                None if self.object_name().is_ok() => {
                    Err(Error::not_supported("USE SECONDARY ROLES of some roles"))
                }
                None => Err(self.unexpected()),
            };
        }
        // A kind's word may itself be the name: `USE warehouse;`.
        let named = self.peek(1).is_some() && !self.is_symbol(1, ";") && !self.is_symbol(1, ".");
        let kind = match named {
            true => self.eat_one(&["DATABASE", "SCHEMA", "WAREHOUSE", "ROLE"]),
            false => None,
        };
        let name = self.name()?;
        Ok(Statement::Use(match kind {
            Some("DATABASE") => Use::Database(name),
            Some("SCHEMA") => Use::Schema(name),
            Some("WAREHOUSE") => Use::Warehouse(name),
            Some("ROLE") => Use::Role(name),
            _ => Use::Name(name),
        }))
    }

    /// `SET v = expr`, `SET (a, b) = (x, y)`.
    pub(super) fn set(&mut self) -> Result<Statement> {
        let start = self.index();
        self.expect_keywords("SET")?;
        let (names, values) = if self.is_symbol(0, "(") {
            let names = self.parenthesized(Reader::identifier)?;
            self.expect_symbol("=")?;
            let query = self.is_word(1, "SELECT") || self.is_word(1, "WITH");
            let values = match query {
                true => vec![self.expr()?],
                false => self.parenthesized(Reader::expr)?,
            };
            (names, values)
        } else {
            let name = self.identifier()?;
            self.expect_symbol("=")?;
            let from = self.index();
            let value = self.expr()?;
            // With the parentheses that the expression begins with.
            (vec![name], vec![Expr { span: self.since(from), ..value }])
        };
        Ok(Statement::SetVariables(SetVariables { names, values, span: self.since(start) }))
    }

    /// `UNSET v`, `UNSET (a, b)`.
    pub(super) fn unset(&mut self) -> Result<Statement> {
        self.expect_keywords("UNSET")?;
        let names = match self.is_symbol(0, "(") {
            true => self.parenthesized(Reader::identifier)?,
            false => self.list(Reader::identifier)?,
        };
        Ok(Statement::UnsetVariables(names))
    }

    /// BEGIN and START TRANSACTION.
    pub(super) fn begin(&mut self) -> Result<Statement> {
        if self.eat("START") {
            self.expect_keywords("TRANSACTION")?;
        } else {
            self.expect_keywords("BEGIN")?;
            self.eat_one(&["WORK", "TRANSACTION"]);
        }
        let name: Option<Identifier> = match self.eat("NAME") {
            true => Some(self.identifier()?),
            false => None,
        };
        Ok(Statement::Begin(name))
    }

    /// COMMIT and ROLLBACK.
    pub(super) fn end_transaction(&mut self) -> Result<Statement> {
        let commit = self.eat("COMMIT");
        if !commit {
            self.expect_keywords("ROLLBACK")?;
        }
        self.eat("WORK");
        Ok(if commit { Statement::Commit } else { Statement::Rollback })
    }
}
