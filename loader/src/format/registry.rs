//! What each format can do: the one place that names them all.

use std::sync::Arc;

use firn_types::{Error, Field, Result, Schema};

use super::{ColumnsPlan, FileReader, FileWriter};
use crate::compression::Compression;
use crate::options::{CsvOptions, FileFormat, Pictures};
use crate::row_error::LoadTarget;
use crate::stage::{SharedStage, StageWriter, StagedFile};

/// What the rows of a format's files are, which decides how they are read and written.
pub enum RowForm<'f> {
    /// Fields of text, by position.
    Fields(&'f CsvOptions),
    /// One VARIANT each.
    Documents(&'f dyn DocumentFormat),
    /// Columns with names and types of their own.
    Columns(&'f dyn ColumnFormat),
}

/// A format whose rows are documents.
pub trait DocumentFormat: Sync {
    /// A reader of whole documents; `target` names the column in messages.
    ///
    /// # Errors
    /// Options that firn does not have.
    fn reader(&self, target: LoadTarget) -> Result<Arc<dyn FileReader>>;

    /// How dates, times, timestamps and BINARY are written in it.
    fn pictures(&self) -> &Pictures;
}

/// A format whose files have typed columns.
pub trait ColumnFormat: Sync {
    /// A reader of what the plan wants.
    fn reader(&self, plan: ColumnsPlan) -> Arc<dyn FileReader>;

    /// The columns of a file.
    ///
    /// # Errors
    /// A file that cannot be opened, or is none of the format.
    fn schema(&self, stage: &SharedStage, file: &StagedFile) -> Result<Schema>;
}

/// A format that rows can be unloaded to. Formats of fields take batches of texts, those of documents one
/// column of VARIANTs or JSON texts, those of columns the typed columns.
pub trait WritableFormat {
    /// Checks that files can be written with these options.
    ///
    /// # Errors
    /// Options that firn has for reading only.
    fn check(&self) -> Result<()> {
        Ok(())
    }

    /// What the names of files end with.
    fn extension(&self) -> String;

    /// A writer into `sink`, the file named `file`, of these columns, whose names it writes if `header`.
    ///
    /// # Errors
    /// Types that the format does not have, a store that cannot be written.
    fn writer(
        &self,
        sink: Box<dyn StageWriter>,
        file: String,
        fields: &[Field],
        header: bool,
    ) -> Result<Box<dyn FileWriter>>;
}

impl FileFormat {
    /// What the rows of its files are.
    pub fn rows(&self) -> RowForm<'_> {
        match self {
            FileFormat::Csv(options) => RowForm::Fields(options),
            FileFormat::Json(options) => RowForm::Documents(options),
            FileFormat::Parquet(options) => RowForm::Columns(options),
            FileFormat::Avro(options) => RowForm::Columns(options),
        }
    }

    /// How its files are written.
    ///
    /// # Errors
    /// `not_supported` for formats that are read only.
    pub fn writable(&self) -> Result<&dyn WritableFormat> {
        match self {
            FileFormat::Csv(options) => Ok(options),
            FileFormat::Json(options) => Ok(options),
            FileFormat::Parquet(options) => Ok(options),
            FileFormat::Avro(_) => Err(Error::not_supported("unloading to file format AVRO")),
        }
    }

    /// How dates, times, timestamps and BINARY are written; none of formats that have types of their
    /// own.
    pub fn pictures(&self) -> Option<&Pictures> {
        match self.rows() {
            RowForm::Fields(options) => Some(&options.pictures),
            RowForm::Documents(format) => Some(format.pictures()),
            RowForm::Columns(_) => None,
        }
    }
}

/// The extension of text files: their `own`, else that of the format, and that of the compression.
pub(super) fn text_extension(
    own: Option<&String>,
    plain: &str,
    compression: Compression,
) -> String {
    let compression = match compression {
        Compression::Auto => Compression::Gzip,
        known => known,
    };
    match own {
        Some(own) => format!(".{}{}", own.trim_start_matches('.'), compression.extension()),
        None => format!("{plain}{}", compression.extension()),
    }
}
