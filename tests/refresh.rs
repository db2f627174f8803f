//! Stored rows against their queries, over random changes of the tables: whatever a dynamic table or a materialized
//! view is made of, after a refresh it has the rows of its query, as often as its query has them.
//!
//! The long run: `FIRN_REFRESH_STEPS=5000 cargo test -p firn-tests --test refresh`.

use firn_engine::{Engine, EngineOptions, Housekeeping};
use firn_tests::{Numbers, run, session, sorted_rows};

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

/// Queries that are refreshed incrementally, each with a name.
const INCREMENTAL: &[(&str, &str)] = &[
    (
        "groups",
        "SELECT k, COUNT(*) AS c, SUM(n) AS s, MIN(n) AS lo, MAX(n) AS hi, AVG(n) AS a FROM t GROUP BY k",
    ),
    (
        "sums",
        "SELECT k, COUNT(*) AS c, COUNT(n) AS v, SUM(n) AS s, COUNT_IF(n > 3) AS i FROM t GROUP BY k",
    ),
    (
        "sums_joined",
        "SELECT SUM(t.n) AS s, w.name, COUNT(*) AS c, COUNT(t.n) AS v FROM t JOIN u ON t.k = u.k JOIN w ON u.n = w.n \
         GROUP BY w.name",
    ),
    (
        "sums_kept",
        "SELECT u.k, COUNT(*) AS c, SUM(t.n) AS s, COUNT(t.n) AS v FROM u LEFT JOIN t ON t.id = u.id GROUP BY u.k",
    ),
    (
        "counts",
        "SELECT c, COUNT(*) AS n FROM (SELECT k, COUNT(*) AS c FROM t GROUP BY k) GROUP BY c",
    ),
    (
        "two_keys",
        "SELECT k, n % 3 AS m, COUNT(DISTINCT id) AS c, MEDIAN(n) AS d, STDDEV(n) IS NULL AS x FROM t GROUP BY k, n % 3",
    ),
    ("no_keys", "SELECT COUNT(*) AS c, SUM(n) AS s, MAX(k) AS k FROM t WHERE n > 3"),
    ("hidden_keys", "SELECT COUNT(*) AS c, SUM(n) AS s FROM t GROUP BY k"),
    ("having", "SELECT k, COUNT(*) AS c FROM t GROUP BY k HAVING COUNT(*) > 2 AND SUM(n) > 4"),
    ("lists", "SELECT k, ARRAY_SIZE(ARRAY_AGG(n)) AS a, ANY_VALUE(k) AS k2 FROM t GROUP BY k"),
    ("different", "SELECT DISTINCT k, n FROM t"),
    ("different_join", "SELECT DISTINCT t.k, u.n FROM t JOIN u ON t.k = u.k"),
    ("rollup", "SELECT k, n, COUNT(*) AS c, GROUPING(k) AS g FROM t GROUP BY ROLLUP (k, n)"),
    ("sets", "SELECT k, n, SUM(id) AS s FROM t GROUP BY GROUPING SETS ((k), (n), ())"),
    (
        "latest",
        "SELECT id, k, n FROM t QUALIFY ROW_NUMBER() OVER (PARTITION BY k ORDER BY n DESC) = 1",
    ),
    (
        "running",
        "SELECT k, n, id, SUM(n) OVER (PARTITION BY k ORDER BY n) AS s, RANK() OVER (PARTITION BY k ORDER BY n) AS r FROM t",
    ),
    (
        "partitions",
        "SELECT k, id, COUNT(*) OVER (PARTITION BY k) AS c, MAX(id) OVER (PARTITION BY n) AS m FROM t",
    ),
    ("shares", "SELECT id, k, n - LAG(n) OVER (PARTITION BY k ORDER BY n, id) AS d FROM t"),
    (
        "left_join",
        "SELECT t.id, t.n, u.id AS other, u.n AS m FROM t LEFT JOIN u ON t.k = u.k AND u.n > 3",
    ),
    (
        "right_join",
        "SELECT t.id, u.id AS other FROM t RIGHT JOIN u ON t.n = u.n WHERE u.id % 5 <> 0",
    ),
    (
        "full_join",
        "SELECT t.k, t.n, u.k AS k2, u.id AS other FROM t FULL JOIN u ON t.k = u.k AND t.n = u.n",
    ),
    (
        "no_equality",
        "SELECT t.id, u.id AS other FROM t LEFT JOIN u ON t.n < u.n AND t.id % 4 = u.id % 4",
    ),
    ("among", "SELECT id, k FROM t WHERE k IN (SELECT k FROM u WHERE n > 2)"),
    ("not_among", "SELECT id, k FROM t WHERE k NOT IN (SELECT k FROM u WHERE n > 6)"),
    ("exists", "SELECT id, n FROM t WHERE EXISTS (SELECT 1 FROM u WHERE u.k = t.k AND u.n = t.n)"),
    (
        "not_exists",
        "SELECT id, n FROM t WHERE NOT EXISTS (SELECT 1 FROM u WHERE u.k = t.k AND u.n >= t.n)",
    ),
    ("either", "SELECT id FROM t WHERE n > 6 OR k IN (SELECT k FROM u)"),
    ("most", "SELECT id, n FROM t WHERE n = (SELECT MAX(u.n) FROM u WHERE u.k = t.k)"),
    (
        "flat",
        "SELECT t.id, f.value::INT AS v FROM t, LATERAL FLATTEN(INPUT => ARRAY_CONSTRUCT(n, n + 1, id)) f WHERE f.index < n",
    ),
    (
        "flat_groups",
        "SELECT f.value::INT AS v, COUNT(*) AS c FROM t, LATERAL FLATTEN(INPUT => ARRAY_CONSTRUCT(n, n + 1)) f GROUP BY 1",
    ),
    (
        "common",
        "WITH a AS (SELECT k, SUM(n) AS s FROM t GROUP BY k), b AS (SELECT k, COUNT(*) AS c FROM u GROUP BY k) \
                SELECT a.k, a.s, b.c FROM a LEFT JOIN b ON a.k = b.k UNION ALL SELECT k, s, NULL FROM a WHERE s > 9",
    ),
    (
        "three",
        "SELECT t.k, w.name, COUNT(*) AS c, SUM(t.n * u.n) AS s FROM t JOIN u ON t.k = u.k JOIN w ON u.n = w.n \
               WHERE t.n < 8 GROUP BY t.k, w.name",
    ),
    (
        "nested",
        "SELECT c, COUNT(*) AS groups FROM (SELECT k, COUNT(*) AS c FROM t GROUP BY k) GROUP BY c",
    ),
    (
        "first_of_each",
        "SELECT k, COUNT(*) AS c, SUM(n) AS s FROM (SELECT id % 6 AS g, k, n FROM t \
                       QUALIFY ROW_NUMBER() OVER (PARTITION BY id % 6 ORDER BY n, k, id) = 1) GROUP BY k",
    ),
    ("set_operations", "SELECT k, n FROM t INTERSECT SELECT k, n FROM u"),
    ("except", "SELECT k, n FROM t EXCEPT SELECT k, n FROM u WHERE n > 2"),
    ("union", "SELECT k FROM t UNION SELECT k FROM u"),
    (
        "join_of_groups",
        "SELECT t.id, g.c FROM t JOIN (SELECT k, COUNT(*) AS c FROM u GROUP BY k) g ON t.k = g.k",
    ),
    (
        "join_of_union",
        "SELECT t.id, b.n FROM t JOIN (SELECT k, n FROM u UNION ALL SELECT name, n FROM w) b ON t.k = b.k",
    ),
    (
        "on_top",
        "SELECT c, COUNT(*) AS n FROM d_groups GROUP BY c UNION ALL SELECT n, id FROM d_latest",
    ),
];

