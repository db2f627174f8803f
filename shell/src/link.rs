//! What a shell talks to: an account in this process, or a server.

use std::fmt::Debug;

use firn_engine::{Completer, InUse, Session};

use crate::remote::Remote;

/// A session, wherever it is.
#[derive(Debug)]
pub(crate) enum Link {
    /// In this process.
    Here(Session),
    /// On a server.
    There(Remote),
}

/// The names that may stand somewhere, for completion.
pub(crate) trait Names: Debug {
    /// Words that may begin something.
    fn words(&self) -> Vec<String>;
    /// What may follow these names and a dot.
    fn members(&self, path: &[String]) -> Vec<String>;
    /// What may follow `@`.
    fn stages(&self) -> Vec<String>;
}

impl Names for Completer {
    fn words(&self) -> Vec<String> {
        Completer::words(self)
    }

    fn members(&self, path: &[String]) -> Vec<String> {
        Completer::members(self, path)
    }

    fn stages(&self) -> Vec<String> {
        Completer::stages(self)
    }
}

impl Link {
    /// What is in use.
    pub(crate) fn in_use(&self) -> InUse {
        match self {
            Link::Here(session) => session.in_use(),
            Link::There(remote) => remote.in_use(),
        }
    }

    /// What completion asks, as of now.
    pub(crate) fn names(&self) -> Box<dyn Names> {
        match self {
            Link::Here(session) => Box::new(session.completer()),
            Link::There(remote) => Box::new(remote.names()),
        }
    }
}
