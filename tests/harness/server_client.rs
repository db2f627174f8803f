//! A client of the server's protocol: as little HTTP as its tests need.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::{Value, json};

/// What came back.
#[derive(Debug)]
pub struct Reply {
    /// HTTP's status.
    pub status: u16,
    /// The headers, in lower case.
    pub headers: String,
    /// The body.
    pub body: Vec<u8>,
}

impl Reply {
    /// The body as JSON.
    ///
    /// # Panics
    /// When it is none.
    pub fn json(&self) -> Value {
        let text = String::from_utf8_lossy(&self.body);
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error} in {text}"))
    }
}

/// A client that is logged in, or not yet.
#[derive(Clone, Debug)]
pub struct Client {
    address: SocketAddr,
    /// The session's token.
    pub token: String,
    /// The token that renews it.
    pub master: String,
}

impl Client {
    /// A client that is not logged in.
    pub fn new(address: SocketAddr) -> Client {
        Client { address, token: "None".to_string(), master: String::new() }
    }

    /// A client that has logged in as a program, such as `JavaScript`.
    ///
    /// # Panics
    /// When it is not let in.
    pub fn login(address: SocketAddr, program: &str) -> Client {
        let mut client = Client::new(address);
        let answer = client.try_login("/session/v1/login-request", program);
        assert_eq!(answer["success"], true, "{answer}");
        client.take_tokens(&answer);
        client
    }

    /// Asks for a login at a path, as a program.
    pub fn try_login(&self, path: &str, program: &str) -> Value {
        let data = json!({
            "CLIENT_APP_ID": program, "CLIENT_APP_VERSION": "4.0.0", "LOGIN_NAME": "firn",
            "PASSWORD": "-", "SESSION_PARAMETERS": { "AUTOCOMMIT": "true", "NOT_KNOWN": 1 },
            "CLIENT_ENVIRONMENT": { "PYTHON_VERSION": "3.12" },
        });
        self.post(path, &json!({ "data": data })).json()
    }

    fn take_tokens(&mut self, answer: &Value) {
        let text = |name: &str| answer["data"][name].as_str().unwrap_or_default().to_string();
        (self.token, self.master) = (text("token"), text("masterToken"));
    }

    /// Sends a JSON text.
    pub fn post(&self, path: &str, body: &Value) -> Reply {
        self.send("POST", path, "", body.to_string().as_bytes())
    }

    /// Asks for a path.
    pub fn get(&self, path: &str) -> Reply {
        self.send("GET", path, "", b"")
    }

    /// Sends a request with more headers, each ended by a line break.
    ///
    /// # Panics
    /// When the server does not answer.
    pub fn send(&self, method: &str, path: &str, headers: &str, body: &[u8]) -> Reply {
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nAuthorization: Snowflake Token=\"{}\"\r\n\
             Content-Length: {}\r\nConnection: close\r\n{headers}\r\n",
            self.address,
            self.token,
            body.len()
        );
        let mut bytes = head.into_bytes();
        bytes.extend_from_slice(body);
        raw(self.address, &bytes)
    }

    /// Runs a statement.
    pub fn query(&self, sql: &str) -> Value {
        self.ask(&json!({ "sqlText": sql }))
    }

    /// Sends the body of a query request.
    pub fn ask(&self, body: &Value) -> Value {
        let path = format!("/queries/v1/query-request?requestId={}", uuid::Uuid::new_v4());
        self.post(&path, body).json()
    }

    /// The rows of a statement.
    ///
    /// # Panics
    /// When it fails.
    pub fn rows(&self, sql: &str) -> Value {
        let mut answer = self.query(sql);
        assert_eq!(answer["success"], true, "{sql}: {answer}");
        answer["data"]["rowset"].take()
    }
}

/// Sends bytes and reads the answer.
///
/// # Panics
/// When the server does not answer.
pub fn raw(address: SocketAddr, bytes: &[u8]) -> Reply {
    let mut stream = TcpStream::connect(address).expect("a connection");
    stream.set_read_timeout(Some(Duration::from_secs(60))).expect("a limit");
    stream.write_all(bytes).expect("sent");
    let mut reader = BufReader::new(stream);
    let (mut line, mut length, mut status) = (String::new(), None, 0);
    let mut headers = String::new();
    loop {
        line.clear();
        let read = reader.read_line(&mut line).expect("an answer");
        let text = line.trim().to_ascii_lowercase();
        if read == 0 || text.is_empty() {
            break;
        }
        headers.push_str(&text);
        headers.push('\n');
        if let Some(rest) = text.strip_prefix("http/1.1 ") {
            status = rest.split(' ').next().and_then(|code| code.parse().ok()).unwrap_or(0);
        }
        if let Some(value) = text.strip_prefix("content-length:") {
            length = value.trim().parse::<usize>().ok();
        }
    }
    let mut body = vec![0; length.unwrap_or(0)];
    match length {
        Some(_) => reader.read_exact(&mut body).expect("the whole body"),
        None => _ = reader.read_to_end(&mut body).expect("the whole body"),
    }
    Reply { status, headers, body }
}
