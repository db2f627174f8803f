//! The shell on a server: as on an account of its own.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

/// A server, which ends with the test.
struct Server {
    process: Child,
    port: String,
}

impl Server {
    fn start() -> Server {
        Server::start_with(&[])
    }

    fn start_with(more: &[&str]) -> Server {
        let mut command = Command::new(env!("CARGO_BIN_EXE_firn"));
        command.args(["serve", "-a", ":memory:", "--listen", "127.0.0.1:0", "--trust-local"]);
        command.args(more);
        let mut process = command.stdout(Stdio::piped()).spawn().expect("a server");
        let mut line = String::new();
        let told = process.stdout.as_mut().expect("its output");
        BufReader::new(told).read_line(&mut line).expect("its address");
        let port = line.trim().rsplit(':').next().expect("a port").to_string();
        Server { process, port }
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_firn"));
        command.args(["--host", "127.0.0.1", "--port", &self.port, "--config"]).arg(nothing());
        command.args(arguments).stdin(Stdio::null()).output().expect("firn runs")
    }

    fn check(&self, arguments: &[&str], expect: &str) {
        let output = self.run(arguments);
        assert_eq!(text(&output.stdout), expect, "{}", text(&output.stderr));
        assert!(output.status.success());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// An empty file.
fn nothing() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/empty.toml")
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("UTF-8")
}

#[test]
fn results_look_as_those_of_an_account_of_ones_own() {
    let server = Server::start();
    let sql = "SELECT 1.25 AS n, 'x' AS s, TRUE AS b, NULL AS u, 2.5::FLOAT AS f, \
               '2024-01-02 03:04:05 +0000'::TIMESTAMP_TZ AS z, PARSE_JSON('{\"a\":[1]}') AS v; \
               CREATE TEMPORARY TABLE t (i INT); INSERT INTO t VALUES (1), (2); SELECT * FROM t";
    for format in ["psql", "csv", "tsv", "json", "jsonl", "markdown", "vertical"] {
        let option = format!("output_format={format}");
        let arguments = ["-q", sql, "-o", option.as_str(), "-o", "timing=false"];
        let own = Command::new(env!("CARGO_BIN_EXE_firn"))
            .args([":memory:", "--config"])
            .arg(nothing())
            .args(arguments)
            .output()
            .expect("firn runs");
        server.check(&arguments, text(&own.stdout));
    }
    let counted = server.run(&["-q", "INSERT INTO t SELECT 1", "-o", "timing=false"]);
    assert!(!counted.status.success(), "temporary tables end with their session");
}

#[test]
fn large_results_come_whole() {
    let server = Server::start();
    let sql = "SELECT SEQ8() AS i, REPEAT('x', 20) FROM TABLE(GENERATOR(ROWCOUNT => 300000))";
    let output = server.run(&["-q", sql, "-o", "output_format=csv", "-o", "timing=false"]);
    let lines: Vec<&str> = text(&output.stdout).lines().collect();
    assert_eq!(lines.len(), 300_001);
    assert_eq!(lines[300_000], "299999,xxxxxxxxxxxxxxxxxxxx");
}

#[test]
fn errors_show_their_place() {
    let server = Server::start();
    let output = server.run(&["-q", "SELECT\n  nope", "-o", "timing=false"]);
    assert_eq!(output.status.code(), Some(1));
    let said = text(&output.stderr);
    assert!(said.starts_with("000904 (42000)"), "{said}");
    assert!(said.contains("2 |   nope") && said.contains('^'), "{said}");
    let port = &server.port;
    let mut nobody = Command::new(env!("CARGO_BIN_EXE_firn"));
    nobody.args(["--host", "127.0.0.1", "--port", "1", "-q", "SELECT 1"]);
    let output = nobody.output().expect("firn runs");
    assert_eq!(output.status.code(), Some(3));
    assert!(text(&output.stderr).contains("http://127.0.0.1:1 does not answer"), "{port}");
}

#[test]
fn files_go_to_the_server_and_come_back() {
    let server = Server::start();
    let folder = tempfile::tempdir().expect("a folder");
    let place = folder.path().to_str().expect("a path");
    std::fs::write(folder.path().join("a b.csv"), "1,x\n2,y\n").expect("written");
    std::fs::create_dir(folder.path().join("out")).expect("a folder");
    let sql = format!(
        "CREATE STAGE st; PUT 'file://{place}/a b.csv' @st/in; CREATE TABLE t (i INT, s TEXT); \
         COPY INTO t FROM @st FILE_FORMAT = (TYPE = CSV); SELECT * FROM t ORDER BY i; \
         GET @st 'file://{place}/out'; LIST @st"
    );
    let output = server.run(&["-q", &sql, "-o", "output_format=csv", "-o", "timing=false"]);
    let said = text(&output.stdout);
    assert!(output.status.success(), "{said}{}", text(&output.stderr));
    assert!(said.contains("a b.csv,a b.csv.gz,8,"), "{said}");
    assert!(said.contains("\n1,x\n2,y\n"), "{said}");
    assert!(folder.path().join("out/a b.csv.gz").is_file());
    let absent = format!("PUT file://{place}/absent.csv @~");
    let output = server.run(&["-q", &absent]);
    assert!(text(&output.stderr).contains("File doesn't exist"), "{}", text(&output.stderr));
}

#[test]
fn connections_of_snowflakes_clients_are_taken() {
    let server = Server::start();
    let folder = tempfile::tempdir().expect("a folder");
    let connections = format!(
        "[local]\naccount = 'x'\nuser = 'ann'\npassword = '-'\nhost = '127.0.0.1'\nport = {}\n\
         protocol = 'http'\ninsecure_mode = true\n\n[cloud]\naccount = 'abc-def'\nuser = 'ann'\n",
        server.port
    );
    std::fs::write(folder.path().join("connections.toml"), connections).expect("written");
    let run = |name: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_firn"));
        command.env("SNOWFLAKE_HOME", folder.path()).args(["-c", name, "--config"]).arg(nothing());
        let sql = "SELECT CURRENT_USER()";
        command.args([
            "-q",
            sql,
            "-o",
            "timing=false",
            "-o",
            "output_format=csv",
            "-o",
            "header=false",
        ]);
        command.output().expect("firn runs")
    };
    assert_eq!(text(&run("local").stdout), "ANN\n", "{}", text(&run("local").stderr));
    assert!(text(&run("cloud").stderr).contains("names no host"));
    assert!(text(&run("absent").stderr).contains("there is no connection 'absent'"));
}

