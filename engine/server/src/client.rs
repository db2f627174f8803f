//! Who is logged in: sessions by their tokens.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use firn_engine::Session;
use parking_lot::Mutex;
use uuid::Uuid;

use crate::envelope::{MASTER_EXPIRED, NO_ROOM, NO_TOKEN, Refusal, SESSION_GONE, TOKEN_EXPIRED};

/// Sessions that may exist at once.
const CLIENTS_MAX: usize = 10_000;

/// The program that speaks, as far as programs differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Program {
    /// The Python connector up to version 4, and what is built on it.
    Python,
    /// The Python connector from version 5 on, whose core is compiled.
    PythonCore,
    /// Go, and ADBC with it inside.
    Go,
    /// Node.
    JavaScript,
    /// JDBC.
    Jdbc,
    /// firn's own shell.
    Firn,
    /// firn's own console, in a browser.
    Console,
    /// Any other.
    Other,
}

/// A session with the client that has opened it.
#[derive(Debug)]
pub(crate) struct Client {
    /// The engine's side.
    pub(crate) session: Session,
    /// The user's name.
    pub(crate) user: String,
    /// The program.
    pub(crate) program: Program,
    last_used: Mutex<Instant>,
}

/// The tokens that a client gets.
#[derive(Clone, Debug)]
pub(crate) struct Tokens {
    /// What every request carries.
    pub(crate) session: String,
    /// What renews it.
    pub(crate) master: String,
}

#[derive(Debug)]
struct Known {
    client: Arc<Client>,
    master: bool,
    until: Instant,
}

/// Who is logged in.
#[derive(Debug, Default)]
pub(crate) struct Clients {
    by_token: Mutex<HashMap<String, Known>>,
}

impl Client {
    /// A client that has just logged in.
    pub(crate) fn new(session: Session, user: String, program: Program) -> Client {
        Client { session, user, program, last_used: Mutex::new(Instant::now()) }
    }
}

fn random_token() -> String {
    format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple())
}

impl Clients {
    /// Lets a client in: its tokens are good for `lifetime`, and the master one as long as the session lives.
    ///
    /// # Errors
    /// When too many are there.
    pub(crate) fn add(
        &self,
        client: Client,
        lifetime: Duration,
        idle: Duration,
    ) -> Result<(Tokens, Arc<Client>), Refusal> {
        let client = Arc::new(client);
        let mut known = self.by_token.lock();
        if known.len() > 2 * CLIENTS_MAX {
            let text = format!("The server has {CLIENTS_MAX} sessions; no more can be opened.");
            return Err(Refusal::of_login(NO_ROOM, text));
        }
        let tokens = give(&mut known, &client, lifetime, idle);
        Ok((tokens, client))
    }

    /// The client of a session's token.
    ///
    /// # Errors
    /// When there is no such session, or the token has to be renewed.
    pub(crate) fn of(&self, token: Option<&str>) -> Result<Arc<Client>, Refusal> {
        let known = self.by_token.lock();
        let found = self.find(&known, token, false)?;
        if found.until < Instant::now() {
            return Err(Refusal::of_login(
                TOKEN_EXPIRED,
                "Authentication token has expired. The session's token must be renewed.",
            ));
        }
        *found.client.last_used.lock() = Instant::now();
        Ok(Arc::clone(&found.client))
    }

    /// New tokens for the client of a master token.
    ///
    /// # Errors
    /// When there is no such session, or it is too old.
    pub(crate) fn renew(
        &self,
        token: Option<&str>,
        lifetime: Duration,
        idle: Duration,
    ) -> Result<(Tokens, Arc<Client>), Refusal> {
        let mut known = self.by_token.lock();
        let found = self.find(&known, token, true)?;
        if found.until < Instant::now() {
            return Err(Refusal::of_login(
                MASTER_EXPIRED,
                "Authentication token has expired. The user must authenticate again.",
            ));
        }
        let client = Arc::clone(&found.client);
        *client.last_used.lock() = Instant::now();
        known.retain(|_, known| !Arc::ptr_eq(&known.client, &client));
        Ok((give(&mut known, &client, lifetime, idle), client))
    }

    /// Ends a session.
    pub(crate) fn remove(&self, client: &Arc<Client>) {
        self.by_token.lock().retain(|_, known| !Arc::ptr_eq(&known.client, client));
    }

    /// Ends the sessions that nobody has used for as long as `idle` says of each.
    pub(crate) fn remove_idle(&self, idle: impl Fn(&Client) -> Duration) {
        let mut gone = Vec::new();
        self.by_token.lock().retain(|_, known| {
            let kept = known.client.last_used.lock().elapsed() < idle(&known.client);
            if !kept {
                gone.push(Arc::clone(&known.client));
            }
            kept
        });
        // What a session leaves is cleared without the lock.
        drop(gone);
    }

    /// Ends all sessions.
    pub(crate) fn clear(&self) {
        let all = std::mem::take(&mut *self.by_token.lock());
        drop(all);
    }

    /// How many sessions there are.
    pub(crate) fn count(&self) -> usize {
        self.by_token.lock().values().filter(|known| known.master).count()
    }

    fn find<'k>(
        &self,
        known: &'k HashMap<String, Known>,
        token: Option<&str>,
        master: bool,
    ) -> Result<&'k Known, Refusal> {
        let token = token.filter(|token| *token != "None").ok_or_else(|| {
            Refusal::of_login(NO_TOKEN, "Session token not found: the request carries none.")
        })?;
        known.get(token).filter(|known| known.master == master).ok_or_else(|| {
            Refusal::of_login(SESSION_GONE, "Session no longer exists. New login required.")
        })
    }
}

/// Gives a client new tokens.
fn give(
    known: &mut HashMap<String, Known>,
    client: &Arc<Client>,
    lifetime: Duration,
    idle: Duration,
) -> Tokens {
    let tokens = Tokens { session: random_token(), master: random_token() };
    for (token, master, lifetime) in
        [(&tokens.session, false, lifetime), (&tokens.master, true, idle)]
    {
        let until = Instant::now() + lifetime;
        known.insert(token.clone(), Known { client: Arc::clone(client), master, until });
    }
    tokens
}

#[cfg(test)]
mod tests {
    use firn_engine::{Engine, EngineOptions, SessionOptions};

    use super::*;

    #[test]
    fn sessions_end_when_they_are_idle_for_as_long_as_theirs_may_be() {
        let engine = Engine::open(":memory:", EngineOptions::default()).expect("an account");
        let clients = Clients::default();
        let hour = Duration::from_secs(3600);
        let mut tokens = Vec::new();
        for (user, program) in [("ANN", Program::Console), ("BOB", Program::Firn)] {
            let session = engine.session(SessionOptions::default()).expect("a session");
            let client = Client::new(session, user.to_string(), program);
            tokens.push(clients.add(client, hour, hour).expect("there is room").0);
        }
        clients.remove_idle(|client| match client.program {
            Program::Console => Duration::ZERO,
            _ => hour,
        });
        let known = |at: usize| clients.of(Some(&tokens[at].session)).is_ok();
        assert_eq!((known(0), known(1), clients.count()), (false, true, 1));
    }
}
