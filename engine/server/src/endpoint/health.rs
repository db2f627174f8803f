//! What those ask who watch over the server.

use std::fmt::Write;
use std::sync::atomic::Ordering;

use axum::extract::State;
use axum::response::Response;

use crate::envelope;
use crate::state::Shared;

/// `GET /health`
pub(crate) async fn health() -> Response {
    envelope::text_answer("{\"status\":\"ok\"}".to_string())
}

/// `GET /metrics`, in the text form of Prometheus.
pub(crate) async fn metrics(State(state): State<Shared>) -> String {
    let counters = &state.counters;
    let mut out = String::new();
    let counted = [
        ("firn_requests_total", "Requests.", &counters.requests),
        ("firn_logins_total", "Logins.", &counters.logins),
        ("firn_statements_total", "Statements begun.", &counters.statements),
        ("firn_result_rows_total", "Rows sent.", &counters.rows),
        ("firn_result_bytes_total", "Bytes of rows sent.", &counters.bytes),
        ("firn_log_lost_total", "Requests that the log had no room for.", &counters.lost_lines),
    ];
    // Writing to a text does not fail.
    for (name, help, counter) in counted {
        let value = counter.load(Ordering::Relaxed);
        let _ = writeln!(out, "# HELP {name} {help}\n# TYPE {name} counter\n{name} {value}");
    }
    let now = [
        ("firn_sessions", "Sessions.", state.clients.count()),
        ("firn_statements_running", "Statements that run.", state.queries.running()),
    ];
    for (name, help, value) in now {
        let _ = writeln!(out, "# HELP {name} {help}\n# TYPE {name} gauge\n{name} {value}");
    }
    out
}
