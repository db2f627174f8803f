//! Sessions of one process that change the same rows: the second one waits for the first, and goes on with
//! what that one leaves.

use std::thread;
use std::time::{Duration, Instant};

use firn_engine::{
    Binds, Engine, EngineOptions, Failure, Housekeeping, Session, Statement, StatementOptions,
};
use firn_tests::{session, written_row};

/// The number of the error of a statement that waited in vain.
const LOCK_TIMEOUT: i32 = 625;
/// Long enough for a statement of these tests to be at its end, if nothing keeps it.
const A_WHILE: Duration = Duration::from_millis(300);

fn engine(statements: &[&str]) -> Engine {
    let options = EngineOptions { threads: Some(2), ..EngineOptions::default() };
    let engine = Engine::open(":memory:", options).expect("an account");
    run(&mut session(&engine), statements);
    engine
}

fn run(session: &mut Session, statements: &[&str]) {
    for sql in statements {
        session.execute(sql).unwrap_or_else(|failure| panic!("{sql}: {failure}"));
    }
}

fn start(session: &Session, sql: &str) -> Statement {
    session.start(sql, Binds::default(), &StatementOptions::default())
}

/// Whether a statement still runs after a while.
fn waits(statement: &Statement) -> bool {
    statement.result_within(A_WHILE).is_none()
}

fn rows(engine: &Engine, sql: &str) -> Vec<String> {
    let result = session(engine).execute(sql).unwrap_or_else(|failure| panic!("{sql}: {failure}"));
    result.cells().expect("printable").iter().map(|row| written_row(row)).collect()
}

fn ended(statement: &Statement) -> Result<u64, Failure> {
    statement.result().map(|result| result.row_count)
}

const TABLE: &[&str] =
    &["CREATE TABLE t (id INT, n INT)", "INSERT INTO t VALUES (1, 10), (2, 20), (3, 30)"];

/// What a second session does while the first one has changed row 1, and what is there after both.
fn second_waits(first: &str, second: &str, after: &[&str]) {
    for in_transaction in [false, true] {
        let engine = engine(TABLE);
        let (mut one, mut other) = (session(&engine), session(&engine));
        run(&mut one, &["BEGIN", first]);
        if in_transaction {
            run(&mut other, &["BEGIN"]);
        }
        let statement = start(&other, second);
        assert!(waits(&statement), "{second} does not wait for {first}");
        run(&mut one, &["COMMIT"]);
        ended(&statement).unwrap_or_else(|failure| panic!("{second}: {failure}"));
        if in_transaction {
            run(&mut other, &["COMMIT"]);
        }
        assert_eq!(rows(&engine, "SELECT id, n FROM t ORDER BY id, n"), after, "{second}");
    }
}

#[test]
fn a_change_of_the_same_row_waits_and_sees_what_was_committed() {
    let first = "UPDATE t SET n = n + 1 WHERE id = 1";
    second_waits(first, "UPDATE t SET n = n * 2 WHERE id = 1", &["1|22", "2|20", "3|30"]);
    second_waits(first, "DELETE FROM t WHERE id = 1", &["2|20", "3|30"]);
    // The row that it looks for is another one by then.
    second_waits(first, "DELETE FROM t WHERE n = 10", &["1|11", "2|20", "3|30"]);
    second_waits(first, "TRUNCATE t", &[]);
    second_waits(
        first,
        "INSERT OVERWRITE INTO t SELECT id, n + 5 FROM t",
        &["1|16", "2|25", "3|35"],
    );
    second_waits("DELETE FROM t WHERE id = 1", "UPDATE t SET n = n + 1", &["2|21", "3|31"]);
}

#[test]
fn a_merge_waits_for_rows_that_it_would_add_twice() {
    let merge = "MERGE INTO t USING (SELECT 4 AS id) s ON t.id = s.id \
                 WHEN MATCHED THEN UPDATE SET n = t.n + 1 WHEN NOT MATCHED THEN INSERT VALUES (4, 40)";
    second_waits(merge, merge, &["1|10", "2|20", "3|30", "4|41"]);
    second_waits("INSERT INTO t VALUES (4, 44)", merge, &["1|10", "2|20", "3|30", "4|45"]);
    second_waits(merge, "INSERT INTO t VALUES (4, 44)", &["1|10", "2|20", "3|30", "4|40", "4|44"]);
}

