//! Walks the table: every option of every kind is taken where it may stand, and refused by its name elsewhere.

use super::*;
use crate::{Engine, EngineOptions, Session, SessionOptions};

/// The kinds with options, with what makes one of them and what stands behind its options.
const KINDS: &[(ObjectKind, &str, &str)] = &[
    (ObjectKind::Database, "CREATE DATABASE x", ""),
    (ObjectKind::Schema, "CREATE SCHEMA x", ""),
    (ObjectKind::Table, "CREATE TABLE x (a INT)", ""),
    (ObjectKind::View, "CREATE VIEW x", " AS SELECT 1 AS a"),
    (ObjectKind::MaterializedView, "CREATE MATERIALIZED VIEW x", " AS SELECT a FROM base"),
    (ObjectKind::Sequence, "CREATE SEQUENCE x", ""),
    (ObjectKind::Stage, "CREATE STAGE x", ""),
    (
        ObjectKind::Integration,
        "CREATE STORAGE INTEGRATION x TYPE = EXTERNAL_STAGE STORAGE_ALLOWED_LOCATIONS = ('s3://b/')",
        "",
    ),
    (ObjectKind::Warehouse, "CREATE WAREHOUSE x", ""),
    (ObjectKind::Role, "CREATE ROLE x", ""),
    (ObjectKind::DatabaseRole, "CREATE DATABASE ROLE x", ""),
    (ObjectKind::User, "CREATE USER x", ""),
    (ObjectKind::NetworkPolicy, "CREATE NETWORK POLICY x", ""),
    (ObjectKind::Stream, "CREATE STREAM x", " ON TABLE base"),
    (ObjectKind::Task, "CREATE TASK x", " AS SELECT 1"),
    (
        ObjectKind::Alert,
        "CREATE ALERT x SCHEDULE = '1 MINUTE'",
        " IF (EXISTS (SELECT 1)) THEN SELECT 1",
    ),
    (ObjectKind::Pipe, "CREATE PIPE x", " AS COPY INTO base FROM @%base"),
    (ObjectKind::DynamicTable, "CREATE DYNAMIC TABLE x", " AS SELECT a FROM base"),
    (
        ObjectKind::ExternalTable,
        "CREATE EXTERNAL TABLE x LOCATION = @files",
        " FILE_FORMAT = (TYPE = CSV)",
    ),
];

/// What makes one that has an option, and what stands behind its options.
fn maker(kind: ObjectKind, option: &str) -> Option<(&'static str, &'static str)> {
    let notification = match option {
        "DIRECTION" | "NOTIFICATION_PROVIDER" => "CREATE NOTIFICATION INTEGRATION x TYPE = QUEUE",
        "ALLOWED_RECIPIENTS" | "DEFAULT_RECIPIENTS" | "DEFAULT_SUBJECT" => {
            "CREATE NOTIFICATION INTEGRATION x TYPE = EMAIL"
        }
        name if name.starts_with("AWS_SNS_") => "CREATE NOTIFICATION INTEGRATION x TYPE = QUEUE",
        name if name.starts_with("WEBHOOK_") => "CREATE NOTIFICATION INTEGRATION x TYPE = WEBHOOK",
        _ => "",
    };
    if kind == ObjectKind::Integration && !notification.is_empty() {
        return Some((notification, ""));
    }
    let found = KINDS.iter().find(|(known, ..)| *known == kind);
    found.map(|(_, make, behind)| (*make, *behind))
}

/// The second line of `tests/files/rsa/one.txt`.
const PUBLIC_KEY: &str = "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA36ah7khBkW+fti5mTYPFBLMFYGp+2Dqm5VOnCYRp6j8J7waaAIeSnyHYX3gNG/16y/Tfit21gi4XmjhFxSi943WMOWNeTgf+dC5rfSvDWGX0hq6vBuDAtY1yOvIqp2jMAgxhHfNF6Mz1OLLJJ7Y4YQLKyOZUdW31Wv6Sf3sXL0Z0fsYhirYBpocIIv461vju/6YxvSf9o62qKqn00cwspHLq1ZNJLDH9ebztjosz5atSEsvOMrDqae1tQ4P6TosnZhm0otWv8MBUByhWjipHRsh10XZvVdiOtVhqhpWC2ft6nZkFNZv6tC+KL0jaEg+epbUHhAEWSmkZ35fPmBbLNQIDAQAB";

