//! External tables: how files of a stage are read as rows, and which files those are.

use firn_types::{FieldId, ObjectId, SqlType};
use rpds::RedBlackTreeMapSync as Map;

use crate::catalog::Header;

/// How long it is told what was registered: 30 days.
const TOLD_NANOS: i64 = 30 * 86_400_000_000_000;

/// A table whose rows are in the files of a stage. Cloning shares its files.
#[derive(Clone, Debug, PartialEq)]
pub struct ExternalTable {
    /// What all objects have; the parent is the schema.
    pub header: Header,
    /// The columns behind VALUE.
    pub columns: Vec<ExternalColumn>,
    /// The id that the next added column gets; ids are never used again.
    pub next_field_id: u32,
    /// The columns that partition it.
    pub partition_by: Vec<FieldId>,
    /// PARTITION_TYPE = USER_SPECIFIED: its owner says which partitions it has.
    pub user_partitions: bool,
    /// The stage of its files.
    pub stage: ObjectId,
    /// The folder below the stage: empty, or with `/` at its end.
    pub path: String,
    /// PATTERN.
    pub pattern: Option<String>,
    /// How its files are read.
    pub format: ExternalFormat,
    /// AUTO_REFRESH: it follows the files.
    pub auto_refresh: bool,
    /// When it was last refreshed: nanoseconds since 1970 UTC.
    pub refreshed_nanos: Option<i64>,
    /// The commit that last changed its files or columns; [`PENDING`](crate::catalog::PENDING) before it is committed.
    pub data_version: u64,
    files: Map<String, ExternalFile>,
    told: Map<u64, Registration>,
}

/// How the files of an external table are read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExternalFormat {
    /// As a file format object says.
    Named(ObjectId),
    /// As these options say.
    Options(Vec<(String, String)>),
}

/// A column that is computed of each row of a file.
#[derive(Clone, Debug, PartialEq)]
pub struct ExternalColumn {
    /// The column for the table's whole life, through renames.
    pub field_id: FieldId,
    /// The name as stored.
    pub name: String,
    /// The type.
    pub sql_type: SqlType,
    /// Its expression's SQL text as written; empty for VALUE.
    pub expression: String,
    /// Whether NULL is expected; nothing enforces it.
    pub nullable: bool,
    /// The comment; empty when there is none.
    pub comment: String,
}

/// A file of an external table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExternalFile {
    /// The path below the stage.
    pub path: String,
    /// Bytes.
    pub size: u64,
    /// When it was last modified: nanoseconds since 1970 UTC.
    pub modified_nanos: i64,
    /// The content's mark.
    pub etag: String,
    /// The partition that it was added with, by who says which there are.
    pub partition: Option<FilePartition>,
    /// When it was registered: nanoseconds since 1970 UTC.
    pub registered_nanos: i64,
    /// The commit that registered it; [`PENDING`](crate::catalog::PENDING) before it is committed.
    pub version: u64,
}

/// A partition that the table's owner has added.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilePartition {
    /// The folder below the table's own, with `/` at its end.
    pub location: String,
    /// The values of the partition columns: a JSON object by their names.
    pub values: String,
}

/// How the files of an external table change.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FileRegistration {
    /// Files that are new, or have changed; when and by which commit is not said yet.
    pub registered: Vec<ExternalFile>,
    /// The paths of files that are gone.
    pub unregistered: Vec<String>,
}

/// What was registered of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registration {
    /// When: nanoseconds since 1970 UTC.
    pub nanos: i64,
    /// The path below the stage.
    pub path: String,
    /// `REGISTERED_NEW`, `REGISTERED_UPDATE` or `UNREGISTERED`.
    pub status: String,
    /// Its bytes.
    pub size: u64,
    /// When it was last modified: nanoseconds since 1970 UTC.
    pub modified_nanos: i64,
}

impl ExternalFile {
    /// A file that is to be registered.
    pub fn new(path: String, size: u64, modified_nanos: i64, etag: String) -> ExternalFile {
        let (partition, registered_nanos, version) = (None, 0, crate::catalog::PENDING);
        ExternalFile { path, size, modified_nanos, etag, partition, registered_nanos, version }
    }

    /// Whether both are one content in one partition.
    fn is_same(&self, other: &ExternalFile) -> bool {
        (&self.etag, self.size, &self.partition) == (&other.etag, other.size, &other.partition)
    }
}

impl ExternalTable {
    /// The name of the column that has the whole rows.
    pub const VALUE: &'static str = "VALUE";

    /// A table without columns of its own, over all files of a stage.
    pub fn new(header: Header, stage: ObjectId, format: ExternalFormat) -> ExternalTable {
        ExternalTable {
            header,
            columns: Vec::new(),
            next_field_id: 2,
            partition_by: Vec::new(),
            user_partitions: false,
            stage,
            path: String::new(),
            pattern: None,
            format,
            auto_refresh: false,
            refreshed_nanos: None,
            data_version: crate::catalog::PENDING,
            files: Map::default(),
            told: Map::default(),
        }
    }

    /// VALUE, and then its other columns.
    pub fn all_columns(&self) -> Vec<ExternalColumn> {
        let value = ExternalColumn {
            field_id: FieldId(1),
            name: ExternalTable::VALUE.to_string(),
            sql_type: SqlType::Variant,
            expression: String::new(),
            nullable: true,
            comment: "The value of this row".to_string(),
        };
        std::iter::once(value).chain(self.columns.iter().cloned()).collect()
    }

