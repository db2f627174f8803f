//! Directory tables: ALTER STAGE .. REFRESH, and those that follow their files.

use std::collections::HashSet;
use std::sync::Arc;

use firn_account::CatalogChange;
use firn_account::catalog::{
    Directory, DirectoryChange, DirectoryFile, Header, Object, Stage, VisibleCatalog,
};
use firn_loader::stage::StagedFile;
use firn_types::{Error, ErrorCode, ObjectId, Result};

use crate::engine::Shared;
use crate::session_state::SessionState;
use crate::stages::{self, StageUser};
use crate::task::home;

/// Files that a directory table, or an external table, may have: the account keeps them in memory.
pub(crate) const FILES_MAX: usize = 250_000;

/// A file with what a refresh has done about it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Refreshed {
    /// The path below the stage.
    pub(crate) path: String,
    /// `REGISTERED_NEW`, `REGISTERED_UPDATE` or `UNREGISTERED`.
    pub(crate) status: &'static str,
    /// The same in words.
    pub(crate) description: &'static str,
}

/// What is different about the files of a stage, as far as their paths begin so, since its directory table was refreshed.
///
/// # Errors
/// When the stage has no directory table, cannot be listed, or has too many files.
pub(crate) fn difference(
    session: &SessionState,
    stage: &Stage,
    prefix: &str,
) -> Result<(DirectoryChange, Vec<Refreshed>)> {
    let directory = directory_of(stage)?;
    let account = &session.shared.account;
    let user = StageUser::of(session);
    let opened = stages::of_stage(account, &session.catalog(), &user, stage)?;
    let files = opened.list(prefix)?;
    // The table keeps what is below other paths.
    let others = directory.files().filter(|file| !file.path.starts_with(prefix)).count();
    let all = files.len().saturating_add(others);
    if all > FILES_MAX {
        let text = format!(
            "Stage {} has {all} files; a directory table has at most {FILES_MAX}.",
            stage.header.name
        );
        return Err(Error::new(ErrorCode::ValueTooLarge, text));
    }
    let (mut change, mut told) = (DirectoryChange::default(), Vec::new());
    let mut tell = |path: &str, status, description| {
        told.push(Refreshed { path: path.to_string(), status, description });
    };
    let present: HashSet<&str> = files.iter().map(|file| file.path.as_str()).collect();
    for known in directory.files().filter(|file| file.path.starts_with(prefix)) {
        if !present.contains(known.path.as_str()) {
            tell(&known.path, "UNREGISTERED", "File unregistered successfully.");
            change.unregistered.push(known.path.clone());
        }
    }
    for file in &files {
        let status = match directory.file(&file.path) {
            None => "REGISTERED_NEW",
            Some(known) if known.etag != file.etag || known.size != file.size => {
                "REGISTERED_UPDATE"
            }
            Some(_) => continue,
        };
        tell(&file.path, status, "File registered successfully.");
        change.registered.push(registered(file));
    }
    told.sort();
    Ok((change, told))
}

/// The directory table of a stage.
///
/// # Errors
/// When it has none.
pub(crate) fn directory_of(stage: &Stage) -> Result<&Arc<Directory>> {
    stage.directory.as_ref().ok_or_else(|| {
        let text = format!(
            "Stage {} has no directory table: SET DIRECTORY = (ENABLE = TRUE).",
            stage.header.name
        );
        Error::new(ErrorCode::InvalidStatement, text)
    })
}

fn registered(file: &StagedFile) -> DirectoryFile {
    DirectoryFile {
        path: file.path.clone(),
        size: file.size,
        modified_nanos: file.last_modified,
        etag: file.etag.clone(),
    }
}

/// The stages whose directory tables follow their files; all of them, or those whose time has come.
pub(crate) fn due(shared: &Arc<Shared>, catalog: &VisibleCatalog, all: bool) -> Vec<ObjectId> {
    let now = shared.account.clock().now_nanos();
    let follows = |stage: &&Arc<Stage>| {
        let id = stage.header.id;
        stage.directory.as_ref().is_some_and(|directory| directory.auto_refresh)
            && catalog.is_live(id)
            && (all || shared.tasks.looks.is_due(id, now))
    };
    let stages = catalog.all().filter_map(Object::as_stage).filter(follows);
    stages.map(|stage| stage.header.id).collect()
}

/// Refreshes the directory table of a stage if its files are others; tells whether they were.
///
/// # Errors
/// When the stage cannot be listed.
pub(crate) fn run(shared: &Arc<Shared>, id: ObjectId) -> Result<bool> {
    shared.tasks.looks.looking(shared, id, || {
        let catalog = shared.account.catalog();
        let stage = catalog.object(id).and_then(Object::as_stage).cloned();
        let Some(stage) = stage.filter(|_| catalog.is_live(id)) else { return Ok(false) };
        follow(shared, &stage.header, |session| {
            let (change, told) = difference(session, &stage, "")?;
            let change = CatalogChange::DirectoryRefreshed { stage: id, change };
            Ok((!told.is_empty()).then_some(change))
        })
    })
}

/// Commits how something of the catalog changes that follows files, if they are others; tells whether they were.
///
/// # Errors
/// As `change`, which looks at the files in a session of the owner; when nothing can be committed.
pub(crate) fn follow(
    shared: &Arc<Shared>,
    header: &Header,
    change: impl FnOnce(&SessionState) -> Result<Option<CatalogChange>>,
) -> Result<bool> {
    let session = home::state_of(shared, header, None, Vec::new())?;
    let Some(change) = change(&session)? else { return Ok(false) };
    let space = firn_account::SessionSpace::new(shared.new_session_id());
    let mut transaction = shared.account.begin(&space);
    transaction.apply(change)?;
    transaction.commit_unnoted()?;
    Ok(true)
}
