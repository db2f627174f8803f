//! What makes a table a dynamic one.

use serde::{Deserialize, Serialize};

use super::StarColumns;
use super::partition::is_false;

/// A dynamic table's query, and how its rows follow it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dynamic {
    /// The statement that made it.
    pub text: String,
    /// The query.
    pub query: String,
    /// What each `*` of the query stands for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stars: Vec<StarColumns>,
    /// The tables that the query reads.
    pub tables: Vec<u64>,
    /// TARGET_LAG; none for DOWNSTREAM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_lag: Option<String>,
    /// The warehouse.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warehouse: Option<String>,
    /// Whether what has changed is carried over.
    #[serde(default, skip_serializing_if = "is_false")]
    pub incremental: bool,
    /// REFRESH_MODE.
    pub mode_asked: String,
    /// Why it is refreshed in full.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode_reason: Option<String>,
    /// Whether it is suspended.
    #[serde(default, skip_serializing_if = "is_false")]
    pub suspended: bool,
    /// When it was last suspended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suspended_nanos: Option<i64>,
    /// The version whose data its rows reflect, and when that was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reflects: Option<(u64, i64)>,
    /// The version in which each table had the rows that were read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub read: Vec<(u64, u64)>,
    /// What the query was when they were, beyond its text; since format 4.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<u64>,
}
