//! PUT, GET, LIST and REMOVE: files between this machine and a stage.

use std::fs::File;
use std::io::{self, BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use chrono::DateTime;
use firn_types::{Error, ErrorCode, Monitor, Result};
use md5::{Digest as _, Md5};
use rayon::prelude::*;

use super::monitored::Monitored;
use super::{Pattern, Stage, StagedFile, io_error, read_bytes};
use crate::compression::Compression;

/// Bytes that one thread compresses at a time; each piece becomes a gzip member of its own.
const PIECE_BYTES: usize = 4 * 1024 * 1024;
/// Pieces compressed at the same time for one file.
const PIECES: usize = 16;
/// gzip's balance of speed against size.
const GZIP_LEVEL: u32 = 4;
/// Files up to this size are digested for LIST; larger ones get a digest of their ETag, in the form
/// that S3 gives to files uploaded in parts.
const DIGEST_BYTES: u64 = 16 * 1024 * 1024;

/// First bytes of files whose formats compress within, and the formats' names.
const FORMATS_THAT_COMPRESS: [(&[u8], &str); 2] = [(b"PAR1", "PARQUET"), (b"ORC", "ORC")];

/// What PUT is asked to do.
#[derive(Clone, Debug)]
pub struct PutRequest {
    /// A `file://` URI; `*` and `?` in its last part stand for many files.
    pub source: String,
    /// The folder in the stage.
    pub folder: String,
    /// Files moved at the same time.
    pub parallel: usize,
    /// Whether files that are not compressed are.
    pub auto_compress: bool,
    /// How the files are compressed.
    pub source_compression: Compression,
    /// Whether files in the way are replaced.
    pub overwrite: bool,
}

/// One row of PUT's result; its fields are the result's columns in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PutRow {
    /// The local file's name.
    pub source: String,
    /// Its name in the stage.
    pub target: String,
    /// Bytes of the local file.
    pub source_size: u64,
    /// Bytes in the stage.
    pub target_size: u64,
    /// How the local file is compressed.
    pub source_compression: &'static str,
    /// How it is compressed in the stage.
    pub target_compression: &'static str,
    /// `UPLOADED` or `SKIPPED`.
    pub status: &'static str,
    /// Empty.
    pub message: String,
}

/// What GET is asked to do.
#[derive(Clone, Debug)]
pub struct GetRequest {
    /// The prefix in the stage.
    pub prefix: String,
    /// A `file://` URI of a folder that exists.
    pub target: String,
    /// Files moved at the same time.
    pub parallel: usize,
    /// PATTERN.
    pub pattern: Option<Pattern>,
}

/// One row of GET's result; its fields are the result's columns in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GetRow {
    /// The file's path in the stage.
    pub file: String,
    /// Bytes.
    pub size: u64,
    /// `DOWNLOADED`.
    pub status: &'static str,
    /// Empty.
    pub message: String,
}

/// One row of LIST's result; its fields are the result's columns in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListRow {
    /// The file as [`Stage::shown`] names it.
    pub name: String,
    /// Bytes as stored.
    pub size: u64,
    /// A digest of the content.
    pub md5: String,
    /// As `Mon, 11 Sep 2019 16:57:43 GMT`.
    pub last_modified: String,
}

/// One row of REMOVE's result; its fields are the result's columns in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemoveRow {
    /// The file as [`Stage::shown`] names it.
    pub name: String,
    /// `removed`.
    pub result: &'static str,
}

/// Copies local files into a stage.
///
/// # Errors
/// No such local file, or a file that cannot be read or written; files before it stay uploaded.
pub fn put(stage: &dyn Stage, request: &PutRequest, monitor: &Monitor) -> Result<Vec<PutRow>> {
    let sources = local_files(&request.source)?;
    let sizes = sources.iter().filter_map(|path| Some(path.metadata().ok()?.len()));
    monitor.progress.add_total(sources.len(), sizes.sum());
    in_parallel(request.parallel, &sources, monitor, |source| {
        put_file(stage, request, source, monitor)
    })
}

