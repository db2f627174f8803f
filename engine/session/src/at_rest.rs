//! Encryption at rest: where the key comes from that an account's objects are sealed under.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::str::FromStr;

use firn_storage::{MasterKey, ObjectAccess, rotate_key};
use firn_types::clock::Clock;
use firn_types::{Error, ErrorCode, Result};

use crate::keys;

/// Where a key comes from: 32 bytes in base 64.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeySource {
    /// A file that holds it.
    File(PathBuf),
    /// A variable of the environment.
    Variable(String),
    /// A command of the system's shell that prints it.
    Command(String),
}

impl FromStr for KeySource {
    type Err = String;

    /// `file:PATH`, `env:NAME` or `command:TEXT`; anything else is the path of a file.
    fn from_str(text: &str) -> std::result::Result<KeySource, String> {
        match text.split_once(':') {
            Some((_, "")) => Err(format!("nothing stands behind the colon of '{text}'")),
            Some(("env", name)) => Ok(KeySource::Variable(name.to_string())),
            Some(("command", command)) => Ok(KeySource::Command(command.to_string())),
            Some(("file", path)) => Ok(KeySource::File(path.into())),
            _ => Ok(KeySource::File(text.into())),
        }
    }
}

impl KeySource {
    /// The key.
    ///
    /// # Errors
    /// `Storage` when its file cannot be read or its command fails, `InvalidParameterValue` when it is none.
    pub fn key(&self) -> Result<MasterKey> {
        let bytes = match self {
            KeySource::File(path) => keys::bytes_in_file(path)?,
            KeySource::Variable(name) => {
                let text = std::env::var(name).map_err(|_| {
                    let text = format!("The variable {name} of the environment, which is to hold a key, is not set.");
                    Error::new(ErrorCode::InvalidParameterValue, text)
                })?;
                keys::bytes_in(&text, &format!("The variable {name}"))?
            }
            KeySource::Command(command) => {
                keys::bytes_in(&printed(command)?, "The command of the key")?
            }
        };
        Ok(MasterKey::new(bytes))
    }
}

/// What a command prints; what it says of its failure is the error's.
fn printed(command: &str) -> Result<String> {
    let failed = |reason: &str| {
        let text = format!("The command of the key failed: {}", reason.trim());
        Error::new(ErrorCode::Storage, text)
    };
    let output = Command::new("sh").arg("-c").arg(command).output();
    let output = output.map_err(|error| failed(&error.to_string()))?;
    match output.status.success() {
        true => Ok(String::from_utf8_lossy(&output.stdout).into_owned()),
        false => {
            Err(failed(&format!("{} {}", output.status, String::from_utf8_lossy(&output.stderr))))
        }
    }
}

/// The objects of an account, which are sealed where there is a key.
pub(crate) fn opened(
    access: ObjectAccess,
    key: Option<&KeySource>,
    clock: &Clock,
) -> Result<ObjectAccess> {
    match key {
        Some(source) => access.sealed(&source.key()?, clock.now_nanos()),
        None => Ok(access),
    }
}

/// Puts another key in the place of an encrypted account's; objects that are written from now on have a new data key.
/// Processes that have the account open go on with what they know, and must be given the new key to read what others
/// write.
///
/// # Errors
/// `KeyMissing` when the account is not encrypted under the first key; as [`KeySource::key`].
pub fn change_key(location: &str, old: &KeySource, new: &KeySource) -> Result<()> {
    crate::tls::install_provider();
    let access = ObjectAccess::open(location)?;
    rotate_key(&access, &old.key()?, &new.key()?, Clock::default().now_nanos())
}

/// Makes a file with a new key.
///
/// # Errors
/// `Storage` when there is a file of this name, or none can be made.
pub fn make_key(path: &Path) -> Result<()> {
    keys::make_file(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_comes_from_a_file_a_variable_or_a_command() {
        let source = |text: &str| text.parse::<KeySource>();
        assert_eq!(source("a/b"), Ok(KeySource::File("a/b".into())));
        assert_eq!(source("file:a"), Ok(KeySource::File("a".into())));
        assert_eq!(source("env:K"), Ok(KeySource::Variable("K".to_string())));
        assert!(source("env:").is_err());
        let text = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
        let key = |text: &str| source(text).expect("a source").key().map(|key| key.id());
        assert!(key(&format!("command:echo {text}")).is_ok());
        for wrong in [
            "command:echo short",
            "command:echo bad >&2; exit 3",
            "env:FIRN_NO_SUCH",
            "/no/such/file",
        ] {
            assert!(key(wrong).is_err(), "{wrong}");
        }
        let error = key("command:echo no vault >&2; exit 3").expect_err("it fails");
        assert!(error.detail().contains("no vault"), "{error}");
    }
}
