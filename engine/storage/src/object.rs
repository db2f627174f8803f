//! Objects: named bytes in a folder, in a bucket or in memory.
//!
//! The only place of the engine that knows `object_store` and that is asynchronous inside; everything
//! outside calls plain functions. What a put returned from is durable: on a folder the file and its
//! directory are synced. The caller's own thread reads and writes a folder, since that is cheaper than to
//! hand it to another thread.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::{Path as FilePath, PathBuf};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use firn_types::{Error, ErrorCode, Result};
use futures::{FutureExt, TryStreamExt};
use object_store::aws::AmazonS3Builder;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::prefix::PrefixStore;
use object_store::{
    GetOptions, GetRange, ObjectMeta, ObjectStore, ObjectStoreExt, PutMode, PutOptions, PutPayload,
};
use tokio::runtime::Runtime;

use crate::folder::Folder;
use crate::sealed::{DataKeys, KeyFailure, MAGIC, MasterKey, SealError, SealedStore};

/// Threads that wait for the network and the disk.
const IO_THREADS: usize = 2;

/// What a bucket's location begins with.
const BUCKET: &str = "s3://";

/// Access to the objects below one root. Cloning shares it.
#[derive(Clone, Debug)]
pub struct ObjectAccess {
    store: Arc<dyn ObjectStore>,
    local: Option<Arc<Folder>>,
    /// Whether the objects are sealed in the store underneath.
    sealed: bool,
    location: Arc<str>,
    writes_left: Option<Arc<AtomicI64>>,
}

/// What is known of an object without its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectInfo {
    /// The name, from the root.
    pub path: String,
    /// Bytes.
    pub size: u64,
    /// When it was last written: nanoseconds since 1970 UTC.
    pub modified_nanos: i64,
    /// The store's mark of the content.
    pub etag: String,
}

impl ObjectAccess {
    /// Opens a folder, which is created if need be, a bucket (`s3://bucket/prefix`) or, as `:memory:`, a
    /// place that is gone at the end.
    ///
    /// A bucket's credentials, region and endpoint come from the environment: `AWS_ACCESS_KEY_ID`,
    /// `AWS_SECRET_ACCESS_KEY`, `AWS_REGION`, `AWS_ENDPOINT`, `AWS_ALLOW_HTTP`,
    /// `AWS_VIRTUAL_HOSTED_STYLE_REQUEST`.
    ///
    /// # Errors
    /// `Storage` when the folder cannot be made or the bucket's options are not complete.
    pub fn open(location: &str) -> Result<ObjectAccess> {
        if location == ":memory:" {
            return Ok(ObjectAccess::memory());
        }
        if location.starts_with(BUCKET) {
            return ObjectAccess::bucket(location);
        }
        let folder = location.strip_prefix("file://").unwrap_or(location);
        ObjectAccess::folder(FilePath::new(folder))
    }

    /// A place in memory.
    pub fn memory() -> ObjectAccess {
        ObjectAccess::over(Arc::new(InMemory::new()), ":memory:")
    }

    /// Whether what is written outlives the process.
    pub fn is_lasting(&self) -> bool {
        &*self.location != ":memory:"
    }

    /// The objects of a store that somebody else has opened; `location` is how it is called. One that
    /// begins with `s3://` says that each request takes a round trip through a network.
    pub fn over(store: Arc<dyn ObjectStore>, location: &str) -> ObjectAccess {
        let location = location.into();
        ObjectAccess { store, local: None, sealed: false, location, writes_left: None }
    }

    /// A folder. What is written below it only its owner can read.
    ///
    /// # Errors
    /// `Storage` when it cannot be made.
    pub fn folder(folder: &FilePath) -> Result<ObjectAccess> {
        let failed = |reason: &dyn std::fmt::Display| {
            storage_error(format!("Folder '{}' cannot be opened: {reason}", folder.display()))
        };
        let store = Arc::new(Folder::open(folder).map_err(|e| failed(&e))?);
        Ok(ObjectAccess {
            store: Arc::clone(&store) as Arc<dyn ObjectStore>,
            local: Some(store),
            sealed: false,
            location: folder.display().to_string().into(),
            writes_left: None,
        })
    }

    fn bucket(url: &str) -> Result<ObjectAccess> {
        let rest = url.trim_start_matches(BUCKET);
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        let store = AmazonS3Builder::from_env().with_bucket_name(bucket).build();
        let store = store.map_err(|e| storage_error(format!("'{url}' cannot be opened: {e}")))?;
        let store: Arc<dyn ObjectStore> = match prefix.trim_matches('/') {
            "" => Arc::new(store),
            prefix => Arc::new(PrefixStore::new(store, prefix)),
        };
        Ok(ObjectAccess::over(store, url))
    }

