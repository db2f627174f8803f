//! Objects.

use std::sync::Arc;

use firn_storage::format::v1;
use firn_types::{FieldId, ObjectId, Result};

use super::principal::{principal_from, principal_to};
use super::value::{stored_from, stored_to, type_from, type_to, value_from, value_to};
use super::{Lists, corrupt};
use super::{access, policy};
use crate::catalog::{
    ColumnDefault, Constraint, ConstraintKind, Database, DatabaseRole, FileFormat, ForeignKey,
    Header, Integration, MaterializedView, MaterializedViewState, Object, Role, Schema, Sealed,
    Sequence, Stage, StageCredentials, StageFileFormat, StageLocation, StarColumn, StarColumns,
    Table, TableColumn, TableKind, View, ViewColumn, Warehouse,
};

/// An object as it is persisted; `rows` says whether its rows and loads are, too.
pub(in crate::txn) fn object_to(
    object: &Object,
    lists: &Lists<'_>,
    rows: bool,
) -> Result<v1::Object> {
    Ok(match object {
        Object::Database(database) => v1::Object::Database(v1::Container {
            header: header_to(&database.header),
            transient: database.transient,
            managed_access: false,
            retention_days: database.retention_days,
        }),
        Object::Schema(schema) => v1::Object::Schema(v1::Container {
            header: header_to(&schema.header),
            transient: schema.transient,
            managed_access: schema.managed_access,
            retention_days: schema.retention_days,
        }),
        Object::Table(table) => v1::Object::Table(table_to(table, lists, rows)?),
        Object::ExternalTable(table) => super::external::object_to(table, rows),
        Object::View(view) => v1::Object::View(view_to(view)),
        Object::MaterializedView(view) => {
            v1::Object::MaterializedView(materialized_view_to(view, lists, rows)?)
        }
        Object::Sequence(sequence) => v1::Object::Sequence(v1::Sequence {
            header: header_to(&sequence.header),
            next_value: sequence.next_value,
            step: sequence.step,
            ordered: sequence.ordered,
        }),
        Object::Stage(stage) => v1::Object::Stage(stage_to(stage, rows)),
        Object::FileFormat(format) => v1::Object::FileFormat(v1::FileFormat {
            header: header_to(&format.header),
            format_type: format.format_type.clone(),
            options: format.options.clone(),
        }),
        Object::Integration(integration) => v1::Object::Integration(v1::Integration {
            header: header_to(&integration.header),
            integration_type: integration.integration_type.clone(),
            category: integration.category.clone(),
            enabled: integration.enabled,
            properties: integration.properties.clone(),
        }),
        Object::Warehouse(warehouse) => v1::Object::Warehouse(v1::Warehouse {
            header: header_to(&warehouse.header),
            size: warehouse.size.clone(),
            auto_suspend_seconds: warehouse.auto_suspend_seconds,
            auto_resume: warehouse.auto_resume,
            suspended: warehouse.suspended,
            properties: warehouse.properties.clone(),
        }),
        Object::Role(role) => v1::Object::Role(v1::Named { header: header_to(&role.header) }),
        Object::DatabaseRole(role) => {
            v1::Object::DatabaseRole(v1::Named { header: header_to(&role.header) })
        }
        Object::User(user) => v1::Object::User(access::user_to(user)),
        Object::NetworkPolicy(policy) => {
            v1::Object::NetworkPolicy(access::network_policy_to(policy))
        }
        Object::Task(task) => v1::Object::Task(super::task::task_to(task)),
        Object::Alert(alert) => v1::Object::Alert(super::alert::alert_to(alert)),
        Object::Pipe(pipe) => v1::Object::Pipe(Box::new(super::pipe::pipe_to(pipe, lists, rows)?)),
        Object::Stream(stream) => v1::Object::Stream(super::stream::stream_to(stream)),
        Object::Procedure(procedure) => {
            v1::Object::Procedure(super::function::procedure_to(procedure))
        }
        Object::Function(function) => v1::Object::Function(super::function::function_to(function)),
        Object::Tag(_)
        | Object::AggregationPolicy(_)
        | Object::MaskingPolicy(_)
        | Object::PasswordPolicy(_)
        | Object::ProjectionPolicy(_)
        | Object::RowAccessPolicy(_)
        | Object::SessionPolicy(_) => policy::object_to(object)?,
    })
}

