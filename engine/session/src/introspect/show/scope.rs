//! IN: which databases, schemas and tables a SHOW is about.

use std::sync::Arc;

use firn_account::catalog::{ACCOUNT, Database, Namespace, Object, ObjectKind, Schema};
use firn_parse::ast::{Name, ShowScope};
use firn_types::{Error, ErrorCode, ObjectName, Result};

use super::ShowContext;
use crate::introspect::information_schema::{self, INFORMATION_SCHEMA};

/// A schema with its database.
pub(in crate::introspect) struct Place {
    pub(super) database: Arc<Database>,
    pub(super) schema: Arc<Schema>,
}

/// A table or view with where it is.
pub(in crate::introspect) struct Located {
    pub(in crate::introspect) place: Place,
    pub(in crate::introspect) object: Object,
}

impl ShowContext<'_> {
    /// The databases that the scope means.
    pub(super) fn scoped_databases(&self) -> Result<Vec<Arc<Database>>> {
        let current = &self.running.session.path.database;
        match &self.show.scope {
            Some(ShowScope::Account) => Ok(self.all_databases()),
            Some(ShowScope::Database(Some(name)) | ShowScope::Name(name)) => {
                let name = self.running.written(name)?;
                Ok(vec![self.resolve_database(&name.object().name)?])
            }
            Some(ShowScope::Database(None)) => {
                let name = self.running.session.path.database("SHOW")?;
                Ok(vec![self.resolve_database(&name)?])
            }
            _ => Ok(match current.as_ref().and_then(|name| self.catalog.database(name)) {
                Some(database) => vec![Arc::clone(database)],
                None => self.all_databases(),
            }),
        }
    }

    /// The schemas that the scope means, by database and name.
    pub(super) fn scoped_schemas(&self) -> Result<Vec<Place>> {
        let path = &self.running.session.path;
        match &self.show.scope {
            Some(ShowScope::Account) => Ok(self.schemas_of(self.all_databases())),
            Some(ShowScope::Database(_)) => Ok(self.schemas_of(self.scoped_databases()?)),
            Some(ShowScope::Schema(Some(name)) | ShowScope::Name(name)) => {
                let written = self.running.written(name)?;
                match self.schema_named(&written)? {
                    Some(place) => Ok(vec![place]),
                    // A bare name that is no schema may be a database.
                    None => match self.catalog.database(&written.object().name) {
                        Some(database) if matches!(self.show.scope, Some(ShowScope::Name(_))) => {
                            Ok(self.schemas_of(vec![Arc::clone(database)]))
                        }
                        _ => Err(self.schema_missing(&written)?),
                    },
                }
            }
            Some(ShowScope::Schema(None)) => {
                let (database, schema) = (path.database("SHOW")?, path.schema("SHOW")?);
                Ok(vec![self.place(&database, &schema)?])
            }
            _ => match (&path.database, &path.schema) {
                (Some(database), Some(schema)) => Ok(vec![self.place(database, schema)?]),
                _ => Ok(self.schemas_of(self.scoped_databases()?)),
            },
        }
    }

    /// The tables and views that the scope means; a bare name is a table's.
    pub(super) fn scoped_relations(&self) -> Result<Vec<Located>> {
        match &self.show.scope {
            Some(ShowScope::Table(name) | ShowScope::Name(name)) => {
                Ok(vec![self.relation_named(name)?])
            }
            Some(ShowScope::View(name)) => {
                let written = self.running.written(name)?;
                if written.parts.len() < 3 {
                    let text = format!(
                        "Must specify the full search path starting from database for {}",
                        written.object()
                    );
                    return Err(Error::new(ErrorCode::InvalidStatement, text));
                }
                Ok(vec![self.relation_named(name)?])
            }
            _ => {
                let mut found = Vec::new();
                for place in self.scoped_schemas()? {
                    for object in self.relations_of(&place) {
                        found.push(Located { place: place.again(), object });
                    }
                }
                Ok(found)
            }
        }
    }

    /// Objects of a namespace in the scope's schemas; dropped ones too with HISTORY.
    pub(in crate::introspect) fn scoped_objects(
        &self,
        namespace: Namespace,
    ) -> Result<Vec<Located>> {
        let mut found = Vec::new();
        for place in self.scoped_schemas()? {
            let objects = match namespace {
                Namespace::Relation if place.is_own() => {
                    information_schema::objects(&place.database)
                }
                _ => self.children(namespace, place.schema.header.id),
            };
            for object in objects {
                found.push(Located { place: place.again(), object });
            }
        }
        Ok(found)
    }

    fn relations_of(&self, place: &Place) -> Vec<Object> {
        if place.is_own() {
            return information_schema::objects(&place.database);
        }
        let children = self.catalog.children(Namespace::Relation, place.schema.header.id);
        children.into_iter().cloned().collect()
    }

    /// Objects of a namespace in a container by name; dropped ones too with HISTORY.
    pub(super) fn children(
        &self,
        namespace: Namespace,
        parent: firn_types::ObjectId,
    ) -> Vec<Object> {
        let live = self.catalog.children(namespace, parent);
        let mut objects: Vec<Object> = live.into_iter().cloned().collect();
        if self.show.history {
            objects.extend(self.catalog.dropped(namespace, parent).into_iter().cloned());
            objects.sort_by(|a, b| a.name().cmp(b.name()));
        }
        objects
    }

    fn relation_named(&self, name: &Name) -> Result<Located> {
        let path = self.running.path(name, "SHOW")?;
        let place = self.place(&path.database, &path.schema)?;
        let own = self.relations_of(&place).into_iter().find(|object| object.name() == path.name);
        match own.filter(|_| place.is_own()) {
            Some(object) => Ok(Located { place, object }),
            None => {
                let object = self.catalog.resolve(ObjectKind::Table, &path)?.clone();
                Ok(Located { place, object })
            }
        }
    }

    fn all_databases(&self) -> Vec<Arc<Database>> {
        let databases = self.catalog.children(Namespace::Database, ACCOUNT);
        databases.into_iter().filter_map(Object::as_database).map(Arc::clone).collect()
    }

    fn schemas_of(&self, databases: Vec<Arc<Database>>) -> Vec<Place> {
        let mut places = Vec::new();
        for database in databases {
            let schemas = self.catalog.children(Namespace::Schema, database.header.id);
            for schema in schemas.into_iter().filter_map(Object::as_schema) {
                places.push(Place { database: Arc::clone(&database), schema: Arc::clone(schema) });
            }
            let schema = information_schema::schema(&database);
            places.push(Place { database, schema });
        }
        places.sort_by(|a, b| (a.database(), a.schema()).cmp(&(b.database(), b.schema())));
        places
    }

    fn resolve_database(&self, name: &str) -> Result<Arc<Database>> {
        let found = self.catalog.database(name).map(Arc::clone);
        found.ok_or_else(|| self.catalog.not_found(ObjectKind::Database, ACCOUNT, name))
    }

    fn place(&self, database: &str, schema: &str) -> Result<Place> {
        let database = self.resolve_database(database)?;
        let parent = database.header.id;
        match self.catalog.schema(parent, schema) {
            _ if schema == INFORMATION_SCHEMA => {
                Ok(Place { schema: information_schema::schema(&database), database })
            }
            Some(schema) => Ok(Place { schema: Arc::clone(schema), database }),
            None => Err(self.catalog.not_found(ObjectKind::Schema, parent, schema)),
        }
    }

    /// The schema of a written name of one or two parts, if there is one.
    fn schema_named(&self, written: &ObjectName) -> Result<Option<Place>> {
        let name = &written.object().name;
        let database = match written.parts.as_slice() {
            [database, _] => self.resolve_database(&database.name)?,
            _ => {
                let current = self.running.session.path.database.as_ref();
                match current.and_then(|name| self.catalog.database(name)) {
                    Some(database) => Arc::clone(database),
                    None => return Ok(None),
                }
            }
        };
        let found = match name.as_str() {
            INFORMATION_SCHEMA => Some(information_schema::schema(&database)),
            name => self.catalog.schema(database.header.id, name).map(Arc::clone),
        };
        Ok(found.map(|schema| Place { schema, database }))
    }

    fn schema_missing(&self, written: &ObjectName) -> Result<firn_types::Error> {
        let database = match written.parts.as_slice() {
            [database, _] => database.name.clone(),
            _ => self.running.session.path.database("SHOW")?,
        };
        let parent = self.resolve_database(&database)?.header.id;
        Ok(self.catalog.not_found(ObjectKind::Schema, parent, &written.object().name))
    }
}

impl Place {
    fn again(&self) -> Place {
        Place { database: Arc::clone(&self.database), schema: Arc::clone(&self.schema) }
    }

    /// Whether this is the schema that tells of the others.
    fn is_own(&self) -> bool {
        self.schema.header.id == information_schema::SCHEMA_ID
    }

    /// The database's name.
    pub(in crate::introspect) fn database(&self) -> &str {
        &self.database.header.name
    }

    /// The schema's name.
    pub(in crate::introspect) fn schema(&self) -> &str {
        &self.schema.header.name
    }
}
