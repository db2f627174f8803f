//! From a logical plan to batches.
//!
//! Reading order: [`operator`] says what a pipeline is made of; `pipeline` is a physical plan, and
//! `schedule` runs it; `physical` makes a physical plan of a logical one, a file per node; `operators`
//! are what it is made of. Execution pushes: a worker takes a morsel from a source and calls the next
//! operator with each batch while it is in cache, down to the sink.

pub mod context;
pub mod dml;
mod evaluate;
pub mod memory;
pub mod operator;
mod operators;
mod physical;
mod pipeline;
pub mod profile;
mod row_locator;
mod run;
mod schedule;
pub mod spill;
pub mod spool;
mod staged;
mod worker_pool;

pub use context::{QueryContext, StageFiles, Storage, VirtualRows, VirtualTables};
pub use memory::MemoryBudget;
pub use operator::Flow;
pub use operators::stage_files::assigned_files;
pub use operators::stage_scan::StageSource;
pub use profile::Profile;
pub use run::{BatchSink, BatchWorker, execute, execute_into, execute_ordered};
pub use spool::{Spool, SpoolStore};
pub use worker_pool::WorkerPool;

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
