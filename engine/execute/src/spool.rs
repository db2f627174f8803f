//! Rows that are kept for readers that come while they are written, and afterwards: in memory as far as a
//! budget goes, on disk beyond.
//!
//! A [`Spool`] is written by one and read by any number, in order. All spools of a [`SpoolStore`] share its
//! budget: when it is used up, the oldest rows go to disk first.

use std::collections::VecDeque;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use firn_column::{Batch, Column, PhysicalType};
use firn_types::{Error, ErrorCode, Result};
use parking_lot::{Condvar, Mutex};

use crate::context::QueryContext;
use crate::memory::{MemoryBudget, Reservation, bytes_of};
use crate::operator::{Emit, Flow, Source};
use crate::spill::{Extent, SpillFolder, SpillLog};

/// What a batch costs beside its values.
const BATCH_BYTES: usize = 256;
/// A file that is larger takes no further batches: it is gone when the last of its rows is given up.
const LOG_BYTES_MAX: u64 = 256 << 20;

/// Where spools keep their rows.
#[derive(Debug)]
pub struct SpoolStore {
    memory: Arc<MemoryBudget>,
    folder: SpillFolder,
    /// Bytes on disk that all spools together may take.
    disk_bytes_max: u64,
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    /// The spools with rows in memory, the oldest first.
    resident: VecDeque<Weak<Spool>>,
    /// The file that takes the next rows.
    log: Option<Arc<SpillLog>>,
}

impl SpoolStore {
    /// A store with this much memory, and this many bytes on disk below a folder.
    pub fn new(memory: Arc<MemoryBudget>, folder: SpillFolder, disk_bytes_max: u64) -> SpoolStore {
        SpoolStore { memory, folder, disk_bytes_max, inner: Mutex::default() }
    }

    /// A spool without rows yet.
    pub fn spool(self: &Arc<SpoolStore>) -> Arc<Spool> {
        let contents = Contents {
            kept: Vec::new(),
            sizes: Vec::new(),
            forms: Vec::new(),
            reservation: self.memory.reservation(),
            rows: 0,
            listed: false,
            ended: false,
        };
        let contents = Mutex::new(contents);
        Arc::new(Spool { store: Arc::clone(self), contents, changed: Condvar::new() })
    }

    /// Bytes that all spools take on disk.
    pub fn disk_bytes(&self) -> u64 {
        self.folder.bytes_held()
    }

    /// Moves the oldest rows to disk until `bytes` fit into memory; false when they never do.
    fn make_room(&self, bytes: usize) -> Result<bool> {
        if bytes > self.memory.limit_bytes() {
            return Ok(false);
        }
        let fits = || self.memory.used_bytes().saturating_add(bytes) <= self.memory.limit_bytes();
        while !fits() {
            let Some(oldest) = self.inner.lock().resident.pop_front() else { return Ok(fits()) };
            if let Some(oldest) = oldest.upgrade() {
                oldest.leave_memory()?;
            }
        }
        Ok(true)
    }

    fn put_on_disk(&self, batch: &Batch) -> Result<Kept> {
        if self.disk_bytes() > self.disk_bytes_max {
            let limit = self.disk_bytes_max;
            let text = format!("The rows that are kept take more than {limit} bytes of disk.");
            return Err(Error::new(ErrorCode::Storage, text));
        }
        let log = {
            let mut inner = self.inner.lock();
            match &inner.log {
                Some(log) if log.bytes() < LOG_BYTES_MAX => Arc::clone(log),
                _ => Arc::clone(inner.log.insert(Arc::new(self.folder.log()?))),
            }
        };
        let extent = log.append(batch)?;
        Ok(Kept::Disk(log, extent))
    }
}

/// Rows in order.
#[derive(Debug)]
pub struct Spool {
    store: Arc<SpoolStore>,
    contents: Mutex<Contents>,
    /// There are more rows, or the end is known.
    changed: Condvar,
}

#[derive(Debug)]
struct Contents {
    kept: Vec<Kept>,
    sizes: Vec<BatchSize>,
    /// The widest form of each column so far.
    forms: Vec<PhysicalType>,
    reservation: Reservation,
    rows: u64,
    /// Whether the store knows that this has rows in memory.
    listed: bool,
    ended: bool,
}

