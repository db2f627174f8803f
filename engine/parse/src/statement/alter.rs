//! ALTER of anything but tables, and COMMENT ON.

use firn_types::{Error, Result};

use super::super::ast::{
    AlterObject, AlterObjectAction, ChangeAttachments, Comment, ObjectKind, OptionValue, Statement,
};
use super::super::reader::Reader;

impl Reader<'_> {
    /// ALTER.
    pub(super) fn alter(&mut self) -> Result<Statement> {
        let start = self.index();
        self.expect_keywords("ALTER")?;
        if !self.is_word(1, "POLICY") && self.eat("SESSION") {
            return self.alter_session();
        }
        let kind = self.kind()?;
        match kind {
            ObjectKind::Table => return self.alter_table(),
            ObjectKind::Account => {}
            other if !other.exists() => {
                let words = format!("ALTER {}", kind.words());
                return Err(Error::not_supported(words).at(self.since(start)));
            }
            _ => {}
        }
        let if_exists = self.eat("IF EXISTS");
        if kind == ObjectKind::User && self.at_access_token() {
            let action = self.access_token().map(AlterObjectAction::AccessToken)?;
            let alter = AlterObject { kind, if_exists, name: None, signature: None, action };
            return Ok(Statement::AlterObject(Box::new(alter)));
        }
        let verbs = ["SET", "UNSET", "SUSPEND", "RESUME", "ABORT"];
        // `ALTER WAREHOUSE SUSPEND` is about the current one.
        let unnamed = kind == ObjectKind::Account
            || (kind == ObjectKind::Warehouse
                && verbs.iter().any(|verb| self.is_word(0, verb))
                && !verbs.iter().any(|verb| self.is_word(1, verb)));
        let name = if unnamed { None } else { Some(self.name()?) };
        let signature = self.signature_of(kind)?;
        let action = self.alter_action(kind)?;
        let alter = AlterObject { kind, if_exists, name, signature, action };
        Ok(Statement::AlterObject(Box::new(alter)))
    }

    fn alter_session(&mut self) -> Result<Statement> {
        if self.eat("UNSET") {
            return self.list(Reader::property_name).map(Statement::AlterSessionUnset);
        }
        self.expect_keywords("SET")?;
        self.set_options().map(Statement::AlterSessionSet)
    }

    /// What ALTER does with one kind alone; nothing when something else comes.
    fn own_action(&mut self, kind: ObjectKind) -> Result<Option<AlterObjectAction>> {
        Ok(match kind {
            ObjectKind::User if self.at_access_token() => {
                Some(self.access_token().map(AlterObjectAction::AccessToken)?)
            }
            ObjectKind::Task => self.task_change()?.map(AlterObjectAction::Task),
            ObjectKind::Alert => self.alert_change()?.map(AlterObjectAction::Alert),
            ObjectKind::ExternalTable => {
                self.external_files_change()?.map(AlterObjectAction::Files)
            }
            _ => None,
        })
    }

    fn alter_action(&mut self, kind: ObjectKind) -> Result<AlterObjectAction> {
        if let Some(action) = self.own_action(kind)? {
            return Ok(action);
        }
        if self.eat("RENAME TO") {
            return self.name().map(AlterObjectAction::Rename);
        }
        if self.eat("SWAP WITH") {
            return self.name().map(AlterObjectAction::Swap);
        }
        if let Some(word) = self.eat_one(&["SUSPEND RECLUSTER", "RESUME RECLUSTER"]) {
            return Ok(AlterObjectAction::Recluster(word.starts_with("RESUME")));
        }
        if self.eat("SUSPEND") {
            return Ok(AlterObjectAction::Suspend);
        }
        if self.eat("RESUME") {
            return Ok(AlterObjectAction::Resume(self.eat("IF SUSPENDED")));
        }
        if self.eat("REFRESH") {
            return self.refresh(kind);
        }
        if self.eat("ABORT ALL QUERIES") {
            return Ok(AlterObjectAction::AbortAllQueries);
        }
        if self.is_word(0, "CLUSTER") {
            return self.cluster_by().map(AlterObjectAction::ClusterBy);
        }
        if self.eat("DROP CLUSTERING KEY") {
            return Ok(AlterObjectAction::DropClusteringKey);
        }
        if let Some(word) = self.eat_one(&["ENABLE MANAGED ACCESS", "DISABLE MANAGED ACCESS"]) {
            return Ok(AlterObjectAction::ManagedAccess(word.starts_with("ENABLE")));
        }
        if let Some(action) = self.alter_attachments(kind)? {
            return Ok(action);
        }
        let set = self.index();
        if self.eat("UNSET") {
            return self.list(Reader::property_name).map(AlterObjectAction::Unset);
        }
        let sequence = kind == ObjectKind::Sequence;
        if !self.eat("SET") && !sequence {
            return Err(self.unexpected());
        }
        let mut options = Vec::new();
        while !self.at_end() {
            let start = self.index();
            let sequence_option = if sequence { self.sequence_option()? } else { None };
            let values = if kind == ObjectKind::Tag { self.allowed_values()? } else { None };
            if let Some(option) = sequence_option.or(values) {
                options.push(option);
            } else if self.eat("SECURE") {
                options.push(self.made_option("SECURE", OptionValue::Boolean(true), start));
            } else {
                options.extend(self.set_options()?);
            }
            self.eat_symbol(",");
        }
        match options.is_empty() && set < self.index() {
            true => Err(self.unexpected()),
            false => Ok(AlterObjectAction::Set(options)),
        }
    }

    /// What ALTER does with tags and policies; nothing when something else comes.
    fn alter_attachments(&mut self, kind: ObjectKind) -> Result<Option<AlterObjectAction>> {
        if kind == ObjectKind::Tag
            && let Some((add, values)) = self.changed_values()?
        {
            return Ok(Some(AlterObjectAction::AllowedValues(add, values)));
        }
        if self.eat("SET BODY") {
            return self.arrow_body().map(AlterObjectAction::SetBody).map(Some);
        }
        let is_view = matches!(kind, ObjectKind::View | ObjectKind::MaterializedView);
        if is_view && self.eat_one(&["ALTER", "MODIFY"]).is_some() {
            let changes = Reader::only_attachments(self.alter_columns()?)?;
            return Ok(Some(AlterObjectAction::Attach(changes)));
        }
        if let Some(changes) = self.row_access_change()? {
            return Ok(Some(AlterObjectAction::Attach(changes)));
        }
        let own = self.attachment_change()?;
        let own = own.map(|change| vec![ChangeAttachments { column: None, change }]);
        Ok(own.map(AlterObjectAction::Attach))
    }

    /// `COMMENT [IF EXISTS] ON kind name IS 'text'`.
    pub(super) fn comment_on(&mut self) -> Result<Statement> {
        self.expect_keywords("COMMENT")?;
        let if_exists = self.eat("IF EXISTS");
        self.expect_keywords("ON")?;
        let kind = self.kind()?;
        let name = self.name()?;
        let signature = self.signature_of(kind)?;
        self.expect_keywords("IS")?;
        let text = self.string()?;
        Ok(Statement::Comment(Comment { kind, if_exists, name, signature, text }))
    }
}
