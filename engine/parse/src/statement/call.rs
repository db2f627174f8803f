//! EXECUTE IMMEDIATE and CALL.

use firn_types::{Error, Result, Span};

use super::super::ast::{
    Call, CreateMode, CreateRoutine, ExecuteImmediate, Expr, ExprKind, Literal, ObjectKind,
    Statement,
};
use super::super::reader::{Reader, string_value};
use super::super::scan::Kind;

impl Reader<'_> {
    /// EXECUTE IMMEDIATE.
    pub(super) fn execute_immediate(&mut self) -> Result<Statement> {
        let start = self.index();
        self.expect_keywords("EXECUTE IMMEDIATE")?;
        if self.eat("FROM") {
            let beside = self.peek(0).and_then(|lexeme| {
                let path = string_value(lexeme, self.text())?;
                let is_whole = path.starts_with('@') || path.contains("://");
                (!is_whole).then_some(ExecuteImmediate::Beside(path, lexeme.span()))
            });
            let file = match beside {
                Some(beside) => {
                    self.advance();
                    beside
                }
                None => ExecuteImmediate::File(self.location()?),
            };
            if !self.at_end() {
                let words = "EXECUTE IMMEDIATE FROM with USING or DRY_RUN";
                return Err(Error::not_supported(words).at(self.since(start)));
            }
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
