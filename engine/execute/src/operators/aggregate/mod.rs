//! One row per group.
//!
//! Every worker groups what it gets in a table of its own. At the end the tables are merged: few groups
//! in one thread, many on all threads, part by part, where a part is chosen by the key's hash. A worker's
//! table takes no more when most rows make groups of their own or memory is used up: further rows are
//! partitioned to the same parts, in memory or on disk, and are grouped when their part's turn comes.
//!
//! The parts are the morsels of the output, so that only one worker's share of a large answer is in
//! memory twice.

mod ordered;
mod partitioned;
mod parts;
mod table;

use std::ops::Range;
use std::sync::{Arc, Mutex, OnceLock};

use firn_column::{Batch, Column};
use firn_functions::AggregateBinding;
use firn_types::{Error, Result, SqlType};
use ordered::{OrderedGroups, OrderedRun};
use partitioned::{Partitioned, PartitionedRows};
use parts::{Part, Reserved};
use table::Table;

use crate::context::{QueryContext, lock};
use crate::evaluate::Expressions;
use crate::memory::Reservation;
use crate::operator::{Emit, Flow, Sink, SinkWorker, Source};
use crate::operators::expand::emit_in_batches;

/// What is grouped by what.
pub(crate) struct AggregateSpec {
    /// The groups' keys, then all arguments of all calls.
    pub(crate) inputs: Expressions,
    /// How many of the inputs are keys.
    pub(crate) keys: usize,
    pub(crate) calls: Vec<AggregateInputs>,
    /// For each grouping set, the keys that it groups by.
    pub(crate) sets: Option<Vec<Vec<usize>>>,
    /// Whether the number of the set's missing keys follows the answers.
    pub(crate) grouping_id: bool,
}

/// One call of an aggregate function.
pub(crate) struct AggregateInputs {
    pub(crate) binding: AggregateBinding,
    /// The positions of its arguments among the inputs.
    pub(crate) arguments: std::ops::Range<usize>,
}

impl AggregateSpec {
    /// The types of a table's keys: the groups', then the grouping set's number.
    fn key_types(&self) -> Vec<SqlType> {
        let mut types = self.inputs.types()[..self.keys].to_vec();
        if self.sets.is_some() {
            types.push(SqlType::INTEGER);
        }
        types
    }

    /// Whether there is one group, rows or not.
    fn is_ungrouped(&self) -> bool {
        self.keys == 0 && self.sets.is_none()
    }
}

/// Groups rows; reads the answers.
pub(crate) struct Aggregate {
    spec: AggregateSpec,
    ordered: OrderedGroups,
    collected: Mutex<Collected>,
    parts: OnceLock<Vec<Mutex<Option<Part>>>>,
}

/// What the workers leave.
#[derive(Default)]
struct Collected {
    tables: Vec<Reserved<Table>>,
    ordered: Vec<Reserved<OrderedRun>>,
    partitioned: Vec<Partitioned>,
}

/// More groups than this in all tables together are merged on all threads.
const PARALLEL_GROUPS: usize = 1 << 14;
/// A worker's table with more groups than this is judged; it takes no more ..
const JUDGED_GROUPS: usize = 1 << 14;
/// .. when they have had fewer rows than this on average ..
const ROWS_PER_GROUP: usize = 4;
/// .. and there will be so many that the table does not fit into the nearest caches.
const TABLE_GROUPS_MAX: f64 = (1 << 17) as f64;

impl Aggregate {
    pub(crate) fn new(spec: AggregateSpec) -> Aggregate {
        let ordered = OrderedGroups::new(&spec);
        Aggregate { spec, ordered, collected: Mutex::default(), parts: OnceLock::new() }
    }
}

impl Sink for Aggregate {
    fn worker<'a>(&'a self, context: &'a QueryContext) -> Result<Box<dyn SinkWorker + 'a>> {
        Ok(Box::new(AggregateWorker {
            shared: self,
            context,
            table: Table::new(&self.spec),
            ordered: Vec::new(),
            cluster_bytes: 0,
            memory: context.memory.reservation(),
            partitioned: None,
            batches: 0,
            rows: 0,
        }))
    }