/// The object of its persisted form.
pub(in crate::txn) fn object_from(object: v1::Object, lists: &Lists<'_>) -> Result<Object> {
    Ok(match object {
        v1::Object::Database(database) => Object::from(Database {
            header: header_from(database.header),
            transient: database.transient,
            retention_days: database.retention_days,
        }),
        v1::Object::Schema(schema) => Object::from(Schema {
            header: header_from(schema.header),
            transient: schema.transient,
            managed_access: schema.managed_access,
            retention_days: schema.retention_days,
        }),
        v1::Object::Table(table) => Object::from(table_from(table, lists)?),
        v1::Object::ExternalTable(table) => Object::from(super::external::table_from(*table)?),
        v1::Object::View(view) => Object::from(view_from(view)?),
        v1::Object::MaterializedView(view) => Object::from(materialized_view_from(view, lists)?),
        v1::Object::Sequence(sequence) => Object::from(Sequence {
            header: header_from(sequence.header),
            next_value: sequence.next_value,
            step: sequence.step,
            ordered: sequence.ordered,
            temporary: false,
        }),
        v1::Object::Stage(stage) => Object::from(stage_from(stage)),
        v1::Object::FileFormat(format) => Object::from(FileFormat {
            header: header_from(format.header),
            format_type: format.format_type,
            options: format.options,
            temporary: false,
        }),
        v1::Object::Integration(integration) => Object::from(Integration {
            header: header_from(integration.header),
            integration_type: integration.integration_type,
            category: integration.category,
            enabled: integration.enabled,
            properties: integration.properties,
        }),
        v1::Object::Warehouse(warehouse) => Object::from(Warehouse {
            header: header_from(warehouse.header),
            size: warehouse.size,
            auto_suspend_seconds: warehouse.auto_suspend_seconds,
            auto_resume: warehouse.auto_resume,
            suspended: warehouse.suspended,
            properties: warehouse.properties,
        }),
        v1::Object::Role(role) => Object::from(Role { header: header_from(role.header) }),
        v1::Object::DatabaseRole(role) => {
            Object::from(DatabaseRole { header: header_from(role.header) })
        }
        v1::Object::User(user) => Object::from(access::user_from(user)),
        v1::Object::NetworkPolicy(policy) => Object::from(access::network_policy_from(policy)),
        v1::Object::Task(task) => Object::from(super::task::task_from(task)?),
        v1::Object::Alert(alert) => Object::from(super::alert::alert_from(alert)),
        v1::Object::Pipe(pipe) => Object::from(super::pipe::pipe_from(*pipe, lists)?),
        v1::Object::Stream(stream) => Object::from(super::stream::stream_from(stream)),
        v1::Object::Procedure(procedure) => {
            Object::from(super::function::procedure_from(procedure)?)
        }
        v1::Object::Function(function) => Object::from(super::function::function_from(function)?),
        policy => policy::object_from(policy)?,
    })
}

pub(super) fn header_to(header: &Header) -> v1::Header {
    v1::Header {
        id: header.id.0,
        parent: header.parent.0,
        name: header.name.clone(),
        owner: principal_to(header.owner),
        comment: header.comment.clone(),
        created_nanos: header.created_nanos,
        altered_nanos: header.altered_nanos,
        dropped_nanos: header.dropped_nanos,
        version: header.version,
        attached: policy::attached_to(&header.attachments),
    }
}

