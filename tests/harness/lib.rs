//! What the tests through a whole engine share: engines under several configurations, and how a result
//! is written in an `.slt` file.

mod configuration;
mod counting_store;
pub mod derived_query;
mod engine_under_test;
mod flaky_store;
mod numbers;
pub mod python;
pub mod random_query;
mod s3_server;
pub mod server_client;
mod session;
pub mod tpch;
mod written;

use std::path::{Path, PathBuf};
use std::{fs, io};

pub use configuration::{CONFIGURATIONS, Configuration, Place, skips};
pub use counting_store::CountingStore;
pub use engine_under_test::{Connection, EngineUnderTest};
pub use flaky_store::{Fault, FlakyStore, Outcome};
pub use numbers::Numbers;
pub use s3_server::S3Server;
pub use session::{die_once, process_at, rows, run, session, sorted_rows, try_rows};
pub use written::{written_cell, written_row};

/// Every file below `folder` whose name ends in `extension`, sorted.
///
/// # Errors
/// When a folder cannot be read.
pub fn files_below(folder: &Path, extension: &str) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|found| found == extension) {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}
