//! How much a refresh costs that carries over what has changed, beside one that computes everything anew:
//! `cargo bench -p firn-tests --bench refresh -- --scale 1`.
//!
//! Dynamic tables that join TPC-H's lineitem, orders and customer and sum the result, by keys of different coarseness,
//! after a thousandth of lineitem has changed; and one that filters it, after one row has.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use clap::Parser;
use firn_engine::{Cell, Engine, EngineOptions, Session, SessionOptions};
use firn_tests::tpch;

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

/// The queries, each with a name.
const QUERIES: [(&str, &str); 3] = [
    (
        "by_order",
        "SELECT l_orderkey, o_orderdate, c_mktsegment, SUM(l_extendedprice * (1 - l_discount)) AS revenue, COUNT(*) AS n \
         FROM lineitem JOIN orders ON o_orderkey = l_orderkey JOIN customer ON c_custkey = o_custkey \
         GROUP BY l_orderkey, o_orderdate, c_mktsegment",
    ),
    (
        "by_customer",
        "SELECT c_custkey, c_name, SUM(l_extendedprice * (1 - l_discount)) AS revenue, COUNT(*) AS n \
         FROM lineitem JOIN orders ON o_orderkey = l_orderkey JOIN customer ON c_custkey = o_custkey \
         GROUP BY c_custkey, c_name",
    ),
    (
        "by_segment",
        "SELECT c_mktsegment, SUM(l_extendedprice) AS revenue, SUM(l_quantity) AS quantity, COUNT(*) AS n \
         FROM lineitem JOIN orders ON o_orderkey = l_orderkey JOIN customer ON c_custkey = o_custkey \
         GROUP BY c_mktsegment",
    ),
];

#[derive(Parser)]
struct Args {
    /// TPC-H's scale factor.
    #[arg(long, default_value_t = 1.0)]
    scale: f64,
    /// How often each refresh is measured.
    #[arg(long, default_value_t = 5)]
    repetitions: u32,
    /// What cargo says to every benchmark.
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> Outcome<()> {
    // As the binary does, so that time is that of the product.
    firn_allocator::keep_freed_memory(None);
    let args = Args::parse();
    let engine = Engine::open(":memory:", EngineOptions::default())?;
    let mut session = engine.session(SessionOptions::default())?;
    load(&mut session, args.scale)?;
    for (name, query) in QUERIES {
        for (kind, mode) in [("", "INCREMENTAL"), ("_full", "FULL")] {
            session.execute(&format!(
                "CREATE DYNAMIC TABLE {name}{kind} TARGET_LAG = DOWNSTREAM WAREHOUSE = compute_wh \
                 REFRESH_MODE = {mode} AS {query}"
            ))?;
        }
        let (mut carried, mut full) = (Vec::new(), Vec::new());
        for round in 0..args.repetitions {
            session.execute(&format!(
                "UPDATE lineitem SET l_quantity = l_quantity + 1, l_extendedprice = l_extendedprice + 1 \
                 WHERE (l_orderkey * 7 + l_linenumber) % 1000 = {round}"
            ))?;
            carried.push(timed(&mut session, &format!("ALTER DYNAMIC TABLE {name} REFRESH"))?);
            full.push(timed(&mut session, &format!("ALTER DYNAMIC TABLE {name}_full REFRESH"))?);
        }
        let different = format!(
            "SELECT COUNT(*) FROM ((SELECT * FROM {name} MINUS SELECT * FROM {name}_full) \
             UNION ALL (SELECT * FROM {name}_full MINUS SELECT * FROM {name}))"
        );
        assert_eq!(number(&mut session, &different)?, "0", "{name} has other rows than its query");
        report(name, &carried, Some(&full));
    }
    session.execute(
        "CREATE DYNAMIC TABLE large TARGET_LAG = DOWNSTREAM WAREHOUSE = compute_wh REFRESH_MODE = INCREMENTAL \
         AS SELECT l_orderkey, l_linenumber, l_quantity FROM lineitem WHERE l_quantity > 10",
    )?;
    let mut carried = Vec::new();
    for round in 0..4 * args.repetitions {
        session.execute(&format!(
            "UPDATE lineitem SET l_quantity = 20 + {round} WHERE l_orderkey = 1 AND l_linenumber = 1"
        ))?;
        carried.push(timed(&mut session, "ALTER DYNAMIC TABLE large REFRESH")?);
    }
    report("one row", &carried, None);
    Ok(())
}

fn load(session: &mut Session, scale: f64) -> Outcome<()> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("refresh");
    for sql in tpch::schema()? {
        session.execute(&sql)?;
    }
    for table in ["customer", "orders", "lineitem"] {
        fs::create_dir_all(&folder)?;
        tpch::write_table(&folder, table, scale, 2)?;
        let from = fs::canonicalize(&folder)?;
        let format = tpch::FILE_FORMAT;
        let copied = session.execute(&format!(
            "COPY INTO {table} FROM 'file://{}/' FILE_FORMAT = {format}",
            from.display()
        ));
        fs::remove_dir_all(&folder)?;
        copied?;
    }
    Ok(())
}

fn timed(session: &mut Session, sql: &str) -> Outcome<Duration> {
    let start = Instant::now();
    session.execute(sql)?;
    Ok(start.elapsed())
}

fn number(session: &mut Session, sql: &str) -> Outcome<String> {
    match session.execute(sql)?.cells()?.first().and_then(|row| row.first().cloned()) {
        Some(Cell::Text(text)) => Ok(text),
        other => Err(format!("no number: {other:?}").into()),
    }
}

/// Prints the medians, and what part of the full refresh the other one takes.
#[allow(clippy::print_stdout)]
fn report(name: &str, carried: &[Duration], full: Option<&[Duration]>) {
    let median = |times: &[Duration]| {
        let mut times = times.to_vec();
        times.sort();
        times.get(times.len() / 2).map_or(0.0, |time| time.as_secs_f64() * 1e3)
    };
    let own = median(carried);
    match full.map(median) {
        Some(full) => {
            println!(
                "{name:12} {own:9.1} ms of {full:9.1} ms in full: {:5.1} %",
                own / full * 100.0
            );
        }
        None => println!("{name:12} {own:9.1} ms"),
    }
}
