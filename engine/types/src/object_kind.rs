//! Kinds of objects, as one table: their words, where they live, and what may be granted on them.
//!
//! The grammar, the catalog, privileges, SHOW and messages read it. A kind of namespace
//! `Absent` is one that Snowflake has and firn does not: statements about it are understood and refused by its
//! name, and SHOW lists none.

/// A kind of object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ObjectKind {
    /// ACCOUNT.
    Account,
    /// DATABASE.
    Database,
    /// SCHEMA.
    Schema,
    /// TABLE.
    Table,
    /// VIEW.
    View,
    /// MATERIALIZED VIEW.
    MaterializedView,
    /// SEQUENCE.
    Sequence,
    /// STAGE.
    Stage,
    /// FILE FORMAT.
    FileFormat,
    /// INTEGRATION.
    Integration,
    /// WAREHOUSE.
    Warehouse,
    /// ROLE.
    Role,
    /// USER.
    User,
    /// COLUMN.
    Column,
    /// ALERT.
    Alert,
    /// DATABASE ROLE.
    DatabaseRole,
    /// DYNAMIC TABLE.
    DynamicTable,
    /// EXTERNAL TABLE.
    ExternalTable,
    /// FUNCTION.
    Function,
    /// PIPE.
    Pipe,
    /// PROCEDURE.
    Procedure,
    /// RESOURCE MONITOR.
    ResourceMonitor,
    /// SECRET.
    Secret,
    /// SHARE.
    Share,
    /// STREAM.
    Stream,
    /// TAG.
    Tag,
    /// TASK.
    Task,
    /// AGGREGATION POLICY.
    AggregationPolicy,
    /// MASKING POLICY.
    MaskingPolicy,
    /// NETWORK POLICY.
    NetworkPolicy,
    /// NETWORK RULE.
    NetworkRule,
    /// PASSWORD POLICY.
    PasswordPolicy,
    /// PROJECTION POLICY.
    ProjectionPolicy,
    /// ROW ACCESS POLICY.
    RowAccessPolicy,
    /// SESSION POLICY.
    SessionPolicy,
}

/// Kinds whose names must differ within one container: tables, views and streams share one, every other kind has its
/// own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Namespace {
    /// Databases.
    Database,
    /// Schemas.
    Schema,
    /// Tables, views, materialized views and streams.
    Relation,
    /// Sequences.
    Sequence,
    /// Stages.
    Stage,
    /// File formats.
    FileFormat,
    /// Integrations.
    Integration,
    /// Warehouses.
    Warehouse,
    /// Roles.
    Role,
    /// Users.
    User,
    /// Roles of a database.
    DatabaseRole,
    /// Network policies.
    NetworkPolicy,
    /// Functions, by name and types of arguments.
    Function,
    /// Procedures, by name and types of arguments.
    Procedure,
    /// Tasks.
    Task,
    /// Pipes.
    Pipe,
    /// Alerts.
    Alert,
    /// Tags.
    Tag,
    /// Aggregation policies.
    AggregationPolicy,
    /// Masking policies.
    MaskingPolicy,
    /// Password policies.
    PasswordPolicy,
    /// Projection policies.
    ProjectionPolicy,
    /// Row access policies.
    RowAccessPolicy,
    /// Session policies.
    SessionPolicy,
    /// What firn does not have: nothing is found in it.
    Absent,
}

/// What objects of a kind live in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Home {
    /// The account itself.
    Account,
    /// A database.
    Database,
    /// A schema.
    Schema,
}

/// What there is to know of a kind.
#[derive(Clone, Copy, Debug)]
pub struct KindDefinition {
    /// The kind.
    pub kind: ObjectKind,
    /// Its words in SQL, in the singular.
    pub words: &'static str,
    /// The same as messages write it: `File format`.
    pub title: &'static str,
    /// What its objects live in.
    pub home: Home,
    /// Which names its objects share.
    pub namespace: Namespace,
    /// The privileges on its objects, which ALL stands for.
    pub privileges: &'static [&'static str],
}

/// The privilege to use an object, and to enter a container. A granted role is this one on the role.
pub const USAGE: &str = "USAGE";

