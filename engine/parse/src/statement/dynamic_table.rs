//! CREATE DYNAMIC TABLE.

use firn_types::{Error, Result};

use super::super::ast::{CreateDynamicTable, CreateMode, ViewColumn};
use super::super::reader::Reader;

impl Reader<'_> {
    /// CREATE DYNAMIC TABLE behind its first words.
    pub(super) fn create_dynamic_table(
        &mut self,
        mode: CreateMode,
        transient: bool,
    ) -> Result<CreateDynamicTable> {
        let mode = CreateMode { if_not_exists: self.eat("IF NOT EXISTS"), ..mode };
        let name = self.name()?;
        let columns = match self.is_symbol(0, "(") {
            true => self.parenthesized(|reader| {
                let name = reader.identifier()?;
                reader.refuse_attachment()?;
                Ok(ViewColumn { name, comment: reader.comment()? })
            })?,
            false => Vec::new(),
        };
        let (mut cluster_by, mut options, mut copy_grants) = (Vec::new(), Vec::new(), false);
        loop {
            self.refuse_attachment()?;
            if self.is_word(0, "CLUSTER") {
                cluster_by = self.cluster_by()?;
            } else if self.eat("COPY GRANTS") {
                copy_grants = true;
            } else if self.is_word(0, "IMMUTABLE") || self.is_word(0, "REQUIRE") {
                let word = self.peek_upper(0).unwrap_or_default();
                let words = format!("CREATE DYNAMIC TABLE .. {word}");
                return Err(Error::not_supported(words).at(self.here()));
            } else if self.at_option() {
                options.extend(self.options()?);
            } else {
                break;
            }
        }
        self.expect_keywords("AS")?;
        let start = self.index();
        let query = Box::new(self.query()?);
        let query_span = self.since(start);
        Ok(CreateDynamicTable {
            mode,
            transient,
            name,
            columns,
            cluster_by,
            options,
            copy_grants,
            query,
            query_span,
        })
    }

    /// Tags and policies are attached to dynamic tables by ALTER alone.
    fn refuse_attachment(&self) -> Result<()> {
        match self.at_attachment()? {
            None => Ok(()),
            Some(kind) => {
                let words = format!("CREATE DYNAMIC TABLE .. {}", kind.words());
                Err(Error::not_supported(words).at(self.here()))
            }
        }
    }
}
