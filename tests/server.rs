//! The server's protocol, spoken to a server in the same process.

use std::io::{Read, Write};
use std::time::{Duration, Instant};

use firn_engine::{Allowed, Engine, EngineOptions, SessionOptions};
use firn_server::{Server, ServerOptions};
use firn_tests::server_client::{Client, raw};
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use serde_json::{Value, json};

fn server(options: ServerOptions) -> Server {
    let engine = EngineOptions { threads: Some(2), ..EngineOptions::default() };
    let engine = Engine::open(":memory:", engine).expect("an engine");
    let listen = "127.0.0.1:0".to_string();
    Server::start(engine, ServerOptions { listen, trust_local: true, ..options }).expect("a server")
}

fn started() -> Server {
    server(ServerOptions::default())
}

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
fn every_type_has_its_text() {
    let server = started();
    let client = Client::login(server.address(), "JavaScript");
    let sql = "SELECT 1.50::NUMBER(5,2), -0.5::FLOAT, FALSE, DATE '1969-12-31', TIME '10:11:12.5', \
               '2024-01-02 03:04:05.678901234'::TIMESTAMP_NTZ(9), '1969-12-31 23:59:59.5'::TIMESTAMP_NTZ(3), \
               '2024-01-02 03:04:05 +0200'::TIMESTAMP_TZ(0), X'01FF', PARSE_JSON('{\"a\":\"\\\\n\"}'), 'q\"\\n'";
    let expected = json!([[
        "1.50",
        "-0.5",
        "0",
        "-1",
        "36672.500000000",
        "1704164645.678901234",
        "-0.500",
        "1704157445 1560",
        "01FF",
        "{\n  \"a\": \"\\n\"\n}",
        "q\"\n"
    ]]);
    assert_eq!(client.rows(sql), expected);
}

#[test]
fn a_wrong_statement_is_an_answer() {
    let server = started();
    let client = Client::login(server.address(), "JavaScript");
    let body = json!({ "sqlText": "SELECT * FROM not_there" });
    let reply = client.post("/queries/v1/query-request?requestId=1", &body);
    assert_eq!(reply.status, 200);
    let answer = reply.json();
    assert_eq!((&answer["success"], &answer["code"]), (&json!(false), &json!("002003")));
    assert_eq!(answer["data"]["sqlState"], "42S02");
    assert!(answer["data"]["queryId"].is_string());
    assert!(answer["message"].as_str().is_some_and(|text| !text.contains("002003")), "{answer}");
}

#[test]
fn what_is_malformed_is_refused_and_harms_nobody() {
    let server = started();
    let address = server.address();
    let client = Client::login(address, "JavaScript");
    let path = "/queries/v1/query-request?requestId=7";
    for body in [
        "",
        "{",
        "[]",
        "{\"sqlText\": 1}",
        "{\"sqlText\":\"SELECT ?\",\"bindings\":{\"1\":{\"type\":\"FIXED\",\"value\":\"x\"}}}",
    ] {
        let reply = client.send("POST", path, "", body.as_bytes());
        assert_eq!(reply.status, 200, "{body}");
        assert_eq!(reply.json()["success"], false, "{body}");
    }
    let reply = client.send("POST", path, "Content-Encoding: gzip\r\n", b"no gzip");
    assert_eq!(reply.json()["code"], "390400");
    assert_eq!(client.get("/nothing/here").status, 404);
    assert_eq!(client.get("/queries/v1/query-request").status, 405);
    assert_eq!(raw(address, b"nonsense\r\n\r\n").status, 400);
    let nobody = Client::new(address);
    assert_eq!(nobody.query("SELECT 1")["code"], "390103");
    assert_eq!(client.rows("SELECT 2"), json!([["2"]]));
}

#[test]
fn pages_of_others_are_refused() {
    let server = started();
    let client = Client::login(server.address(), "JavaScript");
    let body = json!({ "statement": "SELECT 1" }).to_string();
    let foreign = "Origin: https://evil.example\r\n";
    let reply = client.send("POST", "/api/v2/statements", foreign, body.as_bytes());
    assert_eq!(reply.status, 403);
    let own = format!("Origin: http://{}\r\n", server.address());
    assert_eq!(client.send("POST", "/api/v2/statements", &own, body.as_bytes()).status, 200);
    let renamed = b"GET /metrics HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n";
    assert_eq!(raw(server.address(), renamed).status, 403);
}

