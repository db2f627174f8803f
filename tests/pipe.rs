//! Pipes over time: files that come, several processes on one account, and ones that die.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use firn_engine::{Allowed, Engine, EngineOptions, Reach, Session};
use firn_tests::{die_once, process_at, rows, run, session};
use firn_types::clock::Clock;
use tempfile::TempDir;

/// Long before any file of a test is written.
const START: i64 = 1_709_424_000_000_000_000;
const SECOND: i64 = 1_000_000_000;

fn loads(engine: &Engine) -> usize {
    engine.run_due_tasks().expect("pipes run")
}

/// An account with a folder of files and a pipe that looks at it.
fn prepared(session: &mut Session, landing: &Path) {
    run(session, "CREATE TABLE t (file INT, line INT)");
    let url = landing.display();
    run(session, &format!("CREATE STAGE st URL = 'file://{url}/' FILE_FORMAT = (TYPE = CSV)"));
    run(session, "CREATE PIPE p AUTO_INGEST = TRUE AS COPY INTO t FROM @st PATTERN = '.*[.]csv'");
}

#[test]
fn files_that_come_are_loaded_once_whichever_process_finds_them() {
    let (folder, landing) = (TempDir::new().expect("a folder"), TempDir::new().expect("a folder"));
    let clock = Clock::fixed(START);
    let first = process_at(folder.path(), &clock, None);
    let second = process_at(folder.path(), &clock, None);
    let mut session = session(&first);
    prepared(&mut session, landing.path());
    assert_eq!(loads(&first), 0);
    fs::write(landing.path().join("1.csv"), "1,1\n1,2\n").expect("written");
    fs::write(landing.path().join("other.txt"), "9,9\n").expect("written");
    fs::write(landing.path().join("wrong.csv"), "3,3\nx,x\n").expect("written");
    assert_eq!(loads(&second) + loads(&first), 1);
    assert_eq!(loads(&second) + loads(&first), 0);
    let all = "SELECT file, COUNT(*) FROM t GROUP BY 1 ORDER BY 1";
    assert_eq!(rows(&mut session, all), ["1|2"]);
    // A file that is loaded is not loaded again when it has changed, and one that is not is.
    fs::write(landing.path().join("1.csv"), "7,7\n").expect("written");
    fs::write(landing.path().join("wrong.csv"), "3,3\n3,4\n3,5\n").expect("written");
    // One that is moved here is new, however old it is.
    let old = landing.path().join("2.tmp");
    fs::write(&old, "2,1\n").expect("written");
    fs::rename(&old, landing.path().join("2.csv")).expect("moved");
    assert_eq!(loads(&first), 1);
    assert_eq!(rows(&mut session, all), ["1|2", "2|1", "3|3"]);
    run(&mut session, "ALTER PIPE p SET PIPE_EXECUTION_PAUSED = TRUE");
    fs::write(landing.path().join("4.csv"), "4,1\n").expect("written");
    assert_eq!(loads(&first), 0);
    run(&mut session, "ALTER PIPE p SET PIPE_EXECUTION_PAUSED = FALSE");
    assert_eq!(loads(&second), 1);
    assert_eq!(rows(&mut session, all), ["1|2", "2|1", "3|3", "4|1"]);
}

#[test]
fn what_was_there_before_a_pipe_is_left_to_refresh() {
    let (folder, landing) = (TempDir::new().expect("a folder"), TempDir::new().expect("a folder"));
    fs::write(landing.path().join("1.csv"), "1,1\n").expect("written");
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let now = i64::try_from(now.expect("a time").as_nanos()).expect("in range");
    let clock = Clock::fixed(now + 5 * SECOND);
    let engine = process_at(folder.path(), &clock, None);
    let mut session = session(&engine);
    prepared(&mut session, landing.path());
    assert_eq!(loads(&engine), 0);
    assert_eq!(rows(&mut session, "ALTER PIPE p REFRESH"), ["1.csv|SENT"]);
    assert_eq!(rows(&mut session, "SELECT file FROM t"), ["1"]);
    // Nor is what is older than seven days taken.
    run(&mut session, "CREATE OR REPLACE PIPE p AS COPY INTO t FROM @st");
    clock.advance(8 * 86_400 * SECOND);
    assert!(rows(&mut session, "ALTER PIPE p REFRESH").is_empty());
}

