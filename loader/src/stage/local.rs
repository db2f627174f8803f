//! External stages on `file:///folder`: a folder of this machine.

use std::fs::{self, File};
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use bytes::Bytes;
use firn_types::Result;

use super::{Stage, StageWriter, StagedFile, io_error, not_found};

/// A folder of this machine. Files below it in further folders belong to it.
pub struct LocalStage {
    root: PathBuf,
    url: String,
}

impl LocalStage {
    /// The folder `root`, which need not exist yet.
    pub fn new(root: impl Into<PathBuf>) -> LocalStage {
        let root = root.into();
        let mut url = format!("file://{}", root.display());
        if !url.ends_with('/') {
            url.push('/');
        }
        LocalStage { root, url }
    }

    /// The place of a path; one that would leave the folder is not found, whether by its name or by a symbolic link.
    fn place(&self, path: &str) -> Result<PathBuf> {
        if path.split('/').any(|part| part == "..") {
            return Err(not_found(&self.shown(path)));
        }
        let place = self.root.join(path.trim_start_matches('/'));
        match self.holds(&place) {
            true => Ok(place),
            false => Err(not_found(&self.shown(path))),
        }
    }

    /// Whether a place is in the folder once all symbolic links are followed. Of one that does not exist yet the
    /// nearest folder counts that does.
    fn holds(&self, place: &Path) -> bool {
        let Ok(root) = self.root.canonicalize() else {
            // Without the folder there is no link in it.
            return true;
        };
        let is_there = |place: &&Path| place.symlink_metadata().is_ok();
        let nearest = place.ancestors().take_while(|place| place.starts_with(&self.root));
        match nearest.into_iter().find(is_there).map(Path::canonicalize) {
            Some(Ok(found)) => found.starts_with(root),
            // A link that leads nowhere would be made where it leads.
            Some(Err(_)) => false,
            None => true,
        }
    }

    fn error(&self, path: &str, error: &io::Error) -> firn_types::Error {
        match error.kind() {
            io::ErrorKind::NotFound => not_found(&self.shown(path)),
            _ => io_error(&self.shown(path), error),
        }
    }

    /// Adds the files of `folder`, and gives back the folders in it.
    fn list_folder(&self, folder: &Path, files: &mut Vec<StagedFile>) -> io::Result<Vec<PathBuf>> {
        let mut folders = Vec::new();
        for entry in fs::read_dir(folder)? {
            let place = entry?.path();
            // A link that leads nowhere is no file, and one that leads out of the stage is none of its.
            let is_link = place.symlink_metadata()?.is_symlink();
            let Ok(metadata) = fs::metadata(&place) else { continue };
            if is_link && !self.holds(&place) {
                continue;
            }
            if metadata.is_dir() {
                folders.push(place);
            } else if let Some(path) = place.strip_prefix(&self.root).ok().and_then(Path::to_str) {
                files.push(staged(path, &metadata));
            }
        }
        Ok(folders)
    }
}

fn staged(path: &str, metadata: &fs::Metadata) -> StagedFile {
    let modified = metadata.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    let nanos = modified.and_then(|since| i64::try_from(since.as_nanos()).ok()).unwrap_or(0);
    StagedFile {
        path: path.replace(std::path::MAIN_SEPARATOR, "/"),
        size: metadata.len(),
        etag: format!("{:x}-{nanos:x}", metadata.len()),
        last_modified: nanos,
        arrived: arrived(metadata).max(nanos),
    }
}

/// When the name of a file, or what else is known of it, last changed: nanoseconds since 1970 UTC.
#[cfg(unix)]
fn arrived(metadata: &fs::Metadata) -> i64 {
    use std::os::unix::fs::MetadataExt;
    metadata.ctime().saturating_mul(1_000_000_000).saturating_add(metadata.ctime_nsec())
}

#[cfg(not(unix))]
fn arrived(_: &fs::Metadata) -> i64 {
    0
}

