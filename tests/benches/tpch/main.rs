//! TPC-H as a user would run it: makes the data, loads it, runs the 22 queries hot, and prints what it
//! took. `cargo bench -p firn-tests --bench tpch -- --help` tells the options.
//!
//! The data is made once per scale factor. Runs can be saved, and set against each other. All files that are
//! not given by their whole path lie in `target/tmp`, since cargo runs benchmarks in a folder of its own.

mod report;

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::thread::available_parallelism;
use std::time::Instant;
use std::{env, fs};

use clap::Parser;
use firn_engine::{Cell, Engine, EngineOptions, Session, SessionOptions};
use firn_tests::tpch::{self, FILE_FORMAT, QUERIES, TABLES};

use report::{Load, Query, Run};

type Outcome<T> = Result<T, Box<dyn Error>>;

/// Runs TPC-H.
#[derive(Debug, Parser)]
struct Args {
    /// Scale factor: gigabytes of text, about.
    #[arg(long, default_value_t = 1.0)]
    scale: f64,
    /// Hot runs of each query, after one that is not counted.
    #[arg(long, default_value_t = 5)]
    repetitions: usize,
    /// Numbers of the queries to run, with commas between; all unless given.
    #[arg(long, value_delimiter = ',')]
    queries: Vec<usize>,
    /// Folder of the account; one per scale factor unless given.
    #[arg(long)]
    account: Option<PathBuf>,
    /// Load the data again, and measure that, even if it is there.
    #[arg(long)]
    reload: bool,
    /// Threads; all of the machine's unless given.
    #[arg(long)]
    threads: Option<usize>,
    /// Memory of the warehouse in megabytes; half of the machine's unless given.
    #[arg(long)]
    memory: Option<usize>,
    /// Save the run in this file.
    #[arg(long)]
    save: Option<PathBuf>,
    /// Set the run against the one saved in this file.
    #[arg(long)]
    against: Option<PathBuf>,
    /// Run nothing, but take the run saved in this file.
    #[arg(long)]
    saved: Option<PathBuf>,
    /// Load, print what it took, and leave: what the benchmark tells another process of itself.
    #[arg(long, hide = true)]
    load_only: bool,
    /// What cargo says to every benchmark.
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> ExitCode {
    // As the binary does, so that memory and time are those of the product.
    firn_allocator::keep_freed_memory(None);
    match run(&Args::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// The place of a file or folder that belongs to the benchmark.
fn place(path: impl AsRef<Path>) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(path)
}

fn run(args: &Args) -> Outcome<()> {
    let mut out = std::io::stdout().lock();
    if args.load_only {
        let load = load(args, &account(args))?;
        return Ok(serde_json::to_writer(&mut out, &load)?);
    }
    let run = match &args.saved {
        Some(file) => Run::read(&place(file))?,
        None => measure(args)?,
    };
    if let Some(file) = &args.save {
        run.write(&place(file))?;
    }
    let before = args.against.as_ref().map(|file| Run::read(&place(file))).transpose()?;
    Ok(report::print(&run, before.as_ref(), &mut out)?)
}

fn account(args: &Args) -> PathBuf {
    place(args.account.clone().unwrap_or_else(|| format!("tpch-{}", args.scale).into()))
}

fn measure(args: &Args) -> Outcome<Run> {
    let account = account(args);
    let load = if args.reload || !account.exists() { Some(load_apart()?) } else { None };
    let mut session = open(args, &account)?;
    session.execute("ALTER SESSION SET USE_CACHED_RESULT = FALSE")?;
    session.execute("USE SCHEMA tpch")?;
    let numbers = match args.queries.as_slice() {
        [] => (1..=QUERIES).collect(),
        some => some.to_vec(),
    };
    let queries = numbers.into_iter().map(|number| query(args, &mut session, number));
    let queries = queries.collect::<Outcome<_>>()?;
    Ok(Run { scale: args.scale, load, queries, peak_bytes: peak_bytes() })
}

fn open(args: &Args, account: &Path) -> Outcome<Session> {
    let options = EngineOptions {
        threads: args.threads,
        memory_bytes: args.memory.map(|megabytes| megabytes << 20),
        ..EngineOptions::default()
    };
    Ok(Engine::open(&account.to_string_lossy(), options)?.session(SessionOptions::default())?)
}

/// Loads in a process of its own, so that what it has left in memory does not count for the queries.
fn load_apart() -> Outcome<Load> {
    let mut process = Command::new(env::current_exe()?);
    process.args(env::args_os().skip(1)).arg("--load-only").stderr(Stdio::inherit());
    let output = process.output()?;
    if !output.status.success() {
        return Err("the data could not be loaded".into());
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// Makes the tables one by one, so that the text of one only lies on the disk at a time.
fn load(args: &Args, account: &Path) -> Outcome<Load> {
    if account.exists() {
        fs::remove_dir_all(account)?;
    }
    let text = account.with_extension("text");
    let loaded = load_tables(args, account, &text);
    if text.exists() {
        fs::remove_dir_all(&text)?;
    }
    if loaded.is_err() && account.exists() {
        fs::remove_dir_all(account)?;
    }
    loaded
}

fn load_tables(args: &Args, account: &Path, text: &Path) -> Outcome<Load> {
    let mut session = open(args, account)?;
    session.execute("CREATE SCHEMA tpch")?;
    for sql in tpch::schema()? {
        session.execute(&sql)?;
    }
    let files = i32::try_from(available_parallelism()?.get() * 2)?;
    let mut load = Load { rows: 0, seconds: 0.0, peak_bytes: None };
    for table in TABLES {
        eprintln!("making and loading {table}");
        fs::create_dir_all(text)?;
        tpch::write_table(text, table, args.scale, files)?;
        let from = fs::canonicalize(text)?;
        let copy = format!(
            "COPY INTO {table} FROM 'file://{}/' FILE_FORMAT = {FILE_FORMAT}",
            from.display()
        );
        let begin = Instant::now();
        session.execute(&copy)?;
        load.seconds += begin.elapsed().as_secs_f64();
        load.rows += count(&mut session, table)?;
        fs::remove_dir_all(text)?;
    }
    load.peak_bytes = peak_bytes();
    Ok(load)
}

fn count(session: &mut Session, table: &str) -> Outcome<u64> {
    let result = session.execute(&format!("SELECT COUNT(*) FROM {table}"))?;
    match result.cells()?.first().and_then(|row| row.first()) {
        Some(Cell::Text(rows)) => Ok(rows.parse()?),
        _ => Err("COUNT(*) has no answer".into()),
    }
}

fn query(args: &Args, session: &mut Session, number: usize) -> Outcome<Query> {
    let statements = tpch::query(number).map_err(|error| format!("query {number}: {error}"))?;
    let mut seconds = Vec::with_capacity(args.repetitions);
    for repetition in 0..=args.repetitions {
        let begin = Instant::now();
        for sql in &statements {
            session.execute(sql).map_err(|failure| format!("query {number}: {failure}"))?;
        }
        if repetition > 0 {
            seconds.push(begin.elapsed().as_secs_f64());
        }
    }
    Ok(Query { number, seconds })
}

/// The most memory that the process has held, in bytes, where the system tells.
fn peak_bytes() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kilobytes: u64 = line.trim().trim_end_matches("kB").trim().parse().ok()?;
    Some(kilobytes << 10)
}
