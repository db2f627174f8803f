//! Sub-columns of semi-structured columns ("shredding").
//!
//! A micro-partition tells, for each VARIANT and OBJECT column, what stands at the paths of keys in its values. Where
//! that is of one type in all of its rows, the path can be read like a column of that type. Of larger
//! micro-partitions the common ones of these are stored apart from the whole values, as columns of the file with
//! statistics of their own, and put together with the rest when somebody reads the whole values; of small ones and of
//! those in memory they are taken out of the values when somebody reads them. Where a path has values of several types,
//! or nobody knows, the whole values are read.
//!
//! (S. Melnik et al., "Dremel", VLDB 2010, stores nested data by columns; that values of a path which drift to other
//! types are left to the whole value is Parquet's "Variant Shredding".)

mod apart;
mod extract;
mod gather;

use firn_types::{FieldId, KeyPath, SqlType};

pub(crate) use apart::PathTree;
pub(crate) use extract::{extract, rescaled};
pub(crate) use gather::{PathGathering, TypedPath};

/// The type of the values at a path, JSON's nulls left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PathType {
    /// No row has a value there.
    Absent,
    /// Booleans.
    Boolean,
    /// Exact numbers.
    Number {
        /// Digits after the point, at most.
        scale: u8,
        /// Digits before it, at most.
        whole_digits: u8,
    },
    /// Floating-point numbers.
    Float,
    /// Texts.
    Text,
    /// Objects, arrays, or values of several types.
    Other,
}

/// What stands at a path in some rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PathValues {
    /// The type of its values.
    pub path_type: PathType,
    /// Whether some row has JSON's null there.
    pub json_null: bool,
}

/// What stands at the paths of keys in a semi-structured column, in some rows.
#[derive(Clone, Debug, PartialEq)]
pub struct FieldPaths {
    /// The column.
    pub field: FieldId,
    /// Whether the paths that are not listed have no value in any row.
    pub complete: bool,
    /// The paths in ascending order.
    pub paths: Vec<(KeyPath, PathValues)>,
}

/// Most digits of a NUMBER.
const DIGITS_MAX: u8 = firn_types::limits::NUMBER_PRECISION_MAX;

impl PathType {
    /// The type of values of both types.
    #[must_use]
    pub fn and(self, other: PathType) -> PathType {
        match (self, other) {
            (PathType::Absent, known) | (known, PathType::Absent) => known,
            (
                PathType::Number { scale: a, whole_digits: m },
                PathType::Number { scale: b, whole_digits: n },
            ) => {
                let (scale, whole_digits) = (a.max(b), m.max(n));
                match scale + whole_digits <= DIGITS_MAX {
                    true => PathType::Number { scale, whole_digits },
                    false => PathType::Other,
                }
            }
            (a, b) if a == b => a,
            _ => PathType::Other,
        }
    }

    /// The SQL type that holds such values exactly; none where there is no value, and where none does.
    pub fn sql_type(self) -> Option<SqlType> {
        match self {
            PathType::Boolean => Some(SqlType::Boolean),
            PathType::Number { scale, .. } => {
                Some(SqlType::Number { precision: DIGITS_MAX, scale })
            }
            PathType::Float => Some(SqlType::Float),
            PathType::Text => Some(SqlType::TEXT),
            PathType::Absent | PathType::Other => None,
        }
    }
}

impl PathValues {
    /// What stands where nothing does.
    pub const ABSENT: PathValues = PathValues { path_type: PathType::Absent, json_null: false };

    /// What stands there in the rows of both.
    #[must_use]
    pub fn and(self, other: PathValues) -> PathValues {
        PathValues {
            path_type: self.path_type.and(other.path_type),
            json_null: self.json_null || other.json_null,
        }
    }
}

impl FieldPaths {
    /// Of a column without a row.
    pub fn none(field: FieldId) -> FieldPaths {
        FieldPaths { field, complete: true, paths: Vec::new() }
    }

    /// What stands at a path; none where nobody knows.
    pub fn at(&self, path: &KeyPath) -> Option<PathValues> {
        match self.paths.binary_search_by(|(known, _)| known.cmp(path)) {
            Ok(at) => self.paths.get(at).map(|(_, values)| *values),
            Err(_) => self.complete.then_some(PathValues::ABSENT),
        }
    }

    /// What stands at the paths in the rows of both; a path that one of them does not know is not known then.
    #[must_use]
    pub fn and(&self, other: &FieldPaths) -> FieldPaths {
        let mut paths: Vec<KeyPath> =
            self.paths.iter().chain(&other.paths).map(|(path, _)| path.clone()).collect();
        paths.sort();
        paths.dedup();
        let both = |path: KeyPath| {
            let values = self.at(&path)?.and(other.at(&path)?);
            Some((path, values))
        };
        let paths = paths.into_iter().filter_map(both).collect();
        FieldPaths { field: self.field, complete: self.complete && other.complete, paths }
    }
}

#[cfg(test)]
mod tests;
