//! Avro's object container files.
//!
//! `block` cuts a file into its header and whole blocks, which needs nothing of their contents; `schema` is
//! what these are read by. [`AvroReader`] has them decoded by Arrow's reader, a chunk of blocks by each
//! worker, and gives their columns, typed and by name or all together as one VARIANT object.

mod block;
mod reader;
mod schema;
#[cfg(test)]
mod tests;
mod unpack;

pub use reader::AvroReader;
