//! Who gets in: passwords, key pairs and access tokens, locks, network policies, and what is told of it.

use std::net::IpAddr;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use firn_engine::{ClientFacts, Credential, Engine, EngineOptions, Login, Session, SessionOptions};
use firn_tests::written_row;
use firn_types::clock::Clock;
use ring::rand::SystemRandom;
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};

const MINUTE: i64 = 60_000_000_000;
const DAY: i64 = 24 * 60 * MINUTE;
/// 2026-11-30 00:00 UTC.
const NOW: i64 = 1_795_996_800_000_000_000;
const HERE: &str = "10.1.2.3";

/// An account in memory whose clock a test moves.
struct World {
    engine: Engine,
    clock: Clock,
    admin: Session,
}

impl World {
    fn new(statements: &[&str]) -> World {
        let clock = Clock::fixed(NOW);
        let options =
            EngineOptions { clock: clock.clone(), threads: Some(1), ..EngineOptions::default() };
        let engine = Engine::open(":memory:", options).expect("an account in memory");
        let admin = engine.session(SessionOptions::default()).expect("a session");
        let mut world = World { engine, clock, admin };
        statements.iter().for_each(|sql| world.run(sql));
        world
    }

    fn run(&mut self, sql: &str) {
        self.admin.execute(sql).unwrap_or_else(|failure| panic!("{sql}: {failure}"));
    }

    fn rows(&mut self, sql: &str) -> Vec<String> {
        rows(&mut self.admin, sql).unwrap_or_else(|failure| panic!("{sql}: {failure}"))
    }

    /// The number of the error of a login, or who got in.
    fn login(&self, user: &str, credential: Credential) -> Result<Login, i32> {
        self.login_from(user, credential, HERE)
    }

    fn login_from(&self, user: &str, credential: Credential, from: &str) -> Result<Login, i32> {
        let from: IpAddr = from.parse().expect("an address");
        let client = ClientFacts {
            application: "PythonConnector".to_string(),
            version: "5.2.0".to_string(),
        };
        let login = self.engine.authenticate(user, &credential, from, &client);
        login.map_err(|error| error.code().number())
    }

    fn code(&self, user: &str, password: &str) -> i32 {
        self.login(user, of_password(password)).map_or_else(|code| code, |_| 0)
    }
}

fn rows(session: &mut Session, sql: &str) -> Result<Vec<String>, String> {
    let result = session.execute(sql).map_err(|failure| failure.to_string())?;
    Ok(result.cells().expect("printable").iter().map(|row| written_row(row)).collect())
}

fn of_password(password: &str) -> Credential {
    Credential::Password { password: password.to_string(), new: None }
}

#[test]
fn a_password_lets_its_user_in_and_nobody_else() {
    let world = World::new(&[
        "CREATE USER ann PASSWORD = 'Secret123' LOGIN_NAME = 'ann@example.com'",
        "CREATE USER bob",
        "CREATE USER robot TYPE = SERVICE",
    ]);
    let login = world.login("Ann@Example.com", of_password("Secret123")).expect("her password");
    assert_eq!(login.user, "ANN");
    assert_eq!(world.code("ann", "Secret123"), 390_100, "that is not her login name");
    assert_eq!(world.code("ann@example.com", "secret123"), 390_100);
    assert_eq!(world.code("bob", ""), 390_100, "he has no password");
    assert_eq!(world.code("nobody", ""), 390_100);
    assert_eq!(world.code("FIRN", ""), 390_100);
    assert_eq!(world.code("robot", ""), 390_100);
}

#[test]
fn users_who_are_disabled_or_have_expired_stay_outside() {
    let mut world = World::new(&[
        "CREATE USER ann PASSWORD = 'Secret123' DISABLED = TRUE",
        "CREATE USER bob PASSWORD = 'Secret123' DAYS_TO_EXPIRY = 2",
    ]);
    assert_eq!(world.code("ann", "Secret123"), 390_101);
    assert_eq!(
        world.code("ann", "wrong"),
        390_100,
        "who does not know the password learns nothing"
    );
    assert_eq!(world.code("bob", "Secret123"), 0);
    world.clock.advance(2 * DAY);
    assert_eq!(world.code("bob", "Secret123"), 390_101);
    world.run("ALTER USER ann SET DISABLED = FALSE");
    world.run("ALTER USER bob UNSET DAYS_TO_EXPIRY");
    assert_eq!((world.code("ann", "Secret123"), world.code("bob", "Secret123")), (0, 0));
}

