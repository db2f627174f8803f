//! What firn adds for its own clients: its shell and its console.

use firn_tests::server_client::Client;
use serde_json::{Value, json};

use crate::started;

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
