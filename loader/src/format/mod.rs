//! File formats, both ways.
//!
//! A file is read in chunks of whole records ([`csv::CsvFile`], [`json::JsonFile`]) or row groups
//! ([`parquet::ParquetFile`]). Handing out the next chunk is quick and done by one worker at a time;
//! parsing it is the work, and done by all. [`FileQueue`] spreads the chunks of many files.

pub mod csv;

mod chunk;
mod queue;

pub use queue::{ChunkedFile, FileQueue};
