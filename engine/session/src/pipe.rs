//! Pipes that load by themselves: when they look for files, and the statements that load them.
//!
//! What a pipe has loaded is in its own history, which changes in the very commit of the rows: a file is loaded once,
//! whoever dies when. A claim only keeps several processes from doing the same work.

use std::sync::Arc;

use firn_account::CatalogChange;
use firn_account::catalog::{Object, Pipe, QueuedFile, VisibleCatalog};
use firn_execute::dml::{OpenStage, files_for_pipe};
use firn_plan::statement::{CopyIntoTable, StatementPlan};
use firn_query::bind::Binds;
use firn_service::Housekeeping;
use firn_types::{Cancel, Error, ErrorCode, ObjectId, Result};

use crate::engine::Shared;
use crate::lifecycle::StatementContext;
use crate::session_state::SessionHome;
use crate::stages::Stages;
use crate::task::keep::KeptClaim;
use crate::task::{self, Job, home};

/// Files that may wait for a pipe: the account keeps them in memory.
const QUEUE_MAX: usize = 100_000;

/// The pipes that have files to load or look for some; all of them, or those whose time has come.
pub(crate) fn due(shared: &Arc<Shared>, catalog: &VisibleCatalog, all: bool) -> Vec<ObjectId> {
    let now = shared.account.clock().now_nanos();
    let pipes = catalog.all().filter_map(Object::as_pipe);
    let due = pipes.filter(|pipe| {
        let id = pipe.header.id;
        !pipe.paused
            && (pipe.auto_ingest || !pipe.queue.is_empty())
            && catalog.is_live(id)
            && (all || shared.tasks.looks.is_due(id, now))
    });
    due.map(|pipe| pipe.header.id).collect()
}

/// Loads what a pipe has to load, unless somebody else does; tells how many statements that took.
///
/// # Errors
/// What keeps it from loading.
pub(crate) fn run(shared: &Arc<Shared>, id: ObjectId) -> Result<usize> {
    shared.tasks.looks.looking(shared, id, || load_all(shared, id))
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
    Ok(!files_for_pipe(&plan, &pipe, &stage, now)?.is_empty())
}

/// One statement of a pipe.
fn load(shared: &Arc<Shared>, id: ObjectId) -> Result<()> {
    let Some(pipe) = live(shared, id) else { return Ok(()) };
    let home = home_of(shared, &pipe)?;
    let (binds, cancel) = (Binds::default(), Cancel::default());
    let mut statement = StatementContext::inner(&home, &pipe.definition, binds, &cancel);
    statement.pipe = Some(id);
    statement.run_inside().map(|_| ()).map_err(|failure| failure.raised())
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

/// Asks a pipe to load files.
///
/// # Errors
/// `ValueTooLarge` when too many would wait.
pub(crate) fn ask(
    running: &mut StatementContext,
    pipe: &Pipe,
    files: Vec<QueuedFile>,
) -> Result<()> {
    let known = |file: &&QueuedFile| pipe.queue.contains(&file.path);
    let new = files.len() - files.iter().filter(known).count();
    let waiting = pipe.waiting(running.start_nanos) + new;
    if waiting > QUEUE_MAX {
        let text = format!(
            "Pipe {} would have {waiting} files to load; at most {QUEUE_MAX} may wait.",
            pipe.header.name
        );
        return Err(Error::new(ErrorCode::ValueTooLarge, text));
    }
    if files.is_empty() {
        return Ok(());
    }
    let (id, shared) = (pipe.header.id, Arc::clone(&running.session.shared));
    running.change(vec![CatalogChange::PipeQueued { pipe: id, files }])?;
    wake(&shared, id);
    Ok(())
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
            let error = shared.tasks.looks.error(pipe.header.id)?;
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
