//! Procedures: which one a call means, and what it is given.

use std::sync::Arc;

use firn_account::catalog::{Namespace, Object, ObjectPath, Procedure};
use firn_expression::{Expr, fold};
use firn_parse::ast::Name;
use firn_types::{Error, ErrorCode, ObjectName, Result};

use super::user_function::{cost, wrong_arguments};
use super::{ExprBinder, Gathered};
use crate::bind::Binder;
use crate::bind::clause::Clause;
use crate::bind::context::Env;
use crate::bind::placeholder::TypedValue;
use crate::bind::scope::Scope;

/// Procedures of one name, which differ in what they take, and where they are.
#[derive(Clone, Debug)]
pub struct Procedures {
    /// The name that they are called by, with its database and schema.
    pub path: ObjectPath,
    /// The procedures; never none.
    pub found: Vec<Arc<Procedure>>,
}

impl Binder<'_> {
    /// The procedures that a name in `text` means.
    ///
    /// # Errors
    /// `UnknownFunction` when there are none; when the name has no schema.
    pub fn procedures_of(&self, name: &Name, text: &str) -> Result<Procedures> {
        let env = Env::root(&self.context.catalog, &self.context.path, text);
        let name = self.plain_name(name, &env)?;
        self.procedures(&name, &env)?.ok_or_else(|| {
            let text = format!("Unknown function {}.", name.object());
            Error::new(ErrorCode::UnknownFunction, text)
        })
    }

    /// As [`Binder::procedures_of`], but none when there are none.
    pub(crate) fn procedures(
        &self,
        name: &ObjectName,
        env: &Env<'_>,
    ) -> Result<Option<Procedures>> {
        let path = self.complete(name, env, "CALL")?;
        let Some(schema) = env.catalog.schema_of(&path) else { return Ok(None) };
        let found: Vec<Arc<Procedure>> = env
            .catalog
            .children(Namespace::Procedure, schema)
            .into_iter()
            .filter_map(Object::as_procedure)
            .filter(|procedure| procedure.called() == path.name)
            .cloned()
            .collect();
        Ok((!found.is_empty()).then_some(Procedures { path, found }))
    }

    /// The procedure that takes these arguments, each with its name if it was given by it, and their values for
    /// each of its parameters.
    ///
    /// # Errors
    /// `InvalidArgumentTypes` when none takes them; that of a cast; that of a DEFAULT.
    pub fn choose_procedure(
        &self,
        procedures: &Procedures,
        given: Vec<(Option<&str>, TypedValue)>,
    ) -> Result<(Arc<Procedure>, Vec<TypedValue>)> {
        let literal = |(name, value): (_, TypedValue)| (name, value.literal());
        let given: Vec<(Option<&str>, Expr)> = given.into_iter().map(literal).collect();
        let costs = procedures
            .found
            .iter()
            .filter_map(|procedure| Some((cost(&procedure.parameters, &given)?, procedure)));
        let Some((_, procedure)) = costs.min_by_key(|(cost, _)| *cost) else {
            return Err(wrong_arguments(&procedures.path.name, &given));
        };
        let env = Env::root(&self.context.catalog, &self.context.path, "");
        let (scope, mut gathered) = (Scope::default(), Gathered::default());
        let mut binder = ExprBinder::new(self, &env, &scope, Clause::Single, &mut gathered);
        let arguments = binder.ordered(&procedure.parameters, given)?;
        let values = arguments.iter().zip(&procedure.parameters);
        let values = values.map(|(argument, parameter)| {
            match fold::constant(argument, &self.context.functions)? {
                Some(value) => Ok(TypedValue { value, sql_type: parameter.sql_type }),
                None => {
                    let text =
                        format!("the DEFAULT of argument {} that is no constant", parameter.name);
                    Err(Error::not_supported(text))
                }
            }
        });
        Ok((Arc::clone(procedure), values.collect::<Result<_>>()?))
    }
}
