//! A store some of whose operations fail: as for a process that is killed, a network that drops out, a
//! service that is overloaded.

use std::fmt;
use std::ops::Range;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::{self, BoxStream, StreamExt};
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta,
    ObjectStore, PutMode, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};

/// What becomes of an operation that fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is not done.
    NotDone,
    /// It is done, and its answer is lost.
    Lost,
    /// An object is written, and said to have existed before: what a client sees that repeats by itself a
    /// request whose answer was lost. Other operations succeed.
    WrittenAsExisting,
    /// An object is written later, after two more operations, and said not to have been. Other operations
    /// are not done.
    Delayed,
    /// It is refused, as a service does that has too much to do.
    Throttled,
}

impl Outcome {
    /// All of them.
    pub const ALL: [Outcome; 5] = [
        Outcome::NotDone,
        Outcome::Lost,
        Outcome::WrittenAsExisting,
        Outcome::Delayed,
        Outcome::Throttled,
    ];
}

/// What becomes of the operation at which a store fails, and of those after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// That operation.
    pub outcome: Outcome,
    /// Whether no later operation is done.
    pub for_good: bool,
}

/// When operations fail.
#[derive(Clone, Copy, Debug)]
enum Schedule {
    /// The one after so many.
    After(Fault),
    /// So many of a thousand that write, by chance.
    Often(u64),
}

/// A write that has not reached the store yet.
#[derive(Debug)]
struct Late {
    path: Path,
    bytes: PutPayload,
    how: PutOptions,
    operations: u32,
}

/// Another store, with faults.
#[derive(Clone, Debug)]
pub struct FlakyStore {
    inner: Arc<dyn ObjectStore>,
    schedule: Schedule,
    left: Arc<AtomicI64>,
    random: Arc<Mutex<u64>>,
    late: Arc<Mutex<Vec<Late>>>,
}

impl FlakyStore {
    /// The store `inner`, of which the operation after the next `operations` fails.
    pub fn new(inner: Arc<dyn ObjectStore>, operations: i64, fault: Fault) -> FlakyStore {
        FlakyStore {
            inner,
            schedule: Schedule::After(fault),
            left: Arc::new(AtomicI64::new(operations)),
            random: Arc::default(),
            late: Arc::default(),
        }
    }

    /// The store `inner`, of which `per_mille` of a thousand writes fail, in every way there is.
    pub fn by_chance(inner: Arc<dyn ObjectStore>, per_mille: u64, seed: u64) -> FlakyStore {
        let fault = Fault { outcome: Outcome::NotDone, for_good: false };
        let store = FlakyStore::new(inner, i64::MAX, fault);
        *lock(&store.random) = seed;
        FlakyStore { schedule: Schedule::Often(per_mille), ..store }
    }

    /// How many operations there are until the fault.
    pub fn left(&self) -> i64 {
        self.left.load(Ordering::SeqCst)
    }

    /// Whether the fault has happened.
    pub fn has_failed(&self) -> bool {
        self.left() < 0
    }

    /// How the next operation fails, if it does.
    fn fate(&self, writes: bool) -> Option<Outcome> {
        match (self.schedule, self.left.fetch_sub(1, Ordering::SeqCst)) {
            (Schedule::After(_), 1..) => None,
            (Schedule::After(fault), 0) => Some(fault.outcome),
            (Schedule::After(fault), _) => fault.for_good.then_some(Outcome::NotDone),
            (Schedule::Often(per_mille), _) => {
                let chance = self.chance();
                let fails = writes && chance % 1000 < per_mille;
                fails.then(|| Outcome::ALL[(chance / 1000) as usize % Outcome::ALL.len()])
            }
        }
    }

    /// A number by chance: SplitMix64.
    fn chance(&self) -> u64 {
        let mut state = lock(&self.random);
        *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (*state ^ (*state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) >> 8
    }

    /// Lets the delayed writes whose time has come reach the store.
    async fn deliver(&self) {
        let due: Vec<Late> = {
            let mut late = lock(&self.late);
            late.iter_mut().for_each(|write| write.operations = write.operations.saturating_sub(1));
            late.extract_if(.., |write| write.operations == 0).collect()
        };
        for write in due {
            // Whether it comes too late is nobody's concern any more.
            let _ = self.inner.put_opts(&write.path, write.bytes, write.how).await;
        }
    }

    /// Does an operation, or what a fault leaves of it.
    async fn run<T>(&self, operation: impl Future<Output = Result<T>>) -> Result<T> {
        self.deliver().await;
        match self.fate(false) {
            None | Some(Outcome::WrittenAsExisting) => operation.await,
            Some(Outcome::Lost) => {
                operation.await?;
                Err(cut())
            }
            Some(Outcome::NotDone | Outcome::Delayed | Outcome::Throttled) => Err(cut()),
        }
    }

    /// A listing, or what a fault leaves of it.
    fn listed<T: Send + 'static>(
        &self,
        listing: BoxStream<'static, Result<T>>,
    ) -> BoxStream<'static, Result<T>> {
        match self.fate(false) {
            None | Some(Outcome::WrittenAsExisting) => listing,
            _ => stream::once(async { Err(cut()) }).boxed(),
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn cut() -> Error {
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
        self.deliver().await;
        match self.fate(true) {
            None => self.inner.put_opts(path, bytes, how).await,
            Some(Outcome::NotDone | Outcome::Throttled) => Err(cut()),
            Some(Outcome::Lost) => {
                self.inner.put_opts(path, bytes, how).await?;
                Err(cut())
            }
            Some(Outcome::WrittenAsExisting) => {
                let creates = how.mode == PutMode::Create;
                let written = self.inner.put_opts(path, bytes, how).await?;
                match creates {
                    true => Err(Error::AlreadyExists {
                        path: path.to_string(),
                        source: "the test repeated the request".into(),
                    }),
                    false => Ok(written),
                }
            }
            Some(Outcome::Delayed) => {
                let path = path.clone();
                lock(&self.late).push(Late { path, bytes, how, operations: 3 });
                Err(cut())
            }
        }
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
