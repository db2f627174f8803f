//! What the statements of a process compute with: threads and memory, which all warehouses share.

use std::sync::Arc;

use firn_execute::spill::SpillFolder;
use firn_execute::{MemoryBudget, WorkerPool};
use firn_storage::ColumnCache;
use firn_types::Result;

use crate::engine::EngineOptions;

/// Memory that is assumed where the machine does not tell its size.
const MACHINE_BYTES_DEFAULT: usize = 8 << 30;
/// One part in so many of the memory keeps decoded columns.
const CACHE_SHARE: usize = 2;
/// One part in so many of the memory keeps the rows of results.
const RESULTS_SHARE: usize = 16;

/// The threads and the memory of an engine.
#[derive(Debug)]
pub(crate) struct Compute {
    /// The threads.
    pub(crate) pool: Arc<WorkerPool>,
    /// What the operators of all statements may use.
    pub(crate) memory: Arc<MemoryBudget>,
    /// Decoded columns of micro-partitions.
    pub(crate) cache: Arc<ColumnCache>,
    /// What the rows of results may use before they go to disk.
    pub(crate) results: Arc<MemoryBudget>,
    /// Below it lies what memory does not hold.
    pub(crate) spill_folder: std::path::PathBuf,
}

impl Compute {
    /// Starts the threads and divides the memory.
    ///
    /// # Errors
    /// When the system gives no threads.
    pub(crate) fn start(options: &EngineOptions) -> Result<Compute> {
        let pool = WorkerPool::start(options.threads.unwrap_or(0))?;
        let bytes = options.memory_bytes.unwrap_or_else(|| machine_bytes() / 2);
        let (cache, results) = (bytes / CACHE_SHARE, bytes / RESULTS_SHARE);
        Ok(Compute {
            pool: Arc::new(pool),
            memory: MemoryBudget::new(bytes - cache - results),
            cache: ColumnCache::new(cache),
            results: MemoryBudget::new(results),
            spill_folder: options.spill_folder.clone().unwrap_or_else(std::env::temp_dir),
        })
    }

    /// A folder for what one holder puts on disk.
    pub(crate) fn spill(&self) -> SpillFolder {
        SpillFolder::new(self.spill_folder.clone())
    }
}

/// The machine's memory, or the limit that the process's control group sets below it.
fn machine_bytes() -> usize {
    let read = |path: &str| std::fs::read_to_string(path).ok();
    let total = read("/proc/meminfo").and_then(|text| {
        let line = text.lines().find(|line| line.starts_with("MemTotal:"))?.to_string();
        let kib: usize = line.split_whitespace().nth(1)?.parse().ok()?;
        Some(kib * 1024)
    });
    let limit = read("/sys/fs/cgroup/memory.max").and_then(|text| text.trim().parse().ok());
    let total = total.unwrap_or(MACHINE_BYTES_DEFAULT);
    limit.map_or(total, |limit: usize| limit.min(total))
}
