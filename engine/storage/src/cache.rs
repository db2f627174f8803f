//! What a warehouse keeps in memory of the files it reads.
//!
//! Column chunks are kept decoded, but as narrow as their values allow, not as Parquet pages; footers are
//! kept parsed. Nothing in here ever becomes stale, since files never change. Rows that have no file take
//! room from the same budget.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use firn_column::EncodedColumn;
use firn_types::{ColumnPath, FieldId, PartitionId, SqlType};

use crate::ReadColumn;
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
    Chunk(PartitionId, usize, ChunkOf),
}

/// What a chunk is of: a column, or what is at a path of one as values of a type, which may be another one in a later
/// version of the table.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct ChunkOf {
    column: ColumnPath,
    path_type: Option<SqlType>,
}

impl From<&ReadColumn> for ChunkOf {
    fn from(read: &ReadColumn) -> ChunkOf {
        let path_type = read.column.path.as_ref().map(|_| read.sql_type);
        ChunkOf { column: read.column.clone(), path_type }
    }
}

impl From<FieldId> for ChunkOf {
    fn from(field: FieldId) -> ChunkOf {
        ChunkOf { column: field.into(), path_type: None }
    }
}

#[derive(Clone, Debug)]
enum Content {
    Footer(Arc<Footer>),
    Chunk(EncodedColumn),
    /// What reading pages of a chunk has cost so far, in bytes.
    Pages(u64),
}

/// A chunk is read whole once one part in so many of its cost was paid for pages of it.
const WHOLE_SHARE: u64 = 3;
/// What any read costs by itself, in bytes that are decoded in that time.
const READ_BYTES: u64 = 32 << 10;
/// About what it takes to remember anything.
const ENTRY_BYTES: usize = 256;

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
    /// Bytes of the budget that others use: see [`CacheReservation`].
    lent_bytes: usize,
}

/// Bytes of a cache's budget that somebody else uses; given back when dropped.
#[derive(Debug)]
pub struct CacheReservation {
    cache: Arc<ColumnCache>,
    bytes: usize,
}

impl Drop for CacheReservation {
    fn drop(&mut self) {
        self.cache.state().lent_bytes -= self.bytes;
    }
}

