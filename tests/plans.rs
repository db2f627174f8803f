//! What each rule of the optimizer makes of a plan, to be read as documentation: `plans/RULE.plan` holds queries
//! with the plan before the rule and after it, and queries that the rule leaves alone.
//!
//! `UPDATE_GOLDEN=1 cargo test -p firn-tests --test plans` writes what the rules do now; the difference is to be
//! read before it is kept.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use firn_engine::{Cell, RULES};
use firn_tests::{CONFIGURATIONS, Connection, EngineUnderTest, files_below};

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

/// What stands before a query, and before the plans that belong to it.
const QUERY: &str = "==== query";
const BEFORE: &str = "==== before";
const AFTER: &str = "==== after";
const UNCHANGED: &str = "==== unchanged";

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("plans")
}

/// A query of a file, with what the file says of its plans.
#[derive(Debug)]
struct Case {
    /// What stands before it: what it shows.
    comment: String,
    sql: String,
    expected: String,
}

fn cases(text: &str) -> Vec<Case> {
    let mut cases = Vec::new();
    let mut comment = String::new();
    for part in text.split(QUERY) {
        let end = part.find("\n====").unwrap_or(part.len());
        let (sql, rest) = part.split_at(end);
        // What a case shows stands behind the case before it, after an empty line and a `#`.
        let next = rest.find("\n\n#").map_or(rest.len(), |at| at + 2);
        let (expected, following) = rest.split_at(next);
        let is_first = cases.is_empty() && comment.is_empty();
        if is_first && part.trim_start().starts_with('#') {
            comment = part.trim().to_string();
            continue;
        }
        cases.push(Case {
            comment: std::mem::replace(&mut comment, following.trim().to_string()),
            sql: sql.trim().to_string(),
            expected: expected.trim().to_string(),
        });
    }
    cases
}

/// A connection to an engine with the tables of `plans/schema.sql`.
fn connection() -> Outcome<Connection> {
    let engine = EngineUnderTest::new(CONFIGURATIONS[0])?;
    let mut connection = engine.connect()?;
    let schema = fs::read_to_string(folder().join("schema.sql"))?;
    for statement in schema.split(';').filter(|statement| !statement.trim().is_empty()) {
        connection.execute(statement)?;
    }
    Ok(connection)
}

/// The names of the rules that change a query's plan, each with what it makes of it; the first is the bound plan.
fn steps(connection: &mut Connection, sql: &str) -> Outcome<Vec<(String, String)>> {
    let result = connection.execute(&format!("EXPLAIN USING RULES {sql}"))?;
    let text = |cell: &Cell| match cell {
        Cell::Text(text) => text.clone(),
        other => format!("{other:?}"),
    };
    Ok(result.cells()?.iter().map(|row| (text(&row[0]), text(&row[2]))).collect())
}

/// What a file should say of a query's plans.
fn written(steps: &[(String, String)], rule: &str) -> String {
    match steps.iter().position(|(name, _)| name == rule) {
        Some(at) => format!("{BEFORE}\n{}\n{AFTER}\n{}", steps[at - 1].1, steps[at].1),
        None => UNCHANGED.to_string(),
    }
}

#[test]
fn rules_do_what_their_files_say() -> Outcome<()> {
    let mut connection = connection()?;
    let mut wrong = String::new();
    for file in files_below(&folder(), "plan")? {
        let rule = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let mut text = String::new();
        for case in cases(&fs::read_to_string(&file)?) {
            let steps = steps(&mut connection, &case.sql)
                .map_err(|failure| format!("{rule}: {failure}: {}", case.sql))?;
            let found = written(&steps, &rule);
            if found != case.expected {
                writeln!(wrong, "{rule}: {}\n{found}\nexpected\n{}\n", case.sql, case.expected)?;
            }
            writeln!(text, "{}\n{QUERY}\n{}\n{found}\n", case.comment, case.sql)?;
        }
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            fs::write(&file, format!("{}\n", text.trim_end()))?;
        }
    }
    assert!(wrong.is_empty() || std::env::var_os("UPDATE_GOLDEN").is_some(), "{wrong}");
    Ok(())
}

#[test]
fn every_rule_is_shown_at_work_and_at_rest() -> Outcome<()> {
    for rule in RULES {
        let file = folder().join(format!("{}.plan", rule.name));
        let text =
            fs::read_to_string(&file).map_err(|_| format!("{} is missing", file.display()))?;
        // What a rule does is shown where it runs first.
        let is_again = rule.name.ends_with("_again");
        assert!(is_again || text.contains(AFTER), "no query shows what {} does", rule.name);
        assert!(text.contains(UNCHANGED), "no query shows what {} leaves alone", rule.name);
    }
    Ok(())
}
