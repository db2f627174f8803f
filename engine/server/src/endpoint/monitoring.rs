//! How a query is doing.

use axum::extract::{Path, State};
use axum::response::Response;
use serde_json::{Value, json};

use crate::envelope;
use crate::query::{Query, now_millis};
use crate::request::Call;
use crate::state::Shared;

/// `GET /monitoring/queries/{id}`
pub(crate) async fn status(
    State(state): State<Shared>,
    Path(id): Path<String>,
    call: Call,
) -> Response {
    let client = match state.clients.of(call.token()) {
        Ok(client) => client,
        Err(refusal) => return refusal.answer(),
    };
    let query = state.queries.of(&client.user, &id);
    let queries: Vec<Value> = query.iter().map(|query| described(query)).collect();
    envelope::success(&json!({ "queries": queries }))
}

fn described(query: &Query) -> Value {
    let ended = query.ended();
    let failure = ended.as_ref().and_then(|ended| ended.outcome.as_ref().err());
    let (status, state) = match (&ended, failure) {
        (None, _) => ("RUNNING", "RUNNING"),
        (Some(_), None) => ("SUCCESS", "SUCCEEDED"),
        (Some(_), Some(failure)) if failure.is_canceled() => ("FAILED_WITH_ERROR", "FAILED"),
        (Some(_), Some(_)) => ("FAILED_WITH_ERROR", "FAILED"),
    };
    let so_far = query.so_far();
    let progress = json!({
        "rows": so_far.rows,
        "bytes": so_far.bytes,
        "bytesTotal": so_far.bytes_total,
        "files": so_far.files,
        "filesTotal": so_far.files_total,
    });
    let end = ended.as_ref().map_or_else(now_millis, |ended| ended.at);
    json!({
        "id": query.id,
        "status": status,
        "state": state,
        "errorCode": failure.map(|failure| format!("{:06}", failure.number)),
        "errorMessage": failure.map(|failure| failure.message.clone()),
        "sqlText": query.text,
        "startTime": query.started,
        "endTime": ended.as_ref().map_or(0, |ended| ended.at),
        "totalDuration": end.saturating_sub(query.started),
        "sessionId": query.session,
        "warehouseId": 0,
        "warehouseName": "",
        "warehouseExternalSize": "X-Small",
        "warehouseServerType": "STANDARD",
        "progress": progress,
    })
}
