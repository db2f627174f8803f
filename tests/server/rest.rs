//! The REST API of statements.

use std::time::Duration;

use firn_tests::server_client::Client;
use serde_json::{Value, json};

use crate::started;

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
