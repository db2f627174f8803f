//! The way of data into firn and out of it: stages, compression, file formats.
//!
//! Reading order: [`options`] says what a statement may ask for; [`stage`] lists, opens and writes
//! files; [`compression`] reads and writes compressed bytes; [`row_error`] is a rejected row, a value
//! and not a failure, and [`on_error`] decides what becomes of it; [`format`] holds the readers and
//! writers of CSV, JSON and Parquet; [`scan`] reads any of them with many workers, [`unload`]
//! names and splits the files that are written.

pub mod options;
pub mod row_error;

pub mod compression;
pub mod encoding;
pub mod format;
pub mod infer_schema;
pub mod on_error;
pub mod scan;
pub mod stage;
pub mod unload;
