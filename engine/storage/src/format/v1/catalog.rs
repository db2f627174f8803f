//! Descriptions of objects.

use serde::{Deserialize, Serialize};

use super::access::{NetworkPolicy, User};
use super::alert::Alert;
use super::directory::Directory;
use super::dynamic::Dynamic;
use super::external::ExternalTable;
use super::function::{Function, Procedure};
use super::partition::is_false;
use super::pipe::Pipe;
use super::policy::{Attached, Policy, Properties, Tag};
use super::stream::Stream;
use super::task::Task;
use super::{Snapshot, SqlType, StoredColumn, Value};

/// Names and values in order.
type Options = Vec<(String, String)>;

/// Any object.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Object {
    /// A database.
    Database(Container),
    /// A schema.
    Schema(Container),
    /// A table.
    Table(Table),
    /// A view.
    View(View),
    /// A materialized view.
    MaterializedView(MaterializedView),
    /// A sequence.
    Sequence(Sequence),
    /// A stage.
    Stage(Stage),
    /// A file format.
    FileFormat(FileFormat),
    /// An integration.
    Integration(Integration),
    /// A warehouse.
    Warehouse(Warehouse),
    /// A role.
    Role(Named),
    /// A user.
    User(User),
    /// A role of a database; since format 3.
    DatabaseRole(Named),
    /// A network policy; since format 4.
    NetworkPolicy(NetworkPolicy),
    /// A function; since format 4.
    Function(Function),
    /// A procedure; since format 4.
    Procedure(Procedure),
    /// A stream; since format 4.
    Stream(Stream),
    /// A task; since format 4.
    Task(Task),
    /// An alert; since format 4.
    Alert(Alert),
    /// A pipe; since format 4.
    Pipe(Box<Pipe>),
    /// A tag; since format 4.
    Tag(Tag),
    /// An aggregation policy; since format 4.
    AggregationPolicy(Policy),
    /// A masking policy; since format 4.
    MaskingPolicy(Policy),
    /// A password policy; since format 4.
    PasswordPolicy(Properties),
    /// A projection policy; since format 4.
    ProjectionPolicy(Policy),
    /// A row access policy; since format 4.
    RowAccessPolicy(Policy),
    /// A session policy; since format 4.
    SessionPolicy(Properties),
    /// An external table; since format 6.
    ExternalTable(Box<ExternalTable>),
}

impl Object {
    /// What all objects have.
    pub fn header(&self) -> &Header {
        match self {
            Object::Database(object) | Object::Schema(object) => &object.header,
            Object::Table(object) => &object.header,
            Object::View(object) => &object.header,
            Object::MaterializedView(object) => &object.view.header,
            Object::Sequence(object) => &object.header,
            Object::Stage(object) => &object.header,
            Object::FileFormat(object) => &object.header,
            Object::Integration(object) => &object.header,
            Object::Warehouse(object) => &object.header,
            Object::Role(object) => &object.header,
            Object::User(object) => &object.header,
            Object::DatabaseRole(object) => &object.header,
            Object::NetworkPolicy(object) => &object.header,
            Object::Function(object) => &object.header,
            Object::Procedure(object) => &object.function.header,
            Object::Stream(object) => &object.header,
            Object::Task(object) => &object.header,
            Object::Alert(object) => &object.header,
            Object::Pipe(object) => &object.header,
            Object::ExternalTable(object) => &object.header,
            Object::Tag(object) => &object.header,
            Object::AggregationPolicy(object)
            | Object::MaskingPolicy(object)
            | Object::ProjectionPolicy(object)
            | Object::RowAccessPolicy(object) => &object.header,
            Object::PasswordPolicy(object) | Object::SessionPolicy(object) => &object.header,
        }
    }

