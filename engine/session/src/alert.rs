//! Alerts that run by themselves.
//!
//! An alert is run by who has a claim on it. That it has begun is in the account, and that it has ended is part of its action's
//! own commit, so that a process that takes over from one that was killed does not act twice.

use std::sync::Arc;

use firn_account::CatalogChange;
use firn_account::catalog::{Alert, AlertProgress, Object, ObjectKind, VisibleCatalog};
use firn_functions::context::AlertFacts;
use firn_query::bind::Binds;
use firn_storage::format::v1::AlertRun;
use firn_types::{Cancel, Error, ErrorCode, ObjectId, Result};

use crate::engine::Shared;
use crate::lifecycle::{AtCommit, RanInside, StatementContext};
use crate::session_state::SessionHome;
use crate::task::keep::KeptClaim;
use crate::task::schedule::Schedule;
use crate::task::{self, home};

/// How often a change of an alert is tried that others have changed meanwhile.
const ATTEMPTS: usize = 16;

/// The alerts that are due.
pub(crate) fn due(catalog: &VisibleCatalog, now_nanos: i64) -> Vec<ObjectId> {
    let alerts = catalog.all().filter_map(Object::as_alert);
    let due = alerts.filter(|alert| catalog.is_live(alert.header.id) && is_due(alert, now_nanos));
    due.map(|alert| alert.header.id).collect()
}

/// When an alert is due next by its schedule: nanoseconds since 1970 UTC.
pub(crate) fn next_of(alert: &Alert) -> Option<i64> {
    Schedule::parse(&alert.schedule).ok()?.next(counted_from(alert))
}

fn counted_from(alert: &Alert) -> i64 {
    alert.resumed_nanos.max(alert.progress.scheduled_nanos)
}

fn due_time(alert: &Alert, now_nanos: i64) -> Option<i64> {
    let schedule = Schedule::parse(&alert.schedule).ok().filter(|_| alert.started)?;
    schedule.last_due(counted_from(alert), now_nanos)
}

fn is_due(alert: &Alert, now_nanos: i64) -> bool {
    let progress = &alert.progress;
    progress.requested || progress.running.is_some() || due_time(alert, now_nanos).is_some()
}

/// Runs an alert if it is due, and nobody else runs it; tells whether it did.
///
/// # Errors
/// `Storage` when the account cannot be read or written.
pub(crate) fn run(shared: &Arc<Shared>, id: ObjectId) -> Result<bool> {
    let job = format!("alert-{id}");
    let Some(_claim) = KeptClaim::take(&shared.account, &job)? else { return Ok(false) };
    shared.account.refresh()?;
    let runner = Runner { shared, id };
    let Some((alert, scheduled)) = runner.begin()? else { return Ok(false) };
    let mut run = runner.new_run(&alert, scheduled)?;
    let outcome = runner.look_and_act(&alert, scheduled, &mut run);
    let (state, ended, error) = match outcome {
        Ok(Acted { state, ended }) => (state, ended, None),
        Err((state, error)) => (state, false, Some(error)),
    };
    if !ended {
        runner.end(scheduled, error.is_none())?;
    }
    run.state = state.to_string();
    run.error = error.map(|error| (error.code().number(), error.detail().to_string()));
    run.ended_nanos = runner.now();
    if shared.archive.add_alert(run.clone(), run.ended_nanos) {
        shared.maintenance().service().wake();
    }
    shared.tasks.alerts.push(run);
    Ok(true)
}

/// How a run went without an error, and whether the account knows it.
struct Acted {
    state: &'static str,
    ended: bool,
}

/// The run of one alert.
struct Runner<'a> {
    shared: &'a Arc<Shared>,
    id: ObjectId,
}

