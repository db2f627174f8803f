//! The binary as a process: what programs and scripts that drive it rely on.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

fn firn(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_firn"));
    // A configuration of whoever runs the tests must not change them.
    command.args([":memory:", "--config"]).arg(nothing()).args(arguments);
    command.current_dir(project()).stdin(Stdio::null());
    command
}

/// An empty file.
fn nothing() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/empty.toml")
}

fn project() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("shell/ lies in the project")
}

fn run(arguments: &[&str]) -> Output {
    firn(arguments).output().expect("firn runs")
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("UTF-8")
}

fn check(arguments: &[&str], expect: &str) {
    let output = run(arguments);
    assert_eq!(text(&output.stdout), expect, "{}", text(&output.stderr));
    assert!(output.status.success());
}

#[test]
fn psql_is_a_table_for_people() {
    let sql =
        "SELECT column1 AS id, column2 AS name FROM VALUES (1, 'Alice'), (2, NULL) ORDER BY 1";
    check(
        &["-q", sql, "-o", "timing=false"],
        "\
+----+-------+
| ID | NAME  |
|----+-------|
|  1 | Alice |
|  2 | NULL  |
+----+-------+
",
    );
}

#[test]
fn the_other_formats() {
    let sql = "SELECT 1.50::NUMBER(5,2) AS n, '' AS e, NULL AS u, 'a,\"b' AS t, TRUE AS b";
    let with = |format: &'static str, expect: &str| {
        check(&["-q", sql, "-o", &format!("output_format={format}")], expect);
    };
    with("csv", "N,E,U,T,B\n1.50,\"\",,\"a,\"\"b\",true\n");
    with("tsv", "N\tE\tU\tT\tB\n1.50\t\tNULL\ta,\"b\ttrue\n");
    with("json", "[{\"N\":1.50,\"E\":\"\",\"U\":null,\"T\":\"a,\\\"b\",\"B\":true}]\n");
    with("jsonl", "{\"N\":1.50,\"E\":\"\",\"U\":null,\"T\":\"a,\\\"b\",\"B\":true}\n");
    check(
        &["-q", sql, "-o", "output_format=csv", "-o", "header=false"],
        "1.50,\"\",,\"a,\"\"b\",true\n",
    );
}

#[test]
fn the_footer_counts_rows_and_time() {
    let output = run(&["-q", "CREATE TABLE t (a INT); INSERT INTO t VALUES (1), (2), (3)"]);
    let footers: Vec<&str> =
        text(&output.stdout).lines().filter(|line| line.contains("Row(s) produced")).collect();
    assert_eq!(footers.len(), 2);
    assert!(footers[1].starts_with("3 Row(s) produced. Time Elapsed: 0."), "{}", footers[1]);
    let digits = footers[1].trim_end_matches('s').rsplit('.').next().expect("a fraction");
    assert_eq!(digits.len(), 6);
}

