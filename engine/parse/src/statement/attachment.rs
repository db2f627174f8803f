//! Tags and policies: CREATE of policies with a body, and what SET, ADD and WITH attach.

use firn_types::{Error, Identifier, Result};

use super::super::ast::{
    AlterColumn, Attachment, AttachmentChange, ChangeAttachments, ColumnChange, CreateMode,
    CreatePolicy, FunctionParameter, ObjectKind, OptionValue, Statement, StatementOption,
};
use super::super::reader::Reader;

/// What can be attached.
const KINDS: [ObjectKind; 7] = [
    ObjectKind::Tag,
    ObjectKind::AggregationPolicy,
    ObjectKind::MaskingPolicy,
    ObjectKind::PasswordPolicy,
    ObjectKind::ProjectionPolicy,
    ObjectKind::RowAccessPolicy,
    ObjectKind::SessionPolicy,
];

/// What Snowflake can attach, and firn does not have.
const OTHERS: [&str; 7] = [
    "AUTHENTICATION POLICY",
    "FEATURE POLICY",
    "JOIN POLICY",
    "PACKAGES POLICY",
    "PRIVACY POLICY",
    "STORAGE LIFECYCLE POLICY",
    "CONTACT",
];

/// The option of a tag with its values.
const ALLOWED_VALUES: &str = "ALLOWED_VALUES";

