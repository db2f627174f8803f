//! Walking and rewriting plans; rewrites own the plan, so that nothing is cloned.

use firn_expression::Expr;

use super::{ApplyKind, JoinKind, Plan, SetOperation, WindowTarget};

/// The inputs of a node that is borrowed, shared or (`mut`) to change.
macro_rules! inputs {
    ($plan:expr, $iter:ident $(, $change:tt)?) => {
        match $plan {
            Plan::Scan(_)
            | Plan::VirtualScan(_)
            | Plan::StageScan(_)
            | Plan::Values(_)
            | Plan::Generate(_)
            | Plan::CteRef(_) => Vec::new(),
            Plan::Filter(node) => vec![&$($change)? *node.input],
            Plan::Secure(node) => vec![&$($change)? *node.input],
            Plan::Project(node) => vec![&$($change)? *node.input],
            Plan::Aggregate(node) => vec![&$($change)? *node.input],
            Plan::Window(node) => vec![&$($change)? *node.input],
            Plan::Sort(node) => vec![&$($change)? *node.input],
            Plan::Limit(node) => vec![&$($change)? *node.input],
            Plan::LateralFunction(node) => vec![&$($change)? *node.input],
            Plan::ForeignTable(node) => vec![&$($change)? *node.input],
            Plan::Sample(node) => vec![&$($change)? *node.input],
            Plan::Join(node) => vec![&$($change)? node.left, &$($change)? node.right],
            Plan::Apply(node) => vec![&$($change)? node.left, &$($change)? node.right],
            Plan::With(node) => vec![&$($change)? node.definition, &$($change)? node.body],
            Plan::RecursiveCte(node) => vec![&$($change)? node.anchor, &$($change)? node.step],
            Plan::SetOperation(SetOperation { inputs, .. }) => inputs.$iter().collect(),
        }
    };
}

/// The expressions of a node, not of its inputs; the node is borrowed, shared or (`mut`) to change.
macro_rules! expressions {
    ($plan:expr, $iter:ident $(, $change:tt)?) => {{
        let mut found = Vec::new();
        match $plan {
            Plan::Scan(node) => found.extend(node.conditions.$iter()),
            Plan::StageScan(node) => found.extend(node.file_conditions.$iter()),
            Plan::Values(node) => found.extend(node.rows.$iter().flatten()),
            Plan::Filter(node) => found.extend(node.conditions.$iter()),
            Plan::Project(node) => {
                found.extend(node.items.$iter().map(|item| &$($change)? item.expr));
            }
            Plan::Aggregate(node) => {
                found.extend(node.groups.$iter().map(|item| &$($change)? item.expr));
                for call in node.aggregates.$iter() {
                    found.extend(call.arguments.$iter());
                    found.extend(call.order_by.$iter().map(|key| &$($change)? key.expr));
                }
            }
            Plan::Window(node) => {
                for call in node.calls.$iter() {
                    found.extend(call.arguments.$iter());
                    found.extend(call.partition_by.$iter());
                    found.extend(call.order_by.$iter().map(|key| &$($change)? key.expr));
                    if let WindowTarget::Aggregate { within, .. } = &$($change)? call.target {
                        found.extend(within.$iter().map(|key| &$($change)? key.expr));
                    }
                }
            }
            Plan::Sort(node) => {
                found.extend(node.keys.$iter().map(|key| &$($change)? key.expr));
            }
            Plan::Join(node) => {
                for key in node.keys.$iter() {
                    found.extend([&$($change)? key.left, &$($change)? key.right]);
                }
                found.extend(node.conditions.$iter());
            }
            Plan::Apply(node) => {
                if let ApplyKind::Any { conditions, .. } = &$($change)? node.kind {
                    found.extend(conditions.$iter());
                }
            }
            Plan::LateralFunction(node) => found.extend(node.arguments.$iter()),
            Plan::ForeignTable(node) => {
                found.extend(node.arguments.$iter());
                found.extend(node.partition_by.$iter());
                found.extend(node.order_by.$iter().map(|key| &$($change)? key.expr));
            }
            Plan::VirtualScan(_)
            | Plan::Generate(_)
            | Plan::Secure(_)
            | Plan::Limit(_)
            | Plan::SetOperation(_)
            | Plan::With(_)
            | Plan::CteRef(_)
            | Plan::RecursiveCte(_)
            | Plan::Sample(_) => {}
        }
        found
    }};
}

