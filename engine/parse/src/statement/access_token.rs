//! ALTER USER .. PROGRAMMATIC ACCESS TOKEN.

use firn_types::Result;

use super::super::ast::{AccessTokenAction, AccessTokenChange};
use super::super::reader::Reader;

/// The words for a token.
const TOKEN: [&str; 2] = ["PROGRAMMATIC ACCESS TOKEN", "PAT"];
/// The words for what is done with one.
const VERBS: [&str; 4] = ["ADD", "MODIFY", "ROTATE", "REMOVE"];

impl Reader<'_> {
    /// Whether something is done with a token next.
    pub(super) fn at_access_token(&self) -> bool {
        VERBS.iter().any(|verb| self.is_word(0, verb))
            && (self.is_word(1, "PROGRAMMATIC") || self.is_word(1, "PAT"))
    }

    /// What is done with a token, from its verb on. Errors: another shape.
    pub(super) fn access_token(&mut self) -> Result<AccessTokenChange> {
        let verb = self.peek_upper(0).unwrap_or_default();
        self.advance();
        if self.eat_one(&TOKEN).is_none() {
            return Err(self.unexpected());
        }
        let if_needed = self.eat("IF NOT EXISTS") || self.eat("IF EXISTS");
        let name = self.identifier()?;
        let action = match verb.as_str() {
            "ADD" => AccessTokenAction::Add(self.options()?),
            "ROTATE" => AccessTokenAction::Rotate(self.options()?),
            "REMOVE" => AccessTokenAction::Remove,
            _ if self.eat("RENAME TO") => AccessTokenAction::Rename(self.identifier()?),
            _ if self.eat("UNSET") => AccessTokenAction::Unset(self.list(Reader::property_name)?),
            _ => {
                self.expect_keywords("SET")?;
                AccessTokenAction::Set(self.set_options()?)
            }
        };
        Ok(AccessTokenChange { name, if_needed, action })
    }
}
