//! CREATE, DROP and UNDROP.

use firn_types::{Error, Result};

use super::super::ast::{
    Attachment, CreateMode, CreateObject, CreateRoutine, CreateView, Drop, ObjectKind, OptionValue,
    Statement, StatementOption, TableLifetime, TypeName, Undrop, ViewColumn,
};
use super::super::reader::Reader;

/// Words between CREATE and the kind of object.
#[derive(Default)]
struct Modifiers {
    lifetime: TableLifetime,
    secure: bool,
    recursive: bool,
    /// PROCEDURE SCOPED.
    scoped: bool,
}

/// The statement that makes a function or a procedure.
fn routine_statement(kind: ObjectKind, routine: CreateRoutine) -> Statement {
    match kind {
        ObjectKind::Function => Statement::CreateFunction(Box::new(routine)),
        _ => Statement::CreateProcedure(Box::new(routine)),
    }
}

impl Reader<'_> {
    /// CREATE.
    pub(super) fn create(&mut self) -> Result<Statement> {
        let start = self.index();
        self.expect_keywords("CREATE")?;
        let mut mode = CreateMode::default();
        if self.eat("OR REPLACE") {
            mode.or_replace = true;
        } else if self.eat("OR ALTER") {
            mode.or_alter = true;
        }
        let modifiers = self.modifiers();
        if modifiers.scoped {
            return self.create_scoped_table(mode, modifiers.lifetime);
        }
        if self.eat("TABLE") {
            if self.is_word(0, "FUNCTION") {
                return Err(Error::not_supported("CREATE TABLE FUNCTION").at(self.since(start)));
            }
            return self.create_table(mode, modifiers.lifetime);
        }
        let materialized = self.eat("MATERIALIZED VIEW");
        if materialized || self.eat("VIEW") {
            return self.create_view(mode, modifiers, materialized);
        }
        let category = self.peek_upper(0).unwrap_or_default();
        let plain = self.is_word(0, "FUNCTION") || self.is_word(0, "PROCEDURE");
        let aggregate = self.is_word(0, "AGGREGATE") && self.is_word(1, "FUNCTION");
        let Some(kind) = self.kind_if() else { return Err(self.unexpected()) };
        match kind {
            ObjectKind::Integration => self.create_integration(mode, &category, start),
            ObjectKind::Database
            | ObjectKind::Schema
            | ObjectKind::Sequence
            | ObjectKind::Stage
            | ObjectKind::FileFormat
            | ObjectKind::Warehouse
            | ObjectKind::Role
            | ObjectKind::DatabaseRole
            | ObjectKind::NetworkPolicy
            | ObjectKind::PasswordPolicy
            | ObjectKind::SessionPolicy
            | ObjectKind::Tag
            | ObjectKind::User => self.create_object(kind, mode, modifiers.lifetime),
            ObjectKind::AggregationPolicy
            | ObjectKind::MaskingPolicy
            | ObjectKind::ProjectionPolicy
            | ObjectKind::RowAccessPolicy => self.create_policy(kind, mode),
            ObjectKind::Function | ObjectKind::Procedure if plain || aggregate => {
                let temporary = modifiers.lifetime == TableLifetime::Temporary;
                let mut routine = self.create_routine(kind, mode, (modifiers.secure, temporary))?;
                routine.aggregate = aggregate;
                Ok(routine_statement(kind, routine))
            }
            ObjectKind::DynamicTable => {
                let transient = modifiers.lifetime == TableLifetime::Transient;
                let table = self.create_dynamic_table(mode, transient)?;
                Ok(Statement::CreateDynamicTable(Box::new(table)))
            }
            ObjectKind::ExternalTable => self.create_external_table(mode),
            ObjectKind::Task => Ok(Statement::CreateTask(Box::new(self.create_task(mode)?))),
            ObjectKind::Alert => Ok(Statement::CreateAlert(Box::new(self.create_alert(mode)?))),
            ObjectKind::Pipe => Ok(Statement::CreatePipe(Box::new(self.create_pipe(mode)?))),
            ObjectKind::Stream => Ok(Statement::CreateStream(Box::new(self.create_stream(mode)?))),
            ObjectKind::Function => {
                Err(Error::not_supported("CREATE EXTERNAL FUNCTION").at(self.since(start)))
            }
            _ => {
                Err(Error::not_supported(format!("CREATE {}", kind.words())).at(self.since(start)))
            }
        }
    }

    /// CREATE PROCEDURE SCOPED TEMPORARY TABLE behind the word before TABLE.
    fn create_scoped_table(
        &mut self,
        mode: CreateMode,
        lifetime: TableLifetime,
    ) -> Result<Statement> {
        if lifetime != TableLifetime::Temporary || !self.eat("TABLE") {
            return Err(self.unexpected());
        }
        self.create_table(mode, TableLifetime::Procedure)
    }

    /// CREATE INTEGRATION behind its first words, for storage or for notifications.
    fn create_integration(
        &mut self,
        mode: CreateMode,
        category: &str,
        start: usize,
    ) -> Result<Statement> {
        let types: &[&str] = match category {
            "STORAGE" => &["EXTERNAL_STAGE"],
            "NOTIFICATION" => &["EMAIL", "QUEUE", "WEBHOOK"],
            _ => return Err(Error::not_supported("CREATE INTEGRATION").at(self.since(start))),
        };
        let kind = ObjectKind::Integration;
        let statement = self.create_object(kind, mode, TableLifetime::default())?;
        if let Statement::CreateObject(object) = &statement
            && let Some(option) = object.options.iter().find(|option| option.name == "TYPE")
            && let Some(text) = option.value.as_text()
            && !types.contains(&text.to_uppercase().as_str())
        {
            let what = format!("{category} INTEGRATION with TYPE = {}", text.to_uppercase());
            return Err(Error::not_supported(what).at(option.span));
        }
        Ok(statement)
    }

    fn modifiers(&mut self) -> Modifiers {
        let mut modifiers = Modifiers::default();
        loop {
            if self.eat("SECURE") {
                modifiers.secure = true;
            } else if self.eat("RECURSIVE") {
                modifiers.recursive = true;
            } else if self.eat("TRANSIENT") {
                modifiers.lifetime = TableLifetime::Transient;
            } else if self.is_word(0, "PROCEDURE") && self.is_word(1, "SCOPED") {
                self.eat("PROCEDURE SCOPED");
                modifiers.scoped = true;
            } else if self.eat_one(&["TEMPORARY", "TEMP", "VOLATILE"]).is_some() {
                modifiers.lifetime = TableLifetime::Temporary;
            } else if self.eat_one(&["LOCAL", "GLOBAL"]).is_none() {
                return modifiers;
            }
        }
    }

    fn create_view(
        &mut self,
        mode: CreateMode,
        modifiers: Modifiers,
        materialized: bool,
    ) -> Result<Statement> {
        let mode = CreateMode { if_not_exists: self.eat("IF NOT EXISTS"), ..mode };
        let name = self.name()?;
        let mut copy_grants = self.eat("COPY GRANTS");
        let mut attached = Vec::new();
        let columns = match self.is_symbol(0, "(") {
            true => self.parenthesized(|reader| {
                let name = reader.identifier()?;
                let mut own = Vec::new();
                while reader.at_attachment()?.is_some() {
                    own.extend(reader.with_attachments()?);
                }
                attached.push((name.clone(), own));
                Ok(ViewColumn { name, comment: reader.comment()? })
            })?,
            false => Vec::new(),
        };
        let mut attachments = Reader::changes_of(Vec::new(), attached);
        let (mut cluster_by, mut options) = (Vec::new(), Vec::new());
        while !self.is_word(0, "AS") {
            if self.is_word(0, "CLUSTER") {
                cluster_by = self.cluster_by()?;
            } else if self.eat("COPY GRANTS") {
                copy_grants = true;
            } else if self.at_attachment()?.is_some() {
                let own = self.with_attachments()?;
                attachments.extend(Reader::changes_of(own, Vec::new()));
            } else if self.at_option() {
                options.extend(self.options()?);
            } else {
                return Err(self.unexpected());
            }
        }
        self.expect_keywords("AS")?;
        let start = self.index();
        let query = Box::new(self.query()?);
        Ok(Statement::CreateView(Box::new(CreateView {
            mode,
            name,
            materialized,
            secure: modifiers.secure,
            temporary: modifiers.lifetime == TableLifetime::Temporary,
            recursive: modifiers.recursive,
            columns,
            cluster_by,
            copy_grants,
            options,
            query,
            query_span: self.since(start),
            attachments,
        })))
    }

    fn create_object(
        &mut self,
        kind: ObjectKind,
        mode: CreateMode,
        lifetime: TableLifetime,
    ) -> Result<Statement> {
        let mode = CreateMode { if_not_exists: self.eat("IF NOT EXISTS"), ..mode };
        let name = self.name()?;
        let clone = match self.is_word(0, "CLONE") {
            true => Some(self.clone_of()?),
            false => None,
        };
        let mut attached = Vec::new();
        let options = self.object_options(kind, &mut attached)?;
        let attachments = Reader::changes_of(attached, Vec::new());
        let object = CreateObject { kind, mode, name, lifetime, clone, options, attachments };
        Ok(Statement::CreateObject(Box::new(object)))
    }

    /// Options up to the end, with those that a kind writes without `=`.
    fn object_options(
        &mut self,
        kind: ObjectKind,
        attached: &mut Vec<Attachment>,
    ) -> Result<Vec<StatementOption>> {
        let mut options = Vec::new();
        loop {
            let start = self.index();
            if kind == ObjectKind::Sequence
                && let Some(option) = self.sequence_option()?
            {
                options.push(option);
                self.eat_symbol(",");
                continue;
            }
            if kind == ObjectKind::Schema && self.eat("WITH MANAGED ACCESS") {
                let yes = OptionValue::Boolean(true);
                options.push(self.made_option("WITH_MANAGED_ACCESS", yes, start));
            } else if kind == ObjectKind::Tag
                && let Some(values) = self.allowed_values()?
            {
                options.push(values);
            } else if self.at_attachment()?.is_some() {
                attached.extend(self.with_attachments()?);
            } else if self.is_word(0, "COMMENT") && !self.is_symbol(1, "=") {
                let text = self.comment()?.unwrap_or_default();
                options.push(self.made_option("COMMENT", OptionValue::Text(text), start));
            } else if self.at_option() {
                options.extend(self.options()?);
            } else if !(kind == ObjectKind::Warehouse && self.eat("WITH")) {
                return Ok(options);
            }
        }
    }

    /// `START [WITH | =] n`, `INCREMENT [BY | =] n`, ORDER, NOORDER.
    pub(super) fn sequence_option(&mut self) -> Result<Option<StatementOption>> {
        let start = self.index();
        self.eat("WITH");
        let (name, link) = if self.eat("START") {
            ("START", "WITH")
        } else if self.eat("INCREMENT") {
            ("INCREMENT", "BY")
        } else {
            self.back_to(start);
            return Ok(self.eat_one(&["ORDER", "NOORDER"]).map(|word| {
                self.made_option("ORDER", OptionValue::Boolean(word == "ORDER"), start)
            }));
        };
        self.eat(link);
        self.eat_symbol("=");
        let value = OptionValue::Number(self.integer()?.to_string());
        Ok(Some(self.made_option(name, value, start)))
    }

    /// DROP.
    pub(super) fn drop_object(&mut self) -> Result<Statement> {
        self.expect_keywords("DROP")?;
        let kind = self.kind()?;
        let if_exists = self.eat("IF EXISTS");
        let name = self.name()?;
        let signature = self.signature_of(kind)?;
        let cascade = self.eat_one(&["CASCADE", "RESTRICT"]).map(|word| word == "CASCADE");
        Ok(Statement::Drop(Drop { kind, if_exists, name, signature, cascade }))
    }

    /// `(type, ..)`, perhaps empty.
    pub(crate) fn signature(&mut self) -> Result<Vec<TypeName>> {
        self.expect_symbol("(")?;
        if self.eat_symbol(")") {
            return Ok(Vec::new());
        }
        let types = self.list(Reader::data_type)?;
        self.expect_symbol(")")?;
        Ok(types)
    }

    /// UNDROP.
    pub(super) fn undrop(&mut self) -> Result<Statement> {
        self.expect_keywords("UNDROP")?;
        let kind = self.kind()?;
        Ok(Statement::Undrop(Undrop { kind, name: self.name()? }))
    }
}
