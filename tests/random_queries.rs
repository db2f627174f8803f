//! Random queries have the same answers whichever way they are run: by a plan as it was bound, on one thread, with
//! tiny batches, with so little memory that operators spill; and over a derived table as over a table made of it.

use firn_tests::Numbers;
use firn_tests::derived_query::DerivedQuery;
use firn_tests::random_query::{Writer, tables};
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

/// An engine in memory for each configuration, with the tables.
fn ways(numbers: &mut Numbers) -> Outcome<Vec<(EngineUnderTest, Way)>> {
    let statements = tables(numbers);
    let mut ways = Vec::new();
    for configuration in CONFIGURATIONS.iter().filter(|c| c.place == Place::Memory) {
        let engine = EngineUnderTest::new(*configuration)?;
        let mut way = Way { configuration: *configuration, connection: engine.connect()? };
        for statement in &statements {
            answer(&mut way, statement)?;
        }
        ways.push((engine, way));
    }
    Ok(ways)
}

fn run(seed: u64) -> Outcome<()> {
    let mut numbers = Numbers(seed);
    let mut ways = ways(&mut numbers)?;
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

/// Queries over derived tables of each seed.
const DERIVED_QUERIES: usize = 30;

fn run_derived(seed: u64) -> Outcome<()> {
    let mut numbers = Numbers(seed);
    let mut ways = ways(&mut numbers)?;
    for number in 0..DERIVED_QUERIES {
        let query = DerivedQuery::write(&mut numbers);
        let (made, over_table) = (query.table("made"), query.over_table("made"));
        let sql = query.over_derived();
        let mut expected = None;
        for (_, way) in &mut ways {
            let name = way.configuration.name;
            let whole = format!("seed {seed}, query {number}, {name}: {sql}");
            answer(way, &made).map_err(|failure| format!("{whole}: {failure}"))?;
            let stored =
                answer(way, &over_table).map_err(|failure| format!("{whole}: {failure}"))?;
            let expected = expected.get_or_insert_with(|| stored.clone());
            assert_eq!(stored, *expected, "over the table: {whole}");
            match answer(way, &sql) {
                Ok(derived) => assert_eq!(derived, *expected, "over the derived table: {whole}"),
                Err(failure) => assert!(failure.contains("subquery"), "{failure}: {whole}"),
            }
        }
    }
    Ok(())
}

#[test]
fn a_derived_table_answers_as_a_table_made_of_it() -> Outcome<()> {
    (11..=12).try_for_each(run_derived)
}
