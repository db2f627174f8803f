//! What lies in an account: accounts of earlier formats are read and go on, files belong to their owner, and
//! a flipped bit is named or harms nothing.
//!
//! `FIRN_FLIPPED_BITS=2000 cargo test -p firn-tests --test stored` is the long run: so many bits of each kind
//! of file.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::{fs, io};

use firn_engine::{Engine, EngineOptions, Housekeeping, SecretKeys, Session, SessionOptions};
use firn_tests::{run, try_rows};
use firn_types::clock::Clock;
use tempfile::TempDir;

/// Flipped bits of each kind of file, when none are asked for.
const FLIPPED_BITS: u64 = 15;
/// When the stored accounts are opened, 2026-12-01 01:30 UTC: what was dropped in them can still be brought back.
const NOW_NANOS: i64 = 1_796_088_600_000_000_000;
/// The number of the error of a damaged file.
const CORRUPT_FILE: i32 = 100_152;

/// An error's number and message.
type Fault = (i32, String);

fn open(folder: &Path) -> Result<Session, Fault> {
    // Keys are beside the account in no test but one.
    open_with_keys(folder, &folder.join("../no keys"))
}

fn open_with_keys(folder: &Path, keys: &Path) -> Result<Session, Fault> {
    let options = EngineOptions {
        threads: Some(1),
        housekeeping: Housekeeping::Inline,
        keys: SecretKeys::Folder(keys.to_path_buf()),
        clock: Clock::fixed(NOW_NANOS),
        ..EngineOptions::default()
    };
    let engine = Engine::open(&folder.to_string_lossy(), options);
    let session = engine.and_then(|engine| engine.session(SessionOptions::default()));
    session.map_err(|error| (error.code().number(), error.to_string()))
}

fn session(folder: &Path) -> Session {
    open(folder).unwrap_or_else(|fault| panic!("{fault:?}"))
}

/// Checks what a statement answers.
fn check_rows(session: &mut Session, sql: &str, expected: &[&str]) {
    let found = try_rows(session, sql).unwrap_or_else(|fault| panic!("{sql}: {fault:?}"));
    assert_eq!(found, expected, "{sql}");
}

/// All files below a folder.
fn files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        match path.is_dir() {
            true => found.extend(files(&path)?),
            false => found.push(path),
        }
    }
    found.sort();
    Ok(found)
}

fn copy(from: &Path, to: &Path) -> io::Result<()> {
    for file in files(from)? {
        let target = to.join(file.strip_prefix(from).expect("below it"));
        fs::create_dir_all(target.parent().expect("a folder"))?;
        fs::copy(file, target)?;
    }
    Ok(())
}

#[test]
fn an_account_of_format_1_is_read_and_goes_on() -> io::Result<()> {
    let folder = TempDir::new()?;
    copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("stored/format1"), folder.path())?;
    for _ in 0..2 {
        let mut session = session(folder.path());
        let mut check = |sql: &str, expected: &[&str]| check_rows(&mut session, sql, expected);
        // 0 to 2999 without 100 to 199, and 5000.
        check("SELECT COUNT(*), SUM(id), COUNT(DISTINCT name) FROM t", &["2901|4488550|2892"]);
        check("SELECT COUNT(*), SUM(v:n::INT) FROM twin", &["2901|4483550"]);
        check("SELECT name, n FROM m WHERE n > 1", &["changed|10"]);
        check("SELECT COUNT(*), MIN(name) FROM w", &["20|changed"]);
        check("SELECT COUNT(*), SUM(n) FROM small", &["60|1770"]);
        check("SELECT COUNT(*), COUNT(DISTINCT a) FROM city", &["2|2"]);
        check("SELECT COUNT(*) > 0 FROM @files", &["true"]);
    }
    let mut session = session(folder.path());
    for sql in [
        "INSERT INTO small VALUES (1000)",
        "UPDATE t SET name = 'new' WHERE id > 2990",
        "UNDROP TABLE gone",
        "CREATE TABLE next AS SELECT s.NEXTVAL AS n FROM TABLE(GENERATOR(ROWCOUNT => 200))",
    ] {
        run(&mut session, sql);
    }
    (0..80).for_each(|n| run(&mut session, &format!("INSERT INTO small VALUES ({n})")));
    let mut session = self::session(folder.path());
    let found = try_rows(&mut session, "SELECT COUNT(*), SUM(n) FROM small");
    assert_eq!(found.ok(), Some(vec!["141|5930".to_string()]));
    let found = try_rows(&mut session, "SELECT COUNT(*) FROM t WHERE name = 'new'");
    assert_eq!(found.ok(), Some(vec!["10".to_string()]));
    let found = try_rows(&mut session, "SELECT COUNT(DISTINCT n), MIN(n) > 7 FROM next, gone");
    assert_eq!(found.ok(), None, "an ambiguous column");
    let found = try_rows(&mut session, "SELECT COUNT(DISTINCT n), MIN(n) > 7 FROM next");
    assert_eq!(found.ok(), Some(vec!["200|true".to_string()]));
    Ok(())
}

