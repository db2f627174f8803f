//! Encryption at rest: a store whose objects are sealed in the one below it. Who reads that one learns names and sizes.
//!
//! What is asked for by ranges is opened by chunks, so that a range costs the chunks that it lies in. The header of an
//! object is read with its first range, and remembered.

mod cipher;
mod keys;

use std::collections::HashMap;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use futures::stream::{self, BoxStream, StreamExt, TryStreamExt};
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetRange, GetResult, GetResultPayload, ListResult,
    MultipartUpload, OBJECT_STORE_COALESCE_DEFAULT, ObjectMeta, ObjectStore, PutMultipartOptions,
    PutOptions, PutPayload, PutResult, Result, UploadPart, coalesce_ranges,
};
use parking_lot::Mutex;

use cipher::{CHUNK_BYTES, HEADER_BYTES, Header, ObjectKey, SEALED_BYTES, Sealer, plain_len};
pub(crate) use cipher::{MAGIC, SealError};
pub(crate) use keys::DataKeys;
pub use keys::{MasterKey, rotate_key};

/// The store's name in errors.
const STORE: &str = "sealed";
/// Headers that are remembered; each takes some 100 bytes.
const HEADERS_MAX: usize = 100_000;
/// Bytes of a part of an upload, at least: what S3 asks for.
const PART_BYTES: usize = 5 << 20;

/// A store whose objects are sealed in the one below it.
#[derive(Debug)]
pub(crate) struct SealedStore {
    inner: Arc<dyn ObjectStore>,
    keys: Arc<DataKeys>,
    headers: Mutex<HashMap<Path, Header>>,
}

impl SealedStore {
    /// The store over another one.
    pub(crate) fn new(inner: Arc<dyn ObjectStore>, keys: DataKeys) -> SealedStore {
        SealedStore { inner, keys: Arc::new(keys), headers: Mutex::default() }
    }

    fn sealer(&self, path: &Path) -> Result<Sealer> {
        let (id, data_key) = self.keys.newest().map_err(|error| failed(KeyFailure(error)))?;
        let header = Header::new(id).map_err(failed)?;
        let key = ObjectKey::new(&data_key, &header, path.as_ref()).map_err(failed)?;
        // One of this name that is replaced has another header.
        self.headers.lock().remove(path);
        Ok(Sealer::new(key, &header))
    }

    fn remember(&self, path: &Path, header: Header) {
        let mut headers = self.headers.lock();
        if headers.len() >= HEADERS_MAX {
            headers.clear();
        }
        headers.insert(path.clone(), header);
    }

    /// Bytes of an object, as far as it has them.
    async fn read(&self, path: &Path, range: Range<u64>) -> Result<Bytes> {
        let known = self.headers.lock().get(path).copied();
        if let Some(header) = known
            && let Ok(bytes) = self.read_under(path, &range, Some(header)).await
        {
            return Ok(bytes);
        }
        // Nobody has read it yet, or it was replaced since.
        self.read_under(path, &range, None).await
    }

    async fn read_under(
        &self,
        path: &Path,
        range: &Range<u64>,
        header: Option<Header>,
    ) -> Result<Bytes> {
        let chunk = CHUNK_BYTES as u64;
        let chunks = range.start / chunk..range.end.div_ceil(chunk).max(range.start / chunk + 1);
        let at = |index: u64| HEADER_BYTES as u64 + index * SEALED_BYTES as u64;
        let from = match header {
            None if chunks.start == 0 => 0,
            _ => at(chunks.start),
        };
        let get = |range: Range<u64>| async move {
            let options =
                GetOptions { range: Some(GetRange::Bounded(range)), ..GetOptions::default() };
            self.inner.get_opts(path, options).await?.bytes().await
        };
        // A byte behind the chunks tells whether the last of them must be the object's last one.
        let body = get(from..at(chunks.end) + 1);
        let (header, body) = match header {
            Some(header) => (header, body.await?),
            None if from == 0 => {
                let mut bytes = body.await?;
                let header = Header::parse(&bytes).map_err(failed)?;
                (header, bytes.split_off(HEADER_BYTES))
            }
            None => {
                let head = get(0..HEADER_BYTES as u64);
                let (head, body) = futures::future::try_join(head, body).await?;
                (Header::parse(&head).map_err(failed)?, body)
            }
        };
        let key = key_of(&self.keys, path, &header).await?;
        let asked = at(chunks.end) - at(chunks.start);
        let goes_on = body.len() as u64 > asked;
        let mut sealed = body.to_vec();
        sealed.truncate(usize::try_from(asked).unwrap_or(usize::MAX));
        let plain = opened(&key, chunks.start, &mut sealed, goes_on)?;
        self.remember(path, header);
        let start = usize::try_from(range.start - chunks.start * chunk).unwrap_or(usize::MAX);
        let len = usize::try_from(range.end.saturating_sub(range.start)).unwrap_or(usize::MAX);
        let plain = plain.freeze();
        let start = start.min(plain.len());
        Ok(plain.slice(start..start.saturating_add(len).min(plain.len())))
    }
}

