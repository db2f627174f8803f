//! Windows over a partition that does not fit into memory.
//!
//! Its rows, all of them without PARTITION BY, are sorted on disk and come by in segments, which end
//! where peers do. A segment is answered as if it were the partition; what the rows around it add is carried
//! over, in a way that depends on the call.

use firn_column::column::integers;
use firn_column::{Batch, Column};
use firn_expression::Expr;
use firn_functions::Accumulator;
use firn_functions::meaning::Numbering;
use firn_functions::{AggregateMeaning, WindowInput, WindowMeaning};
use firn_plan::{FrameBound, FrameUnit, WindowCall, WindowTarget};
use firn_types::{Decimal, Error, Result, Value};

use super::answer::answers;
use super::mean::RunningMean;
use super::ranges::{ranges, starts};
use super::{CallTarget, WindowCallSpec, WindowSpec};
use crate::context::QueryContext;
use crate::operator::{Emit, Flow};
use crate::operators::expand::emit_in_batches;
use crate::spill::SpillFile;

/// Rows of a segment, at least.
const SEGMENT_ROWS: usize = 1 << 14;
/// Rows around a segment that are held in memory at most.
const AROUND_ROWS_MAX: usize = 1 << 16;

/// How a call is answered for rows that come by in segments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Running {
    /// The answer within the segment, and the number of rows before it.
    PlusRows,
    /// The answer within the segment, and the last one before it.
    PlusLast,
    /// The answer within the segment, of which the last answer before it is the first argument.
    FromLast,
    /// The place among all rows, of which it is known how many there are.
    Place,
    /// The quotient of the sum and the count of all values so far.
    Mean,
    /// So many rows before and after each decide.
    Around { before: usize, after: usize },
    /// One answer for all rows.
    Whole,
}

impl Running {
    /// How a call can be answered so; none where all rows have to be there.
    pub(crate) fn of(call: &WindowCall) -> Option<Running> {
        match &call.target {
            WindowTarget::Window(function, _) => match (function.meaning, call.ignore_nulls) {
                (WindowMeaning::Numbering(Numbering::Dense), _) => Some(Running::PlusLast),
                (WindowMeaning::Numbering(_), _) => Some(Running::PlusRows),
                (WindowMeaning::Place, _) => Some(Running::Place),
                (WindowMeaning::First, false) => first(call),
                (WindowMeaning::Lag, false) => around(offset(call)?, 0),
                (WindowMeaning::Lead, false) => around(0, offset(call)?),
                _ => None,
            },
            WindowTarget::Aggregate { function, distinct, within, .. } => {
                let frame = &call.frame;
                let is_plain = !distinct && within.is_empty();
                match (&frame.start, &frame.end, frame.unit) {
                    _ if !is_plain => None,
                    (FrameBound::UnboundedPreceding, FrameBound::UnboundedFollowing, _) => {
                        whole(function.meaning)
                    }
                    // All rows are peers.
                    (FrameBound::UnboundedPreceding, FrameBound::CurrentRow, FrameUnit::Range)
                        if call.order_by.is_empty() =>
                    {
                        whole(function.meaning)
                    }
                    (FrameBound::UnboundedPreceding, FrameBound::CurrentRow, _) => {
                        from_start(function.meaning)
                    }
                    (start, end, FrameUnit::Rows) => {
                        let (before, _) = distances(start)?;
                        let (_, after) = distances(end)?;
                        around(before, after)
                    }
                    _ => None,
                }
            }
        }
    }
}

/// The value of the first of all rows, as far as every frame has it.
fn first(call: &WindowCall) -> Option<Running> {
    let ends = matches!(call.frame.end, FrameBound::CurrentRow | FrameBound::UnboundedFollowing);
    let begins = matches!(call.frame.start, FrameBound::UnboundedPreceding);
    (begins && ends).then_some(Running::FromLast)
}

fn around(before: usize, after: usize) -> Option<Running> {
    let is_near = before.max(after) <= AROUND_ROWS_MAX;
    is_near.then_some(Running::Around { before, after })
}

fn from_start(meaning: AggregateMeaning) -> Option<Running> {
    match meaning {
        AggregateMeaning::Count | AggregateMeaning::CountIf => Some(Running::PlusLast),
        AggregateMeaning::Sum | AggregateMeaning::Least | AggregateMeaning::Greatest => {
            Some(Running::FromLast)
        }
        AggregateMeaning::Mean => Some(Running::Mean),
        _ => None,
    }
}

/// Aggregates whose answer does not depend on the order of the rows.
fn whole(meaning: AggregateMeaning) -> Option<Running> {
    let any_order = !matches!(
        meaning,
        AggregateMeaning::Opaque | AggregateMeaning::SelfMerging | AggregateMeaning::Any
    );
    any_order.then_some(Running::Whole)
}

/// How far LAG and LEAD look.
fn offset(call: &WindowCall) -> Option<usize> {
    match call.arguments.get(1).map(Expr::as_literal) {
        None => Some(1),
        Some(value) => rows(value?),
    }
}

