//! Aggregate functions: many rows in, one value per group out.

pub(crate) mod any_value;
pub(crate) mod approx_distinct;
pub(crate) mod approx_percentile;
pub(crate) mod array_agg;
pub(crate) mod bitmap;
pub(crate) mod bool_bit;
pub(crate) mod count;
pub mod distinct;
pub(crate) mod extreme_by;
pub(crate) mod grouped;
pub(crate) mod hash_agg;
pub(crate) mod key;
pub(crate) mod listagg;
pub(crate) mod min_max;
pub(crate) mod minhash;
pub(crate) mod mode;
pub(crate) mod moments;
pub(crate) mod object_agg;
pub mod ordered;
pub mod percentile;
pub(crate) mod regression;
mod state;
pub(crate) mod sum_avg;
pub(crate) mod vector;

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use firn_column::Column;
use firn_types::{Result, SqlType, Value};

use super::{AggregateMeaning, Argument, Arity, Documentation, Signature};

/// One aggregate function with all its overloads.
#[derive(Debug)]
pub struct AggregateFunction {
    /// Upper-case name.
    pub name: &'static str,
    /// Other names for the same.
    pub aliases: &'static [&'static str],
    /// For SHOW FUNCTIONS, the manual and the example test.
    pub documentation: Documentation,
    /// How many arguments; checked before `bind` is called. `COUNT(*)` has none.
    pub arity: Arity,
    /// Whether DISTINCT may stand before the argument.
    pub takes_distinct: bool,
    /// Whether WITHIN GROUP (ORDER BY ..) may follow.
    pub takes_order: bool,
    /// What it means to planning.
    pub meaning: AggregateMeaning,
    /// Chooses the overload. For PERCENTILE_CONT and its kin the ordering expression comes as a further
    /// last argument.
    pub bind: fn(&[Argument]) -> Result<AggregateBinding>,
    /// The same for a call with OVER.
    pub over: fn(&[Argument]) -> Result<AggregateBinding>,
}

impl AggregateFunction {
    /// A function without other names that takes neither DISTINCT nor WITHIN GROUP.
    pub const fn new(
        name: &'static str,
        arity: Arity,
        bind: fn(&[Argument]) -> Result<AggregateBinding>,
        documentation: Documentation,
    ) -> AggregateFunction {
        AggregateFunction {
            name,
            aliases: &[],
            documentation,
            arity,
            takes_distinct: false,
            takes_order: false,
            meaning: AggregateMeaning::Opaque,
            bind,
            over: bind,
        }
    }

    /// The same function, which means this to planning.
    pub const fn with_meaning(mut self, meaning: AggregateMeaning) -> AggregateFunction {
        self.meaning = meaning;
        self
    }

    /// Chooses the overload for these arguments.
    ///
    /// # Errors
    /// `InvalidArgumentTypes` when there is none.
    pub fn resolve(&self, given: Vec<Argument>) -> Result<Arc<Signature>> {
        let AggregateBinding { arguments, returns, .. } = (self.bind)(&given)?;
        Ok(Arc::new(Signature::of_rows(given, arguments, returns)))
    }

    /// As [`AggregateFunction::resolve`], for a call with OVER.
    ///
    /// # Errors
    /// As [`AggregateFunction::resolve`].
    pub fn resolve_over(&self, given: Vec<Argument>) -> Result<Arc<Signature>> {
        let AggregateBinding { arguments, returns, .. } = (self.over)(&given)?;
        Ok(Arc::new(Signature::of_rows(given, arguments, returns)))
    }

    /// The answer over no rows: NULL of most aggregates, but 0 of COUNT, an empty array of ARRAY_AGG.
    ///
    /// # Errors
    /// As [`Accumulator::finish`].
    pub fn over_no_rows(&self, signature: &Signature) -> Result<Value> {
        let mut states = ((self.bind)(&signature.given)?.create)();
        states.resize(1);
        Ok(states.finish()?.value(0, signature.returns))
    }

    /// The same function, which chooses another overload with OVER.
    pub const fn with_over(
        mut self,
        over: fn(&[Argument]) -> Result<AggregateBinding>,
    ) -> AggregateFunction {
        self.over = over;
        self
    }

    /// The same function with other names too.
    pub const fn with_aliases(mut self, aliases: &'static [&'static str]) -> AggregateFunction {
        self.aliases = aliases;
        self
    }

    /// The same function, which takes DISTINCT.
    pub const fn with_distinct(mut self) -> AggregateFunction {
        self.takes_distinct = true;
        self
    }

    /// The same function, which takes WITHIN GROUP.
    pub const fn with_order(mut self) -> AggregateFunction {
        self.takes_order = true;
        self
    }
}

/// An aggregate function for certain argument types.
#[derive(Clone)]
pub struct AggregateBinding {
    /// The type that each argument is cast to.
    pub arguments: Vec<SqlType>,
    /// The type of the answer.
    pub returns: SqlType,
    /// Makes an accumulator without any group.
    pub create: Arc<dyn Fn() -> Box<dyn Accumulator> + Send + Sync>,
}

/// The running states of one aggregate for many groups. Groups are numbered from 0.
pub trait Accumulator: Send {
    /// Makes room for groups `0..groups`; new ones are as if no row had come.
    fn resize(&mut self, groups: usize);

