//! The keys under which an account's secrets are sealed, by AES-256-GCM. They never lie in the account.
//!
//! A key is given by an option or by the environment, or is in the user's folder of keys, where the first one is
//! made at first need. Each has an id, by which what is sealed says which key opens it.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use firn_account::catalog::Sealed;
use firn_types::{Error, ErrorCode, Result};
use parking_lot::Mutex;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::digest::SHA256;
use ring::rand::{SecureRandom, SystemRandom};

/// The environment variable with a key: 32 bytes in base 64.
const KEY_VARIABLE: &str = "FIRN_KEY";
/// The environment variable with the path of a file that holds one.
const FILE_VARIABLE: &str = "FIRN_KEY_FILE";
/// Bytes of a key.
const KEY_BYTES: usize = 32;
/// Bytes of a key's hash that are its id.
const ID_BYTES: usize = 8;
/// What is sealed along: this use of the keys.
const PURPOSE: &[u8] = b"firn credentials of a stage";

/// Where the keys of an account's secrets come from.
#[derive(Clone, Debug, Default)]
pub enum SecretKeys {
    /// `FIRN_KEY`, the file that `FIRN_KEY_FILE` names, or `firn/keys` in the user's configuration folder.
    #[default]
    OfUser,
    /// A file that holds a key: 32 bytes in base 64.
    File(PathBuf),
    /// A folder with a file a key, which is made when there is none.
    Folder(PathBuf),
}

/// A key. It is never shown.
#[derive(Clone)]
struct SecretKey {
    id: String,
    bytes: [u8; KEY_BYTES],
}

impl std::fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("SecretKey").field(&self.id).finish()
    }
}

/// The keys that a process can reach.
#[derive(Debug)]
pub(crate) struct KeyRing {
    /// The one that is given; new secrets are sealed under it.
    given: Option<SecretKey>,
    /// Where the others are. Without one, they end with the process.
    folder: Option<PathBuf>,
    /// Those that were needed already.
    known: Mutex<Vec<SecretKey>>,
}

impl KeyRing {
    /// The keys of a source. `lasting` says whether what is sealed outlives the process.
    ///
    /// # Errors
    /// `InvalidParameterValue` when what is given is no key, `Storage` when its file cannot be read.
    pub(crate) fn new(keys: &SecretKeys, lasting: bool) -> Result<KeyRing> {
        let (given, folder) = match keys {
            SecretKeys::File(path) => (Some(read(path)?), None),
            SecretKeys::Folder(folder) => (None, Some(folder.clone())),
            SecretKeys::OfUser => (of_environment()?, users_folder()),
        };
        let folder = folder.filter(|_| lasting);
        if lasting && given.is_none() && folder.is_none() {
            // It is an error only for who needs a key.
            return Ok(KeyRing { given, folder: Some(PathBuf::new()), known: Mutex::default() });
        }
        Ok(KeyRing { given, folder, known: Mutex::default() })
    }

    /// Seals names and values: under the key that is given, or else the one that the account uses already, when
    /// it is here, or else a new one.
    ///
    /// # Errors
    /// `Storage` when a new key cannot be kept.
    pub(crate) fn seal(&self, pairs: &[(String, String)], used: Option<&str>) -> Result<Sealed> {
        let key = match (&self.given, used) {
            (Some(given), _) => Some(given.clone()),
            (None, Some(id)) => self.find(id)?,
            (None, None) => self.known.lock().last().cloned(),
        };
        let key = key.map_or_else(|| self.make(), Ok)?;
        let mut nonce = [0; NONCE_LEN];
        SystemRandom::new().fill(&mut nonce).map_err(|_| no_random())?;
        let mut text = serde_json::to_vec(pairs).map_err(|e| Error::internal(e.to_string()))?;
        let unique = Nonce::assume_unique_for_key(nonce);
        let cipher = cipher(&key)?;
        cipher
            .seal_in_place_append_tag(unique, Aad::from(PURPOSE), &mut text)
            .map_err(|_| Error::internal("the secret cannot be sealed"))?;
        let data = STANDARD.encode([nonce.as_slice(), &text].concat());
        Ok(Sealed { key: key.id, data })
    }

