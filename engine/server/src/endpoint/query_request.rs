//! `POST /queries/v1/query-request`: a statement, or several.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::Request;
use axum::response::Response;
use firn_engine::{
    Binds, Field, ParameterValue, SqlType, Statement, StatementDescription, StatementOptions, split,
};
use serde_json::Value;
use uuid::Uuid;

use crate::answer;
use crate::client::Client;
use crate::encode::format::{self, Format, statement_type};
use crate::encode::rowtype;
use crate::envelope::{self, Refusal};
use crate::query::{Done, Query};
use crate::request::{Call, plain_text};
use crate::state::{Counters, Shared};

/// What is to be done, as the body of the request says.
pub(super) struct Order {
    sql: String,
    binds: Binds,
    /// Parameters for this statement alone.
    pub(super) parameters: Vec<(String, String)>,
    /// How many statements the text has; none when any number is right.
    statements: Option<usize>,
    /// The form of the rows that is asked for.
    format: Option<String>,
    detached: bool,
    describe: bool,
}

impl Order {
    /// To run one statement with these values.
    pub(super) fn new(sql: &str, binds: Binds) -> Order {
        Order {
            sql: sql.to_string(),
            binds,
            parameters: Vec::new(),
            statements: Some(1),
            format: None,
            detached: false,
            describe: false,
        }
    }

    /// Says how many statements the text has: 0 is any number, and what is no number is one.
    pub(super) fn set_count(&mut self, count: &str) {
        self.statements = count.parse().map_or(Some(1), counted);
    }
}

/// Handles the request.
pub(crate) async fn query(State(state): State<Shared>, request: Request<Body>) -> Response {
    match Call::read(request).await {
        Ok(call) => match answered(&state, &call).await {
            Ok(response) => response,
            Err(refusal) => refusal.answer(),
        },
        Err(refusal) => refusal.answer(),
    }
}

async fn answered(state: &Shared, call: &Call) -> Result<Response, Refusal> {
    let client = state.clients.of(call.token())?;
    let mut order = order_of(&client, &call.body)?;
    if let Some(stage) = call.body["bindStage"].as_str().filter(|stage| !stage.is_empty()) {
        let (client, sql, stage) = (Arc::clone(&client), order.sql.clone(), stage.to_string());
        let read = tokio::task::spawn_blocking(move || {
            crate::bind::of_stage(&client.session, &sql, &stage)
        });
        match read.await.map_err(|error| Refusal::malformed(error.to_string()))? {
            Ok(binds) => order.binds = binds,
            Err(failure) => return Ok(envelope::failed(&failure)),
        }
    }
    if order.describe {
        let described = tokio::task::spawn_blocking(move || describe(&client, &order));
        return described.await.map_err(|error| Refusal::malformed(error.to_string()));
    }
    let detached = order.detached;
    let begin = || begin(state, &client, order);
    let query = match call.request_id() {
        Some(key) => state.queries.request(client.session.id(), key).query(begin),
        None => begin(),
    };
    if detached {
        return Ok(answer::in_progress(&query, true));
    }
    Ok(match query.wait(state.options.patience).await {
        Some(ended) => answer::ended(state, &client, &query, ended, call.base()).await,
        None => answer::in_progress(&query, false),
    })
}

/// Reads the body of the request.
fn order_of(client: &Client, body: &Value) -> Result<Order, Refusal> {
    let sql = body["sqlText"]
        .as_str()
        .ok_or_else(|| Refusal::malformed("The request has no text 'sqlText'."))?;
    let mut order = Order::new(sql, crate::bind::binds(&body["bindings"])?);
    order.detached = body["asyncExec"] == true;
    order.describe = body["describeOnly"] == true;
    let count = client.session.parameter("MULTI_STATEMENT_COUNT");
    if let Some(ParameterValue::Number(count)) = count {
        order.statements = counted(count);
    }
    for (name, value) in body["parameters"].as_object().into_iter().flatten() {
        let (name, value) = (name.to_uppercase(), plain_text(value));
        if name == "MULTI_STATEMENT_COUNT" {
            order.set_count(&value);
        } else if Some(name.as_str()) == format::parameter(client.program) {
            order.format = Some(value);
        } else if client.session.parameter(&name).is_some() {
            order.parameters.push((name, value));
        }
    }
    Ok(order)
}

