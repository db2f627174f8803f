//! ALTER TABLE.

use firn_types::{Error, Identifier, Result};

use super::super::ast::{
    AlterColumn, AlterTable, AlterTableAction, ChangeAttachments, ColumnChange, Statement,
    StatementOption,
};
use super::super::reader::Reader;

impl Reader<'_> {
    /// ALTER TABLE behind these words.
    pub(super) fn alter_table(&mut self) -> Result<Statement> {
        let if_exists = self.eat("IF EXISTS");
        let table = self.name()?;
        let action = self.alter_table_action()?;
        Ok(Statement::AlterTable(Box::new(AlterTable { table, if_exists, action })))
    }

    fn alter_table_action(&mut self) -> Result<AlterTableAction> {
        let start = self.here();
        let refuse = |words: &str| Err(Error::not_supported(words).at(start));
        if self.eat("RENAME TO") {
            return self.name().map(AlterTableAction::Rename);
        }
        if self.eat("SWAP WITH") {
            return self.name().map(AlterTableAction::Swap);
        }
        if self.eat("RENAME COLUMN") {
            let from = self.identifier()?;
            self.expect_keywords("TO")?;
            return Ok(AlterTableAction::RenameColumn(from, self.identifier()?));
        }
        if self.eat("RENAME CONSTRAINT") {
            let from = self.identifier()?;
            self.expect_keywords("TO")?;
            return Ok(AlterTableAction::RenameConstraint(from, self.identifier()?));
        }
        if let Some(changes) = self.row_access_change()? {
            return Ok(AlterTableAction::Attach(changes));
        }
        if let Some(change) = self.attachment_change()? {
            return Ok(AlterTableAction::Attach(vec![ChangeAttachments { column: None, change }]));
        }
        if self.eat("ADD") {
            return match self.eat("SEARCH OPTIMIZATION") {
                true => refuse("SEARCH OPTIMIZATION"),
                false => self.add(),
            };
        }
        if self.eat("DROP") {
            return match self.eat("SEARCH OPTIMIZATION") {
                true => refuse("SEARCH OPTIMIZATION"),
                false => self.drop_from_table(),
            };
        }
        if self.eat_one(&["ALTER", "MODIFY"]).is_some() {
            let changes = self.alter_columns()?;
            let attach = |alter: &AlterColumn| matches!(alter.change, ColumnChange::Attach(_));
            return match changes.iter().any(attach) {
                true => Reader::only_attachments(changes).map(AlterTableAction::Attach),
                false => Ok(AlterTableAction::AlterColumns(changes)),
            };
        }
        if self.is_word(0, "CLUSTER") {
            return self.cluster_by().map(AlterTableAction::ClusterBy);
        }
        if self.eat("SUSPEND RECLUSTER") {
            return Ok(AlterTableAction::SuspendRecluster);
        }
        if self.eat("RESUME RECLUSTER") {
            return Ok(AlterTableAction::ResumeRecluster);
        }
        if self.eat("RECLUSTER") {
            return Ok(AlterTableAction::Recluster);
        }
        if self.eat("SET") {
            return self.set_options().map(AlterTableAction::Set);
        }
        if self.eat("UNSET") {
            return self.list(Reader::property_name).map(AlterTableAction::Unset);
        }
        Err(self.unexpected())
    }

    /// `NAME = value ..`, one or more.
    pub(super) fn set_options(&mut self) -> Result<Vec<StatementOption>> {
        match self.at_option() {
            true => self.options(),
            false => Err(self.unexpected()),
        }
    }

    /// The name of a property, which may be any word.
    pub(super) fn property_name(&mut self) -> Result<Identifier> {
        let span = self.here();
        let word = self.peek_upper(0).ok_or_else(|| self.unexpected())?;
        self.advance();
        Ok(Identifier::exact(word).at(span))
    }

    /// What ADD adds: columns or a constraint.
    fn add(&mut self) -> Result<AlterTableAction> {
        let key = self.is_word(0, "PRIMARY") || self.is_word(0, "FOREIGN");
        let unique = self.is_word(0, "UNIQUE") || self.is_word(0, "CHECK");
        if key || unique || self.is_word(0, "CONSTRAINT") {
            return self.constraint().map(AlterTableAction::AddConstraint);
        }
        self.eat("COLUMN");
        let if_not_exists = self.eat("IF NOT EXISTS");
        let mut constraints = Vec::new();
        let parenthesized = self.eat_symbol("(");
        let columns = self.list(|reader| {
            reader.eat("COLUMN");
            reader.eat("IF NOT EXISTS");
            let column = reader.column_definition(&mut constraints)?;
            match column.data_type {
                Some(_) => Ok(column),
                None => Err(reader.unexpected()),
            }
        })?;
        if parenthesized {
            self.expect_symbol(")")?;
        }
        Ok(AlterTableAction::AddColumns { if_not_exists, columns, constraints })
    }

    /// What DROP drops: columns, a constraint or the cluster key.
    fn drop_from_table(&mut self) -> Result<AlterTableAction> {
        if self.eat("CLUSTERING KEY") {
            return Ok(AlterTableAction::DropClusteringKey);
        }
        let action = if self.eat("CONSTRAINT") {
            AlterTableAction::DropConstraint(self.identifier()?)
        } else if self.eat("PRIMARY KEY") {
            AlterTableAction::DropPrimaryKey
        } else if self.eat("UNIQUE") {
            AlterTableAction::DropUnique(self.parenthesized(Reader::identifier)?)
        } else if self.eat("FOREIGN KEY") {
            AlterTableAction::DropForeignKey(self.parenthesized(Reader::identifier)?)
        } else {
            self.eat("COLUMN");
            let if_exists = self.eat("IF EXISTS");
            let columns = self.list(|reader| {
                reader.eat("COLUMN");
                reader.identifier()
            })?;
            AlterTableAction::DropColumns { if_exists, columns }
        };
        let _ = self.eat_one(&["CASCADE", "RESTRICT"]);
        Ok(action)
    }

    pub(super) fn alter_columns(&mut self) -> Result<Vec<AlterColumn>> {
        let parenthesized = self.eat_symbol("(");
        let mut changes = Vec::new();
        loop {
            self.eat("COLUMN");
            let start = self.index();
            let column = self.identifier()?;
            let change = self.column_change()?;
            changes.push(AlterColumn { column, change, span: self.since(start) });
            if !self.eat_symbol(",") {
                break;
            }
        }
        if parenthesized {
            self.expect_symbol(")")?;
        }
        Ok(changes)
    }

    /// The new type of a column, with its collation.
    fn typed(&mut self) -> Result<ColumnChange> {
        let name = self.data_type()?;
        let collation = if self.eat("COLLATE") { Some(self.string()?) } else { None };
        Ok(ColumnChange::Type(name, collation))
    }

    fn column_change(&mut self) -> Result<ColumnChange> {
        if self.eat("SET DATA TYPE") || self.eat("TYPE") || self.eat("SET TYPE") {
            return self.typed();
        }
        if self.eat("SET NOT NULL") || self.eat("NOT NULL") {
            return Ok(ColumnChange::SetNotNull);
        }
        if self.eat("DROP NOT NULL") {
            return Ok(ColumnChange::DropNotNull);
        }
        if self.eat("SET DEFAULT") {
            return self.column_expr().map(ColumnChange::SetDefault);
        }
        if self.eat("DROP DEFAULT") {
            return Ok(ColumnChange::DropDefault);
        }
        if self.eat("UNSET COMMENT") {
            return Ok(ColumnChange::DropComment);
        }
        if let Some(change) = self.attachment_change()? {
            return Ok(ColumnChange::Attach(change));
        }
        if self.is_word(0, "SET") || self.is_word(0, "UNSET") {
            let set = self.index();
            self.advance();
            if !self.is_word(0, "COMMENT") {
                self.back_to(set);
                return Err(self.unexpected());
            }
        }
        match self.comment()? {
            Some(text) => Ok(ColumnChange::Comment(text)),
            // `MODIFY c NUMBER(10)`: a type alone.
            None => self.typed(),
        }
    }
}
