//! More columns of a few rows that others of their columns have chosen.
//!
//! Which rows come first in an order is told by its keys. The other columns are read of these alone, by their
//! locators (late materialization: D. Abadi et al., "Materialization Strategies in a Column-Oriented DBMS",
//! ICDE 2007).

use arrow::array::UInt32Array;
use firn_column::Batch;
use firn_column::kernels::take::{RowOf, gather};
use firn_storage::{PartitionReader, Partitions, ReadColumn, RowSelection};
use firn_types::{Error, Result};

use crate::context::QueryContext;
use crate::operator::{Emit, Flow, Transform, TransformWorker};
use crate::row_locator::RowLocator;

/// Reads columns of rows by their locators.
pub(crate) struct FetchTransform {
    pub(crate) partitions: Partitions,
    pub(crate) columns: Vec<ReadColumn>,
    /// Where the rows' locators stand in what comes in.
    pub(crate) locator: usize,
    /// What is given: positions in what comes in with the fetched columns behind.
    pub(crate) output: Vec<usize>,
}

impl Transform for FetchTransform {
    fn worker<'a>(&'a self, context: &'a QueryContext) -> Result<Box<dyn TransformWorker + 'a>> {
        Ok(Box::new(FetchWorker { shared: self, context }))
    }
}

struct FetchWorker<'a> {
    shared: &'a FetchTransform,
    context: &'a QueryContext,
}

/// Rows of one row group, in order.
struct Group {
    reader: PartitionReader,
    row_group: usize,
    rows: UInt32Array,
}

impl FetchWorker<'_> {
    /// The columns of rows at these locators.
    fn fetch(&self, locators: &[RowLocator]) -> Result<Batch> {
        let mut sorted: Vec<(RowLocator, usize)> = locators.iter().copied().zip(0..).collect();
        sorted.sort_unstable();
        let (mut groups, mut places) = (Vec::new(), vec![RowOf { batch: 0, row: 0 }; sorted.len()]);
        for run in sorted.chunk_by(|a, b| a.0.partition() == b.0.partition()) {
            self.group(run, &mut groups, &mut places)?;
        }
        let read = |at: usize| {
            let Group { reader, row_group, rows } = &groups[at];
            reader.read(*row_group, &self.shared.columns, &RowSelection::List(rows.clone()))
        };
        let found = self.context.map(groups.len(), read)?;
        gather(&found, &places)
    }

    /// Parts rows of one partition by their row groups; tells where each of them will be.
    fn group(
        &self,
        rows: &[(RowLocator, usize)],
        groups: &mut Vec<Group>,
        places: &mut [RowOf],
    ) -> Result<()> {
        let storage = self.context.stored()?;
        let missing = || Error::internal("the locator of a row that is not there");
        let position = rows.first().ok_or_else(missing)?.0.partition() as usize;
        let partition = self.shared.partitions.get(position).ok_or_else(missing)?;
        let open = || PartitionReader::open(&storage.access, partition, &storage.cache);
        let group_of = |reader: &PartitionReader, row: &(RowLocator, usize)| {
            reader.row_groups().partition_point(|group| group.rows.end <= row.0.row())
        };
        let reader = open()?;
        for run in rows.chunk_by(|a, b| group_of(&reader, a) == group_of(&reader, b)) {
            let row_group = group_of(&reader, &run[0]);
            let start = reader.row_groups().get(row_group).ok_or_else(missing)?.rows.start;
            for (row, (_, place)) in (0..).zip(run) {
                places[*place] = RowOf { batch: groups.len() as u32, row };
            }
            let rows = UInt32Array::from_iter_values(run.iter().map(|(row, _)| row.row() - start));
            groups.push(Group { reader: open()?, row_group, rows });
        }
        Ok(())
    }
}

impl TransformWorker for FetchWorker<'_> {
    fn process(&mut self, batch: Batch, emit: &mut Emit<'_>) -> Result<Flow> {
        let locator = batch.column(self.shared.locator).flat();
        let locators: Vec<RowLocator> =
            (0..locator.len()).map(|row| RowLocator(locator.integer(row) as i64)).collect();
        let rows = batch.rows();
        let mut columns = batch.into_columns();
        if rows > 0 {
            columns.extend(self.fetch(&locators)?.into_columns());
        }
        match rows {
            0 => Ok(Flow::Continue),
            _ => emit(Batch::new(columns, rows).project(&self.shared.output)),
        }
    }
}
