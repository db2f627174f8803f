//! EXECUTE IMMEDIATE FROM: the statements of staged files, which may be templates ([`script_template`]).

use std::sync::Arc;

use firn_account::catalog::Action;
use firn_loader::stage::SharedStage;
use firn_parse::ast::{ExecuteFile, ScriptFile, StageKind};
use firn_parse::split::split_script;
use firn_plan::StageLocation;
use firn_query::bind::{Binds, TypedValue};
use firn_types::{Error, ErrorCode, Result};

use super::{script, script_template, stage_files};
use crate::lifecycle::{Answer, StatementContext};
use crate::result::Rows;
use crate::script::one_value;
use crate::stages::StageUser;

/// Bytes of a file whose statements are run.
pub(super) const FILE_BYTES_MAX: u64 = 10 << 20;
/// Files that may run one another, one inside the other.
const FILE_DEPTH_MAX: usize = 5;
/// The column of a file's text that is only shown.
const DRY_RUN: &str = "rendered file contents";

/// A staged file whose statements run.
#[derive(Clone, Debug)]
pub(crate) struct RunFile {
    place: StageLocation,
    /// The stage as messages name it.
    pub(super) stage: String,
    /// From the stage's root, without a slash before it.
    pub(super) path: String,
}

impl RunFile {
    fn name(&self) -> String {
        match self.path.is_empty() {
            true => self.stage.clone(),
            false => format!("{}/{}", self.stage, self.path),
        }
    }
}

/// Runs the statements of a file one after the other; the answer is the last one's, or the text that would be run.
///
/// # Errors
/// A file that there is not, a template that does not render, a statement that fails, or files that run one another
/// too deep.
pub(super) fn run(running: &mut StatementContext, ast: &ExecuteFile) -> Result<Answer> {
    let before = running.session.files.clone();
    if before.len() == FILE_DEPTH_MAX {
        let text = format!("Files run one another more than {FILE_DEPTH_MAX} levels deep");
        return Err(Error::new(ErrorCode::InvalidStatement, text));
    }
    let (file, stage) = found(running, &ast.file)?;
    let text = read(&file, &stage)?;
    let text = script_template::rendered(running, &ast.variables, (&file, &stage), text)?;
    if ast.dry_run {
        return one_value(DRY_RUN, &TypedValue::text(&text));
    }
    let home = Arc::clone(running.home());
    home.change(|session| session.files.push(file.clone()));
    let ran = run_all(running, &text);
    home.change(|session| session.files = before);
    running.session_of(&home);
    ran.map_err(|(error, at)| told(error, &file, &text, at))
}

/// Runs the statements of a text; with the error of one comes its place.
fn run_all(
    running: &mut StatementContext,
    text: &str,
) -> std::result::Result<Answer, (Error, usize)> {
    let mut last = Answer::of(&Rows::done()).map_err(|error| (error, 0))?;
    for piece in split_script(text) {
        // Its text begins behind comments.
        let behind = piece.span.of(text).rfind(piece.text).unwrap_or_default();
        let at = piece.span.start as usize + behind;
        last =
            script::run_text(running, piece.text, Binds::default()).map_err(|error| (error, at))?;
    }
    Ok(last)
}

/// The error of a file's statement as the error of the file: where the statement stands, unless it is no statement
/// at all or nothing went wrong with it.
fn told(error: Error, file: &RunFile, text: &str, at: usize) -> Error {
    let plain = [ErrorCode::Syntax, ErrorCode::Canceled, ErrorCode::StatementTimeout];
    if plain.contains(&error.code()) {
        return error;
    }
    let place = firn_types::Span::new(at, at).place(text);
    let text = format!(
        "Uncaught exception of type 'STATEMENT_ERROR' in file {} on {place}:\n{}",
        file.name(),
        error.detail()
    );
    Error::raised(error.code(), error.number(), text)
}

/// The file that a statement names.
fn found(running: &StatementContext, ast: &ScriptFile) -> Result<(RunFile, SharedStage)> {
    match ast {
        ScriptFile::Staged(location) => {
            let (place, opened) = stage_files::opened(running, location, Action::ReadFiles)?;
            let stage = match &location.kind {
                StageKind::User => "@~".to_string(),
                StageKind::Table(name) => format!("@%{name}"),
                StageKind::Named(name) => format!("@{name}"),
                StageKind::Url(url) => url.clone(),
            };
            Ok((RunFile { place, stage, path: location.path.clone() }, opened))
        }
        ScriptFile::Beside(path, span) => {
            let Some(outer) = running.session.files.last() else {
                let text = format!(
                    "Relative file references like '{path}' cannot be used in top-level EXECUTE IMMEDIATE calls."
                );
                return Err(Error::new(ErrorCode::RelativeFile, text).at(*span));
            };
            let session = &running.session;
            let user = StageUser::of(session);
            let account = &session.shared.account;
            let catalog = running.catalog();
            if let StageLocation::Named(id) = outer.place
                && let Some(object) = catalog.object(id)
            {
                catalog.authorize(Action::ReadFiles, object)?;
            }
            let opened =
                crate::stages::open(account, &catalog, &user, &outer.place, &running.monitor)?;
            Ok((RunFile { path: joined(&outer.path, path), ..outer.clone() }, opened))
        }
    }
}

/// A path that is written in a file, from the stage's root; what leads out of the stage stays at its root.
pub(super) fn joined(file: &str, path: &str) -> String {
    let folder = file.rsplit_once('/').map_or("", |(folder, _)| folder);
    let mut parts: Vec<&str> = match path.starts_with('/') {
        true => Vec::new(),
        false => folder.split('/').filter(|part| !part.is_empty()).collect(),
    };
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => _ = parts.pop(),
            part => parts.push(part),
        }
    }
    parts.join("/")
}

fn read(file: &RunFile, stage: &SharedStage) -> Result<String> {
    stage_files::read_text(stage, &file.path, FILE_BYTES_MAX).map_err(|error| {
        if error.code() != ErrorCode::FileNotFound {
            return error;
        }
        let text = format!(
            "File '{}' not found in stage '{}'.",
            file.path,
            file.stage.trim_start_matches('@')
        );
        Error::new(ErrorCode::ScriptFileNotFound, text)
    })
}

#[cfg(test)]
mod tests {
    use super::joined;

    #[test]
    fn paths_of_files_begin_at_the_file_that_names_them() {
        for (file, path, expected) in [
            ("a/b.sql", "./c.sql", "a/c.sql"),
            ("a/b.sql", "c/d.sql", "a/c/d.sql"),
            ("a/b.sql", "../c.sql", "c.sql"),
            ("a/b.sql", "/c.sql", "c.sql"),
            ("b.sql", "../../c.sql", "c.sql"),
        ] {
            assert_eq!(joined(file, path), expected, "{path} in {file}");
        }
    }
}