impl Reader<'_> {
    fn comes(&self, ahead: usize, words: &str) -> bool {
        words.split(' ').enumerate().all(|(index, word)| self.is_word(ahead + index, word))
    }

    /// Which of tags and policies comes next, perhaps behind WITH.
    pub(super) fn at_attachment(&self) -> Result<Option<ObjectKind>> {
        let with = usize::from(self.is_word(0, "WITH"));
        if let Some(words) = OTHERS.iter().find(|words| self.comes(with, words)) {
            // `CONTACT = value` would be an option.
            return match self.is_symbol(with + 1, "=") {
                true => Ok(None),
                false => Err(Error::not_supported(words).at(self.here())),
            };
        }
        let found = KINDS.into_iter().find(|kind| self.comes(with, kind.words()));
        let option = found == Some(ObjectKind::Tag) && self.is_symbol(with + 1, "=");
        Ok(found.filter(|_| !option))
    }

    /// What CREATE attaches: `[WITH] TAG (a = 'v', ..)`, `[WITH] MASKING POLICY p [USING (..)]`; nothing when none
    /// comes.
    pub(super) fn with_attachments(&mut self) -> Result<Vec<Attachment>> {
        let Some(kind) = self.at_attachment()? else { return Ok(Vec::new()) };
        self.eat("WITH");
        self.expect_keywords(kind.words())?;
        match kind {
            ObjectKind::Tag => self.parenthesized(Reader::tag_value),
            kind => self.policy(kind).map(|policy| vec![policy]),
        }
    }

    /// What stands behind SET, ADD: `TAG a = 'v', ..` or `MASKING POLICY p [USING (..)] [FORCE]`.
    fn set_attachments(&mut self, kind: ObjectKind) -> Result<AttachmentChange> {
        self.expect_keywords(kind.words())?;
        if kind != ObjectKind::Tag {
            let mut all = vec![self.policy(kind)?];
            while self.is_symbol(0, ",") && self.comes(1, kind.words()) {
                self.advance();
                self.expect_keywords(kind.words())?;
                all.push(self.policy(kind)?);
            }
            return Ok(AttachmentChange::Set(all));
        }
        let mut tags = vec![self.tag_value()?];
        loop {
            let before = self.index();
            // Another tag, or the next column of an ALTER.
            let more = self.eat_symbol(",") && self.name().is_ok() && self.is_symbol(0, "=");
            self.back_to(before);
            if !more {
                return Ok(AttachmentChange::Set(tags));
            }
            self.advance();
            tags.push(self.tag_value()?);
        }
    }

    fn tag_value(&mut self) -> Result<Attachment> {
        let start = self.index();
        let name = self.name()?;
        self.expect_symbol("=")?;
        let value = Some(self.string()?);
        let (kind, span) = (ObjectKind::Tag, self.since(start));
        Ok(Attachment { kind, name, value, columns: Vec::new(), force: false, span })
    }

    fn policy(&mut self, kind: ObjectKind) -> Result<Attachment> {
        let start = self.index();
        let name = self.name()?;
        let words = match kind {
            ObjectKind::RowAccessPolicy => "ON",
            ObjectKind::AggregationPolicy => "ENTITY KEY",
            _ => "USING",
        };
        let columns = match self.eat(words) {
            true => self.parenthesized(Reader::identifier)?,
            false => Vec::new(),
        };
        let force = self.eat("FORCE");
        Ok(Attachment { kind, name, value: None, columns, force, span: self.since(start) })
    }

    /// What stands behind UNSET, DROP: `TAG a, b`, `MASKING POLICY [p]`.
    fn unset_attachments(&mut self, kind: ObjectKind) -> Result<AttachmentChange> {
        self.expect_keywords(kind.words())?;
        let named = self.peek(0).is_some() && !self.is_symbol(0, ",") && !self.is_symbol(0, ")");
        if !named && kind == ObjectKind::Tag {
            return Err(self.unexpected());
        }
        let mut names = Vec::new();
        if named {
            names.push(self.name()?);
            while self.is_symbol(0, ",") && !self.is_word(1, "COLUMN") && !self.is_word(1, "ADD") {
                self.advance();
                self.eat(kind.words());
                names.push(self.name()?);
            }
        }
        self.eat("FORCE");
        Ok(AttachmentChange::Unset(kind, names))
    }

    /// SET or UNSET of tags and policies; nothing when something else comes.
    pub(super) fn attachment_change(&mut self) -> Result<Option<AttachmentChange>> {
        let start = self.index();
        let Some(verb) = self.eat_one(&["SET", "UNSET"]) else { return Ok(None) };
        match self.at_attachment()? {
            Some(kind) if verb == "SET" => self.set_attachments(kind).map(Some),
            Some(kind) => self.unset_attachments(kind).map(Some),
            None => {
                self.back_to(start);
                Ok(None)
            }
        }
    }

    /// `ADD ROW ACCESS POLICY p ON (..)`, `DROP ROW ACCESS POLICY p`, both of them, `DROP ALL ROW ACCESS POLICIES`;
    /// nothing when something else comes.
    pub(super) fn row_access_change(&mut self) -> Result<Option<Vec<ChangeAttachments>>> {
        let kind = ObjectKind::RowAccessPolicy;
        let of = |change| ChangeAttachments { column: None, change };
        if self.eat("DROP ALL ROW ACCESS POLICIES") {
            return Ok(Some(vec![of(AttachmentChange::Unset(kind, Vec::new()))]));
        }
        let start = self.index();
        let mut changes = Vec::new();
        while let Some(verb) = self.eat_one(&["ADD", "DROP"]) {
            if self.at_attachment()? != Some(kind) {
                self.back_to(start);
                return Ok(None);
            }
            changes.push(of(match verb {
                "ADD" => self.set_attachments(kind)?,
                _ => self.unset_attachments(kind)?,
            }));
            if !self.eat_symbol(",") {
                break;
            }
        }
        Ok((!changes.is_empty()).then_some(changes))
    }

    /// Changes of columns that are all about tags and policies.
    pub(super) fn only_attachments(changes: Vec<AlterColumn>) -> Result<Vec<ChangeAttachments>> {
        let attach = |alter: AlterColumn| match alter.change {
            ColumnChange::Attach(change) => {
                Ok(ChangeAttachments { column: Some(alter.column), change })
            }
            _ => {
                let words = "this change of a column beside tags and policies, or of a view";
                Err(Error::not_supported(words).at(alter.span))
            }
        };
        changes.into_iter().map(attach).collect()
    }

    /// `ALLOWED_VALUES 'a', 'b'` of a tag as an option, whose name may have a `=` behind it.
    pub(super) fn allowed_values(&mut self) -> Result<Option<StatementOption>> {
        let start = self.index();
        if !self.eat(ALLOWED_VALUES) {
            return Ok(None);
        }
        self.eat_symbol("=");
        let values = self.list(Reader::string)?.into_iter().map(OptionValue::Text).collect();
        Ok(Some(self.made_option(ALLOWED_VALUES, OptionValue::List(values), start)))
    }

    /// `ADD ALLOWED_VALUES ..`, `DROP ALLOWED_VALUES ..` of a tag.
    pub(super) fn changed_values(&mut self) -> Result<Option<(bool, Vec<String>)>> {
        let Some(words) = self.eat_one(&["ADD ALLOWED_VALUES", "DROP ALLOWED_VALUES"]) else {
            return Ok(None);
        };
        let values = self.list(Reader::string)?;
        Ok(Some((words.starts_with("ADD"), values)))
    }

    /// CREATE of a policy with a body, behind its first words.
    pub(super) fn create_policy(
        &mut self,
        kind: ObjectKind,
        mode: CreateMode,
    ) -> Result<Statement> {
        let mode = CreateMode { if_not_exists: self.eat("IF NOT EXISTS"), ..mode };
        let name = self.name()?;
        self.expect_keywords("AS")?;
        let parameters: Vec<FunctionParameter> = self.routine_parameters(false)?;
        self.expect_keywords("RETURNS")?;
        let constraint = match kind {
            ObjectKind::AggregationPolicy => Some("AGGREGATION_CONSTRAINT"),
            ObjectKind::ProjectionPolicy => Some("PROJECTION_CONSTRAINT"),
            _ => None,
        };
        let returns = match constraint {
            Some(word) => self.expect_keywords(word).map(|()| None)?,
            None => Some(self.data_type()?),
        };
        let body = self.arrow_body()?;
        let options = self.options()?;
        let policy = CreatePolicy { kind, mode, name, parameters, returns, body, options };
        Ok(Statement::CreatePolicy(Box::new(policy)))
    }

    /// `-> expr`: the place of the expression.
    pub(super) fn arrow_body(&mut self) -> Result<firn_types::Span> {
        self.expect_symbol("->")?;
        let start = self.index();
        self.expr()?;
        Ok(self.since(start))
    }

    /// What is attached to an object that is created, with what is attached to its columns.
    pub(super) fn changes_of(
        own: Vec<Attachment>,
        columns: Vec<(Identifier, Vec<Attachment>)>,
    ) -> Vec<ChangeAttachments> {
        let own = [(None, own)].into_iter();
        let columns = columns.into_iter().map(|(column, attached)| (Some(column), attached));
        own.chain(columns)
            .filter(|(_, attached)| !attached.is_empty())
            .map(|(column, attached)| ChangeAttachments {
                column,
                change: AttachmentChange::Set(attached),
            })
            .collect()
    }
}
