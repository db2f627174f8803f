//! Names of objects: completed, looked up, and what is said when nothing has them.

use std::sync::Arc;

use firn_account::catalog::{Action, Namespace, Object, ObjectPath, Table};
use firn_types::{Error, ErrorCode, ObjectName, Result, Value};

use super::Binder;
use super::context::Env;
use firn_parse::ast::Name;

impl Binder<'_> {
    /// The written name behind a name of either form.
    ///
    /// # Errors
    /// When IDENTIFIER's argument is no constant text or no name.
    pub(crate) fn plain_name(&self, name: &Name, env: &Env<'_>) -> Result<ObjectName> {
        match name {
            Name::Plain(name) => Ok(name.clone()),
            Name::Identifier(expr) => {
                let (value, _) = self.bind_constant(expr, env)?;
                let Value::Text(text) = &value else {
                    let text = "argument 1 to function IDENTIFIER needs to be constant text";
                    return Err(Error::new(ErrorCode::ConstantArgument, text).at(expr.span));
                };
                let name = firn_parse::parse_object_name(text)
                    .map_err(|error| error.without_span().at(expr.span))?;
                let parts = name.parts.into_iter().map(|part| part.at(expr.span)).collect();
                Ok(ObjectName { parts })
            }
        }
    }

    /// The name completed with the current database and schema; `verb` is what the statement wants to
    /// do.
    ///
    /// # Errors
    /// `NoDatabase` or `NoSchema` when there is none to complete it with.
    pub(crate) fn complete(
        &self,
        name: &ObjectName,
        env: &Env<'_>,
        verb: &str,
    ) -> Result<ObjectPath> {
        let mut path = env.path.complete(name, verb)?;
        if self.context.ignore_quoted_case {
            path.database = path.database.to_uppercase();
            path.schema = path.schema.to_uppercase();
            path.name = path.name.to_uppercase();
        }
        Ok(path)
    }

    /// The error for a table or view that is not there, with the one that may have been meant.
    pub(crate) fn object_not_found(
        &self,
        written: &ObjectName,
        path: &ObjectPath,
        env: &Env<'_>,
    ) -> Error {
        let catalog = env.catalog;
        if let Err(error) = catalog.resolve_schema(path) {
            return error;
        }
        let near = catalog
            .schema_of(path)
            .and_then(|schema| catalog.similar(Namespace::Relation, schema, &path.name));
        let hint = near.map_or(String::new(), |near| format!("\nDid you mean '{near}'?"));
        let text = format!("Object '{written}' does not exist or not authorized.{hint}");
        Error::new(ErrorCode::ObjectNotFound, text).at(written.span())
    }

    /// The table that a statement does something with.
    ///
    /// # Errors
    /// When there is none, it is a view, or the roles may not do one of the actions with it.
    pub(crate) fn target_table(
        &self,
        name: &Name,
        env: &Env<'_>,
        verb: &str,
        actions: &[Action],
    ) -> Result<(Arc<Table>, ObjectPath)> {
        let written = self.plain_name(name, env)?;
        let path = self.complete(&written, env, verb)?;
        match env.catalog.find_path(Namespace::Relation, &path) {
            Some(object @ Object::Table(table)) => {
                table.refuse_dynamic(verb).map_err(|error| error.at(written.span()))?;
                actions.iter().try_for_each(|action| env.catalog.authorize(*action, object))?;
                Ok((Arc::clone(table), path))
            }
            Some(other) => {
                let kind = other.kind().title().to_lowercase();
                let text = format!("Cannot perform {verb} on {kind} '{}': not a table.", path.name);
                Err(Error::new(ErrorCode::InvalidStatement, text).at(written.span()))
            }
            None => Err(self.object_not_found(&written, &path, env)),
        }
    }
}