/// Copies files of a stage into a local folder, whose structure does not follow the stage's.
///
/// # Errors
/// No such folder, or a file that cannot be read or written.
pub fn get(stage: &dyn Stage, request: &GetRequest, monitor: &Monitor) -> Result<Vec<GetRow>> {
    let folder = local_path(&request.target);
    if !folder.is_dir() {
        let detail = format!("Not a directory: ['{}']", folder.display());
        return Err(Error::new(ErrorCode::LocalFileNotFound, detail));
    }
    let files = matching(stage, &request.prefix, request.pattern.as_ref())?;
    monitor.progress.add_total(files.len(), files.iter().map(|file| file.size).sum());
    in_parallel(request.parallel, &files, monitor, |file| {
        let name = file.path.rsplit('/').next().unwrap_or(&file.path);
        let place = folder.join(name);
        let mut source = stage.read(&file.path)?;
        let mut copy = || -> io::Result<u64> {
            let mut sink = File::create(&place)?;
            io::copy(&mut source, &mut sink)
        };
        let size = copy().map_err(|error| io_error(&place.display().to_string(), &error))?;
        Ok(GetRow { file: file.path.clone(), size, status: "DOWNLOADED", message: String::new() })
    })
}

/// The files of a stage, sorted by name.
///
/// # Errors
/// A stage that cannot be listed.
pub fn list(stage: &dyn Stage, prefix: &str, pattern: Option<&Pattern>) -> Result<Vec<ListRow>> {
    let files = matching(stage, prefix, pattern)?;
    files
        .par_iter()
        .map(|file| {
            Ok(ListRow {
                name: stage.shown(&file.path),
                size: file.size,
                md5: digest(stage, file)?,
                last_modified: http_date(file.last_modified),
            })
        })
        .collect()
}

/// Removes files of a stage.
///
/// # Errors
/// A stage that cannot be listed, or a file that cannot be removed.
pub fn remove(
    stage: &dyn Stage,
    prefix: &str,
    pattern: Option<&Pattern>,
) -> Result<Vec<RemoveRow>> {
    let files = matching(stage, prefix, pattern)?;
    let removed = files.iter().map(|file| {
        stage.remove(&file.path)?;
        Ok(RemoveRow { name: stage.shown(&file.path), result: "removed" })
    });
    removed.collect()
}

/// Copies files from one stage to another, into `folder`, and gives their new paths.
///
/// # Errors
/// Stages that cannot be read or written.
pub fn copy_files(
    from: &dyn Stage,
    selection: &super::FileSelection,
    to: &dyn Stage,
    folder: &str,
    monitor: &Monitor,
) -> Result<Vec<String>> {
    let (files, missing) = super::select(from, selection)?;
    if let Some(path) = missing.first() {
        return Err(super::not_found(&from.shown(path)));
    }
    // What the prefix names beyond its last folder belongs to the names of the files.
    let folders = selection.prefix.rfind('/').map_or(0, |end| end + 1);
    monitor.progress.add_total(files.len(), files.iter().map(|file| file.size).sum());
    in_parallel(rayon::current_num_threads(), &files, monitor, |file| {
        let below = file.path.get(folders..).unwrap_or(&file.path);
        let path = match folder.trim_matches('/') {
            "" => below.to_owned(),
            folder => format!("{folder}/{below}"),
        };
        let mut source = from.read(&file.path)?;
        let mut sink = to.write(&path)?;
        io::copy(&mut source, &mut sink).map_err(|error| io_error(&to.shown(&path), &error))?;
        sink.finish()?;
        Ok(path)
    })
}

/// The files of a stage that a prefix and a pattern mean, by path.
///
/// # Errors
/// A store that cannot be reached.
pub fn matching(
    stage: &dyn Stage,
    prefix: &str,
    pattern: Option<&Pattern>,
) -> Result<Vec<StagedFile>> {
    let selection =
        super::FileSelection { prefix: prefix.to_owned(), files: None, pattern: pattern.cloned() };
    Ok(super::select(stage, &selection)?.0)
}

/// The path of a `file://` URI.
fn local_path(uri: &str) -> PathBuf {
    PathBuf::from(uri.strip_prefix("file://").unwrap_or(uri))
}

fn local_files(uri: &str) -> Result<Vec<PathBuf>> {
    let path = local_path(uri);
    let missing = || {
        let detail = format!("File doesn't exist: ['{}']", path.display());
        Error::new(ErrorCode::LocalFileNotFound, detail)
    };
    if path.is_file() {
        return Ok(vec![path]);
    }
    let name = path.file_name().and_then(|name| name.to_str()).ok_or_else(missing)?;
    if !name.contains(['*', '?']) {
        return Err(missing());
    }
    let pattern = Pattern::glob(name)?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let entries = std::fs::read_dir(folder.unwrap_or(Path::new("."))).map_err(|_| missing())?;
    let places = entries.filter_map(|entry| Some(entry.ok()?.path()));
    let mut files: Vec<PathBuf> = places
        .filter(|place| place.is_file())
        .filter(|place| {
            place.file_name().and_then(|name| name.to_str()).is_some_and(|n| pattern.matches(n))
        })
        .collect();
    files.sort();
    if files.is_empty() { Err(missing()) } else { Ok(files) }
}

