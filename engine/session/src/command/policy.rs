//! Policies with a body: CREATE and SET BODY.

use firn_account::catalog::{
    AggregationPolicy, MaskingPolicy, Object, ObjectKind, ObjectPath, PolicyBody, ProjectionPolicy,
    RowAccessPolicy,
};
use firn_parse::ast::{CreatePolicy, Name};
use firn_types::{Error, ErrorCode, Result, Span, SqlType};

use super::function::parameters;
use super::kind::changed;
use super::kind::policy::EXEMPT;
use super::option_table::{self, Place};
use crate::lifecycle::StatementContext;
use crate::result::Rows;

/// Creates a policy; its body must compile now.
///
/// # Errors
/// When it does not, its types do not fit its kind, an option is wrong, the name is taken, or the policy that it would
/// replace is in use.
pub(super) fn create(running: &mut StatementContext, ast: &CreatePolicy) -> Result<Rows> {
    option_table::check(ast.kind, Place::Create, &ast.options)?;
    let path = running.path(&ast.name, &format!("CREATE {}", ast.kind.words()))?;
    let schema = running.catalog().resolve_schema(&path)?;
    let body = PolicyBody {
        parameters: parameters(running, &ast.parameters)?,
        returns: ast.returns.as_ref().map(|name| running.sql_type(name)).transpose()?,
        text: ast.body.of(&running.sql).to_string(),
    };
    check_types(ast.kind, &body)?;
    let header = running.header(schema, &path.name, &ast.options);
    let exempt = ast.options.iter().find(|option| option.name == EXEMPT);
    let policy: Object = match ast.kind {
        ObjectKind::MaskingPolicy => {
            let exempt = exempt.and_then(|option| option.value.as_boolean());
            let exempt_other_policies = exempt.unwrap_or(false);
            MaskingPolicy { header, body, exempt_other_policies }.into()
        }
        ObjectKind::RowAccessPolicy => RowAccessPolicy { header, body }.into(),
        ObjectKind::ProjectionPolicy => ProjectionPolicy { header, body }.into(),
        ObjectKind::AggregationPolicy => AggregationPolicy { header, body }.into(),
        other => return Err(Error::not_supported(format!("CREATE {}", other.words()))),
    };
    check_body(running, &policy, &path, ast.body)?;
    running.create_object(policy, ast.mode)
}

/// A policy with another body.
///
/// # Errors
/// When the body does not compile.
pub(super) fn with_body(
    running: &StatementContext,
    policy: &Object,
    name: &Name,
    body: Span,
) -> Result<Object> {
    let text = body.of(&running.sql).to_string();
    let policy = match policy {
        Object::MaskingPolicy(old) => changed(old, |new| set(&mut new.body, text)),
        Object::RowAccessPolicy(old) => changed(old, |new| set(&mut new.body, text)),
        Object::ProjectionPolicy(old) => changed(old, |new| set(&mut new.body, text)),
        Object::AggregationPolicy(old) => changed(old, |new| set(&mut new.body, text)),
        other => Err(Error::not_supported(format!("ALTER {} .. SET BODY", other.kind().words()))),
    }?;
    let path = running.path(name, "ALTER")?;
    check_body(running, &policy, &path, body)?;
    Ok(policy)
}

fn set(body: &mut PolicyBody, text: String) -> Result<()> {
    body.text = text;
    Ok(())
}

/// What a kind takes and gives.
fn check_types(kind: ObjectKind, body: &PolicyBody) -> Result<()> {
    let refuse = |text: &str| Err(Error::new(ErrorCode::InvalidStatement, text));
    match (kind, body.parameters.as_slice(), body.returns) {
        (ObjectKind::MaskingPolicy, [first, ..], Some(returns))
            if first.sql_type.family() == returns.family() =>
        {
            Ok(())
        }
        (ObjectKind::MaskingPolicy, ..) => {
            refuse("Masking policy function argument and return type mismatch.")
        }
        (ObjectKind::RowAccessPolicy, [], _) => {
            refuse("A row access policy takes at least one argument.")
        }
        (ObjectKind::RowAccessPolicy, _, Some(SqlType::Boolean)) => Ok(()),
        (ObjectKind::RowAccessPolicy, ..) => {
            refuse("Row access policy return type is not BOOLEAN.")
        }
        (_, [], _) => Ok(()),
        _ => refuse("A policy of projection or aggregation takes no arguments."),
    }
}

/// Binds the body once. What is wrong in it has its place in the statement.
fn check_body(
    running: &StatementContext,
    policy: &Object,
    path: &ObjectPath,
    body: Span,
) -> Result<()> {
    let functions = running.function_context();
    running.with_binder(&functions, |binder| {
        binder.check_policy(policy, path).map_err(|error| error.shifted(body.start as usize))
    })
}