/// Before format 3 grants and owners were names. The checkpoint and some commits behind it have them.
#[test]
fn an_account_of_format_2_keeps_who_may_do_what() -> io::Result<()> {
    let folder = TempDir::new()?;
    copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("stored/format2"), folder.path())?;
    let names = "\"privilege\", \"name\", \"grantee_name\", \"grant_option\", \"granted_by\"";
    for _ in 0..2 {
        let mut session = session(folder.path());
        let mut check = |show: &str, columns: &str, expected: &[&str]| {
            run(&mut session, show);
            let sql =
                format!("SELECT {columns} FROM TABLE(RESULT_SCAN(LAST_QUERY_ID())) ORDER BY ALL");
            let found =
                try_rows(&mut session, &sql).unwrap_or_else(|fault| panic!("{show}: {fault:?}"));
            assert_eq!(found, expected, "{show}");
        };
        check(
            "SHOW GRANTS TO ROLE reader",
            names,
            &[
                "SELECT|FIRN.PUBLIC.T|READER|true|ACCOUNTADMIN",
                "USAGE|COMPUTE_WH|READER|false|ACCOUNTADMIN",
                "USAGE|FIRN|READER|false|ACCOUNTADMIN",
                "USAGE|FIRN.PUBLIC|READER|false|ACCOUNTADMIN",
                "USAGE|LATER|READER|false|ACCOUNTADMIN",
            ],
        );
        check(
            "SHOW GRANTS TO ROLE writer",
            names,
            &[
                "CREATE TABLE|FIRN.PUBLIC|WRITER|false|ACCOUNTADMIN",
                "INSERT|FIRN.PUBLIC.T|WRITER|false|ACCOUNTADMIN",
                "OWNERSHIP|FIRN.PUBLIC.V|WRITER|true|WRITER",
                "USAGE|READER|WRITER|false|ACCOUNTADMIN",
            ],
        );
        check("SHOW GRANTS TO USER ann", "\"role\", \"grantee_name\"", &["WRITER|ANN"]);
        check("SHOW GRANTS TO USER bob", "\"role\"", &[]);
        check("SHOW GRANTS ON VIEW v", "\"privilege\", \"grantee_name\"", &["OWNERSHIP|WRITER"]);
        check("SHOW FUTURE GRANTS IN SCHEMA public", "\"grantee_name\"", &["READER"]);
        // A name means whoever had it when the grant was made.
        check(
            "SHOW GRANTS TO ROLE later",
            names,
            &[
                "OWNERSHIP|FIRN.PUBLIC.MADE_LATE|LATER|true|LATER",
                "SELECT|FIRN.PUBLIC.SMALL|LATER|false|ACCOUNTADMIN",
            ],
        );
        check(
            "SHOW TABLES",
            "\"name\", \"owner\"",
            &["MADE_LATE|LATER", "SMALL|ACCOUNTADMIN", "T|ACCOUNTADMIN"],
        );
    }
    let mut session = session(folder.path());
    run(&mut session, "ALTER ROLE reader RENAME TO readers");
    let mut session = self::session(folder.path());
    run(&mut session, "SHOW GRANTS TO ROLE readers");
    let count = "SELECT COUNT(*) FROM TABLE(RESULT_SCAN(LAST_QUERY_ID()))";
    assert_eq!(try_rows(&mut session, count).ok(), Some(vec!["5".to_string()]));
    Ok(())
}

