//! A folder as an object store whose files and folders only their owner can read.
//!
//! Reading, listing and deleting are the library's. A file is written beside its place, synced and then put
//! there with its folder synced, so that it is there wholly or not at all, and durable when a put returns.

use std::fmt;
use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::ops::Range;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path as FilePath, PathBuf};

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta,
    ObjectStore, PutMode, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
    UploadPart,
};

/// Who may do what with a file, and with a folder: its owner alone.
const FILE_MODE: u32 = 0o600;
const FOLDER_MODE: u32 = 0o700;
/// The store's name in errors.
const STORE: &str = "folder";

/// The store of one folder.
#[derive(Debug)]
pub(crate) struct Folder {
    inner: LocalFileSystem,
}

impl Folder {
    /// Opens a folder, which is made if need be.
    pub(crate) fn open(root: &FilePath) -> Result<Folder> {
        let failed = |source: io::Error| Error::Generic { store: STORE, source: source.into() };
        if !root.exists() {
            let parent = root.parent().filter(|parent| !parent.as_os_str().is_empty());
            let parent = parent.unwrap_or(FilePath::new("."));
            fs::create_dir_all(parent).map_err(failed)?;
            match DirBuilder::new().mode(FOLDER_MODE).create(root) {
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                    return Err(failed(error));
                }
                _ => {}
            }
            sync(parent).map_err(failed)?;
        }
        Ok(Folder { inner: LocalFileSystem::new_with_prefix(root)?.with_fsync(true) })
    }

    /// The file of an object.
    pub(crate) fn file(&self, path: &Path) -> Result<PathBuf> {
        self.inner.path_to_filesystem(path)
    }
}

impl fmt::Display for Folder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

#[async_trait]
impl ObjectStore for Folder {
    async fn put_opts(&self, path: &Path, bytes: PutPayload, how: PutOptions) -> Result<PutResult> {
        let file = self.file(path)?;
        let failed = |source: io::Error| Error::Generic { store: STORE, source: source.into() };
        let written = match how.mode {
            PutMode::Create => put(&file, &bytes, true),
            PutMode::Overwrite => put(&file, &bytes, false),
            PutMode::Update(_) => return self.inner.put_opts(path, bytes, how).await,
        };
        match written {
            Ok(()) => Ok(PutResult { e_tag: None, version: None, extensions: Default::default() }),
            Err(source) if source.kind() == io::ErrorKind::AlreadyExists => {
                Err(Error::AlreadyExists { path: path.to_string(), source: source.into() })
            }
            Err(source) => Err(failed(source)),
        }
    }

    async fn put_multipart_opts(
        &self,
        path: &Path,
        how: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        let file = self.file(path)?;
        let failed = |source: io::Error| Error::Generic { store: STORE, source: source.into() };
        make_folders(file.parent().unwrap_or(&file)).map_err(failed)?;
        let inner = self.inner.put_multipart_opts(path, how).await?;
        Ok(Box::new(Upload { inner, file }))
    }

    async fn get_opts(&self, path: &Path, how: GetOptions) -> Result<GetResult> {
        self.inner.get_opts(path, how).await
    }

    async fn get_ranges(&self, path: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        self.inner.get_ranges(path, ranges).await
    }

    fn delete_stream(
        &self,
        paths: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        self.inner.delete_stream(paths)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, how: CopyOptions) -> Result<()> {
        self.inner.copy_opts(from, to, how).await
    }
}

/// A file that comes in parts.
#[derive(Debug)]
struct Upload {
    inner: Box<dyn MultipartUpload>,
    file: PathBuf,
}

#[async_trait]
impl MultipartUpload for Upload {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        self.inner.put_part(data)
    }

    async fn complete(&mut self) -> Result<PutResult> {
        let result = self.inner.complete().await?;
        let failed = |source: io::Error| Error::Generic { store: STORE, source: source.into() };
        fs::set_permissions(&self.file, Permissions::from_mode(FILE_MODE)).map_err(failed)?;
        Ok(result)
    }

    async fn abort(&mut self) -> Result<()> {
        self.inner.abort().await
    }
}

/// Writes a file; with `create` only if there is none yet.
fn put(path: &FilePath, bytes: &PutPayload, create: bool) -> io::Result<()> {
    let folder = path.parent().unwrap_or(path);
    // The library's listings leave out names that end so.
    let number = uuid::Uuid::new_v4().as_u64_pair().0;
    let mut staged = path.as_os_str().to_owned();
    staged.push(format!("#{number}"));
    let staged = PathBuf::from(staged);
    let mut file = match new_file(&staged) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            make_folders(folder)?;
            new_file(&staged)?
        }
        file => file?,
    };
    let written = bytes.iter().try_for_each(|block| file.write_all(block));
    let placed = written.and_then(|()| file.sync_all()).and_then(|()| match create {
        true => fs::hard_link(&staged, path),
        false => fs::rename(&staged, path),
    });
    if create || placed.is_err() {
        // What cannot be removed now is no object, and so no harm.
        let _ = fs::remove_file(&staged);
    }
    placed?;
    sync(folder)
}

fn new_file(path: &FilePath) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).mode(FILE_MODE).open(path)
}

/// Makes a folder and those above it, as far as they are missing, durably.
fn make_folders(folder: &FilePath) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    let Some(parent) = folder.parent() else { return Ok(()) };
    make_folders(parent)?;
    match DirBuilder::new().mode(FOLDER_MODE).create(folder) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => sync(parent),
    }
}

fn sync(folder: &FilePath) -> io::Result<()> {
    File::open(folder)?.sync_all()
}
