//! Alerts over time: schedules by a clock that the test moves, several processes on one account, and ones that die.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use firn_engine::Engine;
use firn_tests::{die_once, process_at, rows, run, session};
use firn_types::clock::Clock;
use tempfile::TempDir;

/// Some Sunday in March 2024, 00:00 UTC.
const START: i64 = 1_709_424_000_000_000_000;
const MINUTE: i64 = 60_000_000_000;

fn due(engine: &Engine) -> usize {
    engine.run_due_tasks().expect("alerts run")
}

#[test]
fn an_alert_looks_at_its_times_and_acts_on_what_has_come_since() {
    let (folder, clock) = (TempDir::new().expect("a folder"), Clock::fixed(START));
    let first = process_at(folder.path(), &clock, None);
    let second = process_at(folder.path(), &clock, None);
    let mut session = session(&first);
    run(&mut session, "CREATE TABLE orders (id INT, at TIMESTAMP_LTZ)");
    run(&mut session, "CREATE TABLE log (id INT)");
    run(
        &mut session,
        "CREATE ALERT al SCHEDULE = '5 MINUTES' IF (EXISTS (SELECT id FROM orders \
         WHERE at BETWEEN SNOWFLAKE.ALERT.LAST_SUCCESSFUL_SCHEDULED_TIME() AND SNOWFLAKE.ALERT.SCHEDULED_TIME())) \
         THEN INSERT INTO log SELECT id FROM TABLE(RESULT_SCAN(SNOWFLAKE.ALERT.GET_CONDITION_QUERY_UUID()))",
    );
    run(&mut session, "ALTER ALERT al RESUME");
    assert_eq!(due(&first), 0);
    clock.advance(2 * MINUTE);
    run(&mut session, "INSERT INTO orders SELECT 1, CURRENT_TIMESTAMP()");
    clock.advance(3 * MINUTE);
    // Of two processes one runs it.
    assert_eq!(due(&second) + due(&first), 1);
    assert_eq!(rows(&mut session, "SELECT id FROM log"), ["1"]);
    clock.advance(5 * MINUTE);
    assert_eq!(due(&first), 1);
    // What was missed is looked at once.
    clock.advance(2 * MINUTE);
    run(&mut session, "INSERT INTO orders SELECT 2, CURRENT_TIMESTAMP()");
    clock.advance(20 * MINUTE);
    assert_eq!(due(&second) + due(&first), 1);
    assert_eq!(rows(&mut session, "SELECT id FROM log ORDER BY 1"), ["1", "2"]);
    let history = "SELECT state, COUNT(*) FROM TABLE(INFORMATION_SCHEMA.ALERT_HISTORY()) \
                   GROUP BY 1 ORDER BY 1";
    drop(second);
    let counts = rows(&mut session, history);
    assert_eq!(counts, ["CONDITION_FALSE|1", "SCHEDULED|1", "TRIGGERED|2"]);
    run(&mut session, "ALTER ALERT al SUSPEND");
    clock.advance(60 * MINUTE);
    assert_eq!(due(&first), 0);
}

/// Whether the next action of an alert is the last statement of its process.
static DIES: AtomicBool = AtomicBool::new(false);

fn die(text: &str) {
    die_once(&DIES, text.starts_with("INSERT INTO log"));
}

#[test]
fn another_process_acts_where_one_has_died() {
    let (folder, clock) = (TempDir::new().expect("a folder"), Clock::fixed(START));
    let dying = process_at(folder.path(), &clock, Some(die));
    let mut session = session(&dying);
    run(&mut session, "CREATE TABLE log (due TIMESTAMP_NTZ)");
    run(
        &mut session,
        "CREATE ALERT al SCHEDULE = '5 MINUTES' IF (EXISTS (SELECT 1)) \
         THEN INSERT INTO log SELECT SNOWFLAKE.ALERT.SCHEDULED_TIME()",
    );
    run(&mut session, "ALTER ALERT al RESUME");
    clock.advance(5 * MINUTE);
    DIES.store(true, Ordering::SeqCst);
    // Its thread never comes back.
    let stuck = dying.clone();
    std::thread::spawn(move || stuck.run_due_tasks());
    while DIES.load(Ordering::SeqCst) {
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    let other = process_at(folder.path(), &clock, None);
    let mut reader = self::session(&other);
    // As long as it may be alive nobody takes its place.
    assert_eq!(due(&other), 0);
    clock.advance(MINUTE);
    assert_eq!(due(&other), 1);
    assert_eq!(due(&other), 0);
    assert_eq!(rows(&mut reader, "SELECT COUNT(*) FROM log"), ["1"]);
}

/// The process that asks for a run when the next action begins.
static ASKS: Mutex<Option<Engine>> = Mutex::new(None);

fn ask(text: &str) {
    if text.starts_with("INSERT INTO log") {
        let other = ASKS.lock().expect("nobody panics").take();
        if let Some(other) = other {
            run(&mut session(&other), "EXECUTE ALERT al");
        }
    }
}

#[test]
fn a_run_that_is_asked_for_during_an_action_comes_behind_it() {
    let (folder, clock) = (TempDir::new().expect("a folder"), Clock::fixed(START));
    let first = process_at(folder.path(), &clock, Some(ask));
    let mut session = session(&first);
    run(&mut session, "CREATE TABLE log (id INT)");
    run(
        &mut session,
        "CREATE ALERT al SCHEDULE = '5 MINUTES' IF (EXISTS (SELECT 1)) \
         THEN INSERT INTO log SELECT 1",
    );
    run(&mut session, "ALTER ALERT al RESUME");
    clock.advance(5 * MINUTE);
    *ASKS.lock().expect("nobody panics") = Some(process_at(folder.path(), &clock, None));
    assert_eq!(due(&first), 1);
    assert_eq!(due(&first), 1);
    assert_eq!(due(&first), 0);
    assert_eq!(rows(&mut session, "SELECT COUNT(*) FROM log"), ["2"]);
}

#[test]
fn an_alert_whose_owner_may_not_execute_alerts_any_more_fails() {
    let (folder, clock) = (TempDir::new().expect("a folder"), Clock::fixed(START));
    let engine = process_at(folder.path(), &clock, None);
    let mut session = session(&engine);
    for sql in [
        "CREATE ROLE r",
        "GRANT ROLE r TO USER firn",
        "GRANT USAGE ON DATABASE firn TO ROLE r",
        "GRANT USAGE ON WAREHOUSE compute_wh TO ROLE r",
        "GRANT USAGE, CREATE ALERT ON SCHEMA firn.public TO ROLE r",
        "GRANT EXECUTE ALERT ON ACCOUNT TO ROLE r",
        "USE ROLE r",
        "CREATE ALERT al SCHEDULE = '5 MINUTES' IF (EXISTS (SELECT 1)) THEN SELECT 2",
        "ALTER ALERT al RESUME",
        "USE ROLE accountadmin",
    ] {
        run(&mut session, sql);
    }
    clock.advance(5 * MINUTE);
    assert_eq!(due(&engine), 1);
    run(&mut session, "REVOKE EXECUTE ALERT ON ACCOUNT FROM ROLE r");
    clock.advance(5 * MINUTE);
    assert_eq!(due(&engine), 1);
    let history = "SELECT state, error_message FROM TABLE(INFORMATION_SCHEMA.ALERT_HISTORY()) \
                   WHERE state <> 'SCHEDULED' ORDER BY scheduled_time";
    let denied = "Cannot execute alert AL: EXECUTE ALERT privilege must be granted to owner role.";
    assert_eq!(rows(&mut session, history), ["TRIGGERED|NULL", &format!("FAILED|{denied}")]);
}
