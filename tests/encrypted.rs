//! Accounts that are encrypted at rest, on a folder and in a bucket: nothing of what is in them stands in their files
//! but names and sizes, nobody opens them with another key, and no change of their files goes unnoticed.

use std::fs;
use std::path::{Path, PathBuf};

use firn_engine::{
    Engine, EngineOptions, Housekeeping, KeySource, ObjectAccess, SecretKeys, Session,
    SessionOptions, change_key, make_key,
};
use firn_tests::{S3Server, run, try_rows};
use tempfile::TempDir;

/// The numbers of the errors of a damaged file, and of a key that is missing.
const CORRUPT_FILE: i32 = 100_152;
const KEY_MISSING: i32 = 300_011;
/// What stands in rows, names, comments and staged files.
const MARK: &str = "Geheimnis";

type Fault = (i32, String);

fn options(keys: &Path, key: Option<&KeySource>) -> EngineOptions {
    EngineOptions {
        threads: Some(1),
        housekeeping: Housekeeping::Inline,
        keys: SecretKeys::Folder(keys.to_path_buf()),
        at_rest: key.cloned(),
        ..EngineOptions::default()
    }
}

fn open(folder: &Path, key: Option<&KeySource>) -> Result<Session, Fault> {
    let engine = Engine::open(&folder.to_string_lossy(), options(&folder.join("../no keys"), key));
    let session = engine.and_then(|engine| engine.session(SessionOptions::default()));
    session.map_err(|error| (error.code().number(), error.to_string()))
}

/// An account in which every kind of file occurs.
fn make(session: &mut Session, folder: &Path) {
    let file = folder.join("rows.csv");
    fs::write(&file, format!("1,{MARK}\n2,{MARK}\n")).expect("a file");
    let put = format!("PUT file://{} @files AUTO_COMPRESS = FALSE", file.display());
    for sql in [
        &format!("CREATE TABLE t (id INT, text VARCHAR) COMMENT = '{MARK}'"),
        &format!(
            "INSERT INTO t SELECT SEQ4(), '{MARK} ' || MD5(SEQ4()) FROM TABLE(GENERATOR(ROWCOUNT => 9000))"
        ),
        "DELETE FROM t WHERE id BETWEEN 100 AND 150",
        &format!("CREATE VIEW {MARK} AS SELECT id FROM t WHERE text LIKE '{MARK}%'"),
        "CREATE TABLE small (n INT, text VARCHAR)",
        "CREATE STAGE files",
        &put,
        "COPY INTO small FROM @files FILE_FORMAT = (TYPE = CSV)",
        "COPY INTO @files/out FROM t FILE_FORMAT = (TYPE = PARQUET)",
    ] {
        run(session, sql);
    }
    for n in 0..70 {
        run(session, &format!("INSERT INTO small VALUES ({n}, '{MARK} {n}')"));
    }
}

/// What is compared.
const STATE: &[&str] = &[
    "SELECT COUNT(*), SUM(id), SUM(HASH(*)) FROM t",
    "SELECT id FROM t WHERE id = 7654",
    "SELECT COUNT(*) FROM Geheimnis",
    "SELECT COUNT(*), SUM(n), COUNT(DISTINCT text) FROM small",
    "SELECT COUNT(*) FROM @files (PATTERN => '.*csv')",
];

fn state(folder: &Path, key: Option<&KeySource>) -> Result<Vec<String>, Fault> {
    let mut session = open(folder, key)?;
    let mut state = Vec::new();
    for sql in STATE {
        state.extend(try_rows(&mut session, sql)?);
    }
    Ok(state)
}

fn new_key(folder: &TempDir, name: &str) -> KeySource {
    let file = folder.path().join(name);
    make_key(&file).expect("a new key");
    assert!(make_key(&file).is_err(), "a key is not written over another one");
    KeySource::File(file)
}

