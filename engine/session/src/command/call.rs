//! CALL: procedures run, stored ones and those that the statement brings with it.

use std::sync::Arc;

use firn_account::catalog::{
    ACCOUNT, Action, CatalogChange, Object, ObjectPath, Parameter, Procedure, Returns, signature,
};
use firn_parse::ast::{
    ArgumentValue, Bind, Call, CreateRoutine, Expr, ExprKind, FunctionCall, Name,
};
use firn_query::bind::{Procedures, TypedValue};
use firn_types::{Error, ErrorCode, Language, ObjectId, Result, SqlType};

use super::function::parameters;
use super::{foreign_procedure, procedure};
use crate::lifecycle::{Answer, StatementContext};
use crate::script::{Given, SYSTEM, Script, conformed, one_value};
use crate::session_state::{CALL_DEPTH_MAX, SessionHome, SessionState};
use crate::transaction_slot::TransactionSlot;

/// Runs a procedure.
///
/// # Errors
/// When there is none that takes the arguments; what its body raises.
pub(super) fn run(running: &mut StatementContext, ast: &Call) -> Result<Answer> {
    if let Name::Plain(name) = &ast.name
        && name.parts.len() == 1
        && name.object().name.starts_with(SYSTEM)
    {
        return call_system_function(running, ast, &name.object().name);
    }
    let functions = running.function_context();
    let procedures = match &ast.procedure {
        Some(written) => brought(running, written, ast)?,
        None => running.with_binder(&functions, |binder| {
            binder.procedures_of(&ast.name, &running.sql).map_err(Error::without_span)
        })?,
    };
    let given = given(running, ast)?;
    let chosen =
        running.with_binder(&functions, |binder| binder.choose_procedure(&procedures, given));
    let (procedure, arguments) = chosen.map_err(placeless)?;
    if ast.procedure.is_none() {
        running.catalog().authorize(Action::Use, &Object::Procedure(Arc::clone(&procedure)))?;
    }
    let targets = targets(ast, &procedure)?;
    let strict = procedure.traits.strict && arguments.iter().any(|value| value.value.is_null());
    let (given, outputs) = match strict {
        true => (Given::Value(TypedValue::null(SqlType::TEXT)), Vec::new()),
        false => run_procedure(running, &procedure, procedures.path, arguments)?,
    };
    running.outputs = targets.into_iter().zip(outputs).collect();
    answer(running, &procedure, given)
}

/// Arguments that no procedure takes stand nowhere, as clients are told.
fn placeless(error: Error) -> Error {
    if error.code() != ErrorCode::InvalidArgumentTypes {
        return error;
    }
    let text = format!("SQL compilation error: error line 0 at position -1\n{}", error.detail());
    Error::raised(error.code(), error.number(), text)
}

/// The values of the arguments, with the names that they were given by.
fn given<'a>(
    running: &mut StatementContext,
    ast: &'a Call,
) -> Result<Vec<(Option<&'a str>, TypedValue)>> {
    let mut given = Vec::with_capacity(ast.arguments.len());
    for argument in &ast.arguments {
        let query;
        let expr = match &argument.value {
            ArgumentValue::Expr(expr) => expr,
            ArgumentValue::Query(inner) => {
                query = Expr::new(ExprKind::Subquery(inner.clone()), ast.span);
                &query
            }
            ArgumentValue::Star(_) => {
                return Err(Error::not_supported("* as an argument of a procedure"));
            }
        };
        let value = evaluated(running, expr)?;
        given.push((argument.name.as_ref().map(|name| name.name.as_str()), value));
    }
    Ok(given)
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
    let value = evaluated(running, &expr)?;
    one_value(name, &value)
}

/// The value of an expression of a statement that runs others, which may name the variables of the block around it.
pub(super) fn evaluated(running: &mut StatementContext, expr: &Expr) -> Result<TypedValue> {
    let (home, text) = (Arc::clone(running.home()), Arc::clone(&running.sql));
    let named = running.placeholders.binds_from(0).named;
    let mut script = Script::new(running, home, text);
    for (name, value) in named {
        script = script.with_variable(&name, value);
    }
    script.evaluated(expr)
}