pub(super) fn header_from(header: v1::Header) -> Header {
    Header {
        id: ObjectId(header.id),
        parent: ObjectId(header.parent),
        name: header.name,
        owner: principal_from(&header.owner),
        comment: header.comment,
        created_nanos: header.created_nanos,
        altered_nanos: header.altered_nanos,
        dropped_nanos: header.dropped_nanos,
        version: header.version,
        attachments: policy::attached_from(header.attached),
    }
}

fn table_to(table: &Table, lists: &Lists<'_>, rows: bool) -> Result<v1::Table> {
    let mut persisted = v1::Table {
        header: header_to(&table.header),
        transient: table.kind == TableKind::Transient,
        columns: table.columns.iter().map(column_to).collect(),
        next_field_id: table.next_field_id,
        cluster_by: table.cluster_by.clone(),
        recluster_suspended: table.recluster_suspended,
        retention_days: table.retention_days,
        constraints: table.constraints.iter().map(constraint_to).collect(),
        change_tracking: table.change_tracking,
        schema_evolution: table.schema_evolution,
        dynamic: table
            .dynamic
            .as_ref()
            .map(|dynamic| Box::new(super::dynamic::dynamic_to(dynamic))),
        clone_group: table.clone_group.map(|table| table.0),
        snapshot: v1::Snapshot::default(),
        load_files: Vec::new(),
        first_load_nanos: None,
        loads: Vec::new(),
        data_version: table.data_version,
        definition_version: table.definition_version,
    };
    if rows {
        persisted.snapshot = lists.snapshot_to(&table.snapshot)?;
        (persisted.load_files, persisted.loads) = lists.loads_to(&table.loads)?;
        persisted.first_load_nanos = table.loads.first_nanos();
    }
    Ok(persisted)
}

fn table_from(table: v1::Table, lists: &Lists<'_>) -> Result<Table> {
    Ok(Table {
        header: header_from(table.header),
        kind: if table.transient { TableKind::Transient } else { TableKind::Permanent },
        columns: table.columns.into_iter().map(column_from).collect::<Result<_>>()?,
        next_field_id: table.next_field_id,
        cluster_by: table.cluster_by,
        recluster_suspended: table.recluster_suspended,
        retention_days: table.retention_days,
        constraints: table.constraints.into_iter().map(constraint_from).collect::<Result<_>>()?,
        change_tracking: table.change_tracking,
        schema_evolution: table.schema_evolution,
        dynamic: table.dynamic.map(|dynamic| Arc::new(super::dynamic::dynamic_from(*dynamic))),
        clone_group: table.clone_group.map(ObjectId),
        snapshot: Arc::new(lists.snapshot_from(&table.snapshot)?),
        loads: Arc::new(lists.loads_from(table.load_files, table.loads, table.first_load_nanos)?),
        data_version: table.data_version,
        definition_version: table.definition_version,
    })
}

fn column_to(column: &TableColumn) -> v1::Column {
    v1::Column {
        field: column.field_id.0,
        name: column.name.clone(),
        sql_type: type_to(column.sql_type),
        nullable: column.nullable,
        default: column.default.as_ref().map(|default| match default {
            ColumnDefault::Text(text) => v1::ColumnDefault::Text(text.clone()),
            ColumnDefault::Identity { sequence, start, step, ordered } => {
                v1::ColumnDefault::Identity {
                    sequence: sequence.0,
                    start: *start,
                    step: *step,
                    ordered: *ordered,
                }
            }
        }),
        initial_default: column.initial_default.as_ref().and_then(value_to),
        comment: column.comment.clone(),
    }
}

fn column_from(column: v1::Column) -> Result<TableColumn> {
    Ok(TableColumn {
        field_id: FieldId(column.field),
        name: column.name,
        sql_type: type_from(&column.sql_type)?,
        nullable: column.nullable,
        default: column.default.map(|default| match default {
            v1::ColumnDefault::Text(text) => ColumnDefault::Text(text),
            v1::ColumnDefault::Identity { sequence, start, step, ordered } => {
                ColumnDefault::Identity { sequence: ObjectId(sequence), start, step, ordered }
            }
        }),
        initial_default: column.initial_default.as_ref().map(value_from).transpose()?,
        comment: column.comment,
    })
}

