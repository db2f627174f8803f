//! What a function may know beyond its arguments.

use std::fmt;
use std::sync::{Arc, LazyLock};

use chrono_tz::Tz;
use firn_column::Column;
pub use firn_types::text_format::{TextFormats, TextSettings};
use firn_types::{Error, ObjectId, Result, Value};

use crate::{Call, ForeignFunction, ForeignProcessor};

/// The statement's and the session's facts that functions may depend on. Made once per statement.
#[derive(Clone, Debug)]
pub struct FunctionContext {
    /// When the statement started: nanoseconds since 1970-01-01 UTC.
    pub statement_nanos: i64,
    /// Parameter TIMEZONE.
    pub time_zone: Tz,
    /// CURRENT_DATABASE().
    pub database: Option<String>,
    /// CURRENT_SCHEMA().
    pub schema: Option<String>,
    /// CURRENT_WAREHOUSE().
    pub warehouse: Option<String>,
    /// CURRENT_ROLE().
    pub role: String,
    /// CURRENT_USER().
    pub user: String,
    /// CURRENT_ACCOUNT().
    pub account: String,
    /// CURRENT_SESSION().
    pub session_id: u64,
    /// CURRENT_CLIENT(), when a client has said it.
    pub client: Option<Arc<str>>,
    /// CURRENT_IP_ADDRESS(), unless it is this machine.
    pub address: Option<Arc<str>>,
    /// CURRENT_TRANSACTION().
    pub transaction_id: Option<String>,
    /// What an alert tells its statements.
    pub alert: Option<AlertFacts>,
    /// Formats and habits of text; the parameters are reached through it, as in `text.json_indent`.
    pub text: Arc<TextFormats>,
    /// Parameter WEEK_START: 0 as ISO, 1 Monday .. 7 Sunday.
    pub week_start: u8,
    /// Parameter WEEK_OF_YEAR_POLICY.
    pub week_of_year_policy: u8,
    /// Seed of this statement for RANDOM and its kin.
    pub seed: u64,
    /// Bytes that a function may make for one batch of rows.
    pub made_bytes_max: usize,
    /// What only a session can do.
    pub host: Arc<dyn FunctionHost>,
}

/// What an alert tells its condition and its action. Times are nanoseconds since 1970 UTC.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlertFacts {
    /// For when it was due.
    pub scheduled_nanos: i64,
    /// For when it was due when it last ran without an error.
    pub succeeded_nanos: i64,
    /// The id of its condition's statement, for the action.
    pub condition_query: Option<String>,
}

/// What a function may ask of the session that runs it.
pub trait FunctionHost: Send + Sync + fmt::Debug {
    /// Takes `count` values of a sequence or an AUTOINCREMENT column: the first value and the step.
    ///
    /// # Errors
    /// When the sequence does not exist any more, or its numbers are used up.
    fn sequence_values(&self, sequence: ObjectId, count: u64) -> Result<(i128, i128)>;

    /// The id of an earlier statement of the session: -1 the last one, 1 the first one.
    fn query_id(&self, offset: i64) -> Option<String>;

    /// Looks whether the statement is to end; what takes long asks now and then.
    ///
    /// # Errors
    /// `Canceled`, `StatementTimeout`.
    fn check_canceled(&self) -> Result<()>;

    /// Looks whether the statement may change anything; what changes something by itself asks before.
    ///
    /// # Errors
    /// When it may only read.
    fn check_may_change(&self) -> Result<()>;

    /// Answers a system function that needs the catalog or storage, such as GET_DDL or
    /// SYSTEM$CLUSTERING_INFORMATION; arguments are texts.
    ///
    /// # Errors
    /// When there is no such function, or what it asks about does not exist.
    fn system_function(&self, name: &str, arguments: &[Option<String>]) -> Result<Option<String>>;

    /// Computes a function with a body in another language than SQL: a column of `call.rows` answers from columns
    /// of arguments, each of its parameter's type.
    ///
    /// # Errors
    /// What the body throws; when its language cannot be run here; `Canceled`, `StatementTimeout`.
    fn foreign_function(
        &self,
        function: &Arc<ForeignFunction>,
        call: &Call<'_>,
        arguments: &[Column],
    ) -> Result<Column>;

    /// What runs a table function with a body in another language than SQL; `constants` are the values of those
    /// arguments that are constant.
    ///
    /// # Errors
    /// When its language cannot be run here, or it does not compile.
    fn foreign_table(
        &self,
        function: &Arc<ForeignFunction>,
        constants: &[Option<Value>],
    ) -> Result<Box<dyn ForeignProcessor>>;
}

/// A session that has nothing: for planning constants and for tests.
#[derive(Debug)]
pub struct NoHost;

impl FunctionHost for NoHost {
    fn sequence_values(&self, _: ObjectId, _: u64) -> Result<(i128, i128)> {
        Err(Error::not_supported("a sequence outside a statement"))
    }

    fn query_id(&self, _: i64) -> Option<String> {
        None
    }

    fn check_canceled(&self) -> Result<()> {
        Ok(())
    }

    fn check_may_change(&self) -> Result<()> {
        Ok(())
    }

    fn system_function(&self, name: &str, _: &[Option<String>]) -> Result<Option<String>> {
        Err(Error::not_supported(name))
    }

    fn foreign_function(
        &self,
        function: &Arc<ForeignFunction>,
        _: &Call<'_>,
        _: &[Column],
    ) -> Result<Column> {
        Err(outside(function))
    }

    fn foreign_table(
        &self,
        function: &Arc<ForeignFunction>,
        _: &[Option<Value>],
    ) -> Result<Box<dyn ForeignProcessor>> {
        Err(outside(function))
    }
}

fn outside(function: &ForeignFunction) -> Error {
    Error::not_supported(format!("calls of {} outside a statement", function.name))
}

/// The formats of a session that has set none; to compile their pictures takes as long as many a statement.
static DEFAULT_FORMATS: LazyLock<Arc<TextFormats>> = LazyLock::new(Arc::default);

/// Bytes that a function may make for one batch of rows.
pub const MADE_BYTES_MAX: usize = 1 << 30;

impl Default for FunctionContext {
    fn default() -> FunctionContext {
        FunctionContext {
            statement_nanos: 0,
            time_zone: chrono_tz::America::Los_Angeles,
            database: None,
            schema: None,
            warehouse: None,
            role: "ACCOUNTADMIN".to_string(),
            user: "FIRN".to_string(),
            account: "FIRN".to_string(),
            session_id: 1,
            client: None,
            address: None,
            transaction_id: None,
            alert: None,
            text: Arc::clone(&DEFAULT_FORMATS),
            week_start: 0,
            week_of_year_policy: 0,
            seed: 0,
            made_bytes_max: MADE_BYTES_MAX,
            host: Arc::new(NoHost),
        }
    }
}
