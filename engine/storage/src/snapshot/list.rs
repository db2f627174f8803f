//! Lists of micro-partitions that are read when somebody first asks for them.

use std::fmt;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use firn_types::Result;

use super::partitions::Builder;
use super::{Partition, Partitions};
use crate::parallel::map_at_once;

/// Files of lists that are read at once.
pub(super) const FILES_AT_ONCE: usize = 16;

/// A file that lists micro-partitions.
pub trait ListFile: fmt::Debug + Send + Sync {
    /// Where it is.
    fn listed(&self) -> &Listed;

    /// Reads it.
    ///
    /// # Errors
    /// `Storage` when it cannot be read, `CorruptFile` when it is damaged or missing; both name it.
    fn read(&self) -> Result<Vec<Arc<Partition>>>;
}

/// A file that lists micro-partitions, by name and age.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Its name, from the account's root.
    pub name: Arc<str>,
    /// When it was written: nanoseconds since 1970 UTC; 0 when that is not known. A file that is dead is kept
    /// only for so long that nobody refers to an old one anew.
    pub written_nanos: i64,
}

/// A part of a list.
#[derive(Clone, Debug)]
pub enum ListPart {
    /// What a file lists.
    File(Arc<dyn ListFile>),
    /// What was listed in place.
    Here(Vec<Arc<Partition>>),
}

/// A list of micro-partitions, read or not.
#[derive(Debug)]
pub struct StoredList {
    parts: Vec<ListPart>,
    read: OnceLock<Partitions>,
    /// Held while the list is read: whoever wants the same list waits instead of reading it again.
    reading: Mutex<()>,
}

impl StoredList {
    /// A list in parts.
    pub fn new(parts: Vec<ListPart>) -> StoredList {
        StoredList { parts, read: OnceLock::new(), reading: Mutex::default() }
    }

    /// The list of what is at hand.
    pub(super) fn of(partitions: Partitions) -> StoredList {
        let read = OnceLock::from(partitions);
        StoredList { parts: Vec::new(), read, reading: Mutex::default() }
    }

    /// What it lists, if it was read.
    pub(super) fn known(&self) -> Option<&Partitions> {
        self.read.get()
    }

    /// Its parts, as they are stored.
    pub fn parts(&self) -> &[ListPart] {
        &self.parts
    }

    /// What it lists; some of its files are read at once.
    ///
    /// # Errors
    /// Those of [`ListFile::read`].
    pub(super) fn partitions(&self, at_once: usize) -> Result<&Partitions> {
        if let Some(read) = self.read.get() {
            return Ok(read);
        }
        let _reading = self.reading.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(read) = self.read.get() {
            return Ok(read);
        }
        let parts = map_at_once(&self.parts, at_once, |part| match part {
            ListPart::File(file) => file.read(),
            ListPart::Here(partitions) => Ok(partitions.clone()),
        })?;
        let mut builder = Builder::default();
        for (part, partitions) in self.parts.iter().zip(parts) {
            match part {
                ListPart::File(file) => builder.push_listed(file.listed(), partitions),
                ListPart::Here(_) => partitions.into_iter().for_each(|one| builder.push(one)),
            }
        }
        Ok(self.read.get_or_init(|| builder.finish()))
    }
}