#[test]
fn who_changes_other_rows_or_only_reads_does_not_wait() {
    let engine = engine(TABLE);
    let (mut one, mut other) = (session(&engine), session(&engine));
    run(&mut one, &["BEGIN", "UPDATE t SET n = 11 WHERE id = 1"]);
    run(
        &mut other,
        &[
            "ALTER SESSION SET LOCK_TIMEOUT = 0",
            "SELECT * FROM t",
            "UPDATE t SET n = 21 WHERE id = 2",
            "INSERT INTO t VALUES (4, 40)",
            "BEGIN",
            "DELETE FROM t WHERE id = 3",
            "COMMIT",
        ],
    );
    run(&mut one, &["COMMIT"]);
    assert_eq!(rows(&engine, "SELECT id, n FROM t ORDER BY id"), ["1|11", "2|21", "4|40"]);
}

#[test]
fn rows_are_free_after_a_rollback_a_failure_and_the_end_of_a_session() {
    let engine = engine(TABLE);
    let change = "UPDATE t SET n = n + 1 WHERE id = 1";
    let other = session(&engine);
    for end in ["ROLLBACK", "CREATE TABLE u (n INT)", ""] {
        let mut one = session(&engine);
        run(&mut one, &["BEGIN", change]);
        let statement = start(&other, change);
        assert!(waits(&statement), "{end}");
        match end {
            "" => drop(one),
            end => run(&mut one, &[end, "DROP TABLE IF EXISTS u"]),
        }
        ended(&statement).unwrap_or_else(|failure| panic!("{end}: {failure}"));
    }
    // Three by the other session, and the one that DDL has committed.
    assert_eq!(rows(&engine, "SELECT n FROM t WHERE id = 1"), ["14"]);
    // What a failed statement has changed is not held.
    let mut one = session(&engine);
    run(&mut one, &["BEGIN"]);
    let failed = one.execute("UPDATE t SET n = 1 / (n - 14)");
    assert!(failed.is_err());
    run(&mut session(&engine), &["ALTER SESSION SET LOCK_TIMEOUT = 0", change]);
}

#[test]
fn waiting_ends_with_the_time_limit_or_a_cancel() {
    let engine = engine(TABLE);
    let (mut one, mut other) = (session(&engine), session(&engine));
    run(&mut one, &["BEGIN", "UPDATE t SET n = 11 WHERE id = 1"]);
    run(&mut other, &["ALTER SESSION SET LOCK_TIMEOUT = 1"]);
    let begun = Instant::now();
    let failure = other.execute("DELETE FROM t").expect_err("the row is locked");
    assert_eq!(failure.code.number(), LOCK_TIMEOUT, "{failure}");
    assert!(failure.message.contains("LOCK_TIMEOUT"), "{failure}");
    assert!((1..5).contains(&begun.elapsed().as_secs()));
    run(&mut other, &["ALTER SESSION SET LOCK_TIMEOUT = 0"]);
    assert!(other.execute("DELETE FROM t").is_err());
    run(&mut other, &["ALTER SESSION UNSET LOCK_TIMEOUT"]);
    let statement = start(&other, "DELETE FROM t");
    assert!(waits(&statement));
    statement.monitor().cancel.cancel();
    assert!(ended(&statement).is_err_and(|failure| failure.is_canceled()));
    run(&mut one, &["COMMIT"]);
    assert_eq!(rows(&engine, "SELECT COUNT(*) FROM t"), ["3"]);
}

#[test]
fn of_two_that_wait_for_each_other_one_fails() {
    let engine = engine(TABLE);
    let (mut one, mut other) = (session(&engine), session(&engine));
    run(&mut one, &["BEGIN", "UPDATE t SET n = 11 WHERE id = 1"]);
    run(&mut other, &["BEGIN", "UPDATE t SET n = 22 WHERE id = 2"]);
    let statement = start(&one, "UPDATE t SET n = 12 WHERE id = 2");
    assert!(waits(&statement));
    let failure = other.execute("UPDATE t SET n = 21 WHERE id = 1").expect_err("a circle");
    assert_eq!(failure.code.number(), LOCK_TIMEOUT);
    assert!(failure.message.contains("Deadlock"), "{failure}");
    // The transaction of the failed statement is still open, and holds what it held.
    assert!(waits(&statement));
    run(&mut other, &["ROLLBACK"]);
    ended(&statement).expect("the way is free");
    run(&mut one, &["COMMIT"]);
    assert_eq!(rows(&engine, "SELECT id, n FROM t ORDER BY id"), ["1|11", "2|12", "3|30"]);
}

#[test]
fn who_waits_takes_no_place_in_the_warehouse_and_says_how_long() {
    let engine = engine(TABLE);
    let level = "ALTER WAREHOUSE COMPUTE_WH SET MAX_CONCURRENCY_LEVEL = 1";
    let mut one = session(&engine);
    run(&mut one, &[level, "BEGIN", "UPDATE t SET n = 11 WHERE id = 1"]);
    let other = session(&engine);
    let statement = start(&other, "UPDATE t SET n = n + 1 WHERE id = 1");
    assert!(waits(&statement));
    run(&mut one, &["UPDATE t SET n = 21 WHERE id = 2", "COMMIT"]);
    ended(&statement).expect("the way is free");
    assert_eq!(rows(&engine, "SELECT n FROM t WHERE id < 3 ORDER BY id"), ["12", "21"]);
    let blocked = format!(
        "SELECT TRANSACTION_BLOCKED_TIME >= 200 FROM TABLE(INFORMATION_SCHEMA.QUERY_HISTORY()) \
         WHERE QUERY_ID = '{}'",
        statement.query_id()
    );
    assert_eq!(rows(&engine, &blocked), ["true"]);
}

