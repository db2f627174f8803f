//! The sessions of what runs by itself.

use std::sync::Arc;

use firn_account::catalog::Header;
use firn_types::Result;

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
