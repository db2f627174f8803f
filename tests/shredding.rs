//! Paths of semi-structured columns, read as columns and out of the whole values: the same rows, and the same errors,
//! over random changes of documents that drift.
//!
//! The long run: `FIRN_SHREDDING_STEPS=500 cargo test -p firn-tests --test shredding`.

use std::path::Path;

use firn_engine::{Engine, EngineOptions, Housekeeping, Session};
use firn_tests::{Numbers, rows, run, session, try_rows};
use tempfile::TempDir;

/// Rows of a change that is large enough for sub-columns.
const MANY: usize = 1_100;

/// What is asked: conversions that cannot fail, ones that fail for some values, and VARIANTs.
const QUESTIONS: &[&str] = &[
    "SELECT v:kind::STRING AS k, COUNT(*), SUM(v:n::INT), MIN(v:n::INT), MAX(v:price::NUMBER(20,3)) FROM t GROUP BY k ORDER BY k",
    "SELECT id FROM t WHERE v:kind = 'k1' AND v:n > 50 ORDER BY id",
    "SELECT id FROM t WHERE v:n::INT BETWEEN 20 AND 40 ORDER BY id",
    "SELECT id, v:price::FLOAT FROM t WHERE v:price::FLOAT > 3.5 ORDER BY id",
    "SELECT id, v:price::STRING, TYPEOF(v:price), v:price::NUMBER(4,1) FROM t ORDER BY id LIMIT 50",
    "SELECT id, v:n::STRING, v:n::BOOLEAN, TYPEOF(v:n) FROM t ORDER BY id LIMIT 50",
    "SELECT id, v:inner.flag::BOOLEAN, v:inner.flag::STRING, v:inner.text::STRING FROM t ORDER BY id LIMIT 50",
    "SELECT COUNT(v:inner.flag), COUNT_IF(v:inner.flag::BOOLEAN), COUNT_IF(IS_NULL_VALUE(v:inner.text)) FROM t",
    "SELECT v:inner.text, COUNT(*) FROM t GROUP BY 1 ORDER BY 1",
    "SELECT COUNT(*) FROM t WHERE v:inner.text IS NULL",
    "SELECT COUNT(*) FROM t WHERE v:inner.text::STRING IS NOT NULL",
    "SELECT MIN(v:day::DATE), MAX(v:day::DATE), COUNT(DISTINCT v:day::DATE) FROM t",
    "SELECT id FROM t WHERE v:day::DATE >= '2024-02-01' ORDER BY id",
    "SELECT id FROM t WHERE v:kind::STRING LIKE 'k2%' OR v:absent::INT = 1 ORDER BY id",
    "SELECT a.id, b.id FROM t a JOIN t b ON a.v:n::INT = b.v:n::INT + 1 AND a.v:kind = b.v:kind ORDER BY 1, 2 LIMIT 40",
    "SELECT id FROM t ORDER BY v:n::INT DESC NULLS LAST, id LIMIT 7",
    "SELECT v:n::INT AS n, v FROM t ORDER BY n DESC NULLS LAST, id LIMIT 3",
    "SELECT v:inner, v:list[0]::INT, v:list FROM t ORDER BY id LIMIT 20",
    "SELECT CASE WHEN TYPEOF(v:drift) = 'INTEGER' THEN v:drift::INT ELSE -1 END, COUNT(*) FROM t GROUP BY 1 ORDER BY 1",
    "SELECT SUM(v:drift::INT) FROM t",
    "SELECT COUNT(*), COUNT(v:drift), COUNT_IF(IS_NULL_VALUE(v:drift)), COUNT_IF(v:drift IS NULL) FROM t",
    "SELECT id, TYPEOF(v:inner), v:inner IS NULL, IS_NULL_VALUE(v:inner) FROM t ORDER BY id",
    "SELECT COUNT(*) FROM t WHERE v:inner IS NULL OR v:list IS NOT NULL",
    "SELECT id, f.index, f.value FROM t, LATERAL FLATTEN(input => v:list) f ORDER BY id, f.index LIMIT 60",
    "SELECT id, f.key, f.value FROM t, LATERAL FLATTEN(input => v:inner, OUTER => TRUE) f ORDER BY id, f.key LIMIT 60",
    "SELECT id, v:list[0]::INT + v:list[0]::INT, v:list[1]::STRING, v:list[7] FROM t WHERE v:list[0] > 2 ORDER BY id LIMIT 30",
    "SELECT v:drift, COUNT(*) FROM t GROUP BY 1 ORDER BY 1",
    "SELECT COUNT(TRY_CAST(v:drift::STRING AS INT)) FROM t",
    "SELECT v:n::NUMBER(2,0) FROM t ORDER BY id",
    "SELECT v:kind::INT FROM t ORDER BY id",
    "SELECT n, COUNT(*) FROM (SELECT v:n::INT AS n FROM t UNION ALL SELECT v:price::INT FROM t) GROUP BY n ORDER BY n LIMIT 30",
    "WITH c AS (SELECT id, v FROM t WHERE v:kind = 'k0') SELECT COUNT(*), SUM(x.v:n::INT) FROM c x JOIN c y ON x.id = y.id",
];

fn process(folder: &Path, rules_off: &[&str]) -> Engine {
    let options = EngineOptions {
        threads: Some(2),
        housekeeping: Housekeeping::Inline,
        partition_rows: Some(5_000),
        rules_off: rules_off.iter().map(|rule| (*rule).to_string()).collect(),
        ..EngineOptions::default()
    };
    Engine::open(&folder.to_string_lossy(), options).expect("the account opens")
}