#[test]
fn bodies_may_be_packed_and_paths_doubled() {
    let server = started();
    let client = Client::login(server.address(), "JavaScript");
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    packed.write_all(b"{\"sqlText\":\"SELECT 5\"}").expect("packed");
    let packed = packed.finish().expect("packed");
    let path = "//queries/v1//query-request/?requestId=9";
    let reply = client.send("POST", path, "Content-Encoding: gzip\r\n", &packed);
    assert_eq!(reply.json()["data"]["rowset"], json!([["5"]]));
}

#[test]
fn a_request_that_comes_again_runs_once() {
    let server = started();
    let client = Client::login(server.address(), "JavaScript");
    client.query("CREATE TABLE t (i INT)");
    let body = json!({ "sqlText": "INSERT INTO t VALUES (1)" });
    let path = "/queries/v1/query-request?requestId=the-same";
    let (first, again) = (client.post(path, &body).json(), client.post(path, &body).json());
    assert_eq!(first["data"]["rowset"], json!([["1"]]));
    assert_eq!(first["data"]["queryId"], again["data"]["queryId"]);
    assert_eq!(client.rows("SELECT COUNT(*) FROM t"), json!([["1"]]));
}

#[test]
fn values_come_with_statements_one_by_one_and_in_arrays() {
    let server = started();
    let client = Client::login(server.address(), "JavaScript");
    let bindings = json!({
        "1": { "type": "FIXED", "value": "7" }, "2": { "type": "TEXT", "value": null },
        "3": { "type": "DATE", "value": "1704153600000" },
    });
    let answer = client.ask(&json!({ "sqlText": "SELECT ?, ?, :3", "bindings": bindings }));
    assert_eq!(answer["data"]["rowset"], json!([["7", null, "19724"]]));
    let named = json!({ "WHO": { "type": "TEXT", "value": "me" } });
    let answer = client.ask(&json!({ "sqlText": "SELECT :who", "bindings": named }));
    assert_eq!(answer["data"]["rowset"], json!([["me"]]));
    client.query("CREATE TABLE t (i INT, s TEXT)");
    let bindings = json!({
        "1": { "type": "FIXED", "value": ["1", "2", null] },
        "2": { "type": "TEXT", "value": ["a", null, "c"] },
    });
    let insert = json!({ "sqlText": "INSERT INTO t VALUES (?, ?)", "bindings": bindings });
    assert_eq!(client.ask(&insert)["data"]["rowset"], json!([["3"]]));
    let rows = client.rows("SELECT * FROM t ORDER BY 1");
    assert_eq!(rows, json!([["1", "a"], ["2", null], [null, "c"]]));
    client.query("CREATE TABLE j (i INT, v VARIANT)");
    let bindings = json!({
        "1": { "type": "FIXED", "value": ["1", "2", "3"] },
        "2": { "type": "TEXT", "value": ["{\"a\":1}", null, "[2]"] },
    });
    let insert = "INSERT INTO j SELECT ? + 1, PARSE_JSON(?) WHERE :1 < 3";
    let answer = client.ask(&json!({ "sqlText": insert, "bindings": bindings }));
    assert_eq!(answer["data"]["rowset"], json!([["2"]]), "{answer}");
    let rows = client.rows("SELECT i, v:a FROM j ORDER BY 1");
    assert_eq!(rows, json!([["2", "1"], ["3", null]]));
    let update = json!({ "sqlText": "UPDATE j SET i = ? WHERE v = ?", "bindings": bindings });
    assert_eq!(client.ask(&update)["success"], false);
    // A name may be a value too, also of what is made.
    let bindings = json!({ "1": { "type": "TEXT", "value": "named" } });
    let create = json!({ "sqlText": "CREATE TABLE IDENTIFIER(?) (i INT)", "bindings": bindings });
    assert_eq!(client.ask(&create)["success"], true);
    client.rows("SELECT * FROM named");
}

