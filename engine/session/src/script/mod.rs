//! Snowflake Scripting: blocks run step by step.
//!
//! A block is read once. Its SQL statements are statements of their own, with ids, places in the history and
//! results like any other; values of variables come to them as binds. Its expressions are bound when they are
//! first computed, and then only computed ([`expression`]). Statements that run beside its steps are [`job`]s; its
//! own procedures are called by [`nested`]; [`function`] computes functions whose bodies are blocks.

mod control;
mod cursor;
mod exception;
mod expression;
mod function;
mod job;
mod nested;
mod quick;
mod sql;
mod variables;

use std::collections::HashMap;
use std::sync::Arc;

use firn_column::Batch;
use firn_parse::ast::{Block, Expr, Returned};
use firn_query::bind::{TypedValue, check_names};
use firn_types::{Error, Field, Identifier, Result, Span, SqlType, Value};

use crate::lifecycle::{Answer, StatementContext};
use crate::session_state::SessionHome;

use exception::Raised;
use expression::Known;
use job::Job;
use variables::{Variable, Variables};

pub(crate) use function::call_function;
pub(crate) use nested::conformed;
pub(crate) use sql::SYSTEM;

/// What a step may end with.
type Stepped<T> = Result<T, Raised>;

/// What is next after a step.
#[derive(Debug)]
enum Flow {
    /// The step behind it.
    Next,
    /// The step behind the loop of a label, or the innermost one.
    Break(Option<String>),
    /// The next round of that loop.
    Continue(Option<String>),
    /// Nothing: the block ends, and gives this back.
    Return(Given),
}

impl Flow {
    /// What a block gives back that ends so.
    fn given(self) -> Given {
        match self {
            Flow::Return(given) => given,
            _ => Given::Value(TypedValue::null(SqlType::TEXT)),
        }
    }
}

/// What a block gives back.
#[derive(Debug)]
pub(crate) enum Given {
    /// A value.
    Value(TypedValue),
    /// Rows.
    Rows(Answer),
}

/// A block that runs.
pub(crate) struct Script<'r> {
    running: &'r mut StatementContext,
    /// The session that its statements run in.
    home: Arc<SessionHome>,
    /// The text that places are in.
    text: Arc<str>,
    variables: Variables,
    /// The expressions that were computed before, by their places.
    known: HashMap<(u32, u32), Known>,
    /// Expressions that were computed so far.
    computations: u64,
    /// What is being handled, the innermost last.
    handled: Vec<Raised>,
    /// What runs beside its steps, and nobody has waited for.
    jobs: Vec<Arc<Job>>,
    /// How many of its own procedures call one another.
    nested: usize,
    /// The type that RETURN gives its value, where one is declared.
    returns: Option<SqlType>,
}

impl<'r> Script<'r> {
    /// A block of a text, whose statements run in a session.
    pub(crate) fn new(
        running: &'r mut StatementContext,
        home: Arc<SessionHome>,
        text: Arc<str>,
    ) -> Script<'r> {
        let variables = Variables::new();
        let (known, handled, jobs) = (HashMap::new(), Vec::new(), Vec::new());
        Script {
            running,
            home,
            text,
            variables,
            known,
            computations: 0,
            handled,
            jobs,
            nested: 0,
            returns: None,
        }
    }

    /// Gives the block a variable that it begins with: an argument.
    pub(crate) fn with_variable(mut self, name: &str, value: TypedValue) -> Script<'r> {
        self.variables.declare(name, Variable::Value(value));
        self
    }

    /// Gives what the block returns a type.
    pub(crate) fn returning(mut self, sql_type: SqlType) -> Script<'r> {
        self.returns = Some(sql_type);
        self
    }

    /// Looks up the names of a block, before any of it runs, which begins with these besides its variables.
    fn check<'n>(&'n self, block: &Block, names: impl Iterator<Item = &'n str>) -> Result<()> {
        let names = self.variables.names().chain(names);
        check_names(block, &self.text, names).map_err(|error| {
            let Some(span) = error.span() else { return error };
            let place = span.place(&self.text);
            let message = format!("SQL compilation error: error {place}\n{}", error.detail());
            let raised = Error::raised(error.code(), error.number(), message);
            match Arc::ptr_eq(&self.text, &self.running.sql) {
                true => raised.at(span),
                false => raised,
            }
        })
    }

    /// Runs the block, and gives what it returns, NULL without a RETURN, and the values that these of its arguments
    /// have in the end. What still runs beside it is canceled.
    ///
    /// # Errors
    /// An exception that nothing handles; cancelation.
    pub(crate) fn run(
        mut self,
        block: &Block,
        outputs: &[&str],
    ) -> Result<(Given, Vec<TypedValue>)> {
        self.check(block, std::iter::empty())?;
        let outcome = self.block(block, 0).map_err(|raised| raised.uncaught(&self.text));
        self.end_jobs();
        self.running.session_of(&self.home);
        let given = outcome?.given();
        let value = |name: &&str| self.variables.value(None, name);
        Ok((given, outputs.iter().filter_map(value).collect()))
    }

    /// The value of an expression that stands by itself.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(crate) fn evaluated(mut self, expr: &Expr) -> Result<TypedValue> {
        self.value(expr)
    }

    /// The text that EXECUTE IMMEDIATE runs outside of blocks, and the values of its `?`.
    ///
    /// # Errors
    /// What is wrong with the expressions.
    pub(crate) fn made(mut self, text: &Expr, using: &[Expr]) -> Result<(String, Vec<TypedValue>)> {
        let whole = Arc::clone(&self.text);
        self.immediate((text, using), &whole, text.span).map_err(Raised::plain)
    }

    fn returned(&mut self, returned: &Returned, span: Span) -> Stepped<Given> {
        match returned {
            Returned::Value(expr) => {
                let value = match self.returns {
                    Some(sql_type) => self.typed(expr, sql_type, expr.span)?,
                    None => self.expression(expr, expr.span)?,
                };
                Ok(Given::Value(value))
            }
            Returned::Table(name) => {
                let rows = self.rows_of(name, span)?;
                sql::answer(&rows).map(Given::Rows).map_err(|error| Raised::expression(error, span))
            }
            Returned::Statement(text) => {
                let result = self.sql(text, text.span)?;
                sql::answer(&result)
                    .map(Given::Rows)
                    .map_err(|error| Raised::expression(error, span))
            }
        }
    }
}

/// One row with one value.
///
/// # Errors
/// An internal error when the value is not of its type.
pub(crate) fn one_value(name: &str, value: &TypedValue) -> Result<Answer> {
    let sql_type = match value.sql_type {
        SqlType::Null => SqlType::TEXT,
        other => other,
    };
    let column = firn_column::Column::constant(&value.value, sql_type, 1)?;
    let fields = vec![Field::new(name, sql_type)];
    Ok(Answer { fields, batches: vec![Batch::new(vec![column], 1)], affected: None })
}

/// The name as variables have it.
fn name_of(identifier: &Identifier) -> &str {
    &identifier.name
}

/// A text.
fn text(value: impl AsRef<str>) -> TypedValue {
    TypedValue { value: Value::text(value.as_ref()), sql_type: SqlType::TEXT }
}
