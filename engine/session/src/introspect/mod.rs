//! Descriptions to rows: SHOW, DESCRIBE, INFORMATION_SCHEMA, and what functions tell of the account.

pub(crate) mod complete;
pub(crate) mod describe;
pub(crate) mod information_schema;
pub(crate) mod listing;
pub(crate) mod roles;
pub(crate) mod show;
pub(crate) mod system_function;
pub(crate) mod table_function;

use std::sync::Arc;

use firn_account::Catalog;
use firn_account::catalog::{CurrentPath, ObjectPath};
use firn_query::parse;
use firn_types::Result;

use crate::engine::Shared;
use crate::session::Session;

/// What the session's own tables are made of.
#[derive(Debug)]
pub(crate) struct Described {
    /// The version of the account.
    pub(crate) catalog: Catalog,
    /// What the sessions of the process share.
    pub(crate) shared: Arc<Shared>,
    /// The session's number.
    pub(crate) session_id: u64,
    /// The user.
    pub(crate) user: String,
    /// The warehouse in use.
    pub(crate) warehouse: Option<String>,
    /// The database and schema in use.
    pub(crate) current: CurrentPath,
    /// The time: nanoseconds since 1970 UTC.
    pub(crate) now_nanos: i64,
}

impl Described {
    /// The session as it is now.
    pub(crate) fn of(session: &Session) -> Described {
        Described {
            catalog: session.catalog(),
            shared: Arc::clone(&session.shared),
            session_id: session.id,
            user: session.user.clone(),
            warehouse: session.warehouse.clone(),
            current: session.path.clone(),
            now_nanos: session.shared.account.clock().now_nanos(),
        }
    }
    /// The name in a text, completed with the current database and schema; `verb` is what is to be done.
    ///
    /// # Errors
    /// When the text is no name, or there is nothing to complete it with.
    pub(crate) fn path(&self, name: &str, verb: &str) -> Result<ObjectPath> {
        let name = parse::parse_object_name(name).map_err(firn_types::Error::without_span)?;
        self.current.complete(&name, verb)
    }
}
