//! Every statement with what it needs, and with each thing that it needs missing: then it is refused, as what
//! does not exist or as what the role may not do.

mod looking;
mod objects;
mod pipelines;
mod policies;
mod rows;
mod setup;

use std::collections::HashSet;
use std::sync::atomic::{AtomicUsize, Ordering};

use firn_engine::{Engine, EngineOptions, Housekeeping, Session, SessionOptions};
use firn_parse::ast::Statement;
use firn_tests::written_row;
use firn_types::ObjectKind;
use firn_types::object_kind::Home;

use setup::{DROPPED, SETUP};

/// The numbers of the errors that refuse: privileges, no such object, name or thing to use, no warehouse, no such role.
const REFUSALS: [i32; 8] = [3001, 2003, 904, 2043, 606, 2140, 2141, 3013];

const DB: &str = "USAGE ON DATABASE d";
const SCHEMA: &str = "USAGE ON SCHEMA d.s";
const WH: &str = "USAGE ON WAREHOUSE w";

/// A statement, and the grants without any of which it is refused.
pub(crate) type Case = (&'static str, &'static [&'static str]);

/// All of them.
fn statements() -> impl Iterator<Item = &'static Case> {
    let all = [
        rows::STATEMENTS,
        looking::STATEMENTS,
        objects::STATEMENTS,
        policies::STATEMENTS,
        pipelines::STATEMENTS,
    ];
    all.into_iter().flatten()
}

fn engine() -> Engine {
    let options = EngineOptions {
        threads: Some(1),
        housekeeping: Housekeeping::Inline,
        ..EngineOptions::default()
    };
    Engine::open(":memory:", options).expect("an account in memory")
}

fn session(engine: &Engine, user: &str) -> Session {
    let user = Some(user.to_string());
    let role = user.as_ref().filter(|user| *user == "TESTER").map(|_| "R".to_string());
    let options = SessionOptions { user, role, ..SessionOptions::default() };
    engine.session(options).expect("a session")
}

/// Runs a statement in a new account as role R with these grants; the number and text of its error.
fn attempt<'g>(sql: &str, grants: impl Iterator<Item = &'g &'g str>) -> Result<(), (i32, String)> {
    let engine = engine();
    let mut admin = session(&engine, "FIRN");
    let run = |session: &mut Session, sql: &str| {
        session.execute(sql).unwrap_or_else(|failure| panic!("{sql}: {failure}"));
    };
    SETUP.iter().for_each(|sql| run(&mut admin, sql));
    for grant in grants {
        run(&mut admin, &format!("GRANT {grant} TO ROLE r"));
    }
    DROPPED.iter().for_each(|sql| run(&mut admin, sql));
    let mut session = session(&engine, "TESTER");
    // Fails without the privilege; then there is no warehouse.
    let _ = session.execute("USE WAREHOUSE w");
    let outcome = session.execute(sql);
    outcome.map(|_| ()).map_err(|failure| (failure.code.number(), failure.to_string()))
}

/// What is wrong with a statement's refusals.
fn wrong((sql, needed): &Case) -> Vec<String> {
    let mut wrong = Vec::new();
    if let Err((code, text)) = attempt(sql, needed.iter()) {
        wrong.push(format!("{sql} with everything that it needs: {code} {text}"));
    }
    for missing in *needed {
        let others = needed.iter().filter(|grant| *grant != missing);
        match attempt(sql, others) {
            Err((code, _)) if REFUSALS.contains(&code) => {}
            outcome => wrong.push(format!("{sql} without {missing}: {outcome:?}")),
        }
    }
    wrong
}

