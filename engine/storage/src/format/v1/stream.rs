//! Descriptions of streams.

use serde::{Deserialize, Serialize};

use super::Header;
use super::partition::is_false;

/// A stream.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stream {
    /// What all objects have.
    pub header: Header,
    /// The table or view whose changes it shows.
    pub source: u64,
    /// The tables whose rows it rests on.
    pub tables: Vec<u64>,
    /// APPEND_ONLY.
    #[serde(default, skip_serializing_if = "is_false")]
    pub append_only: bool,
    /// INSERT_ONLY; since format 6.
    #[serde(default, skip_serializing_if = "is_false")]
    pub insert_only: bool,
    /// The version of the account up to which it was consumed.
    pub offset: u64,
    /// When that version was committed.
    pub offset_nanos: i64,
    /// Whether it shows the rows that were there at its offset.
    #[serde(default, skip_serializing_if = "is_false")]
    pub initial: bool,
}
