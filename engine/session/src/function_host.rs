//! What the floors below may ask of the session.

use std::sync::Arc;

use firn_account::catalog::Stream;
use firn_account::{Account, Catalog, SessionSpace};
use firn_column::Column;
use firn_execute::{VirtualRows, VirtualTables};
use firn_functions::{Call, ForeignFunction, ForeignProcessor, FunctionHost};
use firn_plan::VirtualSource;
use firn_plan::statement::Query;
use firn_query::bind::{BindServices, Binds, PlaceRule, StreamStart, TimePoint, TypedValue};
use firn_storage::Snapshot;
use firn_types::{
    Cancel, Error, ErrorCode, Field, Language, ObjectId, QueryId, Result, SqlType, Value,
};

use crate::admission::Admission;
use crate::foreign::ForeignCode;
use crate::history::{History, QueryRecord};
use crate::introspect;
use crate::lifecycle::StatementContext;
use crate::script;
use crate::session_state::{SessionHome, SessionState};

/// What the binder asks.
#[derive(Debug)]
pub(crate) struct BindView<'r> {
    pub(crate) running: &'r StatementContext,
}

impl BindServices for BindView<'_> {
    fn catalog_at(&self, point: &TimePoint, before: bool) -> Result<(Arc<Catalog>, i64)> {
        let (catalog, nanos) = past(&self.running.session, point, before)?;
        Ok((Arc::new(catalog), nanos))
    }

    fn stream_start(&self, stream: &Stream) -> Result<StreamStart> {
        let session = &self.running.session;
        let facts = session.transaction.facts();
        let before = facts.as_ref().and_then(|open| open.consumed.get(&stream.header.id));
        let stream = before.map_or(stream, Arc::as_ref);
        let account = &session.shared.account;
        if account.catalog().stale_after(stream) < self.running.start_nanos {
            let text = format!(
                "Stream {} is stale: what has changed since it was last consumed is not kept any more. Recreate \
                 it with CREATE OR REPLACE STREAM.",
                stream.header.name
            );
            return Err(Error::new(ErrorCode::TimeTravelUnavailable, text));
        }
        let catalog = account.catalog_at(&firn_account::TimePoint::Version(stream.offset))?;
        Ok(StreamStart { catalog: Arc::new(catalog), initial: stream.initial })
    }

    fn changes_end(&self) -> Result<Arc<Catalog>> {
        let session = &self.running.session;
        let account = &session.shared.account;
        match session.transaction.facts() {
            Some(open) => {
                let start = firn_account::TimePoint::Version(open.start_version);
                account.catalog_at(&start).map(Arc::new)
            }
            None => Ok(Arc::new(account.catalog())),
        }
    }

    fn rows_between(&self, table: ObjectId, versions: (u64, u64)) -> Result<Vec<Arc<Snapshot>>> {
        self.running.session.shared.account.rows_between(table, versions)
    }

    fn result_fields(&self, query_id: &str) -> Result<Vec<Field>> {
        self.running.session.result(query_id).map(|result| result.fields)
    }

    fn information_schema_fields(&self, view: &str) -> Option<Vec<Field>> {
        introspect::information_schema::fields(view)
    }

    fn account_usage_fields(&self, view: &str) -> Option<Vec<Field>> {
        introspect::account_usage::fields(view)
    }

    fn function_fields(
        &self,
        name: &str,
        arguments: &[(String, Value)],
    ) -> Result<Option<Vec<Field>>> {
        introspect::table_function::fields(name, arguments)
    }

    fn values_of(&self, query: Query, next_column: u32) -> Result<Vec<Value>> {
        if self.running.placeholders.rule() == PlaceRule::DescribeOnly {
            return Err(Error::not_supported("describing a PIVOT whose columns are values"));
        }
        let query = self.running.optimized(query, next_column)?;
        let answer = self.running.rows_of(&query)?;
        let [field] = answer.fields.as_slice() else {
            return Err(Error::internal("values come from one column"));
        };
        let mut values = Vec::new();
        for batch in &answer.batches {
            let column = batch.column(0);
            values.extend((0..batch.rows()).map(|row| column.value(row, field.sql_type)));
        }
        Ok(values)
    }
}

