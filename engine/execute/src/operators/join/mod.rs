//! Rows of two inputs that belong together.
//!
//! The right input is the build side: it is collected, and its rows are found by their keys in a hash
//! table; without keys every pair of rows is looked at. The left input streams by and probes. Rows of the
//! right input that found no partner, where they are wanted, are given by a branch that runs after all
//! probing branches.
//!
//! When the build side does not fit into memory, both sides are partitioned on disk by the hash of
//! their keys, and the later branch joins part by part.

mod after;
mod build;
mod pairs;
mod probe;
mod runtime_filter;
mod side;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, OnceLock};

use firn_column::{Batch, Column};
use firn_plan::JoinKind;
use firn_types::{Error, Result, SqlType};

use crate::context::{QueryContext, lock};
use crate::evaluate::{Conditions, Expressions};
use crate::memory::Reservation;
use crate::operators::hash_partition::SpilledRows;
use crate::operators::morsel_batches::MorselBatches;
use crate::spill::SpillFile;
use side::BuildSide;

pub(crate) use after::AfterProbe;
pub(crate) use probe::Probe;
pub(crate) use runtime_filter::RuntimeFilter;

/// What is joined with what, and what comes out. A build row is carried as its payload.
pub(crate) struct JoinSpec {
    pub(crate) kind: JoinKind,
    pub(crate) probe_keys: Expressions,
    pub(crate) build_keys: Expressions,
    /// Whether NULL equals NULL in all keys.
    pub(crate) null_safe: bool,
    /// The build input's columns that are carried.
    pub(crate) payload: Vec<usize>,
    /// What must hold besides, over the columns of `condition_probe` and then of `condition_build`.
    pub(crate) conditions: Conditions,
    /// Whether a pair would meet everything if NULLs were equal to all: for the NULL of a mark.
    pub(crate) maybe: Option<Conditions>,
    /// Whether conditions may be NULL, which counts for such a mark.
    pub(crate) open_conditions: bool,
    /// Positions in the probe side's batches.
    pub(crate) condition_probe: Vec<usize>,
    /// Positions in the payload.
    pub(crate) condition_build: Vec<usize>,
    /// The probe side's columns that come out.
    pub(crate) probe_output: Vec<usize>,
    pub(crate) probe_types: Vec<SqlType>,
    /// The payload's columns that come out.
    pub(crate) build_output: Vec<usize>,
    pub(crate) build_types: Vec<SqlType>,
}

impl JoinSpec {
    fn has_keys(&self) -> bool {
        self.build_keys.len() > 0
    }

    /// Whether the join may be done part by part.
    fn can_spill(&self) -> bool {
        self.has_keys() && self.maybe.is_none()
    }

    /// The carried columns that hold the keys.
    fn keys_of<'b>(&self, carried: &'b Batch) -> &'b [Column] {
        &carried.columns()[self.payload.len()..]
    }
}

/// A join: the build side's sink, and what all workers share while they probe.
pub(crate) struct Join {
    spec: JoinSpec,
    collected: Mutex<Collected>,
    /// Set when memory is used up: all workers then write what they have to disk.
    spilling: AtomicBool,
    built: OnceLock<Built>,
}

#[derive(Default)]
struct Collected {
    morsels: MorselBatches,
    reservations: Vec<Reservation>,
    spilled: Vec<SpilledRows>,
}

enum Built {
    InMemory { side: BuildSide, _memory: Vec<Reservation> },
    OnDisk(DiskJoin),
}

/// Both sides on disk, in parts.
struct DiskJoin {
    build: Vec<Vec<SpillFile>>,
    /// What the workers of the probe side leave.
    probe: Mutex<Vec<SpilledRows>>,
    /// The same in parts, when all probing is at its end.
    probe_parts: OnceLock<Vec<Vec<SpillFile>>>,
    facts: side::Facts,
}

impl Join {
    pub(crate) fn new(spec: JoinSpec) -> Join {
        Join {
            spec,
            collected: Mutex::default(),
            spilling: AtomicBool::new(false),
            built: OnceLock::new(),
        }
    }

    fn is_spilling(&self) -> bool {
        self.spilling.load(Ordering::Relaxed)
    }

    /// The build side, when it is in memory.
    fn side(&self) -> Option<&BuildSide> {
        match self.built.get() {
            Some(Built::InMemory { side, .. }) => Some(side),
            _ => None,
        }
    }
}

impl DiskJoin {
    /// Partitions what the workers of the probe side left, once, when all probing is at its end.
    fn end_probing(&self, context: &QueryContext) -> Result<()> {
        let mut spilled = std::mem::take(&mut *lock(&self.probe));
        spilled.iter_mut().try_for_each(|rows| rows.flush(context))?;
        let parts = crate::operators::hash_partition::files_by_part(spilled)?;
        self.probe_parts.set(parts).map_err(|_| Error::internal("a join probed twice"))
    }

    /// The probe side's files of a part.
    fn probe_part(&self, part: usize) -> &[SpillFile] {
        self.probe_parts.get().and_then(|parts| parts.get(part)).map_or(&[], Vec::as_slice)
    }
}