/// How large a batch is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchSize {
    /// Rows.
    pub rows: usize,
    /// Bytes that its values take, about, each by itself.
    pub bytes: usize,
}

#[derive(Clone, Debug)]
enum Kept {
    Memory(Batch),
    Disk(Arc<SpillLog>, Extent),
}

impl Kept {
    fn read(self) -> Result<Batch> {
        match self {
            Kept::Memory(batch) => Ok(batch),
            Kept::Disk(log, extent) => log.read(extent),
        }
    }
}

/// What a reader finds.
#[derive(Clone, Debug)]
pub enum Next {
    /// The next rows.
    Batch(Batch),
    /// All rows are read.
    End,
    /// Nothing within the time that was given.
    NotYet,
}

impl Spool {
    /// Adds rows behind those that are there. Only one may write.
    ///
    /// # Errors
    /// `Storage` when the disk is full.
    pub fn append(self: &Arc<Spool>, batch: Batch) -> Result<()> {
        let bytes = bytes_of(&batch) + BATCH_BYTES;
        let flat: usize = batch.columns().iter().map(Column::flat_bytes).sum();
        let size = BatchSize { rows: batch.rows(), bytes: flat };
        let forms: Vec<PhysicalType> = batch.columns().iter().map(Column::physical).collect();
        let mut contents = self.contents.lock();
        let mut reserved = contents.reservation.try_grow(bytes);
        if !reserved {
            drop(contents);
            let fits = self.store.make_room(bytes)?;
            contents = self.contents.lock();
            // Others may have taken it meanwhile.
            reserved = fits && contents.reservation.try_grow(bytes);
        }
        if reserved {
            contents.kept.push(Kept::Memory(batch));
            if !std::mem::replace(&mut contents.listed, true) {
                self.store.inner.lock().resident.push_back(Arc::downgrade(self));
            }
        } else {
            drop(contents);
            let kept = self.store.put_on_disk(&batch)?;
            contents = self.contents.lock();
            contents.kept.push(kept);
        }
        contents.sizes.push(size);
        if contents.forms.is_empty() {
            contents.forms = forms;
        } else {
            contents
                .forms
                .iter_mut()
                .zip(forms)
                .for_each(|(widest, form)| *widest = form.max(*widest));
        }
        contents.rows += size.rows as u64;
        self.changed.notify_all();
        Ok(())
    }

    /// No more rows will come.
    pub fn end(&self) {
        self.contents.lock().ended = true;
        self.changed.notify_all();
    }

    /// How many batches there are.
    pub fn batches(&self) -> usize {
        self.contents.lock().kept.len()
    }

    /// How large each batch is, in order.
    pub fn sizes(&self) -> Vec<BatchSize> {
        self.contents.lock().sizes.clone()
    }

    /// The widest form that each column has in the batches so far; empty without any.
    pub fn forms(&self) -> Vec<PhysicalType> {
        self.contents.lock().forms.clone()
    }

    /// How many rows there are.
    pub fn rows(&self) -> u64 {
        self.contents.lock().rows
    }

    /// The batch of that number, from 0; none where there is none yet.
    ///
    /// # Errors
    /// `Storage` when it lies on disk and cannot be read.
    pub fn batch(&self, index: usize) -> Result<Option<Batch>> {
        let kept = self.contents.lock().kept.get(index).cloned();
        kept.map(Kept::read).transpose()
    }

    /// The batch of that number, waiting for it as long as `patience`.
    ///
    /// # Errors
    /// As [`Spool::batch`].
    pub fn wait_for(&self, index: usize, patience: Duration) -> Result<Next> {
        let start = Instant::now();
        let mut contents = self.contents.lock();
        loop {
            if let Some(kept) = contents.kept.get(index).cloned() {
                drop(contents);
                return kept.read().map(Next::Batch);
            }
            if contents.ended {
                return Ok(Next::End);
            }
            let Some(left) = patience.checked_sub(start.elapsed()) else { return Ok(Next::NotYet) };
            self.changed.wait_for(&mut contents, left);
        }
    }

    /// Moves all rows to disk.
    fn leave_memory(&self) -> Result<()> {
        let mut contents = self.contents.lock();
        contents.listed = false;
        for kept in &mut contents.kept {
            if let Kept::Memory(batch) = kept {
                *kept = self.store.put_on_disk(batch)?;
            }
        }
        let all = contents.reservation.bytes();
        contents.reservation.shrink(all);
        Ok(())
    }
}