    fn finalize(&self, context: &QueryContext) -> Result<()> {
        let Collected { tables, mut ordered, partitioned } =
            std::mem::take(&mut *lock(&self.collected));
        let apart = match self.ordered.are_apart() {
            true => std::mem::take(&mut ordered),
            false => Vec::new(),
        };
        let of_tables: usize = tables.iter().map(|(table, _)| table.groups()).sum();
        let of_runs: usize = ordered.iter().map(|(run, _)| run.states.groups).sum();
        let is_few = of_tables + of_runs <= PARALLEL_GROUPS || self.spec.keys == 0;
        let is_alone = tables.len() == 1 && ordered.is_empty();
        let mut parts = match partitioned.is_empty() && (is_few || is_alone) {
            true => vec![Part::of_all(tables, ordered)],
            false => parts::split(tables, ordered, partitioned, &self.spec.key_types(), context)?,
        };
        parts.extend(apart.into_iter().map(|run| Part::of_all(Vec::new(), vec![run])));
        let parts = parts.into_iter().map(|part| Mutex::new(Some(part))).collect();
        self.parts.set(parts).map_err(|_| Error::internal("grouped twice"))
    }
}

impl Source for Aggregate {
    fn open(&self, _: &QueryContext) -> Result<usize> {
        Ok(self.parts.get().map_or(0, Vec::len))
    }

    fn read(&self, morsel: usize, context: &QueryContext, emit: &mut Emit<'_>) -> Result<Flow> {
        let parts = self.parts.get().map_or(&[][..], Vec::as_slice);
        let Some(part) = parts.get(morsel).and_then(|part| lock(part).take()) else {
            return Ok(Flow::Continue);
        };
        emit_in_batches(&part.answer(parts.len() == 1, &self.spec, context)?, emit)
    }
}

struct AggregateWorker<'a> {
    shared: &'a Aggregate,
    context: &'a QueryContext,
    table: Table,
    ordered: Vec<OrderedRun>,
    cluster_bytes: usize,
    memory: Reservation,
    /// Rows that the table did not take any more.
    partitioned: Option<PartitionedRows>,
    batches: usize,
    rows: usize,
}

/// After so many batches a worker looks at its memory only now and then: adding up what many groups
/// hold takes time.
const BATCHES_WATCHED: usize = 64;

