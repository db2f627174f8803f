//! JSON documents: one to a line, one after another, or the elements of one array.
//!
//! `document` finds where documents begin and end; [`JsonFile`] hands out chunks of whole documents;
//! [`JsonChunk::parse`] makes each document one VARIANT; `shape` applies the options that change
//! values.

mod document;
mod read;
mod reader;
mod shape;
#[cfg(test)]
mod tests;
mod write;

pub use read::{JsonChunk, JsonFile, JsonPlan};
pub use reader::JsonReader;
pub use write::JsonWriter;