fn constraint_to(constraint: &Constraint) -> v1::Constraint {
    let (kind, foreign) = match &constraint.kind {
        ConstraintKind::PrimaryKey => ("primary", None),
        ConstraintKind::Unique => ("unique", None),
        ConstraintKind::ForeignKey(key) => {
            let key = v1::ForeignKey {
                table: key.table.clone(),
                columns: key.columns.clone(),
                on_update: key.on_update.clone(),
                on_delete: key.on_delete.clone(),
            };
            ("foreign", Some(key))
        }
    };
    v1::Constraint {
        name: constraint.name.clone(),
        kind: kind.to_string(),
        columns: constraint.columns.iter().map(|field| field.0).collect(),
        foreign,
        rely: constraint.rely,
        comment: constraint.comment.clone(),
    }
}

fn constraint_from(constraint: v1::Constraint) -> Result<Constraint> {
    let kind = match (constraint.kind.as_str(), constraint.foreign) {
        ("primary", _) => ConstraintKind::PrimaryKey,
        ("unique", _) => ConstraintKind::Unique,
        ("foreign", Some(key)) => ConstraintKind::ForeignKey(ForeignKey {
            table: key.table,
            columns: key.columns,
            on_update: key.on_update,
            on_delete: key.on_delete,
        }),
        _ => return Err(corrupt("constraint")),
    };
    Ok(Constraint {
        name: constraint.name,
        kind,
        columns: constraint.columns.into_iter().map(FieldId).collect(),
        rely: constraint.rely,
        comment: constraint.comment,
    })
}

fn view_to(view: &View) -> v1::View {
    v1::View {
        header: header_to(&view.header),
        text: view.text.clone(),
        query: view.query.clone(),
        stars: stars_to(&view.stars),
        columns: view_columns_to(&view.columns),
        secure: view.secure,
        recursive: view.recursive,
    }
}

fn view_from(view: v1::View) -> Result<View> {
    Ok(View {
        header: header_from(view.header),
        text: view.text,
        query: view.query,
        stars: stars_from(view.stars),
        columns: view_columns_from(view.columns)?,
        secure: view.secure,
        recursive: view.recursive,
        temporary: false,
    })
}

pub(super) fn stars_to(stars: &[StarColumns]) -> Vec<v1::StarColumns> {
    let column_to = |column: &StarColumn| (column.source.clone(), column.name.clone());
    let star_to = |star: &StarColumns| v1::StarColumns {
        start: star.start,
        columns: star.columns.iter().map(column_to).collect(),
    };
    stars.iter().map(star_to).collect()
}

pub(super) fn stars_from(stars: Vec<v1::StarColumns>) -> Vec<StarColumns> {
    let column_from = |(source, name)| StarColumn { source, name };
    let star_from = |star: v1::StarColumns| StarColumns {
        start: star.start,
        columns: star.columns.into_iter().map(column_from).collect(),
    };
    stars.into_iter().map(star_from).collect()
}

fn view_columns_to(columns: &[ViewColumn]) -> Vec<v1::ViewColumn> {
    let column_to = |column: &ViewColumn| v1::ViewColumn {
        name: column.name.clone(),
        sql_type: type_to(column.sql_type),
        nullable: column.nullable,
        comment: column.comment.clone(),
    };
    columns.iter().map(column_to).collect()
}

fn view_columns_from(columns: Vec<v1::ViewColumn>) -> Result<Vec<ViewColumn>> {
    let column_from = |column: v1::ViewColumn| {
        Ok(ViewColumn {
            name: column.name,
            sql_type: type_from(&column.sql_type)?,
            nullable: column.nullable,
            comment: column.comment,
        })
    };
    columns.into_iter().map(column_from).collect()
}

