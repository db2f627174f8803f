//! A request as handlers see it: what its query string, its headers and its body say.

use std::collections::HashMap;
use std::convert::Infallible;
use std::io::Read;
use std::net::SocketAddr;

use axum::body::Body;
use axum::extract::FromRequestParts;
use axum::http::header::{AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, HOST};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Request};
use bytes::Bytes;
use flate2::read::MultiGzDecoder;
use http_body_util::{BodyExt, Limited};
use serde_json::Value;

use crate::envelope::Refusal;

/// Bytes that the body of a request may have as it comes.
const BODY_BYTES_MAX: usize = 64 << 20;
/// Bytes that it may have unpacked.
const UNPACKED_BYTES_MAX: u64 = 256 << 20;

/// Where a connection comes from, and whether it is encrypted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer {
    /// The client's address.
    pub(crate) address: SocketAddr,
    /// Whether it speaks TLS.
    pub(crate) encrypted: bool,
}

/// A request.
#[derive(Debug)]
pub(crate) struct Call {
    /// What stands behind the `?` of the path.
    pub(crate) parameters: HashMap<String, String>,
    /// The headers.
    pub(crate) headers: HeaderMap,
    /// The body, unpacked; null when there is none, and a text when it is said to be plain text.
    pub(crate) body: Value,
    /// Who sent it.
    pub(crate) peer: Option<Peer>,
}

/// What a handler takes whose request has no body that matters.
impl<S: Sync> FromRequestParts<S> for Call {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Call, Infallible> {
        Ok(Call::of(parts))
    }
}

impl Call {
    /// Reads a request whole, whose body is JSON, whatever it says that it is.
    ///
    /// # Errors
    /// When the body does not come, is too large, or is no JSON.
    pub(crate) async fn read(request: Request<Body>) -> Result<Call, Refusal> {
        Call::read_as(request, false).await
    }

    /// As [`Call::read`]; a body that says that it is text/plain is a text.
    ///
    /// # Errors
    /// As [`Call::read`].
    pub(crate) async fn read_text(request: Request<Body>) -> Result<Call, Refusal> {
        Call::read_as(request, true).await
    }

    async fn read_as(request: Request<Body>, may_be_text: bool) -> Result<Call, Refusal> {
        let (parts, body) = request.into_parts();
        let collected = Limited::new(body, BODY_BYTES_MAX).collect().await.map_err(|error| {
            Refusal::malformed(format!(
                "The body cannot be read, or has more than {BODY_BYTES_MAX} bytes: {error}"
            ))
        })?;
        let bytes = collected.to_bytes();
        let packed = parts.headers.get(CONTENT_ENCODING).is_some_and(|value| value == "gzip");
        let bytes = if packed { unpacked(&bytes)? } else { bytes };
        let kind = parts.headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        let is_text = may_be_text && kind.is_some_and(|kind| kind.starts_with("text/plain"));
        let body = match bytes.iter().all(u8::is_ascii_whitespace) {
            true => Value::Null,
            false if is_text => Value::String(String::from_utf8_lossy(&bytes).into_owned()),
            false => serde_json::from_slice(&bytes)
                .map_err(|error| Refusal::malformed(format!("The body is no JSON: {error}")))?,
        };
        Ok(Call { body, ..Call::of(&parts) })
    }

    /// A request without its body.
    fn of(parts: &Parts) -> Call {
        let query = parts.uri.query().unwrap_or_default();
        let parameters = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        let peer = parts.extensions.get::<Peer>().copied();
        Call { parameters, headers: parts.headers.clone(), body: Value::Null, peer }
    }

    /// A parameter of the path that is not empty.
    pub(crate) fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// The key under which the client sends the same request again.
    pub(crate) fn request_id(&self) -> Option<&str> {
        self.parameter("requestId").or_else(|| self.parameter("request_id"))
    }

    /// The token of the session, or of whoever bears one.
    pub(crate) fn token(&self) -> Option<&str> {
        token_of(&self.headers)
    }

    /// The address at which the client has reached this server, such as `http://localhost:8084`.
    pub(crate) fn base(&self) -> String {
        let host =
            self.headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or("localhost");
        let encrypted = self.peer.is_some_and(|peer| peer.encrypted);
        format!("{}://{host}", if encrypted { "https" } else { "http" })
    }

    /// A member of the body, or of its member `data`.
    pub(crate) fn data(&self, name: &str) -> &Value {
        match &self.body["data"][name] {
            Value::Null => &self.body[name],
            found => found,
        }
    }
}

/// The token of the header `Authorization: Snowflake Token="..."`, or of a bearer.
pub(crate) fn token_of(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(AUTHORIZATION)?.to_str().ok()?;
    let inside = value.strip_prefix("Snowflake Token=\"").and_then(|v| v.strip_suffix('"'));
    inside.or_else(|| value.strip_prefix("Bearer "))
}

/// The text of a JSON value: of a string itself, of anything else its JSON.
pub(crate) fn plain_text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_string)
}

/// Unpacks a gzip body.
fn unpacked(bytes: &Bytes) -> Result<Bytes, Refusal> {
    let mut plain = Vec::new();
    let mut reader = MultiGzDecoder::new(bytes.as_ref()).take(UNPACKED_BYTES_MAX + 1);
    reader
        .read_to_end(&mut plain)
        .map_err(|error| Refusal::malformed(format!("The body is no gzip: {error}")))?;
    if plain.len() as u64 > UNPACKED_BYTES_MAX {
        let text = format!("The body has more than {UNPACKED_BYTES_MAX} bytes unpacked.");
        return Err(Refusal::malformed(text));
    }
    Ok(plain.into())
}
