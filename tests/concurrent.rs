//! Several sessions of several processes on one account at once. A process is an engine of its own: the
//! engines share nothing but the account's folder.

use std::sync::Barrier;

use firn_engine::{Engine, EngineOptions, Failure, Session, SessionOptions};
use firn_tests::{rows, run};
use tempfile::TempDir;

const PROCESSES: usize = 2;
const SESSIONS: usize = 2;
/// How often a statement that lost against another is run again.
const ATTEMPTS_MAX: usize = 200;

/// The number of the error of a statement that lost against another.
const LOCK_TIMEOUT: i32 = 625;

/// An account on a folder, and the processes that use it.
struct World {
    folder: TempDir,
    processes: Vec<Engine>,
}

impl World {
    /// An account on which these statements have been run.
    fn new(statements: &[&str]) -> World {
        let folder = TempDir::new().expect("a folder");
        let processes = (0..PROCESSES).map(|_| open(&folder)).collect();
        let world = World { folder, processes };
        let mut session = world.session(0);
        statements.iter().for_each(|sql| run(&mut session, sql));
        world
    }

    fn session(&self, process: usize) -> Session {
        self.processes[process].session(SessionOptions::default()).expect("a session")
    }

    /// Does `work` in every session of every process at once; gives all answers.
    fn at_once<T: Send>(&self, work: impl Fn(&mut Session, usize) -> T + Sync) -> Vec<T> {
        let barrier = Barrier::new(PROCESSES * SESSIONS);
        let one = |number: usize| {
            let mut session = self.session(number % PROCESSES);
            barrier.wait();
            work(&mut session, number)
        };
        std::thread::scope(|scope| {
            let workers: Vec<_> =
                (0..PROCESSES * SESSIONS).map(|number| scope.spawn(move || one(number))).collect();
            workers.into_iter().map(|worker| worker.join().expect("no panic")).collect()
        })
    }

    /// The rows of a query, as a process that starts now sees them.
    fn rows(&self, sql: &str) -> Vec<String> {
        let engine = open(&self.folder);
        rows(&mut engine.session(SessionOptions::default()).expect("a session"), sql)
    }
}

fn open(folder: &TempDir) -> Engine {
    let options = EngineOptions { threads: Some(1), ..EngineOptions::default() };
    Engine::open(&folder.path().to_string_lossy(), options).expect("the account opens")
}

/// Whether a statement lost against another, which is the one failure that running it again cures.
fn has_lost(failure: &Failure) -> bool {
    failure.code.number() == LOCK_TIMEOUT
}

/// Runs statements as one, again and again until they win.
fn insist(session: &mut Session, statements: &[&str]) {
    for _ in 0..ATTEMPTS_MAX {
        let failure = statements.iter().find_map(|sql| session.execute(sql).err());
        match failure {
            None => return,
            Some(failure) if has_lost(&failure) => {
                // What is left of a transaction that failed in the middle.
                let _ = session.execute("ROLLBACK");
            }
            Some(failure) => panic!("{statements:?}: {failure}"),
        }
    }
    panic!("{statements:?} never won");
}

#[test]
fn all_inserts_arrive() {
    let world = World::new(&["CREATE TABLE t (who INT, n INT, id INT AUTOINCREMENT)"]);
    world.at_once(|session, number| {
        for n in 0..10 {
            run(session, &format!("INSERT INTO t (who, n) VALUES ({number}, {n})"));
        }
    });
    let counts = "SELECT COUNT(*), COUNT(DISTINCT who, n), COUNT(DISTINCT id) FROM t";
    assert_eq!(world.rows(counts), ["40|40|40"]);
}

#[test]
fn no_update_is_lost() {
    let world = World::new(&[
        "CREATE TABLE t (id INT, n INT)",
        "INSERT INTO t SELECT SEQ4(), 0 FROM TABLE(GENERATOR(ROWCOUNT => 100))",
    ]);
    world.at_once(|session, _| {
        (0..5).for_each(|_| insist(session, &["UPDATE t SET n = n + 1 WHERE id < 50"]));
    });
    assert_eq!(world.rows("SELECT n, COUNT(*) FROM t GROUP BY n ORDER BY n"), ["0|50", "20|50"]);
}

#[test]
fn updates_of_different_rows_do_not_disturb_each_other() {
    let world = World::new(&[
        "CREATE TABLE t (id INT, n INT)",
        "INSERT INTO t SELECT SEQ4(), 0 FROM TABLE(GENERATOR(ROWCOUNT => 100))",
    ]);
    world.at_once(|session, number| {
        for _ in 0..5 {
            insist(session, &[&format!("UPDATE t SET n = n + 1 WHERE id = {number}")]);
        }
    });
    assert_eq!(world.rows("SELECT n, COUNT(*) FROM t GROUP BY n ORDER BY n"), ["0|96", "5|4"]);
}

