//! CREATE FUNCTION and CREATE PROCEDURE.

use firn_types::{Error, ErrorCode, Language, Result};

use super::super::ast::{
    CreateMode, CreateRoutine, FunctionBody, FunctionParameter, FunctionReturns, Name, ObjectKind,
    TypeName,
};
use super::super::reader::Reader;
use super::super::scan::Kind;

/// What may stand before the type of a procedure's argument.
const MODES: [&str; 4] = ["INPUT", "IN", "OUTPUT", "OUT"];

impl Reader<'_> {
    /// CREATE FUNCTION or CREATE PROCEDURE behind its first words.
    pub(super) fn create_routine(
        &mut self,
        kind: ObjectKind,
        mode: CreateMode,
        (secure, temporary): (bool, bool),
    ) -> Result<CreateRoutine> {
        let mode = CreateMode { if_not_exists: self.eat("IF NOT EXISTS"), ..mode };
        let name = self.name()?;
        self.routine(kind, (mode, name), (secure, temporary))
    }

    /// A function or a procedure behind its name.
    pub(super) fn routine(
        &mut self,
        kind: ObjectKind,
        (mode, name): (CreateMode, Name),
        (secure, temporary): (bool, bool),
    ) -> Result<CreateRoutine> {
        let parameters = self.routine_parameters(kind == ObjectKind::Procedure)?;
        let mut routine = CreateRoutine {
            mode,
            name,
            secure,
            temporary,
            aggregate: false,
            parameters,
            returns: FunctionReturns::Table(Vec::new()),
            not_null: false,
            strict: false,
            volatile: None,
            memoizable: false,
            as_caller: false,
            copy_grants: false,
            options: Vec::new(),
            language: Language::Sql,
            body: String::new(),
            body_start: None,
        };
        let mut returns = None;
        while !self.is_word(0, "AS") && !self.at_end() {
            self.routine_clause(kind, &mut routine, &mut returns)?;
        }
        routine.returns = returns.ok_or_else(|| self.unexpected())?;
        // Code that is imported does not stand here.
        if self.at_end() && routine.language == Language::Python {
            return Ok(routine);
        }
        self.expect_keywords("AS")?;
        let block = self.is_word(0, "BEGIN") || self.is_word(0, "DECLARE");
        (routine.body, routine.body_start) = match block {
            false => self.body_text()?,
            true => {
                let start = self.index();
                self.block()?;
                let span = self.since(start);
                (span.of(self.text()).to_string(), Some(span.start))
            }
        };
        Ok(routine)
    }

    /// `(name type [DEFAULT expr], ..)`; with `modes`, IN or OUT may stand before a type.
    pub(super) fn routine_parameters(&mut self, modes: bool) -> Result<Vec<FunctionParameter>> {
        self.expect_symbol("(")?;
        if self.eat_symbol(")") {
            return Ok(Vec::new());
        }
        let parameters = self.list(|reader| {
            let name = reader.identifier()?;
            let mode = if modes { reader.eat_one(&MODES) } else { None };
            let output = mode.is_some_and(|mode| mode.starts_with("OUT"));
            let data_type = reader.data_type()?;
            let default = match reader.eat("DEFAULT") {
                true => Some(reader.expr()?),
                false => None,
            };
            Ok(FunctionParameter { name, data_type, default, output })
        })?;
        self.expect_symbol(")")?;
        Ok(parameters)
    }

    /// One clause between the parameters and AS.
    fn routine_clause(
        &mut self,
        kind: ObjectKind,
        routine: &mut CreateRoutine,
        returns: &mut Option<FunctionReturns>,
    ) -> Result<()> {
        let is_function = kind == ObjectKind::Function;
        if self.eat("RETURNS NULL ON NULL INPUT") || self.eat("STRICT") {
            routine.strict = true;
        } else if self.eat("CALLED ON NULL INPUT") {
            routine.strict = false;
        } else if self.eat("RETURNS") {
            *returns = Some(self.function_returns()?);
        } else if self.eat("NOT NULL") {
            routine.not_null = true;
        } else if self.eat("COPY GRANTS") {
            routine.copy_grants = true;
        } else if self.is_word(0, "LANGUAGE") {
            routine.language = self.language(kind)?;
        } else if is_function && self.eat("VOLATILE") {
            routine.volatile = Some(true);
        } else if is_function && self.eat("IMMUTABLE") {
            routine.volatile = Some(false);
        } else if is_function && self.eat("MEMOIZABLE") {
            routine.memoizable = true;
        } else if !is_function && self.eat("EXECUTE AS CALLER") {
            routine.as_caller = true;
        } else if !is_function && self.eat("EXECUTE AS OWNER") {
            routine.as_caller = false;
        } else if self.at_option() {
            routine.options.extend(self.options()?);
        } else if !self.eat("NULL") {
            return Err(self.unexpected());
        }
        Ok(())
    }

    /// A type, or `TABLE (name type, ..)`.
    pub(super) fn function_returns(&mut self) -> Result<FunctionReturns> {
        if !self.eat("TABLE") {
            return self.data_type().map(FunctionReturns::Value);
        }
        if self.is_symbol(0, "(") && self.is_symbol(1, ")") {
            self.advance();
            self.advance();
            return Ok(FunctionReturns::Table(Vec::new()));
        }
        self.parenthesized(|reader| Ok((reader.identifier()?, reader.data_type()?)))
            .map(FunctionReturns::Table)
    }

    /// The text of a body in a literal, and where it stands as it is, in bytes.
    fn body_text(&mut self) -> Result<(String, Option<u32>)> {
        let lexeme = self.peek(0).ok_or_else(|| self.unexpected())?;
        let span = self.here();
        let text = self.string()?;
        let source = lexeme.of(self.text());
        let quotes = if lexeme.kind == Kind::Raw { 2 } else { 1 };
        let as_it_is = source.get(quotes..source.len().saturating_sub(quotes));
        let start = (as_it_is == Some(text.as_str())).then_some(span.start + quotes as u32);
        if text.trim().is_empty() {
            let text = "The body of a function must not be empty.";
            return Err(Error::new(ErrorCode::InvalidStatement, text).at(span));
        }
        Ok((text, start))
    }

    /// `LANGUAGE name`; those that nothing runs are refused by name.
    fn language(&mut self, kind: ObjectKind) -> Result<Language> {
        let start = self.index();
        self.expect_keywords("LANGUAGE")?;
        let Some(language) = self.peek_upper(0) else { return Err(self.unexpected()) };
        self.advance();
        Language::find(&language).ok_or_else(|| {
            let words = format!("CREATE {} .. LANGUAGE {language}", kind.words());
            Error::not_supported(words).at(self.since(start))
        })
    }

    /// The body of a function: a query where it begins with one, an expression otherwise.
    pub(crate) fn function_body(&mut self) -> Result<FunctionBody> {
        match ["SELECT", "WITH", "VALUES"].iter().any(|word| self.is_word(0, word)) {
            true => self.query().map(|query| FunctionBody::Query(Box::new(query))),
            false => self.expr().map(FunctionBody::Expr),
        }
    }

    /// The types behind the name of a function or procedure, where a statement must say them.
    pub(super) fn signature_of(&mut self, kind: ObjectKind) -> Result<Option<Vec<TypeName>>> {
        match kind {
            ObjectKind::Function | ObjectKind::Procedure => self.signature().map(Some),
            _ => Ok(None),
        }
    }
}
