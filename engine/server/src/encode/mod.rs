//! The forms in which rows leave the server.
//!
//! What a client can read decides: `format` chooses between JSON and Arrow, `rowtype` tells the columns in either, and
//! `part` says which rows go with the answer and which are fetched after it.

pub(crate) mod arrow;
pub(crate) mod format;
pub(crate) mod json;
pub(crate) mod part;
pub(crate) mod rowtype;
pub(crate) mod shown;
