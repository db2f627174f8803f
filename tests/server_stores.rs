//! Whose credentials the statements of a server's clients use to reach stores, and which servers of stores they
//! reach. Each test runs itself again in a process whose environment has credentials and names a store.

use std::process::Command;

use firn_engine::{Allowed, Cell, Engine, EngineOptions, Reach, SessionOptions};
use firn_server::{Server, ServerOptions};
use firn_tests::S3Server;
use firn_tests::server_client::Client;
use serde_json::json;

/// Says to the second process that it is one.
const SECOND: &str = "FIRN_TEST_SECOND";
/// The credentials of the server's environment.
const SERVER_KEY: &str = "SERVERKEY";
/// A stage's own.
const OWN: &str = "CREDENTIALS = (AWS_KEY_ID = 'OWNKEY' AWS_SECRET_KEY = 'own')";

/// In the first process, runs the test again in one with an environment, and false.
fn is_second(test: &str) -> bool {
    if std::env::var_os(SECOND).is_some() {
        return true;
    }
    let store = S3Server::start().expect("a store");
    let mut second = Command::new(std::env::current_exe().expect("this test"));
    second.args([test, "--exact", "--nocapture"]).env(SECOND, "1");
    second.env("AWS_ACCESS_KEY_ID", SERVER_KEY).env("AWS_SECRET_ACCESS_KEY", "secret");
    second.env("AWS_ENDPOINT_URL", store.endpoint()).env("AWS_ALLOW_HTTP", "true");
    assert!(second.status().expect("the second process").success());
    check(test, &store.signers());
    false
}

/// Looks which keys a test has used.
fn check(test: &str, signers: &[String]) {
    let expected: &[&str] = match test {
        "nobody_borrows_the_servers_credentials"
        | "tasks_of_a_server_reach_no_more_than_its_clients" => &[],
        "own_credentials_are_used_alone" => &["OWNKEY"],
        _ => &[SERVER_KEY],
    };
    assert_eq!(signers, expected);
}

/// A server whose account the shell has prepared with some statements.
fn server(stores: &[&str], shell: &[&str]) -> (Server, Client) {
    let engine = EngineOptions { threads: Some(2), ..EngineOptions::default() };
    let engine = Engine::open(":memory:", engine).expect("an engine");
    let mut session = engine.session(SessionOptions::default()).expect("a session");
    for sql in shell {
        session.execute(sql).unwrap_or_else(|error| panic!("{sql}: {error}"));
    }
    let stores = stores.iter().map(ToString::to_string).collect();
    let options = ServerOptions {
        listen: "127.0.0.1:0".to_string(),
        trust_local: true,
        allowed: Allowed { stores, ..Allowed::default() },
        ..ServerOptions::default()
    };
    let server = Server::start(engine, options).expect("a server");
    let client = Client::login(server.address(), "JavaScript");
    (server, client)
}

fn refused(client: &Client, sql: &str) {
    let answer = client.query(sql);
    assert_eq!(answer["code"], "003001", "{sql}: {answer}");
}

#[test]
fn nobody_borrows_the_servers_credentials() {
    if !is_second("nobody_borrows_the_servers_credentials") {
        return;
    }
    let shell = [
        "CREATE STAGE made_by_the_shell URL = 's3://bucket/in/'",
        "CREATE VIEW through AS SELECT $1 AS a FROM @made_by_the_shell",
        "CREATE STORAGE INTEGRATION off TYPE = EXTERNAL_STAGE STORAGE_PROVIDER = 'S3' ENABLED = FALSE \
         STORAGE_ALLOWED_LOCATIONS = ('s3://secret/')",
        "CREATE STORAGE INTEGRATION held TYPE = EXTERNAL_STAGE STORAGE_PROVIDER = 'S3' ENABLED = TRUE \
         STORAGE_ALLOWED_LOCATIONS = ('s3://bucket/') STORAGE_BLOCKED_LOCATIONS = ('s3://bucket/secret/')",
        "CREATE STAGE was_allowed URL = 's3://bucket/secret/x/'",
    ];
    let (_server, client) = server(&[], &shell);
    client.query("CREATE TABLE t (s TEXT)");
    client.query("CREATE STAGE inside");
    let made = client.query(&format!("CREATE STAGE own URL = 's3://bucket/x/' {OWN}"));
    assert_eq!(made["success"], true, "{made}");
    for sql in [
        "CREATE STAGE s URL = 's3://bucket/x/'",
        "CREATE TEMPORARY STAGE s URL = 's3://bucket/x/'",
        "CREATE STAGE s URL = 's3://bucket/x/' CREDENTIALS = (AWS_KEY_ID = 'OWNKEY')",
        "CREATE STAGE s URL = 's3://bucket/x/' CREDENTIALS = (AWS_TOKEN = 'x')",
        "CREATE STAGE s URL = 's3://bucket/x/' ENDPOINT = 'https://s3.example.com'",
        "ALTER STAGE inside SET URL = 's3://bucket/x/'",
        "ALTER STAGE own SET CREDENTIALS = (AWS_KEY_ID = '')",
        "COPY INTO t FROM 's3://bucket/in/a.csv'",
        "COPY INTO 's3://bucket/out/' FROM (SELECT 1)",
        "SELECT $1 FROM 's3://bucket/in/'",
        "LIST @made_by_the_shell",
        "REMOVE @made_by_the_shell",
        "COPY INTO t FROM @made_by_the_shell",
        "COPY INTO @made_by_the_shell FROM (SELECT 1)",
        "SELECT * FROM through",
        "EXECUTE IMMEDIATE FROM @made_by_the_shell/a.sql",
        "EXECUTE IMMEDIATE 'LIST @made_by_the_shell'",
        "CREATE STORAGE INTEGRATION i TYPE = EXTERNAL_STAGE STORAGE_PROVIDER = 'S3' ENABLED = TRUE \
         STORAGE_ALLOWED_LOCATIONS = ('*')",
        "ALTER STORAGE INTEGRATION off SET ENABLED = TRUE",
        "ALTER STORAGE INTEGRATION held SET STORAGE_ALLOWED_LOCATIONS = ('s3://')",
        "ALTER STORAGE INTEGRATION held UNSET STORAGE_BLOCKED_LOCATIONS",
    ] {
        refused(&client, sql);
    }
    let commented = client.query("ALTER STORAGE INTEGRATION held SET COMMENT = 'x'");
    assert_eq!(commented["success"], true, "{commented}");
}

