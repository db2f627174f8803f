//! Ending queries.

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::Request;
use axum::response::Response;
use serde_json::Value;

use super::result::found;
use crate::envelope::{self, Refusal};
use crate::request::Call;
use crate::state::Shared;

/// `POST /queries/v1/abort-request`: by the key of the request, which may be yet to come.
pub(crate) async fn by_request(State(state): State<Shared>, request: Request<Body>) -> Response {
    let aborted = async {
        let call = Call::read(request).await?;
        let client = state.clients.of(call.token())?;
        let key = call.body["requestId"]
            .as_str()
            .ok_or_else(|| Refusal::malformed("The request has no text 'requestId'."))?;
        state.queries.cancel_request(client.session.id(), key);
        Ok(())
    };
    answer(aborted.await)
}

/// `POST /queries/{id}/abort-request`: by the id of the query.
pub(crate) async fn by_id(
    State(state): State<Shared>,
    Path(id): Path<String>,
    call: Call,
) -> Response {
    answer(found(&state, &call, &id).map(|(_, query)| query.cancel()))
}

fn answer(outcome: Result<(), Refusal>) -> Response {
    match outcome {
        Ok(()) => envelope::success(&Value::Null),
        Err(refusal) => refusal.answer(),
    }
}