#[test]
fn many_values_come_in_files_of_a_stage() {
    let server = started();
    let client = Client::login(server.address(), "JavaScript");
    client.query("CREATE TABLE t (i INT, s TEXT, d DATE)");
    let stage = "CREATE OR REPLACE TEMPORARY STAGE SYSTEM$BIND \
                 FILE_FORMAT = (TYPE = CSV FIELD_OPTIONALLY_ENCLOSED_BY = '\"')";
    assert_eq!(client.query(stage)["success"], true);
    for (name, text) in [("1", "1,\"a,\"\"b\",2024-01-02\n"), ("2", "2,\"\",\n3,,2024-02-03\n")] {
        let put = client.query(&format!("PUT file://{name}'@SYSTEM$BIND/q' overwrite=true"));
        let path = path_of(&server, &put["data"]["stageInfo"]["presignedUrl"]);
        assert_eq!(client.send("PUT", path, "", text.as_bytes()).status, 200);
    }
    let insert =
        json!({ "sqlText": "INSERT INTO t VALUES (?, ?, ?)", "bindStage": "@SYSTEM$BIND/q" });
    assert_eq!(client.ask(&insert)["data"]["rowset"], json!([["3"]]));
    let expected = json!([["1", "a,\"b", "19724"], ["2", "", null], ["3", null, "19756"]]);
    assert_eq!(client.rows("SELECT * FROM t ORDER BY i"), expected);
    let absent = json!({ "sqlText": "INSERT INTO t VALUES (?, ?, ?)", "bindStage": "@nope/q" });
    assert_eq!(client.ask(&absent)["success"], false);
}

#[test]
fn a_slow_statement_is_fetched_later() {
    let patience = Duration::from_millis(100);
    let server = server(ServerOptions { patience, ..ServerOptions::default() });
    let client = Client::login(server.address(), "JavaScript");
    let answer = client.query("SELECT SYSTEM$WAIT(1), 3");
    assert_eq!(answer["code"], "333333");
    let url = answer["data"]["getResultUrl"].as_str().expect("an address").to_string();
    let mut answer = client.get(&url).json();
    while answer["code"] == "333333" {
        answer = client.get(&url).json();
    }
    assert_eq!(answer["data"]["rowset"][0][1], "3");
}

#[test]
fn a_detached_statement_is_watched_and_fetched() {
    let server = started();
    let client = Client::login(server.address(), "JavaScript");
    let answer = client.ask(&json!({ "sqlText": "SELECT SYSTEM$WAIT(1), 3", "asyncExec": true }));
    assert_eq!(answer["code"], "333334");
    let id = answer["data"]["queryId"].as_str().expect("an id").to_string();
    let status = |id: &str| {
        let answer = client.get(&format!("/monitoring/queries/{id}")).json();
        answer.pointer("/data/queries/0/status").cloned().unwrap_or_default()
    };
    assert_eq!(status(&id), "RUNNING");
    let answer = client.get(&format!("/queries/{id}/result")).json();
    assert_eq!(answer["data"]["rowset"][0][1], "3");
    assert_eq!(status(&id), "SUCCESS");
    assert_eq!(status("nothing"), Value::Null);
    assert_eq!(client.get("/queries/nothing/result").json()["code"], "000612");
}

#[test]
fn statements_are_canceled_also_before_they_come() {
    let server = started();
    let client = Client::login(server.address(), "JavaScript");
    let abort =
        |key: &str| client.post("/queries/v1/abort-request", &json!({ "requestId": key })).json();
    assert_eq!(abort("early")["success"], true);
    let body = json!({ "sqlText": "SELECT SYSTEM$WAIT(60)" });
    let start = Instant::now();
    let answer = client.post("/queries/v1/query-request?requestId=early", &body).json();
    assert_eq!((&answer["code"], &answer["data"]["sqlState"]), (&json!("000604"), &json!("57014")));
    let other = client.clone();
    let late = body.clone();
    let running = std::thread::spawn(move || {
        other.post("/queries/v1/query-request?requestId=late", &late).json()
    });
    std::thread::sleep(Duration::from_millis(200));
    abort("late");
    assert_eq!(running.join().expect("answered")["code"], "000604");
    let detached = client.ask(&json!({ "sqlText": "SELECT SYSTEM$WAIT(60)", "asyncExec": true }));
    let id = detached["data"]["queryId"].as_str().expect("an id");
    client.post(&format!("/queries/{id}/abort-request"), &json!({}));
    assert_eq!(client.get(&format!("/queries/{id}/result")).json()["code"], "000604");
    assert!(start.elapsed() < Duration::from_secs(20));
}