#[test]
fn tasks_of_a_server_reach_no_more_than_its_clients() {
    if !is_second("tasks_of_a_server_reach_no_more_than_its_clients") {
        return;
    }
    let tasks_reach = Reach::Elsewhere(Allowed::default());
    let options = EngineOptions { threads: Some(2), tasks_reach, ..EngineOptions::default() };
    let engine = Engine::open(":memory:", options).expect("an engine");
    let mut session = engine.session(SessionOptions::default()).expect("a session");
    for sql in [
        "CREATE STAGE st",
        "CREATE TASK steal AS COPY INTO 's3://bucket/out/' FROM (SELECT 1)",
        "CREATE TASK look AS COPY INTO @st FROM (SELECT $1 FROM 'file:///etc/hostname')",
        "EXECUTE TASK steal",
        "EXECUTE TASK look",
    ] {
        session.execute(sql).unwrap_or_else(|error| panic!("{sql}: {error}"));
    }
    engine.finish_tasks();
    let sql = "SELECT state, error_code FROM TABLE(INFORMATION_SCHEMA.TASK_HISTORY())";
    let runs = session.execute(sql).map(|result| result.cells().expect("cells"));
    let failed = ["FAILED", "003001"].map(|text| Cell::Text(text.to_string())).to_vec();
    assert_eq!(runs.expect("runs"), [failed.clone(), failed]);
}

#[test]
fn own_credentials_are_used_alone() {
    if !is_second("own_credentials_are_used_alone") {
        return;
    }
    let (_server, client) = server(&[], &[]);
    client.query(&format!("CREATE STAGE own URL = 's3://bucket/x/' {OWN}"));
    let unloaded = client.query("COPY INTO @own/a FROM (SELECT 7) FILE_FORMAT = (TYPE = CSV)");
    assert_eq!(unloaded["success"], true, "{unloaded}");
    assert_eq!(client.rows("SELECT $1 FROM @own"), json!([["7"]]));
}

#[test]
fn what_the_server_was_started_with_is_reached() {
    if !is_second("what_the_server_was_started_with_is_reached") {
        return;
    }
    let (_server, client) = server(&["s3://bucket/in/"], &[]);
    client.query("COPY INTO 's3://bucket/in/a' FROM (SELECT 7) FILE_FORMAT = (TYPE = CSV)");
    assert_eq!(client.query("CREATE STAGE s URL = 's3://bucket/in/'")["success"], true);
    assert_eq!(client.rows("SELECT $1 FROM @s"), json!([["7"]]));
    refused(&client, "SELECT $1 FROM 's3://bucket/'");
    let made = "CREATE STORAGE INTEGRATION i TYPE = EXTERNAL_STAGE STORAGE_PROVIDER = 'S3' ENABLED = TRUE \
                STORAGE_ALLOWED_LOCATIONS = ('s3://bucket/in/')";
    assert_eq!(client.query(made)["success"], true);
}

#[test]
fn an_integration_of_the_shell_opens_what_it_allows() {
    if !is_second("an_integration_of_the_shell_opens_what_it_allows") {
        return;
    }
    let made = "CREATE STORAGE INTEGRATION i TYPE = EXTERNAL_STAGE STORAGE_PROVIDER = 'S3' ENABLED = TRUE \
                STORAGE_ALLOWED_LOCATIONS = ('s3://bucket/in/')";
    let (_server, client) = server(&[], &[made]);
    let stage = "CREATE STAGE s URL = 's3://bucket/in/' STORAGE_INTEGRATION = i";
    assert_eq!(client.query(stage)["success"], true);
    client.query("COPY INTO @s/a FROM (SELECT 7) FILE_FORMAT = (TYPE = CSV)");
    assert_eq!(client.rows("SELECT $1 FROM @s"), json!([["7"]]));
    client.query("ALTER STORAGE INTEGRATION i SET ENABLED = FALSE");
    refused(&client, "SELECT $1 FROM @s");
}

#[test]
fn the_network_of_the_server_is_out_of_reach() {
    let store = S3Server::start().expect("a store");
    let (_server, client) = server(&[], &[]);
    for endpoint in
        ["http://169.254.169.254", store.endpoint(), "http://localhost:1", "[fd00:ec2::254]"]
    {
        let stage = format!("CREATE STAGE s URL = 's3://b/' ENDPOINT = '{endpoint}' {OWN}");
        refused(&client, &stage);
    }
    let (_server, client) = server(&[store.endpoint()], &[]);
    let stage = format!("CREATE STAGE s URL = 's3://b/' ENDPOINT = '{}' {OWN}", store.endpoint());
    assert_eq!(client.query(&stage)["success"], true);
    assert_eq!(client.rows("LIST @s"), json!([]));
    assert_eq!(store.signers(), ["OWNKEY"]);
}
