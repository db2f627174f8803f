//! Answers packed by gzip, for clients that take them and are on other machines: on this one there is nothing to
//! save.

use std::io::{self, Write};

use axum::body::{Body, HttpBody, to_bytes};
use axum::extract::State;
use axum::http::header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_LENGTH};
use axum::http::{HeaderMap, HeaderValue, Request, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;

use crate::request::Peer;
use crate::state::Shared;

/// Smaller answers fit into a packet or two as they are.
const BYTES_MIN: u64 = 2048;

/// Answers a request, packed where that helps.
pub(crate) async fn packed(
    State(state): State<Shared>,
    request: Request<Body>,
    next: Next,
) -> Response {
    let far =
        request.extensions().get::<Peer>().is_some_and(|peer| !peer.address.ip().is_loopback());
    // The files of stages go as they are, and are as large as they like.
    let packs = (far || state.options.compress_local)
        && takes_gzip(request.headers())
        && !request.uri().path().starts_with("/stages/");
    let response = next.run(request).await;
    let bytes = response.body().size_hint().exact();
    if !packs
        || bytes.is_none_or(|bytes| bytes < BYTES_MIN)
        || response.headers().contains_key(CONTENT_ENCODING)
    {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    // The whole of it is in memory already.
    let Ok(plain) = to_bytes(body, usize::MAX).await else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let small = plain.clone();
    match tokio::task::spawn_blocking(move || pack(&small)).await {
        Ok(Ok(packed)) => {
            parts.headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
            parts.headers.remove(CONTENT_LENGTH);
            Response::from_parts(parts, Body::from(packed))
        }
        _ => Response::from_parts(parts, Body::from(plain)),
    }
}

fn takes_gzip(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    let mut names = accepted.flat_map(|text| text.split(','));
    names.any(|name| {
        let (name, quality) = name.split_once(';').unwrap_or((name, ""));
        let refused = quality.trim().strip_prefix("q=").and_then(|q| q.parse().ok()) == Some(0.0);
        name.trim() == "gzip" && !refused
    })
}

fn pack(plain: &Bytes) -> io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(plain.len() / 3), Compression::fast());
    encoder.write_all(plain)?;
    encoder.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_say_whether_they_take_gzip() {
        let takes = |text| {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT_ENCODING, HeaderValue::from_static(text));
            takes_gzip(&headers)
        };
        assert!(takes("gzip, deflate") && takes("br;q=1.0, gzip;q=0.5"));
        assert!(!takes("identity") && !takes("gzip;q=0"));
        assert!(!takes_gzip(&HeaderMap::new()));
    }
}
