//! `/api/v2/statements`: the SQL REST API, for programs without a driver.
//!
//! Every request proves who sends it. A statement has a session of its own, which ends with it; what came of it is
//! found by its handle, which is the statement's id. Rows are JSON, in partitions.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{Request, StatusCode};
use axum::response::Response;
use firn_engine::{ClientFacts, Credential, Failure, Login, StatementResult};
use firn_types::{Error, ErrorCode};
use serde_json::{Map, Value, json};

use super::login::{address_of, trusted};
use super::query_request::{Order, begin};
use crate::answer;
use crate::bind;
use crate::client::{Client, Program};
use crate::encode::format::Format;
use crate::encode::rowtype;
use crate::envelope::{self, NO_SESSION, NO_TOKEN, Refusal};
use crate::query::{Done, Query};
use crate::request::{Call, plain_text};
use crate::state::Shared;

/// A statement that went well.
const DONE: &str = "090001";
/// How often a session's end looks whether its statement has ended.
const LOOK: Duration = Duration::from_secs(60);

/// `POST /api/v2/statements`
pub(crate) async fn submit(State(state): State<Shared>, request: Request<Body>) -> Response {
    let submitted = async {
        let call = Call::read(request).await?;
        let login = log_in(&state, &call).await?;
        let order = order_of(&call)?;
        let query = begun(&state, &call, &login, order).await?;
        Ok((call, query))
    };
    let (call, query) = match submitted.await {
        Ok(submitted) => submitted,
        Err(refusal) => return refused(&refusal),
    };
    if call.parameter("async") == Some("true") {
        return running(&query);
    }
    finished(&state, query, Some(0), call.parameter("nullable") != Some("false")).await
}

/// `GET /api/v2/statements/{handle}`
pub(crate) async fn look(
    State(state): State<Shared>,
    Path(handle): Path<String>,
    call: Call,
) -> Response {
    let query = match found(&state, &call, &handle).await {
        Ok(query) => query,
        Err(refusal) => return refused(&refusal),
    };
    if query.ended().is_none() {
        return running(&query);
    }
    let partition = call.parameter("partition").map_or(Ok(0), str::parse);
    finished(&state, query, partition.ok(), true).await
}

/// `POST /api/v2/statements/{handle}/cancel`
pub(crate) async fn cancel(
    State(state): State<Shared>,
    Path(handle): Path<String>,
    call: Call,
) -> Response {
    match found(&state, &call, &handle).await {
        Ok(query) => {
            query.cancel();
            let body = told(&query, "000604", "57014", "SQL execution canceled");
            with_status(StatusCode::OK, &Value::Object(body))
        }
        Err(refusal) => refused(&refusal),
    }
}

/// Who sends a request, by the token that it bears.
pub(super) async fn log_in(state: &Shared, call: &Call) -> Result<Login, Refusal> {
    if let Some(login) = trusted(state, call, "") {
        return Ok(login);
    }
    let token = call.token().ok_or_else(|| {
        Refusal::of_login(NO_TOKEN, "The request bears no token in its header 'Authorization'.")
    })?;
    let kind = call.headers.get("X-Snowflake-Authorization-Token-Type");
    let kind = kind.and_then(|kind| kind.to_str().ok());
    // A signed token may come without a word on what it is.
    let kind = kind.or_else(|| (!subject(token).is_empty()).then_some("KEYPAIR_JWT"));
    let (user, credential) = match kind {
        Some("KEYPAIR_JWT") => (subject(token), Credential::KeyPair(token.to_string())),
        _ => (String::new(), Credential::AccessToken(token.to_string())),
    };
    let (state, from) = (Arc::clone(state), address_of(call));
    let facts = ClientFacts { application: "SQL API".to_string(), version: String::new() };
    let known = tokio::task::spawn_blocking(move || {
        state.engine.authenticate(&user, &credential, from, &facts)
    });
    let known = known.await.map_err(|error| Refusal::of(&Error::internal(error.to_string())))?;
    known.map_err(|error| Refusal::of(&error))
}

