//! Statements as objects: they run beside each other, are canceled one by one, give rows as they come, and
//! leave their results behind.

use std::time::{Duration, Instant};

use firn_engine::{
    Binds, Cell, Engine, EngineOptions, Failure, Session, SessionOptions, SqlType, Statement,
    StatementOptions, TypedValue, Value,
};
use firn_tests::{session, written_row};

fn engine(options: EngineOptions) -> Engine {
    Engine::open(":memory:", EngineOptions { threads: Some(2), ..options }).expect("an engine")
}

fn start(session: &Session, sql: &str) -> Statement {
    session.start(sql, Binds::default(), &StatementOptions::default())
}

fn rows(session: &Session, sql: &str) -> Vec<String> {
    let result = start(session, sql).result().unwrap_or_else(|failure| panic!("{sql}: {failure}"));
    result.cells().expect("printable").iter().map(|row| written_row(row)).collect()
}

fn failure(session: &Session, sql: &str) -> Failure {
    start(session, sql).result().expect_err(sql)
}

#[test]
fn a_statement_tells_of_itself_while_it_runs() {
    let engine = engine(EngineOptions::default());
    let session = session(&engine);
    let mut slow = start(&session, "SELECT SYSTEM$WAIT(60) AS w, 1 AS n");
    assert_eq!(slow.kind().expect("parsed"), "SELECT");
    let names: Vec<String> = slow.fields().expect("bound").iter().map(|f| f.name.clone()).collect();
    assert_eq!(names, ["W", "N"]);
    assert!(slow.result_within(Duration::from_millis(1)).is_none());
    let canceled = Instant::now();
    slow.monitor().cancel.cancel();
    assert!(slow.next_batch().expect_err("canceled").is_canceled());
    assert!(canceled.elapsed() < Duration::from_millis(250), "{:?}", canceled.elapsed());
}

#[test]
fn a_cancel_ends_its_own_statement_and_no_other() {
    let engine = engine(EngineOptions::default());
    let session = session(&engine);
    let done = start(&session, "SELECT 1");
    done.result().expect("it ends");
    // Late: nothing is left to end, and what follows is not hit.
    done.monitor().cancel.cancel();
    done.result().expect("it has ended well");
    assert_eq!(rows(&session, "SELECT 2"), ["2"]);
    let two = [start(&session, "SELECT SYSTEM$WAIT(60)"), start(&session, "SELECT SYSTEM$WAIT(1)")];
    two[0].monitor().cancel.cancel();
    assert!(two[0].result().expect_err("canceled").is_canceled());
    two[1].result().expect("the other runs on");
}

#[test]
fn statements_of_a_session_run_at_once_and_change_it() {
    let engine = engine(EngineOptions::default());
    let session = session(&engine);
    let slow = start(&session, "SELECT SYSTEM$WAIT(2), CURRENT_SCHEMA(), $v");
    assert!(slow.result().is_err(), "no variable yet");
    rows(&session, "SET v = 1");
    let slow = start(&session, "SELECT CURRENT_SCHEMA() || $v || SYSTEM$WAIT(1)");
    slow.fields().expect("bound");
    rows(&session, "SET v = 2");
    rows(&session, "CREATE SCHEMA other");
    let after = start(&session, "USE SCHEMA other");
    assert_eq!(after.in_use_after().expect("used").schema.as_deref(), Some("OTHER"));
    assert_eq!(session.in_use().schema.as_deref(), Some("OTHER"));
    assert_eq!(rows(&session, "SELECT CURRENT_SCHEMA() || $v"), ["OTHER2"]);
    // What began before sees the session as it was then.
    let cells = slow.result().expect("it ends").cells().expect("printable");
    assert_eq!(written_row(&cells[0]), "PUBLIC1waited 1 seconds");
    assert_eq!(slow.in_use_after().expect("ended").schema.as_deref(), Some("PUBLIC"));
}

