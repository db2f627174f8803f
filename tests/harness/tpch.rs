//! TPC-H: its data as `.tbl` files, its tables, and its 22 queries, for whoever tests or measures with them.

use std::fmt::Display;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::thread;

use tpchgen::generators::{
    CustomerGenerator, LineItemGenerator, NationGenerator, OrderGenerator, PartGenerator,
    PartSuppGenerator, RegionGenerator, SupplierGenerator,
};

/// The tables, each after those that it refers to.
pub const TABLES: [&str; 8] =
    ["region", "nation", "supplier", "customer", "part", "partsupp", "orders", "lineitem"];

/// How many queries there are; they are numbered from one.
pub const QUERIES: usize = 22;

/// The file format of `.tbl` files, as `COPY INTO` wants it: each line ends with one more delimiter.
pub const FILE_FORMAT: &str =
    "(TYPE = CSV FIELD_DELIMITER = '|' ERROR_ON_COLUMN_COUNT_MISMATCH = FALSE)";

/// Where tables, queries and answers are written down.
fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tpch")
}

/// The statements that create all tables.
///
/// # Errors
/// When the file cannot be read.
pub fn schema() -> io::Result<Vec<String>> {
    Ok(statements(&fs::read_to_string(folder().join("schema.sql"))?))
}

/// The statements of a query, which may create a view first and drop it in the end.
///
/// # Errors
/// When there is no such query.
pub fn query(number: usize) -> io::Result<Vec<String>> {
    Ok(statements(&fs::read_to_string(folder().join(format!("queries/q{number:02}.sql")))?))
}

/// The answer to a query at scale factor 0.01: a line with the names, then a line a row; cells are
/// separated by `|`.
///
/// # Errors
/// When there is no such query.
pub fn answer(number: usize) -> io::Result<String> {
    fs::read_to_string(folder().join(format!("answers/q{number:02}.csv")))
}

fn statements(text: &str) -> Vec<String> {
    text.split(';').map(str::trim).filter(|sql| !sql.is_empty()).map(str::to_string).collect()
}

/// Writes one table of a scale factor as `TABLE.N.tbl` into a folder, in so many files at once; small
/// tables that do not grow with the scale factor fill one only.
///
/// # Errors
/// When a file cannot be written.
pub fn write_table(folder: &Path, table: &str, scale_factor: f64, files: i32) -> io::Result<()> {
    let files = if matches!(table, "region" | "nation") { 1 } else { files };
    thread::scope(|scope| {
        let writers: Vec<_> = (1..=files)
            .map(|part| {
                let path = folder.join(format!("{table}.{part}.tbl"));
                scope.spawn(move || write_part(&path, table, scale_factor, part, files))
            })
            .collect();
        writers.into_iter().try_for_each(|writer| match writer.join() {
            Ok(written) => written,
            Err(_) => Err(io::Error::other(format!("the generator of {table} failed"))),
        })
    })
}

fn write_part(path: &Path, table: &str, scale: f64, part: i32, parts: i32) -> io::Result<()> {
    match table {
        "region" => write_rows(path, RegionGenerator::new(scale, part, parts)),
        "nation" => write_rows(path, NationGenerator::new(scale, part, parts)),
        "supplier" => write_rows(path, SupplierGenerator::new(scale, part, parts)),
        "customer" => write_rows(path, CustomerGenerator::new(scale, part, parts)),
        "part" => write_rows(path, PartGenerator::new(scale, part, parts)),
        "partsupp" => write_rows(path, PartSuppGenerator::new(scale, part, parts)),
        "orders" => write_rows(path, OrderGenerator::new(scale, part, parts)),
        "lineitem" => write_rows(path, LineItemGenerator::new(scale, part, parts)),
        other => Err(io::Error::other(format!("TPC-H has no table {other}"))),
    }
}

fn write_rows<R: Display>(path: &Path, rows: impl IntoIterator<Item = R>) -> io::Result<()> {
    let mut file = BufWriter::with_capacity(1 << 20, File::create(path)?);
    for row in rows {
        writeln!(file, "{row}")?;
    }
    file.flush()
}