fn materialized_view_to(
    view: &MaterializedView,
    lists: &Lists<'_>,
    rows: bool,
) -> Result<v1::MaterializedView> {
    Ok(v1::MaterializedView {
        view: v1::View {
            header: header_to(&view.header),
            text: view.text.clone(),
            query: view.query.clone(),
            stars: stars_to(&view.stars),
            columns: view_columns_to(&view.columns),
            secure: view.secure,
            recursive: false,
        },
        stored: view.stored.iter().map(stored_to).collect(),
        cluster_by: view.cluster_by.clone(),
        base_table: view.base_table.0,
        snapshot: match rows {
            true => lists.snapshot_to(&view.state.snapshot)?,
            false => v1::Snapshot::default(),
        },
        reflects: view.state.reflects,
        refreshed_nanos: view.state.refreshed_nanos,
        suspended: view.state.suspended,
        invalid_reason: view.state.invalid_reason.clone(),
    })
}

fn materialized_view_from(
    view: v1::MaterializedView,
    lists: &Lists<'_>,
) -> Result<MaterializedView> {
    Ok(MaterializedView {
        header: header_from(view.view.header),
        text: view.view.text,
        query: view.view.query,
        stars: stars_from(view.view.stars),
        columns: view_columns_from(view.view.columns)?,
        stored: view.stored.iter().map(stored_from).collect::<Result<_>>()?,
        cluster_by: view.cluster_by,
        secure: view.view.secure,
        base_table: ObjectId(view.base_table),
        state: MaterializedViewState {
            snapshot: Arc::new(lists.snapshot_from(&view.snapshot)?),
            reflects: view.reflects,
            refreshed_nanos: view.refreshed_nanos,
            suspended: view.suspended,
            invalid_reason: view.invalid_reason,
        },
    })
}

fn stage_to(stage: &Stage, rows: bool) -> v1::Stage {
    v1::Stage {
        header: header_to(&stage.header),
        location: match &stage.location {
            StageLocation::Internal => None,
            StageLocation::External { url, integration, endpoint, credentials } => {
                let (credentials, sealed) = match credentials {
                    StageCredentials::Plain(pairs) => (pairs.clone(), None),
                    StageCredentials::Sealed(sealed) => (Vec::new(), Some(sealed)),
                };
                Some(v1::StageLocation {
                    url: url.clone(),
                    integration: integration.clone(),
                    endpoint: endpoint.clone(),
                    credentials,
                    sealed: sealed
                        .map(|it| v1::Sealed { key: it.key.clone(), data: it.data.clone() }),
                })
            }
        },
        file_format: stage.file_format.as_ref().map(|format| match format {
            StageFileFormat::Named(name) => v1::StageFileFormat::Named(name.clone()),
            StageFileFormat::Options(options) => v1::StageFileFormat::Options(options.clone()),
        }),
        copy_options: stage.copy_options.clone(),
        directory: stage.directory.is_some(),
        directory_table: stage
            .directory
            .as_ref()
            .map(|directory| super::directory::directory_to(directory, rows)),
    }
}

fn stage_from(stage: v1::Stage) -> Stage {
    Stage {
        header: header_from(stage.header),
        location: match stage.location {
            None => StageLocation::Internal,
            Some(location) => StageLocation::External {
                url: location.url,
                integration: location.integration,
                endpoint: location.endpoint,
                credentials: match location.sealed {
                    Some(sealed) => {
                        StageCredentials::Sealed(Sealed { key: sealed.key, data: sealed.data })
                    }
                    None => StageCredentials::Plain(location.credentials),
                },
            },
        },
        file_format: stage.file_format.map(|format| match format {
            v1::StageFileFormat::Named(name) => StageFileFormat::Named(name),
            v1::StageFileFormat::Options(options) => StageFileFormat::Options(options),
        }),
        copy_options: stage.copy_options,
        directory: super::directory::directory_from(stage.directory, stage.directory_table)
            .map(Arc::new),
        temporary: false,
    }
}