/// The part of the budget that may be lent, so that the cache is never without room of its own.
const LENT_SHARE: usize = 2;

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
            Content::Chunk(_) | Content::Pages(_) => None,
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
        column: &ChunkOf,
    ) -> Option<EncodedColumn> {
        let mut state = self.state();
        match state.get(&Key::Chunk(partition.clone(), row_group, column.clone())) {
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
        column: &ChunkOf,
        chunk: &EncodedColumn,
    ) {
        let bytes = chunk.memory_bytes();
        let key = Key::Chunk(partition.clone(), row_group, column.clone());
        self.put(key, Content::Chunk(chunk.clone()), bytes);
    }

    /// Keeps a chunk for another micro-partition instead, which has the same one.
    pub(crate) fn hand_on(
        &self,
        from: &PartitionId,
        to: &PartitionId,
        row_group: usize,
        column: &ChunkOf,
    ) {
        let mut state = self.state();
        let of = |partition: &PartitionId| Key::Chunk(partition.clone(), row_group, column.clone());
        let Some(entry) = state.remove(&of(from)) else { return };
        let key = of(to);
        state.counts.bytes += entry.bytes;
        state.order.insert(entry.used, key.clone());
        state.entries.insert(key, entry);
    }

    /// Whether to read a whole chunk of `whole` bytes, to keep it, rather than pages of so many bytes: that is
    /// so when they, with all that has been read of it page by page, cost more than a third of what it does.
    /// So never much more is read than if the future were known (ski rental: A. Karlin et al., "Competitive
    /// Snoopy Caching", Algorithmica 1988).
    pub(crate) fn wants_whole(
        &self,
        partition: &PartitionId,
        row_group: usize,
        column: &ChunkOf,
        pages: u64,
        whole: u64,
    ) -> bool {
        let key = Key::Chunk(partition.clone(), row_group, column.clone());
        let before = match self.state().get(&key) {
            Some(Content::Pages(bytes)) => bytes,
            _ => 0,
        };
        let pages = pages.saturating_add(before).saturating_add(READ_BYTES);
        let wants_whole = pages.saturating_mul(WHOLE_SHARE) > whole;
        if !wants_whole {
            self.put(key, Content::Pages(pages), ENTRY_BYTES);
        }
        wants_whole
    }

    fn put(&self, key: Key, content: Content, bytes: usize) {
        let mut state = self.state();
        state.remove(&key);
        let Some(left) = (self.budget_bytes - state.lent_bytes).checked_sub(bytes) else { return };
        state.shrink(left);
        state.tick += 1;
        let used = state.tick;
        state.counts.bytes += bytes;
        state.order.insert(used, key.clone());
        state.entries.insert(key, Entry { content, bytes, used });
    }

    /// Lends a part of the budget to rows that must stay in memory; none when too much is lent already.
    pub fn reserve(self: &Arc<Self>, bytes: usize) -> Option<CacheReservation> {
        let mut state = self.state();
        let lent = state.lent_bytes.checked_add(bytes)?;
        if lent > self.budget_bytes / LENT_SHARE {
            return None;
        }
        state.lent_bytes = lent;
        state.shrink(self.budget_bytes - lent);
        Some(CacheReservation { cache: Arc::clone(self), bytes })
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

    /// Forgets the least recently used entries until no more than `bytes` are left.
    fn shrink(&mut self, bytes: usize) {
        while self.counts.bytes > bytes {
            let Some((_, oldest)) = self.order.pop_first() else { break };
            self.remove(&oldest);
        }
    }

    fn remove(&mut self, key: &Key) -> Option<Entry> {
        let entry = self.entries.remove(key)?;
        self.order.remove(&entry.used);
        self.counts.bytes -= entry.bytes;
        Some(entry)
    }
}

#[cfg(test)]
mod tests {
    use firn_column::Column;
    use firn_types::Value;

    use super::*;

    #[test]
    fn the_least_recently_used_chunk_goes_first() {
        let texts: Vec<Value> =
            (0..100).map(|n| Value::text(format!("a text number {n}"))).collect();
        let column = Column::from_values(SqlType::TEXT, &texts).expect("texts");
        let column = EncodedColumn::of(&column);
        let cache = ColumnCache::new(column.memory_bytes() * 5 / 2);
        let partition = PartitionId("p".to_string());
        let has = |group| cache.chunk(&partition, group, &FieldId(1).into()).is_some();
        cache.put_chunk(&partition, 0, &FieldId(1).into(), &column);
        cache.put_chunk(&partition, 1, &FieldId(1).into(), &column);
        assert!(has(0));
        cache.put_chunk(&partition, 2, &FieldId(1).into(), &column);
        assert!(has(0) && !has(1) && has(2));
        assert!(cache.counts().bytes <= cache.budget_bytes());
        cache.clear();
        assert!(!has(0));
        assert_eq!(cache.counts().bytes, 0);
    }

    #[test]
    fn what_is_lent_is_not_there_for_chunks() {
        let texts: Vec<Value> = (0..100).map(|n| Value::text(format!("text {n:03}"))).collect();
        let column = Column::from_values(SqlType::TEXT, &texts).expect("texts");
        let column = EncodedColumn::of(&column);
        let cache = ColumnCache::new(column.memory_bytes() * 2);
        let partition = PartitionId("p".to_string());
        cache.put_chunk(&partition, 0, &FieldId(1).into(), &column);
        cache.put_chunk(&partition, 1, &FieldId(1).into(), &column);
        let room = cache.reserve(column.memory_bytes()).expect("half of the budget");
        assert!(cache.reserve(1).is_none(), "no more than half");
        assert_eq!(cache.counts().bytes, column.memory_bytes());
        cache.put_chunk(&partition, 0, &FieldId(1).into(), &column);
        assert_eq!(cache.counts().bytes, column.memory_bytes());
        drop(room);
        cache.put_chunk(&partition, 1, &FieldId(1).into(), &column);
        assert_eq!(cache.counts().bytes, 2 * column.memory_bytes());
    }
}
