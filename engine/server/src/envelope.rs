//! The form of every answer: `{"success": .., "code": .., "message": .., "data": ..}`.
//!
//! A statement that fails is an answer like any other, with HTTP status 200: clients take any other status for a
//! fault of the network, and try again, some of them for ever.

use std::borrow::Cow;

use axum::body::Body;
use axum::http::header::CONTENT_TYPE;
use axum::response::Response;
use firn_engine::Failure;
use firn_types::error::Phase;
use firn_types::{Error, ErrorCode};
use serde_json::{Map, Value, json};

use crate::request_log::note;

/// A way to log in that firn does not have.
pub(crate) const NO_SUCH_LOGIN: &str = "390104";
/// A session that cannot begin.
pub(crate) const NO_SESSION: &str = "390201";
/// No room for a further session.
pub(crate) const NO_ROOM: &str = "390195";
/// No token, or none that was ever given.
pub(crate) const NO_TOKEN: &str = "390103";
/// The session is gone.
pub(crate) const SESSION_GONE: &str = "390111";
/// The session's token is to be renewed.
pub(crate) const TOKEN_EXPIRED: &str = "390112";
/// The master token is too old, too: the client logs in anew.
pub(crate) const MASTER_EXPIRED: &str = "390114";
/// The password has to be changed.
pub(crate) const PASSWORD_EXPIRED: &str = "390106";
/// No result of that id.
pub(crate) const NO_RESULT: &str = "000612";
/// A request that is not of the protocol's form.
pub(crate) const MALFORMED: &str = "390400";

/// A refused request: what is wrong, as the client shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// Snowflake's number, as digits.
    pub(crate) code: Cow<'static, str>,
    /// The five characters of SQLSTATE.
    pub(crate) sql_state: &'static str,
    /// What is wrong, and what would be right.
    pub(crate) message: String,
    /// The engine's error that it is for.
    pub(crate) error: Option<ErrorCode>,
}

impl Refusal {
    /// A refusal of a login or a session.
    pub(crate) fn of_login(code: &'static str, message: impl Into<String>) -> Refusal {
        Refusal { code: code.into(), sql_state: "28000", message: message.into(), error: None }
    }

    /// The refusal for an error of the engine.
    pub(crate) fn of(error: &Error) -> Refusal {
        let code = error.code();
        Refusal {
            code: format!("{:06}", code.number()).into(),
            sql_state: code.sqlstate(),
            message: error.render(""),
            error: Some(code),
        }
    }

    /// A request that cannot be read.
    pub(crate) fn malformed(message: impl Into<String>) -> Refusal {
        let (code, message) = (MALFORMED.into(), message.into());
        Refusal { code, sql_state: "08P01", message, error: None }
    }

    /// There is no such result.
    pub(crate) fn no_result(query_id: &str) -> Refusal {
        let message = format!("Result not found: no result of the query {query_id} is kept.");
        Refusal { code: NO_RESULT.into(), sql_state: "02000", message, error: None }
    }

    /// As an answer.
    pub(crate) fn answer(&self) -> Response {
        self.answer_with(&[])
    }

    /// As an answer whose data say more.
    pub(crate) fn answer_with(&self, more: &[(&str, Value)]) -> Response {
        let mut data =
            json!({ "errorCode": self.code, "sqlState": self.sql_state, "queryId": null });
        for (name, value) in more {
            data[*name] = value.clone();
        }
        let body = json!({
            "data": data, "code": self.code, "message": self.message, "success": false,
            "headers": null,
        });
        noted_error(text_answer(body.to_string()), self.code.to_string())
    }
}

fn noted_error(mut response: Response, code: String) -> Response {
    note(response.extensions_mut(), |noted| noted.error = Some(code));
    response
}

/// An answer that went well.
pub(crate) fn success(data: &Value) -> Response {
    coded(Value::Null, Value::Null, data)
}

/// An answer that went well and has more to say than its data.
pub(crate) fn coded(code: Value, message: Value, data: &Value) -> Response {
    let body = json!({
        "data": data, "code": code, "message": message, "success": true, "headers": null,
    });
    text_answer(body.to_string())
}

/// An answer with rows: they are the value of a key of the data, and already JSON.
pub(crate) fn with_rows(data: Map<String, Value>, key: &str, rows: &str) -> Response {
    let mut body = String::with_capacity(rows.len() + 8192);
    body.push_str("{\"data\":");
    body.push_str(&Value::Object(data).to_string());
    // The object is not empty, and ends with a brace.
    body.pop();
    body.push_str(",\"");
    body.push_str(key);
    body.push_str("\":");
    body.push_str(rows);
    body.push_str("},\"code\":null,\"message\":null,\"success\":true,\"headers\":null}");
    text_answer(body)
}

/// The answer of a statement that failed.
pub(crate) fn failed(failure: &Failure) -> Response {
    let code = format!("{:06}", failure.number);
    let (line, position) = failure.place.unzip();
    let kind = match failure.code.phase() {
        Phase::Syntax | Phase::Compilation => "COMPILATION",
        Phase::Access | Phase::Execution => "EXECUTION",
    };
    let body = json!({
        "data": {
            "internalError": false,
            "errorCode": code,
            "age": 0,
            "sqlState": failure.code.sqlstate(),
            "queryId": failure.query_id,
            "line": line,
            "pos": position,
            "type": kind,
            "unredactedFromSecureObject": false,
        },
        "code": code,
        "message": failure.message,
        "success": false,
        "headers": null,
    });
    noted_error(text_answer(body.to_string()), code)
}

/// A JSON text as an answer.
pub(crate) fn text_answer(body: String) -> Response {
    let mut response = Response::new(Body::from(body));
    let json = axum::http::HeaderValue::from_static("application/json");
    response.headers_mut().insert(CONTENT_TYPE, json);
    response
}
