//! TPC-H at a hundredth of scale factor 1: loaded as a user would, all 22 queries of the specification, and
//! the answers that another engine gave over the same data.
//!
//! The tables are loaded twice: from `.tbl` files through a stage, and from the Parquet files that the first
//! ones are unloaded into.

use std::path::Path;
use std::sync::LazyLock;

use firn_engine::Cell;
use firn_tests::tpch::{self, FILE_FORMAT, QUERIES, TABLES};
use firn_tests::{CONFIGURATIONS, Connection, EngineUnderTest};
use libtest_mimic::{Arguments, Failed, Trial};
use tempfile::TempDir;

/// A hundredth of the specification's smallest database.
const SCALE_FACTOR: f64 = 0.01;

/// Averages and shares are rounded differently by other engines, in their last digits.
const RELATIVE_TOLERANCE: f64 = 1e-5;

/// The engine with the loaded tables, in the schemas TBL and PARQUET.
static ENGINE: LazyLock<Result<EngineUnderTest, String>> =
    LazyLock::new(|| loaded().map_err(|error| error.to_string()));

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

fn main() {
    let arguments = Arguments::from_args();
    let mut trials = Vec::new();
    for schema in ["tbl", "parquet"] {
        for number in 1..=QUERIES {
            let name = format!("{schema}::q{number:02}");
            trials.push(Trial::test(name, move || run_query(schema, number)));
        }
    }
    libtest_mimic::run(&arguments, trials).exit();
}

fn loaded() -> Outcome<EngineUnderTest> {
    let files = TempDir::new()?;
    write_tables(files.path())?;
    let engine = EngineUnderTest::new(CONFIGURATIONS[0])?;
    let mut session = engine.connect()?;
    run(&mut session, "CREATE STAGE public.files")?;
    run(&mut session, &format!("PUT file://{}/*.tbl @public.files/tbl", files.path().display()))?;
    for name in ["tbl", "parquet"] {
        run(&mut session, &format!("CREATE SCHEMA {name}"))?;
        tpch::schema()?.iter().try_for_each(|sql| run(&mut session, sql))?;
    }
    for table in TABLES {
        let copy = format!(
            "COPY INTO tbl.{table} FROM @public.files/tbl/{table}. FILE_FORMAT = {FILE_FORMAT}"
        );
        run(&mut session, &copy)?;
        let stage = format!("@public.files/parquet/{table}/");
        run(
            &mut session,
            &format!(
                "COPY INTO {stage} FROM tbl.{table} FILE_FORMAT = (TYPE = PARQUET) HEADER = TRUE"
            ),
        )?;
        let by_name = "FILE_FORMAT = (TYPE = PARQUET) MATCH_BY_COLUMN_NAME = CASE_INSENSITIVE";
        run(&mut session, &format!("COPY INTO parquet.{table} FROM {stage} {by_name}"))?;
    }
    Ok(engine)
}

fn run(session: &mut Connection, sql: &str) -> Outcome<()> {
    session.execute(sql).map(|_| ()).map_err(|failure| format!("{sql}: {failure}").into())
}

fn write_tables(folder: &Path) -> std::io::Result<()> {
    TABLES.into_iter().try_for_each(|table| tpch::write_table(folder, table, SCALE_FACTOR, 1))
}

/// Runs the query's file, whose one SELECT may stand between a view's creation and its end.
fn run_query(schema: &str, number: usize) -> Result<(), Failed> {
    let mut session = ENGINE.as_ref()?.connect()?;
    session.execute(&format!("USE SCHEMA {schema}"))?;
    let mut answer = None;
    for sql in tpch::query(number)? {
        let result = session.execute(&sql)?;
        if sql.to_ascii_lowercase().starts_with("select") {
            let names: Vec<Cell> =
                result.fields.iter().map(|field| Cell::Text(field.name.clone())).collect();
            let mut rows = vec![names];
            rows.extend(result.cells()?);
            answer = Some(rows);
        }
    }
    compare(&answer.ok_or("no SELECT in the file")?, &tpch::answer(number)?)
}

fn compare(answer: &[Vec<Cell>], expected: &str) -> Result<(), Failed> {
    for (number, (row, line)) in answer.iter().zip(expected.lines()).enumerate() {
        let same = row.len() == line.split('|').count()
            && row.iter().zip(line.split('|')).all(|(cell, expected)| is_same(cell, expected));
        if !same {
            return Err(format!("row {number}:\n  expected {line}\n  got      {row:?}").into());
        }
    }
    if answer.len() != expected.lines().count() {
        return Err(format!("{} rows, expected {}", answer.len(), expected.lines().count()).into());
    }
    Ok(())
}

fn is_same(cell: &Cell, expected: &str) -> bool {
    let Cell::Text(text) = cell else { return expected.is_empty() };
    match (text.parse::<f64>(), expected.parse::<f64>()) {
        (Ok(one), Ok(other)) => (one - other).abs() <= RELATIVE_TOLERANCE * other.abs().max(1.0),
        _ => text == expected,
    }
}
