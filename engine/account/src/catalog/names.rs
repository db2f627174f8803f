//! From a name as written to an object: the current path, dotted names, and what was perhaps meant.

use firn_types::object_kind::Home;
use firn_types::{Error, ErrorCode, Identifier, ObjectId, ObjectName, Result};

use super::{ACCOUNT, Namespace, Object, ObjectKind, VisibleCatalog};

/// The schema that dotted names with an empty middle part mean.
const PUBLIC: &str = "PUBLIC";

/// The session's database and schema, by name: they may be gone by now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CurrentPath {
    /// The database in use.
    pub database: Option<String>,
    /// The schema in use.
    pub schema: Option<String>,
}

/// A name with all its parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectPath {
    /// The database's name.
    pub database: String,
    /// The schema's name.
    pub schema: String,
    /// The object's name.
    pub name: String,
}

/// Where an object is looked for, or is to be: its container, and its name there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The account, a database, or a schema.
    pub parent: ObjectId,
    /// The object's own name.
    pub name: String,
}

impl ObjectPath {
    /// The path as SQL text: parts quoted where they must be.
    pub fn to_sql(&self) -> String {
        [&self.database, &self.schema, &self.name].map(|part| Identifier::to_sql(part)).join(".")
    }
}

impl std::fmt::Display for ObjectPath {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}.{}", self.database, self.schema, self.name)
    }
}

impl CurrentPath {
    /// A name of one to three parts with all its parts.
    ///
    /// # Errors
    /// `NoDatabase` and `NoSchema` when the session has none and the name does not say; `action` is the
    /// statement's verb in that message.
    pub fn complete(&self, name: &ObjectName, action: &str) -> Result<ObjectPath> {
        let part = |index: usize| name.parts[index].name.clone();
        let (database, schema) = match name.parts.len() {
            1 => (self.database(action)?, self.schema(action)?),
            2 => (self.database(action)?, part(0)),
            3 => (part(0), part(1)),
            _ => {
                return Err(Error::new(
                    ErrorCode::InvalidStatement,
                    format!("invalid object name '{name}'"),
                )
                .at(name.span()));
            }
        };
        let schema = if schema.is_empty() { PUBLIC.to_string() } else { schema };
        Ok(ObjectPath { database, schema, name: name.object().name.clone() })
    }

    /// The database in use.
    ///
    /// # Errors
    /// `NoDatabase` when there is none.
    pub fn database(&self, action: &str) -> Result<String> {
        self.database.clone().ok_or_else(|| {
            Error::new(
                ErrorCode::NoDatabase,
                format!(
                    "Cannot perform {action}. This session does not have a current database. \
                     Call 'USE DATABASE', or use a qualified name."
                ),
            )
        })
    }

    /// The schema in use.
    ///
    /// # Errors
    /// `NoSchema` when there is none.
    pub fn schema(&self, action: &str) -> Result<String> {
        self.schema.clone().ok_or_else(|| {
            Error::new(
                ErrorCode::NoSchema,
                format!(
                    "Cannot perform {action}. This session does not have a current schema. \
                     Call 'USE SCHEMA', or use a qualified name."
                ),
            )
        })
    }
}

impl VisibleCatalog {
    /// The live schema of a path, when it and its database exist.
    pub fn schema_of(&self, path: &ObjectPath) -> Option<ObjectId> {
        let database = self.database(&path.database)?;
        Some(self.schema(database.header.id, &path.schema)?.header.id)
    }

    /// The live object of a path.
    pub fn find_path(&self, namespace: Namespace, path: &ObjectPath) -> Option<&Object> {
        self.find(namespace, self.schema_of(path)?, &path.name)
    }

    /// The schema of a path, for creating something in it.
    ///
    /// # Errors
    /// `NotFound` naming the database or the schema that does not exist.
    pub fn resolve_schema(&self, path: &ObjectPath) -> Result<ObjectId> {
        let database = self
            .database(&path.database)
            .ok_or_else(|| self.not_found(ObjectKind::Database, ACCOUNT, &path.database))?;
        let id = database.header.id;
        let schema = self
            .schema(id, &path.schema)
            .ok_or_else(|| self.not_found(ObjectKind::Schema, id, &path.schema))?;
        Ok(schema.header.id)
    }

