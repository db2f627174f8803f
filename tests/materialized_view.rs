//! Materialized views against their own queries, over random changes of the table: never stale, whichever
//! way they are kept.

use firn_engine::{Cell, Engine, EngineOptions, Session, SessionOptions};

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

/// Numbers that look random and are the same in every run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }

    /// A value of the table's rows: NULL now and then.
    fn row(&mut self) -> String {
        let n = self.below(12);
        let n = if n == 11 { "NULL".to_string() } else { n.to_string() };
        let k = ["'a'", "'b'", "'c'", "NULL"][self.below(4) as usize];
        let (day, x) = (self.below(90), self.below(1000));
        format!("({k}, {n}, DATEADD(DAY, {day}, '2024-01-01'::DATE), {x} * 0.01)")
    }

    fn change(&mut self) -> String {
        let rows = 1 + self.below(20);
        let rows: Vec<String> = (0..rows).map(|_| self.row()).collect();
        let values =
            format!("SELECT column1, column2, column3, column4 FROM VALUES {}", rows.join(", "));
        match self.below(16) {
            0 => format!("DELETE FROM t WHERE n = {}", self.below(12)),
            1 => format!("UPDATE t SET n = n + 1 WHERE k = 'a' AND n < {}", self.below(12)),
            2 => "DELETE FROM t WHERE k IS NULL".to_string(),
            3 if self.below(4) == 0 => "TRUNCATE TABLE t".to_string(),
            4 if self.below(4) == 0 => format!("INSERT OVERWRITE INTO t {values}"),
            5 => format!(
                "MERGE INTO t USING ({values} QUALIFY ROW_NUMBER() OVER (PARTITION BY column1 ORDER BY column2) = 1) s \
                 ON t.k = s.column1 AND t.n = s.column2 WHEN MATCHED THEN UPDATE SET x = s.column4 \
                 WHEN NOT MATCHED THEN INSERT VALUES (s.column1, s.column2, s.column3, s.column4)"
            ),
            6 => "ALTER TABLE t CLUSTER BY (d)".to_string(),
            _ => format!("INSERT INTO t {values}"),
        }
    }
}

fn sorted(session: &mut Session, sql: &str) -> Outcome<Vec<String>> {
    let result = session.execute(sql).map_err(|failure| format!("{sql}: {failure}"))?;
    let shown = |cell: &Cell| match cell {
        Cell::Null => "NULL".to_string(),
        Cell::Boolean(value) => value.to_string(),
        Cell::Text(text) => text.clone(),
    };
    let rows = result.cells()?;
    let mut rows: Vec<String> =
        rows.iter().map(|row| row.iter().map(shown).collect::<Vec<_>>().join("|")).collect();
    rows.sort();
    Ok(rows)
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
        let change = numbers.change();
        session.execute(&change).map_err(|failure| format!("{change}: {failure}"))?;
        for (index, query) in QUERIES.iter().enumerate() {
            if numbers.below(3) == 0 {
                let stored = sorted(&mut session, &format!("SELECT * FROM v{index}"))?;
                let computed = sorted(&mut session, query)?;
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
