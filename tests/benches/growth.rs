//! What commits, opening and planning cost as an account grows: they should not cost more. Each figure stands
//! beside its goal.
//!
//! `cargo bench -p firn-tests --bench growth -- --tables 8000 --commits 200000`

use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Parser;
use firn_engine::{Engine, EngineOptions, Housekeeping, ObjectAccess, Session, SessionOptions};
use firn_tests::CountingStore;
use object_store::local::LocalFileSystem;
use tempfile::TempDir;

/// The options behind `--`.
#[derive(Debug, Parser)]
struct Args {
    /// Tables that are created.
    #[arg(long, default_value_t = 8_000)]
    tables: usize,
    /// Commits of one row each.
    #[arg(long, default_value_t = 200_000)]
    commits: usize,
    /// Tables in the account whose opening is measured.
    #[arg(long, default_value_t = 10_000)]
    opened_tables: usize,
    /// Commits in the account whose opening is measured.
    #[arg(long, default_value_t = 100_000)]
    opened_commits: usize,
    /// Micro-partitions of the table of which queries are planned.
    #[arg(long, default_value_t = 50_000)]
    partitions: usize,
    /// What `cargo bench` adds.
    #[arg(long, hide = true)]
    bench: bool,
}

/// Statements of which the median is taken, at most.
const SAMPLE: usize = 500;
/// Times that something is opened or planned.
const REPETITIONS: usize = 5;
/// Rows of a micro-partition of the table of which queries are planned.
const PARTITION_ROWS: usize = 8;

fn open(location: &str) -> Engine {
    Engine::open(location, EngineOptions::default()).expect("the account opens")
}

fn session(engine: &Engine) -> Session {
    let mut session = engine.session(SessionOptions::default()).expect("a session");
    timed(&mut session, "ALTER SESSION SET USE_CACHED_RESULT = FALSE");
    session
}

