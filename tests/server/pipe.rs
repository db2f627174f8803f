//! What programs ask of pipes without SQL.

use std::time::{Duration, Instant};

use firn_tests::server_client::Client;
use serde_json::{Value, json};

use crate::started;

const PIPE: &str = "/v1/data/pipes/firn.public.p";

fn prepared(client: &Client) {
    for sql in [
        "CREATE TABLE t (a INT, b INT)",
        "CREATE STAGE st",
        "COPY INTO @st/in/one.csv FROM (SELECT 1, 2) SINGLE = TRUE FILE_FORMAT = (COMPRESSION = NONE)",
        "COPY INTO @st/in/bad.csv FROM (SELECT 'x', 2) SINGLE = TRUE FILE_FORMAT = (COMPRESSION = NONE)",
        "CREATE PIPE p AS COPY INTO t FROM @st/in/",
    ] {
        assert_eq!(client.query(sql)["success"], true, "{sql}");
    }
}

/// The report of a pipe once it has told of so many files.
fn report(client: &Client, mark: &str, files: usize) -> Value {
    let started = Instant::now();
    loop {
        let answer = client.get(&format!("{PIPE}/insertReport?{mark}")).json();
        let told = answer["files"].as_array().map_or(0, Vec::len);
        if told == files || started.elapsed() > Duration::from_secs(20) {
            return answer;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn files_are_asked_for_and_reported() {
    let server = started();
    let client = Client::login(server.address(), "JavaScript");
    prepared(&client);
    // Below the location of the pipe's statement, or below the stage.
    let body = json!({ "files": [
        { "path": "one.csv", "size": 4 }, { "path": "in/bad.csv" }, { "path": "absent.csv" },
    ] });
    let reply = client.post(&format!("{PIPE}/insertFiles?requestId=one"), &body);
    assert_eq!(
        (reply.status, reply.json()),
        (200, json!({ "requestId": "one", "status": "success" }))
    );
    let answer = report(&client, "", 3);
    assert_eq!(
        (&answer["pipe"], &answer["completeResult"]),
        (&json!("FIRN.PUBLIC.P"), &json!(true))
    );
    assert_eq!(answer["statistics"]["activeFilesCount"], 0);
    let mut files = answer["files"].as_array().cloned().unwrap_or_default();
    files.sort_by_key(|file| file["path"].to_string());
    let told = |file: &Value| {
        json!([
            file["path"],
            file["status"],
            file["rowsInserted"],
            file["errorsSeen"],
            file["firstErrorLineNum"]
        ])
    };
    let told: Vec<Value> = files.iter().map(told).collect();
    assert_eq!(
        told,
        [
            json!(["in/absent.csv", "LOAD_FAILED", 0, 1, 0]),
            json!(["in/bad.csv", "LOAD_FAILED", 0, 1, 1]),
            json!(["in/one.csv", "LOADED", 1, 0, null]),
        ]
    );
    assert_eq!(files[2]["stageLocation"], "@FIRN.PUBLIC.ST");
    assert_eq!(client.rows("SELECT a, b FROM t"), json!([["1", "2"]]));
    // Behind the mark there is nothing more.
    let mark = answer["nextBeginMark"].as_str().expect("a mark");
    let next = client.get(&format!("{PIPE}/insertReport?beginMark={mark}")).json();
    assert_eq!((&next["files"], &next["nextBeginMark"]), (&json!([]), &json!(mark)));
    // What is loaded is loaded once; a text names a file in each line.
    let path = format!("{PIPE}/insertFiles?showSkippedFiles=true");
    let headers = "Content-Type: text/plain\r\n";
    let reply = client.send("POST", &path, headers, b"one.csv\n\nbad.csv\n");
    assert_eq!(reply.json()["skippedFiles"], json!(["one.csv"]));
    report(&client, "", 4);
    assert_eq!(client.rows("SELECT COUNT(*) FROM t"), json!([["1"]]));
    let scan = |query: &str| client.get(&format!("{PIPE}/loadHistoryScan{query}"));
    let all = scan("?startTimeInclusive=2000-01-01T00:00:00.000Z").json();
    assert_eq!(all["files"].as_array().map(Vec::len), Some(4));
    let range = "?startTimeInclusive=2000-01-01T00:00:00Z&endTimeExclusive=2001-01-01T00:00:00Z";
    assert_eq!(scan(range).json()["files"], json!([]));
    assert_eq!(scan("").status, 400);
    assert_eq!(scan("?startTimeInclusive=yesterday").status, 400);
}

#[test]
fn wrong_requests_are_refused() {
    let server = started();
    let client = Client::login(server.address(), "JavaScript");
    prepared(&client);
    let insert = |pipe: &str, body: &Value| {
        client.post(&format!("/v1/data/pipes/{pipe}/insertFiles"), body).status
    };
    let files = json!({ "files": [{ "path": "one.csv" }] });
    assert_eq!(insert("firn.public.nope", &files), 404);
    assert_eq!(insert("firn.public.p", &json!({ "paths": ["one.csv"] })), 400);
    assert_eq!(insert("firn.public.p", &json!({ "files": [{ "path": "" }] })), 400);
    let many: Vec<Value> = (0..5_001).map(|n| json!({ "path": format!("{n}.csv") })).collect();
    assert_eq!(insert("firn.public.p", &json!({ "files": many })), 400);
    assert_eq!(client.rows("SELECT COUNT(*) FROM t"), json!([["0"]]));
}