#[test]
fn reports_that_go_on_where_the_last_one_ended_tell_of_all_files() {
    let (folder, landing) = (TempDir::new().expect("a folder"), TempDir::new().expect("a folder"));
    let clock = Clock::fixed(START);
    let engine = process_at(folder.path(), &clock, None);
    let mut session = session(&engine);
    prepared(&mut session, landing.path());
    for files in [&["1.csv"][..], &["2.csv", "3.csv"]] {
        clock.advance(SECOND);
        for file in files {
            fs::write(landing.path().join(file), "1,1\n").expect("written");
        }
        assert_eq!(loads(&engine), 1);
    }
    let report = |from: i64, limit: usize| {
        let report = session.pipe_report("p", from..i64::MAX, limit).expect("a report");
        (report.files.len(), report.complete)
    };
    assert_eq!(report(0, 2), (1, false));
    assert_eq!(report(START + SECOND + 1, 1), (2, true));
    assert_eq!(report(0, 3), (3, true));
}

#[test]
fn what_a_paused_pipe_is_asked_for_waits_for_14_days() {
    let (folder, landing) = (TempDir::new().expect("a folder"), TempDir::new().expect("a folder"));
    let clock = Clock::fixed(START);
    let engine = process_at(folder.path(), &clock, None);
    let mut session = session(&engine);
    prepared(&mut session, landing.path());
    run(&mut session, "CREATE OR REPLACE PIPE p AS COPY INTO t FROM @st");
    run(&mut session, "ALTER PIPE p SET PIPE_EXECUTION_PAUSED = TRUE");
    for file in ["1.csv", "2.csv", "3.csv"] {
        fs::write(landing.path().join(file), format!("{},1\n", &file[..1])).expect("written");
        session.insert_files("p", &[file.to_string()]).expect("asked for");
        clock.advance(10 * 86_400 * SECOND);
    }
    let pending = "SELECT PARSE_JSON(SYSTEM$PIPE_STATUS('p')):pendingFileCount::INT";
    assert_eq!(rows(&mut session, pending), ["2"]);
    let many: Vec<String> = (0..100_002).map(|at| format!("{at}.csv")).collect();
    let refused = session.insert_files("p", &many).expect_err("too many");
    assert!(refused.detail().contains("at most 100000 may wait"), "{refused}");
    run(&mut session, "ALTER PIPE p SET PIPE_EXECUTION_PAUSED = FALSE");
    assert_eq!(loads(&engine), 1);
    assert_eq!(rows(&mut session, "SELECT file FROM t ORDER BY 1"), ["2", "3"]);
}

/// Whether the next statement of a pipe is the last one of its process.
static DIES: AtomicBool = AtomicBool::new(false);

fn die(text: &str) {
    die_once(&DIES, text.starts_with("COPY INTO t"));
}

#[test]
fn another_process_loads_where_one_has_died() {
    let (folder, landing) = (TempDir::new().expect("a folder"), TempDir::new().expect("a folder"));
    let clock = Clock::fixed(START);
    let dying = process_at(folder.path(), &clock, Some(die));
    let mut session = session(&dying);
    prepared(&mut session, landing.path());
    fs::write(landing.path().join("1.csv"), "1,1\n").expect("written");
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
    assert_eq!(loads(&other), 0);
    clock.advance(31 * SECOND);
    assert_eq!(loads(&other), 1);
    assert_eq!(rows(&mut reader, "SELECT COUNT(*) FROM t"), ["1"]);
    assert_eq!(loads(&other), 0);
}

