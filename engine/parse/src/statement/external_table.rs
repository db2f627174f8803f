//! CREATE EXTERNAL TABLE, and what ALTER does with its files.

use firn_types::{Error, ErrorCode, Identifier, Result};

use super::super::ast::{
    CreateExternalTable, CreateMode, ExternalFilesChange, OptionValue, StageKind, StageLocation,
    Statement,
};
use super::super::reader::Reader;
use super::create_table::CONSTRAINT_WORDS;

impl Reader<'_> {
    /// CREATE EXTERNAL TABLE behind its first words.
    pub(super) fn create_external_table(&mut self, mode: CreateMode) -> Result<Statement> {
        let start = self.index();
        let mode = CreateMode { if_not_exists: self.eat("IF NOT EXISTS"), ..mode };
        let mut table = CreateExternalTable {
            mode,
            name: self.name()?,
            columns: Vec::new(),
            constraints: Vec::new(),
            template: None,
            partition_by: Vec::new(),
            location: StageLocation {
                kind: StageKind::User,
                path: String::new(),
                span: self.since(start),
            },
            options: Vec::new(),
            copy_grants: false,
            attachments: Vec::new(),
        };
        if self.is_symbol(0, "(") {
            self.external_columns(&mut table)?;
        } else if self.eat("USING TEMPLATE") {
            self.expect_symbol("(")?;
            table.template = Some(Box::new(self.query()?));
            self.expect_symbol(")")?;
        }
        let mut location = None;
        while self.external_clause(&mut table, &mut location)? {}
        table.location = location.ok_or_else(|| {
            let text = "An external table needs LOCATION = @stage[/path].";
            Error::new(ErrorCode::InvalidStatement, text).at(self.since(start))
        })?;
        Ok(Statement::CreateExternalTable(Box::new(table)))
    }

    /// `(column type AS (expr), constraint, ..)`.
    fn external_columns(&mut self, table: &mut CreateExternalTable) -> Result<()> {
        self.expect_symbol("(")?;
        loop {
            if CONSTRAINT_WORDS.iter().any(|word| self.is_word(0, word)) {
                table.constraints.push(self.constraint()?);
            } else {
                table.columns.push(self.column_definition(&mut table.constraints)?);
            }
            if !self.eat_symbol(",") {
                return self.expect_symbol(")");
            }
        }
    }

    /// One clause behind the columns; false when none comes.
    fn external_clause(
        &mut self,
        table: &mut CreateExternalTable,
        location: &mut Option<StageLocation>,
    ) -> Result<bool> {
        let with = usize::from(self.is_word(0, "WITH"));
        if self.is_word(with, "LOCATION") && self.is_symbol(with + 1, "=") {
            self.eat("WITH");
            self.expect_keywords("LOCATION")?;
            self.expect_symbol("=")?;
            *location = Some(self.location()?);
        } else if self.eat("PARTITION BY") {
            table.partition_by = self.parenthesized(Reader::identifier)?;
        } else if self.eat("COPY GRANTS") {
            table.copy_grants = true;
        } else if self.at_attachment()?.is_some() {
            let attached = self.with_attachments()?;
            table.attachments.extend(Reader::changes_of(attached, Vec::new()));
        } else if self.is_word(0, "COMMENT") && !self.is_symbol(1, "=") {
            let start = self.index();
            let text = self.comment()?.unwrap_or_default();
            table.options.push(self.made_option("COMMENT", OptionValue::Text(text), start));
        } else if self.at_option() {
            table.options.push(self.option()?);
        } else {
            return Ok(false);
        }
        Ok(true)
    }

    /// What ALTER EXTERNAL TABLE does with the files; nothing when something else comes.
    pub(super) fn external_files_change(&mut self) -> Result<Option<ExternalFilesChange>> {
        Ok(Some(if self.eat("ADD FILES") {
            ExternalFilesChange::Add(self.parenthesized(Reader::string)?)
        } else if self.eat("REMOVE FILES") {
            ExternalFilesChange::Remove(self.parenthesized(Reader::string)?)
        } else if self.eat("ADD PARTITION") {
            let start = self.index();
            let values = self.parenthesized(Reader::partition_value)?;
            let span = self.since(start);
            self.expect_keywords("LOCATION")?;
            ExternalFilesChange::AddPartition { values, location: self.string()?, span }
        } else if self.eat("DROP PARTITION LOCATION") {
            ExternalFilesChange::DropPartition(self.string()?)
        } else {
            return Ok(None);
        }))
    }

    /// `column = 'value'`.
    fn partition_value(&mut self) -> Result<(Identifier, String)> {
        let column = self.identifier()?;
        self.expect_symbol("=")?;
        Ok((column, self.string()?))
    }
}