/// Materialized views, whose queries read one table.
const VIEWS: &[&str] = &[
    "SELECT k, SUM(n) AS s, COUNT(*) AS c, MIN(n) AS lo FROM t GROUP BY k",
    "SELECT k, AVG(n) AS a, COUNT(DISTINCT n) AS u FROM t GROUP BY k",
    "SELECT COUNT(*) AS c, SUM(n) AS s FROM t",
    "SELECT k, n + 1 AS m FROM t WHERE n > 2",
];

/// A value of the tables' rows: NULL now and then.
fn small(numbers: &mut Numbers) -> String {
    let n = numbers.below(11);
    if n == 10 { "NULL".to_string() } else { n.to_string() }
}

fn key(numbers: &mut Numbers) -> &'static str {
    ["'a'", "'b'", "'c'", "'d'", "NULL"][numbers.below(5)]
}

/// A random change of one of the tables.
fn change(numbers: &mut Numbers, next_id: &mut usize) -> String {
    let table = ["t", "t", "u"][numbers.below(3)];
    let rows = 1 + numbers.below(6);
    let values: Vec<String> = (0..rows)
        .map(|_| {
            // Some rows are there twice.
            *next_id += numbers.below(4).min(1);
            format!("({next_id}, {}, {})", key(numbers), small(numbers))
        })
        .collect();
    let values = values.join(", ");
    let (n, k) = (numbers.below(10), key(numbers));
    match numbers.below(16) {
        0 => format!("DELETE FROM {table} WHERE n = {n}"),
        1 => format!("UPDATE {table} SET n = n + 1 WHERE k = {k}"),
        2 => format!("UPDATE {table} SET k = {k} WHERE n = {n}"),
        3 => {
            format!("DELETE FROM {table} WHERE id % 5 = {n} % 5 AND k IS NOT DISTINCT FROM {k}")
        }
        4 if n == 0 => format!("TRUNCATE TABLE {table}"),
        5 if n < 2 => format!("INSERT OVERWRITE INTO {table} VALUES {values}"),
        6 | 7 => format!(
            "MERGE INTO {table} USING (SELECT column1 AS id, column2 AS k, column3 AS n FROM VALUES {values} \
             QUALIFY ROW_NUMBER() OVER (PARTITION BY column1 ORDER BY column3) = 1) s \
             ON {table}.id = s.id - 4 WHEN MATCHED AND s.n = 3 THEN DELETE \
             WHEN MATCHED THEN UPDATE SET n = s.n, k = s.k WHEN NOT MATCHED THEN INSERT VALUES (s.id, s.k, s.n)"
        ),
        8 => format!("UPDATE {table} SET n = n, k = k WHERE n > {n}"),
        9 => format!("UPDATE w SET name = {k} WHERE n = {n}"),
        10 if n < 3 => format!("ALTER TABLE {table} CLUSTER BY (n)"),
        _ => format!("INSERT INTO {table} VALUES {values}"),
    }
}