    /// Opens what is sealed; `what` is whose it is, for errors.
    ///
    /// # Errors
    /// `KeyMissing`, with what to do, when the key is not here; `CorruptFile` when something else was put in the
    /// place of what was sealed.
    pub(crate) fn open(&self, sealed: &Sealed, what: &str) -> Result<Vec<(String, String)>> {
        let Some(key) = self.find(&sealed.key)? else { return Err(self.missing(sealed, what)) };
        let damaged = || {
            let text = format!("What is sealed of {what} is not what was sealed.");
            Error::new(ErrorCode::CorruptFile, text)
        };
        let mut bytes = STANDARD.decode(&sealed.data).map_err(|_| damaged())?;
        let (nonce, text) = bytes.split_at_mut_checked(NONCE_LEN).ok_or_else(damaged)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| damaged())?;
        let cipher = cipher(&key)?;
        let text = cipher.open_in_place(nonce, Aad::from(PURPOSE), text).map_err(|_| damaged())?;
        serde_json::from_slice(text).map_err(|_| damaged())
    }

    fn missing(&self, sealed: &Sealed, what: &str) -> Error {
        let folder = self.folder.as_deref().filter(|folder| !folder.as_os_str().is_empty());
        let place = folder.map_or_else(String::new, |folder| {
            format!(" Copy its file to {}, or", folder.join(&sealed.key).display())
        });
        let give = if place.is_empty() { " Give" } else { " give" };
        let text = format!(
            "The credentials of {what} are sealed under key {}, which is not here.{place}{give} it by \
             --key-file, {KEY_VARIABLE} or {FILE_VARIABLE}, or set the credentials anew.",
            sealed.key
        );
        Error::new(ErrorCode::KeyMissing, text)
    }

    fn find(&self, id: &str) -> Result<Option<SecretKey>> {
        let mut known = self.known.lock();
        let here = self.given.iter().chain(known.iter()).find(|key| key.id == id);
        if let Some(key) = here {
            return Ok(Some(key.clone()));
        }
        let is_id = id.bytes().all(|byte| byte.is_ascii_hexdigit());
        let Some(folder) = self.folder.as_ref().filter(|_| is_id) else { return Ok(None) };
        let path = folder.join(id);
        if !path.exists() {
            return Ok(None);
        }
        let key = read(&path)?;
        known.push(key.clone());
        Ok((key.id == id).then_some(key))
    }

    /// Makes a key, and keeps it where there is a folder for it.
    fn make(&self) -> Result<SecretKey> {
        let mut bytes = [0; KEY_BYTES];
        SystemRandom::new().fill(&mut bytes).map_err(|_| no_random())?;
        let key = SecretKey { id: id_of(&bytes), bytes };
        if let Some(folder) = &self.folder {
            if folder.as_os_str().is_empty() {
                let text = format!(
                    "There is no folder to keep a key in: set HOME, or give one by --key-file, \
                     {KEY_VARIABLE} or {FILE_VARIABLE}."
                );
                return Err(Error::new(ErrorCode::KeyMissing, text));
            }
            keep(folder, &key).map_err(|error| {
                let text = format!("A key cannot be kept in {}: {error}", folder.display());
                Error::new(ErrorCode::Storage, text)
            })?;
        }
        self.known.lock().push(key.clone());
        Ok(key)
    }
}

fn cipher(key: &SecretKey) -> Result<LessSafeKey> {
    let key = UnboundKey::new(&AES_256_GCM, &key.bytes);
    key.map(LessSafeKey::new).map_err(|_| Error::internal("a key of another length"))
}

/// The first bytes of a key's SHA-256, in base 16.
fn id_of(bytes: &[u8]) -> String {
    let digest = ring::digest::digest(&SHA256, bytes);
    digest.as_ref().iter().take(ID_BYTES).map(|byte| format!("{byte:02x}")).collect()
}

fn no_random() -> Error {
    Error::internal("the system gives no random numbers")
}

/// The key that a text holds; `place` is where it stands.
fn parse(text: &str, place: &str) -> Result<SecretKey> {
    let bytes = STANDARD.decode(text.trim()).ok();
    let bytes: Option<[u8; KEY_BYTES]> = bytes.and_then(|bytes| bytes.try_into().ok());
    bytes.map(|bytes| SecretKey { id: id_of(&bytes), bytes }).ok_or_else(|| {
        let text = format!("{place} holds no key: a key is {KEY_BYTES} bytes in base 64.");
        Error::new(ErrorCode::InvalidParameterValue, text)
    })
}

fn read(path: &Path) -> Result<SecretKey> {
    let text = fs::read_to_string(path).map_err(|error| {
        let text = format!("The key in {} cannot be read: {error}", path.display());
        Error::new(ErrorCode::Storage, text)
    })?;
    parse(&text, &path.display().to_string())
}