#[test]
fn writers_in_one_transaction_take_turns() {
    let engine = engine(EngineOptions::default());
    let session = session(&engine);
    rows(&session, "CREATE TABLE t (a INT)");
    rows(&session, "BEGIN");
    let inserts: Vec<Statement> = (0..8)
        .map(|n| {
            start(
                &session,
                &format!("INSERT INTO t SELECT {n} FROM TABLE(GENERATOR(ROWCOUNT => 10))"),
            )
        })
        .collect();
    for insert in &inserts {
        let counts = insert.counts().expect("inserted");
        assert_eq!(counts, [("number of rows inserted".to_string(), 10)]);
    }
    assert_eq!(rows(&session, "SELECT COUNT(*) FROM t"), ["80"]);
    rows(&session, "ROLLBACK");
    assert_eq!(rows(&session, "SELECT COUNT(*) FROM t"), ["0"]);
}

#[test]
fn parameters_hold_for_one_statement() {
    let engine = engine(EngineOptions::default());
    let session = session(&engine);
    let with = |name: &str, value: &str, sql: &str| {
        let parameters = vec![(name.to_string(), value.to_string())];
        session.start(sql, Binds::default(), &StatementOptions { parameters }).result()
    };
    let date = with("DATE_OUTPUT_FORMAT", "DD.MM.YYYY", "SELECT '2024-05-06'::DATE");
    let cells = date.expect("it runs").cells().expect("printable");
    assert_eq!(written_row(&cells[0]), "06.05.2024");
    let set = "ALTER SESSION SET TIMEZONE = 'UTC'";
    with("DATE_OUTPUT_FORMAT", "DD.MM.YYYY", set).expect("it runs");
    assert_eq!(rows(&session, "SELECT '2024-05-06'::DATE"), ["2024-05-06"]);
    let late = with("STATEMENT_TIMEOUT_IN_SECONDS", "1", "SELECT SYSTEM$WAIT(60)");
    assert!(late.expect_err("too long").message.contains("timeout of 1 second"));
    assert!(with("NO_SUCH", "1", "SELECT 1").expect_err("unknown").message.contains("NO_SUCH"));
}

#[test]
fn results_are_found_by_id_from_other_sessions_of_the_user() {
    let engine = engine(EngineOptions::default());
    let (one, two) = (session(&engine), session(&engine));
    let other = SessionOptions { user: Some("SOMEONE".to_string()), ..SessionOptions::default() };
    let other = engine.session(other).expect("a session");
    let first = start(&one, "SELECT column1 AS a FROM VALUES (1), (2) ORDER BY 1");
    first.result().expect("it runs");
    let again = format!("SELECT SUM(a) FROM TABLE(RESULT_SCAN('{}'))", first.query_id());
    assert_eq!(rows(&two, &again), ["3"]);
    drop(one);
    assert_eq!(rows(&two, &again), ["3"]);
    let text = format!("Statement {} not found", first.query_id());
    assert!(failure(&other, &again).message.contains(&text));
}

#[test]
fn large_results_lie_on_disk_and_come_in_order() {
    let options = EngineOptions { memory_bytes: Some(4 << 20), ..EngineOptions::default() };
    let engine = engine(options);
    let session = session(&engine);
    let sql = "SELECT SEQ4() AS n, 'text number ' || n AS t FROM TABLE(GENERATOR(ROWCOUNT => 300000)) \
               ORDER BY n";
    let mut statement = start(&session, sql);
    let mut read = 0;
    while let Some(batch) = statement.next_batch().expect("it runs") {
        statement
            .print(&batch, &mut |row| {
                assert_eq!(written_row(row), format!("{read}|text number {read}"));
                read += 1;
            })
            .expect("printable");
    }
    assert_eq!(read, 300_000);
    let id = statement.query_id();
    let sum = format!("SELECT COUNT(*), SUM(n) FROM TABLE(RESULT_SCAN('{id}'))");
    assert_eq!(rows(&session, &sum), ["300000|44999850000"]);
}

#[test]
fn a_fault_ends_the_statement_and_nothing_else() {
    fn fail(sql: &str) {
        assert!(!sql.contains("fault"), "made for a test");
    }
    let options = EngineOptions { on_statement: Some(fail), ..EngineOptions::default() };
    let engine = engine(options);
    let session = session(&engine);
    rows(&session, "CREATE TABLE t (a INT)");
    rows(&session, "BEGIN");
    rows(&session, "INSERT INTO t VALUES (1)");
    let broken = start(&session, "SELECT 'fault'");
    let failure = broken.result().expect_err("a fault");
    assert_eq!(failure.code.number(), 300_002);
    assert!(failure.message.contains(broken.query_id()), "{failure}");
    assert!(failure.message.contains("made for a test"), "{failure}");
    // What was open is rolled back, and the session goes on.
    assert_eq!(rows(&session, "SELECT COUNT(*), CURRENT_TRANSACTION() FROM t"), ["0|NULL"]);
}

