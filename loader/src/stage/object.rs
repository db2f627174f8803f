//! Stages in an object store: internal stages (a folder of the account's store) and `s3://`.

use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use firn_types::{Error, ErrorCode, Result};
use futures::TryStreamExt;
use object_store::path::Path;
use object_store::{
    GetResultPayload, MultipartUpload, ObjectMeta, ObjectStore, ObjectStoreExt, PutPayload,
};

use super::runtime::{Pending, start, wait};
use super::{Stage, StageWriter, StagedFile, io_error, not_found};

/// Bytes of one request while a file is read from its beginning to its end.
const BLOCK_BYTES: u64 = 8 * 1024 * 1024;
/// Requests under way ahead of the reader.
const BLOCKS_AHEAD: usize = 4;
/// Bytes of one part of an upload; a smaller file is one request.
const PART_BYTES: usize = 8 * 1024 * 1024;

/// A folder of an object store.
pub struct ObjectStage {
    store: Arc<dyn ObjectStore>,
    base: String,
    shown_prefix: String,
}

impl ObjectStage {
    /// The folder `base` of the store (empty for its root); `shown_prefix` comes before each path where
    /// results name a file.
    pub fn new(
        store: Arc<dyn ObjectStore>,
        base: impl Into<String>,
        shown_prefix: impl Into<String>,
    ) -> ObjectStage {
        let mut base = base.into().trim_start_matches('/').to_owned();
        if !base.is_empty() && !base.ends_with('/') {
            base.push('/');
        }
        ObjectStage { store, base, shown_prefix: shown_prefix.into() }
    }

    fn location(&self, path: &str) -> Result<Path> {
        Path::parse(format!("{}{path}", self.base)).map_err(|error| {
            let detail = format!("invalid path '{}' in a stage: {error}", self.shown(path));
            Error::new(ErrorCode::StageFailure, detail)
        })
    }

    fn staged(&self, meta: &ObjectMeta) -> Option<StagedFile> {
        let path = meta.location.as_ref().strip_prefix(&self.base)?;
        let last_modified = meta.last_modified.timestamp_nanos_opt().unwrap_or(0);
        let etag = match &meta.e_tag {
            Some(etag) => etag.trim_matches('"').to_owned(),
            None => format!("{:x}-{last_modified:x}", meta.size),
        };
        let (path, size) = (path.to_owned(), meta.size);
        Some(StagedFile { path, size, etag, last_modified, arrived: last_modified })
    }

    fn error(&self, path: &str, error: object_store::Error) -> Error {
        match error {
            object_store::Error::NotFound { .. } => not_found(&self.shown(path)),
            error => {
                let detail = format!("Failure using stage area. Cause: [{error}]");
                Error::new(ErrorCode::StageFailure, detail)
            }
        }
    }
}

impl Stage for ObjectStage {
    fn list(&self, prefix: &str) -> Result<Vec<StagedFile>> {
        // Stores list by whole folders, so that the last part of the prefix is ours to compare.
        let folder = prefix.rfind('/').map_or("", |end| &prefix[..end]);
        let location = self.location(folder)?;
        let store = Arc::clone(&self.store);
        let found = wait(async move {
            let below = (!location.as_ref().is_empty()).then_some(&location);
            store.list(below).try_collect::<Vec<ObjectMeta>>().await
        })?;
        let found = match found {
            Ok(found) => found,
            Err(object_store::Error::NotFound { .. }) => Vec::new(),
            Err(error) => return Err(self.error(prefix, error)),
        };
        let files = found.iter().filter_map(|meta| self.staged(meta));
        let mut files: Vec<StagedFile> =
            files.filter(|file| file.path.starts_with(prefix)).collect();
        files.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(files)
    }

    fn find(&self, path: &str) -> Result<Option<StagedFile>> {
        let (store, location) = (Arc::clone(&self.store), self.location(path)?);
        match wait(async move { store.head(&location).await })? {
            Ok(meta) => Ok(self.staged(&meta)),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(self.error(path, error)),
        }
    }

