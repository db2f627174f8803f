//! Completion: the words that may stand where someone types.

use firn_account::catalog::{ACCOUNT, CurrentPath, Namespace, Object, ViewColumn, VisibleCatalog};
use firn_functions::registry;
use firn_query::bind::rewritten_functions;
use firn_types::ObjectId;

use crate::keywords::KEYWORDS;
use crate::session_state::SessionState;

/// What completion knows: the account as one statement saw it, and where names are looked up.
#[derive(Clone, Debug)]
pub struct Completer {
    catalog: VisibleCatalog,
    path: CurrentPath,
}

impl Completer {
    /// The words as a session sees them now.
    pub(crate) fn of(session: &SessionState) -> Completer {
        Completer { catalog: session.catalog(), path: session.path.clone() }
    }

    /// Words that may begin something: keywords, functions, databases, and the current database's schemas
    /// and the current schema's relations with their columns. Sorted, each once.
    pub fn words(&self) -> Vec<String> {
        let mut found: Vec<String> = KEYWORDS.iter().map(|word| (*word).to_string()).collect();
        let functions = registry::names().filter(|name| !name.starts_with('$'));
        found.extend(functions.map(str::to_string));
        found.extend(rewritten_functions().map(|function| function.name.to_string()));
        found.extend(self.names(Namespace::Database, ACCOUNT));
        found.extend(self.names(Namespace::Warehouse, ACCOUNT));
        if let Some(database) = self.current_database() {
            found.extend(self.names(Namespace::Schema, database));
        }
        if let Some(schema) = self.current_schema() {
            for relation in self.catalog.children(Namespace::Relation, schema) {
                found.push(relation.name().to_string());
                found.extend(columns(relation));
            }
        }
        sorted(found)
    }

    /// What may follow these names and a dot: columns of a relation, relations of a schema, schemas of a
    /// database. Sorted, each once; nothing when there is no such object.
    pub fn members(&self, path: &[String]) -> Vec<String> {
        let database = |name: &String| Some(self.catalog.database(name)?.header.id);
        let schema = |database, name: &String| Some(self.catalog.schema(database, name)?.header.id);
        let in_schema = |schema| self.names(Namespace::Relation, schema);
        let of_relation = |schema, name: &String| {
            self.catalog.find(Namespace::Relation, schema, name).map(columns).unwrap_or_default()
        };
        let mut found = Vec::new();
        match path {
            [name] => {
                if let Some(current) = self.current_schema() {
                    found.extend(of_relation(current, name));
                }
                if let Some(id) = self.current_database().and_then(|current| schema(current, name))
                {
                    found.extend(in_schema(id));
                }
                if let Some(id) = database(name) {
                    found.extend(self.names(Namespace::Schema, id));
                }
            }
            [first, second] => {
                if let Some(id) = self.current_database().and_then(|current| schema(current, first))
                {
                    found.extend(of_relation(id, second));
                }
                if let Some(id) = database(first).and_then(|database| schema(database, second)) {
                    found.extend(in_schema(id));
                }
            }
            [first, second, third] => {
                if let Some(id) = database(first).and_then(|database| schema(database, second)) {
                    found.extend(of_relation(id, third));
                }
            }
            _ => {}
        }
        sorted(found)
    }

    /// Stages of the current schema, for what follows `@`.
    pub fn stages(&self) -> Vec<String> {
        let found = self.current_schema().map(|schema| self.names(Namespace::Stage, schema));
        sorted(found.unwrap_or_default())
    }

    fn names(&self, namespace: Namespace, parent: ObjectId) -> Vec<String> {
        let children = self.catalog.children(namespace, parent);
        children.iter().map(|object| object.name().to_string()).collect()
    }

    fn current_database(&self) -> Option<ObjectId> {
        Some(self.catalog.database(self.path.database.as_deref()?)?.header.id)
    }

    fn current_schema(&self) -> Option<ObjectId> {
        let schema = self.path.schema.as_deref()?;
        Some(self.catalog.schema(self.current_database()?, schema)?.header.id)
    }
}

/// Names of a relation's columns.
fn columns(relation: &Object) -> Vec<String> {
    let of_view = |columns: &[ViewColumn]| columns.iter().map(|c| c.name.clone()).collect();
    match relation {
        Object::Table(table) => table.columns.iter().map(|column| column.name.clone()).collect(),
        Object::ExternalTable(_) => {
            relation.columns().into_iter().map(|(_, name, _)| name).collect()
        }
        Object::View(view) => of_view(&view.columns),
        Object::MaterializedView(view) => of_view(&view.columns),
        _ => Vec::new(),
    }
}

fn sorted(mut names: Vec<String>) -> Vec<String> {
    names.sort();
    names.dedup();
    names
}