    /// Takes one batch: row `i` belongs to group `groups[i]`. Every argument has `groups.len()` rows.
    ///
    /// # Errors
    /// When a value cannot be aggregated, such as a sum beyond 38 digits.
    fn update(&mut self, groups: &[u32], arguments: &[Column]) -> Result<()>;

    /// Takes one batch of `rows` rows that all belong to group 0, of a query without GROUP BY.
    ///
    /// # Errors
    /// As [`Accumulator::update`].
    fn update_all(&mut self, rows: usize, arguments: &[Column]) -> Result<()> {
        self.update(&vec![0; rows], arguments)
    }

    /// Adds the states of another accumulator made by the same binding: its group `i` is our group
    /// `groups[i]`.
    ///
    /// # Errors
    /// As [`Accumulator::update`].
    fn merge(&mut self, other: Box<dyn Accumulator>, groups: &[u32]) -> Result<()>;

    /// Takes the states apart: part `p` of `count` gets the states of the groups with `parts[group] == p`,
    /// in their order. Large tables are merged part by part, on many threads.
    ///
    /// # Errors
    /// As [`Accumulator::update`].
    fn split(self: Box<Self>, parts: &[u32], count: usize) -> Result<Vec<Box<dyn Accumulator>>>;

    /// The answers of all groups, in their order.
    ///
    /// # Errors
    /// As [`Accumulator::update`].
    fn finish(self: Box<Self>) -> Result<Column>;

    /// About how many bytes of memory the states hold.
    fn memory_bytes(&self) -> usize;

    /// For `merge`, which gets the same concrete type back.
    fn into_any(self: Box<Self>) -> Box<dyn Any>;
}

impl AggregateBinding {
    /// A binding of its parts.
    pub fn new<A: Accumulator + 'static>(
        arguments: Vec<SqlType>,
        returns: SqlType,
        create: impl Fn() -> A + Send + Sync + 'static,
    ) -> Result<AggregateBinding> {
        let create = Arc::new(move || Box::new(create()) as Box<dyn Accumulator>);
        Ok(AggregateBinding { arguments, returns, create })
    }
}

impl fmt::Debug for AggregateBinding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "({:?}) -> {}", self.arguments, self.returns)
    }
}

/// The chapter of most of this folder's functions.
const CATEGORY: &str = "Aggregate";

/// All aggregate functions, file by file.
pub(crate) const FUNCTIONS: &[&AggregateFunction] = &[
    &any_value::ANY_VALUE,
    &approx_distinct::APPROX_COUNT_DISTINCT,
    &approx_distinct::HLL_ACCUMULATE,
    &approx_distinct::HLL_COMBINE,
    &approx_percentile::APPROX_PERCENTILE,
    &approx_percentile::APPROX_PERCENTILE_ACCUMULATE,
    &approx_percentile::APPROX_PERCENTILE_COMBINE,
    &array_agg::ARRAY_AGG,
    &array_agg::ARRAY_UNION_AGG,
    &array_agg::ARRAY_UNIQUE_AGG,
    &bitmap::BITMAP_AND_AGG,
    &bitmap::BITMAP_CONSTRUCT_AGG,
    &bitmap::BITMAP_OR_AGG,
    &bool_bit::BITAND_AGG,
    &bool_bit::BITOR_AGG,
    &bool_bit::BITXOR_AGG,
    &bool_bit::BOOLAND_AGG,
    &bool_bit::BOOLOR_AGG,
    &bool_bit::BOOLXOR_AGG,
    &count::COUNT,
    &count::COUNT_IF,
    &extreme_by::MAX_BY,
    &extreme_by::MIN_BY,
    &hash_agg::HASH_AGG,
    &listagg::LISTAGG,
    &min_max::MAX,
    &min_max::MIN,
    &minhash::APPROXIMATE_SIMILARITY,
    &minhash::MINHASH,
    &minhash::MINHASH_COMBINE,
    &mode::APPROX_TOP_K,
    &mode::APPROX_TOP_K_ACCUMULATE,
    &mode::APPROX_TOP_K_COMBINE,
    &mode::MODE,
    &moments::KURTOSIS,
    &moments::SKEW,
    &moments::STDDEV,
    &moments::STDDEV_POP,
    &moments::VARIANCE,
    &moments::VAR_POP,
    &object_agg::OBJECT_AGG,
    &percentile::MEDIAN,
    &percentile::PERCENTILE_CONT,
    &percentile::PERCENTILE_DISC,
    &regression::CORR,
    &regression::COVAR_POP,
    &regression::COVAR_SAMP,
    &regression::REGR_AVGX,
    &regression::REGR_AVGY,
    &regression::REGR_COUNT,
    &regression::REGR_INTERCEPT,
    &regression::REGR_R2,
    &regression::REGR_SLOPE,
    &regression::REGR_SXX,
    &regression::REGR_SXY,
    &regression::REGR_SYY,
    &sum_avg::AVG,
    &sum_avg::SUM,
    &vector::VECTOR_AVG,
    &vector::VECTOR_MAX,
    &vector::VECTOR_MIN,
    &vector::VECTOR_SUM,
];
