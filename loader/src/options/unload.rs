//! The options of COPY INTO a location.

use firn_types::Result;

use super::OptionDefault::{Boolean as Truth, Number as Count};
use super::OptionKind::{Boolean, Number};
use super::{NamedOption, OptionEntry, OptionSet, entry};

const UNLOAD: &[OptionEntry] = &[
    entry("OVERWRITE", Boolean, Truth(false)),
    entry("SINGLE", Boolean, Truth(false)),
    entry("MAX_FILE_SIZE", Number(1), Count(16_777_216)),
    entry("INCLUDE_QUERY_ID", Boolean, Truth(false)),
    entry("DETAILED_OUTPUT", Boolean, Truth(false)),
    entry("HEADER", Boolean, Truth(false)),
];

/// The options of COPY INTO a location.
#[derive(Clone, Debug, PartialEq)]
pub struct UnloadOptions {
    /// Whether files in the way are replaced.
    pub overwrite: bool,
    /// Whether all goes into one file of exactly the given name.
    pub single: bool,
    /// Bytes, after compression, at which a new file is begun.
    pub max_file_size: u64,
    /// Whether file names carry the query's id.
    pub include_query_id: bool,
    /// Whether the result has a row for each file.
    pub detailed_output: bool,
    /// Whether CSV files begin with the column names, and Parquet columns keep theirs.
    pub header: bool,
}

impl UnloadOptions {
    /// Whether unloading has an option of this name.
    pub fn knows(name: &str) -> bool {
        UNLOAD.iter().any(|entry| entry.name == name)
    }

    /// The options of a statement.
    ///
    /// # Errors
    /// Unknown options and values that an option does not take.
    pub fn parse(given: &[NamedOption]) -> Result<UnloadOptions> {
        let mut options = OptionSet::new(UNLOAD);
        for (name, value) in given {
            options.set(name, value)?;
        }
        Ok(UnloadOptions {
            overwrite: options.boolean("OVERWRITE"),
            single: options.boolean("SINGLE"),
            max_file_size: options.number("MAX_FILE_SIZE").unwrap_or(u64::MAX),
            include_query_id: options.boolean("INCLUDE_QUERY_ID"),
            detailed_output: options.boolean("DETAILED_OUTPUT"),
            header: options.boolean("HEADER"),
        })
    }
}