    /// An account that is encrypted in these objects; in a new one it is made so.
    ///
    /// # Errors
    /// `KeyMissing` when the account is encrypted under another key, `InvalidParameterValue` when it is not encrypted,
    /// `Storage` when it cannot be read.
    pub fn sealed(&self, key: &MasterKey, now_nanos: i64) -> Result<ObjectAccess> {
        let keys = DataKeys::open(self, key, now_nanos)?;
        let store = Arc::new(SealedStore::new(Arc::clone(&self.store), keys));
        Ok(ObjectAccess { store, sealed: true, ..self.clone() })
    }

    /// The same objects, but every write after the next `writes` fails: a crash, for tests.
    pub fn failing_after(&self, writes: i64) -> ObjectAccess {
        let mut access = self.clone();
        access.writes_left = Some(Arc::new(AtomicI64::new(writes)));
        access
    }

    /// Where it was opened.
    pub fn location(&self) -> &str {
        &self.location
    }

    /// Whether each request takes a round trip through a network.
    pub fn is_remote(&self) -> bool {
        self.location.starts_with(BUCKET)
    }

    /// The store underneath, for those who read the files of internal stages.
    pub fn store(&self) -> Arc<dyn ObjectStore> {
        Arc::clone(&self.store)
    }

    /// Whether the root is a folder and an object is there: an answer that costs no request.
    pub fn is_in_folder(&self, path: &str) -> bool {
        self.place(path).is_some_and(|file| file.exists())
    }

    /// The file that holds an object as it is, when the root is a folder.
    fn file(&self, path: &str) -> Option<PathBuf> {
        self.place(path).filter(|_| !self.sealed)
    }

    /// Where an object or a folder of them lies, when the root is a folder.
    fn place(&self, path: &str) -> Option<PathBuf> {
        self.local.as_ref()?.file(&name(path)).ok()
    }

    /// The bytes, unless they are sealed and nobody has given a key.
    fn readable(&self, path: &str, bytes: Bytes) -> Result<Bytes> {
        if self.sealed || !bytes.starts_with(MAGIC) {
            return Ok(bytes);
        }
        let text =
            format!("The account at '{}' is encrypted: give its key by --key.", self.location);
        Err(Error::new(ErrorCode::KeyMissing, format!("{text} ('{path}' is sealed.)")))
    }

    /// All bytes of an object.
    ///
    /// # Errors
    /// `FileNotFound` when it does not exist, `Storage` when it cannot be read.
    pub fn get(&self, path: &str) -> Result<Bytes> {
        if let Some(file) = self.file(path) {
            let bytes = std::fs::read(file).map_err(|e| read_error(path, &e))?;
            return self.readable(path, bytes.into());
        }
        let result = self.wait(async { self.store.get(&name(path)).await?.bytes().await })?;
        self.readable(path, result.map_err(|e| object_error(path, &e))?)
    }

    /// Ranges of bytes of an object, in the order asked for.
    ///
    /// # Errors
    /// As [`ObjectAccess::get`]; also when a range ends behind the object.
    pub fn get_ranges(&self, path: &str, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        if let Some(file) = self.file(path) {
            return read_ranges(&file, ranges).map_err(|e| read_error(path, &e));
        }
        let result = self.wait(async { self.store.get_ranges(&name(path), ranges).await })?;
        result.map_err(|e| object_error(path, &e))
    }

    /// The last bytes of an object, at most `len`.
    ///
    /// # Errors
    /// As [`ObjectAccess::get`].
    pub fn get_tail(&self, path: &str, len: u64) -> Result<Bytes> {
        let options = GetOptions { range: Some(GetRange::Suffix(len)), ..GetOptions::default() };
        let result =
            self.wait(async { self.store.get_opts(&name(path), options).await?.bytes().await })?;
        result.map_err(|e| object_error(path, &e))
    }

    /// Writes an object, over an old one if there is one. Durable when this returns.
    ///
    /// # Errors
    /// `Storage` when it cannot be written.
    pub fn put(&self, path: &str, bytes: Bytes) -> Result<()> {
        self.put_blocks(path, bytes.into())
    }

    /// Writes an object that is in blocks, as [`ObjectAccess::put`] does.
    pub(crate) fn put_blocks(&self, path: &str, blocks: PutPayload) -> Result<()> {
        self.count_write(path)?;
        let result = self.wait(async { self.store.put(&name(path), blocks).await })?;
        result.map(|_| ()).map_err(|e| object_error(path, &e))
    }

