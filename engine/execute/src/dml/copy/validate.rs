//! VALIDATION_MODE: what a COPY would find, without loading anything.

use std::sync::{Arc, Mutex};

use firn_column::Batch;
use firn_loader::options::ValidationMode;
use firn_loader::row_error::RowError;
use firn_loader::scan::FileScan;
use firn_types::{Error, Result};

use super::choose::Chosen;
use super::projection::LoadProjection;
use super::{Copied, OpenStage};
use crate::context::{QueryContext, lock};
use crate::operators::stage_scan::{announce, begin};

pub(super) fn validate(
    mode: ValidationMode,
    projection: &LoadProjection,
    stage: &OpenStage,
    chosen: Chosen,
    context: &QueryContext,
) -> Result<Copied> {
    let files = chosen.files;
    announce(&files, context);
    let scan = FileScan::new(stage.stage.clone(), files.clone(), Arc::clone(&projection.reader));
    let wanted = match mode {
        ValidationMode::ReturnRows(rows) => Some(usize::try_from(rows).unwrap_or(usize::MAX)),
        ValidationMode::ReturnErrors | ValidationMode::ReturnAllErrors => None,
    };
    if let Some(wanted) = wanted {
        return first_rows(wanted, projection, &scan, &files, context).map(Copied::Rows);
    }
    let errors = Mutex::new(Vec::new());
    context.for_each(context.threads(), |_| {
        while let Some(chunk) = scan.next() {
            begin(&chunk, context);
            let (file, types) = (chunk.file, chunk.types());
            chunk.parse(|batch| {
                context.check()?;
                context.monitor.progress.add_rows(batch.rows_parsed);
                let (_, rejected) = projection.rows.make(&batch, &types, &files[file])?;
                let found = batch.errors.iter().cloned().chain(rejected);
                lock(&errors).extend(found.map(|error| (file, error)));
                Ok(())
            })?;
        }
        Ok(())
    })?;
    let mut errors: Vec<(usize, RowError)> =
        errors.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner());
    errors.sort_by_key(|(file, error)| (*file, error.byte_offset));
    Ok(Copied::Errors(errors.into_iter().map(|(_, error)| error).collect()))
}

/// The first rows, read by one worker and so in order.
fn first_rows(
    wanted: usize,
    projection: &LoadProjection,
    scan: &FileScan,
    files: &[firn_loader::stage::StagedFile],
    context: &QueryContext,
) -> Result<Vec<Batch>> {
    let mut batches: Vec<Batch> = Vec::new();
    let mut left = wanted;
    while left > 0 {
        let Some(chunk) = scan.next() else { break };
        let (file, types) = (chunk.file, chunk.types());
        let parsed = chunk.parse(|batch| {
            context.check()?;
            let (rows, rejected) = projection.rows.make(&batch, &types, &files[file])?;
            let errors = batch.errors.iter().chain(&rejected);
            let first = errors.min_by_key(|error| error.row_number);
            // Rows that would have come before the bad one may be enough.
            if let Some(error) = first
                && (rows.rows() < left || error.row_number <= left as u64)
            {
                left = left.max(1);
                return Err(error.to_error());
            }
            let count = rows.rows().min(left);
            batches.push(rows.slice(0, count));
            left -= count;
            if left == 0 { Err(Error::internal("enough rows")) } else { Ok(()) }
        });
        if left > 0 {
            parsed?;
        }
    }
    Ok(batches)
}
