//! Logging in.

use std::net::{IpAddr, Ipv4Addr};

use axum::body::Body;
use axum::extract::State;
use axum::http::Request;
use axum::response::Response;
use firn_engine::{ClientFacts, Credential, Login, SessionOptions};
use firn_types::Error;
use serde_json::{Value, json};

use crate::answer;
use crate::client::{Client, Program};
use crate::envelope::{self, NO_SESSION, NO_SUCH_LOGIN, Refusal};
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
        // Clients ask for another password, and come again with both.
        Ok(Err(refusal)) if refusal.code == envelope::PASSWORD_EXPIRED => {
            refusal.answer_with(&[("nextAction", "PWD_CHANGE".into()), ("inFlightCtx", "".into())])
        }
        Ok(Err(refusal)) => refusal.answer(),
        Err(error) => Refusal::of(&Error::internal(error.to_string())).answer(),
    }
}

fn log_in(state: &Shared, call: &Call) -> Result<Value, Refusal> {
    let login = let_in(state, call)?;
    let user = login.user.clone();
    let program = program_of(call);
    let session = state
        .engine
        .session(options_of(state, call, &login))
        .map_err(|error| Refusal::of_login(NO_SESSION, error.render("")))?;
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

/// Who logs in. Where everybody is trusted, whoever they say.
fn let_in(state: &Shared, call: &Call) -> Result<Login, Refusal> {
    let name = call.data("LOGIN_NAME").as_str().unwrap_or_default();
    if let Some(login) = trusted(state, call, name) {
        return Ok(login);
    }
    let credential = credential_of(call)?;
    let login = state.engine.authenticate(name, &credential, address_of(call), &facts_of(call));
    login.map_err(|error| Refusal::of(&error))
}

/// The login of somebody of any name, where everybody is trusted.
pub(super) fn trusted(state: &Shared, call: &Call, name: &str) -> Option<Login> {
    let user = if name.is_empty() { "FIRN".to_string() } else { name.to_uppercase() };
    let login = Login { user, only_role: None, from: address_of(call) };
    state.options.trust_local.then_some(login)
}

/// The address that a request comes from.
pub(super) fn address_of(call: &Call) -> IpAddr {
    call.peer.map_or(IpAddr::V4(Ipv4Addr::LOCALHOST), |peer| peer.address.ip())
}

/// What the client shows of itself.
fn facts_of(call: &Call) -> ClientFacts {
    let text = |name: &str| call.data(name).as_str().unwrap_or_default().to_string();
    ClientFacts { application: text("CLIENT_APP_ID"), version: text("CLIENT_APP_VERSION") }
}

/// What the client shows to be let in.
fn credential_of(call: &Call) -> Result<Credential, Refusal> {
    let text = |name: &str| call.data(name).as_str().unwrap_or_default().to_string();
    match text("AUTHENTICATOR").to_uppercase().as_str() {
        "" | "SNOWFLAKE" | "USERNAME_PASSWORD_MFA" => {
            let new = Some(text("CHOSEN_NEW_PASSWORD")).filter(|new| !new.is_empty());
            Ok(Credential::Password { password: text("PASSWORD"), new })
        }
        "SNOWFLAKE_JWT" => Ok(Credential::KeyPair(text("TOKEN"))),
        "PROGRAMMATIC_ACCESS_TOKEN" => Ok(Credential::AccessToken(text("TOKEN"))),
        other => {
            let text = format!(
                "firn lets in by password, key pair and programmatic access token; not by '{other}'."
            );
            Err(Refusal::of_login(NO_SUCH_LOGIN, text))
        }
    }
}

/// What the session starts with.
fn options_of(state: &Shared, call: &Call, login: &Login) -> SessionOptions {
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
    let facts = facts_of(call);
    SessionOptions {
        database: named("databaseName"),
        schema: named("schemaName"),
        warehouse: named("warehouse"),
        role: named("roleName"),
        parameters,
        client: (!facts.application.is_empty())
            .then(|| format!("{} {}", facts.application, facts.version)),
        reach: state.options.reach(),
        lenient: !checked,
        ..login.session_options()
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
        "firn" => Program::Firn,
        "firn console" => Program::Console,
        _ if runtime(environment) || runtime(session) => Program::PythonCore,
        _ if !environment["PYTHON_VERSION"].is_null() => Program::Python,
        "PythonConnector" | "PythonSnowpark" | "SnowflakeSQLAlchemy" => Program::Python,
        _ => Program::Other,
    }
}