/// What chunks hold, from the one of a number on; `goes_on` says whether there are others behind them.
fn opened(key: &ObjectKey, first: u64, sealed: &mut [u8], goes_on: bool) -> Result<BytesMut> {
    let count = sealed.len().div_ceil(SEALED_BYTES);
    if count == 0 {
        return Err(failed(SealError::Damaged));
    }
    let mut plain = BytesMut::with_capacity(sealed.len());
    for (position, chunk) in sealed.chunks_mut(SEALED_BYTES).enumerate() {
        let last = position + 1 == count && !goes_on;
        let bytes = key.open(first + position as u64, last, chunk).map_err(failed)?;
        plain.extend_from_slice(bytes);
    }
    Ok(plain)
}

/// The key of an object.
async fn key_of(keys: &Arc<DataKeys>, path: &Path, header: &Header) -> Result<ObjectKey> {
    let found = keys.find(header.key).await.map_err(|error| failed(KeyFailure(error)))?;
    let data_key = found.ok_or_else(|| failed(SealError::Unknown(header.key)))?;
    ObjectKey::new(&data_key, header, path.as_ref()).map_err(failed)
}

/// A data key cannot be read.
#[derive(Debug)]
pub(crate) struct KeyFailure(pub(crate) firn_types::Error);

impl fmt::Display for KeyFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.detail())
    }
}

impl std::error::Error for KeyFailure {}

fn failed(source: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::Generic { store: STORE, source: Box::new(source) }
}

/// A whole object that is opened as its bytes come.
struct Opening {
    sealed: BoxStream<'static, Result<Bytes>>,
    keys: Arc<DataKeys>,
    path: Path,
    key: Option<ObjectKey>,
    pending: BytesMut,
    index: u64,
    ended: bool,
}

impl Opening {
    /// The next bytes; none at the end.
    async fn next(&mut self) -> Result<Option<Bytes>> {
        loop {
            if self.key.is_none() && self.pending.len() >= HEADER_BYTES {
                let header = self.pending.split_to(HEADER_BYTES);
                let header = Header::parse(&header).map_err(failed)?;
                self.key = Some(key_of(&self.keys, &self.path, &header).await?);
            }
            // A chunk with bytes behind it is not the last one.
            if let Some(key) = self.key.as_ref().filter(|_| self.pending.len() > SEALED_BYTES) {
                let mut chunk = self.pending.split_to(SEALED_BYTES);
                let plain = key.open(self.index, false, &mut chunk).map_err(failed)?;
                self.index += 1;
                return Ok(Some(Bytes::copy_from_slice(plain)));
            }
            if self.ended {
                return Ok(None);
            }
            if let Some(bytes) = self.sealed.try_next().await? {
                self.pending.extend_from_slice(&bytes);
                continue;
            }
            self.ended = true;
            let key = self.key.as_ref().ok_or_else(|| failed(SealError::Damaged))?;
            let mut chunk = self.pending.split();
            let plain = key.open(self.index, true, &mut chunk).map_err(failed)?;
            return Ok(Some(Bytes::copy_from_slice(plain)));
        }
    }
}

/// What a listing says of an object, with the bytes that it holds.
fn plain(meta: ObjectMeta) -> ObjectMeta {
    ObjectMeta { size: plain_len(meta.size), ..meta }
}

impl fmt::Display for SealedStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sealed {}", self.inner)
    }
}

#[async_trait]
impl ObjectStore for SealedStore {
    async fn put_opts(&self, path: &Path, bytes: PutPayload, how: PutOptions) -> Result<PutResult> {
        let mut sealer = self.sealer(path)?;
        sealer.reserve(bytes.content_length());
        bytes.iter().try_for_each(|block| sealer.push(block)).map_err(failed)?;
        sealer.finish().map_err(failed)?;
        self.inner.put_opts(path, sealer.take().into(), how).await
    }

    async fn put_multipart_opts(
        &self,
        path: &Path,
        how: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        let sealer = self.sealer(path)?;
        let inner = self.inner.put_multipart_opts(path, how).await?;
        Ok(Box::new(SealedUpload { inner, sealer }))
    }

