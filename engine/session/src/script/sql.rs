//! SQL statements of a block: each is a statement of its own.

use std::sync::Arc;

use firn_parse::ast::{CursorSource, ExecuteImmediate, Expr, SqlText, Statement};
use firn_parse::split::split_script;
use firn_query::bind::{Binds, TypedValue};
use firn_types::{Error, ErrorCode, Identifier, Result, Span, SqlType, Value};

use super::cursor::Rows;
use super::exception::Raised;
use super::variables::ResultSet;
use super::{Script, Stepped, Variable, job, name_of};
use crate::lifecycle::{Answer, RanInside, StatementContext};
use crate::result::StatementResult;

/// How the names of the system's functions begin, which are called like procedures.
pub(crate) const SYSTEM: &str = "SYSTEM$";

/// All rows of a result.
///
/// # Errors
/// `Storage` when rows on disk cannot be read.
pub(super) fn answer(result: &StatementResult) -> Result<Answer> {
    let batches = result.batches().collect::<Result<Vec<_>>>()?;
    Ok(Answer { fields: result.fields.clone(), batches, affected: None })
}

impl Script<'_> {
    /// Runs a statement of the block, and puts its only row where INTO says.
    pub(super) fn sql(&mut self, text: &SqlText, span: Span) -> Stepped<Arc<StatementResult>> {
        let result = self.run_sql(text, Vec::new(), span)?;
        if !text.into.is_empty() {
            self.put_into(&result, &text.into, span)?;
        }
        Ok(result)
    }

    /// Runs a statement of the block with values for its `?`.
    pub(super) fn run_sql(
        &mut self,
        text: &SqlText,
        positional: Vec<TypedValue>,
        span: Span,
    ) -> Stepped<Arc<StatementResult>> {
        let sql = without_into(text.span.of(&self.text), text);
        if let Some(call) = self.nested_procedure(&sql) {
            return self.call_nested(&call, &sql, span);
        }
        let (sql, positional) = self.prepared(sql, positional, span)?;
        self.start(&sql, positional, span)
    }

    /// The only value of a statement's first row; NULL when there is none.
    pub(super) fn value_of(&mut self, text: &SqlText) -> Stepped<TypedValue> {
        let span = text.span;
        let result = self.run_sql(text, Vec::new(), span)?;
        let mut rows = Rows::of(result);
        let row = rows.next_row().map_err(|error| Raised::expression(error, span))?;
        let value = row.and_then(|row| row.into_iter().next());
        let sql_type = rows.fields().first().map_or(SqlType::TEXT, |field| field.sql_type);
        Ok(TypedValue { value: value.unwrap_or(Value::Null), sql_type })
    }

    /// The text of a statement that is to run, and the values of its `?`: for EXECUTE IMMEDIATE, which may have
    /// variables for both, those of the statement that it makes.
    pub(super) fn prepared(
        &mut self,
        sql: String,
        positional: Vec<TypedValue>,
        span: Span,
    ) -> Stepped<(String, Vec<TypedValue>)> {
        // Functions of the system are called without CALL, too.
        if sql.get(..SYSTEM.len()).is_some_and(|first| first.eq_ignore_ascii_case(SYSTEM)) {
            return Ok((format!("CALL {sql}"), positional));
        }
        let immediate = ["execute", "immediate"]
            .iter()
            .zip(sql.split_whitespace())
            .all(|(word, written)| written.eq_ignore_ascii_case(word));
        if !immediate {
            return Ok((sql, positional));
        }
        let parsed = firn_parse::parse_statement(&sql);
        let parsed = parsed.map_err(|error| Raised::expression(error.without_span(), span))?;
        let Statement::ExecuteImmediate(ast) = parsed else {
            let error = Error::internal("EXECUTE IMMEDIATE that is something else");
            return Err(Raised::expression(error, span));
        };
        match ast.as_ref() {
            ExecuteImmediate::Text(text, using) => self.immediate((text, using), &sql, span),
            ExecuteImmediate::File(_) => Ok((sql, Vec::new())),
        }
    }

    /// The text of a statement that is made, and the values of its `?`. Places are in `sql`.
    pub(super) fn immediate(
        &mut self,
        (text, using): (&Expr, &[Expr]),
        sql: &str,
        span: Span,
    ) -> Stepped<(String, Vec<TypedValue>)> {
        let (text, values) =
            self.in_text(sql, |script| script.immediate_values(text, using, span))?;
        match text.value {
            Value::Text(text) => {
                one_statement(&text).map_err(|error| Raised::of_statement(error, span))?;
                Ok((text.to_string(), values))
            }
            _ => {
                let text = "EXECUTE IMMEDIATE needs the text of a statement";
                let error = Error::new(ErrorCode::InvalidParameterType, text);
                Err(Raised::expression(error, span))
            }
        }
    }

    /// Does something with expressions whose places are in another text.
    pub(super) fn in_text<T>(&mut self, sql: &str, work: impl FnOnce(&mut Self) -> T) -> T {
        let own = std::mem::replace(&mut self.text, sql.into());
        let known = std::mem::take(&mut self.known);
        let done = work(self);
        (self.text, self.known) = (own, known);
        done
    }

    fn immediate_values(
        &mut self,
        text: &Expr,
        using: &[Expr],
        span: Span,
    ) -> Stepped<(TypedValue, Vec<TypedValue>)> {
        let text = self.expression(text, span)?;
        let values = using.iter().map(|expr| self.expression(expr, span));
        Ok((text, values.collect::<Stepped<_>>()?))
    }

    /// Runs a statement to its end, with the variables as its named values.
    fn start(
        &mut self,
        sql: &str,
        positional: Vec<TypedValue>,
        span: Span,
    ) -> Stepped<Arc<StatementResult>> {
        let cancel = &self.running.monitor.cancel;
        cancel.check().map_err(|error| Raised::fatal(&error, span))?;
        let binds = Binds { positional, named: self.variables.binds(), ..Binds::default() };
        let context = StatementContext::inner(&self.home, sql, binds, cancel);
        let outcome = context.run_inside();
        self.running.session_of(&self.home);
        match outcome {
            Ok(ran) => {
                self.note(&ran);
                self.variables.set_fact("SQLID", Value::text(ran.result.query_id.as_str()));
                self.assign_outputs(ran.outputs, span)?;
                Ok(Arc::new(ran.result))
            }
            Err(failure) => Err(Raised::statement(&failure, span)),
        }
    }

    /// Gives variables the values that a procedure's OUT arguments have for them.
    pub(super) fn assign_outputs(
        &mut self,
        outputs: Vec<(String, TypedValue)>,
        span: Span,
    ) -> Stepped<()> {
        outputs
            .into_iter()
            .try_for_each(|(name, value)| self.assign(&Identifier::folded(&name), value, span))
    }

    /// Notes how many rows a statement has changed or given.
    pub(super) fn note(&mut self, ran: &RanInside) {
        let changed = ran.counts.iter().map(|(_, count)| *count).sum::<u64>();
        let is_dml = !ran.counts.is_empty();
        let found = |is: bool| match is_dml {
            true => Value::Boolean(is),
            false => Value::Null,
        };
        let number = |count: u64| Value::integer(i64::try_from(count).unwrap_or(i64::MAX));
        let count = if is_dml { number(changed) } else { Value::Null };
        self.variables.set_fact("SQLROWCOUNT", count);
        self.variables.set_fact("SQLFOUND", found(changed > 0));
        self.variables.set_fact("SQLNOTFOUND", found(changed == 0));
        let activity = if is_dml { changed } else { ran.result.row_count };
        self.variables.set_fact("ACTIVITY_COUNT", number(activity));
    }

    /// Puts the only row of a result into variables; they are NULL when there is none.
    fn put_into(
        &mut self,
        result: &Arc<StatementResult>,
        into: &[Identifier],
        span: Span,
    ) -> Stepped<()> {
        if result.fields.len() != into.len() {
            let text = format!(
                "INTO names {} variable(s), but the statement gives {} column(s)",
                into.len(),
                result.fields.len()
            );
            let error = Error::new(ErrorCode::InvalidStatement, text);
            return Err(Raised::expression(error, span));
        }
        if result.rows() > 1 {
            let text = format!(
                "A SELECT INTO statement expects exactly 1 returned row, but got {}.",
                result.rows()
            );
            let mut raised = Raised::expression(Error::new(ErrorCode::InvalidStatement, ""), span);
            raised.name = super::exception::STATEMENT_ERROR.to_string();
            raised.message = text;
            return Err(raised);
        }
        let mut rows = Rows::of(Arc::clone(result));
        let row = rows.next_row().map_err(|error| Raised::expression(error, span))?;
        let row = row.unwrap_or_else(|| vec![Value::Null; into.len()]);
        self.assign_row(into, row, &rows, span)
    }

    /// Gives variables the values of a row.
    pub(super) fn assign_row(
        &mut self,
        into: &[Identifier],
        row: Vec<Value>,
        rows: &Rows,
        span: Span,
    ) -> Stepped<()> {
        for ((name, value), field) in into.iter().zip(row).zip(rows.fields().iter()) {
            let value = TypedValue { value, sql_type: field.sql_type };
            self.assign(name, value, span)?;
        }
        Ok(())
    }

    /// The result that a RESULTSET or a cursor has.
    pub(super) fn rows_of(
        &mut self,
        name: &Identifier,
        span: Span,
    ) -> Stepped<Arc<StatementResult>> {
        let source = match self.variables.find(name_of(name)) {
            Some(Variable::ResultSet(ResultSet::Rows(result))) => return Ok(Arc::clone(result)),
            Some(Variable::ResultSet(ResultSet::Job(job))) => {
                let result = job.result().ok_or_else(|| job::not_awaited(name, span));
                return result.map(Arc::clone);
            }
            Some(Variable::Cursor(cursor)) => match &cursor.open {
                Some(rows) => return Ok(Arc::clone(&rows.result)),
                None => cursor.source.clone(),
            },
            Some(Variable::ResultSet(ResultSet::Empty)) => {
                let text = format!("RESULTSET '{name}' has no rows: nothing was assigned to it");
                let error = Error::new(ErrorCode::InvalidStatement, text);
                return Err(Raised::expression(error, span));
            }
            _ => return Err(unknown(name, span)),
        };
        self.rows_from(&source, Vec::new(), span)
    }

    /// The result that a cursor goes through.
    pub(super) fn rows_from(
        &mut self,
        source: &CursorSource,
        values: Vec<TypedValue>,
        span: Span,
    ) -> Stepped<Arc<StatementResult>> {
        match source {
            CursorSource::Query(text) => self.run_sql(text, values, span),
            CursorSource::ResultSet(name) => self.rows_of(name, span),
        }
    }
}

