//! Parquet files of others.
//!
//! [`ParquetFile`] knows a file's columns and hands out its row groups; [`ParquetChunk::parse`] reads
//! the wanted columns of one, either typed and by name or all together as one VARIANT object.
//! [`ParquetReader`] does this for all files of a scan. `leaves` chooses Arrow's types, `source` fetches
//! the bytes.

#[cfg(test)]
mod foreign_tests;
mod leaves;
mod read;
mod reader;
mod source;
#[cfg(test)]
mod tests;
mod write;

pub use read::{ParquetChunk, ParquetFile};
pub use reader::ParquetReader;
pub use write::ParquetWriter;
