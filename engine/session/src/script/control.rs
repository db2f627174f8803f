//! Steps: what is done next.

use std::sync::Arc;

use firn_parse::ast::{
    Assigned, Block, CursorSource, Declaration, DeclarationKind, Expr, Handler, Loop, Statement,
    Step, StepKind, TypeName,
};
use firn_query::bind::TypedValue;
use firn_types::{Error, ErrorCode, Identifier, Span, SqlType, Value, limits, stack};

use super::cursor::{Cursor, Rows};
use super::exception::{NUMBER, Raised};
use super::sql::unknown;
use super::variables::ResultSet;
use super::{Flow, Given, Script, Stepped, Variable, name_of, text};

/// The block around some steps.
#[derive(Clone, Copy)]
pub(super) struct Around<'b> {
    /// Where its variables begin.
    open: usize,
    /// How many blocks are around it.
    depth: usize,
    /// What handles its exceptions.
    handlers: &'b [Handler],
}

impl<'b> Around<'b> {
    /// The first handler that handles an exception; none of this block's for what one of them has raised.
    fn handler_of(&self, raised: &Raised) -> Option<&'b Handler> {
        let fits = |handler: &&Handler| {
            handler.names.iter().any(|name| raised.is_handled_by(name_of(name), self.depth))
        };
        self.handlers.iter().find(fits)
    }
}

