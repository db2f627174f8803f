//! The command line.

use std::path::PathBuf;

use clap::{ArgAction, Parser, Subcommand};
use firn_engine::{Allowed, EngineOptions, InterpreterChoice, KeySource, Reach, SecretKeys};

/// A columnar analytical warehouse that speaks Snowflake's SQL, in one binary on a folder or a bucket.
#[derive(Debug, Default, Parser)]
#[command(name = "firn", version, disable_version_flag = true, after_help = AFTER_HELP)]
#[command(args_conflicts_with_subcommands = true, disable_help_subcommand = true)]
pub(crate) struct Args {
    /// The account: a folder, an object-store URL, or ':memory:' (default: ./firn_data)
    #[arg(value_name = "ACCOUNT")]
    pub(crate) place: Option<String>,

    /// The account, as an option
    #[arg(short, long, value_name = "ACCOUNT", conflicts_with = "place")]
    pub(crate) account: Option<String>,

    /// A connection of the configuration file, or of Snowflake's connections.toml
    #[arg(short, long, value_name = "NAME")]
    pub(crate) connection: Option<String>,

    /// The configuration file
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,

    /// The database to use
    #[arg(short, long, value_name = "DATABASE")]
    pub(crate) dbname: Option<String>,

    /// The schema to use
    #[arg(short, long, value_name = "SCHEMA")]
    pub(crate) schemaname: Option<String>,

    /// The warehouse to use
    #[arg(short, long, value_name = "WAREHOUSE")]
    pub(crate) warehouse: Option<String>,

    /// The role to use
    #[arg(short, long, value_name = "ROLE")]
    pub(crate) rolename: Option<String>,

    /// The user's name
    #[arg(short, long, value_name = "USER")]
    pub(crate) username: Option<String>,

    /// The server to connect to, instead of opening an account
    #[arg(long, value_name = "HOST", conflicts_with_all = ["place", "account"])]
    pub(crate) host: Option<String>,

    /// The server's port (default: 8084)
    #[arg(long, value_name = "PORT")]
    pub(crate) port: Option<u16>,

    /// How to speak with the server: http or https (default: https, and http with this machine)
    #[arg(long, value_name = "PROTOCOL")]
    pub(crate) protocol: Option<String>,

    /// Memory of the warehouses, such as 512MB or 4GB (default: half of the machine's)
    #[arg(long, value_name = "SIZE", value_parser = bytes_of)]
    pub(crate) memory: Option<usize>,

    /// The key that an encrypted account is sealed under: FILE, env:NAME or command:TEXT; a new account is made so
    #[arg(long, value_name = "SOURCE")]
    pub(crate) key: Option<KeySource>,

    /// A file with the key that seals secrets (default: FIRN_KEY, FIRN_KEY_FILE, or firn/keys in the configuration folder)
    #[arg(long, value_name = "FILE")]
    pub(crate) key_file: Option<PathBuf>,

    /// A variable for &name substitution; may be repeated
    #[arg(short = 'D', long, value_name = "NAME=VALUE")]
    pub(crate) variable: Vec<String>,

    /// An option of the shell, as '!options' lists them; may be repeated
    #[arg(short, long, value_name = "NAME=VALUE")]
    pub(crate) option: Vec<String>,

    /// Run these statements and leave
    #[arg(short, long, value_name = "SQL")]
    pub(crate) query: Vec<String>,

    /// Run a script and leave ('-' for standard input); may be repeated
    #[arg(short, long, value_name = "FILE")]
    pub(crate) filename: Vec<String>,

    /// Print the version
    #[arg(short = 'v', short_alias = 'V', long, action = ArgAction::Version)]
    version: Option<bool>,

    /// What to do other than running statements
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

impl Args {
    /// The memory that an engine of this process may use, if somebody has said it.
    pub(crate) fn memory_bytes(&self) -> Option<usize> {
        match &self.command {
            Some(Command::Serve(args)) => args.memory,
            Some(Command::RunTasks(args)) => args.memory,
            Some(Command::Key(_)) => None,
            None => self.memory,
        }
    }
}

/// What the binary does other than running statements.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Serve the account to Snowflake's own clients
    Serve(ServeArgs),
    /// Run the tasks that are due; a server does so by itself
    RunTasks(RunTasksArgs),
    /// Make a file with a new key, or put one in the place of an encrypted account's
    Key(KeyArgs),
}

