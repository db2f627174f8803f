//! The load history of a table or a pipe, in parts: it is read when somebody first asks for it.
//!
//! The last few loads stand in the object itself; earlier ones are in parts, each of which a checkpoint writes
//! to a file of its own, and which later versions share. So neither a commit nor a checkpoint costs more where
//! much was loaded, and who loads nothing reads no history.

use std::fmt;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use firn_storage::parallel::map_at_once;
use firn_storage::snapshot::Listed;
use firn_types::{Error, Result};

use super::LoadRecord;
use super::load_history::{EXPIRY_NANOS, Loads};

/// Loads that stand in the object itself are fewer.
const TAIL_MAX: usize = 128;
/// Loads of a part at most; smaller ones are put together, so that there are few.
const PART_MAX: usize = 4096;
/// Files that are read at once.
const FILES_AT_ONCE: usize = 16;

/// A file with a part of a load history.
pub(crate) trait LoadFile: fmt::Debug + Send + Sync {
    /// Where it is.
    fn listed(&self) -> &Listed;

    /// Reads it.
    ///
    /// # Errors
    /// `Storage` when it cannot be read, `CorruptFile` when it is damaged or missing; both name it.
    fn read(&self) -> Result<Vec<Arc<LoadRecord>>>;
}

/// The loads of one table or pipe: what COPY asks so that it loads no file twice. TRUNCATE and replacing the
/// table clear it, DELETE does not. Cloning shares it.
#[derive(Clone, Debug, Default)]
pub struct LoadHistory {
    /// Earlier loads, in order.
    parts: Vec<Arc<LoadPart>>,
    /// Loads since, in order.
    tail: Vec<Arc<LoadRecord>>,
    /// When the newest was loaded: nanoseconds since 1970 UTC.
    newest_nanos: i64,
    /// When the first file was loaded, whether that is forgotten or not: nanoseconds since 1970 UTC.
    first_nanos: Option<i64>,
    /// All of them, once somebody has asked.
    all: OnceLock<Loads>,
}

/// Loads that follow each other, read or not.
#[derive(Debug)]
pub(crate) struct LoadPart {
    /// How many.
    len: u64,
    /// When the newest was loaded: nanoseconds since 1970 UTC.
    newest_nanos: i64,
    records: OnceLock<Vec<Arc<LoadRecord>>>,
    /// Where they are read from; none where they were known from the beginning.
    file: Option<Arc<dyn LoadFile>>,
    /// The file that lists them, once there is one.
    listed: Mutex<Option<Listed>>,
}

impl LoadHistory {
    /// A history as it is stored: parts that were not read yet, and the loads since. Where it does not say when the
    /// first file was loaded, the oldest time that it knows counts.
    pub(crate) fn stored(
        parts: Vec<LoadPart>,
        tail: Vec<Arc<LoadRecord>>,
        first_nanos: Option<i64>,
    ) -> LoadHistory {
        let times = parts.iter().map(|part| part.newest_nanos);
        let times = times.chain(tail.iter().map(|record| record.loaded_nanos));
        let newest_nanos = times.clone().max().unwrap_or(0);
        let first_nanos = first_nanos.or(times.min());
        let parts = parts.into_iter().map(Arc::new).collect();
        LoadHistory { parts, tail, newest_nanos, first_nanos, all: OnceLock::new() }
    }

    /// When the first file was loaded, whether that is forgotten or not: nanoseconds since 1970 UTC.
    pub(crate) fn first_nanos(&self) -> Option<i64> {
        self.first_nanos
    }

    /// Whether a file may have been loaded, and that be forgotten: it was last modified, and the first file was loaded,
    /// longer ago than loads are remembered.
    pub fn may_have_forgotten(&self, modified_nanos: i64, now_nanos: i64) -> bool {
        let oldest = now_nanos.saturating_sub(EXPIRY_NANOS);
        modified_nanos < oldest && self.first_nanos.is_some_and(|first| first < oldest)
    }

    /// Whether nothing was loaded.
    pub fn is_empty(&self) -> bool {
        self.parts.is_empty() && self.tail.is_empty()
    }

    /// All loads; their files are read when this is first asked.
    ///
    /// # Errors
    /// `Storage` when a file cannot be read, `CorruptFile` when it is damaged or missing; both name it.
    pub fn read(&self) -> Result<&Loads> {
        if let Some(all) = self.all.get() {
            return Ok(all);
        }
        map_at_once(&self.parts, FILES_AT_ONCE, |part| part.records().map(|_| ()))?;
        let mut all = Loads::default();
        for part in &self.parts {
            part.records()?.iter().for_each(|record| all.add(Arc::clone(record)));
        }
        self.tail.iter().for_each(|record| all.add(Arc::clone(record)));
        Ok(self.all.get_or_init(|| all))
    }

