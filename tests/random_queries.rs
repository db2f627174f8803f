//! Random queries have the same answers whichever way they are run: by a plan as it was bound, on one thread, with
//! tiny batches, with so little memory that operators spill.

use firn_tests::random_query::{Numbers, Writer, tables};
use firn_tests::{CONFIGURATIONS, Configuration, Connection, EngineUnderTest, Place, written_row};

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

/// Queries of each seed.
const QUERIES: usize = 120;

struct Way {
    configuration: Configuration,
    connection: Connection,
}

/// The rows in an order of their own, or what is wrong.
fn answer(way: &mut Way, sql: &str) -> Result<Vec<String>, String> {
    let result = way.connection.execute(sql).map_err(|failure| failure.to_string())?;
    let cells = result.cells().map_err(|error| error.to_string())?;
    let mut rows: Vec<String> = cells.iter().map(|row| written_row(row)).collect();
    rows.sort();
    Ok(rows)
}

fn run(seed: u64) -> Outcome<()> {
    let mut numbers = Numbers(seed);
    let statements = tables(&mut numbers);
    let mut ways = Vec::new();
    for configuration in CONFIGURATIONS.iter().filter(|c| c.place == Place::Memory) {
        let engine = EngineUnderTest::new(*configuration)?;
        let mut way = Way { configuration: *configuration, connection: engine.connect()? };
        for statement in &statements {
            answer(&mut way, statement)?;
        }
        ways.push((engine, way));
    }
    for number in 0..QUERIES {
        let sql = Writer::new(&mut numbers).query();
        let mut answers =
            ways.iter_mut().map(|(_, way)| (way.configuration.name, answer(way, &sql)));
        let Some((_, expected)) = answers.next() else { return Ok(()) };
        for (name, found) in answers {
            assert_eq!(found, expected, "seed {seed}, query {number}, {name}: {sql}");
        }
        if let Err(failure) = expected {
            assert!(failure.contains("subquery"), "seed {seed}, query {number}: {failure}: {sql}");
        }
    }
    Ok(())
}

#[test]
fn every_way_gives_the_same_answers() -> Outcome<()> {
    (1..=4).try_for_each(run)
}
