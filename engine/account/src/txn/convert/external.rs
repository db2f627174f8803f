//! External tables.

use firn_storage::format::v1;
use firn_types::{FieldId, ObjectId, Result};

use super::object::{header_from, header_to};
use super::value::{type_from, type_to};
use crate::catalog::{
    CatalogChange, ExternalColumn, ExternalFile, ExternalFormat, ExternalTable, FilePartition,
    FileRegistration, Registration,
};

/// An external table as it is persisted; `rows` says whether its files are, too.
pub(super) fn object_to(table: &ExternalTable, rows: bool) -> v1::Object {
    let fields = table.partition_by.iter().map(|field| field.0);
    let (mut files, mut registrations) = (Vec::new(), Vec::new());
    if rows {
        files.extend(table.files().map(file_to));
        registrations.extend(table.registrations().map(registration_to));
    }
    v1::Object::ExternalTable(Box::new(v1::ExternalTable {
        header: header_to(&table.header),
        columns: table.columns.iter().map(column_to).collect(),
        next_field_id: table.next_field_id,
        partition_by: fields.collect(),
        user_partitions: table.user_partitions,
        stage: table.stage.0,
        path: table.path.clone(),
        pattern: table.pattern.clone(),
        format: match &table.format {
            ExternalFormat::Named(id) => v1::ExternalFormat::Named(id.0),
            ExternalFormat::Options(options) => v1::ExternalFormat::Options(options.clone()),
        },
        auto_refresh: table.auto_refresh,
        refreshed_nanos: table.refreshed_nanos.filter(|_| rows),
        data_version: table.data_version,
        files,
        registrations,
    }))
}

/// The external table of its persisted form.
pub(super) fn table_from(table: v1::ExternalTable) -> Result<ExternalTable> {
    let format = match table.format {
        v1::ExternalFormat::Named(id) => ExternalFormat::Named(ObjectId(id)),
        v1::ExternalFormat::Options(options) => ExternalFormat::Options(options),
    };
    let header = header_from(table.header);
    let mut made = ExternalTable::new(header, ObjectId(table.stage), format);
    made.columns = table.columns.into_iter().map(column_from).collect::<Result<_>>()?;
    made.next_field_id = table.next_field_id;
    made.partition_by = table.partition_by.into_iter().map(FieldId).collect();
    made.user_partitions = table.user_partitions;
    made.path = table.path;
    made.pattern = table.pattern;
    made.auto_refresh = table.auto_refresh;
    made.refreshed_nanos = table.refreshed_nanos;
    made.data_version = table.data_version;
    let files = table.files.into_iter().map(file_from).collect();
    made.restore(files, table.registrations.into_iter().map(registration_from).collect());
    Ok(made)
}

pub(super) fn change_to(change: &FileRegistration) -> v1::FileRegistration {
    v1::FileRegistration {
        registered: change.registered.iter().map(file_to).collect(),
        unregistered: change.unregistered.clone(),
    }
}

/// The change of a table's files of its persisted form.
pub(super) fn registered(table: u64, change: v1::FileRegistration) -> CatalogChange {
    let change = FileRegistration {
        registered: change.registered.into_iter().map(file_from).collect(),
        unregistered: change.unregistered,
    };
    CatalogChange::FilesRegistered { table: ObjectId(table), change }
}

fn column_to(column: &ExternalColumn) -> v1::ExternalColumn {
    v1::ExternalColumn {
        field: column.field_id.0,
        name: column.name.clone(),
        sql_type: type_to(column.sql_type),
        expression: column.expression.clone(),
        nullable: column.nullable,
        comment: column.comment.clone(),
    }
}

fn column_from(column: v1::ExternalColumn) -> Result<ExternalColumn> {
    Ok(ExternalColumn {
        field_id: FieldId(column.field),
        name: column.name,
        sql_type: type_from(&column.sql_type)?,
        expression: column.expression,
        nullable: column.nullable,
        comment: column.comment,
    })
}

fn file_to(file: &ExternalFile) -> v1::ExternalFile {
    let partition =
        |partition: &FilePartition| (partition.location.clone(), partition.values.clone());
    v1::ExternalFile {
        path: file.path.clone(),
        size: file.size,
        modified_nanos: file.modified_nanos,
        etag: file.etag.clone(),
        partition: file.partition.as_ref().map(partition),
        registered_nanos: file.registered_nanos,
        version: file.version,
    }
}

fn file_from(file: v1::ExternalFile) -> ExternalFile {
    let partition = |(location, values)| FilePartition { location, values };
    ExternalFile {
        path: file.path,
        size: file.size,
        modified_nanos: file.modified_nanos,
        etag: file.etag,
        partition: file.partition.map(partition),
        registered_nanos: file.registered_nanos,
        version: file.version,
    }
}

fn registration_to(told: &Registration) -> v1::Registration {
    v1::Registration {
        nanos: told.nanos,
        path: told.path.clone(),
        status: told.status.clone(),
        size: told.size,
        modified_nanos: told.modified_nanos,
    }
}

fn registration_from(told: v1::Registration) -> Registration {
    Registration {
        nanos: told.nanos,
        path: told.path,
        status: told.status,
        size: told.size,
        modified_nanos: told.modified_nanos,
    }
}
