//! A warehouse: a pool of workers with a memory budget. It runs queries and owns no data.

use std::sync::Arc;

use firn_execute::MemoryBudget;
use firn_storage::ColumnCache;
use firn_types::{Error, Result};

use crate::engine::EngineOptions;

/// Memory that is assumed where the machine does not tell its size.
const MACHINE_BYTES_DEFAULT: usize = 8 << 30;
/// The part of a warehouse's memory that keeps decoded columns.
const CACHE_SHARE: usize = 2;

/// The workers of one warehouse in this process.
#[derive(Debug)]
pub(crate) struct Warehouse {
    /// Its threads.
    pub(crate) pool: Arc<rayon::ThreadPool>,
    /// What operators may use.
    pub(crate) memory: Arc<MemoryBudget>,
    /// Decoded columns of micro-partitions.
    pub(crate) cache: Arc<ColumnCache>,
}

impl Warehouse {
    /// Starts the workers.
    pub(crate) fn start(name: &str, options: &EngineOptions) -> Result<Warehouse> {
        let threads = options.threads.unwrap_or(0);
        let name = name.to_lowercase();
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .thread_name(move |index| format!("{name}-{index}"))
            .build()
            .map_err(|error| Error::internal(format!("cannot start workers: {error}")))?;
        let bytes = options.memory_bytes.unwrap_or_else(|| machine_bytes() / 2);
        let cache_bytes = bytes / CACHE_SHARE;
        Ok(Warehouse {
            pool: Arc::new(pool),
            memory: MemoryBudget::new(bytes - cache_bytes),
            cache: ColumnCache::new(cache_bytes),
        })
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
