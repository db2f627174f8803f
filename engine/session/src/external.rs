//! The files of external tables: what REFRESH and its kin find, and tables that follow their files.

use std::collections::HashSet;
use std::sync::Arc;

use firn_account::CatalogChange;
use firn_account::catalog::{
    ExternalFile, ExternalTable, FilePartition, FileRegistration, Object, VisibleCatalog,
};
use firn_loader::stage::{FileSelection, Pattern, SharedStage, StagedFile, not_found, select};
use firn_query::bind::invalid_reason;
use firn_types::{Error, ErrorCode, ObjectId, Result};

use crate::directory::{FILES_MAX, Refreshed, follow};
use crate::engine::Shared;
use crate::session_state::SessionState;
use crate::stages::{self, StageUser};

const REGISTERED: &str = "File registered successfully.";
const UNREGISTERED: &str = "File unregistered successfully.";

/// What is to be registered, and what is told of it.
pub(crate) type Found = (FileRegistration, Vec<Refreshed>);

/// Files that are looked at to be registered.
struct Registering<'t> {
    table: &'t ExternalTable,
    change: FileRegistration,
    told: Vec<Refreshed>,
}

impl<'t> Registering<'t> {
    fn of(table: &'t ExternalTable) -> Registering<'t> {
        Registering { table, change: FileRegistration::default(), told: Vec::new() }
    }

    fn tell(&mut self, path: &str, status: &'static str, description: &'static str) {
        self.told.push(Refreshed { path: path.to_string(), status, description });
    }

    /// Registers a file that is new, or has changed.
    fn add(&mut self, file: &StagedFile, partition: Option<&FilePartition>) {
        let status = match self.table.file(&file.path) {
            None => "REGISTERED_NEW",
            Some(known) if known.etag != file.etag || known.size != file.size => {
                "REGISTERED_UPDATE"
            }
            Some(_) => return,
        };
        self.tell(&file.path, status, REGISTERED);
        let path = file.path.clone();
        let mut new = ExternalFile::new(path, file.size, file.last_modified, file.etag.clone());
        new.partition = partition.cloned();
        self.change.registered.push(new);
    }

    fn remove(&mut self, path: &str) {
        self.tell(path, "UNREGISTERED", UNREGISTERED);
        self.change.unregistered.push(path.to_string());
    }

    /// What was found, unless the table would have too many files.
    fn found(mut self) -> Result<Found> {
        let new = self.told.iter().filter(|told| told.status == "REGISTERED_NEW").count();
        let all = self.table.files().count() + new - self.change.unregistered.len();
        if all > FILES_MAX {
            let name = &self.table.header.name;
            let text = format!(
                "External table {name} would have {all} files; it has at most {FILES_MAX}."
            );
            return Err(Error::new(ErrorCode::ValueTooLarge, text));
        }
        self.told.sort();
        Ok((self.change, self.told))
    }
}

/// What is different about the files of a table below a path, since it was refreshed.
///
/// # Errors
/// When the stage is gone or cannot be listed, or there are too many files.
pub(crate) fn difference(
    session: &SessionState,
    table: &ExternalTable,
    below: &str,
) -> Result<Found> {
    let stage = opened(session, table)?;
    let prefix = format!("{}{}", table.path, below.trim_start_matches('/'));
    let files = listed(&stage, table, &prefix)?;
    let mut registering = Registering::of(table);
    let present: HashSet<&str> = files.iter().map(|file| file.path.as_str()).collect();
    for known in table.files().filter(|file| file.path.starts_with(&prefix)) {
        if !present.contains(known.path.as_str()) {
            registering.remove(&known.path);
        }
    }
    files.iter().for_each(|file| registering.add(file, None));
    registering.found()
}

/// Files that are named below the table's folder, or all in a folder that is named.
///
/// # Errors
/// As [`difference`]; a file that is not there.
pub(crate) fn added(
    session: &SessionState,
    table: &ExternalTable,
    named: &[String],
) -> Result<Found> {
    let stage = opened(session, table)?;
    let mut registering = Registering::of(table);
    for path in unique(table, named) {
        match path.ends_with('/') {
            true => listed(&stage, table, &path)?.iter().for_each(|f| registering.add(f, None)),
            false => match stage.find(&path)? {
                Some(file) => registering.add(&file, None),
                None => return Err(not_found(&stage.shown(&path))),
            },
        }
    }
    registering.found()
}

/// Files that the table is to forget.
///
/// # Errors
/// A file that it does not know.
pub(crate) fn removed(table: &ExternalTable, named: &[String]) -> Result<Found> {
    let mut registering = Registering::of(table);
    for path in unique(table, named) {
        let is_meant = |file: &&ExternalFile| match path.ends_with('/') {
            true => file.path.starts_with(&path),
            false => file.path == path,
        };
        let meant: Vec<String> =
            table.files().filter(is_meant).map(|file| file.path.clone()).collect();
        if meant.is_empty() {
            let name = &table.header.name;
            let text = format!("File '{path}' is not registered in external table {name}.");
            return Err(Error::new(ErrorCode::FileNotFound, text));
        }
        meant.iter().for_each(|path| registering.remove(path));
    }
    registering.found()
}

/// The files of a partition that the table's owner adds.
///
/// # Errors
/// As [`difference`]; a folder in which files of another partition are.
pub(crate) fn partition_added(
    session: &SessionState,
    table: &ExternalTable,
    partition: &FilePartition,
) -> Result<Found> {
    let stage = opened(session, table)?;
    let prefix = format!("{}{}", table.path, partition.location);
    let others = table.files().filter(|file| file.path.starts_with(&prefix));
    let other = others.filter_map(|file| file.partition.as_ref()).find(|own| *own != partition);
    if let Some(other) = other {
        let text = format!(
            "Location '{}' has files of partition {} at '{}': DROP PARTITION LOCATION '{}' first.",
            partition.location, other.values, other.location, other.location
        );
        return Err(Error::new(ErrorCode::InvalidStatement, text));
    }
    let files = listed(&stage, table, &prefix)?;
    let outer = |file: &StagedFile| {
        let own = table.file(&file.path).and_then(|known| known.partition.as_ref());
        own.is_none_or(|own| own == partition)
    };
    let mut registering = Registering::of(table);
    files.iter().filter(|file| outer(file)).for_each(|f| registering.add(f, Some(partition)));
    registering.found()
}

/// The files of a partition that goes.
///
/// # Errors
/// When there is no partition at the folder.
pub(crate) fn partition_dropped(table: &ExternalTable, location: &str) -> Result<Found> {
    let mut registering = Registering::of(table);
    let is_of = |file: &&ExternalFile| {
        file.partition.as_ref().is_some_and(|partition| partition.location == location)
    };
    table.files().filter(is_of).for_each(|file| registering.remove(&file.path));
    if registering.told.is_empty() {
        let name = &table.header.name;
        let text = format!("External table {name} has no partition at '{location}'.");
        return Err(Error::new(ErrorCode::NotFound, text));
    }
    registering.found()
}

/// The stage of a table's files.
fn opened(session: &SessionState, table: &ExternalTable) -> Result<SharedStage> {
    let catalog = session.catalog();
    if let Some(reason) = invalid_reason(&catalog, table) {
        let text = format!("External table '{}' is invalid: {reason}", table.header.name);
        return Err(Error::new(ErrorCode::InvalidStatement, text));
    }
    let Some(Object::Stage(stage)) = catalog.object(table.stage) else {
        return Err(Error::internal("a stage that is gone"));
    };
    stages::of_stage(&session.shared.account, &catalog, &StageUser::of(session), stage)
}

/// The files below a path that the table's pattern means.
fn listed(stage: &SharedStage, table: &ExternalTable, prefix: &str) -> Result<Vec<StagedFile>> {
    let pattern = table.pattern.as_deref().map(Pattern::new).transpose()?;
    let selection = FileSelection { prefix: prefix.to_string(), files: None, pattern };
    Ok(select(&**stage, &selection)?.0)
}

/// Paths below the table's folder as paths below its stage, none twice.
fn unique(table: &ExternalTable, named: &[String]) -> Vec<String> {
    let mut seen = HashSet::new();
    let paths = named.iter().map(|path| format!("{}{}", table.path, path.trim_start_matches('/')));
    paths.filter(|path| seen.insert(path.clone())).collect()
}

/// The external tables that follow their files; all of them, or those whose time has come.
pub(crate) fn due(shared: &Arc<Shared>, catalog: &VisibleCatalog, all: bool) -> Vec<ObjectId> {
    let now = shared.account.clock().now_nanos();
    let follows = |table: &&Arc<ExternalTable>| {
        let id = table.header.id;
        table.auto_refresh && catalog.is_live(id) && (all || shared.tasks.looks.is_due(id, now))
    };
    let tables = catalog.all().filter_map(Object::as_external_table).filter(follows);
    tables.map(|table| table.header.id).collect()
}

/// Refreshes an external table if its files are others; tells whether they were.
///
/// # Errors
/// When the stage cannot be listed.
pub(crate) fn run(shared: &Arc<Shared>, id: ObjectId) -> Result<bool> {
    shared.tasks.looks.looking(shared, id, || {
        let catalog = shared.account.catalog();
        let table = catalog.object(id).and_then(Object::as_external_table).cloned();
        let Some(table) = table.filter(|_| catalog.is_live(id)) else { return Ok(false) };
        follow(shared, &table.header, |session| {
            let (change, told) = difference(session, &table, "")?;
            let change = CatalogChange::FilesRegistered { table: id, change };
            Ok((!told.is_empty()).then_some(change))
        })
    })
}
