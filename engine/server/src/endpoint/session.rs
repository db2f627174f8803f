//! A session's life after its login: renewal, signs of life, the end.

use axum::body::Body;
use axum::extract::State;
use axum::http::Request;
use axum::response::Response;
use serde_json::{Value, json};

use crate::envelope::{self, Refusal};
use crate::request::Call;
use crate::state::Shared;

/// `POST /session/token-request`: new tokens for a master token.
pub(crate) async fn renew(State(state): State<Shared>, request: Request<Body>) -> Response {
    let call = match Call::read(request).await {
        Ok(call) => call,
        Err(refusal) => return refusal.answer(),
    };
    let options = &state.options;
    match state.clients.renew(call.token(), options.token_lifetime, options.idle) {
        Ok((tokens, client)) => envelope::success(&json!({
            "sessionToken": tokens.session,
            "validityInSecondsST": options.token_lifetime.as_secs(),
            "masterToken": tokens.master,
            "validityInSecondsMT": options.idle.as_secs(),
            "sessionId": client.session.id(),
        })),
        Err(refusal) => refusal.answer(),
    }
}

/// `POST /session?delete=true`: the session ends.
pub(crate) async fn end(State(state): State<Shared>, request: Request<Body>) -> Response {
    let call = match Call::read(request).await {
        Ok(call) => call,
        Err(refusal) => return refusal.answer(),
    };
    if call.parameter("delete") != Some("true") {
        return Refusal::malformed("A session is ended by /session?delete=true.").answer();
    }
    // One that is gone already is ended.
    if let Ok(client) = state.clients.of(call.token()) {
        state.clients.remove(&client);
        // Its open transaction and temporary objects go with it.
        let _ = tokio::task::spawn_blocking(move || drop(client)).await;
    }
    envelope::success(&Value::Null)
}

/// `POST /session/heartbeat`: the session is still wanted.
pub(crate) async fn heartbeat(State(state): State<Shared>, call: Call) -> Response {
    match state.clients.of(call.token()) {
        Ok(_) => envelope::success(&Value::Null),
        Err(refusal) => refusal.answer(),
    }
}

/// `POST /telemetry/send`: what clients tell of themselves is not kept.
pub(crate) async fn telemetry() -> Response {
    envelope::success(&Value::Null)
}