fn timed(session: &mut Session, sql: &str) -> Duration {
    let start = Instant::now();
    session.execute(sql).unwrap_or_else(|failure| panic!("{sql}: {failure}"));
    start.elapsed()
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

fn inserts(session: &mut Session, count: usize) -> Vec<Duration> {
    (0..count).map(|n| timed(session, &format!("INSERT INTO t VALUES ({n})"))).collect()
}

#[allow(clippy::print_stdout)]
fn tell(what: &str, figure: &str, goal: &str) {
    println!("{what:<66} {figure:>12}   {goal}");
}

fn tell_time(what: &str, time: Duration, goal: &str) {
    tell(what, &format!("{:.3} ms", time.as_secs_f64() * 1e3), goal);
}

/// How many times as long one time is as another.
fn tell_ratio(what: &str, time: Duration, base: Duration, goal: &str) {
    let ratio = time.as_secs_f64() / base.as_secs_f64().max(f64::MIN_POSITIVE);
    tell(what, &format!("{ratio:.2} times"), goal);
}

/// One-row inserts beside few and many tables, and the tables themselves.
fn tables(args: &Args) {
    let engine = open(":memory:");
    let mut session = session(&engine);
    timed(&mut session, "CREATE TABLE t (n INT)");
    inserts(&mut session, SAMPLE);
    let alone = median(inserts(&mut session, SAMPLE));
    tell_time("a one-row INSERT without other tables, median", alone, "");
    let created: Vec<Duration> = (0..args.tables)
        .map(|n| timed(&mut session, &format!("CREATE TABLE t{n} (n INT, s VARCHAR)")))
        .collect();
    tell_time(&format!("CREATE TABLE, median of {}", args.tables), median(created.clone()), "");
    let slowest = created.iter().max().copied().unwrap_or_default();
    tell_time("CREATE TABLE, the slowest", slowest, "goal: at most 20 ms");
    engine.service().settle(Duration::from_secs(60));
    let beside = median(inserts(&mut session, SAMPLE));
    tell_time(&format!("a one-row INSERT beside {} tables, median", args.tables), beside, "");
    tell_ratio("  of one without other tables", beside, alone, "goal: at most 1.3 times");
}

/// Many commits of one row each.
fn commits(args: &Args) {
    let engine = open(":memory:");
    let mut session = session(&engine);
    timed(&mut session, "CREATE TABLE t (n INT)");
    let part = (args.commits / 10).max(1);
    let mut medians = Vec::new();
    for tenth in 1..=10 {
        let times = inserts(&mut session, part);
        let slowest = times.iter().max().copied().unwrap_or_default();
        medians.push(median(times));
        let what = format!("a one-row INSERT up to the {}th, median", tenth * part);
        tell_time(&what, medians[tenth - 1], "");
        tell_time("  the slowest", slowest, "");
    }
    let what = "  the last tenth, of the first";
    tell_ratio(what, medians[9], medians[0], "goal: as cheap, about 1 times");
}

/// Opening an account with many tables and commits on a folder, and as a bucket would be asked for it.
fn opening(args: &Args) {
    let folder = TempDir::new().expect("a folder");
    let location = folder.path().to_string_lossy().to_string();
    {
        let engine = open(&location);
        let mut session = session(&engine);
        for n in 0..args.opened_tables {
            timed(&mut session, &format!("CREATE TABLE t{n} (n INT, s VARCHAR)"));
        }
        timed(&mut session, "CREATE TABLE t (n INT)");
        let rest = args.opened_commits.saturating_sub(args.opened_tables);
        tell_time("a one-row INSERT on a folder, median", median(inserts(&mut session, rest)), "");
    }
    let times = (0..REPETITIONS).map(|_| {
        let start = Instant::now();
        let engine = open(&location);
        let mut session = engine.session(SessionOptions::default()).expect("a session");
        timed(&mut session, "SELECT 1");
        start.elapsed()
    });
    let what =
        format!("opening {} tables, {} commits, SELECT 1", args.opened_tables, args.opened_commits);
    tell_time(&what, median(times.collect()), "goal: under 300 ms");
    let files = LocalFileSystem::new_with_prefix(folder.path()).expect("the folder");
    let store = CountingStore::new(Arc::new(files));
    let bucket = || {
        let access = ObjectAccess::over(Arc::new(store.clone()), "s3://bucket/account");
        // What housekeeping asks for by itself is not the statement's.
        let housekeeping = Housekeeping::Inline;
        let options = EngineOptions { housekeeping, ..EngineOptions::default() };
        Engine::over(access, options).expect("the account opens")
    };
    // Whoever commits to a bucket and ends leaves a checkpoint; on a folder the log is read as fast.
    bucket().service().run_now("checkpoint", &|| true).expect("a checkpoint");
    let before = store.reads();
    let mut session = bucket().session(SessionOptions::default()).expect("a session");
    timed(&mut session, "SELECT 1");
    let requests = store.reads() - before;
    tell("  requests of a bucket", &requests.to_string(), "goal: at most 5");
}

/// Planning queries of a table of many micro-partitions.
fn planning(args: &Args) {
    let options =
        EngineOptions { partition_rows: Some(PARTITION_ROWS), ..EngineOptions::default() };
    let engine = Engine::open(":memory:", options).expect("the account opens");
    let mut session = session(&engine);
    let rows = args.partitions * PARTITION_ROWS;
    timed(
        &mut session,
        &format!(
            "CREATE TABLE p AS SELECT SEQ8() AS n, SEQ8() % 7 AS m FROM TABLE(GENERATOR(ROWCOUNT => {rows}))"
        ),
    );
    let query = format!("SELECT SUM(m) FROM p WHERE n = {}", rows / 2);
    let mut warm = |sql: &str| {
        timed(&mut session, sql);
        median((0..REPETITIONS).map(|_| timed(&mut session, sql)).collect())
    };
    let what = format!("planning over {} micro-partitions, warm", args.partitions);
    tell_time(&what, warm(&format!("EXPLAIN {query}")), "goal: under 50 ms");
    tell_time("  and running it", warm(&query), "");
}

fn main() {
    let args = Args::parse();
    tables(&args);
    commits(&args);
    opening(&args);
    planning(&args);
}