/// The account as it was at a moment, or just before it, and when that was.
///
/// The account knows the statements that changed it; the others are known as long as the history keeps
/// them, and the account is as it was when they ran.
///
/// # Errors
/// `TimeTravelUnavailable` and `StatementNotFound`.
pub(crate) fn past(
    session: &SessionState,
    point: &TimePoint,
    before: bool,
) -> Result<(Catalog, i64)> {
    let account = &session.shared.account;
    let moment = account_point(point, before)?;
    match (point, account.time_of(&moment)) {
        (TimePoint::Statement(id), Err(error)) if error.code() == ErrorCode::StatementNotFound => {
            let record = session.shared.statements.find(id).ok_or(error)?;
            let end = record.end.get().map_or(record.start_nanos, |end| end.nanos);
            let nanos = if before { record.start_nanos } else { end };
            Ok((account.catalog_at(&firn_account::TimePoint::At(nanos))?, nanos))
        }
        (_, time) => {
            let nanos = time?.unwrap_or(i64::MIN);
            Ok((account.catalog_at(&moment)?, nanos))
        }
    }
}

/// The moment in the account's words.
///
/// # Errors
/// `TimeTravelUnavailable` for a time that 64 bits of nanoseconds do not hold.
fn account_point(point: &TimePoint, before: bool) -> Result<firn_account::TimePoint> {
    use firn_account::TimePoint as Moment;
    Ok(match point {
        TimePoint::Nanos(nanos) => {
            let nanos = i64::try_from(*nanos).map_err(|_| {
                let text = "Time travel data is not available. The requested time is either beyond the \
                            allowed time travel period or before the object creation time.";
                Error::new(ErrorCode::TimeTravelUnavailable, text)
            })?;
            if before { Moment::Before(nanos) } else { Moment::At(nanos) }
        }
        TimePoint::Version(version) => Moment::Version(*version),
        TimePoint::Statement(id) => {
            let id = QueryId(id.clone());
            if before { Moment::BeforeStatement(id) } else { Moment::AtStatement(id) }
        }
    })
}

pub(crate) fn statement_not_found(query_id: &str) -> Error {
    Error::new(ErrorCode::StatementNotFound, format!("Statement {query_id} not found"))
}

/// What functions ask while a statement runs.
#[derive(Debug)]
pub(crate) struct SessionHost {
    account: Account,
    space: Arc<SessionSpace>,
    context: introspect::IntrospectionContext,
    history: Arc<History>,
    cancel: Cancel,
    foreign: Arc<ForeignCode>,
    home: Arc<SessionHome>,
    statement: Arc<QueryRecord>,
    last_transaction: Option<String>,
    reads_only: bool,
}

impl SessionHost {
    /// The services of a session as a statement sees it now.
    pub(crate) fn of(running: &StatementContext) -> SessionHost {
        let session = &running.session;
        SessionHost {
            account: session.shared.account.clone(),
            space: Arc::clone(&session.space),
            context: introspect::IntrospectionContext::of(running),
            history: Arc::clone(&session.history),
            cancel: running.monitor.cancel.clone(),
            foreign: Arc::clone(&running.foreign),
            home: Arc::clone(running.home()),
            statement: Arc::clone(&running.record),
            last_transaction: session.transaction.last(),
            reads_only: session.reads_only,
        }
    }
}

impl FunctionHost for SessionHost {
    fn sequence_values(&self, sequence: ObjectId, count: u64) -> Result<(i128, i128)> {
        let mut transaction = self.account.begin(&self.space);
        let block = transaction.next_values(sequence, count)?;
        Ok((i128::from(block.first), i128::from(block.step)))
    }