/// Which key to make or change.
#[derive(Debug, clap::Args)]
pub(crate) struct KeyArgs {
    /// Make a file with a new key
    #[arg(long, value_name = "FILE", conflicts_with_all = ["account", "key", "new_key"])]
    pub(crate) make: Option<PathBuf>,

    /// The account: a folder or an object-store URL (default: ./firn_data)
    #[arg(short, long, value_name = "ACCOUNT")]
    pub(crate) account: Option<String>,

    /// The key that it is encrypted under
    #[arg(long, value_name = "SOURCE", required_unless_present = "make")]
    pub(crate) key: Option<KeySource>,

    /// The key that takes its place
    #[arg(long, value_name = "SOURCE", required_unless_present = "make")]
    pub(crate) new_key: Option<KeySource>,
}

/// Which tasks to run.
#[derive(Debug, clap::Args)]
pub(crate) struct RunTasksArgs {
    /// The account: a folder or an object-store URL (default: ./firn_data)
    #[arg(short, long, value_name = "ACCOUNT")]
    pub(crate) account: Option<String>,

    /// Go on with tasks that become due for so many seconds; without it, those that are due now run once
    #[arg(long, value_name = "SECONDS")]
    pub(crate) seconds: Option<u64>,

    #[command(flatten)]
    pub(crate) allowed: AllowedArgs,

    /// Memory of the warehouses, such as 512MB or 4GB (default: half of the machine's)
    #[arg(long, value_name = "SIZE", value_parser = bytes_of)]
    pub(crate) memory: Option<usize>,

    /// The key that an encrypted account is sealed under: FILE, env:NAME or command:TEXT; a new account is made so
    #[arg(long, value_name = "SOURCE")]
    pub(crate) key: Option<KeySource>,

    /// A file with the key that seals secrets
    #[arg(long, value_name = "FILE")]
    pub(crate) key_file: Option<PathBuf>,
}

/// What of this machine statements reach that others have written.
#[derive(Debug, clap::Args)]
pub(crate) struct AllowedArgs {
    /// A folder of this machine that statements may reach by 'file://'; may be repeated
    #[arg(long, value_name = "FOLDER")]
    local_folder: Vec<String>,

    /// A place that statements may reach with the credentials of this process's environment, such as 's3://bucket/folder/'
    /// ('s3://' for all), or a server of stores in its network, such as 'http://10.0.0.1:9000'; may be repeated
    #[arg(long, value_name = "URL", value_parser = store_of)]
    store: Vec<String>,

    /// Let functions and procedures in Python run, with the rights of this process: whoever makes them may do on this
    /// machine what its user may. With the interpreter at a path, or else python3
    #[arg(long, value_name = "PATH", num_args = 0..=1, require_equals = true)]
    python: Option<Option<PathBuf>>,
}

impl AllowedArgs {
    /// As the engine takes it.
    pub(crate) fn allowed(&self) -> Allowed {
        Allowed { folders: self.local_folder.clone(), stores: self.store.clone() }
    }

    /// What runs Python.
    fn interpreter(&self) -> InterpreterChoice {
        match &self.python {
            None => InterpreterChoice::Off,
            Some(None) => InterpreterChoice::OfEnvironment,
            Some(Some(path)) => InterpreterChoice::At(path.clone()),
        }
    }
}

/// How to serve.
#[derive(Debug, clap::Args)]
pub(crate) struct ServeArgs {
    /// The account: a folder, an object-store URL, or ':memory:' (default: ./firn_data)
    #[arg(short, long, value_name = "ACCOUNT")]
    pub(crate) account: Option<String>,

    /// Where to listen
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:8084")]
    pub(crate) listen: String,

    /// Let in everybody on this machine, as any user, without a password
    #[arg(long)]
    pub(crate) trust_local: bool,

    /// Encrypt: the certificate's file and its key's, or a folder in which they are made
    #[arg(long, value_name = "CERT,KEY|FOLDER")]
    pub(crate) tls: Option<String>,

    #[command(flatten)]
    pub(crate) allowed: AllowedArgs,

    /// A file that gets a line of JSON for each request; '-' is standard error
    #[arg(long, value_name = "FILE")]
    pub(crate) log: Option<PathBuf>,

