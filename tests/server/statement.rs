//! Statements, their values and their results.

use std::time::{Duration, Instant};

use firn_server::ServerOptions;
use firn_tests::server_client::Client;
use serde_json::{Value, json};

use crate::{path_of, server, started};

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
