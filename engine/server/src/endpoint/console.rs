//! `/`: the console, a page for browsers. Its files are part of the binary, in the form in which they are sent.

use axum::extract::Path;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderValue, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderName, StatusCode};
use axum::response::{IntoResponse, Response};

/// What the page may do: only what is of this server, and nothing inside of another page.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
                      img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

macro_rules! files {
    ($($name:literal: $kind:literal,)*) => {
        /// The files: their names, what they are, and their text.
        const FILES: &[(&str, &str, &str)] =
            &[$(($name, $kind, include_str!(concat!("../../console/", $name)))),*];
    };
}

files! {
    "index.html": "text/html; charset=utf-8",
    "style.css": "text/css; charset=utf-8",
    "main.js": "text/javascript; charset=utf-8",
    "page.js": "text/javascript; charset=utf-8",
    "server.js": "text/javascript; charset=utf-8",
    "rows.js": "text/javascript; charset=utf-8",
    "editor.js": "text/javascript; charset=utf-8",
    "grid.js": "text/javascript; charset=utf-8",
    "chart.js": "text/javascript; charset=utf-8",
    "worksheets.js": "text/javascript; charset=utf-8",
    "history.js": "text/javascript; charset=utf-8",
    "objects.js": "text/javascript; charset=utf-8",
    "upload.js": "text/javascript; charset=utf-8",
}

/// `GET /`
pub(crate) async fn page() -> Response {
    sent("index.html")
}

/// `GET /console/{file}`
pub(crate) async fn file(Path(file): Path<String>) -> Response {
    sent(&file)
}

fn sent(wanted: &str) -> Response {
    let Some((_, kind, text)) = FILES.iter().find(|(name, ..)| *name == wanted) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let mut response = (*text).into_response();
    let set: [(HeaderName, &'static str); 5] = [
        (CONTENT_TYPE, kind),
        (CONTENT_SECURITY_POLICY, POLICY),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "no-referrer"),
        // Another version of the binary has others.
        (CACHE_CONTROL, "no-cache"),
    ];
    for (name, value) in set {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}
