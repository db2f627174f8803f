//! The logical plan: what a query means, in terms of columns that are numbers.
//!
//! A [`Plan`] is a tree of nodes. Every node gives rows of columns, each with a [`ColumnId`] that is
//! unique in the statement; an expression in a node may use the columns that the node's inputs give. Only
//! below the right side of an [`Apply`](node::Apply) may it also use columns of the left side; the
//! optimizer removes every `Apply`.
//!
//! A plan is a plain value: it holds exact file lists (through a table's snapshot), pure functions and
//! constants.

pub mod copy;
pub mod describe;
pub mod display;
pub mod lineage;
pub mod node;
pub mod statement;
pub mod verify;
pub mod walk;

use firn_types::{ColumnId, Field, SqlType};

pub use node::{
    Aggregate, AggregateCall, Apply, ApplyKind, CteRef, Filter, ForeignTable, Frame, FrameBound,
    FrameUnit, Generate, Join, JoinKey, JoinKind, LateralFunction, Limit, Project, ProjectItem,
    RecursiveCte, RegisteredFiles, Sample, SampleSize, Scan, ScanColumn, Secure, SetOperation,
    SetOperator, SharedRows, Sort, SortKey, StageColumn, StageLocation, StageScan, StageValue,
    Values, VirtualScan, VirtualSource, Window, WindowCall, WindowTarget, With,
};

/// One node with what is below it.
#[derive(Clone, Debug)]
pub enum Plan {
    /// Rows of a stored table.
    Scan(Box<Scan>),
    /// Rows that the session makes: INFORMATION_SCHEMA, an earlier statement's result.
    VirtualScan(VirtualScan),
    /// Rows of staged files.
    StageScan(Box<StageScan>),
    /// Rows written in the statement; also the one row without columns of a SELECT without FROM.
    Values(Values),
    /// A number of rows without columns.
    Generate(Generate),
    /// The rows for which every condition is TRUE.
    Filter(Filter),
    /// The rows of what policies protect.
    Secure(Secure),
    /// For each row, the values of expressions.
    Project(Project),
    /// One row per group.
    Aggregate(Box<Aggregate>),
    /// Every row with answers from the rows around it.
    Window(Window),
    /// The rows in order.
    Sort(Sort),
    /// Some of the first rows.
    Limit(Limit),
    /// Rows of two inputs that belong together.
    Join(Box<Join>),
    /// For each left row, the rows of a right side that depends on it. Gone after optimization.
    Apply(Box<Apply>),
    /// Rows of several inputs put together.
    SetOperation(SetOperation),
    /// Each row with the rows that a table function makes of it.
    LateralFunction(Box<LateralFunction>),
    /// The rows that a table function in another language makes.
    ForeignTable(Box<ForeignTable>),
    /// A query under a name that its body reads more than once.
    With(Box<With>),
    /// Rows of an enclosing [`With`], or of the last step of an enclosing [`RecursiveCte`].
    CteRef(CteRef),
    /// A query that reads its own last result until there is none.
    RecursiveCte(Box<RecursiveCte>),
    /// A random part of the rows.
    Sample(Sample),
}

/// One column that a node gives.
#[derive(Clone, Debug, PartialEq)]
pub struct PlanColumn {
    /// Which column.
    pub id: ColumnId,
    /// A name for EXPLAIN and for headers; nothing is looked up by it.
    pub name: String,
    /// Its type.
    pub sql_type: SqlType,
    /// Whether NULL may occur.
    pub nullable: bool,
}

impl PlanColumn {
    /// The column as a field of a result.
    pub fn field(&self) -> Field {
        Field { name: self.name.clone(), sql_type: self.sql_type, nullable: self.nullable }
    }

    /// A read of the column.
    pub fn expr(&self) -> firn_expression::Expr {
        firn_expression::Expr::Column {
            id: self.id,
            sql_type: self.sql_type,
            nullable: self.nullable,
        }
    }
}

impl Plan {
    /// The columns that the node gives, in order.
    pub fn columns(&self) -> Vec<PlanColumn> {
        match self {
            Plan::Scan(scan) => scan.columns(),
            Plan::VirtualScan(node) => node.columns.clone(),
            Plan::StageScan(node) => node.columns(),
            Plan::Values(node) => node.columns.clone(),
            Plan::Generate(_) => Vec::new(),
            Plan::Filter(node) => node.input.columns(),
            Plan::Secure(node) => node.input.columns(),
            Plan::Project(node) => node.items.iter().map(|item| item.column()).collect(),
            Plan::Aggregate(node) => node.columns(),
            Plan::Window(node) => {
                let mut columns = node.input.columns();
                columns.extend(node.calls.iter().map(|call| call.column()));
                columns
            }
            Plan::Sort(node) => node.input.columns(),
            Plan::Limit(node) => node.input.columns(),
            Plan::Join(node) => node.columns(),
            Plan::Apply(node) => node.columns(),
            Plan::SetOperation(node) => node.columns.clone(),
            Plan::LateralFunction(node) => {
                let mut columns = node.input.columns();
                columns.extend(node.columns.iter().cloned());
                columns
            }
            Plan::ForeignTable(node) => {
                let mut columns = node.input.columns();
                columns.extend(node.columns.iter().cloned());
                columns
            }
            Plan::With(node) => node.body.columns(),
            Plan::CteRef(node) => node.columns.clone(),
            Plan::RecursiveCte(node) => node.columns.clone(),
            Plan::Sample(node) => node.input.columns(),
        }
    }

    /// One row without columns.
    pub fn one_row() -> Plan {
        Plan::Values(Values { columns: Vec::new(), rows: vec![Vec::new()].into() })
    }

    /// No row, but these columns.
    pub fn empty(columns: Vec<PlanColumn>) -> Plan {
        Plan::Values(Values { columns, rows: SharedRows::default() })
    }
}
