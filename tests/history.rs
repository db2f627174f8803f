//! The history outlives the process, for as long as Snowflake keeps it.

use std::fs;
use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;
use std::time::Duration;

use firn_engine::{ClientFacts, Credential, Engine, EngineOptions, SecretKeys};
use firn_tests::{session, written_row};
use firn_types::clock::Clock;
use tempfile::TempDir;

const DAY: i64 = 86_400_000_000_000;
/// 2026-11-30 00:00 UTC.
const NOW: i64 = 1_795_996_800_000_000_000;

fn engine(folder: &Path, clock: &Clock) -> Engine {
    let options = EngineOptions {
        threads: Some(1),
        clock: clock.clone(),
        keys: SecretKeys::Folder(folder.join("no keys")),
        ..EngineOptions::default()
    };
    Engine::open(&folder.to_string_lossy(), options).expect("the account opens")
}

/// Ends a process when it has written what it knows, which it would else be given a tenth of a second for.
fn end(engine: Engine) {
    assert!(engine.service().settle(Duration::from_secs(60)), "housekeeping comes to an end");
}

fn rows(engine: &Engine, sql: &str) -> Vec<String> {
    let result = session(engine).execute(sql).unwrap_or_else(|failure| panic!("{sql}: {failure}"));
    result.cells().expect("printable").iter().map(|row| written_row(row)).collect()
}

const STATEMENTS: &str = "SELECT query_text, execution_status, error_code, user_name, warehouse_name \
    FROM TABLE(INFORMATION_SCHEMA.QUERY_HISTORY()) WHERE query_text LIKE '%mark%' \
    AND query_text NOT LIKE '%HISTORY%' ORDER BY start_time, query_text";

#[test]
fn statements_and_logins_are_found_by_the_next_process() {
    let (folder, clock) = (TempDir::new().expect("a folder"), Clock::fixed(NOW));
    {
        let engine = engine(folder.path(), &clock);
        rows(&engine, "CREATE USER ann PASSWORD = 'Secret123' COMMENT = 'mark'");
        assert!(session(&engine).execute("SELECT nothing AS mark").is_err());
        let credential = Credential::Password { password: "Secret123".to_string(), new: None };
        let from = IpAddr::V4(Ipv4Addr::LOCALHOST);
        engine.authenticate("ann", &credential, from, &ClientFacts::default()).expect("a login");
        end(engine);
    }
    let engine = engine(folder.path(), &clock);
    let expected = [
        "CREATE USER ann PASSWORD = '☺☺☺☺☺' COMMENT = 'mark'|SUCCESS|NULL|FIRN|COMPUTE_WH",
        "SELECT nothing AS mark|FAILED_WITH_ERROR|904|FIRN|COMPUTE_WH",
    ];
    assert_eq!(rows(&engine, STATEMENTS), expected);
    let logins = "SELECT user_name, is_success FROM TABLE(INFORMATION_SCHEMA.LOGIN_HISTORY())";
    assert_eq!(rows(&engine, logins), ["ANN|YES"]);
    clock.advance(7 * DAY + 1);
    assert!(rows(&engine, STATEMENTS).is_empty(), "the functions look back for seven days");
    assert!(rows(&engine, logins).is_empty());
    let year = STATEMENTS.replace(
        "TABLE(INFORMATION_SCHEMA.QUERY_HISTORY())",
        "SNOWFLAKE.ACCOUNT_USAGE.QUERY_HISTORY",
    );
    assert_eq!(rows(&engine, &year).len(), 2, "the views for 365");
    assert_eq!(
        rows(&engine, "SELECT user_name FROM SNOWFLAKE.ACCOUNT_USAGE.LOGIN_HISTORY"),
        ["ANN"]
    );
    clock.advance(358 * DAY);
    assert!(rows(&engine, &year).is_empty());
}

