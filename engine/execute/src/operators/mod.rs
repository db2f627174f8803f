//! What pipelines are made of.

pub(crate) mod aggregate;
pub(crate) mod buffer;
pub(crate) mod expand;
pub(crate) mod fetch;
pub(crate) mod filter;
pub(crate) mod foreign_table;
pub(crate) mod generate;
pub(crate) mod hash_partition;
pub(crate) mod join;
pub(crate) mod limit;
pub(crate) mod morsel_batches;
pub(crate) mod project;
pub(crate) mod sample;
pub(crate) mod scan;
pub(crate) mod sort;
pub(crate) mod stage_files;
pub(crate) mod stage_scan;
pub(crate) mod values;
pub(crate) mod window;