/// Rows whose memory is their own: those of a large batch of which few are kept, or that lie in a cache, are
/// copied.
pub fn own_rows(batch: Batch) -> Batch {
    let rows = batch.rows();
    let own = |column: Column| match column {
        Column::Flat(array) => Column::Flat(array.trimmed()),
        Column::Constant { value, rows } => Column::Constant { value: value.trimmed(), rows },
        dictionary => match dictionary.dense() {
            Column::Flat(array) => Column::Flat(array.trimmed()),
            dense => dense,
        },
    };
    Batch::new(batch.into_columns().into_iter().map(own).collect(), rows)
}

/// Reads a spool that is complete; a morsel is a batch.
#[derive(Debug)]
pub(crate) struct SpoolSource {
    pub(crate) spool: Arc<Spool>,
    /// Which columns.
    pub(crate) positions: Vec<usize>,
}

impl Source for SpoolSource {
    fn open(&self, _: &QueryContext) -> Result<usize> {
        Ok(self.spool.batches())
    }

    fn read(&self, morsel: usize, _: &QueryContext, emit: &mut Emit<'_>) -> Result<Flow> {
        match self.spool.batch(morsel)? {
            Some(batch) => emit(batch.project(&self.positions)),
            None => Ok(Flow::Continue),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use firn_types::{SqlType, Value};

    use super::*;

    fn batch(from: i64, rows: i64) -> Result<Batch> {
        let values: Vec<Value> = (from..from + rows).map(Value::integer).collect();
        let column = Column::from_values(SqlType::INTEGER, &values)?;
        Ok(Batch::new(vec![column], rows as usize))
    }

    fn store(memory: usize, disk: u64) -> Arc<SpoolStore> {
        let folder = SpillFolder::new(std::env::temp_dir());
        Arc::new(SpoolStore::new(MemoryBudget::new(memory), folder, disk))
    }

    fn all(spool: &Spool) -> Result<Vec<Value>> {
        let mut values = Vec::new();
        let mut index = 0;
        while let Next::Batch(batch) = spool.wait_for(index, Duration::from_secs(10))? {
            index += 1;
            let column = batch.column(0);
            values.extend((0..batch.rows()).map(|row| column.value(row, SqlType::INTEGER)));
        }
        Ok(values)
    }

    #[test]
    fn readers_follow_the_writer_and_memory_stays_bounded() -> Result<()> {
        let store = store(20_000, u64::MAX);
        let spool = store.spool();
        let reader = Arc::clone(&spool);
        let reading = thread::spawn(move || all(&reader));
        for part in 0..100 {
            spool.append(batch(part * 1_000, 1_000)?)?;
            assert!(store.memory.used_bytes() <= 20_000);
        }
        spool.end();
        let expected: Vec<Value> = (0..100_000).map(Value::integer).collect();
        assert_eq!(reading.join().ok().transpose()?, Some(expected.clone()));
        assert_eq!(all(&spool)?, expected);
        assert!(store.disk_bytes() > 300_000);
        drop(spool);
        store.inner.lock().log = None;
        assert_eq!((store.memory.used_bytes(), store.disk_bytes()), (0, 0));
        Ok(())
    }

    #[test]
    fn the_oldest_rows_go_to_disk_first() -> Result<()> {
        let store = store(10_000, u64::MAX);
        let (old, new) = (store.spool(), store.spool());
        old.append(batch(0, 1_000)?)?;
        new.append(batch(0, 1_500)?)?;
        let on_disk = |spool: &Spool| {
            let contents = spool.contents.lock();
            contents.kept.iter().filter(|kept| matches!(kept, Kept::Disk(..))).count()
        };
        new.append(batch(0, 500)?)?;
        assert_eq!((on_disk(&old), on_disk(&new)), (1, 0));
        Ok(())
    }

    #[test]
    fn the_disk_is_not_filled_without_end() -> Result<()> {
        let store = store(100, 5_000);
        let spool = store.spool();
        let filled = (0..100).try_for_each(|_| spool.append(batch(0, 1_000)?));
        assert!(filled.is_err_and(|error| error.code() == ErrorCode::Storage));
        Ok(())
    }
}