impl Runner<'_> {
    fn alert(&self) -> Result<Arc<Alert>> {
        let catalog = self.shared.account.catalog();
        let alert = catalog.object(self.id).and_then(Object::as_alert).cloned();
        let alert = alert.filter(|_| catalog.is_live(self.id));
        alert.ok_or_else(|| Error::new(ErrorCode::ObjectNotFound, "The alert is gone."))
    }

    fn now(&self) -> i64 {
        self.shared.account.clock().now_nanos()
    }

    /// The run to go on with, or a new one of what is due: the time that it is for.
    fn begin(&self) -> Result<Option<(Arc<Alert>, i64)>> {
        let now = self.now();
        self.change(|alert| {
            let mut progress = alert.progress.clone();
            let scheduled = match (progress.running, progress.requested) {
                (Some(scheduled), _) => Some(scheduled),
                (None, true) => Some(now),
                (None, false) => {
                    due_time(alert, now).inspect(|due| progress.scheduled_nanos = *due)
                }
            };
            progress.requested &= progress.running.is_some();
            progress.running = scheduled;
            let begun = scheduled.map(|scheduled| (Arc::clone(alert), scheduled));
            (progress, begun)
        })
    }

    /// Notes in the account that the run has ended.
    fn end(&self, scheduled: i64, succeeded: bool) -> Result<()> {
        self.change(|alert| (ended(&alert.progress, scheduled, succeeded), ()))
    }

    /// Changes how far the alert has come; where others have changed it meanwhile, on what they left.
    fn change<T>(&self, change: impl Fn(&Arc<Alert>) -> (AlertProgress, T)) -> Result<T> {
        let account = &self.shared.account;
        for _ in 0..ATTEMPTS {
            let alert = self.alert()?;
            let (progress, answer) = change(&alert);
            if progress == alert.progress {
                return Ok(answer);
            }
            let space = firn_account::SessionSpace::new(self.shared.new_session_id());
            let mut transaction = account.begin(&space);
            transaction.apply(CatalogChange::AlertProgressed { alert: self.id, progress })?;
            match transaction.commit_unnoted() {
                Ok(()) => return Ok(answer),
                Err(error) if error.code() == ErrorCode::LockTimeout => account.refresh()?,
                Err(error) => return Err(error),
            }
        }
        Err(Error::new(ErrorCode::LockTimeout, "The alert is changed by others all the time."))
    }

    fn new_run(&self, alert: &Alert, scheduled_nanos: i64) -> Result<AlertRun> {
        let path = self.shared.account.catalog().path_of(&alert.header)?;
        Ok(AlertRun {
            alert: self.id.0,
            name: [path.database, path.schema, path.name],
            texts: [alert.condition.clone(), alert.action.clone()],
            query_ids: [None, None],
            state: String::new(),
            error: None,
            scheduled_nanos,
            ended_nanos: scheduled_nanos,
        })
    }

    /// Runs the condition, and the action where it has rows.
    fn look_and_act(
        &self,
        alert: &Alert,
        scheduled: i64,
        run: &mut AlertRun,
    ) -> std::result::Result<Acted, (&'static str, Error)> {
        let failed = |state| move |error| (state, error);
        let succeeded = alert.progress.succeeded.unwrap_or(alert.header.created_nanos);
        let mut context = AlertFacts {
            scheduled_nanos: scheduled,
            succeeded_nanos: succeeded,
            condition_query: None,
        };
        let home = self.home_of(alert, &context).map_err(failed("FAILED"))?;
        let statement = inner(&home, &alert.condition);
        context.condition_query = Some(statement.query_id.0.clone());
        run.query_ids[0].clone_from(&context.condition_query);
        let found = ran(statement).map_err(failed("CONDITION_FAILED"))?;
        if found.result.rows() == 0 {
            return Ok(Acted { state: "CONDITION_FALSE", ended: false });
        }
        let home = self.home_of(alert, &context).map_err(failed("FAILED"))?;
        let id = self.id;
        // Somebody may ask for the next run while the action runs.
        let mark = Arc::new(AtCommit::new(move |catalog| {
            let alert = catalog.object(id).and_then(Object::as_alert);
            let progress = alert.map(|alert| ended(&alert.progress, scheduled, true));
            CatalogChange::AlertProgressed { alert: id, progress: progress.unwrap_or_default() }
        }));
        let mut statement = inner(&home, &alert.action);
        statement.at_commit = Some(Arc::clone(&mark));
        run.query_ids[1] = Some(statement.query_id.0.clone());
        ran(statement).map_err(failed("ACTION_FAILED"))?;
        Ok(Acted { state: "TRIGGERED", ended: mark.is_done() })
    }

    fn home_of(&self, alert: &Alert, context: &AlertFacts) -> Result<Arc<SessionHome>> {
        let catalog = task::seen(&self.shared.account.catalog());
        home::require_execute(&catalog, ObjectKind::Alert, &alert.header)?;
        let mut state =
            home::state_of(self.shared, &alert.header, alert.warehouse.clone(), Vec::new())?;
        state.alert = Some(Arc::new(context.clone()));
        Ok(Arc::new(SessionHome::new(state)))
    }
}

/// How far an alert has come when a run has ended.
fn ended(progress: &AlertProgress, scheduled: i64, succeeded: bool) -> AlertProgress {
    let mut progress = progress.clone();
    progress.running = None;
    if succeeded {
        progress.succeeded = Some(scheduled);
    }
    progress
}

fn inner(home: &Arc<SessionHome>, text: &str) -> StatementContext {
    StatementContext::inner(home, text, Binds::default(), &Cancel::default())
}

fn ran(statement: StatementContext) -> Result<RanInside> {
    statement.run_inside().map_err(|failure| failure.raised())
}
