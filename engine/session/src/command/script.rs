//! Blocks, EXECUTE IMMEDIATE and CALL: statements that run others.

use std::sync::Arc;

use firn_account::catalog::{Action, Object, ObjectPath, Procedure, Returns};
use firn_parse::ast::{
    Block, Call, ExecuteImmediate, Expr, ExprKind, FunctionCall, Name, Statement,
};
use firn_parse::split::split_script;
use firn_query::bind::{Binds, TypedValue};
use firn_types::{Error, ErrorCode, Language, Result, Span, SqlType};

use super::{foreign_procedure, stage_files};
use crate::lifecycle::{Answer, StatementContext};
use crate::result::Rows;
use crate::script::{Given, Script, one_value};
use crate::session_state::SessionHome;

/// How the names of system functions begin, which CALL calls like procedures.
const SYSTEM: &str = "SYSTEM$";
/// The column of a block's value.
const BLOCK: &str = "anonymous block";
/// Bytes of a file whose statements are run.
const FILE_BYTES_MAX: u64 = 10 << 20;
/// Procedures that may call one another, one inside the other.
const CALL_DEPTH_MAX: usize = 64;

/// Runs a statement that runs others.
///
/// # Errors
/// An exception that nothing handles; what is wrong with the statement itself.
pub(crate) fn run(running: &mut StatementContext, statement: &Statement) -> Result<Answer> {
    match statement {
        Statement::Block(block) => anonymous(running, block),
        Statement::Pipe(parts) => pipe(running, parts),
        Statement::ExecuteImmediate(ast) => immediate(running, ast),
        Statement::Call(ast) => call(running, ast),
        _ => Err(Error::internal("a statement that runs no others")),
    }
}

fn anonymous(running: &mut StatementContext, block: &Block) -> Result<Answer> {
    let (home, text) = (Arc::clone(running.home()), Arc::clone(&running.sql));
    match Script::new(running, home, text).run(block)? {
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
        ExecuteImmediate::File(location) => {
            let text = stage_files::read_text(running, location, FILE_BYTES_MAX)?;
            let mut last = Answer::of(&Rows::done())?;
            for piece in split_script(&text) {
                last = run_text(running, piece.text, Binds::default())?;
            }
            Ok(last)
        }
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

fn run_text(running: &mut StatementContext, sql: &str, binds: Binds) -> Result<Answer> {
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
    let ran = inner
        .run_inside()
        .map_err(|failure| Error::raised(failure.code, failure.number, failure.message))?;
    running.session_of(home);
    running.record.details().counts = ran.counts;
    let batches = ran.result.batches().collect::<Result<Vec<_>>>()?;
    let answer = Answer { fields: ran.result.fields.clone(), batches, affected: None };
    Ok((answer, ran.result.query_id.clone()))
}

/// CALL of a function that is no procedure, such as SYSTEM$WAIT.
fn call_system_function(running: &mut StatementContext, ast: &Call, name: &str) -> Result<Answer> {
    let call = FunctionCall {
        name: ast.name.clone(),
        arguments: ast.arguments.clone(),
        distinct: false,
        within_group: Vec::new(),
        nulls: None,
        over: None,
    };
    let expr = Expr { kind: ExprKind::Function(Box::new(call)), span: ast.span };
    let (home, text) = (Arc::clone(running.home()), Arc::clone(&running.sql));
    let value = Script::new(running, home, text).evaluated(&expr)?;
    one_value(name, &value)
}

fn call(running: &mut StatementContext, ast: &Call) -> Result<Answer> {
    if let Name::Plain(name) = &ast.name
        && name.parts.len() == 1
        && name.object().name.starts_with(SYSTEM)
    {
        return call_system_function(running, ast, &name.object().name);
    }
    let functions = running.function_context();
    let (procedure, path, arguments) =
        running.with_binder(&functions, |binder| binder.bind_call_of(ast, &running.sql))?;
    running.catalog().authorize(Action::Use, &Object::Procedure(Arc::clone(&procedure)))?;
    let strict = procedure.traits.strict && arguments.iter().any(|value| value.value.is_null());
    let given = match strict {
        true => Given::Value(TypedValue::null(SqlType::TEXT)),
        false => run_procedure(running, &procedure, path, arguments)?,
    };
    match (given, &procedure.returns) {
        (Given::Rows(answer), Returns::Table(_)) => Ok(answer),
        (Given::Value(value), Returns::Value(declared)) => {
            one_value(procedure.called(), &running.converted(value, *declared)?)
        }
        (Given::Rows(_), Returns::Value(declared)) => {
            let text = format!(
                "Declared return type '{declared}' is incompatible with actual return type 'TABLE'"
            );
            Err(Error::new(ErrorCode::ReturnType, text))
        }
        (Given::Value(_), Returns::Table(_)) => {
            let text = format!("Procedure {} must return a TABLE", procedure.called());
            Err(Error::new(ErrorCode::ReturnType, text))
        }
    }
}

/// Runs a procedure's body: with its owner's rights in its own schema, or as the caller.
fn run_procedure(
    running: &mut StatementContext,
    procedure: &Procedure,
    path: ObjectPath,
    arguments: Vec<TypedValue>,
) -> Result<Given> {
    let mut session = running.session.clone();
    session.call_depth += 1;
    if session.call_depth > CALL_DEPTH_MAX {
        let text = format!("Procedures call one another more than {CALL_DEPTH_MAX} levels deep");
        return Err(Error::new(ErrorCode::InvalidStatement, text));
    }
    let home = match procedure.as_caller {
        true => {
            running.home().change(|session| session.call_depth += 1);
            Arc::clone(running.home())
        }
        false => {
            session.role = procedure.header.owner;
            session.secondary_roles = false;
            session.variables = Arc::default();
            session.path.database = Some(path.database);
            session.path.schema = Some(path.schema);
            Arc::new(SessionHome::inside(session))
        }
    };
    let outcome = run_body(running, &home, procedure, arguments);
    if procedure.as_caller {
        running.home().change(|session| session.call_depth -= 1);
    }
    outcome
}

fn run_body(
    running: &mut StatementContext,
    home: &Arc<SessionHome>,
    procedure: &Procedure,
    arguments: Vec<TypedValue>,
) -> Result<Given> {
    // Expressions of the body see what its statements see.
    let own = std::mem::replace(&mut running.session, home.state());
    let outcome = match procedure.code.language {
        Language::Sql => run_block(running, home, procedure, arguments),
        Language::JavaScript => {
            foreign_procedure::run_javascript(running, home, procedure, arguments).map(Given::Value)
        }
        Language::Python => foreign_procedure::run_python(running, home, procedure, arguments),
    };
    running.session = match procedure.as_caller {
        true => home.state(),
        false => own,
    };
    outcome
}

fn run_block(
    running: &mut StatementContext,
    home: &Arc<SessionHome>,
    procedure: &Procedure,
    arguments: Vec<TypedValue>,
) -> Result<Given> {
    let block = firn_parse::parse_block(&procedure.code.body)?;
    let mut script = Script::new(running, Arc::clone(home), procedure.code.body.as_str().into());
    for (parameter, value) in procedure.parameters.iter().zip(arguments) {
        script = script.with_variable(&parameter.name, value);
    }
    script.run(&block)
}
