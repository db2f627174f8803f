//! A physical plan: pipelines in an order in which each finds what it waits for.
//!
//! A pipeline has one or more branches (UNION ALL gives several), each a source with its transforms, which
//! end in one sink. Legs have phases that run one after another: the rows of an outer join that found no
//! partner are read by a branch of a later phase than the one that probes.

use std::sync::Arc;

use crate::operator::{Sink, Source, Transform};
use crate::profile::OperatorId;

/// A shared operator with its place in the profile.
pub(crate) struct Step<T: ?Sized> {
    pub(crate) operator: Arc<T>,
    pub(crate) id: OperatorId,
}

impl<T: ?Sized> Clone for Step<T> {
    fn clone(&self) -> Step<T> {
        Step { operator: Arc::clone(&self.operator), id: self.id }
    }
}

/// A source with what happens to its batches.
#[derive(Clone)]
pub(crate) struct Branch {
    pub(crate) source: Step<dyn Source>,
    pub(crate) transforms: Vec<Step<dyn Transform>>,
    /// Legs of a lower phase are at their end when this one starts.
    pub(crate) phase: usize,
    /// Whether one worker must see all rows in order: for functions that count rows.
    pub(crate) serial: bool,
}

/// Legs that end in one sink.
pub(crate) struct Pipeline<'s> {
    pub(crate) branches: Vec<Branch>,
    pub(crate) sink: Step<dyn Sink + 's>,
}

/// Pipelines, each after those that it waits for.
#[derive(Default)]
pub(crate) struct Pipelines<'s> {
    pub(crate) pipelines: Vec<Pipeline<'s>>,
}
