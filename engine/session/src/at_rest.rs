//! Encryption at rest: where the key comes from that an account's objects are sealed under.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::str::FromStr;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use firn_storage::{MasterKey, ObjectAccess, rotate_key};
use firn_types::clock::Clock;
use firn_types::{Error, ErrorCode, Result};

use crate::keys;

/// How long the command of a key may take, and bytes of what it prints that are read.
const PATIENCE: Duration = Duration::from_secs(60);
const PRINTED_BYTES_MAX: u64 = 64 << 10;

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
                keys::bytes_in(&printed(command, PATIENCE)?, "The command of the key")?
            }
        };
        Ok(MasterKey::new(bytes))
    }
}

/// What a command prints, as far as anybody would read it; what it says of its failure is the error's.
fn printed(command: &str, patience: Duration) -> Result<String> {
    let failed = |reason: &str| {
        let text = format!("The command of the key failed: {}", reason.trim());
        Error::new(ErrorCode::Storage, text)
    };
    let of_system = |error: std::io::Error| failed(&error.to_string());
    let mut shell = Command::new("sh");
    shell.arg("-c").arg(command).stdin(Stdio::null());
    let child = shell.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut child = child.map_err(of_system)?;
    let (out, err) = (head_of(child.stdout.take()), head_of(child.stderr.take()));
    let deadline = Instant::now() + patience;
    let mut ended = || -> std::io::Result<Option<(ExitStatus, String, String)>> {
        let text = |of: &Receiver<String>| of.recv_timeout(left(deadline)).ok();
        let (Some(out), Some(err)) = (text(&out), text(&err)) else { return Ok(None) };
        while Instant::now() < deadline {
            if let Some(status) = child.try_wait()? {
                return Ok(Some((status, out, err)));
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(None)
    };
    let outcome = ended();
    _ = child.kill();
    _ = child.wait();
    match outcome.map_err(of_system)? {
        Some((status, out, _)) if status.success() => Ok(out),
        Some((status, _, err)) => Err(failed(&format!("{status} {err}"))),
        None => Err(failed(&format!("it has not ended within {} seconds", patience.as_secs()))),
    }
}

fn left(deadline: Instant) -> Duration {
    deadline.saturating_duration_since(Instant::now())
}

/// The first bytes of what a command prints. All of it is read, so that the command ends, by a thread that ends with it,
/// or is left behind when what the command has started goes on.
fn head_of(printed: Option<impl Read + Send + 'static>) -> Receiver<String> {
    let (said, heard) = channel();
    std::thread::spawn(move || {
        let mut head = Vec::new();
        if let Some(mut printed) = printed {
            // What cannot be read any more is the end.
            _ = printed.by_ref().take(PRINTED_BYTES_MAX).read_to_end(&mut head);
            _ = std::io::copy(&mut printed, &mut std::io::sink());
        }
        _ = said.send(String::from_utf8_lossy(&head).into_owned());
    });
    heard
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

    #[test]
    fn a_command_neither_waits_nor_prints_for_ever() {
        let error = printed("sleep 600", Duration::from_millis(200)).expect_err("it waits");
        assert!(error.detail().contains("has not ended within"), "{error}");
        let long = printed("head -c 10000000 /dev/zero", PATIENCE).expect("it ends");
        assert_eq!(long.len() as u64, PRINTED_BYTES_MAX);
    }
}
