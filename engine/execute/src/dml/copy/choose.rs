//! Which files a COPY loads.

use firn_account::Transaction;
use firn_account::catalog::LoadRecord;
use firn_loader::on_error::FileResult;
use firn_loader::options::{CopyOptions, OnError};
use firn_loader::stage::{FileSelection, Pattern, StagedFile, select, within_size_limit};
use firn_plan::statement::CopyIntoTable;
use firn_types::Result;

use super::OpenStage;
use crate::operators::stage_scan::file_missing;

/// The files of a COPY.
pub(super) struct Chosen {
    /// To be loaded, in order.
    pub(super) files: Vec<StagedFile>,
    /// The results of files that are named and not loaded.
    pub(super) left_out: Vec<FileResult>,
    /// What the load history of a pipe is told beside: of files that are missing.
    pub(super) also_noted: Vec<LoadRecord>,
}

pub(super) fn choose(
    plan: &CopyIntoTable,
    stage: &OpenStage,
    options: &CopyOptions,
    transaction: &Transaction,
) -> Result<Chosen> {
    if let Some(pipe) = plan.pipe {
        return super::pipe::choose(plan, pipe, stage, transaction);
    }
    let selection = FileSelection {
        prefix: plan.path.clone(),
        files: plan.files.clone(),
        pattern: plan.pattern.as_deref().map(Pattern::new).transpose()?,
    };
    let (mut files, missing) = select(&*stage.stage, &selection)?;
    let mut left_out = Vec::new();
    for path in missing {
        let shown = stage.stage.shown(&path);
        let error = file_missing(&shown);
        if options.on_error() == OnError::AbortStatement {
            return Err(error);
        }
        left_out.push(FileResult::of_broken_file(shown.into(), &error));
    }
    if !options.force() {
        let catalog = transaction.catalog();
        let table = catalog.table(plan.target.table.id());
        let loads = table.map(|table| table.loads.read()).transpose()?;
        let now = transaction.account().clock().now_nanos();
        files.retain(|file| {
            let key = stage.key_of(&file.path);
            let loaded = loads.is_some_and(|loads| loads.is_loaded(&key, &file.etag));
            let uncertain = !options.load_uncertain_files()
                && table
                    .is_some_and(|table| table.loads.may_have_forgotten(file.last_modified, now));
            if plan.files.is_some() {
                let shown = || stage.stage.shown(&file.path).into();
                left_out.extend(match (loaded, uncertain) {
                    (true, _) => Some(FileResult::loaded_before(shown())),
                    (false, true) => Some(FileResult::uncertain(shown())),
                    (false, false) => None,
                });
            }
            !loaded && !uncertain
        });
    }
    files.truncate(within_size_limit(&files, options.size_limit()));
    Ok(Chosen { files, left_out, also_noted: Vec::new() })
}