#[test]
fn a_change_of_most_rows_loses_none_of_a_few() {
    let world =
        World::new(&["CREATE TABLE t AS SELECT SEQ4() AS id, MD5(SEQ4()) AS hash, 0::INT AS n \
         FROM TABLE(GENERATOR(ROWCOUNT => 20000))"]);
    world.at_once(|session, number| {
        for _ in 0..3 {
            let all = "UPDATE t SET n = n + 1".to_string();
            let one = format!("UPDATE t SET n = n + 100 WHERE id = {number}");
            let none = format!("DELETE FROM t WHERE id = 10000 + {number}");
            [all, one, none].iter().for_each(|statement| insist(session, &[statement]));
        }
    });
    let counts = "SELECT n, COUNT(*), COUNT(DISTINCT hash) FROM t GROUP BY n ORDER BY n";
    assert_eq!(world.rows(counts), ["12|19992|19992", "312|4|4"]);
}

/// What replaces a table by what it read of it keeps what others add meanwhile: all rows are there, once.
fn rewriting_loses_nothing(rewrite: &str) {
    let world = World::new(&[
        "CREATE TABLE t (id INT, name VARCHAR)",
        "INSERT INTO t SELECT SEQ4(), 'old' FROM TABLE(GENERATOR(ROWCOUNT => 3000))",
    ]);
    world.at_once(|session, number| {
        for n in 0..6 {
            match number {
                0 => insist(session, &[rewrite]),
                _ => {
                    let id = 10_000 + number * 100 + n;
                    insist(session, &[&format!("INSERT INTO t VALUES ({id}, 'new')")]);
                }
            }
        }
    });
    let counts = "SELECT COUNT(*), COUNT(DISTINCT id), COUNT_IF(id >= 10000) FROM t";
    assert_eq!(world.rows(counts), ["3018|3018|18"], "{rewrite}");
}

#[test]
fn insert_overwrite_of_what_it_reads_loses_nothing() {
    rewriting_loses_nothing("INSERT OVERWRITE INTO t SELECT DISTINCT id, UPPER(name) FROM t");
}

#[test]
fn insert_overwrite_of_many_tables_loses_nothing() {
    rewriting_loses_nothing("INSERT OVERWRITE ALL INTO t SELECT id, UPPER(name) FROM t");
}

#[test]
fn a_table_replaced_by_its_own_rows_loses_nothing() {
    rewriting_loses_nothing("CREATE OR REPLACE TABLE t AS SELECT id, UPPER(name) AS name FROM t");
}

#[test]
fn what_is_only_counted_is_read_too() {
    let world = World::new(&["CREATE TABLE t (n INT)", "INSERT INTO t VALUES (1)"]);
    world.at_once(|session, number| {
        for _ in 0..5 {
            match number {
                0 => insist(session, &["INSERT OVERWRITE INTO t SELECT SUM(n) FROM t"]),
                1 => insist(session, &["CREATE OR REPLACE TABLE t AS SELECT SUM(n) AS n FROM t"]),
                _ => insist(session, &["INSERT INTO t VALUES (1)"]),
            }
        }
    });
    assert_eq!(world.rows("SELECT SUM(n) FROM t"), ["11"]);
}

#[test]
fn truncate_in_a_transaction_takes_only_what_it_saw() {
    for statement in ["TRUNCATE TABLE t", "INSERT OVERWRITE INTO t SELECT 5"] {
        let world = World::new(&["CREATE TABLE t (n INT)", "INSERT INTO t VALUES (1)"]);
        let (mut one, mut other) = (world.session(0), world.session(1));
        run(&mut one, "BEGIN");
        run(&mut one, statement);
        run(&mut other, "INSERT INTO t VALUES (2)");
        let failure = one.execute("COMMIT").expect_err("the other was first");
        assert!(has_lost(&failure), "{statement}: {failure}");
        assert_eq!(rows(&mut one, "SELECT n FROM t ORDER BY n"), ["1", "2"]);
        // By itself it can be put after the other one.
        run(&mut one, statement);
        assert_eq!(rows(&mut other, "SELECT COUNT(*) FROM t WHERE n < 3"), ["0"]);
    }
}

#[test]
fn merges_of_one_key_make_one_row() {
    let world = World::new(&["CREATE TABLE t (id INT, n INT)", "INSERT INTO t VALUES (0, 0)"]);
    world.at_once(|session, _| {
        for id in 0..4 {
            insist(
                session,
                &[&format!(
                    "MERGE INTO t USING (SELECT {id} AS id) AS s ON t.id = s.id \
                     WHEN MATCHED THEN UPDATE SET n = t.n + 1 \
                     WHEN NOT MATCHED THEN INSERT VALUES (s.id, 1)"
                )],
            );
        }
    });
    let expected = ["0|4", "1|4", "2|4", "3|4"];
    assert_eq!(world.rows("SELECT id, n FROM t ORDER BY id"), expected);
}