impl Script<'_> {
    /// Runs a block, and what handles its exceptions.
    pub(super) fn block(&mut self, block: &Block, depth: usize) -> Stepped<Flow> {
        stack::with_room(usize::MAX, || self.block_inside(block, depth))
    }

    /// As [`Script::block`], where there is room on the stack.
    pub(super) fn block_inside(&mut self, block: &Block, depth: usize) -> Stepped<Flow> {
        let around = Around { open: self.variables.open(), depth, handlers: &block.handlers };
        let outcome = match self.block_steps(block, around) {
            Err(raised) => self.handle(around, raised),
            outcome => outcome,
        };
        self.variables.close(around.open);
        outcome
    }

    fn block_steps(&mut self, block: &Block, around: Around<'_>) -> Stepped<Flow> {
        for declaration in &block.declarations {
            self.declare(declaration, declaration.name.span, around.open)?;
        }
        self.steps(&block.steps, around)
    }

    /// What becomes of an exception.
    fn handle(&mut self, around: Around<'_>, raised: Raised) -> Stepped<Flow> {
        let Some(handler) = around.handler_of(&raised) else { return Err(raised) };
        let open = self.variables.open();
        let number = TypedValue::integer(i64::from(raised.number));
        self.variables.declare("SQLCODE", Variable::Value(number));
        self.variables.declare("SQLERRM", Variable::Value(text(&raised.message)));
        self.variables.declare("SQLSTATE", Variable::Value(text(raised.state)));
        self.handled.push(raised);
        let inner = Around { open: self.variables.open(), handlers: &[], ..around };
        let outcome = self.steps(&handler.steps, inner);
        self.handled.pop();
        self.variables.close(open);
        outcome.map_err(|raised| raised.out_of(around.depth))
    }

    /// Runs the steps of a block until one of them leads elsewhere. Behind one that fails, also deep inside of a
    /// branch, the next one is run, when the block's handler says CONTINUE.
    fn steps(&mut self, steps: &[Step], around: Around<'_>) -> Stepped<Flow> {
        for step in steps {
            let outcome = self.step(step, around);
            match self.resumed(outcome, around)? {
                Flow::Next => {}
                flow => return Ok(flow),
            }
        }
        Ok(Flow::Next)
    }

    /// What a step leads to, or the handler of its exception, when that goes on behind it.
    fn resumed(&mut self, outcome: Stepped<Flow>, around: Around<'_>) -> Stepped<Flow> {
        match outcome {
            Err(raised) if around.handler_of(&raised).is_some_and(|h| h.resumes) => {
                self.handle(around, raised)
            }
            outcome => outcome,
        }
    }

    /// Runs the steps of a branch or a round until one of them leads elsewhere or fails; what they declare ends
    /// with them.
    fn body(&mut self, steps: &[Step], around: Around<'_>) -> Stepped<Flow> {
        let around = Around { open: self.variables.open(), ..around };
        let mut outcome = Ok(Flow::Next);
        for step in steps {
            outcome = self.step(step, around);
            if !matches!(outcome, Ok(Flow::Next)) {
                break;
            }
        }
        self.variables.close(around.open);
        outcome
    }

    fn step(&mut self, step: &Step, around: Around<'_>) -> Stepped<Flow> {
        let span = step.span;
        self.running.monitor.cancel.check().map_err(|error| Raised::fatal(&error, span))?;
        match &step.kind {
            StepKind::Let(declaration) => self.declare(declaration, span, around.open)?,
            StepKind::Assign(name, assigned) => self.assign_step(name, assigned, span)?,
            StepKind::If(branches, otherwise) => {
                for (condition, steps) in branches {
                    if self.condition(condition)? {
                        return self.body(steps, around);
                    }
                }
                return self.body(otherwise, around);
            }
            StepKind::Case(operand, branches, otherwise) => {
                return self.case(operand.as_ref(), branches, otherwise, around);
            }
            StepKind::Count { variable, reverse, from, to, body } => {
                let bounds = (self.bound(from)?, self.bound(to)?);
                return self.count((variable, *reverse), bounds, body, (span, around));
            }
            StepKind::Rows { variable, source, body } => {
                return self.rows((variable, source), body, (span, around));
            }
            StepKind::While(condition, body) => {
                while self.condition(condition)? {
                    if let Some(flow) = self.round(body, (span, around))? {
                        return Ok(flow);
                    }
                }
            }
            StepKind::Repeat(body, condition) => loop {
                if let Some(flow) = self.round(body, (span, around))? {
                    return Ok(flow);
                }
                if self.condition(condition)? {
                    break;
                }
            },
            StepKind::Loop(body) => loop {
                if let Some(flow) = self.round(body, (span, around))? {
                    return Ok(flow);
                }
            },
            StepKind::Break(label) => return Ok(Flow::Break(label.as_ref().map(owned))),
            StepKind::Continue(label) => return Ok(Flow::Continue(label.as_ref().map(owned))),
            StepKind::Return(None) => {
                return Ok(Flow::Return(Given::Value(TypedValue::null(SqlType::TEXT))));
            }
            StepKind::Return(Some(returned)) => {
                return self.returned(returned, span).map(Flow::Return);
            }
            StepKind::Open(name, values) => self.open_cursor(name, values, span)?,
            StepKind::Fetch(name, into) => self.fetch(name, into, span)?,
            StepKind::Close(name) => self.cursor(name, span)?.open = None,
            StepKind::Raise(name) => return Err(self.raise(name.as_ref(), span)),
            StepKind::Async(text) => {
                self.begin_job(text, span)?;
            }
            StepKind::Await(Some(name)) => self.await_one(name, span)?,
            StepKind::Await(None) => self.await_all(span)?,
            StepKind::Cancel(name) => self.cancel_job(name, span)?,
            StepKind::Nothing => {}
            StepKind::Block(block) => return self.block(block, around.depth + 1),
            StepKind::Sql(text) => {
                self.sql(text, span)?;
            }
        }
        Ok(Flow::Next)
    }

    /// The flow of a step behind a round of a loop; none when the loop goes on, as it does behind a round that
    /// fails, when the block's handler says CONTINUE.
    fn round(&mut self, body: &Loop, (span, around): (Span, Around<'_>)) -> Stepped<Option<Flow>> {
        // A loop without steps must end, too.
        self.running.monitor.cancel.check().map_err(|error| Raised::fatal(&error, span))?;
        let label = body.label.as_ref().map(name_of);
        let own = |wanted: &Option<String>| wanted.as_deref().is_none_or(|w| Some(w) == label);
        let outcome = self.body(&body.steps, around);
        Ok(match self.resumed(outcome, around)? {
            Flow::Next => None,
            Flow::Break(wanted) if own(&wanted) => Some(Flow::Next),
            Flow::Continue(wanted) if own(&wanted) => None,
            flow => Some(flow),
        })
    }

    fn case(
        &mut self,
        operand: Option<&Expr>,
        branches: &[(Expr, Vec<Step>)],
        otherwise: &[Step],
        around: Around<'_>,
    ) -> Stepped<Flow> {
        let operand = operand.map(|expr| self.expression(expr, expr.span)).transpose()?;
        for (when, steps) in branches {
            let holds = match &operand {
                None => self.condition(when)?,
                Some(operand) if operand.value.is_null() => false,
                Some(operand) => {
                    let value = self.typed(when, operand.sql_type, when.span)?;
                    value.value == operand.value
                }
            };
            if holds {
                return self.body(steps, around);
            }
        }
        self.body(otherwise, around)
    }

    /// A bound of a loop over whole numbers.
    fn bound(&mut self, expr: &Expr) -> Stepped<i64> {
        let span = expr.span;
        match self.typed(expr, SqlType::INTEGER, span)?.value {
            Value::Number(number) => i64::try_from(number.unscaled).map_err(|_| {
                let text = "a bound of FOR is beyond the range of whole numbers";
                Raised::expression(Error::new(ErrorCode::NumberOutOfRange, text), span)
            }),
            _ => {
                let text = "a bound of FOR is NULL";
                Err(Raised::expression(Error::new(ErrorCode::InvalidStatement, text), span))
            }
        }
    }

    fn count(
        &mut self,
        (variable, reverse): (&Identifier, bool),
        (from, to): (i64, i64),
        body: &Loop,
        place: (Span, Around<'_>),
    ) -> Stepped<Flow> {
        let mut numbers = from..=to;
        while let Some(number) = if reverse { numbers.next_back() } else { numbers.next() } {
            let number = Variable::Value(TypedValue::integer(number));
            if let Some(flow) = self.round_with((variable, number), body, place)? {
                return Ok(flow);
            }
        }
        Ok(Flow::Next)
    }

    fn rows(
        &mut self,
        (variable, source): (&Identifier, &CursorSource),
        body: &Loop,
        place: (Span, Around<'_>),
    ) -> Stepped<Flow> {
        let raised = |error| Raised::expression(error, place.0);
        let mut rows = Rows::of(self.rows_from(source, Vec::new(), place.0)?);
        while let Some(row) = rows.next_row().map_err(raised)? {
            let row = Variable::Row(Arc::clone(rows.fields()), row);
            if let Some(flow) = self.round_with((variable, row), body, place)? {
                return Ok(flow);
            }
        }
        Ok(Flow::Next)
    }

    /// A round of a loop with a variable of its own.
    fn round_with(
        &mut self,
        (name, variable): (&Identifier, Variable),
        body: &Loop,
        place: (Span, Around<'_>),
    ) -> Stepped<Option<Flow>> {
        let own = self.variables.open();
        self.variables.declare(name_of(name), variable);
        let round = self.round(body, place);
        self.variables.close(own);
        round
    }

    fn declare(&mut self, declaration: &Declaration, span: Span, open: usize) -> Stepped<()> {
        let name = name_of(&declaration.name);
        let variable = match &declaration.kind {
            DeclarationKind::Variable(Some(written), value) => {
                let sql_type = self.declared_type(written, span)?;
                Variable::Value(match value {
                    Some(value) => self.typed(value, sql_type, value.span)?,
                    None => TypedValue::null(sql_type),
                })
            }
            DeclarationKind::Variable(None, Some(value)) => {
                let value = self.expression(value, value.span)?;
                let Some(sql_type) = inferred(value.sql_type) else {
                    let text = format!(
                        " variable '{name}' cannot have its type inferred from initializer"
                    );
                    let error = Error::new(ErrorCode::TypeNotInferred, text);
                    return Err(Raised::compilation(&error, span, &self.text));
                };
                let value = self.converted(value, sql_type);
                Variable::Value(value.map_err(|error| Raised::expression(error, span))?)
            }
            DeclarationKind::Variable(None, None) => {
                let text = format!("variable '{name}' needs a type or a value");
                let error = Error::new(ErrorCode::InvalidStatement, text);
                return Err(Raised::expression(error, span));
            }
            DeclarationKind::Cursor(source) => {
                Variable::Cursor(Box::new(Cursor { source: source.clone(), open: None }))
            }
            DeclarationKind::ResultSet(text) => Variable::ResultSet(match text {
                Some(text) => self.filled(text)?,
                None => ResultSet::Empty,
            }),
            DeclarationKind::Called(written, text) => {
                let value = self.value_of(text)?;
                Variable::Value(match written {
                    Some(written) => {
                        let sql_type = self.declared_type(written, span)?;
                        let value = self.converted(value, sql_type);
                        value.map_err(|error| Raised::expression(error, span))?
                    }
                    None => value,
                })
            }
            DeclarationKind::Procedure(procedure) => {
                if self.variables.is_procedure_from(name, open) {
                    let text = format!("procedure '{name}' is declared twice in its block");
                    let error = Error::new(ErrorCode::InvalidStatement, text);
                    return Err(Raised::expression(error, span));
                }
                Variable::Procedure(Arc::new((**procedure).clone()))
            }
            DeclarationKind::Exception(number, message) => {
                let message = message.clone().unwrap_or_default();
                Variable::Exception(number.unwrap_or(NUMBER), message)
            }
        };
        self.variables.redeclare(name, variable, open);
        Ok(())
    }

    fn declared_type(&self, written: &TypeName, span: Span) -> Stepped<SqlType> {
        let sql_type = self.running.sql_type(written);
        sql_type.map_err(|error| Raised::expression(error.without_span(), span))
    }

    fn assign_step(&mut self, name: &Identifier, assigned: &Assigned, span: Span) -> Stepped<()> {
        let is_set = matches!(self.variables.find(name_of(name)), Some(Variable::ResultSet(_)));
        match (&assigned.statement, &assigned.value) {
            (Some(text), _) if is_set => {
                let set = self.filled(text)?;
                if let Some(variable) = self.variables.find_mut(name_of(name)) {
                    *variable = Variable::ResultSet(set);
                }
                Ok(())
            }
            (Some(text), None) if is_call(text.span.of(&self.text)) => {
                let value = self.value_of(text)?;
                self.assign(name, value, span)
            }
            (_, Some(expr)) => {
                let value = self.expression(expr, expr.span)?;
                self.assign(name, value, expr.span)
            }
            (_, None) => {
                let text = format!("'{name}' is no RESULTSET");
                let error = Error::new(ErrorCode::InvalidStatement, text);
                Err(Raised::expression(error, span))
            }
        }
    }

    /// Gives a variable a value, as one of its type.
    pub(super) fn assign(
        &mut self,
        name: &Identifier,
        value: TypedValue,
        span: Span,
    ) -> Stepped<()> {
        let old = match self.variables.find(name_of(name)) {
            Some(Variable::Value(old)) => old,
            Some(Variable::Cursor(_) | Variable::ResultSet(_)) => {
                let text = format!("Assignment to variable '{name}' is not permitted.");
                let error = Error::new(ErrorCode::InvalidStatement, text);
                return Err(Raised::expression(error, span));
            }
            _ => return Err(unknown(name, span)),
        };
        let converted = self.converted(value, old.sql_type);
        let converted = converted.map_err(|error| Raised::expression(error, span))?;
        if let Some(variable) = self.variables.find_mut(name_of(name)) {
            *variable = Variable::Value(converted);
        }
        Ok(())
    }

    fn cursor(&mut self, name: &Identifier, span: Span) -> Stepped<&mut Cursor> {
        match self.variables.find_mut(name_of(name)) {
            Some(Variable::Cursor(cursor)) => Ok(cursor),
            _ => Err(unknown(name, span)),
        }
    }

    fn open_cursor(&mut self, name: &Identifier, values: &[Expr], span: Span) -> Stepped<()> {
        let source = self.cursor(name, span)?.source.clone();
        let values = values.iter().map(|expr| self.expression(expr, expr.span));
        let values = values.collect::<Stepped<Vec<_>>>()?;
        let result = self.rows_from(&source, values, span)?;
        self.cursor(name, span)?.open = Some(Rows::of(result));
        Ok(())
    }

    /// The next row into variables, as many as there are of both; behind the last row they are NULL.
    fn fetch(&mut self, name: &Identifier, into: &[Identifier], span: Span) -> Stepped<()> {
        let cursor = self.cursor(name, span)?;
        let Some(rows) = &mut cursor.open else {
            let text = format!("Cursor '{name}' is not open.");
            let error = Error::new(ErrorCode::InvalidStatement, text);
            return Err(Raised::expression(error, span));
        };
        let row = rows.next_row().map_err(|error| Raised::expression(error, span))?;
        let row = row.unwrap_or_else(|| vec![Value::Null; rows.fields().len()]);
        let rows = rows.clone();
        self.assign_row(into, row, &rows, span)
    }

    fn raise(&mut self, name: Option<&Identifier>, span: Span) -> Raised {
        match name {
            Some(name) => match self.variables.find(name_of(name)) {
                Some(Variable::Exception(number, message)) => {
                    Raised::declared(name_of(name), *number, message, span)
                }
                _ => unknown(name, span),
            },
            None => self.handled.last().cloned().unwrap_or_else(|| {
                let text = "RAISE without a name may only stand in a handler";
                Raised::expression(Error::new(ErrorCode::InvalidStatement, text), span)
            }),
        }
    }
}

/// Whether a statement is a CALL.
fn is_call(sql: &str) -> bool {
    matches!(firn_parse::parse_statement(sql), Ok(Statement::Call(_)))
}

/// The type of a variable that is declared without one: the one with most room in which a value of this type fits
/// the way Snowflake chooses it, which for numbers with a fraction is FLOAT. None where it cannot be told.
fn inferred(initial: SqlType) -> Option<SqlType> {
    match initial {
        SqlType::Variant | SqlType::Null => None,
        SqlType::Number { scale: 0, .. } => Some(SqlType::INTEGER),
        SqlType::Number { .. } => Some(SqlType::Float),
        SqlType::Varchar { collation, .. } => {
            Some(SqlType::Varchar { length: limits::VARCHAR_LENGTH_MAX, collation })
        }
        other => Some(other),
    }
}

fn owned(name: &Identifier) -> String {
    name.name.clone()
}