#[test]
fn every_statement_needs_each_of_its_privileges() {
    let all: Vec<&Case> = statements().collect();
    let next = AtomicUsize::new(0);
    let take = || {
        let of_next = || all.get(next.fetch_add(1, Ordering::Relaxed)).copied();
        std::iter::from_fn(of_next).flat_map(wrong).collect::<Vec<String>>()
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let wrong: Vec<String> = std::thread::scope(|scope| {
        let running: Vec<_> = (0..threads).map(|_| scope.spawn(take)).collect();
        running.into_iter().flat_map(|thread| thread.join().expect("no panic")).collect()
    });
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Whoever adds a kind of object says here who may make, change and drop one.
#[test]
fn every_kind_of_object_is_among_the_statements() {
    let begins = |verb: &str, kind: ObjectKind| {
        let words = match (verb, kind) {
            ("CREATE", ObjectKind::Integration) => "STORAGE INTEGRATION",
            (_, kind) => kind.words(),
        };
        let beginning = format!("{verb} {words} ");
        statements().any(|(sql, _)| sql.starts_with(&beginning))
    };
    let kinds = ObjectKind::all().filter(|kind| kind.exists());
    let missing = kinds.flat_map(|kind| ["CREATE", "ALTER", "DROP"].map(|verb| (verb, kind)));
    let missing: Vec<_> = missing.filter(|(verb, kind)| !begins(verb, *kind)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn accountadmin_needs_nothing() {
    for (sql, _) in statements() {
        let engine = engine();
        let mut admin = session(&engine, "FIRN");
        for sql in SETUP.iter().chain(DROPPED).chain(std::iter::once(sql)) {
            admin.execute(sql).unwrap_or_else(|failure| panic!("{sql}: {failure}"));
        }
    }
}

#[test]
fn a_users_sessions_begin_with_what_the_user_has() {
    let engine = engine();
    let mut admin = session(&engine, "FIRN");
    for sql in SETUP.iter().chain(&[
        "GRANT ROLE other TO ROLE r",
        "GRANT USAGE ON DATABASE d TO ROLE r",
        "GRANT USAGE ON SCHEMA d.s TO ROLE r",
        "GRANT USAGE ON WAREHOUSE w TO ROLE r",
        "CREATE USER who DEFAULT_ROLE = r DEFAULT_WAREHOUSE = w DEFAULT_NAMESPACE = d.s TIMEZONE = 'UTC'",
        "CREATE USER nobody DEFAULT_ROLE = r DEFAULT_WAREHOUSE = w",
        "GRANT ROLE r TO USER who",
    ]) {
        admin.execute(sql).unwrap_or_else(|failure| panic!("{sql}: {failure}"));
    }
    let begin = |user: &str| {
        let options = SessionOptions { user: Some(user.to_string()), ..SessionOptions::default() };
        engine.session(options).expect("a session").in_use()
    };
    let who = begin("WHO");
    assert_eq!((who.role.as_str(), who.warehouse.as_deref()), ("R", Some("W")));
    assert_eq!((who.database.as_deref(), who.schema.as_deref()), (Some("D"), Some("S")));
    // A default role that is not granted is none.
    let nobody = begin("NOBODY");
    assert_eq!((nobody.role.as_str(), nobody.warehouse, nobody.database), ("PUBLIC", None, None));
    // Users who are made now have all their roles in use, unless they say otherwise.
    let options = SessionOptions { user: Some("WHO".to_string()), ..SessionOptions::default() };
    let mut session = engine.session(options).expect("a session");
    let mut one = |sql: &str| {
        let result = session.execute(sql).unwrap_or_else(|failure| panic!("{sql}: {failure}"));
        result.cells().expect("printable").iter().map(|row| written_row(row)).collect::<Vec<_>>()
    };
    assert_eq!(one("SELECT CURRENT_SECONDARY_ROLES()"), [r#"{"roles":"","value":"ALL"}"#]);
    let shown = one("SHOW PARAMETERS LIKE 'TIMEZONE'");
    assert!(shown[0].starts_with("TIMEZONE|UTC|America/Los_Angeles|USER|"), "{shown:?}");
}

#[test]
fn statements_of_others_are_followed_and_canceled_only_by_those_who_may() {
    let engine = engine();
    let mut admin = session(&engine, "FIRN");
    for sql in SETUP.iter().chain(&["GRANT USAGE ON WAREHOUSE w TO ROLE r"]) {
        admin.execute(sql).unwrap_or_else(|failure| panic!("{sql}: {failure}"));
    }
    admin.execute("SELECT 'of the first user'").expect("a query");
    let mut other = session(&engine, "TESTER");
    other.execute("USE WAREHOUSE w").expect("a warehouse");
    let seen = "SELECT COUNT(*) FROM TABLE(firn.INFORMATION_SCHEMA.QUERY_HISTORY()) \
                WHERE query_text = 'SELECT ''of the first user'''";
    let mut count = |sql: &str| {
        let result = other.execute(sql).map_err(|failure| failure.to_string())?;
        Ok::<_, String>(
            result.cells().expect("printable").iter().map(|row| written_row(row)).collect(),
        )
    };
    admin.execute("GRANT USAGE ON DATABASE firn TO ROLE r").expect("a grant");
    assert_eq!(count(seen), Ok(vec!["0".to_string()]));
    admin.execute("GRANT MONITOR ON WAREHOUSE w2 TO ROLE r").expect("a grant");
    // The first user's statements ran in the warehouse that came last.
    assert_eq!(count(seen), Ok(vec!["1".to_string()]));
}

/// What only ACCOUNTADMIN may do, whatever else was granted.
#[test]
fn some_statements_are_for_accountadmin_alone() {
    let given = ["MANAGE GRANTS ON ACCOUNT", DB, SCHEMA, WH, "CREATE USER ON ACCOUNT"];
    for sql in [
        "ALTER ACCOUNT SET TIMEZONE = 'UTC'",
        "ALTER ACCOUNT SET NETWORK_POLICY = np",
        "ALTER ACCOUNT UNSET TIMEZONE",
        "SELECT SYSTEM$VACUUM()",
        "SELECT * FROM SNOWFLAKE.ACCOUNT_USAGE.QUERY_HISTORY",
    ] {
        match attempt(sql, given.iter()) {
            Err((code, _)) => assert!(REFUSALS.contains(&code), "{sql}: {code}"),
            Ok(()) => panic!("{sql} was not refused"),
        }
    }
}

/// SHOW of a kind takes who may enter the schema, and shows nothing to who has no privilege on any object.
#[test]
fn show_shows_only_what_there_is_for_the_role() {
    let engine = engine();
    let mut admin = session(&engine, "FIRN");
    let mut run = |sql: &str| {
        admin.execute(sql).unwrap_or_else(|failure| panic!("{sql}: {failure}")).row_count
    };
    for sql in SETUP {
        run(sql);
    }
    let in_schema = |kind: &ObjectKind| kind.exists() && kind.definition().home == Home::Schema;
    let shown: Vec<String> = ObjectKind::all()
        .filter(in_schema)
        .map(|kind| match kind {
            // There are built-in functions, too.
            ObjectKind::Function => "SHOW USER FUNCTIONS IN SCHEMA d.s".to_string(),
            kind => format!("SHOW {} IN SCHEMA d.s", kind.plural()),
        })
        .chain(["SHOW OBJECTS IN SCHEMA d.s".to_string(), "SHOW COLUMNS IN SCHEMA d.s".to_string()])
        .collect();
    for sql in &shown {
        assert!(run(sql) > 0, "{sql} as ACCOUNTADMIN");
    }
    let mut tester = session(&engine, "TESTER");
    for sql in &shown {
        let Err(failure) = tester.execute(sql) else { panic!("{sql} without USAGE") };
        assert!(REFUSALS.contains(&failure.code.number()), "{sql}: {failure}");
    }
    run(&format!("GRANT {DB} TO ROLE r"));
    run(&format!("GRANT {SCHEMA} TO ROLE r"));
    for sql in &shown {
        let result = tester.execute(sql).unwrap_or_else(|failure| panic!("{sql}: {failure}"));
        assert_eq!(result.row_count, 0, "{sql} without a privilege on anything in it");
    }
}

/// Names each kind of statement, so that none is forgotten.
macro_rules! kinds {
    ($($kind:ident)*) => {
        const KINDS: &[&str] = &[$(stringify!($kind)),*];

        fn kind_of(statement: &Statement) -> &'static str {
            match statement { $(Statement::$kind { .. } => stringify!($kind)),* }
        }
    };
}

kinds! {
    Query Insert MultiInsert Update Delete Merge Truncate CreateTable CreateView Pipe Block ExecuteImmediate
    UsingPolicyContext Call CreateProcedure CreateFunction CreatePolicy CreateObject CreateDynamicTable CreateExternalTable CreateTask
    ExecuteTask CreateAlert ExecuteAlert CreatePipe CreateStream AlterTable AlterObject AlterSessionSet
    AlterSessionUnset Drop Undrop Comment Grant Revoke Use SetVariables UnsetVariables Begin Commit Rollback Show
    Describe Explain CopyIntoTable CopyIntoLocation Put Get List Remove CopyFiles
}

/// What concerns nothing but the session that says it.
const OF_SESSION: &[&str] =
    &["AlterSessionSet", "AlterSessionUnset", "UnsetVariables", "Begin", "Commit", "Rollback"];

#[test]
fn every_kind_of_statement_is_among_the_statements() {
    let parsed = statements().map(|(sql, _)| {
        let statement = firn_parse::parse_statement(sql);
        kind_of(&statement.unwrap_or_else(|error| panic!("{sql}: {error}")))
    });
    let mut known: HashSet<&str> = parsed.collect();
    known.extend(OF_SESSION);
    let missing: Vec<_> = KINDS.iter().filter(|kind| !known.contains(*kind)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}
