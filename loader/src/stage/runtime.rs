//! The only place of the loader that knows of async: waiting for an object store.

use std::future::Future;
use std::sync::{OnceLock, mpsc};

use firn_types::{Error, ErrorCode, Result};
use tokio::runtime::{Builder, Runtime};

/// Threads that move bytes; they wait more than they work.
const THREADS: usize = 2;

/// An answer that is on its way.
pub(super) struct Pending<T>(mpsc::Receiver<T>);

impl<T> Pending<T> {
    /// Waits for the answer; not to be called from the runtime's own threads.
    pub(super) fn wait(self) -> Result<T> {
        let lost = |_| Error::new(ErrorCode::Storage, "a request to the object store was lost");
        self.0.recv().map_err(lost)
    }
}

/// Starts a request; its answer is fetched with [`Pending::wait`].
pub(super) fn start<T: Send + 'static>(
    request: impl Future<Output = T> + Send + 'static,
) -> Result<Pending<T>> {
    let (sender, receiver) = mpsc::sync_channel(1);
    runtime()?.spawn(async move {
        // The receiver may be gone: then nobody wants the answer.
        let _ = sender.send(request.await);
    });
    Ok(Pending(receiver))
}

/// Runs a request to its end.
pub(super) fn wait<T: Send + 'static>(
    request: impl Future<Output = T> + Send + 'static,
) -> Result<T> {
    start(request)?.wait()
}

fn runtime() -> Result<&'static Runtime> {
    static RUNTIME: OnceLock<std::io::Result<Runtime>> = OnceLock::new();
    let runtime = RUNTIME.get_or_init(|| {
        Builder::new_multi_thread()
            .worker_threads(THREADS)
            .thread_name("firn-stage")
            .enable_all()
            .build()
    });
    runtime.as_ref().map_err(|error| Error::new(ErrorCode::Storage, error.to_string()))
}