/// How many rows before and after a row one end of its frame lies at most.
fn distances(bound: &FrameBound) -> Option<(usize, usize)> {
    match bound {
        FrameBound::CurrentRow => Some((0, 0)),
        FrameBound::Preceding(by) => Some((rows(by)?, 0)),
        FrameBound::Following(by) => Some((0, rows(by)?)),
        FrameBound::UnboundedPreceding | FrameBound::UnboundedFollowing => None,
    }
}

fn rows(value: &Value) -> Option<usize> {
    match value {
        Value::Number(Decimal { unscaled, scale: 0 }) => usize::try_from(*unscaled).ok(),
        _ => None,
    }
}

/// Answers rows that are added in order.
pub(super) struct Segments<'a> {
    spec: &'a WindowSpec,
    calls: Vec<(&'a WindowCallSpec, Carried)>,
    context: &'a QueryContext,
    /// Rows that are not answered yet, behind those that are still looked at.
    waiting: Vec<Batch>,
    /// How many of the waiting rows are answered.
    answered: usize,
    /// The rows that were answered before.
    rows_before: usize,
    /// All rows.
    rows_in_all: usize,
    /// How many rows calls look back and ahead.
    before: usize,
    after: usize,
}

/// A call's way, with what it carries from segment to segment.
struct Carried {
    running: Running,
    /// The last answer, or the only one; of length 1.
    last: Option<Column>,
    /// What a mean is made of.
    mean: RunningMean,
}

impl<'a> Segments<'a> {
    /// No rows yet. `runs` are all rows of the partition, in any order.
    pub(super) fn new(
        spec: &'a WindowSpec,
        runs: &[SpillFile],
        context: &'a QueryContext,
    ) -> Result<Segments<'a>> {
        let (mut before, mut after) = (0, 0);
        let mut calls = Vec::with_capacity(spec.calls.len());
        for call in &spec.calls {
            let running = call.running.ok_or_else(|| Error::internal("a window in segments"))?;
            if let Running::Around { before: back, after: ahead } = running {
                (before, after) = (before.max(back), after.max(ahead));
            }
            let last = match running {
                Running::Whole => Some(answer_of_all(spec, call, runs)?),
                _ => None,
            };
            calls.push((call, Carried { running, last, mean: RunningMean::default() }));
        }
        let rows_in_all = runs.iter().map(SpillFile::rows).sum();
        let (waiting, answered, rows_before) = (Vec::new(), 0, 0);
        Ok(Segments {
            spec,
            calls,
            context,
            waiting,
            answered,
            rows_before,
            rows_in_all,
            before,
            after,
        })
    }

    /// Adds rows; hands on those that can be answered.
    pub(super) fn add(&mut self, batch: Batch, emit: &mut Emit<'_>) -> Result<Flow> {
        self.waiting.push(batch);
        let rows: usize = self.waiting.iter().map(Batch::rows).sum();
        match rows >= self.answered + SEGMENT_ROWS + self.after {
            true => self.answer(false, emit),
            false => Ok(Flow::Continue),
        }
    }

    /// Answers the rows that are left.
    pub(super) fn finish(&mut self, emit: &mut Emit<'_>) -> Result<Flow> {
        match self.waiting.is_empty() {
            true => Ok(Flow::Continue),
            false => self.answer(true, emit),
        }
    }

    fn answer(&mut self, at_end: bool, emit: &mut Emit<'_>) -> Result<Flow> {
        self.context.check()?;
        let all = Batch::concat(&std::mem::take(&mut self.waiting))?;
        let start = self.answered;
        let end = match at_end {
            true => all.rows(),
            false => self.end_of_peers(&all, all.rows() - self.after)?,
        };
        if end == start {
            self.waiting.push(all);
            return Ok(Flow::Continue);
        }
        let payload: Vec<usize> = (0..self.spec.payload.len()).collect();
        let mut columns = all.project(&payload).slice(start, end - start).into_columns();
        for (call, carried) in &mut self.calls {
            let (rows_before, rows_in_all) = (self.rows_before, self.rows_in_all);
            let segment = Segment { all: &all, start, end, rows_before, rows_in_all };
            columns.push(segment.answer(self.spec, call, carried, self.context)?);
        }
        let kept = end.saturating_sub(self.before);
        self.waiting.push(all.slice(kept, all.rows() - kept));
        self.answered = end - kept;
        self.rows_before += end - start;
        emit_in_batches(&Batch::new(columns, end - start), emit)
    }

    /// The last place up to `limit` at which peers end.
    fn end_of_peers(&self, all: &Batch, limit: usize) -> Result<usize> {
        if self.spec.orders.is_empty() {
            return Ok(limit);
        }
        let first = self.answered;
        let rest = all.slice(first, all.rows() - first);
        let (keys, types) = self.spec.order_of(&rest);
        let starts = starts(keys, types, rest.rows())?;
        let ends = starts.values().set_indices().take_while(|end| first + end <= limit);
        Ok(first + ends.last().unwrap_or(0))
    }
}