/// The error of a name that nothing has.
pub(super) fn unknown(name: &Identifier, span: Span) -> Raised {
    let error = Error::new(ErrorCode::InvalidIdentifier, format!("invalid identifier '{name}'"));
    Raised::expression(error, span)
}

/// Looks whether a text is no more than one statement.
///
/// # Errors
/// `StatementCount` for several; a syntax error when one of them does not parse.
fn one_statement(text: &str) -> Result<()> {
    let pieces = split_script(text);
    if pieces.len() < 2 {
        return Ok(());
    }
    for piece in &pieces {
        let start = piece.span.start as usize;
        firn_parse::parse_statement(piece.text).map_err(|error| {
            Error::raised(error.code(), error.number(), error.shifted(start).render(text))
        })?;
    }
    let text = format!(
        "Actual statement count {} did not match the desired statement count 1.",
        pieces.len()
    );
    Err(Error::new(ErrorCode::StatementCount, text))
}

/// The statement with blanks in the place of INTO, so that other places stay.
fn without_into(sql: &str, text: &SqlText) -> String {
    let Some(into) = text.into_span else { return sql.to_string() };
    let start = (into.start - text.span.start) as usize;
    let end = (into.end - text.span.start) as usize;
    let blanks = " ".repeat(end - start);
    format!("{}{blanks}{}", &sql[..start], &sql[end..])
}
