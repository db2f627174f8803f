//! File formats, both ways.
//!
//! A file is read in chunks of whole records or row groups. Handing out the next chunk is quick and done
//! by one worker at a time; parsing it is the work, and done by all. Each format has a [`FileReader`], made
//! of its options and of what is wanted, that opens files as [`ChunkedFile`]s; what comes out of all of
//! them is a [`FileBatch`]. [`columns`] is what formats with typed columns have in common, [`arrow`] how
//! Arrow's arrays become ours, [`FileWriter`] what writers have in common. [`registry`] says what each
//! format can do.

pub mod arrow;
pub mod avro;
pub mod csv;
pub mod json;
pub mod parquet;

mod batch;
mod chunk;
mod columns;
mod reader;
mod registry;
mod write;

pub use batch::{FileBatch, RowOrigin};
pub use columns::{ColumnsPlan, WantedColumn};
pub use reader::{ChunkedFile, EmitBatch, FileChunk, FileReader};
pub use registry::{ColumnFormat, DocumentFormat, RowForm, WritableFormat};
pub use write::{FileWriter, Written};