#[test]
fn a_pipe_of_a_server_reaches_what_the_server_was_started_with() {
    let (folder, landing) = (TempDir::new().expect("a folder"), TempDir::new().expect("a folder"));
    let clock = Clock::fixed(START);
    let mut session = session(&process_at(folder.path(), &clock, None));
    prepared(&mut session, landing.path());
    drop(session);
    fs::write(landing.path().join("1.csv"), "1,1\n").expect("written");
    let count = |folders: Vec<String>| {
        let options = EngineOptions {
            clock: clock.clone(),
            tasks_reach: Reach::Elsewhere(Allowed { folders, stores: Vec::new() }),
            ..EngineOptions::default()
        };
        let server = Engine::open(&folder.path().to_string_lossy(), options).expect("an account");
        let ran = loads(&server);
        let status = "SELECT PARSE_JSON(SYSTEM$PIPE_STATUS('p')):executionState::VARCHAR";
        (ran, rows(&mut self::session(&server), status))
    };
    assert_eq!(count(Vec::new()), (0, vec!["STALLED_STAGE_PERMISSION_ERROR".to_string()]));
    let allowed = vec![landing.path().to_string_lossy().to_string()];
    assert_eq!(count(allowed), (1, vec!["RUNNING".to_string()]));
}

#[test]
fn a_thousand_files_are_one_load_and_more_are_several() {
    let (folder, landing) = (TempDir::new().expect("a folder"), TempDir::new().expect("a folder"));
    let clock = Clock::fixed(START);
    let engine = process_at(folder.path(), &clock, None);
    let mut session = session(&engine);
    prepared(&mut session, landing.path());
    for file in 0..1_200 {
        fs::write(landing.path().join(format!("{file}.csv")), format!("{file},1\n"))
            .expect("written");
    }
    assert_eq!(loads(&engine), 2);
    assert_eq!(rows(&mut session, "SELECT COUNT(*), COUNT(DISTINCT file) FROM t"), ["1200|1200"]);
}

#[test]
fn a_directory_table_follows_its_files_where_it_is_asked_to() {
    let (folder, landing) = (TempDir::new().expect("a folder"), TempDir::new().expect("a folder"));
    let clock = Clock::fixed(START);
    let engine = process_at(folder.path(), &clock, None);
    let mut session = session(&engine);
    fs::write(landing.path().join("1.csv"), "1,1\n").expect("written");
    let url = landing.path().display();
    run(&mut session, &format!("CREATE STAGE a URL = 'file://{url}/' DIRECTORY = (ENABLE = TRUE)"));
    run(
        &mut session,
        &format!(
            "CREATE STAGE b URL = 'file://{url}/' \
             DIRECTORY = (AUTO_REFRESH = TRUE REFRESH_ON_CREATE = FALSE ENABLE = TRUE)"
        ),
    );
    let files = |session: &mut Session, stage: &str| {
        rows(session, &format!("SELECT relative_path FROM DIRECTORY(@{stage}) ORDER BY 1"))
    };
    assert_eq!(files(&mut session, "a"), ["1.csv"]);
    assert!(files(&mut session, "b").is_empty());
    fs::write(landing.path().join("2.csv"), "2,1\n").expect("written");
    assert_eq!(loads(&engine), 1);
    assert_eq!(loads(&engine), 0);
    assert_eq!(files(&mut session, "a"), ["1.csv"]);
    assert_eq!(files(&mut session, "b"), ["1.csv", "2.csv"]);
    fs::remove_file(landing.path().join("1.csv")).expect("removed");
    assert_eq!(loads(&engine), 1);
    assert_eq!(files(&mut session, "b"), ["2.csv"]);
    // The next process knows it, too.
    drop(engine);
    let next = self::process_at(folder.path(), &clock, None);
    assert_eq!(files(&mut self::session(&next), "b"), ["2.csv"]);
}

