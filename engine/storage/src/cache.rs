//! What a warehouse keeps in memory of the files it reads.
//!
//! Column chunks are kept decoded, but as narrow as their values allow, not as Parquet pages; footers are
//! kept parsed. Nothing in here ever becomes stale, since files never change.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use firn_column::Narrow;
use firn_types::{FieldId, PartitionId};

use crate::partition::Footer;

/// Decoded column chunks and footers within a budget of bytes; the least recently used go first.
/// Shared by all workers of a warehouse.
#[derive(Debug)]
pub struct ColumnCache {
    budget_bytes: usize,
    state: Mutex<State>,
}

/// How a cache has done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CacheCounts {
    /// Bytes held.
    pub bytes: usize,
    /// Chunks that were there.
    pub hits: u64,
    /// Chunks that had to be read.
    pub misses: u64,
}

/// What an entry is of.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Key {
    Footer(PartitionId),
    Chunk(PartitionId, usize, FieldId),
}

#[derive(Clone, Debug)]
enum Content {
    Footer(Arc<Footer>),
    Chunk(Narrow),
}

#[derive(Debug)]
struct Entry {
    content: Content,
    bytes: usize,
    used: u64,
}

#[derive(Debug, Default)]
struct State {
    entries: HashMap<Key, Entry>,
    /// Keys by when they were last used.
    order: BTreeMap<u64, Key>,
    tick: u64,
    counts: CacheCounts,
}

impl ColumnCache {
    /// An empty cache of at most `budget_bytes`; 0 keeps nothing.
    pub fn new(budget_bytes: usize) -> Arc<ColumnCache> {
        Arc::new(ColumnCache { budget_bytes, state: Mutex::default() })
    }

    /// The most bytes that it holds.
    pub fn budget_bytes(&self) -> usize {
        self.budget_bytes
    }

    /// How it has done so far.
    pub fn counts(&self) -> CacheCounts {
        self.state().counts
    }

    /// Forgets everything.
    pub fn clear(&self) {
        let mut state = self.state();
        state.entries.clear();
        state.order.clear();
        state.counts.bytes = 0;
    }

    pub(crate) fn footer(&self, partition: &PartitionId) -> Option<Arc<Footer>> {
        match self.state().get(&Key::Footer(partition.clone()))? {
            Content::Footer(footer) => Some(footer),
            Content::Chunk(_) => None,
        }
    }

    pub(crate) fn put_footer(&self, partition: &PartitionId, footer: &Arc<Footer>) {
        let bytes = footer.memory_bytes();
        self.put(Key::Footer(partition.clone()), Content::Footer(Arc::clone(footer)), bytes);
    }

    pub(crate) fn chunk(
        &self,
        partition: &PartitionId,
        row_group: usize,
        field: FieldId,
    ) -> Option<Narrow> {
        let mut state = self.state();
        match state.get(&Key::Chunk(partition.clone(), row_group, field)) {
            Some(Content::Chunk(column)) => {
                state.counts.hits += 1;
                Some(column)
            }
            _ => {
                state.counts.misses += 1;
                None
            }
        }
    }

    pub(crate) fn put_chunk(
        &self,
        partition: &PartitionId,
        row_group: usize,
        field: FieldId,
        column: &Narrow,
    ) {
        let bytes = column.memory_bytes();
        let key = Key::Chunk(partition.clone(), row_group, field);
        self.put(key, Content::Chunk(column.clone()), bytes);
    }

    fn put(&self, key: Key, content: Content, bytes: usize) {
        if bytes > self.budget_bytes {
            return;
        }
        let mut state = self.state();
        state.remove(&key);
        while state.counts.bytes + bytes > self.budget_bytes {
            let Some((_, oldest)) = state.order.pop_first() else { break };
            state.remove(&oldest);
        }
        state.tick += 1;
        let used = state.tick;
        state.counts.bytes += bytes;
        state.order.insert(used, key.clone());
        state.entries.insert(key, Entry { content, bytes, used });
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn get(&mut self, key: &Key) -> Option<Content> {
        self.tick += 1;
        let entry = self.entries.get_mut(key)?;
        self.order.remove(&entry.used);
        entry.used = self.tick;
        self.order.insert(self.tick, key.clone());
        Some(entry.content.clone())
    }

    fn remove(&mut self, key: &Key) {
        if let Some(entry) = self.entries.remove(key) {
            self.order.remove(&entry.used);
            self.counts.bytes -= entry.bytes;
        }
    }
}

#[cfg(test)]
mod tests {
    use firn_column::Column;
    use firn_types::{SqlType, Value};

    use super::*;

    #[test]
    fn the_least_recently_used_chunk_goes_first() {
        let texts: Vec<Value> =
            (0..100).map(|n| Value::text(format!("a text number {n}"))).collect();
        let column = Column::from_values(SqlType::TEXT, &texts).expect("texts");
        let column = Narrow::of(&column);
        let cache = ColumnCache::new(column.memory_bytes() * 5 / 2);
        let partition = PartitionId("p".to_string());
        let has = |group| cache.chunk(&partition, group, FieldId(1)).is_some();
        cache.put_chunk(&partition, 0, FieldId(1), &column);
        cache.put_chunk(&partition, 1, FieldId(1), &column);
        assert!(has(0));
        cache.put_chunk(&partition, 2, FieldId(1), &column);
        assert!(has(0) && !has(1) && has(2));
        assert!(cache.counts().bytes <= cache.budget_bytes());
        cache.clear();
        assert!(!has(0));
        assert_eq!(cache.counts().bytes, 0);
    }
}
