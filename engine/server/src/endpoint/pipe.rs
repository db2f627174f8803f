//! `/v1/data/pipes/{pipe}`: what programs ask of pipes without SQL.

use std::ops::Range;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{Request, StatusCode};
use axum::response::Response;
use chrono::{DateTime, SecondsFormat};
use firn_engine::{IngestedFile, PipeReport, Session, SessionOptions};
use firn_types::{Error, ErrorCode};
use serde_json::{Value, json};

use super::rest::{log_in, with_status};
use crate::envelope::{MALFORMED, NO_SESSION, Refusal};
use crate::request::Call;
use crate::state::Shared;

/// Files that one request may name, and bytes that a path of one may have.
const FILES_MAX: usize = 5_000;
const PATH_MAX: usize = 1_024;
/// Files that one report tells of.
const REPORTED_MAX: usize = 10_000;
/// How far back a report without a mark looks: ten minutes.
const RECENT_SECONDS: i64 = 600;
const NANOS_PER_SECOND: i64 = 1_000_000_000;

/// `POST /v1/data/pipes/{pipe}/insertFiles`
pub(crate) async fn insert_files(
    State(state): State<Shared>,
    Path(pipe): Path<String>,
    request: Request<Body>,
) -> Response {
    let inserted = async {
        let call = Call::read_text(request).await?;
        let paths = paths_of(&call.body)?;
        let skipped = asked(&state, &call, move |session| session.insert_files(&pipe, &paths));
        Ok((skipped.await?, call))
    };
    let (skipped, call) = match inserted.await {
        Ok(inserted) => inserted,
        Err(refusal) => return refused(&refusal),
    };
    let mut answer = json!({ "requestId": call.request_id(), "status": "success" });
    if call.parameter("showSkippedFiles") == Some("true") {
        answer["skippedFiles"] = skipped.into();
    }
    with_status(StatusCode::OK, &answer)
}

/// `GET /v1/data/pipes/{pipe}/insertReport`: the files of the last ten minutes, or since the mark of the report before.
pub(crate) async fn insert_report(
    State(state): State<Shared>,
    Path(pipe): Path<String>,
    call: Call,
) -> Response {
    let reported = async {
        let mark = call.parameter("beginMark").map(number).transpose()?;
        let seconds = call.parameter("recentSeconds").map(number).transpose()?;
        let seconds = seconds.unwrap_or(RECENT_SECONDS).clamp(0, RECENT_SECONDS);
        asked(&state, &call, move |session| {
            let from = session.now_nanos().saturating_sub(seconds.saturating_mul(NANOS_PER_SECOND));
            let from = mark.map_or(from, |mark| mark.saturating_add(1));
            let report = session.pipe_report(&pipe, from..i64::MAX, REPORTED_MAX)?;
            Ok((report, from))
        })
        .await
    };
    match reported.await {
        Ok((report, from)) => {
            let last = report.files.last().map(|file| file.record.loaded_nanos);
            let mark = last.unwrap_or(from.saturating_sub(1)).to_string();
            let mut answer = told(&report);
            answer["nextBeginMark"] = mark.into();
            answer["statistics"] = json!({ "activeFilesCount": report.waiting });
            with_status(StatusCode::OK, &answer)
        }
        Err(refusal) => refused(&refusal),
    }
}

/// `GET /v1/data/pipes/{pipe}/loadHistoryScan`: the files of a time.
pub(crate) async fn load_history_scan(
    State(state): State<Shared>,
    Path(pipe): Path<String>,
    call: Call,
) -> Response {
    let reported = async {
        let start = call.parameter("startTimeInclusive").map(moment).transpose()?;
        let missing = || Refusal::malformed("The parameter startTimeInclusive is missing.");
        let start = start.ok_or_else(missing)?;
        let end = call.parameter("endTimeExclusive").map(moment).transpose()?;
        asked(&state, &call, move |session| {
            let range = start..end.unwrap_or_else(|| session.now_nanos());
            Ok((session.pipe_report(&pipe, range.clone(), REPORTED_MAX)?, range))
        })
        .await
    };
    match reported.await {
        Ok((report, range)) => {
            let mut answer = told(&report);
            let Range { start, end } = range;
            answer["startTimeInclusive"] = text_of(start).into();
            answer["endTimeExclusive"] = text_of(end).into();
            if let [first, .., last] | [first @ last] = report.files.as_slice() {
                answer["rangeStartTime"] = text_of(first.record.loaded_nanos).into();
                answer["rangeEndTime"] = text_of(last.record.loaded_nanos).into();
            }
            with_status(StatusCode::OK, &answer)
        }
        Err(refusal) => refused(&refusal),
    }
}