#[test]
fn several_statements_in_one_request() {
    let server = started();
    let client = Client::login(server.address(), "JavaScript");
    let script = |sql: &str, count: usize| {
        client.ask(&json!({
            "sqlText": sql, "parameters": { "MULTI_STATEMENT_COUNT": count },
        }))
    };
    let answer = script("SELECT 1; SELECT 2", 2);
    assert_eq!(answer["data"]["rowset"], json!([["Multiple statements executed successfully."]]));
    let ids = answer["data"]["resultIds"].as_str().expect("ids").to_string();
    let rows: Vec<Value> = ids
        .split(',')
        .map(|id| client.get(&format!("/queries/{id}/result")).json()["data"]["rowset"].take())
        .collect();
    assert_eq!(rows, [json!([["1"]]), json!([["2"]])]);
    assert_eq!(script("SELECT 1; SELECT 2", 3)["code"], "000008");
    assert_eq!(script("SELECT 1; SELECT nope; SELECT 3", 0)["code"], "000904");
}

#[test]
fn large_results_come_in_parts() {
    let server = started();
    let client = Client::login(server.address(), "JavaScript");
    let sql = "SELECT SEQ4(), 'text ' || SEQ4() FROM TABLE(GENERATOR(ROWCOUNT => 400000))";
    let answer = client.query(sql);
    let data = &answer["data"];
    let mut count = data["rowset"].as_array().expect("rows").len();
    let parts = data["chunks"].as_array().expect("parts");
    assert!(!parts.is_empty());
    let nobody = Client::new(server.address());
    for part in parts {
        let url = part["url"].as_str().expect("an address");
        let path = url.split_once(&server.address().to_string()).expect("this server").1;
        let reply = nobody.get(path);
        let rows: Vec<Value> =
            serde_json::from_slice(&[b"[", reply.body.as_slice(), b"]"].concat()).expect("rows");
        assert_eq!(rows.len() as u64, part["rowCount"]);
        count += rows.len();
    }
    assert_eq!(count, 400_000);
    assert_eq!(data["total"], 400_000);
    let url = parts[0]["url"].as_str().expect("an address").rsplit_once('/').expect("a path").0;
    let path = url.split_once(&server.address().to_string()).expect("this server").1;
    assert_eq!(nobody.get(&format!("{path}/999")).status, 404);
    let secret = path.split('/').nth(3).expect("a secret");
    assert_eq!(nobody.get(&path.replace(secret, "guess")).status, 404);
}

#[test]
fn a_statement_is_described_and_not_run() {
    let server = started();
    let client = Client::login(server.address(), "JavaScript");
    client.query("CREATE TABLE t (i INT NOT NULL, s VARCHAR(3))");
    let describe = |sql: &str| client.ask(&json!({ "sqlText": sql, "describeOnly": true }));
    let answer = describe("INSERT INTO t VALUES (?, ?)");
    assert_eq!(answer["data"]["numberOfBinds"], 2);
    assert_eq!(answer["data"]["arrayBindSupported"], true);
    let answer = describe("SELECT s, i, 1/0 AS x FROM t WHERE i = ?");
    assert_eq!(
        (&answer["data"]["numberOfBinds"], &answer["data"]["total"]),
        (&json!(1), &json!(0))
    );
    assert_eq!(answer["data"]["arrayBindSupported"], false);
    let column = &answer["data"]["rowtype"][0];
    assert_eq!((&column["name"], &column["length"]), (&json!("S"), &json!(3)));
    assert_eq!(answer["data"]["rowtype"][1]["nullable"], false);
    assert_eq!(client.rows("SELECT COUNT(*) FROM t"), json!([["0"]]));
    assert_eq!(describe("SELECT nope FROM t")["code"], "000904");
}

