//! The data keys of an account, under which its objects are sealed. They lie in the account, each sealed under the key
//! that is given from outside, so that another one can take its place without anything else being written anew.
//!
//! `keys/<when made>-<id>-<id of the key that seals it>` holds `FIRNKEYS`, a nonce of 12 bytes, and the data key
//! sealed by AES-256-GCM about that name.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use firn_types::{Error, ErrorCode, Result};
use parking_lot::RwLock;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::digest::SHA256;
use ring::rand::{SecureRandom, SystemRandom};

use super::cipher::{ID_BYTES, KEY_BYTES, KeyId, hex};
use crate::ObjectAccess;
use crate::path;

const MAGIC: &[u8; 8] = b"FIRNKEYS";

/// The key that is given from outside. It is never shown.
#[derive(Clone)]
pub struct MasterKey {
    bytes: [u8; KEY_BYTES],
}

impl std::fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("MasterKey").field(&self.id()).finish()
    }
}

impl MasterKey {
    /// The key of these bytes.
    pub fn new(bytes: [u8; KEY_BYTES]) -> MasterKey {
        MasterKey { bytes }
    }

    /// The first bytes of its SHA-256, in base 16.
    pub fn id(&self) -> String {
        let digest = ring::digest::digest(&SHA256, &self.bytes);
        hex(&digest.as_ref()[..ID_BYTES])
    }

    fn cipher(&self) -> Result<LessSafeKey> {
        let key = UnboundKey::new(&AES_256_GCM, &self.bytes);
        key.map(LessSafeKey::new).map_err(|_| Error::internal("a key of another length"))
    }
}

/// A data key.
#[derive(Clone)]
struct DataKey {
    /// `<when made>-<id>`.
    name: String,
    id: KeyId,
    bytes: [u8; KEY_BYTES],
}

/// The data keys of an account, as far as they are known.
pub(crate) struct DataKeys {
    /// The account's objects as they are stored.
    stored: ObjectAccess,
    master: MasterKey,
    known: RwLock<Known>,
}

#[derive(Default)]
struct Known {
    by_id: HashMap<KeyId, [u8; KEY_BYTES]>,
    /// The one under which new objects are sealed.
    newest: Option<DataKey>,
}

impl std::fmt::Debug for DataKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DataKeys").field("master", &self.master).finish_non_exhaustive()
    }
}

impl DataKeys {
    /// The data keys of an account; a new account gets its first one.
    ///
    /// # Errors
    /// `KeyMissing` when they are sealed under another key, `InvalidParameterValue` when the account is not encrypted,
    /// `Storage` when it cannot be read.
    pub(crate) fn open(
        stored: &ObjectAccess,
        master: &MasterKey,
        now_nanos: i64,
    ) -> Result<DataKeys> {
        let keys =
            DataKeys { stored: stored.clone(), master: master.clone(), known: RwLock::default() };
        if stored.list(path::KEYS)?.is_empty() {
            if !stored.names_after(path::LOG, "")?.is_empty() {
                let text = format!(
                    "The account at '{}' is not encrypted, and a key is given for it. Only a new account can be \
                     encrypted: copy the data into one.",
                    stored.location()
                );
                return Err(Error::new(ErrorCode::InvalidParameterValue, text));
            }
            write(stored, &made(now_nanos)?, master)?;
        }
        keys.load()?;
        Ok(keys)
    }

    /// Reads what is there.
    fn load(&self) -> Result<()> {
        let all = read(&self.stored, &self.master)?;
        let newest = all.iter().max_by(|a, b| a.name.cmp(&b.name)).cloned();
        let by_id = all.into_iter().map(|key| (key.id, key.bytes)).collect();
        *self.known.write() = Known { by_id, newest };
        Ok(())
    }

    /// The key under which new objects are sealed.
    pub(crate) fn newest(&self) -> Result<(KeyId, [u8; KEY_BYTES])> {
        let known = self.known.read();
        let newest = known.newest.as_ref().map(|key| (key.id, key.bytes));
        newest.ok_or_else(|| Error::internal("an encrypted account without a key"))
    }

    /// A key by its id, of those that are known.
    fn known(&self, id: &KeyId) -> Option<[u8; KEY_BYTES]> {
        self.known.read().by_id.get(id).copied()
    }

    /// A key by its id; one that another process has made meanwhile is looked for, which waits for the store and so
    /// takes a thread where that may be.
    pub(crate) async fn find(self: &Arc<DataKeys>, id: KeyId) -> Result<Option<[u8; KEY_BYTES]>> {
        if let Some(found) = self.known(&id) {
            return Ok(Some(found));
        }
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) => {
                let keys = Arc::clone(self);
                let loaded = runtime.spawn_blocking(move || keys.load()).await;
                loaded.map_err(|_| Error::internal("the keys of the account were not read"))??;
            }
            // A folder is asked outside of a runtime, by a thread that may wait.
            Err(_) => self.load()?,
        }
        Ok(self.known(&id))
    }
}

