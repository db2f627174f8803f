//! Requests to a server of firn: tokens that are renewed, and requests that are sent again when the network fails.

use std::io::Read;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use reqwest::blocking::{Body, Client, RequestBuilder, Response};
use reqwest::header::AUTHORIZATION;
use reqwest::redirect;
use serde_json::{Value, json};
use uuid::Uuid;

/// How long a connection may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long an answer may take: longer than servers wait for a statement.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(120);
/// How often a request is sent before it has failed.
const TRIES: usize = 3;
/// How long the next try waits.
const REST: Duration = Duration::from_millis(200);
/// The session's token is too old.
const TOKEN_EXPIRED: &str = "390112";

/// A server, and the tokens of a session on it.
#[derive(Debug)]
pub(super) struct Http {
    client: Client,
    /// Its address, such as `http://127.0.0.1:8084`.
    base: String,
    tokens: Mutex<Tokens>,
}

#[derive(Clone, Debug, Default)]
struct Tokens {
    session: String,
    master: String,
}

impl Http {
    /// A server at an address.
    ///
    /// # Errors
    /// A message when there can be no client.
    pub(super) fn new(base: String) -> Result<Http, String> {
        firn_engine::install_provider();
        // Who is asked for a password sends it nowhere else.
        let client = Client::builder().connect_timeout(CONNECT_TIMEOUT).timeout(ANSWER_TIMEOUT);
        let client = client.redirect(redirect::Policy::none()).build();
        let client = client.map_err(|error| told(&error))?;
        Ok(Http { client, base, tokens: Mutex::default() })
    }

    /// Takes the tokens that a login has given.
    pub(super) fn take_tokens(&self, data: &Value, session: &str) {
        let text = |name: &str| data[name].as_str().unwrap_or_default().to_string();
        *self.tokens.lock().unwrap_or_else(PoisonError::into_inner) =
            Tokens { session: text(session), master: text("masterToken") };
    }

    /// Sends a body, and gives the whole answer.
    ///
    /// # Errors
    /// A message when the server does not answer.
    pub(super) fn post(&self, path: &str, body: &Value) -> Result<Value, String> {
        // The same key in every try: the server runs what it has begun only once.
        let separator = if path.contains('?') { '&' } else { '?' };
        let path = format!("{path}{separator}requestId={}", Uuid::new_v4());
        self.ask(|| self.client.post(self.address(&path)).body(body.to_string()))
    }

    /// Asks for a path, and gives the whole answer.
    ///
    /// # Errors
    /// As [`Http::post`].
    pub(super) fn get(&self, path: &str) -> Result<Value, String> {
        self.ask(|| self.client.get(self.address(path)))
    }

    fn address(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    /// Sends a request, with new tokens where the old ones are too old.
    fn ask(&self, request: impl Fn() -> RequestBuilder) -> Result<Value, String> {
        let answer = self.signed(&request, false)?;
        if answer["code"] != TOKEN_EXPIRED {
            return Ok(answer);
        }
        let session = self.tokens.lock().unwrap_or_else(PoisonError::into_inner).session.clone();
        let body = json!({ "oldSessionToken": session, "requestType": "RENEW" }).to_string();
        let path = self.address("/session/token-request");
        let renewed = self.signed(&|| self.client.post(&path).body(body.clone()), true)?;
        self.take_tokens(&renewed["data"], "sessionToken");
        self.signed(&request, false)
    }

    fn signed(&self, request: &dyn Fn() -> RequestBuilder, master: bool) -> Result<Value, String> {
        let tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let token = if master { tokens.master } else { tokens.session };
        let signed = || request().header(AUTHORIZATION, format!("Snowflake Token=\"{token}\""));
        let bytes = again(|| signed().send()?.bytes()).map_err(|error| told(&error))?;
        serde_json::from_slice(&bytes).map_err(|_| format!("{} is no server of firn", self.base))
    }

    /// The whole body at an address.
    ///
    /// # Errors
    /// A message when it does not come.
    pub(super) fn bytes(&self, address: &str) -> Result<Vec<u8>, String> {
        let read = || self.client.get(address).send()?.error_for_status()?.bytes();
        again(read).map(|bytes| bytes.to_vec()).map_err(|error| told(&error))
    }

    /// The body at an address, as it comes.
    ///
    /// # Errors
    /// As [`Http::bytes`].
    pub(super) fn reader(&self, address: &str) -> Result<Response, String> {
        let request = self.client.get(address).timeout(Duration::MAX);
        request.send().and_then(Response::error_for_status).map_err(|error| told(&error))
    }

    /// Sends a file to an address; what is read is sent as it comes.
    ///
    /// # Errors
    /// As [`Http::bytes`].
    pub(super) fn put(
        &self,
        address: &str,
        file: impl Read + Send + 'static,
    ) -> Result<(), String> {
        let request = self.client.put(address).body(Body::new(file)).timeout(Duration::MAX);
        let sent = request.send().and_then(Response::error_for_status);
        sent.map(drop).map_err(|error| told(&error))
    }
}

/// Does something until it does not fail, a few times.
fn again<T>(attempt: impl Fn() -> reqwest::Result<T>) -> reqwest::Result<T> {
    for _ in 1..TRIES {
        match attempt() {
            Err(error) if error.is_connect() || error.is_request() || error.is_body() => {
                std::thread::sleep(REST);
            }
            outcome => return outcome,
        }
    }
    attempt()
}

/// An error with what lies under it. Addresses may be known to nobody else.
fn told(error: &reqwest::Error) -> String {
    let mut text = match error.url() {
        Some(url) => format!("{} does not answer", url.origin().ascii_serialization()),
        None => "the server does not answer".to_string(),
    };
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text.push_str(&format!(": {error}"));
        cause = error.source();
    }
    text
}