/// The procedure that WITH makes for this call alone.
fn brought(running: &StatementContext, written: &CreateRoutine, ast: &Call) -> Result<Procedures> {
    let (Name::Plain(made), Name::Plain(called)) = (&written.name, &ast.name) else {
        return Err(Error::not_supported("IDENTIFIER() as the name of an anonymous procedure"));
    };
    let name = &made.object().name;
    if made.parts.len() > 1 || called.parts.len() > 1 || called.object().name != *name {
        let text = format!(
            "CALL must call the procedure that WITH makes: {name}, without database and schema"
        );
        return Err(Error::new(ErrorCode::InvalidStatement, text).at(called.span()));
    }
    let parameters = parameters(running, &written.parameters)?;
    let signature = signature(name, &Parameter::types(&parameters));
    let header = running.header(ACCOUNT, &signature, &written.options);
    let procedure = procedure::described(running, written, header, parameters)?;
    let path = &running.session.path;
    let path = ObjectPath {
        database: path.database.clone().unwrap_or_default(),
        schema: path.schema.clone().unwrap_or_default(),
        name: name.clone(),
    };
    Ok(Procedures { path, found: vec![Arc::new(procedure)] })
}

/// The variables that the OUT arguments give values, in the order of the parameters.
fn targets(ast: &Call, procedure: &Procedure) -> Result<Vec<String>> {
    let mut targets = Vec::new();
    for (position, parameter) in procedure.parameters.iter().enumerate() {
        if !parameter.output {
            continue;
        }
        let named = |name: &str| name == parameter.name;
        let argument =
            ast.arguments.iter().enumerate().find(|(place, argument)| match &argument.name {
                Some(name) => named(&name.name),
                None => *place == position,
            });
        let variable = argument.and_then(|(_, argument)| match &argument.value {
            ArgumentValue::Expr(Expr { kind: ExprKind::Bind(Bind::Named(name)), .. }) => Some(name),
            _ => None,
        });
        let Some(variable) = variable else {
            let text = format!(
                "Output argument '{}' of procedure {} needs a variable of a block, such as :x.",
                parameter.name,
                procedure.called()
            );
            return Err(Error::new(ErrorCode::InvalidStatement, text));
        };
        targets.push(variable.name.to_uppercase());
    }
    Ok(targets)
}

/// What CALL answers with: what was given, as what was declared.
fn answer(running: &StatementContext, procedure: &Procedure, given: Given) -> Result<Answer> {
    let error = |text: String| Err(Error::new(ErrorCode::ReturnType, text));
    match (given, &procedure.returns) {
        (Given::Rows(rows), Returns::Table(columns)) => conformed(running, rows, columns),
        (Given::Value(value), Returns::Value(declared)) => {
            one_value(procedure.called(), &running.converted(value, *declared)?)
        }
        (Given::Rows(_), Returns::Value(declared)) => error(format!(
            "Declared return type '{declared}' is incompatible with actual return type 'TABLE'"
        )),
        (Given::Value(_), Returns::Table(_)) => {
            error(format!("Procedure {} must return a TABLE", procedure.called()))
        }
    }
}