/// A document, mostly like the others.
fn document(numbers: &mut Numbers, drifts: bool) -> String {
    let mut fields = Vec::new();
    if !numbers.once_in(12) {
        fields.push(format!(r#""kind": "k{}""#, numbers.below(4)));
    }
    if !numbers.once_in(10) {
        fields.push(format!(r#""n": {}"#, numbers.below(90)));
    }
    let digits = ["", ".5", ".25", ".125"][numbers.below(4)];
    fields.push(format!(r#""price": {}{digits}"#, numbers.below(9)));
    fields.push(format!(r#""day": "2024-0{}-1{}""#, 1 + numbers.below(4), numbers.below(9)));
    let flag = ["true", "false", "null"][numbers.below(3)];
    let text = ["\"x\"", "\"it's\"", "\"\"", "null"][numbers.below(4)];
    fields.push(match numbers.below(8) {
        0 => r#""inner": null"#.to_string(),
        1 => r#""inner": {}"#.to_string(),
        _ => format!(r#""inner": {{"flag": {flag}, "text": {text}}}"#),
    });
    if numbers.once_in(3) {
        fields.push(format!(r#""list": [{}, "a"]"#, numbers.below(5)));
    }
    let drift = ["7", "\"8\"", "\"text\"", "[1]", "1.5", "1e3", "null"];
    let drift = if drifts { drift[numbers.below(drift.len())] } else { "7" };
    fields.push(format!(r#""drift": {drift}"#));
    format!("{{{}}}", fields.join(", ")).replace('\'', "''")
}

fn insert(numbers: &mut Numbers, next_id: &mut usize, count: usize, drifts: bool) -> String {
    let mut values = Vec::with_capacity(count);
    for _ in 0..count {
        *next_id += 1;
        values.push(format!("({next_id}, '{}')", document(numbers, drifts)));
    }
    let values = values.join(", ");
    format!("INSERT INTO t SELECT column1, PARSE_JSON(column2) FROM VALUES {values}")
}

fn change(numbers: &mut Numbers, next_id: &mut usize) -> String {
    let n = numbers.below(90);
    match numbers.below(9) {
        0 => format!("DELETE FROM t WHERE v:n::INT = {n}"),
        1 => format!("UPDATE t SET v = OBJECT_INSERT(v, 'n', {n}, TRUE) WHERE v:kind = 'k2'"),
        2 => format!("UPDATE t SET id = id + 100000 WHERE v:n::INT < {}", n / 4),
        3 => format!(
            "MERGE INTO t USING (SELECT {n} AS n) s ON t.v:n::INT = s.n \
             WHEN MATCHED THEN UPDATE SET v = OBJECT_INSERT(v, 'kind', 'merged', TRUE)"
        ),
        4 => "ALTER TABLE t CLUSTER BY (id)".to_string(),
        5 => insert(numbers, next_id, MANY, false),
        6 => {
            let count = 1 + numbers.below(30);
            insert(numbers, next_id, count, true)
        }
        _ => {
            let count = 1 + numbers.below(5);
            insert(numbers, next_id, count, false)
        }
    }
}

fn compare(with: &mut Session, without: &mut Session, why: &str) {
    // Which of several values that do not convert is met first is left open.
    let ask = |session: &mut Session, question: &str| {
        try_rows(session, question).map_err(|(number, _)| number)
    };
    for question in QUESTIONS {
        assert_eq!(ask(with, question), ask(without, question), "{question}: {why}");
    }
}

#[test]
fn paths_and_whole_values_answer_alike() {
    let steps = std::env::var("FIRN_SHREDDING_STEPS").ok().and_then(|steps| steps.parse().ok());
    let folder = TempDir::new().expect("a folder");
    let mut with = session(&process(folder.path(), &[]));
    let mut without = session(&process(folder.path(), &["read_paths"]));
    let (mut numbers, mut next_id) = (Numbers(5), 0);
    run(&mut with, "CREATE TABLE t (id INT, v VARIANT)");
    compare(&mut with, &mut without, "no rows");
    let first = insert(&mut numbers, &mut next_id, 2 * MANY, false);
    run(&mut with, &first);
    compare(&mut with, &mut without, "many rows");
    let plan = rows(&mut with, "EXPLAIN SELECT v:kind::STRING FROM t WHERE v:n::INT > 80");
    assert!(plan.iter().any(|line| line.contains("V:n")), "{plan:?}");
    for step in 0..steps.unwrap_or(12) {
        let change = change(&mut numbers, &mut next_id);
        run(&mut with, &change);
        let shown = change.get(..200).unwrap_or(&change);
        compare(&mut with, &mut without, &format!("step {step}, after {shown}"));
    }
}

#[test]
fn what_a_transaction_has_not_committed_is_read_alike() {
    let folder = TempDir::new().expect("a folder");
    let mut session = session(&process(folder.path(), &[]));
    let (mut numbers, mut next_id) = (Numbers(11), 0);
    run(&mut session, "CREATE TEMPORARY TABLE t (id INT, v VARIANT)");
    run(&mut session, &insert(&mut numbers, &mut next_id, MANY, false));
    run(&mut session, "BEGIN");
    run(&mut session, "INSERT INTO t SELECT 0, PARSE_JSON('{\"n\": 1000, \"kind\": \"new\"}')");
    let found = rows(&mut session, "SELECT v:n::INT FROM t WHERE v:kind::STRING = 'new'");
    assert_eq!(found, ["1000"]);
    run(&mut session, "INSERT INTO t SELECT 0, PARSE_JSON('{\"n\": \"text\", \"kind\": 5}')");
    let found = rows(&mut session, "SELECT v:n::STRING FROM t WHERE v:kind::STRING = '5'");
    assert_eq!(found, ["text"]);
    run(&mut session, "ROLLBACK");
    let found = rows(&mut session, "SELECT COUNT(*) FROM t WHERE v:n::INT >= 90");
    assert_eq!(found, ["0"]);
}
