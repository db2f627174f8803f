//! Results that are fetched after the answer: by the id of the query, and part by part.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use crate::answer;
use crate::client::Client;
use crate::encode::format::Format;
use crate::envelope::Refusal;
use crate::query::Query;
use crate::request::Call;
use crate::state::Shared;

/// `GET /queries/{id}/result`: waits for the query, and answers as its request would have.
pub(crate) async fn result(
    State(state): State<Shared>,
    Path(id): Path<String>,
    call: Call,
) -> Response {
    let (client, query) = match found(&state, &call, &id) {
        Ok(found) => found,
        Err(refusal) => return refusal.answer(),
    };
    match query.wait(state.options.patience).await {
        Some(ended) => answer::ended(&state, &client, &query, ended, call.base()).await,
        None => answer::in_progress(&query, false),
    }
}

/// The query of an id, for whoever may see it.
pub(crate) fn found(
    state: &Shared,
    call: &Call,
    id: &str,
) -> Result<(Arc<Client>, Arc<Query>), Refusal> {
    let client = state.clients.of(call.token())?;
    let query = state.queries.of(&client.user, id).ok_or_else(|| Refusal::no_result(id))?;
    Ok((client, query))
}

/// `GET /results/{id}/{secret}/{format}/{part}`: the rows of a part. Clients send no token here; who knows the
/// secret has had the answer.
pub(crate) async fn part(
    State(shared): State<Shared>,
    Path((id, secret, format, number)): Path<(String, String, String, usize)>,
) -> Response {
    let absent = || StatusCode::NOT_FOUND.into_response();
    let Some(query) = shared.queries.find(&id).filter(|query| query.secret == secret) else {
        return absent();
    };
    // It is never closed.
    let Ok(_room) = shared.encoders.acquire().await else { return absent() };
    let state = Arc::clone(&shared);
    let format = match format.as_str() {
        "arrow" => Format::Arrow,
        "shown" => Format::Shown,
        _ => Format::Json,
    };
    let made = tokio::task::spawn_blocking(move || {
        let result = state.engine.kept_result(&query.user, &query.id)?;
        let part = answer::parts(&query, &result).get(number)?;
        answer::body_of(&state, part, &result, format).ok()
    });
    match made.await {
        Ok(Some(body)) => Response::new(Body::from(body)),
        _ => absent(),
    }
}
