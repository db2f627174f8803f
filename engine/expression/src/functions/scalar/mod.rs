//! Scalar functions: one row in, one value out.

pub(crate) mod bitwise;
pub(crate) mod conditional;
pub(crate) mod context;
pub(crate) mod conversion;
pub mod date_time;
pub(crate) mod hash;
pub(crate) mod number;
pub(crate) mod operator;
pub(crate) mod random;
pub(crate) mod semi_structured;
pub(crate) mod sequence;
pub(crate) mod string;
pub(crate) mod system;

use std::fmt;
use std::sync::Arc;

use firn_column::Column;
use firn_types::{Result, SqlType};

use super::{Argument, Arity, Documentation, FunctionContext, Signature, Volatility};

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

impl ScalarFunction {
    /// A function without other names whose answers depend on nothing but its arguments.
    pub const fn new(
        name: &'static str,
        arity: Arity,
        bind: fn(&[Argument]) -> Result<ScalarBinding>,
        documentation: Documentation,
    ) -> ScalarFunction {
        ScalarFunction {
            name,
            aliases: &[],
            documentation,
            arity,
            volatility: Volatility::Immutable,
            bind,
        }
    }

    /// The same function with other names too.
    pub const fn with_aliases(mut self, aliases: &'static [&'static str]) -> ScalarFunction {
        self.aliases = aliases;
        self
    }

    /// Chooses the overload for these arguments.
    ///
    /// # Errors
    /// `InvalidArgumentTypes` when there is none.
    pub fn resolve(&self, given: Vec<Argument>) -> Result<Arc<Signature>> {
        let ScalarBinding { arguments, returns, .. } = (self.bind)(&given)?;
        Ok(Arc::new(Signature { given, arguments, returns }))
    }

    /// The same function with another volatility.
    pub const fn with_volatility(mut self, volatility: Volatility) -> ScalarFunction {
        self.volatility = volatility;
        self
    }
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

impl ScalarBinding {
    /// A binding of its parts.
    pub fn new(arguments: Vec<SqlType>, returns: SqlType, kernel: Kernel) -> Result<ScalarBinding> {
        Ok(ScalarBinding { arguments, returns, kernel })
    }
}
