//! Blocks and EXECUTE IMMEDIATE: statements that run others.

use std::sync::Arc;

use firn_parse::ast::{Block, ExecuteImmediate, ShowKind, ShowScope, Statement};
use firn_query::bind::{Binds, TypedValue};
use firn_types::{Error, Language, Result, Span};

use super::{call, script_file};
use crate::lifecycle::{Answer, StatementContext};
use crate::result::Rows;
use crate::script::{Given, Script, one_value};
use crate::session_state::SessionHome;

/// The column of a block's value.
const BLOCK: &str = "anonymous block";

/// Runs a statement that runs others.
///
/// # Errors
/// An exception that nothing handles; what is wrong with the statement itself.
pub(crate) fn run(running: &mut StatementContext, statement: &Statement) -> Result<Answer> {
    match statement {
        Statement::Block(block) => anonymous(running, block),
        Statement::Pipe(parts) => pipe(running, parts),
        Statement::ExecuteImmediate(ast) => immediate(running, ast),
        Statement::Call(ast) => call::run(running, ast),
        _ => Err(Error::internal("a statement that runs no others")),
    }
}

fn anonymous(running: &mut StatementContext, block: &Block) -> Result<Answer> {
    let (home, text) = (Arc::clone(running.home()), Arc::clone(&running.sql));
    match Script::new(running, home, text).run(block, &[])?.0 {
        Given::Rows(answer) => Ok(answer),
        Given::Value(value) => one_value(BLOCK, &value),
    }
}

/// Runs the statement that a text holds, or the statements of a file, one after the other: the answer is the
/// last one's.
fn immediate(running: &mut StatementContext, ast: &ExecuteImmediate) -> Result<Answer> {
    let (home, text) = (Arc::clone(running.home()), Arc::clone(&running.sql));
    match ast {
        ExecuteImmediate::Text(expr, using) => {
            let script = Script::new(running, home, text);
            let (sql, positional) = script.made(expr, using)?;
            run_text(running, &sql, Binds { positional, ..Binds::default() })
        }
        ExecuteImmediate::File(file) => script_file::run(running, file),
    }
}

/// Runs piped statements one after the other; `$n` in one is the result of the n-th before it. The answer is the
/// last one's.
fn pipe(running: &mut StatementContext, parts: &[Span]) -> Result<Answer> {
    let text = Arc::clone(&running.sql);
    let mut ids: Vec<String> = Vec::with_capacity(parts.len());
    let mut last = Answer::of(&Rows::done())?;
    for part in parts {
        let mut binds = running.placeholders.binds_from(part.start);
        for (back, id) in (1..).zip(ids.iter().rev()) {
            binds.named.push((format!("${back}"), TypedValue::text(id)));
        }
        let home = Arc::clone(running.home());
        let (answer, id) = run_one(running, &home, part.of(&text), binds)?;
        ids.push(id);
        last = answer;
    }
    Ok(last)
}

pub(super) fn run_text(running: &mut StatementContext, sql: &str, binds: Binds) -> Result<Answer> {
    let home = Arc::clone(running.home());
    run_one(running, &home, sql, binds).map(|(answer, _)| answer)
}

/// Runs a statement inside of this one, in a session; gives its answer, and the id by which its result is found.
pub(super) fn run_one(
    running: &mut StatementContext,
    home: &Arc<SessionHome>,
    sql: &str,
    binds: Binds,
) -> Result<(Answer, String)> {
    let inner = StatementContext::inner(home, sql, binds, &running.monitor.cancel);
    let ran = inner.run_inside().map_err(|failure| failure.raised())?;
    running.session_of(home);
    running.record.details().counts = ran.counts;
    let batches = ran.result.batches().collect::<Result<Vec<_>>>()?;
    let answer = Answer { fields: ran.result.fields.clone(), batches, affected: None };
    Ok((answer, ran.result.query_id.clone()))
}

/// Whether a statement may be run where nothing may be changed: what runs others is asked for each of them.
pub(crate) fn only_reads(statement: &Statement) -> bool {
    matches!(
        statement,
        Statement::Query(_)
            | Statement::UsingPolicyContext(_)
            | Statement::Show(_)
            | Statement::Describe(_)
            | Statement::Explain(_)
            | Statement::Call(_)
            | Statement::Block(_)
            | Statement::Pipe(_)
            | Statement::ExecuteImmediate(_)
    )
}

/// Whether a statement tells of the session that a procedure was called in, or changes it, which a procedure with
/// its owner's rights may not do. LIST is open to those in languages whose code brings its own access to files.
pub(crate) fn is_the_callers(statement: &Statement, language: Language) -> bool {
    match statement {
        Statement::Use(_)
        | Statement::SetVariables(_)
        | Statement::UnsetVariables(_)
        | Statement::AlterSessionSet(_)
        | Statement::AlterSessionUnset(_) => true,
        Statement::List(_) => language != Language::Python,
        Statement::Show(show) => match &show.kind {
            ShowKind::Variables | ShowKind::Transactions | ShowKind::Locks | ShowKind::Grants => {
                true
            }
            ShowKind::Parameters => matches!(show.scope, None | Some(ShowScope::Session)),
            _ => false,
        },
        _ => false,
    }
}
