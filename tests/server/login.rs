//! Logging in, staying and leaving.

use std::time::{Duration, Instant};

use firn_engine::{Engine, EngineOptions, SessionOptions};
use firn_server::{Server, ServerOptions};
use firn_tests::server_client::Client;
use serde_json::{Value, json};

use crate::{server, started};

#[test]
fn a_client_logs_in_asks_and_leaves() {
    let server = started();
    let client = Client::login(server.address(), "JavaScript");
    let answer = client.query("SELECT 1 AS a, 'x' AS b, NULL AS c, TRUE AS d");
    let data = &answer["data"];
    assert_eq!(data["rowset"], json!([["1", "x", null, "1"]]));
    assert_eq!((&data["total"], &data["returned"]), (&json!(1), &json!(1)));
    assert_eq!(data["queryResultFormat"], "json");
    assert_eq!(data["statementTypeId"], 0x1000);
    let types: Vec<&Value> =
        data["rowtype"].as_array().expect("columns").iter().map(|column| &column["type"]).collect();
    assert_eq!(types, ["fixed", "text", "text", "boolean"]);
    assert_eq!(client.post("/session/heartbeat", &Value::Null).json()["success"], true);
    assert_eq!(client.post("/session?delete=true", &json!({})).json()["success"], true);
    assert_eq!(client.query("SELECT 1")["code"], "390111");
}

#[test]
fn tokens_are_renewed() {
    let token_lifetime = Duration::from_millis(300);
    let server = server(ServerOptions { token_lifetime, ..ServerOptions::default() });
    let mut client = Client::login(server.address(), "JavaScript");
    client.query("SET v = 5");
    std::thread::sleep(Duration::from_millis(400));
    assert_eq!(client.query("SELECT $v")["code"], "390112");
    let mut renewing = client.clone();
    renewing.token.clone_from(&client.master);
    let body = json!({ "oldSessionToken": client.token, "requestType": "RENEW" });
    let answer = renewing.post("/session/token-request", &body).json();
    client.token = answer["data"]["sessionToken"].as_str().expect("a token").to_string();
    assert_eq!(client.rows("SELECT $v"), json!([["5"]]));
    let again = renewing.post("/session/token-request", &body).json();
    assert_eq!(again["code"], "390111");
}

#[test]
fn idle_sessions_end_with_what_they_had_open() {
    let idle = Duration::from_millis(300);
    let server = server(ServerOptions { idle, ..ServerOptions::default() });
    let client = Client::login(server.address(), "JavaScript");
    client.query("CREATE TABLE t (i INT)");
    client.query("BEGIN");
    client.query("INSERT INTO t VALUES (1)");
    std::thread::sleep(Duration::from_millis(1500));
    assert_eq!(client.query("SELECT 1")["code"], "390111");
    let other = Client::login(server.address(), "JavaScript");
    assert_eq!(other.rows("SELECT COUNT(*) FROM t"), json!([["0"]]));
    let metrics = String::from_utf8(other.get("/metrics").body).expect("text");
    assert!(metrics.contains("\nfirn_sessions 1\n"), "{metrics}");
}

#[test]
fn a_login_names_what_it_starts_with() {
    let server = started();
    let nobody = Client::new(server.address());
    let login = |query: &str| {
        nobody.try_login(&format!("/session/v1/login-request?{query}"), "PythonConnector")
    };
    let answer = login("databaseName=&schemaName=NOT_THERE&warehouse=&roleName=");
    assert_eq!(answer["data"]["sessionInfo"]["databaseName"], "FIRN");
    assert_eq!(answer["data"]["sessionInfo"]["schemaName"], Value::Null);
    assert!(answer["data"]["sessionId"].is_u64());
    let parameters = answer["data"]["parameters"].as_array().expect("parameters");
    let of = |name: &str| {
        parameters.iter().find(|entry| entry["name"] == name).map(|entry| entry["value"].clone())
    };
    assert_eq!(of("AUTOCOMMIT"), Some(json!(true)));
    assert_eq!(of("CLIENT_TELEMETRY_ENABLED"), Some(json!(false)));
    assert_eq!(of("BINARY_OUTPUT_FORMAT"), Some(json!("HEX")));
    assert_eq!(login("roleName=NOBODY")["success"], false);
}

