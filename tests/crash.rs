//! What a crash leaves behind: a script is run over a store that fails at its N-th operation, for every N.
//! The account, opened again, holds exactly what was committed: a statement that succeeded is there, the
//! one that failed is there wholly or not at all.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use firn_engine::{Engine, EngineOptions, Housekeeping, ObjectAccess, Session, SessionOptions};
use firn_tests::{Fault, FlakyStore, Outcome, written_row};
use object_store::ObjectStore;
use object_store::memory::InMemory;

/// Each is one step: statements that take effect together. The first are what a warehouse does on its
/// first day; all ways of writing rows occur.
const SCRIPT: &[&[&str]] = &[
    &["CREATE TABLE t (id INT, name VARCHAR DEFAULT 'none')"],
    &["INSERT INTO t VALUES (1, 'one'), (2, 'two'), (3, 'three')"],
    &["INSERT INTO t (id) SELECT SEQ4() + 100 FROM TABLE(GENERATOR(ROWCOUNT => 3000))"],
    &["CREATE STAGE files"],
    &["PUT file://files/city.csv @files AUTO_COMPRESS = FALSE"],
    &["CREATE TABLE city (a VARCHAR, b VARCHAR, c VARCHAR)"],
    &["COPY INTO city FROM @files/city.csv \
       FILE_FORMAT = (TYPE = CSV SKIP_HEADER = 1 ERROR_ON_COLUMN_COUNT_MISMATCH = FALSE)"],
    &["UPDATE t SET name = 'deux' WHERE id = 2"],
    &["UPDATE t SET name = 'many' WHERE id > 1000"],
    &["DELETE FROM t WHERE id BETWEEN 200 AND 300"],
    &["MERGE INTO t USING (SELECT 1 AS id UNION ALL SELECT 5) AS s ON t.id = s.id \
       WHEN MATCHED THEN UPDATE SET name = 'merged' \
       WHEN NOT MATCHED THEN INSERT (id, name) VALUES (s.id, 'new')"],
    &["CREATE TABLE copy_of_t CLONE t"],
    &["CREATE MATERIALIZED VIEW counts AS SELECT name, COUNT(*) AS n FROM t GROUP BY name"],
    &[
        "BEGIN",
        "INSERT INTO t VALUES (7, 'in a transaction')",
        "DELETE FROM copy_of_t WHERE id < 3",
        "UPDATE city SET a = 'changed'",
        "COMMIT",
    ],
    &["ALTER TABLE t ADD COLUMN extra INT"],
    &["CREATE OR REPLACE TABLE copy_of_t AS SELECT id FROM t WHERE id < 10"],
    &["DROP TABLE city"],
    &["UNDROP TABLE city"],
    &["INSERT OVERWRITE INTO copy_of_t SELECT id FROM t WHERE id < 5"],
    &["TRUNCATE TABLE copy_of_t"],
];

/// What is compared.
const STATE: &[&str] = &[
    "SELECT COUNT(*), SUM(id), COUNT(DISTINCT name), SUM(HASH(name)) FROM t",
    "SELECT * FROM t WHERE id < 10 ORDER BY id",
    "SELECT COUNT(*), COUNT(DISTINCT a), SUM(HASH(a, b, c)) FROM city",
    "SELECT COUNT(*), SUM(id) FROM copy_of_t",
    "SELECT SUM(n), COUNT(*) FROM counts",
    // Tells whether the stage is there, and whether the file.
    "SELECT COUNT(*) FROM @files",
];

/// Everything works: what each step leaves, and how many operations all take.
struct Reference {
    /// The state before the first step, and after each.
    states: Vec<String>,
    operations: i64,
}

fn engine(store: Arc<dyn ObjectStore>) -> Result<Engine, String> {
    let options = EngineOptions {
        threads: Some(1),
        housekeeping: Housekeeping::Inline,
        ..EngineOptions::default()
    };
    Engine::over(ObjectAccess::over(store, "crash"), options).map_err(|error| error.to_string())
}

fn session(store: Arc<dyn ObjectStore>) -> Result<Session, String> {
    engine(store)?.session(SessionOptions::default()).map_err(|error| error.to_string())
}

/// The answers to [`STATE`]; errors, which stand for tables that are not there, by their number.
fn state(session: &mut Session) -> String {
    let mut text = String::new();
    for sql in STATE {
        match session.execute(sql) {
            Ok(result) => {
                let rows = result.cells().expect("every value can be printed");
                rows.iter().for_each(|row| text.push_str(&format!("{}\n", written_row(row))));
            }
            Err(failure) => text.push_str(&format!("{:?}\n", failure.code)),
        }
    }
    text
}

