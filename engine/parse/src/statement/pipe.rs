//! CREATE PIPE, and ALTER .. REFRESH of what has files.

use firn_types::{Error, ErrorCode, ObjectKind, Result};

use super::super::ast::{
    AlterObjectAction, CreateMode, CreatePipe, OptionValue, Statement, StatementOption,
};
use super::super::reader::Reader;
use super::super::scan::Kind;

impl Reader<'_> {
    /// CREATE PIPE behind its first words.
    pub(super) fn create_pipe(&mut self, mode: CreateMode) -> Result<CreatePipe> {
        let mode = CreateMode { if_not_exists: self.eat("IF NOT EXISTS"), ..mode };
        let name = self.name()?;
        let mut options = Vec::new();
        while self.at_option() {
            options.extend(self.options()?);
        }
        self.expect_keywords("AS")?;
        let start = self.index();
        let copy = self.copy_into()?;
        let span = self.since(start);
        let Statement::CopyIntoTable(copy) = copy else {
            let text = "A pipe loads into a table: its statement must be COPY INTO a table.";
            return Err(Error::new(ErrorCode::InvalidStatement, text).at(span));
        };
        let definition = span.of(self.text()).trim().to_string();
        Ok(CreatePipe { mode, name, options, copy: *copy, definition })
    }

    /// What stands behind REFRESH: options, and of an external table the path below its location.
    pub(super) fn refresh(&mut self, kind: ObjectKind) -> Result<AlterObjectAction> {
        let start = self.index();
        let mut options: Vec<StatementOption> = Vec::new();
        let text = self.peek(0).is_some_and(|lexeme| lexeme.kind == Kind::Text);
        if kind == ObjectKind::ExternalTable && text {
            let path = OptionValue::Text(self.string()?);
            options.push(self.made_option("PATH", path, start));
        }
        options.extend(self.options()?);
        Ok(AlterObjectAction::Refresh(options))
    }
}
