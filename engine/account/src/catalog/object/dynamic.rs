//! What makes a table a dynamic one.

use firn_types::ObjectId;

use super::StarColumns;

/// A dynamic table's query, and how its rows follow it.
#[derive(Clone, Debug, PartialEq)]
pub struct Dynamic {
    /// The statement that made it.
    pub text: String,
    /// The query.
    pub query: String,
    /// What each `*` of the query stands for.
    pub stars: Vec<StarColumns>,
    /// The tables that the query reads.
    pub tables: Vec<ObjectId>,
    /// TARGET_LAG as written; none for DOWNSTREAM: it follows when one that reads it does.
    pub target_lag: Option<String>,
    /// The warehouse that it is refreshed in.
    pub warehouse: Option<String>,
    /// How it is refreshed.
    pub mode: RefreshMode,
    /// REFRESH_MODE as asked for: AUTO, FULL or INCREMENTAL.
    pub mode_asked: String,
    /// Why it is refreshed in full where AUTO was asked for.
    pub mode_reason: Option<String>,
    /// Whether it is not refreshed by itself.
    pub suspended: bool,
    /// When it was last suspended: nanoseconds since 1970 UTC.
    pub suspended_nanos: Option<i64>,
    /// How far its rows have come; none before they were first computed.
    pub state: Option<DynamicState>,
}

/// How a dynamic table is refreshed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefreshMode {
    /// Its query is computed anew.
    Full,
    /// What has changed in its tables is carried over.
    Incremental,
}

impl RefreshMode {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            RefreshMode::Full => "FULL",
            RefreshMode::Incremental => "INCREMENTAL",
        }
    }
}

/// How far the rows of a dynamic table have come.
#[derive(Clone, Debug, PartialEq)]
pub struct DynamicState {
    /// The version of the account whose data they reflect.
    pub version: u64,
    /// When that was: nanoseconds since 1970 UTC.
    pub data_nanos: i64,
    /// The version of the account in which each table had the rows that were read. It is a later one for dynamic
    /// tables, which were themselves refreshed for this.
    pub read: Vec<(ObjectId, u64)>,
    /// What the query was, beyond its text: views, functions, policies and columns that it reads. None of what older
    /// versions have stored.
    pub fingerprint: Option<u64>,
}
