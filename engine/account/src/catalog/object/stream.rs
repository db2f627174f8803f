//! Streams.

use firn_types::ObjectId;

use crate::catalog::Header;

/// A stream: what has changed in a table, or in what a view shows, since the stream was last consumed.
#[derive(Clone, Debug, PartialEq)]
pub struct Stream {
    /// What all objects have.
    pub header: Header,
    /// The table or view whose changes it shows.
    pub source: ObjectId,
    /// The tables whose rows it rests on: the source, or those that the view reads.
    pub tables: Vec<ObjectId>,
    /// Which changes it shows.
    pub mode: StreamMode,
    /// Up to where it was consumed: a version of the account.
    pub offset: u64,
    /// When that version was committed: nanoseconds since 1970 UTC.
    pub offset_nanos: i64,
    /// SHOW_INITIAL_ROWS: until it is first consumed it shows the rows that were there at its offset, as
    /// inserted ones, and nothing else.
    pub initial: bool,
}

/// Which changes a stream shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StreamMode {
    /// The net difference: rows inserted, deleted and updated.
    Default,
    /// Rows inserted, whatever became of them later.
    AppendOnly,
    /// Rows of files that an external table has registered, as long as it has them.
    InsertOnly,
}