/// 0 is any number.
fn counted(count: i64) -> Option<usize> {
    usize::try_from(count).ok().filter(|count| *count > 0)
}

/// Begins what is ordered.
pub(super) fn begin(state: &Shared, client: &Arc<Client>, order: Order) -> Arc<Query> {
    Counters::add(&state.counters.statements, 1);
    if order.statements == Some(1) {
        let options = StatementOptions { parameters: order.parameters };
        let statement = client.session.start(&order.sql, order.binds, &options);
        return watched(state, client, statement, order.format);
    }
    script(state, client, order)
}

/// Remembers a statement that runs.
fn watched(
    state: &Shared,
    client: &Client,
    statement: Statement,
    format: Option<String>,
) -> Arc<Query> {
    let id = statement.query_id().to_string();
    let query = Arc::new(Query::new(id, client, statement.text(), format));
    query.follow(&statement);
    state.queries.add(&query);
    let statement = Arc::new(statement);
    let (ended, told) = (Arc::clone(&query), Arc::clone(&statement));
    statement.at_end(move || ended.end(Done::of(&told)));
    query
}

/// Runs several statements, one after another.
fn script(state: &Shared, client: &Arc<Client>, order: Order) -> Arc<Query> {
    let id = Uuid::new_v4().to_string();
    let query = Arc::new(Query::new(id, client, &order.sql, order.format.clone()));
    state.queries.add(&query);
    let (state, client, script) = (Arc::clone(state), Arc::clone(client), Arc::clone(&query));
    tokio::spawn(async move {
        let done = run_script(&state, &client, &script, order).await;
        script.end(done);
    });
    query
}

async fn run_script(
    state: &Shared,
    client: &Arc<Client>,
    script: &Query,
    order: Order,
) -> Result<Done, firn_engine::Failure> {
    let pieces: Vec<String> =
        split::split_script(&order.sql).iter().map(|piece| piece.text.to_string()).collect();
    if let Some(wanted) = order.statements
        && wanted != pieces.len()
    {
        return Err(firn_engine::Failure::wrong_count(&script.id, pieces.len(), wanted));
    }
    let mut children = Vec::with_capacity(pieces.len());
    for sql in &pieces {
        let options = StatementOptions { parameters: order.parameters.clone() };
        let statement = client.session.start(sql, order.binds.clone(), &options);
        script.follow(&statement);
        let child = watched(state, client, statement, order.format.clone());
        let ended = loop {
            if let Some(ended) = child.wait(state.options.patience).await {
                break ended;
            }
        };
        match &ended.outcome {
            Ok(done) => children.push((child.id.clone(), statement_type(done.kind))),
            Err(failure) => return Err(failure.clone()),
        }
    }
    Ok(Done {
        kind: "MULTI_STATEMENT",
        fields: Arc::default(),
        binds: 0,
        counts: Vec::new(),
        in_use: client.session.in_use(),
        transfer: None,
        children,
    })
}

/// Says what a statement is, without running it.
fn describe(client: &Client, order: &Order) -> Response {
    let described = match client.session.describe(&order.sql) {
        Ok(described) => described,
        Err(failure) => return envelope::failed(&failure),
    };
    let StatementDescription { kind, fields, binds } = described;
    let fields = fields.unwrap_or_else(|| vec![Field::new("status", SqlType::TEXT)]);
    let id = Uuid::new_v4().to_string();
    let mut data = answer::data_of(client, &id, (kind, binds.len()), client.session.in_use());
    rowtype::describe(&fields, &mut data);
    data.insert("total".to_string(), 0.into());
    data.insert("returned".to_string(), 0.into());
    let format = Format::of(client.program, kind, &client.session, order.format.as_deref());
    data.insert("queryResultFormat".to_string(), format.name().into());
    match format {
        Format::Arrow => envelope::with_rows(data, "rowsetBase64", "\"\""),
        _ => envelope::with_rows(data, "rowset", "[]"),
    }
}
