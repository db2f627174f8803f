//! The objects of an account, and the one enum that holds any of them.

mod access;
mod account;
mod alert;
mod container;
mod directory;
mod dynamic;
mod external;
mod file;
mod function;
mod load_history;
mod load_list;
mod pipe;
mod policy;
mod procedure;
mod sequence;
mod stream;
mod table;
mod task;
mod view;

use std::sync::Arc;

use firn_storage::Snapshot;
use firn_types::{FieldId, ObjectId, SqlType};
pub use firn_types::{Namespace, ObjectKind};

pub use access::{AccessToken, NetworkPolicy, Password, PublicKey, User, UserLock, UserLogin};
pub use account::{DatabaseRole, Integration, Role, Warehouse};
pub use alert::{Alert, AlertProgress};
pub use container::{Database, Schema};
pub use directory::{Directory, DirectoryChange, DirectoryFile};
pub use dynamic::{Dynamic, DynamicState, RefreshMode};
pub use external::{
    ExternalColumn, ExternalFile, ExternalFormat, ExternalTable, FilePartition, FileRegistration,
    Registration,
};
pub use file::{FileFormat, Sealed, Stage, StageCredentials, StageFileFormat, StageLocation};
pub use function::{Function, FunctionTraits, Parameter, Returns, signature, type_word};
pub use load_history::{LoadError, LoadRecord, LoadStatus, Loads, PipeLoad};
pub use load_list::LoadHistory;
pub(crate) use load_list::{LoadFile, LoadPart};
pub use pipe::{Pipe, PipeQueue, QueuedFile};
pub use policy::{
    AggregationPolicy, MaskingPolicy, PasswordPolicy, PolicyBody, ProjectionPolicy,
    RowAccessPolicy, SessionPolicy, Tag,
};
pub use procedure::Procedure;
pub use sequence::Sequence;
pub use stream::{Stream, StreamMode};
pub use table::{
    ColumnDefault, Constraint, ConstraintKind, ForeignKey, Table, TableColumn, TableKind,
};
pub use task::{GraphRun, Task, TaskEnd, TaskProgress, TaskRequest, TaskState};
pub use view::{
    MaterializedView, MaterializedViewState, StarColumn, StarColumns, View, ViewColumn,
};

use super::{Attachments, Header};

macro_rules! objects {
    ($($kind:ident => $accessor:ident),* $(,)?) => {
        /// Any object. Cloning shares it.
        #[derive(Clone, Debug)]
        pub enum Object {
            $(
                #[doc = concat!("A `", stringify!($kind), "`.")]
                $kind(Arc<$kind>),
            )*
        }

        $(
            impl From<$kind> for Object {
                fn from(object: $kind) -> Object {
                    Object::$kind(Arc::new(object))
                }
            }
        )*

        impl Object {
            /// What all objects have in common.
            pub fn header(&self) -> &Header {
                match self { $(Object::$kind(object) => &object.header,)* }
            }

            /// The same, to be changed; a shared object is copied first.
            pub(crate) fn header_mut(&mut self) -> &mut Header {
                match self { $(Object::$kind(object) => &mut Arc::make_mut(object).header,)* }
            }

            /// Whether both share one description, and so are the same.
            pub(crate) fn is_same(&self, other: &Object) -> bool {
                match (self, other) {
                    $((Object::$kind(one), Object::$kind(other)) => Arc::ptr_eq(one, other),)*
                    _ => false,
                }
            }

            /// Which kind.
            pub fn kind(&self) -> ObjectKind {
                match self {
                    Object::Table(table) if table.dynamic.is_some() => ObjectKind::DynamicTable,
                    $(Object::$kind(_) => ObjectKind::$kind,)*
                }
            }

            $(
                #[doc = concat!("The object, when it is a `", stringify!($kind), "`.")]
                pub fn $accessor(&self) -> Option<&Arc<$kind>> {
                    match self {
                        Object::$kind(object) => Some(object),
                        _ => None,
                    }
                }
            )*
        }
    };
}

objects! {
    Database => as_database,
    Schema => as_schema,
    Table => as_table,
    ExternalTable => as_external_table,
    View => as_view,
    MaterializedView => as_materialized_view,
    Sequence => as_sequence,
    Stage => as_stage,
    FileFormat => as_file_format,
    Integration => as_integration,
    Warehouse => as_warehouse,
    Role => as_role,
    User => as_user,
    DatabaseRole => as_database_role,
    NetworkPolicy => as_network_policy,
    Function => as_function,
    Procedure => as_procedure,
    Stream => as_stream,
    Task => as_task,
    Pipe => as_pipe,
    Alert => as_alert,
    Tag => as_tag,
    AggregationPolicy => as_aggregation_policy,
    MaskingPolicy => as_masking_policy,
    PasswordPolicy => as_password_policy,
    ProjectionPolicy => as_projection_policy,
    RowAccessPolicy => as_row_access_policy,
    SessionPolicy => as_session_policy,
}

impl Object {
    /// The object's id.
    pub fn id(&self) -> ObjectId {
        self.header().id
    }

    /// What a function or procedure takes; none of anything else.
    pub fn parameters(&self) -> Option<&[Parameter]> {
        match self {
            Object::Function(function) => Some(&function.parameters),
            Object::Procedure(procedure) => Some(&procedure.parameters),
            _ => None,
        }
    }