impl AggregateWorker<'_> {
    /// Whether the table may go on growing.
    fn has_memory(&mut self) -> bool {
        let bytes = self.table.memory_bytes() + self.cluster_bytes;
        if bytes <= self.memory.bytes() {
            return true;
        }
        // In larger steps than a batch makes the table grow.
        let wanted = bytes + bytes / 4;
        let least = self.context.memory.working_set_bytes();
        if self.memory.try_resize(wanted) || self.memory.try_resize(bytes) {
            return true;
        }
        if bytes < least {
            self.memory.force(bytes - self.memory.bytes());
            return true;
        }
        false
    }

    /// Reserves what an aggregate of all rows holds: much where it keeps what it has seen, such as ARRAY_AGG, and that
    /// cannot go to disk.
    fn watch_ungrouped(&mut self) -> Result<()> {
        if self.has_memory() {
            return Ok(());
        }
        let missing = self.table.memory_bytes() - self.memory.bytes();
        match self.memory.bytes() + missing <= self.context.memory.unspilled_bytes() {
            true => self.memory.force(missing),
            false => self.memory.grow(missing, "An aggregate of all rows")?,
        }
        Ok(())
    }

    fn add(&mut self, inputs: &[Column], rows: usize) -> Result<()> {
        let spec = &self.shared.spec;
        if self.partitioned.is_none()
            && let Some(inside) = self.shared.ordered.cut(&inputs[0])
        {
            let part = |rows: &Range<usize>| -> Vec<Column> {
                inputs.iter().map(|input| input.slice(rows.start, rows.len())).collect()
            };
            let run = OrderedRun::of(spec, &part(&inside))?;
            self.cluster_bytes += run.memory_bytes();
            self.ordered.push(run);
            for edge in [0..inside.start, inside.end..rows] {
                let inputs = part(&edge);
                self.add_keyed(&inputs[..1], &inputs, edge.len())?;
            }
            return Ok(());
        }
        if spec.sets.is_none() {
            return self.add_keyed(&inputs[..spec.keys], inputs, rows);
        }
        for set in 0..spec.sets.as_ref().map_or(0, Vec::len) {
            let keys = table::keys_of_set(spec, set, inputs, rows)?;
            self.add_keyed(&keys, inputs, rows)?;
        }
        Ok(())
    }

    fn add_keyed(&mut self, keys: &[Column], inputs: &[Column], rows: usize) -> Result<()> {
        let spec = &self.shared.spec;
        self.rows += rows;
        match &mut self.partitioned {
            None => self.table.add(spec, keys, inputs, rows),
            Some(partitioned) => {
                let mut columns = keys.to_vec();
                columns.extend_from_slice(&inputs[spec.keys..]);
                partitioned.add(spec, Batch::new(columns, rows), self.context)
            }
        }
    }

    /// Whether there will be so many groups that it pays to partition rows.
    fn is_scattered(&self) -> bool {
        let groups = self.table.groups();
        groups > JUDGED_GROUPS
            && self.rows < groups * ROWS_PER_GROUP
            && expected_groups(self.rows, groups) > TABLE_GROUPS_MAX
    }
}

/// How many groups there are in all, going by how many different ones the first rows have, if rows take groups at
/// random: of `g` groups, `n` rows have `g * (1 - exp(-n / g))` on average.
fn expected_groups(rows: usize, seen: usize) -> f64 {
    let (rows, seen) = (rows as f64, seen as f64);
    // The average grows with g: halve the interval until it is narrow enough.
    let (mut low, mut high) = (seen, seen * 1024.0);
    for _ in 0..16 {
        let middle = (low * high).sqrt();
        match middle * (1.0 - (-rows / middle).exp()) < seen {
            true => low = middle,
            false => high = middle,
        }
    }
    low
}

impl SinkWorker for AggregateWorker<'_> {
    fn consume(&mut self, _: usize, batch: Batch) -> Result<Flow> {
        let inputs = self.shared.spec.inputs.evaluate(&batch, self.context)?;
        if self.shared.spec.is_ungrouped() {
            self.table.add_ungrouped(&self.shared.spec, &inputs, batch.rows())?;
            self.watch_ungrouped()?;
            return Ok(Flow::Continue);
        }
        self.add(&inputs, batch.rows())?;
        self.batches += 1;
        let is_watched = self.batches < BATCHES_WATCHED || self.batches.is_multiple_of(8);
        if self.partitioned.is_none() && is_watched {
            let on_disk = !self.has_memory();
            if on_disk || self.is_scattered() {
                self.shared.ordered.end();
                self.partitioned =
                    Some(PartitionedRows::new(self.context.memory.reservation(), on_disk));
            }
        }
        Ok(Flow::Continue)
    }

    fn combine(self: Box<Self>) -> Result<()> {
        let AggregateWorker { shared, context, table, ordered, memory, partitioned, .. } = *self;
        let memory = Arc::new(memory);
        let partitioned =
            partitioned.map(|partitioned| partitioned.finish(&shared.spec, context)).transpose()?;
        let mut collected = lock(&shared.collected);
        let ordered = ordered.into_iter().map(|run| (run, Arc::clone(&memory)));
        collected.ordered.extend(ordered);
        collected.tables.push((table, memory));
        collected.partitioned.extend(partitioned);
        Ok(())
    }
}
