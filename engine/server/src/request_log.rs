//! The log of requests: a line of JSON for each, written beside the requests by a thread of its own.
//!
//! Paths are those of the routes, and not what stands in their places: results and files are found by addresses
//! that nobody else may know.

use std::fs::OpenOptions;
use std::io::{self, BufWriter, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Instant;

use axum::body::{Body, HttpBody};
use axum::extract::{MatchedPath, State};
use axum::http::{Extensions, Request};
use axum::middleware::Next;
use axum::response::Response;
use serde_json::{Map, Value, json};

use crate::query::now_millis;
use crate::request::{Peer, token_of};
use crate::state::Shared;

/// Lines that may wait for the disk; further ones are lost, and counted.
const LINES_MAX: usize = 10_000;

/// What an answer tells the log.
#[derive(Clone, Debug, Default)]
pub(crate) struct Noted {
    /// The statement that it is about.
    pub(crate) query_id: Option<String>,
    /// The number of its error.
    pub(crate) error: Option<String>,
}

/// Notes something about an answer, beside what is noted already.
pub(crate) fn note(extensions: &mut Extensions, note: impl FnOnce(&mut Noted)) {
    let mut noted = extensions.remove::<Noted>().unwrap_or_default();
    note(&mut noted);
    extensions.insert(noted);
}

/// Where lines go.
#[derive(Debug)]
pub(crate) struct RequestLog {
    lines: SyncSender<String>,
}

impl RequestLog {
    /// A log that goes to the end of a file, or to standard error for `-`.
    ///
    /// # Errors
    /// When the file cannot be opened.
    pub(crate) fn open(path: &Path) -> io::Result<RequestLog> {
        let file: Box<dyn Write + Send> = match path.as_os_str() == "-" {
            true => Box::new(io::stderr()),
            false => Box::new(OpenOptions::new().create(true).append(true).open(path)?),
        };
        let (lines, waiting) = sync_channel(LINES_MAX);
        std::thread::Builder::new()
            .name("request log".to_string())
            .spawn(move || write(&waiting, BufWriter::new(file)))?;
        Ok(RequestLog { lines })
    }

    /// Adds a line; false when it is lost.
    fn add(&self, line: String) -> bool {
        self.lines.try_send(line).is_ok()
    }
}

/// Writes lines until nobody is left who could send one.
fn write(lines: &Receiver<String>, mut file: BufWriter<Box<dyn Write + Send>>) {
    while let Ok(line) = lines.recv() {
        // A log that cannot be written stops no server.
        let _ = file.write_all(line.as_bytes());
        for line in lines.try_iter() {
            let _ = file.write_all(line.as_bytes());
        }
        let _ = file.flush();
    }
}

/// Answers a request, and writes down that it has.
pub(crate) async fn logged(
    State(state): State<Shared>,
    request: Request<Body>,
    next: Next,
) -> Response {
    let Some(log) = &state.log else { return next.run(request).await };
    let (start, at) = (Instant::now(), now_millis());
    let mut line = begun(&state, &request);
    let mut response = next.run(request).await;
    let noted = response.extensions_mut().remove::<Noted>().unwrap_or_default();
    let told = json!({
        "time": at,
        "milliseconds": u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX),
        "status": response.status().as_u16(),
        "bytes": response.body().size_hint().exact(),
        "query_id": noted.query_id,
        "error": noted.error,
    });
    if let Value::Object(told) = told {
        line.extend(told);
    }
    line.retain(|_, value| !value.is_null());
    if !log.add(format!("{}\n", Value::Object(line))) {
        crate::state::Counters::add(&state.counters.lost_lines, 1);
    }
    response
}

/// What is known of a request before it is answered.
fn begun(state: &Shared, request: &Request<Body>) -> Map<String, Value> {
    let address = |peer: &Peer| -> SocketAddr { peer.address };
    let client = state.clients.of(token_of(request.headers())).ok();
    let begun = json!({
        "method": request.method().as_str(),
        "path": request.extensions().get::<MatchedPath>().map(MatchedPath::as_str),
        "from": request.extensions().get::<Peer>().map(|peer| address(peer).to_string()),
        "user": client.as_ref().map(|client| client.user.clone()),
        "session": client.as_ref().map(|client| client.session.id()),
    });
    match begun {
        Value::Object(begun) => begun,
        _ => Map::new(),
    }
}
