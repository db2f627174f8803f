//! Tasks over time: schedules by a clock that the test moves, several processes on one account, ones that die, and
//! graphs that fail.

use std::sync::atomic::{AtomicBool, Ordering};

use firn_engine::Engine;
use firn_tests::{die_once, process_at, rows, run, session};
use firn_types::clock::Clock;
use tempfile::TempDir;

/// Some Sunday in March 2024, 00:00 UTC.
const START: i64 = 1_709_424_000_000_000_000;
const MINUTE: i64 = 60_000_000_000;

#[test]
fn a_schedule_runs_once_for_each_time_and_once_for_all_that_were_missed() {
    let (folder, clock) = (TempDir::new().expect("a folder"), Clock::fixed(START));
    let first = process_at(folder.path(), &clock, None);
    let second = process_at(folder.path(), &clock, None);
    let mut session = session(&first);
    run(&mut session, "CREATE TABLE log (at TIMESTAMP_LTZ)");
    run(
        &mut session,
        "CREATE TASK t SCHEDULE = '5 MINUTES' AS INSERT INTO log SELECT CURRENT_TIMESTAMP()",
    );
    run(&mut session, "ALTER TASK t RESUME");
    let due = |engine: &Engine| engine.run_due_tasks().expect("tasks run");
    assert_eq!(first.next_task_nanos(), Some(START + 5 * MINUTE));
    assert_eq!(due(&first), 0);
    clock.advance(5 * MINUTE);
    // Of two processes one runs it.
    assert_eq!(due(&second) + due(&first), 1);
    clock.advance(MINUTE);
    assert_eq!(due(&first), 0);
    // 17 minutes later two times have passed: it runs once, and then in its usual rhythm.
    clock.advance(16 * MINUTE);
    assert_eq!(due(&first) + due(&second), 1);
    clock.advance(3 * MINUTE);
    assert_eq!(due(&second), 1);
    assert_eq!(rows(&mut session, "SELECT COUNT(*) FROM log"), ["3"]);
    run(&mut session, "ALTER TASK t SUSPEND");
    clock.advance(60 * MINUTE);
    assert_eq!(due(&first), 0);
}

/// Whether the next statement of a task is the last one of its process.
static DIES: AtomicBool = AtomicBool::new(false);

fn die(text: &str) {
    die_once(&DIES, text.starts_with("INSERT INTO log SELECT 'second'"));
}