/// What of a row is the same in whichever order rows come: one of the rows that are first of their partition may be
/// any of them.
fn compared(name: &str) -> &str {
    if name == "latest" { "k, n" } else { "*" }
}

fn random_changes(seed: u64, steps: u64) -> Outcome<()> {
    let options = EngineOptions { housekeeping: Housekeeping::Inline, ..EngineOptions::default() };
    let engine = Engine::open(":memory:", options)?;
    let mut session = session(&engine);
    let mut numbers = Numbers(seed);
    let mut next_id = 1;
    run(&mut session, "CREATE TABLE t (id INT, k VARCHAR, n INT)");
    run(&mut session, "CREATE TABLE u (id INT, k VARCHAR, n INT)");
    run(&mut session, "CREATE TABLE w (n INT, name VARCHAR)");
    run(
        &mut session,
        "INSERT INTO w VALUES (0, 'a'), (1, 'b'), (2, 'b'), (5, NULL), (7, 'c'), (7, 'd')",
    );
    for (name, query) in INCREMENTAL {
        let options = "TARGET_LAG = DOWNSTREAM WAREHOUSE = compute_wh REFRESH_MODE = INCREMENTAL";
        run(&mut session, &format!("CREATE DYNAMIC TABLE d_{name} {options} AS {query}"));
    }
    for (at, query) in VIEWS.iter().enumerate() {
        run(&mut session, &format!("CREATE MATERIALIZED VIEW v{at} AS {query}"));
    }
    for step in 0..steps {
        let in_transaction = numbers.below(8) == 0;
        let mut why = String::new();
        if in_transaction {
            run(&mut session, "BEGIN");
        }
        for _ in 0..=numbers.below(3) {
            let change = change(&mut numbers, &mut next_id);
            run(&mut session, &change);
            why.push_str(&change);
            why.push_str("; ");
        }
        if in_transaction {
            run(&mut session, if numbers.below(4) == 0 { "ROLLBACK" } else { "COMMIT" });
        }
        for (name, query) in INCREMENTAL {
            if numbers.below(4) != 0 {
                continue;
            }
            run(&mut session, &format!("ALTER DYNAMIC TABLE d_{name} REFRESH"));
            let columns = compared(name);
            let stored = sorted_rows(&mut session, &format!("SELECT {columns} FROM d_{name}"));
            let computed = sorted_rows(&mut session, &format!("SELECT {columns} FROM ({query})"));
            // What it reads has been refreshed with it.
            assert_eq!(stored, computed, "{name}, seed {seed}, step {step}, after {why}");
        }
        for (at, query) in VIEWS.iter().enumerate() {
            if numbers.below(4) == 0 {
                let stored = sorted_rows(&mut session, &format!("SELECT * FROM v{at}"));
                let computed = sorted_rows(&mut session, query);
                assert_eq!(stored, computed, "{query}, seed {seed}, step {step}, after {why}");
            }
        }
    }
    let actions = "SELECT DISTINCT name, refresh_action \
                   FROM TABLE(INFORMATION_SCHEMA.DYNAMIC_TABLE_REFRESH_HISTORY(RESULT_LIMIT => 10000)) \
                   WHERE refresh_trigger <> 'CREATION' AND refresh_action = 'FULL'";
    let full = sorted_rows(&mut session, actions);
    assert!(full.is_empty(), "refreshed in full: {full:?}");
    Ok(())
}

#[test]
fn stored_rows_equal_their_queries() -> Outcome<()> {
    let steps = std::env::var("FIRN_REFRESH_STEPS").ok().and_then(|steps| steps.parse().ok());
    (1..=2).try_for_each(|seed| random_changes(seed, steps.unwrap_or(20)))
}
