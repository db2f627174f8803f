//! Scalar functions: one row in, one value out.

use std::fmt;
use std::sync::Arc;

use firn_column::Column;
use firn_types::{Result, SqlType};

use super::{Argument, Arity, Documentation, FunctionContext, Volatility};

/// One scalar function with all its overloads.
#[derive(Debug)]
pub struct ScalarFunction {
    /// Upper-case name; operators are named by their symbol (`+`, `||`, `LIKE`).
    pub name: &'static str,
    /// Other names for the same.
    pub aliases: &'static [&'static str],
    /// For SHOW FUNCTIONS, the manual and the example test.
    pub documentation: Documentation,
    /// How many arguments; checked before `bind` is called.
    pub arity: Arity,
    /// How long an answer stays the same.
    pub volatility: Volatility,
    /// Chooses the overload for these arguments, or says `InvalidArgumentTypes` through
    /// [`super::registry::wrong_types`].
    pub bind: fn(&[Argument]) -> Result<ScalarBinding>,
}

/// A scalar function for certain argument types.
#[derive(Clone)]
pub struct ScalarBinding {
    /// The type that each argument is cast to before the call.
    pub arguments: Vec<SqlType>,
    /// The type of the answer.
    pub returns: SqlType,
    /// Computes a batch of answers. Its result has `Call::rows` rows.
    pub kernel: Kernel,
}

/// Computes a column of answers from columns of arguments, each of `Call::rows` rows.
pub type Kernel = Arc<dyn Fn(&Call<'_>, &[Column]) -> Result<Column> + Send + Sync>;

/// The circumstances of one call.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    /// The number of rows.
    pub rows: usize,
    /// The type of the answer.
    pub returns: SqlType,
    /// The arguments' types.
    pub arguments: &'a [SqlType],
    /// The statement's and the session's facts.
    pub context: &'a FunctionContext,
}

impl fmt::Debug for ScalarBinding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "({:?}) -> {}", self.arguments, self.returns)
    }
}