#[test]
fn lists_of_format_2_are_read_and_written_on() -> io::Result<()> {
    let folder = TempDir::new()?;
    copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("stored/lists2"), folder.path())?;
    for round in 0..2 {
        let mut session = session(folder.path());
        let mut check = |sql: &str, expected: &[&str]| check_rows(&mut session, sql, expected);
        // 100 to 999, of which the last ten were changed, and 2001 to 2003.
        check("SELECT COUNT(*), SUM(id), COUNT_IF(name = 'changed') FROM t", &["903|500556|10"]);
        check("SELECT COUNT(*), SUM(id) FROM twin", &["900|494550"]);
        check("SELECT COUNT(*) FROM small WHERE n < 60", &["60"]);
        // 70 million rows in 67 files, which are listed in a file of their own and left out here.
        check("SELECT COUNT(*), MIN(n), MAX(n) FROM many", &["70000000|1|1"]);
        check("SELECT s.NEXTVAL", &[if round == 0 { "7" } else { "9" }]);
        (0..80).for_each(|n| run(&mut session, &format!("INSERT INTO small VALUES ({})", 60 + n)));
    }
    let mut session = self::session(folder.path());
    run(&mut session, "UNDROP TABLE gone");
    let found = try_rows(&mut session, "SELECT n, (SELECT COUNT(*) FROM small) FROM gone");
    assert_eq!(found.ok(), Some(vec!["8|220".to_string()]));
    Ok(())
}

/// Before format 4 users had nothing to log in with, and what stages log in with was not sealed.
#[test]
fn an_account_of_format_3_keeps_its_users_and_stages() -> io::Result<()> {
    let folder = TempDir::new()?;
    copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("stored/format3"), folder.path())?;
    for _ in 0..2 {
        let mut session = session(folder.path());
        let mut check = |sql: &str, expected: &[&str]| check_rows(&mut session, sql, expected);
        check("SELECT COUNT(*), SUM(a) FROM t", &["100|4950"]);
        check("SELECT COUNT(*) FROM INFORMATION_SCHEMA.STAGES", &["2"]);
        check(
            "ALTER USER ann SET COMMENT = 'the same person'",
            &["Statement executed successfully."],
        );
    }
    Ok(())
}

/// Before format 5 load histories stood in the checkpoints. Two of a table's loads do so here, as all of a pipe's; a
/// third one is a commit behind the checkpoint.
#[test]
fn an_account_of_format_4_keeps_its_load_histories() -> io::Result<()> {
    let folder = TempDir::new()?;
    copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("stored/loads4"), folder.path())?;
    for round in 0..2 {
        let mut session = session(folder.path());
        let mut check = |sql: &str, expected: &[&str]| check_rows(&mut session, sql, expected);
        let history = "SELECT TABLE_NAME, FILE_NAME, ROW_COUNT FROM INFORMATION_SCHEMA.LOAD_HISTORY ORDER BY ALL";
        let (one, two, three) = ("T|st/f1.csv|1", "T|st/f2.csv|1", "T|st/f3.csv|1");
        match round {
            0 => check(history, &[one, two, three]),
            _ => check(history, &[one, one, two, two, three, three]),
        }
        // A pipe goes by the name of a file. For COPY these are others, since they were copied; but only once.
        let queued = try_rows(&mut session, "ALTER PIPE p REFRESH").expect("the pipe is there");
        assert_eq!(queued.len(), usize::from(round == 0), "the third file");
        run(&mut session, "COPY INTO t FROM @st");
        let mut check = |sql: &str, expected: &[&str]| check_rows(&mut session, sql, expected);
        check("SELECT SUM(n), COUNT(*) FROM t", &["12|6"]);
        (0..70).for_each(|n| run(&mut session, &format!("COMMENT ON TABLE u IS '{n}'")));
    }
    Ok(())
}