    /// The object's name, by which its schema finds it.
    pub fn name(&self) -> &str {
        &self.header().name
    }

    /// The name that statements call it by: a function's or procedure's without the types of its arguments.
    pub fn called(&self) -> &str {
        match self {
            Object::Function(function) => function.called(),
            Object::Procedure(procedure) => procedure.called(),
            _ => self.name(),
        }
    }

    /// The columns of a table or view with their names and types, by what attachments call them.
    pub fn columns(&self) -> Vec<(FieldId, String, SqlType)> {
        let columns = match self {
            Object::Table(table) => {
                let columns = table.columns.iter();
                let column = columns.map(|c| (c.field_id, c.name.clone(), c.sql_type));
                return column.collect();
            }
            Object::ExternalTable(table) => {
                let columns = table.all_columns().into_iter();
                let column = columns.map(|c| (c.field_id, c.name, c.sql_type));
                return column.collect();
            }
            Object::View(view) => &view.columns,
            Object::MaterializedView(view) => &view.columns,
            _ => return Vec::new(),
        };
        let numbered = (1..).map(FieldId).zip(columns);
        numbered.map(|(field, column)| (field, column.name.clone(), column.sql_type)).collect()
    }

    /// The body of a policy that has one.
    pub fn policy_body(&self) -> Option<&PolicyBody> {
        match self {
            Object::AggregationPolicy(policy) => Some(&policy.body),
            Object::MaskingPolicy(policy) => Some(&policy.body),
            Object::ProjectionPolicy(policy) => Some(&policy.body),
            Object::RowAccessPolicy(policy) => Some(&policy.body),
            _ => None,
        }
    }

    /// The same description under another header.
    pub fn with_header(&self, header: Header) -> Object {
        let mut object = self.clone();
        *object.header_mut() = header;
        object
    }

    /// The same object with other tags and policies.
    pub fn with_attachments(&self, attachments: Attachments) -> Object {
        let mut object = self.clone();
        object.header_mut().attachments = attachments;
        object
    }

    /// The same object with another owner.
    pub fn with_owner(&self, owner: ObjectId) -> Object {
        let mut object = self.clone();
        object.header_mut().owner = owner;
        object
    }

    /// The same object as a new description of an old one: with its id, its owner and its grants. A view keeps whatever
    /// else is attached to it.
    pub fn in_place_of(mut self, old: &Object) -> Object {
        let comment = self.header().comment.clone();
        *self.header_mut() = Header { comment, ..old.header().clone() };
        match (&self, old) {
            (Object::View(new), Object::View(old)) => {
                let mut view = old.as_ref().clone();
                view.redefine(new);
                view.into()
            }
            _ => self,
        }
    }

    /// The same object with another comment.
    pub fn with_comment(&self, comment: &str) -> Object {
        let mut object = self.clone();
        object.header_mut().comment = comment.to_string();
        object
    }

    /// The version of its rows; none of what has no rows.
    pub fn rows(&self) -> Option<&Arc<Snapshot>> {
        match self {
            Object::Table(table) => Some(&table.snapshot),
            Object::MaterializedView(view) => Some(&view.state.snapshot),
            _ => None,
        }
    }

    /// The commit that last changed what a table's rows are; none of what is no table.
    pub fn data_version(&self) -> Option<u64> {
        match self {
            Object::Table(table) => Some(table.data_version),
            Object::ExternalTable(table) => Some(table.data_version),
            _ => None,
        }
    }

    /// The files that were loaded, of a kind that keeps a history of them.
    pub(crate) fn loads(&self) -> Option<&Arc<LoadHistory>> {
        match self {
            Object::Table(table) => Some(&table.loads),
            Object::Pipe(pipe) => Some(&pipe.loads),
            _ => None,
        }
    }

    /// Whether all lists are known that it refers to: of its micro-partitions, of its loads.
    pub(crate) fn is_read(&self) -> bool {
        self.rows().is_none_or(|rows| rows.is_read())
            && self.loads().is_none_or(|loads| loads.is_read())
    }

    /// The same version of it, with the lists of another one where they are not known.
    pub(crate) fn with_lists_of(&self, other: &Object) -> Object {
        let mut renewed = self.clone();
        match (&mut renewed, other) {
            (Object::Table(table), Object::Table(other)) => {
                let table = Arc::make_mut(table);
                if !table.snapshot.is_read() {
                    table.snapshot = Arc::clone(&other.snapshot);
                }
                if !table.loads.is_read() {
                    table.loads = Arc::clone(&other.loads);
                }
            }
            (Object::Pipe(pipe), Object::Pipe(other)) => {
                Arc::make_mut(pipe).loads = Arc::clone(&other.loads);
            }
            _ => renewed = other.clone(),
        }
        renewed
    }

    /// The namespace of its kind.
    pub fn namespace(&self) -> Namespace {
        self.kind().namespace()
    }

    /// Whether it belongs to one session only and never reaches the log.
    pub fn is_temporary(&self) -> bool {
        match self {
            Object::Table(table) => table.is_temporary(),
            Object::View(view) => view.temporary,
            Object::Stage(stage) => stage.temporary,
            Object::FileFormat(format) => format.temporary,
            Object::Sequence(sequence) => sequence.temporary,
            Object::Function(function) => function.traits.temporary,
            Object::Procedure(procedure) => procedure.traits.temporary,
            _ => false,
        }
    }
}
