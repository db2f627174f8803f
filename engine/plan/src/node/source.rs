//! Nodes without an input: stored tables, the session's own tables, staged files.

use std::sync::Arc;

use firn_account::catalog::{ExternalFile, ExternalTable, PENDING, Table};
use firn_expression::Expr;
use firn_storage::Snapshot;
use firn_types::options::NamedOption;
use firn_types::scan_predicate::ScanPredicate;
use firn_types::{ColumnId, ColumnPath, ObjectId};

use crate::PlanColumn;

/// Rows of one version of a stored table for which every condition is TRUE. No order.
#[derive(Clone, Debug)]
pub struct Scan {
    /// The table's description.
    pub table: Arc<Table>,
    /// The version that is read.
    pub snapshot: Arc<Snapshot>,
    /// `DATABASE.SCHEMA.NAME`, for EXPLAIN.
    pub qualified_name: String,
    /// The name that the statement gives it, for EXPLAIN.
    pub alias: Option<String>,
    /// What is read of it.
    pub columns: Vec<ScanColumn>,
    /// Conditions over `columns` that the scan itself applies; only their columns are read for rows that
    /// do not pass.
    pub conditions: Vec<Expr>,
    /// What follows from `conditions` for leaving out whole micro-partitions.
    pub pruning: ScanPredicate,
    /// The row's locator: `partition position in the snapshot << 32 | row in the partition`, for DML.
    pub row_locator: Option<ColumnId>,
    /// At most this many rows are wanted, whichever.
    pub limit: Option<u64>,
}

/// One column that a scan reads.
#[derive(Clone, Debug)]
pub struct ScanColumn {
    /// What the plan calls it.
    pub column: PlanColumn,
    /// Which column of the table, or what is at a path of one: a value of the type that all values there have.
    pub source: ColumnPath,
}

impl Scan {
    /// The columns that it gives: those read, then the row's locator.
    pub fn columns(&self) -> Vec<PlanColumn> {
        let mut columns: Vec<PlanColumn> = self.columns.iter().map(|c| c.column.clone()).collect();
        columns.extend(self.row_locator.map(|id| PlanColumn {
            id,
            name: "ROW_ADDRESS".to_string(),
            sql_type: firn_types::SqlType::INTEGER,
            nullable: false,
        }));
        columns
    }
}

/// Rows that the session makes when asked.
#[derive(Clone, Debug)]
pub struct VirtualScan {
    /// What is asked for.
    pub source: VirtualSource,
    /// What it gives; position `i` is position `positions[i]` of what the session makes.
    pub columns: Vec<PlanColumn>,
    /// Which of the source's columns.
    pub positions: Vec<usize>,
}

/// What a session can make rows of.
#[derive(Clone, Debug, PartialEq)]
pub enum VirtualSource {
    /// A view of INFORMATION_SCHEMA.
    InformationSchema {
        /// Of which database.
        database: String,
        /// The view's name, upper case.
        view: String,
    },
    /// A view of SNOWFLAKE.ACCOUNT_USAGE, by its name in upper case.
    AccountUsage {
        /// The view's name, upper case.
        view: String,
    },
    /// A table function of INFORMATION_SCHEMA or of the session, with its named arguments.
    Function {
        /// The function's name, upper case.
        name: String,
        /// Names (empty when positional) and values.
        arguments: Vec<(String, firn_types::Value)>,
    },
    /// The rows of a procedure that is called for them.
    Procedure {
        /// The procedure, with its database and schema, as in SQL.
        name: String,
        /// Its arguments, each of its parameter's type.
        arguments: Vec<(firn_types::Value, firn_types::SqlType)>,
    },
    /// An earlier statement's result.
    Result {
        /// The statement's id.
        query_id: String,
    },
}

/// Rows of staged files. No order.
#[derive(Clone, Debug)]
pub struct StageScan {
    /// Where the files are.
    pub location: StageLocation,
    /// The prefix below it.
    pub path: String,
    /// Both, for EXPLAIN: `@STAGE/path`.
    pub shown: String,
    /// A regular expression for the names.
    pub pattern: Option<String>,
    /// Exactly these files, relative to the path.
    pub files: Option<Vec<String>>,
    /// The file format's options, already merged.
    pub format: Vec<NamedOption>,
    /// What is read.
    pub columns: Vec<StageColumn>,
    /// Of rows that are made of columns, those that are asked for by name; none where the whole rows are.
    pub members: Option<Vec<String>>,
    /// The files of an external table, instead of those that the stage has now.
    pub registered: Option<RegisteredFiles>,
    /// Files for which these are not TRUE have no row that counts: conditions on columns that have one value in each file.
    pub file_conditions: Vec<Expr>,
}

/// The files that an external table knows.
#[derive(Clone, Debug)]
pub struct RegisteredFiles {
    /// The table, in the version that is read.
    pub table: Arc<ExternalTable>,
    /// Only those that later commits have registered.
    pub after: Option<u64>,
}

impl RegisteredFiles {
    /// The files, by path. What the open transaction has registered itself does not count as later.
    pub fn files(&self) -> impl Iterator<Item = &ExternalFile> {
        let later = |file: &&ExternalFile| {
            self.after.is_none_or(|after| file.version > after && file.version != PENDING)
        };
        self.table.files().filter(later)
    }
}

/// Where staged files are.
#[derive(Clone, Debug, PartialEq)]
pub enum StageLocation {
    /// `@~`
    User,
    /// `@%table`
    Table(ObjectId),
    /// `@name`
    Named(ObjectId),
    /// A URL written in the statement.
    Url(String),
}

/// One column read from staged files.
#[derive(Clone, Debug)]
pub struct StageColumn {
    /// What the plan calls it.
    pub column: PlanColumn,
    /// What it is of the file.
    pub value: StageValue,
}

/// What a column is of a staged file.
#[derive(Clone, Debug, PartialEq)]
pub enum StageValue {
    /// `$n`: field `n - 1` of a CSV record as VARCHAR, or the whole row of other formats as VARIANT.
    Position(usize),
    /// VALUE of an external table: a CSV record as an object of its fields `c1`, `c2` .., else the whole row.
    Row,
    /// METADATA$EXTERNAL_TABLE_PARTITION: the values that a file's partition was added with, as JSON.
    Partition,
    /// METADATA$FILENAME
    FileName,
    /// METADATA$FILE_ROW_NUMBER
    FileRowNumber,
    /// METADATA$FILE_CONTENT_KEY
    FileContentKey,
    /// METADATA$FILE_LAST_MODIFIED
    FileLastModified,
    /// METADATA$START_SCAN_TIME
    StartScanTime,
}

impl StageValue {
    /// Whether all rows of a file have one value of it.
    pub fn is_of_file(&self) -> bool {
        match self {
            StageValue::Position(_) | StageValue::Row | StageValue::FileRowNumber => false,
            StageValue::Partition
            | StageValue::FileName
            | StageValue::FileContentKey
            | StageValue::FileLastModified
            | StageValue::StartScanTime => true,
        }
    }
}

impl StageScan {
    /// The columns that it gives.
    pub fn columns(&self) -> Vec<PlanColumn> {
        self.columns.iter().map(|column| column.column.clone()).collect()
    }
}