#[test]
fn transactions_over_two_tables_are_seen_whole() {
    let world = World::new(&[
        "CREATE TABLE a (n INT)",
        "CREATE TABLE b (n INT)",
        "INSERT INTO a VALUES (100)",
        "INSERT INTO b VALUES (100)",
    ]);
    world.at_once(|session, number| {
        for _ in 0..5 {
            if number == 0 {
                let total = "SELECT (SELECT SUM(n) FROM a) + (SELECT SUM(n) FROM b)";
                assert_eq!(rows(session, total), ["200"]);
            } else {
                let moved = ["BEGIN", "UPDATE a SET n = n - 1", "UPDATE b SET n = n + 1", "COMMIT"];
                insist(session, &moved);
            }
        }
    });
    assert_eq!(world.rows("SELECT a.n, b.n FROM a, b"), ["85|115"]);
}

#[test]
fn a_transaction_reads_its_own_writes_and_nobody_elses() {
    let world = World::new(&["CREATE TABLE t (n INT)", "INSERT INTO t VALUES (1)"]);
    let all = "SELECT n FROM t ORDER BY n";
    for other in [0, 1] {
        let (mut writer, mut reader) = (world.session(0), world.session(other));
        run(&mut writer, "BEGIN");
        run(&mut writer, "INSERT INTO t VALUES (2)");
        run(&mut writer, "UPDATE t SET n = n * 10");
        assert_eq!(rows(&mut writer, all), ["10", "20"]);
        assert_eq!(rows(&mut reader, all), ["1"]);
        run(&mut reader, "INSERT INTO t VALUES (3)");
        run(&mut writer, "ROLLBACK");
        assert_eq!(rows(&mut writer, all), ["1", "3"]);
        run(&mut reader, "DELETE FROM t WHERE n = 3");
    }
    let (mut writer, mut reader) = (world.session(0), world.session(1));
    run(&mut writer, "BEGIN");
    run(&mut writer, "INSERT INTO t VALUES (2)");
    drop(writer);
    assert_eq!(rows(&mut reader, all), ["1"], "who leaves has not committed");
}

#[test]
fn one_of_two_changes_of_one_row_is_told_that_it_lost() {
    let world = World::new(&["CREATE TABLE t (n INT)", "INSERT INTO t VALUES (1)"]);
    let (mut one, mut other) = (world.session(0), world.session(1));
    run(&mut one, "BEGIN");
    run(&mut one, "UPDATE t SET n = 2");
    run(&mut other, "UPDATE t SET n = 3");
    let failure = one.execute("COMMIT").expect_err("the other was first");
    assert!(has_lost(&failure), "{failure}");
    assert!(failure.message.contains("FIRN.PUBLIC.T"), "{failure}");
    assert_eq!(rows(&mut one, "SELECT n FROM t"), ["3"]);
}

#[test]
fn a_file_is_loaded_once() {
    let files = TempDir::new().expect("a folder");
    for number in 0..4 {
        let file = files.path().join(format!("{number}.csv"));
        std::fs::write(file, format!("{number},a\n{number},b\n")).expect("writable");
    }
    let world = World::new(&[
        "CREATE TABLE t (n INT, s VARCHAR)",
        "CREATE STAGE files",
        &format!("PUT file://{}/*.csv @files", files.path().display()),
    ]);
    world.at_once(|session, _| {
        insist(session, &["COPY INTO t FROM @files FILE_FORMAT = (TYPE = CSV)"]);
    });
    assert_eq!(world.rows("SELECT COUNT(*), COUNT(DISTINCT n, s) FROM t"), ["8|8"]);
}

#[test]
fn of_many_creators_of_one_name_one_wins() {
    let world = World::new(&[]);
    for round in 0..5 {
        let sql = format!("CREATE TABLE t{round} (n INT)");
        let outcomes = world.at_once(|session, _| session.execute(&sql).err());
        let failures: Vec<Failure> = outcomes.into_iter().flatten().collect();
        assert_eq!(failures.len(), PROCESSES * SESSIONS - 1, "{failures:?}");
        for failure in &failures {
            assert!(failure.message.contains("already exists"), "{failure}");
        }
        assert_eq!(world.rows(&format!("SELECT COUNT(*) FROM t{round}")), ["0"]);
    }
    world.at_once(|session, number| {
        run(session, "CREATE TABLE IF NOT EXISTS u (n INT)");
        run(session, &format!("INSERT INTO u VALUES ({number})"));
        run(session, "CREATE SCHEMA IF NOT EXISTS s");
    });
    assert_eq!(world.rows("SELECT COUNT(*) FROM u"), ["4"]);
    world.at_once(|session, number| {
        insist(session, &[&format!("CREATE OR REPLACE TABLE v AS SELECT {number} AS n")]);
    });
    assert_eq!(world.rows("SELECT COUNT(*) FROM v"), ["1"]);
    let count = "SELECT COUNT(*) FROM INFORMATION_SCHEMA.TABLES WHERE TABLE_NAME = 'V'";
    assert_eq!(world.rows(count), ["1"]);
    let dropped = world.at_once(|session, _| session.execute("DROP TABLE v").is_ok());
    assert_eq!(dropped.into_iter().filter(|done| *done).count(), 1);
}