#[test]
fn python_runs_where_the_server_is_started_with_it() {
    let create = "CREATE FUNCTION f() RETURNS INT LANGUAGE PYTHON RUNTIME_VERSION = '3.8' HANDLER = 'm' \
                  AS 'def m(): return 7'";
    let sql = format!("{create}; SELECT f()");
    let arguments = ["-q", &sql, "-o", "output_format=csv", "-o", "timing=false"];
    let output = Server::start().run(&arguments);
    let told = format!("{}{}", text(&output.stdout), text(&output.stderr));
    assert!(told.contains("Who runs the server switches it on with the option --python"), "{told}");
    assert!(!output.status.success());

    let output = Server::start_with(&["--python=/nowhere/python"]).run(&arguments);
    let told = format!("{}{}", text(&output.stdout), text(&output.stderr));
    assert!(
        told.contains("There is no Python at '/nowhere/python', which the option --python names"),
        "{told}"
    );

    if !Command::new("python3")
        .arg("--version")
        .output()
        .is_ok_and(|output| output.status.success())
    {
        eprintln!("skipped: there is no python3");
        return;
    }
    let output = Server::start_with(&["--python"]).run(&arguments);
    assert!(text(&output.stdout).ends_with("7\n"), "{}", text(&output.stderr));
}