    /// Whether asking for the loads reads nothing.
    pub(crate) fn is_read(&self) -> bool {
        self.all.get().is_some() || self.parts.iter().all(|part| part.records.get().is_some())
    }

    /// The earlier loads, in order.
    pub(crate) fn parts(&self) -> &[Arc<LoadPart>] {
        &self.parts
    }

    /// The loads since, in order.
    pub(crate) fn tail(&self) -> &[Arc<LoadRecord>] {
        &self.tail
    }

    /// Adds loads, and forgets those that have expired by then. It reads nothing.
    pub(crate) fn add(&mut self, records: &[Arc<LoadRecord>]) {
        if let Some(mut all) = self.all.take() {
            records.iter().for_each(|record| all.add(Arc::clone(record)));
            self.all = OnceLock::from(all);
        }
        let first = records.iter().map(|record| record.loaded_nanos).min();
        self.first_nanos = self.first_nanos.or(first);
        for record in records {
            self.newest_nanos = self.newest_nanos.max(record.loaded_nanos);
            self.tail.push(Arc::clone(record));
        }
        let oldest = self.newest_nanos.saturating_sub(EXPIRY_NANOS);
        self.parts.retain(|part| part.newest_nanos >= oldest);
        self.tail.retain(|record| record.loaded_nanos >= oldest);
        if self.tail.len() >= TAIL_MAX {
            self.close_tail();
        }
    }

    /// Makes parts of the tail, and of the small ones before it.
    fn close_tail(&mut self) {
        let mut records = std::mem::take(&mut self.tail);
        while let Some(last) = self.parts.last()
            && let Some(known) = last.records.get()
            && known.len() <= records.len()
            && known.len() + records.len() <= PART_MAX
        {
            records = known.iter().cloned().chain(records).collect();
            self.parts.pop();
        }
        let parts = records.chunks(PART_MAX).map(|some| Arc::new(LoadPart::of(some.to_vec())));
        self.parts.extend(parts);
    }
}

/// Whether both are known to be the same.
impl PartialEq for LoadHistory {
    fn eq(&self, other: &LoadHistory) -> bool {
        self.first_nanos == other.first_nanos
            && self.tail == other.tail
            && self.parts == other.parts
    }
}

impl LoadPart {
    fn of(records: Vec<Arc<LoadRecord>>) -> LoadPart {
        LoadPart {
            len: records.len() as u64,
            newest_nanos: records.iter().map(|record| record.loaded_nanos).max().unwrap_or(0),
            records: OnceLock::from(records),
            file: None,
            listed: Mutex::default(),
        }
    }

    /// A part as it is stored.
    pub(crate) fn stored(file: Arc<dyn LoadFile>, len: u64, newest_nanos: i64) -> LoadPart {
        let listed = Mutex::new(Some(file.listed().clone()));
        LoadPart { len, newest_nanos, records: OnceLock::new(), file: Some(file), listed }
    }

    /// How many loads it has.
    pub(crate) fn len(&self) -> u64 {
        self.len
    }

    /// When the newest was loaded: nanoseconds since 1970 UTC.
    pub(crate) fn newest_nanos(&self) -> i64 {
        self.newest_nanos
    }

    /// The loads; they are read when this is first asked.
    ///
    /// # Errors
    /// As [`LoadHistory::read`].
    pub(crate) fn records(&self) -> Result<&[Arc<LoadRecord>]> {
        if let Some(records) = self.records.get() {
            return Ok(records);
        }
        let nowhere = || Error::internal("a part of a load history that is nowhere");
        let records = self.file.as_ref().ok_or_else(nowhere)?.read()?;
        Ok(self.records.get_or_init(|| records))
    }

