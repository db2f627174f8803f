//! Structured types: arrays, objects and maps whose parts have types.
//!
//! A value of one is held as a VARIANT is: an array, or an object with the keys of the object or of the map. NULL is
//! an undefined element in an array and `null` in the others. The structures are kept once for the process, so that
//! a type stays a small value.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use crate::intern::Interner;
use crate::{Error, ErrorCode, Result, SqlType};

/// Most structures that the statements of one process may name.
const STRUCTURES_MAX: usize = 1 << 16;
/// Most parts of a type, at all levels.
const PARTS_MAX: usize = 1_000;
/// Most structured types inside of one another. What is persisted is JSON, in which a level of an OBJECT takes four,
/// and which is read only to 128 levels.
const LEVELS_MAX: usize = 20;

static STRUCTURES: Interner<Structure> = Interner::new("structured types", STRUCTURES_MAX);

/// A structured type: ARRAY(..), OBJECT(..) or MAP(..).
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct StructuredType {
    number: u32,
    kind: StructuredKind,
}

/// What a structured type is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StructuredKind {
    /// ARRAY(..)
    Array,
    /// OBJECT(..)
    Object,
    /// MAP(..)
    Map,
}

/// The parts of a structured type.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Structure {
    /// ARRAY(type)
    Array(Part),
    /// OBJECT(key type, ..)
    Object(Vec<(String, Part)>),
    /// MAP(key type, type)
    Map(SqlType, Part),
}

/// The values at one place of a structured type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Part {
    /// Their type.
    pub sql_type: SqlType,
    /// Whether they may be NULL.
    pub nullable: bool,
}

impl StructuredType {
    /// The type of these parts.
    ///
    /// # Errors
    /// Too many parts or levels; a key of an object that is there twice; a key of a map that is neither VARCHAR nor
    /// a whole NUMBER.
    pub fn new(structure: Structure) -> Result<StructuredType> {
        let kind = structure.checked_kind()?;
        Ok(StructuredType { number: STRUCTURES.number(structure)?, kind })
    }

    /// The type of these parts of a stored column: it is found also where statements have named as many as they may.
    ///
    /// # Errors
    /// As [`StructuredType::new`].
    pub fn stored(structure: Structure) -> Result<StructuredType> {
        let kind = structure.checked_kind()?;
        Ok(StructuredType { number: STRUCTURES.stored_number(structure)?, kind })
    }

    /// ARRAY(VARCHAR), of keys.
    ///
    /// # Errors
    /// As [`StructuredType::new`].
    pub fn array_of(sql_type: SqlType) -> Result<StructuredType> {
        StructuredType::new(Structure::Array(Part { sql_type, nullable: true }))
    }

    /// Whether it is an array, an object or a map.
    pub fn kind(self) -> StructuredKind {
        self.kind
    }

    /// Its parts.
    pub fn structure(self) -> Arc<Structure> {
        let known = STRUCTURES.value(self.number);
        known.unwrap_or_else(|| Arc::new(Structure::Object(Vec::new())))
    }

    /// The semi-structured type that holds the same values.
    pub fn plain(self) -> SqlType {
        match self.kind {
            StructuredKind::Array => SqlType::Array,
            StructuredKind::Object | StructuredKind::Map => SqlType::Object,
        }
    }
}

impl Structure {
    /// The parts, in order.
    pub fn parts(&self) -> Vec<Part> {
        match self {
            Structure::Array(part) | Structure::Map(_, part) => vec![*part],
            Structure::Object(fields) => fields.iter().map(|(_, part)| *part).collect(),
        }
    }

    /// What it is of, when there may be such a type.
    fn checked_kind(&self) -> Result<StructuredKind> {
        let refuse = |text: String| Err(Error::new(ErrorCode::UnsupportedDataType, text));
        let kind = match self {
            Structure::Array(_) => StructuredKind::Array,
            Structure::Object(fields) => {
                for (index, (key, _)) in fields.iter().enumerate() {
                    if fields[..index].iter().any(|(other, _)| other == key) {
                        return refuse(format!("Duplicate key '{key}' in a structured OBJECT."));
                    }
                }
                StructuredKind::Object
            }
            Structure::Map(key, _) => {
                if !matches!(key, SqlType::Varchar { .. } | SqlType::Number { scale: 0, .. }) {
                    return refuse(format!("Unsupported data type '{key}' of the keys of a MAP."));
                }
                StructuredKind::Map
            }
        };
        if self.size() > PARTS_MAX {
            return refuse(format!("A structured type has at most {PARTS_MAX} parts."));
        }
        if self.levels() > LEVELS_MAX {
            return refuse(format!("A structured type has at most {LEVELS_MAX} levels."));
        }
        Ok(kind)
    }

    fn size(&self) -> usize {
        let inner = |part: &Part| match part.sql_type {
            SqlType::Structured(of) => of.structure().size(),
            _ => 0,
        };
        self.parts().iter().map(|part| 1 + inner(part)).sum()
    }