#[test]
fn five_wrong_passwords_lock_a_name_whether_anybody_has_it_or_not() {
    let mut world = World::new(&["CREATE USER ann PASSWORD = 'Secret123'"]);
    for name in ["ann", "nobody"] {
        (0..5).for_each(|_| assert_eq!(world.code(name, "wrong"), 390_100, "{name}"));
        assert_eq!(world.code(name, "Secret123"), 390_102, "{name}");
    }
    let shown =
        "SELECT \"snowflake_lock\", \"mins_to_unlock\" FROM TABLE(RESULT_SCAN(LAST_QUERY_ID()))";
    world.run("SHOW USERS LIKE 'ann'");
    assert_eq!(world.rows(shown), ["true|16"]);
    world.clock.advance(15 * MINUTE);
    assert_eq!(world.code("nobody", "wrong"), 390_100);
    assert_eq!(world.code("ann", "Secret123"), 0);
    (0..4).for_each(|_| assert_eq!(world.code("ann", "wrong"), 390_100));
    assert_eq!(world.code("ann", "Secret123"), 0, "four wrong ones, and they are forgotten");
    (0..5).for_each(|_| assert_eq!(world.code("ann", "wrong"), 390_100));
    world.clock.advance(1);
    world.run("ALTER USER ann SET MINS_TO_UNLOCK = 0");
    assert_eq!(world.code("ann", "Secret123"), 0);
    world.run("ALTER USER ann SET MINS_TO_UNLOCK = 5");
    assert_eq!(world.code("ann", "Secret123"), 390_102);
    world.clock.advance(5 * MINUTE);
    assert_eq!(world.code("ann", "Secret123"), 0);
}

#[test]
fn a_password_that_must_be_changed_is_changed_by_the_login() {
    let world = World::new(&["CREATE USER ann PASSWORD = 'first' MUST_CHANGE_PASSWORD = TRUE"]);
    let renewed = |old: &str, new: &str| {
        let credential =
            Credential::Password { password: old.to_string(), new: Some(new.to_string()) };
        world.login("ann", credential).map_or_else(|code| code, |_| 0)
    };
    assert_eq!(world.code("ann", "first"), 390_106);
    assert_eq!(renewed("wrong", "Secret123"), 390_100);
    for weak in ["Short1x", "nouppercase1", "NOLOWERCASE1", "NoDigitsHere"] {
        assert_eq!(renewed("first", weak), 3002, "{weak}");
    }
    assert_eq!(renewed("first", "Secret123"), 0);
    assert_eq!((world.code("ann", "Secret123"), world.code("ann", "first")), (0, 390_100));
    assert_eq!(renewed("Secret123", "Secret123"), 3002, "it has to be another one");
}

