//! PUT and GET on a server: this machine's files go to the addresses that it names, and come from them.

use std::collections::HashMap;
use std::io::{self, Read, Write};
use std::ops::Range;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

use bytes::Bytes;
use firn_engine::Monitor;
use firn_loader::compression::Compression;
use firn_loader::stage::{self, GetRequest, PutRequest, Stage, StageWriter, StagedFile};
use firn_types::{Error, ErrorCode, Result};
use serde_json::Value;

use super::http::Http;
use crate::render::TextRows;

/// Pieces of a file that wait for the network.
const PIECES: usize = 4;

/// A text as a part of an address.
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                out.push(char::from(byte));
            }
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

fn failed(text: impl Into<String>) -> Error {
    Error::new(ErrorCode::StageFailure, text)
}

/// Moves the files that an answer asks for, and tells of each.
///
/// # Errors
/// Files that are not there, and those that cannot be read, written or sent.
pub(super) fn moved(http: &Arc<Http>, data: &Value) -> Result<TextRows> {
    let upload = data["command"] == "UPLOAD";
    let listed = data["src_locations"].as_array().into_iter().flatten();
    let files: Vec<String> = listed.filter_map(Value::as_str).map(str::to_string).collect();
    let parallel = data["parallel"].as_u64().and_then(|n| usize::try_from(n).ok()).unwrap_or(4);
    let monitor = Monitor::default();
    if upload {
        let address = data["stageInfo"]["presignedUrl"].as_str().unwrap_or_default();
        let folder = address.rsplit_once('/').map_or("", |(folder, _)| folder).to_string();
        let place = RemotePlace { http: Arc::clone(http), folder, files: HashMap::new() };
        let packed = data["sourceCompression"].as_str().unwrap_or_default();
        let request = PutRequest {
            source: files.into_iter().next().unwrap_or_default(),
            folder: String::new(),
            parallel,
            auto_compress: data["autoCompress"] == true,
            source_compression: Compression::from_name(packed).unwrap_or(Compression::Auto),
            overwrite: data["overwrite"] == true,
        };
        let mut rows = TextRows::new(&[
            "source",
            "target",
            "source_size",
            "target_size",
            "source_compression",
            "target_compression",
            "status",
            "message",
        ]);
        for row in stage::put(&place, &request, &monitor)? {
            let (source_size, target_size) =
                (row.source_size.to_string(), row.target_size.to_string());
            let packed = (row.source_compression, row.target_compression);
            rows.push([
                &row.source,
                &row.target,
                &source_size,
                &target_size,
                packed.0,
                packed.1,
                row.status,
                &row.message,
            ]);
        }
        return Ok(rows);
    }
    let addresses = data["presignedUrls"].as_array().into_iter().flatten();
    let addresses = addresses.filter_map(Value::as_str).map(str::to_string);
    let files = files.into_iter().zip(addresses).collect();
    let place = RemotePlace { http: Arc::clone(http), folder: String::new(), files };
    let request = GetRequest {
        prefix: String::new(),
        target: data["localLocation"].as_str().unwrap_or_default().to_string(),
        parallel,
        pattern: None,
    };
    let mut rows = TextRows::new(&["file", "size", "status", "message"]);
    for row in stage::get(&place, &request, &monitor)? {
        rows.push([&row.file, &row.size.to_string(), row.status, &row.message]);
    }
    Ok(rows)
}

/// A place of a stage on a server: a folder that files go to, or files that come from it.
struct RemotePlace {
    http: Arc<Http>,
    /// The address of the folder.
    folder: String,
    /// The addresses of the files, by their paths.
    files: HashMap<String, String>,
}

impl Stage for RemotePlace {
    fn list(&self, _: &str) -> Result<Vec<StagedFile>> {
        let staged = |path: &String| StagedFile {
            path: path.clone(),
            size: 0,
            etag: String::new(),
            last_modified: 0,
            arrived: 0,
        };
        let mut files: Vec<StagedFile> = self.files.keys().map(staged).collect();
        files.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(files)
    }

    fn find(&self, _: &str) -> Result<Option<StagedFile>> {
        Ok(None)
    }

    fn read(&self, path: &str) -> Result<Box<dyn Read + Send>> {
        let address = self.files.get(path).ok_or_else(|| stage::not_found(path))?;
        Ok(Box::new(self.http.reader(address).map_err(failed)?))
    }

    fn read_range(&self, path: &str, _: Range<u64>) -> Result<Bytes> {
        Err(failed(format!("'{path}' is not read in parts")))
    }

    fn write(&self, path: &str) -> Result<Box<dyn StageWriter>> {
        let address = format!("{}/{}", self.folder, escaped(path));
        let (pieces, waiting) = sync_channel(PIECES);
        let http = Arc::clone(&self.http);
        let sent = std::thread::spawn(move || {
            http.put(&address, Pieces { waiting, piece: Bytes::new(), whole: false })
        });
        Ok(Box::new(Upload { pieces: Some(pieces), sent: Some(sent) }))
    }

    fn remove(&self, path: &str) -> Result<()> {
        Err(failed(format!("'{path}' is not removed here")))
    }

    fn shown(&self, path: &str) -> String {
        path.to_string()
    }
}

/// A file on its way. Its last piece is an empty one: a file that ends without is not whole.
struct Upload {
    pieces: Option<SyncSender<Bytes>>,
    sent: Option<JoinHandle<std::result::Result<(), String>>>,
}

impl Upload {
    /// How sending has ended.
    fn outcome(&mut self) -> std::result::Result<(), String> {
        self.pieces = None;
        match self.sent.take().map(JoinHandle::join) {
            Some(Ok(outcome)) => outcome,
            _ => Err("the file was not sent".to_string()),
        }
    }
}

impl Write for Upload {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if bytes.is_empty() {
            return Ok(0);
        }
        let piece = Bytes::copy_from_slice(bytes);
        let taken = self.pieces.as_ref().is_some_and(|pieces| pieces.send(piece).is_ok());
        match taken {
            true => Ok(bytes.len()),
            false => {
                let outcome = self.outcome();
                Err(io::Error::other(outcome.err().unwrap_or_default()))
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl StageWriter for Upload {
    fn finish(mut self: Box<Self>) -> Result<()> {
        if let Some(pieces) = &self.pieces {
            let _ = pieces.send(Bytes::new());
        }
        self.outcome().map_err(failed)
    }
}

/// The pieces of a file, as the network reads them.
struct Pieces {
    waiting: Receiver<Bytes>,
    piece: Bytes,
    /// Whether the last piece has come.
    whole: bool,
}

impl Read for Pieces {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.piece.is_empty() && !self.whole {
            self.piece = self.waiting.recv().map_err(|_| io::ErrorKind::UnexpectedEof)?;
            self.whole = self.piece.is_empty();
        }
        let count = buffer.len().min(self.piece.len());
        buffer[..count].copy_from_slice(&self.piece.split_to(count));
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_parts_of_addresses() {
        assert_eq!(escaped("in/a b+ü.csv"), "in/a%20b%2B%C3%BC.csv");
    }
}