#[test]
fn many_processes_leave_few_files() {
    let (folder, clock) = (TempDir::new().expect("a folder"), Clock::fixed(NOW));
    for n in 0..200 {
        clock.advance(1);
        let engine = engine(folder.path(), &clock);
        rows(&engine, &format!("SELECT {n} AS mark"));
        end(engine);
    }
    let files = fs::read_dir(folder.path().join("history")).expect("a folder").count();
    // One process of sixteen puts files together when there are 64.
    assert!(files < 180, "{files} files");
    let all = "SELECT COUNT(*), COUNT(DISTINCT query_id) FROM TABLE(INFORMATION_SCHEMA.QUERY_HISTORY(\
        RESULT_LIMIT => 10000)) WHERE query_text LIKE 'SELECT %mark'";
    assert_eq!(rows(&engine(folder.path(), &clock), all), ["200|200"]);
    // A year later they are gone.
    clock.advance(366 * DAY);
    (0..100).for_each(|_| drop(rows(&engine(folder.path(), &clock), "SELECT 1")));
    let old = format!("{:020}", NOW + 366 * DAY);
    let names = fs::read_dir(folder.path().join("history")).expect("a folder");
    let names = names.map(|entry| entry.expect("an entry").file_name());
    let left = names.filter(|name| *name.to_string_lossy() < *old).count();
    assert_eq!(left, 0, "files of the year before");
}

#[test]
fn an_account_in_memory_keeps_its_history_there() {
    let options = EngineOptions { threads: Some(1), ..EngineOptions::default() };
    let engine = Engine::open(":memory:", options).expect("an account");
    rows(&engine, "SELECT 1 AS mark");
    assert_eq!(rows(&engine, STATEMENTS), ["SELECT 1 AS mark|SUCCESS|NULL|FIRN|COMPUTE_WH"]);
}

/// What the newest statement whose text begins so has read and changed.
fn accessed(engine: &Engine, text: &str) -> Vec<String> {
    let objects = |column: &str| {
        format!(
            "ARRAY_TO_STRING(TRANSFORM({column}, o -> o:objectDomain || ' ' || o:objectName || '(' || \
             ARRAY_TO_STRING(TRANSFORM(IFNULL(o:columns, [])::ARRAY, c -> c:columnName::STRING), ',') || ')'), ' ')"
        )
    };
    let sql = format!(
        "SELECT {}, {}, {}, object_modified_by_ddl:operationType || ' ' || object_modified_by_ddl:objectName \
         FROM SNOWFLAKE.ACCOUNT_USAGE.ACCESS_HISTORY JOIN SNOWFLAKE.ACCOUNT_USAGE.QUERY_HISTORY USING (query_id) \
         WHERE query_text LIKE '{text}%' ORDER BY query_start_time DESC LIMIT 1",
        objects("direct_objects_accessed"),
        objects("base_objects_accessed"),
        objects("objects_modified")
    );
    rows(engine, &sql)
}

/// The columns that the newest statement whose text begins so has written, each with those from which its values come
/// directly and below views.
fn lineage(engine: &Engine, text: &str) -> Vec<String> {
    let sources = |name: &str| {
        format!(
            "ARRAY_TO_STRING(ARRAY_SORT(TRANSFORM(c.value:{name}::ARRAY, s -> s:objectDomain || ' ' || \
             SPLIT_PART(s:objectName, '.', 3) || '.' || s:columnName)), ' ')"
        )
    };
    let sql = format!(
        "SELECT c.value:columnName::STRING || ' <- ' || {} || ' <- ' || {} FROM (SELECT * FROM \
         SNOWFLAKE.ACCOUNT_USAGE.ACCESS_HISTORY JOIN SNOWFLAKE.ACCOUNT_USAGE.QUERY_HISTORY USING (query_id) WHERE \
         query_text LIKE '{text}%' ORDER BY query_start_time DESC LIMIT 1), LATERAL FLATTEN(objects_modified) AS o, \
         LATERAL FLATTEN(o.value:columns) AS c ORDER BY o.index, c.index",
        sources("directSources"),
        sources("baseSources")
    );
    rows(engine, &sql)
}