#[test]
fn a_password_policy_says_what_passwords_must_be_and_how_long_they_last() {
    let mut world = World::new(&[
        "CREATE USER ann PASSWORD = 'first'",
        "CREATE USER bob PASSWORD = 'first'",
        "CREATE PASSWORD POLICY strict PASSWORD_MIN_LENGTH = 12 PASSWORD_MIN_SPECIAL_CHARS = 1 \
         PASSWORD_MAX_RETRIES = 2 PASSWORD_LOCKOUT_TIME_MINS = 30 PASSWORD_MAX_AGE_DAYS = 10 \
         PASSWORD_MIN_AGE_DAYS = 1",
        "CREATE PASSWORD POLICY lax PASSWORD_MIN_LENGTH = 8 PASSWORD_MAX_AGE_DAYS = 0 \
         PASSWORD_MIN_UPPER_CASE_CHARS = 0 PASSWORD_MIN_NUMERIC_CHARS = 0",
        "ALTER USER ann SET PASSWORD POLICY strict",
    ]);
    let set = |world: &mut World, user: &str, password: &str| {
        let sql = format!("ALTER USER {user} SET PASSWORD = '{password}'");
        world.admin.execute(&sql).map_or_else(|failure| failure.code.number(), |_| 0)
    };
    assert_eq!(set(&mut world, "ann", "Secret123"), 3002, "too short");
    assert_eq!(set(&mut world, "ann", "Secret123456"), 3002, "no special character");
    assert_eq!(set(&mut world, "ann", "Secret-12345"), 0);
    assert_eq!(set(&mut world, "bob", "Secret123"), 0, "another user's policy");
    // A user's own policy comes before the account's.
    world.run("ALTER ACCOUNT SET PASSWORD POLICY lax");
    assert_eq!(set(&mut world, "bob", "justletters"), 0);
    assert_eq!(set(&mut world, "ann", "justletters"), 3002);
    assert!(world.admin.execute("DROP PASSWORD POLICY lax").is_err(), "the account has it");
    assert!(world.admin.execute("ALTER ACCOUNT SET PASSWORD POLICY strict").is_err(), "no FORCE");
    // A password that is too young is not changed by its user, one that is too old must be.
    let renewed = |world: &World, old: &str, new: &str| {
        let credential =
            Credential::Password { password: old.to_string(), new: Some(new.to_string()) };
        world.login("ann", credential).map_or_else(|code| code, |_| 0)
    };
    assert_eq!(renewed(&world, "Secret-12345", "Secret-123456"), 3002);
    assert_eq!(world.code("ann", "Secret-12345"), 0);
    world.clock.advance(10 * DAY);
    assert_eq!((world.code("ann", "Secret-12345"), world.code("bob", "justletters")), (390_106, 0));
    assert_eq!(renewed(&world, "Secret-12345", "Secret-123456"), 0);
    // Two wrong ones lock the name for half an hour.
    assert_eq!((world.code("ann", "x"), world.code("ann", "x")), (390_100, 390_100));
    assert_eq!(world.code("ann", "Secret-123456"), 390_102);
    world.clock.advance(31 * MINUTE);
    assert_eq!(world.code("ann", "Secret-123456"), 0);
    world.run("ALTER ACCOUNT UNSET PASSWORD POLICY");
    world.run("DROP PASSWORD POLICY lax");
    assert!(world.admin.execute("DROP PASSWORD POLICY strict").is_err(), "ann has it");
    world.run("ALTER USER ann UNSET PASSWORD POLICY");
    world.run("DROP PASSWORD POLICY strict");
}

#[test]
fn network_policies_say_from_where() {
    let mut world = World::new(&[
        "CREATE USER ann PASSWORD = 'Secret123'",
        "CREATE USER bob PASSWORD = 'Secret123'",
        "CREATE NETWORK POLICY office ALLOWED_IP_LIST = ('10.0.0.0/8', '2001:db8::/32') BLOCKED_IP_LIST = ('10.9.0.1')",
        "CREATE NETWORK POLICY home ALLOWED_IP_LIST = ('192.168.0.7')",
        "ALTER ACCOUNT SET NETWORK_POLICY = office",
        "ALTER USER bob SET NETWORK_POLICY = 'HOME'",
    ]);
    let from = |world: &World, user: &str, address: &str| {
        let login = world.login_from(user, of_password("Secret123"), address);
        login.map_or_else(|code| code, |_| 0)
    };
    assert_eq!(from(&world, "ann", "10.200.0.1"), 0);
    assert_eq!(from(&world, "ann", "::ffff:10.200.0.1"), 0, "the same address, written for IPv6");
    assert_eq!(from(&world, "ann", "2001:db8::1"), 0);
    assert_eq!(from(&world, "ann", "10.9.0.1"), 390_422);
    assert_eq!(from(&world, "ann", "192.168.0.7"), 390_422);
    assert_eq!(from(&world, "bob", "192.168.0.7"), 0);
    assert_eq!(from(&world, "bob", "10.200.0.1"), 390_422);
    world.run("ALTER USER bob UNSET NETWORK_POLICY");
    world.run("ALTER ACCOUNT UNSET NETWORK_POLICY");
    assert_eq!(from(&world, "bob", "8.8.8.8"), 0);
}

