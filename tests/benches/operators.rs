//! Whole operators, through SQL over a million rows in memory: `cargo bench -p firn-tests --bench operators`,
//! and a part of a name behind `--` for some of them. To find out which part of an operator is slow, see
//! the benchmark `kernels`.

use std::fmt;
use std::sync::{LazyLock, Mutex};

use divan::Bencher;
use firn_engine::{Engine, EngineOptions, Session, SessionOptions};

/// The table that all statements read, and the dimension that they join.
const SETUP: [&str; 6] = [
    "ALTER SESSION SET USE_CACHED_RESULT = FALSE",
    "CREATE TABLE r AS SELECT seq AS id, seq * 7919 % 100 AS small, seq * 7919 % 1048583 AS large, \
     'the name of ' || (seq * 7919 % 50000) AS name, (seq * 31 % 10007 / 100)::NUMBER(10, 2) AS price \
     FROM (SELECT SEQ4() AS seq FROM TABLE(GENERATOR(ROWCOUNT => 1048576)))",
    "CREATE TABLE d AS SELECT id * 16 AS id, small AS class FROM r WHERE id < 65536",
    "CREATE FUNCTION js_number(a FLOAT, b FLOAT) RETURNS FLOAT LANGUAGE JAVASCRIPT AS 'return A * B + 1;'",
    "CREATE FUNCTION js_text(s VARCHAR) RETURNS VARCHAR LANGUAGE JAVASCRIPT AS 'return S.substring(4);'",
    "SELECT SUM(id), SUM(small), SUM(large), MAX(name), SUM(price) FROM r",
];

/// What is measured.
struct Statement {
    name: &'static str,
    sql: &'static str,
}

impl fmt::Display for Statement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

const fn of(name: &'static str, sql: &'static str) -> Statement {
    Statement { name, sql }
}

const STATEMENTS: [Statement; 16] = [
    of("nothing", "SELECT 1"),
    of("point", "SELECT name, price FROM r WHERE id = 777777"),
    of("sum", "SELECT SUM(price * small) FROM r"),
    of("filter", "SELECT SUM(price) FROM r WHERE large < 100000 AND small <> 3"),
    of("like", "SELECT COUNT(*) FROM r WHERE name LIKE '%77%'"),
    of("group by a small integer", "SELECT small, SUM(price), COUNT(*) FROM r GROUP BY small"),
    of(
        "group by a large integer",
        "SELECT MAX(n) FROM (SELECT large, SUM(price) AS n FROM r GROUP BY large)",
    ),
    of(
        "group by two",
        "SELECT MAX(n) FROM (SELECT small, large, SUM(price) AS n FROM r GROUP BY small, large)",
    ),
    of("group by a text", "SELECT MAX(n) FROM (SELECT name, SUM(price) AS n FROM r GROUP BY name)"),
    of("count distinct", "SELECT COUNT(DISTINCT name), COUNT(DISTINCT large) FROM r"),
    of("join", "SELECT class, SUM(price) FROM r JOIN d ON r.large = d.id GROUP BY class"),
    of("top-k", "SELECT id, name FROM r ORDER BY large DESC LIMIT 10"),
    of("javascript of numbers", "SELECT SUM(js_number(large, small)) FROM r"),
    of("javascript of texts", "SELECT MAX(js_text(name)) FROM r"),
    of("sort", "SELECT MAX(n) FROM (SELECT ROW_NUMBER() OVER (ORDER BY name, large) AS n FROM r)"),
    of(
        "window",
        "SELECT MAX(n) FROM (SELECT SUM(price) OVER (PARTITION BY small ORDER BY id) AS n FROM r)",
    ),
];

/// Runs a statement over and over.
#[divan::bench(args = STATEMENTS, sample_count = 10)]
fn statement(bencher: Bencher<'_, '_>, statement: &Statement) {
    measure(bencher, statement.sql);
}

/// Finds the order in which 22 tables are joined.
#[divan::bench(sample_count = 10)]
fn plan_of_22_joins(bencher: Bencher<'_, '_>) {
    let joins = (1..22).map(|n| format!(" JOIN d AS d{n} ON d{n}.id = d{}.id", n - 1));
    measure(bencher, &format!("EXPLAIN SELECT COUNT(*) FROM d AS d0{}", joins.collect::<String>()));
}

/// All statements are run in one session, which the first of them starts.
fn measure(bencher: Bencher<'_, '_>, sql: &str) {
    static SESSION: LazyLock<Mutex<Session>> = LazyLock::new(|| Mutex::new(session()));
    let mut session = SESSION.lock().expect("no statement panics");
    // The first run reads the table.
    session.execute(sql).expect("the statement runs");
    bencher.bench_local(|| session.execute(sql).expect("the statement runs"));
}

fn session() -> Session {
    let engine = Engine::open(":memory:", EngineOptions::default()).expect("memory opens");
    let mut session = engine.session(SessionOptions::default()).expect("a session starts");
    for sql in SETUP {
        session.execute(sql).expect("the statement runs");
    }
    session
}

fn main() {
    // As the binary does.
    firn_allocator::keep_freed_memory(None);
    divan::main();
}
