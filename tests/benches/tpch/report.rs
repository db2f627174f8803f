//! A run's figures: saved as JSON, and printed as a table, alone or against an earlier run.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use serde::{Deserialize, Serialize};

/// One run.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Run {
    /// Scale factor.
    pub(crate) scale: f64,
    /// Loading, unless the data was there.
    pub(crate) load: Option<Load>,
    /// The queries, in the order in which they ran.
    pub(crate) queries: Vec<Query>,
    /// Most memory of the process while the queries ran.
    pub(crate) peak_bytes: Option<u64>,
}

/// Loading of all tables.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Load {
    /// Rows of all tables.
    pub(crate) rows: u64,
    /// Time of all COPY statements.
    pub(crate) seconds: f64,
    /// Most memory of the process.
    pub(crate) peak_bytes: Option<u64>,
}

/// One query.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Query {
    /// Its number.
    pub(crate) number: usize,
    /// The time of each hot run.
    pub(crate) seconds: Vec<f64>,
}

impl Query {
    fn least(&self) -> f64 {
        self.seconds.iter().copied().fold(f64::INFINITY, f64::min)
    }

    fn median(&self) -> f64 {
        let mut sorted = self.seconds.clone();
        sorted.sort_by(f64::total_cmp);
        let (low, high) = (sorted.len().saturating_sub(1) / 2, sorted.len() / 2);
        match (sorted.get(low), sorted.get(high)) {
            (Some(low), Some(high)) => f64::midpoint(*low, *high),
            _ => f64::NAN,
        }
    }
}

impl Load {
    fn rows_per_second(&self) -> f64 {
        self.rows as f64 / self.seconds
    }
}

impl Run {
    /// Reads a saved run.
    ///
    /// # Errors
    /// When the file cannot be read, or holds something else.
    pub(crate) fn read(file: &Path) -> io::Result<Run> {
        Ok(serde_json::from_str(&fs::read_to_string(file)?)?)
    }

    /// Saves the run.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub(crate) fn write(&self, file: &Path) -> io::Result<()> {
        fs::write(file, serde_json::to_string_pretty(self)? + "\n")
    }

    fn query(&self, number: usize) -> Option<&Query> {
        self.queries.iter().find(|query| query.number == number)
    }
}

/// Prints a run; against an earlier one, with the ratio of the times: below one is faster than before.
///
/// # Errors
/// When `out` cannot be written to, or the earlier run had another scale factor.
pub(crate) fn print(run: &Run, before: Option<&Run>, out: &mut dyn Write) -> io::Result<()> {
    if let Some(before) = before.filter(|before| before.scale != run.scale) {
        let text = format!("scale factors {} and {} do not compare", run.scale, before.scale);
        return Err(io::Error::other(text));
    }
    print_queries(run, before, out)?;
    print_memory("queries", run.peak_bytes, before.and_then(|before| before.peak_bytes), out)?;
    match &run.load {
        Some(load) => print_load(load, before.and_then(|before| before.load.as_ref()), out),
        None => Ok(()),
    }
}

fn print_queries(run: &Run, before: Option<&Run>, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "TPC-H at scale factor {}; milliseconds", run.scale)?;
    let heads = if before.is_some() { "      before    ratio" } else { "" };
    writeln!(out, "query           least       median{heads}")?;
    let mut line = |name: &str, least: f64, median: f64, then: Option<f64>| {
        let [least, median] = [least, median].map(|seconds| seconds * 1e3);
        write!(out, "{name:<8} {least:>12.1} {median:>12.1}")?;
        match then.map(|seconds| seconds * 1e3) {
            Some(then) => writeln!(out, " {then:>11.1} {:>8.2}", least / then),
            None => writeln!(out),
        }
    };
    let then = |query: &Query| Some(before?.query(query.number)?.least());
    for query in &run.queries {
        line(&query.number.to_string(), query.least(), query.median(), then(query))?;
    }
    // Only queries that both runs have say how the whole changed.
    let common = || run.queries.iter().filter(|query| before.is_none() || then(query).is_some());
    line(
        "geomean",
        geometric_mean(common().map(Query::least)),
        geometric_mean(common().map(Query::median)),
        before.map(|_| geometric_mean(common().filter_map(then))),
    )
}

fn print_load(load: &Load, then: Option<&Load>, out: &mut dyn Write) -> io::Result<()> {
    let speed = |load: &Load| format!("{:.0} rows a second", load.rows_per_second());
    let then_speed = then.map_or(String::new(), |then| format!("; before {}", speed(then)));
    let (rows, seconds) = (load.rows, load.seconds);
    writeln!(out, "load: {rows} rows in {seconds:.1} s, {}{then_speed}", speed(load))?;
    print_memory("load", load.peak_bytes, then.and_then(|then| then.peak_bytes), out)
}

fn print_memory(
    what: &str,
    now: Option<u64>,
    then: Option<u64>,
    out: &mut dyn Write,
) -> io::Result<()> {
    let Some(now) = now else { return Ok(()) };
    let then = then.map_or(String::new(), |then| format!("; before {} MB", then >> 20));
    writeln!(out, "peak memory of {what}: {} MB{then}", now >> 20)
}

fn geometric_mean(values: impl Iterator<Item = f64>) -> f64 {
    let logarithms: Vec<f64> = values.map(f64::ln).collect();
    (logarithms.iter().sum::<f64>() / logarithms.len() as f64).exp()
}
