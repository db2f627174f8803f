//! Streams against the tables that they are on, over random changes: who applies what a stream shows to what was
//! there before has what is there now. And dynamic tables against their queries.

use firn_engine::{Engine, EngineOptions, Housekeeping, Session};
use firn_tests::{Numbers, run, session, sorted_rows};

const VIEW: &str =
    "SELECT t.id AS id, u.id AS other, t.n + u.n AS n FROM t JOIN u ON t.k = u.k WHERE t.n > 2";

/// Rows without anything to tell equal ones apart by.
const ON_TOP: &str = "SELECT n % 3 AS n FROM dv UNION ALL SELECT n FROM t WHERE k <> 'k1'";

/// A session with the ids that were inserted into `t` since its append-only stream was read.
struct Run {
    session: Session,
    numbers: Numbers,
    next_id: usize,
    inserted: Vec<usize>,
}

impl Run {
    fn execute(&mut self, sql: &str) {
        run(&mut self.session, sql);
    }

    fn rows(&mut self, sql: &str) -> Vec<String> {
        sorted_rows(&mut self.session, sql)
    }

    /// A random change; says which ids it inserts into `t`.
    fn change(&mut self) -> (String, Vec<usize>) {
        let table = if self.numbers.below(3) == 0 { "u" } else { "t" };
        let (n, k) = (self.numbers.below(9), self.numbers.below(5));
        let rows = 1 + self.numbers.below(8);
        let ids: Vec<usize> = (0..rows).map(|at| self.next_id + at).collect();
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
    fn apply(&mut self, stream: &str, copy: &str, source: &str, why: &str) {
        let columns = if copy == "seen_view" { "id, other, n" } else { "id, k, n" };
        let key =
            if copy == "seen_view" { "x.id = d.id AND x.other = d.other" } else { "x.id = d.id" };
        self.execute("BEGIN");
        let gone = format!("SELECT {columns} FROM {stream} WHERE metadata$action = 'DELETE'");
        let unknown = self.rows(&format!("{gone} MINUS SELECT {columns} FROM {copy}"));
        assert!(unknown.is_empty(), "{stream} deletes {unknown:?}, which were not there: {why}");
        self.execute(&format!("DELETE FROM {copy} x USING ({gone}) d WHERE {key}"));
        self.execute(&format!(
            "INSERT INTO {copy} SELECT {columns} FROM {stream} WHERE metadata$action = 'INSERT'"
        ));
        self.execute("COMMIT");
        let expected = self.rows(&format!("SELECT {columns} FROM ({source})"));
        let found = self.rows(&format!("SELECT {columns} FROM {copy}"));
        assert_eq!(found, expected, "{stream}: {why}");
    }

    /// Refreshes dynamic tables, one on top of the other, and compares them with their queries.
    fn refresh(&mut self, why: &str) {
        self.execute("ALTER DYNAMIC TABLE dn REFRESH");
        let expected = self.rows(VIEW);
        assert_eq!(self.rows("SELECT * FROM dv"), expected, "dv: {why}");
        let expected = self.rows(ON_TOP);
        assert_eq!(self.rows("SELECT * FROM dn"), expected, "dn: {why}");
    }

    fn check_append_only(&mut self, why: &str) {
        self.execute("CREATE OR REPLACE TABLE appended AS SELECT id FROM sa");
        let found = self.rows("SELECT id FROM appended");
        let mut expected: Vec<String> = self.inserted.drain(..).map(|id| id.to_string()).collect();
        expected.sort();
        assert_eq!(found, expected, "sa: {why}");
    }
}

fn random_changes(seed: u64, steps: usize) {
    let options = EngineOptions { housekeeping: Housekeeping::Inline, ..EngineOptions::default() };
    let session = session(&Engine::open(":memory:", options).expect("an account"));
    let mut state = Run { session, numbers: Numbers(seed), next_id: 1, inserted: Vec::new() };
    state.execute("CREATE TABLE t (id INT, k VARCHAR, n INT)");
    state.execute("CREATE TABLE u (id INT, k VARCHAR, n INT)");
    state.execute(&format!("CREATE VIEW v AS {VIEW}"));
    state.execute("CREATE TABLE seen LIKE t");
    state.execute("CREATE TABLE seen_view (id INT, other INT, n INT)");
    let lag = "TARGET_LAG = DOWNSTREAM WAREHOUSE = compute_wh REFRESH_MODE = INCREMENTAL";
    state.execute(&format!("CREATE DYNAMIC TABLE dv {lag} AS {VIEW}"));
    state.execute(&format!("CREATE DYNAMIC TABLE dn {lag} AS {ON_TOP}"));
    state.execute("CREATE STREAM s ON TABLE t");
    state.execute("CREATE STREAM sv ON VIEW v");
    state.execute("CREATE STREAM sa ON TABLE t APPEND_ONLY = TRUE");
    for step in 0..steps {
        let in_transaction = state.numbers.below(6) == 0;
        let changes = if in_transaction { 1 + state.numbers.below(3) } else { 1 };
        if in_transaction {
            state.execute("BEGIN");
        }
        let (mut done, mut inserted) = (String::new(), Vec::new());
        for _ in 0..changes {
            let (change, ids) = state.change();
            // DDL would commit.
            if in_transaction && change.starts_with("ALTER") {
                continue;
            }
            state.execute(&change);
            done.push_str(&change);
            done.push_str("; ");
            inserted.extend(ids);
        }
        if in_transaction && state.numbers.below(3) == 0 {
            state.execute("ROLLBACK");
        } else {
            if in_transaction {
                state.execute("COMMIT");
                // What one transaction inserts and deletes was never there.
                let kept = state.rows("SELECT id FROM t");
                inserted.retain(|id| kept.contains(&id.to_string()));
            }
            state.inserted.extend(inserted);
        }
        let why = format!("seed {seed}, step {step}, after {done}");
        if state.numbers.below(4) == 0 {
            state.refresh(&why);
        }
        match state.numbers.below(6) {
            0 => state.apply("s", "seen", "SELECT * FROM t", &why),
            1 => state.apply("sv", "seen_view", VIEW, &why),
            2 => state.check_append_only(&why),
            _ => {}
        }
    }
}

#[test]
fn streams_carry_every_change() {
    (1..=2).for_each(|seed| random_changes(seed, 120));
}