#[test]
fn the_columns_from_which_written_values_come_are_found_by_the_next_process() {
    let (folder, clock) = (TempDir::new().expect("a folder"), Clock::fixed(NOW));
    {
        let engine = engine(folder.path(), &clock);
        for sql in [
            "CREATE TABLE t (a INT, b STRING, c INT)",
            "CREATE VIEW v AS SELECT a, b, c + a AS d FROM t WHERE LENGTH(b) > 0",
            "CREATE TABLE u (x INT, y INT, z STRING)",
            "CREATE MASKING POLICY mask AS (val STRING) RETURNS STRING -> '***'",
            "ALTER TABLE t MODIFY COLUMN b SET MASKING POLICY mask",
            "CREATE TABLE made AS SELECT d, a AS e, 7 AS seven FROM v WHERE b = 'x'",
            "INSERT INTO u WITH q AS (SELECT a AS k, d FROM v) SELECT MAX(q.d), (SELECT MIN(c) FROM t), 'z' FROM q",
            "INSERT INTO u (y) SELECT c FROM t UNION ALL SELECT x FROM u",
            "INSERT INTO u (z) SELECT b FROM t ORDER BY a",
            "INSERT INTO u VALUES (1, 2, 'three')",
            "UPDATE u SET x = x + v.a FROM v WHERE u.y = v.d",
            "MERGE INTO u USING v ON u.x = v.a WHEN MATCHED THEN UPDATE SET y = v.d \
             WHEN NOT MATCHED THEN INSERT (y, z) VALUES (v.a, v.b)",
            "INSERT ALL INTO u (x) VALUES (a) INTO made (e) VALUES (d) SELECT a, d FROM v",
        ] {
            clock.advance(1);
            rows(&engine, sql);
        }
        end(engine);
    }
    let engine = engine(folder.path(), &clock);
    for (text, expected) in [
        (
            "CREATE TABLE made",
            &[
                "D <- View V.D <- Table T.A Table T.C",
                "E <- View V.A <- Table T.A",
                "SEVEN <-  <- ",
            ][..],
        ),
        (
            "INSERT INTO u WITH",
            &["X <- View V.D <- Table T.A Table T.C", "Y <- Table T.C <- Table T.C", "Z <-  <- "],
        ),
        (
            "INSERT INTO u (y)",
            &["X <-  <- ", "Y <- Table T.C Table U.X <- Table T.C Table U.X", "Z <-  <- "],
        ),
        ("INSERT INTO u (z)", &["X <-  <- ", "Y <-  <- ", "Z <- Table T.B <- Table T.B"]),
        ("INSERT INTO u VALUES", &["X <-  <- ", "Y <-  <- ", "Z <-  <- "]),
        ("UPDATE u", &["X <- Table U.X View V.A <- Table T.A Table U.X"]),
        (
            "MERGE INTO u",
            &[
                "X <-  <- ",
                "Y <- View V.A View V.D <- Table T.A Table T.C",
                "Z <- View V.B <- Table T.B",
            ],
        ),
        (
            "INSERT ALL",
            &[
                "X <- View V.A <- Table T.A",
                "Y <-  <- ",
                "Z <-  <- ",
                "D <-  <- ",
                "E <- View V.D <- Table T.A Table T.C",
                "SEVEN <-  <- ",
            ],
        ),
    ] {
        assert_eq!(lineage(&engine, text), expected, "{text}");
    }
}