/// Before format 5 nobody had looked at the paths of semi-structured values.
#[test]
fn an_account_of_format_4_is_read_and_written_on() -> io::Result<()> {
    let folder = TempDir::new()?;
    copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("stored/format4"), folder.path())?;
    for round in 0..2 {
        let mut session = session(folder.path());
        let mut check = |sql: &str, expected: &[&str]| check_rows(&mut session, sql, expected);
        // Of 0 to 1399 each third number has the same kind.
        let kinds = "SELECT v:kind::STRING AS k, COUNT(*), MAX(v:n::INT) FROM docs WHERE v:n::INT < 1400 GROUP BY k ORDER BY k";
        check(kinds, &["k0|467|1398", "k1|467|1399", "k2|466|1397"]);
        check("SELECT COUNT(*) FROM loaded WHERE b = 'A' OR b = 'd'", &["2"]);
        check("SELECT a, METADATA$ACTION FROM s", &["4|INSERT"]);
        let changes = "INSERT INTO docs SELECT 5000, OBJECT_CONSTRUCT('kind', 'new', 'n', 5000)";
        check(changes, &["1"]);
        check(
            "SELECT COUNT(*) FROM docs WHERE v:kind = 'new'",
            &[if round == 0 { "1" } else { "2" }],
        );
        check("SELECT c FROM kinds WHERE kind = 'k0'", &["467"]);
    }
    Ok(())
}

/// Before format 6 the whole values had what is in sub-columns, too.
#[test]
fn sub_columns_of_format_5_are_read_beside_new_ones() -> io::Result<()> {
    let folder = TempDir::new()?;
    copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("stored/format5"), folder.path())?;
    let mut session = session(folder.path());
    // Of 0 to 1999 the first ten were deleted, and the ids of the last 500 are larger by 10000.
    let sums = "SELECT COUNT(*), SUM(v:n::INT), SUM(v:price::NUMBER(20,2)), COUNT(DISTINCT v:inner.text), SUM(o:a::INT), SUM(o:b::FLOAT) FROM events";
    let whole = "SELECT TO_JSON(v), TO_JSON(o) FROM events WHERE id IN (77, 20077) ORDER BY id";
    check_rows(&mut session, sums, &["1990|1998955|499738.75|1990|1998955|2985"]);
    let document = concat!(
        r#"{"inner":{"flag":false,"text":"text 77"},"kind":"k2","list":[77],"n":77,"price":19.25}"#,
        "|",
        r#"{"a":77,"b":1.500000000000000e+00}"#
    );
    check_rows(&mut session, whole, &[document]);
    run(&mut session, "INSERT INTO events SELECT id + 20000, v, o FROM events");
    run(&mut session, "UPDATE events SET id = id + 1 WHERE id > 20100");
    drop(session);
    let mut session = self::session(folder.path());
    check_rows(&mut session, sums, &["3980|3997910|999477.50|1990|3997910|5970"]);
    check_rows(&mut session, whole, &[document, document]);
    let pairs = "SELECT COUNT(*) FROM events a JOIN events b ON a.v = b.v AND a.o = b.o AND b.id > a.id + 19999";
    check_rows(&mut session, pairs, &["1990"]);
    Ok(())
}

/// Bytes of a stage's credentials, and the error of one who has no key for them.
const SECRETS: [&str; 3] = ["AKIDEXAMPLE", "TOPSECRETKEY", "SESSIONTOKEN"];
const KEY_MISSING: i32 = 300_011;

