//! Names: one part, and dotted.

use std::fmt;

use crate::Span;

/// One part of a name, as it is stored: upper-cased unless it was quoted.
#[derive(Clone, Debug, Eq)]
pub struct Identifier {
    /// The name as stored and looked up.
    pub name: String,
    /// Where it was written; empty for names that were not.
    pub span: Span,
}

impl Identifier {
    /// A name exactly as given.
    pub fn exact(name: impl Into<String>) -> Identifier {
        Identifier { name: name.into(), span: Span::default() }
    }

    /// An unquoted name: folded to upper case.
    pub fn folded(name: &str) -> Identifier {
        Identifier::exact(name.to_uppercase())
    }

    /// The same name with its place.
    pub fn at(mut self, span: Span) -> Identifier {
        self.span = span;
        self
    }

    /// The name itself.
    pub fn as_str(&self) -> &str {
        &self.name
    }

    /// Whether the name can be written without quotes.
    pub fn is_plain(name: &str) -> bool {
        let mut characters = name.chars();
        characters.next().is_some_and(|c| c.is_ascii_uppercase() || c == '_')
            && characters
                .all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_' || c == '$')
    }

    /// The name as SQL text: quoted where it must be.
    pub fn to_sql(name: &str) -> String {
        if Identifier::is_plain(name) {
            name.to_string()
        } else {
            format!("\"{}\"", name.replace('"', "\"\""))
        }
    }
}

// Names are equal wherever they were written.
impl PartialEq for Identifier {
    fn eq(&self, other: &Identifier) -> bool {
        self.name == other.name
    }
}

impl std::hash::Hash for Identifier {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.name.hash(state);
    }
}

impl fmt::Display for Identifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

/// A dotted name as written: from one part up to `database.schema.object`.
///
/// `db..object` is kept as three parts with an empty middle one, which means schema PUBLIC.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ObjectName {
    /// The parts, outermost first; never empty.
    pub parts: Vec<Identifier>,
}

impl ObjectName {
    /// A name of one part.
    pub fn single(part: Identifier) -> ObjectName {
        ObjectName { parts: vec![part] }
    }

    /// The innermost part: the object's own name.
    pub fn object(&self) -> &Identifier {
        &self.parts[self.parts.len() - 1]
    }

    /// The name as SQL text: parts quoted where they must be.
    pub fn to_sql(&self) -> String {
        let parts: Vec<String> = self.parts.iter().map(|p| Identifier::to_sql(&p.name)).collect();
        parts.join(".")
    }

    /// The place of the whole name.
    pub fn span(&self) -> Span {
        self.parts.iter().map(|part| part.span).reduce(Span::to).unwrap_or_default()
    }
}

impl fmt::Display for ObjectName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, part) in self.parts.iter().enumerate() {
            if index > 0 {
                f.write_str(".")?;
            }
            f.write_str(&part.name)?;
        }
        Ok(())
    }
}
