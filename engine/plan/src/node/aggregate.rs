//! One row per group.

use std::sync::Arc;

use firn_expression::Expr;
use firn_functions::{AggregateFunction, Signature};
use firn_types::{ColumnId, Result, SqlType, Value};

use super::{ProjectItem, SortKey};
use crate::{Plan, PlanColumn};

/// One row per different combination of `groups`, NULLs counting as equal; without groups, exactly one
/// row. Gives the groups, then the aggregates, then `grouping_id`. No order.
#[derive(Clone, Debug)]
pub struct Aggregate {
    /// Where the rows come from.
    pub input: Box<Plan>,
    /// What is grouped by.
    pub groups: Vec<ProjectItem>,
    /// GROUPING SETS: for each set, the positions in `groups` that it groups by; the others are NULL in
    /// its rows. Absent for the one set of all groups. An empty set gives one row even over no rows.
    pub grouping_sets: Option<Vec<Vec<usize>>>,
    /// With grouping sets: a NUMBER column with bit `i` (lowest first) set when group `i` is not in the
    /// row's set.
    pub grouping_id: Option<ColumnId>,
    /// What is computed of each group.
    pub aggregates: Vec<AggregateCall>,
}

/// One call of an aggregate function.
#[derive(Clone, Debug)]
pub struct AggregateCall {
    /// The column that it becomes.
    pub id: ColumnId,
    /// A name for EXPLAIN and headers.
    pub name: String,
    /// Which function.
    pub function: &'static AggregateFunction,
    /// For which arguments.
    pub signature: Arc<Signature>,
    /// Its arguments, of the signature's types.
    pub arguments: Vec<Expr>,
    /// Whether equal arguments count once.
    pub distinct: bool,
    /// WITHIN GROUP (ORDER BY ..).
    pub order_by: Vec<SortKey>,
}

impl AggregateCall {
    /// Whether another call computes the same.
    pub fn computes_as(&self, other: &AggregateCall) -> bool {
        self.function.name == other.function.name
            && self.distinct == other.distinct
            && self.signature.arguments == other.signature.arguments
            && self.signature.returns == other.signature.returns
            && self.arguments == other.arguments
            && self.order_by == other.order_by
    }

    /// The answer over no rows.
    ///
    /// # Errors
    /// As [`AggregateFunction::over_no_rows`].
    pub fn over_no_rows(&self) -> Result<Value> {
        self.function.over_no_rows(&self.signature)
    }

    /// The column that it becomes.
    pub fn column(&self) -> PlanColumn {
        PlanColumn {
            id: self.id,
            name: self.name.clone(),
            sql_type: self.signature.returns,
            nullable: !self.function.meaning.is_never_null(),
        }
    }
}

impl Aggregate {
    /// The columns that it gives.
    pub fn columns(&self) -> Vec<PlanColumn> {
        let mut columns: Vec<PlanColumn> = self.groups.iter().map(|g| g.column()).collect();
        if self.grouping_sets.is_some() {
            columns.iter_mut().for_each(|column| column.nullable = true);
        }
        columns.extend(self.aggregates.iter().map(AggregateCall::column));
        columns.extend(self.grouping_id.map(|id| PlanColumn {
            id,
            name: "GROUPING_ID".to_string(),
            sql_type: SqlType::INTEGER,
            nullable: false,
        }));
        columns
    }
}