    async fn get_opts(&self, path: &Path, how: GetOptions) -> Result<GetResult> {
        if how.head {
            let found = self.inner.get_opts(path, how).await?;
            let meta = plain(found.meta);
            return Ok(GetResult { range: 0..0, meta, ..found });
        }
        if let Some(range) = &how.range {
            let head = GetOptions { head: true, range: None, ..how.clone() };
            let found = self.inner.get_opts(path, head).await?;
            let meta = plain(found.meta);
            let range = range.as_range(meta.size).map_err(failed)?;
            let bytes = self.read(path, range.clone()).await?;
            // The object may have become another one since its size was asked for.
            if bytes.len() as u64 != range.end.saturating_sub(range.start) {
                return Err(failed(SealError::Damaged));
            }
            let payload = GetResultPayload::Stream(stream::once(async { Ok(bytes) }).boxed());
            return Ok(GetResult {
                payload,
                meta,
                range,
                attributes: found.attributes,
                extensions: found.extensions,
            });
        }
        let found = self.inner.get_opts(path, how).await?;
        let meta = plain(found.meta.clone());
        let (attributes, extensions) = (found.attributes.clone(), found.extensions.clone());
        let opening = Opening {
            sealed: found.into_stream(),
            keys: Arc::clone(&self.keys),
            path: path.clone(),
            key: None,
            pending: BytesMut::new(),
            index: 0,
            ended: false,
        };
        let opened = stream::try_unfold(opening, |mut opening| async move {
            Ok(opening.next().await?.map(|bytes| (bytes, opening)))
        });
        let payload = GetResultPayload::Stream(opened.boxed());
        Ok(GetResult { payload, range: 0..meta.size, meta, attributes, extensions })
    }

    async fn get_ranges(&self, path: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        let read = |range: Range<u64>| async move {
            let bytes = self.read(path, range.clone()).await?;
            // What is asked for behind the end is not there.
            match bytes.len() as u64 == range.end.saturating_sub(range.start) {
                true => Ok(bytes),
                false => Err(failed(SealError::Damaged)),
            }
        };
        coalesce_ranges(ranges, read, OBJECT_STORE_COALESCE_DEFAULT).await
    }

    fn delete_stream(
        &self,
        paths: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        self.inner.delete_stream(paths)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list(prefix).map_ok(plain).boxed()
    }

    fn list_with_offset(
        &self,
        prefix: Option<&Path>,
        offset: &Path,
    ) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list_with_offset(prefix, offset).map_ok(plain).boxed()
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        let mut found = self.inner.list_with_delimiter(prefix).await?;
        found.objects = found.objects.into_iter().map(plain).collect();
        Ok(found)
    }

    /// An object is sealed about its name: a copy of it would be one of another name. Nobody copies any.
    async fn copy_opts(&self, _: &Path, _: &Path, _: CopyOptions) -> Result<()> {
        Err(Error::NotSupported { source: "copies of sealed objects".into() })
    }
}

/// An upload in parts, which are sealed as they come.
struct SealedUpload {
    inner: Box<dyn MultipartUpload>,
    sealer: Sealer,
}

impl fmt::Debug for SealedUpload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SealedUpload").field("inner", &self.inner).finish_non_exhaustive()
    }
}

#[async_trait]
impl MultipartUpload for SealedUpload {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        if let Err(error) = data.iter().try_for_each(|block| self.sealer.push(block)) {
            return Box::pin(async move { Err(failed(error)) });
        }
        match self.sealer.ready() >= PART_BYTES {
            true => self.inner.put_part(self.sealer.take().into()),
            // Too little for a part of its own.
            false => Box::pin(async { Ok(()) }),
        }
    }

    async fn complete(&mut self) -> Result<PutResult> {
        self.sealer.finish().map_err(failed)?;
        self.inner.put_part(self.sealer.take().into()).await?;
        self.inner.complete().await
    }

    async fn abort(&mut self) -> Result<()> {
        self.inner.abort().await
    }
}

#[cfg(test)]
mod tests {
    use firn_types::ErrorCode;
    use object_store::memory::InMemory;

    use object_store::ObjectStoreExt;

    use super::*;
    use crate::ObjectAccess;

    const OLD: [u8; 32] = [1; 32];
    const NEW: [u8; 32] = [2; 32];

    fn sealed(stored: &ObjectAccess, key: [u8; 32]) -> firn_types::Result<ObjectAccess> {
        stored.sealed(&MasterKey::new(key), 7)
    }

