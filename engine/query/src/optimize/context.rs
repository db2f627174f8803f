//! What rules may use.

use std::cell::Cell;

use firn_functions::FunctionContext;
use firn_types::{ColumnId, SqlType};

use firn_plan::PlanColumn;
use firn_plan::copy::FreshIds;

/// What rules may use.
#[derive(Debug)]
pub struct OptimizeContext<'a> {
    /// For folding constants.
    pub functions: &'a FunctionContext,
    /// The names of rules that are left out.
    pub disabled: Vec<String>,
    next_column: Cell<u32>,
    next_cte: Cell<u32>,
}

impl<'a> OptimizeContext<'a> {
    /// All rules; new columns get ids from `next_column`.
    pub fn new(functions: &'a FunctionContext, next_column: u32) -> OptimizeContext<'a> {
        OptimizeContext {
            functions,
            disabled: Vec::new(),
            next_column: Cell::new(next_column),
            next_cte: Cell::new(u32::MAX),
        }
    }

    /// The first column id that is not used yet.
    pub(crate) fn next_column_id(&self) -> u32 {
        self.next_column.get()
    }

    /// A new column id.
    pub(crate) fn fresh(&self) -> ColumnId {
        let id = self.next_column.get();
        self.next_column.set(id + 1);
        ColumnId(id)
    }

    /// A new number for a common table expression: from above, since the statement's own count from below.
    pub(crate) fn fresh_cte(&self) -> u32 {
        let number = self.next_cte.get();
        self.next_cte.set(number - 1);
        number
    }

    /// A new column.
    pub(crate) fn fresh_column(&self, name: &str, sql_type: SqlType, nullable: bool) -> PlanColumn {
        PlanColumn { id: self.fresh(), name: name.to_string(), sql_type, nullable }
    }
}

impl FreshIds for OptimizeContext<'_> {
    fn column(&self) -> ColumnId {
        self.fresh()
    }

    fn cte(&self) -> u32 {
        self.fresh_cte()
    }
}
