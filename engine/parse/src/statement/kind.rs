//! The words for kinds of objects.

use firn_types::Result;

use super::super::ast::ObjectKind;
use super::super::reader::Reader;

/// Words and what they name, longer ones first. An S behind the last word makes the plural.
const KINDS: [(&str, ObjectKind); 41] = [
    ("ACCOUNT", ObjectKind::Account),
    ("DATABASE ROLE", ObjectKind::DatabaseRole),
    ("DATABASE", ObjectKind::Database),
    ("SCHEMA", ObjectKind::Schema),
    ("DYNAMIC TABLE", ObjectKind::DynamicTable),
    ("EXTERNAL TABLE", ObjectKind::ExternalTable),
    ("TABLE", ObjectKind::Table),
    ("MATERIALIZED VIEW", ObjectKind::MaterializedView),
    ("VIEW", ObjectKind::View),
    ("COLUMN", ObjectKind::Column),
    ("SEQUENCE", ObjectKind::Sequence),
    ("STAGE", ObjectKind::Stage),
    ("FILE FORMAT", ObjectKind::FileFormat),
    ("PIPE", ObjectKind::Pipe),
    ("STREAM", ObjectKind::Stream),
    ("TASK", ObjectKind::Task),
    ("EXTERNAL FUNCTION", ObjectKind::Function),
    ("AGGREGATE FUNCTION", ObjectKind::Function),
    ("USER FUNCTION", ObjectKind::Function),
    ("FUNCTION", ObjectKind::Function),
    ("USER PROCEDURE", ObjectKind::Procedure),
    ("PROCEDURE", ObjectKind::Procedure),
    ("STORAGE INTEGRATION", ObjectKind::Integration),
    ("NOTIFICATION INTEGRATION", ObjectKind::Integration),
    ("SECURITY INTEGRATION", ObjectKind::Integration),
    ("API INTEGRATION", ObjectKind::Integration),
    ("CATALOG INTEGRATION", ObjectKind::Integration),
    ("EXTERNAL ACCESS INTEGRATION", ObjectKind::Integration),
    ("INTEGRATION", ObjectKind::Integration),
    ("WAREHOUSE", ObjectKind::Warehouse),
    ("ROLE", ObjectKind::Role),
    ("USER", ObjectKind::User),
    ("TAG", ObjectKind::Tag),
    ("MASKING POLICY", ObjectKind::Policy),
    ("ROW ACCESS POLICY", ObjectKind::Policy),
    ("NETWORK POLICY", ObjectKind::Policy),
    ("PASSWORD POLICY", ObjectKind::Policy),
    ("SESSION POLICY", ObjectKind::Policy),
    ("AGGREGATION POLICY", ObjectKind::Policy),
    ("PROJECTION POLICY", ObjectKind::Policy),
    ("TABLE FUNCTION", ObjectKind::Function),
];

impl Reader<'_> {
    /// The kind of object that comes next. Errors: no such words.
    pub(super) fn kind(&mut self) -> Result<ObjectKind> {
        self.kind_if().ok_or_else(|| self.unexpected())
    }

    /// The kind of object that comes next, if one does.
    pub(super) fn kind_if(&mut self) -> Option<ObjectKind> {
        KINDS.iter().find(|(words, _)| self.eat(words)).map(|(_, kind)| *kind)
    }

    /// The kind that comes next in the plural, if one does.
    pub(super) fn kinds_if(&mut self) -> Option<ObjectKind> {
        KINDS.iter().find(|(words, _)| self.eat(&plural(words))).map(|(_, kind)| *kind)
    }
}

fn plural(words: &str) -> String {
    match words.strip_suffix("POLICY") {
        Some(before) => format!("{before}POLICIES"),
        None => format!("{words}S"),
    }
}
