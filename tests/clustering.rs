//! How well tables stay clustered while rows come in no order.

use firn_engine::{Engine, EngineOptions, Housekeeping, Session, SessionOptions};
use firn_tests::{rows, run};

/// Micro-partitions of so many rows.
const PARTITION_ROWS: usize = 100;

fn engine() -> Engine {
    let options = EngineOptions {
        threads: Some(1),
        housekeeping: Housekeeping::Inline,
        partition_rows: Some(PARTITION_ROWS),
        ..EngineOptions::default()
    };
    Engine::open(":memory:", options).expect("the account opens")
}

fn depth(session: &mut Session) -> f64 {
    rows(session, "SELECT SYSTEM$CLUSTERING_DEPTH('t')")[0].parse().expect("a number")
}

/// Inserts so many rows with keys all over the place, so many at once; gives the depth after each insert.
fn stream(session: &mut Session, count: usize, at_once: usize) -> Vec<f64> {
    let mut depths = Vec::new();
    for first in (0..count).step_by(at_once) {
        // 7919 is prime: each key comes once.
        let sql = format!(
            "INSERT INTO t SELECT MOD((SEQ4() + {first}) * 7919, 100003), SEQ4() + {first} \
             FROM TABLE(GENERATOR(ROWCOUNT => {at_once}))"
        );
        run(session, &sql);
        depths.push(depth(session));
    }
    depths
}

#[test]
fn a_stream_of_unordered_inserts_leaves_a_table_clustered() {
    // Files of a few rows wait for others before they are sorted, and lie above all until then.
    for (count, at_once, deep) in [(6_000, 50, 2.5), (3_500, 7, 6.0), (12_000, 300, 3.0)] {
        let engine = engine();
        let mut session = engine.session(SessionOptions::default()).expect("a session");
        run(&mut session, "CREATE TABLE t (k INT, n INT) CLUSTER BY (k)");
        let depths = stream(&mut session, count, at_once);
        let later = &depths[depths.len() / 2..];
        let average = later.iter().sum::<f64>() / later.len() as f64;
        let reports = engine.service().reports();
        let gone: u64 = reports.iter().filter(|r| r.name == "reclustering").map(|r| r.done).sum();
        let written = gone as f64 * PARTITION_ROWS as f64 / count as f64;
        assert!(average <= deep, "{at_once} rows at once: depth {average}");
        assert!(written < 30.0, "{at_once} rows at once: each is written {written} times");
        let all = format!("{count}|{count}|{}", count * (count - 1) / 2);
        assert_eq!(rows(&mut session, "SELECT COUNT(*), COUNT(DISTINCT k), SUM(n) FROM t"), [all]);
        run(&mut session, "ALTER TABLE t RECLUSTER");
        let sorted = depth(&mut session);
        assert!(sorted <= 1.1, "{sorted}");
    }
}

#[test]
fn a_suspended_table_is_left_alone() {
    let engine = engine();
    let mut session = engine.session(SessionOptions::default()).expect("a session");
    run(&mut session, "CREATE TABLE t (k INT, n INT) CLUSTER BY (k)");
    run(&mut session, "ALTER TABLE t SUSPEND RECLUSTER");
    stream(&mut session, 1_000, 100);
    assert!(depth(&mut session) > 5.0);
    run(&mut session, "ALTER TABLE t RESUME RECLUSTER");
    let resumed = depth(&mut session);
    assert!(resumed <= 2.0, "{resumed}");
}

#[test]
fn keys_whose_range_statistics_do_not_tell_are_left_as_they_are() {
    let engine = engine();
    let mut session = engine.session(SessionOptions::default()).expect("a session");
    run(&mut session, "CREATE TABLE t (k INT, n INT) CLUSTER BY (MOD(k, 10))");
    for _ in 0..5 {
        run(&mut session, "INSERT INTO t SELECT SEQ4(), 1 FROM TABLE(GENERATOR(ROWCOUNT => 100))");
    }
    for report in engine.service().reports() {
        assert_eq!(report.error, "", "{report:?}");
    }
    assert_eq!(rows(&mut session, "SELECT COUNT(*) FROM t"), ["500"]);
}

#[test]
fn equal_keys_end_the_work() {
    let engine = engine();
    let mut session = engine.session(SessionOptions::default()).expect("a session");
    run(&mut session, "CREATE TABLE t (k INT, n INT) CLUSTER BY (k)");
    for _ in 0..6 {
        run(
            &mut session,
            "INSERT INTO t SELECT MOD(SEQ4(), 3), 1 FROM TABLE(GENERATOR(ROWCOUNT => 100))",
        );
    }
    run(&mut session, "ALTER TABLE t RECLUSTER");
    assert_eq!(rows(&mut session, "SELECT k, COUNT(*) FROM t GROUP BY k ORDER BY k").len(), 3);
}
