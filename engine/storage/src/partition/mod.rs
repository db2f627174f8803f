//! Micro-partitions: one immutable Parquet file with some rows of one table.
//!
//! | SQL type | in the file |
//! |---|---|
//! | NUMBER(p,s) | decimal with scale s, in 32 or 64 bits where the file's values fit, else in 128 |
//! | FLOAT | double |
//! | VARCHAR, BINARY | string, binary |
//! | BOOLEAN, DATE | boolean, date |
//! | TIME | time in microseconds where that loses nothing, else in nanoseconds |
//! | TIMESTAMP_NTZ, TIMESTAMP_LTZ | timestamp in nanoseconds, or in microseconds where years demand it; a decimal(38,0) of nanoseconds where neither holds the values |
//! | TIMESTAMP_TZ | decimal(38,0): the packed instant and offset |
//! | VARIANT, OBJECT, ARRAY | struct of `metadata` and `value`, the two parts of Parquet's Variant encoding |
//!
//! Columns carry `PARQUET:field_id`. Sub-columns ([`crate::shredding`]) come after them, without one. A file of rewritten rows has a further column `_row_id`. Rows that
//! nobody but their session sees stay in memory instead, as far as there is room.

mod chunks;
mod convert;
mod encoding;
mod file_type;
mod footer;
mod page_bounds;
mod path_reader;
mod reader;
mod replace;
mod resident;
mod seal;
mod selection;
mod sink;
mod sub_columns;
mod writer;

use firn_types::{ColumnPath, FieldId, KeyPath, SqlType, Value};
use rayon::prelude::{IntoParallelIterator, ParallelIterator};

pub use chunks::Chunks;
pub(crate) use footer::Footer;
pub use reader::{PartitionReader, RowGroup};
pub use replace::Replacement;
pub use resident::ResidentRows;
pub use seal::FooterSeal;
pub use selection::RowSelection;
pub use writer::{PartitionWriter, WriterOptions, value_bytes};

/// A column as the writer must know it.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredColumn {
    /// The column's id, for the table's whole life.
    pub field: FieldId,
    /// Its name at the time of writing; readers go by the id.
    pub name: String,
    /// Its type.
    pub sql_type: SqlType,
}

/// A column of one file: a stored column, or what is at a path of a semi-structured one.
#[derive(Clone, Debug, PartialEq)]
struct FileColumn {
    /// Which column.
    column: ColumnPath,
    /// Its name in the file.
    name: String,
    /// Its type.
    sql_type: SqlType,
}

/// What the names of sub-columns in files begin with; behind it stand the column's id, a colon and the path. Stored
/// columns have field ids, sub-columns have none.
const SUB_COLUMN: &str = "_part:";
/// The same in files whose whole values have, too, what stands in sub-columns.
const COPIED_SUB_COLUMN: &str = "_path:";

impl FileColumn {
    /// A sub-column of values that are all of a type.
    fn of_path(column: ColumnPath, sql_type: SqlType) -> FileColumn {
        let path = column.path.as_ref().map(KeyPath::to_string).unwrap_or_default();
        FileColumn { name: format!("{SUB_COLUMN}{}:{path}", column.field.0), column, sql_type }
    }

    /// The sub-column that a name without a field id tells, and whether its values are left out of the whole ones; none
    /// when it is the name of none.
    fn sub_column(name: &str) -> Option<(ColumnPath, bool)> {
        let part = name.strip_prefix(SUB_COLUMN);
        let (field, path) =
            part.or_else(|| name.strip_prefix(COPIED_SUB_COLUMN))?.split_once(':')?;
        let (field, path) = (FieldId(field.parse().ok()?), Some(KeyPath::parse(path)?));
        Some((ColumnPath { field, path }, part.is_some()))
    }
}

impl From<&StoredColumn> for FileColumn {
    fn from(stored: &StoredColumn) -> FileColumn {
        let StoredColumn { field, name, sql_type } = stored;
        FileColumn { column: (*field).into(), name: name.clone(), sql_type: *sql_type }
    }
}

/// A column as a reader wants it.
#[derive(Clone, Debug, PartialEq)]
pub struct ReadColumn {
    /// Which column, or what is at a path of one.
    pub column: ColumnPath,
    /// The type to read it as: the table's present one; that of all values at the path.
    pub sql_type: SqlType,
    /// What rows have whose file is older than the column; none for NULL.
    pub initial_default: Option<Value>,
}

impl ReadColumn {
    /// The ids of the rows, which every micro-partition has, stored or counted.
    pub fn row_id() -> ReadColumn {
        ReadColumn {
            column: ROW_ID_FIELD.into(),
            sql_type: SqlType::INTEGER,
            initial_default: None,
        }
    }
}

/// The field id of the row ids; table columns never reach it.
pub const ROW_ID_FIELD: FieldId = FieldId(2_147_483_540);

/// The answers of `work`, found at once on the caller's pool or one after the other.
fn map_all<T: Send, U: Send, E: Send>(
    items: Vec<T>,
    parallel: bool,
    work: impl Fn(T) -> Result<U, E> + Send + Sync,
) -> Result<Vec<U>, E> {
    match parallel {
        true => items.into_par_iter().map(work).collect(),
        false => items.into_iter().map(work).collect(),
    }
}

#[cfg(test)]
mod tests;