#[test]
fn another_process_goes_on_where_one_has_died() {
    let (folder, clock) = (TempDir::new().expect("a folder"), Clock::fixed(START));
    let dying = process_at(folder.path(), &clock, Some(die));
    let mut session = session(&dying);
    run(&mut session, "CREATE TABLE log (what VARCHAR)");
    run(&mut session, "CREATE TASK one SCHEDULE = '1 MINUTE' AS INSERT INTO log SELECT 'first'");
    run(&mut session, "CREATE TASK two AFTER one AS INSERT INTO log SELECT 'second'");
    run(&mut session, "CREATE TASK three AFTER two AS INSERT INTO log SELECT 'third'");
    run(&mut session, "SELECT SYSTEM$TASK_DEPENDENTS_ENABLE('one')");
    clock.advance(MINUTE);
    DIES.store(true, Ordering::SeqCst);
    // Its thread never comes back.
    let stuck = dying.clone();
    std::thread::spawn(move || stuck.run_due_tasks());
    let other = process_at(folder.path(), &clock, None);
    let mut reader = self::session(&other);
    while rows(&mut reader, "SELECT what FROM log").is_empty() || DIES.load(Ordering::SeqCst) {
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    // As long as it may be alive nobody takes its place.
    assert_eq!(other.run_due_tasks().expect("tasks run"), 0);
    clock.advance(MINUTE / 2 + 1);
    assert_eq!(other.run_due_tasks().expect("tasks run"), 1);
    let mut found = rows(&mut reader, "SELECT what FROM log");
    found.sort();
    assert_eq!(found, ["first", "second", "third"]);
}

#[test]
fn a_graph_that_fails_is_tried_again_and_suspended_at_last() {
    let (folder, clock) = (TempDir::new().expect("a folder"), Clock::fixed(START));
    let engine = process_at(folder.path(), &clock, None);
    let mut session = session(&engine);
    run(&mut session, "CREATE TABLE log (what VARCHAR)");
    run(
        &mut session,
        "CREATE TASK t SCHEDULE = '1 MINUTE' TASK_AUTO_RETRY_ATTEMPTS = 2 SUSPEND_TASK_AFTER_NUM_FAILURES = 2 \
         AS INSERT INTO log SELECT 'root'",
    );
    run(&mut session, "CREATE TASK wrong AFTER t AS INSERT INTO log SELECT 1 / 0");
    run(&mut session, "SELECT SYSTEM$TASK_DEPENDENTS_ENABLE('t')");
    for _ in 0..3 {
        clock.advance(MINUTE);
        engine.run_due_tasks().expect("tasks run");
    }
    // Two runs, each of which ran its root once and what failed three times.
    assert_eq!(rows(&mut session, "SELECT COUNT(*) FROM log"), ["2"]);
    let history = "SELECT name, attempt_number, COUNT(*) FROM TABLE(INFORMATION_SCHEMA.TASK_HISTORY()) \
                   GROUP BY ALL ORDER BY 1, 2";
    assert_eq!(rows(&mut session, history), ["T|1|2", "WRONG|1|2", "WRONG|2|2", "WRONG|3|2"]);
    run(&mut session, "SHOW TASKS LIKE 't'");
    let state =
        "SELECT \"state\", \"last_suspended_reason\" FROM TABLE(RESULT_SCAN(LAST_QUERY_ID()))";
    assert_eq!(rows(&mut session, state), ["suspended|SUSPENDED_DUE_TO_ERRORS"]);
}

#[test]
fn a_stream_triggers_a_task_without_a_schedule() {
    let (folder, clock) = (TempDir::new().expect("a folder"), Clock::fixed(START));
    let engine = process_at(folder.path(), &clock, None);
    let mut session = session(&engine);
    run(&mut session, "CREATE TABLE source (a INT)");
    run(&mut session, "CREATE TABLE target (a INT)");
    run(&mut session, "CREATE STREAM s ON TABLE source");
    run(
        &mut session,
        "CREATE TASK t WHEN SYSTEM$STREAM_HAS_DATA('s') AS INSERT INTO target SELECT a FROM s",
    );
    run(&mut session, "ALTER TASK t RESUME");
    let due = || engine.run_due_tasks().expect("tasks run");
    clock.advance(MINUTE);
    assert_eq!(due(), 0);
    run(&mut session, "INSERT INTO source VALUES (1), (2)");
    assert_eq!(due(), 1);
    assert_eq!(due(), 0);
    run(&mut session, "INSERT INTO source VALUES (3)");
    // Not more often than every half a minute.
    assert_eq!(due(), 0);
    clock.advance(MINUTE / 2);
    assert_eq!(due(), 1);
    assert_eq!(rows(&mut session, "SELECT SUM(a), COUNT(*) FROM target"), ["6|3"]);
}

#[test]
fn a_task_whose_owner_may_not_execute_tasks_any_more_fails() {
    let (folder, clock) = (TempDir::new().expect("a folder"), Clock::fixed(START));
    let engine = process_at(folder.path(), &clock, None);
    let mut session = session(&engine);
    for sql in [
        "CREATE ROLE r",
        "GRANT ROLE r TO USER firn",
        "GRANT USAGE ON DATABASE firn TO ROLE r",
        "GRANT USAGE ON WAREHOUSE compute_wh TO ROLE r",
        "GRANT USAGE, CREATE TASK ON SCHEMA firn.public TO ROLE r",
        "GRANT EXECUTE TASK ON ACCOUNT TO ROLE r",
        "USE ROLE r",
        "CREATE TASK t SCHEDULE = '5 MINUTES' AS SELECT 1",
        "ALTER TASK t RESUME",
        "USE ROLE accountadmin",
    ] {
        run(&mut session, sql);
    }
    clock.advance(5 * MINUTE);
    assert_eq!(engine.run_due_tasks().expect("tasks run"), 1);
    run(&mut session, "REVOKE EXECUTE TASK ON ACCOUNT FROM ROLE r");
    clock.advance(5 * MINUTE);
    assert_eq!(engine.run_due_tasks().expect("tasks run"), 1);
    let history = "SELECT state, error_message FROM TABLE(INFORMATION_SCHEMA.TASK_HISTORY()) \
                   WHERE state <> 'SCHEDULED' ORDER BY scheduled_time";
    let denied = "Cannot execute task T: EXECUTE TASK privilege must be granted to owner role.";
    assert_eq!(rows(&mut session, history), ["SUCCEEDED|NULL", &format!("FAILED|{denied}")]);
}
