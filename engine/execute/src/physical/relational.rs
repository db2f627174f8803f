//! Filter, project, limit, sample, table functions, CTEs and UNION ALL.

use std::sync::Arc;

use firn_expression::Expr;
use firn_functions::Meaning;
use firn_plan::{
    Aggregate, Filter, Join, JoinKey, JoinKind, LateralFunction, Limit, Plan, PlanColumn, Project,
    ProjectItem, RecursiveCte, Sample, SampleSize, Secure, SetOperation, SetOperator, With,
};
use firn_types::{ColumnId, Error, Result};

use super::recursive::RecursiveSource;
use super::{Builder, Stream, Wanted, layout_of, started, transformed, wanted_with};
use crate::evaluate::{Conditions, Expressions};
use crate::operators::buffer::Buffer;
use crate::operators::expand::ExpandTransform;
use crate::operators::filter::FilterTransform;
use crate::operators::limit::LimitBuffer;
use crate::operators::project::ProjectTransform;
use crate::operators::sample::{SamplePercent, SampleRows};
use crate::profile::OperatorId;

impl Builder<'_, '_> {
    pub(super) fn filter(
        &mut self,
        node: &Filter,
        wanted: &Wanted,
        id: OperatorId,
    ) -> Result<Stream> {
        let input = self.build(&node.input, &wanted_with(wanted, &node.conditions))?;
        let conditions = Conditions::new(node.conditions.clone(), &input.layout)?;
        let output = input.layout.positions_where(|id| wanted.contains(&id));
        let layout = input.layout.project(&output);
        Ok(transformed(input, FilterTransform { conditions, output }, layout, id))
    }

    /// What is below counts for the one operator, and nobody is told of it.
    pub(super) fn secure(
        &mut self,
        node: &Secure,
        wanted: &Wanted,
        id: OperatorId,
    ) -> Result<Stream> {
        self.context.profile.hide(id);
        let outer = self.only.replace(id);
        let stream = self.build(&node.input, wanted);
        self.only = outer;
        stream
    }

    pub(super) fn project(
        &mut self,
        node: &Project,
        wanted: &Wanted,
        id: OperatorId,
    ) -> Result<Stream> {
        let items: Vec<_> = node.items.iter().filter(|item| wanted.contains(&item.id)).collect();
        let below = wanted_with(&Wanted::new(), items.iter().map(|item| &item.expr));
        let passed = |id| {
            node.items.iter().find(|item| item.id == id).and_then(|item| item.expr.as_column())
        };
        let runtime_filters = self.runtime_filters.below(passed);
        let mut input = self
            .with_runtime_filters(runtime_filters, |builder| builder.build(&node.input, &below))?;
        if items.iter().any(|item| counts_rows(&item.expr)) {
            input.branches.iter_mut().for_each(|branch| branch.serial = true);
        }
        let columns: Vec<PlanColumn> = items.iter().map(|item| item.column()).collect();
        let exprs = items.iter().map(|item| item.expr.clone()).collect();
        let items = Expressions::new(exprs, &input.layout)?;
        Ok(transformed(input, ProjectTransform { items }, layout_of(&columns), id))
    }

    pub(super) fn limit(
        &mut self,
        node: &Limit,
        wanted: &Wanted,
        id: OperatorId,
    ) -> Result<Stream> {
        let input = self.build(&node.input, wanted)?;
        Ok(self.cut(input, node.skip, node.fetch, id))
    }

    /// The rows after the first `skip`, at most `fetch` of them.
    pub(super) fn cut(
        &mut self,
        input: Stream,
        skip: u64,
        fetch: Option<u64>,
        id: OperatorId,
    ) -> Stream {
        let layout = input.layout.clone();
        let buffer = Arc::new(LimitBuffer::new(skip, fetch));
        self.end_in(input, buffer.clone(), id);
        started(buffer, layout, id)
    }

    pub(super) fn sample(
        &mut self,
        node: &Sample,
        wanted: &Wanted,
        id: OperatorId,
    ) -> Result<Stream> {
        let input = self.build(&node.input, wanted)?;
        let layout = input.layout.clone();
        let seed = node.seed.unwrap_or(self.context.functions.seed ^ id.0 as u64);
        match node.size {
            SampleSize::Percent(percent) => {
                Ok(transformed(input, SamplePercent { percent, seed }, layout, id))
            }
            SampleSize::Rows(rows) => {
                let rows = usize::try_from(rows).unwrap_or(usize::MAX / 4);
                let sample = Arc::new(SampleRows::new(rows, seed));
                self.end_in(input, sample.clone(), id);
                Ok(started(sample, layout, id))
            }
        }
    }