#[test]
fn what_was_read_and_changed_is_found_by_the_next_process() {
    let (folder, clock) = (TempDir::new().expect("a folder"), Clock::fixed(NOW));
    {
        let engine = engine(folder.path(), &clock);
        for sql in [
            "CREATE TABLE t (a INT, b STRING, c INT)",
            "CREATE MASKING POLICY mask AS (val STRING) RETURNS STRING -> '***'",
            "CREATE ROW ACCESS POLICY positive AS (val INT) RETURNS BOOLEAN -> val > 0",
            "INSERT INTO t VALUES (1, 'x', 2)",
            "CREATE VIEW v AS SELECT a, b, c + 1 AS d FROM t",
            "ALTER TABLE t MODIFY COLUMN b SET MASKING POLICY mask",
            "ALTER TABLE t ADD ROW ACCESS POLICY positive ON (a)",
            "SELECT d FROM v WHERE a = 1",
            "SELECT t.b, x.d FROM t JOIN v AS x ON x.a = t.a",
            "CREATE TABLE copied AS SELECT a, d FROM v",
            "UPDATE t SET c = a + 1",
            "DELETE FROM copied WHERE a = 7",
            "DROP TABLE copied",
            "EXPLAIN SELECT a FROM v",
        ] {
            clock.advance(1);
            rows(&engine, sql);
        }
        clock.advance(1);
        assert!(session(&engine).execute("SELECT 1 / 0 FROM t").is_err());
        end(engine);
    }
    let engine = engine(folder.path(), &clock);
    let table = "Table FIRN.PUBLIC.T";
    for (text, expected) in [
        ("CREATE TABLE t", "|||CREATE FIRN.PUBLIC.T".to_string()),
        ("INSERT", format!("||{table}(A,B,C)|NULL")),
        ("SELECT d", format!("View FIRN.PUBLIC.V(A,D)|{table}(A,C)||NULL")),
        ("SELECT t.b", format!("{table}(A,B) View FIRN.PUBLIC.V(A,D)|{table}(A,B,C)||NULL")),
        (
            "CREATE TABLE copied",
            format!(
                "View FIRN.PUBLIC.V(A,D)|{table}(A,C)|Table FIRN.PUBLIC.COPIED(A,D)|CREATE \
                 FIRN.PUBLIC.COPIED"
            ),
        ),
        ("UPDATE", format!("{table}(A)|{table}(A)|{table}(C)|NULL")),
        (
            "DELETE",
            "Table FIRN.PUBLIC.COPIED(A)|Table FIRN.PUBLIC.COPIED(A)|Table FIRN.PUBLIC.COPIED()|NULL"
                .to_string(),
        ),
        ("DROP TABLE", "|||DROP FIRN.PUBLIC.COPIED".to_string()),
    ] {
        let expected = expected.replace("||", "|(empty)|").replace("||", "|(empty)|");
        let expected = match expected.strip_prefix('|') {
            Some(rest) => format!("(empty)|{rest}"),
            None => expected,
        };
        assert_eq!(accessed(&engine, text), [expected], "{text}");
    }
    // What failed or was only explained has read nothing.
    for text in ["EXPLAIN", "SELECT 1 / 0"] {
        assert!(accessed(&engine, text).is_empty(), "{text}");
    }
    let policies = "SELECT policies_referenced FROM SNOWFLAKE.ACCOUNT_USAGE.ACCESS_HISTORY \
        JOIN SNOWFLAKE.ACCOUNT_USAGE.QUERY_HISTORY USING (query_id) WHERE query_text LIKE 'SELECT t.b%'";
    let found = rows(&engine, policies).concat();
    for part in [
        r#""policyName":"FIRN.PUBLIC.POSITIVE""#,
        r#""policyKind":"ROW_ACCESS_POLICY""#,
        r#""columnName":"B","policies":[{"#,
        r#""policyKind":"MASKING_POLICY","policyName":"FIRN.PUBLIC.MASK""#,
    ] {
        let packed: String = found.chars().filter(|c| !c.is_whitespace()).collect();
        assert!(packed.contains(part), "{part} is not in {packed}");
    }
}

#[test]
fn what_statements_have_read_counts_among_what_is_kept_of_them() {
    let engine = Engine::open(":memory:", EngineOptions::default()).expect("an account");
    let mut session = session(&engine);
    // Some 570 KB for each SELECT: 1,000 columns, read directly and as what holds the rows.
    let name = "c".repeat(250);
    let columns: Vec<String> = (0..1_000).map(|at| format!("{name}{at} INT")).collect();
    let mut run = |sql: &str| session.execute(sql).unwrap_or_else(|failure| panic!("{failure}"));
    run(&format!("CREATE TABLE wide ({})", columns.join(", ")));
    for _ in 0..150 {
        run("SELECT * FROM wide LIMIT 0");
    }
    let kept =
        run("SELECT COUNT(*) FROM TABLE(INFORMATION_SCHEMA.QUERY_HISTORY(RESULT_LIMIT => 10000))");
    let kept = written_row(&kept.cells().expect("printable")[0]).parse::<usize>();
    let kept = kept.expect("a number");
    assert!((50..130).contains(&kept), "{kept} statements");
}
