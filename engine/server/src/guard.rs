//! What browsers send for pages of others is refused.
//!
//! A page from anywhere can make a browser on this machine send requests to it. Where everybody on the machine is
//! trusted, such a request would be too. Browsers say in `Origin` whose page it is; and a name that somebody else has
//! given this machine's address stands in `Host`.

use std::net::IpAddr;

use axum::body::Body;
use axum::extract::State;
use axum::http::header::{HOST, HeaderName, ORIGIN};
use axum::http::{HeaderMap, Request, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::state::Shared;

/// Lets a request through unless it is sent for a page of somebody else.
pub(crate) async fn guard(
    State(state): State<Shared>,
    request: Request<Body>,
    next: Next,
) -> Response {
    if is_foreign(request.headers(), state.options.trust_local) {
        let text = "This request is sent for a page that is not of this server.\n";
        return (StatusCode::FORBIDDEN, text).into_response();
    }
    next.run(request).await
}

fn is_foreign(headers: &HeaderMap, trust_local: bool) -> bool {
    let text = |name: HeaderName| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    let host = text(HOST);
    let of_others = match text(ORIGIN) {
        None => false,
        Some(origin) => origin.split_once("://").map(|(_, place)| place) != host,
    };
    of_others || trust_local && host.is_some_and(|host| !is_this_machine(host))
}

/// Whether a host, perhaps with a port, is a name that means this machine to itself.
fn is_this_machine(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    let address = name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
    address || name.eq_ignore_ascii_case("localhost") || name.ends_with(".localhost")
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn foreign(host: &'static str, origin: Option<&'static str>, trust_local: bool) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(HOST, HeaderValue::from_static(host));
        if let Some(origin) = origin {
            headers.insert(ORIGIN, HeaderValue::from_static(origin));
        }
        is_foreign(&headers, trust_local)
    }

    #[test]
    fn pages_of_others_are_told_by_origin_and_host() {
        for host in ["localhost:8084", "127.0.0.1", "[::1]:8084", "snow.localhost:1"] {
            assert!(!foreign(host, None, true), "{host}");
        }
        assert!(!foreign("127.0.0.1:8084", Some("http://127.0.0.1:8084"), true));
        assert!(foreign("127.0.0.1:8084", Some("http://127.0.0.1:9999"), true));
        assert!(foreign("127.0.0.1:8084", Some("null"), true));
        assert!(foreign("evil.example:8084", None, true));
        assert!(!foreign("firn.example", None, false));
        assert!(foreign("firn.example", Some("https://evil.example"), false));
    }
}
