//! A logical plan becomes pipelines: one file per kind of node.
//!
//! Building goes from the root down and answers streams: branches that do not end in a sink yet. A node that
//! must see all rows first ends its input's stream in a sink, as a pipeline of its own, and starts a new
//! stream that reads the sink. So pipelines come out in the order in which they can run.
//!
//! Every node is told which columns are wanted above it and carries no others further than it must.

mod aggregate;
mod foreign;
mod join;
mod recursive;
mod relational;
mod scan;
mod sort;
mod source;
mod window;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use firn_plan::describe::ColumnNames;
use firn_plan::{Plan, PlanColumn};
use firn_types::{ColumnId, Error, Result};

use crate::context::QueryContext;
use crate::evaluate::Layout;
use crate::operator::{Sink, Source, Transform};
use crate::operators::buffer::Buffer;
use crate::operators::join::RuntimeFilter;
use crate::operators::project::PickTransform;
use crate::operators::sort::TopBound;
use crate::pipeline::{Branch, Pipeline, Pipelines, Step};
use crate::profile::OperatorId;

/// The columns that are wanted of a node.
pub(crate) type Wanted = HashSet<ColumnId>;

/// The rows of enclosing CTEs, by number.
pub(crate) type Ctes = HashMap<u32, Arc<Buffer>>;

/// What operators above a node know of rows that nobody has a use for.
#[derive(Clone, Default)]
pub(crate) struct RuntimeFilters {
    /// Joins that a row must have a match in.
    pub(crate) filters: Vec<RuntimeFilter>,
    /// Orders of which only the first rows are wanted, with the column that is the first key.
    pub(crate) bounds: Vec<(ColumnId, Arc<TopBound>)>,
}

impl RuntimeFilters {
    /// The runtime filters under the ids that columns have below a node; `below` answers none for what the node itself
    /// makes, and nothing can be said below of such a column.
    pub(crate) fn below(&self, below: impl Fn(ColumnId) -> Option<ColumnId>) -> RuntimeFilters {
        let filters = self.filters.iter().filter_map(|filter| {
            let columns: Vec<_> =
                filter.columns.iter().map(|column| column.and_then(&below)).collect();
            let said = columns.iter().any(Option::is_some);
            said.then(|| RuntimeFilter { columns, join: Arc::clone(&filter.join) })
        });
        let bounds = self.bounds.iter();
        let bounds =
            bounds.filter_map(|(column, bound)| Some((below(*column)?, Arc::clone(bound))));
        RuntimeFilters { filters: filters.collect(), bounds: bounds.collect() }
    }
}

/// Legs that do not end yet, and what stands where in their batches.
pub(crate) struct Stream {
    pub(crate) branches: Vec<Branch>,
    pub(crate) layout: Layout,
}

impl Stream {
    /// The phase in which all branches are at their end.
    pub(crate) fn phases(&self) -> usize {
        self.branches.iter().map(|branch| branch.phase + 1).max().unwrap_or(0)
    }
}

/// Makes the physical plan of one statement.
pub(crate) struct Builder<'a, 's> {
    pub(crate) context: &'a QueryContext,
    pub(crate) pipelines: Pipelines<'s>,
    pub(crate) ctes: Ctes,
    /// What operators above say about rows of the present node that they have no use for.
    pub(crate) runtime_filters: RuntimeFilters,
    /// How the profile calls the plan's columns.
    names: ColumnNames,
    /// The operator that takes the present node's rows.
    parent: Option<OperatorId>,
    /// The operator that everything counts for, inside a loop that builds its body again and again.
    only: Option<OperatorId>,
}

impl<'a, 's> Builder<'a, 's> {
    pub(crate) fn new(context: &'a QueryContext) -> Builder<'a, 's> {
        Builder {
            context,
            pipelines: Pipelines::default(),
            ctes: Ctes::new(),
            runtime_filters: RuntimeFilters::default(),
            names: ColumnNames::new(),
            parent: None,
            only: None,
        }
    }

    /// A builder of what gives its rows to one operator, with names for the plan's columns.
    pub(crate) fn below(context: &'a QueryContext, parent: OperatorId, names: ColumnNames) -> Self {
        Builder { parent: Some(parent), names, ..Builder::new(context) }
    }

    /// A builder for the body of a loop, which counts for one operator.
    pub(crate) fn inside(context: &'a QueryContext, ctes: Ctes, only: OperatorId) -> Self {
        Builder { ctes, only: Some(only), ..Builder::new(context) }
    }

    /// The stream of a node; it has at least the wanted columns.
    pub(crate) fn build(&mut self, plan: &Plan, wanted: &Wanted) -> Result<Stream> {
        let id = match self.only {
            Some(id) => id,
            None => {
                let (name, description) = (plan.operation(), plan.describe(&self.names));
                self.context.profile.add(name.to_string(), description, self.parent)
            }
        };
        let parent = self.parent.replace(id);
        let stream = match keeps_hints(plan) {
            true => self.build_node(plan, wanted, id),
            false => self.with_runtime_filters(RuntimeFilters::default(), |builder| {
                builder.build_node(plan, wanted, id)
            }),
        };
        self.parent = parent;
        stream
    }