    /// Appends a column, which gets the next field id.
    pub fn add_column(&mut self, mut column: ExternalColumn) {
        column.field_id = FieldId(self.next_field_id);
        self.next_field_id += 1;
        self.columns.push(column);
    }

    /// The files, by path.
    pub fn files(&self) -> impl Iterator<Item = &ExternalFile> {
        self.files.values()
    }

    /// The file of a path.
    pub fn file(&self, path: &str) -> Option<&ExternalFile> {
        self.files.get(path)
    }

    /// What was registered in the last 30 days, oldest first.
    pub fn registrations(&self) -> impl Iterator<Item = &Registration> {
        self.told.values()
    }

    /// Takes over files and what was told of them as they were stored.
    pub(crate) fn restore(&mut self, files: Vec<ExternalFile>, told: Vec<Registration>) {
        self.files = files.into_iter().map(|file| (file.path.clone(), file)).collect();
        self.told = (0..).zip(told).collect();
    }

    /// Takes over how its files have changed, by a commit at a time.
    pub fn register(&mut self, change: &FileRegistration, version: u64, nanos: i64) {
        for file in &change.registered {
            let known = self.files.get(&file.path);
            // Two may have found the same file at once: streams show its rows once.
            if known.is_some_and(|known| known.is_same(file)) {
                continue;
            }
            let status = if known.is_some() { "REGISTERED_UPDATE" } else { "REGISTERED_NEW" };
            self.tell(status, file, nanos);
            let file = ExternalFile { registered_nanos: nanos, version, ..file.clone() };
            self.files.insert_mut(file.path.clone(), file);
        }
        for path in &change.unregistered {
            if let Some(file) = self.files.get(path).cloned() {
                self.tell("UNREGISTERED", &file, nanos);
                self.files.remove_mut(path);
            }
        }
        self.forget_before(nanos.saturating_sub(TOLD_NANOS));
        self.refreshed_nanos = Some(nanos);
        self.data_version = version;
    }

    /// Takes over the first files of a table that is being created.
    pub fn fill(&mut self, change: &FileRegistration, nanos: i64) {
        self.register(change, crate::catalog::PENDING, nanos);
    }

    fn tell(&mut self, status: &str, file: &ExternalFile, nanos: i64) {
        let number = self.told.last().map_or(0, |(last, _)| last + 1);
        let told = Registration {
            nanos,
            path: file.path.clone(),
            status: status.to_string(),
            size: file.size,
            modified_nanos: file.modified_nanos,
        };
        self.told.insert_mut(number, told);
    }

    fn forget_before(&mut self, nanos: i64) {
        while let Some((number, _)) = self.told.first().filter(|(_, told)| told.nanos < nanos) {
            let number = *number;
            self.told.remove_mut(&number);
        }
    }

    /// Marks a new table and its files with the commit that makes it.
    pub(crate) fn stamp(&mut self, version: u64) {
        self.data_version = version;
        let mut files = self.files.clone();
        for file in self.files.values() {
            files.insert_mut(file.path.clone(), ExternalFile { version, ..file.clone() });
        }
        self.files = files;
    }

    /// Keeps the files that a table has whose definition is another now.
    pub(crate) fn with_files_of(&mut self, old: &ExternalTable, version: u64) {
        self.data_version = if self.columns == old.columns { old.data_version } else { version };
        self.files = old.files.clone();
        self.told = old.told.clone();
        self.refreshed_nanos = old.refreshed_nanos;
    }
}

#[cfg(test)]
mod tests {
    use firn_types::ObjectId;

    use super::*;

    fn file(path: &str, etag: &str) -> ExternalFile {
        ExternalFile::new(path.to_string(), 1, 0, etag.to_string())
    }

    fn registered(files: &[ExternalFile]) -> FileRegistration {
        FileRegistration { registered: files.to_vec(), unregistered: Vec::new() }
    }

    fn told(table: &ExternalTable) -> Vec<(&str, &str)> {
        table.registrations().map(|told| (told.path.as_str(), told.status.as_str())).collect()
    }

    #[test]
    fn a_file_that_two_have_found_is_registered_once() {
        let header = Header::new(ObjectId(1), "E", ObjectId(1), 0);
        let format = ExternalFormat::Options(Vec::new());
        let mut table = ExternalTable::new(header, ObjectId(2), format);
        table.register(&registered(&[file("a", "x")]), 5, 1);
        table.register(&registered(&[file("a", "x"), file("b", "x")]), 6, 2);
        table.register(&registered(&[file("b", "y")]), 7, 3);
        let versions: Vec<u64> = table.files().map(|file| file.version).collect();
        assert_eq!(versions, [5, 7]);
        let new = "REGISTERED_NEW";
        assert_eq!(told(&table), [("a", new), ("b", new), ("b", "REGISTERED_UPDATE")]);
    }

    #[test]
    fn what_was_registered_is_told_for_thirty_days() {
        let header = Header::new(ObjectId(1), "E", ObjectId(1), 0);
        let format = ExternalFormat::Options(Vec::new());
        let mut table = ExternalTable::new(header, ObjectId(2), format);
        table.register(&registered(&[file("a", "x")]), 5, 1);
        let gone = FileRegistration { unregistered: vec!["a".to_string()], ..Default::default() };
        table.register(&gone, 6, TOLD_NANOS + 2);
        assert_eq!(told(&table), [("a", "UNREGISTERED")]);
        assert_eq!(table.files().count(), 0);
    }
}