#[test]
fn what_is_written_to_a_dropped_table_is_an_error() {
    let world = World::new(&["CREATE TABLE t (n INT)"]);
    let (mut one, mut other) = (world.session(0), world.session(1));
    run(&mut one, "BEGIN");
    run(&mut one, "INSERT INTO t VALUES (1)");
    run(&mut other, "DROP TABLE t");
    let failure = one.execute("COMMIT").expect_err("the table is gone");
    assert!(failure.message.contains("FIRN.PUBLIC.T"), "{failure}");
    run(&mut other, "UNDROP TABLE t");
    assert_eq!(rows(&mut one, "SELECT COUNT(*) FROM t"), ["0"]);
    run(&mut one, "INSERT INTO t VALUES (2)");
    assert_eq!(rows(&mut other, "SELECT n FROM t"), ["2"]);
}

/// Micro-partitions of a table.
fn files_of(world: &World, table: &str) -> u64 {
    let sql = format!(
        "SELECT PARSE_JSON(SYSTEM$CLUSTERING_INFORMATION('{table}', '(n)')):total_partition_count"
    );
    world.rows(&sql)[0].parse().expect("a number")
}

#[test]
fn a_busy_server_puts_files_together_and_no_statement_fails_for_it() {
    const ROWS: usize = 60;
    let tables = ["CREATE TABLE t0 (n INT, v INT)", "CREATE TABLE t1 (n INT, v INT)"];
    let world = World::new(&[&tables[..], &["CREATE TABLE idle (n INT)"]].concat());
    // Somebody has a transaction open all the time.
    let mut idle = world.session(0);
    run(&mut idle, "BEGIN");
    run(&mut idle, "INSERT INTO idle VALUES (1)");
    // Each table has one writer, so that nobody but housekeeping can be in its way.
    world.at_once(|session, number| {
        if number >= tables.len() {
            return;
        }
        let mut sum = 0;
        for n in 0..ROWS {
            run(session, &format!("INSERT INTO t{number} VALUES ({n}, {n})"));
            sum += n;
            if n % 3 == 0 {
                run(session, &format!("UPDATE t{number} SET v = v + 1 WHERE n = {}", n / 2));
                sum += 1;
            }
            if n % 10 == 9 {
                run(session, "BEGIN");
                run(session, &format!("UPDATE t{number} SET v = v + 1 WHERE n <= {n}"));
                sum += n + 1;
                run(session, &format!("DELETE FROM t{number} WHERE n = {n}"));
                run(session, &format!("INSERT INTO t{number} VALUES ({n}, {})", n + 1));
                run(session, "COMMIT");
            }
            let expected = format!("{}|{sum}", n + 1);
            let found = rows(session, &format!("SELECT COUNT(*), SUM(v) FROM t{number}"));
            assert_eq!(found, [expected]);
        }
    });
    for engine in &world.processes {
        assert!(engine.service().settle(std::time::Duration::from_secs(60)));
        for report in engine.service().reports() {
            assert_eq!(report.error, "", "{report:?}");
        }
    }
    for table in ["t0", "t1"] {
        let files = files_of(&world, table);
        assert!(files < 20, "{files} files of {ROWS} rows");
    }
    run(&mut idle, "COMMIT");
}

#[test]
fn a_row_changed_by_two_processes_is_a_conflict_when_its_file_is_rewritten_too() {
    let world = World::new(&["CREATE TABLE t (a INT, s VARCHAR)"]);
    let (mut one, mut other) = (world.session(0), world.session(1));
    (1..=8).for_each(|a| run(&mut one, &format!("INSERT INTO t VALUES ({a}, 'x')")));
    run(&mut other, "BEGIN");
    run(&mut other, "UPDATE t SET s = 'VIII' WHERE a = 8");
    (9..=20).for_each(|a| run(&mut one, &format!("INSERT INTO t VALUES ({a}, 'x')")));
    assert!(world.processes[0].service().settle(std::time::Duration::from_secs(20)));
    run(&mut one, "UPDATE t SET s = 'acht' WHERE a = 8");
    let failure = other.execute("COMMIT").expect_err("the other was first");
    assert!(failure.message.contains("the same rows were changed"), "{failure}");
    assert_eq!(world.rows("SELECT s FROM t WHERE a = 8"), ["acht"]);
}