#[test]
fn nobody_locks_themselves_out() {
    let world = World::new(&[
        "CREATE USER ann PASSWORD = 'Secret123' DEFAULT_ROLE = ACCOUNTADMIN",
        "GRANT ROLE ACCOUNTADMIN TO USER ann",
        "CREATE NETWORK POLICY office ALLOWED_IP_LIST = ('10.0.0.0/8')",
    ]);
    let from = |address: &str| {
        let login = world.login_from("ann", of_password("Secret123"), address).expect("a login");
        world.engine.session(login.session_options()).expect("a session")
    };
    let (mut here, mut elsewhere) = (from("10.0.0.1"), from("8.8.8.8"));
    let set = "ALTER ACCOUNT SET NETWORK_POLICY = office";
    let refused = rows(&mut elsewhere, set).expect_err("a lock-out");
    assert!(refused.contains("Requestor IP address, 8.8.8.8, must be included"), "{refused}");
    rows(&mut here, set).expect("the policy has the address");
    let change = "ALTER NETWORK POLICY office SET ALLOWED_IP_LIST = ('11.0.0.0/8')";
    assert!(rows(&mut here, change).is_err());
}

/// A key pair that was made for this test, and a token that it signs.
struct Pair {
    pair: RsaKeyPair,
    public: String,
    fingerprint: String,
}

impl Pair {
    fn read(name: &str) -> Pair {
        let text = match name {
            "one" => include_str!("files/rsa/one.txt"),
            _ => include_str!("files/rsa/two.txt"),
        };
        let mut lines = text.lines();
        let mut line = || lines.next().expect("three lines").to_string();
        let (private, public, fingerprint) = (line(), line(), line());
        let der = STANDARD.decode(private).expect("base 64");
        let pair = RsaKeyPair::from_pkcs8(&der).expect("a private key");
        Pair { pair, public, fingerprint }
    }

    fn token(&self, user: &str, issued: i64, expires: i64) -> Credential {
        let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"RS256","typ":"JWT"}"#);
        let claims = format!(
            r#"{{"iss":"ACCT.{user}.{}","sub":"ACCT.{user}","iat":{issued},"exp":{expires}}}"#,
            self.fingerprint
        );
        let signed = format!("{header}.{}", URL_SAFE_NO_PAD.encode(claims));
        let mut signature = vec![0; self.pair.public().modulus_len()];
        let random = SystemRandom::new();
        let outcome = self.pair.sign(&RSA_PKCS1_SHA256, &random, signed.as_bytes(), &mut signature);
        outcome.expect("a signature");
        Credential::KeyPair(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }
}