#[test]
fn commands_are_described_as_they_answer_and_leave_no_trace() {
    let server = started();
    let client = Client::login(server.address(), "JavaScript");
    client.query("CREATE TABLE t (i INT)");
    client.query("CREATE STAGE st");
    let names = |answer: &Value| -> Vec<Value> {
        let columns = answer["data"]["rowtype"].as_array().unwrap_or_else(|| panic!("{answer}"));
        columns.iter().map(|column| column["name"].clone()).collect()
    };
    for sql in [
        "SHOW TABLES",
        "SHOW TERSE SCHEMAS LIMIT 3",
        "SHOW PARAMETERS",
        "DESCRIBE TABLE t",
        "DESCRIBE RESULT LAST_QUERY_ID()",
        "LIST @st",
        "REMOVE @st",
        "EXPLAIN SELECT 1",
        "EXPLAIN USING JSON SELECT 1",
        "EXPLAIN USING RULES SELECT 1",
        "CREATE TABLE IF NOT EXISTS t (i INT)",
    ] {
        client.query("SELECT 1");
        let last = client.rows("SELECT LAST_QUERY_ID()");
        let described = client.ask(&json!({ "sqlText": sql, "describeOnly": true }));
        assert_eq!(described["data"]["total"], 0, "{sql}");
        // The one before is the query for the last one's id itself.
        assert_eq!(client.rows("SELECT LAST_QUERY_ID(-2)"), last, "{sql}");
        assert_eq!(names(&described), names(&client.query(sql)), "{sql}");
    }
    let wrong =
        client.ask(&json!({ "sqlText": "SHOW TABLES IN SCHEMA nope", "describeOnly": true }));
    assert_eq!(wrong["code"], "002043");
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
fn answers_are_packed_for_those_who_take_them() {
    let server = server(ServerOptions { compress_local: true, ..ServerOptions::default() });
    let client = Client::login(server.address(), "JavaScript");
    let sql = "SELECT SEQ8(), REPEAT('x', 50) FROM TABLE(GENERATOR(ROWCOUNT => 100000))";
    let body = json!({ "sqlText": sql }).to_string();
    let path = "/queries/v1/query-request?requestId=1";
    let packed = client.send("POST", path, "Accept-Encoding: gzip\r\n", body.as_bytes());
    let answer: Value = serde_json::from_reader(GzDecoder::new(&packed.body[..])).expect("JSON");
    assert_eq!(answer["data"]["total"], 100_000);
    let chunk = path_of(&server, &answer["data"]["chunks"][0]["url"]);
    let packed = client.send("GET", chunk, "Accept-Encoding: gzip\r\n", b"");
    let plain = client.get(chunk);
    assert!(packed.body.len() * 10 < plain.body.len());
    let mut unpacked = Vec::new();
    GzDecoder::new(&packed.body[..]).read_to_end(&mut unpacked).expect("unpacked");
    assert_eq!(unpacked, plain.body);
    let own = started();
    let client = Client::login(own.address(), "JavaScript");
    let plain = client.send("POST", path, "Accept-Encoding: gzip\r\n", body.as_bytes());
    assert_eq!(plain.json()["data"]["total"], 100_000);
}

#[test]
fn requests_are_written_down_without_what_they_keep_secret() {
    let folder = tempfile::tempdir().expect("a folder");
    let log = folder.path().join("requests.log");
    let server = server(ServerOptions { log: Some(log.clone()), ..ServerOptions::default() });
    let client = Client::login(server.address(), "JavaScript");
    let answer = client.query("SELECT SEQ8() FROM TABLE(GENERATOR(ROWCOUNT => 300000))");
    client.get(path_of(&server, &answer["data"]["chunks"][0]["url"]));
    client.query("SELECT nope");
    client.get("/not/there");
    let lines = || -> Vec<Value> {
        let text = std::fs::read_to_string(&log).expect("the log");
        text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
    };
    let start = Instant::now();
    while lines().len() < 5 && start.elapsed() < Duration::from_secs(10) {
        std::thread::sleep(Duration::from_millis(10));
    }
    let lines = lines();
    assert_eq!(lines[0]["path"], "/session/v1/login-request");
    assert_eq!((&lines[1]["user"], &lines[1]["status"]), (&json!("FIRN"), &json!(200)));
    assert_eq!(lines[1]["query_id"], answer["data"]["queryId"]);
    assert_eq!(lines[2]["path"], "/results/{id}/{secret}/{format}/{part}");
    assert!(lines[2]["bytes"].as_u64().is_some_and(|bytes| bytes > 100_000), "{}", lines[2]);
    assert_eq!((&lines[3]["error"], &lines[3]["method"]), (&json!("000904"), &json!("POST")));
    assert_eq!((&lines[4]["status"], &lines[4]["path"]), (&json!(404), &Value::Null));
    let text = std::fs::read_to_string(&log).expect("the log");
    assert!(!text.contains(&client.token) && !text.contains("SELECT"));
}

#[test]
fn own_clients_see_what_people_see() {
    let server = started();
    let client = Client::login(server.address(), "firn");
    let sql = "SELECT 1.25 AS n, TRUE AS b, DATE '2024-01-02' AS d, NULL AS x, 'q\"' AS s";
    let answer = client.query(sql);
    assert_eq!(answer["data"]["rowset"], json!([["1.25", true, "2024-01-02", null, "q\""]]));
    assert_eq!(answer["data"]["typeNames"][0], "NUMBER(3,2)");
    assert_eq!(answer["data"]["rowCount"], 1);
    client.query("CREATE TABLE sensors (id INT, at DATE)");
    client.query("CREATE STAGE landing");
    let names = |body: Value| client.post("/firn/names", &body).json()["data"]["names"].take();
    assert_eq!(names(json!({ "path": ["SENSORS"] })), json!(["AT", "ID"]));
    assert_eq!(names(json!({ "of": "stages" })), json!(["LANDING"]));
    let words = names(json!({}));
    assert!(words.as_array().is_some_and(|words| words.contains(&json!("SENSORS"))));
    assert_eq!(
        Client::new(server.address()).post("/firn/names", &json!({})).json()["success"],
        false
    );
}

#[test]
fn the_console_is_whole_and_kept_apart_from_other_pages() {
    let server = started();
    let client = Client::new(server.address());
    let text = |path: &str| {
        let reply = client.get(path);
        assert_eq!(reply.status, 200, "{path}");
        assert!(reply.headers.contains("content-security-policy: default-src 'none'"), "{path}");
        String::from_utf8(reply.body).expect("UTF-8")
    };
    let mut waiting = vec![text("/")];
    let mut seen = std::collections::BTreeSet::new();
    while let Some(page) = waiting.pop() {
        let named =
            page.split(['"', '\'']).filter(|part| part.ends_with(".js") || part.ends_with(".css"));
        for name in named.map(|part| part.trim_start_matches("./").trim_start_matches("/console/"))
        {
            if seen.insert(name.to_string()) {
                waiting.push(text(&format!("/console/{name}")));
            }
        }
    }
    assert!(seen.len() > 10, "{seen:?}");
    assert_eq!(client.get("/console/nothing.js").status, 404);
    assert_eq!(client.get("/console/..%2f..%2fCargo.toml").status, 404);
    let about = client.get("/firn/about").json();
    assert_eq!(about["data"]["trustsEverybody"], true);
    let body = json!({ "text": "SELECT 'ü;';  -- x\n SELECT '𝕏', 2 ;" });
    let told = client.post("/firn/statements", &body).json()["data"]["statements"].take();
    let expected = json!([
        { "from": 0, "to": 11, "text": "SELECT 'ü;'" },
        { "from": 20, "to": 34, "text": "SELECT '𝕏', 2" },
    ]);
    assert_eq!(told, expected);
}

#[test]
fn the_rest_api_runs_statements() {
    let server = started();
    let client = Client::new(server.address());
    let submit =
        |query: &str, body: &Value| client.post(&format!("/api/v2/statements{query}"), body);
    let body = json!({
        "statement": "SELECT ?, TRUE, NULL, CURRENT_SCHEMA()", "schema": "INFORMATION_SCHEMA",
        "bindings": { "1": { "type": "FIXED", "value": "7" } },
    });
    let reply = submit("?requestId=one", &body);
    let answer = reply.json();
    assert_eq!((reply.status, &answer["code"]), (200, &json!("090001")));
    assert_eq!(answer["data"], json!([["7", "true", null, "INFORMATION_SCHEMA"]]));
    assert_eq!(answer["resultSetMetaData"]["numRows"], 1);
    assert_eq!(answer["resultSetMetaData"]["rowType"][0]["type"], "fixed");
    let again = submit("?requestId=one", &body).json();
    assert_eq!(again["statementHandle"], answer["statementHandle"]);
    let reply = submit("?nullable=false", &json!({ "statement": "SELECT NULL" }));
    assert_eq!(reply.json()["data"], json!([["null"]]));
    let reply = submit("", &json!({ "statement": "SELECT nope" }));
    assert_eq!((reply.status, &reply.json()["code"]), (422, &json!("000904")));
    assert_eq!(submit("", &json!({})).status, 400);
    let large = "SELECT 'a text' || SEQ4() FROM TABLE(GENERATOR(ROWCOUNT => 200000))";
    let answer = submit("", &json!({ "statement": large })).json();
    let handle = answer["statementHandle"].as_str().expect("a handle").to_string();
    let partitions = answer["resultSetMetaData"]["partitionInfo"].as_array().expect("parts").len();
    assert!(partitions > 1);
    let rows = |number: usize| {
        let reply = client.get(&format!("/api/v2/statements/{handle}?partition={number}"));
        reply.json()["data"].as_array().map_or(0, Vec::len)
    };
    assert_eq!((0..partitions).map(rows).sum::<usize>(), 200_000);
    let reply = client.get(&format!("/api/v2/statements/{handle}?partition={partitions}"));
    assert_eq!(reply.status, 400);
    let slow = submit("?async=true", &json!({ "statement": "SELECT SYSTEM$WAIT(60)" }));
    assert_eq!((slow.status, &slow.json()["code"]), (202, &json!("333334")));
    let handle = slow.json()["statementHandle"].as_str().expect("a handle").to_string();
    assert_eq!(client.get(&format!("/api/v2/statements/{handle}")).status, 202);
    client.post(&format!("/api/v2/statements/{handle}/cancel"), &Value::Null);
    std::thread::sleep(Duration::from_millis(300));
    assert_eq!(client.get(&format!("/api/v2/statements/{handle}")).json()["code"], "000604");
    let script = json!({
        "statement": "SELECT 1; SELECT 2", "parameters": { "MULTI_STATEMENT_COUNT": "2" },
    });
    let answer = submit("", &script).json();
    assert_eq!(answer["statementHandles"].as_array().map(Vec::len), Some(2));
    assert_eq!(client.get("/api/v2/statements/nothing").status, 404);
}

/// The path of an address of the server.
fn path_of<'a>(server: &Server, address: &'a Value) -> &'a str {
    let address = address.as_str().expect("an address");
    address.split_once(&server.address().to_string()).expect("this server").1
}