    fn query_id(&self, offset: i64) -> Option<String> {
        self.history.query_id(offset)
    }

    fn check_canceled(&self) -> Result<()> {
        self.cancel.check()
    }

    fn check_may_change(&self) -> Result<()> {
        if self.reads_only { Err(reads_only()) } else { Ok(()) }
    }

    fn system_function(&self, name: &str, arguments: &[Option<String>]) -> Result<Option<String>> {
        match name {
            "CURRENT_STATEMENT" => Ok(Some(self.statement.text.clone())),
            "LAST_TRANSACTION" => Ok(self.last_transaction.clone()),
            _ => introspect::system_function::answer(&self.context, name, arguments),
        }
    }

    fn foreign_function(
        &self,
        function: &Arc<ForeignFunction>,
        call: &Call<'_>,
        arguments: &[Column],
    ) -> Result<Column> {
        match function.code.language {
            Language::Sql => {
                script::call_function(&self.home, &self.cancel, function, call, arguments)
            }
            _ => self.foreign.call(function, call, arguments),
        }
    }

    fn foreign_table(
        &self,
        function: &Arc<ForeignFunction>,
        constants: &[Option<Value>],
    ) -> Result<Box<dyn ForeignProcessor>> {
        self.foreign.table(function, constants)
    }
}

/// The error of what would change something in a procedure whose rows a query reads.
pub(crate) fn reads_only() -> Error {
    let text = "Only SELECT, SHOW, DESCRIBE and CALL may be run by a procedure that stands in FROM, and no function that \
                changes anything.";
    Error::new(ErrorCode::InvalidStatement, text)
}

/// The session's own tables while a statement runs.
#[derive(Debug)]
pub(crate) struct SessionTables {
    session: SessionState,
    context: introspect::IntrospectionContext,
    cancel: Cancel,
    admission: Admission,
}

impl SessionTables {
    /// The tables of a session as a statement sees it now.
    pub(crate) fn of(running: &StatementContext) -> SessionTables {
        SessionTables {
            session: running.session.clone(),
            context: introspect::IntrospectionContext::of(running),
            cancel: running.monitor.cancel.clone(),
            admission: running.admission(),
        }
    }

    /// The rows of a procedure, whose statements take places in the warehouse.
    fn called(&self, name: &str, arguments: &[(Value, SqlType)]) -> Result<VirtualRows> {
        let mut session = self.session.clone();
        session.reads_only = true;
        let home = Arc::new(SessionHome::inside(session));
        let typed = |(value, sql_type): &(Value, SqlType)| TypedValue {
            value: value.clone(),
            sql_type: *sql_type,
        };
        let positional = arguments.iter().map(typed).collect();
        let binds = Binds { positional, ..Binds::default() };
        let places = vec!["?"; arguments.len()].join(", ");
        let sql = format!("CALL {name}({places})");
        let ran = StatementContext::inner(&home, &sql, binds, &self.cancel).run_inside();
        let ran = ran.map_err(|failure| failure.raised())?;
        Ok(VirtualRows::Spool(ran.result.spool))
    }
}

impl VirtualTables for SessionTables {
    fn scan(&self, source: &VirtualSource) -> Result<VirtualRows> {
        let rows = match source {
            VirtualSource::Result { query_id } => {
                return Ok(VirtualRows::Spool(self.session.result(query_id)?.spool));
            }
            VirtualSource::InformationSchema { database, view } => {
                introspect::information_schema::rows(&self.context, database, view)?
            }
            VirtualSource::AccountUsage { view } => {
                introspect::account_usage::rows(&self.context, view)?
            }
            VirtualSource::Procedure { name, arguments } => {
                return self.admission.outside(|| self.called(name, arguments));
            }
            VirtualSource::Function { name, arguments } => {
                introspect::table_function::rows(&self.context, name, arguments)?
            }
        };
        Ok(VirtualRows::Batches(vec![rows.batch()?]))
    }
}
