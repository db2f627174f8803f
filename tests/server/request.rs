//! What requests and answers are made of.

use std::io::{Read, Write};
use std::time::{Duration, Instant};

use firn_server::ServerOptions;
use firn_tests::server_client::{Client, raw};
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use serde_json::{Value, json};

use crate::{path_of, server, started};

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