#[test]
fn files_show_nothing_and_open_with_their_key_alone() {
    let folder = TempDir::new().expect("a folder");
    let account = folder.path().join("account");
    let (key, other) = (new_key(&folder, "key"), new_key(&folder, "other"));
    make(&mut open(&account, Some(&key)).expect("a new account"), folder.path());
    let expected = state(&account, Some(&key)).expect("it opens");
    assert_eq!(expected[3], "72|2418|71", "{expected:?}");
    let mut count = 0;
    for file in all(&account) {
        let bytes = fs::read(&file).expect("readable");
        let shown = |mark: &[u8]| bytes.windows(mark.len()).any(|part| part == mark);
        let marks = [MARK, "GEHEIMNIS", "SELECT", "PAR1", "header"];
        let found = marks.iter().find(|mark| shown(mark.as_bytes()));
        assert_eq!(found, None, "{}", file.display());
        count += 1;
    }
    assert!(count > 80, "{count} files");
    let number = |key: Option<&KeySource>| open(&account, key).map(drop).map_err(|fault| fault.0);
    assert_eq!(number(None), Err(KEY_MISSING));
    assert_eq!(number(Some(&other)), Err(KEY_MISSING));
    // Another key takes the place of the first; what was written before is read, and more is written.
    let location = account.to_string_lossy();
    assert!(change_key(&location, &other, &key).is_err());
    change_key(&location, &key, &other).expect("the key is changed");
    assert_eq!(number(Some(&key)), Err(KEY_MISSING));
    assert_eq!(state(&account, Some(&other)).ok(), Some(expected));
    run(&mut open(&account, Some(&other)).expect("it opens"), "INSERT INTO small VALUES (1, 'x')");
    let mut session = open(&account, Some(&other)).expect("it opens");
    assert_eq!(
        try_rows(&mut session, "SELECT COUNT(*) FROM small").ok(),
        Some(vec!["73".to_string()])
    );
}

fn all(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        match path.is_dir() {
            true => found.extend(all(&path)),
            false => found.push(path),
        }
    }
    found.sort();
    found
}

#[test]
fn no_flipped_bit_goes_unnoticed() {
    let folder = TempDir::new().expect("a folder");
    let account = folder.path().join("account");
    let key = new_key(&folder, "key");
    make(&mut open(&account, Some(&key)).expect("a new account"), folder.path());
    let expected = state(&account, Some(&key)).expect("it opens");
    let mut data = all(&account.join("data"));
    // The largest are those whose rows are compared.
    data.sort_by_key(|file| fs::metadata(file).map_or(0, |it| it.len()));
    let data = data.split_off(data.len().saturating_sub(1));
    let mut detected = 0;
    for n in 0..40_usize {
        let file = &data[n % data.len()];
        let bytes = fs::read(file).expect("readable");
        let mut flipped = bytes.clone();
        flipped[n * 7919 % bytes.len()] ^= 1 << (n % 8);
        fs::write(file, flipped).expect("writable");
        match state(&account, Some(&key)) {
            Ok(found) => assert_eq!(found, expected, "{}", file.display()),
            Err((number, message)) => {
                let name = file.strip_prefix(&account).expect("below it").to_string_lossy();
                let named = message.contains(&*name);
                assert!(number == CORRUPT_FILE && named || number == KEY_MISSING, "{message}");
                detected += 1;
            }
        }
        fs::write(file, bytes).expect("writable");
    }
    assert!(detected > 20, "{detected} of 40 flipped bits were found");
}

#[test]
fn a_bucket_is_encrypted_as_a_folder_is() {
    let (folder, server) =
        (TempDir::new().expect("a folder"), S3Server::start().expect("a server"));
    let (key, other) = (new_key(&folder, "key"), new_key(&folder, "other"));
    let open = |key: Option<&KeySource>| {
        let access = ObjectAccess::over(server.store().expect("a client"), "s3://bucket");
        let engine = Engine::over(access, options(folder.path(), key));
        let session = engine.and_then(|engine| engine.session(SessionOptions::default()));
        session.map_err(|error| error.code().number())
    };
    make(&mut open(Some(&key)).expect("a new account"), folder.path());
    let mut session = open(Some(&key)).expect("it opens");
    let found: Vec<String> =
        STATE.iter().flat_map(|sql| try_rows(&mut session, sql).expect("rows")).collect();
    assert_eq!((found[1].as_str(), found[3].as_str()), ("7654", "72|2418|71"));
    assert_eq!(open(Some(&other)).map(drop), Err(KEY_MISSING));
    assert_eq!(open(None).map(drop), Err(KEY_MISSING));
}

#[test]
fn a_plain_account_stays_so() {
    let folder = TempDir::new().expect("a folder");
    let account = folder.path().join("account");
    run(&mut open(&account, None).expect("a new account"), "CREATE TABLE t (a INT)");
    let fault = open(&account, Some(&new_key(&folder, "key"))).expect_err("it is plain");
    assert!(fault.1.contains("is not encrypted"), "{}", fault.1);
    let command = KeySource::Command("echo nothing".to_string());
    let fault = open(&folder.path().join("new"), Some(&command)).expect_err("no key");
    assert!(fault.1.contains("holds no key"), "{}", fault.1);
}
