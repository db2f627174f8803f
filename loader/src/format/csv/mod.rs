//! Delimited text.
//!
//! Reading order: `grammar` says where fields and records end, for cutting and for parsing alike;
//! [`CsvFile`] hands out chunks of whole records with their place in the file; [`CsvChunk::parse`]
//! gives the fields of each column to its [`FieldSink`], which converts them straight from the file's
//! bytes; [`CsvReader`] does this for all files of a scan; [`super::FileBatch`] is what comes out, with
//! what is needed to say where a row came from.

mod fields;
mod grammar;
mod parse;
mod read;
mod reader;
mod record;
mod sink;
#[cfg(test)]
mod tests;
mod typed_sink;
mod write;

pub(crate) use fields::show_invalid;
pub use fields::{Field, Fields};
pub use parse::{CsvPlan, Rejection};
pub use read::{CsvChunk, CsvFile};
pub use reader::{CsvColumns, CsvReader, SinkFactory};
pub use record::RecordReader;
pub use sink::{FieldSink, TextSink, text_sinks};
pub use typed_sink::{ColumnRule, too_long, typed_sink};
pub use write::CsvWriter;