fn run_step(session: &mut Session, step: &[&str]) -> Result<(), String> {
    for sql in step {
        if let Err(failure) = session.execute(sql) {
            if step.len() > 1 {
                // What the client of a failed transaction does.
                let _ = session.execute("ROLLBACK");
            }
            return Err(format!("{sql}: {failure}"));
        }
    }
    Ok(())
}

fn reference() -> Reference {
    const PLENTY: i64 = 1 << 40;
    let store: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
    let fault = Fault { outcome: Outcome::NotDone, for_good: false };
    let counted = FlakyStore::new(Arc::clone(&store), PLENTY, fault);
    let mut writer = session(Arc::new(counted.clone())).expect("a new account");
    let mut states = vec![state(&mut session(Arc::clone(&store)).expect("it opens"))];
    for step in SCRIPT {
        run_step(&mut writer, step).expect("nothing fails");
        states.push(state(&mut session(Arc::clone(&store)).expect("it opens")));
    }
    Reference { states, operations: PLENTY - counted.left() }
}

/// Runs the script over a store that fails after `operations`, and looks at what is left.
fn crash(reference: &Reference, operations: i64, fault: Fault) -> Result<(), String> {
    let store: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
    let flaky = FlakyStore::new(Arc::clone(&store), operations, fault);
    let mut next = 0;
    let Ok(mut writer) = session(Arc::new(flaky.clone())) else {
        return finish(reference, &mut session(Arc::clone(&store))?, next, store);
    };
    while let Some(step) = SCRIPT.get(next) {
        let outcome = run_step(&mut writer, step);
        if outcome.is_ok() && !flaky.has_failed() {
            next += 1;
            continue;
        }
        let found = state(&mut session(Arc::clone(&store))?);
        let after = usize::from(outcome.is_ok() || found == reference.states[next + 1]);
        if found != reference.states[next + after] {
            let outcome = outcome.err().unwrap_or("it succeeded".to_string());
            return Err(format!("step {next}, {outcome}: the account holds\n{found}"));
        }
        if !fault.for_good && state(&mut writer) != found {
            return Err(format!(
                "step {next}: the session that saw the failure sees another state"
            ));
        }
        next += after;
        break;
    }
    match fault.for_good {
        true => finish(reference, &mut session(Arc::clone(&store))?, next, store),
        false => finish(reference, &mut writer, next, store),
    }
}

/// Runs what is left of the script, and looks at all from outside.
fn finish(
    reference: &Reference,
    writer: &mut Session,
    next: usize,
    store: Arc<dyn ObjectStore>,
) -> Result<(), String> {
    for step in &SCRIPT[next..] {
        run_step(writer, step).map_err(|error| format!("afterwards, {error}"))?;
    }
    let found = state(&mut session(store)?);
    match found == reference.states[SCRIPT.len()] {
        true => Ok(()),
        false => Err(format!("at the end the account holds\n{found}")),
    }
}

/// Tries every operation, on two threads.
fn check(fault: Fault) {
    std::env::set_current_dir(Path::new(env!("CARGO_MANIFEST_DIR"))).expect("the folder exists");
    let reference = reference();
    let next = AtomicI64::new(0);
    let worker = || {
        let mut wrong = Vec::new();
        loop {
            let operations = next.fetch_add(1, Ordering::Relaxed);
            if operations > reference.operations {
                return wrong;
            }
            if let Err(error) = crash(&reference, operations, fault) {
                wrong.push(format!("after {operations} operations: {error}"));
            }
        }
    };
    let wrong: Vec<String> = std::thread::scope(|scope| {
        let workers = [scope.spawn(worker), scope.spawn(worker)];
        workers.into_iter().flat_map(|worker| worker.join().expect("no panic")).collect()
    });
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), reference.operations, wrong.join("\n"));
}

#[test]
fn a_process_that_stops_before_an_operation() {
    check(Fault { outcome: Outcome::NotDone, for_good: true });
}

#[test]
fn a_process_that_stops_after_an_operation() {
    check(Fault { outcome: Outcome::Lost, for_good: true });
}

#[test]
fn an_operation_that_fails_once() {
    check(Fault { outcome: Outcome::NotDone, for_good: false });
}

#[test]
fn an_answer_that_is_lost_once() {
    check(Fault { outcome: Outcome::Lost, for_good: false });
}

#[test]
fn an_object_that_is_said_to_have_existed() {
    check(Fault { outcome: Outcome::WrittenAsExisting, for_good: false });
}
