//! AT and BEFORE: from a moment to a version, and from a version to everything as it was.

use std::collections::VecDeque;
use std::sync::Arc;

use firn_storage::Snapshot;
use firn_storage::format::v1;
use firn_types::{Error, ErrorCode, ObjectId, QueryId, Result};

use super::log::{CommitHeader, Log};
use super::rebase::Rewrite;
use crate::catalog::Catalog;

/// Historical catalogs that are kept at hand.
const HISTORICAL_CATALOGS_MAX: usize = 8;
/// Commits from which the older ones are read again from their checkpoints when somebody asks.
const HEADERS_MAX: usize = 4096;

/// A moment of the past, or a version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TimePoint {
    /// With everything that was committed up to this time: nanoseconds since 1970 UTC.
    At(i64),
    /// With everything that was committed before this time: nanoseconds since 1970 UTC.
    Before(i64),
    /// With the statement's effect.
    AtStatement(QueryId),
    /// Just without the statement's effect.
    BeforeStatement(QueryId),
    /// After a commit.
    Version(u64),
}

/// When each version was committed, and by which statements. Old parts are read when they are asked for.
#[derive(Debug, Default)]
pub(crate) struct Timeline {
    /// By version, without gaps.
    headers: VecDeque<CommitHeader>,
    /// The checkpoint that has the headers before the first one.
    older: Option<u64>,
    /// The newest checkpoint.
    checkpoint: Option<u64>,
    /// Checkpoints whose headers are among those at hand, the oldest first.
    at_hand: VecDeque<u64>,
}

impl Timeline {
    /// The commits up to a checkpoint.
    pub(crate) fn of(checkpoint: &v1::Checkpoint) -> Timeline {
        Timeline {
            headers: checkpoint.headers.iter().cloned().map(CommitHeader::from).collect(),
            older: checkpoint.previous,
            checkpoint: Some(checkpoint.version),
            at_hand: VecDeque::from([checkpoint.version]),
        }
    }

    /// Adds the next commit.
    pub(crate) fn add(&mut self, header: CommitHeader) {
        self.headers.push_back(header);
    }

    /// When the newest version was committed.
    pub(crate) fn last_nanos(&self) -> i64 {
        self.headers.back().map_or(0, |header| header.time_nanos)
    }

    /// When a version was committed.
    pub(crate) fn time_of(&self, version: u64) -> Option<i64> {
        let at = self.headers.binary_search_by_key(&version, |header| header.version).ok()?;
        self.headers.get(at).map(|header| header.time_nanos)
    }

    /// The commits since the newest checkpoint, and that checkpoint.
    pub(crate) fn since_checkpoint(&self) -> (Vec<CommitHeader>, Option<u64>) {
        let from = self.checkpoint.unwrap_or(0);
        let headers = self.headers.iter().filter(|header| header.version > from).cloned().collect();
        (headers, self.checkpoint)
    }

    /// A checkpoint was written.
    pub(crate) fn checkpointed(&mut self, version: u64) {
        self.checkpoint = Some(version);
        self.at_hand.push_back(version);
        while self.headers.len() > HEADERS_MAX
            && let Some(oldest) = self.at_hand.pop_front()
        {
            while self.headers.front().is_some_and(|header| header.version <= oldest) {
                self.headers.pop_front();
            }
            self.older = Some(oldest);
        }
    }

    /// The newest checkpoint.
    pub(crate) fn checkpoint(&self) -> Option<u64> {
        self.checkpoint
    }

    /// The last statement after `version` that changed an object.
    pub(crate) fn changed_by(&self, object: ObjectId, version: u64) -> Option<&str> {
        let newer = self.headers.iter().rev().take_while(|header| header.version > version);
        let mut changing = newer.filter(|header| header.changed.contains(&object));
        changing.next()?.statements.last().map(String::as_str)
    }

    /// What was written anew after `version`, in order; none when that is not known.
    pub(crate) fn rewrites_after(&self, version: u64) -> Option<Vec<Arc<Rewrite>>> {
        let from = self.headers.partition_point(|header| header.version <= version);
        let newer = self.headers.range(from..);
        if newer.clone().next().is_some_and(|header| header.version != version + 1) {
            return None;
        }
        let rewrites: Option<Vec<_>> = newer.map(|header| header.rewrites.as_ref()).collect();
        Some(rewrites?.into_iter().flatten().cloned().collect())
    }

    /// The version at a moment, as far as the headers tell.
    pub(crate) fn find(&self, point: &TimePoint) -> Found {
        let found = match point {
            TimePoint::Version(version) => Some(*version),
            TimePoint::At(nanos) => self.newest(|header| header.time_nanos <= *nanos),
            TimePoint::Before(nanos) => self.newest(|header| header.time_nanos < *nanos),
            TimePoint::AtStatement(id) => self.statement(id),
            TimePoint::BeforeStatement(id) => {
                self.statement(id).map(|version| version.saturating_sub(1))
            }
        };
        match (found, self.older) {
            (Some(version), _) => Found::Version(version),
            (None, Some(checkpoint)) => Found::Older(checkpoint),
            (None, None) => Found::Nothing,
        }
    }

