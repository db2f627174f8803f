//! Materialized views against their own queries, over random changes of the table: never stale, whichever
//! way they are kept.

use firn_engine::{Engine, EngineOptions, SessionOptions};
use firn_tests::{Numbers, sorted_rows};

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

/// Views of every form that is kept in its own way, and some that are computed anew.
const QUERIES: &[&str] = &[
    "SELECT k, SUM(n) AS s, COUNT(*) AS c, COUNT(n) AS cn, MIN(n) AS lo, MAX(n) AS hi FROM t GROUP BY k",
    "SELECT MAX(x) AS m, k AS a, COUNT_IF(n > 3) AS i, d AS b, MIN(d) AS e FROM t WHERE n <> 5 GROUP BY k, d",
    "SELECT COUNT(*) AS c, SUM(n) AS s, MAX(k) AS m FROM t",
    "SELECT DATE_TRUNC('MONTH', d) AS month, SUM(x) AS s FROM t GROUP BY 1",
    "SELECT COUNT(*) AS c, SUM(n) AS s FROM t GROUP BY k",
    "SELECT k, AVG(n) AS a, COUNT(DISTINCT n) AS u FROM t GROUP BY k",
    "SELECT k, n + 1 AS m FROM t WHERE n > 2",
];

/// A value of the table's rows: NULL now and then.
fn row(numbers: &mut Numbers) -> String {
    let n = numbers.below(12);
    let n = if n == 11 { "NULL".to_string() } else { n.to_string() };
    let k = ["'a'", "'b'", "'c'", "NULL"][numbers.below(4)];
    let (day, x) = (numbers.below(90), numbers.below(1000));
    format!("({k}, {n}, DATEADD(DAY, {day}, '2024-01-01'::DATE), {x} * 0.01)")
}

fn change(numbers: &mut Numbers) -> String {
    let rows = 1 + numbers.below(20);
    let rows: Vec<String> = (0..rows).map(|_| row(numbers)).collect();
    let values =
        format!("SELECT column1, column2, column3, column4 FROM VALUES {}", rows.join(", "));
    match numbers.below(16) {
        0 => format!("DELETE FROM t WHERE n = {}", numbers.below(12)),
        1 => format!("UPDATE t SET n = n + 1 WHERE k = 'a' AND n < {}", numbers.below(12)),
        2 => "DELETE FROM t WHERE k IS NULL".to_string(),
        3 if numbers.below(4) == 0 => "TRUNCATE TABLE t".to_string(),
        4 if numbers.below(4) == 0 => format!("INSERT OVERWRITE INTO t {values}"),
        5 => format!(
            "MERGE INTO t USING ({values} QUALIFY ROW_NUMBER() OVER (PARTITION BY column1 ORDER BY column2) = 1) s \
             ON t.k = s.column1 AND t.n = s.column2 WHEN MATCHED THEN UPDATE SET x = s.column4 \
             WHEN NOT MATCHED THEN INSERT VALUES (s.column1, s.column2, s.column3, s.column4)"
        ),
        6 => "ALTER TABLE t CLUSTER BY (d)".to_string(),
        _ => format!("INSERT INTO t {values}"),
    }
}

/// Runs random changes; every few of them, each view is read, so that it has one change or several to
/// follow.
fn run(seed: u64, steps: usize) -> Outcome<()> {
    let engine = Engine::open(":memory:", EngineOptions::default())?;
    let mut session = engine.session(SessionOptions::default())?;
    let mut numbers = Numbers(seed);
    session.execute("CREATE TABLE t (k VARCHAR, n INT, d DATE, x NUMBER(10,2))")?;
    for (index, query) in QUERIES.iter().enumerate() {
        session.execute(&format!("CREATE MATERIALIZED VIEW v{index} AS {query}"))?;
    }
    for step in 0..steps {
        let in_transaction = numbers.below(8) == 0;
        if in_transaction {
            session.execute("BEGIN")?;
        }
        let change = change(&mut numbers);
        session.execute(&change).map_err(|failure| format!("{change}: {failure}"))?;
        for (index, query) in QUERIES.iter().enumerate() {
            if numbers.below(3) == 0 {
                let stored = sorted_rows(&mut session, &format!("SELECT * FROM v{index}"));
                let computed = sorted_rows(&mut session, query);
                assert_eq!(stored, computed, "seed {seed}, step {step}, after {change}: {query}");
            }
        }
        if in_transaction {
            session.execute(if numbers.below(2) == 0 { "COMMIT" } else { "ROLLBACK" })?;
        }
    }
    Ok(())
}

#[test]
fn views_equal_their_queries() -> Outcome<()> {
    (1..=4).try_for_each(|seed| run(seed, 120))
}