    /// The same, to be changed.
    pub fn header_mut(&mut self) -> &mut Header {
        match self {
            Object::Database(object) | Object::Schema(object) => &mut object.header,
            Object::Table(object) => &mut object.header,
            Object::View(object) => &mut object.header,
            Object::MaterializedView(object) => &mut object.view.header,
            Object::Sequence(object) => &mut object.header,
            Object::Stage(object) => &mut object.header,
            Object::FileFormat(object) => &mut object.header,
            Object::Integration(object) => &mut object.header,
            Object::Warehouse(object) => &mut object.header,
            Object::Role(object) => &mut object.header,
            Object::User(object) => &mut object.header,
            Object::DatabaseRole(object) => &mut object.header,
            Object::NetworkPolicy(object) => &mut object.header,
            Object::Function(object) => &mut object.header,
            Object::Procedure(object) => &mut object.function.header,
            Object::Stream(object) => &mut object.header,
            Object::Task(object) => &mut object.header,
            Object::Alert(object) => &mut object.header,
            Object::Pipe(object) => &mut object.header,
            Object::ExternalTable(object) => &mut object.header,
            Object::Tag(object) => &mut object.header,
            Object::AggregationPolicy(object)
            | Object::MaskingPolicy(object)
            | Object::ProjectionPolicy(object)
            | Object::RowAccessPolicy(object) => &mut object.header,
            Object::PasswordPolicy(object) | Object::SessionPolicy(object) => &mut object.header,
        }
    }

    /// The rows, of a kind that has any.
    pub fn snapshot(&self) -> Option<&Snapshot> {
        match self {
            Object::Table(table) => Some(&table.snapshot),
            Object::MaterializedView(view) => Some(&view.snapshot),
            _ => None,
        }
    }

    /// The files of lists that it refers to, of micro-partitions and of loads.
    pub fn list_files(&self) -> impl Iterator<Item = &String> {
        let loads = match self {
            Object::Table(table) => table.load_files.as_slice(),
            Object::Pipe(pipe) => pipe.load_files.as_slice(),
            _ => &[],
        };
        let rows = self.snapshot().into_iter().flat_map(|rows| rows.partitions.files());
        rows.chain(loads.iter().map(|file| &file.path))
    }
}

/// What all objects have.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Header {
    /// The object.
    pub id: u64,
    /// Its container, 0 for the account.
    pub parent: u64,
    /// The name.
    pub name: String,
    /// The owning role.
    pub owner: Principal,
    /// The comment.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub comment: String,
    /// When it was created.
    pub created_nanos: i64,
    /// When it was last altered.
    pub altered_nanos: i64,
    /// When it was dropped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dropped_nanos: Option<i64>,
    /// The commit that last changed the definition.
    #[serde(default)]
    pub version: u64,
    /// Tags and policies of the object and of its columns; since format 4.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attached: Vec<Attached>,
}

/// A database or schema.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Container {
    /// What all objects have.
    pub header: Header,
    /// TRANSIENT.
    #[serde(default, skip_serializing_if = "is_false")]
    pub transient: bool,
    /// WITH MANAGED ACCESS.
    #[serde(default, skip_serializing_if = "is_false")]
    pub managed_access: bool,
    /// Days of time travel.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retention_days: Option<u32>,
}

/// A table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Table {
    /// What all objects have.
    pub header: Header,
    /// TRANSIENT.
    #[serde(default, skip_serializing_if = "is_false")]
    pub transient: bool,
    /// The columns.
    pub columns: Vec<Column>,
    /// The next field id.
    pub next_field_id: u32,
    /// The clustering key.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cluster_by: Vec<String>,
    /// Whether it is not reclustered.
    #[serde(default, skip_serializing_if = "is_false")]
    pub recluster_suspended: bool,
    /// Days of time travel.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retention_days: Option<u32>,
    /// Keys.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub constraints: Vec<Constraint>,
    /// CHANGE_TRACKING.
    #[serde(default, skip_serializing_if = "is_false")]
    pub change_tracking: bool,
    /// ENABLE_SCHEMA_EVOLUTION.
    #[serde(default, skip_serializing_if = "is_false")]
    pub schema_evolution: bool,
    /// What makes it a dynamic table; since format 4.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dynamic: Option<Box<Dynamic>>,
    /// The oldest of the tables that it was cloned from; since format 6.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clone_group: Option<u64>,
    /// The rows.
    #[serde(default)]
    pub snapshot: Snapshot,
    /// Where earlier loads are listed, in order; since format 5.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub load_files: Vec<LoadFile>,
    /// The loads since; all of them before format 5.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub loads: Vec<LoadRecord>,
    /// When the first file was loaded; since format 5.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_load_nanos: Option<i64>,
    /// The commit that made the rows.
    #[serde(default)]
    pub data_version: u64,
    /// The commit that last changed the columns.
    #[serde(default)]
    pub definition_version: u64,
}

