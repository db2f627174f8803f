//! Streams against the tables that they are on, over random changes: who applies what a stream shows to what was
//! there before has what is there now. And dynamic tables against their queries.

use firn_engine::{Cell, Engine, EngineOptions, Housekeeping, Session, SessionOptions};

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

const VIEW: &str =
    "SELECT t.id AS id, u.id AS other, t.n + u.n AS n FROM t JOIN u ON t.k = u.k WHERE t.n > 2";

/// Rows without anything to tell equal ones apart by.
const ON_TOP: &str = "SELECT n % 3 AS n FROM dv UNION ALL SELECT n FROM t WHERE k <> 'k1'";

/// Numbers that look random and are the same in every run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }
}

/// A session with the ids that were inserted into `t` since its append-only stream was read.
struct Run {
    session: Session,
    numbers: Numbers,
    next_id: u64,
    inserted: Vec<u64>,
}

impl Run {
    fn execute(&mut self, sql: &str) -> Outcome<()> {
        self.session.execute(sql).map_err(|failure| format!("{sql}: {failure}"))?;
        Ok(())
    }

    fn rows(&mut self, sql: &str) -> Outcome<Vec<String>> {
        let result = self.session.execute(sql).map_err(|failure| format!("{sql}: {failure}"))?;
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

    /// A random change; says which ids it inserts into `t`.
    fn change(&mut self) -> (String, Vec<u64>) {
        let table = if self.numbers.below(3) == 0 { "u" } else { "t" };
        let (n, k) = (self.numbers.below(9), self.numbers.below(5));
        let rows = 1 + self.numbers.below(8);
        let ids: Vec<u64> = (0..rows).map(|at| self.next_id + at).collect();
        let kind = self.numbers.below(12);
        let values: Vec<String> = ids
            .iter()
            .map(|id| format!("({id}, 'k{}', {})", self.numbers.below(5), self.numbers.below(9)))
            .collect();
        let values = values.join(", ");
        let (sql, inserts) = match kind {
            0 => (format!("DELETE FROM {table} WHERE n = {n}"), false),
            1 => (format!("UPDATE {table} SET n = n + 1 WHERE k = 'k{k}'"), false),
            2 => (format!("UPDATE {table} SET k = k WHERE n < {n}"), false),
            3 => (format!("DELETE FROM {table} WHERE id % 7 = {n} AND k <> 'k{k}'"), false),
            4 if n == 0 => (format!("TRUNCATE TABLE {table}"), false),
            5 if n < 3 => (format!("INSERT OVERWRITE INTO {table} VALUES {values}"), true),
            // Which of its rows a MERGE inserts depends on the table: not the one whose new rows are counted.
            6 => (
                format!(
                    "MERGE INTO u USING (SELECT column1 AS id, column2 AS k, column3 AS n FROM VALUES {values}) s \
                     ON u.id = s.id - 5 WHEN MATCHED THEN UPDATE SET n = s.n \
                     WHEN NOT MATCHED THEN INSERT VALUES (s.id, s.k, s.n)"
                ),
                false,
            ),
            7 => (format!("ALTER TABLE {table} CLUSTER BY (n)"), false),
            _ => (format!("INSERT INTO {table} VALUES {values}"), true),
        };
        self.next_id += rows;
        let inserted = if inserts && table == "t" { ids } else { Vec::new() };
        (sql, inserted)
    }

    /// Applies a stream to a copy of what it is on, and compares the two.
    fn apply(&mut self, stream: &str, copy: &str, source: &str, why: &str) -> Outcome<()> {
        let columns = if copy == "seen_view" { "id, other, n" } else { "id, k, n" };
        let key =
            if copy == "seen_view" { "x.id = d.id AND x.other = d.other" } else { "x.id = d.id" };
        self.execute("BEGIN")?;
        let gone = format!("SELECT {columns} FROM {stream} WHERE metadata$action = 'DELETE'");
        let unknown = self.rows(&format!("{gone} MINUS SELECT {columns} FROM {copy}"))?;
        assert!(unknown.is_empty(), "{stream} deletes {unknown:?}, which were not there: {why}");
        self.execute(&format!("DELETE FROM {copy} x USING ({gone}) d WHERE {key}"))?;
        self.execute(&format!(
            "INSERT INTO {copy} SELECT {columns} FROM {stream} WHERE metadata$action = 'INSERT'"
        ))?;
        self.execute("COMMIT")?;
        let expected = self.rows(&format!("SELECT {columns} FROM ({source})"))?;
        let found = self.rows(&format!("SELECT {columns} FROM {copy}"))?;
        assert_eq!(found, expected, "{stream}: {why}");
        Ok(())
    }

    /// Refreshes dynamic tables, one on top of the other, and compares them with their queries.
    fn refresh(&mut self, why: &str) -> Outcome<()> {
        self.execute("ALTER DYNAMIC TABLE dn REFRESH")?;
        let expected = self.rows(VIEW)?;
        assert_eq!(self.rows("SELECT * FROM dv")?, expected, "dv: {why}");
        let expected = self.rows(ON_TOP)?;
        assert_eq!(self.rows("SELECT * FROM dn")?, expected, "dn: {why}");
        Ok(())
    }

    fn check_append_only(&mut self, why: &str) -> Outcome<()> {
        self.execute("CREATE OR REPLACE TABLE appended AS SELECT id FROM sa")?;
        let found = self.rows("SELECT id FROM appended")?;
        let mut expected: Vec<String> = self.inserted.drain(..).map(|id| id.to_string()).collect();
        expected.sort();
        assert_eq!(found, expected, "sa: {why}");
        Ok(())
    }
}

fn run(seed: u64, steps: usize) -> Outcome<()> {
    let options = EngineOptions { housekeeping: Housekeeping::Inline, ..EngineOptions::default() };
    let engine = Engine::open(":memory:", options)?;
    let session = engine.session(SessionOptions::default())?;
    let mut run = Run { session, numbers: Numbers(seed), next_id: 1, inserted: Vec::new() };
    run.execute("CREATE TABLE t (id INT, k VARCHAR, n INT)")?;
    run.execute("CREATE TABLE u (id INT, k VARCHAR, n INT)")?;
    run.execute(&format!("CREATE VIEW v AS {VIEW}"))?;
    run.execute("CREATE TABLE seen LIKE t")?;
    run.execute("CREATE TABLE seen_view (id INT, other INT, n INT)")?;
    let lag = "TARGET_LAG = DOWNSTREAM WAREHOUSE = compute_wh REFRESH_MODE = INCREMENTAL";
    run.execute(&format!("CREATE DYNAMIC TABLE dv {lag} AS {VIEW}"))?;
    run.execute(&format!("CREATE DYNAMIC TABLE dn {lag} AS {ON_TOP}"))?;
    run.execute("CREATE STREAM s ON TABLE t")?;
    run.execute("CREATE STREAM sv ON VIEW v")?;
    run.execute("CREATE STREAM sa ON TABLE t APPEND_ONLY = TRUE")?;
    for step in 0..steps {
        let in_transaction = run.numbers.below(6) == 0;
        let changes = if in_transaction { 1 + run.numbers.below(3) } else { 1 };
        if in_transaction {
            run.execute("BEGIN")?;
        }
        let (mut done, mut inserted) = (String::new(), Vec::new());
        for _ in 0..changes {
            let (change, ids) = run.change();
            // DDL would commit.
            if in_transaction && change.starts_with("ALTER") {
                continue;
            }
            run.execute(&change)?;
            done.push_str(&change);
            done.push_str("; ");
            inserted.extend(ids);
        }
        if in_transaction && run.numbers.below(3) == 0 {
            run.execute("ROLLBACK")?;
        } else {
            if in_transaction {
                run.execute("COMMIT")?;
                // What one transaction inserts and deletes was never there.
                let kept = run.rows("SELECT id FROM t")?;
                inserted.retain(|id| kept.contains(&id.to_string()));
            }
            run.inserted.extend(inserted);
        }
        let why = format!("seed {seed}, step {step}, after {done}");
        if run.numbers.below(4) == 0 {
            run.refresh(&why)?;
        }
        match run.numbers.below(6) {
            0 => run.apply("s", "seen", "SELECT * FROM t", &why)?,
            1 => run.apply("sv", "seen_view", VIEW, &why)?,
            2 => run.check_append_only(&why)?,
            _ => {}
        }
    }
    Ok(())
}

#[test]
fn streams_carry_every_change() -> Outcome<()> {
    (1..=2).try_for_each(|seed| run(seed, 120))
}
