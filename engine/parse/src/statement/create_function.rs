//! CREATE FUNCTION and CREATE PROCEDURE.

use firn_types::{Error, ErrorCode, Result, Span};

use super::super::ast::{
    CreateFunction, CreateMode, CreateProcedure, FunctionBody, FunctionParameter, FunctionReturns,
    Statement, TypeName,
};
use super::super::reader::Reader;
use super::super::scan::Kind;

/// The text of a body.
struct BodyText {
    text: String,
    /// Where it stands as it is, in bytes.
    start: Option<u32>,
    /// The literal that it is in.
    span: Span,
}

impl Reader<'_> {
    /// CREATE FUNCTION behind its first words.
    pub(super) fn create_function(
        &mut self,
        mode: CreateMode,
        (secure, temporary): (bool, bool),
    ) -> Result<Statement> {
        let start = self.index();
        let mode = CreateMode { if_not_exists: self.eat("IF NOT EXISTS"), ..mode };
        let name = self.name()?;
        let parameters = self.function_parameters()?;
        let mut function = CreateFunction {
            mode,
            name,
            secure,
            temporary,
            parameters,
            returns: FunctionReturns::Table(Vec::new()),
            not_null: false,
            strict: false,
            volatile: false,
            memoizable: false,
            copy_grants: false,
            options: Vec::new(),
            body: String::new(),
            body_start: None,
            body_span: self.here(),
        };
        let mut returns = None;
        while !self.is_word(0, "AS") {
            self.function_clause(&mut function, &mut returns)?;
        }
        let Some(returns) = returns else { return Err(self.unexpected()) };
        function.returns = returns;
        self.expect("AS")?;
        if self.eat_one(&["BEGIN", "DECLARE"]).is_some() {
            return Err(Error::not_supported("a block as a function's body").at(self.since(start)));
        }
        let body = self.body_text()?;
        (function.body, function.body_start, function.body_span) =
            (body.text, body.start, body.span);
        Ok(Statement::CreateFunction(Box::new(function)))
    }

    /// `(name type [DEFAULT expr], ..)`.
    fn function_parameters(&mut self) -> Result<Vec<FunctionParameter>> {
        self.expect_symbol("(")?;
        if self.eat_symbol(")") {
            return Ok(Vec::new());
        }
        let parameters = self.list(|reader| {
            let name = reader.identifier()?;
            let data_type = reader.data_type()?;
            let default = match reader.eat("DEFAULT") {
                true => Some(reader.expr()?),
                false => None,
            };
            Ok(FunctionParameter { name, data_type, default })
        })?;
        self.expect_symbol(")")?;
        Ok(parameters)
    }

    /// One clause between the parameters and AS.
    fn function_clause(
        &mut self,
        function: &mut CreateFunction,
        returns: &mut Option<FunctionReturns>,
    ) -> Result<()> {
        if self.eat("RETURNS NULL ON NULL INPUT") || self.eat("STRICT") {
            function.strict = true;
        } else if self.eat("CALLED ON NULL INPUT") {
            function.strict = false;
        } else if self.eat("RETURNS") {
            *returns = Some(self.function_returns()?);
        } else if self.eat("NOT NULL") {
            function.not_null = true;
        } else if self.eat("COPY GRANTS") {
            function.copy_grants = true;
        } else if self.is_word(0, "LANGUAGE") {
            self.language("CREATE FUNCTION")?;
        } else if let Some(word) = self.eat_one(&["VOLATILE", "IMMUTABLE"]) {
            function.volatile = word == "VOLATILE";
        } else if self.eat("MEMOIZABLE") {
            function.memoizable = true;
        } else if self.at_option() {
            function.options.extend(self.options()?);
        } else if !self.eat("NULL") {
            return Err(self.unexpected());
        }
        Ok(())
    }

    /// A type, or `TABLE (name type, ..)`.
    fn function_returns(&mut self) -> Result<FunctionReturns> {
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

    /// The text of a body in a literal, and where it stands.
    fn body_text(&mut self) -> Result<BodyText> {
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
        Ok(BodyText { text, start, span })
    }

    /// CREATE PROCEDURE behind its first words.
    pub(super) fn create_procedure(
        &mut self,
        mode: CreateMode,
        (secure, temporary): (bool, bool),
    ) -> Result<Statement> {
        let mode = CreateMode { if_not_exists: self.eat("IF NOT EXISTS"), ..mode };
        let name = self.name()?;
        let parameters = self.function_parameters()?;
        let mut procedure = CreateProcedure {
            mode,
            name,
            secure,
            temporary,
            parameters,
            returns: FunctionReturns::Table(Vec::new()),
            not_null: false,
            strict: false,
            as_caller: false,
            copy_grants: false,
            options: Vec::new(),
            body: String::new(),
            body_start: None,
        };
        let mut returns = None;
        while !self.is_word(0, "AS") {
            self.procedure_clause(&mut procedure, &mut returns)?;
        }
        let Some(returns) = returns else { return Err(self.unexpected()) };
        procedure.returns = returns;
        self.expect("AS")?;
        let body = match self.is_word(0, "BEGIN") || self.is_word(0, "DECLARE") {
            true => {
                let start = self.index();
                self.block()?;
                let span = self.since(start);
                let text = span.of(self.text()).to_string();
                BodyText { text, start: Some(span.start), span }
            }
            false => self.body_text()?,
        };
        (procedure.body, procedure.body_start) = (body.text, body.start);
        Ok(Statement::CreateProcedure(Box::new(procedure)))
    }

    /// One clause between the parameters of a procedure and AS.
    fn procedure_clause(
        &mut self,
        procedure: &mut CreateProcedure,
        returns: &mut Option<FunctionReturns>,
    ) -> Result<()> {
        if self.eat("RETURNS NULL ON NULL INPUT") || self.eat("STRICT") {
            procedure.strict = true;
        } else if self.eat("CALLED ON NULL INPUT") {
            procedure.strict = false;
        } else if self.eat("RETURNS") {
            *returns = Some(self.function_returns()?);
        } else if self.eat("NOT NULL") {
            procedure.not_null = true;
        } else if self.eat("COPY GRANTS") {
            procedure.copy_grants = true;
        } else if self.eat("EXECUTE AS") {
            let Some(who) = self.eat_one(&["CALLER", "OWNER"]) else {
                return Err(self.unexpected());
            };
            procedure.as_caller = who == "CALLER";
        } else if self.is_word(0, "LANGUAGE") {
            self.language("CREATE PROCEDURE")?;
        } else if self.at_option() {
            procedure.options.extend(self.options()?);
        } else if !self.eat("NULL") {
            return Err(self.unexpected());
        }
        Ok(())
    }

    /// `LANGUAGE SQL`; others are refused by name.
    fn language(&mut self, statement: &str) -> Result<()> {
        let start = self.index();
        self.expect("LANGUAGE")?;
        let Some(language) = self.peek_upper(0) else { return Err(self.unexpected()) };
        self.advance();
        match language.as_str() {
            "SQL" => Ok(()),
            _ => {
                let words = format!("{statement} .. LANGUAGE {language}");
                Err(Error::not_supported(words).at(self.since(start)))
            }
        }
    }

    /// The body of a function: a query where it begins with one, an expression otherwise.
    pub(crate) fn function_body(&mut self) -> Result<FunctionBody> {
        match ["SELECT", "WITH", "VALUES"].iter().any(|word| self.is_word(0, word)) {
            true => self.query().map(|query| FunctionBody::Query(Box::new(query))),
            false => self.expr().map(FunctionBody::Expr),
        }
    }

    /// The types behind the name of a function or procedure, where a statement must say them.
    pub(super) fn signature_of(
        &mut self,
        kind: super::super::ast::ObjectKind,
    ) -> Result<Option<Vec<TypeName>>> {
        use super::super::ast::ObjectKind::{Function, Procedure};
        match kind {
            Function | Procedure => self.signature().map(Some),
            _ => Ok(None),
        }
    }
}
