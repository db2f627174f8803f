//! PUT and GET: the client moves the files, and the server tells it where.
//!
//! Clients know the stores of clouds. They are told of one that takes plain HTTP: Google's, by an address for each
//! file (`presignedUrl`), or, for the Python connector from version 5 on, by the address of the store (`endPoint`). Both
//! lead to a door of this server: a path that nobody can guess and that leads into one folder of one stage, for one
//! direction.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::response::Response;
use firn_engine::{Direction, SharedStage, Transfer};
use parking_lot::Mutex;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::answer;
use crate::client::{Client, Program};
use crate::envelope;
use crate::query::{Done, Query};
use crate::state::State;

/// How long a door stands open.
const DOOR_LIFE: Duration = Duration::from_secs(6 * 3600);
/// Bytes from which clients would send a file in pieces; larger than any.
const ONE_PIECE: u64 = 1 << 50;
/// The first part of the path of doors, which clients take for the name of a bucket.
const BUCKET: &str = "stages";

/// A way into a folder of a stage.
#[derive(Clone)]
pub(crate) struct Door {
    /// The stage.
    pub(crate) stage: SharedStage,
    /// Whether files go in or come out.
    pub(crate) direction: Direction,
    /// The folder, without slashes around it.
    folder: String,
    until: Instant,
}

impl std::fmt::Debug for Door {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Door").field("folder", &self.folder).finish_non_exhaustive()
    }
}

impl Door {
    /// The path of a file in the stage.
    pub(crate) fn path_of(&self, file: &str) -> String {
        match self.folder.as_str() {
            "" => file.to_string(),
            folder => format!("{folder}/{file}"),
        }
    }
}

/// The doors that stand open, by their keys.
#[derive(Debug, Default)]
pub(crate) struct Doors {
    open: Mutex<HashMap<String, Door>>,
}

impl Doors {
    /// Opens a door, and closes those that were open for too long.
    fn open(&self, transfer: &Transfer) -> String {
        let key = format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple());
        let now = Instant::now();
        let door = Door {
            stage: Arc::clone(&transfer.stage),
            direction: transfer.direction,
            folder: transfer.folder.clone(),
            until: now + DOOR_LIFE,
        };
        let mut open = self.open.lock();
        open.retain(|_, door| door.until > now);
        open.insert(key.clone(), door);
        key
    }

    /// The door of a key, for a direction.
    pub(crate) fn find(&self, key: &str, direction: Direction) -> Option<Door> {
        let open = self.open.lock();
        let door = open.get(key).filter(|door| door.direction == direction)?;
        (door.until > Instant::now()).then(|| door.clone())
    }
}

/// The last part of a path.
fn base_name(path: &str) -> &str {
    path.rsplit(['/', '\\']).next().unwrap_or(path)
}

/// A path as a part of an address.
fn escaped(path: &str) -> String {
    let parts = path.split('/').map(|part| {
        let bytes = url::form_urlencoded::byte_serialize(part.as_bytes());
        // Forms write a blank as a plus sign, addresses do not.
        bytes.collect::<String>().replace('+', "%20")
    });
    parts.collect::<Vec<_>>().join("/")
}

/// The answer that tells a client what to move, and where.
pub(crate) fn answer(
    state: &State,
    client: &Client,
    query: &Query,
    (done, transfer): (&Done, &Transfer),
    base: &str,
) -> Response {
    let key = state.doors.open(transfer);
    let address = |file: &str| format!("{base}/{BUCKET}/{key}/{}", escaped(file));
    let upload = transfer.direction == Direction::Upload;
    let files: Vec<&str> = match upload {
        true => vec![transfer.local.as_str()],
        false => transfer.files.iter().map(|file| file.path.as_str()).collect(),
    };
    let by_store = client.program == Program::PythonCore;
    let stage = json!({
        "locationType": "GCS",
        "location": format!("{BUCKET}/{key}/"),
        "path": format!("{key}/"),
        "region": "us-central1",
        "storageAccount": null,
        "isClientSideEncrypted": false,
        "useS3RegionalUrl": false,
        "useRegionalUrl": false,
        "useVirtualUrl": false,
        "endPoint": by_store.then_some(base),
        "presignedUrl": (upload && !by_store).then(|| address(base_name(&transfer.local))),
        "creds": if by_store { json!({ "GCS_ACCESS_TOKEN": key }) } else { json!({}) },
    });
    let mut data = answer::data_of(client, &query.id, (done.kind, done.binds), done.in_use.clone());
    let more = json!({
        "command": if upload { "UPLOAD" } else { "DOWNLOAD" },
        "operation": "Node",
        "kind": null,
        "src_locations": files,
        "stageInfo": stage,
        "encryptionMaterial": null,
        "parallel": transfer.parallel,
        "threshold": ONE_PIECE,
        "autoCompress": transfer.auto_compress,
        "overwrite": transfer.overwrite,
        "sourceCompression": transfer.source_compression.to_lowercase(),
        "clientShowEncryptionParameter": true,
        "rowtype": [],
        "queryResultFormat": "json",
        "total": 0,
        "returned": 0,
    });
    if let Value::Object(more) = more {
        data.extend(more);
    }
    if !upload {
        data.insert("localLocation".to_string(), transfer.local.clone().into());
        let addresses: Vec<String> = files.iter().map(|file| address(file)).collect();
        let addresses = if by_store { Value::Null } else { addresses.into() };
        data.insert("presignedUrls".to_string(), addresses);
    }
    envelope::with_rows(data, "rowset", "[]")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_parts_of_addresses() {
        assert_eq!(base_name("/a/b c.csv"), "b c.csv");
        assert_eq!(base_name("C:\\a\\b.csv"), "b.csv");
        assert_eq!(escaped("in/a b+ü?.csv"), "in/a%20b%2B%C3%BC%3F.csv");
    }
}