#[test]
fn credentials_are_sealed_under_a_key_that_is_elsewhere() -> io::Result<()> {
    let (folder, keys, other) = (TempDir::new()?, TempDir::new()?, TempDir::new()?);
    let keys = keys.path().join("firn/keys");
    let create = |name: &str| {
        format!(
            "CREATE STAGE {name} URL = 's3://bucket/path/' ENDPOINT = 'localhost:1' CREDENTIALS = (AWS_KEY_ID = \
             '{}' AWS_SECRET_KEY = '{}' AWS_TOKEN = '{}')",
            SECRETS[0], SECRETS[1], SECRETS[2]
        )
    };
    for name in ["one", "two"] {
        let mut session = open_with_keys(folder.path(), &keys).expect("the account opens");
        run(&mut session, &create(name));
    }
    let made = files(&keys)?;
    assert_eq!(made.len(), 1, "an account goes on with its key");
    let mode = |path: &Path| fs::metadata(path).map(|it| it.permissions().mode() & 0o777);
    assert_eq!((mode(&keys)?, mode(&made[0])?), (0o700, 0o600));
    for file in files(folder.path())? {
        let bytes = fs::read(&file)?;
        for secret in SECRETS {
            let found = bytes.windows(secret.len()).any(|part| part == secret.as_bytes());
            assert!(!found, "{secret} in {}", file.display());
        }
    }
    let mut session = open_with_keys(folder.path(), other.path()).expect("the account opens");
    let fault = try_rows(&mut session, "LIST @one").expect_err("no key");
    assert_eq!(fault.0, KEY_MISSING);
    assert!(fault.1.contains("Copy its file to") && fault.1.contains("FIRN_KEY"), "{}", fault.1);
    let shown = "SELECT STAGE_NAME FROM INFORMATION_SCHEMA.STAGES ORDER BY 1";
    assert_eq!(
        try_rows(&mut session, shown).ok(),
        Some(vec!["ONE".to_string(), "TWO".to_string()])
    );
    // Set anew, they have a key that is here.
    run(&mut session, "ALTER STAGE one SET CREDENTIALS = (AWS_KEY_ID = 'a' AWS_SECRET_KEY = 'b')");
    assert_eq!(files(other.path())?.len(), 1);
    let fault = try_rows(&mut session, "SELECT GET_DDL('STAGE', 'two')");
    assert!(fault.is_ok_and(|rows| SECRETS.iter().all(|secret| !rows[0].contains(secret))));
    Ok(())
}

#[test]
fn files_and_folders_belong_to_their_owner_alone() -> io::Result<()> {
    let folder = TempDir::new()?;
    let account = folder.path().join("deep/account");
    make(&mut session(&account));
    let mut folders = vec![account];
    while let Some(folder) = folders.pop() {
        assert_eq!(fs::metadata(&folder)?.permissions().mode() & 0o777, 0o700, "{folder:?}");
        for entry in fs::read_dir(&folder)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else {
                assert_eq!(fs::metadata(&path)?.permissions().mode() & 0o777, 0o600, "{path:?}");
            }
        }
    }
    Ok(())
}

/// An account in which every kind of file occurs.
fn make(session: &mut Session) {
    std::env::set_current_dir(Path::new(env!("CARGO_MANIFEST_DIR"))).expect("the folder exists");
    for sql in [
        "CREATE TABLE t (id INT, name VARCHAR, f FLOAT, v VARIANT)",
        "INSERT INTO t SELECT SEQ4(), MD5(SEQ4()), SEQ4() / 3, OBJECT_CONSTRUCT('n', SEQ4()) \
         FROM TABLE(GENERATOR(ROWCOUNT => 8000))",
        "DELETE FROM t WHERE id BETWEEN 100 AND 150",
        "CREATE VIEW w AS SELECT id FROM t WHERE id < 200",
        "CREATE TABLE small (n INT, s VARCHAR)",
        "CREATE STAGE files",
        "PUT file://files/city.csv @files AUTO_COMPRESS = FALSE",
    ] {
        run(session, sql);
    }
    for n in 0..70 {
        run(session, &format!("INSERT INTO small VALUES ({n}, 'a text {n}')"));
    }
}