#[test]
fn a_batch_run_stops_at_the_first_error() {
    let output = run(&["-q", "SELECT 1 AS a; SELEC 2; SELECT 3 AS c", "-o", "output_format=csv"]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(text(&output.stdout), "A\n1\n");
    let error = text(&output.stderr);
    assert!(
        error.starts_with("001003 (42000): SQL compilation error:\nsyntax error line 1 at"),
        "{error}"
    );
    assert!(error.ends_with("1 | SELEC 2\n  | ^^^^^\n"), "{error}");
    let script =
        ["-q", "SELEC 2; SELECT 3 AS c", "-o", "output_format=csv", "-o", "exit_on_error=false"];
    check(&script, "C\n3\n");
}

#[test]
fn wrong_arguments_have_their_own_exit_code() {
    assert_eq!(run(&["-o", "colour=true"]).status.code(), Some(2));
    assert_eq!(run(&["--nonsense"]).status.code(), Some(2));
    assert_eq!(run(&["-c", "nowhere"]).status.code(), Some(2));
    assert_eq!(run(&["-f", "nowhere.sql"]).status.code(), Some(1));
}

#[test]
fn a_pipe_is_answered_statement_by_statement() {
    let mut child = firn(&["-o", "output_format=machine", "-o", "exit_on_error=false"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("firn starts");
    let mut input = child.stdin.take().expect("a pipe");
    let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    // Each question is sent after the answer to the one before it, so nothing waits for the end of input.
    let mut ask = |sql: &str| -> Value {
        writeln!(input, "{sql}").expect("firn listens");
        let line = lines.next().expect("an answer").expect("UTF-8");
        serde_json::from_str(&line).expect("JSON")
    };
    let answer = ask("SELECT 1 AS a,\n  NULL AS b, TRUE AS c, 'x\ny' AS d;");
    assert_eq!(answer["columns"][0], serde_json::json!({"name": "A", "type": "NUMBER(1,0)"}));
    assert_eq!(answer["rows"], serde_json::json!([["1", null, true, "x\ny"]]));
    assert_eq!(answer["row_count"], 1);
    assert!(answer["elapsed_s"].is_f64());
    assert_eq!(answer["query_id"].as_str().map(str::len), Some(36));
    let answer = ask("SELECT\n nope;");
    assert_eq!(answer["error"]["code"], "000904");
    assert_eq!(answer["error"]["sqlstate"], "42000");
    assert_eq!((&answer["error"]["line"], &answer["error"]["position"]), (&2.into(), &1.into()));
    let answer = ask("CREATE TABLE t (a INT);");
    assert_eq!(answer["rows"][0][0], "Table T successfully created.");
    assert_eq!(ask("SELECT ';' AS s;")["rows"][0][0], ";");
    drop(input);
    assert!(child.wait().expect("firn ends").success());
}

#[test]
fn variables_and_commands() {
    let mut child = firn(&["-o", "output_format=csv", "-D", "who=Ada"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("firn starts");
    let script = "!set variable_substitution=true\n!define n=3\nSELECT '&who' AS w, &n + 1 AS m;\n\
                  !print hello &{who}\nSELECT &nothing;\n!quit\nSELECT 9;";
    child.stdin.take().expect("a pipe").write_all(script.as_bytes()).expect("firn listens");
    let output = child.wait_with_output().expect("firn ends");
    assert_eq!(text(&output.stdout), "W,M\nAda,4\nhello Ada\n");
    assert_eq!(text(&output.stderr), "Variable nothing is not defined\n");
    assert_eq!(output.status.code(), Some(1));
}

/// Runs a script of the sample data; nothing of it fails, and it shows at least `results`.
fn check_script(script: &str, results: usize) {
    let output = run(&["-f", script]);
    assert_eq!(text(&output.stderr), "");
    assert!(output.status.success());
    let shown =
        text(&output.stdout).lines().filter(|line| line.contains(" Row(s) produced.")).count();
    assert!(shown >= results, "{shown} results");
}

#[test]
fn the_tour_runs() {
    check_script("sample_data/tour.sql", 20);
}

#[test]
fn the_course_runs() {
    check_script("sample_data/course.sql", 20);
}

#[test]
fn an_account_on_a_folder_outlives_the_process() {
    let folder = std::env::temp_dir().join(format!("firn-command-line-{}", std::process::id()));
    let place = folder.to_string_lossy().into_owned();
    let on_folder = |sql: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_firn"));
        command
            .args(["-a", &place, "-o", "output_format=csv", "-q", sql, "--config"])
            .arg(nothing());
        command.output().expect("firn runs")
    };
    assert!(on_folder("CREATE TABLE t (a INT); INSERT INTO t VALUES (42)").status.success());
    let output = on_folder("SELECT a FROM t");
    std::fs::remove_dir_all(&folder).expect("the folder goes");
    assert_eq!(text(&output.stdout), "A\n42\n");
}