/// The bytes of the key that a text holds; `place` is where it stands.
///
/// # Errors
/// `InvalidParameterValue` when it holds none.
pub(crate) fn bytes_in(text: &str, place: &str) -> Result<[u8; KEY_BYTES]> {
    parse(text, place).map(|key| key.bytes)
}

/// The bytes of the key that a file holds.
///
/// # Errors
/// `Storage` when it cannot be read, and as [`bytes_in`].
pub(crate) fn bytes_in_file(path: &Path) -> Result<[u8; KEY_BYTES]> {
    read(path).map(|key| key.bytes)
}

/// Makes a file with a new key, which only its owner can read.
///
/// # Errors
/// `Storage` when there is a file of this name, or none can be made.
pub(crate) fn make_file(path: &Path) -> Result<()> {
    let mut bytes = [0; KEY_BYTES];
    SystemRandom::new().fill(&mut bytes).map_err(|_| no_random())?;
    write_key(path, &bytes).map_err(|error| {
        let text = format!("A key cannot be written to {}: {error}", path.display());
        Error::new(ErrorCode::Storage, text)
    })
}

fn of_environment() -> Result<Option<SecretKey>> {
    if let Ok(text) = std::env::var(KEY_VARIABLE) {
        return parse(&text, KEY_VARIABLE).map(Some);
    }
    let file = std::env::var_os(FILE_VARIABLE).filter(|path| !path.is_empty());
    file.map(|path| read(Path::new(&path))).transpose()
}

/// `firn/keys` in the user's configuration folder.
fn users_folder() -> Option<PathBuf> {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    let configuration = set("XDG_CONFIG_HOME").map(PathBuf::from);
    let configuration = configuration.or_else(|| Some(PathBuf::from(set("HOME")?).join(".config")));
    configuration.map(|folder| folder.join("firn").join("keys"))
}

/// Writes a key's file, which only its owner can read, durably: what it seals is lost with it.
fn keep(folder: &Path, key: &SecretKey) -> io::Result<()> {
    let mut made = fs::DirBuilder::new();
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt;
        made.mode(0o700);
    }
    made.recursive(true).create(folder)?;
    write_key(&folder.join(&key.id), &key.bytes)?;
    File::open(folder)?.sync_all()
}

fn write_key(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    let mut file = options.open(path)?;
    writeln!(file, "{}", STANDARD.encode(bytes))?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs() -> Vec<(String, String)> {
        vec![("AWS_SECRET_KEY".to_string(), "geheim".to_string())]
    }

    #[test]
    fn what_is_sealed_opens_with_its_key_alone() -> Result<()> {
        let (one, other) =
            (KeyRing::new(&SecretKeys::OfUser, false)?, KeyRing::new(&SecretKeys::OfUser, false)?);
        let sealed = one.seal(&pairs(), None)?;
        assert!(!sealed.data.contains("geheim") && sealed.key.len() == 2 * ID_BYTES);
        assert_eq!(one.open(&sealed, "stage S")?, pairs());
        let error = other.open(&sealed, "stage S").expect_err("another key");
        assert_eq!(error.code(), ErrorCode::KeyMissing);
        assert!(error.detail().contains("stage S are sealed under key"), "{error}");
        assert_ne!(sealed.data, one.seal(&pairs(), None)?.data, "each has a nonce of its own");
        Ok(())
    }

    #[test]
    fn a_change_of_what_is_sealed_is_found() -> Result<()> {
        let ring = KeyRing::new(&SecretKeys::OfUser, false)?;
        let sealed = ring.seal(&pairs(), None)?;
        let bytes = STANDARD.decode(&sealed.data).expect("base 64");
        for at in 0..bytes.len() {
            let mut bytes = bytes.clone();
            bytes[at] ^= 1;
            let changed = Sealed { key: sealed.key.clone(), data: STANDARD.encode(&bytes) };
            let error = ring.open(&changed, "stage S").expect_err("a flipped bit");
            assert_eq!(error.code(), ErrorCode::CorruptFile);
        }
        Ok(())
    }

    #[test]
    fn a_text_that_is_no_key_is_refused_by_its_place() {
        for text in ["", "abc", "AAAA", "!"] {
            let error = parse(text, "FIRN_KEY").expect_err("no key");
            assert!(error.detail().contains("FIRN_KEY holds no key"), "{error}");
        }
    }
}
