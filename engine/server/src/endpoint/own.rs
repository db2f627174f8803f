//! What only firn's own clients ask: its shell, and the console in the browser.

use axum::body::Body;
use axum::extract::State;
use axum::http::Request;
use axum::response::Response;
use firn_engine::{KEYWORDS, split};
use firn_types::Error;
use serde_json::{Value, json};

use crate::envelope::{self, Refusal};
use crate::request::Call;
use crate::state::Shared;

/// `GET /firn/about`: what a page has to know before anybody logs in.
pub(crate) async fn about(State(state): State<Shared>) -> Response {
    envelope::success(&json!({
        "version": env!("CARGO_PKG_VERSION"),
        "trustsEverybody": state.options.trust_local,
    }))
}

/// `POST /firn/statements`: the statements of the body's `text`, each with its own text and where that begins and ends,
/// in the units in which JavaScript counts.
pub(crate) async fn statements(request: Request<Body>) -> Response {
    let call = match Call::read(request).await {
        Ok(call) => call,
        Err(refusal) => return refusal.answer(),
    };
    let text = call.body["text"].as_str().unwrap_or_default();
    let (mut at, mut units) = (0, 0);
    // Pieces come in order, so that the text is gone through once.
    let mut units_to = |byte: usize| {
        units += text.get(at..byte).map_or(0, |part| part.encode_utf16().count());
        at = byte;
        units
    };
    let pieces = split::split_script(text).into_iter().map(|piece| {
        let from = units_to(piece.span.start as usize);
        json!({ "from": from, "to": units_to(piece.span.end as usize), "text": piece.text })
    });
    envelope::success(&json!({ "statements": pieces.collect::<Vec<Value>>() }))
}

/// `POST /firn/names`: the names that may stand somewhere. The body says where: behind the dots of `path`, behind `@`
/// where `of` is `stages`, or else where anything begins; only keywords where `of` is `keywords`.
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
                (_, Some("keywords")) => KEYWORDS.iter().map(ToString::to_string).collect(),
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
