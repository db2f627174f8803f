//! Table functions in other languages: one thread takes the rows in order, partition after partition.

use std::collections::HashSet;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

use arrow::array::UInt32Array;
use firn_column::{Batch, Column};
use firn_functions::{ForeignFunction, ForeignProcessor, ForeignReturns, Processed};
use firn_types::{Error, Result, SqlType, Value};

use crate::context::QueryContext;
use crate::evaluate::Expressions;
use crate::operator::{Emit, Flow, Source};
use crate::operators::expand::emit_in_batches;
use crate::operators::window::ranges::starts;

/// A column of the input that is wanted above.
pub(crate) struct Kept {
    /// Where it stands in the input.
    pub(crate) position: usize,
    /// Its type.
    pub(crate) sql_type: SqlType,
    /// Whether the rows of a partition are the same by it.
    pub(crate) of_partition: bool,
}

/// A table function over the rows of another source, which are sorted by partition.
pub(crate) struct ForeignTableSource {
    input: Arc<dyn Source>,
    function: Arc<ForeignFunction>,
    constants: Vec<Option<Value>>,
    arguments: Expressions,
    partition: Expressions,
    kept: Vec<Kept>,
    /// The function's columns that are wanted.
    output: Vec<usize>,
    /// Whether a row that the function makes nothing of comes out once, with NULLs.
    preserves_input: bool,
    morsels: OnceLock<usize>,
}

impl ForeignTableSource {
    pub(crate) fn new(
        (input, function): (Arc<dyn Source>, Arc<ForeignFunction>),
        constants: Vec<Option<Value>>,
        arguments: Expressions,
        partition: Expressions,
        (kept, output): (Vec<Kept>, Vec<usize>),
        preserves_input: bool,
    ) -> ForeignTableSource {
        let morsels = OnceLock::new();
        ForeignTableSource {
            input,
            function,
            constants,
            arguments,
            partition,
            kept,
            output,
            preserves_input,
            morsels,
        }
    }
}

impl Source for ForeignTableSource {
    fn open(&self, context: &QueryContext) -> Result<usize> {
        let _ = self.morsels.set(self.input.open(context)?);
        Ok(1)
    }

    fn read(&self, _: usize, context: &QueryContext, emit: &mut Emit<'_>) -> Result<Flow> {
        let morsels = self.morsels.get().copied().unwrap_or(0);
        let host = &context.functions.host;
        let processor = host.foreign_table(&self.function, &self.constants)?;
        let mut reader = Reader { shared: self, context, processor, partition: None };
        for morsel in 0..morsels {
            context.check()?;
            let mut take = |batch: Batch| reader.batch(&batch, emit);
            if self.input.read(morsel, context, &mut take)?.is_stop() {
                return Ok(Flow::Stop);
            }
        }
        reader.end(emit)
    }
}

struct Reader<'a> {
    shared: &'a ForeignTableSource,
    context: &'a QueryContext,
    processor: Box<dyn ForeignProcessor>,
    /// The partition that has begun.
    partition: Option<Partition>,
}

/// A partition of the input.
struct Partition {
    key: Vec<Value>,
    /// Its first row's values of the columns that are kept, but NULL in those that change within it.
    shown: Vec<Value>,
}

