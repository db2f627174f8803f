//! EXECUTE IMMEDIATE and CALL.

use firn_types::{Error, Result, Span};

use super::super::ast::{
    Call, CreateMode, CreateRoutine, ExecuteFile, ExecuteImmediate, Expr, ExprKind, Literal,
    ObjectKind, ScriptFile, Statement, UnaryOperator,
};
use super::super::reader::{Reader, string_value};
use super::super::scan::Kind;

impl Reader<'_> {
    /// EXECUTE IMMEDIATE.
    pub(super) fn execute_immediate(&mut self) -> Result<Statement> {
        self.expect_keywords("EXECUTE IMMEDIATE")?;
        if self.eat("FROM") {
            let file = ExecuteImmediate::File(self.execute_file()?);
            return Ok(Statement::ExecuteImmediate(Box::new(file)));
        }
        let alone = self.peek(1).is_none() || self.is_symbol(1, ";") || self.is_word(1, "USING");
        let text = match self.peek(0).filter(|lexeme| alone && lexeme.kind == Kind::Raw) {
            Some(_) => {
                let span = self.here();
                let text = self.string()?;
                Expr::new(ExprKind::Literal(Literal::Text(text.into())), span)
            }
            None => self.expr()?,
        };
        let using = match self.eat("USING") {
            true => self.parenthesized(Reader::expr)?,
            false => Vec::new(),
        };
        Ok(Statement::ExecuteImmediate(Box::new(ExecuteImmediate::Text(text, using))))
    }

    /// The file behind FROM, and what becomes of it.
    fn execute_file(&mut self) -> Result<ExecuteFile> {
        let beside = self.peek(0).and_then(|lexeme| {
            let path = string_value(lexeme, self.text())?;
            let is_whole = path.starts_with('@') || path.contains("://");
            (!is_whole).then_some(ScriptFile::Beside(path, lexeme.span()))
        });
        let file = match beside {
            Some(beside) => {
                self.advance();
                beside
            }
            None => ScriptFile::Staged(self.location()?),
        };
        let variables = match self.eat("USING") {
            true => self.parenthesized(Reader::template_variable)?,
            false => Vec::new(),
        };
        let mut dry_run = false;
        if self.eat("DRY_RUN") {
            self.expect_symbol("=")?;
            let Some(word) = self.eat_one(&["TRUE", "FALSE"]) else {
                return Err(self.unexpected());
            };
            dry_run = word == "TRUE";
        }
        Ok(ExecuteFile { file, variables, dry_run })
    }

    /// `key => value`, where the value is a constant, a session variable or a bind.
    fn template_variable(&mut self) -> Result<(String, Expr)> {
        let name = self.identifier()?;
        let written = name.span.of(self.text());
        let key = if written.starts_with('"') { name.name } else { written.to_string() };
        self.expect_symbol("=>")?;
        let start = self.index();
        let value = self.expr()?;
        let plain = match &value.kind {
            ExprKind::Unary(UnaryOperator::Minus, number) => &number.kind,
            kind => kind,
        };
        if !matches!(plain, ExprKind::Literal(_) | ExprKind::Variable(_) | ExprKind::Bind(_)) {
            self.back_to(start);
            return Err(self.unexpected());
        }
        Ok((key, value))
    }

    /// CALL.
    pub(super) fn call(&mut self) -> Result<Statement> {
        self.call_of(None)
    }

    /// Whether `WITH name AS PROCEDURE` begins here.
    pub(super) fn at_anonymous_procedure(&self) -> bool {
        self.is_word(0, "WITH") && self.is_word(2, "AS") && self.is_word(3, "PROCEDURE")
    }

    /// `WITH name AS PROCEDURE (..) .. CALL name(..)`: it has its caller's rights.
    pub(super) fn call_with(&mut self) -> Result<Statement> {
        self.expect_keywords("WITH")?;
        let name = self.name()?;
        self.expect_keywords("AS PROCEDURE")?;
        let mode = CreateMode::default();
        let routine = self.routine(ObjectKind::Procedure, (mode, name), (false, false))?;
        if self.is_symbol(0, ",") {
            let words = "WITH of a query beside an anonymous procedure";
            return Err(Error::not_supported(words).at(self.here()));
        }
        self.call_of(Some(Box::new(CreateRoutine { as_caller: true, ..routine })))
    }

    fn call_of(&mut self, procedure: Option<Box<CreateRoutine>>) -> Result<Statement> {
        let start = self.index();
        self.expect_keywords("CALL")?;
        let expr = self.expr()?;
        let span: Span = self.since(start);
        match expr.kind {
            ExprKind::Function(call) => {
                let (name, arguments) = (call.name, call.arguments);
                Ok(Statement::Call(Box::new(Call { procedure, name, arguments, span })))
            }
            _ => {
                self.back_to(start + 1);
                Err(self.unexpected())
            }
        }
    }
}
