//! Snowflake Scripting: blocks run step by step.
//!
//! A block is read once. Its SQL statements are statements of their own, with ids, places in the history and
//! results like any other; values of variables come to them as binds. Its expressions are bound when they are
//! first computed, and then only computed ([`expression`]).

mod control;
mod cursor;
mod exception;
mod expression;
mod quick;
mod sql;
mod variables;

use std::collections::HashMap;
use std::sync::Arc;

use firn_column::Batch;
use firn_parse::ast::{Block, Expr, Returned};
use firn_query::bind::TypedValue;
use firn_types::{Field, Identifier, Result, Span, SqlType, Value};

use crate::lifecycle::{Answer, StatementContext};
use crate::session_state::SessionHome;

use exception::Raised;
use expression::Known;
use variables::{Variable, Variables};

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
}

impl<'r> Script<'r> {
    /// A block of a text, whose statements run in a session.
    pub(crate) fn new(
        running: &'r mut StatementContext,
        home: Arc<SessionHome>,
        text: Arc<str>,
    ) -> Script<'r> {
        let variables = Variables::new();
        let (known, handled) = (HashMap::new(), Vec::new());
        Script { running, home, text, variables, known, computations: 0, handled }
    }

    /// Gives the block a variable that it begins with: an argument.
    pub(crate) fn with_variable(mut self, name: &str, value: TypedValue) -> Script<'r> {
        self.variables.declare(name, Variable::Value(value));
        self
    }

    /// Runs the block; without a RETURN it gives NULL.
    ///
    /// # Errors
    /// An exception that nothing handles; cancelation.
    pub(crate) fn run(mut self, block: &Block) -> Result<Given> {
        let outcome = self.block(block, 0).map_err(|raised| raised.uncaught(&self.text));
        self.running.session_of(&self.home);
        Ok(match outcome? {
            Flow::Return(given) => given,
            _ => Given::Value(TypedValue::null(SqlType::TEXT)),
        })
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
            Returned::Value(expr) => Ok(Given::Value(self.expression(expr, span)?)),
            Returned::Table(name) => {
                let rows = self.rows_of(name, span)?;
                sql::answer(&rows).map(Given::Rows).map_err(|error| Raised::expression(error, span))
            }
            Returned::Statement(text) => {
                let result = self.sql(text, span)?;
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
