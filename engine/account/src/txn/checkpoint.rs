//! Checkpoints: everything at one version, so that opening is fast and the log before it can go.
//!
//! A full checkpoint has all objects. One that rests on a full one has what changed since then. When those
//! that rest on it have together cost as much as it, the next one is full. So two files tell everything, and
//! what a checkpoint costs grows with the square root of what exists: with `n` objects and `c` changes
//! between two checkpoints there are `sqrt(2 n / c)` of them on a full one.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use firn_storage::format::{FORMAT, from_bytes, to_bytes, v1};
use firn_storage::parallel::map_at_once;
use firn_storage::path;
use firn_types::{ObjectId, Result};

use super::convert::{Lists, Names, grant_from, grant_to, object_from, object_to};
use super::log::{CommitHeader, Log, damaged};
use super::time_travel::Timeline;
use crate::catalog::{Catalog, CatalogOverlay, Object};

/// Commits between two checkpoints.
pub(crate) const CHECKPOINT_COMMITS: u64 = 64;
/// A checkpoint rests on no full one that is older; what is twice as old may be deleted.
pub(crate) const BASE_NANOS_MAX: i64 = 86_400_000_000_000;

/// What the next checkpoint has to know of the last one.
#[derive(Debug, Default)]
pub(crate) struct LastCheckpoint {
    /// The state that it holds.
    overlay: Arc<CatalogOverlay>,
    /// The full one that it rests on, or is; none before the first.
    base: Option<Base>,
    /// What changed between the two.
    changed: BTreeSet<ObjectId>,
    /// Whether grants or parameters did.
    settings_changed: bool,
}

/// A full checkpoint.
#[derive(Clone, Copy, Debug)]
struct Base {
    version: u64,
    /// When its version was committed.
    nanos: i64,
}

/// An account as a checkpoint tells it.
pub(crate) struct Opened {
    pub(crate) catalog: Catalog,
    pub(crate) timeline: Timeline,
    pub(crate) last: LastCheckpoint,
}

impl Opened {
    /// An account without anything.
    pub(crate) fn empty() -> Opened {
        Opened {
            catalog: Catalog::new(0, Arc::default(), Arc::default()),
            timeline: Timeline::default(),
            last: LastCheckpoint::default(),
        }
    }
}

impl Log {
    /// The versions of all checkpoints, the oldest first.
    pub(crate) fn checkpoints(&self) -> Result<Vec<u64>> {
        let names = self.access.names_after(path::CHECKPOINTS, path::CHECKPOINTS)?;
        let mut versions: Vec<u64> =
            names.iter().filter_map(|name| path::version_of(name)).collect();
        versions.sort_unstable();
        Ok(versions)
    }

    /// The account at the version of a checkpoint.
    ///
    /// # Errors
    /// `FileNotFound` when it, or the one that it rests on, is gone; `CorruptFile` when one of them cannot
    /// be read.
    pub(crate) fn open_checkpoint(&self, version: u64) -> Result<Opened> {
        let checkpoint = self.checkpoint(version)?;
        let base = checkpoint.base.map(|base| self.checkpoint(base)).transpose()?;
        self.opened(checkpoint, base)
    }

    /// The account at the checkpoint that was the newest when somebody last wrote one. Nobody needs to list
    /// all of them for it, and both files are read at once.
    ///
    /// # Errors
    /// As [`Log::open_checkpoint`]; also when nothing says which one that is.
    pub(crate) fn open_newest_checkpoint(&self) -> Result<Opened> {
        let name = path::NEWEST_CHECKPOINT;
        let newest: v1::NewestCheckpoint = from_bytes(name, &self.access.get(name)?)?;
        let versions: Vec<u64> = [newest.version].into_iter().chain(newest.base).collect();
        let mut found = map_at_once(&versions, 2, |version| self.checkpoint(*version))?;
        let base = if newest.base.is_some() { found.pop() } else { None };
        let checkpoint = found.pop().ok_or_else(|| damaged(name, "it names no checkpoint"))?;
        if checkpoint.base != newest.base {
            return Err(damaged(name, "the checkpoint rests on another one"));
        }
        self.opened(checkpoint, base)
    }

    /// Says which checkpoint is the newest.
    pub(crate) fn note_newest_checkpoint(&self, last: &LastCheckpoint, version: u64) -> Result<()> {
        let base = last.base.map(|base| base.version).filter(|base| *base != version);
        let newest = v1::NewestCheckpoint { format: FORMAT, version, base };
        self.access.put(path::NEWEST_CHECKPOINT, to_bytes(&newest)?)
    }

