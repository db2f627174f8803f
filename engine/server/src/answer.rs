//! The answers that tell of a query: that it runs, that it failed, or what came of it.

use std::sync::Arc;

use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use firn_column::Batch;
use firn_engine::{InUse, ParameterValue, Session, StatementResult};
use firn_types::{Error, Result};
use serde_json::{Map, Value, json};

use crate::client::Client;
use crate::encode::format::{Format, SCRIPT_TYPE, statement_type};
use crate::encode::json::JsonRows;
use crate::encode::part::{Part, cut};
use crate::encode::{arrow, rowtype, shown};
use crate::envelope::{self, Refusal};
use crate::query::{Done, Query, now_millis};
use crate::request_log::note;
use crate::state::{Counters, State};
use crate::transfer;

/// A query that still runs when its request has waited long enough.
const IN_PROGRESS: &str = "333333";
/// A query whose client does not wait for it.
const IN_PROGRESS_ASYNC: &str = "333334";
/// Seconds after which a query is ended, as answers tell.
const ABORTS_AFTER_SECONDS: u64 = 604_800;

/// What a script answers.
const SCRIPT_COLUMN: &str = "multiple statement execution";
pub(crate) const SCRIPT_DONE: &str = "Multiple statements executed successfully.";

/// Parameters that clients look for and that are the same in every session.
const FIXED_PARAMETERS: &[(&str, i64)] = &[("QUERY_CONTEXT_CACHE_SIZE", 0)];

/// The answer that a query runs, and where its result is going to be.
pub(crate) fn in_progress(query: &Query, detached: bool) -> Response {
    let (code, text) = match detached {
        true => (IN_PROGRESS_ASYNC, "Query execution in progress. Asynchronous execution."),
        false => (IN_PROGRESS, "Query execution in progress."),
    };
    let data = json!({
        "queryId": query.id,
        "getResultUrl": format!("/queries/{}/result", query.id),
        "queryAbortsAfterSecs": ABORTS_AFTER_SECONDS,
        "progressDesc": null,
    });
    noted(envelope::coded(code.into(), text.into(), &data), query)
}

/// Notes for the log which statement an answer is about.
fn noted(mut response: Response, query: &Query) -> Response {
    note(response.extensions_mut(), |noted| noted.query_id = Some(query.id.clone()));
    response
}

/// A session's parameters as answers list them.
pub(crate) fn parameters(session: &Session) -> Vec<Value> {
    let value = |value| match value {
        ParameterValue::Boolean(value) => Value::from(value),
        ParameterValue::Number(value) => Value::from(value),
        ParameterValue::Text(value) => Value::from(value),
    };
    let named = |name: &str, value: Value| json!({ "name": name, "value": value });
    let own = session.parameters().into_iter().map(|(name, own)| named(name, value(own)));
    let fixed = FIXED_PARAMETERS.iter().map(|(name, value)| named(name, (*value).into()));
    let texts = std::iter::once(named("SERVICE_NAME", "".into()));
    own.chain(fixed).chain(texts).collect()
}

/// What every answer of a statement says.
pub(crate) fn data_of(
    client: &Client,
    query_id: &str,
    (kind, binds): (&str, usize),
    in_use: InUse,
) -> Map<String, Value> {
    let data = json!({
        "parameters": parameters(&client.session),
        "queryId": query_id,
        "databaseProvider": null,
        "finalDatabaseName": in_use.database,
        "finalSchemaName": in_use.schema,
        "finalWarehouseName": in_use.warehouse,
        "finalRoleName": in_use.role,
        "numberOfBinds": binds,
        "arrayBindSupported": kind == "INSERT",
        "statementTypeId": statement_type(kind),
        "version": 1,
        "sendResultTime": now_millis(),
    });
    match data {
        Value::Object(data) => data,
        _ => Map::new(),
    }
}

/// The answer of a query that has ended.
pub(crate) fn of_ended(
    state: &State,
    client: &Client,
    query: &Query,
    done: &Done,
    base: &str,
) -> Response {
    if !done.children.is_empty() {
        return script(client, query, done);
    }
    if let Some(transfer) = &done.transfer {
        return transfer::answer(state, client, query, (done, transfer), base);
    }
    let Some(result) = client.session.kept_result(&query.id) else {
        return Refusal::no_result(&query.id).answer();
    };
    match with_rows(state, client, (query, done), &result, base) {
        Ok(response) => response,
        Err(error) => Refusal::of(&error).answer(),
    }
}

/// The form in which a client gets the rows of a query.
pub(crate) fn format_for(client: &Client, query: &Query, kind: &str) -> Format {
    Format::of(client.program, kind, &client.session, query.format.as_deref())
}

/// The parts of a query's rows.
pub(crate) fn parts<'q>(query: &'q Query, result: &StatementResult) -> &'q [Part] {
    query.parts.get_or_init(|| cut(&result.batch_sizes()))
}

/// The rows of a part in a form: what stands between the brackets of JSON, or an Arrow stream.
///
/// # Errors
/// When they cannot be read.
pub(crate) fn body_of(
    state: &State,
    part: &Part,
    result: &StatementResult,
    format: Format,
) -> Result<Vec<u8>> {
    let whole = part.rows == result.rows();
    let batches = part.read(result)?;
    let body = match format {
        Format::Arrow => arrow::stream(result, &batches, whole)?,
        Format::Json => json_of(&JsonRows::new(result), part, &batches)?,
        Format::Rest { nullable } => {
            json_of(&JsonRows { words: true, nullable, result }, part, &batches)?
        }
        Format::Shown => {
            let mut out = String::with_capacity(part.bytes * 2);
            batches.iter().try_for_each(|batch| shown::write(result, batch, &mut out))?;
            out.into_bytes()
        }
    };
    Counters::add(&state.counters.rows, part.rows);
    Counters::add(&state.counters.bytes, body.len());
    Ok(body)
}

