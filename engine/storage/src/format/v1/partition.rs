//! Micro-partitions, lists of them, values and types.

use serde::{Deserialize, Serialize};

/// A file `meta/<table>/<uuid>`: a list of micro-partitions, or a part of one.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// The format's version.
    pub format: u32,
    /// The micro-partitions in order.
    pub partitions: Vec<Partition>,
}

/// Micro-partitions: those of the manifest, those inside, those of the parts.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PartitionList {
    /// A manifest's path; not written since format 3, which has it among the parts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub manifest: Option<String>,
    /// Further micro-partitions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub inside: Vec<Partition>,
    /// Further ones, of a list of which a part at least is in a file.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<ListPart>,
    /// What is in a list with parts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub totals: Option<ListTotals>,
}

/// A part of a list of micro-partitions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum ListPart {
    /// Those of a manifest: its path, and when it was written: nanoseconds since 1970 UTC.
    File(String, i64),
    /// Some of their own.
    Inside(Vec<Partition>),
}

/// What is in a list of micro-partitions.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListTotals {
    /// Rows that are not deleted.
    pub rows: u64,
    /// Bytes of the files.
    pub bytes: u64,
    /// Rows of files without a column of row ids.
    pub new_rows: u64,
}

impl PartitionList {
    /// The manifests that it refers to.
    pub fn files(&self) -> impl Iterator<Item = &String> {
        let parts = self.parts.iter().filter_map(|part| match part {
            ListPart::File(name, _) => Some(name),
            ListPart::Inside(_) => None,
        });
        self.manifest.iter().chain(parts)
    }
}

/// One version of a table's rows.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Snapshot {
    /// The micro-partitions in order.
    pub partitions: PartitionList,
    /// The row id that the next new row gets.
    pub next_row_id: i64,
}

/// A micro-partition.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Partition {
    /// Its unique name.
    pub id: String,
    /// Its file.
    pub path: String,
    /// The file's bytes in base 64, where there is no such file yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inside: Option<String>,
    /// Rows in the file.
    pub rows: u64,
    /// Bytes of the file.
    pub bytes: u64,
    /// Bytes of the file's footer with its page indexes, and their checksum.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seal: Option<(u64, u64)>,
    /// The row id of the first row.
    #[serde(default)]
    pub first_row_id: i64,
    /// Whether the file has a column of row ids.
    #[serde(default, skip_serializing_if = "is_false")]
    pub stored_row_ids: bool,
    /// Positions of deleted rows: a portable Roaring bitmap in base 64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deleted: Option<String>,
    /// What is known of each column and sub-column.
    pub columns: Vec<ColumnStatistics>,
    /// What stands at the paths of semi-structured columns; not known in formats before 5.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub paths: Vec<FieldPaths>,
}

/// What stands at the paths of keys in a semi-structured column of a micro-partition.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FieldPaths {
    /// The field id.
    pub field: u32,
    /// Whether paths that are not listed have no value.
    pub complete: bool,
    /// The paths.
    pub paths: Vec<PathValues>,
}

/// What stands at one path.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PathValues {
    /// The keys, outermost first.
    pub keys: Vec<String>,
    /// The type of the values.
    #[serde(rename = "type")]
    pub path_type: PathType,
    /// Whether some row has JSON's null there.
    #[serde(default, skip_serializing_if = "is_false")]
    pub json_null: bool,
}

/// The type of the values at a path.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum PathType {
    /// No value but JSON's null.
    Absent,
    /// Booleans.
    Boolean,
    /// Exact numbers: digits after the point and before it, at most.
    Number(u8, u8),
    /// Floating-point numbers.
    Float,
    /// Texts.
    Text,
    /// Objects, arrays, other types, values of several types.
    Other,
}

/// What is known of one column of a micro-partition.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ColumnStatistics {
    /// The field id.
    pub field: u32,
    /// The keys of a sub-column's path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<Vec<String>>,
    /// The least value or less.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min: Option<Value>,
    /// The greatest value or more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<Value>,
    /// Whether both are values of the column.
    pub exact: bool,
    /// Rows that are NULL.
    pub nulls: u64,
    /// The sketch of distinct values in base 64.
    pub distinct: String,
    /// Bytes in the file.
    pub bytes: u64,
}

/// A value; NULL is the absence of one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Value {
    /// BOOLEAN.
    Boolean(bool),
    /// NUMBER: unscaled digits and scale.
    Number(String, u8),
    /// FLOAT: its bits.
    Float(u64),
    /// VARCHAR.
    Text(String),
    /// BINARY in base 64.
    Binary(String),
    /// DATE: days since 1970-01-01.
    Date(i32),
    /// TIME: nanoseconds since midnight.
    Time(i64),
    /// TIMESTAMP_NTZ or TIMESTAMP_LTZ: nanoseconds since 1970.
    Timestamp(String),
    /// TIMESTAMP_TZ: nanoseconds since 1970 UTC and minutes east of it.
    TimestampTz(String, i16),
    /// VARIANT, OBJECT or ARRAY: the encoding in base 64.
    Variant(String),
}

/// A SQL type.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum SqlType {
    /// Untyped NULL.
    Null,
    /// NUMBER: precision and scale.
    Number(u8, u8),
    /// FLOAT.
    Float,
    /// VARCHAR: length.
    Varchar(u32),
    /// VARCHAR with a collation: length and specification.
    Collated(u32, String),
    /// BINARY: length.
    Binary(u32),
    /// BOOLEAN.
    Boolean,
    /// DATE.
    Date,
    /// TIME: scale.
    Time(u8),
    /// TIMESTAMP_NTZ: scale.
    TimestampNtz(u8),
    /// TIMESTAMP_LTZ: scale.
    TimestampLtz(u8),
    /// TIMESTAMP_TZ: scale.
    TimestampTz(u8),
    /// VARIANT.
    Variant,
    /// OBJECT.
    Object,
    /// ARRAY.
    Array,
    /// ARRAY(type): the elements.
    ArrayOf(Box<Part>),
    /// OBJECT(key type, ..): keys and values.
    ObjectOf(Vec<(String, Part)>),
    /// MAP(type, type): keys and values.
    MapOf(Box<SqlType>, Box<Part>),
    /// VECTOR(FLOAT, n): the dimension.
    VectorOfFloat(u16),
    /// VECTOR(INT, n): the dimension.
    VectorOfInt(u16),
}

/// The values at one place of a structured type.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Part {
    /// Their type.
    pub sql_type: SqlType,
    /// Whether they may be NULL.
    pub nullable: bool,
}

/// A column of a hidden table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoredColumn {
    /// The field id.
    pub field: u32,
    /// The name.
    pub name: String,
    /// The type.
    pub sql_type: SqlType,
}

/// For fields that are left out when false.
pub(super) fn is_false(value: &bool) -> bool {
    !value
}
