//! The ways in which every `.slt` file is run.

/// Where a test's account is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// In memory.
    Memory,
    /// On a folder, which is opened anew for every statement.
    Folder,
    /// In a bucket; every connection is a process of its own.
    Bucket,
}

/// One way of running an engine.
#[derive(Clone, Copy, Debug)]
pub struct Configuration {
    /// The name, as in the tests' names and in `# skip` lines.
    pub name: &'static str,
    /// Where the account is.
    pub place: Place,
    /// Threads of the warehouse.
    pub threads: usize,
    /// Bytes of memory of the warehouse.
    pub memory_bytes: Option<usize>,
    /// Rows that operators get at once.
    pub batch_rows_max: Option<usize>,
    /// Whether optimizer rules run without which plans can be executed, too.
    pub rules: bool,
    /// Whether the account is encrypted at rest.
    pub encrypted: bool,
}

const PLAIN: Configuration = Configuration {
    name: "memory",
    place: Place::Memory,
    threads: 4,
    memory_bytes: None,
    batch_rows_max: None,
    rules: true,
    encrypted: false,
};

/// All configurations.
pub const CONFIGURATIONS: &[Configuration] = &[
    PLAIN,
    Configuration { name: "one_thread", threads: 1, ..PLAIN },
    Configuration { name: "reopen", place: Place::Folder, threads: 2, encrypted: true, ..PLAIN },
    Configuration { name: "bucket", place: Place::Bucket, threads: 2, ..PLAIN },
    Configuration { name: "little_memory", threads: 2, memory_bytes: Some(64 << 10), ..PLAIN },
    Configuration { name: "no_rules", threads: 2, rules: false, ..PLAIN },
    Configuration { name: "small_batches", threads: 2, batch_rows_max: Some(2), ..PLAIN },
];

/// Whether a file asks not to be run in a configuration: a line `# skip <name>: <reason>` in its head.
pub fn skips(text: &str, configuration: &Configuration) -> bool {
    text.lines().take_while(|line| line.is_empty() || line.starts_with('#')).any(|line| {
        line.strip_prefix("# skip ")
            .and_then(|rest| rest.split_once(':'))
            .is_some_and(|(name, reason)| name == configuration.name && !reason.trim().is_empty())
    })
}