    fn newest(&self, wanted: impl Fn(&CommitHeader) -> bool) -> Option<u64> {
        // Times never fall from one version to the next.
        let at = self.headers.partition_point(wanted);
        self.headers.get(at.checked_sub(1)?).map(|header| header.version)
    }

    fn statement(&self, id: &QueryId) -> Option<u64> {
        let has = |header: &&CommitHeader| header.statements.contains(&id.0);
        self.headers.iter().rev().find(has).map(|header| header.version)
    }

    /// Adds the headers of the checkpoint `of` before the first one; none of a checkpoint that is gone, before
    /// which nothing can be opened any more.
    pub(crate) fn add_older(&mut self, of: u64, older: Option<(Vec<CommitHeader>, Option<u64>)>) {
        if self.older != Some(of) {
            return;
        }
        let (headers, before) = older.unwrap_or_default();
        if !headers.is_empty() {
            self.at_hand.push_front(of);
        }
        headers.into_iter().rev().for_each(|header| self.headers.push_front(header));
        self.older = before;
    }
}

/// What headers tell of a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// The version.
    Version(u64),
    /// It is in this checkpoint's headers or in older ones.
    Older(u64),
    /// It is older than all that is kept, or never was.
    Nothing,
}

/// The answer for a moment that is not found: an error for a statement, which has to be there.
pub(crate) fn nothing_at(point: &TimePoint) -> Result<Option<u64>> {
    match point {
        TimePoint::AtStatement(id) | TimePoint::BeforeStatement(id) => {
            Err(Error::new(ErrorCode::StatementNotFound, format!("Statement {id} not found")))
        }
        _ => Ok(None),
    }
}

/// The historical catalogs at hand, the most recently used last.
#[derive(Debug, Default)]
pub(crate) struct HistoricalCatalogs {
    catalogs: VecDeque<Catalog>,
}

impl HistoricalCatalogs {
    /// The catalog of a version, if it is at hand.
    pub(crate) fn find(&mut self, version: u64) -> Option<Catalog> {
        let at = self.catalogs.iter().position(|catalog| catalog.version() == version)?;
        let catalog = self.catalogs.remove(at)?;
        self.catalogs.push_back(catalog.clone());
        Some(catalog)
    }

    /// The newest catalog at hand that is older than a version.
    pub(crate) fn before(&self, version: u64) -> Option<Catalog> {
        let older = self.catalogs.iter().filter(|catalog| catalog.version() < version);
        older.max_by_key(|catalog| catalog.version()).cloned()
    }

    /// Keeps a catalog at hand.
    pub(crate) fn add(&mut self, catalog: &Catalog) {
        if self.find(catalog.version()).is_some() {
            return;
        }
        if self.catalogs.len() == HISTORICAL_CATALOGS_MAX {
            self.catalogs.pop_front();
        }
        self.catalogs.push_back(catalog.clone());
    }
}

impl Log {
    /// The versions of a table's rows after `catalog` up to a version of the account, in order.
    ///
    /// # Errors
    /// As [`Log::catalog_at`].
    pub(crate) fn rows_between(
        &self,
        table: ObjectId,
        mut catalog: Catalog,
        to: u64,
    ) -> Result<Vec<Arc<Snapshot>>> {
        let mut found = Vec::new();
        let mut last = catalog.rows_of(table).ok().cloned();
        while catalog.version() < to {
            self.replay_next(&mut catalog)?;
            let rows = catalog.rows_of(table).ok().cloned();
            let changed = match (&last, &rows) {
                (Some(last), Some(rows)) => !Arc::ptr_eq(last, rows),
                (_, rows) => rows.is_some(),
            };
            found.extend(rows.clone().filter(|_| changed));
            last = rows;
        }
        Ok(found)
    }

    fn replay_next(&self, catalog: &mut Catalog) -> Result<()> {
        let next = catalog.version() + 1;
        let commit = self.commit(next)?.ok_or_else(|| {
            let text = format!("Time travel data is not available: version {next} is gone.");
            Error::new(ErrorCode::TimeTravelUnavailable, text)
        })?;
        self.perform(catalog, commit).map(|_| ())
    }

    /// The catalog of a version: from `at_hand` or the nearest checkpoint, and the commits since.
    ///
    /// # Errors
    /// `TimeTravelUnavailable` when a commit is gone; those of reading the log.
    pub(crate) fn catalog_at(&self, version: u64, at_hand: Option<Catalog>) -> Result<Catalog> {
        let stored = self.checkpoints()?.into_iter().rev().find(|stored| *stored <= version);
        let mut catalog = match (at_hand, stored) {
            (Some(catalog), stored) if stored.is_none_or(|v| v <= catalog.version()) => catalog,
            (_, Some(stored)) => self.open_checkpoint(stored)?.catalog,
            (_, None) => Catalog::new(0, Default::default(), Default::default()),
        };
        while catalog.version() < version {
            self.replay_next(&mut catalog)?;
        }
        Ok(catalog)
    }
}
