//! ALTER TABLE.

use std::sync::Arc;

use firn_account::CatalogChange;
use firn_account::catalog::{
    Action, ColumnDefault, ConstraintKind, Object, ObjectKind, ObjectPath, Table, TableColumn,
    TableKind,
};
use firn_parse::ast::{
    self, AlterColumn, AlterTable, AlterTableAction, ColumnChange, ColumnDefinition, CreateTable,
    ExprKind, TableLifetime,
};
use firn_types::{Error, ErrorCode, Identifier, Result, SqlType, TypeFamily};

use super::attach;
use super::definition::{already_exists, forgotten_parameters, kept_parameters};
use super::external_table;
use super::option_table::{self, Place};
use super::table::{check, collated, column, keep_constraint, set_property};
use crate::lifecycle::StatementContext;
use crate::maintenance;
use crate::result::Rows;

/// ALTER TABLE.
///
/// # Errors
/// When there is no such table, or it cannot be changed so.
pub(super) fn alter(running: &mut StatementContext, ast: &AlterTable) -> Result<Rows> {
    let path = running.path(&ast.table, "ALTER TABLE")?;
    let catalog = running.catalog();
    if ast.if_exists && running.find(ObjectKind::Table, &path).is_none() {
        return Ok(Rows::done());
    }
    let table = match catalog.resolve(ObjectKind::Table, &path)? {
        object @ Object::Table(table) => {
            if let AlterTableAction::Attach(changes) = &ast.action {
                return attach::alter(running, object, changes);
            }
            catalog.authorize(Action::Alter, object)?;
            table.refuse_dynamic("ALTER TABLE")?;
            Arc::clone(table)
        }
        object @ Object::ExternalTable(table) => {
            if let AlterTableAction::Attach(changes) = &ast.action {
                return attach::alter(running, object, changes);
            }
            catalog.authorize(Action::Alter, object)?;
            return external_table::alter_columns(running, table, &ast.action);
        }
        other => {
            let text = format!("Object '{}' is not a table.", other.name());
            return Err(Error::new(ErrorCode::InvalidStatement, text).at(ast.table.span()));
        }
    };
    match &ast.action {
        AlterTableAction::Rename(name) => rename(running, &table, name),
        AlterTableAction::Swap(name) => swap(running, &table, name),
        AlterTableAction::Recluster => {
            if table.cluster_by.is_empty() {
                let name = &table.header.name;
                let text = format!("Invalid clustering keys or table {name} is not clustered");
                return Err(Error::new(ErrorCode::InvalidParameterValue, text));
            }
            running.commit_open()?;
            running.admit()?;
            maintenance::recluster(running, table.id())?;
            Ok(Rows::done())
        }
        action => {
            let done = redefine(running, &table, action, &path)?;
            if let AlterTableAction::ClusterBy(_) | AlterTableAction::ResumeRecluster = action {
                maintenance::after_commit(running, &[table.id()].into());
            }
            Ok(done)
        }
    }
}

