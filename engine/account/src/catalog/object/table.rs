//! Tables: their definition, and the version of their rows that this catalog sees.

use std::sync::Arc;

use firn_storage::Snapshot;
use firn_types::{Error, ErrorCode, FieldId, ObjectId, Result, SqlType, Value};

use super::{Dynamic, LoadHistory};
use crate::catalog::Header;

/// A table: its definition, and one version of its rows.
#[derive(Clone, Debug)]
pub struct Table {
    /// What all objects have; the parent is the schema.
    pub header: Header,
    /// Permanent, transient or temporary.
    pub kind: TableKind,
    /// The columns in order.
    pub columns: Vec<TableColumn>,
    /// The id that the next added column gets; ids are never used again.
    pub next_field_id: u32,
    /// The clustering key: each expression's SQL text as written.
    pub cluster_by: Vec<String>,
    /// Whether ALTER TABLE .. SUSPEND RECLUSTER is in force.
    pub recluster_suspended: bool,
    /// Days of time travel, where set on the table itself.
    pub retention_days: Option<u32>,
    /// Keys; kept and shown, not enforced.
    pub constraints: Vec<Constraint>,
    /// Whether CHANGES may be asked of it.
    pub change_tracking: bool,
    /// Whether COPY may add columns to it.
    pub schema_evolution: bool,
    /// What makes it a dynamic table, whose rows follow a query.
    pub dynamic: Option<Arc<Dynamic>>,
    /// The oldest of the tables that it was cloned from, one from the other.
    pub clone_group: Option<ObjectId>,
    /// The version of its rows.
    pub snapshot: Arc<Snapshot>,
    /// Which files were loaded into it.
    pub loads: Arc<LoadHistory>,
    /// The commit that made `snapshot`; [`PENDING`](crate::catalog::PENDING) before it is committed.
    pub data_version: u64,
    /// The commit that last changed the columns; [`PENDING`](crate::catalog::PENDING) before it is committed.
    pub definition_version: u64,
}

/// How long a table lives and how far back it can be seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TableKind {
    /// Up to 90 days of time travel.
    Permanent,
    /// At most one day of time travel.
    Transient,
    /// As transient, and gone with its session.
    Temporary {
        /// The session's number.
        session: u64,
    },
}

/// A column of a table.
#[derive(Clone, Debug, PartialEq)]
pub struct TableColumn {
    /// The column for the table's whole life, through renames.
    pub field_id: FieldId,
    /// The name as stored.
    pub name: String,
    /// The type.
    pub sql_type: SqlType,
    /// Whether NULL may occur.
    pub nullable: bool,
    /// What a row gets that does not give the column.
    pub default: Option<ColumnDefault>,
    /// What rows have that are older than the column; NULL when it was not added with a default.
    pub initial_default: Option<Value>,
    /// The comment; empty when there is none.
    pub comment: String,
}

/// What a row gets in a column that it does not give.
#[derive(Clone, Debug, PartialEq)]
pub enum ColumnDefault {
    /// An expression's SQL text as written.
    Text(String),
    /// AUTOINCREMENT: the next value of a sequence that belongs to the column.
    Identity {
        /// The sequence; an object without a name of its own.
        sequence: ObjectId,
        /// The first value.
        start: i64,
        /// The distance of one value to the next.
        step: i64,
        /// Whether values grow in the order of the rows' commits.
        ordered: bool,
    },
}

/// A key.
#[derive(Clone, Debug, PartialEq)]
pub struct Constraint {
    /// The name: as written, or `SYS_CONSTRAINT_` and a UUID.
    pub name: String,
    /// Which key.
    pub kind: ConstraintKind,
    /// The columns, in the key's order.
    pub columns: Vec<FieldId>,
    /// Whether the optimizer may rely on it.
    pub rely: bool,
    /// The comment; empty when there is none.
    pub comment: String,
}

/// Which kind of key.
#[derive(Clone, Debug, PartialEq)]
pub enum ConstraintKind {
    /// PRIMARY KEY.
    PrimaryKey,
    /// UNIQUE.
    Unique,
    /// FOREIGN KEY.
    ForeignKey(ForeignKey),
}

/// What a foreign key refers to. Names, since the referred table may be replaced.
#[derive(Clone, Debug, PartialEq)]
pub struct ForeignKey {
    /// The referred table: database, schema and name.
    pub table: [String; 3],
    /// The referred columns.
    pub columns: Vec<String>,
    /// ON UPDATE, as SHOW prints it.
    pub on_update: String,
    /// ON DELETE, as SHOW prints it.
    pub on_delete: String,
}

impl Table {
    /// An empty permanent table of these columns, which get field ids from 1.
    pub fn new(header: Header, mut columns: Vec<TableColumn>) -> Table {
        let mut next_field_id = 1;
        for column in &mut columns {
            column.field_id = FieldId(next_field_id);
            next_field_id += 1;
        }
        Table {
            header,
            kind: TableKind::Permanent,
            columns,
            next_field_id,
            cluster_by: Vec::new(),
            recluster_suspended: false,
            retention_days: None,
            constraints: Vec::new(),
            change_tracking: false,
            schema_evolution: false,
            dynamic: None,
            clone_group: None,
            snapshot: Arc::new(Snapshot::empty()),
            loads: Arc::default(),
            data_version: crate::catalog::PENDING,
            definition_version: crate::catalog::PENDING,
        }
    }

    /// The table's id.
    pub fn id(&self) -> ObjectId {
        self.header.id
    }

    /// Refuses what only its query may do with a dynamic table's rows and columns; `verb` is what it is.
    ///
    /// # Errors
    /// For a dynamic table.
    pub fn refuse_dynamic(&self, verb: &str) -> Result<()> {
        match self.dynamic {
            None => Ok(()),
            Some(_) => {
                let text =
                    format!("Cannot perform {verb} on dynamic table '{}'.", self.header.name);
                Err(Error::new(ErrorCode::InvalidStatement, text))
            }
        }
    }

    /// Whether it belongs to one session only.
    pub fn is_temporary(&self) -> bool {
        matches!(self.kind, TableKind::Temporary { .. })
    }

    /// The column of exactly this name.
    pub fn column(&self, name: &str) -> Option<&TableColumn> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// The column of this field id.
    pub fn field(&self, field: FieldId) -> Option<&TableColumn> {
        self.columns.iter().find(|column| column.field_id == field)
    }

    /// Appends a column, which gets the next field id.
    pub fn add_column(&mut self, mut column: TableColumn) {
        column.field_id = FieldId(self.next_field_id);
        self.next_field_id += 1;
        self.columns.push(column);
    }

    /// What the micro-partition writer must know of the columns: id, name and type.
    pub fn stored_columns(&self) -> Vec<firn_storage::StoredColumn> {
        self.columns
            .iter()
            .map(|column| firn_storage::StoredColumn {
                field: column.field_id,
                name: column.name.clone(),
                sql_type: column.sql_type,
            })
            .collect()
    }
}

impl TableColumn {
    /// A nullable column without a default; the table gives it its field id.
    pub fn new(name: impl Into<String>, sql_type: SqlType) -> TableColumn {
        TableColumn {
            field_id: FieldId(0),
            name: name.into(),
            sql_type,
            nullable: true,
            default: None,
            initial_default: None,
            comment: String::new(),
        }
    }
}
