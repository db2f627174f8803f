//! Every row with answers from the rows around it.

use std::sync::Arc;

use firn_expression::Expr;
use firn_functions::{AggregateFunction, Signature, WindowFunction};
use firn_types::{ColumnId, Value};

use super::SortKey;
use crate::{Plan, PlanColumn};

/// Every input row with one more column per call. Calls with the same partition and order are computed
/// together. No order. Buffers all rows.
#[derive(Clone, Debug)]
pub struct Window {
    /// Where the rows come from.
    pub input: Box<Plan>,
    /// What is computed.
    pub calls: Vec<WindowCall>,
    /// The last number of a call that is wanted: rows for which it would be larger may be left out. Every call
    /// then numbers the rows of one and the same window (ROW_NUMBER, RANK, DENSE_RANK).
    pub top: Option<(ColumnId, u64)>,
}

/// One function with OVER.
#[derive(Clone, Debug)]
pub struct WindowCall {
    /// The column that it becomes.
    pub id: ColumnId,
    /// A name for EXPLAIN and headers.
    pub name: String,
    /// Which function.
    pub target: WindowTarget,
    /// Its arguments, of the signature's types.
    pub arguments: Vec<Expr>,
    /// PARTITION BY.
    pub partition_by: Vec<Expr>,
    /// ORDER BY.
    pub order_by: Vec<SortKey>,
    /// Which rows around the row count; decided at bind when none was written.
    pub frame: Frame,
    /// IGNORE NULLS.
    pub ignore_nulls: bool,
}

/// A window function or an aggregate over the frame.
#[derive(Clone, Debug)]
pub enum WindowTarget {
    /// A function that only works with OVER.
    Window(&'static WindowFunction, Arc<Signature>),
    /// An aggregate of the frame's rows.
    Aggregate {
        /// Which.
        function: &'static AggregateFunction,
        /// For which arguments.
        signature: Arc<Signature>,
        /// Whether equal arguments count once.
        distinct: bool,
        /// WITHIN GROUP (ORDER BY ..).
        within: Vec<SortKey>,
    },
}

/// Which rows around a row count.
#[derive(Clone, Debug, PartialEq)]
pub struct Frame {
    /// What the bounds count.
    pub unit: FrameUnit,
    /// Where it starts.
    pub start: FrameBound,
    /// Where it ends, this row included.
    pub end: FrameBound,
}

impl Frame {
    /// The whole partition.
    pub fn whole() -> Frame {
        Frame {
            unit: FrameUnit::Rows,
            start: FrameBound::UnboundedPreceding,
            end: FrameBound::UnboundedFollowing,
        }
    }

    /// Whether it is the whole partition, whichever the row.
    pub fn is_whole(&self) -> bool {
        self.start == FrameBound::UnboundedPreceding && self.end == FrameBound::UnboundedFollowing
    }

    /// From the partition's start to the row and its peers.
    pub fn running() -> Frame {
        Frame {
            unit: FrameUnit::Range,
            start: FrameBound::UnboundedPreceding,
            end: FrameBound::CurrentRow,
        }
    }
}

/// What the bounds of a frame count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameUnit {
    /// Rows.
    Rows,
    /// Values of the one ORDER BY key; the current row stands for all its peers.
    Range,
    /// Groups of peers; the current row stands for its own.
    Groups,
}

/// One end of a frame.
#[derive(Clone, Debug, PartialEq)]
pub enum FrameBound {
    /// The partition's first row.
    UnboundedPreceding,
    /// So many rows, or this distance in the key, before. For RANGE over dates and timestamps a text
    /// value is an interval.
    Preceding(Value),
    /// The row itself, for RANGE with its peers.
    CurrentRow,
    /// So many rows, or this distance in the key, after.
    Following(Value),
    /// The partition's last row.
    UnboundedFollowing,
}

impl WindowCall {
    /// The column that it becomes.
    pub fn column(&self) -> PlanColumn {
        let sql_type = match &self.target {
            WindowTarget::Window(_, signature) => signature.returns,
            WindowTarget::Aggregate { signature, .. } => signature.returns,
        };
        PlanColumn { id: self.id, name: self.name.clone(), sql_type, nullable: true }
    }

    /// Whether another call has the same partitions in the same order.
    pub fn same_window(&self, other: &WindowCall) -> bool {
        self.partition_by == other.partition_by && self.order_by == other.order_by
    }
}
