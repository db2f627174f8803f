//! Pipes that load by themselves: when they look for files, and the statements that load them.
//!
//! What a pipe has loaded is in its own history, which changes in the very commit of the rows: a file is loaded once,
//! whoever dies when. A claim only keeps several processes from doing the same work.

use std::collections::HashMap;
use std::sync::Arc;

use firn_account::catalog::{Object, Pipe, VisibleCatalog};
use firn_execute::dml::{OpenStage, files_for_pipe};
use firn_plan::statement::{CopyIntoTable, StatementPlan};
use firn_query::bind::Binds;
use firn_service::Housekeeping;
use firn_types::{Cancel, Error, ErrorCode, ObjectId, Result};
use parking_lot::Mutex;

use crate::engine::Shared;
use crate::lifecycle::StatementContext;
use crate::session_state::SessionHome;
use crate::stages::Stages;
use crate::task::keep::KeptClaim;
use crate::task::{self, Job, home};

/// How long a pipe rests between two looks, at least, and as a multiple of what a look takes, so that listing a large
/// stage does not take all of a machine's time.
const REST_NANOS: i64 = 1_000_000_000;
const REST_PER_LOOK: i64 = 20;
/// How long it rests after an error.
const REST_AFTER_ERROR_NANOS: i64 = 10_000_000_000;

/// When each pipe of the process looks again, and what it met when it last did.
#[derive(Debug, Default)]
pub(crate) struct Looks(Mutex<HashMap<ObjectId, Look>>);

/// See [`Looks`].
#[derive(Clone, Debug)]
struct Look {
    next_nanos: i64,
    error: Option<String>,
}

impl Looks {
    /// What a pipe's last look met.
    pub(crate) fn error(&self, pipe: ObjectId) -> Option<String> {
        self.0.lock().get(&pipe).and_then(|look| look.error.clone())
    }

    fn is_due(&self, pipe: ObjectId, now_nanos: i64) -> bool {
        self.0.lock().get(&pipe).is_none_or(|look| look.next_nanos <= now_nanos)
    }

    fn note(&self, pipe: ObjectId, look: Look) {
        self.0.lock().insert(pipe, look);
    }

    fn forget(&self, pipe: ObjectId) {
        self.0.lock().remove(&pipe);
    }
}

/// The pipes that have files to load or look for some; all of them, or those whose time has come.
pub(crate) fn due(shared: &Arc<Shared>, catalog: &VisibleCatalog, all: bool) -> Vec<ObjectId> {
    let now = shared.account.clock().now_nanos();
    let pipes = catalog.all().filter_map(Object::as_pipe);
    let due = pipes.filter(|pipe| {
        let id = pipe.header.id;
        !pipe.paused
            && (pipe.auto_ingest || !pipe.queue.is_empty())
            && catalog.is_live(id)
            && (all || shared.tasks.pipes.is_due(id, now))
    });
    due.map(|pipe| pipe.header.id).collect()
}

/// Loads what a pipe has to load, unless somebody else does; tells how many statements that took.
///
/// # Errors
/// What keeps it from loading.
pub(crate) fn run(shared: &Arc<Shared>, id: ObjectId) -> Result<usize> {
    let clock = shared.account.clock();
    let started = clock.now_nanos();
    let outcome = load_all(shared, id);
    let now = clock.now_nanos();
    let rest = match &outcome {
        Ok(_) => now.saturating_sub(started).saturating_mul(REST_PER_LOOK).max(REST_NANOS),
        Err(_) => REST_AFTER_ERROR_NANOS,
    };
    let error = outcome.as_ref().err().map(|error| error.detail().to_string());
    match live(shared, id) {
        Some(_) => {
            let look = Look { next_nanos: now.saturating_add(rest), error };
            shared.tasks.pipes.note(id, look);
        }
        None => shared.tasks.pipes.forget(id),
    }
    outcome
}