/// A column of a table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Column {
    /// The field id.
    pub field: u32,
    /// The name.
    pub name: String,
    /// The type.
    pub sql_type: SqlType,
    /// Whether NULL may occur.
    pub nullable: bool,
    /// What a row gets that does not give it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<ColumnDefault>,
    /// What older rows have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub initial_default: Option<Value>,
    /// The comment.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub comment: String,
}

/// What a row gets in a column that it does not give.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum ColumnDefault {
    /// An expression's text.
    Text(String),
    /// A sequence's next value.
    Identity {
        /// The sequence.
        sequence: u64,
        /// The first value.
        start: i64,
        /// The step.
        step: i64,
        /// ORDER.
        ordered: bool,
    },
}

/// A key.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Constraint {
    /// The name.
    pub name: String,
    /// `primary`, `unique` or `foreign`.
    pub kind: String,
    /// The columns' field ids.
    pub columns: Vec<u32>,
    /// What a foreign key refers to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub foreign: Option<ForeignKey>,
    /// RELY.
    #[serde(default, skip_serializing_if = "is_false")]
    pub rely: bool,
    /// The comment.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub comment: String,
}

/// What a foreign key refers to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ForeignKey {
    /// Database, schema and name of the table.
    pub table: [String; 3],
    /// The columns.
    pub columns: Vec<String>,
    /// ON UPDATE.
    pub on_update: String,
    /// ON DELETE.
    pub on_delete: String,
}

/// A view.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct View {
    /// What all objects have.
    pub header: Header,
    /// The statement.
    pub text: String,
    /// The query.
    pub query: String,
    /// What each star of the query stands for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stars: Vec<StarColumns>,
    /// The columns.
    pub columns: Vec<ViewColumn>,
    /// SECURE.
    #[serde(default, skip_serializing_if = "is_false")]
    pub secure: bool,
    /// RECURSIVE.
    #[serde(default, skip_serializing_if = "is_false")]
    pub recursive: bool,
}

/// What a star of a view's query stands for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StarColumns {
    /// The byte of the query's text at which it is.
    pub start: u32,
    /// The columns: their sources' names and their own.
    pub columns: Vec<(String, String)>,
}

/// A column of a view.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ViewColumn {
    /// The name.
    pub name: String,
    /// The type.
    pub sql_type: SqlType,
    /// Whether NULL may occur.
    pub nullable: bool,
    /// The comment.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub comment: String,
}

/// A materialized view.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MaterializedView {
    /// What it has in common with a view.
    pub view: View,
    /// The hidden table's columns.
    pub stored: Vec<StoredColumn>,
    /// The clustering key.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cluster_by: Vec<String>,
    /// The base table.
    pub base_table: u64,
    /// The rows.
    #[serde(default)]
    pub snapshot: Snapshot,
    /// The commit that the rows reflect.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reflects: Option<u64>,
    /// When it was refreshed.
    #[serde(default)]
    pub refreshed_nanos: i64,
    /// SUSPEND.
    #[serde(default, skip_serializing_if = "is_false")]
    pub suspended: bool,
    /// Why it cannot be used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invalid_reason: Option<String>,
}

/// A sequence.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sequence {
    /// What all objects have.
    pub header: Header,
    /// The first value that nobody has.
    pub next_value: i64,
    /// The step.
    pub step: i64,
    /// ORDER.
    pub ordered: bool,
}

/// A stage.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stage {
    /// What all objects have.
    pub header: Header,
    /// Where the files are; none inside the account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<StageLocation>,
    /// How its files are read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file_format: Option<StageFileFormat>,
    /// COPY options.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub copy_options: Options,
    /// DIRECTORY.
    #[serde(default, skip_serializing_if = "is_false")]
    pub directory: bool,
    /// Its directory table; since format 4.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub directory_table: Option<Directory>,
}

