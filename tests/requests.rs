//! How many requests a bucket gets.

use std::sync::Arc;

use firn_engine::{Engine, EngineOptions, Housekeeping, ObjectAccess};
use firn_tests::{CountingStore, rows, session};
use object_store::memory::InMemory;

/// A bucket, and an engine on it whose housekeeping is done at once.
fn engine(store: &CountingStore) -> Engine {
    let options = EngineOptions {
        threads: Some(1),
        housekeeping: Housekeeping::Inline,
        ..EngineOptions::default()
    };
    let access = ObjectAccess::over(Arc::new(store.clone()), "s3://bucket/account");
    Engine::over(access, options).expect("the account opens")
}

/// An account whose tables have their lists in files, after a full checkpoint and one that rests on it.
fn account(tables: usize) -> CountingStore {
    let store = CountingStore::new(Arc::new(InMemory::new()));
    let engine = engine(&store);
    let mut session = session(&engine);
    let columns: Vec<String> = (0..70).map(|n| format!("c{n} INT")).collect();
    for n in 0..tables {
        rows(&mut session, &format!("CREATE TABLE t{n} ({})", columns.join(", ")));
        rows(&mut session, &format!("INSERT INTO t{n} (c0) VALUES (1), (2)"));
        rows(&mut session, &format!("INSERT INTO t{n} (c0) VALUES (3)"));
    }
    engine.service().run_now("checkpoint", &|| true).expect("a full checkpoint");
    rows(&mut session, "CREATE TABLE one_more (n INT)");
    engine.service().run_now("checkpoint", &|| true).expect("one that rests on it");
    store
}

#[test]
fn a_first_statement_needs_five_requests_however_many_lists_there_are() {
    let store = account(40);
    let before = store.reads();
    let engine = engine(&store);
    let mut session = session(&engine);
    assert_eq!(rows(&mut session, "SELECT 1"), ["1"]);
    let first = store.reads() - before;
    assert!(first <= 5, "{first} requests");
    // What is known without the list, and what needs it.
    let before = store.reads();
    let shown = rows(&mut session, "SHOW TABLES LIKE 'T7'");
    assert!(shown[0].contains("|3|"), "{shown:?}");
    assert_eq!(store.reads() - before, 1, "a look at the log");
    let before = store.reads();
    rows(&mut session, "EXPLAIN SELECT COUNT(*) FROM t7, t8, t9");
    assert_eq!(store.reads() - before, 4, "a look at the log and three lists");
    let before = store.reads();
    rows(&mut session, "EXPLAIN SELECT COUNT(*) FROM t7, t8, t9");
    assert_eq!(store.reads() - before, 1, "a look at the log");
    assert_eq!(rows(&mut session, "SELECT COUNT(*) FROM t7, t8, t9"), ["27"]);
}

#[test]
fn who_ends_leaves_no_commits_behind_for_the_next_to_read() {
    let store = account(2);
    for n in 0..20 {
        rows(&mut session(&engine(&store)), &format!("INSERT INTO one_more VALUES ({n})"));
    }
    let before = store.reads();
    let engine = engine(&store);
    assert_eq!(rows(&mut session(&engine), "SELECT 1"), ["1"]);
    let first = store.reads() - before;
    assert!(first <= 5, "{first} requests");
}