/// The user whom a signed token names, before it is checked: the last part of `ACCOUNT.USER`.
fn subject(token: &str) -> String {
    use base64::Engine as _;
    let decode = |part: &str| base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(part).ok();
    let claims = token.split('.').nth(1).and_then(decode).unwrap_or_default();
    let claims: Value = serde_json::from_slice(&claims).unwrap_or_default();
    let subject = claims["sub"].as_str().unwrap_or_default();
    subject.rsplit('.').next().unwrap_or_default().to_string()
}

fn order_of(call: &Call) -> Result<Order, Refusal> {
    let sql = call.body["statement"]
        .as_str()
        .ok_or_else(|| Refusal::malformed("The request has no text 'statement'."))?;
    let mut order = Order::new(sql, bind::binds(&call.body["bindings"])?);
    for (name, value) in call.body["parameters"].as_object().into_iter().flatten() {
        let (name, value) = (name.to_uppercase(), plain_text(value));
        if name == "MULTI_STATEMENT_COUNT" {
            order.set_count(&value);
        } else {
            order.parameters.push((name, value));
        }
    }
    if let Some(seconds) = call.body["timeout"].as_u64().filter(|seconds| *seconds > 0) {
        order.parameters.push(("STATEMENT_TIMEOUT_IN_SECONDS".to_string(), seconds.to_string()));
    }
    Ok(order)
}

/// The query of a request, which has come before, or begins now in a session of its own.
async fn begun(
    state: &Shared,
    call: &Call,
    login: &Login,
    order: Order,
) -> Result<Arc<Query>, Refusal> {
    let named = |name: &str| call.body[name].as_str().map(str::to_string);
    let options = firn_engine::SessionOptions {
        database: named("database"),
        schema: named("schema"),
        warehouse: named("warehouse"),
        role: named("role"),
        reach: state.options.reach(),
        client: Some("SQL API".to_string()),
        ..login.session_options()
    };
    let key = call.request_id().map(|key| format!("{}/{key}", login.user));
    let (own, user) = (Arc::clone(state), login.user.clone());
    let begun = tokio::task::spawn_blocking(move || {
        let session = own.engine.session(options);
        let session = session.map_err(|error| Refusal::of_login(NO_SESSION, error.render("")))?;
        let client = Arc::new(Client::new(session, user, Program::Other));
        let begin = || {
            let query = begin(&own, &client, order);
            keep(Arc::clone(&client), Arc::clone(&query));
            query
        };
        // Sessions have numbers from 1 on.
        Ok(match key {
            Some(key) => own.queries.request(0, &key).query(begin),
            None => begin(),
        })
    });
    begun.await.map_err(|error| Refusal::of(&Error::internal(error.to_string())))?
}

/// Keeps a session until its statement has ended.
fn keep(client: Arc<Client>, query: Arc<Query>) {
    tokio::spawn(async move {
        while query.wait(LOOK).await.is_none() {}
        let _ = tokio::task::spawn_blocking(move || drop(client)).await;
    });
}

async fn found(state: &Shared, call: &Call, handle: &str) -> Result<Arc<Query>, Refusal> {
    let login = log_in(state, call).await?;
    state.queries.of(&login.user, handle).ok_or_else(|| Refusal::no_result(handle))
}

/// What every answer says.
fn told(query: &Query, code: &str, sql_state: &str, message: &str) -> Map<String, Value> {
    let told = json!({
        "code": code,
        "sqlState": sql_state,
        "message": message,
        "statementHandle": query.id,
        "statementStatusUrl": format!("/api/v2/statements/{}", query.id),
        "createdOn": query.started,
    });
    match told {
        Value::Object(told) => told,
        _ => Map::new(),
    }
}

/// An answer of JSON.
pub(super) fn with_status(status: StatusCode, body: &Value) -> Response {
    let mut response = envelope::text_answer(body.to_string());
    *response.status_mut() = status;
    response
}