/// Where the files of an external stage are.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StageLocation {
    /// The folder's URL.
    pub url: String,
    /// The integration's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub integration: Option<String>,
    /// The endpoint.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// Credentials: before format 4.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub credentials: Options,
    /// Credentials that are sealed; since format 4.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sealed: Option<Sealed>,
}

/// A secret that is sealed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sealed {
    /// The id of the key.
    pub key: String,
    /// What is sealed, in base 64.
    pub data: String,
}

/// How a stage's files are read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum StageFileFormat {
    /// A file format's name.
    Named(String),
    /// Options.
    Options(Options),
}

/// A file format.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileFormat {
    /// What all objects have.
    pub header: Header,
    /// CSV, JSON ...
    pub format_type: String,
    /// Options.
    pub options: Options,
}

/// An integration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Integration {
    /// What all objects have.
    pub header: Header,
    /// EXTERNAL_STAGE ...
    pub integration_type: String,
    /// STORAGE ...
    pub category: String,
    /// ENABLED.
    pub enabled: bool,
    /// Further properties.
    pub properties: Options,
}

/// A warehouse.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Warehouse {
    /// What all objects have.
    pub header: Header,
    /// The size.
    pub size: String,
    /// AUTO_SUSPEND.
    pub auto_suspend_seconds: Option<u64>,
    /// AUTO_RESUME.
    pub auto_resume: bool,
    /// Suspended.
    pub suspended: bool,
    /// Further properties.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub properties: Options,
}

/// An object with nothing but a header.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Named {
    /// What all objects have.
    pub header: Header,
}

/// A grant.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grant {
    /// The privilege.
    pub privilege: String,
    /// On what.
    pub target: Target,
    /// To whom.
    pub grantee: Grantee,
    /// WITH GRANT OPTION.
    pub grant_option: bool,
    /// By which role.
    pub granted_by: Principal,
    /// When.
    pub created_nanos: i64,
}

/// What a grant is on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Target {
    /// The account.
    Account,
    /// An object.
    Object(u64),
    /// Later objects of a kind in a container.
    Future(String, u64),
}

/// Who receives a grant.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Grantee {
    /// A role.
    Role(Principal),
    /// A user.
    User(Principal),
}

/// A role or a user.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Principal {
    /// Its id; 0 for nobody.
    Id(u64),
    /// Its name: formats 1 and 2.
    Name(String),
}

/// A file `meta/<table or pipe>/<uuid>` with a part of a load history.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LoadList {
    /// The format's version.
    pub format: u32,
    /// The loads in order.
    pub records: Vec<LoadRecord>,
}

/// Where a part of a load history is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LoadFile {
    /// The file.
    pub path: String,
    /// When it was written: nanoseconds since 1970 UTC.
    pub written_nanos: i64,
    /// How many loads it lists.
    pub loads: u64,
    /// When the newest was loaded: nanoseconds since 1970 UTC.
    pub newest_nanos: i64,
}

/// What a COPY did with a file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LoadRecord {
    /// The file.
    pub path: String,
    /// The content's mark.
    pub etag: String,
    /// Bytes.
    pub size: u64,
    /// When it was modified.
    pub modified_nanos: i64,
    /// When it was loaded.
    pub loaded_nanos: i64,
    /// `loaded`, `failed` or `partial`.
    pub status: String,
    /// Rows loaded.
    pub rows_loaded: u64,
    /// Rows read.
    pub rows_parsed: u64,
    /// Errors.
    #[serde(default)]
    pub error_count: u64,
    /// Errors allowed.
    #[serde(default)]
    pub error_limit: u64,
    /// The first error.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_error: Option<LoadError>,
    /// The table that a pipe loaded it into, and when the pipe got to know of it; since format 4.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by_pipe: Option<(u64, i64)>,
}

/// An error in a file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LoadError {
    /// The message.
    pub message: String,
    /// The line.
    pub line: u64,
    /// The character.
    pub character: u64,
    /// The column.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<String>,
}