    pub(super) fn lateral_function(
        &mut self,
        node: &LateralFunction,
        wanted: &Wanted,
        id: OperatorId,
    ) -> Result<Stream> {
        let stream = self.build(&node.input, &wanted_with(wanted, &node.arguments))?;
        let arguments = Expressions::new(node.arguments.clone(), &stream.layout)?;
        let input = stream.layout.positions_where(|id| wanted.contains(&id));
        let columns = layout_of(&node.columns);
        let output = columns.positions_where(|id| wanted.contains(&id));
        let layout = stream.layout.project(&input).joined(&columns.project(&output));
        let mut binding = (node.function.bind)(&node.given)?;
        if node.preserves_input {
            binding = binding.padded();
        }
        let transform = ExpandTransform { binding, arguments, input, output };
        Ok(transformed(stream, transform, layout, id))
    }

    pub(super) fn with(&mut self, node: &With, wanted: &Wanted, id: OperatorId) -> Result<Stream> {
        let columns = ids(&node.definition.columns());
        let definition = self.build_exactly(&node.definition, &columns)?;
        let buffer = Arc::new(Buffer::spilling());
        self.end_in(definition, buffer.clone(), id);
        let hidden = self.ctes.insert(node.cte, buffer);
        let body = self.build(&node.body, wanted);
        match hidden {
            Some(hidden) => self.ctes.insert(node.cte, hidden),
            None => self.ctes.remove(&node.cte),
        };
        body
    }

    pub(super) fn recursive(&mut self, node: &RecursiveCte, id: OperatorId) -> Result<Stream> {
        let source = RecursiveSource::new(node.clone(), self.ctes.clone(), id);
        Ok(started(Arc::new(source), layout_of(&node.columns), id))
    }

    pub(super) fn set_operation(
        &mut self,
        node: &SetOperation,
        wanted: &Wanted,
        id: OperatorId,
    ) -> Result<Stream> {
        match node.operator {
            SetOperator::UnionAll => self.union_all(node, wanted),
            SetOperator::Intersect => self.distinct_rows(node, JoinKind::Semi, wanted, id),
            SetOperator::Except => self.distinct_rows(node, JoinKind::Anti, wanted, id),
        }
    }

    /// INTERSECT and EXCEPT: the groups of the left rows that have, or do not have, a match on the right.
    fn distinct_rows(
        &mut self,
        node: &SetOperation,
        kind: JoinKind,
        wanted: &Wanted,
        id: OperatorId,
    ) -> Result<Stream> {
        let [left, right] = node.inputs.as_slice() else {
            return Err(Error::internal("a set operation of other than two inputs"));
        };
        let (left_columns, right_columns) = (left.columns(), right.columns());
        let keys = left_columns.iter().zip(&right_columns).map(|(left, right)| JoinKey {
            left: left.expr(),
            right: right.expr(),
            null_equals_null: true,
        });
        let keys = keys.collect();
        let (left, right) = (Box::new(left.clone()), Box::new(right.clone()));
        let join = Join { kind, left, right, keys, conditions: Vec::new() };
        let group = |(column, from): (&PlanColumn, &PlanColumn)| ProjectItem {
            id: column.id,
            name: column.name.clone(),
            expr: from.expr(),
        };
        let aggregate = Aggregate {
            input: Box::new(Plan::Join(Box::new(join))),
            groups: node.columns.iter().zip(&left_columns).map(group).collect(),
            grouping_sets: None,
            grouping_id: None,
            aggregates: Vec::new(),
        };
        self.aggregate(&aggregate, wanted, id)
    }

    /// The branches of all inputs side by side.
    fn union_all(&mut self, node: &SetOperation, wanted: &Wanted) -> Result<Stream> {
        let layout = layout_of(&node.columns);
        let positions = layout.positions_where(|id| wanted.contains(&id));
        let mut branches = Vec::new();
        for input in &node.inputs {
            let columns = ids(&input.columns());
            let columns: Vec<ColumnId> = positions.iter().map(|&p| columns[p]).collect();
            let given = input.columns();
            let place = |id| node.columns.iter().position(|column| column.id == id);
            let runtime_filters = self.runtime_filters.below(|id| Some(given.get(place(id)?)?.id));
            let stream = self.with_runtime_filters(runtime_filters, |builder| {
                builder.build_exactly(input, &columns)
            })?;
            branches.extend(stream.branches);
        }
        Ok(Stream { branches, layout: layout.project(&positions) })
    }
}

/// Whether an expression numbers the rows in the order in which it sees them.
fn counts_rows(expr: &Expr) -> bool {
    let mut pending = vec![expr];
    while let Some(expr) = pending.pop() {
        match expr {
            Expr::Call { function, .. } if function.meaning == Meaning::RowCounter => {
                return true;
            }
            other => pending.extend(other.children()),
        }
    }
    false
}

/// The ids of columns.
pub(crate) fn ids(columns: &[PlanColumn]) -> Vec<ColumnId> {
    columns.iter().map(|column| column.id).collect()
}