#[test]
fn a_refresh_leaves_the_query_that_asked_for_it_alone() {
    let engine = engine(EngineOptions::default());
    let session = session(&engine);
    rows(&session, "CREATE TABLE t (k INT, n INT)");
    rows(&session, "CREATE MATERIALIZED VIEW v AS SELECT k, SUM(n) AS s FROM t GROUP BY k");
    rows(&session, "INSERT INTO t VALUES (1, 2), (1, 3)");
    let query = start(&session, "SELECT s FROM v");
    query.result().expect("it runs");
    let names: Vec<String> = query.profile().operators().iter().map(|o| o.name.clone()).collect();
    assert!(!names.iter().any(|name| name == "Insert"), "{names:?}");
    assert_eq!(names.iter().filter(|name| *name == "Result").count(), 1, "{names:?}");
    assert_eq!(
        rows(
            &session,
            "SELECT query_text FROM TABLE(INFORMATION_SCHEMA.QUERY_HISTORY()) \
        WHERE query_id = LAST_QUERY_ID()"
        ),
        ["SELECT s FROM v"]
    );
}

#[test]
fn a_warehouse_aborts_what_runs_in_it() {
    let engine = engine(EngineOptions::default());
    let (one, two) = (session(&engine), session(&engine));
    rows(&two, "CREATE WAREHOUSE other");
    let (here, there) =
        (start(&one, "SELECT SYSTEM$WAIT(60)"), start(&two, "SELECT SYSTEM$WAIT(1)"));
    here.fields().expect("it runs");
    rows(&one, "ALTER WAREHOUSE compute_wh ABORT ALL QUERIES");
    assert!(here.result().expect_err("aborted").is_canceled());
    there.result().expect("it runs in another warehouse");
}

#[test]
fn what_runs_ends_with_its_session() {
    let engine = engine(EngineOptions::default());
    let session = session(&engine);
    let slow = start(&session, "SELECT SYSTEM$WAIT(60)");
    slow.fields().expect("it runs");
    drop(session);
    assert!(slow.result().expect_err("its session is gone").is_canceled());
}

#[test]
fn a_warehouse_runs_so_many_statements_at_once() {
    let engine = engine(EngineOptions::default());
    let session = session(&engine);
    rows(&session, "CREATE WAREHOUSE one MAX_CONCURRENCY_LEVEL = 1");
    let slow = start(&session, "SELECT SYSTEM$WAIT(60)");
    let running = |session: &Session| {
        let shown = start(session, "SHOW WAREHOUSES LIKE 'one'").result().expect("shown");
        let column = shown.fields.iter().position(|field| field.name == "running");
        let cells = shown.cells().expect("printable");
        cells[0][column.expect("a column")] == Cell::Text("1".to_string())
    };
    while !running(&session) {
        std::thread::sleep(Duration::from_millis(5));
    }
    let parameters = vec![("STATEMENT_QUEUED_TIMEOUT_IN_SECONDS".to_string(), "1".to_string())];
    let impatient = session.start("SELECT 1", Binds::default(), &StatementOptions { parameters });
    let message = impatient.result().expect_err("no place in time").message;
    assert!(message.contains("queued timeout of 1 second"), "{message}");
    let patient = start(&session, "SELECT 2");
    assert!(patient.result_within(Duration::from_millis(50)).is_none());
    // What does not compute needs no place.
    rows(&session, "SHOW WAREHOUSES");
    slow.monitor().cancel.cancel();
    patient.result().expect("its turn has come");
    let waited = format!(
        "SELECT queued_overload_time > 0 FROM TABLE(INFORMATION_SCHEMA.QUERY_HISTORY()) \
         WHERE query_id = '{}'",
        patient.query_id()
    );
    assert_eq!(rows(&session, &waited), ["true"]);
}

fn bound(session: &Session, sql: &str, binds: Binds) -> Vec<String> {
    let statement = session.start(sql, binds, &StatementOptions::default());
    let result = statement.result().unwrap_or_else(|failure| panic!("{sql}: {failure}"));
    result.cells().expect("printable").iter().map(|row| written_row(row)).collect()
}

