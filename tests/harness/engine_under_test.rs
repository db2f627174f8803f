//! An engine on an account of its own, and connections to it as sqllogictest wants them.

use std::sync::Arc;

use firn_engine::{Engine, EngineOptions, Failure, Session, SessionOptions, StatementResult};
use sqllogictest::{DB, DBOutput, DefaultColumnType};
use tempfile::TempDir;

use crate::{Configuration, written_row};

/// An account that one test has to itself.
#[derive(Clone, Debug)]
pub struct EngineUnderTest {
    configuration: Configuration,
    /// The account's folder, there when the configuration wants one.
    folder: Option<Arc<TempDir>>,
    engine: Engine,
}

impl EngineUnderTest {
    /// A new account.
    ///
    /// # Errors
    /// When the account cannot be made.
    pub fn new(configuration: Configuration) -> Result<EngineUnderTest, String> {
        let folder = match configuration.reopen {
            true => Some(Arc::new(TempDir::new().map_err(|error| error.to_string())?)),
            false => None,
        };
        let engine = open(configuration, folder.as_deref())?;
        Ok(EngineUnderTest { configuration, folder, engine })
    }

    /// A new connection.
    ///
    /// # Errors
    /// When the session cannot be started.
    pub fn connect(&self) -> Result<Connection, String> {
        let session = self.session()?;
        Ok(Connection { engine: self.clone(), session })
    }

    fn session(&self) -> Result<Session, String> {
        self.engine.session(SessionOptions::default()).map_err(|error| error.to_string())
    }
}

fn open(configuration: Configuration, folder: Option<&TempDir>) -> Result<Engine, String> {
    let options = EngineOptions { threads: configuration.threads, ..EngineOptions::default() };
    let place = folder.map_or(":memory:".into(), |folder| folder.path().to_string_lossy());
    Engine::open(&place, options).map_err(|error| error.to_string())
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
        if self.engine.configuration.reopen {
            self.reopen();
        }
        result
    }

    /// Opens the account anew, as another process would.
    fn reopen(&mut self) {
        let folder = self.engine.folder.as_deref();
        self.engine.engine =
            open(self.engine.configuration, folder).expect("the account opens again");
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