#[test]
fn clients_move_the_files_of_put_and_get() {
    let server = started();
    let client = Client::login(server.address(), "JavaScript");
    client.query("CREATE STAGE files");
    let put = client.query("PUT file:///somewhere/a%20b.csv @files/in OVERWRITE = TRUE");
    let data = &put["data"];
    assert_eq!((&data["command"], &data["overwrite"]), (&json!("UPLOAD"), &json!(true)));
    assert_eq!(data["src_locations"], json!(["/somewhere/a%20b.csv"]));
    let path = path_of(&server, &data["stageInfo"]["presignedUrl"]).to_string();
    let nobody = Client::new(server.address());
    assert_eq!(nobody.send("PUT", &path, "Content-Encoding: parquet\r\n", b"1,x\n").status, 200);
    assert_eq!(client.rows("LIST @files")[0][0], "files/in/a%20b.csv");
    assert_eq!(client.rows("SELECT $1, $2 FROM @files"), json!([["1", "x"]]));
    // A way in is no way out, and leads nowhere else.
    assert_eq!(nobody.get(&path).status, 404);
    assert_eq!(nobody.send("PUT", "/stages/guess/a.csv", "", b"1").status, 404);
    assert_eq!(nobody.send("PUT", &path.replace("/a%25", "/../x%25"), "", b"1").status, 400);
    let get = client.query("GET @files/in file:///elsewhere/");
    let data = &get["data"];
    assert_eq!(
        (&data["command"], &data["localLocation"]),
        (&json!("DOWNLOAD"), &json!("/elsewhere/"))
    );
    assert_eq!(data["src_locations"], json!(["in/a%20b.csv"]));
    let path = path_of(&server, &data["presignedUrls"][0]);
    assert_eq!(nobody.get(path).body, b"1,x\n");
    assert_eq!(client.query("PUT file:///x @nothing")["code"], "002003");
}

