//! Look-ups by key beside full scans in the same process: `cargo bench -p firn-tests --bench mixed`.
//!
//! Eight sessions look rows up by their key, first alone, then beside one that scans the whole table in a
//! loop. What matters is how much longer the slower look-ups take then: the 95th percentile.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use firn_engine::{Engine, EngineOptions, Failure, Session, SessionOptions};

/// Rows of the table.
const ROWS: u64 = 6_000_000;
/// Sessions that look rows up.
const SESSIONS: u64 = 8;
/// How long each round takes.
const ROUND: Duration = Duration::from_secs(5);

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let engine = Engine::open(":memory:", EngineOptions::default())?;
    let mut session = engine.session(SessionOptions::default())?;
    session.execute(&format!(
        "CREATE TABLE r AS SELECT seq AS id, seq * 7919 % 100 AS small, seq * 7919 % 1048583 AS large, \
         'the name of ' || (seq * 7919 % 50000) AS name, (seq * 31 % 10007 / 100)::NUMBER(10, 2) AS price \
         FROM (SELECT SEQ4() AS seq FROM TABLE(GENERATOR(ROWCOUNT => {ROWS})))"
    ))?;
    scan(&mut session)?;
    let scans = AtomicU64::new(0);
    let start = Instant::now();
    while start.elapsed() < ROUND {
        scan(&mut session)?;
        scans.fetch_add(1, Ordering::Relaxed);
    }
    report("scans alone", scans.swap(0, Ordering::Relaxed), &mut Vec::new());
    for sessions in [1, SESSIONS] {
        let mut alone = look_up(&engine, sessions, &AtomicBool::new(false))?;
        report(&format!("{sessions} look up, alone"), 0, &mut alone);
        let end = AtomicBool::new(false);
        let mut beside = thread::scope(|scope| {
            scope.spawn(|| {
                while !end.load(Ordering::Relaxed) && scan(&mut session).is_ok() {
                    scans.fetch_add(1, Ordering::Relaxed);
                }
            });
            let times = look_up(&engine, sessions, &end);
            end.store(true, Ordering::Relaxed);
            times
        })?;
        let scanned = scans.swap(0, Ordering::Relaxed);
        report(&format!("{sessions} look up, beside scans"), scanned, &mut beside);
    }
    Ok(())
}

fn scan(session: &mut Session) -> Result<(), Failure> {
    let sql =
        "SELECT small, SUM(price * large), COUNT(DISTINCT name), MAX(id) FROM r GROUP BY small";
    session.execute(sql).map(|_| ())
}

/// The times of all look-ups of so many sessions in a round.
fn look_up(engine: &Engine, sessions: u64, end: &AtomicBool) -> Result<Vec<Duration>, Failure> {
    let one = |number: u64| {
        let mut session = engine.session(SessionOptions::default()).expect("a session");
        let (mut times, start) = (Vec::new(), Instant::now());
        while start.elapsed() < ROUND && !end.load(Ordering::Relaxed) {
            let key = (times.len() as u64 * 7_919_973 + number * 750_011) % ROWS;
            let begin = Instant::now();
            session.execute(&format!("SELECT name, price FROM r WHERE id = {key}"))?;
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
    Ok(all.into_iter().flatten().collect())
}

#[allow(clippy::print_stdout)]
fn report(what: &str, scans: u64, times: &mut [Duration]) {
    times.sort_unstable();
    let at = |part: f64| {
        let index = (times.len() as f64 * part) as usize;
        times.get(index).map_or(0.0, |time| time.as_secs_f64() * 1e3)
    };
    println!(
        "{what:<28} {:>6} look-ups, median {:>7.3} ms, 95 % {:>7.3} ms, 99 % {:>7.3} ms; {scans} scans",
        times.len(),
        at(0.5),
        at(0.95),
        at(0.99),
    );
}
