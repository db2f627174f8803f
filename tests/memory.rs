//! Statements with little memory: what can go to disk goes there, and what cannot says that it does not fit.

use firn_engine::{Engine, EngineOptions, Session, SessionOptions};
use firn_tests::written_row;

/// Enough for statements, and much less than the rows take.
const MEMORY_BYTES: usize = 4 << 20;
/// Primes, so that multiples of another one are all numbers below them in another order.
const ROWS: u64 = 300_007;
const MORE_ROWS: u64 = 1_000_003;

fn session(rows: u64) -> Session {
    let memory_bytes = Some(MEMORY_BYTES);
    let options = EngineOptions { threads: Some(2), memory_bytes, ..EngineOptions::default() };
    let engine = Engine::open(":memory:", options).expect("an account in memory");
    let mut session = engine.session(SessionOptions::default()).expect("a session");
    let table = format!(
        "CREATE TABLE t AS SELECT (SEQ8() * 7919) % {rows} AS i, 'number ' || i AS s \
         FROM TABLE(GENERATOR(ROWCOUNT => {rows}))"
    );
    session.execute(&table).expect("a table");
    session
}

fn rows(session: &mut Session, sql: &str) -> Result<Vec<String>, String> {
    let result = session.execute(sql).map_err(|failure| failure.to_string())?;
    Ok(result.cells().expect("printable").iter().map(|row| written_row(row)).collect())
}

#[test]
fn what_can_go_to_disk_goes_there() {
    let mut session = session(ROWS);
    for (sql, expected) in [
        ("SELECT COUNT(*), SUM(i) FROM t", "300007|45001950021"),
        (
            "SELECT MAX(n), COUNT_IF(n = 1) FROM (SELECT NTILE(2) OVER (ORDER BY i) AS n FROM t)",
            "2|150004",
        ),
        (
            "SELECT COUNT_IF(ABS(n * 300006 - i) > 0.001) FROM \
             (SELECT i, PERCENT_RANK() OVER (ORDER BY i) AS n FROM t)",
            "0",
        ),
        (
            "SELECT COUNT_IF(ABS(n * 300007 - i - 1) > 0.001) FROM \
             (SELECT i, CUME_DIST() OVER (ORDER BY i) AS n FROM t)",
            "0",
        ),
        ("SELECT COUNT_IF(n <> i / 2) FROM (SELECT i, AVG(i) OVER (ORDER BY i) AS n FROM t)", "0"),
        (
            "SELECT COUNT_IF(n <> s) FROM (SELECT 'number 0' AS n, FIRST_VALUE(s) OVER (ORDER BY i) AS s FROM t)",
            "0",
        ),
        ("SELECT COUNT_IF(n <> 150003) FROM (SELECT AVG(i) OVER () AS n FROM t)", "0"),
        ("SELECT COUNT(*) FROM (SELECT s, COUNT(*) FROM t GROUP BY s)", "300007"),
        ("SELECT COUNT(DISTINCT s) FROM t", "300007"),
        ("SELECT COUNT(*) FROM t AS a JOIN t AS b ON a.s = b.s", "300007"),
        (
            "SELECT MAX(ARRAY_SIZE(a)), COUNT(*) FROM (SELECT ARRAY_AGG(s) AS a FROM t GROUP BY i % 50000)",
            "7|50000",
        ),
        (
            "SELECT MAX(LENGTH(a)), COUNT(*) FROM (SELECT LISTAGG(i % 2) AS a FROM t GROUP BY i % 50000)",
            "7|50000",
        ),
        (
            "SELECT SUM(m), COUNT(*) FROM (SELECT MEDIAN(i) AS m FROM t WHERE i < 300000 GROUP BY i % 50000)",
            "7499975000.000|50000",
        ),
        (
            "WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r WHERE n < 100) SELECT SUM(n) FROM r",
            "5050",
        ),
    ] {
        assert_eq!(rows(&mut session, sql), Ok(vec![expected.to_string()]), "{sql}");
    }
    let sorted = rows(&mut session, "SELECT i FROM t ORDER BY s DESC").expect("a result");
    assert_eq!(sorted.len() as u64, ROWS);
    assert_eq!(sorted[0], "99999");
}

