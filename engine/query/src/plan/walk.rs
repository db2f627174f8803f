//! Walking and rewriting plans; rewrites own the plan, so that nothing is cloned.

use firn_expression::Expr;

use super::node::SortKey;
use super::{Plan, SetOperation, WindowTarget};

impl Plan {
    /// The inputs, in order.
    pub fn inputs(&self) -> Vec<&Plan> {
        match self {
            Plan::Scan(_)
            | Plan::VirtualScan(_)
            | Plan::StageScan(_)
            | Plan::Values(_)
            | Plan::Generate(_)
            | Plan::CteRef(_) => Vec::new(),
            Plan::Filter(node) => vec![&node.input],
            Plan::Project(node) => vec![&node.input],
            Plan::Aggregate(node) => vec![&node.input],
            Plan::Window(node) => vec![&node.input],
            Plan::Sort(node) => vec![&node.input],
            Plan::Limit(node) => vec![&node.input],
            Plan::TableExpand(node) => vec![&node.input],
            Plan::Sample(node) => vec![&node.input],
            Plan::Join(node) => vec![&node.left, &node.right],
            Plan::Apply(node) => vec![&node.left, &node.right],
            Plan::With(node) => vec![&node.definition, &node.body],
            Plan::RecursiveCte(node) => vec![&node.anchor, &node.step],
            Plan::SetOperation(SetOperation { inputs, .. }) => inputs.iter().collect(),
        }
    }

