//! Parquet files of others.
//!
//! [`ParquetFile`] knows a file's columns and hands out its row groups; [`ParquetChunk::parse`] reads
//! the wanted columns of one, either typed and by name or all together as one VARIANT object.
//! `leaves` chooses Arrow's types, `convert` brings them to ours, `variant` writes any of them as VARIANT, `source` fetches
//! the bytes.

mod convert;
#[cfg(test)]
mod foreign_tests;
mod leaves;
mod read;
mod source;
#[cfg(test)]
mod tests;
mod variant;
mod write;

pub use convert::natural_type;
pub use read::{ParquetChunk, ParquetFile, ParquetPlan, WantedColumn};
pub use write::ParquetWriter;