/// Asks something of a session of whoever sends a request, which has the user's default role.
async fn asked<T: Send + 'static>(
    state: &Shared,
    call: &Call,
    ask: impl FnOnce(&Session) -> firn_types::Result<T> + Send + 'static,
) -> Result<T, Refusal> {
    let login = log_in(state, call).await?;
    let options = SessionOptions {
        reach: state.options.reach(),
        client: Some("Snowpipe".to_string()),
        lenient: true,
        ..login.session_options()
    };
    let state = Arc::clone(state);
    let answered = tokio::task::spawn_blocking(move || {
        let session = state.engine.session(options);
        let session = session.map_err(|error| Refusal::of_login(NO_SESSION, error.render("")))?;
        ask(&session).map_err(|error| Refusal::of(&error))
    });
    answered.await.map_err(|error| Refusal::of(&Error::internal(error.to_string())))?
}

/// The paths of a request: `{"files": [{"path": ..}, ..]}`, or a text with one in each line.
fn paths_of(body: &Value) -> Result<Vec<String>, Refusal> {
    let form = "The body is {\"files\": [{\"path\": \"..\"}, ..]}, or as text/plain one path in each line.";
    let paths: Option<Vec<String>> = match (body, &body["files"]) {
        (Value::String(text), _) => {
            let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
            Some(lines.map(str::to_string).collect())
        }
        (_, Value::Array(files)) => {
            let path = |file: &Value| file["path"].as_str().map(str::to_string);
            files.iter().map(path).collect()
        }
        _ => None,
    };
    let paths = paths.ok_or_else(|| Refusal::malformed(form))?;
    if paths.len() > FILES_MAX {
        let text = format!("A request names at most {FILES_MAX} files, not {}.", paths.len());
        return Err(Refusal::malformed(text));
    }
    match paths.iter().find(|path| path.is_empty() || path.len() > PATH_MAX) {
        Some(_) => {
            Err(Refusal::malformed(format!("The path of a file has 1 to {PATH_MAX} bytes.")))
        }
        None => Ok(paths),
    }
}

fn told(report: &PipeReport) -> Value {
    json!({
        "pipe": report.pipe,
        "completeResult": report.complete,
        "files": report.files.iter().map(file_of).collect::<Vec<Value>>(),
    })
}

fn file_of(file: &IngestedFile) -> Value {
    let record = &file.record;
    let received = record.by_pipe.map_or(record.loaded_nanos, |load| load.received_nanos);
    let mut told = json!({
        "path": file.path,
        "stageLocation": file.location,
        "fileSize": record.size,
        "timeReceived": text_of(received),
        "lastInsertTime": text_of(record.loaded_nanos),
        "rowsInserted": record.rows_loaded,
        "rowsParsed": record.rows_parsed,
        "errorsSeen": record.error_count,
        "errorLimit": record.error_limit,
        "complete": true,
        "status": file.status,
    });
    if let Some(error) = &record.first_error {
        told["firstError"] = error.message.as_str().into();
        told["firstErrorLineNum"] = error.line.into();
        told["firstErrorCharacterPos"] = error.character.into();
        told["firstErrorColumnName"] = error.column.as_deref().into();
    }
    told
}

fn text_of(nanos: i64) -> String {
    DateTime::from_timestamp_nanos(nanos).to_rfc3339_opts(SecondsFormat::Millis, true)
}

fn number(text: &str) -> Result<i64, Refusal> {
    text.parse().map_err(|_| Refusal::malformed(format!("'{text}' is no number.")))
}

fn moment(text: &str) -> Result<i64, Refusal> {
    let read = DateTime::parse_from_rfc3339(text).ok().and_then(|time| time.timestamp_nanos_opt());
    read.ok_or_else(|| {
        Refusal::malformed(format!("'{text}' is no time such as 2024-02-29T12:00:00.000Z."))
    })
}

fn refused(refusal: &Refusal) -> Response {
    let status = match refusal.error {
        Some(ErrorCode::NotFound | ErrorCode::ObjectNotFound) => StatusCode::NOT_FOUND,
        _ if refusal.sql_state == "28000" => StatusCode::UNAUTHORIZED,
        Some(ErrorCode::InsufficientPrivileges) => StatusCode::FORBIDDEN,
        None if refusal.code == MALFORMED => StatusCode::BAD_REQUEST,
        _ => StatusCode::UNPROCESSABLE_ENTITY,
    };
    let (code, message) = (&refusal.code, &refusal.message);
    let body = json!({ "data": null, "code": code, "message": message, "success": false });
    with_status(status, &body)
}
