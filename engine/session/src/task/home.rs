//! The sessions of what runs by itself.

use std::sync::Arc;

use firn_account::catalog::{Header, ObjectKind, VisibleCatalog};
use firn_types::{Error, ErrorCode, Result};

use crate::engine::Shared;
use crate::session::SessionOptions;
use crate::session_state::SessionState;

/// Whom these sessions belong to.
const USER: &str = "SYSTEM";

/// A session with the rights of an object's owner, in the object's schema. It reaches what the engine was started with.
///
/// # Errors
/// When the object is gone.
pub(crate) fn state_of(
    shared: &Arc<Shared>,
    header: &Header,
    warehouse: Option<String>,
    parameters: Vec<(String, String)>,
) -> Result<SessionState> {
    let path = shared.account.catalog().path_of(header)?;
    let options = SessionOptions {
        user: Some(USER.to_string()),
        database: Some(path.database),
        schema: Some(path.schema),
        warehouse,
        parameters,
        reach: shared.options.tasks_reach.clone(),
        lenient: true,
        ..SessionOptions::default()
    };
    let mut state = SessionState::start(Arc::clone(shared), shared.new_session_id(), &options)?;
    state.role = header.owner;
    state.secondary_roles = false;
    Ok(state)
}

/// What runs by itself runs for those only whose role may execute it, each time that it does.
///
/// # Errors
/// `InsufficientPrivileges` when the owner may not execute tasks, or alerts.
pub(crate) fn require_execute(
    catalog: &VisibleCatalog,
    kind: ObjectKind,
    header: &Header,
) -> Result<()> {
    let privilege = format!("EXECUTE {}", kind.words());
    if catalog.as_role(header.owner).holds_on_account(&privilege) {
        return Ok(());
    }
    let text = format!(
        "Cannot execute {} {}: {privilege} privilege must be granted to owner role.",
        kind.words().to_lowercase(),
        header.name
    );
    Err(Error::new(ErrorCode::InsufficientPrivileges, text))
}