const ON_SCHEMA: &[&str] = &[
    "CREATE AGGREGATION POLICY",
    "CREATE ALERT",
    "CREATE DYNAMIC TABLE",
    "CREATE EXTERNAL TABLE",
    "CREATE FILE FORMAT",
    "CREATE FUNCTION",
    "CREATE MASKING POLICY",
    "CREATE MATERIALIZED VIEW",
    "CREATE PASSWORD POLICY",
    "CREATE PIPE",
    "CREATE PROCEDURE",
    "CREATE PROJECTION POLICY",
    "CREATE ROW ACCESS POLICY",
    "CREATE SEQUENCE",
    "CREATE SESSION POLICY",
    "CREATE STAGE",
    "CREATE STREAM",
    "CREATE TABLE",
    "CREATE TAG",
    "CREATE TASK",
    "CREATE TEMPORARY TABLE",
    "CREATE VIEW",
    "MODIFY",
    "MONITOR",
    USAGE,
];

const ON_TABLE: &[&str] = &[
    "APPLYBUDGET",
    "DELETE",
    "EVOLVE SCHEMA",
    "INSERT",
    "REFERENCES",
    "SELECT",
    "TRUNCATE",
    "UPDATE",
];

const ON_VIEW: &[&str] = &["DELETE", "INSERT", "REFERENCES", "SELECT", "TRUNCATE", "UPDATE"];

const fn kind(
    kind: ObjectKind,
    (words, title): (&'static str, &'static str),
    home: Home,
    namespace: Namespace,
    privileges: &'static [&'static str],
) -> KindDefinition {
    KindDefinition { kind, words, title, home, namespace, privileges }
}

/// All kinds, in the order of [`ObjectKind`].
#[rustfmt::skip]
pub const KINDS: &[KindDefinition] = &[
    kind(ObjectKind::Account, ("ACCOUNT", "Account"), Home::Account, Namespace::Absent,
        &[]),
    kind(ObjectKind::Database, ("DATABASE", "Database"), Home::Account, Namespace::Database,
        &["APPLYBUDGET", "CREATE DATABASE ROLE", "CREATE SCHEMA", "MODIFY", "MONITOR", USAGE]),
    kind(ObjectKind::Schema, ("SCHEMA", "Schema"), Home::Database, Namespace::Schema,
        ON_SCHEMA),
    kind(ObjectKind::Table, ("TABLE", "Table"), Home::Schema, Namespace::Relation,
        ON_TABLE),
    kind(ObjectKind::View, ("VIEW", "View"), Home::Schema, Namespace::Relation,
        ON_VIEW),
    kind(ObjectKind::MaterializedView, ("MATERIALIZED VIEW", "Materialized view"), Home::Schema, Namespace::Relation,
        ON_VIEW),
    kind(ObjectKind::Sequence, ("SEQUENCE", "Sequence"), Home::Schema, Namespace::Sequence,
        &[USAGE]),
    kind(ObjectKind::Stage, ("STAGE", "Stage"), Home::Schema, Namespace::Stage,
        &["READ", USAGE, "WRITE"]),
    kind(ObjectKind::FileFormat, ("FILE FORMAT", "File format"), Home::Schema, Namespace::FileFormat,
        &[USAGE]),
    kind(ObjectKind::Integration, ("INTEGRATION", "Integration"), Home::Account, Namespace::Integration,
        &[USAGE, "USE_ANY_ROLE"]),
    kind(ObjectKind::Warehouse, ("WAREHOUSE", "Warehouse"), Home::Account, Namespace::Warehouse,
        &["APPLYBUDGET", "MODIFY", "MONITOR", "OPERATE", USAGE]),
    kind(ObjectKind::Role, ("ROLE", "Role"), Home::Account, Namespace::Role,
        &[USAGE]),
    kind(ObjectKind::User, ("USER", "User"), Home::Account, Namespace::User,
        &["MONITOR"]),
    kind(ObjectKind::Column, ("COLUMN", "Column"), Home::Schema, Namespace::Absent,
        &[]),
    kind(ObjectKind::Alert, ("ALERT", "Alert"), Home::Schema, Namespace::Alert,
        &["MONITOR", "OPERATE"]),
    kind(ObjectKind::DatabaseRole, ("DATABASE ROLE", "Database role"), Home::Database, Namespace::DatabaseRole,
        &[USAGE]),
    kind(ObjectKind::DynamicTable, ("DYNAMIC TABLE", "Dynamic table"), Home::Schema, Namespace::Relation,
        &["MONITOR", "OPERATE", "SELECT"]),
    kind(ObjectKind::ExternalTable, ("EXTERNAL TABLE", "External table"), Home::Schema, Namespace::Relation,
        &["REFERENCES", "SELECT"]),
    kind(ObjectKind::Function, ("FUNCTION", "Function"), Home::Schema, Namespace::Function,
        &[USAGE]),
    kind(ObjectKind::Pipe, ("PIPE", "Pipe"), Home::Schema, Namespace::Pipe,
        &["MONITOR", "OPERATE"]),
    kind(ObjectKind::Procedure, ("PROCEDURE", "Procedure"), Home::Schema, Namespace::Procedure,
        &[USAGE]),
    kind(ObjectKind::ResourceMonitor, ("RESOURCE MONITOR", "Resource monitor"), Home::Account, Namespace::Absent,
        &["MODIFY", "MONITOR"]),
    kind(ObjectKind::Secret, ("SECRET", "Secret"), Home::Schema, Namespace::Absent,
        &["READ", USAGE]),
    kind(ObjectKind::Share, ("SHARE", "Share"), Home::Account, Namespace::Absent,
        &[]),
    kind(ObjectKind::Stream, ("STREAM", "Stream"), Home::Schema, Namespace::Relation,
        &["SELECT"]),
    kind(ObjectKind::Tag, ("TAG", "Tag"), Home::Schema, Namespace::Tag,
        &["APPLY", "READ"]),
    kind(ObjectKind::Task, ("TASK", "Task"), Home::Schema, Namespace::Task,
        &["MONITOR", "OPERATE"]),
    kind(ObjectKind::AggregationPolicy, ("AGGREGATION POLICY", "Aggregation policy"), Home::Schema, Namespace::AggregationPolicy,
        &["APPLY"]),
    kind(ObjectKind::MaskingPolicy, ("MASKING POLICY", "Masking policy"), Home::Schema, Namespace::MaskingPolicy,
        &["APPLY"]),
    kind(ObjectKind::NetworkPolicy, ("NETWORK POLICY", "Network policy"), Home::Account, Namespace::NetworkPolicy,
        &[USAGE]),
    kind(ObjectKind::NetworkRule, ("NETWORK RULE", "Network rule"), Home::Schema, Namespace::Absent,
        &[]),
    kind(ObjectKind::PasswordPolicy, ("PASSWORD POLICY", "Password policy"), Home::Schema, Namespace::PasswordPolicy,
        &["APPLY"]),
    kind(ObjectKind::ProjectionPolicy, ("PROJECTION POLICY", "Projection policy"), Home::Schema, Namespace::ProjectionPolicy,
        &["APPLY"]),
    kind(ObjectKind::RowAccessPolicy, ("ROW ACCESS POLICY", "Row access policy"), Home::Schema, Namespace::RowAccessPolicy,
        &["APPLY"]),
    kind(ObjectKind::SessionPolicy, ("SESSION POLICY", "Session policy"), Home::Schema, Namespace::SessionPolicy,
        &["APPLY"]),
];