/// Puts another key in the place of the one that an account is encrypted under, and makes a new data key, under which
/// objects are sealed from now on. What is there stays as it is, and opens with the new key alone.
///
/// # Errors
/// `KeyMissing` when the account is encrypted under another key than `old`, or not at all; `Storage`.
pub fn rotate_key(
    stored: &ObjectAccess,
    old: &MasterKey,
    new: &MasterKey,
    now_nanos: i64,
) -> Result<()> {
    let mut all = read(stored, old)?;
    all.push(made(now_nanos)?);
    all.iter().try_for_each(|key| write(stored, key, new))?;
    if old.id() == new.id() {
        return Ok(());
    }
    let gone = format!("-{}", old.id());
    for object in stored.list(path::KEYS)? {
        if object.path.ends_with(&gone) {
            stored.delete(&object.path)?;
        }
    }
    Ok(())
}

fn random(bytes: &mut [u8]) -> Result<()> {
    let filled = SystemRandom::new().fill(bytes);
    filled.map_err(|_| Error::internal("the system gives no random numbers"))
}

fn made(now_nanos: i64) -> Result<DataKey> {
    let (mut bytes, mut id) = ([0; KEY_BYTES], [0; ID_BYTES]);
    random(&mut bytes)?;
    random(&mut id)?;
    Ok(DataKey { name: format!("{:020}-{}", now_nanos.max(0), hex(&id)), id, bytes })
}

fn write(stored: &ObjectAccess, key: &DataKey, master: &MasterKey) -> Result<()> {
    let name = format!("{}/{}-{}", path::KEYS, key.name, master.id());
    let mut nonce = [0; NONCE_LEN];
    random(&mut nonce)?;
    let mut sealed = key.bytes.to_vec();
    let unique = Nonce::assume_unique_for_key(nonce);
    let cipher = master.cipher()?;
    cipher
        .seal_in_place_append_tag(unique, Aad::from(name.as_bytes()), &mut sealed)
        .map_err(|_| Error::internal("a key cannot be sealed"))?;
    stored.put(&name, Bytes::from([MAGIC.as_slice(), &nonce, &sealed].concat()))
}

/// The data keys that are sealed under a key.
fn read(stored: &ObjectAccess, master: &MasterKey) -> Result<Vec<DataKey>> {
    let (mut found, mut others) = (Vec::new(), Vec::new());
    for object in stored.list(path::KEYS)? {
        let file = object.path.rsplit('/').next().unwrap_or_default();
        let parts: Vec<&str> = file.split('-').collect();
        let [made, id, sealed_by] = parts.as_slice() else { return Err(damaged(&object.path)) };
        if *sealed_by != master.id() {
            others.push((*sealed_by).to_string());
            continue;
        }
        let bytes = stored.get(&object.path)?;
        let key = opened(&object.path, &bytes, master)?;
        let id = key_id(id).ok_or_else(|| damaged(&object.path))?;
        found.push(DataKey { name: format!("{made}-{}", hex(&id)), id, bytes: key });
    }
    match (found.is_empty(), others.first()) {
        (true, Some(other)) => {
            let text = format!(
                "The account at '{}' is encrypted under key {other}, and the key that is given is {}.",
                stored.location(),
                master.id()
            );
            Err(Error::new(ErrorCode::KeyMissing, text))
        }
        (true, None) => {
            let text = format!("The account at '{}' is not encrypted.", stored.location());
            Err(Error::new(ErrorCode::KeyMissing, text))
        }
        (false, _) => Ok(found),
    }
}

fn opened(name: &str, bytes: &[u8], master: &MasterKey) -> Result<[u8; KEY_BYTES]> {
    let rest = bytes.strip_prefix(MAGIC).ok_or_else(|| damaged(name))?;
    let (nonce, sealed) = rest.split_first_chunk::<NONCE_LEN>().ok_or_else(|| damaged(name))?;
    let mut sealed = sealed.to_vec();
    let nonce = Nonce::assume_unique_for_key(*nonce);
    let cipher = master.cipher()?;
    let opened = cipher.open_in_place(nonce, Aad::from(name.as_bytes()), &mut sealed);
    let opened = opened.map_err(|_| damaged(name))?;
    <[u8; KEY_BYTES]>::try_from(&*opened).map_err(|_| damaged(name))
}

fn key_id(text: &str) -> Option<KeyId> {
    let digits = |at: usize| u8::from_str_radix(text.get(2 * at..2 * at + 2)?, 16).ok();
    let bytes: Vec<u8> = (0..ID_BYTES).map(digits).collect::<Option<_>>()?;
    bytes.try_into().ok().filter(|_| text.len() == 2 * ID_BYTES)
}

fn damaged(name: &str) -> Error {
    Error::new(ErrorCode::CorruptFile, format!("File '{name}' holds no key that was sealed."))
}
