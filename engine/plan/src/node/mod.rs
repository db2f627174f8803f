//! The nodes of a plan, each a struct whose comment is its contract.

mod aggregate;
mod join;
mod relational;
mod source;
mod window;

pub use aggregate::{Aggregate, AggregateCall};
pub use join::{Apply, ApplyKind, Join, JoinKey, JoinKind};
pub use relational::{
    CteRef, Filter, ForeignTable, Generate, LateralFunction, Limit, Project, ProjectItem,
    RecursiveCte, Sample, SampleSize, Secure, SetOperation, SetOperator, SharedRows, Sort, SortKey,
    Values, With,
};
pub use source::{
    RegisteredFiles, Scan, ScanColumn, StageColumn, StageLocation, StageScan, StageValue,
    VirtualScan, VirtualSource,
};
pub use window::{Frame, FrameBound, FrameUnit, Window, WindowCall, WindowTarget};
