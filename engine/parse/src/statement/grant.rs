//! GRANT and REVOKE.

use firn_types::{Error, Result};

use super::super::ast::{
    Grant, GrantSubject, GrantTarget, Name, ObjectKind, Privilege, Revoke, Statement, TypeName,
};
use super::super::reader::Reader;

/// A kind, if it is written, a name unless it is the account's, and the argument types of a function.
type GrantedObject = (Option<ObjectKind>, Option<Name>, Option<Vec<TypeName>>);

impl Reader<'_> {
    /// GRANT.
    pub(super) fn grant(&mut self) -> Result<Statement> {
        self.expect_keywords("GRANT")?;
        let subject = self.grant_subject("TO")?;
        self.expect_keywords("TO")?;
        let to = self.grant_target()?;
        let current_grants = self
            .eat_one(&["COPY CURRENT GRANTS", "REVOKE CURRENT GRANTS"])
            .map(|words| words.starts_with("COPY"));
        let grant_option = self.eat("WITH GRANT OPTION");
        Ok(Statement::Grant(Box::new(Grant { subject, to, grant_option, current_grants })))
    }

    /// REVOKE.
    pub(super) fn revoke(&mut self) -> Result<Statement> {
        self.expect_keywords("REVOKE")?;
        let grant_option_only = self.eat("GRANT OPTION FOR");
        let subject = self.grant_subject("FROM")?;
        self.expect_keywords("FROM")?;
        let from = self.grant_target()?;
        let cascade = self.eat_one(&["CASCADE", "RESTRICT"]).map(|word| word == "CASCADE");
        let revoke = Revoke { subject, from, grant_option_only, cascade };
        Ok(Statement::Revoke(Box::new(revoke)))
    }

    /// What is granted; `end` is the word behind it.
    fn grant_subject(&mut self, end: &str) -> Result<GrantSubject> {
        if self.eat("DATABASE ROLE") {
            return self.name().map(GrantSubject::DatabaseRole);
        }
        if self.eat("ROLE") {
            return self.name().map(GrantSubject::Role);
        }
        let privileges = self.list(|reader| reader.privilege(end))?;
        self.expect_keywords("ON")?;
        let future = match self.eat_one(&["ALL", "FUTURE"]) {
            None => return self.grant_object(privileges),
            Some(word) => word == "FUTURE",
        };
        let kind = self.kinds_if().ok_or_else(|| self.unexpected())?;
        self.expect_keywords("IN")?;
        let in_database = self.eat("DATABASE");
        if !in_database {
            self.expect_keywords("SCHEMA")?;
        }
        let container = self.name()?;
        Ok(GrantSubject::Bulk { privileges, future, kind, in_database, container })
    }

    fn grant_object(&mut self, privileges: Vec<Privilege>) -> Result<GrantSubject> {
        let (kind, name, signature) = self.granted_object()?;
        Ok(GrantSubject::Object { privileges, kind, name, signature })
    }

    /// The object that privileges are about: its kind, if that is written, its name unless it is the account, and
    /// the argument types of a function.
    pub(super) fn granted_object(&mut self) -> Result<GrantedObject> {
        let kind = self.granted_kind();
        let name = match kind {
            Some(ObjectKind::Account) => None,
            _ => Some(self.name()?),
        };
        let signature = match kind {
            Some(kind) => self.signature_of(kind)?,
            None => None,
        };
        Ok((kind, name, signature))
    }

    /// The kind that is written before a name; what looks like one may be the name itself.
    fn granted_kind(&mut self) -> Option<ObjectKind> {
        let start = self.index();
        let kind = self.kind_if()?;
        let is_name = self.at_end()
            || self.is_symbol(0, ".")
            || ["TO", "FROM"].iter().any(|word| self.is_word(0, word));
        if kind != ObjectKind::Account && is_name {
            self.back_to(start);
            return None;
        }
        Some(kind)
    }

    /// The words of one privilege, up to a comma, ON or `end`.
    fn privilege(&mut self, end: &str) -> Result<Privilege> {
        let start = self.index();
        let mut words = Vec::new();
        while let Some(word) = self.peek_upper(0) {
            if word == "ON" || word == end {
                break;
            }
            words.push(word);
            self.advance();
        }
        if words.is_empty() {
            return Err(self.unexpected());
        }
        if self.is_symbol(0, "(") {
            return Err(Error::not_supported("privileges on columns").at(self.here()));
        }
        let words = words.join(" ");
        let words = if words == "ALL PRIVILEGES" { "ALL".to_string() } else { words };
        Ok(Privilege { words, span: self.since(start) })
    }

    /// `[ROLE] r`, `DATABASE ROLE r`, `USER u`.
    pub(super) fn grant_target(&mut self) -> Result<GrantTarget> {
        if self.eat("DATABASE ROLE") {
            return self.name().map(GrantTarget::DatabaseRole);
        }
        if self.is_word(0, "SHARE") || self.is_word(0, "APPLICATION") {
            return Err(Error::not_supported("grants to shares and applications").at(self.here()));
        }
        if self.eat("USER") {
            return self.name().map(GrantTarget::User);
        }
        self.eat("ROLE");
        self.name().map(GrantTarget::Role)
    }
}
