//! Bodies of policies, in the place of what they protect.

use firn_account::catalog::{Object, ObjectKind, ObjectPath, Parameter, PolicyBody};
use firn_expression::{Expr, fold};
use firn_functions::FunctionContext;
use firn_types::{Error, ErrorCode, Result, SqlType, TypeFamily};

use super::user_function::{Bodied, Body, compatible, replace, values_of, with_values};
use super::{ExprBinder, Gathered, PendingApply, cast, explicit_cast, groups, projection};
use crate::bind::Binder;
use crate::bind::clause::Clause;
use crate::bind::context::Env;

/// A policy's value for each row, and the subqueries beside the rows that it reads.
#[derive(Debug)]
pub(crate) struct Judged {
    /// The value.
    pub(crate) value: Expr,
    /// The subqueries.
    pub(crate) applies: Vec<PendingApply>,
}

impl Binder<'_> {
    /// Whether a new policy's body compiles and gives what is declared.
    ///
    /// # Errors
    /// Compilation errors of the body, with their place in it; `ReturnType`.
    pub fn check_policy(&self, policy: &Object, path: &ObjectPath) -> Result<()> {
        let Some(body) = policy.policy_body() else { return Ok(()) };
        let catalog = self.context.catalog.as_ref();
        let env = Env::root(catalog, &self.context.path, "");
        let bound = self.bind_policy_body(policy, body, &body.parameters, path, &env)?;
        let value = &bound.bound.value;
        match body.returns {
            Some(declared) => compatible(declared, value.sql_type()),
            None => check_constraint(policy.kind(), value, &self.context.functions),
        }
    }

    /// What a policy says of rows, given its arguments. A parameter has the argument's own type where they are of
    /// one family, so that no digits and no characters are lost.
    ///
    /// # Errors
    /// When the body does not compile any more.
    pub(crate) fn judge(
        &self,
        policy: &Object,
        body: &PolicyBody,
        arguments: Vec<Expr>,
        env: &Env<'_>,
    ) -> Result<Judged> {
        let typed = body.parameters.iter().zip(&arguments).map(|(parameter, argument)| {
            let same = parameter.sql_type.family() == argument.sql_type().family();
            let sql_type = if same { argument.sql_type() } else { parameter.sql_type };
            Parameter { sql_type, ..parameter.clone() }
        });
        let typed: Vec<Parameter> = typed.collect();
        if typed.len() != body.parameters.len() {
            let name = policy.name();
            return Err(Error::internal(format!("policy {name} lacks arguments")));
        }
        let path = self.path_of(policy)?;
        let Body { parameters, bound } = self.bind_policy_body(policy, body, &typed, &path, env)?;
        let cast_to =
            |(argument, parameter): (Expr, &Parameter)| cast(argument, parameter.sql_type);
        let values = arguments.into_iter().zip(&typed).map(cast_to).collect();
        let values = values_of(&parameters, values);
        let Judged { mut value, applies } = bound;
        replace(&mut value, &values);
        let applies = applies.into_iter().map(|apply| with_values(apply, &values)).collect();
        Ok(Judged { value, applies })
    }

    fn bind_policy_body(
        &self,
        policy: &Object,
        body: &PolicyBody,
        parameters: &[Parameter],
        path: &ObjectPath,
        env: &Env<'_>,
    ) -> Result<Body<Judged>> {
        let kind = policy.kind().title().to_lowercase();
        let bodied = Bodied {
            header: policy.header(),
            parameters,
            text: &body.text,
            called: format!("{kind} {}", policy.name()),
            variables: false,
        };
        self.with_text(&bodied, path, env, |body, env, scope| {
            let mut gathered = Gathered::default();
            let value = {
                let clause = match policy.kind() {
                    kind @ (ObjectKind::AggregationPolicy | ObjectKind::ProjectionPolicy) => {
                        Clause::Constraint(kind)
                    }
                    _ => Clause::Single,
                };
                ExprBinder::new(self, env, scope, clause, &mut gathered).bind_body(&body)?
            };
            Ok(Judged { value, applies: gathered.applies })
        })
    }

    /// Where an object of a schema is.
    fn path_of(&self, object: &Object) -> Result<ObjectPath> {
        let catalog = &self.context.catalog;
        let schema = catalog.object_or_err(object.header().parent)?.header();
        let database = catalog.object_or_err(schema.parent)?.header();
        Ok(ObjectPath {
            database: database.name.clone(),
            schema: schema.name.clone(),
            name: object.name().to_string(),
        })
    }
}

/// Whether the body of a policy gives a constraint, and one that there is.
fn check_constraint(kind: ObjectKind, value: &Expr, functions: &FunctionContext) -> Result<()> {
    let function = match kind {
        ObjectKind::ProjectionPolicy => "PROJECTION_CONSTRAINT",
        _ => "AGGREGATION_CONSTRAINT or NO_AGGREGATION_CONSTRAINT",
    };
    if value.sql_type().family() != TypeFamily::Binary {
        let text = format!("Bodies of {} must call {function}.", kind.plural().to_lowercase());
        return Err(Error::new(ErrorCode::ReturnType, text));
    }
    match (fold::constant(value, functions)?, kind) {
        (Some(value), ObjectKind::ProjectionPolicy) => projection(&value).map(drop),
        (Some(value), _) => groups(&value).map(drop),
        (None, _) => Ok(()),
    }
}

/// A value as a type, where it is not of it yet.
pub(crate) fn as_type(value: Expr, wanted: SqlType) -> Result<Expr> {
    explicit_cast(value, wanted, false)
}