    fn levels(&self) -> usize {
        let inner = |part: &Part| match part.sql_type {
            SqlType::Structured(of) => of.structure().levels(),
            _ => 0,
        };
        1 + self.parts().iter().map(inner).max().unwrap_or(0)
    }

    /// The structure in which `choose` has said of each pair of parts which type they have; none where the two have
    /// other keys, or there is no type.
    pub(crate) fn together(
        &self,
        other: &Structure,
        choose: &dyn Fn(SqlType, SqlType) -> Option<SqlType>,
    ) -> Option<Structure> {
        let part = |a: &Part, b: &Part| {
            let sql_type = choose(a.sql_type, b.sql_type)?;
            Some(Part { sql_type, nullable: a.nullable || b.nullable })
        };
        match (self, other) {
            (Structure::Array(a), Structure::Array(b)) => part(a, b).map(Structure::Array),
            (Structure::Map(k, a), Structure::Map(l, b)) => {
                Some(Structure::Map(choose(*k, *l)?, part(a, b)?))
            }
            (Structure::Object(a), Structure::Object(b)) if a.len() == b.len() => {
                let fields = a.iter().zip(b).map(|((key, a), (other, b))| {
                    (key == other).then(|| part(a, b).map(|part| (key.clone(), part)))?
                });
                fields.collect::<Option<_>>().map(Structure::Object)
            }
            _ => None,
        }
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let not_null = if self.nullable { "" } else { " NOT NULL" };
        write!(f, "{}{not_null}", self.sql_type)
    }
}

/// A key as a type writes it: as it is where it is a word, whose case counts, and in quotes otherwise.
fn key_text(key: &str) -> Cow<'_, str> {
    let is_word = key.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        && key.bytes().next().is_some_and(|first| !first.is_ascii_digit());
    if is_word { key.into() } else { format!("\"{}\"", key.replace('"', "\"\"")).into() }
}

/// The canonical form, as DESCRIBE shows it.
impl fmt::Display for StructuredType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.structure() {
            Structure::Array(part) => write!(f, "ARRAY({part})"),
            Structure::Map(key, part) => write!(f, "MAP({key}, {part})"),
            Structure::Object(fields) => {
                f.write_str("OBJECT(")?;
                for (index, (key, part)) in fields.iter().enumerate() {
                    let separator = if index > 0 { ", " } else { "" };
                    write!(f, "{separator}{} {part}", key_text(key))?;
                }
                f.write_str(")")
            }
        }
    }
}

impl fmt::Debug for StructuredType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(sql_type: SqlType) -> Part {
        Part { sql_type, nullable: true }
    }

    #[test]
    fn types_are_shown_with_their_parts() -> Result<()> {
        let numbers = StructuredType::array_of(SqlType::INTEGER)?;
        let not_null = Part { sql_type: SqlType::Structured(numbers), nullable: false };
        let object = Structure::Object(vec![
            ("MixedCase".to_string(), part(SqlType::varchar(4))),
            ("b".to_string(), not_null),
        ]);
        let object = StructuredType::new(object)?;
        let text = "OBJECT(MixedCase VARCHAR(4), b ARRAY(NUMBER(38,0)) NOT NULL)";
        assert_eq!(object.to_string(), text);
        let keys = ["a b", "x\"y", "1", "order"];
        let fields = keys.iter().map(|key| (key.to_string(), part(SqlType::Date))).collect();
        let quoted = StructuredType::new(Structure::Object(fields))?;
        let text = "OBJECT(\"a b\" DATE, \"x\"\"y\" DATE, \"1\" DATE, order DATE)";
        assert_eq!(quoted.to_string(), text);
        let map = StructuredType::new(Structure::Map(SqlType::TEXT, part(SqlType::Float)))?;
        assert_eq!(map.to_string(), "MAP(VARCHAR(16777216), FLOAT)");
        assert_eq!(numbers, StructuredType::array_of(SqlType::INTEGER)?);
        Ok(())
    }

    #[test]
    fn wrong_structures_are_refused() {
        let twice =
            vec![("a".to_string(), part(SqlType::Float)), ("a".to_string(), part(SqlType::Date))];
        assert!(StructuredType::new(Structure::Object(twice)).is_err());
        assert!(StructuredType::new(Structure::Map(SqlType::Float, part(SqlType::Date))).is_err());
        let many = (0..1_001).map(|i| (i.to_string(), part(SqlType::Date))).collect();
        assert!(StructuredType::new(Structure::Object(many)).is_err());
        let mut nested = SqlType::Date;
        for _ in 0..LEVELS_MAX {
            nested = SqlType::Structured(StructuredType::array_of(nested).expect("so many levels"));
        }
        assert!(StructuredType::array_of(nested).is_err());
    }
}
