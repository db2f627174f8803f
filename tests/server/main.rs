//! The server's protocol, spoken to a server in the same process.

mod file;
mod login;
mod own;
mod pipe;
mod request;
mod rest;
mod statement;

use firn_engine::{Engine, EngineOptions};
use firn_server::{Server, ServerOptions};
use serde_json::Value;

fn server(options: ServerOptions) -> Server {
    let engine = EngineOptions { threads: Some(2), ..EngineOptions::default() };
    let engine = Engine::open(":memory:", engine).expect("an engine");
    let listen = "127.0.0.1:0".to_string();
    Server::start(engine, ServerOptions { listen, trust_local: true, ..options }).expect("a server")
}

fn started() -> Server {
    server(ServerOptions::default())
}

/// The path of an address of the server.
fn path_of<'a>(server: &Server, address: &'a Value) -> &'a str {
    let address = address.as_str().expect("an address");
    address.split_once(&server.address().to_string()).expect("this server").1
}
