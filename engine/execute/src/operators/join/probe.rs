//! Streaming the probe side by a build side.

use std::sync::Arc;

use arrow::array::{BooleanArray, UInt32Array};
use arrow::buffer::NullBuffer;
use firn_column::row_key::JoinTable;
use firn_column::row_key::join::{MatchCursor, NONE, ProbeScratch};
use firn_column::{Array, Batch, Column};
use firn_plan::JoinKind;
use firn_types::{Error, ErrorCode, Result};

use super::pairs::{Block, BuildRows, Pairs};
use super::side::BuildSide;
use super::{Built, Join, JoinSpec};
use crate::context::{QueryContext, lock};
use crate::operator::{Emit, Flow, Transform, TransformWorker};
use crate::operators::filter::BatchCoalescer;
use crate::operators::hash_partition::SpilledRows;

/// The probing transform of a join.
pub(crate) struct Probe {
    pub(crate) join: Arc<Join>,
}

impl Transform for Probe {
    fn worker<'a>(&'a self, context: &'a QueryContext) -> Result<Box<dyn TransformWorker + 'a>> {
        let join = &*self.join;
        match join.built.get() {
            Some(Built::InMemory { side, .. }) => {
                let prober = Prober::new(&join.spec, context);
                Ok(Box::new(ProbeWorker { side, prober, held: BatchCoalescer::default() }))
            }
            Some(Built::OnDisk(disk)) => {
                let rows = Some(SpilledRows::new());
                Ok(Box::new(DealWorker { spec: &join.spec, probe: &disk.probe, context, rows }))
            }
            None => Err(Error::internal("a join probed before it was built")),
        }
    }
}

struct ProbeWorker<'a> {
    side: &'a BuildSide,
    prober: Prober<'a>,
    held: BatchCoalescer,
}

impl TransformWorker for ProbeWorker<'_> {
    fn process(&mut self, batch: Batch, emit: &mut Emit<'_>) -> Result<Flow> {
        let held = &mut self.held;
        self.prober.probe(self.side, &batch, &mut |batch| held.give(batch, emit))
    }

    fn flush(&mut self, emit: &mut Emit<'_>) -> Result<Flow> {
        self.held.flush(emit)
    }
}

/// Partitions probing rows on disk, where the build side is.
struct DealWorker<'a> {
    spec: &'a JoinSpec,
    probe: &'a std::sync::Mutex<Vec<SpilledRows>>,
    context: &'a QueryContext,
    rows: Option<SpilledRows>,
}

impl TransformWorker for DealWorker<'_> {
    fn process(&mut self, batch: Batch, _: &mut Emit<'_>) -> Result<Flow> {
        let keys = self.spec.probe_keys.evaluate(&batch, self.context)?;
        if let Some(rows) = &mut self.rows {
            rows.add(&batch, &keys, self.spec.probe_keys.types(), self.context)?;
        }
        Ok(Flow::Continue)
    }
}

impl Drop for DealWorker<'_> {
    /// What a worker partitioned is its own until it ends.
    fn drop(&mut self) {
        lock(self.probe).extend(self.rows.take());
    }
}

/// Joins probing batches with a build side, in one thread.
pub(super) struct Prober<'a> {
    spec: &'a JoinSpec,
    context: &'a QueryContext,
    scratch: ProbeScratch,
    first_matches: Vec<u32>,
}