fn positional(values: &[TypedValue]) -> Binds {
    Binds { positional: values.to_vec(), ..Binds::default() }
}

#[test]
fn values_come_with_a_statement() {
    let engine = engine(EngineOptions::default());
    let session = session(&engine);
    let (one, two, text) =
        (TypedValue::integer(1), TypedValue::integer(2), TypedValue::text("a'b"));
    let both = positional(&[one.clone(), text.clone()]);
    assert_eq!(bound(&session, "SELECT ? + 1, ? || '?' -- ?", both.clone()), ["2|a'b?"]);
    assert_eq!(bound(&session, "SELECT :2, :1, :1", both), ["a'b|1|1"]);
    let named = Binds {
        named: vec![("N".to_string(), two.clone()), ("name".to_string(), text.clone())],
        ..Binds::default()
    };
    assert_eq!(bound(&session, "SELECT :n * :N, :Name", named), ["4|a'b"]);
    let date = TypedValue { value: Value::Date(19_849), sql_type: SqlType::Date };
    let typed = positional(&[date, TypedValue::null(SqlType::Boolean)]);
    assert_eq!(bound(&session, "SELECT SYSTEM$TYPEOF(?), ?", typed.clone()), ["DATE[SB4]|NULL"]);
    assert_eq!(bound(&session, "SELECT ? + 1, ?", typed), ["2024-05-07|NULL"]);
}

#[test]
fn values_stand_wherever_constants_do() {
    let engine = engine(EngineOptions::default());
    let session = session(&engine);
    let number = TypedValue::integer;
    rows(&session, "CREATE TABLE t (a INT, b VARCHAR)");
    let many: Vec<TypedValue> =
        (0..3).flat_map(|n| [number(n), TypedValue::text(&format!("row {n}"))]).collect();
    let insert = "INSERT INTO t VALUES (?, ?), (?, ?), (?, ?)";
    assert_eq!(bound(&session, insert, positional(&many)), ["3"]);
    let table = positional(&[TypedValue::text("t"), number(1)]);
    assert_eq!(bound(&session, "SELECT COUNT(*) FROM IDENTIFIER(?) WHERE a >= ?", table), ["2"]);
    let limit = positional(&[number(1), number(1)]);
    assert_eq!(bound(&session, "SELECT b FROM t ORDER BY a LIMIT ? OFFSET ?", limit), ["row 1"]);
    let count = "SELECT COUNT(*) FROM TABLE(GENERATOR(ROWCOUNT => ?))";
    assert_eq!(bound(&session, count, positional(&[number(7)])), ["7"]);
    let split = "SELECT value FROM TABLE(SPLIT_TO_TABLE(:list, ','))";
    let list = Binds { named: vec![("list".into(), TypedValue::text("x,y"))], ..Binds::default() };
    assert_eq!(bound(&session, split, list), ["x", "y"]);
    let update = positional(&[TypedValue::text("new"), number(2)]);
    assert_eq!(bound(&session, "UPDATE t SET b = ? WHERE a = ?", update), ["1|0"]);
    bound(&session, "SET (x, y) = (?, ? || '!')", positional(&[number(5), TypedValue::text("z")]));
    assert_eq!(rows(&session, "SELECT $x, $y"), ["5|z!"]);
    bound(
        &session,
        "CREATE TABLE u AS SELECT a FROM t WHERE b = ?",
        positional(&[TypedValue::text("new")]),
    );
    assert_eq!(rows(&session, "SELECT a FROM u"), ["2"]);
    bound(&session, "COPY INTO @~/out FROM (SELECT a + ? FROM t)", positional(&[number(10)]));
    let staged = "SELECT SUM($1 + ?) FROM @~/out";
    assert_eq!(bound(&session, staged, positional(&[number(100)])), ["333.00000"]);
}

#[test]
fn places_without_values_and_values_of_other_types_are_errors() {
    let engine = engine(EngineOptions::default());
    let session = session(&engine);
    let message = |sql: &str, binds: Binds| {
        let statement = session.start(sql, binds, &StatementOptions::default());
        statement.result().expect_err(sql).message
    };
    let one = positional(&[TypedValue::integer(1)]);
    assert!(message("SELECT ?, ?", one.clone()).contains("Bind variable ? number 2 not set."));
    assert!(message("SELECT :name", one.clone()).contains("Bind variable :NAME not set."));
    assert!(message("SELECT :0", one.clone()).contains("not set"));
    assert!(message("CREATE TABLE t (a INT DEFAULT ?)", one.clone()).contains("bind variables"));
    assert!(message("CREATE VIEW v AS SELECT ? AS a", one).contains("bind variables"));
    let wrong = TypedValue { value: Value::text("x"), sql_type: SqlType::Date };
    assert!(message("SELECT ?", positional(&[wrong])).contains("of type DATE"));
}