    fn bytes(len: usize) -> Bytes {
        (0..len).map(|n| (n % 253) as u8).collect::<Vec<u8>>().into()
    }

    fn check(stored: &ObjectAccess) -> firn_types::Result<()> {
        let access = sealed(stored, OLD)?;
        for len in [0, 10, CHUNK_BYTES, 3 * CHUNK_BYTES + 5] {
            let (name, plain) = (format!("data/{len}"), bytes(len));
            assert!(access.put_if_absent(&name, plain.clone())?);
            assert!(!access.put_if_absent(&name, Bytes::new())?);
            // One has read the headers of others already, another one has not.
            for access in [access.clone(), sealed(stored, OLD)?] {
                assert_eq!(access.get(&name)?, plain);
                assert_eq!(access.head(&name)?.map(|info| info.size), Some(len as u64));
                for (start, end) in [(0, 3), (5, 9), (65_530, 65_545), (131_072, 196_613)] {
                    if end <= len as u64 {
                        let range = start..end;
                        let found = access.get_ranges(&name, &[range.clone(), 0..1])?;
                        assert_eq!(found[0], plain[start as usize..end as usize], "{range:?}");
                    }
                }
                if len > 0 {
                    assert_eq!(access.get_tail(&name, 4)?, plain[len - 4..]);
                }
                let behind = len as u64 + 10;
                assert!(access.get_ranges(&name, std::slice::from_ref(&(0..behind))).is_err());
            }
        }
        access.put("data/10", bytes(20))?;
        let range = 15..20;
        let read = sealed(stored, OLD)?.get_ranges("data/10", std::slice::from_ref(&range))?;
        assert_eq!(read[0], bytes(20)[15..]);
        let sizes: Vec<u64> = access.list("data")?.iter().map(|info| info.size).collect();
        assert_eq!(sizes, [0, 20, 3 * CHUNK_BYTES as u64 + 5, CHUNK_BYTES as u64]);
        Ok(())
    }

    #[test]
    fn a_sealed_folder_and_a_sealed_store_behave_as_others_do() -> firn_types::Result<()> {
        check(&ObjectAccess::memory())?;
        let folder = std::env::temp_dir().join(format!("firn-sealed-{}", uuid::Uuid::new_v4()));
        check(&ObjectAccess::folder(&folder)?)?;
        std::fs::remove_dir_all(folder).map_err(|e| firn_types::Error::internal(e.to_string()))
    }

    #[test]
    fn the_store_below_shows_nothing_and_no_change_goes_unnoticed() -> firn_types::Result<()> {
        let stored = ObjectAccess::memory();
        let access = sealed(&stored, OLD)?;
        access.put("log/1", Bytes::from_static(b"SECRET SECRET SECRET"))?;
        let raw = stored.store();
        let read =
            crate::object::run(async { raw.get(&Path::from("log/1")).await?.bytes().await })?;
        let read = read.expect("it is there");
        assert!(!read.windows(6).any(|part| part == b"SECRET"));
        for at in 0..read.len() {
            let mut flipped = read.to_vec();
            flipped[at] ^= 1;
            stored.put("log/1", flipped.into())?;
            let error = access.get("log/1").expect_err("a flipped bit");
            let code = error.code();
            assert!(matches!(code, ErrorCode::CorruptFile | ErrorCode::KeyMissing), "{error}");
            assert!(error.detail().contains("log/1"), "{error}");
        }
        stored.put("log/1", Bytes::from_static(b"plain"))?;
        assert_eq!(access.get("log/1").expect_err("plain").code(), ErrorCode::CorruptFile);
        Ok(())
    }

    #[test]
    fn an_object_that_is_cut_between_chunks_has_no_end() -> firn_types::Result<()> {
        let stored = ObjectAccess::memory();
        let access = sealed(&stored, OLD)?;
        access.put("log/1", bytes(3 * CHUNK_BYTES))?;
        let cut = stored.store();
        let whole =
            crate::object::run(async { cut.get(&Path::from("log/1")).await?.bytes().await })?;
        let whole = whole.expect("it is there");
        stored.put("log/1", whole.slice(..HEADER_BYTES + 2 * SEALED_BYTES))?;
        let chunk = CHUNK_BYTES as u64;
        assert_eq!(access.head("log/1")?.map(|info| info.size), Some(2 * chunk));
        let (first, last) = (0..chunk, 2 * chunk - 10..2 * chunk);
        assert_eq!(access.get_ranges("log/1", &[first])?[0], bytes(CHUNK_BYTES));
        let errors = [
            access.get("log/1").expect_err("a cut"),
            access.get_tail("log/1", 10).expect_err("a cut"),
            access.get_ranges("log/1", &[last]).expect_err("a cut"),
        ];
        assert!(errors.iter().all(|error| error.code() == ErrorCode::CorruptFile), "{errors:?}");
        Ok(())
    }