impl<'a> Prober<'a> {
    pub(super) fn new(spec: &'a JoinSpec, context: &'a QueryContext) -> Prober<'a> {
        Prober { spec, context, scratch: ProbeScratch::default(), first_matches: Vec::new() }
    }

    /// Gives what becomes of a probing batch.
    pub(super) fn probe(
        &mut self,
        side: &BuildSide,
        batch: &Batch,
        emit: &mut Emit<'_>,
    ) -> Result<Flow> {
        if side.rows() == 0 && !self.spec.kind.preserves_left() {
            return Ok(Flow::Continue);
        }
        let keys = self.spec.probe_keys.evaluate(batch, self.context)?;
        if let Some(table) = &side.table {
            let first_matches = &mut self.first_matches;
            table.look_up(&keys, batch.rows(), &mut self.scratch, first_matches)?;
            if self.spec.conditions.is_empty() && !self.spec.kind.gives_left() {
                side.mark_chains(first_matches);
                return Ok(Flow::Continue);
            }
            if self.spec.conditions.is_empty()
                && let Some(answer) = self.by_heads(side, batch, &keys)?
            {
                return emit(answer);
            }
        }
        self.by_pairs(side, batch, &keys, emit)
    }

    /// The answer where it is enough to know each row's first match.
    fn by_heads(&self, side: &BuildSide, batch: &Batch, keys: &[Column]) -> Result<Option<Batch>> {
        let unique = side.table.as_ref().is_some_and(|table| table.is_unique());
        let matches = || self.first_matches.iter().map(|&head| Some(head != NONE));
        let output = || batch.project(&self.spec.probe_output);
        Ok(Some(match self.spec.kind {
            JoinKind::Semi => output().filter(&BooleanArray::from_iter(matches())),
            JoinKind::Anti => {
                let unmatched = matches().map(|matches| matches.map(|matches| !matches));
                output().filter(&BooleanArray::from_iter(unmatched))
            }
            JoinKind::Mark { nulls, .. } => {
                let found: Vec<bool> =
                    self.first_matches.iter().map(|&head| head != NONE).collect();
                let marks = self.marks(side, batch, keys, &found, nulls)?;
                with_column(output(), marks)
            }
            JoinKind::Left | JoinKind::Single if unique => {
                let matched = NullBuffer::new(JoinTable::matched(&self.first_matches));
                let rows = UInt32Array::new(self.first_matches.clone().into(), Some(matched));
                self.beside(output(), side, &rows)
            }
            JoinKind::Inner if unique && !self.first_matches.contains(&NONE) => {
                self.beside(output(), side, &UInt32Array::from(self.first_matches.clone()))
            }
            _ => return Ok(None),
        }))
    }

    /// Probing rows with the build rows beside them, one each; NULL for none.
    fn beside(&self, probe: Batch, side: &BuildSide, rows: &UInt32Array) -> Batch {
        let count = probe.rows();
        let mut columns = probe.into_columns();
        let payload = &side.payload;
        for (&position, sql_type) in self.spec.build_output.iter().zip(&self.spec.build_types) {
            // Without any row there is nothing to take from.
            columns.push(match payload.rows() {
                0 => Column::nulls_of(*sql_type, count),
                _ => payload.column(position).take(rows),
            });
        }
        Batch::new(columns, count)
    }

    fn by_pairs(
        &mut self,
        side: &BuildSide,
        batch: &Batch,
        keys: &[Column],
        emit: &mut Emit<'_>,
    ) -> Result<Flow> {
        let every: Vec<u32>;
        let mut pairs = match &side.table {
            Some(_) => {
                let cursor = MatchCursor::default();
                Pairs::Keyed { side, first_matches: &self.first_matches, cursor, done: false }
            }
            None => {
                every = (0..batch.rows() as u32).collect();
                Pairs::All { probe: &every, build: BuildRows::All(side.rows()), next: 0 }
            }
        };
        let mut found = vec![false; batch.rows()];
        while let Some(block) = pairs.next() {
            self.context.check()?;
            let both = (batch, side);
            let block = block.meeting(&self.spec.conditions, self.spec, both, self.context)?;
            if block.len() > 0 && self.take(block, side, batch, &mut found, emit)?.is_stop() {
                return Ok(Flow::Stop);
            }
        }
        self.end(side, batch, keys, &found, emit)
    }

    /// Takes pairs that belong together.
    fn take(
        &self,
        block: Block,
        side: &BuildSide,
        batch: &Batch,
        found: &mut [bool],
        emit: &mut Emit<'_>,
    ) -> Result<Flow> {
        let kind = self.spec.kind;
        if kind.preserves_left() || kind == JoinKind::Semi {
            for &row in block.probe.list().iter() {
                let seen = std::mem::replace(&mut found[row as usize], true);
                if seen && kind == JoinKind::Single {
                    return Err(Error::new(
                        ErrorCode::SubqueryManyRows,
                        "Single-row subquery returns more than one row.",
                    ));
                }
            }
        }
        if kind.filters_build_side() {
            side.mark(&block.build.list());
        }
        if !(kind.gives_left() && kind.gives_right()) {
            return Ok(Flow::Continue);
        }
        let mut columns = block.probe.of(batch, &self.spec.probe_output);
        columns.extend(block.build.of(&side.payload, &self.spec.build_output));
        emit(Batch::new(columns, block.len()))
    }

    /// What comes out once all pairs of a batch are known.
    fn end(
        &self,
        side: &BuildSide,
        batch: &Batch,
        keys: &[Column],
        found: &[bool],
        emit: &mut Emit<'_>,
    ) -> Result<Flow> {
        let output = || batch.project(&self.spec.probe_output);
        let keep = |wanted: bool| found.iter().map(move |&found| Some(found == wanted));
        match self.spec.kind {
            JoinKind::Inner | JoinKind::Right | JoinKind::RightSemi | JoinKind::RightAnti => {
                Ok(Flow::Continue)
            }
            JoinKind::Semi => emit(output().filter(&BooleanArray::from_iter(keep(true)))),
            JoinKind::Anti => emit(output().filter(&BooleanArray::from_iter(keep(false)))),
            JoinKind::Left | JoinKind::Full | JoinKind::Single => {
                let unmatched = output().filter(&BooleanArray::from_iter(keep(false)));
                emit(with_nulls(unmatched, &self.spec.build_types))
            }
            JoinKind::Mark { nulls, .. } => {
                let marks = self.marks(side, batch, keys, found, nulls)?;
                emit(with_column(output(), marks))
            }
        }
    }

    /// TRUE for rows with a match; else NULL where SQL's IN would be, and FALSE.
    fn marks(
        &self,
        side: &BuildSide,
        batch: &Batch,
        keys: &[Column],
        found: &[bool],
        nulls: bool,
    ) -> Result<Column> {
        let values = found.iter().copied().collect();
        let unknown = match nulls {
            false => None,
            true => self.unknown(side, batch, keys, found)?,
        };
        let valid =
            unknown.map(|unknown| NullBuffer::from_iter(unknown.iter().map(|unknown| !unknown)));
        Ok(Column::Flat(Array::Bool(BooleanArray::new(values, valid))))
    }

    /// Which of the rows without a match may have one among NULLs; none when no row may.
    fn unknown(
        &self,
        side: &BuildSide,
        batch: &Batch,
        keys: &[Column],
        found: &[bool],
    ) -> Result<Option<Vec<bool>>> {
        let null_here = |row: usize| keys.iter().any(|key| key.is_null(row));
        let any_null_here = keys.iter().any(|key| key.null_count() > 0);
        let facts = side.facts;
        let null_keys = !self.spec.null_safe && (any_null_here || facts.null_keys);
        if facts.rows == 0 || !(null_keys || self.spec.open_conditions) {
            return Ok(None);
        }
        let Some(maybe) = &self.spec.maybe else {
            // One key and no conditions: any NULL on either side may be equal.
            let open = |row: usize| !found[row] && (facts.null_keys || null_here(row));
            return Ok(Some((0..found.len()).map(open).collect()));
        };
        let mut unknown = vec![false; found.len()];
        let unmatched = || (0..found.len() as u32).filter(|&row| !found[row as usize]);
        let with_null: Vec<u32> = unmatched().filter(|&row| null_here(row as usize)).collect();
        let without: Vec<u32> = unmatched().filter(|&row| !null_here(row as usize)).collect();
        let all = BuildRows::All(side.rows());
        // Without NULLs of its own a row is only undecided among build rows with NULLs.
        let undecided = match self.spec.open_conditions {
            true => all,
            false => BuildRows::List(&side.null_rows),
        };
        for (probe, build) in [(&with_null, all), (&without, undecided)] {
            let mut pairs = Pairs::All { probe, build, next: 0 };
            while let Some(block) = pairs.next() {
                self.context.check()?;
                let both = (batch, side);
                let block = block.meeting(maybe, self.spec, both, self.context)?;
                block.probe.list().iter().for_each(|&row| unknown[row as usize] = true);
            }
        }
        Ok(Some(unknown))
    }
}

/// The batch with one more column.
fn with_column(batch: Batch, column: Column) -> Batch {
    let rows = batch.rows();
    let mut columns = batch.into_columns();
    columns.push(column);
    Batch::new(columns, rows)
}

/// The batch with NULLs behind it.
fn with_nulls(batch: Batch, types: &[firn_types::SqlType]) -> Batch {
    let rows = batch.rows();
    let mut columns = batch.into_columns();
    columns.extend(types.iter().map(|sql_type| Column::nulls_of(*sql_type, rows)));
    Batch::new(columns, rows)
}
