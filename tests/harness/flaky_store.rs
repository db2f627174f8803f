//! A store that fails at its N-th operation, as a process that is killed or a network that drops out would.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::{self, BoxStream, StreamExt};
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta,
    ObjectStore, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};

/// What becomes of the operation at which a store fails, and of those after it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fault {
    /// The operation is done, and only its answer is lost.
    pub done: bool,
    /// Every later operation fails, too.
    pub for_good: bool,
}

/// Another store, until the fault.
#[derive(Clone, Debug)]
pub struct FlakyStore {
    inner: Arc<dyn ObjectStore>,
    left: Arc<AtomicI64>,
    fault: Fault,
}

/// What happens to one operation.
enum Fate {
    Done,
    DoneButLost,
    NotDone,
}

impl FlakyStore {
    /// The store `inner`, of which the operation after the next `operations` fails.
    pub fn new(inner: Arc<dyn ObjectStore>, operations: i64, fault: Fault) -> FlakyStore {
        FlakyStore { inner, left: Arc::new(AtomicI64::new(operations)), fault }
    }

    /// How many operations there are until the fault.
    pub fn left(&self) -> i64 {
        self.left.load(Ordering::SeqCst)
    }

    /// Whether the fault has happened.
    pub fn has_failed(&self) -> bool {
        self.left() < 0
    }

    fn fate(&self) -> Fate {
        match self.left.fetch_sub(1, Ordering::SeqCst) {
            1.. => Fate::Done,
            0 if self.fault.done => Fate::DoneButLost,
            0 => Fate::NotDone,
            _ if self.fault.for_good => Fate::NotDone,
            _ => Fate::Done,
        }
    }

    /// Does an operation, or what the fault leaves of it.
    async fn run<T>(&self, operation: impl Future<Output = Result<T>>) -> Result<T> {
        match self.fate() {
            Fate::Done => operation.await,
            Fate::DoneButLost => {
                operation.await?;
                Err(lost())
            }
            Fate::NotDone => Err(lost()),
        }
    }

    /// A listing, or what the fault leaves of it.
    fn listed<T: Send + 'static>(
        &self,
        listing: BoxStream<'static, Result<T>>,
    ) -> BoxStream<'static, Result<T>> {
        match self.fate() {
            Fate::Done => listing,
            _ => stream::once(async { Err(lost()) }).boxed(),
        }
    }
}

fn lost() -> Error {
    Error::Generic { store: "flaky", source: "the test cut the connection".into() }
}

impl fmt::Display for FlakyStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "flaky {}", self.inner)
    }
}

#[async_trait]
impl ObjectStore for FlakyStore {
    async fn put_opts(&self, path: &Path, bytes: PutPayload, how: PutOptions) -> Result<PutResult> {
        self.run(self.inner.put_opts(path, bytes, how)).await
    }

    async fn put_multipart_opts(
        &self,
        path: &Path,
        how: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.run(self.inner.put_multipart_opts(path, how)).await
    }

    async fn get_opts(&self, path: &Path, how: GetOptions) -> Result<GetResult> {
        self.run(self.inner.get_opts(path, how)).await
    }

    async fn get_ranges(&self, path: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        self.run(self.inner.get_ranges(path, ranges)).await
    }

    fn delete_stream(
        &self,
        paths: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        self.listed(self.inner.delete_stream(paths))
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.listed(self.inner.list(prefix))
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.run(self.inner.list_with_delimiter(prefix)).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, how: CopyOptions) -> Result<()> {
        self.run(self.inner.copy_opts(from, to, how)).await
    }
}
