//! Copies of plans, to stand beside the original in one statement.

use std::collections::HashMap;

use firn_expression::Expr;
use firn_types::ColumnId;

use super::Plan;

/// Where a statement's new ids come from.
pub trait FreshIds {
    /// The id of a new column.
    fn column(&self) -> ColumnId;

    /// The number of a new common table expression.
    fn cte(&self) -> u32;
}

/// What columns are called instead.
pub type Renaming = HashMap<ColumnId, ColumnId>;

impl Plan {
    /// The plan with new ids for every column that it makes and every query that it names, and what its columns are
    /// called there.
    pub fn copied(&self, fresh: &dyn FreshIds) -> (Plan, Renaming) {
        let mut copying = Copying { fresh, renaming: Renaming::new(), ctes: HashMap::new() };
        let mut copy = self.clone();
        copying.renew(&mut copy);
        (copy, copying.renaming)
    }
}

/// Calls the columns of an expression something else; those that have no other name keep their own.
pub fn rename_columns(expr: &mut Expr, renaming: &Renaming) {
    if let Expr::Column { id, .. } = expr {
        *id = renaming.get(id).copied().unwrap_or(*id);
    }
    expr.children_mut().into_iter().for_each(|child| rename_columns(child, renaming));
}

struct Copying<'f> {
    fresh: &'f dyn FreshIds,
    renaming: Renaming,
    ctes: HashMap<u32, u32>,
}

impl Copying<'_> {
    fn renew(&mut self, plan: &mut Plan) {
        // Who reads a query comes below who names it.
        match plan {
            Plan::With(node) => node.cte = self.new_cte(node.cte),
            Plan::RecursiveCte(node) => node.cte = self.new_cte(node.cte),
            Plan::CteRef(node) => node.cte = self.ctes.get(&node.cte).copied().unwrap_or(node.cte),
            _ => {}
        }
        plan.inputs_mut().into_iter().for_each(|input| self.renew(input));
        for expr in plan.expressions_mut() {
            rename_columns(expr, &self.renaming);
        }
        for id in plan.defined_ids_mut() {
            let new = *self.renaming.entry(*id).or_insert_with(|| self.fresh.column());
            *id = new;
        }
        match plan {
            // A scan's conditions use the columns that the scan itself defines.
            Plan::Scan(scan) => {
                let conditions = scan.conditions.iter_mut();
                conditions.for_each(|condition| rename_columns(condition, &self.renaming));
            }
            Plan::StageScan(scan) => {
                let conditions = scan.file_conditions.iter_mut();
                conditions.for_each(|condition| rename_columns(condition, &self.renaming));
            }
            Plan::Window(window) => {
                if let Some((id, _)) = &mut window.top {
                    *id = self.renaming.get(id).copied().unwrap_or(*id);
                }
            }
            _ => {}
        }
    }

    fn new_cte(&mut self, cte: u32) -> u32 {
        let new = self.fresh.cte();
        self.ctes.insert(cte, new);
        new
    }
}