fn refused(refusal: &Refusal) -> Response {
    let status = match &*refusal.code {
        envelope::NO_RESULT => StatusCode::NOT_FOUND,
        envelope::MALFORMED => StatusCode::BAD_REQUEST,
        _ if refusal.sql_state == "28000" => StatusCode::UNAUTHORIZED,
        _ => StatusCode::UNPROCESSABLE_ENTITY,
    };
    with_status(status, &json!({ "code": refusal.code, "message": refusal.message }))
}

fn running(query: &Query) -> Response {
    let text = "Asynchronous execution in progress. Use provided query id to perform query monitoring \
                and management.";
    let body = Value::Object(told(query, "333334", "00000", text));
    with_status(StatusCode::ACCEPTED, &body)
}

fn failed(query: &Query, failure: &Failure) -> Response {
    let code = format!("{:06}", failure.code.number());
    let body = told(query, &code, failure.code.sqlstate(), &failure.message);
    let status = match failure.code {
        ErrorCode::StatementTimeout => StatusCode::REQUEST_TIMEOUT,
        _ => StatusCode::UNPROCESSABLE_ENTITY,
    };
    with_status(status, &Value::Object(body))
}

/// Waits for a query and answers with one of its partitions.
async fn finished(
    state: &Shared,
    query: Arc<Query>,
    partition: Option<usize>,
    nullable: bool,
) -> Response {
    let Some(ended) = query.wait(state.options.patience).await else { return running(&query) };
    let state = Arc::clone(state);
    let made = tokio::task::spawn_blocking(move || {
        let done = match &ended.outcome {
            Ok(done) => done,
            Err(failure) => return Ok(failed(&query, failure)),
        };
        if !done.children.is_empty() {
            return Ok(script(&query, done));
        }
        let result = state.engine.kept_result(&query.user, &query.id);
        let result = result.ok_or_else(|| Refusal::no_result(&query.id))?;
        rows(&state, (&query, done), &result, partition, nullable)
    });
    match made.await {
        Ok(Ok(response)) => response,
        Ok(Err(refusal)) => refused(&refusal),
        Err(error) => refused(&Refusal::of(&Error::internal(error.to_string()))),
    }
}

fn rows(
    state: &Shared,
    (query, done): (&Query, &Done),
    result: &StatementResult,
    partition: Option<usize>,
    nullable: bool,
) -> Result<Response, Refusal> {
    let parts = answer::parts(query, result);
    let number = partition.filter(|number| *number < parts.len());
    let number = number.ok_or_else(|| Refusal::malformed("There is no such partition."))?;
    let body = answer::body_of(state, &parts[number], result, Format::Rest { nullable });
    let body = body.map_err(|error| Refusal::of(&error))?;
    let body = String::from_utf8_lossy(&body);
    if number > 0 {
        return Ok(envelope::text_answer(format!("{{\"data\":[{body}]}}")));
    }
    let info = parts.iter().map(|part| {
        json!({
            "rowCount": part.rows, "uncompressedSize": part.bytes, "compressedSize": part.bytes,
        })
    });
    let mut answer = told(query, DONE, "00000", "Statement executed successfully.");
    let mut columns = Map::new();
    rowtype::describe(&done.fields, &mut columns);
    let metadata = json!({
        "numRows": result.rows(),
        "format": "jsonv2",
        "partitionInfo": info.collect::<Vec<_>>(),
        "rowType": columns["rowtype"],
    });
    answer.insert("resultSetMetaData".to_string(), metadata);
    if !done.counts.is_empty() {
        answer.insert("stats".to_string(), answer::stats(&done.counts));
    }
    let mut text = Value::Object(answer).to_string();
    // The object is not empty, and ends with a brace.
    text.pop();
    text.push_str(",\"data\":[");
    text.push_str(&body);
    text.push_str("]}");
    Ok(envelope::text_answer(text))
}

fn script(query: &Query, done: &Done) -> Response {
    let mut answer = told(query, DONE, "00000", "Statement executed successfully.");
    let handles: Vec<&str> = done.children.iter().map(|(id, _)| id.as_str()).collect();
    answer.insert("statementHandles".to_string(), handles.into());
    answer.insert("data".to_string(), json!([[answer::SCRIPT_DONE]]));
    with_status(StatusCode::OK, &Value::Object(answer))
}