/// The answer of an aggregate of all rows, of length 1.
fn answer_of_all(spec: &WindowSpec, call: &WindowCallSpec, runs: &[SpillFile]) -> Result<Column> {
    let CallTarget::Aggregate(binding, _) = &call.target else {
        return Err(Error::internal("a window function of all rows at once"));
    };
    let mut accumulator: Box<dyn Accumulator> = (binding.create)();
    accumulator.resize(1);
    for run in runs {
        for batch in run.read()? {
            let batch = batch?;
            let groups = vec![0; batch.rows()];
            accumulator.update(&groups, &spec.inputs_of(&batch)[call.arguments.clone()])?;
        }
    }
    accumulator.finish()
}

/// Rows to answer, among those around them.
struct Segment<'a> {
    all: &'a Batch,
    start: usize,
    end: usize,
    rows_before: usize,
    rows_in_all: usize,
}

impl Segment<'_> {
    fn rows(&self) -> usize {
        self.end - self.start
    }

    fn answer(
        &self,
        spec: &WindowSpec,
        call: &WindowCallSpec,
        carried: &mut Carried,
        context: &QueryContext,
    ) -> Result<Column> {
        let own = || self.all.slice(self.start, self.rows());
        let answer = |rows: &Batch| -> Result<Column> {
            let mut columns = answers(spec, [call], rows, context)?;
            columns.pop().ok_or_else(|| Error::internal("a call without an answer"))
        };
        let found = match carried.running {
            Running::PlusRows => plus(&answer(&own())?, self.rows_before as i128),
            Running::PlusLast => {
                let before = carried.last.as_ref().map_or(0, |last| last.flat().integer(0));
                plus(&answer(&own())?, before)
            }
            Running::FromLast => match &carried.last {
                None => answer(&own())?,
                Some(last) => {
                    let with_last = [self.carrying(spec, call, last), own()];
                    answer(&Batch::concat(&with_last)?)?.slice(1, self.rows())
                }
            },
            Running::Place => self.placed(spec, call)?,
            Running::Mean => {
                let peers = self.peers(spec)?;
                let own = own();
                let argument = &spec.inputs_of(&own)[call.arguments.start];
                let from = spec.inputs.types()[call.arguments.start];
                let by_row = call.frame.unit == FrameUnit::Rows;
                let end = |row: usize| if by_row { row + 1 } else { peers[row].1 as usize };
                carried.mean.answers(argument, (from, call.returns), end)?
            }
            Running::Around { before, after } => {
                let first = self.start.saturating_sub(before);
                let end = self.end.saturating_add(after).min(self.all.rows());
                let answers = answer(&self.all.slice(first, end - first))?;
                answers.slice(self.start - first, self.rows())
            }
            Running::Whole => {
                let only = carried.last.as_ref().map(Column::flat);
                let value = only.ok_or_else(|| Error::internal("a window without its answer"))?;
                return Ok(Column::Constant { value, rows: self.rows() });
            }
        };
        carried.last = Some(Column::Flat(found.slice(self.rows() - 1, 1).flat()));
        Ok(found)
    }

    /// First row and end of each row's peers, within the segment: it has them all.
    fn peers(&self, spec: &WindowSpec) -> Result<Vec<(u32, u32)>> {
        let own = self.all.slice(self.start, self.rows());
        let (keys, types) = spec.order_of(&own);
        Ok(ranges(starts(keys, types, own.rows())?.values()))
    }

    /// The answers of a function that asks for the places of rows among all.
    fn placed(&self, spec: &WindowSpec, call: &WindowCallSpec) -> Result<Column> {
        let CallTarget::Window(binding) = &call.target else {
            return Err(Error::internal("an aggregate that asks for places"));
        };
        let too_many = |_| Error::internal("a window over more than 4,294,967,295 rows");
        let all = (0, u32::try_from(self.rows_in_all).map_err(too_many)?);
        let before = u32::try_from(self.rows_before).map_err(too_many)?;
        let partitions = vec![all; self.rows()];
        let peers = self.peers(spec)?.into_iter();
        let peers: Vec<_> = peers.map(|(start, end)| (before + start, before + end)).collect();
        let input = WindowInput {
            rows: self.rows(),
            rows_before: self.rows_before,
            returns: call.returns,
            partitions: &partitions,
            peers: &peers,
            frames: &partitions,
            ignore_nulls: call.ignore_nulls,
        };
        let own = self.all.slice(self.start, self.rows());
        (binding.kernel)(&input, &spec.inputs_of(&own)[call.arguments.clone()])
    }

    /// The segment's first row with the last answer before it in the place of the argument.
    fn carrying(&self, spec: &WindowSpec, call: &WindowCallSpec, last: &Column) -> Batch {
        let mut columns = self.all.slice(self.start, 1).into_columns();
        columns[spec.payload.len() + call.arguments.start] = last.clone();
        Batch::new(columns, 1)
    }
}

/// Integers and the same number more.
fn plus(column: &Column, more: i128) -> Column {
    let array = column.flat();
    let value = |row| (!array.is_null(row)).then(|| array.integer(row) + more);
    Column::Flat(integers((0..array.len()).map(value).collect()))
}