    fn opened(&self, checkpoint: v1::Checkpoint, base: Option<v1::Checkpoint>) -> Result<Opened> {
        if let Some(base) = base.as_ref().filter(|base| base.base.is_some()) {
            return Err(damaged(&path::checkpoint(base.version), "it is not a full one"));
        }
        let timeline = Timeline::of(&checkpoint);
        let ids = checkpoint.objects.iter().map(|object| object.header().id);
        let changed: BTreeSet<ObjectId> = match base {
            Some(_) => ids.chain(checkpoint.removed.iter().copied()).map(ObjectId).collect(),
            None => BTreeSet::new(),
        };
        let full = base.as_ref().unwrap_or(&checkpoint);
        let nanos = full.headers.last().map_or(0, |header| header.time_nanos);
        let full = Base { version: full.version, nanos };
        let settings_changed = base.is_some() && !checkpoint.inherits_settings;
        let catalog = self.catalog_of(checkpoint, base)?;
        let last = LastCheckpoint {
            overlay: Arc::clone(catalog.account_overlay()),
            base: Some(full),
            changed,
            settings_changed,
        };
        Ok(Opened { catalog, timeline, last })
    }

    /// The headers of a checkpoint, and the checkpoint before; none when it is gone.
    pub(crate) fn headers_of(
        &self,
        version: u64,
    ) -> Result<Option<(Vec<CommitHeader>, Option<u64>)>> {
        match self.checkpoint(version) {
            Ok(checkpoint) => {
                let headers = checkpoint.headers.into_iter().map(CommitHeader::from).collect();
                Ok(Some((headers, checkpoint.previous)))
            }
            Err(error) if error.code() == firn_types::ErrorCode::FileNotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The persisted checkpoint of a version.
    pub(crate) fn checkpoint(&self, version: u64) -> Result<v1::Checkpoint> {
        let name = path::checkpoint(version);
        let checkpoint: v1::Checkpoint = from_bytes(&name, &self.access.get(&name)?)?;
        match checkpoint.version == version {
            true => Ok(checkpoint),
            false => Err(damaged(&name, &format!("it is that of {}", checkpoint.version))),
        }
    }

    /// The catalog of a checkpoint and the one that it rests on.
    fn catalog_of(
        &self,
        checkpoint: v1::Checkpoint,
        base: Option<v1::Checkpoint>,
    ) -> Result<Catalog> {
        let (mut older, mut settings) = (Vec::new(), (checkpoint.grants, checkpoint.parameters));
        if let Some(base) = base {
            let ids = checkpoint.objects.iter().map(|object| object.header().id);
            let newer: HashSet<u64> = ids.chain(checkpoint.removed).collect();
            older = base.objects;
            older.retain(|object| !newer.contains(&object.header().id));
            if checkpoint.inherits_settings {
                settings = (base.grants, base.parameters);
            }
        }
        let nanos = checkpoint.headers.last().map_or(0, |header| header.time_nanos);
        let lists = Lists::of_checkpoint(&self.access, nanos);
        let names = Names::among(older.iter().chain(&checkpoint.objects));
        let mut overlay = CatalogOverlay::default();
        let mut dropped = Vec::new();
        for mut object in older.into_iter().chain(checkpoint.objects) {
            names.resolve_object(&mut object);
            let object = object_from(object, &lists)?;
            match object.header().dropped_nanos {
                None => overlay.put(object),
                Some(nanos) => dropped.push((nanos, object)),
            }
        }
        // The newest comes back first: the order of dropping must be kept.
        dropped.sort_by_key(|(nanos, object)| (*nanos, object.header().version));
        dropped.into_iter().for_each(|(_, object)| overlay.put(object));
        for mut grant in settings.0 {
            if names.resolve_grant(&mut grant) {
                overlay.grants_mut().insert(grant_from(grant));
            }
        }
        for parameter in settings.1 {
            if let Some(value) = parameter.value {
                let key = (ObjectId(parameter.on), parameter.name);
                overlay.parameters_mut().insert(key, value);
            }
        }
        let mut catalog = Catalog::new(checkpoint.version, Arc::new(overlay), Arc::default());
        catalog.set_commit(checkpoint.version, checkpoint.commit.map(Arc::from));
        Ok(catalog)
    }

    /// Writes a checkpoint of the catalog, after the `last` one. `headers` are the commits since the
    /// `previous` one.
    pub(crate) fn write_checkpoint(
        &self,
        catalog: &Catalog,
        headers: &[CommitHeader],
        previous: Option<u64>,
        last: &mut LastCheckpoint,
    ) -> Result<()> {
        let nanos = headers.last().map_or(0, |header| header.time_nanos);
        let next = last.next(catalog, nanos);
        let base = next.base.filter(|base| base.version < catalog.version());
        // It may have been deleted by a process that thinks that nothing rests on it.
        let base = match base {
            Some(base) if self.access.head(&path::checkpoint(base.version))?.is_some() => {
                Some(base.version)
            }
            _ => None,
        };
        let next = if base.is_none() { LastCheckpoint::full(catalog, nanos) } else { next };
        let checkpoint = self.checkpoint_to(catalog, &next, base, (headers, previous))?;
        let name = path::checkpoint(catalog.version());
        self.access.put_if_absent(&name, to_bytes(&checkpoint)?)?;
        *last = next;
        Ok(())
    }

    fn checkpoint_to(
        &self,
        catalog: &Catalog,
        next: &LastCheckpoint,
        base: Option<u64>,
        (headers, previous): (&[CommitHeader], Option<u64>),
    ) -> Result<v1::Checkpoint> {
        let nanos = headers.last().map_or(0, |header| header.time_nanos);
        let lists = Lists::of_checkpoint(&self.access, nanos);
        let overlay = catalog.account_overlay();
        let is_full = base.is_none();
        let has = |id: &&ObjectId| overlay.get(**id).is_some();
        let objects: Vec<&Object> = match is_full {
            true => overlay.all().collect(),
            false => next.changed.iter().filter_map(|id| overlay.get(*id)).collect(),
        };
        let rows = objects.iter().filter_map(|object| Some((object.id(), object.rows()?.as_ref())));
        lists.prepare(&rows.collect::<Vec<_>>())?;
        let loads =
            objects.iter().filter_map(|object| Some((object.id(), object.loads()?.as_ref())));
        lists.prepare_loads(&loads.collect::<Vec<_>>())?;
        let objects = objects.into_iter().map(|object| object_to(object, &lists, true));
        let objects = objects.collect::<Result<_>>()?;
        let inherits_settings = !is_full && !next.settings_changed;
        let parameters = overlay.parameters().iter().map(|((on, name), value)| v1::Parameter {
            on: on.0,
            name: name.clone(),
            value: Some(value.clone()),
        });
        let headers = headers.iter().map(|header| v1::CommitHeader {
            version: header.version,
            time_nanos: header.time_nanos,
            statements: header.statements.clone(),
        });
        Ok(v1::Checkpoint {
            format: FORMAT,
            version: catalog.version(),
            objects,
            removed: match is_full {
                true => Vec::new(),
                false => next.changed.iter().filter(|id| !has(id)).map(|id| id.0).collect(),
            },
            grants: match inherits_settings {
                true => Vec::new(),
                false => overlay.grants().all().map(|grant| grant_to(grant)).collect(),
            },
            parameters: if inherits_settings { Vec::new() } else { parameters.collect() },
            inherits_settings,
            base,
            headers: headers.collect(),
            previous,
            commit: catalog.commit_hash().map(|hash| hash.to_string()),
        })
    }
}

impl LastCheckpoint {
    /// What the checkpoint of a catalog will have been, when it is written at this time.
    fn next(&self, catalog: &Catalog, nanos: i64) -> LastCheckpoint {
        let overlay = catalog.account_overlay();
        let (changed, gone) = overlay.since(&self.overlay);
        let mut all = self.changed.clone();
        all.extend(changed.into_iter().map(|object| object.id()).chain(gone));
        let young = |base: &Base| nanos.saturating_sub(base.nanos) < BASE_NANOS_MAX;
        let small = all.len().pow(2) < 2 * CHECKPOINT_COMMITS as usize * overlay.len();
        match self.base.filter(|base| small && young(base)) {
            None => LastCheckpoint::full(catalog, nanos),
            base => LastCheckpoint {
                overlay: Arc::clone(overlay),
                base,
                changed: all,
                settings_changed: self.settings_changed || !overlay.shares_settings(&self.overlay),
            },
        }
    }

    fn full(catalog: &Catalog, nanos: i64) -> LastCheckpoint {
        LastCheckpoint {
            overlay: Arc::clone(catalog.account_overlay()),
            base: Some(Base { version: catalog.version(), nanos }),
            changed: BTreeSet::new(),
            settings_changed: false,
        }
    }
}
