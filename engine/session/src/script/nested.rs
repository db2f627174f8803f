//! The procedures that a block declares: they see what was declared before them, and only the block calls them.

use std::sync::Arc;

use firn_execute::spool::own_rows;
use firn_functions::cast::{CastMode, cast_column};
use firn_parse::ast::{ArgumentValue, Call, FunctionReturns, Name, NestedProcedure, Statement};
use firn_types::{Error, ErrorCode, Field, Result, Span, SqlType, coerce};

use super::exception::Raised;
use super::variables::Variable;
use super::{Given, Script, Stepped, one_value};
use crate::lifecycle::{Answer, StatementContext};
use crate::result::StatementResult;
use crate::session_state::CALL_DEPTH_MAX;

/// A call of such a procedure.
pub(super) struct NestedCall {
    call: Call,
    name: String,
    procedure: Arc<NestedProcedure>,
    /// How many variables it sees: its own name is the last of them.
    sees: usize,
}

impl Script<'_> {
    /// The call of a procedure of the blocks that are open, if a statement is one.
    pub(super) fn nested_procedure(&self, sql: &str) -> Option<NestedCall> {
        if !self.variables.has_procedures() {
            return None;
        }
        let Ok(Statement::Call(call)) = firn_parse::parse_statement(sql) else { return None };
        let Name::Plain(path) = &call.name else { return None };
        let name = path.object().name.clone();
        let position = self.variables.position(&name).filter(|_| path.parts.len() == 1)?;
        match self.variables.at(position) {
            Some(Variable::Procedure(procedure)) => {
                let procedure = Arc::clone(procedure);
                Some(NestedCall { call: *call, name, procedure, sees: position + 1 })
            }
            _ => None,
        }
    }

    /// Runs a procedure of the block.
    pub(super) fn call_nested(
        &mut self,
        nested: &NestedCall,
        sql: &str,
        span: Span,
    ) -> Stepped<Arc<StatementResult>> {
        let raised = |error: Error| Raised::expression(error, span);
        if self.nested == CALL_DEPTH_MAX {
            let text =
                format!("Procedures call one another more than {CALL_DEPTH_MAX} levels deep");
            return Err(raised(Error::new(ErrorCode::InvalidStatement, text)));
        }
        let arguments = self.nested_arguments(nested, sql, span)?;
        let hidden = self.variables.split_off(nested.sees);
        for (name, variable) in arguments {
            self.variables.declare(&name, variable);
        }
        self.nested += 1;
        let returns = self.returns.take();
        let outcome = self.block(&nested.procedure.block, 0);
        self.returns = returns;
        self.nested -= 1;
        self.variables.close(nested.sees);
        self.variables.append(hidden);
        let given = outcome.map_err(|error| error.out_of_call(&self.text, span))?.given();
        let answer = self.nested_answer(nested, given).map_err(raised)?;
        self.kept(answer).map_err(raised)
    }

    fn nested_arguments(
        &mut self,
        nested: &NestedCall,
        sql: &str,
        span: Span,
    ) -> Stepped<Vec<(String, Variable)>> {
        let (parameters, given) = (&nested.procedure.parameters, &nested.call.arguments);
        if parameters.len() != given.len() {
            let text = format!(
                "Procedure {} takes {} argument(s), not {}",
                nested.name,
                parameters.len(),
                given.len()
            );
            let error = Error::new(ErrorCode::InvalidArgumentTypes, text);
            return Err(Raised::expression(error, span));
        }
        let mut arguments = Vec::with_capacity(given.len());
        for (parameter, argument) in parameters.iter().zip(given) {
            let (ArgumentValue::Expr(expr), None) = (&argument.value, &argument.name) else {
                let words = "arguments by name of a procedure of a block";
                return Err(Raised::expression(Error::not_supported(words), span));
            };
            let sql_type = self.running.sql_type(&parameter.data_type);
            let sql_type = sql_type.map_err(|error| Raised::expression(error.without_span(), span));
            let sql_type = sql_type?;
            let value = self.in_text(sql, |script| script.typed(expr, sql_type, span))?;
            arguments.push((parameter.name.name.clone(), Variable::Value(value)));
        }
        Ok(arguments)
    }

    /// What the call answers with: what was given, as what was declared.
    fn nested_answer(&self, nested: &NestedCall, given: Given) -> Result<Answer> {
        let running = &*self.running;
        match (given, &nested.procedure.returns) {
            (Given::Value(value), FunctionReturns::Value(declared)) => {
                let value = self.converted(value, running.sql_type(declared)?)?;
                one_value(&nested.name, &value)
            }
            (Given::Rows(rows), FunctionReturns::Table(columns)) => {
                let column = |(name, declared): &(firn_types::Identifier, _)| {
                    Ok((name.name.clone(), running.sql_type(declared)?))
                };
                let columns = columns.iter().map(column).collect::<Result<Vec<_>>>()?;
                conformed(running, rows, &columns)
            }
            (given, _) => {
                let what = if matches!(given, Given::Rows(_)) { "a TABLE" } else { "a value" };
                let text = format!("Procedure {} does not return {what}", nested.name);
                Err(Error::new(ErrorCode::ReturnType, text))
            }
        }
    }

    /// Rows as the result of a statement of the block.
    fn kept(&self, answer: Answer) -> Result<Arc<StatementResult>> {
        let spool = self.running.session.shared.results.spool();
        for batch in answer.batches {
            spool.append(own_rows(batch))?;
        }
        spool.end();
        Ok(Arc::new(StatementResult {
            query_id: self.running.query_id.0.clone(),
            fields: answer.fields,
            row_count: spool.rows(),
            spool,
            functions: Arc::new(self.running.function_context()),
        }))
    }
}

/// The rows of a procedure as the columns that it declares; as they are where it declares none.
///
/// # Errors
/// `ReturnType` when they are others; that of a cast.
pub(crate) fn conformed(
    running: &StatementContext,
    rows: Answer,
    columns: &[(String, SqlType)],
) -> Result<Answer> {
    if columns.is_empty() {
        return Ok(rows);
    }
    let fits = |(field, (_, to)): (&Field, &(String, SqlType))| {
        let from = field.sql_type;
        from.family() == to.family() || coerce::can_coerce(from, *to)
    };
    if rows.fields.len() != columns.len() || !rows.fields.iter().zip(columns).all(fits) {
        let text = "data type of returned table does not match expected returned table type";
        return Err(Error::new(ErrorCode::ReturnType, text));
    }
    if rows.fields.iter().zip(columns).all(|(field, (_, to))| field.sql_type == *to) {
        return Ok(rows);
    }
    let functions = running.function_context();
    let mut batches = Vec::with_capacity(rows.batches.len());
    for batch in &rows.batches {
        let cast = batch.columns().iter().zip(&rows.fields).zip(columns).map(
            |((column, field), (_, to))| {
                cast_column(column, field.sql_type, *to, CastMode::Strict, &functions)
            },
        );
        let cast = cast.collect::<Result<Vec<_>>>()?;
        batches.push(firn_column::Batch::new(cast, batch.rows()));
    }
    let fields = rows.fields.iter().zip(columns);
    let fields = fields.map(|(field, (_, to))| Field { sql_type: *to, ..field.clone() }).collect();
    Ok(Answer { fields, batches, affected: rows.affected })
}
