//! COPY INTO a table: which files, how their records become rows, what becomes of bad rows.
//!
//! ```text
//! choose: files of the stage, without those loaded before ─► load: chunks on all threads
//!    ─► RowProjector: typed columns, good rows and bad ones ─► held back per file where ON_ERROR may skip it
//!    ─► decisions file by file ─► RowsWriter, load records
//! ```

mod choose;
mod load;
mod pipe;
mod projection;
mod row_projector;
pub(super) mod undecided;
mod validate;

use firn_account::Transaction;
use firn_column::Batch;
use firn_expression::Expr;
use firn_loader::on_error::FileResult;
use firn_loader::options::{CopyOptions, OptionValue, ValidationMode, from_plan};
use firn_loader::row_error::RowError;
use firn_loader::stage::SharedStage;
use firn_plan::statement::CopyIntoTable;
use firn_types::Result;

use crate::context::QueryContext;

pub use pipe::files_for_pipe;

/// An open stage.
#[derive(Clone)]
pub struct OpenStage {
    /// Its files.
    pub stage: SharedStage,
    /// What comes before a file's path in the load history, so that files of different stages differ;
    /// none when the name that results show is unique.
    pub key: Option<String>,
}

impl OpenStage {
    /// What the load history knows a file by.
    pub fn key_of(&self, path: &str) -> String {
        match &self.key {
            Some(key) => format!("{key}{path}"),
            None => self.stage.shown(path),
        }
    }
}

/// What a COPY did.
pub enum Copied {
    /// What became of each file; none when there was nothing to do.
    Files(LoadedFiles),
    /// VALIDATION_MODE = RETURN_n_ROWS: rows of the table.
    Rows(Vec<Batch>),
    /// VALIDATION_MODE = RETURN_ERRORS: bad rows.
    Errors(Vec<RowError>),
}

/// What became of files.
#[derive(Default)]
pub struct LoadedFiles {
    /// A row for each file that the result shows.
    pub results: Vec<FileResult>,
    /// Whether any file was looked at, shown or not.
    pub any: bool,
    /// The first bad rows, for VALIDATE.
    pub errors: Vec<RowError>,
    /// Paths of files to be removed once the load is committed: PURGE.
    pub purge: Vec<String>,
    /// Rows that are now in the table.
    pub rows_loaded: u64,
}

/// Loads staged files into a table, and notes them in the transaction's load history.
///
/// # Errors
/// Options that COPY does not have, files that are missing, the first bad row where ON_ERROR is
/// ABORT_STATEMENT, `Storage`.
pub fn copy_into_table(
    plan: &CopyIntoTable,
    stage: &OpenStage,
    cluster_keys: &[Expr],
    context: &QueryContext,
    transaction: &mut Transaction,
) -> Result<Copied> {
    let options = CopyOptions::parse(&from_plan(&plan.options)?)?;
    let projection = projection::LoadProjection::new(plan, &options, context)?;
    let chosen = choose::choose(plan, stage, &options, transaction)?;
    match validation_mode(plan)? {
        Some(mode) => validate::validate(mode, &projection, stage, chosen, context),
        None => load::load(
            plan,
            stage,
            &options,
            (&projection, chosen),
            cluster_keys,
            context,
            transaction,
        )
        .map(Copied::Files),
    }
}

fn validation_mode(plan: &CopyIntoTable) -> Result<Option<ValidationMode>> {
    let word = plan.validation_mode.as_ref();
    word.map(|word| ValidationMode::parse(&OptionValue::Word(word.clone()))).transpose()
}
