//! What clients have asked: statements, and scripts of several, by their ids and by the keys of their requests.
//!
//! The rows themselves are kept by the engine, by the statement's id; here is what an answer says beside them.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use firn_engine::{Failure, Field, InUse, Monitor, SoFar, Statement, Transfer};
use parking_lot::Mutex;
use tokio::sync::watch;
use uuid::Uuid;

use crate::client::Client;
use crate::encode::part::Part;

/// Queries that are remembered; the engine keeps as many results.
const QUERIES_MAX: usize = 10_000;
/// How long the key of a request is remembered.
const REQUEST_LIFE: Duration = Duration::from_secs(3600);
/// Keys of requests that are remembered.
const REQUESTS_MAX: usize = 20_000;
/// Bytes of a text that are remembered.
const TEXT_BYTES_MAX: usize = 8192;

/// A statement or script that a client has sent.
#[derive(Debug)]
pub(crate) struct Query {
    /// Its id.
    pub(crate) id: String,
    /// The user whose it is.
    pub(crate) user: String,
    /// The number of the session that has sent it.
    pub(crate) session: u64,
    /// The beginning of its text.
    pub(crate) text: String,
    /// The form that the client has asked for with it.
    pub(crate) format: Option<String>,
    /// When it began: milliseconds since 1970.
    pub(crate) started: u64,
    /// What makes the addresses of its parts unknown to others.
    pub(crate) secret: String,
    /// Which parts its rows have.
    pub(crate) parts: OnceLock<Vec<Part>>,
    canceled: AtomicBool,
    /// The statement that runs.
    running: Mutex<Option<Monitor>>,
    ended: watch::Sender<Option<Arc<Ended>>>,
}

/// How a query has ended.
#[derive(Debug)]
pub(crate) struct Ended {
    /// When: milliseconds since 1970.
    pub(crate) at: u64,
    /// What came of it.
    pub(crate) outcome: Result<Done, Failure>,
}

/// A query that went well.
#[derive(Debug)]
pub(crate) struct Done {
    /// What it was, as QUERY_HISTORY names it.
    pub(crate) kind: &'static str,
    /// The columns of its rows.
    pub(crate) fields: Arc<[Field]>,
    /// How many places for values it has.
    pub(crate) binds: usize,
    /// What it has done to how many rows.
    pub(crate) counts: Vec<(String, u64)>,
    /// What the session had in use after it.
    pub(crate) in_use: InUse,
    /// What the client is to do for PUT or GET.
    pub(crate) transfer: Option<Arc<Transfer>>,
    /// The ids of a script's statements, each with the number of its kind.
    pub(crate) children: Vec<(String, i64)>,
}

