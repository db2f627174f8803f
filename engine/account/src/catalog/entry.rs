//! What all objects have in common.

use firn_types::ObjectId;

use super::Attachments;

/// The parent of what lives in the account itself: databases, warehouses, roles, users, integrations.
pub const ACCOUNT: ObjectId = ObjectId(0);

/// The role that owns what nobody owns, and the one that gave what nobody gave.
pub const NOBODY: ObjectId = ObjectId(0);

/// What all objects have in common.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// The object, for its whole life; never used again.
    pub id: ObjectId,
    /// The schema, the database or [`ACCOUNT`] that the object lives in.
    pub parent: ObjectId,
    /// The name as stored: upper-cased unless it was quoted.
    pub name: String,
    /// The role that owns the object; [`NOBODY`] for what no account stores.
    pub owner: ObjectId,
    /// The comment; empty when there is none.
    pub comment: String,
    /// When it was created: nanoseconds since 1970 UTC.
    pub created_nanos: i64,
    /// When its definition last changed: nanoseconds since 1970 UTC.
    pub altered_nanos: i64,
    /// When it was dropped, for objects that are kept for UNDROP.
    pub dropped_nanos: Option<i64>,
    /// The commit that last changed the definition; [`PENDING`](crate::catalog::PENDING) before it is
    /// committed.
    pub version: u64,
    /// The tags and policies that it has, and its columns.
    pub attachments: Attachments,
}

impl Header {
    /// The header of a new object with a new id, created at `now_nanos`.
    pub fn new(
        parent: ObjectId,
        name: impl Into<String>,
        owner: ObjectId,
        now_nanos: i64,
    ) -> Header {
        Header {
            id: fresh_id(),
            parent,
            name: name.into(),
            owner,
            comment: String::new(),
            created_nanos: now_nanos,
            altered_nanos: now_nanos,
            dropped_nanos: None,
            version: crate::catalog::PENDING,
            attachments: Attachments::default(),
        }
    }

    /// The same header with a comment.
    pub fn with_comment(mut self, comment: impl Into<String>) -> Header {
        self.comment = comment.into();
        self
    }
}

/// An id that no object of any process has: 62 random bits, so that no process must ask another one.
///
/// Ids below 2^32 are left to the objects that every account is born with.
pub fn fresh_id() -> ObjectId {
    let (random, _) = uuid::Uuid::new_v4().as_u64_pair();
    ObjectId((random >> 2) | (1 << 32))
}