/// CREATE OR ALTER TABLE of one that exists: it becomes what is written, by the steps that ALTER TABLE has.
///
/// # Errors
/// When a step is none that ALTER TABLE has, or columns that stay are written in another order.
pub(super) fn alter_into(
    running: &mut StatementContext,
    ast: &CreateTable,
    table: &Arc<Table>,
    path: &ObjectPath,
) -> Result<Rows> {
    let catalog = running.catalog();
    catalog.authorize(Action::Alter, &Object::Table(Arc::clone(table)))?;
    let transient = ast.lifetime == TableLifetime::Transient;
    if transient != (table.kind == TableKind::Transient) {
        return Err(Error::not_supported("CREATE OR ALTER between permanent and transient tables"));
    }
    let mut changed = table.as_ref().clone();
    let gone = table.columns.iter().filter(|column| written(ast, &column.name).is_none());
    let gone: Vec<Identifier> = gone.map(|column| Identifier::exact(&*column.name)).collect();
    changed.constraints.clear();
    changed.cluster_by.clear();
    let mut changes = Vec::new();
    // A table must not be without columns on the way.
    for definition in &ast.columns {
        match table.column(&definition.name.name) {
            Some(_) => become_written(running, &mut changed, definition)?,
            None => changes.extend(add_column(running, &mut changed, definition, false, path)?),
        }
    }
    gone.iter().try_for_each(|name| drop_column(&mut changed, name, false))?;
    let order = changed.columns.iter().map(|column| &column.name);
    if !order.eq(ast.columns.iter().map(|definition| &definition.name.name)) {
        let text = "CREATE OR ALTER with columns in another order: new ones come last";
        return Err(Error::not_supported(text));
    }
    for constraint in &ast.constraints {
        let kept = keep_constraint(running, &mut changed, constraint)?;
        let same = table.constraints.iter().find(|old| {
            (&old.kind, &old.columns) == (&kept.kind, &kept.columns) && constraint.name.is_none()
        });
        changed.constraints.push(same.cloned().unwrap_or(kept));
    }
    let text = |key: &ast::Expr| key.span.of(&running.sql).to_string();
    changed.cluster_by = ast.cluster_by.iter().map(text).collect();
    unset_property(&mut changed, &Identifier::exact("COMMENT"));
    unset_property(&mut changed, &Identifier::exact("DATA_RETENTION_TIME_IN_DAYS"));
    ast.options.iter().try_for_each(|option| set_property(&mut changed, option))?;
    check(running, &changed, path)?;
    changes.push(CatalogChange::alter(changed));
    changes.extend(kept_parameters(table.id(), &ast.options));
    running.change(changes)?;
    Ok(Rows::done())
}

fn written<'a>(ast: &'a CreateTable, name: &str) -> Option<&'a ColumnDefinition> {
    ast.columns.iter().find(|definition| definition.name.name == name)
}

/// Changes a column into what is written of it.
fn become_written(
    running: &StatementContext,
    table: &mut Table,
    definition: &ColumnDefinition,
) -> Result<()> {
    let (new, _) = column(running, definition, None, &table.header)?;
    let rows = Arc::clone(&table.snapshot);
    let name = definition.name.clone();
    let nullable = table.column(&name.name).is_some_and(|column| column.nullable);
    if nullable != new.nullable {
        let change = match new.nullable {
            true => ColumnChange::DropNotNull,
            false => ColumnChange::SetNotNull,
        };
        alter_column(
            running,
            table,
            &AlterColumn { column: name.clone(), change, span: definition.span },
        )?;
    }
    let Some(old) = table.columns.iter_mut().find(|column| column.name == name.name) else {
        return Err(Error::internal("a column is lost"));
    };
    let identity = |column: &TableColumn| match &column.default {
        Some(ColumnDefault::Identity { start, step, .. }) => Some((*start, *step)),
        _ => None,
    };
    let of_text = |column: &TableColumn| match &column.default {
        Some(ColumnDefault::Text(text)) => Some(text.clone()),
        _ => None,
    };
    if identity(old) != identity(&new) || (new.default.is_some() && of_text(old) != of_text(&new)) {
        let text = format!("CREATE OR ALTER with another default of column {name}");
        return Err(Error::not_supported(text));
    }
    if new.default.is_none() {
        old.default = None;
    }
    old.comment.clone_from(&new.comment);
    change_type(old, new.sql_type, &rows)
}

fn rename(running: &mut StatementContext, table: &Table, name: &ast::Name) -> Result<Rows> {
    let to = running.path(name, "ALTER TABLE")?;
    let catalog = running.catalog();
    let parent = catalog.resolve_schema(&to)?;
    catalog.authorize_move(&Object::from(table.clone()), parent)?;
    if catalog.find(ObjectKind::Table.namespace(), parent, &to.name).is_some() {
        return Err(already_exists(&to.name));
    }
    running.change(vec![CatalogChange::Rename { id: table.id(), parent, name: to.name }])?;
    Ok(Rows::done())
}

