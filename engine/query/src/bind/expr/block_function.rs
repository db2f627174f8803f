//! Functions whose bodies are blocks of Snowflake Scripting: they compute, and run no SQL.

use firn_account::catalog::{Function, Returns};
use firn_functions::registry;
use firn_parse::ast::{
    Block, DeclarationKind, Expr, ExprKind, FunctionCall, LikePattern, Name, Returned, Step,
    StepKind,
};
use firn_types::{Error, ErrorCode, Result, Span};

use super::special::rewritten_functions;
use crate::bind::walk::children;

/// Whether the body of a new function is a block that functions may have.
///
/// # Errors
/// When it does not parse, or has what only procedures may have, with the place in the body.
pub(super) fn check(function: &Function) -> Result<()> {
    if let Returns::Table(_) = function.returns {
        let text = "Compilation of SQL UDF failed: a function that returns a table needs a query \
                    as its body, and no block";
        return Err(Error::new(ErrorCode::InvalidStatement, text));
    }
    block(&firn_parse::parse_block(&function.code.body)?)
}

fn block(block: &Block) -> Result<()> {
    for declaration in &block.declarations {
        declared(&declaration.kind, declaration.name.span)?;
    }
    steps(&block.steps)?;
    block.handlers.iter().try_for_each(|handler| steps(&handler.steps))
}

fn declared(kind: &DeclarationKind, span: Span) -> Result<()> {
    match kind {
        DeclarationKind::Variable(_, value) => value.iter().try_for_each(expression),
        DeclarationKind::Exception(..) => Ok(()),
        DeclarationKind::Cursor(_) => Err(statement("cursor declaration", span)),
        DeclarationKind::ResultSet(_) => Err(statement("resultset declaration", span)),
        DeclarationKind::Called(..) => Err(statement("query statement", span)),
        DeclarationKind::Procedure(_) => Err(statement("procedure declaration", span)),
    }
}

fn steps(all: &[Step]) -> Result<()> {
    all.iter().try_for_each(step)
}

fn step(step: &Step) -> Result<()> {
    let unsupported = |what: &str| Err(statement(what, step.span));
    match &step.kind {
        StepKind::Let(declaration) => declared(&declaration.kind, step.span),
        StepKind::Assign(_, assigned) => match &assigned.value {
            Some(value) => expression(value),
            None => unsupported("query statement"),
        },
        StepKind::If(branches, otherwise) => {
            branches.iter().try_for_each(branch)?;
            steps(otherwise)
        }
        StepKind::Case(operand, branches, otherwise) => {
            operand.iter().try_for_each(expression)?;
            branches.iter().try_for_each(branch)?;
            steps(otherwise)
        }
        StepKind::Count { from, to, body, .. } => {
            expression(from)?;
            expression(to)?;
            steps(&body.steps)
        }
        StepKind::While(condition, body) | StepKind::Repeat(body, condition) => {
            expression(condition)?;
            steps(&body.steps)
        }
        StepKind::Loop(body) => steps(&body.steps),
        StepKind::Return(Some(Returned::Value(value))) => expression(value),
        StepKind::Block(inner) => block(inner),
        StepKind::Break(_)
        | StepKind::Continue(_)
        | StepKind::Return(None)
        | StepKind::Raise(_)
        | StepKind::Nothing => Ok(()),
        StepKind::Sql(text) if !text.into.is_empty() => unsupported("select into statement"),
        StepKind::Sql(_) | StepKind::Async(_) | StepKind::Return(Some(_)) => {
            unsupported("query statement")
        }
        StepKind::Rows { .. } => unsupported("cursor loop"),
        StepKind::Open(..) => unsupported("open statement"),
        StepKind::Fetch(..) => unsupported("fetch statement"),
        StepKind::Close(_) => unsupported("close statement"),
        StepKind::Await(_) => unsupported("await statement"),
        StepKind::Cancel(_) => unsupported("cancel statement"),
    }
}

fn branch((condition, behind): &(Expr, Vec<Step>)) -> Result<()> {
    expression(condition)?;
    steps(behind)
}

/// An expression may call what is built in, and nothing else.
fn expression(expr: &Expr) -> Result<()> {
    let fits = match &expr.kind {
        ExprKind::Exists { .. }
        | ExprKind::Subquery(_)
        | ExprKind::InSubquery { .. }
        | ExprKind::Quantified { .. }
        | ExprKind::Like { pattern: LikePattern::Query(..), .. } => false,
        ExprKind::Function(call) => is_built_in(call),
        _ => true,
    };
    match fits {
        true => children(expr).into_iter().try_for_each(expression),
        false => {
            let text = "Unsupported expression for Snowscript UDF: the body of a function may have \
                        no query, and call no function but built-in ones";
            Err(Error::new(ErrorCode::InvalidStatement, text).at(expr.span))
        }
    }
}

fn is_built_in(call: &FunctionCall) -> bool {
    let Name::Plain(name) = &call.name else { return false };
    let called = name.object().name.to_uppercase();
    let rewritten = rewritten_functions().any(|function| function.name == called);
    name.parts.len() == 1 && (rewritten || registry::find(&called).is_some())
}

fn statement(what: &str, span: Span) -> Error {
    let text = format!("Unsupported statement type for Snowscript UDF: {what}");
    Error::new(ErrorCode::InvalidStatement, text).at(span)
}