impl Reader<'_> {
    fn batch(&mut self, batch: &Batch, emit: &mut Emit<'_>) -> Result<Flow> {
        let arguments = self.shared.arguments.evaluate(batch, self.context)?;
        let keys = self.shared.partition.evaluate(batch, self.context)?;
        let types = self.shared.partition.types();
        let key_of = |row: usize| -> Vec<Value> {
            keys.iter().zip(types).map(|(column, of)| column.value(row, *of)).collect()
        };
        let starts = starts(&keys, types, batch.rows())?;
        let mut firsts = starts.values().set_indices().peekable();
        while let Some(start) = firsts.next() {
            let end = firsts.peek().copied().unwrap_or(batch.rows());
            let key = key_of(start);
            if self.partition.as_ref().is_none_or(|partition| partition.key != key) {
                if self.end(emit)?.is_stop() {
                    return Ok(Flow::Stop);
                }
                self.processor.begin(&self.context.functions)?;
                let shown = self.shared.kept.iter().map(|kept| match kept.of_partition {
                    true => batch.column(kept.position).value(start, kept.sql_type),
                    false => Value::Null,
                });
                self.partition = Some(Partition { key, shown: shown.collect() });
            }
            if self.rows(batch, &arguments, start..end, emit)?.is_stop() {
                return Ok(Flow::Stop);
            }
        }
        Ok(Flow::Continue)
    }

    /// Hands rows of one partition to the function, and on what it makes of them.
    fn rows(
        &mut self,
        batch: &Batch,
        arguments: &[Column],
        mut rows: Range<usize>,
        emit: &mut Emit<'_>,
    ) -> Result<Flow> {
        // Whether something was made of the first row already: of one that gives much it comes in parts.
        let mut begun = false;
        while !rows.is_empty() {
            self.context.check()?;
            let functions = &self.context.functions;
            let made = self.processor.process(arguments, rows.clone(), functions)?;
            if made.taken == 0 && made.origins.is_empty() {
                return Err(Error::internal("a table function that takes and makes no row"));
            }
            let taken = rows.start..rows.start + made.taken;
            if self.shared.preserves_input {
                let known = begun.then_some(taken.start);
                let missing = missing(&made.origins, known, taken.clone());
                let nothing = self.nothing(missing.len());
                let made = Processed { taken: 0, origins: missing, columns: nothing };
                if self.made_of(batch, &made, emit)?.is_stop() {
                    return Ok(Flow::Stop);
                }
            }
            begun = made.origins.iter().any(|row| *row as usize == taken.end)
                || (taken.is_empty() && begun);
            rows.start = taken.end;
            if self.made_of(batch, &made, emit)?.is_stop() {
                return Ok(Flow::Stop);
            }
        }
        Ok(Flow::Continue)
    }

    /// Hands on rows of the function beside the rows that they were made of.
    fn made_of(&self, batch: &Batch, made: &Processed, emit: &mut Emit<'_>) -> Result<Flow> {
        let origins = UInt32Array::from(made.origins.clone());
        let kept = self.shared.kept.iter();
        let kept = kept.map(|kept| batch.column(kept.position).take(&origins));
        self.emit(kept.collect(), made, emit)
    }

    /// So many rows of the function with nothing but NULLs.
    fn nothing(&self, count: usize) -> Vec<Column> {
        match &self.shared.function.returns {
            ForeignReturns::Table(columns) => {
                columns.iter().map(|(_, sql_type)| Column::nulls_of(*sql_type, count)).collect()
            }
            ForeignReturns::Value(_) => Vec::new(),
        }
    }

    /// Ends the partition that has begun.
    fn end(&mut self, emit: &mut Emit<'_>) -> Result<Flow> {
        let Some(partition) = self.partition.take() else { return Ok(Flow::Continue) };
        let made = self.processor.end(&self.context.functions)?;
        let count = made.origins.len();
        let kept = self.shared.kept.iter().zip(&partition.shown);
        let kept = kept.map(|(kept, value)| Column::constant(value, kept.sql_type, count));
        self.emit(kept.collect::<Result<_>>()?, &made, emit)
    }

    fn emit(&self, kept: Vec<Column>, made: &Processed, emit: &mut Emit<'_>) -> Result<Flow> {
        let mut columns = kept;
        columns.extend(self.shared.output.iter().map(|&position| made.columns[position].clone()));
        emit_in_batches(&Batch::new(columns, made.origins.len()), emit)
    }
}

/// The rows among those that were taken of which nothing was made, neither now nor, of a row that is `known`, before.
fn missing(origins: &[u32], known: Option<usize>, taken: Range<usize>) -> Vec<u32> {
    let made: HashSet<u32> = origins.iter().copied().collect();
    let rows = taken.filter(|row| known != Some(*row));
    rows.filter_map(|row| u32::try_from(row).ok()).filter(|row| !made.contains(row)).collect()
}