#[test]
fn a_key_pair_lets_its_user_in() {
    let (one, two) = (Pair::read("one"), Pair::read("two"));
    let mut world = World::new(&[
        &format!("CREATE USER ann RSA_PUBLIC_KEY = '{}'", one.public),
        "CREATE USER bob",
    ]);
    let now = NOW / 1_000_000_000;
    let code = |world: &World, user: &str, token: Credential| {
        world.login(user, token).map_or_else(|code| code, |_| 0)
    };
    assert_eq!(code(&world, "ann", one.token("ANN", now, now + 60)), 0);
    assert_eq!(code(&world, "ann", two.token("ANN", now, now + 60)), 390_144, "another key");
    assert_eq!(code(&world, "bob", one.token("ANN", now, now + 60)), 390_144, "another user");
    assert_eq!(code(&world, "ann", one.token("BOB", now, now + 60)), 390_144, "of another user");
    assert_eq!(code(&world, "nobody", one.token("NOBODY", now, now + 60)), 390_144);
    assert_eq!(code(&world, "ann", one.token("ANN", now - 600, now - 500)), 390_144, "expired");
    assert_eq!(code(&world, "ann", one.token("ANN", now + 600, now + 660)), 390_144, "of later");
    assert_eq!(code(&world, "ann", one.token("ANN", now - 86_400, now + 86_400)), 390_144, "long");
    let unsigned = URL_SAFE_NO_PAD.encode(r#"{"alg":"none"}"#);
    let forged = Credential::KeyPair(format!("{unsigned}.{unsigned}."));
    assert_eq!(code(&world, "ann", forged), 390_144);
    world.run(&format!("ALTER USER ann SET RSA_PUBLIC_KEY_2 = '{}'", two.public));
    assert_eq!(code(&world, "ann", two.token("ANN", now, now + 60)), 0);
    world.run("DESCRIBE USER ann");
    let prints = "SELECT \"value\" FROM TABLE(RESULT_SCAN(LAST_QUERY_ID())) WHERE \"property\" LIKE '%_FP' ORDER BY \"property\" DESC";
    assert_eq!(world.rows(prints), [one.fingerprint.as_str(), two.fingerprint.as_str()]);
    world.run("ALTER USER ann UNSET RSA_PUBLIC_KEY");
    assert_eq!(code(&world, "ann", one.token("ANN", now, now + 60)), 390_144);
}

/// The secret in the row that made a token.
fn secret(rows: &[String]) -> Credential {
    let row = rows.first().expect("a row");
    Credential::AccessToken(row.split('|').nth(1).expect("a secret").to_string())
}

#[test]
fn access_tokens_are_for_a_user_a_role_and_a_time() {
    let mut world = World::new(&[
        "CREATE ROLE reader",
        "CREATE ROLE writer",
        "CREATE USER ann DEFAULT_ROLE = writer",
        "GRANT ROLE reader TO USER ann",
        "GRANT ROLE writer TO USER ann",
    ]);
    let all = secret(
        &world.rows("ALTER USER ann ADD PROGRAMMATIC ACCESS TOKEN all_roles DAYS_TO_EXPIRY = 2"),
    );
    let one = secret(&world.rows("ALTER USER ann ADD PAT one ROLE_RESTRICTION = 'READER'"));
    let login = world.login("", all.clone()).expect("a token");
    assert_eq!((login.user.as_str(), login.only_role.as_deref()), ("ANN", None));
    let login = world.login("", one.clone()).expect("a token");
    assert_eq!(login.only_role.as_deref(), Some("READER"));
    let mut session = world.engine.session(login.session_options()).expect("a session");
    assert_eq!(session.in_use().role, "READER");
    assert!(rows(&mut session, "USE ROLE writer").is_err(), "the token is for one role");
    assert!(rows(&mut session, "USE SECONDARY ROLES ALL").is_err());
    let other = Credential::AccessToken("firn_x".to_string());
    assert_eq!(world.login("ann", other), Err(394_400));
    world.run("ALTER USER ann MODIFY PAT one SET DISABLED = TRUE");
    assert_eq!(world.login("", one.clone()), Err(394_400));
    world.run("ALTER USER ann MODIFY PAT one SET DISABLED = FALSE COMMENT = 'for reading'");
    let rotated =
        secret(&world.rows("ALTER USER ann ROTATE PAT one EXPIRE_ROTATED_TOKEN_AFTER_HOURS = 1"));
    assert!(world.login("", rotated.clone()).is_ok() && world.login("", one.clone()).is_ok());
    world.clock.advance(60 * MINUTE);
    assert_eq!(world.login("", one), Err(394_400), "the old secret has had its hour");
    world.clock.advance(2 * DAY);
    assert_eq!(world.login("", all), Err(394_400), "it was for two days");
    world.run("REVOKE ROLE reader FROM USER ann");
    assert_eq!(
        world.login("", rotated.clone()),
        Err(394_400),
        "its role is not the user's any more"
    );
    world.run("GRANT ROLE reader TO USER ann");
    assert!(world.login("", rotated.clone()).is_ok());
    world.run("ALTER USER ann REMOVE PAT one");
    assert_eq!(world.login("", rotated), Err(394_400));
}

#[test]
fn sessions_start_as_their_user_wants() {
    let world = World::new(&[
        "CREATE ROLE analyst",
        "CREATE WAREHOUSE small",
        "CREATE DATABASE d",
        "CREATE SCHEMA d.s",
        "GRANT USAGE ON WAREHOUSE small TO ROLE analyst",
        "GRANT USAGE ON DATABASE d TO ROLE analyst",
        "GRANT USAGE ON SCHEMA d.s TO ROLE analyst",
        "CREATE USER ann PASSWORD = 'Secret123' DEFAULT_ROLE = analyst DEFAULT_WAREHOUSE = small DEFAULT_NAMESPACE = d.s DEFAULT_SECONDARY_ROLES = () TIMEZONE = 'Asia/Tokyo'",
        "GRANT ROLE analyst TO USER ann",
    ]);
    let login = world.login("ann", of_password("Secret123")).expect("a login");
    let mut session = world.engine.session(login.session_options()).expect("a session");
    let in_use = session.in_use();
    assert_eq!((in_use.user.as_str(), in_use.role.as_str()), ("ANN", "ANALYST"));
    assert_eq!(in_use.warehouse.as_deref(), Some("SMALL"));
    assert_eq!((in_use.database.as_deref(), in_use.schema.as_deref()), (Some("D"), Some("S")));
    rows(&mut session, "SHOW PARAMETERS LIKE 'TIMEZONE'").expect("parameters");
    let zone = "SELECT \"value\", \"level\" FROM TABLE(RESULT_SCAN(LAST_QUERY_ID()))";
    assert_eq!(rows(&mut session, zone).expect("rows"), ["Asia/Tokyo|USER"]);
    // What is one's own, one may change.
    rows(&mut session, "ALTER USER ann SET DEFAULT_SECONDARY_ROLES = ('ALL') TIMEZONE = 'UTC'")
        .expect("own");
    rows(&mut session, "ALTER USER ADD PAT mine").expect("own");
    for sql in ["ALTER USER ann SET DISABLED = TRUE", "ALTER USER FIRN SET DEFAULT_ROLE = PUBLIC"] {
        assert!(rows(&mut session, sql).is_err(), "{sql}");
    }
}

#[test]
fn the_history_knows_logins_and_no_passwords() {
    let mut world = World::new(&[
        "CREATE USER ann PASSWORD = 'Secret123'",
        "GRANT USAGE ON DATABASE FIRN TO ROLE PUBLIC",
        "GRANT USAGE ON WAREHOUSE COMPUTE_WH TO ROLE PUBLIC",
    ]);
    assert_eq!(world.code("ann", "Wrong123"), 390_100);
    assert_eq!(world.code("ann", "Secret123"), 0);
    let history = "SELECT user_name, client_ip, reported_client_type, first_authentication_factor, is_success, error_code, error_message FROM TABLE(INFORMATION_SCHEMA.LOGIN_HISTORY()) ORDER BY event_id";
    assert_eq!(
        world.rows(history),
        [
            "ANN|10.1.2.3|PythonConnector|PASSWORD|NO|390100|INCORRECT_USERNAME_PASSWORD",
            "ANN|10.1.2.3|PythonConnector|PASSWORD|YES|NULL|NULL",
        ]
    );
    let login = world.login("ann", of_password("Secret123")).expect("a login");
    assert!(!format!("{:?}", of_password("Secret123")).contains("Secret"));
    let mut session = world.engine.session(login.session_options()).expect("a session");
    // She sees her own logins, also where she may not see others'.
    let own = "SELECT COUNT(*), COUNT(DISTINCT user_name) FROM TABLE(FIRN.INFORMATION_SCHEMA.LOGIN_HISTORY())";
    world.run("CREATE USER bob PASSWORD = 'Secret123'");
    assert_eq!(world.code("bob", "Secret123"), 0);
    assert_eq!(rows(&mut session, own).expect("rows"), ["3|1"]);
    let texts = world.rows("SELECT query_text FROM TABLE(INFORMATION_SCHEMA.QUERY_HISTORY()) WHERE query_text ILIKE '%PASSWORD%'");
    assert!(
        texts.iter().any(|text| text.contains("CREATE USER ann PASSWORD = '☺☺☺☺☺'")),
        "{texts:?}"
    );
    assert!(!texts.iter().any(|text| text.contains("Secret123")), "{texts:?}");
}

#[test]
fn a_session_policy_says_how_long_sessions_may_be_idle() {
    let mut world = World::new(&[
        "CREATE USER ann",
        "CREATE SESSION POLICY short SESSION_IDLE_TIMEOUT_MINS = 5",
        "CREATE SESSION POLICY long SESSION_IDLE_TIMEOUT_MINS = 60 SESSION_UI_IDLE_TIMEOUT_MINS = 10",
    ]);
    let limits = |world: &World| {
        let minutes = |browser| {
            let limit = world.engine.idle_limit("ANN", browser);
            limit.map(|limit| limit.as_secs() / 60)
        };
        (minutes(false), minutes(true))
    };
    assert_eq!(limits(&world), (None, None));
    world.run("ALTER ACCOUNT SET SESSION POLICY long");
    assert_eq!(limits(&world), (Some(60), Some(10)));
    world.run("ALTER USER ann SET SESSION POLICY short");
    assert_eq!(limits(&world), (Some(5), Some(240)));
    world.run("ALTER USER ann UNSET SESSION POLICY");
    world.run("ALTER ACCOUNT UNSET SESSION POLICY");
    assert_eq!(limits(&world), (None, None));
}