#[test]
fn a_statement_is_described_and_not_run() {
    let engine = engine(EngineOptions::default());
    let session = session(&engine);
    rows(&session, "CREATE TABLE t (a INT, b VARCHAR(5))");
    rows(&session, "CREATE SEQUENCE s");
    let described = |sql: &str| {
        let described = session.describe(sql).unwrap_or_else(|failure| panic!("{sql}: {failure}"));
        let fields = described.fields.map(|fields| {
            let shown = fields.iter().map(|field| format!("{} {}", field.name, field.sql_type));
            shown.collect::<Vec<_>>().join(", ")
        });
        (described.kind, fields.unwrap_or_default(), described.binds.join(","))
    };
    let (select, none) = ("SELECT", String::new);
    let query =
        "SELECT a, b, SYSTEM$WAIT(60) AS w, s.nextval AS n FROM t WHERE a = ? AND b = :name";
    let shown = "A NUMBER(38,0), B VARCHAR(5), W VARCHAR, N NUMBER(38,0)".to_string();
    let start = Instant::now();
    let told = described(query);
    assert!(start.elapsed() < Duration::from_secs(30), "it was run");
    assert_eq!((told.0, told.2), (select, "?1,NAME".to_string()));
    assert!(told.1.starts_with("A NUMBER(38,0), B VARCHAR(5), W VARCHAR"), "{} / {shown}", told.1);
    assert_eq!(rows(&session, "SELECT s.nextval"), ["1"]);
    let inserted = "number of rows inserted NUMBER(19,0)".to_string();
    assert_eq!(described("INSERT INTO t VALUES (?, ?)"), ("INSERT", inserted, "?1,?2".to_string()));
    assert_eq!(rows(&session, "SELECT COUNT(*) FROM t"), ["0"]);
    assert_eq!(described("DROP TABLE t"), ("DROP", none(), none()));
    assert!(session.describe("SELECT nothing FROM t").is_err());
    let history = "SELECT COUNT(*) FROM TABLE(INFORMATION_SCHEMA.QUERY_HISTORY()) \
                   WHERE query_text LIKE '%WAIT(60)%' AND query_text NOT LIKE '%HISTORY%'";
    assert_eq!(rows(&session, history), ["0"]);
}

/// Statements that run in the only warehouse.
fn running(session: &Session) -> String {
    let shown = start(session, "SHOW WAREHOUSES").result().expect("shown");
    let column = shown.fields.iter().position(|field| field.name == "running").expect("a column");
    match &shown.cells().expect("printable")[0][column] {
        Cell::Text(count) => count.clone(),
        other => format!("{other:?}"),
    }
}

#[test]
fn a_query_over_a_procedure_comes_back_into_its_warehouse() {
    let engine = engine(EngineOptions::default());
    let session = session(&engine);
    rows(
        &session,
        "CREATE PROCEDURE p() RETURNS TABLE (n INT) LANGUAGE SQL AS \
         'BEGIN LET r RESULTSET := (SELECT 1); RETURN TABLE(r); END'",
    );
    let slow = start(&session, "SELECT n, SYSTEM$WAIT(60) FROM TABLE(p())");
    let begun = Instant::now();
    let mut in_a_row = 0;
    while in_a_row < 20 {
        assert!(begun.elapsed() < Duration::from_secs(10), "it computes without a place");
        in_a_row = if running(&session) == "1" { in_a_row + 1 } else { 0 };
        std::thread::sleep(Duration::from_millis(10));
    }
    slow.monitor().cancel.cancel();
    assert!(slow.result().expect_err("canceled").is_canceled());
    // It leaves its place after its end was told.
    let ended = Instant::now();
    while running(&session) != "0" {
        assert!(ended.elapsed() < Duration::from_secs(10), "it keeps its place");
        std::thread::sleep(Duration::from_millis(10));
    }
}