    /// Writes an object unless one exists; tells whether it did. Durable when this returns, and of all
    /// processes that try at once exactly one succeeds.
    ///
    /// # Errors
    /// `Storage` when it cannot be written; whether it was is then not known.
    pub fn put_if_absent(&self, path: &str, bytes: Bytes) -> Result<bool> {
        self.count_write(path)?;
        let options = PutOptions::from(PutMode::Create);
        let result =
            self.wait(async { self.store.put_opts(&name(path), bytes.into(), options).await })?;
        match result {
            Ok(_) => Ok(true),
            Err(object_store::Error::AlreadyExists { .. }) => Ok(false),
            Err(error) => Err(object_error(path, &error)),
        }
    }

    /// All objects below a folder, by name.
    ///
    /// # Errors
    /// `Storage` when it cannot be listed.
    pub fn list(&self, folder: &str) -> Result<Vec<ObjectInfo>> {
        self.list_after(folder, None)
    }

    /// The objects below a folder whose names come after `after`, by name.
    ///
    /// # Errors
    /// `Storage` when it cannot be listed.
    pub fn list_after(&self, folder: &str, after: Option<&str>) -> Result<Vec<ObjectInfo>> {
        let prefix = name(folder);
        let stream = match after {
            Some(after) => self.store.list_with_offset(Some(&prefix), &name(after)),
            None => self.store.list(Some(&prefix)),
        };
        let found: Vec<ObjectMeta> =
            self.wait(stream.try_collect())?.map_err(|e| object_error(folder, &e))?;
        let mut found: Vec<ObjectInfo> = found.into_iter().map(ObjectInfo::from).collect();
        found.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(found)
    }

    /// The names of the objects directly in a folder that come after `after`, in no order.
    ///
    /// # Errors
    /// `Storage` when it cannot be listed.
    pub fn names_after(&self, folder: &str, after: &str) -> Result<Vec<String>> {
        let Some(local) = self.place(folder) else {
            let found = self.list_after(folder, Some(after))?;
            return Ok(found.into_iter().map(|object| object.path).collect());
        };
        // The store would ask the system about each file.
        let failed = |error: io::Error| read_error(folder, &error);
        let entries = match std::fs::read_dir(local) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.map_err(failed)?,
        };
        let mut names = Vec::new();
        for entry in entries {
            let name = entry.map_err(failed)?.file_name();
            let name = format!("{folder}/{}", name.to_string_lossy());
            if name.as_str() > after && !name.contains('#') {
                names.push(name);
            }
        }
        Ok(names)
    }

    /// What is known of an object without its bytes; none when it does not exist.
    ///
    /// # Errors
    /// `Storage` when that cannot be found out.
    pub fn head(&self, path: &str) -> Result<Option<ObjectInfo>> {
        match self.wait(async { self.store.head(&name(path)).await })? {
            Ok(meta) => Ok(Some(meta.into())),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(object_error(path, &error)),
        }
    }

    /// Deletes an object; one that does not exist is no error.
    ///
    /// # Errors
    /// `Storage` when it cannot be deleted.
    pub fn delete(&self, path: &str) -> Result<()> {
        self.count_write(path)?;
        match self.wait(async { self.store.delete(&name(path)).await })? {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(object_error(path, &error)),
        }
    }

    /// Deletes everything below a folder.
    ///
    /// # Errors
    /// `Storage` when something cannot be deleted.
    pub fn delete_folder(&self, folder: &str) -> Result<()> {
        self.list(folder)?.iter().try_for_each(|object| self.delete(&object.path))
    }

    /// The answer of a request. A folder answers at once when it is asked outside of a runtime; to hand the
    /// request to another thread and back would cost a small statement more than all it does itself.
    fn wait<F: Future>(&self, request: F) -> Result<F::Output> {
        let mut request = std::pin::pin!(request);
        if self.local.is_some()
            && let Some(answer) = request.as_mut().now_or_never()
        {
            return Ok(answer);
        }
        run(request)
    }

    fn count_write(&self, path: &str) -> Result<()> {
        match &self.writes_left {
            Some(left) if left.fetch_sub(1, Ordering::SeqCst) <= 0 => {
                Err(storage_error(format!("'{path}' cannot be written: the test stopped here")))
            }
            _ => Ok(()),
        }
    }
}

impl From<ObjectMeta> for ObjectInfo {
    fn from(meta: ObjectMeta) -> ObjectInfo {
        ObjectInfo {
            path: meta.location.to_string(),
            size: meta.size,
            modified_nanos: meta.last_modified.timestamp_nanos_opt().unwrap_or(0),
            etag: meta.e_tag.unwrap_or_default(),
        }
    }
}

/// The store's name of an object. Names that a listing gave are taken as they are; others get what the
/// store does not allow encoded.
fn name(path: &str) -> Path {
    Path::parse(path).unwrap_or_else(|_| Path::from(path))
}

