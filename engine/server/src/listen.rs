//! Connections: taken one by one, each served until it or the server ends.

use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;

use crate::request::Peer;
use crate::router;
use crate::state::Shared;

/// How long a client may take to send the headers of a request, and a connection may lie idle.
const HEADER_PATIENCE: Duration = Duration::from_secs(120);
/// How long a client may take to agree on keys.
const GREETING: Duration = Duration::from_secs(10);
/// How long the listener rests when the system gives no connection.
const REST: Duration = Duration::from_millis(50);

/// Serves connections until `stop` says so; answers that are on their way are still sent.
pub(crate) async fn serve(
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    state: Shared,
    mut stop: watch::Receiver<bool>,
) {
    let router = router::router(state.clone());
    let graceful = GracefulShutdown::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stop.wait_for(|stop| *stop) => break,
        };
        match accepted {
            Ok((stream, address)) => {
                // Answers are small, and wait for nothing.
                let _ = stream.set_nodelay(true);
                let (state, router) = (state.clone(), router.clone());
                let (watcher, tls) = (graceful.watcher(), tls.clone());
                tokio::spawn(async move {
                    let peer = Peer { address, encrypted: tls.is_some() };
                    match tls {
                        None => talk(stream, peer, state, router, watcher).await,
                        Some(tls) => {
                            let greeted = tokio::time::timeout(GREETING, tls.accept(stream));
                            // Who does not greet properly gets no answer.
                            if let Ok(Ok(stream)) = greeted.await {
                                talk(stream, peer, state, router, watcher).await;
                            }
                        }
                    }
                });
            }
            // Too many files are open, or the client has gone again.
            Err(_) => tokio::time::sleep(REST).await,
        }
    }
    drop(listener);
    let _ = tokio::time::timeout(state.options.grace, graceful.shutdown()).await;
}

/// Serves the requests of one connection.
async fn talk<S>(stream: S, peer: Peer, state: Shared, router: Router, watcher: Watcher)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let router = TowerToHyperService::new(router);
    let service = service_fn(move |request: Request<Incoming>| {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(peer);
        router::prepare(&state, &mut request);
        router.call(request)
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_PATIENCE)
        .serve_connection(TokioIo::new(stream), service);
    // A client that goes away in the middle of a request has no one to tell.
    let _ = watcher.watch(connection).await;
}