fn session() -> Result<Session> {
    Engine::open(":memory:", EngineOptions::default())?.session(SessionOptions::default())
}

fn run(session: &mut Session, sql: &str) -> std::result::Result<(), String> {
    session.execute(sql).map(|_| ()).map_err(|failure| failure.to_string())
}

/// A value that an option takes.
fn sample(option: &OptionDefinition) -> String {
    match (option.name, option.takes) {
        ("URL", _) => "'s3://b/'".to_string(),
        ("STORAGE_INTEGRATION", _) => "there".to_string(),
        ("ENDPOINT", _) => "'localhost:9000'".to_string(),
        ("CREDENTIALS", _) => "(AWS_KEY_ID = 'a' AWS_SECRET_KEY = 'b')".to_string(),
        ("DIRECTORY", _) => "(ENABLE = TRUE)".to_string(),
        ("COPY_OPTIONS", _) => "(ON_ERROR = CONTINUE)".to_string(),
        ("FILE_FORMAT", _) => "(TYPE = JSON)".to_string(),
        ("NETWORK_POLICY", _) => "there".to_string(),
        ("PASSWORD", _) => "'Secret123'".to_string(),
        ("RSA_PUBLIC_KEY" | "RSA_PUBLIC_KEY_2", _) => format!("'{PUBLIC_KEY}'"),
        ("ALLOWED_IP_LIST" | "BLOCKED_IP_LIST", _) => "('10.0.0.0/8')".to_string(),
        ("CONFIG", _) => "'{}'".to_string(),
        ("TARGET_LAG", _) => "'5 MINUTES'".to_string(),
        ("SCHEDULE", _) => "'5 MINUTES'".to_string(),
        ("WAREHOUSE", _) => "house".to_string(),
        ("FINALIZE", _) => "first".to_string(),
        ("INCREMENT", _) => "2".to_string(),
        // What other streams than those on external tables may say.
        ("INSERT_ONLY", _) => "FALSE".to_string(),
        (_, Takes::Text | Takes::Anything) => "'x'".to_string(),
        (_, Takes::Boolean) => "TRUE".to_string(),
        (_, Takes::Number(low, _) | Takes::NumberOrNull(low, _)) => low.max(1).to_string(),
        (_, Takes::Word(words)) => words[0].to_string(),
        (_, Takes::Name) => "n".to_string(),
        (_, Takes::List) => "('s3://b/')".to_string(),
        (_, Takes::Group) => "(TYPE = 'NONE')".to_string(),
    }
}

/// The statement that has an option in a place.
fn statement(kind: ObjectKind, option: &OptionDefinition, place: Place) -> Option<String> {
    let (make, behind) = maker(kind, option.name)?;
    let words = kind.words();
    let external = ["STORAGE_INTEGRATION", "ENDPOINT", "CREDENTIALS"].contains(&option.name);
    let url = if external { " URL = 's3://b/'" } else { "" };
    let written = match option.name {
        "WITH_MANAGED_ACCESS" => "WITH MANAGED ACCESS".to_string(),
        "ORDER" => "ORDER".to_string(),
        "SECURE" if place == Place::Set => "SECURE".to_string(),
        name => format!("{name} = {}", sample(option)),
    };
    // What CREATE already says is not said twice.
    let make = match option.name {
        "TYPE" | "STORAGE_ALLOWED_LOCATIONS" => return None,
        _ => make,
    };
    let managed = option.name == "WITH_MANAGED_ACCESS";
    Some(match place {
        Place::Create => format!("{make}{url} {written}{behind}"),
        _ if managed => return None,
        Place::Set => format!("ALTER {words} x SET{url} {written}"),
        Place::Unset => format!("ALTER {words} x UNSET {}", option.name),
    })
}