fn swap(running: &mut StatementContext, table: &Table, name: &ast::Name) -> Result<Rows> {
    let other = running.path(name, "ALTER TABLE")?;
    let catalog = running.catalog();
    let right = catalog.resolve(ObjectKind::Table, &other)?;
    catalog.authorize(Action::Alter, right)?;
    let right = right.id();
    running.change(vec![CatalogChange::Swap { left: table.id(), right }])?;
    Ok(Rows::done())
}

/// Changes the definition, checks it as a whole, and stores it.
fn redefine(
    running: &mut StatementContext,
    table: &Arc<Table>,
    action: &AlterTableAction,
    path: &ObjectPath,
) -> Result<Rows> {
    let mut changed = table.as_ref().clone();
    let mut changes = Vec::new();
    match action {
        AlterTableAction::AddColumns { if_not_exists, columns, constraints } => {
            for definition in columns {
                let new = add_column(running, &mut changed, definition, *if_not_exists, path)?;
                changes.extend(new);
            }
            for constraint in constraints {
                let constraint = keep_constraint(running, &mut changed, constraint)?;
                changed.constraints.push(constraint);
            }
        }
        AlterTableAction::DropColumns { if_exists, columns } => {
            columns.iter().try_for_each(|name| drop_column(&mut changed, name, *if_exists))?;
            check(running, &changed, path).map_err(|error| match error.code() {
                ErrorCode::InvalidIdentifier => clustered(&changed),
                _ => error,
            })?;
        }
        AlterTableAction::RenameColumn(from, to) => rename_column(&mut changed, from, to)?,
        AlterTableAction::AlterColumns(columns) => {
            columns.iter().try_for_each(|alter| alter_column(running, &mut changed, alter))?;
        }
        AlterTableAction::AddConstraint(constraint) => {
            add_constraint(running, &mut changed, constraint)?;
        }
        AlterTableAction::ClusterBy(keys) => {
            let text = |key: &ast::Expr| key.span.of(&running.sql).to_string();
            changed.cluster_by = keys.iter().map(text).collect();
        }
        AlterTableAction::DropClusteringKey => changed.cluster_by.clear(),
        AlterTableAction::Set(options) => {
            option_table::check(ObjectKind::Table, Place::Set, options)?;
            options.iter().try_for_each(|option| set_property(&mut changed, option))?;
            changes.extend(kept_parameters(table.id(), options));
        }
        AlterTableAction::Unset(names) => {
            option_table::check_unset(ObjectKind::Table, names)?;
            names.iter().for_each(|name| unset_property(&mut changed, name));
            changes.extend(forgotten_parameters(table.id(), names));
        }
        AlterTableAction::SuspendRecluster => changed.recluster_suspended = true,
        AlterTableAction::ResumeRecluster => changed.recluster_suspended = false,
        other => constraint_action(&mut changed, other)?,
    }
    check(running, &changed, path)?;
    changes.push(CatalogChange::alter(changed));
    running.change(changes)?;
    Ok(Rows::done())
}