    fn read(&self, path: &str) -> Result<Box<dyn Read + Send>> {
        let (store, location) = (Arc::clone(&self.store), self.location(path)?);
        let target = location.clone();
        let opened = wait(async move {
            // The first block comes with the file's size; a local store hands out the file itself.
            let range = object_store::GetRange::Bounded(0..BLOCK_BYTES);
            let options = object_store::GetOptions::new().with_range(Some(range));
            let got = store.get_opts(&target, options).await;
            let got = match got {
                Err(object_store::Error::NotFound { path, source }) => {
                    return Err(object_store::Error::NotFound { path, source });
                }
                // An empty file has no first byte to range over.
                Err(_) => store.get(&target).await?,
                Ok(got) => got,
            };
            let size = got.meta.size;
            match got.payload {
                GetResultPayload::File(file, _) => Ok(Opened::File(file)),
                payload => {
                    let end = got.range.end;
                    let got = object_store::GetResult { payload, ..got };
                    Ok(Opened::Block { bytes: got.bytes().await?, end, size })
                }
            }
        })?;
        match opened.map_err(|error| self.error(path, error))? {
            Opened::File(file) => Ok(Box::new(file)),
            Opened::Block { bytes, end, size } => {
                let (store, ahead) = (Arc::clone(&self.store), VecDeque::new());
                Ok(Box::new(BlockReader { store, location, block: bytes, next: end, size, ahead }))
            }
        }
    }

    fn read_range(&self, path: &str, range: Range<u64>) -> Result<Bytes> {
        let (store, location) = (Arc::clone(&self.store), self.location(path)?);
        let got = wait(async move { store.get_range(&location, range).await })?;
        got.map_err(|error| self.error(path, error))
    }

    fn write(&self, path: &str) -> Result<Box<dyn StageWriter>> {
        Ok(Box::new(ObjectWriter {
            store: Arc::clone(&self.store),
            location: self.location(path)?,
            shown: self.shown(path),
            buffer: Vec::new(),
            upload: None,
        }))
    }

    fn remove(&self, path: &str) -> Result<()> {
        let (store, location) = (Arc::clone(&self.store), self.location(path)?);
        let removed = wait(async move { store.delete(&location).await })?;
        removed.map_err(|error| self.error(path, error))
    }

    fn shown(&self, path: &str) -> String {
        format!("{}{path}", self.shown_prefix)
    }
}

/// What opening a file gives.
enum Opened {
    File(std::fs::File),
    Block { bytes: Bytes, end: u64, size: u64 },
}

/// Reads a remote file block by block, with several requests under way.
struct BlockReader {
    store: Arc<dyn ObjectStore>,
    location: Path,
    block: Bytes,
    next: u64,
    size: u64,
    ahead: VecDeque<Pending<object_store::Result<Bytes>>>,
}

impl BlockReader {
    fn request_ahead(&mut self) -> Result<()> {
        while self.ahead.len() < BLOCKS_AHEAD && self.next < self.size {
            let range = self.next..self.size.min(self.next + BLOCK_BYTES);
            self.next = range.end;
            let (store, location) = (Arc::clone(&self.store), self.location.clone());
            let request = async move { store.get_range(&location, range).await };
            self.ahead.push_back(start(request)?);
        }
        Ok(())
    }
}

impl Read for BlockReader {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        self.request_ahead().map_err(io::Error::other)?;
        while self.block.is_empty() {
            let Some(pending) = self.ahead.pop_front() else { return Ok(0) };
            self.block = pending.wait().map_err(io::Error::other)?.map_err(io::Error::other)?;
            self.request_ahead().map_err(io::Error::other)?;
        }
        let count = out.len().min(self.block.len());
        out[..count].copy_from_slice(&self.block.split_to(count));
        Ok(count)
    }
}

