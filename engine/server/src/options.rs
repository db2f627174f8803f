//! How a server is started.

use std::path::PathBuf;
use std::time::Duration;

use firn_engine::{Allowed, Reach};

/// Where the certificate that a server shows comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tls {
    /// Files in PEM form: the certificates, the server's own first, and its private key.
    Files {
        /// The certificates.
        certificates: PathBuf,
        /// The private key.
        key: PathBuf,
    },
    /// A folder with `server.pem`, `server.key`, and `authority.pem` for clients; what is not there is made.
    Folder(PathBuf),
}

/// How a server is started.
#[derive(Clone, Debug)]
pub struct ServerOptions {
    /// The address and port to listen on; port 0 for any that is free.
    pub listen: String,
    /// Whether anybody may log in as any user, without a password. Only for addresses of this machine.
    pub trust_local: bool,
    /// The certificate, for connections that are encrypted.
    pub tls: Option<Tls>,
    /// What statements may reach beyond the account of this machine: nothing unless given.
    pub allowed: Allowed,
    /// The file that gets a line for each request; `-` is standard error.
    pub log: Option<PathBuf>,
    /// Whether answers are packed for clients on this machine, too.
    pub compress_local: bool,
    /// How long a request for a statement's result waits before the client is told to ask again.
    pub patience: Duration,
    /// How long a session lives that nobody uses.
    pub idle: Duration,
    /// How long a session's token is good before it has to be renewed.
    pub token_lifetime: Duration,
    /// How long statements that run may go on when the server is stopped.
    pub grace: Duration,
}

impl ServerOptions {
    /// What the statements of all sessions reach.
    pub(crate) fn reach(&self) -> Reach {
        Reach::Elsewhere(self.allowed.clone())
    }
}

impl Default for ServerOptions {
    fn default() -> ServerOptions {
        ServerOptions {
            listen: "127.0.0.1:8084".to_string(),
            trust_local: false,
            tls: None,
            allowed: Allowed::default(),
            log: None,
            compress_local: false,
            patience: Duration::from_secs(40),
            idle: Duration::from_secs(4 * 3600),
            token_lifetime: Duration::from_secs(3600),
            grace: Duration::from_secs(10),
        }
    }
}