fn add_column(
    running: &StatementContext,
    table: &mut Table,
    definition: &ColumnDefinition,
    if_not_exists: bool,
    path: &ObjectPath,
) -> Result<Option<CatalogChange>> {
    if table.column(&definition.name.name).is_some() {
        if if_not_exists {
            return Ok(None);
        }
        let text = format!("column '{}' already exists", definition.name);
        return Err(Error::new(ErrorCode::DuplicateColumn, text));
    }
    if let Some(default) = &definition.default {
        let negative = |expr: &ast::Expr| {
            matches!(&expr.kind, ExprKind::Unary(_, inner)
            if matches!(inner.kind, ExprKind::Literal(_)))
        };
        if !matches!(default.kind, ExprKind::Literal(_)) && !negative(default) {
            let text = default.span.of(&running.sql);
            let text = format!("Invalid column default expression [{text}]");
            return Err(Error::new(ErrorCode::InvalidStatement, text));
        }
    }
    let has_rows = table.snapshot.rows()? > 0;
    let (mut new, sequence) = column(running, definition, None, &table.header)?;
    if let Some(default) = &definition.default {
        check_family(running, &new, default)?;
    }
    if sequence.is_some() && has_rows {
        let text = "AUTOINCREMENT cannot be added to a table that has rows";
        return Err(Error::new(ErrorCode::InvalidStatement, text).at(definition.span));
    }
    if new.default.is_some() && sequence.is_none() {
        let functions = running.function_context();
        let value = running.with_binder(&functions, |binder| {
            let expr = binder.bind_default(&new, path)?;
            firn_expression::fold::constant(&expr, &functions)
        })?;
        new.initial_default = value.filter(|value| !value.is_null());
    }
    if !new.nullable && has_rows && new.initial_default.is_none() {
        let text = format!(
            "Non-nullable column '{}' cannot be added to non-empty table '{}' unless it has a non-null \
             default value.",
            new.name, table.header.name
        );
        return Err(Error::new(ErrorCode::NotNullColumnOnRows, text));
    }
    table.add_column(new);
    Ok(sequence.map(CatalogChange::create))
}

/// ADD COLUMN takes a literal of the column's own family, and nothing but NULL for dates and times.
fn check_family(running: &StatementContext, new: &TableColumn, default: &ast::Expr) -> Result<()> {
    let functions = running.function_context();
    let (_, found) =
        running.with_binder(&functions, |binder| binder.constant(default, &running.sql))?;
    let wanted = new.sql_type;
    let fits = found == SqlType::Null
        || (wanted.is_numeric() && found.is_numeric())
        || (wanted.family() == found.family()
            && matches!(wanted.family(), TypeFamily::Text | TypeFamily::Boolean));
    if fits {
        return Ok(());
    }
    let text = format!(
        "Expression type does not match column data type, expecting {wanted} but got {found} for column {}",
        new.name
    );
    Err(Error::new(ErrorCode::ColumnTypeMismatch, text))
}

fn drop_column(table: &mut Table, name: &Identifier, if_exists: bool) -> Result<()> {
    let Some(position) = table.columns.iter().position(|column| column.name == name.name) else {
        if if_exists {
            return Ok(());
        }
        let text = format!("column '{name}' does not exist");
        return Err(Error::new(ErrorCode::InvalidStatement, text));
    };
    if table.columns.len() == 1 {
        let text = "cannot drop all the columns of a table";
        return Err(Error::new(ErrorCode::InvalidStatement, text));
    }
    if table.header.attachments.takes(table.columns[position].field_id) {
        let text = format!("Column '{name}' cannot be dropped: a policy of the table reads it.");
        return Err(Error::new(ErrorCode::InvalidStatement, text));
    }
    let field = table.columns.remove(position).field_id;
    table.header.attachments.columns.remove(&field);
    table.constraints.retain(|constraint| !constraint.columns.contains(&field));
    Ok(())
}

/// The error of a column that cannot go because the clustering key reads it.
fn clustered(table: &Table) -> Error {
    let text = format!(
        "cannot drop a column of the clustering key ({}) of table '{}'",
        table.cluster_by.join(", "),
        table.header.name
    );
    Error::new(ErrorCode::InvalidStatement, text)
}

fn rename_column(table: &mut Table, from: &Identifier, to: &Identifier) -> Result<()> {
    if table.column(&to.name).is_some() {
        return Err(already_exists(&format!("{}.{to}", table.header.name)));
    }
    let Some(column) = table.columns.iter_mut().find(|column| column.name == from.name) else {
        let text = format!("Object '{from}' does not exist or not authorized.");
        return Err(Error::new(ErrorCode::NotFound, text));
    };
    column.name = to.name.clone();
    // A clustering key is text: what it says of the column must go by the new name.
    for key in &mut table.cluster_by {
        if key.trim().eq_ignore_ascii_case(&from.name) {
            *key = Identifier::to_sql(&to.name);
        }
    }
    Ok(())
}