impl ObjectKind {
    /// All kinds, also those that Snowflake has and firn does not.
    pub fn all() -> impl Iterator<Item = ObjectKind> {
        KINDS.iter().map(|definition| definition.kind)
    }

    /// What there is to know of the kind.
    pub fn definition(self) -> &'static KindDefinition {
        &KINDS[self as usize]
    }

    /// The kind's words in SQL: `FILE FORMAT`.
    pub fn words(self) -> &'static str {
        self.definition().words
    }

    /// The kind's words in the plural: `MASKING POLICIES`.
    pub fn plural(self) -> String {
        let words = self.words();
        match words.strip_suffix('Y') {
            Some(stem) => format!("{stem}IES"),
            None => format!("{words}S"),
        }
    }

    /// The kind as messages write it: `File format`.
    pub fn title(self) -> &'static str {
        self.definition().title
    }

    /// The kind as listings write it: `FILE_FORMAT`.
    pub fn in_listings(self) -> String {
        self.words().replace(' ', "_")
    }

    /// Which names its objects share.
    pub fn namespace(self) -> Namespace {
        self.definition().namespace
    }

    /// Whether firn has objects of the kind.
    pub fn exists(self) -> bool {
        self.namespace() != Namespace::Absent
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_finds_its_own_definition() {
        for (index, definition) in KINDS.iter().enumerate() {
            assert_eq!(definition.kind as usize, index, "{}", definition.words);
            assert_eq!(definition.title.to_uppercase(), definition.words);
        }
    }

    #[test]
    fn plurals_are_english() {
        assert_eq!(ObjectKind::MaskingPolicy.plural(), "MASKING POLICIES");
        assert_eq!(ObjectKind::FileFormat.plural(), "FILE FORMATS");
    }
}
