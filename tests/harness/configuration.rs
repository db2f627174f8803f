//! The ways in which every `.slt` file is run.

/// One way of running an engine.
#[derive(Clone, Copy, Debug)]
pub struct Configuration {
    /// The name, as in the tests' names and in `# skip` lines.
    pub name: &'static str,
    /// Whether the account is on a folder, and opened anew for every statement.
    pub reopen: bool,
    /// Threads of the warehouse.
    pub threads: Option<usize>,
}

/// All configurations.
pub const CONFIGURATIONS: &[Configuration] = &[
    Configuration { name: "memory", reopen: false, threads: Some(4) },
    Configuration { name: "one_thread", reopen: false, threads: Some(1) },
    Configuration { name: "reopen", reopen: true, threads: Some(2) },
];

/// Whether a file asks not to be run in a configuration: a line `# skip <name>: <reason>` in its head.
pub fn skips(text: &str, configuration: &Configuration) -> bool {
    text.lines().take_while(|line| line.is_empty() || line.starts_with('#')).any(|line| {
        line.strip_prefix("# skip ")
            .and_then(|rest| rest.split_once(':'))
            .is_some_and(|(name, reason)| name == configuration.name && !reason.trim().is_empty())
    })
}