fn alter_column(running: &StatementContext, table: &mut Table, alter: &AlterColumn) -> Result<()> {
    let rows = Arc::clone(&table.snapshot);
    let Some(column) = table.columns.iter_mut().find(|column| column.name == alter.column.name)
    else {
        let text = format!("invalid identifier '{}'", alter.column);
        return Err(Error::new(ErrorCode::InvalidIdentifier, text).at(alter.column.span));
    };
    match &alter.change {
        ColumnChange::Attach(_) => Err(Error::internal("a policy among the changes of a column")),
        ColumnChange::Type(name, collation) => {
            let functions = running.function_context();
            let to = running.with_binder(&functions, |binder| binder.resolve_type(name))?;
            let to = collated(to, collation.as_deref(), &column.name)?;
            change_type(column, to, &rows)
        }
        ColumnChange::SetNotNull => {
            rows.partitions()?;
            let nulls =
                rows.column_summary(&column.field_id.into()).is_none_or(|c| c.null_count > 0);
            if rows.rows()? > 0 && nulls {
                let text = format!(
                    "column [{}] contains null values. Not null constraint cannot be added.",
                    column.name
                );
                return Err(Error::new(ErrorCode::NullNotAllowed, text));
            }
            column.nullable = false;
            Ok(())
        }
        ColumnChange::DropNotNull => {
            column.nullable = true;
            Ok(())
        }
        ColumnChange::SetDefault(expr) => match &expr.kind {
            ExprKind::Column(name) if name.object().as_str() == "NEXTVAL" => {
                let text = expr.span.of(&running.sql).to_string();
                column.default = Some(firn_account::catalog::ColumnDefault::Text(text));
                Ok(())
            }
            _ => Err(Error::not_supported("Alter Column Set Default")),
        },
        ColumnChange::DropDefault => {
            column.default = None;
            Ok(())
        }
        ColumnChange::Comment(text) => {
            column.comment = text.clone();
            Ok(())
        }
        ColumnChange::DropComment => {
            column.comment.clear();
            Ok(())
        }
    }
}

/// Longer texts, and numbers of other precision that holds all values.
fn change_type(column: &mut TableColumn, to: SqlType, rows: &firn_storage::Snapshot) -> Result<()> {
    let from = column.sql_type;
    let refuse = |code, reason: &str| {
        let name = &column.name;
        let text = format!("cannot change column {name} from type {from} to {to} because {reason}");
        Err(Error::new(code, text))
    };
    if !from.collation().same_rules(to.collation()) {
        let name = &column.name;
        let text = format!(
            "cannot change column {name} from type \"{from}\" to \"{to}\" because they have incompatible \
             collations."
        );
        return Err(Error::new(ErrorCode::CannotChangeType, text));
    }
    match (from, to) {
        (from, to) if from == to => {}
        (SqlType::Varchar { length: old, .. }, SqlType::Varchar { length: new, .. }) => {
            if new < old {
                let reason = "reducing the byte-length of a varchar is not supported.";
                return refuse(ErrorCode::CannotChangeType, reason);
            }
        }
        (
            SqlType::Number { precision: p1, scale: s1 },
            SqlType::Number { precision: p2, scale: s2 },
        ) => {
            if s1 != s2 {
                let reason = "changing the scale of a number is not supported.";
                return refuse(ErrorCode::CannotChangeScale, reason);
            }
            if p2 < p1 && !values_fit(column, p2, rows)? {
                let reason = "a value of the column has more digits.";
                return refuse(ErrorCode::CannotChangeType, reason);
            }
        }
        _ => {
            return refuse(ErrorCode::CannotChangeType, "the types are not compatible.");
        }
    }
    column.sql_type = to;
    Ok(())
}