    /// Where an object of a kind stands whose name was written; `action` is the statement's verb in
    /// messages.
    ///
    /// # Errors
    /// `NotFound` naming the container that does not exist; as [`CurrentPath::complete`].
    pub fn place(
        &self,
        kind: ObjectKind,
        name: &ObjectName,
        current: &CurrentPath,
        action: &str,
    ) -> Result<Place> {
        match kind.definition().home {
            Home::Account => Ok(Place { parent: ACCOUNT, name: name.object().name.clone() }),
            Home::Database => {
                let database = match name.parts.as_slice() {
                    [database, _] => database.name.clone(),
                    _ => current.database(action)?,
                };
                let found = self.database(&database);
                let missing = || self.not_found(ObjectKind::Database, ACCOUNT, &database);
                let parent = found.ok_or_else(missing)?.header.id;
                Ok(Place { parent, name: name.object().name.clone() })
            }
            Home::Schema => {
                let path = current.complete(name, action)?;
                Ok(Place { parent: self.resolve_schema(&path)?, name: path.name })
            }
        }
    }

    /// The live object of a kind and path, for a statement about that kind.
    ///
    /// # Errors
    /// As [`VisibleCatalog::resolve_schema`]; `NotFound` in the words that DDL uses, with a near name if any.
    pub fn resolve(&self, kind: ObjectKind, path: &ObjectPath) -> Result<&Object> {
        let schema = self.resolve_schema(path)?;
        let found = self.find(kind.namespace(), schema, &path.name);
        found.ok_or_else(|| self.not_found(kind, schema, &path.name))
    }

    /// `Table 'DB.SCHEMA.T' does not exist or not authorized.`, with a near name if there is one.
    pub fn not_found(&self, kind: ObjectKind, parent: ObjectId, name: &str) -> Error {
        let full = match self.full_name(parent) {
            container if container.is_empty() => name.to_string(),
            container => format!("{container}.{name}"),
        };
        let hint = match self.similar(kind.namespace(), parent, name) {
            Some(near) => format!(" Did you mean {}?", Identifier::to_sql(&near)),
            None => String::new(),
        };
        let word = kind.title();
        Error::new(
            ErrorCode::NotFound,
            format!("{word} '{full}' does not exist or not authorized.{hint}"),
        )
    }

    /// The name in a container that is nearest to one that is not there, if any is near.
    pub fn similar(&self, namespace: Namespace, parent: ObjectId, name: &str) -> Option<String> {
        // An object of that very name is of another kind.
        let others = self.children(namespace, parent).into_iter().map(Object::name);
        nearest(name, others.filter(|other| *other != name)).map(str::to_string)
    }
}

/// The candidate that is nearest to `name`, if any is near enough to have been meant.
pub fn nearest<'a>(name: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let folded = name.to_uppercase();
    let scored = candidates.map(|candidate| {
        (strsim::damerau_levenshtein(&folded, &candidate.to_uppercase()), candidate)
    });
    let (distance, candidate) = scored.min()?;
    let allowed = (folded.chars().count() / 3).clamp(1, 3);
    (distance <= allowed).then_some(candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_near_name_is_found_and_a_far_one_is_not() {
        let names = ["ORDERS", "LINEITEM", "Customer"];
        assert_eq!(nearest("ORDER", names.into_iter()), Some("ORDERS"));
        assert_eq!(nearest("LINEITME", names.into_iter()), Some("LINEITEM"));
        assert_eq!(nearest("CUSTOMER", names.into_iter()), Some("Customer"));
        assert_eq!(nearest("REGION", names.into_iter()), None);
    }

    #[test]
    fn an_empty_middle_part_is_public() -> Result<()> {
        let path = CurrentPath { database: Some("D".to_string()), schema: None };
        let name = |parts: &[&str]| ObjectName {
            parts: parts.iter().map(|part| Identifier::exact(*part)).collect(),
        };
        assert_eq!(path.complete(&name(&["X", "", "T"]), "SELECT")?.to_string(), "X.PUBLIC.T");
        assert_eq!(path.complete(&name(&["S", "T"]), "SELECT")?.to_string(), "D.S.T");
        let error = path.complete(&name(&["T"]), "SELECT").expect_err("no schema");
        assert_eq!(error.code(), ErrorCode::NoSchema);
        Ok(())
    }
}
