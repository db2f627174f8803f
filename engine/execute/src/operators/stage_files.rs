//! Which files a scan of staged files opens: those whose names and the like meet its conditions.

use std::collections::HashMap;

use firn_account::catalog::ExternalFile;
use firn_column::{Batch, Column};
use firn_expression::{Expr, Predicate};
use firn_functions::FunctionContext;
use firn_loader::stage::StagedFile;
use firn_plan::{StageColumn, StageScan};
use firn_types::limits::BATCH_ROWS;
use firn_types::{ColumnId, Result};

use crate::staged::file_value;

/// A file, and the values of the partition that it was added with.
#[derive(Clone, Debug)]
pub(crate) struct ScannedFile {
    pub(crate) file: StagedFile,
    pub(crate) partition: Option<String>,
}

/// A file that an external table knows.
pub(crate) fn registered(known: &ExternalFile) -> ScannedFile {
    let file = StagedFile {
        path: known.path.clone(),
        size: known.size,
        etag: known.etag.clone(),
        last_modified: known.modified_nanos,
        arrived: known.modified_nanos,
    };
    let partition = known.partition.as_ref().map(|partition| partition.values.clone());
    ScannedFile { file, partition }
}

/// How many of the files of an external table a scan opens, and their bytes; none of another scan.
///
/// # Errors
/// Conditions that cannot be prepared.
pub fn assigned_files(
    scan: &StageScan,
    functions: &FunctionContext,
    start_nanos: i64,
) -> Result<Option<[u64; 3]>> {
    let Some(files) = &scan.registered else { return Ok(None) };
    let all: Vec<ScannedFile> = files.files().map(registered).collect();
    let total = all.len() as u64;
    let left = FileConditions::of(scan, start_nanos)?.left(all, functions);
    let bytes = left.iter().map(|scanned| scanned.file.size).sum();
    Ok(Some([total, left.len() as u64, bytes]))
}

/// Conditions on what all rows of a file have in common.
pub(crate) struct FileConditions {
    columns: Vec<StageColumn>,
    predicate: Option<Predicate>,
    start_nanos: i64,
}

impl FileConditions {
    /// Those of a scan.
    ///
    /// # Errors
    /// Conditions that cannot be prepared.
    pub(crate) fn of(scan: &StageScan, start_nanos: i64) -> Result<FileConditions> {
        let columns: Vec<StageColumn> =
            scan.columns.iter().filter(|column| column.value.is_of_file()).cloned().collect();
        let positions = columns.iter().map(|column| column.column.id).zip(0..);
        let layout: HashMap<ColumnId, usize> = positions.collect();
        let predicate = match scan.file_conditions.is_empty() {
            true => None,
            false => Some(Predicate::compile(&Expr::all(scan.file_conditions.clone()), &layout)?),
        };
        Ok(FileConditions { columns, predicate, start_nanos })
    }

    /// The files for which the conditions are TRUE. A file of which they cannot be told is left to those who look at its rows.
    pub(crate) fn left(
        &self,
        files: Vec<ScannedFile>,
        functions: &FunctionContext,
    ) -> Vec<ScannedFile> {
        let Some(predicate) = &self.predicate else { return files };
        let mut keeps = Vec::with_capacity(files.len());
        for files in files.chunks(BATCH_ROWS) {
            match self.kept(predicate, files, functions) {
                Ok(kept) => keeps.extend(kept),
                Err(_) => keeps.extend(files.iter().map(|file| {
                    let kept = self.kept(predicate, std::slice::from_ref(file), functions);
                    kept.map_or(true, |kept| kept.first().copied().unwrap_or(true))
                })),
            }
        }
        let kept = files.into_iter().zip(keeps).filter(|(_, keep)| *keep);
        kept.map(|(file, _)| file).collect()
    }

    fn kept(
        &self,
        predicate: &Predicate,
        files: &[ScannedFile],
        functions: &FunctionContext,
    ) -> Result<Vec<bool>> {
        let columns = self.columns.iter().map(|column| {
            let values = files.iter().map(|scanned| {
                let partition = scanned.partition.as_deref();
                file_value(&column.value, &scanned.file, partition, self.start_nanos)
            });
            Column::from_values(column.column.sql_type, &values.collect::<Vec<_>>())
        });
        let batch = Batch::new(columns.collect::<Result<_>>()?, files.len());
        let selected = predicate.select(&batch, functions)?;
        let mut kept = vec![false; files.len()];
        selected.positions(files.len()).values().iter().for_each(|row| kept[*row as usize] = true);
        Ok(kept)
    }
}