#[test]
fn half_a_file_never_appears() {
    let server = started();
    let client = Client::login(server.address(), "JavaScript");
    client.query("CREATE STAGE files");
    let put = client.query("PUT file:///half.csv @files");
    let path = path_of(&server, &put["data"]["stageInfo"]["presignedUrl"]);
    let mut stream = std::net::TcpStream::connect(server.address()).expect("a connection");
    let head =
        format!("PUT {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\nonly this");
    stream.write_all(head.as_bytes()).expect("sent");
    std::thread::sleep(Duration::from_millis(100));
    drop(stream);
    std::thread::sleep(Duration::from_millis(200));
    assert_eq!(client.rows("LIST @files"), json!([]));
}

#[test]
fn files_of_the_server_are_out_of_reach() {
    let server = started();
    let client = Client::login(server.address(), "JavaScript");
    client.query("CREATE TABLE t (s TEXT)");
    for sql in [
        "CREATE STAGE disk URL = 'file:///etc/'",
        "COPY INTO t FROM 'file:///etc/hostname'",
        "COPY INTO 'file:///tmp/never/' FROM (SELECT 1)",
        "SELECT $1 FROM 'file:///etc/hostname'",
    ] {
        assert_eq!(client.query(sql)["success"], false, "{sql}");
    }
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("a.csv"), "7\n").expect("written");
    let allowed = folder.path().to_string_lossy().into_owned();
    let folders = Allowed { folders: vec![allowed.clone()], ..Allowed::default() };
    let server = self::server(ServerOptions { allowed: folders, ..ServerOptions::default() });
    let client = Client::login(server.address(), "JavaScript");
    assert_eq!(client.rows(&format!("SELECT $1 FROM 'file://{allowed}/'")), json!([["7"]]));
    assert_eq!(client.query(&format!("SELECT $1 FROM 'file://{allowed}/../'"))["success"], false);
}

#[test]
fn values_stand_for_stages_and_options() {
    let server = started();
    let client = Client::login(server.address(), "JavaScript");
    client.query("CREATE STAGE files");
    let text = |value: &str| json!({ "type": "TEXT", "value": value });
    let bindings = json!({ "1": text("@files/in") });
    let put =
        client.ask(&json!({ "sqlText": "PUT 'file:///a.csv' ? PARALLEL=4", "bindings": bindings }));
    let path = path_of(&server, &put["data"]["stageInfo"]["presignedUrl"]);
    assert_eq!(client.send("PUT", path, "", b"1\nx\n").status, 200);
    client.query("CREATE TABLE t (i INT)");
    let copy = "COPY INTO IDENTIFIER(?) FROM @files ON_ERROR = ?";
    let bindings = json!({ "1": text("t"), "2": text("CONTINUE") });
    let answer = client.ask(&json!({ "sqlText": copy, "bindings": bindings }));
    assert_eq!(answer["data"]["rowset"][0][1], "PARTIALLY_LOADED");
    assert_eq!(client.rows("SELECT * FROM t"), json!([["1"]]));
}
