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
pub(crate) mod vector;

use std::fmt;
use std::sync::Arc;

use firn_column::Column;
use firn_types::{Result, SqlType};

use super::{Argument, Arity, Documentation, FunctionContext, Meaning, Signature, Volatility};

/// What a row costs most functions, in comparisons of integers.
const COST: u32 = 40;

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
    /// What it means to planning.
    pub meaning: Meaning,
    /// About what a row costs, in comparisons of integers.
    pub cost: u32,
    /// Chooses the overload for these arguments, or says `InvalidArgumentTypes` through
    /// [`super::signature::wrong_types`].
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
            meaning: Meaning::Opaque,
            cost: COST,
            bind,
        }
    }

    /// The same function with other names too.
    pub const fn with_aliases(mut self, aliases: &'static [&'static str]) -> ScalarFunction {
        self.aliases = aliases;
        self
    }

    /// The same function, which means this to planning.
    pub const fn with_meaning(mut self, meaning: Meaning) -> ScalarFunction {
        self.meaning = meaning;
        self
    }

    /// The same function, whose rows cost about so many comparisons of integers.
    pub const fn with_cost(mut self, cost: u32) -> ScalarFunction {
        self.cost = cost;
        self
    }

    /// Chooses the overload for these arguments.
    ///
    /// # Errors
    /// `InvalidArgumentTypes` when there is none.
    pub fn resolve(&self, given: Vec<Argument>) -> Result<Arc<Signature>> {
        let ScalarBinding { arguments, returns, kernel, grows_with } = (self.bind)(&given)?;
        Ok(Arc::new(Signature { given, arguments, returns, nulls: kernel.nulls(), grows_with }))
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
    /// The argument with which the answer grows, or stays the same, when the others are constant.
    pub grows_with: Option<usize>,
}

/// What a function makes of a NULL among its arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NullRule {
    /// The answer is NULL.
    Propagate,
    /// The function looks at it: the answer may be anything.
    Aware,
}

/// Computes a column of answers from columns of arguments, each of `Call::rows` rows.
#[derive(Clone)]
pub struct Kernel {
    nulls: NullRule,
    run: Arc<Run>,
}

type Run = dyn Fn(&Call<'_>, &[Column]) -> Result<Column> + Send + Sync;

impl Kernel {
    /// A kernel that answers NULL for a row with a NULL argument, by itself: nobody does it for `run`, other
    /// than for [`super::driver::null_propagating`].
    pub fn propagating(
        run: impl Fn(&Call<'_>, &[Column]) -> Result<Column> + Send + Sync + 'static,
    ) -> Kernel {
        Kernel { nulls: NullRule::Propagate, run: Arc::new(run) }
    }

    /// A kernel that may answer anything for a row with a NULL argument.
    pub fn aware(
        run: impl Fn(&Call<'_>, &[Column]) -> Result<Column> + Send + Sync + 'static,
    ) -> Kernel {
        Kernel { nulls: NullRule::Aware, run: Arc::new(run) }
    }

    /// What it makes of NULL.
    pub fn nulls(&self) -> NullRule {
        self.nulls
    }

    /// Computes the answers.
    ///
    /// # Errors
    /// What the function refuses: a division by zero, a text that is no number.
    pub fn run(&self, call: &Call<'_>, arguments: &[Column]) -> Result<Column> {
        (self.run)(call, arguments)
    }
}

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
        Ok(ScalarBinding { arguments, returns, kernel, grows_with: None })
    }

    /// The same binding, whose answer grows with an argument, or stays the same, when the others are constant:
    /// the rows for which it is above a bound are those for which the argument is above another one.
    pub fn growing_with(mut self, argument: usize) -> ScalarBinding {
        self.grows_with = Some(argument);
        self
    }
}
