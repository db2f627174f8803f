//! A store that loses, delays, doubles and refuses answers by chance: what was acknowledged is there once,
//! what was not is there at most once, and several tables change together or not at all.
//!
//! `FIRN_LOST_ANSWERS=200 cargo test -p firn-tests --test lost_answers` is the long run: so many rounds.

use std::collections::BTreeMap;
use std::sync::Arc;

use firn_engine::{Engine, EngineOptions, ObjectAccess, Session, SessionOptions};
use firn_tests::{FlakyStore, rows};
use object_store::ObjectStore;
use object_store::memory::InMemory;

/// Rounds, each with faults of its own, when none are asked for.
const ROUNDS: u64 = 8;
/// Statements and transactions of a round.
const STEPS: u64 = 120;
/// Writes of a thousand that fail.
const FAULTS: u64 = 250;

fn session(store: Arc<dyn ObjectStore>) -> Result<Session, String> {
    let options = EngineOptions { threads: Some(1), ..EngineOptions::default() };
    let engine = Engine::over(ObjectAccess::over(store, "lost"), options);
    let session = engine.and_then(|engine| engine.session(SessionOptions::default()));
    session.map_err(|error| error.to_string())
}

/// Runs statements as one; whether all were acknowledged.
fn run(session: &mut Session, statements: &[String]) -> bool {
    let failed = statements.iter().any(|sql| session.execute(sql).is_err());
    if failed && statements.len() > 1 {
        let _ = session.execute("ROLLBACK");
    }
    !failed
}

/// How often each number stands in a table.
fn counts(session: &mut Session, table: &str) -> BTreeMap<u64, u64> {
    let number = |text: &str| text.parse::<u64>().expect("a number");
    let rows = rows(session, &format!("SELECT n, COUNT(*) FROM {table} GROUP BY n"));
    let pair = |row: &String| row.split_once('|').map(|(n, count)| (number(n), number(count)));
    rows.iter().filter_map(pair).collect()
}

/// One round: what is wrong after it.
fn round(seed: u64) -> Vec<String> {
    let store: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
    let mut clean = session(Arc::clone(&store)).expect("a new account");
    for table in ["one", "a", "b"] {
        assert!(run(&mut clean, &[format!("CREATE TABLE {table} (n INT)")]));
    }
    assert!(run(&mut clean, &["CREATE TABLE counter AS SELECT 0 AS n".to_string()]));
    let flaky: Arc<dyn ObjectStore> =
        Arc::new(FlakyStore::by_chance(Arc::clone(&store), FAULTS, seed));
    let mut writer = session(flaky).expect("an account is opened without a write");
    let mut acknowledged = BTreeMap::new();
    for n in 0..STEPS {
        let step = match n % 4 {
            0 | 1 => vec![format!("INSERT INTO one VALUES ({n})")],
            2 => vec![format!("CREATE TABLE made_{n} AS SELECT {n} AS n")],
            _ => vec![
                "BEGIN".to_string(),
                format!("INSERT INTO a VALUES ({n})"),
                format!("INSERT INTO b VALUES ({n})"),
                "UPDATE counter SET n = n + 1".to_string(),
                "COMMIT".to_string(),
            ],
        };
        acknowledged.insert(n, run(&mut writer, &step));
    }
    verdict(&store, &acknowledged)
}

/// What is not as it was acknowledged.
fn verdict(store: &Arc<dyn ObjectStore>, acknowledged: &BTreeMap<u64, bool>) -> Vec<String> {
    let mut clean = session(Arc::clone(store)).expect("the account opens");
    let (one, a, b) = (counts(&mut clean, "one"), counts(&mut clean, "a"), counts(&mut clean, "b"));
    let mut wrong = Vec::new();
    for (n, acknowledged) in acknowledged {
        let times = match n % 4 {
            0 | 1 => one.get(n).copied().unwrap_or(0),
            2 => match clean.execute(&format!("SELECT n FROM made_{n}")) {
                Ok(result) => result.row_count,
                Err(_) => 0,
            },
            _ => a.get(n).copied().unwrap_or(0),
        };
        if times > 1 || (*acknowledged && times != 1) {
            wrong.push(format!("{n}, acknowledged: {acknowledged}, is there {times} times"));
        }
    }
    if a != b {
        wrong.push(format!("half a transaction: {a:?} and {b:?}"));
    }
    let counter = rows(&mut clean, "SELECT n FROM counter");
    if counter != [a.len().to_string()] {
        wrong.push(format!("the counter says {counter:?} after {} transactions", a.len()));
    }
    wrong
}

#[test]
fn what_is_acknowledged_is_done_once() {
    let rounds = std::env::var("FIRN_LOST_ANSWERS").ok();
    let rounds = rounds.and_then(|rounds| rounds.parse().ok()).unwrap_or(ROUNDS);
    for seed in 0..rounds {
        let wrong = round(seed);
        assert!(wrong.is_empty(), "seed {seed}:\n{}", wrong.join("\n"));
    }
}