/// Writes a file: at once when it is small, in parts when it is not.
struct ObjectWriter {
    store: Arc<dyn ObjectStore>,
    location: Path,
    shown: String,
    buffer: Vec<u8>,
    upload: Option<Box<dyn MultipartUpload>>,
}

impl ObjectWriter {
    fn send_part(&mut self) -> Result<()> {
        let mut upload = match self.upload.take() {
            Some(upload) => upload,
            None => {
                let (store, location) = (Arc::clone(&self.store), self.location.clone());
                let begun = wait(async move { store.put_multipart(&location).await })?;
                begun.map_err(|error| io_error(&self.shown, &io::Error::other(error)))?
            }
        };
        let part = upload.put_part(PutPayload::from(std::mem::take(&mut self.buffer)));
        self.upload = Some(upload);
        wait(part)?.map_err(|error| io_error(&self.shown, &io::Error::other(error)))
    }
}

impl Write for ObjectWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.buffer.extend_from_slice(bytes);
        if self.buffer.len() >= PART_BYTES {
            self.send_part().map_err(io::Error::other)?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl StageWriter for ObjectWriter {
    fn finish(mut self: Box<Self>) -> Result<()> {
        if self.upload.is_some() && !self.buffer.is_empty() {
            self.send_part()?;
        }
        let (store, location) = (Arc::clone(&self.store), self.location.clone());
        let done = match self.upload.take() {
            Some(mut upload) => wait(async move { upload.complete().await })?,
            None => {
                let payload = PutPayload::from(std::mem::take(&mut self.buffer));
                wait(async move { store.put(&location, payload).await })?
            }
        };
        done.map(|_| ()).map_err(|error| io_error(&self.shown, &io::Error::other(error)))
    }
}

impl Drop for ObjectWriter {
    /// Parts of an upload that was given up are not left behind.
    fn drop(&mut self) {
        if let Some(mut upload) = self.upload.take() {
            let _ = wait(async move { upload.abort().await });
        }
    }
}

#[cfg(test)]
mod tests {
    use object_store::memory::InMemory;

    use super::*;
    use crate::stage::{put_bytes, read_bytes};

    #[test]
    fn a_path_is_a_prefix_and_large_files_come_back_whole() -> Result<()> {
        check(&ObjectStage::new(Arc::new(InMemory::new()), "stages/7", "st/"))?;
        let folder = tempfile::tempdir().unwrap();
        let local = object_store::local::LocalFileSystem::new_with_prefix(folder.path()).unwrap();
        check(&ObjectStage::new(Arc::new(local), "stages/7", "st/"))?;
        let folder = tempfile::tempdir().unwrap();
        check(&crate::stage::LocalStage::new(folder.path().join("new")))
    }

    fn check(stage: &dyn Stage) -> Result<()> {
        let large = (0..251).collect::<Vec<u8>>().repeat(80_000);
        for (path, bytes) in
            [("data/x.csv", &large[..]), ("dat1.csv", b"1"), ("other", b""), ("a b#1.csv", b"2")]
        {
            put_bytes(stage, path, bytes)?;
        }
        let paths = |prefix| -> Result<Vec<String>> {
            Ok(stage.list(prefix)?.into_iter().map(|file| file.path).collect())
        };
        assert_eq!(paths("dat")?, ["dat1.csv", "data/x.csv"]);
        assert_eq!(paths("data/")?, ["data/x.csv"]);
        assert_eq!(paths("none/")?, [] as [&str; 0]);
        assert_eq!(paths("")?.len(), 4);
        assert!(read_bytes(stage, "data/x.csv")? == large);
        assert!(read_bytes(stage, "other")?.is_empty());
        assert_eq!(&stage.read_range("data/x.csv", 250..252)?[..], [250, 0]);
        stage.remove("other")?;
        assert_eq!(stage.find("other")?, None);
        assert_eq!(stage.read("other").err().map(|e| e.code()), Some(ErrorCode::FileNotFound));
        Ok(())
    }
}
