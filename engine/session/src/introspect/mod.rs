//! Descriptions to rows: SHOW, DESCRIBE, INFORMATION_SCHEMA, and what functions tell of the account.

pub(crate) mod complete;
pub(crate) mod describe;
pub(crate) mod information_schema;
pub(crate) mod listing;
pub(crate) mod roles;
pub(crate) mod show;
pub(crate) mod system_function;
pub(crate) mod table_function;

use firn_account::Catalog;

use crate::history::Ran;
use crate::session::Session;

/// What the session's own tables are made of.
#[derive(Debug)]
pub(crate) struct Described {
    /// The version of the account.
    pub(crate) catalog: Catalog,
    /// The session's statements.
    pub(crate) statements: Vec<Ran>,
    /// The session's number.
    pub(crate) session_id: u64,
    /// The user.
    pub(crate) user: String,
}

impl Described {
    /// The session as it is now.
    pub(crate) fn of(session: &Session) -> Described {
        Described {
            catalog: session.catalog(),
            statements: session.history.statements.clone(),
            session_id: session.id,
            user: session.user.clone(),
        }
    }
}
