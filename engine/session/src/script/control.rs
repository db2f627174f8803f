//! Steps: what is done next.

use std::sync::Arc;

use firn_parse::ast::{
    Assigned, Block, CursorSource, Declaration, DeclarationKind, Expr, Handler, Loop, Step,
    StepKind,
};
use firn_query::bind::TypedValue;
use firn_types::{Error, ErrorCode, Identifier, Span, SqlType, Value, stack};

use super::cursor::{Cursor, Rows};
use super::exception::{NUMBER, Raised};
use super::sql::unknown;
use super::{Flow, Given, Script, Stepped, Variable, name_of, text};

impl Script<'_> {
    /// Runs a block, and what handles its exceptions.
    pub(super) fn block(&mut self, block: &Block) -> Stepped<Flow> {
        let open = self.variables.open();
        let outcome = stack::with_room(usize::MAX, || self.block_steps(block, open));
        self.variables.close(open);
        outcome
    }

    fn block_steps(&mut self, block: &Block, open: usize) -> Stepped<Flow> {
        for declaration in &block.declarations {
            let span = declaration.name.span;
            if let Err(raised) = self.declare(declaration, span, open) {
                return self.handle(&block.handlers, raised).map(|(flow, _)| flow);
            }
        }
        let mut from = 0;
        loop {
            match self.steps_from(&block.steps, &mut from, open) {
                Ok(flow) => return Ok(flow),
                Err(raised) => {
                    let (flow, resumes) = self.handle(&block.handlers, raised)?;
                    if !resumes || !matches!(flow, Flow::Next) {
                        return Ok(flow);
                    }
                    from += 1;
                }
            }
        }
    }

    /// What becomes of an exception, and whether the block goes on behind the step that raised it.
    fn handle(&mut self, handlers: &[Handler], raised: Raised) -> Stepped<(Flow, bool)> {
        let fits = |handler: &&Handler| {
            handler.names.iter().any(|name| raised.is_handled_by(name_of(name)))
        };
        let Some(handler) = handlers.iter().find(fits) else { return Err(raised) };
        let open = self.variables.open();
        let number = TypedValue::integer(i64::from(raised.number));
        self.variables.declare("SQLCODE", Variable::Value(number));
        self.variables.declare("SQLERRM", Variable::Value(text(&raised.message)));
        self.variables.declare("SQLSTATE", Variable::Value(text(raised.state)));
        self.handled.push(raised);
        let inner = self.variables.open();
        let outcome = self.steps(&handler.steps, inner);
        self.handled.pop();
        self.variables.close(open);
        outcome.map(|flow| (flow, handler.resumes))
    }

    /// Runs steps until one of them leads elsewhere. `open` is where the block's variables begin.
    fn steps(&mut self, steps: &[Step], open: usize) -> Stepped<Flow> {
        self.steps_from(steps, &mut 0, open)
    }

    fn steps_from(&mut self, steps: &[Step], from: &mut usize, open: usize) -> Stepped<Flow> {
        while let Some(step) = steps.get(*from) {
            match self.step(step, open)? {
                Flow::Next => *from += 1,
                flow => return Ok(flow),
            }
        }
        Ok(Flow::Next)
    }

    fn step(&mut self, step: &Step, open: usize) -> Stepped<Flow> {
        let span = step.span;
        self.running.monitor.cancel.check().map_err(|error| Raised::fatal(&error, span))?;
        match &step.kind {
            StepKind::Let(declaration) => self.declare(declaration, span, open)?,
            StepKind::Assign(name, assigned) => self.assign_step(name, assigned, span)?,
            StepKind::If(branches, otherwise) => {
                for (condition, steps) in branches {
                    if self.condition(condition, span)? {
                        return self.steps(steps, open);
                    }
                }
                return self.steps(otherwise, open);
            }
            StepKind::Case(operand, branches, otherwise) => {
                return self.case(operand.as_ref(), branches, otherwise, (span, open));
            }
            StepKind::Count { variable, reverse, from, to, body } => {
                let bounds = (self.bound(from, span)?, self.bound(to, span)?);
                return self.count((variable, *reverse), bounds, body, open);
            }
            StepKind::Rows { variable, source, body } => {
                return self.rows((variable, source), body, span, open);
            }
            StepKind::While(condition, body) => {
                while self.condition(condition, span)? {
                    if let Some(flow) = self.round(body, open)? {
                        return Ok(flow);
                    }
                }
            }
            StepKind::Repeat(body, condition) => loop {
                if let Some(flow) = self.round(body, open)? {
                    return Ok(flow);
                }
                if self.condition(condition, span)? {
                    break;
                }
            },
            StepKind::Loop(body) => loop {
                self.running.monitor.cancel.check().map_err(|e| Raised::fatal(&e, span))?;
                if let Some(flow) = self.round(body, open)? {
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
            // What is asynchronous has run when it was started.
            StepKind::Await(name) => {
                self.rows_of(name, span)?;
            }
            StepKind::Nothing => {}
            StepKind::Block(block) => return self.block(block),
            StepKind::Sql(text) => {
                self.sql(text, span)?;
            }
        }
        Ok(Flow::Next)
    }

    /// The flow of a step behind a round of a loop; none when the loop goes on.
    fn round(&mut self, body: &Loop, open: usize) -> Stepped<Option<Flow>> {
        let label = body.label.as_ref().map(name_of);
        let own = |wanted: &Option<String>| wanted.as_deref().is_none_or(|w| Some(w) == label);
        Ok(match self.steps(&body.steps, open)? {
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
        (span, open): (Span, usize),
    ) -> Stepped<Flow> {
        let operand = operand.map(|expr| self.expression(expr, span)).transpose()?;
        for (when, steps) in branches {
            let holds = match &operand {
                None => self.condition(when, span)?,
                Some(operand) if operand.value.is_null() => false,
                Some(operand) => {
                    let value = self.typed(when, operand.sql_type, span)?;
                    value.value == operand.value
                }
            };
            if holds {
                return self.steps(steps, open);
            }
        }
        self.steps(otherwise, open)
    }

    /// A bound of a loop over whole numbers.
    fn bound(&mut self, expr: &Expr, span: Span) -> Stepped<i64> {
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
        open: usize,
    ) -> Stepped<Flow> {
        let mut next = if reverse { to } else { from };
        while (from..=to).contains(&next) {
            let number = Variable::Value(TypedValue::integer(next));
            let own = self.variables.open();
            self.variables.declare(name_of(variable), number);
            let round = self.round(body, open);
            self.variables.forget(own);
            if let Some(flow) = round? {
                return Ok(flow);
            }
            next = match reverse {
                true => next.saturating_sub(1),
                false => next.saturating_add(1),
            };
            if next == i64::MAX || next == i64::MIN {
                break;
            }
        }
        Ok(Flow::Next)
    }

    fn rows(
        &mut self,
        (variable, source): (&Identifier, &CursorSource),
        body: &Loop,
        span: Span,
        open: usize,
    ) -> Stepped<Flow> {
        let result = self.rows_from(source, Vec::new(), span)?;
        let mut rows = Rows::of(result);
        while let Some(row) = rows.next_row().map_err(|error| Raised::expression(error, span))? {
            let row = Variable::Row(Arc::clone(rows.fields()), row);
            let own = self.variables.open();
            self.variables.declare(name_of(variable), row);
            let round = self.round(body, open);
            self.variables.forget(own);
            if let Some(flow) = round? {
                return Ok(flow);
            }
        }
        Ok(Flow::Next)
    }

    fn declare(&mut self, declaration: &Declaration, span: Span, open: usize) -> Stepped<()> {
        let name = name_of(&declaration.name);
        let variable = match &declaration.kind {
            DeclarationKind::Variable(Some(written), value) => {
                let sql_type = self.running.sql_type(written);
                let sql_type =
                    sql_type.map_err(|error| Raised::expression(error.without_span(), span))?;
                Variable::Value(match value {
                    Some(value) => self.typed(value, sql_type, span)?,
                    None => TypedValue::null(sql_type),
                })
            }
            DeclarationKind::Variable(None, Some(value)) => {
                let value = self.expression(value, span)?;
                if matches!(value.sql_type, SqlType::Variant | SqlType::Null) {
                    let text =
                        format!("variable '{name}' cannot have its type inferred from initializer");
                    let error = Error::new(ErrorCode::TypeNotInferred, text);
                    return Err(Raised::expression(error, span));
                }
                Variable::Value(value)
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
                Some(text) => Some(self.run_sql(text, Vec::new(), span)?),
                None => None,
            }),
            DeclarationKind::Exception(number, message) => {
                let message = message.clone().unwrap_or_default();
                Variable::Exception(number.unwrap_or(NUMBER), message)
            }
        };
        self.variables.redeclare(name, variable, open);
        Ok(())
    }

    fn assign_step(&mut self, name: &Identifier, assigned: &Assigned, span: Span) -> Stepped<()> {
        let is_set = matches!(self.variables.find(name_of(name)), Some(Variable::ResultSet(_)));
        match (&assigned.statement, &assigned.value) {
            (Some(text), _) if is_set => {
                let result = self.run_sql(text, Vec::new(), span)?;
                if let Some(variable) = self.variables.find_mut(name_of(name)) {
                    *variable = Variable::ResultSet(Some(result));
                }
                Ok(())
            }
            (_, Some(value)) => {
                let value = self.expression(value, span)?;
                self.assign(name, value, span)
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
        let Some(Variable::Value(old)) = self.variables.find(name_of(name)) else {
            return Err(unknown(name, span));
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
        let values = values.iter().map(|expr| self.expression(expr, span));
        let values = values.collect::<Stepped<Vec<_>>>()?;
        let result = self.rows_from(&source, values, span)?;
        self.cursor(name, span)?.open = Some(Rows::of(result));
        Ok(())
    }

    /// The next row into variables; behind the last row they are NULL.
    fn fetch(&mut self, name: &Identifier, into: &[Identifier], span: Span) -> Stepped<()> {
        let cursor = self.cursor(name, span)?;
        let Some(rows) = &mut cursor.open else {
            let text = format!("Cursor '{name}' is not open.");
            let error = Error::new(ErrorCode::InvalidStatement, text);
            return Err(Raised::expression(error, span));
        };
        let row = rows.next_row().map_err(|error| Raised::expression(error, span))?;
        let row = row.unwrap_or_else(|| vec![Value::Null; rows.fields().len()]);
        if row.len() != into.len() {
            let text =
                format!("FETCH names {} variable(s) for {} column(s)", into.len(), row.len());
            let error = Error::new(ErrorCode::InvalidStatement, text);
            return Err(Raised::expression(error, span));
        }
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

fn owned(name: &Identifier) -> String {
    name.name.clone()
}