    #[test]
    fn another_key_takes_the_place_of_the_first() -> firn_types::Result<()> {
        let stored = ObjectAccess::memory();
        let access = sealed(&stored, OLD)?;
        access.put("log/1", bytes(100))?;
        let code =
            |opened: firn_types::Result<ObjectAccess>| opened.map(|_| ()).map_err(|e| e.code());
        assert_eq!(code(sealed(&stored, NEW)), Err(ErrorCode::KeyMissing));
        let error = stored.get("log/1").expect_err("no key");
        assert_eq!(error.code(), ErrorCode::KeyMissing);
        assert!(error.detail().contains("--key"), "{error}");
        let (old, new) = (MasterKey::new(OLD), MasterKey::new(NEW));
        assert!(rotate_key(&stored, &new, &old, 8).is_err());
        rotate_key(&stored, &old, &new, 8)?;
        assert_eq!(code(sealed(&stored, OLD)), Err(ErrorCode::KeyMissing));
        let next = sealed(&stored, NEW)?;
        assert_eq!(next.get("log/1")?, bytes(100));
        next.put("log/2", bytes(200))?;
        let key = |name: &str| {
            let raw = stored.store();
            let read =
                crate::object::run(async { raw.get(&Path::from(name)).await?.bytes().await });
            let read = read.expect("a runtime").expect("it is there");
            Header::parse(&read).expect("sealed").key
        };
        assert_ne!(key("log/1"), key("log/2"), "new objects have a new data key");
        Ok(())
    }

    /// An account that is open meets an object under a data key that is made later, and one under none.
    fn check_later_keys(stored: &ObjectAccess) -> firn_types::Result<()> {
        let (access, key) = (sealed(stored, OLD)?, MasterKey::new(OLD));
        rotate_key(stored, &key, &key, 8)?;
        sealed(stored, OLD)?.put("log/1", bytes(100))?;
        assert_eq!(access.get("log/1")?, bytes(100));
        let raw = stored.store();
        let read =
            crate::object::run(async { raw.get(&Path::from("log/1")).await?.bytes().await })?;
        let mut flipped = read.expect("it is there").to_vec();
        flipped[MAGIC.len()] ^= 1;
        stored.put("log/2", flipped.into())?;
        assert_eq!(access.get("log/2").expect_err("no key").code(), ErrorCode::KeyMissing);
        let range = 0..10;
        let ranges = access.get_ranges("log/2", std::slice::from_ref(&range));
        assert_eq!(ranges.expect_err("no key").code(), ErrorCode::KeyMissing);
        Ok(())
    }

    #[test]
    fn keys_that_others_make_later_are_found() -> firn_types::Result<()> {
        check_later_keys(&ObjectAccess::memory())?;
        let folder = std::env::temp_dir().join(format!("firn-keys-{}", uuid::Uuid::new_v4()));
        check_later_keys(&ObjectAccess::folder(&folder)?)?;
        std::fs::remove_dir_all(folder).map_err(|e| firn_types::Error::internal(e.to_string()))
    }

    #[test]
    fn an_account_is_sealed_from_its_beginning_or_not_at_all() -> firn_types::Result<()> {
        let stored = ObjectAccess::memory();
        stored.put("log/1", bytes(5))?;
        let error = sealed(&stored, OLD).map(|_| ()).expect_err("it has plain objects");
        assert!(error.detail().contains("is not encrypted"), "{error}");
        Ok(())
    }

    #[test]
    fn parts_of_an_upload_are_sealed_as_one_object() -> firn_types::Result<()> {
        let stored = ObjectAccess::over(Arc::new(InMemory::new()), ":memory:");
        let access = sealed(&stored, OLD)?;
        let plain = bytes(12 << 20);
        let store = access.store();
        crate::object::run(async {
            let mut upload = store.put_multipart(&Path::from("stages/1/x")).await?;
            for part in plain.chunks(3 << 20) {
                upload.put_part(Bytes::copy_from_slice(part).into()).await?;
            }
            upload.complete().await
        })?
        .expect("an upload");
        assert_eq!(access.get("stages/1/x")?, plain);
        Ok(())
    }
}
