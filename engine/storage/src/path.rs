//! Where each kind of file lives below the account's root.

use firn_types::ObjectId;

/// The folder of the keys of an encrypted account.
pub const KEYS: &str = "keys";
/// The folder of the log.
pub const LOG: &str = "log";
/// The folder of checkpoints.
pub const CHECKPOINTS: &str = "checkpoint";
/// The folder of micro-partitions.
pub const DATA: &str = "data";
/// The folder of snapshots' lists of micro-partitions.
pub const META: &str = "meta";
/// The folder of statements that ran and of logins.
pub const HISTORY: &str = "history";
/// The folder of what sessions keep for themselves.
pub const TEMPORARY: &str = "temporary";

/// Which checkpoint is the newest, as far as whoever wrote one last knows.
pub const NEWEST_CHECKPOINT: &str = "service/checkpoint";

/// What a vacuum remembers of the ones before.
pub const VACUUM: &str = "service/vacuum";

/// The folder of the claims of a job.
pub fn claims(job: &str) -> String {
    format!("service/claims/{job}")
}

/// The table in whose folder a file of `data` or `meta` lies.
pub fn table_of(file: &str) -> Option<u64> {
    file.split('/').nth(1)?.parse().ok()
}

/// The log object of a commit: twenty digits, so that names sort as numbers.
pub fn log_object(version: u64) -> String {
    format!("{LOG}/{version:020}")
}

/// The checkpoint of a version.
pub fn checkpoint(version: u64) -> String {
    format!("{CHECKPOINTS}/{version:020}")
}

/// The version in the name of a log object or checkpoint.
pub fn version_of(path: &str) -> Option<u64> {
    path.rsplit('/').next()?.parse().ok()
}

/// The folder of a table's micro-partitions.
pub fn table_data(table: ObjectId) -> String {
    format!("{DATA}/{}", table.0)
}

/// A folder of a session's own; `unique` is a name that no session of any process has.
pub fn temporary(unique: &str) -> String {
    format!("{TEMPORARY}/{unique}")
}

/// The folder of a table's snapshots.
pub fn table_meta(table: ObjectId) -> String {
    format!("{META}/{}", table.0)
}

/// The folder of an internal stage, a table's stage or a user's stage.
pub fn stage(id: ObjectId) -> String {
    format!("stages/{}", id.0)
}
