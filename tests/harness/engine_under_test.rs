//! An engine on an account of its own, and connections to it as sqllogictest wants them.

use std::fmt::Display;
use std::sync::Arc;

use firn_engine::{
    Engine, EngineOptions, Failure, Housekeeping, KeySource, ObjectAccess, RULES, SecretKeys,
    Session, SessionOptions, StatementResult, make_key,
};
use sqllogictest::{DB, DBOutput, DefaultColumnType};
use tempfile::TempDir;

use crate::{Configuration, Place, S3Server, written_row};

/// An account that one test has to itself.
#[derive(Clone, Debug)]
pub struct EngineUnderTest {
    configuration: Configuration,
    location: Location,
    /// Where its keys are.
    keys: Arc<TempDir>,
    engine: Engine,
}

/// What is to be kept to open an account again.
#[derive(Clone, Debug)]
enum Location {
    Memory,
    Folder(Arc<TempDir>),
    Bucket(S3Server),
}

impl EngineUnderTest {
    /// A new account.
    ///
    /// # Errors
    /// When the account cannot be made.
    pub fn new(configuration: Configuration) -> Result<EngineUnderTest, String> {
        let location = match configuration.place {
            Place::Memory => Location::Memory,
            Place::Folder => Location::Folder(Arc::new(TempDir::new().map_err(as_text)?)),
            Place::Bucket => Location::Bucket(S3Server::start().map_err(as_text)?),
        };
        let keys = Arc::new(TempDir::new().map_err(as_text)?);
        let engine = open(configuration, &location, &keys)?;
        Ok(EngineUnderTest { configuration, location, keys, engine })
    }

    /// A new connection.
    ///
    /// # Errors
    /// When the session cannot be started.
    pub fn connect(&self) -> Result<Connection, String> {
        let mut engine = self.clone();
        if self.configuration.place == Place::Bucket {
            engine.engine = open(self.configuration, &self.location, &self.keys)?;
        }
        let session = engine.session()?;
        Ok(Connection { engine, session })
    }

    fn session(&self) -> Result<Session, String> {
        self.engine.session(SessionOptions::default()).map_err(as_text)
    }
}

fn open(
    configuration: Configuration,
    location: &Location,
    keys: &TempDir,
) -> Result<Engine, String> {
    let rules_off = RULES.iter().map(|rule| rule.name.to_string());
    let options = EngineOptions {
        threads: Some(configuration.threads),
        housekeeping: Housekeeping::Inline,
        memory_bytes: configuration.memory_bytes,
        batch_rows_max: configuration.batch_rows_max,
        rules_off: rules_off.filter(|_| !configuration.rules).collect(),
        keys: SecretKeys::Folder(keys.path().to_path_buf()),
        at_rest: at_rest(configuration, keys)?,
        ..EngineOptions::default()
    };
    let engine = match location {
        Location::Memory => Engine::open(":memory:", options),
        Location::Folder(folder) => Engine::open(&folder.path().to_string_lossy(), options),
        Location::Bucket(server) => {
            let store = server.store().map_err(as_text)?;
            Engine::over(ObjectAccess::over(store, "s3://bucket"), options)
        }
    };
    engine.map_err(as_text)
}

/// The key of an encrypted account; where `FIRN_SEALED` is set, all are.
fn at_rest(configuration: Configuration, keys: &TempDir) -> Result<Option<KeySource>, String> {
    if !configuration.encrypted && std::env::var_os("FIRN_SEALED").is_none() {
        return Ok(None);
    }
    let file = keys.path().join("at_rest");
    if !file.exists() {
        make_key(&file).map_err(as_text)?;
    }
    Ok(Some(KeySource::File(file)))
}

fn as_text(error: impl Display) -> String {
    error.to_string()
}

/// One connection to the engine under test.
#[derive(Debug)]
pub struct Connection {
    engine: EngineUnderTest,
    session: Session,
}

impl Connection {
    /// Runs a statement.
    ///
    /// # Errors
    /// The statement's failure.
    pub fn execute(&mut self, sql: &str) -> Result<StatementResult, Failure> {
        let result = self.session.execute(sql);
        if self.engine.configuration.place == Place::Folder {
            self.reopen();
        }
        result
    }

    /// Opens the account anew, as another process would.
    fn reopen(&mut self) {
        let EngineUnderTest { configuration, location, keys, .. } = &self.engine;
        self.engine.engine = open(*configuration, location, keys).expect("the account opens again");
        self.session = self.engine.session().expect("a session starts again");
    }
}

impl DB for Connection {
    type Error = Failure;
    type ColumnType = DefaultColumnType;

    fn run(&mut self, sql: &str) -> Result<DBOutput<DefaultColumnType>, Failure> {
        let result = self.execute(sql)?;
        let mut rows = Vec::with_capacity(result.rows());
        result
            .for_each_row(&mut |row| rows.push(vec![written_row(row)]))
            .expect("every value can be printed");
        // A row is one text, so that blanks in cells are compared exactly.
        Ok(DBOutput::Rows { types: vec![DefaultColumnType::Text], rows })
    }
}