    /// The file that lists exactly these, where one is known.
    pub(crate) fn listed(&self) -> Option<Listed> {
        self.listed.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Notes the file that lists exactly these.
    pub(crate) fn set_listed(&self, listed: Listed) {
        *self.listed.lock().unwrap_or_else(PoisonError::into_inner) = Some(listed);
    }
}

impl PartialEq for LoadPart {
    fn eq(&self, other: &LoadPart) -> bool {
        let known = (self.records.get(), other.records.get());
        let same = matches!(known, (Some(left), Some(right)) if left == right);
        same || std::ptr::eq(self, other)
            || self.listed().is_some_and(|listed| other.listed() == Some(listed))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    const DAY: i64 = 86_400_000_000_000;

    fn record(name: usize, loaded_nanos: i64) -> Arc<LoadRecord> {
        Arc::new(LoadRecord::loaded(&format!("f{name}"), "e", loaded_nanos))
    }

    /// A file that counts how often it is read.
    #[derive(Debug)]
    struct File {
        listed: Listed,
        records: Vec<Arc<LoadRecord>>,
        reads: Arc<AtomicUsize>,
    }

    impl LoadFile for File {
        fn listed(&self) -> &Listed {
            &self.listed
        }

        fn read(&self) -> Result<Vec<Arc<LoadRecord>>> {
            self.reads.fetch_add(1, Ordering::SeqCst);
            Ok(self.records.clone())
        }
    }

    /// The history as a process that opens the account meets it.
    fn opened(history: &LoadHistory, reads: &Arc<AtomicUsize>) -> Result<LoadHistory> {
        let parts = history.parts().iter().enumerate().map(|(at, part)| {
            let listed = Listed { name: at.to_string().into(), written_nanos: 0 };
            let (records, reads) = (part.records()?.to_vec(), Arc::clone(reads));
            let file = Arc::new(File { listed, records, reads });
            Ok(LoadPart::stored(file, part.len(), part.newest_nanos()))
        });
        let parts = parts.collect::<Result<_>>()?;
        Ok(LoadHistory::stored(parts, history.tail().to_vec(), history.first_nanos()))
    }

    #[test]
    fn many_loads_stand_in_few_parts_and_none_is_lost() -> Result<()> {
        let mut history = LoadHistory::default();
        for name in 0..10_000 {
            history.add(&[record(name, name as i64)]);
        }
        assert!(history.tail().len() < TAIL_MAX);
        // Two full ones, and one of each size below that halves down to the tail.
        assert!(history.parts().len() <= 8, "{}", history.parts().len());
        let loads = history.read()?;
        assert!((0..10_000).all(|name| loads.is_loaded(&format!("f{name}"), "e")));
        assert_eq!(loads.records().count(), 10_000);
        assert!(!loads.is_loaded("f10000", "e"));
        Ok(())
    }

    #[test]
    fn files_are_read_once_and_when_somebody_asks() -> Result<()> {
        let mut history = LoadHistory::default();
        history.add(&(0..1_000).map(|name| record(name, 0)).collect::<Vec<_>>());
        history.add(&[record(1_000, 1)]);
        let reads = Arc::new(AtomicUsize::new(0));
        let mut opened = opened(&history, &reads)?;
        assert!(!opened.is_read());
        opened.add(&[record(1_001, 2)]);
        assert_eq!(reads.load(Ordering::SeqCst), 0, "noting a load needs no earlier ones");
        for name in [0, 999, 1_000, 1_001] {
            assert!(opened.read()?.is_loaded(&format!("f{name}"), "e"), "f{name}");
        }
        opened.add(&[record(1_002, 3)]);
        assert_eq!(opened.read()?.records().count(), 1_003);
        assert_eq!(reads.load(Ordering::SeqCst), 1);
        Ok(())
    }

    #[test]
    fn what_is_older_than_64_days_is_forgotten_with_its_files() -> Result<()> {
        let mut history = LoadHistory::default();
        history.add(&(0..200).map(|name| record(name, 0)).collect::<Vec<_>>());
        history.add(&[record(200, 10 * DAY)]);
        let reads = Arc::new(AtomicUsize::new(0));
        let mut opened = opened(&history, &reads)?;
        for history in [&mut history, &mut opened] {
            history.add(&[record(201, 64 * DAY)]);
            assert!(history.read()?.is_loaded("f0", "e"), "64 days and no longer");
        }
        let mut reopened = self::opened(&opened, &reads)?;
        for history in [&mut history, &mut opened, &mut reopened] {
            history.add(&[record(202, 64 * DAY + 1)]);
            assert!(history.parts().is_empty());
            assert!(!history.read()?.is_loaded("f0", "e"));
            assert!(history.read()?.is_loaded("f200", "e"));
            assert_eq!(history.read()?.records().count(), 3);
        }
        assert_eq!(reads.load(Ordering::SeqCst), 1, "what is forgotten is not read");
        for history in [&history, &opened, &reopened] {
            assert!(!history.may_have_forgotten(-1, 64 * DAY), "its load would be known");
            assert!(history.may_have_forgotten(0, 64 * DAY + 1));
            assert!(!history.may_have_forgotten(1, 64 * DAY + 1), "it has changed since");
        }
        assert!(!LoadHistory::default().may_have_forgotten(0, 100 * DAY), "nothing was loaded");
        Ok(())
    }

    #[test]
    fn a_load_that_is_noted_twice_is_one() -> Result<()> {
        let mut history = LoadHistory::default();
        history.add(&[record(1, 1)]);
        history.read()?;
        history.add(&[record(1, 1)]);
        assert_eq!(history.read()?.records().count(), 1);
        history.add(&[record(1, 2)]);
        assert_eq!(history.read()?.records().count(), 2);
        Ok(())
    }
}