fn values_fit(
    column: &TableColumn,
    precision: u8,
    snapshot: &firn_storage::Snapshot,
) -> Result<bool> {
    snapshot.partitions()?;
    let rows = snapshot.rows()?;
    let Some(summary) = snapshot.column_summary(&column.field_id.into()) else {
        return Ok(rows == 0);
    };
    let fits = |value: &Option<firn_types::Value>| match value {
        Some(firn_types::Value::Number(number)) => {
            firn_types::decimal::fits_precision(number.unscaled, precision)
        }
        _ => false,
    };
    let all_null = summary.min.is_none() && summary.null_count >= rows;
    Ok(all_null || (fits(&summary.min) && fits(&summary.max)))
}

fn add_constraint(
    running: &StatementContext,
    table: &mut Table,
    constraint: &ast::Constraint,
) -> Result<()> {
    let primary = |kind: &ConstraintKind| matches!(kind, ConstraintKind::PrimaryKey);
    let adds_primary = matches!(constraint.kind, ast::ConstraintKind::PrimaryKey(_));
    if adds_primary && table.constraints.iter().any(|other| primary(&other.kind)) {
        let text = format!("primary key already exists for table '{}'", table.header.name);
        return Err(Error::new(ErrorCode::InvalidStatement, text));
    }
    // A key that is added later does not make its columns NOT NULL.
    let nullable: Vec<bool> = table.columns.iter().map(|column| column.nullable).collect();
    let constraint = keep_constraint(running, table, constraint)?;
    for (column, nullable) in table.columns.iter_mut().zip(nullable) {
        column.nullable = nullable;
    }
    table.constraints.push(constraint);
    Ok(())
}

/// Dropping and renaming of constraints.
fn constraint_action(table: &mut Table, action: &AlterTableAction) -> Result<()> {
    let fields = |table: &Table, names: &[Identifier]| -> Vec<firn_types::FieldId> {
        names.iter().filter_map(|name| table.column(&name.name).map(|c| c.field_id)).collect()
    };
    let before = table.constraints.len();
    match action {
        AlterTableAction::DropConstraint(name) => {
            table.constraints.retain(|constraint| constraint.name != name.name);
        }
        AlterTableAction::DropPrimaryKey => {
            table.constraints.retain(|c| !matches!(c.kind, ConstraintKind::PrimaryKey));
        }
        AlterTableAction::DropUnique(names) => {
            let columns = fields(table, names);
            table
                .constraints
                .retain(|c| !(matches!(c.kind, ConstraintKind::Unique) && c.columns == columns));
        }
        AlterTableAction::DropForeignKey(names) => {
            let columns = fields(table, names);
            table.constraints.retain(|c| {
                !(matches!(c.kind, ConstraintKind::ForeignKey(_)) && c.columns == columns)
            });
        }
        AlterTableAction::RenameConstraint(from, to) => {
            let found = table.constraints.iter_mut().find(|c| c.name == from.name);
            return match found {
                Some(constraint) => {
                    constraint.name = to.name.clone();
                    Ok(())
                }
                None => Err(no_constraint(&from.name)),
            };
        }
        _ => return Err(Error::not_supported("this form of ALTER TABLE")),
    }
    if table.constraints.len() == before {
        return Err(no_constraint("of that description"));
    }
    Ok(())
}

fn no_constraint(name: &str) -> Error {
    let text = format!("constraint {name} does not exist");
    Error::new(ErrorCode::InvalidStatement, text)
}

fn unset_property(table: &mut Table, name: &Identifier) {
    match name.name.to_uppercase().as_str() {
        "COMMENT" => table.header.comment.clear(),
        "DATA_RETENTION_TIME_IN_DAYS" => table.retention_days = None,
        "CHANGE_TRACKING" => table.change_tracking = false,
        "ENABLE_SCHEMA_EVOLUTION" => table.schema_evolution = false,
        _ => {}
    }
}