/// What is compared.
const STATE: &[&str] = &[
    "SELECT COUNT(*), SUM(id), SUM(HASH(*)) FROM t",
    "SELECT MIN(name), MAX(name), SUM(f), SUM(v:n::INT) FROM t",
    "SELECT name, f FROM t WHERE id = 7654",
    "SELECT COUNT(*) FROM w",
    "SELECT COUNT(*), SUM(n), SUM(HASH(s)) FROM small",
    "SHOW TABLES LIKE 'nothing'",
];

fn state(folder: &Path) -> Result<Vec<String>, Fault> {
    let mut session = open(folder)?;
    let mut state = Vec::new();
    for sql in STATE {
        state.extend(try_rows(&mut session, sql)?);
    }
    Ok(state)
}

/// SplitMix64.
fn chance(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mixed = (*state ^ (*state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// The files of each kind that are read when the account is opened: of the log those behind the checkpoint.
fn kinds(account: &Path) -> io::Result<BTreeMap<String, Vec<PathBuf>>> {
    let mut kinds: BTreeMap<String, Vec<PathBuf>> = BTreeMap::new();
    for kind in ["checkpoint", "data", "log"] {
        kinds.insert(kind.to_string(), files(&account.join(kind))?);
    }
    let newest = kinds["checkpoint"].last().and_then(|file| file.file_name()).map(PathBuf::from);
    if let Some(log) = kinds.get_mut("log") {
        log.retain(|file| file.file_name().map(PathBuf::from) > newest);
    }
    Ok(kinds)
}

/// A file and one of its bits, by chance; large files are met more often.
fn place(files: &[PathBuf], chance: u64) -> io::Result<(&PathBuf, usize)> {
    let sizes =
        files.iter().map(|file| Ok(fs::metadata(file)?.len())).collect::<io::Result<Vec<_>>>()?;
    let mut bit = chance % (sizes.iter().sum::<u64>() * 8);
    for (file, size) in files.iter().zip(sizes) {
        if bit < size * 8 {
            return Ok((file, bit as usize));
        }
        bit -= size * 8;
    }
    Err(io::Error::other("no files"))
}

#[test]
fn a_flipped_bit_is_named_or_harmless() -> io::Result<()> {
    let bits = std::env::var("FIRN_FLIPPED_BITS").ok();
    let bits: u64 = bits.and_then(|bits| bits.parse().ok()).unwrap_or(FLIPPED_BITS);
    let folder = TempDir::new()?;
    make(&mut session(folder.path()));
    let expected = state(folder.path()).unwrap_or_else(|fault| panic!("{fault:?}"));
    let kinds = kinds(folder.path())?;
    let (mut random, mut detected) = (1, 0);
    // Checkpoints last: who opens an account without one leaves a new one, and the log before it is not read.
    for files in kinds.values().rev() {
        for _ in 0..bits {
            let (file, bit) = place(files, chance(&mut random))?;
            let bytes = fs::read(file)?;
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            fs::write(file, flipped)?;
            match state(folder.path()) {
                Ok(found) => assert_eq!(found, expected, "bit {bit} of {file:?}"),
                Err((number, message)) => {
                    let name = file.strip_prefix(folder.path()).expect("below it");
                    assert_eq!(number, CORRUPT_FILE, "{message}");
                    let named = message.contains(&*name.to_string_lossy());
                    assert!(named, "bit {bit} of {file:?}: {message}");
                    detected += 1;
                }
            }
            fs::write(file, bytes)?;
        }
    }
    assert!(detected > bits, "most flipped bits matter, and {detected} were found");
    Ok(())
}
