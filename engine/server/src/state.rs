//! What all connections of a server share.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use firn_engine::Engine;
use tokio::sync::Semaphore;

use crate::client::Clients;
use crate::options::ServerOptions;
use crate::query::Queries;
use crate::request_log::RequestLog;
use crate::transfer::Doors;

/// What all connections of a server share.
#[derive(Debug)]
pub(crate) struct State {
    /// The account.
    pub(crate) engine: Engine,
    /// How the server was started.
    pub(crate) options: ServerOptions,
    /// Who is logged in.
    pub(crate) clients: Clients,
    /// What they have asked.
    pub(crate) queries: Queries,
    /// Where clients move the files of PUT and GET.
    pub(crate) doors: Doors,
    /// What was done so far.
    pub(crate) counters: Counters,
    /// Where requests are written down.
    pub(crate) log: Option<RequestLog>,
    /// Room for parts of results that are being made.
    pub(crate) encoders: Semaphore,
}

/// The state as handlers hold it.
pub(crate) type Shared = Arc<State>;

/// Numbers that only grow.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    /// Requests.
    pub(crate) requests: AtomicU64,
    /// Logins.
    pub(crate) logins: AtomicU64,
    /// Statements begun.
    pub(crate) statements: AtomicU64,
    /// Rows sent.
    pub(crate) rows: AtomicU64,
    /// Bytes of rows sent.
    pub(crate) bytes: AtomicU64,
    /// Requests that found no room in the log.
    pub(crate) lost_lines: AtomicU64,
}

impl Counters {
    /// Adds to one of them.
    pub(crate) fn add(counter: &AtomicU64, count: usize) {
        counter.fetch_add(count as u64, Ordering::Relaxed);
    }
}