#[test]
fn everybody_is_trusted_on_this_machine_alone() {
    let start = |listen: &str, trust_local| {
        let engine = Engine::open(":memory:", EngineOptions::default()).expect("an engine");
        let options =
            ServerOptions { listen: listen.to_string(), trust_local, ..ServerOptions::default() };
        Server::start(engine, options)
    };
    assert!(start("0.0.0.0:0", true).is_err());
    // Nor does anybody else come in without encryption.
    assert!(start("0.0.0.0:0", false).is_err());
    assert!(start("nonsense", true).is_err());
}

#[test]
fn users_prove_who_they_are() {
    let engine = Engine::open(":memory:", EngineOptions::default()).expect("an engine");
    let mut owner = engine.session(SessionOptions::default()).expect("a session");
    owner.execute("CREATE USER ann PASSWORD = 'Correct horse 1'").expect("made");
    let listen = "127.0.0.1:0".to_string();
    let options = ServerOptions { listen, ..ServerOptions::default() };
    let server = Server::start(engine, options).expect("a server");
    let nobody = Client::new(server.address());
    let login = |user: &str, password: &str| {
        let data = json!({ "LOGIN_NAME": user, "PASSWORD": password, "CLIENT_APP_ID": "Go" });
        nobody.post("/session/v1/login-request", &json!({ "data": data })).json()
    };
    assert_eq!(login("ann", "wrong")["code"], "390100");
    assert_eq!(login("nobody", "Correct horse 1")["code"], "390100");
    let answer = login("ann", "Correct horse 1");
    assert_eq!(answer["data"]["displayUserName"], "ANN");
    assert_eq!(answer["data"]["sessionInfo"]["roleName"], "PUBLIC");
    let other = json!({ "data": { "LOGIN_NAME": "ann", "AUTHENTICATOR": "OAUTH", "TOKEN": "x" } });
    assert_eq!(nobody.post("/session/v1/login-request", &other).json()["success"], false);
    let body = json!({ "statement": "SELECT 1" });
    assert_eq!(
        nobody.send("POST", "/api/v2/statements", "", body.to_string().as_bytes()).status,
        401
    );
}

#[test]
fn a_password_that_must_be_changed_is_changed_at_login() {
    let engine = Engine::open(":memory:", EngineOptions::default()).expect("an engine");
    let mut session = engine.session(SessionOptions::default()).expect("a session");
    let made = "CREATE USER ann PASSWORD = 'Correct horse 1' MUST_CHANGE_PASSWORD = TRUE";
    session.execute(made).expect("a user");
    let options = ServerOptions { listen: "127.0.0.1:0".to_string(), ..ServerOptions::default() };
    let server = Server::start(engine, options).expect("a server");
    let client = Client::new(server.address());
    let log_in = |data: Value| client.post("/session/v1/login-request", &data).json();
    let old = json!({ "data": { "LOGIN_NAME": "ann", "PASSWORD": "Correct horse 1" } });
    let answer = log_in(old.clone());
    assert_eq!((&answer["success"], &answer["code"]), (&json!(false), &json!("390106")));
    assert_eq!(answer["data"]["nextAction"], "PWD_CHANGE");
    let mut both = old.clone();
    both["data"]["CHOSEN_NEW_PASSWORD"] = "Correct horse 2".into();
    assert_eq!(log_in(both)["success"], true);
    assert_eq!(log_in(old)["code"], "390100");
}

#[test]
fn a_stop_lets_answers_out_and_ends_what_does_not_end() {
    let grace = Duration::from_millis(500);
    let server = server(ServerOptions { grace, ..ServerOptions::default() });
    let client = Client::login(server.address(), "JavaScript");
    let running = std::thread::spawn(move || client.query("SELECT SYSTEM$WAIT(60)"));
    std::thread::sleep(Duration::from_millis(200));
    let start = Instant::now();
    server.stop();
    assert!(start.elapsed() < Duration::from_secs(10));
    assert_eq!(running.join().expect("answered")["code"], "000604");
}