/// Milliseconds since 1970.
pub(crate) fn now_millis() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// The beginning of a text, as far as it is remembered.
fn beginning(text: &str) -> &str {
    let mut end = text.len().min(TEXT_BYTES_MAX);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

impl Done {
    /// What has come of a statement that has ended.
    ///
    /// # Errors
    /// When it has failed.
    pub(crate) fn of(statement: &Statement) -> Result<Done, Failure> {
        Ok(Done {
            kind: statement.kind()?,
            fields: statement.fields()?,
            binds: statement.binds()?,
            counts: statement.counts()?,
            in_use: statement.in_use_after()?,
            transfer: statement.transfer(),
            children: Vec::new(),
        })
    }
}

impl Query {
    /// A query that begins.
    pub(crate) fn new(id: String, client: &Client, text: &str, format: Option<String>) -> Query {
        Query {
            id,
            user: client.user.clone(),
            session: client.session.id(),
            text: beginning(&firn_engine::blot_secrets(text)).to_string(),
            format,
            started: now_millis(),
            secret: Uuid::new_v4().simple().to_string(),
            parts: OnceLock::new(),
            canceled: AtomicBool::new(false),
            running: Mutex::default(),
            ended: watch::Sender::new(None),
        }
    }

    /// Follows the statement that runs now.
    pub(crate) fn follow(&self, statement: &Statement) {
        *self.running.lock() = Some(statement.monitor());
        if self.canceled.load(Ordering::Acquire) {
            statement.monitor().cancel.cancel();
        }
    }

    /// Ends it.
    pub(crate) fn cancel(&self) {
        self.canceled.store(true, Ordering::Release);
        if let Some(monitor) = &*self.running.lock() {
            monitor.cancel.cancel();
        }
    }

    /// What it has done so far; nothing once it has ended.
    pub(crate) fn so_far(&self) -> SoFar {
        self.running.lock().as_ref().map(|monitor| monitor.progress.so_far()).unwrap_or_default()
    }

    /// Says how it has ended.
    pub(crate) fn end(&self, outcome: Result<Done, Failure>) {
        *self.running.lock() = None;
        self.ended.send_replace(Some(Arc::new(Ended { at: now_millis(), outcome })));
    }

    /// How it has ended; none while it runs.
    pub(crate) fn ended(&self) -> Option<Arc<Ended>> {
        self.ended.borrow().clone()
    }

    /// Waits for its end no longer than `patience`; none while it runs.
    pub(crate) async fn wait(&self, patience: Duration) -> Option<Arc<Ended>> {
        let mut receiver = self.ended.subscribe();
        let ended = receiver.wait_for(Option::is_some);
        let ended = tokio::time::timeout(patience, ended).await.ok()?.ok()?;
        ended.clone()
    }
}

/// A request that may come again, and then is the same.
#[derive(Debug, Default)]
pub(crate) struct Request {
    query: OnceLock<Arc<Query>>,
    canceled: AtomicBool,
}

impl Request {
    /// The query of the request, which is begun when there is none yet.
    pub(crate) fn query(&self, begin: impl FnOnce() -> Arc<Query>) -> Arc<Query> {
        let query = Arc::clone(self.query.get_or_init(begin));
        if self.canceled.load(Ordering::Acquire) {
            query.cancel();
        }
        query
    }

    /// Ends its query, also one that is yet to come.
    fn cancel(&self) {
        self.canceled.store(true, Ordering::Release);
        if let Some(query) = self.query.get() {
            query.cancel();
        }
    }
}

type RequestKey = (u64, String);

/// What clients have asked.
#[derive(Debug, Default)]
pub(crate) struct Queries {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    by_id: HashMap<String, Arc<Query>>,
    order: VecDeque<String>,
    requests: HashMap<RequestKey, Arc<Request>>,
    request_order: VecDeque<(Instant, RequestKey)>,
}

impl Queries {
    /// The request of a session with this key: a new one, or the one that has come before.
    pub(crate) fn request(&self, session: u64, key: &str) -> Arc<Request> {
        let mut inner = self.inner.lock();
        while let Some((since, _)) = inner.request_order.front()
            && (since.elapsed() > REQUEST_LIFE || inner.request_order.len() > REQUESTS_MAX)
        {
            if let Some((_, key)) = inner.request_order.pop_front() {
                inner.requests.remove(&key);
            }
        }
        let key = (session, key.to_string());
        if let Some(request) = inner.requests.get(&key) {
            return Arc::clone(request);
        }
        let request = Arc::<Request>::default();
        inner.requests.insert(key.clone(), Arc::clone(&request));
        inner.request_order.push_back((Instant::now(), key));
        request
    }

    /// Ends the query of a request, also one that is yet to come.
    pub(crate) fn cancel_request(&self, session: u64, key: &str) {
        self.request(session, key).cancel();
    }

    /// Remembers a query.
    pub(crate) fn add(&self, query: &Arc<Query>) {
        let mut inner = self.inner.lock();
        while inner.order.len() >= QUERIES_MAX {
            if let Some(id) = inner.order.pop_front() {
                inner.by_id.remove(&id);
            }
        }
        inner.order.push_back(query.id.clone());
        inner.by_id.insert(query.id.clone(), Arc::clone(query));
    }

    /// The query of an id, if it is the user's.
    pub(crate) fn of(&self, user: &str, id: &str) -> Option<Arc<Query>> {
        self.find(id).filter(|query| query.user == user)
    }

    /// The query of an id.
    pub(crate) fn find(&self, id: &str) -> Option<Arc<Query>> {
        self.inner.lock().by_id.get(id).cloned()
    }

    /// How many queries run now.
    pub(crate) fn running(&self) -> usize {
        self.inner.lock().by_id.values().filter(|query| query.ended().is_none()).count()
    }

    /// Ends all queries.
    pub(crate) fn cancel_all(&self) {
        self.inner.lock().by_id.values().for_each(|query| query.cancel());
    }
}
