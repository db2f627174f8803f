//! A server that runs.

use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::Arc;
use std::time::{Duration, Instant};

use firn_engine::Engine;
use firn_types::{Error, ErrorCode, Result};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::{Semaphore, watch};

use crate::client::{Clients, Program};
use crate::listen;
use crate::options::ServerOptions;
use crate::query::Queries;
use crate::request_log::RequestLog;
use crate::state::{Counters, Shared, State};
use crate::tls;
use crate::transfer::Doors;

/// Parts of results that are made at once.
const ENCODERS: usize = 16;
/// Threads for what waits or takes time: those that move files wait for clients.
const BLOCKING_THREADS: usize = 1024;
/// How often idle sessions are looked for.
const SWEEP: Duration = Duration::from_secs(30);
/// How often a stop looks whether the last statement has ended.
const LOOK: Duration = Duration::from_millis(20);

/// A server that runs until it is stopped or dropped.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    state: Shared,
    stop: watch::Sender<bool>,
    runtime: Option<Runtime>,
    listening: Option<tokio::task::JoinHandle<()>>,
}

impl Server {
    /// Starts a server on an account.
    ///
    /// # Errors
    /// When the address cannot be listened on, the certificate does not do, or others than this machine could come
    /// unencrypted or unproved.
    pub fn start(engine: Engine, options: ServerOptions) -> Result<Server> {
        check(&options)?;
        let host = options.listen.rsplit_once(':').map_or("", |(host, _)| host);
        let tls = options.tls.as_ref();
        let tls = tls.map(|tls| tls::acceptor(tls, host.trim_matches(['[', ']']))).transpose()?;
        let log = options.log.as_deref().map(RequestLog::open).transpose();
        let log = log.map_err(|error| {
            Error::new(ErrorCode::Storage, format!("the log of requests cannot be opened: {error}"))
        })?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("server")
            .max_blocking_threads(BLOCKING_THREADS)
            .enable_all()
            .build()
            .map_err(|error| failed(&options.listen, &error))?;
        let listener = runtime
            .block_on(TcpListener::bind(&options.listen))
            .map_err(|error| failed(&options.listen, &error))?;
        let address = listener.local_addr().map_err(|error| failed(&options.listen, &error))?;
        let state = Arc::new(State {
            engine,
            options,
            clients: Clients::default(),
            queries: Queries::default(),
            doors: Doors::default(),
            counters: Counters::default(),
            log,
            encoders: Semaphore::new(ENCODERS),
        });
        let (stop, stopped) = watch::channel(false);
        let listening = runtime.spawn(listen::serve(listener, tls, Arc::clone(&state), stopped));
        runtime.spawn(sweep(Arc::clone(&state)));
        let (runtime, listening) = (Some(runtime), Some(listening));
        Ok(Server { address, state, stop, runtime, listening })
    }

    /// The address on which it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Takes no more connections, lets statements that run end within the time that the options grant, cancels those
    /// that do not, and ends all sessions.
    pub fn stop(mut self) {
        self.end();
    }

    fn end(&mut self) {
        let Some(runtime) = self.runtime.take() else { return };
        let start = Instant::now();
        while self.state.queries.running() > 0 && start.elapsed() < self.state.options.grace {
            std::thread::sleep(LOOK);
        }
        self.state.queries.cancel_all();
        self.stop.send_replace(true);
        if let Some(listening) = self.listening.take() {
            let _ = runtime.block_on(listening);
        }
        self.state.clients.clear();
        runtime.shutdown_timeout(Duration::from_secs(1));
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.end();
    }
}

/// Looks whether the options fit together.
fn check(options: &ServerOptions) -> Result<()> {
    let addresses = options.listen.to_socket_addrs().map_err(|e| failed(&options.listen, &e))?;
    let mut foreign = addresses.map(|address| address.ip()).filter(|ip| !ip.is_loopback());
    let refuse = |text: String| Err(Error::new(ErrorCode::InvalidParameterValue, text));
    let Some(foreign) = foreign.next() else { return Ok(()) };
    if options.trust_local {
        return refuse(format!(
            "--trust-local lets in everybody, and is only for addresses of this machine, such as \
             127.0.0.1; {foreign} is none"
        ));
    }
    if options.tls.is_none() {
        return refuse(format!(
            "passwords and rows would go over the network in plain text: {foreign} needs --tls"
        ));
    }
    Ok(())
}

fn failed(listen: &str, error: &std::io::Error) -> Error {
    Error::new(ErrorCode::Storage, format!("cannot listen on {listen}: {error}"))
}

/// Ends sessions that nobody uses.
async fn sweep(state: Shared) {
    let mut every = tokio::time::interval(SWEEP.min(state.options.idle));
    loop {
        every.tick().await;
        let state = Arc::clone(&state);
        let swept = tokio::task::spawn_blocking(move || {
            state.clients.remove_idle(|client| {
                let limit =
                    state.engine.idle_limit(&client.user, client.program == Program::Console);
                limit.map_or(state.options.idle, |limit| limit.min(state.options.idle))
            });
        });
        let _ = swept.await;
    }
}
