//! Which path goes where.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::Router;
use axum::body::Body;
use axum::extract::DefaultBodyLimit;
use axum::http::{Request, StatusCode, Uri};
use axum::middleware;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};

use crate::endpoint::{
    abort, console, health, login, monitoring, own, pipe, query_request, rest, result, session,
    stage_file,
};
use crate::guard::guard;
use crate::gzip::packed;
use crate::request_log::logged;
use crate::state::Shared;

/// All paths of the server.
pub(crate) fn router(state: Shared) -> Router {
    Router::new()
        .route("/session/v1/login-request", post(login::login))
        .route("/session/token-request", post(session::renew))
        .route("/session/heartbeat", post(session::heartbeat))
        .route("/session", post(session::end))
        .route("/telemetry/send", post(session::telemetry))
        .route("/queries/v1/query-request", post(query_request::query))
        .route("/queries/v1/abort-request", post(abort::by_request))
        .route("/queries/{id}/abort-request", post(abort::by_id))
        .route("/queries/{id}/result", get(result::result))
        .route("/results/{id}/{secret}/{format}/{part}", get(result::part))
        .route("/stages/{door}/{*file}", put(stage_file::write).get(stage_file::read))
        .route("/monitoring/queries/{id}", get(monitoring::status))
        .route("/api/v2/statements", post(rest::submit))
        .route("/api/v2/statements/{handle}", get(rest::look))
        .route("/api/v2/statements/{handle}/cancel", post(rest::cancel))
        .route("/v1/data/pipes/{pipe}/insertFiles", post(pipe::insert_files))
        .route("/v1/data/pipes/{pipe}/insertReport", get(pipe::insert_report))
        .route("/v1/data/pipes/{pipe}/loadHistoryScan", get(pipe::load_history_scan))
        .route("/", get(console::page))
        .route("/console/{file}", get(console::file))
        .route("/firn/about", get(own::about))
        .route("/firn/names", post(own::names))
        .route("/firn/statements", post(own::statements))
        .route("/health", get(health::health))
        .route("/metrics", get(health::metrics))
        .fallback(absent)
        .layer(DefaultBodyLimit::disable())
        .layer(middleware::from_fn_with_state(Arc::clone(&state), guard))
        .layer(middleware::from_fn_with_state(Arc::clone(&state), packed))
        .layer(middleware::from_fn_with_state(Arc::clone(&state), logged))
        .with_state(state)
}

async fn absent(request: Request<Body>) -> Response {
    let text = format!("firn has nothing at {}.\n", request.uri().path());
    (StatusCode::NOT_FOUND, text).into_response()
}

/// Counts a request, and brings its path into the form that the routes have: some clients double slashes, some
/// end with one.
pub(crate) fn prepare(state: &Shared, request: &mut Request<Body>) {
    state.counters.requests.fetch_add(1, Ordering::Relaxed);
    let path = request.uri().path();
    if !path.contains("//") && (path.len() < 2 || !path.ends_with('/')) {
        return;
    }
    let mut plain = String::with_capacity(path.len());
    for part in path.split('/').filter(|part| !part.is_empty()) {
        plain.push('/');
        plain.push_str(part);
    }
    if plain.is_empty() {
        plain.push('/');
    }
    if let Some(query) = request.uri().query() {
        plain.push('?');
        plain.push_str(query);
    }
    if let Ok(uri) = plain.parse::<Uri>() {
        *request.uri_mut() = uri;
    }
}