fn put_file(
    stage: &dyn Stage,
    request: &PutRequest,
    source: &Path,
    monitor: &Monitor,
) -> Result<PutRow> {
    let shown = source.display().to_string();
    let failed = |error: io::Error| io_error(&shown, &error);
    let name = source.file_name().map(|name| name.to_string_lossy().into_owned());
    let name = name.ok_or_else(|| failed(io::Error::other("not a file")))?;
    let file = File::open(source).map_err(failed)?;
    let source_size = file.metadata().map_err(failed)?.len();
    let mut file = Monitored { source: file, monitor: monitor.clone() };
    let compression = match request.source_compression {
        Compression::Auto => sniff(source).map_err(failed)?,
        known => known.name(),
    };
    let compresses = request.auto_compress && compression == Compression::None.name();
    let target_compression = if compresses { Compression::Gzip.name() } else { compression };
    let target = if compresses { format!("{name}.gz") } else { name.clone() };
    let folder = request.folder.trim_matches('/');
    let path = if folder.is_empty() { target.clone() } else { format!("{folder}/{target}") };
    let mut row = PutRow {
        source: name,
        target,
        source_size,
        target_size: 0,
        source_compression: compression,
        target_compression,
        status: "SKIPPED",
        message: String::new(),
    };
    if !request.overwrite && stage.find(&path)?.is_some() {
        return Ok(row);
    }
    let mut writer = BufWriter::with_capacity(PIECE_BYTES, stage.write(&path)?);
    row.target_size = if compresses {
        compress(&mut file, &mut writer).map_err(failed)?
    } else {
        io::copy(&mut file, &mut writer).map_err(failed)?
    };
    let writer = writer.into_inner().map_err(|error| failed(error.into_error()))?;
    writer.finish()?;
    row.status = "UPLOADED";
    Ok(row)
}

/// How a local file is compressed: by its first bytes, or by an extension that says so. Formats that
/// compress within are named like compressions.
fn sniff(path: &Path) -> io::Result<&'static str> {
    let mut head = Vec::with_capacity(16);
    File::open(path)?.take(16).read_to_end(&mut head)?;
    let within = FORMATS_THAT_COMPRESS.iter().find(|(signature, _)| head.starts_with(signature));
    if let Some((_, name)) = within {
        return Ok(name);
    }
    let name = path.to_string_lossy();
    if name.to_ascii_lowercase().ends_with(".br") {
        return Ok(Compression::Brotli.name());
    }
    Ok(Compression::detect(&name, &head).name())
}

/// Compresses a file with all threads: pieces become members of one gzip file, in order.
fn compress(source: &mut impl Read, sink: &mut impl Write) -> io::Result<u64> {
    let mut written = 0;
    loop {
        let mut pieces = Vec::with_capacity(PIECES);
        for _ in 0..PIECES {
            let mut piece = Vec::new();
            source.take(PIECE_BYTES as u64).read_to_end(&mut piece)?;
            if piece.is_empty() {
                break;
            }
            pieces.push(piece);
        }
        if pieces.is_empty() && written > 0 {
            return Ok(written);
        }
        if pieces.is_empty() {
            // An empty file is one empty member.
            pieces.push(Vec::new());
        }
        let members: io::Result<Vec<Vec<u8>>> = pieces.par_iter().map(|p| member(p)).collect();
        for member in members? {
            written += member.len() as u64;
            sink.write_all(&member)?;
        }
    }
}

fn member(piece: &[u8]) -> io::Result<Vec<u8>> {
    let out = Vec::with_capacity(piece.len() / 3);
    let mut encoder = flate2::write::GzEncoder::new(out, flate2::Compression::new(GZIP_LEVEL));
    encoder.write_all(piece)?;
    encoder.finish()
}

/// Does the same for many files, at most `parallel` at a time, and keeps their order.
fn in_parallel<T: Sync, R: Send>(
    parallel: usize,
    items: &[T],
    monitor: &Monitor,
    work: impl Fn(&T) -> Result<R> + Sync,
) -> Result<Vec<R>> {
    let next = AtomicUsize::new(0);
    let done: Mutex<Vec<(usize, Result<R>)>> = Mutex::new(Vec::with_capacity(items.len()));
    let workers = parallel.clamp(1, items.len().max(1));
    rayon::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|_| {
                while let Some((position, item)) = {
                    let position = next.fetch_add(1, Ordering::Relaxed);
                    items.get(position).map(|item| (position, item))
                } {
                    monitor.progress.begin_file();
                    let result = monitor.cancel.check().and_then(|()| work(item));
                    done.lock().unwrap_or_else(PoisonError::into_inner).push((position, result));
                }
            });
        }
    });
    let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    done.sort_by_key(|(position, _)| *position);
    done.into_iter().map(|(_, result)| result).collect()
}