#[test]
fn an_external_table_follows_its_files_where_it_is_asked_to() {
    let (folder, landing) = (TempDir::new().expect("a folder"), TempDir::new().expect("a folder"));
    let clock = Clock::fixed(START);
    let engine = process_at(folder.path(), &clock, None);
    let mut session = session(&engine);
    fs::write(landing.path().join("1.csv"), "1\n").expect("written");
    let url = landing.path().display();
    run(&mut session, &format!("CREATE STAGE s URL = 'file://{url}/'"));
    for (name, follows) in [("a", "FALSE"), ("b", "TRUE")] {
        let columns = "(n INT AS (value:c1::INT))";
        let sql = format!(
            "CREATE EXTERNAL TABLE {name} {columns} LOCATION = @s AUTO_REFRESH = {follows} FILE_FORMAT = (TYPE = CSV)"
        );
        run(&mut session, &sql);
    }
    run(&mut session, "CREATE STREAM sm ON EXTERNAL TABLE b INSERT_ONLY = TRUE");
    let numbers = |session: &mut Session, from: &str| {
        rows(session, &format!("SELECT n FROM {from} ORDER BY 1"))
    };
    fs::write(landing.path().join("2.csv"), "2\n").expect("written");
    assert_eq!(loads(&engine), 1);
    assert_eq!(loads(&engine), 0);
    assert_eq!(numbers(&mut session, "a"), ["1"]);
    assert_eq!(numbers(&mut session, "b"), ["1", "2"]);
    assert_eq!(numbers(&mut session, "sm"), ["2"]);
    fs::remove_file(landing.path().join("1.csv")).expect("removed");
    assert_eq!(loads(&engine), 1);
    assert_eq!(numbers(&mut session, "b"), ["2"]);
    // The next process knows it, too.
    drop(engine);
    let next = self::process_at(folder.path(), &clock, None);
    let mut session = self::session(&next);
    assert_eq!(numbers(&mut session, "b"), ["2"]);
    assert_eq!(numbers(&mut session, "sm"), ["2"]);
    let Err(error) = session.execute("SELECT n FROM a") else { panic!("a file is gone") };
    let error = error.to_string();
    assert!(error.contains("1.csv' was not found"), "{error}");
}

#[test]
fn a_load_that_is_forgotten_leaves_its_file_uncertain() {
    let (folder, landing) = (TempDir::new().expect("a folder"), TempDir::new().expect("a folder"));
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let now = i64::try_from(now.expect("a time").as_nanos()).expect("in range");
    let clock = Clock::fixed(now + 5 * SECOND);
    let engine = process_at(folder.path(), &clock, None);
    let mut reader = session(&engine);
    fs::write(landing.path().join("1.csv"), "1,1\n").expect("written");
    fs::write(landing.path().join("2.tmp"), "2,1\n").expect("written");
    prepared(&mut reader, landing.path());
    run(&mut reader, "DROP PIPE p");
    let copy = "COPY INTO t FROM @st PATTERN = '.*csv'";
    let all = "SELECT file, COUNT(*) FROM t GROUP BY 1 ORDER BY 1";
    run(&mut reader, copy);
    clock.advance(65 * 86_400 * SECOND);
    let rename = |to: &str| {
        fs::rename(landing.path().join("2.tmp"), landing.path().join(to)).expect("moved");
    };
    rename("2.csv");
    // Each process knows when the first file was loaded.
    let other = process_at(folder.path(), &clock, None);
    let mut session = session(&other);
    run(&mut session, copy);
    assert_eq!(rows(&mut session, all), ["1|1"]);
    let named = rows(&mut session, "COPY INTO t FROM @st FILES = ('1.csv', '2.csv')");
    assert!(named[0].contains("File was loaded before."), "{named:?}");
    assert!(named[1].contains("LOAD_UNCERTAIN_FILES = TRUE loads it."), "{named:?}");
    run(&mut session, &format!("{copy} LOAD_UNCERTAIN_FILES = TRUE"));
    assert_eq!(rows(&mut session, all), ["1|1", "2|1"]);
    // The first load is forgotten now, and the file is not loaded again for that.
    run(&mut session, copy);
    assert_eq!(rows(&mut session, all), ["1|1", "2|1"]);
    // A table that was loaded first just now has forgotten nothing.
    run(&mut session, "TRUNCATE TABLE t");
    run(&mut session, copy);
    assert_eq!(rows(&mut session, all), ["1|1", "2|1"]);
}