    /// Memory of the warehouses, such as 512MB or 4GB (default: half of the machine's)
    #[arg(long, value_name = "SIZE", value_parser = bytes_of)]
    pub(crate) memory: Option<usize>,

    /// The key that an encrypted account is sealed under: FILE, env:NAME or command:TEXT; a new account is made so
    #[arg(long, value_name = "SOURCE")]
    pub(crate) key: Option<KeySource>,

    /// A file with the key that seals secrets (default: FIRN_KEY, FIRN_KEY_FILE, or firn/keys in the configuration folder)
    #[arg(long, value_name = "FILE")]
    pub(crate) key_file: Option<PathBuf>,
}

/// A place that statements may reach.
fn store_of(text: &str) -> Result<String, String> {
    match text.split_once("://") {
        Some(("s3" | "http" | "https", _)) => Ok(text.to_string()),
        _ => Err("expected a URL that begins with s3://, http:// or https://".to_string()),
    }
}

/// How the engine is opened: its memory, and the file that a key is in.
pub(crate) fn engine_options(
    memory: Option<usize>,
    key_file: Option<&PathBuf>,
    key: Option<&KeySource>,
) -> EngineOptions {
    let keys = key_file.map_or(SecretKeys::OfUser, |file| SecretKeys::File(file.clone()));
    EngineOptions { memory_bytes: memory, keys, at_rest: key.cloned(), ..EngineOptions::default() }
}

/// The same for a process that runs what others have written.
pub(crate) fn options_for_others(
    memory: Option<usize>,
    key_file: Option<&PathBuf>,
    key: Option<&KeySource>,
    allowed: &AllowedArgs,
) -> EngineOptions {
    let tasks_reach = Reach::Elsewhere(allowed.allowed());
    let python = allowed.interpreter();
    EngineOptions { tasks_reach, python, ..engine_options(memory, key_file, key) }
}

const AFTER_HELP: &str = "\
Without -q and -f, firn opens a shell on a terminal, and runs what comes through a pipe.
A batch run stops at the first error with exit code 1, unless -o exit_on_error=false.
Exit codes: 0 fine, 1 a statement failed, 2 wrong arguments or configuration, 3 no such account.";

/// Cuts `name=value`.
///
/// # Errors
/// A message when there is no `=` or no name.
pub(crate) fn name_and_value(text: &str) -> Result<(&str, &str), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.trim().is_empty() => Ok((name.trim(), value.trim())),
        _ => Err(format!("'{text}' is not of the form name=value")),
    }
}

/// Reads a size: a number of bytes, or of KB, MB, GB or TB, each 1024 of the one before.
///
/// # Errors
/// A message when it is no size.
fn bytes_of(text: &str) -> Result<usize, String> {
    let upper = text.trim().to_ascii_uppercase();
    let digits = upper.trim_end_matches(|c: char| !c.is_ascii_digit());
    let shift = match upper[digits.len()..].trim() {
        "" | "B" => 0,
        "K" | "KB" => 10,
        "M" | "MB" => 20,
        "G" | "GB" => 30,
        "T" | "TB" => 40,
        _ => return Err(format!("'{text}' is no size such as 512MB or 4GB")),
    };
    let bytes = digits.parse::<usize>().ok().and_then(|count| count.checked_mul(1 << shift));
    bytes.ok_or_else(|| format!("'{text}' is no size such as 512MB or 4GB"))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_table_of_flags_is_sound() {
        Args::command().debug_assert();
    }

    #[test]
    fn flags_repeat() {
        let args =
            Args::parse_from(["firn", "-f", "a.sql", "-f", "-", "-o", "timing=true", "-Dx=1"]);
        assert_eq!(args.filename, ["a.sql", "-"]);
        assert_eq!(name_and_value(&args.variable[0]), Ok(("x", "1")));
        assert!(name_and_value("=1").is_err());
    }

    #[test]
    fn sizes_have_units() {
        assert_eq!(bytes_of("4096"), Ok(4096));
        assert_eq!(bytes_of("512mb"), Ok(512 << 20));
        assert_eq!(bytes_of("4 GB"), Ok(4 << 30));
        for wrong in ["", "GB", "-1", "1.5GB", "4XB", "99999999999999999999", "99999999999TB"] {
            assert!(bytes_of(wrong).is_err(), "{wrong}");
        }
    }
}
