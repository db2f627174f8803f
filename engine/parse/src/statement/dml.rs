//! INSERT, UPDATE, DELETE, MERGE, TRUNCATE.

use firn_types::{Error, Result};

use super::super::ast::{
    Assignment, Delete, Expr, ExprKind, Insert, InsertSource, InsertTarget, Merge, MergeAction,
    MergeClause, MultiInsert, Statement, Truncate, Update, Values, WhenInsert,
};
use super::super::reader::Reader;
use super::super::values::read_rows;

impl Reader<'_> {
    /// INSERT.
    pub(super) fn insert(&mut self) -> Result<Statement> {
        self.expect_keywords("INSERT")?;
        let overwrite = self.eat("OVERWRITE");
        if let Some(which) = self.eat_one(&["ALL", "FIRST"]) {
            return self.multi_insert(overwrite, which == "FIRST");
        }
        self.expect_keywords("INTO")?;
        self.eat("TABLE");
        let table = self.name()?;
        let columns = match self.is_word(1, "SELECT") || self.is_word(1, "WITH") {
            true => Vec::new(),
            false => self.column_list()?,
        };
        let source = if self.eat("VALUES") {
            InsertSource::Values(self.rows()?)
        } else {
            InsertSource::Query(Box::new(self.query()?))
        };
        Ok(Statement::Insert(Box::new(Insert { overwrite, table, columns, source })))
    }

    /// Rows behind VALUES, from the text itself where the outline ends before them.
    fn rows(&mut self) -> Result<Values> {
        match self.rows_at {
            Some(start) => read_rows(self.text(), start),
            None => {
                let start = self.index();
                let rows = self.list(|reader| reader.parenthesized(Reader::assigned))?;
                Ok(Values { rows, span: self.since(start) })
            }
        }
    }

    /// An expression or DEFAULT.
    fn assigned(&mut self) -> Result<Expr> {
        let alone = self.peek(1).is_none()
            || [",", ")", ";"].iter().any(|symbol| self.is_symbol(1, symbol))
            || self.is_word(1, "FROM")
            || self.is_word(1, "WHERE")
            || self.is_word(1, "WHEN");
        if self.is_word(0, "DEFAULT") && alone {
            let span = self.here();
            self.advance();
            return Ok(Expr::new(ExprKind::Default, span));
        }
        self.expr()
    }

    fn multi_insert(&mut self, overwrite: bool, first: bool) -> Result<Statement> {
        // FIRST chooses among conditions.
        let always = if first { Vec::new() } else { self.insert_targets()? };
        let mut when = Vec::new();
        if always.is_empty() {
            while self.eat("WHEN") {
                let condition = self.expr()?;
                self.expect_keywords("THEN")?;
                let targets = self.insert_targets()?;
                if targets.is_empty() {
                    return Err(self.unexpected());
                }
                when.push(WhenInsert { condition, targets });
            }
            if when.is_empty() {
                return Err(self.unexpected());
            }
        }
        let mut otherwise = Vec::new();
        if !when.is_empty() && self.eat("ELSE") {
            otherwise = self.insert_targets()?;
        }
        let query = Box::new(self.query()?);
        let insert = MultiInsert { overwrite, first, always, when, otherwise, query };
        Ok(Statement::MultiInsert(Box::new(insert)))
    }

    /// As many `INTO t (columns) VALUES (..)` as come.
    fn insert_targets(&mut self) -> Result<Vec<InsertTarget>> {
        let mut targets = Vec::new();
        while self.is_word(0, "INTO") {
            let start = self.index();
            self.advance();
            let table = self.name()?;
            let query = self.is_word(1, "SELECT") || self.is_word(1, "WITH");
            let columns = if query { Vec::new() } else { self.column_list()? };
            let values = match self.eat("VALUES") {
                true => Some(self.parenthesized(Reader::assigned)?),
                false => None,
            };
            targets.push(InsertTarget { table, columns, values, span: self.since(start) });
        }
        Ok(targets)
    }

    /// UPDATE.
    pub(super) fn update(&mut self) -> Result<Statement> {
        self.expect_keywords("UPDATE")?;
        let table = self.name()?;
        let alias = self.alias(&["SET"])?;
        self.expect_keywords("SET")?;
        let assignments = self.list(Reader::assignment)?;
        let from = if self.eat("FROM") { self.tables()? } else { Vec::new() };
        let filter = if self.eat("WHERE") { Some(self.expr()?) } else { None };
        Ok(Statement::Update(Box::new(Update { table, alias, assignments, from, filter })))
    }

    fn assignment(&mut self) -> Result<Assignment> {
        let column = self.object_name()?;
        self.expect_symbol("=")?;
        Ok(Assignment { column, value: self.assigned()? })
    }

    /// DELETE.
    pub(super) fn delete(&mut self) -> Result<Statement> {
        self.expect_keywords("DELETE FROM")?;
        let table = self.name()?;
        let alias = self.alias(&["USING", "WHERE"])?;
        let using = if self.eat("USING") { self.tables()? } else { Vec::new() };
        let filter = if self.eat("WHERE") { Some(self.expr()?) } else { None };
        Ok(Statement::Delete(Box::new(Delete { table, alias, using, filter })))
    }

    /// MERGE.
    pub(super) fn merge(&mut self) -> Result<Statement> {
        self.expect_keywords("MERGE INTO")?;
        let table = self.name()?;
        let alias = self.alias(&["USING"])?;
        self.expect_keywords("USING")?;
        let source = self.table()?;
        self.expect_keywords("ON")?;
        let on = self.expr()?;
        let mut clauses = Vec::new();
        while self.is_word(0, "WHEN") {
            clauses.push(self.merge_clause()?);
        }
        if clauses.is_empty() {
            return Err(self.unexpected());
        }
        Ok(Statement::Merge(Box::new(Merge { table, alias, source, on, clauses })))
    }

    fn merge_clause(&mut self) -> Result<MergeClause> {
        let start = self.index();
        self.expect_keywords("WHEN")?;
        let matched = !self.eat("NOT");
        self.expect_keywords("MATCHED")?;
        if self.is_word(0, "BY") {
            return Err(Error::not_supported("MERGE WHEN NOT MATCHED BY").at(self.here()));
        }
        let condition = if self.eat("AND") { Some(self.expr()?) } else { None };
        self.expect_keywords("THEN")?;
        let action = if matched { self.merge_change()? } else { self.merge_insert()? };
        Ok(MergeClause { matched, condition, action, span: self.since(start) })
    }

    fn merge_change(&mut self) -> Result<MergeAction> {
        if self.eat("DELETE") {
            return Ok(MergeAction::Delete);
        }
        self.expect_keywords("UPDATE")?;
        if self.eat("ALL BY NAME") {
            return Ok(MergeAction::UpdateByName);
        }
        self.expect_keywords("SET")?;
        self.list(Reader::assignment).map(MergeAction::Update)
    }

    fn merge_insert(&mut self) -> Result<MergeAction> {
        self.expect_keywords("INSERT")?;
        if self.eat("ALL BY NAME") {
            return Ok(MergeAction::InsertByName);
        }
        let columns = match self.is_symbol(0, "(") {
            // A column may be qualified by the target's alias.
            true => self.parenthesized(|reader| {
                let name = reader.object_name()?;
                Ok(name.object().clone())
            })?,
            false => Vec::new(),
        };
        self.expect_keywords("VALUES")?;
        Ok(MergeAction::Insert(columns, self.parenthesized(Reader::assigned)?))
    }

    /// TRUNCATE.
    pub(super) fn truncate(&mut self) -> Result<Statement> {
        self.expect_keywords("TRUNCATE")?;
        if self.is_word(0, "MATERIALIZED") {
            return Err(Error::not_supported("TRUNCATE MATERIALIZED VIEW").at(self.here()));
        }
        self.eat("TABLE");
        let if_exists = self.eat("IF EXISTS");
        Ok(Statement::Truncate(Truncate { table: self.name()?, if_exists }))
    }
}
