//! A session on a server: statements run there, and what they answer is shown here.
//!
//! Values come as the server prints them. Rows beyond the first are fetched as they are shown, so that a result
//! takes the memory of a part of it.

mod files;
mod http;
mod rows;

use std::cell::Cell as Slot;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use firn_engine::{Failure, InUse, SoFar};
use serde_json::{Value, json};

use self::http::Http;
use self::rows::RemoteRows;
use crate::config::Connection;
use crate::link::Names;
use crate::shell::Shown;
use crate::watch::Pending;

/// The port of servers that none is named of.
const PORT: u16 = 8084;
/// Codes of answers that say that a statement runs.
const RUNS: [&str; 2] = ["333333", "333334"];
/// How often the server is asked how far a statement is.
const LOOK: Duration = Duration::from_millis(500);

/// A session on a server.
#[derive(Debug)]
pub(crate) struct Remote {
    http: Arc<Http>,
    in_use: Mutex<InUse>,
}

/// A statement that runs on a server.
pub(crate) struct RemoteStatement {
    http: Arc<Http>,
    query_id: String,
    told: Receiver<Result<Value, Failure>>,
    looked: Slot<(Option<Instant>, SoFar)>,
}

/// Whether a name means this machine to itself.
fn is_this_machine(host: &str) -> bool {
    let host = host.trim_matches(['[', ']']);
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

impl Remote {
    /// Logs in to the server that a connection names.
    ///
    /// # Errors
    /// A message when there is no server, or it does not let in.
    pub(crate) fn connect(connection: &Connection) -> Result<Remote, String> {
        let host = connection.host.as_deref().unwrap_or("localhost");
        let port = connection.port.unwrap_or(PORT);
        let protocol = match connection.protocol.as_deref() {
            Some(protocol @ ("http" | "https")) => protocol,
            Some(other) => return Err(format!("'{other}' is no protocol: http or https")),
            None if is_this_machine(host) => "http",
            None => "https",
        };
        let plain = host.trim_matches(['[', ']']);
        let host = if plain.contains(':') { format!("[{plain}]") } else { plain.to_string() };
        let http = Http::new(format!("{protocol}://{host}:{port}"))?;
        let remote = Remote { http: Arc::new(http), in_use: Mutex::default() };
        remote.log_in(connection)?;
        Ok(remote)
    }

    fn log_in(&self, connection: &Connection) -> Result<(), String> {
        let (name, value) = match (&connection.token, connection.authenticator.as_deref()) {
            (Some(token), _) => ("TOKEN", token.clone()),
            (None, None | Some("snowflake" | "SNOWFLAKE")) => {
                ("PASSWORD", connection.password.clone().unwrap_or_else(|| "-".to_string()))
            }
            (None, Some(other)) => {
                return Err(format!("the shell logs in by password or token, not by '{other}'"));
            }
        };
        let mut data = json!({
            "CLIENT_APP_ID": "firn",
            "CLIENT_APP_VERSION": env!("CARGO_PKG_VERSION"),
            "LOGIN_NAME": connection.user.as_deref().unwrap_or("FIRN"),
        });
        data[name] = value.into();
        if name == "TOKEN" {
            data["AUTHENTICATOR"] = "PROGRAMMATIC_ACCESS_TOKEN".into();
        }
        let wanted = [
            ("databaseName", connection.database.as_deref().or(Some("FIRN"))),
            ("schemaName", connection.schema.as_deref().or(Some("PUBLIC"))),
            ("warehouse", connection.warehouse.as_deref().or(Some("COMPUTE_WH"))),
            ("roleName", connection.role.as_deref()),
        ];
        let wanted: Vec<String> = wanted
            .into_iter()
            .filter_map(|(name, value)| Some(format!("{name}={}", files::escaped(value?))))
            .collect();
        let path = format!("/session/v1/login-request?{}", wanted.join("&"));
        let answer = self.http.post(&path, &json!({ "data": data }))?;
        if answer["success"] != true {
            let text = answer["message"].as_str().unwrap_or("the server does not let in");
            return Err(text.to_string());
        }
        let data = &answer["data"];
        self.http.take_tokens(data, "token");
        let info = &data["sessionInfo"];
        let text = |name: &str| info[name].as_str().map(str::to_string);
        *self.in_use.lock().unwrap_or_else(PoisonError::into_inner) = InUse {
            user: data["displayUserName"].as_str().unwrap_or_default().to_string(),
            role: text("roleName").unwrap_or_default(),
            warehouse: text("warehouseName"),
            database: text("databaseName"),
            schema: text("schemaName"),
        };
        Ok(())
    }

    /// What is in use.
    pub(crate) fn in_use(&self) -> InUse {
        self.in_use.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What completion asks.
    pub(crate) fn names(&self) -> RemoteNames {
        RemoteNames { http: Arc::clone(&self.http) }
    }

    /// Starts a statement.
    ///
    /// # Errors
    /// When it cannot be started.
    pub(crate) fn start(&self, sql: &str) -> Result<RemoteStatement, Failure> {
        let body = json!({ "sqlText": sql, "asyncExec": true });
        let answer = self.http.post("/queries/v1/query-request", &body);
        let answer = settled(answer, "")?;
        let query_id = answer["data"]["queryId"].as_str().unwrap_or_default().to_string();
        let (tell, told) = mpsc::channel();
        let (http, id) = (Arc::clone(&self.http), query_id.clone());
        std::thread::spawn(move || {
            let path = format!("/queries/{id}/result");
            let answer = loop {
                let answer = settled(http.get(&path), &id);
                let runs = |answer: &Value| RUNS.iter().any(|code| answer["code"] == *code);
                if !answer.as_ref().is_ok_and(runs) {
                    break answer;
                }
            };
            // Nobody may wait any more.
            let _ = tell.send(answer.map(|mut answer| answer["data"].take()));
        });
        Ok(RemoteStatement {
            http: Arc::clone(&self.http),
            query_id,
            told,
            looked: Slot::default(),
        })
    }

    /// What an answer gives; files of PUT and GET are moved now.
    ///
    /// # Errors
    /// When files cannot be moved.
    pub(crate) fn result(&self, data: Value) -> Result<Shown, Failure> {
        let text = |name: &str| data[name].as_str().map(str::to_string);
        let query_id = text("queryId").unwrap_or_default();
        {
            let mut in_use = self.in_use.lock().unwrap_or_else(PoisonError::into_inner);
            in_use.role = text("finalRoleName").unwrap_or_else(|| in_use.role.clone());
            in_use.warehouse = text("finalWarehouseName");
            in_use.database = text("finalDatabaseName");
            in_use.schema = text("finalSchemaName");
        }
        if data["command"].is_string() {
            let rows = files::moved(&self.http, &data).map_err(|error| {
                let code = error.code();
                let number = (code.number(), code.sqlstate());
                Failure::told(&query_id, number, &error.render(""), None)
            })?;
            let row_count = rows.len() as u64;
            return Ok(Shown { query_id, row_count, rows: Box::new(rows) });
        }
        let row_count = data["rowCount"].as_u64().unwrap_or(0);
        let rows = Box::new(RemoteRows::new(Arc::clone(&self.http), data));
        Ok(Shown { query_id, row_count, rows })
    }
}

impl Drop for Remote {
    fn drop(&mut self) {
        // A server that does not hear it ends the session when nobody has used it for long.
        let _ = self.http.post("/session?delete=true", &json!({}));
    }
}

/// An answer that went well, or the failure that it tells.
fn settled(answer: Result<Value, String>, query_id: &str) -> Result<Value, Failure> {
    let lost = |text: &str| Failure::told(query_id, (250_001, "08001"), text, None);
    let answer = answer.map_err(|text| lost(&text))?;
    if answer["success"] == true {
        return Ok(answer);
    }
    let data = &answer["data"];
    let number = answer["code"].as_str().and_then(|code| code.parse().ok()).unwrap_or(0);
    let index = |name: &str| data[name].as_u64().and_then(|value| usize::try_from(value).ok());
    Err(Failure::told(
        data["queryId"].as_str().unwrap_or(query_id),
        (number, data["sqlState"].as_str().unwrap_or_default()),
        answer["message"].as_str().unwrap_or_default(),
        index("line").zip(index("pos")),
    ))
}

impl Pending for RemoteStatement {
    type End = Result<Value, Failure>;

    fn ended_within(&self, patience: Duration) -> Option<Result<Value, Failure>> {
        match self.told.recv_timeout(patience) {
            Ok(answer) => Some(answer),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => {
                let text = "the statement's answer is lost";
                Some(Err(Failure::told(&self.query_id, (250_001, "08001"), text, None)))
            }
        }
    }

    fn cancel(&self) {
        // The statement's own end says whether it was heard.
        let _ = self.http.post(&format!("/queries/{}/abort-request", self.query_id), &json!({}));
    }

    fn so_far(&self) -> SoFar {
        let (at, so_far) = self.looked.get();
        if at.is_some_and(|at| at.elapsed() < LOOK) {
            return so_far;
        }
        let answer = self.http.get(&format!("/monitoring/queries/{}", self.query_id));
        let answer = answer.unwrap_or_default();
        let progress = &answer["data"]["queries"][0]["progress"];
        let count = |name: &str| progress[name].as_u64().unwrap_or(0);
        let so_far = SoFar {
            rows: count("rows"),
            bytes: count("bytes"),
            bytes_total: count("bytesTotal"),
            files: count("files"),
            files_total: count("filesTotal"),
        };
        self.looked.set((Some(Instant::now()), so_far));
        so_far
    }
}

/// Asks the server for names that may stand somewhere.
#[derive(Debug)]
pub(crate) struct RemoteNames {
    http: Arc<Http>,
}

impl RemoteNames {
    fn ask(&self, body: &Value) -> Vec<String> {
        // Who types does not want to hear that there is nothing to complete.
        let answer = self.http.post("/firn/names", body).unwrap_or_default();
        let names = answer["data"]["names"].as_array().into_iter().flatten();
        names.filter_map(Value::as_str).map(str::to_string).collect()
    }
}

impl Names for RemoteNames {
    fn words(&self) -> Vec<String> {
        self.ask(&json!({}))
    }

    fn members(&self, path: &[String]) -> Vec<String> {
        self.ask(&json!({ "path": path }))
    }

    fn stages(&self) -> Vec<String> {
        self.ask(&json!({ "of": "stages" }))
    }
}
