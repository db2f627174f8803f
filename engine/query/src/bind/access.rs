//! What a statement has read, and under which policies, as it was bound: what ACCESS_HISTORY tells.

use std::cell::RefCell;
use std::collections::HashSet;

use firn_plan::PlanColumn;
use firn_types::{ColumnId, FieldId, ObjectId};

use super::Binder;

/// What a statement has read.
#[derive(Debug, Default)]
pub struct Accesses {
    /// Tables, views and streams, by whatever way they are read, each time that they are.
    pub relations: Vec<ReadRelation>,
    /// Policies that were applied.
    pub policies: Vec<AppliedPolicy>,
    /// Columns that the statement itself names.
    named: HashSet<ColumnId>,
}

/// A table, view or stream that is read.
#[derive(Clone, Debug)]
pub struct ReadRelation {
    /// Which.
    pub object: ObjectId,
    /// Whether the statement itself names it, rather than a view or function.
    pub direct: bool,
    /// Its columns, in order.
    pub columns: Vec<ColumnId>,
}

/// A policy that was applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AppliedPolicy {
    /// The table or view that it protects.
    pub on: ObjectId,
    /// The column, where it protects one.
    pub field: Option<FieldId>,
    /// The policy.
    pub policy: ObjectId,
}

impl Accesses {
    /// The positions of a relation's columns that the statement itself names.
    pub fn named_columns(&self, relation: &ReadRelation) -> Vec<usize> {
        let columns = relation.columns.iter().enumerate();
        let named = columns.filter(|(_, id)| self.named.contains(id));
        named.map(|(position, _)| position).collect()
    }
}

/// Where a binder notes what it meets.
#[derive(Debug, Default)]
pub(super) struct Noted(RefCell<Accesses>);

impl Binder<'_> {
    /// Hands out what the statement has read.
    pub fn take_accesses(&self) -> Accesses {
        self.accesses.0.take()
    }

    /// Whether policies were applied to what was bound so far, whatever they leave of it to who binds.
    pub fn meets_policies(&self) -> bool {
        !self.accesses.0.borrow().policies.is_empty()
    }

    /// Notes a relation that is read.
    pub(crate) fn note_relation(&self, object: ObjectId, columns: &[PlanColumn]) {
        let direct = self.views.borrow().is_empty();
        let columns = columns.iter().map(|column| column.id).collect();
        let relation = ReadRelation { object, direct, columns };
        self.accesses.0.borrow_mut().relations.push(relation);
    }

    /// Notes a column that an expression names.
    pub(crate) fn note_column(&self, id: ColumnId) {
        if self.views.borrow().is_empty() {
            self.accesses.0.borrow_mut().named.insert(id);
        }
    }

    /// Notes a policy that is applied.
    pub(crate) fn note_policy(&self, on: ObjectId, field: Option<FieldId>, policy: ObjectId) {
        let applied = AppliedPolicy { on, field, policy };
        let policies = &mut self.accesses.0.borrow_mut().policies;
        if !policies.contains(&applied) {
            policies.push(applied);
        }
    }
}