fn json_of(rows: &JsonRows<'_>, part: &Part, batches: &[Batch]) -> Result<Vec<u8>> {
    let mut out = String::with_capacity(part.bytes * 2);
    batches.iter().try_for_each(|batch| rows.write(batch, &mut out))?;
    Ok(out.into_bytes())
}

fn with_rows(
    state: &State,
    client: &Client,
    (query, done): (&Query, &Done),
    result: &StatementResult,
    base: &str,
) -> Result<Response> {
    let mut data = data_of(client, &query.id, (done.kind, done.binds), done.in_use.clone());
    let format = format_for(client, query, done.kind);
    rowtype::describe(&done.fields, &mut data);
    if format == Format::Shown {
        let types = done.fields.iter().map(|field| Value::from(field.sql_type.to_string()));
        data.insert("typeNames".to_string(), types.collect());
        data.insert("rowCount".to_string(), result.row_count.into());
    }
    data.insert("total".to_string(), result.rows().into());
    data.insert("queryResultFormat".to_string(), format.name().into());
    if !done.counts.is_empty() {
        data.insert("stats".to_string(), stats(&done.counts));
    }
    let [first, others @ ..] = parts(query, result) else {
        return Err(Error::internal("a result without parts"));
    };
    data.insert("returned".to_string(), result.rows().into());
    if !others.is_empty() {
        let chunk = |(index, part): (usize, &Part)| {
            json!({
                "url": format!("{base}/results/{}/{}/{}/{}", query.id, query.secret, format.name(), index + 1),
                "rowCount": part.rows,
                "uncompressedSize": part.bytes,
                "compressedSize": part.bytes,
            })
        };
        let chunks: Vec<Value> = others.iter().enumerate().map(chunk).collect();
        data.insert("chunks".to_string(), chunks.into());
        data.insert("chunkHeaders".to_string(), json!({ "x-firn-result": query.id }));
    }
    let rows = body_of(state, first, result, format)?;
    Ok(match format {
        Format::Arrow => {
            let rows = format!("\"{}\"", STANDARD.encode(rows));
            envelope::with_rows(data, "rowsetBase64", &rows)
        }
        Format::Json | Format::Rest { .. } | Format::Shown => {
            let rows = String::from_utf8(rows).map_err(|e| Error::internal(e.to_string()))?;
            envelope::with_rows(data, "rowset", &format!("[{rows}]"))
        }
    })
}

/// What a statement has done to how many rows.
pub(crate) fn stats(counts: &[(String, u64)]) -> Value {
    let sum = |start: &str| -> u64 {
        let matching = counts.iter().filter(|(name, _)| name.starts_with(start));
        matching.map(|(_, count)| count).sum()
    };
    json!({
        "numRowsInserted": sum("number of rows inserted"),
        "numRowsUpdated": sum("number of rows updated"),
        "numRowsDeleted": sum("number of rows deleted"),
        "numDmlDuplicates": 0,
    })
}

/// The answer of several statements: their ids.
fn script(client: &Client, query: &Query, done: &Done) -> Response {
    let mut data = data_of(client, &query.id, (done.kind, done.binds), done.in_use.clone());
    let ids: Vec<&str> = done.children.iter().map(|(id, _)| id.as_str()).collect();
    let types: Vec<String> = done.children.iter().map(|(_, number)| number.to_string()).collect();
    let field = firn_engine::Field::new(SCRIPT_COLUMN, firn_engine::SqlType::TEXT);
    rowtype::describe(&[field], &mut data);
    data.insert("statementTypeId".to_string(), SCRIPT_TYPE.into());
    data.insert("resultIds".to_string(), ids.join(",").into());
    data.insert("resultTypes".to_string(), types.join(",").into());
    data.insert("total".to_string(), 1.into());
    data.insert("returned".to_string(), 1.into());
    data.insert("queryResultFormat".to_string(), Format::Json.name().into());
    envelope::with_rows(data, "rowset", &json!([[SCRIPT_DONE]]).to_string())
}

/// Makes the answer of a query that has ended, on a thread for blocking work.
pub(crate) async fn ended(
    state: &Arc<State>,
    client: &Arc<Client>,
    query: &Arc<Query>,
    ended: Arc<crate::query::Ended>,
    base: String,
) -> Response {
    if let Err(failure) = &ended.outcome {
        return noted(envelope::failed(failure), query);
    }
    let asked = Arc::clone(query);
    let (state, client, query) = (Arc::clone(state), Arc::clone(client), Arc::clone(query));
    let made = tokio::task::spawn_blocking(move || match &ended.outcome {
        Ok(done) => of_ended(&state, &client, &query, done, &base),
        Err(failure) => envelope::failed(failure),
    });
    let response = made.await;
    let failed = |error: tokio::task::JoinError| Error::internal(error.to_string());
    let response = response.unwrap_or_else(|error| Refusal::of(&failed(error)).answer());
    noted(response, &asked)
}