    fn build_node(&mut self, plan: &Plan, wanted: &Wanted, id: OperatorId) -> Result<Stream> {
        match plan {
            Plan::Scan(node) => self.scan(node, wanted, id),
            Plan::VirtualScan(node) => self.virtual_scan(node, id),
            Plan::StageScan(node) => self.stage_scan(node, id),
            Plan::Values(node) => self.values(node, id),
            Plan::Generate(node) => self.generate(node, id),
            Plan::Filter(node) => self.filter(node, wanted, id),
            Plan::Secure(node) => self.secure(node, wanted, id),
            Plan::Project(node) => self.project(node, wanted, id),
            Plan::Aggregate(node) => self.aggregate(node, wanted, id),
            Plan::Join(node) => self.join(node, wanted, id),
            Plan::Sort(node) => self.sort(node, wanted, id),
            Plan::Window(node) => self.window(node, wanted, id),
            Plan::Limit(node) => self.limit(node, wanted, id),
            Plan::LateralFunction(node) => self.lateral_function(node, wanted, id),
            Plan::ForeignTable(node) => self.foreign_table(node, wanted, id),
            Plan::With(node) => self.with(node, wanted, id),
            Plan::CteRef(node) => self.cte_ref(node, wanted, id),
            Plan::RecursiveCte(node) => self.recursive(node, id),
            Plan::Sample(node) => self.sample(node, wanted, id),
            Plan::SetOperation(node) => self.set_operation(node, wanted, id),
            Plan::Apply(_) => Err(Error::internal("a dependent join after optimization")),
        }
    }

    /// Builds with other runtime filters.
    pub(crate) fn with_runtime_filters<T>(
        &mut self,
        runtime_filters: RuntimeFilters,
        build: impl FnOnce(&mut Self) -> Result<T>,
    ) -> Result<T> {
        let outer = std::mem::replace(&mut self.runtime_filters, runtime_filters);
        let built = build(self);
        self.runtime_filters = outer;
        built
    }

    /// The stream of a node with exactly these columns, in this order.
    pub(crate) fn build_exactly(&mut self, plan: &Plan, columns: &[ColumnId]) -> Result<Stream> {
        let stream = self.build(plan, &columns.iter().copied().collect())?;
        self.pick(stream, columns)
    }

    /// The stream with exactly these columns, in this order.
    pub(crate) fn pick(&mut self, stream: Stream, columns: &[ColumnId]) -> Result<Stream> {
        let positions = stream.layout.positions(columns)?;
        if positions.iter().copied().eq(0..stream.layout.len()) {
            return Ok(stream);
        }
        let layout = stream.layout.project(&positions);
        let id = self.current();
        Ok(transformed(stream, PickTransform { positions }, layout, id))
    }

    /// The operator that is being built.
    pub(crate) fn current(&self) -> OperatorId {
        self.only.or(self.parent).unwrap_or(OperatorId(0))
    }

    /// Ends a stream in a sink: a pipeline that runs before those that are built later.
    pub(crate) fn end_in(&mut self, stream: Stream, sink: Arc<dyn Sink + 's>, id: OperatorId) {
        let sink = Step { operator: sink, id };
        self.pipelines.pipelines.push(Pipeline { branches: stream.branches, sink });
    }
}

/// Whether rows may be left out below a node that no one above it has a use for.
fn keeps_hints(plan: &Plan) -> bool {
    match plan {
        Plan::Limit(_)
        | Plan::Window(_)
        | Plan::Sample(_)
        | Plan::RecursiveCte(_)
        | Plan::ForeignTable(_) => false,
        Plan::Sort(node) => node.limit.is_none(),
        Plan::Aggregate(node) => node.grouping_sets.is_none() && !node.groups.is_empty(),
        _ => true,
    }
}

/// A stream that starts here.
pub(crate) fn started(source: Arc<dyn Source>, layout: Layout, id: OperatorId) -> Stream {
    let source = Step { operator: source, id };
    Stream {
        branches: vec![Branch { source, transforms: Vec::new(), phase: 0, serial: false }],
        layout,
    }
}

/// The stream after one more transform.
pub(crate) fn transformed(
    mut stream: Stream,
    transform: impl Transform + 'static,
    layout: Layout,
    id: OperatorId,
) -> Stream {
    let step: Step<dyn Transform> = Step { operator: Arc::new(transform), id };
    stream.branches.iter_mut().for_each(|branch| branch.transforms.push(step.clone()));
    stream.layout = layout;
    stream
}

/// A layout of a plan's columns.
pub(crate) fn layout_of(columns: &[PlanColumn]) -> Layout {
    Layout::new(columns.iter().map(|column| (column.id, column.sql_type)).collect())
}

/// The columns that expressions use, added to the wanted ones.
pub(crate) fn wanted_with<'e>(
    wanted: &Wanted,
    exprs: impl IntoIterator<Item = &'e firn_expression::Expr>,
) -> Wanted {
    let mut all = wanted.clone();
    exprs.into_iter().for_each(|expr| all.extend(expr.columns_used()));
    all
}