/// The digest that LIST prints.
fn digest(stage: &dyn Stage, file: &StagedFile) -> Result<String> {
    let is_digest = |text: &str| {
        let head = text.split('-').next().unwrap_or_default();
        head.len() == 32 && head.bytes().all(|byte| byte.is_ascii_hexdigit())
    };
    if is_digest(&file.etag) {
        return Ok(file.etag.clone());
    }
    if file.size <= DIGEST_BYTES {
        return Ok(hex(&Md5::digest(read_bytes(stage, &file.path)?)));
    }
    let parts = file.size.div_ceil(DIGEST_BYTES);
    Ok(format!("{}-{parts}", hex(&Md5::digest(file.etag.as_bytes()))))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A time as HTTP writes it.
fn http_date(nanos: i64) -> String {
    DateTime::from_timestamp_nanos(nanos).format("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use object_store::memory::InMemory;

    use super::*;
    use crate::stage::ObjectStage;

    #[test]
    fn put_compresses_skips_and_get_brings_back() -> Result<()> {
        let folder = tempfile::tempdir().unwrap();
        let text = b"1,2\n".repeat(3_000_000);
        std::fs::write(folder.path().join("data1.csv"), &text).unwrap();
        std::fs::write(folder.path().join("data2.csv"), b"").unwrap();
        let stage = ObjectStage::new(Arc::new(InMemory::new()), "", "st/");
        let mut request = PutRequest {
            source: format!("file://{}/data*.csv", folder.path().display()),
            folder: "in/".to_owned(),
            parallel: 4,
            auto_compress: true,
            source_compression: Compression::Auto,
            overwrite: false,
        };
        let rows = put(&stage, &request, &Monitor::default())?;
        assert_eq!(rows[0].target, "data1.csv.gz");
        assert_eq!((rows[0].source_compression, rows[0].target_compression), ("NONE", "GZIP"));
        assert_eq!((rows[0].status, rows[1].status), ("UPLOADED", "UPLOADED"));
        assert!(
            put(&stage, &request, &Monitor::default())?.iter().all(|row| row.status == "SKIPPED")
        );
        let listed = list(&stage, "in/", None)?;
        assert_eq!(listed[1].name, "st/in/data2.csv.gz");
        let mut back = Vec::new();
        let reader = Compression::Auto.reader("f.gz", stage.read("in/data1.csv.gz")?);
        reader.unwrap().read_to_end(&mut back).unwrap();
        assert!(back == text);
        for (name, compression, head) in [
            ("a.parquet", "PARQUET", &b"PAR1"[..]),
            ("b.orc", "ORC", b"ORC"),
            ("c", "ZSTD", b"\x28\xb5\x2f\xfd"),
            ("d.br", "BROTLI", b"x"),
        ] {
            let place = folder.path().join(name);
            std::fs::write(&place, head).unwrap();
            request.source = format!("file://{}", place.display());
            let rows = put(&stage, &request, &Monitor::default())?;
            assert_eq!((rows[0].target.as_str(), rows[0].target_compression), (name, compression));
            assert_eq!(remove(&stage, &format!("in/{name}"), None)?.len(), 1);
        }
        let target = tempfile::tempdir().unwrap();
        let get_request = GetRequest {
            prefix: "in/".to_owned(),
            target: format!("file://{}/", target.path().display()),
            parallel: 2,
            pattern: Some(Pattern::new(".*data1.*")?),
        };
        let got = get(&stage, &get_request, &Monitor::default())?;
        assert_eq!((got.len(), got[0].size), (1, rows[0].target_size));
        request.source = "file:///nowhere/x.csv".to_owned();
        let error =
            put(&stage, &request, &Monitor::default()).err().map(|error| error.detail().to_owned());
        assert_eq!(error.as_deref(), Some("File doesn't exist: ['/nowhere/x.csv']"));
        assert_eq!(remove(&stage, "in/", None)?.len(), 2);
        assert_eq!(http_date(1_568_220_000_000_000_000), "Wed, 11 Sep 2019 16:40:00 GMT");
        Ok(())
    }
}
