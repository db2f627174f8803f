//! Window functions: for every row an answer from the rows around it.

mod change;
mod interpolate;
mod lag_lead;
mod match_rows;
mod nth;
mod ranking;
mod ratio;

use std::fmt;
use std::sync::Arc;

use firn_column::Column;
use firn_types::{Result, SqlType};

use super::{Argument, Arity, Documentation, Signature, WindowMeaning};

/// One function that only works with OVER. Aggregates with OVER are run by the window operator.
#[derive(Debug)]
pub struct WindowFunction {
    /// Upper-case name.
    pub name: &'static str,
    /// Other names for the same.
    pub aliases: &'static [&'static str],
    /// For SHOW FUNCTIONS, the manual and the example test.
    pub documentation: Documentation,
    /// How many arguments; checked before `bind` is called.
    pub arity: Arity,
    /// Whether OVER must have an ORDER BY.
    pub needs_order: bool,
    /// Whether the answer depends on the frame; then a missing frame is the whole partition.
    pub uses_frame: bool,
    /// Whether IGNORE NULLS may follow.
    pub takes_ignore_nulls: bool,
    /// Whether its arguments may hold window functions.
    pub takes_windows: bool,
    /// What it means to planning.
    pub meaning: WindowMeaning,
    /// Chooses the overload.
    pub bind: fn(&[Argument]) -> Result<WindowBinding>,
}

impl WindowFunction {
    /// A function that needs an ORDER BY and depends neither on the frame nor on IGNORE NULLS.
    pub const fn new(
        name: &'static str,
        arity: Arity,
        bind: fn(&[Argument]) -> Result<WindowBinding>,
        documentation: Documentation,
    ) -> WindowFunction {
        WindowFunction {
            name,
            aliases: &[],
            documentation,
            arity,
            needs_order: true,
            uses_frame: false,
            takes_ignore_nulls: false,
            takes_windows: false,
            meaning: WindowMeaning::Opaque,
            bind,
        }
    }

    /// The same function, which means this to planning.
    pub const fn with_meaning(mut self, meaning: WindowMeaning) -> WindowFunction {
        self.meaning = meaning;
        self
    }

    /// The same function, whose arguments may hold window functions.
    pub const fn with_windows(mut self) -> WindowFunction {
        self.takes_windows = true;
        self
    }

    /// Chooses the overload for these arguments.
    ///
    /// # Errors
    /// `InvalidArgumentTypes` when there is none.
    pub fn resolve(&self, given: Vec<Argument>) -> Result<Arc<Signature>> {
        let WindowBinding { arguments, returns, .. } = (self.bind)(&given)?;
        Ok(Arc::new(Signature::of_rows(given, arguments, returns)))
    }
}

/// A window function for certain argument types.
#[derive(Clone)]
pub struct WindowBinding {
    /// The type that each argument is cast to.
    pub arguments: Vec<SqlType>,
    /// The type of the answer.
    pub returns: SqlType,
    /// Computes the answers of all rows.
    pub kernel: WindowKernel,
}

/// Computes the answers of all rows from the arguments, all in the window's order.
pub type WindowKernel = Arc<dyn Fn(&WindowInput<'_>, &[Column]) -> Result<Column> + Send + Sync>;

/// Rows sorted by partition and order, with what surrounds each of them. All slices have one entry per
/// row; ranges are half open.
#[derive(Clone, Copy, Debug)]
pub struct WindowInput<'a> {
    /// The number of rows.
    pub rows: usize,
    /// How many rows of their partition come before these: of functions that only ask for places, who has not all
    /// rows asks with the places that they have among all.
    pub rows_before: usize,
    /// The type of the answer.
    pub returns: SqlType,
    /// First row and end of the row's partition.
    pub partitions: &'a [(u32, u32)],
    /// First row and end of the rows with equal ORDER BY keys.
    pub peers: &'a [(u32, u32)],
    /// First row and end of the row's frame, within its partition; empty frames have equal ends.
    pub frames: &'a [(u32, u32)],
    /// Whether IGNORE NULLS was given.
    pub ignore_nulls: bool,
}

impl WindowBinding {
    /// A binding of its parts.
    pub fn new(
        arguments: Vec<SqlType>,
        returns: SqlType,
        kernel: impl Fn(&WindowInput<'_>, &[Column]) -> Result<Column> + Send + Sync + 'static,
    ) -> Result<WindowBinding> {
        Ok(WindowBinding { arguments, returns, kernel: Arc::new(kernel) })
    }
}

impl fmt::Debug for WindowBinding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "({:?}) -> {}", self.arguments, self.returns)
    }
}

/// The chapter of this folder's functions.
const CATEGORY: &str = "Window";

/// All window functions, file by file.
pub(crate) const FUNCTIONS: &[&WindowFunction] = &[
    &change::CONDITIONAL_CHANGE_EVENT,
    &change::CONDITIONAL_TRUE_EVENT,
    &interpolate::INTERPOLATE_BFILL,
    &interpolate::INTERPOLATE_FFILL,
    &interpolate::INTERPOLATE_LINEAR,
    &lag_lead::LAG,
    &lag_lead::LEAD,
    &match_rows::MATCH_ROWS,
    &nth::FIRST_VALUE,
    &nth::LAST_VALUE,
    &nth::NTH_VALUE,
    &ranking::CUME_DIST,
    &ranking::DENSE_RANK,
    &ranking::NTILE,
    &ranking::PERCENT_RANK,
    &ranking::RANK,
    &ranking::ROW_NUMBER,
    &ratio::RATIO_TO_REPORT,
];

#[cfg(test)]
mod tests;
