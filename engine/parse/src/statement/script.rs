//! Snowflake Scripting: blocks, and what may stand in them.

use firn_types::{Error, Identifier, Result};

use super::super::ast::{
    Assigned, Block, CursorSource, Declaration, DeclarationKind, Expr, Handler, Loop,
    NestedProcedure, Returned, SqlText, Statement, Step, StepKind,
};
use super::super::reader::Reader;
use super::super::scan::Kind;

/// Words that end the steps of something around them.
const ENDS: [&str; 6] = ["END", "ELSE", "ELSEIF", "WHEN", "UNTIL", "EXCEPTION"];

impl Reader<'_> {
    /// Whether a block begins here, rather than a transaction.
    pub(super) fn at_block(&self) -> bool {
        let transaction = ["WORK", "TRANSACTION", "NAME"].iter().any(|word| self.is_word(1, word));
        let ends = self.peek(1).is_none() || self.is_symbol(1, ";");
        self.is_word(0, "DECLARE") || self.is_word(0, "BEGIN") && !transaction && !ends
    }

    /// A block as a statement.
    pub(super) fn block_statement(&mut self) -> Result<Statement> {
        let block = self.block()?;
        Ok(Statement::Block(Box::new(block)))
    }

    /// `[DECLARE ..] BEGIN .. [EXCEPTION ..] END`.
    pub(crate) fn block(&mut self) -> Result<Block> {
        let mut declarations = Vec::new();
        if self.eat("DECLARE") {
            while !self.is_word(0, "BEGIN") {
                declarations.push(match self.is_word(1, "PROCEDURE") {
                    true => self.nested_procedure()?,
                    false => self.declaration()?,
                });
                self.expect_symbol(";")?;
            }
        }
        self.expect_keywords("BEGIN")?;
        let steps = self.steps()?;
        let mut handlers = Vec::new();
        if self.eat("EXCEPTION") {
            while !self.is_word(0, "END") {
                handlers.push(self.handler()?);
            }
        }
        self.expect_keywords("END")?;
        Ok(Block { declarations, steps, handlers })
    }

    /// One step, as a block of nothing else.
    pub(crate) fn only_step(&mut self) -> Result<Block> {
        let start = self.index();
        let kind = self.step()?;
        let span = self.since(start);
        self.eat_symbol(";");
        let steps = vec![Step { kind, span }];
        Ok(Block { declarations: Vec::new(), steps, handlers: Vec::new() })
    }

    /// Steps, each with its `;`, up to what ends them.
    fn steps(&mut self) -> Result<Vec<Step>> {
        let mut steps = Vec::new();
        while !ENDS.iter().any(|word| self.is_word(0, word)) {
            if self.peek(0).is_none() {
                return Err(self.unexpected());
            }
            let start = self.index();
            let kind = self.step()?;
            let span = self.since(start);
            self.expect_symbol(";")?;
            steps.push(Step { kind, span });
        }
        Ok(steps)
    }

    fn step(&mut self) -> Result<StepKind> {
        let Some(first) = self.peek_upper(0) else { return self.sql_step() };
        match first.as_str() {
            "DECLARE" | "BEGIN" if self.at_block() => {
                let block = self.block()?;
                self.label()?;
                Ok(StepKind::Block(block))
            }
            "LET" => {
                self.advance();
                self.declaration().map(StepKind::Let)
            }
            "IF" => self.if_step(),
            "CASE" => self.case_step(),
            "FOR" => self.for_step(),
            "WHILE" => self.while_step(),
            "REPEAT" => self.repeat_step(),
            "LOOP" => {
                self.advance();
                self.loop_body("LOOP").map(StepKind::Loop)
            }
            "BREAK" | "EXIT" => {
                self.advance();
                self.label().map(StepKind::Break)
            }
            "CONTINUE" | "ITERATE" => {
                self.advance();
                self.label().map(StepKind::Continue)
            }
            "RETURN" => self.return_step(),
            "OPEN" => self.open_step(),
            "FETCH" => self.fetch_step(),
            "CLOSE" => {
                self.advance();
                self.identifier().map(StepKind::Close)
            }
            "RAISE" => {
                self.advance();
                self.label().map(StepKind::Raise)
            }
            "ASYNC" if self.is_symbol(1, "(") => {
                self.statement_in_parentheses().map(StepKind::Async)
            }
            "AWAIT" => {
                self.advance();
                let all = self.eat("ALL");
                let name = if all { None } else { Some(self.identifier()?) };
                Ok(StepKind::Await(name))
            }
            "CANCEL" if self.is_symbol(2, ";") => {
                self.advance();
                self.identifier().map(StepKind::Cancel)
            }
            "NULL" if self.is_symbol(1, ";") => {
                self.advance();
                Ok(StepKind::Nothing)
            }
            _ if self.at_assignment(1) => {
                let name = self.identifier()?;
                self.colon_equals()?;
                self.assigned_value().map(|assigned| StepKind::Assign(name, assigned))
            }
            _ => self.sql_step(),
        }
    }

    fn sql_step(&mut self) -> Result<StepKind> {
        // `"name" := value`
        if self.peek(0).is_some_and(|lexeme| lexeme.kind == Kind::Quoted) && self.at_assignment(1) {
            let name = self.identifier()?;
            self.colon_equals()?;
            return self.assigned_value().map(|assigned| StepKind::Assign(name, assigned));
        }
        self.sql_text(false).map(StepKind::Sql)
    }

    /// Whether `:=` comes after so many lexemes.
    fn at_assignment(&self, ahead: usize) -> bool {
        self.is_symbol(ahead, ":=") || self.is_symbol(ahead, ":") && self.is_symbol(ahead + 1, "=")
    }

    /// Passes over `:=`.
    fn colon_equals(&mut self) -> Result<()> {
        if self.eat_symbol(":=") {
            return Ok(());
        }
        self.expect_symbol(":")?;
        self.expect_symbol("=")
    }

    /// A label, or nothing.
    fn label(&mut self) -> Result<Option<Identifier>> {
        match self.is_symbol(0, ";") || self.peek(0).is_none() {
            true => Ok(None),
            false => self.identifier().map(Some),
        }
    }

    /// What stands behind LET, and in DECLARE.
    fn declaration(&mut self) -> Result<Declaration> {
        let name = self.identifier()?;
        let kind = if self.eat("CURSOR") {
            self.expect_keywords("FOR")?;
            DeclarationKind::Cursor(self.cursor_source()?)
        } else if self.eat("RESULTSET") {
            let has_value = self.eat("DEFAULT") || self.at_assignment(0);
            match has_value {
                true => {
                    if self.at_assignment(0) {
                        self.colon_equals()?;
                    }
                    DeclarationKind::ResultSet(Some(self.statement_in_parentheses()?))
                }
                false => DeclarationKind::ResultSet(None),
            }
        } else if self.eat("EXCEPTION") {
            self.exception()?
        } else {
            self.variable()?
        };
        Ok(Declaration { name, kind })
    }

    /// `[type] [{ DEFAULT | := } value]`.
    fn variable(&mut self) -> Result<DeclarationKind> {
        let untyped = self.is_word(0, "DEFAULT") || self.at_assignment(0);
        let data_type = if untyped { None } else { Some(self.data_type()?) };
        if !self.eat("DEFAULT") {
            if !self.at_assignment(0) {
                return Ok(DeclarationKind::Variable(data_type, None));
            }
            self.colon_equals()?;
        }
        Ok(match self.called()? {
            Some(statement) => DeclarationKind::Called(data_type, statement),
            None => DeclarationKind::Variable(data_type, Some(self.expr()?)),
        })
    }

    /// A CALL, perhaps in parentheses, where a value may stand.
    fn called(&mut self) -> Result<Option<SqlText>> {
        if self.is_word(0, "CALL") && !self.is_symbol(1, "(") {
            return self.sql_text(false).map(Some);
        }
        match self.is_symbol(0, "(") && self.is_word(1, "CALL") && !self.is_symbol(2, "(") {
            true => self.statement_in_parentheses().map(Some),
            false => Ok(None),
        }
    }

    /// `name PROCEDURE (..) RETURNS .. AS block`.
    fn nested_procedure(&mut self) -> Result<Declaration> {
        let name = self.identifier()?;
        self.expect_keywords("PROCEDURE")?;
        let parameters = self.routine_parameters(false)?;
        if let Some(with_default) = parameters.iter().find(|one| one.default.is_some()) {
            let words = "DEFAULT of an argument of a procedure in a block";
            return Err(Error::not_supported(words).at(with_default.name.span));
        }
        self.expect_keywords("RETURNS")?;
        let returns = self.function_returns()?;
        self.expect_keywords("AS")?;
        let start = self.index();
        let block = self.block()?;
        let is_nested = |one: &Declaration| matches!(one.kind, DeclarationKind::Procedure(_));
        if block.declarations.iter().any(is_nested) {
            let words = "a procedure within a procedure of a block";
            return Err(Error::not_supported(words).at(self.since(start)));
        }
        let procedure = NestedProcedure { parameters, returns, block };
        Ok(Declaration { name, kind: DeclarationKind::Procedure(Box::new(procedure)) })
    }

    /// `(number, 'message')` behind EXCEPTION, both optional.
    fn exception(&mut self) -> Result<DeclarationKind> {
        let (mut number, mut message) = (None, None);
        if self.eat_symbol("(") {
            let start = self.here();
            let written = self.integer()?;
            number = i32::try_from(written).ok().filter(|n| (-20_999..=-20_000).contains(n));
            if number.is_none() {
                let text = "The number of an exception must be between -20999 and -20000.";
                let code = firn_types::ErrorCode::InvalidStatement;
                return Err(Error::new(code, text).at(start));
            }
            if self.eat_symbol(",") {
                message = Some(self.string()?);
            }
            self.expect_symbol(")")?;
        }
        Ok(DeclarationKind::Exception(number, message))
    }

    /// What a cursor goes through: a query, or a RESULTSET's name.
    fn cursor_source(&mut self) -> Result<CursorSource> {
        let parenthesized = self.is_symbol(0, "(");
        let query = |ahead| self.is_word(ahead, "SELECT") || self.is_word(ahead, "WITH");
        if parenthesized && query(1) {
            return self.statement_in_parentheses().map(CursorSource::Query);
        }
        match query(0) {
            true => self.sql_text(false).map(CursorSource::Query),
            false => self.identifier().map(CursorSource::ResultSet),
        }
    }

    /// `(statement)`, `ASYNC (statement)`.
    fn statement_in_parentheses(&mut self) -> Result<SqlText> {
        let asynchronous = self.eat("ASYNC");
        self.expect_symbol("(")?;
        let mut text = match self.at_block() {
            true => {
                let start = self.index();
                self.block()?;
                let span = self.since(start);
                SqlText { span, into_span: None, into: Vec::new(), asynchronous }
            }
            false => self.sql_text(true)?,
        };
        text.asynchronous = asynchronous;
        self.expect_symbol(")")?;
        Ok(text)
    }

    /// What an assignment gives: a value, or the rows of a statement.
    fn assigned_value(&mut self) -> Result<Assigned> {
        if let Some(statement) = self.called()? {
            return Ok(Assigned { value: None, statement: Some(statement) });
        }
        let start = self.index();
        let asynchronous = self.is_word(0, "ASYNC");
        let in_parentheses = self.is_symbol(usize::from(asynchronous), "(");
        let starts = ["SELECT", "WITH", "EXECUTE", "CALL", "SHOW", "DESCRIBE", "DESC", "INSERT"];
        let changes = [
            "UPDATE", "DELETE", "MERGE", "LIST", "LS", "CREATE", "ALTER", "DROP", "TRUNCATE",
            "BEGIN", "DECLARE",
        ];
        let starts = starts.iter().chain(&changes);
        let ahead = usize::from(asynchronous) + 1;
        // INSERT and TRUNCATE are functions, too, and variables may be called LIST.
        let query = self.is_word(ahead, "SELECT") || self.is_word(ahead, "WITH");
        let of_values = ["(", ")", "[", "+", "-", "*", "/", "||", "::"];
        let in_value = !query && of_values.iter().any(|sign| self.is_symbol(ahead + 1, sign));
        let mut statement = None;
        if in_parentheses && !in_value && starts.into_iter().any(|word| self.is_word(ahead, word)) {
            let read = self.statement_in_parentheses();
            if !query || asynchronous {
                let statement = read?;
                return match self.is_symbol(0, ";") {
                    true => Ok(Assigned { value: None, statement: Some(statement) }),
                    false => Err(self.unexpected()),
                };
            }
            statement = read.ok().filter(|_| self.is_symbol(0, ";"));
            self.back_to(start);
        }
        let value = self.expr()?;
        Ok(Assigned { value: Some(value), statement })
    }

    fn if_step(&mut self) -> Result<StepKind> {
        self.expect_keywords("IF")?;
        let mut branches = vec![self.branch("THEN")?];
        while self.eat("ELSEIF") {
            branches.push(self.branch("THEN")?);
        }
        let otherwise = if self.eat("ELSE") { self.steps()? } else { Vec::new() };
        self.expect_keywords("END IF")?;
        Ok(StepKind::If(branches, otherwise))
    }

    /// `(condition) THEN steps`.
    fn branch(&mut self, then: &str) -> Result<(Expr, Vec<Step>)> {
        let condition = self.condition()?;
        self.expect_keywords(then)?;
        Ok((condition, self.steps()?))
    }

    /// A condition, which stands in parentheses.
    fn condition(&mut self) -> Result<Expr> {
        if !self.is_symbol(0, "(") {
            return Err(self.unexpected());
        }
        self.expr()
    }

    fn case_step(&mut self) -> Result<StepKind> {
        self.expect_keywords("CASE")?;
        let operand = if self.is_word(0, "WHEN") { None } else { Some(self.expr()?) };
        let mut branches = Vec::new();
        while self.eat("WHEN") {
            let when = self.expr()?;
            self.expect_keywords("THEN")?;
            branches.push((when, self.steps()?));
        }
        if branches.is_empty() {
            return Err(self.unexpected());
        }
        let otherwise = if self.eat("ELSE") { self.steps()? } else { Vec::new() };
        self.expect_keywords("END")?;
        self.eat("CASE");
        Ok(StepKind::Case(operand, branches, otherwise))
    }

    fn for_step(&mut self) -> Result<StepKind> {
        self.expect_keywords("FOR")?;
        let variable = self.identifier()?;
        self.expect_keywords("IN")?;
        let reverse = self.eat("REVERSE");
        let name = !reverse
            && (self.is_word(1, "DO") || self.is_word(1, "LOOP"))
            && self.peek(0).is_some_and(|lexeme| matches!(lexeme.kind, Kind::Word | Kind::Quoted));
        let query = self.is_symbol(0, "(")
            && (self.is_word(1, "SELECT") || self.is_word(1, "WITH"))
            && !reverse;
        if name || query {
            let source = self.cursor_source()?;
            let body = self.do_body("FOR")?;
            return Ok(StepKind::Rows { variable, source, body });
        }
        let from = self.expr()?;
        self.expect_keywords("TO")?;
        let to = self.expr()?;
        let body = self.do_body("FOR")?;
        Ok(StepKind::Count { variable, reverse, from, to, body })
    }

    fn while_step(&mut self) -> Result<StepKind> {
        self.expect_keywords("WHILE")?;
        let condition = self.condition()?;
        let body = self.do_body("WHILE")?;
        Ok(StepKind::While(condition, body))
    }

    fn repeat_step(&mut self) -> Result<StepKind> {
        self.expect_keywords("REPEAT")?;
        let steps = self.steps()?;
        self.expect_keywords("UNTIL")?;
        let condition = self.condition()?;
        self.expect_keywords("END REPEAT")?;
        let label = self.label()?;
        Ok(StepKind::Repeat(Loop { label, steps }, condition))
    }

    /// `DO .. END word` or `LOOP .. END LOOP`.
    fn do_body(&mut self, word: &str) -> Result<Loop> {
        match self.eat("LOOP") {
            true => self.loop_body("LOOP"),
            false => {
                self.expect_keywords("DO")?;
                self.loop_body(word)
            }
        }
    }

    fn loop_body(&mut self, word: &str) -> Result<Loop> {
        let steps = self.steps()?;
        self.expect_keywords("END")?;
        self.expect_keywords(word)?;
        Ok(Loop { label: self.label()?, steps })
    }

    fn return_step(&mut self) -> Result<StepKind> {
        self.expect_keywords("RETURN")?;
        if self.is_symbol(0, ";") {
            return Ok(StepKind::Return(None));
        }
        if !(self.is_word(0, "TABLE") && self.is_symbol(1, "(")) {
            return self.expr().map(|value| StepKind::Return(Some(Returned::Value(value))));
        }
        self.advance();
        if self.is_symbol(2, ")") {
            self.advance();
            let name = self.identifier()?;
            self.expect_symbol(")")?;
            return Ok(StepKind::Return(Some(Returned::Table(name))));
        }
        // TABLE(RESULTSET_FROM_CURSOR(name))
        if self.is_word(1, "RESULTSET_FROM_CURSOR") {
            self.expect_symbol("(")?;
            self.advance();
            self.expect_symbol("(")?;
            let name = self.identifier()?;
            self.expect_symbol(")")?;
            self.expect_symbol(")")?;
            return Ok(StepKind::Return(Some(Returned::Table(name))));
        }
        let text = self.statement_in_parentheses()?;
        Ok(StepKind::Return(Some(Returned::Statement(text))))
    }

    fn open_step(&mut self) -> Result<StepKind> {
        self.expect_keywords("OPEN")?;
        let name = self.identifier()?;
        let values = match self.eat("USING") {
            true => self.parenthesized(Reader::expr)?,
            false => Vec::new(),
        };
        Ok(StepKind::Open(name, values))
    }

    fn fetch_step(&mut self) -> Result<StepKind> {
        self.expect_keywords("FETCH")?;
        let name = self.identifier()?;
        self.expect_keywords("INTO")?;
        let into = self.list(Reader::target)?;
        Ok(StepKind::Fetch(name, into))
    }

    /// The name of a variable that gets a value, with or without a colon.
    fn target(&mut self) -> Result<Identifier> {
        self.eat_symbol(":");
        self.identifier()
    }

    fn handler(&mut self) -> Result<Handler> {
        self.expect_keywords("WHEN")?;
        let mut names = vec![self.identifier()?];
        while self.eat("OR") {
            names.push(self.identifier()?);
        }
        let resumes = self.eat_one(&["EXIT", "CONTINUE"]) == Some("CONTINUE");
        self.expect_keywords("THEN")?;
        Ok(Handler { names, resumes, steps: self.steps()? })
    }

    /// A SQL statement up to its `;`, or up to the parenthesis that it stands in.
    fn sql_text(&mut self, parenthesized: bool) -> Result<SqlText> {
        let start = self.index();
        let (mut depth, mut into_at) = (0_usize, None);
        let query = self.is_word(0, "SELECT") || self.is_word(0, "WITH");
        let takes_into = query || self.is_word(0, "CALL") || self.is_word(0, "EXECUTE");
        while let Some(lexeme) = self.peek(0) {
            match lexeme.of(self.text()) {
                ";" if lexeme.kind == Kind::Symbol => break,
                "(" | "[" if lexeme.kind == Kind::Symbol => depth += 1,
                ")" if lexeme.kind == Kind::Symbol && depth == 0 && parenthesized => break,
                ")" | "]" if lexeme.kind == Kind::Symbol => depth = depth.saturating_sub(1),
                _ if depth == 0 && takes_into && self.is_word(0, "INTO") && into_at.is_none() => {
                    into_at = Some(self.index());
                }
                _ => {}
            }
            self.advance();
        }
        let end = self.index();
        if end == start {
            return Err(self.unexpected());
        }
        let span = self.since(start);
        let (mut into, mut into_span) = (Vec::new(), None);
        if let Some(at) = into_at {
            self.back_to(at);
            self.expect_keywords("INTO")?;
            into = self.list(Reader::target)?;
            into_span = Some(self.since(at));
            while self.index() < end {
                self.advance();
            }
        }
        Ok(SqlText { span, into_span, into, asynchronous: false })
    }
}
