//! DELETE.

use firn_account::catalog::Action;
use firn_types::Result;

use super::update::{keep, target_rows};
use crate::bind::Binder;
use crate::bind::context::Env;
use firn_parse::ast;
use firn_plan::statement::{Delete, Target};

pub(super) fn bind_delete(
    binder: &Binder<'_>,
    delete: &ast::Delete,
    env: &Env<'_>,
) -> Result<Delete> {
    let alias = delete.alias.as_ref();
    let rows = target_rows(binder, &delete.table, alias, &delete.using, env, Action::Delete)?;
    let source = keep(binder, rows.plan, &rows.scope, delete.filter.as_ref(), env)?;
    let target = Target { name: rows.table.header.name.clone(), table: rows.table };
    Ok(Delete { target, source, locator: rows.locator })
}
