//! `firn serve`: Snowflake's client protocol over HTTP, so that Snowflake's own clients connect.
//!
//! Reading order: `listen` takes connections; `router` says which path goes where; `endpoint` has a file per group of
//! paths; `client` and `query` are what the server remembers; `encode` has a file per form in which rows leave.
//!
//! Handlers only read requests and wait: a statement runs on a thread of the engine's own, and what takes time
//! to make of its rows is made on the runtime's threads for blocking work.

mod answer;
mod bind;
mod client;
mod encode;
mod endpoint;
mod envelope;
mod guard;
mod gzip;
mod listen;
mod options;
mod query;
mod request;
mod request_log;
mod router;
mod server;
mod state;
mod tls;
mod transfer;

pub use options::{ServerOptions, Tls};
pub use server::Server;
