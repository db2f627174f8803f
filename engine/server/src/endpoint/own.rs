//! What only firn's own clients ask: its shell, and the console in the browser.

use axum::body::Body;
use axum::extract::State;
use axum::http::Request;
use axum::response::Response;
use firn_types::Error;
use serde_json::{Value, json};

use crate::envelope::{self, Refusal};
use crate::request::Call;
use crate::state::Shared;

/// `POST /firn/names`: the names that may stand somewhere. The body says where: behind the dots of `path`, behind `@`
/// where `of` is `stages`, or else where anything begins.
pub(crate) async fn names(State(state): State<Shared>, request: Request<Body>) -> Response {
    let asked = async {
        let call = Call::read(request).await?;
        let client = state.clients.of(call.token())?;
        let names = tokio::task::spawn_blocking(move || {
            let completer = client.session.completer();
            match (&call.body["path"], call.body["of"].as_str()) {
                (Value::Array(path), _) => {
                    let path = path.iter().filter_map(Value::as_str).map(str::to_string);
                    completer.members(&path.collect::<Vec<String>>())
                }
                (_, Some("stages")) => completer.stages(),
                _ => completer.words(),
            }
        });
        names.await.map_err(|error| Refusal::of(&Error::internal(error.to_string())))
    };
    match asked.await {
        Ok(names) => envelope::success(&json!({ "names": names })),
        Err(refusal) => refusal.answer(),
    }
}
