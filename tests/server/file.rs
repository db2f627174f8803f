//! Files of stages.

use std::io::Write;
use std::time::Duration;

use firn_engine::Allowed;
use firn_server::ServerOptions;
use firn_tests::server_client::Client;
use serde_json::json;

use crate::{path_of, server, started};

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
