//! File formats, both ways.
//!
//! A file is read in chunks of whole records ([`csv::CsvFile`], [`json::JsonFile`]) or row groups
//! ([`parquet::ParquetFile`]). Handing out the next chunk is quick and done by one worker at a time;
//! parsing it is the work, and done by all. [`FileQueue`] spreads the chunks of many files.
//! What comes out of all of them is a [`FileBatch`].

pub mod csv;
pub mod json;
pub mod parquet;

mod batch;
mod chunk;
mod queue;
mod write;

pub use batch::{FileBatch, RowOrigin};
pub use queue::{ChunkedFile, FileQueue};
pub use write::{FileWriter, Written};