impl Stage for LocalStage {
    fn list(&self, prefix: &str) -> Result<Vec<StagedFile>> {
        let folder = prefix.rfind('/').map_or("", |end| &prefix[..end]);
        let mut open = vec![self.place(folder)?];
        let mut files = Vec::new();
        while let Some(folder) = open.pop() {
            match self.list_folder(&folder, &mut files) {
                Ok(folders) => open.extend(folders),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) if error.kind() == io::ErrorKind::NotADirectory => {}
                Err(error) => return Err(self.error(prefix, &error)),
            }
        }
        files.retain(|file| file.path.starts_with(prefix));
        files.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(files)
    }

    fn find(&self, path: &str) -> Result<Option<StagedFile>> {
        match fs::metadata(self.place(path)?) {
            Ok(metadata) if metadata.is_file() => Ok(Some(staged(path, &metadata))),
            Ok(_) => Ok(None),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(self.error(path, &error)),
        }
    }

    fn read(&self, path: &str) -> Result<Box<dyn Read + Send>> {
        let file = File::open(self.place(path)?).map_err(|error| self.error(path, &error))?;
        Ok(Box::new(file))
    }

    fn read_range(&self, path: &str, range: Range<u64>) -> Result<Bytes> {
        let read = || -> io::Result<Vec<u8>> {
            let place = self.place(path).map_err(io::Error::other)?;
            let mut file = File::open(place)?;
            file.seek(SeekFrom::Start(range.start))?;
            let length = range.end.saturating_sub(range.start);
            let mut bytes = vec![0; usize::try_from(length).map_err(io::Error::other)?];
            file.read_exact(&mut bytes)?;
            Ok(bytes)
        };
        read().map(Bytes::from).map_err(|error| self.error(path, &error))
    }

    fn write(&self, path: &str) -> Result<Box<dyn StageWriter>> {
        let place = self.place(path)?;
        let mut partial = place.clone().into_os_string();
        partial.push(".partial");
        let partial = PathBuf::from(partial);
        let create = || -> io::Result<File> {
            if let Some(folder) = place.parent() {
                fs::create_dir_all(folder)?;
            }
            File::create(&partial)
        };
        let file = create().map_err(|error| self.error(path, &error))?;
        let file = Some(BufWriter::with_capacity(1 << 20, file));
        Ok(Box::new(LocalWriter { file, partial, place, shown: self.shown(path) }))
    }

    fn remove(&self, path: &str) -> Result<()> {
        fs::remove_file(self.place(path)?).map_err(|error| self.error(path, &error))
    }

    fn shown(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }
}

/// Writes beside the place and moves there at the end, so that no half file is ever seen.
struct LocalWriter {
    file: Option<BufWriter<File>>,
    partial: PathBuf,
    place: PathBuf,
    shown: String,
}

impl Write for LocalWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.file {
            Some(file) => file.write(bytes),
            None => Err(io::Error::other("the file is finished")),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.as_mut().map_or(Ok(()), Write::flush)
    }
}

impl StageWriter for LocalWriter {
    fn finish(mut self: Box<Self>) -> Result<()> {
        let mut close = || -> io::Result<()> {
            if let Some(mut file) = self.file.take() {
                file.flush()?;
            }
            fs::rename(&self.partial, &self.place)
        };
        let closed = close();
        closed.map_err(|error| io_error(&self.shown, &error))
    }
}

impl Drop for LocalWriter {
    /// A file that was given up is not left behind.
    fn drop(&mut self) {
        if self.file.take().is_some() {
            let _ = fs::remove_file(&self.partial);
        }
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn no_link_leads_out_of_the_stage() -> Result<(), Box<dyn std::error::Error>> {
        let (inside, outside) = (tempfile::tempdir()?, tempfile::tempdir()?);
        fs::write(outside.path().join("secret"), "s")?;
        fs::write(inside.path().join("own"), "o")?;
        symlink(outside.path(), inside.path().join("folder"))?;
        symlink(outside.path().join("secret"), inside.path().join("file"))?;
        symlink(outside.path().join("new"), inside.path().join("nowhere"))?;
        symlink("own", inside.path().join("other"))?;
        let stage = LocalStage::new(inside.path());
        let paths: Vec<String> = stage.list("")?.into_iter().map(|file| file.path).collect();
        assert_eq!(paths, ["other", "own"]);
        for path in ["folder/secret", "file", "nowhere", "folder/new"] {
            assert!(stage.read(path).is_err(), "{path}");
            assert!(!matches!(stage.find(path), Ok(Some(_))), "{path}");
            assert!(stage.write(path).is_err(), "{path}");
            assert!(stage.remove(path).is_err(), "{path}");
        }
        assert_eq!(fs::read_dir(outside.path())?.count(), 1);
        assert!(stage.read("other").is_ok() && stage.write("new/file").is_ok());
        Ok(())
    }
}
