//! Load histories: the last few loads in place, earlier ones in files.

use std::sync::Arc;

use firn_storage::format::{FORMAT, from_bytes, to_bytes, v1};
use firn_storage::parallel::map_at_once;
use firn_storage::snapshot::Listed;
use firn_storage::{ObjectAccess, path};
use firn_types::{Error, ObjectId, Result};

use super::corrupt;
use super::lists::{FILES_AT_ONCE, Lists, listed_bytes};
use crate::catalog::{
    LoadError, LoadFile, LoadHistory, LoadPart, LoadRecord, LoadStatus, PipeLoad,
};

impl Lists<'_> {
    /// Writes all files that these load histories will refer to, some at once, after it has read those that are
    /// to be written again.
    ///
    /// # Errors
    /// `Storage` when one cannot be written, and those of [`LoadHistory::read`].
    pub(in crate::txn) fn prepare_loads(
        &self,
        histories: &[(ObjectId, &LoadHistory)],
    ) -> Result<()> {
        let parts = histories
            .iter()
            .flat_map(|(id, history)| history.parts().iter().map(move |part| (*id, part.as_ref())));
        let missing: Vec<(ObjectId, &LoadPart)> =
            parts.filter(|(_, part)| self.young_loads(part).is_none()).collect();
        map_at_once(&missing, FILES_AT_ONCE, |(id, part)| {
            let records = part.records()?.iter().map(|record| load_to(record)).collect();
            let name = format!("{}/{}", path::table_meta(*id), uuid::Uuid::new_v4());
            self.access.put(&name, to_bytes(&v1::LoadList { format: FORMAT, records })?)?;
            part.set_listed(Listed { name: name.into(), written_nanos: self.now_nanos });
            Ok(())
        })?;
        Ok(())
    }

    /// The persisted form of a load history: its files, which [`Lists::prepare_loads`] has written, and the loads
    /// since.
    pub(super) fn loads_to(
        &self,
        history: &LoadHistory,
    ) -> Result<(Vec<v1::LoadFile>, Vec<v1::LoadRecord>)> {
        let unwritten = || Error::internal("a part of a load history that was not written");
        let file = |part: &Arc<LoadPart>| {
            let listed = self.young_loads(part).ok_or_else(unwritten)?;
            Ok(v1::LoadFile {
                path: listed.name.to_string(),
                written_nanos: listed.written_nanos,
                loads: part.len(),
                newest_nanos: part.newest_nanos(),
            })
        };
        let files = history.parts().iter().map(file).collect::<Result<_>>()?;
        Ok((files, history.tail().iter().map(|record| load_to(record)).collect()))
    }

    pub(super) fn loads_from(
        &self,
        files: Vec<v1::LoadFile>,
        records: Vec<v1::LoadRecord>,
        first_nanos: Option<i64>,
    ) -> Result<LoadHistory> {
        let part = |file: v1::LoadFile| {
            let listed = Listed { name: file.path.into(), written_nanos: file.written_nanos };
            let stored = StoredLoads { access: self.access.clone(), listed };
            LoadPart::stored(Arc::new(stored), file.loads, file.newest_nanos)
        };
        let parts = files.into_iter().map(part).collect();
        let mut history = LoadHistory::stored(parts, Vec::new(), first_nanos);
        // Before format 5 all of them stood in place.
        history.add(&loads_from(records)?);
        Ok(history)
    }

    /// The file of a part that may be referred to.
    fn young_loads(&self, part: &LoadPart) -> Option<Listed> {
        part.listed().filter(|listed| self.is_young_file(listed))
    }
}

/// A file with loads that somebody may want to read.
#[derive(Debug)]
struct StoredLoads {
    access: ObjectAccess,
    listed: Listed,
}

impl LoadFile for StoredLoads {
    fn listed(&self) -> &Listed {
        &self.listed
    }

    fn read(&self) -> Result<Vec<Arc<LoadRecord>>> {
        let bytes = listed_bytes(&self.access, &self.listed)?;
        let list: v1::LoadList = from_bytes(&self.listed.name, bytes.as_ref())?;
        loads_from(list.records)
    }
}

fn loads_from(records: Vec<v1::LoadRecord>) -> Result<Vec<Arc<LoadRecord>>> {
    records.into_iter().map(|record| load_from(record).map(Arc::new)).collect()
}

pub(super) fn load_to(record: &LoadRecord) -> v1::LoadRecord {
    v1::LoadRecord {
        path: record.path.clone(),
        etag: record.etag.clone(),
        size: record.size,
        modified_nanos: record.modified_nanos,
        loaded_nanos: record.loaded_nanos,
        status: match record.status {
            LoadStatus::Loaded => "loaded",
            LoadStatus::Failed => "failed",
            LoadStatus::Partial => "partial",
        }
        .to_string(),
        rows_loaded: record.rows_loaded,
        rows_parsed: record.rows_parsed,
        error_count: record.error_count,
        error_limit: record.error_limit,
        first_error: record.first_error.as_ref().map(|error| v1::LoadError {
            message: error.message.clone(),
            line: error.line,
            character: error.character,
            column: error.column.clone(),
        }),
        by_pipe: record.by_pipe.map(|load| (load.table.0, load.received_nanos)),
    }
}

pub(super) fn load_from(record: v1::LoadRecord) -> Result<LoadRecord> {
    Ok(LoadRecord {
        path: record.path,
        etag: record.etag,
        size: record.size,
        modified_nanos: record.modified_nanos,
        loaded_nanos: record.loaded_nanos,
        status: match record.status.as_str() {
            "loaded" => LoadStatus::Loaded,
            "failed" => LoadStatus::Failed,
            "partial" => LoadStatus::Partial,
            _ => return Err(corrupt("load status")),
        },
        rows_loaded: record.rows_loaded,
        rows_parsed: record.rows_parsed,
        error_count: record.error_count,
        error_limit: record.error_limit,
        first_error: record.first_error.map(|error| LoadError {
            message: error.message,
            line: error.line,
            character: error.character,
            column: error.column,
        }),
        by_pipe: record
            .by_pipe
            .map(|(table, received_nanos)| PipeLoad { table: ObjectId(table), received_nanos }),
    })
}
