//! The files that functions import, from their stages to a folder.

use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;

use firn_account::catalog::{Action, Namespace, ObjectPath};
use firn_functions::ForeignFunction;
use firn_loader::stage::SharedStage;
use firn_parse::ast::StageKind;
use firn_plan::StageLocation;
use firn_python::Importer;
use firn_types::{Error, ErrorCode, Monitor, Result};

use crate::session_state::SessionState;
use crate::stages::{self, StageUser};

/// Bytes of all files that one function imports.
const IMPORTS_BYTES_MAX: u64 = 1 << 30;

/// Brings what functions import. Whoever calls a function must be allowed to read the files, too.
pub(crate) fn importer(session: SessionState) -> Box<Importer> {
    Box::new(move |function, folder| import(&session, function, folder))
}

fn import(session: &SessionState, function: &ForeignFunction, folder: &Path) -> Result<()> {
    let mut room = IMPORTS_BYTES_MAX;
    for written in function.code.handler.iter().flat_map(|handler| &handler.imports) {
        let (stage, path) = find(session, written)?;
        let name = path.rsplit('/').next().unwrap_or(&path);
        let unwritten = |error: std::io::Error| {
            let text =
                format!("Import '{written}' cannot be copied to {}: {error}", folder.display());
            Error::new(ErrorCode::Storage, text)
        };
        let mut from = stage.read(&path)?.take(room + 1);
        let mut to = File::create(folder.join(name)).map_err(unwritten)?;
        let copied = std::io::copy(&mut from, &mut to).map_err(unwritten)?;
        to.flush().map_err(unwritten)?;
        room = room.checked_sub(copied).ok_or_else(|| {
            let text = format!(
                "The imports of {} have more than {IMPORTS_BYTES_MAX} bytes",
                function.name
            );
            Error::new(ErrorCode::ValueTooLarge, text)
        })?;
    }
    Ok(())
}

/// The stage of an import, and the file's path in it.
fn find(session: &SessionState, written: &str) -> Result<(SharedStage, String)> {
    let location = firn_parse::parse_location(written).map_err(Error::without_span)?;
    let catalog = session.catalog().as_engine();
    let gone = || {
        let text = format!("Import '{written}': the stage does not exist any more");
        Error::new(ErrorCode::NotFound, text)
    };
    let StageKind::Named(name) = &location.kind else { return Err(gone()) };
    let [database, schema, name] = name.parts.as_slice() else { return Err(gone()) };
    let path = ObjectPath {
        database: database.name.clone(),
        schema: schema.name.clone(),
        name: name.name.clone(),
    };
    let stage = catalog.find_path(Namespace::Stage, &path).ok_or_else(gone)?;
    session.catalog().authorize(Action::ReadFiles, stage)?;
    let place = StageLocation::Named(stage.id());
    let account = &session.shared.account;
    let user = StageUser::of(session);
    let stage = stages::open(account, &catalog, &user, &place, &Monitor::default())?;
    Ok((stage, location.path))
}
