//! What is stored of rows that a statement changes: their ids, which they keep, and for messages their
//! values.

use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, OnceLock};

use arrow::array::{Int64Array, UInt32Array};
use firn_account::Transaction;
use firn_account::catalog::Table;
use firn_column::{Array, Column};
use firn_functions::cast::{CastMode, cast_column};
use firn_storage::{Partition, PartitionReader, ReadColumn, RowSelection, Snapshot};
use firn_types::{Error, ErrorCode, PartitionId, Result, SqlType, Value};

use crate::context::{QueryContext, lock};
use crate::row_locator::RowLocator;

/// Reads stored rows by their locators.
pub(super) struct OldRows<'c> {
    table: Arc<Table>,
    context: &'c QueryContext,
    /// The rows that are committed; none when all that the transaction sees are.
    committed: Option<Arc<Snapshot>>,
    /// The names of its micro-partitions, once somebody asked.
    committed_ids: OnceLock<HashSet<PartitionId>>,
    readers: Mutex<HashMap<u32, Arc<PartitionReader>>>,
}

/// How the ids of a partition's rows are found.
#[derive(Clone, Copy, Debug)]
enum IdRule {
    /// They count on from the first row's.
    From(i64),
    /// They are stored.
    Stored,
    /// The transaction itself added the rows: they get ids when it is committed, and so does what
    /// becomes of them.
    None,
}

impl<'c> OldRows<'c> {
    pub(super) fn new(
        table: &Arc<Table>,
        context: &'c QueryContext,
        transaction: &Transaction,
    ) -> OldRows<'c> {
        let committed = match transaction.committed_rows(table.id()).cloned() {
            _ if table.is_temporary() => None,
            // It was created by the transaction.
            None => Some(Arc::default()),
            Some(rows) if rows.next_row_id() == table.snapshot.next_row_id() => None,
            Some(rows) => Some(rows),
        };
        OldRows {
            table: Arc::clone(table),
            context,
            committed,
            committed_ids: OnceLock::new(),
            readers: Mutex::default(),
        }
    }

    /// How the ids of a partition's rows are found.
    fn id_rule(&self, position: u32) -> Result<IdRule> {
        let partition = self.partition(position)?;
        let is_committed = match &self.committed {
            None => true,
            Some(committed) => {
                let all = committed.partitions()?.iter();
                let known =
                    self.committed_ids.get_or_init(|| all.map(|one| one.id.clone()).collect());
                known.contains(&partition.id)
            }
        };
        Ok(match partition.stored_row_ids {
            true => IdRule::Stored,
            false if is_committed => IdRule::From(partition.first_row_id),
            false => IdRule::None,
        })
    }

    /// The ids of rows; none of rows that have none yet.
    ///
    /// # Errors
    /// `Storage`, `CorruptFile`.
    pub(super) fn ids(&self, rows: &[RowLocator]) -> Result<Vec<Option<i64>>> {
        let mut ids = Vec::with_capacity(rows.len());
        for run in rows.chunk_by(|a, b| a.partition() == b.partition()) {
            let partition = run[0].partition();
            match self.id_rule(partition)? {
                IdRule::From(first) => {
                    ids.extend(run.iter().map(|row| Some(first + i64::from(row.row()))));
                }
                IdRule::None => ids.extend(run.iter().map(|_| None)),
                IdRule::Stored => self.stored_ids(partition, run, &mut ids)?,
            }
        }
        Ok(ids)
    }

    fn stored_ids(
        &self,
        partition: u32,
        rows: &[RowLocator],
        ids: &mut Vec<Option<i64>>,
    ) -> Result<()> {
        let reader = self.reader(partition)?;
        let group_of = |row: &RowLocator| row_group_of(&reader, row.row());
        for run in rows.chunk_by(|a, b| group_of(a) == group_of(b)) {
            let group = group_of(&run[0]);
            let start = reader.row_groups().get(group).map_or(0, |group| group.rows.start);
            let list = UInt32Array::from_iter_values(run.iter().map(|row| row.row() - start));
            let column = reader.row_ids(group, &RowSelection::List(list))?;
            let array = column.flat();
            ids.extend((0..array.len()).map(|row| Some(array.integer(row) as i64)));
        }
        Ok(())
    }

    /// The error of a row that several source rows change.
    ///
    /// # Errors
    /// `Storage`, `CorruptFile`.
    pub(super) fn changed_twice(&self, row: RowLocator) -> Result<Error> {
        let reader = self.reader(row.partition())?;
        let group = row_group_of(&reader, row.row());
        let start = reader.row_groups().get(group).map_or(0, |group| group.rows.start);
        let columns: Vec<ReadColumn> = read_columns(&self.table);
        let list = UInt32Array::from(vec![row.row() - start]);
        let batch = reader.read(group, &columns, &RowSelection::List(list))?;
        let mut text = String::from("Duplicate row detected during DML action\nRow Values: [");
        for (position, column) in columns.iter().enumerate() {
            if position > 0 {
                text.push_str(", ");
            }
            let (functions, mode) = (&self.context.functions, CastMode::Strict);
            let value = batch.column(position);
            let shown = cast_column(value, column.sql_type, SqlType::TEXT, mode, functions)?;
            match (shown.value(0, SqlType::TEXT), column.sql_type) {
                (Value::Text(value), SqlType::Varchar { .. }) => {
                    let _ = write!(text, "\"{value}\"");
                }
                (Value::Text(value), _) => text.push_str(&value),
                _ => text.push_str("NULL"),
            }
        }
        text.push(']');
        Ok(Error::new(ErrorCode::DuplicateRow, text))
    }

    /// Whether the rows of a partition have ids already.
    ///
    /// # Errors
    /// `Storage`, `CorruptFile`.
    pub(super) fn has_ids(&self, partition: u32) -> Result<bool> {
        Ok(matches!(self.id_rule(partition)?, IdRule::From(_) | IdRule::Stored))
    }

    /// A partition by its position.
    ///
    /// # Errors
    /// An internal error when there is none.
    pub(super) fn partition(&self, position: u32) -> Result<&Arc<Partition>> {
        let found = self.table.snapshot.partitions()?.get(position as usize);
        found.ok_or_else(|| Error::internal("a locator beyond the snapshot"))
    }

    /// A partition, open.
    ///
    /// # Errors
    /// `Storage`, `CorruptFile`.
    pub(super) fn reader(&self, partition: u32) -> Result<Arc<PartitionReader>> {
        if let Some(reader) = lock(&self.readers).get(&partition) {
            return Ok(Arc::clone(reader));
        }
        let found = self.partition(partition)?;
        let storage = self.context.stored()?;
        let reader = Arc::new(PartitionReader::open(&storage.access, found, &storage.cache)?);
        lock(&self.readers).insert(partition, Arc::clone(&reader));
        Ok(reader)
    }
}

/// All columns of a table, as its partitions are read.
pub(super) fn read_columns(table: &Table) -> Vec<ReadColumn> {
    let columns = table.columns.iter().map(|column| ReadColumn {
        column: column.field_id.into(),
        sql_type: column.sql_type,
        initial_default: column.initial_default.clone(),
    });
    columns.collect()
}

fn row_group_of(reader: &PartitionReader, row: u32) -> usize {
    let groups = reader.row_groups();
    groups.partition_point(|group| group.rows.end <= row).min(groups.len().saturating_sub(1))
}

/// Row ids as the last column of a batch.
pub(super) fn id_column(ids: &[i64]) -> Column {
    Column::Flat(Array::I64(Int64Array::from(ids.to_vec())))
}
