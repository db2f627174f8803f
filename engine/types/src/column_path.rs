//! What scans read, statistics describe and caches hold: a column, or a part of a semi-structured one.

use std::fmt;
use std::sync::Arc;

use crate::FieldId;
use crate::variant::{Path, Step};

/// The way to a value inside objects by their keys, at least one, outermost first.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyPath(Arc<[String]>);

impl KeyPath {
    /// The path of these keys; none without any.
    pub fn new(keys: Vec<String>) -> Option<KeyPath> {
        (!keys.is_empty()).then(|| KeyPath(keys.into()))
    }

    /// The path that a text such as `a.b` is; none where it is no path, and where it counts elements of arrays.
    pub fn parse(text: &str) -> Option<KeyPath> {
        let key = |step| match step {
            Step::Key(key) => Some(key),
            Step::Index(_) => None,
        };
        KeyPath::new(Path::parse(text).ok()?.steps.into_iter().map(key).collect::<Option<_>>()?)
    }

    /// The keys, outermost first.
    pub fn keys(&self) -> &[String] {
        &self.0
    }

    /// The same as steps of a path.
    pub fn steps(&self) -> Vec<Step> {
        self.0.iter().cloned().map(Step::Key).collect()
    }
}

impl fmt::Display for KeyPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::new();
        self.0.iter().for_each(|key| Path::append_key(&mut text, key));
        f.write_str(&text)
    }
}

/// A column of a table, or what is at a path of keys in its VARIANTs or OBJECTs.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ColumnPath {
    /// Which column.
    pub field: FieldId,
    /// Where in its values; none for the values themselves.
    pub path: Option<KeyPath>,
}

impl From<FieldId> for ColumnPath {
    fn from(field: FieldId) -> ColumnPath {
        ColumnPath { field, path: None }
    }
}

impl PartialEq<FieldId> for ColumnPath {
    fn eq(&self, other: &FieldId) -> bool {
        self.path.is_none() && self.field == *other
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_read_as_they_are_written() {
        for text in ["a", "a.b", "['odd key'].b", "a['it\\'s']"] {
            let path = KeyPath::parse(text).expect("a path of keys");
            assert_eq!(path.to_string(), text);
            assert_eq!(KeyPath::parse(&path.to_string()), Some(path));
        }
        assert_eq!(KeyPath::parse("a[0]"), None);
        assert_eq!(KeyPath::parse(""), None);
        assert_eq!(KeyPath::parse("a..b"), None);
    }
}