fn load_all(shared: &Arc<Shared>, id: ObjectId) -> Result<usize> {
    if !has_files(shared, id)? {
        return Ok(0);
    }
    let job = format!("pipe-{id}");
    let Some(_claim) = KeptClaim::take(&shared.account, &job)? else { return Ok(0) };
    let mut count = 0;
    loop {
        shared.account.refresh()?;
        if shared.tasks.is_stopping() || !has_files(shared, id)? {
            return Ok(count);
        }
        load(shared, id)?;
        count += 1;
    }
}

/// Whether a pipe has anything to load now.
fn has_files(shared: &Arc<Shared>, id: ObjectId) -> Result<bool> {
    let Some(pipe) = live(shared, id).filter(|pipe| !pipe.paused) else { return Ok(false) };
    let Opened { plan, stage } = open(shared, &pipe)?;
    let now = shared.account.clock().now_nanos();
    let (files, missing) = files_for_pipe(&plan, &pipe, &stage, now)?;
    Ok(!files.is_empty() || !missing.is_empty())
}

/// One statement of a pipe.
fn load(shared: &Arc<Shared>, id: ObjectId) -> Result<()> {
    let Some(pipe) = live(shared, id) else { return Ok(()) };
    let home = home_of(shared, &pipe)?;
    let (binds, cancel) = (Binds::default(), Cancel::default());
    let mut statement = StatementContext::inner(&home, &pipe.definition, binds, &cancel);
    statement.pipe = Some(id);
    let ran = statement.run_inside();
    ran.map(|_| ()).map_err(|failure| Error::raised(failure.code, failure.number, failure.message))
}

/// A pipe's statement as it is bound now, and the stage that it reads.
pub(crate) struct Opened {
    /// The statement.
    pub(crate) plan: CopyIntoTable,
    /// The stage.
    pub(crate) stage: OpenStage,
}

/// Opens a pipe's stage with its owner's rights.
///
/// # Errors
/// When its statement cannot be bound any more, or its stage not be opened.
pub(crate) fn open(shared: &Arc<Shared>, pipe: &Pipe) -> Result<Opened> {
    let mut running = StatementContext::described(&home_of(shared, pipe)?, &pipe.definition);
    let statement = running.parsed()?;
    let StatementPlan::CopyIntoTable(plan) = running.plan(&statement)? else {
        return Err(Error::internal("a pipe that does not load"));
    };
    let stage = Stages::of(&running).open(&plan.location)?;
    Ok(Opened { plan, stage })
}

/// Lets a pipe load what it was asked for.
pub(crate) fn wake(shared: &Arc<Shared>, id: ObjectId) {
    match shared.options.housekeeping {
        // What it meets is told by its status and history.
        Housekeeping::Inline => _ = run(shared, id),
        Housekeeping::Background => task::spawn(shared, Job::Pipe(id)),
    }
}

/// The pipe of an id.
pub(crate) fn live(shared: &Arc<Shared>, id: ObjectId) -> Option<Arc<Pipe>> {
    let catalog = shared.account.catalog();
    let pipe = catalog.object(id).and_then(Object::as_pipe).cloned();
    pipe.filter(|_| catalog.is_live(id))
}

/// Why a pipe cannot load, if so: the word for its state, and what is wrong.
pub(crate) fn fault(shared: &Arc<Shared>, pipe: &Pipe) -> Option<(&'static str, String)> {
    match open(shared, pipe) {
        Ok(_) => {
            let error = shared.tasks.pipes.error(pipe.header.id)?;
            Some(("STALLED_EXECUTION_ERROR", error))
        }
        Err(error) => {
            let word = match error.code() {
                ErrorCode::InsufficientPrivileges => "STALLED_STAGE_PERMISSION_ERROR",
                _ => "STALLED_COMPILATION_ERROR",
            };
            Some((word, error.detail().to_string()))
        }
    }
}

fn home_of(shared: &Arc<Shared>, pipe: &Pipe) -> Result<Arc<SessionHome>> {
    let state = home::state_of(shared, &pipe.header, None, Vec::new())?;
    Ok(Arc::new(SessionHome::new(state)))
}