/// Runs a statement where an object of the kind is there, unless it makes one.
fn attempt(
    kind: ObjectKind,
    option: &OptionDefinition,
    place: Place,
    sql: &str,
) -> std::result::Result<(), String> {
    let mut session = session().map_err(|error| error.to_string())?;
    let (make, behind) = maker(kind, option.name).ok_or("an unknown kind")?;
    let mut before = vec![
        "CREATE TABLE base (a INT)".to_string(),
        "CREATE NETWORK POLICY there".to_string(),
        "CREATE STAGE files".to_string(),
        "CREATE WAREHOUSE house".to_string(),
        "CREATE TASK first AS SELECT 1".to_string(),
        "CREATE STORAGE INTEGRATION there TYPE = EXTERNAL_STAGE \
         STORAGE_ALLOWED_LOCATIONS = ('s3://b/')"
            .to_string(),
    ];
    if place != Place::Create {
        before.push(format!("{make}{behind}"));
    }
    before.iter().try_for_each(|sql| run(&mut session, sql))?;
    run(&mut session, sql)
}

#[test]
fn every_option_is_taken_or_refused_as_the_table_says() {
    let mut wrong = Vec::new();
    for (kind, ..) in KINDS {
        for option in options_of(*kind).unwrap_or_default() {
            for place in [Place::Create, Place::Set, Place::Unset] {
                let Some(sql) = statement(*kind, option, place) else { continue };
                if option.name == "WITH_MANAGED_ACCESS" && *kind == ObjectKind::Database {
                    continue;
                }
                let taken =
                    option.places.contains(&place) && !matches!(option.effect, Effect::Missing(_));
                match attempt(*kind, option, place, &sql) {
                    Ok(()) if taken => {}
                    Err(error) if !taken && error.contains(option.name) => {}
                    outcome => wrong.push(format!("{sql}: {outcome:?}")),
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_an_option_does_not_take_is_refused_by_its_name() {
    for (kind, ..) in KINDS {
        for option in options_of(*kind).unwrap_or_default() {
            let wrong = match option.takes {
                Takes::Boolean | Takes::Number(..) | Takes::NumberOrNull(..) | Takes::Word(_) => {
                    "'neither'"
                }
                _ => continue,
            };
            let sampled = format!("{} = {}", option.name, sample(option));
            let sql = statement(*kind, option, Place::Set).unwrap_or_default();
            if option.effect == Effect::Missing(NEVER) || !sql.contains(&sampled) {
                continue;
            }
            let sql = sql.replace(&sampled, &format!("{} = {wrong}", option.name));
            let refused = attempt(*kind, option, Place::Set, &sql);
            let named = refused.as_ref().err().is_some_and(|text| text.contains(option.name));
            // Sequences read their options with the grammar, which says where a number is missing.
            assert!(
                named || *kind == ObjectKind::Sequence && refused.is_err(),
                "{sql}: {refused:?}"
            );
        }
    }
}

#[test]
fn what_is_only_shown_stands_on_the_page_on_compatibility() -> std::io::Result<()> {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/compatibility.md");
    let page = std::fs::read_to_string(page)?;
    for (kind, ..) in KINDS {
        for option in options_of(*kind).unwrap_or_default() {
            let told = option.effect != Effect::Shown || page.contains(option.name);
            assert!(told, "{} of a {}", option.name, kind.words());
        }
    }
    let kept = |description: &str| ["Accepted", "Kept"].iter().any(|w| description.starts_with(w));
    for parameter in settings_table::PARAMETERS.iter().filter(|p| kept(p.description)) {
        assert!(page.contains(parameter.name), "parameter {}", parameter.name);
    }
    Ok(())
}
