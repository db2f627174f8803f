//! Look-ups by key beside full scans in the same warehouse: `cargo bench -p firn-tests --bench mixed`.
//!
//! Eight sessions look orders up by their key in TPC-H's lineitem, first alone, then beside one that scans all of
//! it in a loop. What matters is how much longer the slower look-ups take then: the 95th percentile.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use clap::Parser;
use firn_engine::{Engine, EngineOptions, Failure, Session, SessionOptions};
use firn_tests::tpch::{self, FILE_FORMAT};

/// The options behind `--`.
#[derive(Debug, Parser)]
struct Args {
    /// Scale factor of TPC-H.
    #[arg(long, default_value_t = 1.0)]
    scale: f64,
    /// Sessions that look rows up.
    #[arg(long, default_value_t = 8)]
    sessions: u64,
    /// Seconds that each round takes.
    #[arg(long, default_value_t = 5.0)]
    seconds: f64,
    /// What `cargo bench` adds.
    #[arg(long, hide = true)]
    bench: bool,
}

/// How many times as long the slower look-ups may take beside scans.
const GOAL: f64 = 3.0;

/// What is measured.
struct Bench {
    engine: Engine,
    /// Orders that there are.
    orders: u64,
    /// How long each round takes.
    round: Duration,
}

/// The times of the look-ups of a round, sorted.
struct Times(Vec<Duration>);

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

fn main() -> Outcome<()> {
    let args = Args::parse();
    let engine = Engine::open(":memory:", EngineOptions::default())?;
    load(&mut session(&engine)?, args.scale)?;
    let orders = ((1_500_000.0 * args.scale) as u64).max(1);
    let bench = Bench { engine, orders, round: Duration::from_secs_f64(args.seconds) };
    let mut scanning = session(&bench.engine)?;
    scan(&mut scanning)?;
    let (mut scans, start) = (0, Instant::now());
    while start.elapsed() < bench.round {
        scan(&mut scanning)?;
        scans += 1;
    }
    report("scans alone", scans, &Times(Vec::new()));
    for sessions in [1, args.sessions] {
        let alone = bench.look_up(sessions, &AtomicBool::new(false))?;
        report(&format!("{sessions} look up, alone"), 0, &alone);
        let (scans, beside) = bench.beside_scans(sessions, &mut scanning)?;
        report(&format!("{sessions} look up, beside scans"), scans, &beside);
        ratio(sessions, &alone, &beside);
    }
    Ok(())
}

fn session(engine: &Engine) -> Result<Session, Failure> {
    let mut session = engine.session(SessionOptions::default()).expect("a session");
    session.execute("ALTER SESSION SET USE_CACHED_RESULT = FALSE")?;
    Ok(session)
}

/// Makes lineitem and loads it.
fn load(session: &mut Session, scale: f64) -> Outcome<()> {
    for sql in tpch::schema()?.iter().filter(|sql| sql.to_lowercase().contains("lineitem")) {
        session.execute(sql)?;
    }
    let text = tempfile::tempdir_in(Path::new(env!("CARGO_TARGET_TMPDIR")))?;
    tpch::write_table(text.path(), "lineitem", scale, 4)?;
    let from = fs::canonicalize(text.path())?;
    let from = from.display();
    session.execute(&format!(
        "COPY INTO lineitem FROM 'file://{from}/' FILE_FORMAT = {FILE_FORMAT}"
    ))?;
    Ok(())
}

/// The pricing summary of all of lineitem.
fn scan(session: &mut Session) -> Result<(), Failure> {
    let sql = "SELECT l_returnflag, l_linestatus, SUM(l_quantity), SUM(l_extendedprice * (1 - l_discount)), \
               COUNT(DISTINCT l_suppkey), MAX(l_comment) FROM lineitem GROUP BY ALL";
    session.execute(sql).map(|_| ())
}

impl Bench {
    /// A round of look-ups of so many sessions beside scans, which are counted.
    fn beside_scans(&self, sessions: u64, scanning: &mut Session) -> Result<(u64, Times), Failure> {
        let (scans, end) = (AtomicU64::new(0), AtomicBool::new(false));
        let times = thread::scope(|scope| {
            scope.spawn(|| {
                while !end.load(Ordering::Relaxed) && scan(scanning).is_ok() {
                    scans.fetch_add(1, Ordering::Relaxed);
                }
            });
            let times = self.look_up(sessions, &end);
            end.store(true, Ordering::Relaxed);
            times
        })?;
        Ok((scans.into_inner(), times))
    }

    /// The times of all look-ups of so many sessions in a round.
    fn look_up(&self, sessions: u64, end: &AtomicBool) -> Result<Times, Failure> {
        let one = |number: u64| {
            let mut session = session(&self.engine)?;
            let (mut times, start) = (Vec::new(), Instant::now());
            while start.elapsed() < self.round && !end.load(Ordering::Relaxed) {
                let order = (times.len() as u64 * 7_919_973 + number * 750_011) % self.orders;
                // TPC-H uses the first eight of every 32 keys.
                let key = order / 8 * 32 + order % 8 + 1;
                let begin = Instant::now();
                session.execute(&format!(
                    "SELECT l_linenumber, l_extendedprice FROM lineitem WHERE l_orderkey = {key}"
                ))?;
                times.push(begin.elapsed());
            }
            Ok(times)
        };
        let all = thread::scope(|scope| {
            let threads: Vec<_> =
                (0..sessions).map(|number| scope.spawn(move || one(number))).collect();
            let joined = threads.into_iter().map(|thread| thread.join().expect("a thread"));
            joined.collect::<Result<Vec<_>, Failure>>()
        })?;
        let mut times: Vec<Duration> = all.into_iter().flatten().collect();
        times.sort_unstable();
        Ok(Times(times))
    }
}

impl Times {
    /// The time that this part of them does not exceed, in milliseconds.
    fn at(&self, part: f64) -> f64 {
        let index = (self.0.len() as f64 * part) as usize;
        self.0.get(index).map_or(0.0, |time| time.as_secs_f64() * 1e3)
    }
}

#[allow(clippy::print_stdout)]
fn report(what: &str, scans: u64, times: &Times) {
    println!(
        "{what:<28} {:>6} look-ups, median {:>7.3} ms, 95 % {:>7.3} ms, 99 % {:>7.3} ms; {scans} scans",
        times.0.len(),
        times.at(0.5),
        times.at(0.95),
        times.at(0.99),
    );
}

#[allow(clippy::print_stdout)]
fn ratio(sessions: u64, alone: &Times, beside: &Times) {
    let ratio = beside.at(0.95) / alone.at(0.95).max(f64::MIN_POSITIVE);
    println!(
        "{sessions} look up: 95th percentile beside scans {ratio:.2} times of alone   goal: at most {GOAL} times with 8"
    );
}
