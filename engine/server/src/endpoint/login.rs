//! Logging in.

use axum::body::Body;
use axum::extract::State;
use axum::http::Request;
use axum::response::Response;
use firn_engine::{LocalFiles, SessionOptions};
use serde_json::{Value, json};

use crate::answer;
use crate::client::{Client, Program};
use crate::envelope::{self, Refusal, WRONG_LOGIN};
use crate::request::{Call, plain_text};
use crate::state::{Counters, Shared};

/// `POST /session/v1/login-request`
pub(crate) async fn login(State(state): State<Shared>, request: Request<Body>) -> Response {
    let call = match Call::read(request).await {
        Ok(call) => call,
        Err(refusal) => return refusal.answer(),
    };
    let made = tokio::task::spawn_blocking(move || log_in(&state, &call));
    match made.await {
        Ok(Ok(data)) => envelope::success(&data),
        Ok(Err(refusal)) => refusal.answer(),
        Err(error) => Refusal::of_login("390000", error.to_string()).answer(),
    }
}

fn log_in(state: &Shared, call: &Call) -> Result<Value, Refusal> {
    let user = user_of(state, call)?;
    let program = program_of(call);
    let session = state
        .engine
        .session(options_of(state, call, &user))
        .map_err(|error| Refusal::of_login("390201", error.render("")))?;
    let options = &state.options;
    let client = Client::new(session, user, program);
    let (tokens, client) = state.clients.add(client, options.token_lifetime, options.idle)?;
    Counters::add(&state.counters.logins, 1);
    let in_use = client.session.in_use();
    Ok(json!({
        "masterToken": tokens.master,
        "token": tokens.session,
        "validityInSeconds": options.token_lifetime.as_secs(),
        "masterValidityInSeconds": options.idle.as_secs(),
        "displayUserName": client.user,
        "serverVersion": env!("CARGO_PKG_VERSION"),
        "firstLogin": false,
        "remMeToken": null,
        "remMeValidityInSeconds": 0,
        "healthCheckInterval": 45,
        "newClientForUpgrade": null,
        "sessionId": client.session.id(),
        "parameters": answer::parameters(&client.session),
        "sessionInfo": {
            "databaseName": in_use.database,
            "schemaName": in_use.schema,
            "warehouseName": in_use.warehouse,
            "roleName": in_use.role,
        },
        "idToken": null,
        "idTokenValidityInSeconds": 0,
        "responseData": null,
        "mfaToken": null,
        "mfaTokenValidityInSeconds": 0,
    }))
}

/// The user who logs in.
fn user_of(state: &Shared, call: &Call) -> Result<String, Refusal> {
    let name = call.data("LOGIN_NAME").as_str().unwrap_or_default();
    if !state.options.trust_local {
        let text = "Incorrect username or password was specified.";
        return Err(Refusal::of_login(WRONG_LOGIN, text));
    }
    Ok(if name.is_empty() { "FIRN".to_string() } else { name.to_uppercase() })
}

/// What the session starts with.
fn options_of(state: &Shared, call: &Call, user: &str) -> SessionOptions {
    let named = |name: &str| call.parameter(name).map(str::to_string);
    let sent = call.data("SESSION_PARAMETERS").as_object();
    let parameters: Vec<(String, String)> = sent
        .into_iter()
        .flatten()
        .filter(|(_, value)| !value.is_null())
        .map(|(name, value)| (name.to_uppercase(), plain_text(value)))
        .collect();
    // Some clients ask that what they name exists.
    let checked = parameters.iter().any(|(name, value)| {
        name == "CLIENT_VALIDATE_DEFAULT_PARAMETERS" && value.eq_ignore_ascii_case("true")
    });
    let client = [call.data("CLIENT_APP_ID"), call.data("CLIENT_APP_VERSION")];
    let client: Vec<&str> = client.into_iter().filter_map(Value::as_str).collect();
    SessionOptions {
        database: named("databaseName"),
        schema: named("schemaName"),
        warehouse: named("warehouse"),
        role: named("roleName"),
        user: Some(user.to_string()),
        parameters,
        client: (!client.is_empty()).then(|| client.join(" ")),
        address: call.peer.map(|peer| peer.address.ip().to_string()),
        local_files: LocalFiles::Below(state.options.local_folders.clone()),
        lenient: !checked,
        ..SessionOptions::default()
    }
}

/// The program that logs in. What is built on the Python connector has a name of its own, but tells of
/// the interpreter.
fn program_of(call: &Call) -> Program {
    let environment = call.data("CLIENT_ENVIRONMENT");
    let session = call.data("SESSION_PARAMETERS");
    let runtime = |place: &Value| {
        let name = place["RUNTIME_NAME"].as_str().or_else(|| place["CLIENT_RUNTIME_NAME"].as_str());
        name.is_some()
    };
    match call.data("CLIENT_APP_ID").as_str().unwrap_or_default() {
        "JavaScript" => Program::JavaScript,
        "Go" => Program::Go,
        "JDBC" => Program::Jdbc,
        _ if runtime(environment) || runtime(session) => Program::PythonCore,
        _ if !environment["PYTHON_VERSION"].is_null() => Program::Python,
        "PythonConnector" | "PythonSnowpark" | "SnowflakeSQLAlchemy" => Program::Python,
        _ => Program::Other,
    }
}