/// Runs a procedure's body: with its owner's rights in its own schema, or as the caller. Gives the values of its
/// OUT arguments, too.
fn run_procedure(
    running: &mut StatementContext,
    procedure: &Procedure,
    path: ObjectPath,
    arguments: Vec<TypedValue>,
) -> Result<(Given, Vec<TypedValue>)> {
    let mut session = running.session.clone();
    let transaction = &session.transaction;
    let enclosing = transaction.is_open().then(|| Arc::clone(transaction));
    session.enclosing.clone_from(&enclosing);
    session.call_depth += 1;
    if session.call_depth > CALL_DEPTH_MAX {
        let text = format!("Procedures call one another more than {CALL_DEPTH_MAX} levels deep");
        return Err(Error::new(ErrorCode::InvalidStatement, text));
    }
    let home = match procedure.as_caller {
        true => Arc::clone(running.home()),
        false => {
            session.owner_language = Some(procedure.code.language);
            session.files.clear();
            session.scoped_tables.clear();
            session.role = procedure.header.owner;
            session.secondary_roles = false;
            session.variables = Arc::default();
            session.path.database = Some(path.database);
            session.path.schema = Some(path.schema);
            Arc::new(SessionHome::inside(session))
        }
    };
    let entered = procedure.as_caller.then(|| Entered::new(&home, enclosing.clone()));
    let outcome = run_body(running, &home, procedure, arguments);
    let left = home.state();
    let open = match &enclosing {
        Some(enclosing) => !Arc::ptr_eq(enclosing, &left.transaction),
        None => left.settings.is_true("AUTOCOMMIT") && left.transaction.is_open(),
    };
    if open {
        left.transaction.abandon();
    }
    let dropped = drop_scoped(running, &left);
    if entered.is_some() {
        drop(entered);
        running.session_of(&home);
    }
    let given = outcome?;
    dropped?;
    match open {
        true => {
            let text = "Stored procedure execution error: Scoped transaction started in stored procedure is \
                        incomplete and it was rolled back.";
            Err(Error::new(ErrorCode::TransactionScope, text))
        }
        false => Ok(given),
    }
}

/// Drops the tables that a procedure has made for as long as it runs.
fn drop_scoped(running: &mut StatementContext, left: &SessionState) -> Result<()> {
    let catalog = left.catalog();
    let there = left.scoped_tables.iter().filter(|id| catalog.is_live(**id));
    let drops: Vec<_> = there.map(|id| CatalogChange::Drop { id: *id }).collect();
    match drops.is_empty() {
        true => Ok(()),
        false => running.change(drops),
    }
}

/// A session while a procedure runs in it as its caller. Whatever becomes of the procedure, the session then has the
/// transaction and the tables of its scope that it had before.
struct Entered<'h> {
    home: &'h SessionHome,
    enclosing: Option<Arc<TransactionSlot>>,
    transaction: Arc<TransactionSlot>,
    tables: Vec<ObjectId>,
}

impl<'h> Entered<'h> {
    fn new(home: &'h SessionHome, enclosing: Option<Arc<TransactionSlot>>) -> Entered<'h> {
        home.change(|session| {
            session.call_depth += 1;
            Entered {
                home,
                enclosing: std::mem::replace(&mut session.enclosing, enclosing),
                transaction: Arc::clone(&session.transaction),
                tables: std::mem::take(&mut session.scoped_tables),
            }
        })
    }
}

impl Drop for Entered<'_> {
    fn drop(&mut self) {
        self.home.change(|session| {
            session.call_depth -= 1;
            session.enclosing = self.enclosing.take();
            session.transaction = Arc::clone(&self.transaction);
            session.scoped_tables = std::mem::take(&mut self.tables);
        });
    }
}

fn run_body(
    running: &mut StatementContext,
    home: &Arc<SessionHome>,
    procedure: &Procedure,
    arguments: Vec<TypedValue>,
) -> Result<(Given, Vec<TypedValue>)> {
    // Expressions of the body see what its statements see.
    let own = std::mem::replace(&mut running.session, home.state());
    let outcome = match procedure.code.language {
        Language::Sql => run_block(running, home, procedure, arguments),
        Language::JavaScript => {
            let value = foreign_procedure::run_javascript(running, home, procedure, arguments);
            value.map(|value| (Given::Value(value), Vec::new()))
        }
        Language::Python => foreign_procedure::run_python(running, home, procedure, arguments)
            .map(|given| (given, Vec::new())),
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
) -> Result<(Given, Vec<TypedValue>)> {
    let block = firn_parse::parse_block(&procedure.code.body)?;
    let mut script = Script::new(running, Arc::clone(home), procedure.code.body.as_str().into());
    for (parameter, value) in procedure.parameters.iter().zip(arguments) {
        script = script.with_variable(&parameter.name, value);
    }
    if let Returns::Value(sql_type) = procedure.returns {
        script = script.returning(sql_type);
    }
    let outputs = procedure.parameters.iter().filter(|parameter| parameter.output);
    let outputs: Vec<&str> = outputs.map(|parameter| parameter.name.as_str()).collect();
    script.run(&block, &outputs)
}