    /// The inputs, in order, to change in place.
    pub fn inputs_mut(&mut self) -> Vec<&mut Plan> {
        match self {
            Plan::Scan(_)
            | Plan::VirtualScan(_)
            | Plan::StageScan(_)
            | Plan::Values(_)
            | Plan::Generate(_)
            | Plan::CteRef(_) => Vec::new(),
            Plan::Filter(node) => vec![&mut node.input],
            Plan::Project(node) => vec![&mut node.input],
            Plan::Aggregate(node) => vec![&mut node.input],
            Plan::Window(node) => vec![&mut node.input],
            Plan::Sort(node) => vec![&mut node.input],
            Plan::Limit(node) => vec![&mut node.input],
            Plan::TableExpand(node) => vec![&mut node.input],
            Plan::Sample(node) => vec![&mut node.input],
            Plan::Join(node) => vec![&mut node.left, &mut node.right],
            Plan::Apply(node) => vec![&mut node.left, &mut node.right],
            Plan::With(node) => vec![&mut node.definition, &mut node.body],
            Plan::RecursiveCte(node) => vec![&mut node.anchor, &mut node.step],
            Plan::SetOperation(SetOperation { inputs, .. }) => inputs.iter_mut().collect(),
        }
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

    /// Every expression of this node, not of its inputs.
    pub fn expressions(&self) -> Vec<&Expr> {
        let mut found = Vec::new();
        match self {
            Plan::Scan(node) => found.extend(&node.conditions),
            Plan::Values(node) => found.extend(node.rows.iter().flatten()),
            Plan::Filter(node) => found.extend(&node.conditions),
            Plan::Project(node) => found.extend(node.items.iter().map(|item| &item.expr)),
            Plan::Aggregate(node) => {
                found.extend(node.groups.iter().map(|item| &item.expr));
                for call in &node.aggregates {
                    found.extend(&call.arguments);
                    found.extend(call.order_by.iter().map(|key| &key.expr));
                }
            }
            Plan::Window(node) => {
                for call in &node.calls {
                    found.extend(&call.arguments);
                    found.extend(&call.partition_by);
                    found.extend(call.order_by.iter().map(|key| &key.expr));
                    if let WindowTarget::Aggregate { within, .. } = &call.target {
                        found.extend(within.iter().map(|key| &key.expr));
                    }
                }
            }
            Plan::Sort(node) => found.extend(node.keys.iter().map(|key| &key.expr)),
            Plan::Join(node) => {
                found.extend(node.keys.iter().flat_map(|key| [&key.left, &key.right]));
                found.extend(&node.conditions);
            }
            Plan::Apply(node) => {
                if let super::ApplyKind::Any { conditions, .. } = &node.kind {
                    found.extend(conditions);
                }
            }
            Plan::TableExpand(node) => found.extend(&node.arguments),
            Plan::VirtualScan(_)
            | Plan::StageScan(_)
            | Plan::Generate(_)
            | Plan::Limit(_)
            | Plan::SetOperation(_)
            | Plan::With(_)
            | Plan::CteRef(_)
            | Plan::RecursiveCte(_)
            | Plan::Sample(_) => {}
        }
        found
    }

    /// Every expression of this node, not of its inputs, to change in place.
    pub fn expressions_mut(&mut self) -> Vec<&mut Expr> {
        fn keys<'a>(found: &mut Vec<&'a mut Expr>, order: &'a mut [SortKey]) {
            found.extend(order.iter_mut().map(|key| &mut key.expr));
        }
        let mut found = Vec::new();
        match self {
            Plan::Scan(node) => found.extend(&mut node.conditions),
            Plan::Values(node) => found.extend(node.rows.iter_mut().flatten()),
            Plan::Filter(node) => found.extend(&mut node.conditions),
            Plan::Project(node) => found.extend(node.items.iter_mut().map(|item| &mut item.expr)),
            Plan::Aggregate(node) => {
                found.extend(node.groups.iter_mut().map(|item| &mut item.expr));
                for call in &mut node.aggregates {
                    found.extend(&mut call.arguments);
                    keys(&mut found, &mut call.order_by);
                }
            }
            Plan::Window(node) => {
                for call in &mut node.calls {
                    found.extend(&mut call.arguments);
                    found.extend(&mut call.partition_by);
                    keys(&mut found, &mut call.order_by);
                    if let WindowTarget::Aggregate { within, .. } = &mut call.target {
                        keys(&mut found, within);
                    }
                }
            }
            Plan::Sort(node) => keys(&mut found, &mut node.keys),
            Plan::Join(node) => {
                found.extend(node.keys.iter_mut().flat_map(|key| [&mut key.left, &mut key.right]));
                found.extend(&mut node.conditions);
            }
            Plan::Apply(node) => {
                if let super::ApplyKind::Any { conditions, .. } = &mut node.kind {
                    found.extend(conditions);
                }
            }
            Plan::TableExpand(node) => found.extend(&mut node.arguments),
            Plan::VirtualScan(_)
            | Plan::StageScan(_)
            | Plan::Generate(_)
            | Plan::Limit(_)
            | Plan::SetOperation(_)
            | Plan::With(_)
            | Plan::CteRef(_)
            | Plan::RecursiveCte(_)
            | Plan::Sample(_) => {}
        }
        found
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
                columns.chain(&mut node.row_address).collect()
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
                super::JoinKind::Mark { id, .. } => vec![id],
                _ => Vec::new(),
            },
            Plan::Apply(node) => match &mut node.kind {
                super::ApplyKind::Exists { id } | super::ApplyKind::Any { id, .. } => vec![id],
                _ => Vec::new(),
            },
            Plan::SetOperation(node) => node.columns.iter_mut().map(|c| &mut c.id).collect(),
            Plan::TableExpand(node) => node.columns.iter_mut().map(|c| &mut c.id).collect(),
            Plan::CteRef(node) => node.columns.iter_mut().map(|c| &mut c.id).collect(),
            Plan::RecursiveCte(node) => node.columns.iter_mut().map(|c| &mut c.id).collect(),
            Plan::Generate(_)
            | Plan::Filter(_)
            | Plan::Sort(_)
            | Plan::Limit(_)
            | Plan::With(_)
            | Plan::Sample(_) => Vec::new(),
        }
    }
}
