//! Between what is worked with and what is persisted, by hand.

mod access;
mod alert;
mod change;
mod directory;
mod dynamic;
mod external;
mod function;
mod lists;
mod loads;
mod object;
mod pipe;
mod policy;
mod principal;
mod stream;
mod task;
mod value;

pub(super) use change::{change_from, change_to, grant_from, grant_to};
pub(super) use lists::{LIST_REFERRED_NANOS, Lists};
pub(super) use object::{object_from, object_to};
pub(super) use principal::Names;

use firn_types::{Error, ErrorCode};

/// Something persisted that means nothing.
fn corrupt(what: &str) -> Error {
    Error::new(ErrorCode::CorruptFile, format!("The account's log holds an unreadable {what}"))
}