impl Plan {
    /// The inputs, in order.
    pub fn inputs(&self) -> Vec<&Plan> {
        inputs!(self, iter)
    }

    /// The inputs, in order, to change in place.
    pub fn inputs_mut(&mut self) -> Vec<&mut Plan> {
        inputs!(self, iter_mut, mut)
    }

    /// Every expression of this node, not of its inputs.
    pub fn expressions(&self) -> Vec<&Expr> {
        expressions!(self, iter)
    }

    /// Every expression of this node, not of its inputs, to change in place.
    pub fn expressions_mut(&mut self) -> Vec<&mut Expr> {
        expressions!(self, iter_mut, mut)
    }

    /// The plan with `f` applied to every input.
    pub fn map_inputs(mut self, f: &mut dyn FnMut(Plan) -> Plan) -> Plan {
        for input in self.inputs_mut() {
            let taken = std::mem::replace(input, Plan::one_row());
            *input = f(taken);
        }
        self
    }

    /// As [`Plan::map_inputs`], where `f` may fail.
    ///
    /// # Errors
    /// The first error of `f`.
    pub fn try_map_inputs(
        mut self,
        f: &mut dyn FnMut(Plan) -> firn_types::Result<Plan>,
    ) -> firn_types::Result<Plan> {
        for input in self.inputs_mut() {
            let taken = std::mem::replace(input, Plan::one_row());
            *input = f(taken)?;
        }
        Ok(self)
    }

    /// Visits the node and everything below it, the node first.
    pub fn visit(&self, f: &mut dyn FnMut(&Plan)) {
        f(self);
        for input in self.inputs() {
            input.visit(f);
        }
    }

    /// Changes everything below the node, then the node.
    pub fn transform_up(self, f: &mut dyn FnMut(Plan) -> Plan) -> Plan {
        let plan = self.map_inputs(&mut |input| input.transform_up(f));
        f(plan)
    }
}

impl Plan {
    /// The ids of the columns that this node makes, to change in place; not those that it passes on.
    pub fn defined_ids_mut(&mut self) -> Vec<&mut firn_types::ColumnId> {
        match self {
            Plan::Scan(node) => {
                let columns = node.columns.iter_mut().map(|column| &mut column.column.id);
                columns.chain(&mut node.row_locator).collect()
            }
            Plan::VirtualScan(node) => node.columns.iter_mut().map(|c| &mut c.id).collect(),
            Plan::StageScan(node) => node.columns.iter_mut().map(|c| &mut c.column.id).collect(),
            Plan::Values(node) => node.columns.iter_mut().map(|c| &mut c.id).collect(),
            Plan::Project(node) => node.items.iter_mut().map(|item| &mut item.id).collect(),
            Plan::Aggregate(node) => {
                let groups = node.groups.iter_mut().map(|item| &mut item.id);
                let calls = node.aggregates.iter_mut().map(|call| &mut call.id);
                groups.chain(calls).chain(&mut node.grouping_id).collect()
            }
            Plan::Window(node) => node.calls.iter_mut().map(|call| &mut call.id).collect(),
            Plan::Join(node) => match &mut node.kind {
                JoinKind::Mark { id, .. } => vec![id],
                _ => Vec::new(),
            },
            Plan::Apply(node) => match &mut node.kind {
                ApplyKind::Exists { id } | ApplyKind::Any { id, .. } => vec![id],
                _ => Vec::new(),
            },
            Plan::SetOperation(node) => node.columns.iter_mut().map(|c| &mut c.id).collect(),
            Plan::LateralFunction(node) => node.columns.iter_mut().map(|c| &mut c.id).collect(),
            Plan::ForeignTable(node) => node.columns.iter_mut().map(|c| &mut c.id).collect(),
            Plan::CteRef(node) => node.columns.iter_mut().map(|c| &mut c.id).collect(),
            Plan::RecursiveCte(node) => node.columns.iter_mut().map(|c| &mut c.id).collect(),
            Plan::Generate(_)
            | Plan::Filter(_)
            | Plan::Secure(_)
            | Plan::Sort(_)
            | Plan::Limit(_)
            | Plan::With(_)
            | Plan::Sample(_) => Vec::new(),
        }
    }
}