/// Partitions that are larger than the memory, and small ones beside them.
#[test]
fn windows_over_large_partitions_go_to_disk() {
    let mut session = session(ROWS);
    for (sql, expected) in [
        (
            "SELECT SUM(n) FROM (SELECT ROW_NUMBER() OVER (PARTITION BY i < 7 ORDER BY s) AS n FROM t)",
            "45000150028",
        ),
        (
            "SELECT COUNT_IF(n <> (i + i % 2) / 2) FROM \
             (SELECT i, AVG(i) OVER (PARTITION BY i % 2 ORDER BY i) AS n FROM t)",
            "0",
        ),
        (
            "SELECT MAX(n), COUNT_IF(n = 1), COUNT_IF(n = 4) FROM \
             (SELECT NTILE(4) OVER (PARTITION BY i >= 300000 ORDER BY i) AS n FROM t)",
            "4|75002|75001",
        ),
        (
            "SELECT COUNT(n), MIN(i - n), MAX(i - n) FROM \
             (SELECT i, LAG(i) OVER (PARTITION BY i % 3 ORDER BY i) AS n FROM t)",
            "300004|3|3",
        ),
        (
            "SELECT MIN(n), MAX(n), COUNT(DISTINCT n) FROM (SELECT COUNT(s) OVER (PARTITION BY i < 300000) AS n FROM t)",
            "7|300000|2",
        ),
        (
            "SELECT COUNT(*) FROM (SELECT DENSE_RANK() OVER (PARTITION BY i % 2 ORDER BY i) AS n, i FROM t) \
             WHERE n <> TRUNC(i / 2) + 1",
            "0",
        ),
        (
            "SELECT COUNT_IF(n <> s) FROM (SELECT s, LAST_VALUE(s) OVER (PARTITION BY i ORDER BY s) AS n FROM t)",
            "0",
        ),
    ] {
        assert_eq!(rows(&mut session, sql), Ok(vec![expected.to_string()]), "{sql}");
    }
}

#[test]
fn what_has_to_be_there_at_once_says_that_it_does_not_fit() {
    let mut session = session(MORE_ROWS);
    let (aggregate, window) = ("An aggregate of all rows", "A window without PARTITION BY");
    for (sql, what) in [
        ("SELECT ARRAY_SIZE(ARRAY_AGG(s)) FROM t", aggregate),
        ("SELECT LENGTH(LISTAGG(s, ',')) FROM t", aggregate),
        ("SELECT OBJECT_AGG(s, i) IS NULL FROM t", aggregate),
        ("SELECT MEDIAN(i) FROM t", aggregate),
        ("SELECT PERCENTILE_CONT(0.9) WITHIN GROUP (ORDER BY i) FROM t", aggregate),
        ("SELECT MAX(m) FROM (SELECT MEDIAN(i) OVER () AS m FROM t)", window),
        ("SELECT MAX(m) FROM (SELECT LAST_VALUE(s) OVER (ORDER BY i) AS m FROM t)", window),
        (
            "SELECT COUNT(m) FROM (SELECT LAST_VALUE(s) OVER (PARTITION BY i < 9 ORDER BY i) AS m FROM t)",
            "A partition of a window",
        ),
        (
            "WITH RECURSIVE r AS (SELECT 0 AS n, s FROM t UNION ALL SELECT n + 1, s FROM r WHERE n < 9) \
             SELECT COUNT(*) FROM r",
            "memory",
        ),
        (
            "WITH RECURSIVE r AS (SELECT i, s FROM t WHERE i < 1000 UNION ALL \
             SELECT i + 1000, s FROM r WHERE i < 900000) SELECT COUNT(*) FROM r",
            "The recursive query still gives rows after",
        ),
    ] {
        let failure = rows(&mut session, sql).expect_err(sql);
        assert!(failure.contains("300005") && failure.contains(what), "{sql}: {failure}");
    }
    // What did not fit is given back.
    assert_eq!(rows(&mut session, "SELECT MAX(i) FROM t"), Ok(vec!["1000002".to_string()]));
}
