//! CREATE STREAM.

use firn_types::Result;

use super::super::ast::{CreateMode, CreateStream, StreamSource};
use super::super::reader::Reader;

impl Reader<'_> {
    /// CREATE STREAM behind its first words.
    pub(super) fn create_stream(&mut self, mode: CreateMode) -> Result<CreateStream> {
        let mode = CreateMode { if_not_exists: self.eat("IF NOT EXISTS"), ..mode };
        let name = self.name()?;
        let mut copy_grants = self.eat("COPY GRANTS");
        let mut options = self.options()?;
        let source = match self.is_word(0, "CLONE") {
            true => StreamSource::Clone(self.clone_of()?),
            false => {
                self.expect_keywords("ON")?;
                let kind = self.kind()?;
                let name = self.name()?;
                StreamSource::Object { kind, name, at: self.time_travel()? }
            }
        };
        loop {
            if self.eat("COPY GRANTS") {
                copy_grants = true;
            } else if self.at_option() {
                options.extend(self.options()?);
            } else {
                return Ok(CreateStream { mode, name, source, copy_grants, options });
            }
        }
    }
}
