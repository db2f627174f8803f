//! COPY INTO, PUT, GET, LIST, REMOVE.

use firn_types::Result;

use super::super::ast::{
    CopyFiles, CopyIntoLocation, CopyIntoTable, CopySource, FileTransfer, StageFiles, StageKind,
    StageLocation, Statement, UnloadSource,
};
use super::super::reader::Reader;
use super::super::scan::Kind;

impl Reader<'_> {
    /// COPY INTO a table or a location.
    pub(super) fn copy_into(&mut self) -> Result<Statement> {
        self.expect_keywords("COPY INTO")?;
        let file = [Kind::Stage, Kind::Url, Kind::Text, Kind::Raw];
        if self.peek(0).is_some_and(|lexeme| file.contains(&lexeme.kind)) {
            return self.copy_into_location();
        }
        let table = self.name()?;
        let columns = self.column_list()?;
        let source = match self.eat("FROM") {
            false => None,
            true if self.eat_symbol("(") => {
                let query = self.query()?;
                self.expect_symbol(")")?;
                Some(CopySource::Query(Box::new(query)))
            }
            true => Some(CopySource::Stage(self.location()?)),
        };
        let options = self.options()?;
        let copy = CopyIntoTable { table, columns, source, options };
        Ok(Statement::CopyIntoTable(Box::new(copy)))
    }

    fn copy_into_location(&mut self) -> Result<Statement> {
        let location = self.location()?;
        self.expect_keywords("FROM")?;
        let source = if self.eat_symbol("(") {
            let query = self.query()?;
            self.expect_symbol(")")?;
            UnloadSource::Query(Box::new(query))
        } else {
            UnloadSource::Table(self.name()?)
        };
        let mut options = self.options()?;
        let mut partition_by = None;
        while self.eat("PARTITION BY") {
            self.expect_symbol("(")?;
            partition_by = Some(self.expr()?);
            self.expect_symbol(")")?;
            options.extend(self.options()?);
        }
        let copy = CopyIntoLocation { location, source, partition_by, options };
        Ok(Statement::CopyIntoLocation(Box::new(copy)))
    }

    /// COPY FILES INTO.
    pub(super) fn copy_files(&mut self) -> Result<Statement> {
        self.expect_keywords("COPY FILES INTO")?;
        let to = self.stage()?;
        self.expect_keywords("FROM")?;
        let from = self.stage()?;
        let options = self.options()?;
        Ok(Statement::CopyFiles(Box::new(CopyFiles { to, from, options })))
    }

    /// PUT.
    pub(super) fn put(&mut self) -> Result<Statement> {
        self.expect_keywords("PUT")?;
        let path = self.local_path()?;
        let stage = self.stage()?;
        let options = self.options()?;
        Ok(Statement::Put(Box::new(FileTransfer { path, stage, options })))
    }

    /// GET.
    pub(super) fn get(&mut self) -> Result<Statement> {
        self.expect_keywords("GET")?;
        let stage = self.stage()?;
        let path = self.local_path()?;
        let options = self.options()?;
        Ok(Statement::Get(Box::new(FileTransfer { path, stage, options })))
    }

    /// `file://path`, quoted or not.
    fn local_path(&mut self) -> Result<String> {
        let start = self.index();
        let text = match self.peek(0).map(|lexeme| lexeme.kind) {
            Some(Kind::Url | Kind::Text | Kind::Raw) => self.string()?,
            _ => return Err(self.unexpected()),
        };
        let scheme = text.get(..7).filter(|scheme| scheme.eq_ignore_ascii_case("file://"));
        match scheme {
            Some(_) => Ok(text[7..].to_string()),
            None => {
                self.back_to(start);
                Err(self.unexpected())
            }
        }
    }

    /// A stage, not a URL.
    fn stage(&mut self) -> Result<StageLocation> {
        let start = self.index();
        let location = self.location()?;
        match location.kind {
            StageKind::Url(_) => {
                self.back_to(start);
                Err(self.unexpected())
            }
            _ => Ok(location),
        }
    }

    /// LIST.
    pub(super) fn list_files(&mut self) -> Result<Statement> {
        self.advance();
        self.stage_files().map(Statement::List)
    }

    /// REMOVE.
    pub(super) fn remove_files(&mut self) -> Result<Statement> {
        self.advance();
        self.stage_files().map(Statement::Remove)
    }

    fn stage_files(&mut self) -> Result<StageFiles> {
        let location = self.location()?;
        let mut pattern = None;
        if self.eat("PATTERN") {
            self.expect_symbol("=")?;
            pattern = Some(self.string()?);
        }
        Ok(StageFiles { location, pattern })
    }
}