fn read_ranges(file: &FilePath, ranges: &[Range<u64>]) -> io::Result<Vec<Bytes>> {
    let file = File::open(file)?;
    let read = |range: &Range<u64>| {
        let len = usize::try_from(range.end.saturating_sub(range.start)).unwrap_or(usize::MAX);
        let mut buffer = vec![0; len];
        file.read_exact_at(&mut buffer, range.start)?;
        Ok(Bytes::from(buffer))
    };
    ranges.iter().map(read).collect()
}

/// Runs a future to its end on the shared runtime.
pub(crate) fn run<F: Future>(future: F) -> Result<F::Output> {
    static RUNTIME: OnceLock<io::Result<Runtime>> = OnceLock::new();
    let runtime = RUNTIME.get_or_init(|| {
        tokio::runtime::Builder::new_multi_thread()
            .worker_threads(IO_THREADS)
            .thread_name("firn-io")
            .enable_all()
            .build()
    });
    match runtime {
        Ok(runtime) => Ok(runtime.block_on(future)),
        Err(error) => Err(storage_error(format!("No threads for input and output: {error}"))),
    }
}

fn storage_error(detail: String) -> Error {
    Error::new(ErrorCode::Storage, detail)
}

fn object_error(path: &str, error: &object_store::Error) -> Error {
    let object_store::Error::Generic { source, .. } = error else {
        return match error {
            object_store::Error::NotFound { .. } => not_found(path),
            other => storage_error(format!("'{path}': {other}")),
        };
    };
    if let Some(KeyFailure(error)) = source.downcast_ref() {
        return error.clone();
    }
    match source.downcast_ref() {
        Some(reason @ SealError::Unknown(_)) => Error::new(
            ErrorCode::KeyMissing,
            format!("File '{path}': {reason}, which is not there."),
        ),
        Some(reason) => Error::new(ErrorCode::CorruptFile, format!("File '{path}': {reason}.")),
        None => storage_error(format!("'{path}': {error}")),
    }
}

fn read_error(path: &str, error: &io::Error) -> Error {
    match error.kind() {
        io::ErrorKind::NotFound => not_found(path),
        _ => storage_error(format!("'{path}': {error}")),
    }
}

fn not_found(path: &str) -> Error {
    Error::new(ErrorCode::FileNotFound, format!("File '{path}' was not found"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(access: &ObjectAccess) -> Result<()> {
        access.put("a/b/one", Bytes::from_static(b"hello world"))?;
        assert!(!access.put_if_absent("a/b/one", Bytes::from_static(b"x"))?);
        assert!(access.put_if_absent("a/b/two", Bytes::from_static(b"y"))?);
        assert_eq!(access.get("a/b/one")?.as_ref(), b"hello world");
        assert_eq!(access.get_tail("a/b/one", 5)?.as_ref(), b"world");
        let parts = access.get_ranges("a/b/one", &[6..8, 0..1])?;
        assert_eq!((parts[0].as_ref(), parts[1].as_ref()), (&b"wo"[..], &b"h"[..]));
        let names: Vec<String> = access.list("a")?.into_iter().map(|o| o.path).collect();
        assert_eq!(names, ["a/b/one", "a/b/two"]);
        assert_eq!(access.list_after("a/b", Some("a/b/one"))?.len(), 1);
        assert_eq!(access.head("a/b/two")?.map(|info| info.size), Some(1));
        access.put("a/b/100% of it {x}.csv", Bytes::from_static(b"z"))?;
        let odd = access.list("a")?.into_iter().next().map(|object| object.path);
        assert_eq!(access.get(&odd.unwrap_or_default())?.as_ref(), b"z");
        access.delete_folder("a")?;
        access.delete("a/b/one")?;
        assert_eq!(access.head("a/b/two")?, None);
        let error = access.get("a/b/two").expect_err("deleted");
        assert_eq!(error.code(), ErrorCode::FileNotFound);
        Ok(())
    }

    #[test]
    fn a_folder_and_memory_behave_alike() -> Result<()> {
        let folder = std::env::temp_dir().join(format!("firn-object-{}", uuid::Uuid::new_v4()));
        check(&ObjectAccess::folder(&folder)?)?;
        check(&ObjectAccess::memory())?;
        std::fs::remove_dir_all(folder).map_err(|e| Error::internal(e.to_string()))
    }

    #[test]
    fn one_of_many_creators_wins() -> Result<()> {
        let access = ObjectAccess::memory();
        let wins: Result<Vec<bool>> = std::thread::scope(|scope| {
            let try_once = || access.put_if_absent("log/1", Bytes::from_static(b"1"));
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(try_once)).collect();
            threads.into_iter().map(|t| t.join().expect("no panic")).collect()
        });
        assert_eq!(wins?.into_iter().filter(|won| *won).count(), 1);
        Ok(())
    }
}
