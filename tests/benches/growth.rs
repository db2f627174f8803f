//! What commits and opening cost as an account grows: they should not cost more.
//!
//! `cargo bench -p firn-tests --bench growth -- --tables 8000 --commits 200000`

use std::time::{Duration, Instant};

use clap::Parser;
use firn_engine::{Engine, EngineOptions, Session, SessionOptions};
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
    /// Commits in the account whose opening is measured.
    #[arg(long, default_value_t = 100_000)]
    opened_commits: usize,
    /// What `cargo bench` adds.
    #[arg(long, hide = true)]
    bench: bool,
}

/// Statements of which the median is taken.
const SAMPLE: usize = 500;

fn open(location: &str) -> Engine {
    Engine::open(location, EngineOptions::default()).expect("the account opens")
}

fn session(engine: &Engine) -> Session {
    engine.session(SessionOptions::default()).expect("a session")
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
fn tell(what: &str, time: Duration) {
    println!("{what:<60} {:>10.3} ms", time.as_secs_f64() * 1e3);
}

/// One-row inserts beside few and many tables, and the tables themselves.
fn tables(args: &Args) {
    let engine = open(":memory:");
    let mut session = session(&engine);
    timed(&mut session, "CREATE TABLE t (n INT)");
    inserts(&mut session, SAMPLE);
    tell("a one-row INSERT without other tables, median", median(inserts(&mut session, SAMPLE)));
    let created: Vec<Duration> = (0..args.tables)
        .map(|n| timed(&mut session, &format!("CREATE TABLE t{n} (n INT, s VARCHAR)")))
        .collect();
    tell(&format!("CREATE TABLE, median of {}", args.tables), median(created.clone()));
    tell("CREATE TABLE, the slowest", created.iter().max().copied().unwrap_or_default());
    engine.service().settle(Duration::from_secs(60));
    tell(
        &format!("a one-row INSERT beside {} tables, median", args.tables),
        median(inserts(&mut session, SAMPLE)),
    );
}

/// Many commits of one row each.
fn commits(args: &Args) {
    let engine = open(":memory:");
    let mut session = session(&engine);
    timed(&mut session, "CREATE TABLE t (n INT)");
    let part = (args.commits / 10).max(1);
    for tenth in 1..=10 {
        let times = inserts(&mut session, part);
        let slowest = times.iter().max().copied().unwrap_or_default();
        tell(&format!("a one-row INSERT up to the {}th, median", tenth * part), median(times));
        tell("  the slowest", slowest);
    }
}

/// Opening an account with many tables and commits on a folder.
fn opening(args: &Args) {
    let folder = TempDir::new().expect("a folder");
    let location = folder.path().to_string_lossy().to_string();
    {
        let engine = open(&location);
        let mut session = session(&engine);
        for n in 0..args.tables {
            timed(&mut session, &format!("CREATE TABLE t{n} (n INT, s VARCHAR)"));
        }
        timed(&mut session, "CREATE TABLE t (n INT)");
        let rest = args.opened_commits.saturating_sub(args.tables);
        let times = inserts(&mut session, rest);
        tell("a one-row INSERT on the folder, median", median(times));
    }
    for _ in 0..3 {
        let start = Instant::now();
        let mut session = session(&open(&location));
        timed(&mut session, "SELECT 1");
        tell(
            &format!("opening {} tables, {} commits, SELECT 1", args.tables, args.opened_commits),
            start.elapsed(),
        );
    }
}

fn main() {
    let args = Args::parse();
    tables(&args);
    commits(&args);
    opening(&args);
}
