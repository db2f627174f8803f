//! Calls of functions, and windows.

use firn_types::{Identifier, Span};

use super::{Expr, Name, OrderItem, Query, Star};

/// A call of a scalar, aggregate, window or table function.
#[derive(Clone, Debug, PartialEq)]
pub struct FunctionCall {
    /// The function; a plain name of one part unless it was qualified.
    pub name: Name,
    /// What stands in the parentheses.
    pub arguments: Vec<Argument>,
    /// DISTINCT before the arguments.
    pub distinct: bool,
    /// WITHIN GROUP (ORDER BY ..).
    pub within_group: Vec<OrderItem>,
    /// IGNORE NULLS or RESPECT NULLS, inside the parentheses or after them.
    pub nulls: Option<NullTreatment>,
    /// OVER.
    pub over: Option<Window>,
}

/// One argument.
#[derive(Clone, Debug, PartialEq)]
pub struct Argument {
    /// Its name, with `=>`.
    pub name: Option<Identifier>,
    /// Its value.
    pub value: ArgumentValue,
}

/// What an argument can be.
#[derive(Clone, Debug, PartialEq)]
pub enum ArgumentValue {
    /// An expression; `TABLE(x)` as an argument is a call of a function TABLE.
    Expr(Expr),
    /// `*` or `t.*`, as in `COUNT(*)`.
    Star(Box<Star>),
    /// A query without parentheses of its own, as in `ARRAY(SELECT ..)`.
    Query(Box<Query>),
}

/// What becomes of nulls in a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NullTreatment {
    /// They are passed over.
    Ignore,
    /// They count.
    Respect,
}

/// What follows OVER.
#[derive(Clone, Debug, PartialEq)]
pub enum Window {
    /// The name of one in the WINDOW clause.
    Named(Identifier),
    /// Written out.
    Spec(Box<WindowSpec>),
}

/// A window.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct WindowSpec {
    /// A named window that this one extends.
    pub base: Option<Identifier>,
    /// PARTITION BY.
    pub partition_by: Vec<Expr>,
    /// ORDER BY.
    pub order_by: Vec<OrderItem>,
    /// ROWS, RANGE or GROUPS.
    pub frame: Option<Frame>,
}

/// `name AS (..)` in the WINDOW clause.
#[derive(Clone, Debug, PartialEq)]
pub struct NamedWindow {
    /// Its name.
    pub name: Identifier,
    /// The window, which may itself be a name.
    pub window: Window,
    /// Where it was written.
    pub span: Span,
}

/// The rows around the current one that a window function sees.
#[derive(Clone, Debug, PartialEq)]
pub struct Frame {
    /// What its bounds count.
    pub units: FrameUnits,
    /// Where it begins.
    pub start: FrameBound,
    /// Where it ends: the current row unless written.
    pub end: FrameBound,
}

/// What the bounds of a frame count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameUnits {
    /// Rows.
    Rows,
    /// Distance in the ORDER BY value.
    Range,
    /// Groups of rows that are alike in the ORDER BY values.
    Groups,
}

/// One end of a frame.
#[derive(Clone, Debug, PartialEq)]
pub enum FrameBound {
    /// UNBOUNDED PRECEDING.
    UnboundedPreceding,
    /// `n PRECEDING`.
    Preceding(Expr),
    /// CURRENT ROW.
    CurrentRow,
    /// `n FOLLOWING`.
    Following(Expr),
    /// UNBOUNDED FOLLOWING.
    UnboundedFollowing,
}