#[test]
fn many_transactions_over_few_rows_all_come_to_their_end() {
    let engine = engine(TABLE);
    const SESSIONS: usize = 8;
    const ROUNDS: usize = 10;
    thread::scope(|scope| {
        for number in 0..SESSIONS {
            let mut session = session(&engine);
            scope.spawn(move || {
                for round in 0..ROUNDS {
                    // Always in the same order of rows: nobody waits in a circle.
                    let first = (number + round) % 2 + 1;
                    let changes =
                        [first, 3].map(|id| format!("UPDATE t SET n = n + 1 WHERE id = {id}"));
                    run(&mut session, &["BEGIN", &changes[0], &changes[1], "COMMIT"]);
                }
            });
        }
    });
    let total = 60 + 2 * SESSIONS * ROUNDS;
    assert_eq!(rows(&engine, "SELECT SUM(n) FROM t"), [total.to_string()]);
}

#[test]
fn rows_stay_locked_when_their_files_are_put_together() {
    let options = EngineOptions { housekeeping: Housekeeping::Inline, ..EngineOptions::default() };
    let engine = Engine::open(":memory:", options).expect("an account");
    let mut one = session(&engine);
    run(&mut one, &["CREATE TABLE t (id INT, n INT)"]);
    let insert = |id: usize| format!("INSERT INTO t VALUES ({id}, {})", id * 10);
    (1..=5).for_each(|id| run(&mut one, &[&insert(id)]));
    run(&mut one, &["BEGIN", "UPDATE t SET n = 21 WHERE id = 2"]);
    let mut other = session(&engine);
    (6..=20).for_each(|id| run(&mut other, &[&insert(id)]));
    let files =
        "SELECT PARSE_JSON(SYSTEM$CLUSTERING_INFORMATION('t', '(id)')):total_partition_count < 10";
    assert_eq!(rows(&engine, files), ["true"], "nothing was put together");
    run(&mut other, &["ALTER SESSION SET LOCK_TIMEOUT = 0", "UPDATE t SET n = 31 WHERE id = 3"]);
    let failure = other.execute("UPDATE t SET n = 22 WHERE id = 2").expect_err("the row is locked");
    assert_eq!(failure.code.number(), LOCK_TIMEOUT);
    run(&mut one, &["COMMIT"]);
    assert_eq!(rows(&engine, "SELECT n FROM t WHERE id IN (2, 3) ORDER BY id"), ["21", "31"]);
}

#[test]
fn others_that_come_and_go_do_not_wear_out_who_waits_and_locks_are_shown() {
    let engine = engine(TABLE);
    let mut one = session(&engine);
    run(&mut one, &["CREATE TABLE busy (n INT)", "BEGIN", "UPDATE t SET n = 11 WHERE id = 1"]);
    let other = session(&engine);
    let statement = start(&other, "UPDATE t SET n = n + 1 WHERE id = 1");
    let mut third = session(&engine);
    for n in 0..200 {
        run(&mut third, &[&format!("INSERT INTO busy VALUES ({n})")]);
        run(&mut third, &["UPDATE busy SET n = n + 1"]);
    }
    assert!(waits(&statement));
    let shown = session(&engine).execute("SHOW LOCKS").expect("listed");
    let positions = ["resource", "type", "status", "query_id"]
        .map(|name| shown.fields.iter().position(|field| field.name == name).expect(name));
    let cells = shown.cells().expect("printable");
    let lines: Vec<String> = cells
        .iter()
        .map(|row| written_row(&positions.map(|position| row[position].clone())))
        .collect();
    let waiting = format!("FIRN.PUBLIC.T|ROWS|WAITING|{}", statement.query_id());
    assert!(lines.len() == 2 && lines[0].starts_with("FIRN.PUBLIC.T|ROWS|HOLDING|"), "{lines:?}");
    assert_eq!(lines[1], waiting);
    run(&mut one, &["COMMIT"]);
    ended(&statement).expect("the way is free");
    assert_eq!(rows(&engine, "SELECT n FROM t WHERE id = 1"), ["12"]);
    assert!(session(&engine).execute("SHOW LOCKS").is_ok_and(|shown| shown.row_count == 0));
}
